//! `wgrad profile`: tables, JSON lines and the trace.
#![allow(clippy::unwrap_used)]

mod common;

use serde_json::Value;

use common::{iris, names, wgrad};

#[test]
fn tables_say_where_the_time_goes() {
    let folder = iris("");
    let ran = wgrad(folder.path(), "profile c.toml --steps 2").ok();
    let expected = [
        "2 timed training steps of 7 samples",
        "the host's clock (the device is the host)",
        "GFLOP/s of fused multiply-adds",
        "by op",
        "matmul, forward",
        "by layer",
        "0 Linear(4, 16)",
        "by line of the file",
        "[model] linear",
        "update of the parameters",
        "by step of the plan",
        "outside the steps",
    ];
    for text in expected {
        assert!(
            ran.stdout.contains(text),
            "{text:?} is not in\n{}",
            ran.stdout
        );
    }
    assert_eq!(ran.stderr, "");
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    // Profiling creates no run folder.
    assert_eq!(names(folder.path()), ["c.toml", "iris.csv"]);
}

#[test]
fn layers_are_told_by_their_lines() {
    let folder = iris("");
    let file = folder.path().join("c.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let layers = "layers = [\n  { type = \"linear\", out = 8 },\n  \"tanh\",\n  { type = \"residual\", layers = [\n\
                  { type = \"linear\", out = 8 }\n] },\n  { type = \"linear\", out = 3 },\n]";
    let text = text.replace("hidden = [16]\ndropout = 0.1", layers);
    std::fs::write(&file, text).unwrap();
    let ran = wgrad(folder.path(), "profile c.toml --steps 1 --all").ok();
    for line in ["c.toml:3 linear", "c.toml:6 linear", "c.toml:8 linear"] {
        assert!(
            ran.stdout.contains(line),
            "{line:?} is not in\n{}",
            ran.stdout
        );
    }
}

#[test]
fn json_has_every_step_and_the_trace() {
    let folder = iris("");
    let line = "profile c.toml --steps 3 --json --trace trace.json";
    let ran = wgrad(folder.path(), line).ok();
    let done = ran.done();
    let events = ran.events();
    let steps: Vec<&Value> = events.iter().filter(|e| e["event"] == "step").collect();
    assert_eq!(done["steps"], steps.len());
    assert_eq!(events.len(), steps.len() + 1);
    let number = |v: &Value| v.as_f64().unwrap();
    let sum: f64 = steps.iter().map(|s| number(&s["ms"])).sum();
    assert!((sum - number(&done["in_steps_ms"])).abs() < 1e-6);
    let outside = done["outside_ms"].as_object().unwrap().values();
    let outside: f64 = outside.map(number).sum();
    assert!((sum + outside - number(&done["ms"])).abs() < 1e-6);
    for table in ["by_op", "by_layer", "by_line"] {
        let rows = done[table].as_array().unwrap();
        let share: f64 = rows.iter().map(|row| number(&row["share"])).sum();
        let expected = sum / number(&done["ms"]);
        assert!((share - expected).abs() < 1e-6, "{table}: {share}");
    }
    assert!(number(&done["ceiling_gflop_per_s"]) > 0.0);
    assert_eq!(done["timestamps"], false);
    let trace = std::fs::read(folder.path().join("trace.json")).unwrap();
    let trace: Value = serde_json::from_slice(&trace).unwrap();
    let of_steps = trace["traceEvents"].as_array().unwrap().iter();
    let of_steps = of_steps.filter(|e| e["args"]["step"].is_number()).count();
    assert_eq!(of_steps, 3 * steps.len());
    assert_eq!(names(folder.path()), ["c.toml", "iris.csv", "trace.json"]);
}

#[test]
fn mistakes_are_those_of_a_training() {
    let folder = iris("loss = \"mze\"");
    let refused = |line: &str, message: &str| wgrad(folder.path(), line).refused(message);
    refused("profile no.toml --json", "no.toml: cannot read");
    refused("profile c.toml --json", "c.toml:11:8");
    refused("profile c.toml --steps 0", "0 is not in 1..=10000");
    refused("profile c.toml --device nothing", "c.toml:11:8");
    let folder = iris("");
    let refused = |line: &str, message: &str| wgrad(folder.path(), line).refused(message);
    refused(
        "profile c.toml --steps 1 --json --device nothing",
        "`wgrad devices` lists the adapters",
    );
    let ran = wgrad(
        folder.path(),
        "profile c.toml --steps 1 --trace no/trace.json",
    );
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("no/trace.json"), "{}", ran.stderr);
}

#[test]
fn help_says_what_there_is() {
    let folder = iris("");
    let ran = wgrad(folder.path(), "profile --help").ok();
    for word in [
        "CONFIG.toml",
        "--device",
        "--steps",
        "--trace",
        "--all",
        "--wall-clock",
    ] {
        assert!(
            ran.stdout.contains(word),
            "{word} is not in\n{}",
            ran.stdout
        );
    }
}
