//! Explanations: Shapley values are those of the package shap (`tests/fixtures/shapley.py`), and
//! the columns that matter are found.
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use wgrad::explain::{Explainer, permutation_importance, shapley_values};
use wgrad::run::Datasets;
use wgrad::spec::{Config, Overrides};
use wgrad::train::Fit;
use wgrad::{Device, Run};

fn rows(value: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn exact_values_are_those_of_shap() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("fixtures/shapley.json")).unwrap();
    assert_eq!(cases.len(), 2);
    for case in &cases {
        let (first, background) = (rows(&case["first"]), rows(&case["background"]));
        let second: Vec<f64> = serde_json::from_value(case["second"].clone()).unwrap();
        let base: Vec<f64> = serde_json::from_value(case["base"].clone()).unwrap();
        let (inputs, expected) = (rows(&case["rows"]), rows(&case["values"]));
        let features = first.len();
        let network = case["name"] == "network";
        let model = |x: &[f32]| {
            let hidden = |row: &[f32], j: usize| -> f64 {
                let pairs = row.iter().zip(&first);
                pairs.map(|(x, weights)| f64::from(*x) * weights[j]).sum()
            };
            let output = |row: &[f32]| -> f64 {
                let each = second.iter().enumerate();
                match network {
                    true => each.map(|(j, w)| hidden(row, j).tanh() * w).sum(),
                    false => (0.25 * each.map(|(j, w)| hidden(row, j) * w).sum::<f64>()).exp(),
                }
            };
            Ok(x.chunks(features).map(output).collect())
        };
        let flat: Vec<f32> = background.iter().flatten().map(|x| *x as f32).collect();
        let groups: Vec<_> = (0..features).map(|i| i..i + 1).collect();
        for ((row, expected), base) in inputs.iter().zip(&expected).zip(&base) {
            let row: Vec<f32> = row.iter().map(|x| *x as f32).collect();
            let ours = shapley_values(&groups, &row, &flat, 0, model).unwrap();
            assert!(ours.exact && (ours.base - base).abs() < 1e-6);
            for (a, b) in ours.values.iter().zip(expected) {
                assert!((a - b).abs() < 1e-6, "{:?}\n{expected:?}", ours.values);
            }
        }
    }
}

#[test]
fn many_groups_are_estimated_and_add_up() {
    // The sum of pairs, of which each has half.
    let model = |x: &[f32]| {
        let pairs = |row: &[f32]| row.chunks(2).map(|p| f64::from(p[0] * p[1])).sum();
        Ok(x.chunks(12).map(pairs).collect())
    };
    let groups: Vec<_> = (0..12).map(|i| i..i + 1).collect();
    let row: Vec<f32> = (1..=12).map(|i| i as f32).collect();
    let values = shapley_values(&groups, &row, &[0.0; 24], 3, model).unwrap();
    assert!(!values.exact);
    let sum: f64 = values.values.iter().sum();
    assert!((sum - (values.output - values.base)).abs() < 1e-9);
    // Of each pair, one group comes first in each order and last in its reverse.
    for pair in values.values.chunks(2) {
        assert!((pair[0] - pair[1]).abs() < 1e-9, "{:?}", values.values);
    }
    let same = shapley_values(&groups, &row, &[0.0; 24], 3, model).unwrap();
    assert_eq!(same, values);
}

#[test]
fn what_cannot_be_explained_is_an_error() {
    let model = |x: &[f32]| Ok(vec![0.0; x.len() / 2]);
    let error = shapley_values(&[0..1, 1..3], &[1.0, 2.0], &[0.0, 0.0], 0, model).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("at least one range inside of 2 features"),
        "{error}"
    );
    let error = shapley_values(&[0..1, 1..2], &[1.0, 2.0], &[], 0, model).unwrap_err();
    assert!(error.to_string().contains("at least one"), "{error}");
}

/// A table whose target depends on `a` alone, trained in a temporary folder.
fn trained(folder: &std::path::Path) -> (Config, Datasets, wgrad::Trainer) {
    let mut text = String::from("a,color,noise,y\n");
    for i in 0..300 {
        let a = (i * 37 % 100) as f64 / 50.0 - 1.0;
        let color = ["red", "green", "blue"][i * 13 % 3];
        let noise = (i * 71 % 97) as f64;
        text.push_str(&format!(
            "{a},{color},{noise},{}\n",
            if a > 0.0 { "yes" } else { "no" }
        ));
    }
    std::fs::write(folder.join("t.csv"), text).unwrap();
    let toml = "[data]\nformat = \"table\"\npath = \"t.csv\"\ntarget = \"y\"\n[model]\nhidden = [8]\n\
                [training]\nepochs = 20\ndevice = \"cpu\"\noptimizer = { type = \"adam\", lr = 0.03 }\n";
    let path = folder.join("t.toml");
    std::fs::write(&path, toml).unwrap();
    let mut config = Config::load(&path, &Overrides::default()).unwrap();
    let data = Datasets::load(&mut config).unwrap();
    let mut trainer = config.trainer(&data.preprocessing, &Device::cpu()).unwrap();
    trainer
        .fit(&data.train, Fit::epochs(20).batch_size(32))
        .unwrap();
    (config, data, trainer)
}

#[test]
fn the_column_that_decides_is_the_most_important() {
    let folder = tempfile::tempdir().unwrap();
    let (config, data, mut trainer) = trained(folder.path());
    let test = data.test.as_ref().unwrap();
    let of = |trainer: &mut wgrad::Trainer| {
        permutation_importance(trainer, &config, &data.preprocessing, test, 0).unwrap()
    };
    let (metric, columns) = of(&mut trainer);
    assert_eq!(metric, "accuracy");
    let names: Vec<&str> = columns.iter().map(|c| c.column.as_str()).collect();
    assert_eq!(names.len(), 3);
    assert_eq!(names[0], "a");
    assert!(columns[0].drop > 0.3, "{columns:?}");
    assert!(
        columns[1].drop < 0.1 && columns[2].drop < 0.1,
        "{columns:?}"
    );
    assert_eq!(of(&mut trainer), (metric, columns));
}

#[test]
fn a_row_is_explained_by_its_columns() {
    let folder = tempfile::tempdir().unwrap();
    let (config, data, mut trainer) = trained(folder.path());
    let run = wgrad::run::RunFolder::create(&folder.path().join("run")).unwrap();
    run.write_config(&config.to_toml()).unwrap();
    run.write_scaler(&data.preprocessing).unwrap();
    trainer.save(run.checkpoint_path(20)).unwrap();
    let run = Run::open(run.path()).unwrap();
    let mut explainer = Explainer::new(&run, &Device::cpu()).unwrap();
    let file = folder.path().join("t.csv");
    let explained = explainer.row(&file, 2).unwrap();
    assert_eq!(explained.columns[0].0, "a");
    assert!(explained.exact && explained.quantity == "probability of no");
    let sum: f64 = explained.columns.iter().map(|c| c.1).sum();
    assert!((explained.base + sum - explained.output).abs() < 1e-9);
    let error = explainer.row(&file, 301).unwrap_err().to_string();
    assert!(error.contains("1 to 300, the rows of"), "{error}");
    assert!(explainer.row(&file, 0).is_err());
}
