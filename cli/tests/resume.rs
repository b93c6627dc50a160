//! A resumed run gives the same bits as an uninterrupted one.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{iris, names, wgrad};
use serde_json::Value;

/// Returns the records of the epochs without their times.
fn records(run: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let record = |line: &str| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        record.as_object_mut().unwrap().remove("seconds").unwrap();
        record
    };
    text.lines().map(record).collect()
}

const TRAINING: &str = "optimizer = { type = \"adam\", lr = 0.01 }\n\
                        schedule = { type = \"exponential\", gamma = 0.9 }\nclip_grad_norm = 1.0";

#[test]
fn three_epochs_and_three_more_are_six() {
    let folder = iris(TRAINING);
    let here = folder.path();
    let whole = wgrad(here, "train c.toml --epochs 6 --out whole --json")
        .ok()
        .done();
    wgrad(here, "train c.toml --epochs 3 --out parts --json").ok();
    let parts = wgrad(here, "train c.toml --epochs 6 --out parts --resume --json").ok();
    assert_eq!(parts.events()[0]["resumed_epoch"], 3);
    let parts = parts.done();
    for same in ["weights_sha256", "test", "epochs", "steps"] {
        assert_eq!(parts[same], whole[same], "{same}");
    }
    assert_eq!(records(&here.join("parts")), records(&here.join("whole")));
    assert_eq!(records(&here.join("parts")).len(), 6);
    assert_eq!(names(here), ["c.toml", "iris.csv", "parts", "whole"]);
}

#[cfg(unix)]
#[test]
fn control_c_saves_and_the_run_goes_on_to_the_same_bits() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    let folder = iris(&format!("{TRAINING}\nepochs = 400"));
    let here = folder.path();
    let whole = wgrad(here, "train c.toml --out whole --json").ok().done();
    let mut child = common::command(here, "train c.toml --out parts --json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Waits for some epochs, so that the interrupt hits a running training.
    let seen = lines.by_ref().take(4).count();
    assert_eq!(seen, 4);
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let rest: Vec<String> = lines.map(|line| line.unwrap()).collect();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(rest.last().unwrap().contains("\"interrupted\""));
    assert!(
        stderr.contains("wgrad train parts/config.toml --resume=parts"),
        "{stderr}"
    );
    assert!(
        here.join("parts/checkpoints/interrupted.safetensors")
            .exists()
    );

    let parts = wgrad(here, "train parts/config.toml --resume=parts --json")
        .ok()
        .done();
    assert_eq!(parts["weights_sha256"], whole["weights_sha256"]);
    assert_eq!(records(&here.join("parts")), records(&here.join("whole")));
    assert!(
        !here
            .join("parts/checkpoints/interrupted.safetensors")
            .exists()
    );
}

#[test]
fn another_way_of_learning_is_not_the_same_run() {
    let folder = iris("epochs = 2");
    let here = folder.path();
    wgrad(here, "train c.toml").ok();
    wgrad(here, "train c.toml --resume --seed 9 --json")
        .refused("[training] seed was 3 in this run, but is 9 now");
    wgrad(here, "train c.toml --resume=nowhere --json").refused("nowhere: there is no such folder");
    let ran = wgrad(here, "train c.toml --resume").ok();
    assert!(
        ran.stdout.contains("is complete after 2 epochs"),
        "{}",
        ran.stdout
    );

    let data = std::fs::read_to_string(here.join("iris.csv")).unwrap();
    std::fs::write(here.join("iris.csv"), data.replace("5.1,", "5.2,")).unwrap();
    wgrad(here, "train c.toml --resume --epochs 4 --json")
        .refused("the data has changed since this run began");
    wgrad(here, "evaluate run --json").refused("give the data to evaluate (--data)");
}
