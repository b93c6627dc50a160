//! Training as a whole, on every device: the CPU, and the GPU in the mode that `tests/run.sh` sets.
//!
//! The name of a test ends with its device, so `cargo test gpu` runs the tests that need a GPU.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

use wgrad::data::{Dataset, Targets};
use wgrad::random::Stream;
use wgrad::train::TrainerBuilder;
use wgrad::{Trainer, metrics, nn};

/// Defines one test per device for each function.
macro_rules! on_every_device {
    ($($(#[$meta:meta])* fn $name:ident($device:ident) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            fn test($device: &wgrad::Device) $body
            #[test]
            fn cpu() {
                test(&wgrad::Device::cpu());
            }
            #[test]
            fn gpu() {
                if let Some(device) = crate::common::gpu() {
                    test(&device);
                }
            }
        }
    )*};
}

mod augment;
mod batches;
mod bits;
mod buffers;
mod cells;
mod checkpointed;
mod checkpoints;
mod control;
mod ctc;
mod curves;
mod generation;
mod ignored;
mod loading;
mod losses;
mod memory_limit;
mod mistakes;
mod mistakes_of_images;
mod numbers;
mod optimizing;
mod precision;
mod profiling;
mod scheduled;
mod seq2seq;
mod settings;
mod stepwise;
mod transfer;
mod tuning;
mod weights;

/// The number of features of the generated data sets.
const FEATURES: usize = 7;

fn features(n: usize) -> Vec<f32> {
    let mut random = Stream::new(11);
    (0..n * FEATURES).map(|_| random.normal()).collect()
}

/// Returns three classes that a small network can separate.
fn classes(n: usize) -> Dataset {
    let x = features(n);
    let label = |x: &[f32]| match x {
        [a, b, ..] if a + b > 0.5 => 0,
        [a, b, c, ..] if a - b * c > 0.0 => 1,
        _ => 2,
    };
    let labels = x.chunks(FEATURES).map(label).collect();
    Dataset::from_arrays(x, [FEATURES], Targets::classes(labels, 3)).unwrap()
}

/// Returns samples with one number to predict.
fn numbers(n: usize) -> Dataset {
    let x = features(n);
    let y = x.chunks(FEATURES).map(|x| x[0] - 0.5 * x[1] * x[2] + 0.1);
    let y = y.collect();
    Dataset::from_arrays(x, [FEATURES], Targets::values(y)).unwrap()
}

/// Returns a network from 7 to `outputs`, with a hidden layer.
fn mlp(outputs: usize) -> nn::Sequential {
    nn::Sequential::new()
        .add(nn::Linear::new(FEATURES, 13))
        .add(nn::Tanh)
        .add(nn::Linear::new(13, outputs))
}

/// Returns the same network with dropout: every step draws random numbers.
fn mlp_with_dropout(outputs: usize) -> nn::Sequential {
    nn::Sequential::new()
        .add(nn::Linear::new(FEATURES, 13))
        .add(nn::Relu)
        .add(nn::Dropout::new(0.25))
        .add(nn::Linear::new(13, outputs))
}

/// Returns a trainer with Adam, cross-entropy and accuracy.
fn classifier() -> TrainerBuilder {
    Trainer::new(mlp_with_dropout(3))
        .optimizer(wgrad::optim::Adam::new(0.01))
        .metric(metrics::Accuracy)
        .seed(5)
}

/// Asserts that two numbers are close; fails for NaN.
#[track_caller]
fn near(got: f64, want: f64, tolerance: f64) {
    let error = (got - want).abs();
    assert!(
        error <= tolerance * (1.0 + want.abs()),
        "{got} instead of {want}, off by {error:e}"
    );
}
