//! A training that runs step by step, and is stopped and saved between any two steps.

use wgrad::train::{History, Tick};
use wgrad::{Fit, Trainer};

use crate::{classes, classifier};

fn fit(validation: &wgrad::data::Dataset) -> Fit {
    Fit::epochs(3).batch_size(8).validation(validation)
}

/// Runs to the end, and returns the number of steps that did not end an epoch.
fn to_the_end(trainer: &mut Trainer) -> usize {
    let mut working = 0;
    loop {
        match trainer.step().unwrap() {
            Tick::Working => working += 1,
            Tick::EpochEnded(_) => {}
            Tick::Done(reason) => {
                assert_eq!(reason, None);
                return working;
            }
        }
    }
}

/// Returns the history without times, which differ from run to run.
fn timeless(history: &History) -> History {
    let mut history = history.clone();
    history.epochs.iter_mut().for_each(|e| e.seconds = 0.0);
    history
}

on_every_device! {
    fn steps_give_the_bits_of_a_fit_wherever_they_are_interrupted(device) {
        let (set, validation) = (classes(20), classes(300));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("between.safetensors");
        let mut whole = classifier().compile(device, &set).unwrap();
        let history = whole.fit(&set, fit(&validation)).unwrap();
        let want = (timeless(&history), whole.weights_sha256().unwrap());

        let mut stepped = classifier().compile(device, &set).unwrap();
        stepped.begin(&set, fit(&validation)).unwrap();
        let steps = to_the_end(&mut stepped);
        assert_eq!(timeless(stepped.history()), want.0);
        assert_eq!(stepped.weights_sha256().unwrap(), want.1);

        // In the first epoch, during its validation, and at the end of an epoch.
        for stop in [1, 2, 4, 5, 8, steps - 1] {
            let mut first = classifier().compile(device, &set).unwrap();
            first.begin(&set, fit(&validation)).unwrap();
            for _ in 0..stop {
                first.step().unwrap();
            }
            first.save(&path).unwrap();
            drop(first);
            let mut second = classifier().compile(device, &set).unwrap();
            second.resume(&path).unwrap();
            second.begin(&set, fit(&validation)).unwrap();
            to_the_end(&mut second);
            assert_eq!(timeless(second.history()), want.0, "stopped after {stop}");
            assert_eq!(second.weights_sha256().unwrap(), want.1, "stopped after {stop}");
        }
    }

    fn the_running_means_are_over_the_samples_so_far(device) {
        let set = classes(20);
        let mut trainer = classifier().compile(device, &set).unwrap();
        assert!(trainer.running().is_none());
        assert!(trainer.step().is_err());
        trainer.begin(&set, Fit::epochs(1).batch_size(8)).unwrap();
        trainer.step().unwrap();
        let running = trainer.running().unwrap();
        assert_eq!(running.samples, 8);
        assert!(running.loss.is_finite() && running.metric("accuracy").is_some());
    }
    fn a_second_fit_goes_on_with_what_the_first_has_made(device) {
        let all = classes(80);
        let half = |from: u32| all.subset(&(from..from + 40).collect::<Vec<u32>>()).unwrap();
        let (first, second) = (half(0), half(40));
        let fit = |epochs| Fit::epochs(epochs).batch_size(16).validation_split(0.2);
        let mut one = classifier().compile(device, &first).unwrap();
        one.fit(&first, fit(2)).unwrap();
        let made = one.counters();
        let history = one.fit(&second, fit(2)).unwrap();
        assert_eq!(one.counters().buffers, made.buffers);
        assert_eq!(one.counters().runs, 2 * made.runs);
        // Another trainer compiles everything again.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("between.safetensors");
        let mut two = classifier().compile(device, &first).unwrap();
        two.fit(&first, fit(2)).unwrap();
        two.save(&path).unwrap();
        let mut two = classifier().compile(device, &first).unwrap();
        two.resume(&path).unwrap();
        // The saved training had ended, after its second epoch.
        let both = two.fit(&second, fit(4)).unwrap();
        assert_eq!(one.weights_sha256().unwrap(), two.weights_sha256().unwrap());
        assert_eq!(history.curve("val_loss"), both.curve("val_loss")[2..]);
        // Other sizes have other plans.
        one.fit(&all, fit(2)).unwrap();
        assert_eq!(one.history().epochs.len(), 2);
    }
}
