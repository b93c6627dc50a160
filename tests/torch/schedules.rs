//! Schedules compared with PyTorch, to the last bit of f64; see `tests/fixtures/schedules.py`.

use std::collections::BTreeSet;

use libtest_mimic::{Failed, Trial};
use wgrad::schedule::{OneCycle, Plateau, Progress, Schedule};

use crate::fixture::{self, Fixture};

const BASE: f64 = 0.3;

fn cases() -> Vec<(&'static str, Schedule)> {
    let cycle = OneCycle::new;
    vec![
        ("lambda", Schedule::lambda(|t| 0.95f64.powf(t as f64))),
        ("step", Schedule::step(7, 0.3)),
        ("multi_step", Schedule::multi_step([3, 11, 11, 40], 0.7)),
        ("multi_step_at_once", Schedule::multi_step([0, 5], 0.7)),
        ("constant", Schedule::constant_factor(1.0 / 3.0, 5)),
        ("linear", Schedule::linear(1.0 / 3.0, 1.0, 5)),
        ("linear_down", Schedule::linear(1.0, 0.07, 41)),
        ("exponential", Schedule::exponential(0.93)),
        ("polynomial", Schedule::polynomial(50, 1.0)),
        ("polynomial_power", Schedule::polynomial(37, 2.3)),
        ("cosine", Schedule::cosine_annealing(23, 0.01)),
        ("cosine_zero", Schedule::cosine_annealing(10, 0.0)),
        ("restarts", Schedule::cosine_restarts(10, 1, 0.01)),
        ("restarts_longer", Schedule::cosine_restarts(7, 2, 0.0)),
        ("one_cycle", cycle().into()),
        (
            "one_cycle_linear",
            cycle()
                .pct_start(0.21)
                .linear(true)
                .div_factor(7.0)
                .final_div_factor(100.0)
                .into(),
        ),
        ("one_cycle_three", cycle().three_phase(true).into()),
        (
            "sequence",
            Schedule::chain([
                (0, Schedule::linear(0.01, 1.0, 6)),
                (6, Schedule::cosine_annealing(20, 0.001)),
                (26, Schedule::exponential(0.9)),
            ]),
        ),
        (
            "sequence_all",
            Schedule::chain([
                (0, Schedule::constant_factor(0.37, 4)),
                (5, Schedule::step(3, 0.7)),
                (13, Schedule::multi_step([2, 4], 0.6)),
                (20, Schedule::polynomial(9, 1.7)),
                (29, Schedule::linear(0.13, 0.9, 7)),
                (37, Schedule::cosine_restarts(4, 2, 0.003)),
                (51, Schedule::constant_factor(0.37, 4)),
            ]),
        ),
        ("plateau", Plateau::new().patience(3).into()),
        (
            "plateau_rising",
            Plateau::new()
                .rising("val_accuracy")
                .factor(0.5)
                .patience(4)
                .threshold(1e-3)
                .into(),
        ),
        (
            "plateau_absolute",
            Plateau::new()
                .factor(0.3)
                .patience(1)
                .min_delta(0.02)
                .cooldown(5)
                .min_lr(0.001)
                .into(),
        ),
        (
            "plateau_rising_absolute",
            Plateau::new()
                .rising("val_accuracy")
                .factor(0.9)
                .patience(0)
                .min_delta(0.001)
                .into(),
        ),
    ]
}

/// Checks a schedule with one step per epoch, so that times are both steps and epochs.
fn check(schedule: &Schedule, fixture: &Fixture) -> Result<(), Failed> {
    let rates = &fixture.get("rates").ok_or("no rates")?.array.data;
    let values = fixture.get("values").map(|v| v.array.data.clone());
    let values = values.unwrap_or_default();
    for (time, want) in rates.iter().enumerate() {
        let at = Progress {
            step: time as u64,
            steps_per_epoch: 1,
            steps: rates.len() as u64,
            values: values.get(..time).unwrap_or_default(),
        };
        let got = schedule.rate(BASE, at);
        if got.to_bits() != want.to_bits() {
            return Err(format!("at time {time}: {got:?}, in PyTorch {want:?}").into());
        }
    }
    Ok(())
}

/// Returns the tests of all schedules.
pub fn trials() -> Vec<Trial> {
    let fixtures = fixture::read("schedules");
    let in_file: BTreeSet<&str> = fixtures.keys().map(String::as_str).collect();
    let in_rust: BTreeSet<&str> = cases().iter().map(|c| c.0).collect();
    let alone: Vec<String> = in_rust
        .symmetric_difference(&in_file)
        .map(|name| name.to_string())
        .collect();
    let meta = Trial::test("schedules::meta", move || match alone.is_empty() {
        true => Ok(()),
        false => Err(format!("only in the fixtures or only in Rust: {alone:?}").into()),
    });
    let each = cases().into_iter().map(|(name, schedule)| {
        let fixture = fixtures.get(name).cloned().unwrap_or_default();
        Trial::test(format!("schedules::{name}"), move || {
            check(&schedule, &fixture)
        })
    });
    std::iter::once(meta).chain(each).collect()
}
