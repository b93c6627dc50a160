//! Tests of the scores on the page, and of its size.

use super::*;

#[test]
fn a_class_that_is_never_predicted_counts_as_0_in_the_mean() {
    let html = imbalanced().to_html();
    assert!(html.contains("Mean</th><td class=\"n\">47.4%</td><td class=\"n\">50.0%</td>"));
    let text = imbalanced().confusion.unwrap().to_text();
    assert!(text.lines().last().unwrap().contains("47.4%"), "{text}");
}

#[test]
fn a_model_that_is_no_better_than_the_trivial_one_is_named() {
    let html = imbalanced().to_html();
    let sentence =
        "Better than always predicting &quot;good&quot;, but not in all metrics: accuracy 94.80%.";
    assert!(html.contains(sentence));
    let mut report = imbalanced();
    if let Some(test) = &mut report.test {
        test.metrics.remove(0);
    }
    let sentence = "No better than always predicting &quot;good&quot;: accuracy 94.80%.";
    assert!(report.to_html().contains(sentence));
    assert!(!sample().to_html().contains("o better than"));
    let report = imbalanced();
    let first = html.find("test PR AUC bad").unwrap();
    assert!(first < html.find("test accuracy").unwrap());
    assert!(report.baseline.is_some() && html.contains("trivial 0.052"));
}

#[test]
fn several_targets_have_a_row_each_and_a_mean() {
    let mut report = regression();
    let mut second = report.predictions[0].clone();
    second.target = "other".to_string();
    second.predicted = second.actual.clone();
    report.predictions.push(second);
    report.test = Some(TestResult {
        metrics: vec![("r2".to_string(), 0.8)],
        ..TestResult::default()
    });
    let html = report.to_html();
    assert!(html.contains("test R², mean of 2 targets"));
    assert!(html.contains("<th scope=\"row\">other</th><td class=\"n\">0</td>"));
    assert!(html.contains("All 2 targets (R²: the mean)"));
}

#[test]
fn a_constant_learning_rate_has_no_curve() {
    let mut report = sample();
    assert!(report.to_html().contains("<h3>Learning rate"));
    for epoch in &mut report.epochs {
        epoch.lr = 0.001;
        epoch.metrics = vec![("accuracy".to_string(), 0.5)];
        epoch.val_metrics.clear();
    }
    let html = report.to_html();
    assert!(!html.contains("<h3>Learning rate"));
    assert!(html.contains("<dt>Learning rate</dt><dd>0.001</dd>"));
    assert!(html.contains("training 50.00% in every epoch"));
}

#[test]
fn a_page_of_100_000_samples_is_small() {
    let n = 100_000;
    let of = |i: usize| ((i * 7919) % n) as f64 / n as f64;
    let classes: Vec<String> = (0..10).map(|c| c.to_string()).collect();
    let rows = (0..n).map(|i| (0..10).map(|c| of(i * 3 + c * 17)).collect());
    let mut report = sample();
    report.probabilities = Some(Probabilities {
        classes,
        labels: (0..n).map(|i| i % 10).collect(),
        rows: rows.collect(),
        positive: 1,
    });
    let size = report.to_html().len();
    assert!(size < 400_000, "{size}");
    let mut report = regression();
    let item = Predictions {
        target: "y".to_string(),
        actual: (0..n).map(of).collect(),
        predicted: (0..n).map(|i| of(i * 5 + 1)).collect(),
    };
    report.predictions = vec![item; 8];
    let size = report.to_html().len();
    assert!(size < 400_000, "{size}");
}
