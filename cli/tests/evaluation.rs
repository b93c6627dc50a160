//! What follows a training: its scores beside those of a trivial model, explanations, lists of
//! runs, and event files.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{iris, names, wgrad};
use serde_json::Value;

/// Writes a table of two classes, of which one is rare, and a configuration for it.
fn imbalanced(folder: &Path, training: &str, output: &str) {
    let mut table = String::from("a,city,quality\n");
    for i in 0..400 {
        let a = (i * 37 % 101) as f64 / 10.0;
        let city = ["Basel", "Bern", "Genf"][i * 7 % 3];
        let bad = i % 19 == 3 || (a > 9.5 && i % 2 == 0);
        table.push_str(&format!(
            "{a},{city},{}\n",
            if bad { "bad" } else { "good" }
        ));
    }
    std::fs::write(folder.join("t.csv"), table).unwrap();
    let config = format!(
        "[data]\nformat = \"table\"\npath = \"t.csv\"\ntarget = \"quality\"\n[model]\nhidden = [4]\n\
         [training]\nepochs = 2\ndevice = \"cpu\"\n{training}\n[output]\n{output}\n"
    );
    std::fs::write(folder.join("t.toml"), config).unwrap();
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

const METRICS: &str =
    "metrics = [{ type = \"pr_auc\", class = \"bad\" }, \"accuracy\", \"precision\"]";

#[test]
fn a_model_is_compared_with_the_trivial_one() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    imbalanced(here, METRICS, "");
    let ran = wgrad(here, "train t.toml").ok();
    assert!(
        ran.stdout.contains("\nweights the last epoch, 2\n"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("\ntest    pr_auc_bad 0."),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("(always \"good\")"), "{}", ran.stdout);
    for line in ran.stdout.lines().chain(ran.stderr.lines()) {
        let long = line.starts_with("run ") || line.starts_with("report ");
        assert!(long || line.chars().count() <= 80, "{line}");
    }
    let summary = json(&here.join("runs/t/summary.json"));
    assert_eq!(summary["baseline"]["prediction"], "\"good\"");
    let trivial = summary["baseline"]["accuracy"].as_f64().unwrap();
    assert!((0.85..1.0).contains(&trivial), "{trivial}");
    // The precision of a class that is never predicted is 0, and the mean is over both.
    let precision = summary["baseline"]["precision"].as_f64().unwrap();
    assert!((precision - trivial / 2.0).abs() < 1e-9);
    // The average precision of a constant is the frequency of the class.
    let rare = summary["baseline"]["pr_auc_bad"].as_f64().unwrap();
    assert!((rare - (1.0 - trivial)).abs() < 1e-9);
    let metrics: Vec<&String> = summary["done"]["test"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(metrics, ["loss", "pr_auc_bad", "accuracy", "precision"]);
    let interval = summary["intervals"][1].as_array().unwrap();
    let accuracy = summary["done"]["test"]["accuracy"].as_f64().unwrap();
    assert_eq!(interval[0], "accuracy");
    assert!(interval[1].as_f64().unwrap() <= accuracy);
    assert!(interval[2].as_f64().unwrap() >= accuracy);
    let report = std::fs::read_to_string(here.join("runs/t/report.html")).unwrap();
    for text in [
        "Importance of the columns",
        "Worst samples",
        "Thresholds of the probability of \u{201c}bad\u{201d}",
        "Calibration",
        "city=Basel",
    ] {
        assert!(report.contains(text), "{text}");
    }
}

#[test]
fn the_mean_is_the_trivial_model_of_a_regression() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::copy(common::data("diabetes.csv"), here.join("d.csv")).unwrap();
    let config = "[model]\nhidden = [8]\n[data]\npath = \"d.csv\"\ntarget = \"progression\"\n\
                  task = \"regression\"\n[training]\ndevice = \"cpu\"\nepochs = 1\nmetrics = [\"r2\", \"mse\"]\n";
    std::fs::write(here.join("d.toml"), config).unwrap();
    let done = wgrad(here, "train d.toml --json").ok();
    let summary = json(&here.join("runs/d/summary.json"));
    let r2 = summary["baseline"]["r2"].as_f64().unwrap();
    assert!((-0.1..=0.0).contains(&r2), "{r2}");
    let (mse, loss) = (&summary["baseline"]["mse"], &summary["baseline"]["loss"]);
    assert!(
        (mse.as_f64().unwrap() - loss.as_f64().unwrap()).abs() < 0.01,
        "{mse} {loss}"
    );
    assert!(done.stderr.contains("trivial r2"), "{}", done.stderr);
}

#[test]
fn a_class_that_does_not_exist_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    imbalanced(here, &METRICS.replace("\"bad\"", "\"bed\""), "");
    let ran = wgrad(here, "train t.toml");
    let text = &ran.stderr;
    assert!(text.contains("t.toml:10:"), "{text}");
    assert!(
        text.contains("no class is named \"bed\"; did you mean `bad`?"),
        "{text}"
    );
    assert!(text.contains("the classes are \"bad\", \"good\""), "{text}");
    assert_eq!(ran.code, Some(2));
    assert!(!here.join("runs").exists());
    imbalanced(here, &METRICS.replace("\"bad\"", "2"), "");
    let ran = wgrad(here, "train t.toml");
    let message = "there is no class 2; the 2 classes are counted from 0";
    assert!(ran.stderr.contains(message), "{}", ran.stderr);
}

#[test]
fn a_run_and_a_row_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    imbalanced(here, METRICS, "");
    wgrad(here, "train t.toml").ok();
    let events = wgrad(here, "explain runs/t --json").ok().events();
    assert_eq!(events.len(), 3);
    assert_eq!(events[2]["metric"], "pr_auc_bad");
    let ran = wgrad(here, "explain runs/t t.csv --row 4").ok();
    assert!(ran.stdout.starts_with("t.csv, row 4: "), "{}", ran.stdout);
    let done = wgrad(here, "explain runs/t t.csv --row 4 --json").ok();
    let events = done.events();
    let sum: f64 = events.iter().filter_map(|e| e["value"].as_f64()).sum();
    let done = done.done();
    let (base, output) = (
        done["base"].as_f64().unwrap(),
        done["output"].as_f64().unwrap(),
    );
    assert!((base + sum - output).abs() < 1e-9);
    assert_eq!(done["exact"], true);
    wgrad(here, "explain runs/t t.csv --row 401").refused("the row is 401, but must be 1 to 400");
    wgrad(here, "explain runs/t t.csv").refused("add --row 1");
    wgrad(here, "explain runs/none").refused("there is no such folder");
}

#[test]
fn runs_are_listed_compared_and_drawn() {
    let folder = iris("epochs = 2");
    let here = folder.path();
    wgrad(here, "runs").refused("cannot read this folder");
    wgrad(here, "train c.toml --out runs/a").ok();
    wgrad(here, "train c.toml --out runs/b --seed 5 --epochs 3").ok();
    std::fs::create_dir_all(here.join("runs/broken")).unwrap();
    std::fs::write(here.join("runs/broken/config.toml"), "[data\n").unwrap();
    let ran = wgrad(here, "runs").ok();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("run "), "{}", ran.stdout);
    assert!(
        lines[1].starts_with("b ") && lines[2].starts_with("a "),
        "{}",
        ran.stdout
    );
    assert!(lines[1].contains("accuracy"), "{}", ran.stdout);
    assert!(
        lines.iter().all(|line| line.chars().count() <= 80),
        "{}",
        ran.stdout
    );
    assert!(ran.stderr.contains("broken"), "{}", ran.stderr);
    let events = wgrad(here, "runs --json").ok().events();
    assert_eq!(events[0]["name"], "b");
    assert_eq!(
        (&events[0]["seed"], &events[0]["epochs"]),
        (&Value::from(5), &Value::from(3))
    );
    let ran = wgrad(here, "runs runs/a runs/b --page page.html").ok();
    let rows = |name: &str| -> Vec<String> {
        let line = ran
            .stdout
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap();
        line.split_whitespace().map(str::to_string).collect()
    };
    assert_eq!(rows("training.epochs"), ["training.epochs", "2", "3"]);
    assert_eq!(rows("training.seed"), ["training.seed", "3", "5"]);
    assert!(!ran.stdout.contains("output.dir"), "{}", ran.stdout);
    let page = std::fs::read_to_string(here.join("page.html")).unwrap();
    assert!(page.contains("Training loss") && page.contains("line c1"));
    wgrad(here, "runs runs/a").refused("is a run");
}

#[test]
fn event_files_are_written_and_a_resumed_run_has_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    imbalanced(here, METRICS, "tensorboard = true");
    wgrad(here, "train t.toml").ok();
    let events = here.join("runs/t/tensorboard");
    assert_eq!(names(&events), ["train", "validation"]);
    let files = names(&events.join("train"));
    assert_eq!(files.len(), 1);
    let bytes = std::fs::read(events.join("train").join(&files[0])).unwrap();
    let has = |text: &str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    for tag in ["loss", "learning_rate", "pr_auc_bad", "0.weight"] {
        assert!(has(tag), "{tag}");
    }
    wgrad(here, "train t.toml --epochs 3 --resume").ok();
    assert_eq!(names(&events.join("train")).len(), 2);
}
