//! `wgrad evaluate`: evaluates a trained model on its test data or on other data.

use crate::args::EvaluateArgs;
use crate::commands::train::{Scores, TrivialScores, say_scores, trivial};
use crate::failure::Failure;
use crate::output::Output;
use crate::report::{ClassScores, Confusion, TestResult};
use crate::text::path;
use serde::Serialize;
use wgrad::Run;
use wgrad::run;
use wgrad::spec::Overrides;

/// The last JSON event.
#[derive(Serialize)]
struct Done {
    run: String,
    device: String,
    weights: String,
    samples: usize,
    test: Scores,
    baseline: Option<TrivialScores>,
    confusion: Option<Confusion>,
    classes: Option<Vec<ClassScores>>,
}

/// Evaluates the model of a run.
pub fn run(args: &EvaluateArgs, output: &mut Output) -> Result<(), Failure> {
    let overrides = Overrides {
        device: args.device.clone(),
        ..Overrides::default()
    };
    let run = Run::open_with(&args.run, &overrides)?;
    // Other data is evaluated even if the training data is no longer there.
    let data = match &args.data {
        None => Some(run.datasets()?),
        // A language model has no trivial one.
        Some(_) if run.preprocessing().text.is_some() => None,
        Some(_) => run.datasets().ok(),
    };
    let set = match &args.data {
        Some(file) => run.dataset(file, args.targets.as_deref())?,
        None => data
            .as_ref()
            .and_then(|data| data.test.clone())
            .ok_or_else(|| {
                Failure::Usage(format!(
                    "{}: this run has no test data (test_split is 0); pass a file with --data",
                    path(run.folder().path())
                ))
            })?,
    };
    let device = run.config().training.device.open()?;
    let mut trainer = run.trainer(&device)?;
    let evaluation = trainer.evaluate(&set)?;
    let confusion = match run.class_names() {
        [] => None,
        names => {
            let all = run::predict(&mut trainer, run.config(), run.preprocessing(), &set)?;
            Some(Confusion::count(names, &set, &all))
        }
    };
    let baseline = match &data {
        Some(data) => run.config().baseline(data, &set)?.map(trivial),
        None => None,
    };
    let weights = run.weights()?;
    let test = TestResult {
        loss: evaluation.loss,
        metrics: evaluation.metrics.clone(),
        ..TestResult::default()
    };
    output.say(&format!("device  {}", device.name()));
    output.say(&format!("weights {}", path(&weights)));
    say_scores(&test, set.len(), baseline.as_ref(), output);
    if let Some(confusion) = &confusion {
        output.say(&format!("\n{}", confusion.to_text()));
    }
    output.event(
        "done",
        &Done {
            run: run.folder().path().display().to_string(),
            device: device.name(),
            weights: weights.display().to_string(),
            samples: set.len(),
            test: Scores::new(&evaluation),
            baseline: baseline.as_ref().map(TrivialScores::new),
            classes: confusion.as_ref().map(Confusion::all_scores),
            confusion,
        },
    );
    Ok(())
}
