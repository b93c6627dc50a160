//! `train`, `evaluate` and `predict` in sequence, as a user runs them.
#![allow(clippy::unwrap_used)]

mod common;

use common::{data, iris, names, wgrad};
use serde_json::Value;

const TRAINING: &str = "epochs = 30\noptimizer = { type = \"adam\", lr = 0.01 }";

#[test]
fn iris_is_learnt_measured_and_predicted() {
    let folder = iris(TRAINING);
    let here = folder.path();
    let ran = wgrad(here, "train c.toml --json").ok();
    let events = ran.events();
    assert_eq!(events[0]["event"], "start");
    assert_eq!(events.iter().filter(|e| e["event"] == "epoch").count(), 30);
    let done = ran.done();
    assert_eq!(done["epochs"], 30);
    assert_eq!(done["steps"], 30 * 16);
    assert!(done["first_step_ms"].as_f64().unwrap() > 0.0);
    assert!(done["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(done["weights_sha256"].as_str().unwrap().len(), 64);
    let accuracy = done["test"]["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.9, "{accuracy}");

    let run = here.join("run");
    assert_eq!(
        names(&run),
        [
            "checkpoints",
            "config.toml",
            "metrics.jsonl",
            "report.html",
            "scaler.json",
            "summary.json"
        ]
    );
    let checkpoints = [
        "best.safetensors",
        "epoch-00028.safetensors",
        "epoch-00029.safetensors",
        "epoch-00030.safetensors",
    ];
    assert_eq!(names(&run.join("checkpoints")), checkpoints);
    let summary: Value =
        serde_json::from_slice(&std::fs::read(run.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["done"]["test"], done["test"]);
    assert_eq!(summary["classes"][0]["class"], "setosa");
    let report = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("Confusion matrix") && report.contains("versicolor"));

    // Evaluates the test split again, from the run folder alone.
    let measured = wgrad(here, "evaluate run --json").ok().done();
    assert_eq!(measured["test"], done["test"]);
    // Evaluates the whole file.
    let all = wgrad(here, "evaluate run --data iris.csv --json")
        .ok()
        .done();
    assert_eq!(all["samples"], 150);
    assert!(all["test"]["accuracy"].as_f64().unwrap() > 0.9);

    // The columns have another order, one is unknown, and there is no target.
    let table = "note,petal width (cm),petal length (cm),sepal width (cm),sepal length (cm)\n\
                 a,0.2,1.4,3.5,5.1\nb,2.5,6.0,3.3,6.3\n";
    std::fs::write(here.join("new.csv"), table).unwrap();
    let ran = wgrad(here, "predict run new.csv").ok();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines[0],
        "predicted species,p(setosa),p(versicolor),p(virginica)"
    );
    assert!(lines[1].starts_with("setosa,0.9"), "{}", lines[1]);
    assert!(lines[2].starts_with("virginica,0.0"), "{}", lines[2]);
    assert_eq!(lines.len(), 3);
    assert!(ran.stderr.contains("not used by this model: note"));

    let events = wgrad(here, "predict run new.csv --json").ok().events();
    assert_eq!(events[1]["class"], "virginica");
    assert_eq!(events[2]["samples"], 2);
    let ran = wgrad(here, "predict run new.csv --out p.csv").ok();
    assert!(ran.stdout.contains("2 predictions in p.csv"));
    let written = std::fs::read_to_string(here.join("p.csv")).unwrap();
    assert_eq!(written.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn a_second_run_takes_another_folder_and_gives_the_same_bits() {
    let folder = iris("epochs = 2");
    let first = wgrad(folder.path(), "train c.toml --json").ok().done();
    let second = wgrad(folder.path(), "train c.toml --json").ok().done();
    assert_eq!(first["weights_sha256"], second["weights_sha256"]);
    assert!(second["run"].as_str().unwrap().ends_with("run-2"));
    let other = wgrad(folder.path(), "train c.toml --json --seed 4")
        .ok()
        .done();
    assert_ne!(first["weights_sha256"], other["weights_sha256"]);
}

#[test]
fn a_quantity_is_predicted_in_its_own_units() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::copy(data("diabetes.csv"), here.join("d.csv")).unwrap();
    let config = "[model]\nhidden = [8]\n[data]\npath = \"d.csv\"\ntarget = \"progression\"\n\
                  task = \"regression\"\n[training]\ndevice = \"cpu\"\nepochs = 20\n";
    std::fs::write(here.join("d.toml"), config).unwrap();
    let done = wgrad(here, "train d.toml --json").ok().done();
    let error = done["test"]["mae"].as_f64().unwrap();
    assert!(error < 60.0, "{error}");
    let ran = wgrad(here, "predict runs/d d.csv").ok();
    let mut lines = ran.stdout.lines();
    assert_eq!(lines.next(), Some("predicted progression"));
    let values: Vec<f64> = lines.map(|l| l.parse().unwrap()).collect();
    assert_eq!(values.len(), 442);
    assert!(values.iter().all(|v| (0.0..500.0).contains(v)));
}

#[test]
fn two_classes_train_with_a_binary_loss() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::copy(data("breast_cancer.csv"), here.join("b.csv")).unwrap();
    let config = "[model]\nlayers = [{ type = \"linear\", out = 1 }]\n[data]\npath = \"b.csv\"\n\
                  target = \"diagnosis\"\n[training]\ndevice = \"cpu\"\nepochs = 15\n\
                  loss = \"bce_with_logits\"\noptimizer = { type = \"adam\", lr = 0.01 }\n";
    std::fs::write(here.join("b.toml"), config).unwrap();
    let done = wgrad(here, "train b.toml --json").ok().done();
    let accuracy = done["test"]["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.93, "{accuracy}");
    let measured = wgrad(here, "evaluate runs/b --json").ok().done();
    // The metrics of the engine agree with the counts of the predictions.
    let counts = &measured["confusion"]["counts"];
    let at = |i: usize, j: usize| counts[i][j].as_f64().unwrap();
    let right = (at(0, 0) + at(1, 1)) / measured["samples"].as_f64().unwrap();
    assert!((right - accuracy).abs() < 1e-6);
}

#[test]
fn early_stopping_keeps_the_best_weights() {
    let folder = iris(
        "epochs = 300\noptimizer = { type = \"adam\", lr = 0.05 }\nearly_stopping = { patience = 3 }",
    );
    let done = wgrad(folder.path(), "train c.toml --json").ok().done();
    assert!(done["epochs"].as_u64().unwrap() < 300);
    let measured = wgrad(folder.path(), "evaluate run --json").ok().done();
    assert_eq!(measured["test"], done["test"]);
    assert!(
        measured["weights"]
            .as_str()
            .unwrap()
            .ends_with("best.safetensors")
    );
    // The run is complete, so resuming it trains no further.
    let again = wgrad(folder.path(), "train c.toml --resume --json")
        .ok()
        .done();
    assert_eq!(again, done);
}

#[test]
fn devices_names_what_auto_takes() {
    let folder = tempfile::tempdir().unwrap();
    let done = wgrad(folder.path(), "devices --json").ok().done();
    assert!(done["auto"]["device"].is_string() && done["auto"]["why"].is_string());
    let words = wgrad(folder.path(), "devices").ok();
    assert!(words.stdout.contains("auto selects "));
}
