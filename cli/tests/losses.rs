//! The losses whose outputs have a meaning of their own, from a file to predictions.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{data, wgrad};

/// Trains on one of the project's tables with this configuration. Returns the test's metrics and
/// the lines that `predict` prints.
fn train(here: &Path, table: &str, config: &str) -> (serde_json::Value, Vec<String>) {
    std::fs::copy(data(table), here.join("d.csv")).unwrap();
    std::fs::write(here.join("c.toml"), config).unwrap();
    let done = wgrad(here, "train c.toml --json").ok().done();
    let told = wgrad(here, "predict runs/c d.csv").ok().stdout;
    (
        done["test"].clone(),
        told.lines().map(str::to_string).collect(),
    )
}

/// Returns the configuration of a regression on the diabetes table.
fn diabetes(loss: &str) -> String {
    format!(
        "[model]\nhidden = [8]\ninit = \"kaiming_normal\"\n[data]\npath = \"d.csv\"\ntarget = \"progression\"\n\
         [training]\ndevice = \"cpu\"\nepochs = 30\nloss = {loss}\noptimizer = {{ type = \"adam\", lr = 0.01 }}\n"
    )
}

fn columns(lines: &[String]) -> Vec<Vec<f64>> {
    let numbers = |line: &String| line.split(',').map(|v| v.parse().unwrap()).collect();
    lines.iter().skip(1).map(numbers).collect()
}

#[test]
fn a_normal_density_tells_how_sure_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (test, told) = train(
        folder.path(),
        "diabetes.csv",
        &diabetes("{ type = \"gaussian_nll\", full = true }"),
    );
    let error = test["mae"].as_f64().unwrap();
    assert!(error < 60.0, "{error}");
    assert_eq!(
        told[0],
        "predicted progression,deviation of predicted progression"
    );
    // In the target's units: about 95 of 100 values lie within two standard deviations.
    let table = std::fs::read_to_string(folder.path().join("d.csv")).unwrap();
    let actual = table.lines().skip(1).map(|l| {
        let last = l.rsplit(',').next().unwrap();
        last.parse::<f64>().unwrap()
    });
    let told = columns(&told);
    let within = told.iter().zip(actual).filter(|(told, actual)| {
        assert!(told[1] > 5.0 && told[1] < 200.0, "{told:?}");
        (told[0] - actual).abs() < 2.0 * told[1]
    });
    let share = within.count() as f64 / told.len() as f64;
    assert!((0.85..=0.995).contains(&share), "{share}");
}

#[test]
fn counts_are_predicted_by_their_rates() {
    let folder = tempfile::tempdir().unwrap();
    let (test, told) = train(folder.path(), "diabetes.csv", &diabetes("\"poisson_nll\""));
    // Predictions and metrics are in the target's units, not logarithms.
    let error = test["mae"].as_f64().unwrap();
    assert!(error < 60.0, "{error}");
    assert_eq!(told[0], "predicted progression");
    let told = columns(&told);
    assert!(told.iter().all(|v| (1.0..600.0).contains(&v[0])));
}

#[test]
fn what_is_no_count_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::write(here.join("d.csv"), "a,progression\n1,2\n2,-1.5\n3,0\n").unwrap();
    std::fs::write(here.join("c.toml"), diabetes("\"poisson_nll\"")).unwrap();
    wgrad(here, "train c.toml").refused(
        "loss \"poisson_nll\" is for counts, but a target is -1.5, and counts are not negative",
    );
}

#[test]
fn a_margin_tells_a_class_and_no_probability() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[model]\nlayers = [{ type = \"linear\", out = 1, init = \"zeros\" }]\n[data]\npath = \"d.csv\"\n\
                  target = \"diagnosis\"\n[training]\ndevice = \"cpu\"\nepochs = 15\nloss = \"hinge\"\n\
                  optimizer = { type = \"adam\", lr = 0.01 }\nmetrics = [\"accuracy\", \"roc_auc\"]\n";
    let (test, told) = train(folder.path(), "breast_cancer.csv", config);
    let accuracy = test["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.93, "{accuracy}");
    assert_eq!(told[0], "predicted diagnosis");
    let table = std::fs::read_to_string(folder.path().join("d.csv")).unwrap();
    let actual = table.lines().skip(1).map(|l| l.rsplit(',').next().unwrap());
    let right = told.iter().skip(1).zip(actual).filter(|(a, b)| a == b);
    assert!(right.count() as f64 / 569.0 > 0.93);
}

#[test]
fn log_probabilities_are_cross_entropy_in_two_parts() {
    let config = |last: &str, loss: &str| {
        format!(
            "[model]\nlayers = [{{ type = \"linear\", out = 8, init = \"xavier_uniform\" }}, \"tanh\", \
             {{ type = \"linear\", out = 3 }}{last}]\n[data]\npath = \"d.csv\"\ntarget = \"species\"\n[training]\n\
             device = \"cpu\"\nepochs = 20\nloss = \"{loss}\"\nmetrics = [\"accuracy\", \"log_loss\"]\n\
             optimizer = {{ type = \"adam\", lr = 0.01 }}\n"
        )
    };
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let nll = train(one.path(), "iris.csv", &config(", \"log_softmax\"", "nll"));
    let whole = train(two.path(), "iris.csv", &config("", "cross_entropy"));
    for key in ["accuracy", "log_loss", "loss"] {
        let (a, b) = (nll.0[key].as_f64().unwrap(), whole.0[key].as_f64().unwrap());
        assert!((a - b).abs() < 1e-3, "{key}: {a}, {b}");
    }
    assert!(nll.0["accuracy"].as_f64().unwrap() > 0.8);
    assert_eq!(nll.1[0], whole.1[0]);
    let classes = |lines: &[String]| -> Vec<String> {
        let first = |l: &String| l.split(',').next().unwrap().to_string();
        lines.iter().map(first).collect()
    };
    assert_eq!(classes(&nll.1), classes(&whole.1));
}

/// Writes a matrix `[rows, columns]` in NumPy's format.
fn npy(path: &Path, rows: &[Vec<f32>]) {
    let (n, width) = (rows.len(), rows[0].len());
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, {width}), }}");
    let header = format!("{header:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(rows.iter().flatten().flat_map(|v| v.to_le_bytes()));
    std::fs::write(path, bytes).unwrap();
}

const SHARES: &str = "[model]\nlayers = [{ type = \"linear\", out = 3 }, \"log_softmax\"]\n[data]\ninputs = \"x.npy\"\n\
     targets = \"t.npy\"\n[training]\ndevice = \"cpu\"\nepochs = 60\nloss = \"kl_divergence\"\n\
     optimizer = { type = \"adam\", lr = 0.05 }\n";

#[test]
fn shares_of_one_are_learnt() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let inputs: Vec<Vec<f32>> = (0..300)
        .map(|i| vec![(i as f32 * 0.7).sin(), (i as f32 * 1.3).cos()])
        .collect();
    let shares = |x: &Vec<f32>| {
        let powers = [x[0].exp(), (x[1] - x[0]).exp(), 1.0];
        let sum: f32 = powers.iter().sum();
        powers.map(|p| p / sum).to_vec()
    };
    let targets: Vec<Vec<f32>> = inputs.iter().map(shares).collect();
    npy(&here.join("x.npy"), &inputs);
    npy(&here.join("t.npy"), &targets);
    std::fs::write(here.join("c.toml"), SHARES).unwrap();
    let done = wgrad(here, "train c.toml --json").ok().done();
    let error = done["test"]["mae"].as_f64().unwrap();
    assert!(error < 0.01, "{error}");
    let told = wgrad(here, "predict runs/c x.npy").ok().stdout;
    let lines: Vec<String> = told.lines().map(str::to_string).collect();
    for (told, want) in columns(&lines).iter().zip(&targets) {
        assert!((told.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        let off = told
            .iter()
            .zip(want)
            .map(|(a, b)| (a - f64::from(*b)).abs());
        assert!(off.fold(0.0, f64::max) < 0.05, "{told:?} {want:?}");
    }

    npy(&here.join("t.npy"), &vec![vec![0.5, 0.5, 0.5]; 300]);
    wgrad(here, "train c.toml").refused("loss \"kl_divergence\" is for shares of 1");
}
