//! Going on with an earlier run, to the same bits as if it had never stopped.

use serde_json::Value;
use toml::Table;
use wgrad::{Error, Trainer};

use crate::config::{Config, Overrides};
use crate::failure::Failure;
use crate::output::Output;
use crate::preparation::Preparation;
use crate::run_folder::RunFolder;
use crate::text::path;

/// What may differ from the run's own configuration: how long, where, and what is kept.
const FREE: [(&str, &str); 2] = [("training", "epochs"), ("training", "device")];

/// Refuses to go on with another network, other data or another way of learning.
pub fn check(run: &RunFolder, config: &Config, preparation: &Preparation) -> Result<(), Failure> {
    let before = Config::load(&run.config_path(), &Overrides::default())?;
    if let Some((section, key, now, then)) = difference(&config.to_toml(), &before.to_toml()) {
        let own = path(&run.config_path());
        return Err(Failure::Usage(format!(
            "{}: [{section}] {key} was {then} in this run, but is {now} now; to go on as it began: \
             wgrad train {own} --resume={}",
            path(run.path()),
            path(run.path())
        )));
    }
    if Preparation::load(&run.scaler_path())? != *preparation {
        return Err(Failure::Usage(format!(
            "{}: the data is not what it was when this run began, so it cannot go on; start a new run",
            config.data.source.place()
        )));
    }
    Ok(())
}

/// The first key that differs: section, key, the value now, the value then.
fn difference(now: &str, then: &str) -> Option<(String, String, String, String)> {
    // Both texts are our own, so they parse; were one not to, every key of it would be missing.
    let parse = |text: &str| text.parse::<Table>().unwrap_or_default();
    let (now, then) = (parse(now), parse(then));
    let empty = Table::new();
    for section in ["model", "data", "training"] {
        let table = |of: &'_ Table| of.get(section).and_then(|v| v.as_table()).cloned();
        let now = table(&now).unwrap_or_else(|| empty.clone());
        let then = table(&then).unwrap_or_else(|| empty.clone());
        for key in now.keys().chain(then.keys()) {
            if FREE.contains(&(section, key)) || now.get(key) == then.get(key) {
                continue;
            }
            let shown = |of: &Table| of.get(key).map_or("not set".to_string(), |v| v.to_string());
            return Some((section.to_string(), key.clone(), shown(&now), shown(&then)));
        }
    }
    None
}

/// Whether the run has come to its end already; says so again, with its results.
pub fn is_complete(run: &RunFolder, config: &Config, output: &mut Output) -> Result<bool, Failure> {
    let Ok(text) = std::fs::read(run.summary_path()) else {
        return Ok(false);
    };
    let Ok(mut summary) = serde_json::from_slice::<Value>(&text) else {
        return Ok(false);
    };
    let epochs = summary.get("epochs").and_then(Value::as_u64).unwrap_or(0);
    let asked = config.training.epochs as u64;
    let before = Config::load(&run.config_path(), &Overrides::default())?;
    // It ended where it was to end, or early for a reason that has not changed.
    if asked > epochs && asked != before.training.epochs as u64 {
        return Ok(false);
    }
    if asked > epochs && summary.get("stopped").is_none_or(Value::is_null) {
        return Ok(false);
    }
    output.say(&format!(
        "{} has come to its end, after {epochs} epochs; --epochs asks for more",
        path(run.path())
    ));
    if let Some(done) = summary.get_mut("done") {
        output.event("done", &done.take());
    }
    Ok(true)
}

/// Takes over the run's newest state.
pub fn restore(run: &RunFolder, trainer: &mut Trainer) -> Result<(), Failure> {
    let Some(checkpoint) = run.resume_path()? else {
        return Err(Failure::Engine(Error::Data {
            place: path(&run.checkpoints()),
            reason: "there is no checkpoint to go on from; start anew without --resume".to_string(),
        }));
    };
    Ok(trainer.resume(checkpoint)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_matters_counts_as_a_difference() {
        let a = "[model]\nhidden = [8]\n[training]\nepochs = 3\nseed = 1\n[output]\ndir = \"a\"\n";
        let free = a
            .replace("epochs = 3", "epochs = 6")
            .replace("\"a\"", "\"b\"");
        assert_eq!(difference(a, &free), None);
        let (section, key, now, then) =
            difference(a, &a.replace("seed = 1", "seed = 2")).unwrap_or_default();
        assert_eq!(
            [section, key, now, then],
            ["training", "seed", "1", "2"].map(String::from)
        );
        let (_, key, now, then) =
            difference(a, &a.replace("hidden = [8]\n", "")).unwrap_or_default();
        assert_eq!(
            [key, now, then],
            ["hidden", "[8]", "not set"].map(String::from)
        );
    }
}
