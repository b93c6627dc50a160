//! Labels that a loss ignores or weights: in metrics, in the loss of a batch, and over the batches
//! of a step.

use wgrad::data::{Dataset, Targets};
use wgrad::graph::Init;
use wgrad::loss::CrossEntropy;
use wgrad::metrics::{self, Average};
use wgrad::nn::{self, Module, Parameter, Visitor};
use wgrad::optim::{AdamW, Sgd};
use wgrad::train::TrainerBuilder;
use wgrad::{Error, Fit, Tensor, Trainer, loss};

use crate::near;

/// A module that returns its input.
struct Given(Parameter);

impl Module for Given {
    fn forward(&self, x: &Tensor) -> Tensor {
        x + self.0.tensor(x)
    }
    fn visit(&self, v: &mut Visitor) {
        v.parameter("bias", &self.0);
    }
}

fn given() -> Given {
    Given(Parameter::new([3], Init::Constant(0.0)))
}

fn labelled(x: Vec<f32>, width: usize, labels: Vec<u32>) -> Dataset {
    Dataset::from_arrays(x, [width], Targets::classes(labels, 3)).unwrap()
}

/// Computes `-ln softmax(z)[label]` in f64.
fn cross_entropy(z: &[f64], label: u32) -> f64 {
    z.iter().map(|z| z.exp()).sum::<f64>().ln() - z[label as usize]
}

/// Four rows, of which the first and the third count.
const LOGITS: [f32; 12] = [
    2.0, 0.5, -1.0, 1.0, 0.0, 0.5, 0.25, 3.0, 1.0, -1.0, 2.0, 0.0,
];
const LABELS: [u32; 4] = [0, 2, 1, 2];

fn counted() -> [f64; 2] {
    let row = |i: usize| -> Vec<f64> {
        LOGITS[3 * i..3 * i + 3]
            .iter()
            .map(|z| f64::from(*z))
            .collect()
    };
    [cross_entropy(&row(0), 0), cross_entropy(&row(2), 1)]
}

fn with_all_metrics(loss: impl loss::Loss + 'static) -> TrainerBuilder {
    Trainer::new(given())
        .loss(loss)
        .optimizer(Sgd::new(1e-12))
        .metric(metrics::Accuracy)
        .metric(metrics::FBeta::f1(Average::Macro))
        .metric(metrics::Precision::new(Average::Weighted))
        .metric(metrics::Recall::new(Average::Micro))
        .metric(metrics::BalancedAccuracy)
        .metric(metrics::MatthewsCorrelation)
        .metric(metrics::TopK::new(1))
        .metric(metrics::PrAuc)
        .metric(metrics::LogLoss)
        .metric(metrics::Perplexity)
        .metric(metrics::BitsPerCharacter::new())
}

fn all_are_of_the_rows_that_count(get: impl Fn(&str) -> f64) {
    for name in [
        "accuracy",
        "f1",
        "precision_weighted",
        "recall_micro",
        "balanced_accuracy",
        "mcc",
        "top_1",
    ] {
        near(get(name), 1.0, 1e-12);
    }
    // No sample has the third class, whose average precision is 0.
    near(get("pr_auc"), 2.0 / 3.0, 1e-12);
    let mean = counted().iter().sum::<f64>() / 2.0;
    near(get("log_loss"), mean, 1e-6);
    near(get("perplexity"), mean.exp(), 1e-6);
    near(
        get("bits_per_character"),
        mean / std::f64::consts::LN_2,
        1e-6,
    );
}

/// Returns `W` and `b` of a linear layer after a step of SGD with a rate of 1, for the weighted
/// mean of some rows.
fn one_step(w: &[f32], b: &[f32], rows: &[([f32; 2], u32, f64)]) -> (Vec<f64>, Vec<f64>) {
    let (mut dw, mut db) = (vec![0.0; 6], vec![0.0; 3]);
    let total: f64 = rows.iter().map(|r| r.2).sum();
    for (x, label, weight) in rows {
        let x = x.map(f64::from);
        let z: Vec<f64> = (0..3)
            .map(|j| f64::from(w[2 * j]) * x[0] + f64::from(w[2 * j + 1]) * x[1] + f64::from(b[j]))
            .collect();
        let sum: f64 = z.iter().map(|z| z.exp()).sum();
        for j in 0..3 {
            let own = if j == *label as usize { 1.0 } else { 0.0 };
            let dz = (z[j].exp() / sum - own) * weight / total;
            db[j] += dz;
            dw[2 * j] += dz * x[0];
            dw[2 * j + 1] += dz * x[1];
        }
    }
    let stepped =
        |p: &[f32], d: Vec<f64>| p.iter().zip(d).map(|(p, d)| f64::from(*p) - d).collect();
    (stepped(w, dw), stepped(b, db))
}

on_every_device! {
    fn ignored_rows_are_in_no_metric(device) {
        let set = labelled(LOGITS.to_vec(), 3, LABELS.to_vec());
        let mut trainer = with_all_metrics(CrossEntropy::new().ignore(2)).compile(device, &set).unwrap();
        let all = trainer.evaluate(&set).unwrap();
        all_are_of_the_rows_that_count(|name| all.metric(name).unwrap());
        near(all.loss, counted().iter().sum::<f64>() / 2.0, 1e-6);
        // The same over batches that have one such row each.
        let fit = Fit::epochs(1).batch_size(2).shuffle(false).validation(&set);
        let history = trainer.fit(&set, fit).unwrap();
        let epoch = &history.epochs[0];
        all_are_of_the_rows_that_count(|name| epoch.get(name).unwrap());
        all_are_of_the_rows_that_count(|name| epoch.get(&format!("val_{name}")).unwrap());
    }

    fn ignored_positions_are_in_no_metric(device) {
        // A sample of four positions instead of four samples.
        let targets = Targets::Sequences { labels: LABELS.to_vec(), width: 4, classes: 3 };
        let set = Dataset::from_arrays(LOGITS.to_vec(), [4, 3], targets).unwrap();
        let mut trainer = with_all_metrics(CrossEntropy::new().ignore(2)).compile(device, &set).unwrap();
        let all = trainer.evaluate(&set).unwrap();
        for name in ["accuracy", "f1", "balanced_accuracy"] {
            near(all.metric(name).unwrap(), 1.0, 1e-12);
        }
        let mean = counted().iter().sum::<f64>() / 2.0;
        near(all.metric("log_loss").unwrap(), mean, 1e-6);
        near(all.metric("perplexity").unwrap(), mean.exp(), 1e-6);
    }

    fn perplexity_is_of_the_cross_entropy(device) {
        let set = labelled(LOGITS.to_vec(), 3, LABELS.to_vec());
        let row = |i: usize| -> Vec<f64> { LOGITS[3 * i..3 * i + 3].iter().map(|z| f64::from(*z)).collect() };
        let mean = (0..4).map(|i| cross_entropy(&row(i), LABELS[i])).sum::<f64>() / 4.0;
        let losses: [Box<dyn loss::Loss>; 4] = [
            Box::new(CrossEntropy::new()),
            Box::new(CrossEntropy::new().label_smoothing(0.1)),
            Box::new(CrossEntropy::new().weights(vec![1.0, 2.0, 5.0])),
            Box::new(loss::FocalCrossEntropy::new(2.0)),
        ];
        for loss in losses {
            let mut trainer = Trainer::new(given()).loss(loss).metric(metrics::Perplexity)
                .metric(metrics::BitsPerCharacter::new()).compile(device, &set).unwrap();
            let all = trainer.evaluate(&set).unwrap();
            near(all.metric("perplexity").unwrap(), mean.exp(), 1e-6);
            near(all.metric("bits_per_character").unwrap(), mean / std::f64::consts::LN_2, 1e-6);
        }
    }

    fn a_batch_of_ignored_labels_alone_is_named_and_harms_nothing(device) {
        let x = vec![1.0, 2.0, -1.0, 0.5, 3.0, 1.0, 0.5, -2.0];
        let set = labelled(x, 2, vec![0, 1, 2, 2]);
        let model = nn::Linear::new(2, 3);
        let mut trainer = Trainer::new(model).loss(CrossEntropy::new().ignore(2))
            .optimizer(AdamW::new(0.1)).compile(device, &set).unwrap();
        let fit = || Fit::epochs(2).batch_size(2).shuffle(false);
        let error = trainer.fit(&set, fit()).unwrap_err();
        assert!(matches!(error, Error::NonFinite { step: 2, .. }), "{error}");
        assert_eq!(
            error.to_string(),
            "step 2: the training loss of batch 2 of epoch 1 (samples 2, 3), whose labels all have the weight 0 or \
             are ignored, is NaN"
        );
        for name in ["weight", "bias"] {
            assert!(trainer.weights(name).unwrap().iter().all(|w| w.is_finite()), "{name}");
        }
        // An evaluation of only such labels has no mean.
        assert!(trainer.evaluate(&labelled(vec![1.0, 2.0], 2, vec![2])).unwrap().loss.is_nan());
    }

    fn batches_of_a_step_count_by_their_labels_weights(device) {
        let x = [[1.0, 2.0], [-1.0, 0.5], [3.0, 1.0], [0.5, -2.0]];
        let labels = [0u32, 2, 1, 1];
        let set = labelled(x.concat(), 2, labels.to_vec());
        let ignoring = [1.0, 1.0, 0.0];
        let weighing = [0.5f32, 2.0, 1.5];
        for (ignores, by_class) in [(true, ignoring), (false, weighing.map(f64::from))] {
            for (batch, accumulated) in [(4, 1), (2, 2), (1, 4), (3, 2)] {
                let loss = match ignores {
                    true => CrossEntropy::new().ignore(2),
                    false => CrossEntropy::new().weights(weighing.to_vec()),
                };
                let model = nn::Linear::new(2, 3).init(Init::Constant(0.1));
                let mut trainer = Trainer::new(model).loss(loss).optimizer(Sgd::new(1.0))
                    .accumulate_gradients(accumulated).compile(device, &set).unwrap();
                let (w, b) = (trainer.weights("weight").unwrap(), trainer.weights("bias").unwrap());
                let rows: Vec<_> = x.iter().zip(labels).map(|(x, l)| (*x, l, by_class[l as usize])).collect();
                let (want_w, want_b) = one_step(&w, &b, &rows);
                let history = trainer.fit(&set, Fit::epochs(1).batch_size(batch).shuffle(false)).unwrap();
                for (name, want) in [("weight", want_w), ("bias", want_b)] {
                    for (got, want) in trainer.weights(name).unwrap().iter().zip(want) {
                        near(f64::from(*got), want, 1e-6);
                    }
                }
                // All weights are initially equal, so each row's loss is ln 3.
                near(history.epochs[0].loss, 3f64.ln(), 1e-6);
            }
        }
    }
}
