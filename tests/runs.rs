//! Runs of an earlier version: they open, give the same predictions, and can be resumed.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use wgrad::run::Prediction;
use wgrad::spec::{Config, Overrides};
use wgrad::{Device, Run};

fn folder(run: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/runs")
        .join(run)
}

fn example(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/data")
        .join(file)
}

/// Returns the rows of `predictions.csv` without its header.
fn rows(run: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(folder(run).join("predictions.csv")).unwrap();
    let lines = text.lines().skip(1);
    lines
        .map(|line| line.split(',').map(str::to_string).collect())
        .collect()
}

/// Returns the fields that the command line writes for a prediction.
fn fields(prediction: &Prediction) -> Vec<String> {
    match prediction {
        Prediction::Class {
            name,
            probabilities,
            ..
        } => {
            let each = probabilities.iter().map(|p| format!("{p:.6}"));
            std::iter::once(name.clone()).chain(each).collect()
        }
        Prediction::Labels { probabilities, .. } => {
            probabilities.iter().map(|p| format!("{p:.6}")).collect()
        }
        Prediction::Values { values, deviations } => {
            let each = values.iter().chain(deviations);
            each.map(|v| (*v as f32).to_string()).collect()
        }
    }
}

/// Returns whether two fields are the same word, or numbers that differ only as much as another
/// order of additions allows.
fn equal(a: &str, b: &str) -> bool {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= 2e-6 + 1e-5 * b.abs(),
        _ => a == b,
    }
}

#[test]
fn earlier_runs_predict_what_they_predicted() {
    let cases = [
        ("iris", "iris.csv"),
        ("diabetes", "diabetes.csv"),
        ("layers", "digits.csv"),
        ("sunspots", "sunspots_train.csv"),
    ];
    for (name, file) in cases {
        let run = Run::open(folder(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut predictor = run
            .predictor(&Device::cpu())
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let predictions = predictor.predict_file(example(file)).unwrap();
        let rows = rows(name);
        assert_eq!(predictions.len(), rows.len(), "{name}");
        for (prediction, row) in predictions.iter().zip(&rows) {
            let fields = fields(prediction);
            let same =
                fields.len() == row.len() && fields.iter().zip(row).all(|(a, b)| equal(a, b));
            assert!(same, "{name}: expected {row:?}, found {fields:?}");
        }
    }
}

#[test]
fn earlier_runs_evaluate_as_they_did() {
    // The loss and the metrics on the runs' test data, as measured by the version that wrote them.
    let iris = [
        ("loss", 0.456_207_394_599_914_55),
        ("accuracy", 0.833_333_333_333_333_4),
        ("f1_weighted", 0.832_915_622_389_306_5),
        ("top_2", 1.0),
    ];
    let diabetes = [
        ("loss", 5.407_947_540_283_203),
        ("mae", 44.293_370_506_979_2),
        ("r2", 0.393_808_271_128_643_8),
    ];
    let layers = [
        ("loss", 2.369_437_149_592_808_4),
        ("accuracy", 0.149_553_571_428_571_42),
    ];
    let sunspots = [
        ("loss", 20.840_852_737_426_758),
        ("mae", 21.326_983_855_942_547),
    ];
    let cases: [(&str, &[(&str, f64)]); 4] = [
        ("iris", &iris),
        ("diabetes", &diabetes),
        ("layers", &layers),
        ("sunspots", &sunspots),
    ];
    for (name, expected) in cases {
        let run = Run::open(folder(name)).unwrap();
        let test = run.test_data().unwrap().expect("the run has test data");
        let evaluation = run
            .trainer(&Device::cpu())
            .unwrap()
            .evaluate(&test)
            .unwrap();
        for (metric, value) in expected {
            let found = match *metric {
                "loss" => evaluation.loss,
                other => evaluation.metric(other).unwrap(),
            };
            assert!(
                (found - value).abs() <= 1e-5 * value.abs(),
                "{name}: {metric}: expected {value}, found {found}"
            );
        }
    }
}

#[test]
fn class_names_and_settings_come_with_the_run() {
    let run = Run::open(folder("iris")).unwrap();
    assert_eq!(run.class_names(), ["setosa", "versicolor", "virginica"]);
    assert_eq!(run.preprocessing().sample_shape, [4]);
    assert_eq!(run.config().training.epochs, 12);
    assert!(
        run.weights()
            .unwrap()
            .ends_with("checkpoints/best.safetensors")
    );
    let e = Run::open(folder("none")).unwrap_err().to_string();
    assert!(e.contains("there is no such folder"), "{e}");
}

#[test]
fn a_language_model_generates_from_its_run() {
    let run = Run::open(folder("llama")).unwrap();
    let (mut generator, tokenizer) = run.generator(&Device::cpu()).unwrap();
    let prompt = tokenizer.encode("The ").unwrap();
    let sampling = wgrad::generate::Sampling {
        temperature: 0.0,
        ..Default::default()
    };
    let tokens: Vec<u32> = generator
        .generate(&prompt, sampling)
        .unwrap()
        .take(5)
        .map(Result::unwrap)
        .collect();
    assert_eq!(tokens.len(), 5);
    assert!(
        tokens
            .iter()
            .all(|t| (*t as usize) < tokenizer.vocabulary())
    );
    let e = Run::open(folder("iris"))
        .unwrap()
        .tokenizer()
        .unwrap_err()
        .to_string();
    assert!(e.contains("only a language model"), "{e}");
}

#[test]
fn earlier_configurations_mean_what_they_meant() {
    for name in ["iris", "diabetes", "layers", "sunspots", "llama", "gpt"] {
        let file = folder(name).join("config.toml");
        let config = Config::load(&file, &Overrides::default()).unwrap_or_else(|e| panic!("{e}"));
        let written = config.to_toml();
        let again = Config::parse(&file, &written, &Overrides::default())
            .unwrap_or_else(|e| panic!("{e}\n{written}"));
        assert_eq!(config, again);
        // Every key of the file is in the written configuration, with its value.
        let text = std::fs::read_to_string(&file).unwrap();
        let keys = |text: &str| -> Vec<String> {
            let lines = text.lines().filter_map(|line| line.split_once(" = "));
            lines
                .map(|(key, _)| key.trim().to_string())
                .filter(|key| !key.starts_with('{'))
                .collect()
        };
        let now = keys(&written);
        let lost: Vec<String> = keys(&text)
            .into_iter()
            .filter(|key| !now.contains(key))
            .collect();
        // The kind of a sequential model may be omitted.
        assert!(lost.is_empty(), "{name}: {lost:?} is not in\n{written}");
    }
}
