//! Options of a step besides the optimizer: penalties, clipping, averages of weights, gradient
//! accumulation. And every optimizer resumes as if it had not been interrupted.

use wgrad::optim::{self, Optimizer, Sgd};
use wgrad::train::{Group, Load, TrainerBuilder};
use wgrad::{Device, Fit, Result, Trainer};

use crate::{classes, classifier, mlp, near};

const NAMES: [&str; 4] = ["0.weight", "0.bias", "2.weight", "2.bias"];

fn weights(trainer: &mut Trainer) -> Vec<f32> {
    let all = NAMES.iter().map(|n| trainer.weights(n).unwrap());
    all.collect::<Vec<_>>().concat()
}

/// Runs one step of SGD on all of 16 samples. Returns the weights before, and the change.
fn step(device: &Device, change: fn(TrainerBuilder) -> TrainerBuilder) -> (Vec<f32>, Vec<f64>) {
    let set = classes(16);
    let builder = change(Trainer::new(mlp(3)).optimizer(Sgd::new(0.5)).seed(3));
    let mut trainer = builder.compile(device, &set).unwrap();
    let before = weights(&mut trainer);
    trainer.fit(&set, Fit::epochs(1).batch_size(16)).unwrap();
    let after = weights(&mut trainer);
    let moved = before.iter().zip(&after);
    let moved = moved.map(|(b, a)| f64::from(a - b)).collect();
    (before, moved)
}

/// Trains 7 batches of 2 epochs, at once and interrupted after 3 of them, and checks that the bits
/// of the weights are equal.
fn resumes(device: &Device, new: impl Fn() -> TrainerBuilder) -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("between.safetensors");
    let set = classes(28);
    let fit = || Fit::epochs(2).batch_size(4);
    let mut whole = new().compile(device, &set)?;
    whole.fit(&set, fit())?;
    let mut first = new().compile(device, &set)?;
    first.begin(&set, fit())?;
    for _ in 0..3 {
        first.step()?;
    }
    first.save(&path)?;
    let mut second = new().seed(9).compile(device, &set)?;
    second.resume(&path)?;
    let history = second.fit(&set, fit())?;
    assert_eq!(second.weights_sha256()?, whole.weights_sha256()?);
    assert_eq!(second.steps(), whole.steps());
    let (all, again) = (whole.evaluate(&set)?, second.evaluate(&set)?);
    assert_eq!(all.loss.to_bits(), again.loss.to_bits());
    assert_eq!(history.curve("loss"), whole.history().curve("loss"));
    Ok(())
}

on_every_device! {
    fn every_optimizer_goes_on_where_it_was(device) {
        fn of(optimizer: impl Optimizer + 'static) -> TrainerBuilder {
            let group = Group::factor(0.5).weight_decay(0.2);
            classifier().optimizer(optimizer).group("*.bias", group)
        }
        let all: [fn() -> TrainerBuilder; 13] = [
            || of(Sgd::new(0.1).momentum(0.9)),
            || of(optim::Adam::new(0.01)),
            || of(optim::AdamW::new(0.01).amsgrad(true)),
            || of(optim::NAdam::new(0.01)),
            || of(optim::RAdam::new(0.01)),
            || of(optim::RmsProp::new(0.01).centered(true).momentum(0.9)),
            || of(optim::Adagrad::new(0.1).initial_accumulator_value(0.1)),
            || of(optim::Adadelta::new(1.0)),
            || of(optim::Adamax::new(0.01)),
            || of(optim::Lion::new(0.001)),
            || of(optim::Lamb::new(0.01)),
            || of(optim::Muon::new(0.01)),
            || of(optim::AdamW::new(0.01)).ema(0.9).accumulate_gradients(2).clip_grad_norm(1.0),
        ];
        for (i, new) in all.into_iter().enumerate() {
            resumes(device, new).unwrap_or_else(|e| panic!("optimizer {i}: {e}"));
        }
    }

    fn a_step_of_several_batches_is_one_of_a_large_batch(device) {
        let set = classes(28);
        let train = |batches: u64, size: usize| {
            let builder = Trainer::new(mlp(3)).optimizer(optim::Adam::new(0.02)).clip_grad_norm(0.5);
            let mut trainer = builder.accumulate_gradients(batches).compile(device, &set).unwrap();
            let history = trainer.fit(&set, Fit::epochs(4).batch_size(size)).unwrap();
            assert_eq!(trainer.steps(), 12);
            (weights(&mut trainer), history)
        };
        // 4 + 4 + 4, again, and the remaining 4.
        let ((small, history), (large, of_large)) = (train(3, 4), train(1, 12));
        for (s, l) in small.iter().zip(&large) {
            near(f64::from(*s), f64::from(*l), 2e-5);
        }
        assert_eq!(history.epochs[3].step, 12);
        near(history.epochs[3].loss, of_large.epochs[3].loss, 1e-5);
        // The remaining batches may also be smaller.
        let ((small, _), (large, _)) = (train(2, 5), train(1, 10));
        for (s, l) in small.iter().zip(&large) {
            near(f64::from(*s), f64::from(*l), 2e-5);
        }
    }

    fn averages_of_weights_are_what_is_evaluated_and_saved(device) {
        const DECAY: f64 = 0.8;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("average.safetensors");
        let set = classes(32);
        let new = || Trainer::new(mlp(3)).optimizer(Sgd::new(0.5)).ema(DECAY).compile(device, &set).unwrap();
        let mut trainer = new();
        // Before the first step, the average equals the weights.
        let plain = Trainer::new(mlp(3)).compile(device, &set).unwrap().evaluate(&set).unwrap();
        assert_eq!(trainer.evaluate(&set).unwrap().loss, plain.loss);
        let mut average: Vec<f64> = Vec::new();
        trainer.begin(&set, Fit::epochs(2).batch_size(8).validation(&set)).unwrap();
        while trainer.steps() < 8 {
            let before = trainer.steps();
            trainer.step().unwrap();
            if trainer.steps() == before {
                continue;
            }
            let now = weights(&mut trainer);
            if average.is_empty() {
                average = now.iter().map(|w| f64::from(*w)).collect();
            }
            for (a, w) in average.iter_mut().zip(now) {
                *a = DECAY * *a + (1.0 - DECAY) * f64::from(w);
            }
        }
        while !matches!(trainer.step().unwrap(), wgrad::train::Tick::Done(_)) {}
        trainer.save_weights(&path).unwrap();
        let mut plain = Trainer::new(mlp(3)).compile(device, &set).unwrap();
        plain.load_weights(&path).unwrap();
        for (got, want) in weights(&mut plain).iter().zip(&average) {
            near(f64::from(*got), *want, 1e-6);
        }
        let loss = trainer.evaluate(&set).unwrap().loss;
        assert_eq!(plain.evaluate(&set).unwrap().loss, loss);
        assert_eq!(trainer.history().epochs[1].val_loss, Some(loss));
        assert_ne!(weights(&mut trainer), weights(&mut plain));
        // A checkpoint has both. A trainer without averages loads the weights, unless it asks for
        // the averages.
        trainer.save(&path).unwrap();
        let mut other = new();
        other.load_weights(&path).unwrap();
        assert_eq!(other.evaluate(&set).unwrap().loss, loss);
        plain.load(&path, &Load::strict().averaged()).unwrap();
        assert_eq!(plain.evaluate(&set).unwrap().loss, loss);
        plain.load_weights(&path).unwrap();
        assert_eq!(weights(&mut plain), weights(&mut trainer));
        // Weights from another file are their own average.
        plain.save_weights(&path).unwrap();
        other.load_weights(&path).unwrap();
        assert_eq!(other.evaluate(&set).unwrap().loss, plain.evaluate(&set).unwrap().loss);
    }

    fn penalties_pull_at_the_weights(device) {
        let (before, plain) = step(device, |b| b);
        let (_, l1) = step(device, |b| b.l1(0.25));
        let (_, l2) = step(device, |b| b.l2(0.25));
        assert!(before.iter().any(|w| *w != 0.0));
        for (i, w) in before.iter().enumerate() {
            let sign = if *w == 0.0 { 0.0 } else { f64::from(w.signum()) };
            near(l1[i], plain[i] - 0.5 * 0.25 * sign, 1e-6);
            near(l2[i], plain[i] - 0.5 * 0.25 * f64::from(*w), 1e-6);
        }
    }

    fn gradients_are_clipped_by_value(device) {
        let (_, plain) = step(device, |b| b);
        let (_, clipped) = step(device, |b| b.clip_grad_value(0.02));
        assert!(plain.iter().any(|m| m.abs() > 0.02) && plain.iter().any(|m| m.abs() < 0.01));
        for (plain, clipped) in plain.iter().zip(clipped) {
            near(clipped, plain.clamp(-0.01, 0.01), 1e-6);
        }
    }
}

#[test]
fn settings_of_a_step_are_checked() {
    let set = classes(9);
    let error = |builder: TrainerBuilder| {
        let compiled = builder.compile(&Device::cpu(), &set);
        compiled.err().expect("it compiled").to_string()
    };
    let new = || Trainer::new(mlp(3));
    for (text, want) in [
        (
            error(new().clip_grad_value(0.0)),
            "clip_grad_value is 0, but must be a number above 0",
        ),
        (
            error(new().l1(-1.0)),
            "l1 is -1, but must be a number of at least 0",
        ),
        (
            error(new().ema(1.0)),
            "ema is 1, but must be at least 0 and below 1",
        ),
        (
            error(new().accumulate_gradients(0)),
            "accumulate_gradients is 0, but must be at least 1",
        ),
        (
            error(new().optimizer(optim::RmsProp::new(0.1).alpha(1.0))),
            "RMSprop's alpha is 1, but must be at least 0 and below 1",
        ),
        (
            error(new().optimizer(optim::Muon::new(0.1).others(optim::AdamW::new(-1.0)))),
            "Muon's others_lr is -1, but must be above 0 and at most 3.4e38",
        ),
    ] {
        assert_eq!(text, want);
    }
}
