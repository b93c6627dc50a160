//! The same seed and device give the same bits: in one call, in slices, or resumed from a
//! checkpoint.

use std::time::Duration;

use wgrad::train::{History, Tick};
use wgrad::{Device, Fit, Trainer};

use crate::{classes, classifier};

/// 20 steps per epoch, the last of them ragged.
const SAMPLES: usize = 155;

fn fit() -> Fit {
    Fit::epochs(10).batch_size(8)
}

fn trained(device: &Device, seed: u64) -> (String, History) {
    let set = classes(SAMPLES);
    let mut trainer = classifier().seed(seed).compile(device, &set).unwrap();
    let history = trainer.fit(&set, fit()).unwrap();
    assert_eq!(trainer.steps(), 200);
    (trainer.weights_sha256().unwrap(), history)
}

/// Calls `tick` until the epoch and batch are reached, or the training ends.
fn tick_until(trainer: &mut Trainer, steps: u64) {
    while trainer.steps() < steps {
        trainer.tick(Duration::ZERO).unwrap();
    }
}

fn tick_to_the_end(trainer: &mut Trainer) -> History {
    loop {
        if let Tick::Done(_) = trainer.tick(Duration::from_millis(5)).unwrap() {
            return trainer.history().clone();
        }
    }
}

/// Returns the numbers of a history without its times, which differ from run to run.
fn numbers(history: &History) -> Vec<(u64, u64, u64, Vec<u64>)> {
    let epochs = history.epochs.iter();
    let each = epochs.map(|e| {
        let metrics = e.metrics.iter().chain(&e.val_metrics).map(|(_, v)| *v);
        let values = [e.loss, e.lr, e.val_loss.unwrap_or(0.0)].into_iter();
        let bits = values.chain(metrics).map(f64::to_bits).collect();
        (e.epoch, e.step, e.metrics.len() as u64, bits)
    });
    each.collect()
}

on_every_device! {
    fn five_runs_give_one_hash(device) {
        let (hash, history) = trained(device, 5);
        assert_eq!(hash.len(), 64);
        for _ in 1..5 {
            let (again, history_again) = trained(device, 5);
            assert_eq!(hash, again);
            assert_eq!(numbers(&history), numbers(&history_again));
        }
        assert_ne!(hash, trained(device, 6).0, "another seed gives other weights");
        let last = history.epochs.last().unwrap();
        assert!(last.loss < 0.7 * history.epochs[0].loss, "it does not learn: {last:?}");
    }

    fn ticks_give_the_bits_of_fit(device) {
        let (hash, history) = trained(device, 5);
        let set = classes(SAMPLES);
        let mut trainer = classifier().compile(device, &set).unwrap();
        trainer.begin(&set, fit()).unwrap();
        let sliced = tick_to_the_end(&mut trainer);
        assert_eq!(trainer.weights_sha256().unwrap(), hash);
        assert_eq!(numbers(&sliced), numbers(&history));
    }

    fn a_resumed_training_gives_the_bits_of_one_that_never_stopped(device) {
        let folder = tempfile::tempdir().unwrap();
        let set = classes(SAMPLES);
        let fit = || fit().validation_split(0.2);
        let mut whole = classifier().compile(device, &set).unwrap();
        let history = whole.fit(&set, fit()).unwrap();
        let hash = whole.weights_sha256().unwrap();
        // 16 steps per epoch: in the first epoch, between two, in a validation, and in the fourth
        // epoch.
        for (steps, ticks) in [(1, 0), (32, 0), (32, 3), (55, 0)] {
            let path = folder.path().join(format!("{steps}.safetensors"));
            let mut first = classifier().compile(device, &set).unwrap();
            first.begin(&set, fit()).unwrap();
            tick_until(&mut first, steps);
            for _ in 0..ticks {
                first.tick(Duration::ZERO).unwrap();
            }
            first.save(&path).unwrap();
            let at = first.weights_sha256().unwrap();
            // Saving has no side effects.
            assert_eq!(numbers(&tick_to_the_end(&mut first)), numbers(&history));
            assert_eq!(first.weights_sha256().unwrap(), hash);
            // Another seed, because the checkpoint must contain everything.
            let mut second = classifier().seed(99).compile(device, &set).unwrap();
            second.resume(&path).unwrap();
            assert_eq!(second.steps(), steps);
            assert_eq!(second.weights_sha256().unwrap(), at);
            let resumed = second.fit(&set, fit()).unwrap();
            assert_eq!(second.weights_sha256().unwrap(), hash, "after {steps} steps");
            assert_eq!(numbers(&resumed), numbers(&history), "after {steps} steps");
        }
    }

    fn evaluating_and_predicting_in_between_change_nothing(device) {
        let (hash, _) = trained(device, 5);
        let set = classes(SAMPLES);
        let mut trainer = classifier().compile(device, &set).unwrap();
        trainer.begin(&set, fit()).unwrap();
        tick_until(&mut trainer, 30);
        let before = trainer.evaluate(&set).unwrap();
        trainer.predict(&set).unwrap();
        trainer.weights("0.weight").unwrap();
        assert_eq!(trainer.evaluate(&set).unwrap(), before);
        tick_to_the_end(&mut trainer);
        assert_eq!(trainer.weights_sha256().unwrap(), hash);
    }
}

#[test]
fn first_weights_are_the_same_on_every_device() {
    let set = classes(9);
    let hash = |device: &Device| {
        let mut trainer = classifier().compile(device, &set).unwrap();
        trainer.weights_sha256().unwrap()
    };
    let want = hash(&Device::cpu());
    assert_eq!(hash(&Device::reference()), want);
    if let Some(gpu) = crate::common::gpu() {
        assert_eq!(hash(&gpu), want);
    }
}
