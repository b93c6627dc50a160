//! Mixed precision: activations of 16 bits take half the memory and train equally well.

use wgrad::data::{self, Dataset};
use wgrad::nn::{self, Gpt, GptConfig};
use wgrad::schedule::Schedule;
use wgrad::train::TrainerBuilder;
use wgrad::{DType, Device, Fit, Trainer, metrics, optim};

use crate::classes;

/// 1,797 handwritten digits of 8 x 8 pixels.
pub fn digits() -> Dataset {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let digits = data::csv(format!("{folder}/digits.csv")).unwrap();
    digits.target("label").unwrap()
}

/// Convolutions, normalization and pooling, on pixels as a column of numbers.
pub fn convolutional() -> nn::Sequential {
    nn::Sequential::new()
        .add(nn::Reshape::new([1, 8, 8]))
        .add(nn::Conv2d::new(1, 16, 3).padding(1))
        .add(nn::BatchNorm2d::new(16))
        .add(nn::Relu)
        .add(nn::MaxPool2d::new(2))
        .add(nn::Conv2d::new(16, 32, 3).padding(1))
        .add(nn::Gelu)
        .add(nn::Flatten)
        .add(nn::Linear::new(512, 64))
        .add(nn::Relu)
        .add(nn::Dropout::new(0.1))
        .add(nn::Linear::new(64, 10))
}

fn builder(precision: DType) -> TrainerBuilder {
    Trainer::new(convolutional())
        .optimizer(optim::AdamW::new(2e-3))
        .metric(metrics::Accuracy)
        .clip_grad_norm(1.0)
        .seed(1)
        .precision(precision)
}

/// A small language model and its data, with all parts of a Transformer.
pub fn language() -> (Gpt, Dataset) {
    let text = "the quick brown fox jumps over the lazy dog. ".repeat(40);
    let tokenizer = data::text::Tokenizer::from(data::text::CharTokenizer::of(&text).unwrap());
    let tokens = data::text::Tokens::encode(&tokenizer, &text).unwrap();
    let model = Gpt::new(GptConfig {
        vocabulary: tokens.vocabulary(),
        context: 32,
        blocks: 2,
        heads: 2,
        width: 32,
        dropout: 0.1,
        tied: false,
    });
    (model, tokens.windows(32, 16).unwrap())
}

on_every_device! {
    fn halves_reach_the_accuracy_of_f32(device) {
        let (train, test) = digits().split(0.7, 1).unwrap();
        let accuracy = |precision: DType| {
            // Down to a rate of 0, where the accuracy no longer depends on when training stops.
            let builder = builder(precision).schedule(Schedule::cosine(0.0));
            let mut trainer = builder.compile(device, &train).unwrap();
            trainer.fit(&train, Fit::epochs(10).batch_size(32)).unwrap();
            trainer.evaluate(&test).unwrap().metrics[0].1
        };
        let full = accuracy(DType::F32);
        assert!(full > 0.97, "{full}");
        for half in [DType::F16, DType::Bf16] {
            let found = accuracy(half);
            // 540 samples: two of them are 0.4 points.
            assert!(found > full - 0.004, "{found} with {half}, {full} with f32");
        }
    }
    fn a_language_model_learns_the_same_with_halves(device) {
        let last = |precision: DType| {
            let (model, set) = language();
            let trainer = Trainer::new(model).optimizer(optim::AdamW::new(3e-3)).seed(2);
            let mut trainer = trainer.precision(precision).compile(device, &set).unwrap();
            let history = trainer.fit(&set, Fit::epochs(4).batch_size(16)).unwrap();
            let curve = history.curve("loss");
            assert!(curve[3] < 0.9 * curve[0], "{curve:?}");
            curve[3]
        };
        let full = last(DType::F32);
        for half in [DType::F16, DType::Bf16] {
            let found = last(half);
            assert!((found - full).abs() < 0.02 * full, "{found} with {half}, {full} with f32");
        }
    }
    fn every_step_of_a_step_is_right(device) {
        for half in [DType::F16, DType::Bf16] {
            let (model, set) = language();
            let trainer = Trainer::new(model).optimizer(optim::AdamW::new(3e-3)).seed(2);
            let checked = device.clone().checked();
            let mut trainer = trainer.precision(half).compile(&checked, &set).unwrap();
            trainer.begin(&set, Fit::epochs(1).batch_size(8)).unwrap();
            for _ in 0..2 {
                trainer.step().unwrap_or_else(|e| panic!("{half}: {e}"));
            }
            let few = digits().split(0.95, 1).unwrap().1;
            let mut trainer = builder(half).compile(&checked, &few).unwrap();
            trainer.begin(&few, Fit::epochs(1).batch_size(40)).unwrap();
            trainer.step().unwrap_or_else(|e| panic!("{half}: {e}"));
        }
    }
    fn the_same_bits_twice_and_after_a_resume(device) {
        let set = digits().split(0.8, 1).unwrap().1;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("between.safetensors");
        let fit = || Fit::epochs(2).batch_size(48);
        let new = || builder(DType::Bf16).compile(device, &set).unwrap();
        let mut whole = new();
        whole.fit(&set, fit()).unwrap();
        let mut first = new();
        first.begin(&set, fit()).unwrap();
        for _ in 0..5 {
            first.step().unwrap();
        }
        first.save(&path).unwrap();
        let mut second = new();
        second.resume(&path).unwrap();
        second.fit(&set, fit()).unwrap();
        assert_eq!(whole.weights_sha256().unwrap(), second.weights_sha256().unwrap());
    }
}

/// Returns the peak memory of a step.
fn needed(device: &Device, precision: DType) -> u64 {
    let (model, set) = language();
    let trainer = Trainer::new(model).precision(precision);
    let mut trainer = trainer.compile(device, &set).unwrap();
    trainer.begin(&set, Fit::epochs(1).batch_size(64)).unwrap();
    trainer.cost().unwrap().lower_bound
}

#[test]
fn halves_take_less_memory_gpu() {
    if let Some(device) = crate::common::gpu() {
        let full = needed(&device, DType::F32);
        for half in [DType::F16, DType::Bf16] {
            let found = needed(&device, half);
            assert!(
                4 * found < 3 * full,
                "{found} bytes with {half}, {full} with f32"
            );
        }
    }
}

#[test]
fn a_precision_must_be_a_float() {
    let error = Trainer::new(crate::mlp(3))
        .precision(DType::U32)
        .compile(&Device::cpu(), &classes(8))
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "precision is u32, but must be f32, f16 or bf16"
    );
}
