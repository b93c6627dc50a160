//! `wgrad runs`: lists the runs of a folder, compares two of them, or draws their curves.

mod difference;
mod entry;

use std::path::{Path, PathBuf};

use wgrad::run::write_atomically;

use crate::args::RunsArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::report::compare;
use crate::text::{count, cut, duration, metric, path, short};
use difference::differences;
use entry::Entry;

/// The folder of runs, where no other is given.
const USUAL: &str = "runs";

/// The most runs on a page.
const DRAWN: usize = 10;

/// The widths of the columns of names, scores and devices.
const NAME: usize = 16;
const SCORE: usize = 17;
const DEVICE: usize = 10;

/// Lists or compares runs.
pub fn run(args: &RunsArgs, output: &mut Output) -> Result<(), Failure> {
    let (entries, broken) = match args.paths.as_slice() {
        [] => of_folder(Path::new(USUAL))?,
        [folder] => of_folder(folder)?,
        runs => {
            let read = runs.iter().map(|run| Entry::read(run));
            (read.collect::<Result<Vec<Entry>, _>>()?, Vec::new())
        }
    };
    match entries.as_slice() {
        [first, second] if args.paths.len() == 2 => {
            listed(&entries, output);
            compared(first, second, output);
        }
        _ => listed(&entries, output),
    }
    for problem in &broken {
        output.note(&format!("note: {problem}"));
    }
    if let Some(page) = &args.page {
        let shown = entries.get(..DRAWN).unwrap_or(&entries);
        if shown.len() < entries.len() {
            output.note(&format!(
                "note: the page shows the {DRAWN} newest of {} runs; name the runs to show others",
                count(entries.len() as u64)
            ));
        }
        let runs: Vec<compare::Compared> = shown.iter().map(Entry::compared).collect();
        write_atomically(page, compare::page(&runs).as_bytes())?;
        output.say(&format!("page    {}", path(page)));
    }
    output.event("done", &serde_json::json!({ "runs": entries.len() }));
    Ok(())
}

/// Reads the runs of a folder, the newest first. Returns the problems of those that cannot be read.
fn of_folder(folder: &Path) -> Result<(Vec<Entry>, Vec<String>), Failure> {
    if folder.join("config.toml").is_file() {
        return Err(Failure::Usage(format!(
            "{} is a run; give the folder that contains it, or two runs to compare",
            path(folder)
        )));
    }
    let failed = |error: std::io::Error| {
        Failure::Usage(format!(
            "{}: cannot read this folder: {error}; `wgrad train` writes runs to a folder `{USUAL}` \
             next to the configuration",
            path(folder)
        ))
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.join("config.toml").is_file() {
            paths.push(path);
        }
    }
    let (mut entries, mut broken) = (Vec::new(), Vec::new());
    for path in paths {
        match Entry::read(&path) {
            Ok(entry) => entries.push(entry),
            Err(failure) => broken.push(failure.message()),
        }
    }
    entries.sort_by(|a, b| b.written.cmp(&a.written).then_with(|| a.name.cmp(&b.name)));
    Ok((entries, broken))
}

fn listed(entries: &[Entry], output: &mut Output) {
    if entries.is_empty() {
        output.say("no runs");
    } else {
        output.say(&format!(
            "{:NAME$}  {:SCORE$}  {:>7}  {:>4}  {:>6}  {:>8}  device",
            "run", "score", "loss", "seed", "epochs", "time"
        ));
    }
    for entry in entries {
        let score = entry.score.as_ref().map(|(name, value)| {
            let value = metric(name, *value);
            let name = cut(name, SCORE.saturating_sub(value.chars().count() + 1));
            format!("{name} {value}")
        });
        let line = format!(
            "{:NAME$}  {:SCORE$}  {:>7}  {:>4}  {:>6}  {:>8}  {}",
            cut(&entry.name, NAME),
            score.unwrap_or("-".to_string()),
            cut(&entry.loss.map_or("-".to_string(), short), 7),
            cut(&entry.seed.to_string(), 4),
            count(entry.epochs as u64),
            cut(&duration(entry.seconds), 8),
            match entry.device.as_str() {
                "" => "unfinished".to_string(),
                device => {
                    let name = device.split(" (").next().unwrap_or(device);
                    cut(name, DEVICE)
                }
            }
        );
        output.say(&cut(line.trim_end(), 80));
        output.event("run", entry);
    }
    if entries.iter().any(|entry| !entry.tested) {
        output
            .say("\nscore and loss are of the test, and of the last epoch where there is no test");
    }
}

/// Prints the settings in which two runs differ.
fn compared(first: &Entry, second: &Entry, output: &mut Output) {
    let found = differences(&first.config, &second.config);
    if found.is_empty() {
        output.say("\nthe configurations are the same");
    } else {
        let widths = found.iter().map(|d| d.setting.chars().count());
        let width = widths.max().unwrap_or(0).min(28);
        let column = (80 - width - 4) / 2;
        output.say(&format!(
            "\n{:width$}  {:column$}  {}",
            "setting",
            cut(&first.name, column),
            cut(&second.name, column)
        ));
        for one in &found {
            let line = format!(
                "{:width$}  {:column$}  {}",
                cut(&one.setting, width),
                cut(&one.first, column),
                cut(&one.second, column)
            );
            output.say(line.trim_end());
            output.event("difference", one);
        }
    }
}
