//! Invalid settings of layers, initialization, schedules and rates; batches that are dropped; a
//! training that fails or continues with other batches; and the loss of each batch.

use std::sync::{Arc, Mutex};

use wgrad::data::{Dataset, Targets};
use wgrad::graph::Init;
use wgrad::nn::{self, Module};
use wgrad::optim::{Adam, Sgd};
use wgrad::schedule::{OneCycle, Plateau, Schedule};
use wgrad::train::{BatchResult, TrainerBuilder};
use wgrad::{Device, Error, Fit, Tensor, Trainer, loss, metrics};

use crate::{FEATURES, classes, classifier, mlp, mlp_with_dropout, near, numbers};

fn refused(builder: TrainerBuilder) -> String {
    builder
        .compile(&Device::cpu(), &classes(9))
        .err()
        .expect("it compiled")
        .to_string()
}

fn after(layer: impl Module + 'static) -> TrainerBuilder {
    Trainer::new(
        nn::Sequential::new()
            .add(layer)
            .add(nn::Linear::new(FEATURES, 3)),
    )
}

#[test]
fn settings_out_of_their_range_are_refused() {
    let line = line!() + 1;
    let text = refused(after(nn::LayerNorm::new([FEATURES]).eps(-1.0)));
    assert!(
        text.starts_with("layer_norm: expected an eps of at least 0, found -1"),
        "{text}"
    );
    assert!(text.contains(&format!("settings.rs:{line}")), "{text}");
    let text = refused(after(nn::RmsNorm::new([FEATURES]).eps(f64::NAN)));
    assert!(
        text.starts_with("rms_norm: expected an eps of at least 0, found NaN"),
        "{text}"
    );
    let text = refused(after(nn::GroupNorm::new(1, FEATURES).eps(-1.0)));
    assert!(
        text.starts_with("group_norm: expected an eps of at least 0, found -1"),
        "{text}"
    );
    let text = refused(after(nn::BatchNorm1d::new(FEATURES).momentum(f64::NAN)));
    assert!(
        text.starts_with("batch_norm: expected a momentum of at least 0 and at most 1, found NaN"),
        "{text}"
    );
    let text = refused(after(nn::BatchNorm1d::new(FEATURES).eps(-1.0)));
    assert!(
        text.starts_with("batch_norm: expected an eps of at least 0, found -1"),
        "{text}"
    );

    let first = |init: Init| refused(Trainer::new(nn::Linear::new(FEATURES, 3).init(init)));
    assert_eq!(
        first(Init::Normal { std: f32::NAN }),
        "the standard deviation of the initial values of weight is NaN, but must be a number of at least 0"
    );
    assert_eq!(
        first(Init::Uniform { bound: -1.0 }),
        "the bound of the initial values of weight is -1, but must be a number of at least 0"
    );
    assert_eq!(
        first(Init::Constant(f32::INFINITY)),
        "the constant of the initial values of weight is inf, but must be a finite number"
    );

    let schedule = |s: Schedule| refused(classifier().schedule(s));
    assert_eq!(
        schedule(OneCycle::new().pct_start(2.0).into()),
        "OneCycle's pct_start is 2, but must be above 0 and below 1"
    );
    assert_eq!(
        schedule(Schedule::from(OneCycle::new().div_factor(0.0)).warmup(3)),
        "OneCycle's div_factor is 0, but must be above 0"
    );
    assert_eq!(
        schedule(Plateau::new().factor(f64::NAN).into()),
        "Plateau's factor is not finite, but must be above 0 and below 1"
    );
    assert_eq!(
        refused(classifier().optimizer(Sgd::new(1e300))),
        "SGD's lr is 1e300, but must be above 0 and at most 3.4e38"
    );
}

#[test]
fn rates_that_no_optimizer_can_take_end_a_training() {
    let set = classes(12);
    for (rate, told) in [(f64::NAN, "NaN"), (-1.0, "-0.01")] {
        let schedule = Schedule::lambda(move |time| if time == 0 { 1.0 } else { rate });
        let mut trainer = classifier()
            .schedule(schedule)
            .compile(&Device::cpu(), &set)
            .unwrap();
        let error = trainer
            .fit(&set, Fit::epochs(2).batch_size(4))
            .unwrap_err()
            .to_string();
        let want = format!(
            "the schedule's learning rate for step 4 is {told}, but must be at least 0 and at most 3.4e38"
        );
        assert_eq!(error, want);
    }
}

#[test]
fn a_model_of_no_tensors_is_a_located_error() {
    struct Empty(fn() -> Tensor);
    impl Module for Empty {
        fn forward(&self, _: &Tensor) -> Tensor {
            (self.0)()
        }
    }
    for model in [
        Empty(|| Tensor::einsum("i->i", &[])),
        Empty(|| Tensor::concat(&[], 0)),
    ] {
        let text = refused(Trainer::new(model));
        assert!(
            text.contains("expected at least 1 tensor, found none")
                && text.contains("settings.rs:"),
            "{text}"
        );
    }
}

/// One number to predict; the values of one sample overflow.
fn exploding() -> Dataset {
    let mut x = crate::features(32);
    x[26 * FEATURES] = 1e25;
    Dataset::from_arrays(x, [FEATURES], Targets::values(vec![1.0; 32])).unwrap()
}

on_every_device! {
    fn a_failed_training_leaves_the_weights_that_it_began_with(device) {
        let set = numbers(32);
        let mut trainer = Trainer::new(mlp(1)).loss(loss::Mse::new()).optimizer(Adam::new(1e-2))
            .compile(device, &set).unwrap();
        trainer.fit(&set, Fit::epochs(2).batch_size(8)).unwrap();
        let (hash, steps) = (trainer.weights_sha256().unwrap(), trainer.steps());
        // Linear, so that the large number reaches the loss.
        let bad = exploding();
        let mut linear = Trainer::new(nn::Linear::new(FEATURES, 1)).loss(loss::Mse::new()).optimizer(Adam::new(1e-2))
            .compile(device, &bad).unwrap();
        linear.fit(&numbers(32), Fit::epochs(1).batch_size(8)).unwrap();
        let (before, done) = (linear.weights_sha256().unwrap(), linear.steps());
        for slices in [false, true] {
            let fit = Fit::epochs(2).batch_size(8).shuffle(false);
            let error = match slices {
                false => linear.fit(&bad, fit).unwrap_err(),
                true => {
                    linear.begin(&bad, fit).unwrap();
                    loop {
                        if let Err(error) = linear.step() {
                            break error;
                        }
                    }
                }
            };
            assert!(matches!(error, Error::NonFinite { .. }), "{error}");
            assert_eq!((linear.weights_sha256().unwrap(), linear.steps()), (before.clone(), done));
        }
        // It can be trained further.
        linear.fit(&numbers(32), Fit::epochs(1).batch_size(8)).unwrap();
        assert_eq!(linear.steps(), done + 4);
        // A successful training keeps its result.
        trainer.fit(&set, Fit::epochs(1).batch_size(8)).unwrap();
        assert_eq!(trainer.steps(), steps + 4);
        assert_ne!(trainer.weights_sha256().unwrap(), hash);
    }

    fn the_last_batch_may_be_left_out(device) {
        let set = classes(13);
        let model = || nn::Sequential::new().add(nn::Linear::new(FEATURES, 5)).add(nn::BatchNorm1d::new(5))
            .add(nn::Linear::new(5, 3));
        let mut trainer = Trainer::new(model()).compile(device, &set).unwrap();
        let error = trainer.fit(&set, Fit::epochs(1).batch_size(4)).unwrap_err().to_string();
        assert!(error.contains("drop the last batch with `Fit::drop_last`"), "{error}");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let batches = Arc::clone(&seen);
        let fit = Fit::epochs(2).batch_size(4).drop_last(true)
            .on_step(move |batch: &BatchResult| batches.lock().unwrap().push((batch.step, batch.samples)));
        trainer.fit(&set, fit).unwrap();
        assert_eq!(*seen.lock().unwrap(), [(1, 4), (2, 4), (3, 4), (4, 4), (5, 4), (6, 4)]);
        // If all batches are full, nothing is dropped.
        let fit = |drop| Fit::epochs(2).batch_size(4).drop_last(drop);
        let hash = |drop| {
            let set = classes(12);
            let mut trainer = classifier().compile(device, &set).unwrap();
            trainer.fit(&set, fit(drop)).unwrap();
            trainer.weights_sha256().unwrap()
        };
        assert_eq!(hash(true), hash(false));
    }

    fn an_epoch_goes_on_in_other_batches_after_as_many_samples(device) {
        let set = classes(12);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("two.safetensors");
        let mut first = classifier().compile(device, &set).unwrap();
        first.begin(&set, Fit::epochs(1).batch_size(2)).unwrap();
        first.step().unwrap();
        first.step().unwrap();
        first.save(&path).unwrap();
        let samples = |batch: usize| {
            let seen = Arc::new(Mutex::new(0));
            let count = Arc::clone(&seen);
            let mut second = classifier().compile(device, &set).unwrap();
            second.resume(&path).unwrap();
            let fit = Fit::epochs(1).batch_size(batch).on_step(move |b| *count.lock().unwrap() += b.samples);
            let history = second.fit(&set, fit)?;
            assert_eq!(history.epochs.len(), 1);
            let seen = *seen.lock().unwrap();
            Ok::<usize, Error>(seen)
        };
        // Four of twelve samples are done.
        for batch in [1, 2, 4] {
            assert_eq!(samples(batch).unwrap(), 8, "batches of {batch}");
        }
        let error = samples(3).unwrap_err().to_string();
        assert_eq!(
            error,
            "batch_size is 3, but must be 2 as before, or a size whose steps end after 4 samples: the checkpoint was \
             saved after so many of an epoch's 12"
        );
    }

    fn each_batch_tells_its_loss_and_the_norm_of_its_gradients(device) {
        let set = numbers(12);
        let seen = Arc::new(Mutex::new(Vec::<BatchResult>::new()));
        let batches = Arc::clone(&seen);
        let zero = nn::Linear::new(FEATURES, 1).init(Init::Constant(0.0));
        let mut trainer = Trainer::new(zero).loss(loss::Mse::new()).optimizer(Sgd::new(1e-12))
            .clip_grad_norm(1e-3).gradient_norm().compile(device, &set).unwrap();
        assert_eq!(trainer.parameters().collect::<Vec<_>>(), ["weight", "bias"]);
        let fit = Fit::epochs(1).batch_size(4).shuffle(false).on_step(move |b| batches.lock().unwrap().push(*b));
        trainer.fit(&set, fit).unwrap();
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 3);
        assert_eq!(trainer.last_batch(), seen.last());
        for (i, batch) in seen.iter().enumerate() {
            assert_eq!((batch.step, batch.samples), (i as u64 + 1, 4));
            // For outputs of 0: the mean of t^2, and the gradients -2 mean(t x) and -2 mean(t).
            let (mut loss, mut gradient) = (0.0, vec![0.0; FEATURES + 1]);
            for row in 4 * i..4 * i + 4 {
                let t = f64::from(set.values(row).unwrap()[0]);
                loss += t * t / 4.0;
                let x = set.row(row).unwrap();
                for (d, x) in gradient.iter_mut().zip(x.iter().chain(&[1.0])) {
                    *d -= 2.0 * t * f64::from(*x) / 4.0;
                }
            }
            near(batch.loss, loss, 1e-6);
            near(batch.gradient_norm.unwrap(), gradient.iter().map(|d| d * d).sum::<f64>().sqrt(), 1e-6);
        }
    }

    fn two_classes_of_one_output_are_told_by_a_threshold(device) {
        let set = Dataset::from_arrays(vec![3.0, -2.0, 1.0], [1], Targets::classes(vec![1, 0, 1], 2)).unwrap();
        let one = || nn::Linear::new(1, 1).init(Init::Constant(1.0));
        let mut logits = Trainer::new(one()).loss(loss::BceWithLogits::new()).compile(device, &set).unwrap();
        assert_eq!(logits.predict(&set).unwrap().classes(), [1, 0, 1]);
        let sigmoid = nn::Sequential::new().add(one()).add(nn::Sigmoid);
        let mut probabilities = Trainer::new(sigmoid).loss(loss::Bce::new()).compile(device, &set).unwrap();
        assert_eq!(probabilities.predict(&set).unwrap().classes(), [1, 0, 1]);
    }

    fn a_metric_that_is_nan_survives_a_checkpoint(device) {
        // One class in validation, for which the area under the curve is undefined.
        let x = crate::features(12);
        let labels = (0..12).map(|i| u32::from(i % 2 == 0 && i < 8)).collect();
        let set = Dataset::from_arrays(x, [FEATURES], Targets::classes(labels, 2)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nan.safetensors");
        let new = || Trainer::new(mlp_with_dropout(2)).metric(metrics::RocAuc).compile(device, &set).unwrap();
        let fit = |epochs| Fit::epochs(epochs).batch_size(4).validation_split(1.0 / 3.0);
        let mut whole = new();
        let history = whole.fit(&set, fit(2)).unwrap();
        assert!(history.epochs.iter().all(|e| e.get("val_roc_auc").unwrap().is_nan()));
        let mut first = new();
        first.fit(&set, fit(1)).unwrap();
        first.save(&path).unwrap();
        let mut second = new();
        second.resume(&path).unwrap();
        let again = second.fit(&set, fit(2)).unwrap();
        assert_eq!(second.weights_sha256().unwrap(), whole.weights_sha256().unwrap());
        assert!(again.epochs.iter().all(|e| e.get("val_roc_auc").unwrap().is_nan()));
        assert_eq!(again.curve("loss"), history.curve("loss"));
        let file = folder.path().join("history.json");
        again.save(&file).unwrap();
        let read = wgrad::train::History::load(&file).unwrap();
        assert!(read.epochs[1].get("val_roc_auc").unwrap().is_nan());
    }
}

/// An embedding of the second of two columns, concatenated with the first.
struct Glued(nn::Embedding);

impl Module for Glued {
    fn forward(&self, x: &Tensor) -> Tensor {
        let embedded = self.0.forward(&x.narrow(1, 1, 1)).reshape([x.dim(0), 3]);
        embedded + x.narrow(1, 0, 1)
    }
    fn visit(&self, v: &mut nn::Visitor) {
        v.child("embedding", &self.0);
    }
}

#[test]
fn features_that_are_no_indices_are_refused() {
    let device = Device::cpu();
    let targets = |n: usize| Targets::Sequences {
        labels: vec![0; n],
        width: 2,
        classes: 3,
    };
    let tokens = |x: &[f32]| Dataset::from_arrays(x.to_vec(), [2], targets(x.len())).unwrap();
    let good = tokens(&[9.0, 0.0, 3.0, 4.0]);
    let line = line!() + 1;
    let embedding = nn::Embedding::new(10, 3);
    let mut trainer = Trainer::new(embedding).compile(&device, &good).unwrap();
    trainer.fit(&good, Fit::epochs(1)).unwrap();
    for (value, told) in [
        (10.0, "10"),
        (-1.0, "-1"),
        (2.7, "2.7"),
        (1e30, "1000000000000000000000000000000"),
    ] {
        let bad = tokens(&[9.0, 0.0, 3.0, value]);
        let [fit, evaluate, predict] = [
            trainer.fit(&bad, Fit::epochs(1)).err(),
            trainer.evaluate(&bad).err(),
            trainer.predict(&bad).err(),
        ]
        .map(|error| error.expect("it was taken").to_string());
        let reason = |what: &str| {
            format!(
                "{what}, sample 1: expected an index, a whole number from 0 to 9, found {told}; it is used by gather at \
                 tests/training/settings.rs:{line}"
            )
        };
        assert!(fit.starts_with(&reason("the training data")), "{fit}");
        assert!(
            evaluate.starts_with(&reason("the evaluation data")),
            "{evaluate}"
        );
        assert!(
            predict.starts_with(&reason("the data to predict")),
            "{predict}"
        );
    }
    // The column of indices counts, not the others.
    let set = |index: f32| {
        let x = vec![-7.5, 3.0, 0.25, index];
        Dataset::from_arrays(x, [2], Targets::classes(vec![0, 2], 3)).unwrap()
    };
    let glued = Glued(nn::Embedding::new(4, 3));
    let mut trainer = Trainer::new(glued).compile(&device, &set(0.0)).unwrap();
    trainer.fit(&set(2.0), Fit::epochs(1)).unwrap();
    let error = trainer
        .fit(&set(4.0), Fit::epochs(1))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(
            "the training data, sample 1: expected an index, a whole number from 0 to 3, found 4"
        ),
        "{error}"
    );
    // Computed indices may have a fraction, which the cast drops, but must be in range.
    struct Rounded(nn::Embedding);
    impl Module for Rounded {
        fn forward(&self, x: &Tensor) -> Tensor {
            let buckets = (x.narrow(1, 1, 1) * 2.0).cast(wgrad::DType::U32);
            self.0.forward(&buckets).reshape([x.dim(0), 3])
        }
        fn visit(&self, v: &mut nn::Visitor) {
            v.child("embedding", &self.0);
        }
    }
    let rounded = Rounded(nn::Embedding::new(4, 3));
    let mut trainer = Trainer::new(rounded).compile(&device, &set(0.0)).unwrap();
    let error = trainer
        .fit(&set(0.3), Fit::epochs(1))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("the training data, sample 0: expected an index, from 0 to 3, found 6"),
        "{error}"
    );
    // The same for one_hot.
    struct OneHot(nn::Linear);
    impl Module for OneHot {
        fn forward(&self, x: &Tensor) -> Tensor {
            let classes = x.reshape([x.dim(0)]).cast(wgrad::DType::U32);
            self.0.forward(&classes.one_hot(5))
        }
        fn visit(&self, v: &mut nn::Visitor) {
            v.child("linear", &self.0);
        }
    }
    let set = |index: f32| {
        Dataset::from_arrays(vec![1.0, index], [1], Targets::classes(vec![0, 2], 3)).unwrap()
    };
    let mut trainer = Trainer::new(OneHot(nn::Linear::new(5, 3)))
        .compile(&device, &set(4.0))
        .unwrap();
    trainer.fit(&set(4.0), Fit::epochs(1)).unwrap();
    let error = trainer.predict(&set(5.0)).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "the data to predict, sample 1: expected an index, a whole number from 0 to 4, found 5"
        ),
        "{error}"
    );
    assert!(error.contains("it is used by one_hot"), "{error}");
    // And take_along_dim.
    struct Taken(nn::Linear);
    impl Module for Taken {
        fn forward(&self, x: &Tensor) -> Tensor {
            let ids = x.narrow(1, 2, 1).cast(wgrad::DType::U32);
            self.0.forward(&x.narrow(1, 0, 2)).take_along_dim(&ids, 1)
        }
        fn visit(&self, v: &mut nn::Visitor) {
            v.child("linear", &self.0);
        }
    }
    let set = |index: f32| {
        let x = vec![0.5, 1.0, 3.0, 0.25, 2.0, index];
        Dataset::from_arrays(x, [3], Targets::values(vec![0.0, 1.0])).unwrap()
    };
    let mut trainer = Trainer::new(Taken(nn::Linear::new(2, 4)))
        .loss(loss::Mse::new())
        .compile(&device, &set(0.0))
        .unwrap();
    trainer.fit(&set(1.0), Fit::epochs(1)).unwrap();
    let error = trainer.evaluate(&set(4.0)).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "the evaluation data, sample 1: expected an index, a whole number from 0 to 3, found 4"
        ),
        "{error}"
    );
    assert!(error.contains("it is used by take_along_dim"), "{error}");
}

on_every_device! {
    fn activations_that_f16_cannot_hold_are_named(device) {
        let mut x = crate::features(16);
        x.iter_mut().for_each(|x| *x *= 1e6);
        let set = Dataset::from_arrays(x, [FEATURES], Targets::values(vec![1.0; 16])).unwrap();
        // Activations of fewer than 1,024 elements stay f32.
        let model = || nn::Sequential::new().add(nn::Linear::new(FEATURES, 256)).add(nn::Relu).add(nn::Linear::new(256, 1));
        let new = |precision| Trainer::new(model()).loss(loss::Mse::new()).optimizer(Sgd::new(1e-30))
            .precision(precision).compile(device, &set).unwrap();
        let mut trainer = new(wgrad::DType::F16);
        let hash = trainer.weights_sha256().unwrap();
        let error = trainer.fit(&set, Fit::epochs(2).batch_size(8)).unwrap_err();
        assert!(matches!(error, Error::NonFinite { step: 1, .. }), "{error}");
        let text = error.to_string();
        for part in ["of which f16 holds up to 65504", "bf16 has the range of f32", "settings.rs:"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(trainer.weights_sha256().unwrap(), hash);
        new(wgrad::DType::Bf16).fit(&set, Fit::epochs(1).batch_size(8)).unwrap();
        // Values that it can represent are trained as before.
        let small = numbers(16);
        let mut trainer = Trainer::new(model()).loss(loss::Mse::new()).precision(wgrad::DType::F16)
            .compile(device, &small).unwrap();
        trainer.fit(&small, Fit::epochs(1).batch_size(8)).unwrap();
    }
}
