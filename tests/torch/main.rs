//! Layers compared with PyTorch: values, gradients of inputs and of parameters, and buffers that a
//! call changes, in f64 by the reference and in f32 by the devices.
//!
//! PyTorch's results are in `tests/fixtures/NAME.safetensors`, next to the script that wrote them.
//! The compared cases, one line each, are in `cases/NAME.rs`. `cargo test --test torch linear` runs
//! the tests of linear layers.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod case;
#[path = "../common/mod.rs"]
mod common;
mod curves;
mod fixture;
mod metrics;
mod optimizers;
mod runner;
mod schedules;

mod cases {
    pub mod attention;
    pub mod basics;
    pub mod batch_norm;
    pub mod bert;
    pub mod conv;
    pub mod ctc;
    pub mod einsum;
    pub mod language;
    pub mod losses;
    pub mod ops_elementwise;
    pub mod ops_index;
    pub mod ops_reduce;
    pub mod ops_views;
    pub mod recurrent;
}

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    let files = [
        ("basics", cases::basics::cases()),
        ("bert", cases::bert::cases()),
        ("batch_norm", cases::batch_norm::cases()),
        ("conv", cases::conv::cases()),
        ("ctc", cases::ctc::cases()),
        ("language", cases::language::cases()),
        ("losses", cases::losses::cases()),
        ("ops_elementwise", cases::ops_elementwise::cases()),
        ("ops_reduce", cases::ops_reduce::cases()),
        ("attention", cases::attention::cases()),
        ("einsum", cases::einsum::cases()),
        ("ops_index", cases::ops_index::cases()),
        ("ops_views", cases::ops_views::cases()),
        ("recurrent", cases::recurrent::cases()),
    ];
    let mut names: Vec<&str> = files.iter().map(|f| f.0).collect();
    names.extend(["curves", "metrics", "optimizers", "schedules"]);
    let mut trials = vec![runner::every_fixture_is_used(names)];
    trials.extend(curves::trials());
    trials.extend(metrics::trials());
    trials.extend(optimizers::trials());
    trials.extend(schedules::trials());
    for (file, cases) in files {
        trials.extend(runner::trials(file, cases));
    }
    libtest_mimic::run(&arguments, trials).exit();
}
