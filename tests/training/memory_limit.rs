//! Training with a memory limit stays within it, with the same results.

use wgrad::data::Dataset;
use wgrad::nn::{self, Gpt, GptConfig};
use wgrad::train::{MemoryReport, TrainerBuilder};
use wgrad::{DType, Device, Error, Fit, Trainer, metrics, optim};

use crate::precision::{digits, language};

const BATCH: usize = 48;

/// The results of a training with or without a limit.
struct Outcome {
    losses: Vec<f64>,
    val_losses: Vec<f64>,
    bytes: u64,
    memory_report: Option<MemoryReport>,
    weights: String,
}

fn train(device: &Device, builder: TrainerBuilder, set: &Dataset, limit: Option<u64>) -> Outcome {
    let mut trainer = builder.compile(device, set).unwrap();
    let fit = Fit::epochs(2).batch_size(BATCH).validation_split(0.1);
    let fit = match limit {
        Some(limit) => fit.memory_limit(limit),
        None => fit,
    };
    let history = trainer.fit(set, fit).unwrap();
    Outcome {
        losses: history.curve("loss"),
        val_losses: history.curve("val_loss"),
        bytes: trainer.memory().unwrap(),
        memory_report: trainer.memory_report(),
        weights: trainer.weights_sha256().unwrap(),
    }
}

/// Six convolutions. Batch normalization, if enabled, processes one part of a batch at a time.
fn deep(normalized: bool) -> nn::Sequential {
    let mut model = nn::Sequential::new().add(nn::Reshape::new([1, 8, 8]));
    for block in 0..6 {
        model = model.add(nn::Conv2d::new(if block == 0 { 1 } else { 8 }, 8, 3).padding(1));
        if normalized {
            model = model.add(nn::BatchNorm2d::new(8));
        }
        model = model.add(nn::Gelu);
    }
    model.add(nn::Flatten).add(nn::Linear::new(512, 10))
}

/// A model with fewer bytes than the data.
fn small() -> nn::Sequential {
    nn::Sequential::new().add(nn::Linear::new(64, 10))
}

fn deep_language() -> (Gpt, Dataset) {
    let (_, set) = language();
    let model = Gpt::new(GptConfig {
        vocabulary: set.label_sequences().unwrap().1,
        context: 32,
        blocks: 4,
        heads: 2,
        width: 32,
        dropout: 0.1,
        tied: false,
    });
    (model, set)
}

fn of(module: impl nn::Module + 'static) -> TrainerBuilder {
    Trainer::new(module)
        .optimizer(optim::AdamW::new(2e-3))
        .metric(metrics::Accuracy)
        .seed(1)
}

on_every_device! {
    fn values_are_computed_again_to_the_same_bits(device) {
        let few = digits().split(0.7, 1).unwrap().1;
        let models: [(&str, fn() -> TrainerBuilder, Dataset); 3] = [
            ("a plain network", || of(deep(false)), few.clone()),
            ("with batch normalization", || of(deep(true)), few),
            ("a Transformer", || of(deep_language().0), deep_language().1),
        ];
        for (name, model, set) in models {
            let free = train(device, model(), &set, None);
            assert_eq!(free.memory_report, None);
            let mut recomputed = 0;
            for percent in [95, 85, 75] {
                let limit = free.bytes * percent / 100;
                let limited = train(device, model(), &set, Some(limit));
                let memory_report = limited.memory_report.unwrap();
                assert!(limited.bytes <= limit, "{name}: {memory_report}");
                assert_eq!(limited.bytes, memory_report.bytes, "{name}: {memory_report}");
                assert_eq!(memory_report.unlimited, Some(free.bytes), "{name}: {memory_report}");
                if memory_report.parts == 1 {
                    assert_eq!(limited.weights, free.weights, "{name}: {memory_report}");
                    assert_eq!(limited.losses, free.losses, "{name}: {memory_report}");
                }
                recomputed = recomputed.max(memory_report.recomputed);
            }
            assert!(recomputed > 0, "{name}");
        }
    }
    fn a_batch_in_parts_is_still_one_step(device) {
        let few = digits().split(0.7, 1).unwrap().1;
        let free = train(device, of(deep(false)), &few, None);
        // Less than the bytes of all saved values.
        let limited = train(device, of(deep(false)), &few, Some(free.bytes * 2 / 5));
        let memory_report = limited.memory_report.unwrap();
        assert!(memory_report.parts > 1 && limited.bytes <= memory_report.limit, "{memory_report}");
        for (curve, want) in [(&limited.losses, &free.losses), (&limited.val_losses, &free.val_losses)] {
            for (got, want) in curve.iter().zip(want) {
                // A sum of parts has different roundings than the whole.
                assert!((got - want).abs() < 1e-3 * want, "{got}, not {want}: {memory_report}");
            }
        }
        let steps = |limit: Option<u64>| {
            let mut trainer = of(deep(false)).compile(device, &few).unwrap();
            let fit = Fit::epochs(1).batch_size(BATCH);
            let fit = match limit {
                Some(limit) => fit.memory_limit(limit),
                None => fit,
            };
            trainer.fit(&few, fit).unwrap();
            trainer.steps()
        };
        assert_eq!(steps(Some(memory_report.limit)), steps(None));
    }
    fn a_training_in_parts_goes_on_where_it_was(device) {
        let few = digits().split(0.8, 1).unwrap().1;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("between.safetensors");
        let new = || of(deep(true)).accumulate_gradients(2).compile(device, &few).unwrap();
        let unlimited = || Fit::epochs(2).batch_size(BATCH).validation_split(0.1);
        let mut whole = new();
        whole.begin(&few, unlimited()).unwrap();
        let limit = whole.memory().unwrap() * 2 / 5;
        let fit = || unlimited().memory_limit(limit);
        whole.fit(&few, fit()).unwrap();
        let parts = whole.memory_report().unwrap().parts;
        assert!(parts > 1);
        for runs in [1, 3, 3 * parts + 1, 9 * parts] {
            let mut first = new();
            first.begin(&few, fit()).unwrap();
            for _ in 0..runs {
                first.step().unwrap();
            }
            first.save(&path).unwrap();
            let mut second = new();
            second.resume(&path).unwrap();
            second.fit(&few, fit()).unwrap();
            assert_eq!(
                whole.weights_sha256().unwrap(),
                second.weights_sha256().unwrap(),
                "after {runs} runs"
            );
            // Without a limit it also continues, in the same number of steps.
            second.resume(&path).unwrap();
            second.fit(&few, unlimited()).unwrap();
            assert_eq!(second.steps(), whole.steps(), "after {runs} runs");
            assert_eq!(second.memory_report(), None);
        }
    }
    fn halves_and_other_optimizers_have_limits_too(device) {
        let set = deep_language().1;
        let builder = || {
            let model = deep_language().0;
            Trainer::new(model).optimizer(optim::Sgd::new(0.1)).precision(DType::Bf16).seed(3)
        };
        let free = train(device, builder(), &set, None);
        let limited = train(device, builder(), &set, Some(free.bytes * 4 / 5));
        let memory_report = limited.memory_report.unwrap();
        assert!(limited.bytes <= memory_report.limit && memory_report.recomputed > 0, "{memory_report}");
        assert_eq!(limited.losses, free.losses, "{memory_report}");
    }
    fn what_fits_spares_nothing(device) {
        let few = digits().split(0.9, 1).unwrap().1;
        let free = train(device, of(deep(false)), &few, None);
        let limited = train(device, of(deep(false)), &few, Some(free.bytes));
        let memory_report = limited.memory_report.unwrap();
        assert_eq!((memory_report.bytes, memory_report.parts, memory_report.recomputed), (free.bytes, 1, 0));
        assert!(!memory_report.streamed && memory_report.validation.is_none());
        assert!(!memory_report.to_string().contains("instead"), "{memory_report}");
        assert_eq!(limited.weights, free.weights);
    }
    fn data_is_handed_over_where_it_does_not_fit(device) {
        // Batches of 50 KiB, which are in a GPU's memory if there is room for all.
        let all = digits();
        let train = |limit: Option<u64>| {
            let mut trainer = of(small()).compile(device, &all).unwrap();
            let fit = Fit::epochs(1).batch_size(200);
            let fit = match limit {
                Some(limit) => fit.memory_limit(limit),
                None => fit,
            };
            trainer.fit(&all, fit).unwrap();
            (trainer.memory().unwrap(), trainer.memory_report(), trainer.weights_sha256().unwrap())
        };
        let (bytes, _, weights) = train(None);
        let data = 1797 * (64 + 1) * 4;
        assert_eq!(bytes > data, device.is_gpu());
        // The network and its batches take fewer bytes than the data.
        if device.is_gpu() {
            let (less, memory_report, same) = train(Some(bytes - data / 2));
            let memory_report = memory_report.unwrap();
            assert!(memory_report.streamed && memory_report.recomputed == 0 && memory_report.parts == 1, "{memory_report}");
            assert!(less <= bytes - data / 2, "{memory_report}");
            assert_eq!(same, weights);
        }
    }
    fn a_validation_may_have_smaller_batches(device) {
        // 400 samples at a time take more than a batch of 8 and its gradients.
        let all = digits();
        let train = |limit: Option<u64>| {
            let mut trainer = of(deep(false)).compile(device, &all.split(0.2, 1).unwrap().0).unwrap();
            let fit = Fit::epochs(1).batch_size(8).validation(&all);
            let fit = match limit {
                Some(limit) => fit.memory_limit(limit),
                None => fit,
            };
            let set = all.split(0.1, 1).unwrap().0;
            let history = trainer.fit(&set, fit).unwrap();
            (trainer.memory().unwrap(), trainer.memory_report(), history.curve("val_loss")[0])
        };
        let (bytes, _, want) = train(None);
        let (less, memory_report, loss) = train(Some(bytes / 2));
        let memory_report = memory_report.unwrap();
        assert!(less <= bytes / 2 && memory_report.parts == 1 && memory_report.recomputed == 0, "{memory_report}");
        assert!(memory_report.validation.is_some_and(|n| n < 256), "{memory_report}");
        assert!(memory_report.to_string().contains("validation in batches of"), "{memory_report}");
        assert!((loss - want).abs() < 1e-5 * want, "{loss}, not {want}");
    }
    fn what_cannot_fit_is_an_error_and_harms_nothing(device) {
        let few = digits().split(0.9, 1).unwrap().1;
        let mut trainer = of(deep(false)).compile(device, &few).unwrap();
        let fit = || Fit::epochs(1).batch_size(BATCH);
        let error = trainer.fit(&few, fit().memory_limit(10_000)).unwrap_err();
        let Error::Limit { needed, available: 10_000, .. } = error else {
            panic!("{error}");
        };
        assert!(needed > 10_000, "{error}");
        trainer.fit(&few, fit()).unwrap();
        let mut other = of(deep(false)).compile(device, &few).unwrap();
        other.fit(&few, fit()).unwrap();
        assert_eq!(trainer.weights_sha256().unwrap(), other.weights_sha256().unwrap());
    }
    fn every_step_is_right_in_parts_and_computed_again(device) {
        let checked = device.clone().checked();
        let few = digits().split(0.9, 1).unwrap().1;
        let free = {
            let mut trainer = of(deep(true)).compile(device, &few).unwrap();
            trainer.begin(&few, Fit::epochs(1).batch_size(BATCH)).unwrap();
            trainer.memory().unwrap()
        };
        for percent in [80, 40] {
            let mut trainer = of(deep(true)).compile(&checked, &few).unwrap();
            let fit = Fit::epochs(1).batch_size(BATCH).memory_limit(free * percent / 100);
            trainer.begin(&few, fit).unwrap();
            let memory_report = trainer.memory_report().unwrap();
            assert!(memory_report.recomputed > 0 || memory_report.parts > 1, "{memory_report}");
            for _ in 0..memory_report.parts {
                trainer.step().unwrap_or_else(|e| panic!("{memory_report}: {e}"));
            }
        }
    }
}
