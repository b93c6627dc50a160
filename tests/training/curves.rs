//! The losses and weights of 20 steps agree with the f64 reference, for each optimizer and each
//! option that changes gradients.
//!
//! A device computes in f32: the tolerance of its losses is 1e-4 (relative, plus 1e-4), that of
//! each weight 2e-4. Adam divides by the gradient's own magnitude, so a gradient that is only
//! rounding moves a weight as far as any other. The tolerance of its weights is 1e-3.

use wgrad::optim::{Adam, AdamW, Optimizer, Sgd};
use wgrad::train::TrainerBuilder;
use wgrad::{Device, Fit, Trainer, loss, nn};

use crate::{classes, mlp, mlp_with_dropout, near, numbers};

struct Curve {
    losses: Vec<f64>,
    weights: Vec<f32>,
}

const PARAMETERS: [&str; 2] = ["weight", "bias"];

/// Returns the losses of 20 steps, with one batch per epoch, and the final weights.
fn curve(device: &Device, recipe: TrainerBuilder, labels: bool) -> Curve {
    let set = if labels { classes(33) } else { numbers(33) };
    let mut trainer = recipe.seed(3).compile(device, &set).unwrap();
    let history = trainer.fit(&set, Fit::epochs(20).batch_size(33)).unwrap();
    let layers: Vec<String> = trainer
        .summary()
        .layers
        .iter()
        .filter(|l| l.parameters > 0)
        .map(|l| l.name.clone())
        .collect();
    let mut weights = Vec::new();
    for layer in layers {
        for parameter in PARAMETERS {
            weights.extend(trainer.weights(&format!("{layer}.{parameter}")).unwrap());
        }
    }
    Curve {
        losses: history.curve("loss"),
        weights,
    }
}

fn follows(device: &Device, recipe: impl Fn() -> TrainerBuilder, labels: bool, tolerance: f64) {
    let want = curve(&Device::reference(), recipe(), labels);
    let got = curve(device, recipe(), labels);
    assert!(want.losses[19] < want.losses[0], "it does not learn");
    for (got, want) in got.losses.iter().zip(&want.losses) {
        near(*got, *want, 1e-4);
    }
    assert_eq!(got.weights.len(), want.weights.len());
    for (got, want) in got.weights.iter().zip(&want.weights) {
        near(f64::from(*got), f64::from(*want), tolerance);
    }
}

fn on_classes(device: &Device, optimizer: impl Optimizer + Copy + 'static, tolerance: f64) {
    let recipe = || Trainer::new(mlp(3)).optimizer(optimizer);
    follows(device, recipe, true, tolerance);
}

on_every_device! {
    fn sgd(device) {
        on_classes(device, Sgd::new(0.1), 2e-4);
    }
    fn sgd_with_momentum(device) {
        on_classes(device, Sgd::new(0.05).momentum(0.9), 2e-4);
    }
    fn sgd_with_nesterov(device) {
        on_classes(device, Sgd::new(0.05).nesterov(0.9), 2e-4);
    }
    fn sgd_with_weight_decay(device) {
        on_classes(device, Sgd::new(0.05).momentum(0.8).weight_decay(0.1), 2e-4);
    }
    fn adam(device) {
        on_classes(device, Adam::new(0.01), 1e-3);
    }
    fn adam_with_weight_decay(device) {
        on_classes(device, Adam::new(0.01).weight_decay(0.1), 1e-3);
    }
    fn adamw(device) {
        on_classes(device, AdamW::new(0.01).weight_decay(0.1), 1e-3);
    }

    fn clipped_gradients(device) {
        // A norm so small that every step is clipped, and one so large that none is.
        for max in [0.05, 1e6] {
            let recipe = || {
                let sgd = Sgd::new(0.1).momentum(0.9);
                Trainer::new(mlp(3)).optimizer(sgd).clip_grad_norm(max)
            };
            follows(device, recipe, true, 2e-4);
        }
    }

    fn dropout(device) {
        // A single different bit in a mask would far exceed the tolerance.
        let recipe = || Trainer::new(mlp_with_dropout(3)).optimizer(Sgd::new(0.1));
        follows(device, recipe, true, 2e-4);
    }

    fn mse(device) {
        let recipe = || {
            let trainer = Trainer::new(mlp(1)).loss(loss::Mse::new());
            trainer.optimizer(Sgd::new(0.05))
        };
        follows(device, recipe, false, 2e-4);
    }

    fn a_frozen_layer(device) {
        let recipe = || {
            let model = nn::Sequential::new()
                .add(nn::Linear::new(crate::FEATURES, 9))
                .add(nn::Gelu)
                .add(nn::Linear::new(9, 3));
            Trainer::new(model).optimizer(Sgd::new(0.1)).freeze("0.*")
        };
        follows(device, recipe, true, 2e-4);
    }
}
