//! Metrics compared with scikit-learn, over batches of which the last one is smaller; see
//! `tests/fixtures/metrics.py`.

use std::collections::BTreeSet;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use wgrad::data::{Dataset, Targets};
use wgrad::graph::Init;
use wgrad::loss::{self, Loss};
use wgrad::metrics::{self, Average, Confusion, Metric};
use wgrad::nn::{Module, Parameter, Visitor};
use wgrad::optim::Sgd;
use wgrad::{Device, Fit, Tensor, Trainer};

use crate::common;
use crate::fixture::{self, Fixture};

/// The tolerance of metrics that are summed in f32 within a sample, or that use a device's
/// logarithm.
const NEAR: f64 = 2e-6;

/// The tolerance of the other metrics, which the host counts, sorts and sums.
const EXACT: f64 = 1e-12;

fn all() -> Vec<(Box<dyn Metric>, f64)> {
    fn one(metric: impl Metric + 'static, tolerance: f64) -> (Box<dyn Metric>, f64) {
        (Box::new(metric), tolerance)
    }
    let mut all = vec![
        one(metrics::Accuracy, EXACT),
        one(metrics::BalancedAccuracy, EXACT),
        one(metrics::MatthewsCorrelation, EXACT),
        one(metrics::LogLoss, NEAR),
        one(metrics::TopK::new(2), EXACT),
        one(metrics::TopK::new(3), EXACT),
        one(metrics::RocAuc, EXACT),
        one(metrics::PrAuc, EXACT),
        one(metrics::Mse, NEAR),
        one(metrics::Rmse, NEAR),
        one(metrics::Mae, NEAR),
        one(metrics::Mape, NEAR),
        one(metrics::R2, EXACT),
    ];
    let averages = [
        Average::Macro,
        Average::Micro,
        Average::Weighted,
        Average::Class(0),
        Average::Class(1),
        Average::Class(2),
    ];
    for average in averages {
        all.push(one(metrics::Precision::new(average), EXACT));
        all.push(one(metrics::Recall::new(average), EXACT));
        all.push(one(metrics::FBeta::f1(average), EXACT));
        all.push(one(metrics::FBeta::new(0.5, average), EXACT));
    }
    all
}

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

fn on(device: &Device, case: &str, fixture: &Fixture) -> Result<(), Failed> {
    let output = &fixture.get("output").ok_or("no output")?.array;
    let target = fixture.get("target").ok_or("no target")?;
    let f32s = |data: &[f64]| data.iter().map(|v| *v as f32).collect::<Vec<f32>>();
    let width = output.shape[1];
    let labels = target.array.data.iter().map(|l| *l as u32);
    let (targets, loss): (Targets, Box<dyn Loss>) = match target.dtype {
        wgrad::DType::U32 => (
            Targets::classes(labels.clone().collect(), width),
            Box::new(loss::CrossEntropy::new()),
        ),
        _ => {
            let binary = ["binary", "no_positive"].contains(&case);
            let values = f32s(&target.array.data);
            let targets = Targets::Values { values, width };
            (
                targets,
                match binary {
                    true => Box::new(loss::BceWithLogits::new()),
                    false => Box::new(loss::Mse::new()),
                },
            )
        }
    };
    let set = Dataset::from_arrays(f32s(&output.data), [width], targets)?;
    let wanted = fixture.below("want/");
    let mut builder = Trainer::new(Given(Parameter::new([width], Init::Constant(0.0))))
        .loss(loss)
        // A rate that is 0 in f32, so that the bits of the weights do not change.
        .optimizer(Sgd::new(1e-60));
    let mut tolerances = Vec::new();
    for (metric, tolerance) in all() {
        if wanted.contains_key(metric.name()) {
            tolerances.push((metric.name().to_string(), tolerance));
            builder = builder.metric(metric);
        }
    }
    let measured: BTreeSet<&str> = tolerances.iter().map(|(name, _)| name.as_str()).collect();
    let missing: Vec<_> = wanted
        .keys()
        .filter(|name| !measured.contains(*name) && **name != "confusion")
        .collect();
    if !missing.is_empty() {
        return Err(format!("nothing measures {missing:?}").into());
    }
    let mut trainer = builder.compile(device, &set)?;
    let evaluation = trainer.evaluate(&set)?;
    let history = trainer.fit(&set, Fit::epochs(1).batch_size(37).validation(&set))?;
    for (name, tolerance) in tolerances {
        let want = wanted[name.as_str()].data[0];
        let epoch = &history.epochs[0];
        let validated = epoch.get(&format!("val_{name}"));
        for got in [evaluation.metric(&name), epoch.get(&name), validated] {
            let got = got.ok_or("not measured")?;
            let near = (got - want).abs() <= tolerance * want.abs().max(1.0);
            let fits = near || got.is_nan() && want.is_nan();
            if !fits {
                return Err(format!("{name} is {got}, in scikit-learn {want}").into());
            }
        }
    }
    if let Some(counts) = wanted.get("confusion") {
        let told = trainer.predict(&set)?.classes();
        let confusion = Confusion::of(labels.map(|l| l as usize).zip(told));
        for (i, want) in counts.data.iter().enumerate() {
            let got = confusion.at(i / width, i % width);
            if got != *want {
                return Err(format!("count {i} is {got}, in scikit-learn {want}").into());
            }
        }
    }
    Ok(())
}

/// Returns the tests of all cases.
pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, fixture) in fixture::read("metrics") {
        let shared = Arc::new((name, fixture));
        let mut add = |kind: &str, test: fn(&str, &Fixture) -> Result<(), Failed>| {
            let shared = Arc::clone(&shared);
            let name = format!("metrics::{}::{kind}", shared.0);
            trials.push(Trial::test(name, move || test(&shared.0, &shared.1)));
        };
        add("cpu", |case, fixture| on(&Device::cpu(), case, fixture));
        add("gpu", |case, fixture| {
            let _alone = crate::runner::alone();
            common::gpu().map_or(Ok(()), |device| on(&device, case, fixture))
        });
    }
    trials
}
