//! Every op, on every device: cases stand in `src/doctor/cases/`, one file an op, and the runner makes a
//! reference test, a gradient test and one test a device of each. `cargo test softmax` runs what belongs to softmax.

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
