//! Transfer learning: weights from files, new heads, parameter groups with their own rates, and
//! low-rank adapters.

use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use wgrad::nn::{self, Lora, Module, Visitor};
use wgrad::optim::{Adam, AdamW, Sgd};
use wgrad::schedule::Schedule;
use wgrad::train::{Control, EpochEnd, Group, Load, Tick};
use wgrad::{Device, Fit, Tensor, Trainer};

use crate::{FEATURES, classes, classifier, mlp, near};

/// A body and a head, with names as in a `state_dict`.
struct Net {
    body: nn::Sequential,
    head: nn::Linear,
}

impl Module for Net {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.head.forward(&self.body.forward(x))
    }
    fn visit(&self, v: &mut Visitor) {
        v.child("body", &self.body);
        v.child("head", &self.head);
    }
}

fn net(outputs: usize) -> Net {
    let body = nn::Sequential::new()
        .add(nn::Linear::new(FEATURES, 13))
        .add(nn::BatchNorm1d::new(13))
        .add(nn::Tanh);
    Net {
        body,
        head: nn::Linear::new(13, outputs),
    }
}

/// Trains a model a little, and saves it.
fn pretrained(device: &Device, path: &Path) -> Trainer {
    let set = classes(40);
    let mut trainer = Trainer::new(net(3)).optimizer(Adam::new(0.01)).seed(3);
    trainer = trainer.clip_grad_norm(5.0);
    let mut trainer = trainer.compile(device, &set).unwrap();
    trainer.fit(&set, Fit::epochs(3).batch_size(8)).unwrap();
    trainer.save(path).unwrap();
    trainer
}

fn bits(trainer: &mut Trainer, name: &str) -> Vec<u32> {
    let values = trainer.weights(name).unwrap();
    values.into_iter().map(f32::to_bits).collect()
}

fn predictions(trainer: &mut Trainer) -> Vec<f32> {
    trainer.predict(&classes(20)).unwrap().values
}

fn all_near(got: &[f32], want: &[f32], tolerance: f64) {
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        near(f64::from(*got), f64::from(*want), tolerance);
    }
}

on_every_device! {
    fn a_new_head_on_a_trained_body(device) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("three.safetensors");
        let mut first = pretrained(device, &path);
        let set = classes(40);
        let mut trainer = Trainer::new(net(5)).freeze("body.*").optimizer(Sgd::new(0.1))
            .compile(device, &set).unwrap();
        let head = bits(&mut trainer, "head.weight");
        let report = trainer.load(&path, &Load::lenient()).unwrap();
        assert!(!report.is_complete());
        assert_eq!(report.to_string(), "7 tensors loaded\n  of another shape: head.weight is F32[3, 13], in the \
            model [5, 13], head.bias is F32[3], in the model [5]");
        for name in ["body.0.weight", "body.0.bias", "body.1.weight", "body.1.running_var"] {
            assert_eq!(bits(&mut trainer, name), bits(&mut first, name), "{name}");
        }
        assert_eq!(bits(&mut trainer, "head.weight"), head);
        // An excluded head is in no list.
        let report = trainer.load(&path, &Load::strict().except("head.*")).unwrap();
        assert!(report.is_complete() && report.loaded.len() == 7, "{report}");
        trainer.fit(&set, Fit::epochs(2).batch_size(8)).unwrap();
        assert_eq!(bits(&mut trainer, "body.0.weight"), bits(&mut first, "body.0.weight"));
        assert_ne!(bits(&mut trainer, "head.weight"), head);
    }

    fn weights_are_taken_over_while_a_training_goes_on(device) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("start.safetensors");
        let set = classes(24);
        let fit = |epochs| Fit::epochs(epochs).batch_size(8).shuffle(false);
        let new = || Trainer::new(mlp(3)).optimizer(Sgd::new(0.1)).compile(device, &set).unwrap();
        let mut start = new();
        start.save(&path).unwrap();
        start.fit(&set, fit(2)).unwrap();
        let want = start.weights_sha256().unwrap();
        // Five epochs, of which the first three are discarded.
        let mut trainer = new();
        let from = path.clone();
        let history = trainer.fit(&set, fit(5).callback(move |cx: &mut EpochEnd| {
            if cx.epoch.epoch == 3 {
                cx.trainer.load_weights(&from)?;
            }
            Ok(Control::Continue)
        })).unwrap();
        assert_eq!(history.epochs.len(), 5);
        assert_eq!(trainer.weights_sha256().unwrap(), want);
        assert_eq!(history.epochs[3].loss.to_bits(), history.epochs[0].loss.to_bits());
        // And between two ticks.
        let mut trainer = new();
        trainer.begin(&set, fit(3)).unwrap();
        while trainer.steps() < 3 {
            trainer.step().unwrap();
        }
        trainer.load_weights(&path).unwrap();
        while !matches!(trainer.step().unwrap(), Tick::Done(_)) {}
        assert_eq!(trainer.weights_sha256().unwrap(), want);
    }

    fn a_checkpoint_of_a_finished_training_has_nothing_more_to_do(device) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("done.safetensors");
        let set = classes(24);
        let fit = |epochs| Fit::epochs(epochs).batch_size(8);
        let mut whole = classifier().compile(device, &set).unwrap();
        let history = whole.fit(&set, fit(5)).unwrap();
        for by_steps in [false, true] {
            let mut trainer = classifier().compile(device, &set).unwrap();
            if by_steps {
                trainer.begin(&set, fit(3)).unwrap();
                while !matches!(trainer.step().unwrap(), Tick::Done(_)) {}
            } else {
                trainer.fit(&set, fit(3)).unwrap();
            }
            trainer.save(&path).unwrap();
            let at = trainer.weights_sha256().unwrap();
            let mut resumed = classifier().compile(device, &set).unwrap();
            resumed.resume(&path).unwrap();
            let again = resumed.fit(&set, fit(3)).unwrap();
            assert_eq!(again.epochs.len(), 3);
            assert_eq!((resumed.steps(), resumed.weights_sha256().unwrap()), (9, at));
            // With more epochs, it continues to the same bits as a training with that many epochs
            // from the start.
            let mut resumed = classifier().compile(device, &set).unwrap();
            resumed.resume(&path).unwrap();
            let more = resumed.fit(&set, fit(5)).unwrap();
            assert_eq!(more.epochs.len(), 5);
            assert_eq!(more.epochs[4].loss.to_bits(), history.epochs[4].loss.to_bits());
            assert_eq!(resumed.weights_sha256().unwrap(), whole.weights_sha256().unwrap());
            // The next training of the same trainer starts from epoch 1.
            let next = trainer.fit(&set, fit(2)).unwrap();
            assert_eq!(next.epochs.iter().map(|e| e.epoch).collect::<Vec<_>>(), [1, 2]);
            assert_eq!(trainer.steps(), 15);
        }
    }

    fn groups_have_their_rates(device) {
        // One step from the same weights: the change is proportional to the rate.
        let set = classes(16);
        let step = |groups: &[(&str, Group)], schedule: Schedule| {
            let mut builder = Trainer::new(mlp(3)).optimizer(Sgd::new(0.1)).schedule(schedule);
            for (pattern, group) in groups {
                builder = builder.group(pattern, *group);
            }
            let mut trainer = builder.compile(device, &set).unwrap();
            let names = ["0.weight", "0.bias", "2.weight", "2.bias"];
            let before = names.map(|n| trainer.weights(n).unwrap());
            trainer.fit(&set, Fit::epochs(1).batch_size(16)).unwrap();
            let after = names.map(|n| trainer.weights(n).unwrap());
            [0, 1, 2, 3].map(|i| {
                let changes = before[i].iter().zip(&after[i]).map(|(b, a)| f64::from(a - b));
                changes.collect::<Vec<f64>>()
            })
        };
        let plain = step(&[], Schedule::constant());
        let groups = [("*.bias", Group::rate(0.3)), ("0.*", Group::factor(0.5))];
        let schedule = Schedule::constant().warmup_epochs(2.0);
        for (schedule, shrunk) in [(Schedule::constant(), 1.0), (schedule, 0.5)] {
            let grouped = step(&groups, schedule);
            for (i, factor) in [0.5, 3.0, 1.0, 3.0].into_iter().enumerate() {
                for (got, plain) in grouped[i].iter().zip(&plain[i]) {
                    near(*got, plain * factor * shrunk, 2e-6);
                }
            }
        }
    }

    fn groups_have_their_weight_decay(device) {
        let set = classes(16);
        let trained = |decay: f64, groups: &[(&str, Group)]| {
            let mut builder = Trainer::new(mlp(3)).optimizer(AdamW::new(0.01).weight_decay(decay));
            for (pattern, group) in groups {
                builder = builder.group(pattern, *group);
            }
            let mut trainer = builder.compile(device, &set).unwrap();
            trainer.fit(&set, Fit::epochs(1).batch_size(16)).unwrap();
            (bits(&mut trainer, "0.weight"), bits(&mut trainer, "2.bias"))
        };
        let none = Group::factor(1.0).weight_decay(0.0);
        let (with, without) = (trained(0.2, &[]), trained(0.0, &[]));
        assert_ne!(with, without);
        assert_eq!(trained(0.2, &[("*.bias", none)]), (with.0, without.1));
    }

    fn an_adapter_learns_while_its_weight_rests(device) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("base.safetensors");
        let mut base = pretrained(device, &path);
        let set = classes(40);
        let adapted = |seed| {
            let lora = Lora::new(2).alpha(6.0);
            let builder = Trainer::new(net(3)).lora("body.0.weight", lora).lora("head.*", lora).freeze("body.*");
            let mut trainer = builder.optimizer(Adam::new(0.02)).seed(seed).compile(device, &set).unwrap();
            let report = trainer.load(&path, &Load::strict()).unwrap();
            assert_eq!(report.loaded.len(), 9);
            trainer
        };
        let mut trainer = adapted(1);
        assert_eq!(trainer.weights("body.0.lora_A").unwrap().len(), 2 * FEATURES);
        assert_eq!(trainer.weights("head.lora_B").unwrap(), vec![0.0; 6]);
        // B is 0, so nothing has changed yet.
        assert_eq!(predictions(&mut trainer), predictions(&mut base));
        let history = trainer.fit(&set, Fit::epochs(8).batch_size(8)).unwrap();
        assert!(history.epochs[7].loss < history.epochs[0].loss);
        for name in ["body.0.weight", "body.0.bias", "body.1.weight", "head.weight"] {
            assert_eq!(bits(&mut trainer, name), bits(&mut base, name), "{name}");
        }
        assert_ne!(bits(&mut trainer, "head.bias"), bits(&mut base, "head.bias"));
        let want = predictions(&mut trainer);
        assert!(want != predictions(&mut base));

        // The whole checkpoint can be loaded, including the adapters.
        let whole = folder.path().join("whole.safetensors");
        trainer.save(&whole).unwrap();
        let mut other = adapted(2);
        other.load_weights(&whole).unwrap();
        assert_eq!(predictions(&mut other), want);
        // Only the adapters, on the same base with the same other tensors.
        let small = folder.path().join("adapter.safetensors");
        trainer.save_adapter(&small).unwrap();
        let mut other = adapted(2);
        other.load(&whole, &Load::strict().only("head.bias").only("body.1.*")).unwrap();
        assert_eq!(other.load_adapter(&small).unwrap().loaded.len(), 4);
        assert_eq!(predictions(&mut other), want);
        assert!(std::fs::metadata(&small).unwrap().len() < std::fs::metadata(&path).unwrap().len() / 2);

        // Merged, in place and in a file without adapters.
        let merged = folder.path().join("merged.safetensors");
        trainer.save_weights(&merged).unwrap();
        trainer.merge_lora().unwrap();
        all_near(&predictions(&mut trainer), &want, 1e-5);
        assert_eq!(trainer.weights("head.lora_B").unwrap(), vec![0.0; 6]);
        let mut plain = Trainer::new(net(3)).compile(device, &set).unwrap();
        assert!(plain.load(&merged, &Load::strict()).unwrap().is_complete());
        assert_eq!(bits(&mut plain, "head.weight"), bits(&mut trainer, "head.weight"));
        all_near(&predictions(&mut plain), &want, 1e-5);
        // And it can be trained further.
        trainer.fit(&set, Fit::epochs(1).batch_size(8)).unwrap();
    }

    fn an_adapter_trains_as_if_it_were_written_into_the_model(device) {
        /// `x W^T + b + scale (x A^T) B^T`, written by hand.
        struct Written {
            base: nn::Linear,
            a: nn::Parameter,
            b: nn::Parameter,
        }
        impl Module for Written {
            fn forward(&self, x: &Tensor) -> Tensor {
                let low = x.matmul_t(&self.a.tensor(x)).matmul_t(&self.b.tensor(x));
                self.base.forward(x) + low * 2.0
            }
            fn visit(&self, v: &mut Visitor) {
                self.base.visit(v);
                v.parameter("lora_A", &self.a);
                v.parameter("lora_B", &self.b);
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("start.safetensors");
        let set = classes(24);
        let fit = || Fit::epochs(3).batch_size(8);
        let mut adapted = Trainer::new(nn::Linear::new(FEATURES, 3)).lora("weight", Lora::new(2).alpha(4.0))
            .optimizer(Sgd::new(0.1)).compile(device, &set).unwrap();
        adapted.save(&path).unwrap();
        let zeros = || wgrad::graph::Init::Constant(0.0);
        let written = Written {
            base: nn::Linear::new(FEATURES, 3),
            a: nn::Parameter::new([2, FEATURES], zeros()),
            b: nn::Parameter::new([3, 2], zeros()),
        };
        let mut written = Trainer::new(written).freeze("weight").optimizer(Sgd::new(0.1))
            .compile(device, &set).unwrap();
        written.load_weights(&path).unwrap();
        adapted.fit(&set, fit()).unwrap();
        written.fit(&set, fit()).unwrap();
        for name in ["weight", "bias", "lora_A", "lora_B"] {
            all_near(&adapted.weights(name).unwrap(), &written.weights(name).unwrap(), 1e-6);
        }
    }

    fn weights_of_any_layer_are_adapted(device) {
        // An embedding, three projections in one, and a recurrent layer.
        struct Words(nn::Embedding, nn::MultiHeadAttention, nn::Lstm, nn::Linear);
        impl Module for Words {
            fn forward(&self, x: &Tensor) -> Tensor {
                let words = x.abs().clamp(0.0, 4.0).cast(wgrad::DType::U32);
                let h = self.1.forward(&self.0.forward(&words));
                self.3.forward(&self.2.forward(&h))
            }
            fn visit(&self, v: &mut Visitor) {
                v.child("words", &self.0);
                v.child("attention", &self.1);
                v.child("lstm", &self.2);
                v.child("head", &self.3);
            }
        }
        let set = classes(24);
        let model = Words(
            nn::Embedding::new(5, 8),
            nn::MultiHeadAttention::new(8, 2),
            nn::Lstm::new(8, 6).last(),
            nn::Linear::new(6, 3),
        );
        let mut trainer = Trainer::new(model).freeze("*").lora("*", Lora::new(3)).optimizer(Adam::new(0.02))
            .compile(device, &set).unwrap();
        let before = predictions(&mut trainer);
        let history = trainer.fit(&set, Fit::epochs(6).batch_size(8)).unwrap();
        assert!(history.epochs[5].loss < history.epochs[0].loss);
        let after = predictions(&mut trainer);
        assert_ne!(before, after);
        for layer in ["words.", "attention.in_proj_weight.", "lstm.weight_ih_l0.", "lstm.weight_hh_l0.", "head."] {
            let b = trainer.weights(&format!("{layer}lora_B")).unwrap();
            assert!(b.iter().any(|b| *b != 0.0), "{layer}");
        }
        trainer.merge_lora().unwrap();
        all_near(&predictions(&mut trainer), &after, 1e-4);
    }
}

/// Writes a file with one tensor per name, of any type.
fn file(path: &Path, tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) {
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        let view = TensorView::new(*dtype, shape.to_vec(), bytes).unwrap();
        (*name, view)
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn files_of_other_programs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.safetensors");
    let set = classes(9);
    let values: Vec<f32> = (0..3 * FEATURES).map(|i| i as f32 * 0.25 - 2.0).collect();
    let wide: Vec<u8> = values
        .iter()
        .flat_map(|v| f64::from(*v).to_le_bytes())
        .collect();
    // The upper half of an f32 is a bf16.
    let bias: Vec<u8> = [1.5f32, -2.0, 0.25]
        .iter()
        .flat_map(|v| ((v.to_bits() >> 16) as u16).to_le_bytes())
        .collect();
    file(
        &path,
        &[
            ("model.fc.weight", Dtype::F64, &[3, FEATURES], wide),
            ("model.fc.bias", Dtype::BF16, &[3], bias),
            ("model.steps", Dtype::I64, &[], 7i64.to_le_bytes().to_vec()),
        ],
    );
    let new = || {
        let builder = Trainer::new(nn::Linear::new(FEATURES, 3));
        builder.compile(&Device::cpu(), &set).unwrap()
    };
    let mut trainer = new();
    let how = Load::lenient().rename("model.fc.", "");
    let report = trainer.load(&path, &how).unwrap();
    assert_eq!(trainer.weights("weight").unwrap(), values);
    assert_eq!(trainer.weights("bias").unwrap(), [1.5, -2.0, 0.25]);
    assert_eq!(
        report.to_string(),
        "2 tensors loaded\n  unexpected in the file: model.steps"
    );
    // Rejected as a whole, and nothing changes.
    let mut trainer = new();
    let hash = trainer.weights_sha256().unwrap();
    let error = trainer.load_weights(&path).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "does not fit the model: 0 tensors loaded\n  missing in the file: weight, bias\n  unexpected in \
             the file: model.fc.bias, model.fc.weight, model.steps"
        ),
        "{error}"
    );
    assert_eq!(trainer.weights_sha256().unwrap(), hash);
    let both = Load::lenient()
        .rename("model.fc.weight", "weight")
        .rename("model.steps", "weight");
    let error = trainer.load(&path, &both).unwrap_err().to_string();
    assert!(error.ends_with("has two tensors for weight"), "{error}");
}

#[test]
fn running_statistics_of_another_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("norm.safetensors");
    let bytes =
        |values: [f32; 7]| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
    file(
        &path,
        &[
            ("weight", Dtype::F32, &[7], bytes([1.0; 7])),
            ("bias", Dtype::F32, &[7], bytes([0.5; 7])),
            ("running_mean", Dtype::F32, &[7], bytes([2.0; 7])),
            ("running_var", Dtype::F32, &[7], bytes([3.0; 7])),
            (
                "num_batches_tracked",
                Dtype::I64,
                &[],
                123i64.to_le_bytes().to_vec(),
            ),
        ],
    );
    let set = crate::numbers(9);
    let model = nn::Sequential::new()
        .add(nn::BatchNorm1d::new(FEATURES))
        .add(nn::Linear::new(FEATURES, 1));
    let builder = Trainer::new(model).loss(wgrad::loss::Mse::new());
    let mut trainer = builder.compile(&Device::cpu(), &set).unwrap();
    let how = Load::strict().rename("", "0.").except("1.*");
    assert!(trainer.load(&path, &how).unwrap().is_complete());
    assert_eq!(trainer.weights("0.num_batches_tracked").unwrap(), [123.0]);
}

#[test]
fn what_fits_nothing_is_refused() {
    let set = classes(9);
    let error = |builder: wgrad::train::TrainerBuilder| {
        let compiled = builder.compile(&Device::cpu(), &set);
        compiled.err().expect("it compiled").to_string()
    };
    let new = || Trainer::new(mlp(3));
    let all = "0.weight, 0.bias, 2.weight, 2.bias";
    assert_eq!(
        error(new().group("1.*", Group::factor(0.1))),
        format!("group: expected the name of a parameter, found \"1.*\"; the names are {all}")
    );
    assert_eq!(
        error(new().lora("*.bias", Lora::new(4))),
        "lora: expected the name of a matrix, found \"*.bias\"; the matrices are 0.weight, 2.weight"
    );
    let rank = error(new().lora("*", Lora::new(0)));
    assert!(rank.contains("a rank of at least 1"), "{rank}");
    let rate = error(new().group("*", Group::rate(-1.0)));
    assert_eq!(
        rate,
        "a group's learning rate is -1, but must be a number above 0"
    );
    let decay = error(new().group("*", Group::factor(1.0).weight_decay(-0.5)));
    assert!(decay.contains("weight_decay is -0.5"), "{decay}");
    let mut plain = new().compile(&Device::cpu(), &set).unwrap();
    let none = plain.merge_lora().unwrap_err().to_string();
    assert!(none.contains("expected a model with adapters"), "{none}");
}

#[test]
fn an_adapter_of_another_scale_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("adapter.safetensors");
    let set = classes(9);
    let new = |lora: Lora| {
        let builder = Trainer::new(mlp(3)).lora("0.*", lora);
        builder.compile(&Device::cpu(), &set).unwrap()
    };
    new(Lora::new(4).alpha(8.0)).save_adapter(&path).unwrap();
    let error = new(Lora::new(4))
        .load_adapter(&path)
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("expected a scale of 1 for the adapter of 0.weight, found 2"),
        "{error}"
    );
    let error = new(Lora::new(2).alpha(4.0))
        .load_adapter(&path)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("0.lora_A is F32[4, 7], in the model [2, 7]"),
        "{error}"
    );
}
