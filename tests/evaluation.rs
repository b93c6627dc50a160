//! Curves and scores of an evaluation, compared with scikit-learn (`tests/fixtures/evaluation.py`).
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use wgrad::metrics::{
    brier_score, calibration_curve, expected_calibration_error, precision_recall_curve, roc_curve,
};

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("fixtures/evaluation.json")).unwrap()
}

fn numbers(case: &Value, name: &str) -> Vec<f64> {
    let all = case[name].as_array().unwrap().iter();
    all.map(|x| x.as_f64().unwrap()).collect()
}

fn labels(case: &Value) -> Vec<bool> {
    let all = case["labels"].as_array().unwrap().iter();
    all.map(|x| x.as_bool().unwrap()).collect()
}

#[track_caller]
fn same(ours: impl IntoIterator<Item = f64>, theirs: &[f64]) {
    let ours: Vec<f64> = ours.into_iter().collect();
    assert_eq!(ours.len(), theirs.len());
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() < 1e-12, "{ours:?}\n{theirs:?}");
    }
}

#[test]
fn roc_curves_are_those_of_scikit_learn() {
    for case in cases() {
        let curve = roc_curve(&labels(&case), &numbers(&case, "scores"));
        same(
            curve.iter().map(|p| p.false_positive_rate),
            &numbers(&case, "fpr"),
        );
        same(
            curve.iter().map(|p| p.true_positive_rate),
            &numbers(&case, "tpr"),
        );
        let thresholds = curve.iter().skip(1).map(|p| p.threshold);
        same(thresholds, &numbers(&case, "roc_thresholds"));
    }
}

#[test]
fn precision_recall_curves_are_those_of_scikit_learn() {
    for case in cases() {
        let curve = precision_recall_curve(&labels(&case), &numbers(&case, "scores"));
        same(
            curve.iter().map(|p| p.precision),
            &numbers(&case, "precision"),
        );
        same(curve.iter().map(|p| p.recall), &numbers(&case, "recall"));
        let finite = curve.iter().map(|p| p.threshold).filter(|t| t.is_finite());
        same(finite, &numbers(&case, "thresholds"));
    }
}

#[test]
fn calibration_is_that_of_scikit_learn() {
    for case in cases() {
        let (labels, scores) = (labels(&case), numbers(&case, "scores"));
        let curve = calibration_curve(&labels, &scores, 10);
        same(curve.iter().map(|b| b.actual), &numbers(&case, "actual"));
        same(
            curve.iter().map(|b| b.predicted),
            &numbers(&case, "predicted"),
        );
        same(
            [brier_score(&labels, &scores)],
            &[case["brier"].as_f64().unwrap()],
        );
        let by_hand: f64 = curve
            .iter()
            .map(|b| b.samples as f64 / scores.len() as f64 * (b.actual - b.predicted).abs())
            .sum();
        same([expected_calibration_error(&curve)], &[by_hand]);
    }
}

#[test]
fn degenerate_sets_do_not_fail() {
    assert!(roc_curve(&[], &[]).is_empty());
    assert_eq!(precision_recall_curve(&[], &[]).len(), 1);
    assert!(calibration_curve(&[], &[], 10).is_empty());
    let one = roc_curve(&[true], &[0.4]);
    assert!(one[1].false_positive_rate.is_nan() && one[1].true_positive_rate == 1.0);
    assert_eq!(precision_recall_curve(&[false], &[0.4])[0].recall, 1.0);
    assert_eq!(calibration_curve(&[true, false], &[0.0, 1.0], 0).len(), 1);
}
