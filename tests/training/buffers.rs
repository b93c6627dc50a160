//! Buffers that a training step changes: running statistics, and the buffers of custom modules.

use wgrad::graph::Init;
use wgrad::nn::{self, Module, Parameter, Visitor};
use wgrad::optim::{Adam, Sgd};
use wgrad::{Device, Fit, Tensor, Trainer, metrics};

use crate::{FEATURES, classes, near};

fn model() -> nn::Sequential {
    nn::Sequential::new()
        .add(nn::Linear::new(FEATURES, 13))
        .add(nn::BatchNorm1d::new(13))
        .add(nn::Relu)
        .add(nn::Linear::new(13, 3))
}

fn compiled(device: &Device) -> Trainer {
    Trainer::new(model())
        .optimizer(Adam::new(0.01))
        .metric(metrics::Accuracy)
        .seed(5)
        .compile(device, &classes(50))
        .unwrap()
}

/// Counts the samples in training, and the steps in which it was called twice.
struct Counter {
    inner: nn::Linear,
    samples: Parameter,
    twice: Parameter,
}

impl Counter {
    fn new() -> Self {
        let number = || Parameter::new([1], Init::Constant(0.0)).frozen();
        Counter {
            inner: nn::Linear::new(FEATURES, 3),
            samples: number(),
            twice: number(),
        }
    }
}

impl Module for Counter {
    fn forward(&self, x: &Tensor) -> Tensor {
        let batch = x.dim(0) as f64;
        self.samples.assign(&(self.samples.tensor(x) + batch));
        for _ in 0..2 {
            self.twice.assign(&(self.twice.tensor(x) + 0.5));
        }
        self.inner.forward(x)
    }
    fn visit(&self, v: &mut Visitor) {
        v.child("inner", &self.inner);
        v.parameter("samples", &self.samples);
        v.parameter("twice", &self.twice);
    }
}

on_every_device! {
    fn running_statistics_follow_the_batches_the_ragged_one_too(device) {
        // A rate so small that the weights do not change, and batches in the order of the set.
        let set = classes(20);
        let norm = nn::Sequential::new().add(nn::BatchNorm1d::new(FEATURES)).add(nn::Linear::new(FEATURES, 3));
        let mut trainer = Trainer::new(norm).optimizer(Sgd::new(1e-12)).compile(device, &set).unwrap();
        trainer.fit(&set, Fit::epochs(2).batch_size(8).shuffle(false)).unwrap();
        let features = set.features_all();
        let rows: Vec<&[f32]> = features.chunks(FEATURES).collect();
        let (mut mean, mut var) = ([0.0; FEATURES], [1.0; FEATURES]);
        for _ in 0..2 {
            for batch in rows.chunks(8) {
                let n = batch.len() as f64;
                for c in 0..FEATURES {
                    let values = || batch.iter().map(|row| f64::from(row[c]));
                    let m = values().sum::<f64>() / n;
                    let v = values().map(|x| (x - m).powi(2)).sum::<f64>() / (n - 1.0);
                    mean[c] = 0.9 * mean[c] + 0.1 * m;
                    var[c] = 0.9 * var[c] + 0.1 * v;
                }
            }
        }
        let got_mean = trainer.weights("0.running_mean").unwrap();
        let got_var = trainer.weights("0.running_var").unwrap();
        for c in 0..FEATURES {
            near(f64::from(got_mean[c]), mean[c], 1e-6);
            near(f64::from(got_var[c]), var[c], 1e-6);
        }
        assert_eq!(trainer.weights("0.num_batches_tracked").unwrap(), [6.0]);

        // An evaluation uses the buffers without changing them.
        let of = |t: &mut Trainer, name: &str| -> Vec<f64> {
            t.weights(name).unwrap().into_iter().map(f64::from).collect()
        };
        let (scale, shift) = (of(&mut trainer, "0.weight"), of(&mut trainer, "0.bias"));
        let (w, b) = (of(&mut trainer, "1.weight"), of(&mut trainer, "1.bias"));
        let predicted = trainer.predict(&set).unwrap();
        for (row, y) in rows.iter().zip(predicted.rows()) {
            for (k, y) in y.iter().enumerate() {
                let normal = |c: usize| (f64::from(row[c]) - mean[c]) / (var[c] + 1e-5).sqrt() * scale[c] + shift[c];
                let want = b[k] + (0..FEATURES).map(|c| w[k * FEATURES + c] * normal(c)).sum::<f64>();
                near(f64::from(*y), want, 1e-5);
            }
        }
        trainer.evaluate(&set).unwrap();
        assert_eq!(trainer.weights("0.running_mean").unwrap(), got_mean);
    }

    fn statistics_are_saved_and_resumed_to_the_bit(device) {
        let folder = tempfile::tempdir().unwrap();
        let set = classes(50);
        let fit = |epochs| Fit::epochs(epochs).batch_size(8).validation_split(0.2);
        let mut whole = compiled(device);
        let history = whole.fit(&set, fit(4)).unwrap();
        let hash = whole.weights_sha256().unwrap();
        // Steps 3 and 10: in the first epoch, and at the end of the second.
        for steps in [3, 10] {
            let path = folder.path().join("at.safetensors");
            let mut first = compiled(device);
            first.begin(&set, fit(4)).unwrap();
            while first.steps() < steps {
                first.step().unwrap();
            }
            first.save(&path).unwrap();
            let mut second = compiled(device);
            second.resume(&path).unwrap();
            let resumed = second.fit(&set, fit(4)).unwrap();
            assert_eq!(second.weights_sha256().unwrap(), hash);
            let losses = |h: &wgrad::train::History| -> Vec<_> {
                h.epochs.iter().map(|e| (e.loss.to_bits(), e.val_loss.map(f64::to_bits))).collect()
            };
            assert_eq!(losses(&resumed), losses(&history));
        }
        // To another file, without the training state.
        let path = folder.path().join("weights.safetensors");
        whole.save(&path).unwrap();
        let evaluated = whole.evaluate(&set).unwrap();
        let mut other = compiled(device);
        other.load_weights(&path).unwrap();
        assert_eq!(other.evaluate(&set).unwrap(), evaluated);
    }

    fn a_module_keeps_what_it_assigns(device) {
        let set = classes(23);
        let mut trainer = Trainer::new(Counter::new()).compile(device, &set).unwrap();
        trainer.fit(&set, Fit::epochs(3).batch_size(5).validation(&set)).unwrap();
        assert_eq!(trainer.weights("samples").unwrap(), [69.0]);
        assert_eq!(trainer.weights("twice").unwrap(), [15.0]);
        trainer.evaluate(&set).unwrap();
        trainer.predict(&set).unwrap();
        assert_eq!(trainer.weights("samples").unwrap(), [69.0]);
    }

    fn every_step_agrees_with_the_reference(device) {
        let set = classes(21);
        let device = device.clone().checked();
        let mut trainer = compiled(&device);
        trainer.fit(&set, Fit::epochs(2).batch_size(8)).unwrap();
        let mut trainer = Trainer::new(Counter::new()).compile(&device, &set).unwrap();
        trainer.fit(&set, Fit::epochs(1).batch_size(8)).unwrap();
    }
}

#[test]
fn what_cannot_be_assigned() {
    struct Wrong {
        inner: nn::Linear,
        kept: Parameter,
        value: fn(&Tensor) -> Tensor,
    }
    impl Module for Wrong {
        fn forward(&self, x: &Tensor) -> Tensor {
            self.kept.assign(&(self.value)(x));
            self.inner.forward(x)
        }
        fn visit(&self, v: &mut Visitor) {
            v.child("inner", &self.inner);
            v.parameter("kept", &self.kept);
        }
    }
    let error = |kept: Parameter, value: fn(&Tensor) -> Tensor| {
        let inner = nn::Linear::new(FEATURES, 3);
        let model = Wrong { inner, kept, value };
        let compiled = Trainer::new(model).compile(&Device::cpu(), &classes(9));
        compiled.err().expect("it compiled").to_string()
    };
    let parameter = || Parameter::new([FEATURES], Init::Constant(0.0));
    let trained = error(parameter(), |x| x.mean(&[0]));
    assert!(
        trained.contains("which only the optimizer changes"),
        "{trained}"
    );
    let shape = error(parameter().frozen(), |x| x.clone());
    assert!(
        shape.contains("expected a value f32[7], the type of the parameter, found f32[2, 7]"),
        "{shape}"
    );
    assert!(shape.contains("tests/training/buffers.rs"), "{shape}");
}

#[test]
fn batch_norm_names_what_does_not_fit() {
    let error = |model: nn::Sequential, batch: usize| {
        let set = classes(9);
        let mut trainer = match Trainer::new(model).compile(&Device::cpu(), &set) {
            Ok(trainer) => trainer,
            Err(error) => return error.to_string(),
        };
        let fitted = trainer.fit(&set, Fit::epochs(1).batch_size(batch));
        fitted.expect_err("it trains").to_string()
    };
    let line = line!() + 1;
    let wide = nn::Sequential::new().add(nn::BatchNorm1d::new(8));
    assert_eq!(
        error(wide, 3),
        format!(
            "batch_norm: BatchNorm1d expected an input [batch, 8, ..] of 2 or 3 axes, found [2, 7]\n  inputs: \
             f32[2, 7]\n  at tests/training/buffers.rs:{line} (layer 0)"
        )
    );
    let images = nn::Sequential::new().add(nn::BatchNorm2d::new(7));
    assert!(error(images, 3).contains("of 4 axes, found [2, 7]"));
    // 9 samples in batches of 4 leave one.
    let one = error(model(), 4);
    assert!(
        one.contains("no last batch of one sample") && one.contains("layer 1"),
        "{one}"
    );
}
