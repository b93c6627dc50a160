//! Saturated outputs have finite losses and gradients; means are over all labels.

use wgrad::data::{Dataset, Targets};
use wgrad::graph::Init;
use wgrad::loss::Loss;
use wgrad::nn::{self, Module, Parameter, Visitor};
use wgrad::optim::Sgd;
use wgrad::{Device, Fit, Tensor, Trainer, loss};

use crate::near;

/// `y = x + bias`: the gradient of the bias is that of the loss.
struct Shift(Parameter, bool);

impl Module for Shift {
    fn forward(&self, x: &Tensor) -> Tensor {
        let y = x + self.0.tensor(x);
        if self.1 { y.sigmoid() } else { y }
    }
    fn visit(&self, v: &mut Visitor) {
        v.parameter("bias", &self.0);
    }
}

/// Returns the loss of one sample, and its gradient with respect to the logits.
fn loss_and_gradient(
    device: &Device,
    loss: impl Loss + 'static,
    sigmoid: bool,
    x: &[f32],
    target: Targets,
) -> (f64, Vec<f64>) {
    let set = Dataset::from_arrays(x.to_vec(), [x.len()], target).unwrap();
    let bias = Parameter::new([x.len()], Init::Constant(0.0));
    let mut trainer = Trainer::new(Shift(bias, sigmoid))
        .loss(loss)
        .optimizer(Sgd::new(1.0))
        .compile(device, &set)
        .unwrap();
    let history = trainer.fit(&set, Fit::epochs(1)).unwrap();
    let moved = trainer.weights("bias").unwrap();
    (
        history.epochs[0].loss,
        moved.iter().map(|b| -f64::from(*b)).collect(),
    )
}

on_every_device! {
    fn binary_cross_entropy_of_saturated_probabilities(device) {
        for logit in [-200.0f32, -90.0, -20.0, 0.0, 20.0, 90.0, 200.0] {
            for target in [0.0f32, 1.0] {
                let (loss, gradient) = loss_and_gradient(device, loss::Bce::new(), true, &[logit], Targets::values(vec![target]));
                assert!(loss.is_finite() && (0.0..=100.1).contains(&loss), "{logit} {target}: {loss}");
                assert!(gradient[0].is_finite() && gradient[0].abs() <= 1.1, "{logit} {target}: {}", gradient[0]);
                if logit == 0.0 {
                    near(loss, std::f64::consts::LN_2, 1e-6);
                    near(gradient[0], 0.5 - f64::from(target), 1e-6);
                }
            }
        }
    }

    fn binary_cross_entropy_of_large_logits(device) {
        for logit in [-1e30f32, -300.0, -20.0, 0.0, 20.0, 300.0, 1e30] {
            for target in [0.0f32, 1.0] {
                let (loss, gradient) = loss_and_gradient(device, loss::BceWithLogits::new(), false, &[logit], Targets::values(vec![target]));
                let z = f64::from(logit);
                let want = z.max(0.0) - z * f64::from(target) + (-z.abs()).exp().ln_1p();
                near(loss, want, 1e-5);
                let p = 1.0 / (1.0 + (-z).exp());
                near(gradient[0], p - f64::from(target), 1e-5);
            }
        }
    }

    fn cross_entropy_of_large_logits(device) {
        for size in [1.0f32, 30.0, 100.0, 1e4, 1e30] {
            let logits = [size, -size, 0.0];
            for label in 0..3u32 {
                let target = Targets::classes(vec![label], 3);
                let (loss, gradient) = loss_and_gradient(device, loss::CrossEntropy::new(), false, &logits, target);
                let z: Vec<f64> = logits.iter().map(|z| f64::from(*z)).collect();
                let sum: f64 = z.iter().map(|v| (v - z[0]).exp()).sum();
                near(loss, sum.ln() + z[0] - z[label as usize], 1e-5);
                for (i, g) in gradient.iter().enumerate() {
                    let one = if i == label as usize { 1.0 } else { 0.0 };
                    near(*g, (z[i] - z[0]).exp() / sum - one, 1e-5);
                }
            }
        }
    }

    fn several_labels_a_sample_count_alike_however_batches_divide_them(device) {
        let table: Vec<f32> = (0..15).map(|i| (i as f32 * 0.7).sin() * 3.0).collect();
        let tokens = [4u32, 0, 2, 1, 1, 3, 0, 0, 4, 2, 2, 3, 1, 4, 0];
        let labels = [0u32, 2, 1, 1, 1, 0, 2, 2, 2, 0, 1, 1, 0, 2, 1];
        let (mut want, mut hits) = (0.0, 0.0);
        for (token, label) in tokens.iter().zip(labels) {
            let z: Vec<f64> = (0..3).map(|j| f64::from(table[*token as usize * 3 + j])).collect();
            want += z.iter().map(|z| z.exp()).sum::<f64>().ln() - z[label as usize];
            hits += f64::from(u8::from(z.iter().all(|v| *v <= z[label as usize])));
        }
        let features = tokens.map(|t| t as f32).to_vec();
        let targets = Targets::Sequences { labels: labels.to_vec(), width: 3, classes: 3 };
        let set = Dataset::from_arrays(features, [3], targets).unwrap();
        for batch in [5, 2] {
            let values = Init::Values(std::sync::Arc::new(table.clone()));
            let model = nn::Embedding::new(5, 3).init(values);
            let mut trainer = Trainer::new(model).optimizer(Sgd::new(1e-9))
                .metric(wgrad::metrics::Accuracy).compile(device, &set).unwrap();
            let history = trainer.fit(&set, Fit::epochs(1).batch_size(batch)).unwrap();
            near(history.epochs[0].loss, want / 15.0, 1e-6);
            let all = trainer.evaluate(&set).unwrap();
            near(all.loss, want / 15.0, 1e-6);
            near(all.metric("accuracy").unwrap(), hits / 15.0, 1e-6);
        }
    }

    fn two_classes_are_the_numbers_0_and_1_for_a_binary_loss(device) {
        let target = Targets::classes(vec![1, 0, 1], 2);
        let set = Dataset::from_arrays(vec![2.0, -1.0, 0.5], [1], target).unwrap();
        let model = nn::Linear::new(1, 1).init(Init::Constant(1.0));
        let mut trainer = Trainer::new(model).loss(loss::BceWithLogits::new())
            .metric(wgrad::metrics::Accuracy).compile(device, &set).unwrap();
        let all = trainer.evaluate(&set).unwrap();
        near(all.metric("accuracy").unwrap(), 1.0, 1e-9);
        let want = [2.0f64, 1.0, 0.5].iter().map(|z| (-z).exp().ln_1p()).sum::<f64>() / 3.0;
        near(all.loss, want, 1e-6);
    }
}
