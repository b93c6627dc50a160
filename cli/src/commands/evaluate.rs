//! `wgrad evaluate`: a trained network on its test data, or on other data.

use serde::Serialize;
use wgrad::data::text::Tokenizer;

use crate::args::EvaluateArgs;
use crate::commands::train::{Scores, scores_text};
use crate::commands::{Trained, open_run};
use crate::config::Overrides;
use crate::failure::Failure;
use crate::language;
use crate::outcome;
use crate::output::Output;
use crate::report::{ClassScores, Confusion, TestResult};
use crate::samples::{Samples, labelled_like};
use crate::text::path;

/// The command's result.
#[derive(Serialize)]
struct Done {
    run: String,
    device: String,
    weights: String,
    samples: usize,
    test: Scores,
    confusion: Option<Confusion>,
    classes: Option<Vec<ClassScores>>,
}

/// Measures the network of a run.
pub fn run(args: &EvaluateArgs, output: &mut Output) -> Result<(), Failure> {
    let overrides = Overrides {
        device: args.device.clone(),
        ..Overrides::default()
    };
    let (run, mut config) = open_run(&args.run, &overrides)?;
    let mut trained = Trained::open(&run, &config)?;
    let set = match &args.data {
        Some(file) if trained.preparation.text.is_some() => {
            let tokenizer = Tokenizer::load(run.tokenizer_path())?;
            language::windows_of(&tokenizer, file, language::context(&config)?)?
        }
        Some(file) => labelled_like(
            &trained.preparation,
            &config.data,
            file,
            args.targets.as_deref(),
        )?,
        None => {
            let samples = Samples::load(&mut config)?;
            if samples.preparation != trained.preparation {
                return Err(Failure::Usage(format!(
                    "{}: the data is not what it was when this run was trained, so its test split is \
                     not the same; give the data to measure with --data",
                    config.data.source.place()
                )));
            }
            samples.test.ok_or_else(|| {
                Failure::Usage(format!(
                    "{}: this run has no test data (test_split is 0); give some with --data",
                    path(run.path())
                ))
            })?
        }
    };
    let evaluation = trained.trainer.evaluate(&set)?;
    let confusion = match trained.preparation.text {
        Some(_) => None,
        None => {
            let predictions = trained.trainer.predict(&set)?;
            let preparation = &trained.preparation;
            let answers =
                outcome::answers(config.training.loss.as_ref(), preparation, &predictions);
            outcome::confusion(preparation, &set, &answers)
        }
    };
    let test = TestResult {
        loss: evaluation.loss,
        metrics: evaluation.metrics.iter().cloned().collect(),
    };
    output.say(&format!("device  {}", trained.trainer.device().name()));
    output.say(&format!("weights {}", path(&trained.weights)));
    output.say(&format!("test    {}", scores_text(&test, set.len())));
    if let Some(confusion) = &confusion {
        output.say(&format!("\n{}", confusion.to_text()));
    }
    output.event(
        "done",
        &Done {
            run: run.path().display().to_string(),
            device: trained.trainer.device().name(),
            weights: trained.weights.display().to_string(),
            samples: set.len(),
            test: Scores::new(&evaluation),
            classes: confusion.as_ref().map(Confusion::all_scores),
            confusion,
        },
    );
    Ok(())
}
