//! Tuning: its results, at any time, never change the bits of a training.

use std::path::Path;

use wgrad::data::{Dataset, Targets};
use wgrad::exec::gpu::{Options, Tuning};
use wgrad::train::TrainerBuilder;
use wgrad::{Device, Fit, Trainer, loss, nn, optim};

use crate::common;
use crate::precision::{convolutional, digits, language};

fn device(tuning: Tuning, folder: &Path) -> Option<Device> {
    let options = Options {
        tuning,
        cache: Some(folder.to_path_buf()),
        ..common::options()
    };
    common::open(&options).map(Device::from_gpu)
}

fn weights(device: &Device, model: fn() -> (TrainerBuilder, Dataset)) -> String {
    let (builder, set) = model();
    let mut trainer = builder.compile(device, &set).unwrap();
    let fit = Fit::epochs(3).batch_size(24).validation_split(0.2);
    trainer.fit(&set, fit).unwrap();
    trainer.weights_sha256().unwrap()
}

fn images() -> (TrainerBuilder, Dataset) {
    let trainer = Trainer::new(convolutional()).optimizer(optim::AdamW::new(2e-3));
    (trainer.seed(6), digits().split(0.85, 1).unwrap().1)
}

/// Half of its dispatches can be fused with others.
fn small() -> (TrainerBuilder, Dataset) {
    let model = nn::Sequential::new()
        .add(nn::Linear::new(10, 64))
        .add(nn::Relu)
        .add(nn::Linear::new(64, 64))
        .add(nn::Tanh)
        .add(nn::Dropout::new(0.2))
        .add(nn::Linear::new(64, 1))
        .add(nn::Sigmoid);
    let x: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.7).sin()).collect();
    let y = (0..100).map(|i| f32::from(u8::from(i % 3 == 0))).collect();
    let set = Dataset::from_arrays(x, [10], Targets::values(y)).unwrap();
    let trainer = Trainer::new(model).loss(loss::Bce::new());
    (trainer.optimizer(optim::Adam::new(1e-3)).seed(6), set)
}

fn text() -> (TrainerBuilder, Dataset) {
    let (model, set) = language();
    let trainer = Trainer::new(model).optimizer(optim::AdamW::new(3e-3));
    (trainer.seed(6), set)
}

/// Rewrites the cache file with other variants.
fn rewrite(folder: &Path, variant: u64) -> usize {
    let mut files = std::fs::read_dir(folder).unwrap();
    let path = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    let found = std::fs::read_to_string(&path).unwrap();
    let mut found: serde_json::Value = serde_json::from_str(&found).unwrap();
    let variants = found["variants"].as_object_mut().unwrap();
    variants.values_mut().for_each(|v| *v = variant.into());
    let count = variants.len();
    std::fs::write(&path, found.to_string()).unwrap();
    count
}

#[test]
fn the_bits_of_a_training_do_not_depend_on_what_was_tuned_when_gpu() {
    for model in [images, text, small] {
        let folder = tempfile::tempdir().unwrap();
        let Some(plain) = device(Tuning::Off, folder.path()) else {
            return;
        };
        let want = weights(&plain, model);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let eager = device(Tuning::Eager, folder.path()).unwrap();
        assert_eq!(weights(&eager, model), want);
        // With the results of tuning, from the first run on.
        assert_eq!(weights(&eager, model), want);
        // Other variants from the first run on; the largest number is no variant.
        for variant in [1, u64::MAX] {
            assert!(rewrite(folder.path(), variant) > 0);
            let idle = device(Tuning::Idle, folder.path()).unwrap();
            assert_eq!(weights(&idle, model), want, "variant {variant}");
        }
    }
}
