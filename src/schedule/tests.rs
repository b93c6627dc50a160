//! Tests without a fixture from PyTorch: whole trainings, warm-up, units, and that a rate does not
//! depend on earlier calls.

use super::*;

fn at(step: u64) -> Progress<'static> {
    Progress {
        step,
        steps_per_epoch: 10,
        steps: 40,
        values: &[],
    }
}

#[test]
fn the_exponential_rate_is_last_epochs_times_gamma() {
    let s = Schedule::exponential(0.9);
    assert_eq!(s.rate(0.01, at(9)), 0.01);
    assert_eq!(s.rate(0.01, at(25)), 0.01 * 0.9 * 0.9);
    assert_eq!(s.rate(0.01, at(10)), 0.01 * 0.9);
    // The rate of another group.
    assert_eq!(s.rate(0.5, at(25)), 0.5 * 0.9 * 0.9);
    let s = s.by_step();
    assert_eq!(s.rate(0.01, at(2)), 0.01 * 0.9 * 0.9);
}

#[test]
fn the_cosine_rate_warms_up_and_ends_at_its_floor() {
    let s = Schedule::cosine(0.001).warmup_epochs(1.0);
    assert_eq!(s.rate(0.1, at(0)), 0.01);
    assert_eq!(s.rate(0.1, at(9)), 0.1);
    assert_eq!(s.rate(0.1, at(10)), 0.1);
    assert!((s.rate(0.1, at(25)) - 0.0505).abs() < 1e-12);
    assert!((s.rate(0.1, at(40)) - 0.001).abs() < 1e-12);
}

#[test]
fn a_warm_up_shifts_what_comes_after() {
    let s = Schedule::step(1, 0.5).warmup(20);
    assert_eq!(s.rate(1.0, at(4)), 0.25);
    assert_eq!(s.rate(1.0, at(19)), 1.0);
    assert_eq!(s.rate(1.0, at(29)), 1.0);
    assert_eq!(s.rate(1.0, at(30)), 0.5);
    let none = Schedule::constant().warmup(0);
    assert_eq!(none.rate(0.3, at(0)), 0.3);
}

#[test]
fn parts_of_a_chain_keep_their_units() {
    let of = |schedule: Schedule| {
        let rates: Vec<f64> = (0..40).map(|t| schedule.rate(1.0, at(t))).collect();
        rates
    };
    let chain = of(Schedule::chain([
        (0, Schedule::constant()),
        (1, Schedule::exponential(0.5).by_step()),
        (2, Schedule::cosine(0.0)),
    ]));
    assert_eq!(chain[9], 1.0);
    assert_eq!(chain[10..13], [1.0, 0.5, 0.25]);
    // The training of the last part is the 20 steps that are left.
    assert_eq!(chain[20], 1.0);
    assert!((chain[30] - 0.5).abs() < 1e-12);
    let by_step = of(Schedule::chain([
        (0, Schedule::lambda(|t| t as f64).by_step()),
        (3, Schedule::lambda(|t| 10.0 + t as f64).by_step()),
    ])
    .by_step());
    assert_eq!(by_step[..5], [0.0, 1.0, 2.0, 10.0, 11.0]);
    assert_eq!(Schedule::chain([]).rate(0.7, at(3)), 0.7);
}

#[test]
fn a_plateau_after_a_warm_up_sees_the_epochs_after_it() {
    let s = Schedule::from(Plateau::new().falling("loss").patience(0).factor(0.5)).warmup(10);
    assert_eq!(s.monitor(), Some("loss"));
    let rate = |step, values: &[f64]| s.rate(1.0, Progress { values, ..at(step) });
    assert_eq!(rate(10, &[3.0]), 1.0);
    assert_eq!(rate(20, &[3.0, 4.0]), 1.0);
    assert_eq!(rate(30, &[3.0, 4.0, 4.0]), 0.5);
}

#[test]
fn rates_are_the_same_in_any_order() {
    let schedules = || {
        [
            Schedule::step(3, 0.7),
            Schedule::linear(0.1, 1.0, 7),
            Schedule::polynomial(9, 1.5),
            Schedule::cosine_annealing(5, 0.01),
            Schedule::chain([(0, Schedule::step(2, 0.5)), (4, Schedule::exponential(0.9))]),
        ]
    };
    for (forward, backward) in schedules().into_iter().zip(schedules()) {
        let forward: Vec<f64> = (0..12).map(|e| forward.rate(0.3, at(10 * e))).collect();
        for e in (0..12).rev() {
            assert_eq!(backward.rate(0.3, at(10 * e)), forward[e as usize]);
            assert!(forward[e as usize].is_finite());
        }
    }
}
