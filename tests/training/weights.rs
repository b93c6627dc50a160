//! Weights of samples and of their positions, in losses and metrics; named arrays and outputs.

use wgrad::data::{Dataset, Targets};
use wgrad::graph::Init;
use wgrad::loss::{self, Loss};
use wgrad::metrics::{self, Average};
use wgrad::nn::{self, Module, Visitor};
use wgrad::optim::Sgd;
use wgrad::train::TrainerBuilder;
use wgrad::{DType, Device, Fit, Tensor, Trainer};

use crate::{FEATURES, classes, features, near, numbers};

/// How often each sample counts.
fn counts(n: usize) -> Vec<usize> {
    (0..n).map(|i| [1, 3, 0, 2, 1][i % 5]).collect()
}

/// The set with the counts as weights, and the set that has each sample so often.
fn weighted_and_repeated(set: &Dataset) -> (Dataset, Dataset) {
    let counts = counts(set.len());
    let weights = counts.iter().map(|n| *n as f32).collect();
    let mut x = Vec::new();
    let (mut labels, mut values) = (Vec::new(), Vec::new());
    for (i, count) in counts.iter().enumerate() {
        for _ in 0..*count {
            x.extend_from_slice(&set.row(i).unwrap());
            labels.extend(set.label(i));
            values.extend_from_slice(set.values(i).unwrap_or(&[]));
        }
    }
    let targets = match set.classes() {
        Some(classes) => Targets::classes(labels, classes),
        None => Targets::Values {
            values,
            width: set.target_width().unwrap(),
        },
    };
    let repeated = Dataset::from_arrays(x, [FEATURES], targets).unwrap();
    (set.clone().with_sample_weights(weights).unwrap(), repeated)
}

fn small(outputs: usize) -> nn::Sequential {
    nn::Sequential::new()
        .add(nn::Linear::new(FEATURES, 5))
        .add(nn::Tanh)
        .add(nn::Linear::new(5, outputs))
}

/// The weights after a step of the whole set, and the evaluation of it.
fn trained(
    device: &Device,
    set: &Dataset,
    new: &dyn Fn() -> TrainerBuilder,
) -> (Vec<f32>, wgrad::train::Evaluation) {
    let mut trainer = new().compile(device, set).unwrap();
    trainer
        .fit(set, Fit::epochs(2).batch_size(set.len()).shuffle(false))
        .unwrap();
    let names: Vec<String> = trainer.parameters().map(str::to_string).collect();
    let weights = names
        .iter()
        .flat_map(|name| trainer.weights(name).unwrap())
        .collect();
    (weights, trainer.evaluate(set).unwrap())
}

/// A weight of 2 is as good as the sample twice.
#[track_caller]
fn same_as_repeated(device: &Device, set: &Dataset, new: &dyn Fn() -> TrainerBuilder) {
    let (weighted, repeated) = weighted_and_repeated(set);
    let (have, evaluation) = trained(device, &weighted, new);
    let (want, wanted) = trained(device, &repeated, new);
    for (have, want) in have.iter().zip(&want) {
        near(f64::from(*have), f64::from(*want), 2e-6);
    }
    near(evaluation.loss, wanted.loss, 2e-6);
    assert_eq!(evaluation.metrics.len(), wanted.metrics.len());
    for ((name, have), (_, want)) in evaluation.metrics.iter().zip(&wanted.metrics) {
        // A class that does not occur has no area.
        let both_missing = have.is_nan() && want.is_nan();
        assert!(
            both_missing || (have - want).abs() <= 1e-5 * (1.0 + want.abs()),
            "{name}: {have} instead of {want}"
        );
    }
}

fn of_classes(loss: impl Loss + 'static) -> TrainerBuilder {
    Trainer::new(small(3))
        .loss(loss)
        .optimizer(Sgd::new(0.3))
        .metric(metrics::Accuracy)
        .metric(metrics::FBeta::f1(Average::Macro))
        .metric(metrics::Precision::new(Average::Weighted))
        .metric(metrics::Recall::new(Average::Micro))
        .metric(metrics::BalancedAccuracy)
        .metric(metrics::MatthewsCorrelation)
        .metric(metrics::TopK::new(2))
        .metric(metrics::RocAuc)
        .metric(metrics::PrAuc)
        .metric(metrics::LogLoss)
        .metric(metrics::Perplexity)
}

fn of_values(loss: impl Loss + 'static) -> TrainerBuilder {
    Trainer::new(small(1))
        .loss(loss)
        .optimizer(Sgd::new(0.05))
        .metric(metrics::Mse)
        .metric(metrics::Rmse)
        .metric(metrics::Mae)
        .metric(metrics::Mape)
        .metric(metrics::R2)
}

on_every_device! {
    fn a_sample_of_weight_two_is_as_good_as_two(device) {
        let set = classes(40);
        same_as_repeated(device, &set, &|| of_classes(loss::CrossEntropy::new()));
        let smoothed = || loss::CrossEntropy::new().label_smoothing(0.1).weights(vec![1.0, 0.5, 2.0]);
        same_as_repeated(device, &set, &|| of_classes(smoothed()));
        same_as_repeated(device, &set, &|| of_classes(loss::CrossEntropy::new().ignore(1)));
        same_as_repeated(device, &set, &|| of_classes(loss::FocalCrossEntropy::new(2.0)));
        let set = numbers(40);
        same_as_repeated(device, &set, &|| of_values(loss::Mse));
        same_as_repeated(device, &set, &|| of_values(loss::Huber::new(0.4)));
        same_as_repeated(device, &set, &|| of_values(loss::PoissonNll::new()));
    }

    fn weights_are_gathered_on_the_device_too(device) {
        // Batches of more than 32 KiB: a GPU keeps the set.
        let set = classes(2400);
        same_as_repeated(device, &set, &|| of_classes(loss::CrossEntropy::new()));
    }

    fn neither_batches_nor_their_parts_matter(device) {
        let (weighted, _) = weighted_and_repeated(&classes(40));
        let new = || of_classes(loss::CrossEntropy::new());
        let (want, evaluation) = trained(device, &weighted, &new);
        let mut trainer = new().accumulate_gradients(4).compile(device, &weighted).unwrap();
        trainer.fit(&weighted, Fit::epochs(2).batch_size(10).shuffle(false)).unwrap();
        let names: Vec<String> = trainer.parameters().map(str::to_string).collect();
        let have = names.iter().flat_map(|name| trainer.weights(name).unwrap());
        for (have, want) in have.zip(want) {
            near(f64::from(have), f64::from(want), 2e-6);
        }
        near(trainer.evaluate(&weighted).unwrap().loss, evaluation.loss, 2e-6);
        // An evaluation without weights counts all samples alike.
        let plain = trainer.evaluate(&classes(40)).unwrap();
        assert!((plain.loss - evaluation.loss).abs() > 1e-4);
    }

    fn a_mask_of_positions_is_as_good_as_ignored_labels(device) {
        // Five positions a sample, each with one of three classes.
        const POSITIONS: usize = 5;
        let n = 12;
        let x: Vec<f32> = features(n * POSITIONS).into_iter().take(n * POSITIONS * 2).collect();
        let labels: Vec<u32> = (0..n * POSITIONS).map(|i| (i * i % 3 % 2) as u32).collect();
        let mask: Vec<f32> = (0..n * POSITIONS).map(|i| if i % 4 == 1 { 0.0 } else { 1.0 }).collect();
        let ignored = labels.iter().zip(&mask).map(|(l, m)| if *m > 0.0 { *l } else { 2 }).collect();
        let set = |labels: Vec<u32>| {
            let targets = Targets::Sequences { labels, width: POSITIONS, classes: 3 };
            Dataset::from_arrays(x.clone(), [POSITIONS, 2], targets).unwrap()
        };
        let new = |loss: loss::CrossEntropy| {
            Trainer::new(nn::Linear::new(2, 3)).optimizer(Sgd::new(0.3)).loss(loss)
                .metric(metrics::Accuracy).metric(metrics::FBeta::f1(Average::Macro)).metric(metrics::TopK::new(2))
        };
        let masked = set(labels).with_weights(mask, [POSITIONS]).unwrap();
        let (have, evaluation) = trained(device, &masked, &|| new(loss::CrossEntropy::new()));
        let (want, wanted) = trained(device, &set(ignored), &|| new(loss::CrossEntropy::new().ignore(2)));
        for (have, want) in have.iter().zip(&want) {
            near(f64::from(*have), f64::from(*want), 1e-6);
        }
        near(evaluation.loss, wanted.loss, 1e-6);
        for ((_, have), (_, want)) in evaluation.metrics.iter().zip(&wanted.metrics) {
            near(*have, *want, 1e-9);
        }
    }
}

/// Two linear layers: of the features and of an array; the layer of the array is the other's last column.
struct Two {
    features: nn::Linear,
    extra: nn::Linear,
}

impl Module for Two {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.features.forward(x) + self.extra.forward(&x.batch_array("extra"))
    }
    fn visit(&self, v: &mut Visitor) {
        v.child("features", &self.features);
        v.child("extra", &self.extra);
    }
}

fn constant(layer: nn::Linear) -> nn::Linear {
    layer.init(Init::Constant(0.1))
}

on_every_device! {
    fn a_second_input_is_as_good_as_a_glued_one(device) {
        // 24 samples are handed over, 2,400 kept on a GPU.
        for n in [24, 2400] {
            let glued = numbers(n);
            let values: Vec<f32> = (0..n).flat_map(|i| glued.values(i).unwrap().to_vec()).collect();
            let all = features(n);
            let x = all.chunks(FEATURES).flat_map(|x| x[..FEATURES - 1].to_vec()).collect();
            let extra = all.chunks(FEATURES).map(|x| x[FEATURES - 1]).collect();
            let set = Dataset::from_arrays(x, [FEATURES - 1], Targets::values(values)).unwrap()
                .with_array("extra", extra, [1]).unwrap();
            let fit = || Fit::epochs(3).batch_size(n / 2 + 1).validation_split(0.25);
            let two = Two {
                features: constant(nn::Linear::new(FEATURES - 1, 1)),
                extra: constant(nn::Linear::new(1, 1).without_bias()),
            };
            let new = |trainer: TrainerBuilder| trainer.loss(loss::Mse).optimizer(Sgd::new(0.1)).metric(metrics::R2);
            let mut have = new(Trainer::new(two)).compile(device, &set).unwrap();
            let mut want = new(Trainer::new(constant(nn::Linear::new(FEATURES, 1)))).compile(device, &glued).unwrap();
            let (a, b) = (have.fit(&set, fit()).unwrap(), want.fit(&glued, fit()).unwrap());
            near(a.epochs[2].loss, b.epochs[2].loss, 1e-5);
            near(a.epochs[2].get("val_r2").unwrap(), b.epochs[2].get("val_r2").unwrap(), 1e-5);
            let (a, b) = (have.predict(&set).unwrap(), want.predict(&glued).unwrap());
            for (a, b) in a.values.iter().zip(&b.values) {
                near(f64::from(*a), f64::from(*b), 1e-5);
            }
        }
    }

    fn several_outputs_train_like_one_of_all(device) {
        struct Heads(nn::Linear, nn::Linear);
        impl Module for Heads {
            fn forward(&self, x: &Tensor) -> Tensor {
                self.1.forward(x).as_output("price");
                self.0.forward(x)
            }
            fn visit(&self, v: &mut Visitor) {
                v.child("first", &self.0);
                v.child("price", &self.1);
            }
        }
        let n = 30;
        let first = numbers(n);
        let prices: Vec<f32> = (0..n).map(|i| (i as f32 * 0.3).cos()).collect();
        let set = first.clone().with_array("price", prices.clone(), [1]).unwrap();
        let both = (0..n).flat_map(|i| [first.values(i).unwrap()[0], prices[i]]).collect();
        let glued = Dataset::from_arrays(features(n), [FEATURES], Targets::Values { values: both, width: 2 }).unwrap();
        let heads = Heads(constant(nn::Linear::new(FEATURES, 1)), constant(nn::Linear::new(FEATURES, 1)));
        let combined = loss::Combined::new(loss::Mse).output("price", loss::Mse, 1.0);
        let mut have = Trainer::new(heads).loss(combined).optimizer(Sgd::new(0.05))
            .metric(metrics::OfOutput::new("price", metrics::Mae)).compile(device, &set).unwrap();
        // The mean over two columns is half the sum.
        let mut want = Trainer::new(constant(nn::Linear::new(FEATURES, 2))).loss(loss::Mse).optimizer(Sgd::new(0.1))
            .compile(device, &glued).unwrap();
        let fit = || Fit::epochs(4).batch_size(8);
        let (a, b) = (have.fit(&set, fit()).unwrap(), want.fit(&glued, fit()).unwrap());
        near(a.epochs[3].loss, 2.0 * b.epochs[3].loss, 1e-5);
        let (a, b) = (have.predict(&set).unwrap(), want.predict(&glued).unwrap());
        let (shape, price) = a.output("price").unwrap();
        assert_eq!(shape.dims(), [n, 1]);
        assert_eq!(a.output("other"), None);
        let mut error = 0.0;
        for ((row, value), (price, wanted)) in b.rows().zip(&a.values).zip(price.iter().zip(&prices)) {
            near(f64::from(*value), f64::from(row[0]), 1e-5);
            near(f64::from(*price), f64::from(row[1]), 1e-5);
            error += f64::from((price - wanted).abs()) / n as f64;
        }
        near(have.evaluate(&set).unwrap().metric("price_mae").unwrap(), error, 1e-5);
    }

    fn an_output_may_have_classes(device) {
        struct Heads(nn::Linear, nn::Linear);
        impl Module for Heads {
            fn forward(&self, x: &Tensor) -> Tensor {
                self.1.forward(x).as_output("class");
                self.0.forward(x)
            }
            fn visit(&self, v: &mut Visitor) {
                v.child("first", &self.0);
                v.child("class", &self.1);
            }
        }
        let (first, second) = (numbers(60), classes(60));
        let labels = (0..60).map(|i| second.label(i).unwrap() as f32).collect();
        let set = first.with_array("class", labels, [1]).unwrap();
        let new = || {
            let combined = loss::Combined::new(loss::Mse).output("class", loss::CrossEntropy::new(), 1.0);
            Trainer::new(Heads(nn::Linear::new(FEATURES, 1), nn::Linear::new(FEATURES, 3))).loss(combined)
                .optimizer(Sgd::new(0.2)).metric(metrics::OfOutput::new("class", metrics::Accuracy))
        };
        let mut trainer = new().compile(device, &set).unwrap();
        let history = trainer.fit(&set, Fit::epochs(30).batch_size(20)).unwrap();
        assert!(history.epochs[29].get("class_accuracy").unwrap() > 0.7);
        let wrong = numbers(60).with_array("class", vec![3.0; 60], [1]).unwrap();
        let error = trainer.evaluate(&wrong).unwrap_err().to_string();
        assert_eq!(
            error,
            "the evaluation data, sample 0: expected labels in the array \"class\", whole numbers from 0 to 2, found 3"
        );
    }
}

#[track_caller]
fn refused<T>(result: wgrad::Result<T>, part: &str) {
    let text = result.err().map(|e| e.to_string()).unwrap_or_default();
    assert!(text.contains(part), "{text}");
}

#[test]
fn what_does_not_fit_is_named() {
    let device = Device::cpu();
    let plain = numbers(8);
    let two = || Two {
        features: nn::Linear::new(FEATURES, 1),
        extra: nn::Linear::new(1, 1),
    };
    let new = || Trainer::new(two()).loss(loss::Mse);
    refused(
        new().compile(&device, &plain),
        "expected an array \"extra\", but the data set has no arrays; see `Dataset::with_array`",
    );
    let other = plain
        .clone()
        .with_array("exrta", vec![0.0; 8], [1])
        .unwrap();
    refused(
        new().compile(&device, &other),
        "expected an array \"extra\", but the data set has exrta",
    );
    let set = plain
        .clone()
        .with_array("extra", vec![0.0; 8], [1])
        .unwrap();
    let mut trainer = new().compile(&device, &set).unwrap();
    refused(
        trainer.fit(&plain, Fit::epochs(1)),
        "the training data: expected an array \"extra\", as in the data that the model was compiled for",
    );
    refused(
        trainer.predict(&plain),
        "expected an array \"extra\", which the model reads, but it has no arrays",
    );
    let wide = plain
        .clone()
        .with_array("extra", vec![0.0; 16], [2])
        .unwrap();
    refused(
        trainer.predict(&wide),
        "its array \"extra\" has samples of [2], but the model was compiled for [1]",
    );
    let weighted = set.clone().with_sample_weights(vec![1.0; 8]).unwrap();
    refused(
        trainer.evaluate(&weighted),
        "its weights have the shape [] per sample, but the model was compiled without weights",
    );
    let combined = || loss::Combined::new(loss::Mse).output("price", loss::Mse, 0.5);
    refused(
        Trainer::new(nn::Linear::new(FEATURES, 1))
            .loss(combined())
            .compile(&device, &plain),
        "expected an output \"price\" of the model, found []; see `Tensor::as_output`",
    );
    let ignoring =
        loss::Combined::new(loss::Mse).output("price", loss::CrossEntropy::new().ignore(0), 0.5);
    refused(
        Trainer::new(nn::Linear::new(FEATURES, 1))
            .loss(ignoring)
            .compile(&device, &plain),
        "without class weights and ignored labels",
    );
    // A loss that has no value per sample.
    let labels = Targets::Sequences {
        labels: vec![1; 8],
        width: 1,
        classes: 3,
    };
    let spoken = Dataset::from_arrays(features(8), [FEATURES, 1], labels).unwrap();
    let spoken = spoken.with_sample_weights(vec![1.0; 8]).unwrap();
    refused(
        Trainer::new(nn::Linear::new(1, 3))
            .loss(loss::Ctc::new(1))
            .compile(&device, &spoken),
        "expected a loss with a value for each sample, which sample weights need; this loss has none",
    );
    // Weights of positions that the loss has not.
    let positions = classes(8).with_weights(vec![1.0; 16], [2]).unwrap();
    refused(
        Trainer::new(small(3)).compile(&device, &positions),
        "expected weights of the first axes of the losses [2], found [2, 2]",
    );
}

#[test]
fn an_array_of_indices_is_checked() {
    struct Embedded(nn::Embedding, nn::Linear);
    impl Module for Embedded {
        fn forward(&self, x: &Tensor) -> Tensor {
            let kind = x.batch_array("kind").reshape([x.dim(0)]);
            self.1.forward(x) + self.0.forward(&kind.cast(DType::U32))
        }
        fn visit(&self, v: &mut Visitor) {
            v.child("kind", &self.0);
            v.child("rest", &self.1);
        }
    }
    let set = |last: f32| {
        let mut kinds = vec![0.0; 8];
        kinds[7] = last;
        numbers(8).with_array("kind", kinds, [1]).unwrap()
    };
    let model = Embedded(nn::Embedding::new(4, 1), nn::Linear::new(FEATURES, 1));
    let mut trainer = Trainer::new(model)
        .loss(loss::Mse)
        .compile(&Device::cpu(), &set(3.0))
        .unwrap();
    trainer.fit(&set(3.0), Fit::epochs(1)).unwrap();
    refused(
        trainer.fit(&set(4.0), Fit::epochs(1)),
        "the training data, sample 7: expected an index, a whole number from 0 to 3, found 4",
    );
}
