//! Resumes an earlier run, with the same bits as an uninterrupted run.

use serde_json::{Map, Value};
use wgrad::{Error, Trainer};

use crate::failure::Failure;
use crate::output::Output;
use crate::text::path;
use wgrad::run::Preprocessing;
use wgrad::run::RunFolder;
use wgrad::spec::{Config, Overrides};

/// The settings that may differ from the run's own configuration.
const FREE: [(&str, &str); 2] = [("training", "epochs"), ("training", "device")];

/// Returns an error if the model, the data or the training settings differ from those of the run.
pub fn check(
    run: &RunFolder,
    config: &Config,
    preprocessing: &Preprocessing,
) -> Result<(), Failure> {
    let before = Config::load(run.config_path(), &Overrides::default())?;
    if let Some((section, key, now, then)) = difference(&sections(config), &sections(&before)) {
        let own = path(&run.config_path());
        return Err(Failure::Usage(format!(
            "{}: [{section}] {key} was {then} in this run, but is {now} now; to resume it unchanged: \
             wgrad train {own} --resume={}",
            path(run.path()),
            path(run.path())
        )));
    }
    if Preprocessing::load(&run.scaler_path())? != *preprocessing {
        return Err(Failure::Usage(format!(
            "{}: the data has changed since this run began, so it cannot be resumed; start a new run",
            config.data.source.targets_place()
        )));
    }
    Ok(())
}

/// Returns the sections of a configuration, with all defaults filled in.
fn sections(config: &Config) -> Value {
    serde_json::to_value(config).unwrap_or_default()
}

/// Returns the first key that differs: its section, its name, the value now and the value then.
fn difference(now: &Value, then: &Value) -> Option<(&'static str, String, String, String)> {
    let empty = Map::new();
    for section in ["model", "data", "training"] {
        let table = |of: &'_ Value| of.get(section).and_then(Value::as_object).cloned();
        let now = table(now).unwrap_or_else(|| empty.clone());
        let then = table(then).unwrap_or_else(|| empty.clone());
        for key in now.keys().chain(then.keys()) {
            if FREE.contains(&(section, key)) || now.get(key) == then.get(key) {
                continue;
            }
            let shown = |of: &Map<String, Value>| {
                of.get(key).map_or("not set".to_string(), Value::to_string)
            };
            return Some((section, key.clone(), shown(&now), shown(&then)));
        }
    }
    None
}

/// Returns whether the run is complete. Prints its results if it is.
pub fn is_complete(run: &RunFolder, config: &Config, output: &mut Output) -> Result<bool, Failure> {
    let Ok(text) = std::fs::read(run.summary_path()) else {
        return Ok(false);
    };
    let Ok(mut summary) = serde_json::from_slice::<Value>(&text) else {
        return Ok(false);
    };
    let epochs = summary.get("epochs").and_then(Value::as_u64).unwrap_or(0);
    let asked = config.training.epochs as u64;
    let before = Config::load(run.config_path(), &Overrides::default())?;
    // Complete: it ran all its epochs, or stopped early for a reason that has not changed.
    if asked > epochs && asked != before.training.epochs as u64 {
        return Ok(false);
    }
    if asked > epochs && summary.get("stopped").is_none_or(Value::is_null) {
        return Ok(false);
    }
    output.say(&format!(
        "{} is complete after {epochs} epochs; pass a larger --epochs to train longer",
        path(run.path())
    ));
    if let Some(done) = summary.get_mut("done") {
        output.event("done", &done.take());
    }
    Ok(true)
}

/// Restores the newest checkpoint of the run.
pub fn restore(run: &RunFolder, trainer: &mut Trainer) -> Result<(), Failure> {
    let Some(checkpoint) = run.resume_path()? else {
        return Err(Failure::Engine(Error::Data {
            place: path(&run.checkpoints()),
            reason: "found no checkpoint to resume from; start a new run without --resume"
                .to_string(),
        }));
    };
    Ok(trainer.resume(checkpoint)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_matters_counts_as_a_difference() {
        use serde_json::json;

        let a = json!({
            "model": { "hidden": [8] },
            "training": { "epochs": 3, "seed": 1 },
            "output": { "dir": "a" },
        });
        let mut free = a.clone();
        free["training"]["epochs"] = json!(6);
        free["output"]["dir"] = json!("b");
        assert_eq!(difference(&a, &free), None);
        let mut other = a.clone();
        other["training"]["seed"] = json!(2);
        let (section, key, now, then) = difference(&a, &other).unwrap_or_default();
        assert_eq!([section, &key, &now, &then], ["training", "seed", "1", "2"]);
        let mut fewer = a.clone();
        fewer["model"] = json!({});
        let (_, key, now, then) = difference(&a, &fewer).unwrap_or_default();
        assert_eq!([&key, &now, &then], ["hidden", "[8]", "not set"]);
    }
}
