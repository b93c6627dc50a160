//! Every op, on every device. The cases are in `src/doctor/cases/`, with one file per op. The
//! runner creates a reference test, a gradient test and a test for each device of each case.
//! `cargo test softmax` runs the tests of softmax.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod device;
mod meta;
mod runner;

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    let chosen = device::chosen();
    let mut trials: Vec<libtest_mimic::Trial> = wgrad::doctor::cases()
        .into_iter()
        .flat_map(|case| runner::trials(case, chosen.as_ref()))
        .collect();
    trials.extend(meta::trials());
    libtest_mimic::run(&arguments, trials).exit();
}
