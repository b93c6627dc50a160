//! Control of a training: callbacks, schedules, freezing, validation, and a loss that is not
//! finite.

use std::sync::{Arc, Mutex};

use wgrad::data::{Dataset, Targets};
use wgrad::optim::Sgd;
use wgrad::schedule::{Plateau, Schedule};
use wgrad::train::{BestCheckpoint, Control, EarlyStopping, EpochEnd, Tick};
use wgrad::{Device, Error, Fit, Tensor, Trainer, loss, metrics, nn};

use crate::{FEATURES, classes, classifier, mlp, near, numbers};

/// The loss with another name; smaller is better.
struct Surprise;

impl metrics::Metric for Surprise {
    fn name(&self) -> &str {
        "surprise"
    }
    fn collect(&self, output: &Tensor, target: &Tensor, loss: &dyn loss::Loss) -> Vec<Tensor> {
        metrics::LogLoss.collect(output, target, loss)
    }
    fn finish(&self, total: &[f64]) -> f64 {
        metrics::LogLoss.finish(total)
    }
    fn higher_is_better(&self) -> bool {
        false
    }
}

on_every_device! {
    fn early_stopping_stops(device) {
        // It learns for a while, and then the rate is almost 0.
        let set = classes(40);
        let mut trainer = Trainer::new(mlp(3)).optimizer(Sgd::new(0.1))
            .schedule(Schedule::exponential(1e-4)).compile(device, &set).unwrap();
        let stop = EarlyStopping::new("val_loss", 3).min_delta(1e-3);
        let fit = Fit::epochs(50).batch_size(10).validation(&set).callback(stop);
        let history = trainer.fit(&set, fit).unwrap();
        assert!((4..10).contains(&history.epochs.len()), "{} epochs", history.epochs.len());
        // The next training counts its epochs from 1.
        let again = trainer.fit(&set, Fit::epochs(2)).unwrap();
        assert_eq!(again.epochs.iter().map(|e| e.epoch).collect::<Vec<_>>(), [1, 2]);
    }

    fn a_resumed_training_stops_where_the_other_did(device) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("two.safetensors");
        let set = classes(40);
        let trainer = || Trainer::new(mlp(3)).optimizer(Sgd::new(0.1))
            .schedule(Schedule::exponential(1e-4)).compile(device, &set).unwrap();
        let fit = || Fit::epochs(50).batch_size(10).validation(&set)
            .callback(EarlyStopping::new("val_loss", 4).min_delta(1e-3));
        let mut whole = trainer();
        let saved = path.clone();
        let save = move |cx: &mut EpochEnd| {
            if cx.epoch.epoch == 3 {
                cx.trainer.save(&saved)?;
            }
            Ok(Control::Continue)
        };
        let history = whole.fit(&set, fit().callback(save)).unwrap();
        let mut resumed = trainer();
        resumed.resume(&path).unwrap();
        let epochs = resumed.fit(&set, fit()).unwrap().epochs.len();
        assert_eq!(epochs, history.epochs.len());
        assert_eq!(resumed.weights_sha256().unwrap(), whole.weights_sha256().unwrap());
    }

    fn a_metrics_own_direction_decides(device) {
        let set = classes(40);
        // The loss with a name that does not imply a direction; smaller is better.
        let mut trainer = Trainer::new(mlp(3)).optimizer(Sgd::new(0.1)).metric(Surprise)
            .compile(device, &set).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("best.safetensors");
        let fit = Fit::epochs(12).batch_size(10).validation(&set)
            .callback(EarlyStopping::new("val_surprise", 3)).callback(BestCheckpoint::new("val_surprise", &path));
        let history = trainer.fit(&set, fit).unwrap();
        let values = history.curve("val_surprise");
        assert!(values.windows(2).all(|v| v[1] < v[0]), "{values:?}");
        assert_eq!(history.epochs.len(), 12);
        assert_eq!(history.best("val_surprise", 0.0).unwrap().map(|e| e.epoch), Some(12));
        assert_eq!(history.best("surprise", 0.0).unwrap().map(|e| e.epoch), Some(12));
        let last = trainer.weights_sha256().unwrap();
        trainer.load_weights(&path).unwrap();
        assert_eq!(trainer.weights_sha256().unwrap(), last);
        // A history that is read from a file includes it too.
        let file = folder.path().join("history.json");
        history.save(&file).unwrap();
        let read = wgrad::train::History::load(&file).unwrap();
        assert_eq!(read.best("val_surprise", 0.0).unwrap().map(|e| e.epoch), Some(12));
        assert_eq!(read, history);
    }

    fn the_best_checkpoint_is_the_best_epoch(device) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("best.safetensors");
        let (train, test) = (classes(60), numbers_as_test());
        // A rate so large that the last epoch is not the best.
        let mut trainer = Trainer::new(mlp(3)).optimizer(Sgd::new(2.0)).compile(device, &train).unwrap();
        let best = BestCheckpoint::new("val_loss", &path);
        let fit = Fit::epochs(12).batch_size(8).validation(&test).callback(best);
        let history = trainer.fit(&train, fit).unwrap();
        let losses = history.curve("val_loss");
        let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(losses[11] > least);
        trainer.load_weights(&path).unwrap();
        near(trainer.evaluate(&test).unwrap().loss, least, 1e-6);
    }

    fn closures_are_callbacks(device) {
        let set = classes(20);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (epochs, batches) = (Arc::clone(&seen), Arc::new(Mutex::new(Vec::new())));
        let done = Arc::clone(&batches);
        let fit = Fit::epochs(9).batch_size(8)
            .callback(move |cx: &mut EpochEnd| {
                let hash = cx.trainer.weights_sha256()?;
                epochs.lock().unwrap().push((cx.epoch.epoch, hash));
                Ok(match cx.epoch.epoch {
                    3 => Control::Stop("three are enough".to_string()),
                    _ => Control::Continue,
                })
            })
            .on_batch(move |samples, loss, metrics| {
                assert!(loss.is_finite() && metrics[0].0 == "accuracy");
                done.lock().unwrap().push(samples);
            });
        let mut trainer = classifier().compile(device, &set).unwrap();
        trainer.begin(&set, fit).unwrap();
        let reason = loop {
            if let Tick::Done(reason) = trainer.tick(std::time::Duration::from_millis(1)).unwrap() {
                break reason;
            }
        };
        assert_eq!(reason.as_deref(), Some("three are enough"));
        let seen = seen.lock().unwrap();
        assert_eq!(seen.iter().map(|s| s.0).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(seen[2].1, trainer.weights_sha256().unwrap());
        let last: Vec<usize> = batches.lock().unwrap().clone();
        assert!(last.contains(&20) && last.iter().all(|n| [8, 16, 20].contains(n)), "{last:?}");
    }

    fn an_error_of_a_callback_is_the_trainings(device) {
        let set = classes(20);
        let mut trainer = classifier().compile(device, &set).unwrap();
        let fail = |_: &mut EpochEnd| Err(Error::Stopped { reason: "no more".to_string() });
        let error = trainer.fit(&set, Fit::epochs(3).callback(fail)).unwrap_err();
        assert_eq!(error.to_string(), "stopped: no more");
    }

    fn schedules_change_the_rate_and_make_nothing(device) {
        let set = classes(40);
        let schedules = [Schedule::exponential(0.9), Schedule::cosine(1e-4).warmup_epochs(1.5)];
        for (i, schedule) in schedules.into_iter().enumerate() {
            let mut trainer = classifier().schedule(schedule).compile(device, &set).unwrap();
            trainer.begin(&set, Fit::epochs(6).batch_size(10)).unwrap();
            let made = trainer.counters();
            let mut rates = Vec::new();
            loop {
                match trainer.tick(std::time::Duration::from_millis(1)).unwrap() {
                    Tick::EpochEnded(epoch) => rates.push(epoch.lr),
                    Tick::Done(_) => break,
                    Tick::Working => {}
                }
            }
            let counters = trainer.counters();
            assert_eq!((counters.pipelines, counters.bind_groups), (made.pipelines, made.bind_groups));
            assert_eq!(rates.len(), 6);
            match i {
                0 => {
                    for (old, new) in rates.iter().zip(&rates[1..]) {
                        assert_eq!(*new, old * 0.9);
                    }
                }
                _ => assert!(rates[0] < rates[1] && rates[1] > rates[2] && rates[5] < rates[4]),
            }
        }
        // The rate is used: with a rate of 0, the weights do not change.
        let sgd = Sgd::new(0.1);
        let gone = || Schedule::exponential(0.0);
        let mut trainer = Trainer::new(mlp(3)).optimizer(sgd).schedule(gone()).compile(device, &set).unwrap();
        let mut hashes = Vec::new();
        for epochs in [1, 4] {
            let mut trainer = Trainer::new(mlp(3)).optimizer(sgd).schedule(gone()).compile(device, &set).unwrap();
            trainer.fit(&set, Fit::epochs(epochs)).unwrap();
            hashes.push(trainer.weights_sha256().unwrap());
        }
        assert_eq!(hashes[0], hashes[1]);
        assert_ne!(hashes[0], trainer.weights_sha256().unwrap());
    }

    fn the_rate_falls_on_a_plateau_after_a_resume_too(device) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("five.safetensors");
        let set = classes(40);
        let plateau = || Plateau::new().patience(1).factor(0.5).min_delta(0.02);
        let new = || Trainer::new(mlp(3)).optimizer(Sgd::new(0.5)).schedule(plateau()).compile(device, &set).unwrap();
        let fit = |epochs| Fit::epochs(epochs).batch_size(10).validation(&set);
        let mut whole = new();
        let history = whole.fit(&set, fit(40)).unwrap();
        let rates = history.curve("lr");
        assert_eq!(rates[0], 0.5);
        assert!(rates[39] < 0.5 && rates.windows(2).all(|r| r[1] == r[0] || r[1] == r[0] * 0.5), "{rates:?}");
        // Two epochs without progress precede each reduction.
        let first = rates.iter().position(|r| *r < 0.5).unwrap();
        let losses = history.curve("val_loss");
        let best = losses[..first - 2].iter().copied().fold(f64::INFINITY, f64::min);
        assert!(losses[first - 2..first].iter().all(|l| *l >= best - 0.02));
        let mut resumed = new();
        resumed.fit(&set, fit(first as u64 - 1)).unwrap();
        resumed.save(&path).unwrap();
        let mut resumed = new();
        resumed.resume(&path).unwrap();
        assert_eq!(resumed.fit(&set, fit(40)).unwrap().curve("lr"), rates);
        assert_eq!(resumed.weights_sha256().unwrap(), whole.weights_sha256().unwrap());
        // The monitored metric must exist.
        let error = new().fit(&set, Fit::epochs(1)).unwrap_err().to_string();
        assert_eq!(error, "the schedule's monitor is val_loss, but must be loss");
    }

    fn frozen_parameters_keep_their_bits(device) {
        let set = classes(40);
        let bits = |trainer: &mut Trainer, name: &str| -> Vec<u32> {
            trainer.weights(name).unwrap().iter().map(|w| w.to_bits()).collect()
        };
        // Weight decay must not change them either.
        let adamw = wgrad::optim::AdamW::new(0.01).weight_decay(0.5);
        let mut trainer = Trainer::new(mlp(3)).optimizer(adamw).clip_grad_norm(1.0).freeze("0.*").freeze("2.bias")
            .compile(device, &set).unwrap();
        let names = ["0.weight", "0.bias", "2.bias", "2.weight"];
        let before: Vec<_> = names.iter().map(|n| bits(&mut trainer, n)).collect();
        assert_eq!(trainer.summary().trained, 13 * 3);
        trainer.fit(&set, Fit::epochs(5).batch_size(8)).unwrap();
        let after: Vec<_> = names.iter().map(|n| bits(&mut trainer, n)).collect();
        assert_eq!(before[..3], after[..3]);
        assert_ne!(before[3], after[3]);
    }

    fn the_validation_split_is_the_last_fraction_before_shuffling(device) {
        // Only the last 3 of 10 have the target 5, and the model always returns 0.
        let y = (0..10).map(|i| if i < 7 { 1.0 } else { 5.0 }).collect();
        let set = Dataset::from_arrays(crate::features(10), [FEATURES], Targets::values(y)).unwrap();
        let zero = nn::Linear::new(FEATURES, 1).init(wgrad::graph::Init::Constant(0.0));
        let mut trainer = Trainer::new(zero).loss(loss::Mse::new()).optimizer(Sgd::new(1e-12))
            .compile(device, &set).unwrap();
        let fit = Fit::epochs(2).batch_size(4).validation_split(0.3);
        for epoch in trainer.fit(&set, fit).unwrap().epochs {
            near(epoch.loss, 1.0, 1e-6);
            near(epoch.val_loss.unwrap(), 25.0, 1e-6);
        }
    }

    fn a_loss_that_is_no_number_is_an_error_with_the_step(device) {
        // The squares of the fourth batch overflow.
        let mut x = crate::features(32);
        x[26 * FEATURES] = 1e25;
        let set = Dataset::from_arrays(x, [FEATURES], Targets::values(vec![1.0; 32])).unwrap();
        let model = nn::Linear::new(FEATURES, 1);
        let mut trainer = Trainer::new(model).loss(loss::Mse::new()).optimizer(Sgd::new(1e-3))
            .compile(device, &set).unwrap();
        let error = trainer.fit(&set, Fit::epochs(3).batch_size(8).shuffle(false)).unwrap_err();
        match &error {
            Error::NonFinite { step: 4, value, .. } => assert!(!value.is_finite()),
            other => panic!("{other}"),
        }
        assert!(error.to_string().starts_with("step 4: the training loss (a smaller learning rate"), "{error}");
    }
}

/// Other samples of the same three classes.
fn numbers_as_test() -> Dataset {
    let all = classes(100);
    all.subset(&(60..100).collect::<Vec<u32>>()).unwrap()
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let set = classes(10);
    let device = Device::cpu();
    let mut trainer = classifier().compile(&device, &set).unwrap();
    let mut says = |fit: Fit, text: &str| {
        let error = trainer.fit(&set, fit).unwrap_err().to_string();
        assert_eq!(error, text);
    };
    says(Fit::epochs(0), "epochs is 0, but must be at least 1");
    says(
        Fit::epochs(1).batch_size(0),
        "batch_size is 0, but must be at least 1",
    );
    says(
        Fit::epochs(1).validation_split(1.0),
        "validation_split is 1, but must be at least 0 and below 1",
    );
    says(
        Fit::epochs(1).validation_split(f64::NAN),
        "validation_split is NaN, but must be at least 0 and below 1",
    );
    says(
        Fit::epochs(1).validation(&classes(5)).validation_split(0.5),
        "fit: found both a validation set and a validation split; set only one of them",
    );
    says(
        Fit::epochs(1).callback(EarlyStopping::new("val_loss", 2)),
        "monitor is val_loss, but must be loss or accuracy",
    );
    says(
        Fit::epochs(1).validation(&numbers(5)),
        "the validation data: expected class labels, as the loss needs, found targets that are not classes",
    );
    let error = trainer
        .tick(std::time::Duration::ZERO)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "tick: expected a training in progress, found none; call `begin` first"
    );
    let refused = |builder: wgrad::train::TrainerBuilder, text: &str| {
        let error = builder.compile(&device, &set).err().unwrap().to_string();
        assert_eq!(error, text);
    };
    refused(
        classifier().optimizer(Sgd::new(0.0)),
        "SGD's lr is 0, but must be above 0 and at most 3.4e38",
    );
    refused(
        classifier().optimizer(Sgd::new(f64::NAN)),
        "SGD's lr is not finite, but must be above 0 and at most 3.4e38",
    );
    refused(
        classifier().optimizer(wgrad::optim::Adam::new(0.1).betas(0.9, 1.0)),
        "Adam's betas is 1, but must be at least 0 and below 1",
    );
    refused(
        classifier().clip_grad_norm(-1.0),
        "clip_grad_norm is -1, but must be a number above 0",
    );
    refused(
        classifier().freeze("encoder.*"),
        "freeze: expected the name of a parameter, found \"encoder.*\"; the names are 0.weight, 0.bias, 3.weight, 3.bias",
    );
    refused(
        classifier().freeze("*"),
        "the model: expected at least one trained parameter, found none",
    );
}
