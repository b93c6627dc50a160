//! Tests of the content of the report page.
//!
//! `WGRAD_REPORT_SAMPLES=folder cargo test -p wgrad-cli report` writes the sample pages to a folder
//! for inspection.

#![allow(clippy::unwrap_used)]

use super::*;

mod scores;

const FASHION: [&str; 10] = [
    "T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot",
];

fn epochs(n: usize, metric: &str) -> Vec<EpochRecord> {
    (1..=n)
        .map(|epoch| {
            let t = epoch as f64 / n as f64;
            let wobble = (epoch as f64 * 2.3).sin();
            let loss = 2.1 * (-5.5 * t).exp() + 0.012 + 0.004 * wobble;
            let val = 2.0 * (-5.0 * t).exp() + 0.08 + 0.05 * t + 0.012 * wobble;
            let score = |loss: f64| {
                if metric == "accuracy" {
                    1.0 - 0.28 * loss
                } else {
                    60.0 * loss
                }
            };
            EpochRecord {
                epoch,
                step: 41 * epoch as u64,
                seconds: 0.052,
                lr: 2e-3 * (1.0 + (t * std::f64::consts::PI).cos()) / 2.0 + 1e-6,
                loss,
                metrics: vec![(metric.to_string(), score(loss))],
                val_loss: Some(val),
                val_metrics: vec![(metric.to_string(), score(val))],
            }
        })
        .collect()
}

fn confusion(classes: Vec<String>, each: u64) -> Confusion {
    let n = classes.len();
    let counts = (0..n)
        .map(|i| {
            let mut row: Vec<u64> = (0..n).map(|j| ((i * 7 + j * 5) % 13 == 3) as u64).collect();
            row[i] = each + (i as u64 * 3) % 5;
            row
        })
        .collect();
    Confusion { classes, counts }
}

fn layer(name: &str, kind: &str, out: usize, parameters: u64) -> LayerRow {
    LayerRow {
        name: name.to_string(),
        kind: kind.to_string(),
        output: vec![out],
        parameters,
        bytes: 4 * parameters,
    }
}

fn sample() -> Report {
    Report {
        title: "digits".to_string(),
        task: Task::Classification,
        data: DataFacts {
            name: "digits.csv".to_string(),
            train: 1294,
            validation: 143,
            test: 358,
            sample_shape: vec![64],
        },
        run: RunFacts {
            device: "Intel(R) UHD Graphics 620".to_string(),
            driver: "Mesa 25.1.3".to_string(),
            seconds: 3.2449,
            first_step_ms: 412.3,
            steps: 2460,
            samples_per_second: 24718.0,
            parameters: 17226,
            peak_bytes: 1_234_567,
            seed: 42,
            weights_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                .to_string(),
            version: "0.1.0".to_string(),
        },
        test: Some(TestResult {
            loss: 0.07613,
            metrics: vec![("accuracy".to_string(), 0.97778)],
            intervals: vec![("accuracy".to_string(), 0.955, 0.989)],
            weights: "the best epoch, 47, by val_loss".to_string(),
        }),
        epochs: epochs(60, "accuracy"),
        best_epoch: Some(47),
        confusion: Some(confusion((0..10).map(|i| i.to_string()).collect(), 33)),
        predictions: Vec::new(),
        baseline: Some(Trivial {
            prediction: "\"3\"".to_string(),
            loss: 2.303,
            metrics: vec![("accuracy".to_string(), 0.1006)],
        }),
        probabilities: None,
        importance: Some(ImportanceFacts {
            metric: "accuracy".to_string(),
            split: "test".to_string(),
            columns: vec![
                ("p12".to_string(), 0.21, 0.01),
                ("p13".to_string(), -0.01, 0.02),
            ],
        }),
        worst: vec![Worst {
            row: 1017,
            actual: "8".to_string(),
            predicted: "1 (93.1%)".to_string(),
            loss: 4.22,
        }],
        columns: Vec::new(),
        notes: vec!["the delimiter is a semicolon".to_string()],
        layers: vec![
            layer("0", "Linear", 128, 8320),
            layer("1", "ReLU", 128, 0),
            layer("2", "Dropout(0.2)", 128, 0),
            layer("3", "Linear", 64, 8256),
            layer("4", "ReLU", 64, 0),
            layer("5", "Dropout(0.2)", 64, 0),
            layer("6", "Linear", 10, 650),
        ],
        config: "[model]\ntype = \"sequential\"\nhidden = [128, 64]\n".to_string(),
    }
}

fn regression() -> Report {
    let actual: Vec<f64> = (0..88).map(|i| 25.0 + (i * 37 % 89) as f64 * 3.2).collect();
    let predicted = actual
        .iter()
        .enumerate()
        .map(|(i, a)| 60.0 + 0.62 * a + 42.0 * (i as f64 * 1.7).sin())
        .collect();
    Report {
        title: "diabetes".to_string(),
        task: Task::Regression,
        test: Some(TestResult {
            loss: 2903.4,
            metrics: vec![("mae".to_string(), 43.21)],
            ..TestResult::default()
        }),
        epochs: epochs(12, "mae"),
        best_epoch: None,
        confusion: None,
        baseline: Some(Trivial {
            prediction: "the training mean, 152.1".to_string(),
            loss: 5900.0,
            metrics: vec![("mae".to_string(), 65.0)],
        }),
        predictions: vec![Predictions {
            target: "target".to_string(),
            actual,
            predicted,
        }],
        ..sample()
    }
}

/// Probabilities of two classes, of which the second is named.
fn probabilities(second: String) -> Probabilities {
    let p = |i: usize| ((i * 37) % 200) as f64 / 200.0;
    Probabilities {
        classes: vec!["a".to_string(), second],
        labels: (0..200)
            .map(|i| usize::from(p(i) + p(i * 7) > 1.0))
            .collect(),
        rows: (0..200).map(|i| vec![1.0 - p(i), p(i)]).collect(),
        positive: 1,
    }
}

/// Two classes, of which one is never predicted.
fn imbalanced() -> Report {
    let mut report = sample();
    report.title = "imbalanced".to_string();
    report.confusion = Some(Confusion {
        classes: vec!["good".to_string(), "bad".to_string()],
        counts: vec![vec![237, 0], vec![13, 0]],
    });
    report.probabilities = Some(probabilities("bad".to_string()));
    report.test = Some(TestResult {
        loss: 0.21,
        metrics: vec![
            ("pr_auc_bad".to_string(), 0.31),
            ("accuracy".to_string(), 0.948),
            ("precision".to_string(), 0.474),
        ],
        ..TestResult::default()
    });
    report.baseline = Some(Trivial {
        prediction: "\"good\"".to_string(),
        loss: 0.204,
        metrics: vec![
            ("pr_auc_bad".to_string(), 0.052),
            ("accuracy".to_string(), 0.948),
        ],
    });
    report
}

fn fashion() -> Report {
    let names = FASHION.iter().map(|s| s.to_string()).collect();
    Report {
        title: "fashion".to_string(),
        epochs: epochs(5, "accuracy")
            .into_iter()
            .map(|mut e| {
                e.val_loss = None;
                e.val_metrics.clear();
                e
            })
            .collect(),
        best_epoch: None,
        confusion: Some(confusion(names, 980)),
        ..sample()
    }
}

#[test]
fn samples_to_look_at() {
    let Some(folder) = std::env::var_os("WGRAD_REPORT_SAMPLES") else {
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    for report in [sample(), regression(), fashion(), imbalanced()] {
        let path = folder.join(format!("{}.html", report.title));
        std::fs::write(path, report.to_html()).unwrap();
    }
}

#[test]
fn it_shows_the_run() {
    let html = fashion().to_html();
    for name in FASHION {
        assert!(
            html.contains(&format!("<th scope=\"row\">{name}</th>")),
            "{name}"
        );
    }
    for text in [
        "97.78<span class=\"unit\">%</span>",
        "0.07613",
        "Intel(R) UHD Graphics 620",
        "Mesa 25.1.3",
        "24,718",
        "17,226",
        "9f86d081884c7d65<wbr>9a2feaa0c55ad015<wbr>a3bf",
        "Dropout(0.2)",
        "hidden = [128, 64]",
    ] {
        assert!(html.contains(text), "{text}");
    }
}

#[test]
fn it_needs_no_network_and_no_script() {
    for report in [sample(), regression(), fashion(), imbalanced()] {
        let html = report.to_html();
        for word in [
            "http:", "https:", "//", "<script", "@import", "url(", "src=", "<link",
        ] {
            assert!(!html.contains(word), "{word}");
        }
        assert!(!html.contains("{{") && !html.contains("}}"));
    }
}

#[test]
fn every_tag_is_closed() {
    for report in [sample(), regression(), fashion(), imbalanced()] {
        let html = report.to_html();
        for tag in [
            "section", "table", "thead", "tbody", "tfoot", "tr", "td", "th", "g", "svg", "figure",
            "div", "dl", "dt", "dd", "span", "details", "p", "title", "text", "tspan",
        ] {
            let opened = html.matches(&format!("<{tag}>")).count()
                + html.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}

#[test]
fn text_from_the_run_is_escaped() {
    const EVIL: &str = "<b onclick=\"x\">&'{{title}}";
    let evil = || EVIL.to_string();
    let mut report = sample();
    report.title = evil();
    report.data.name = evil();
    report.run.device = evil();
    report.run.driver = evil();
    report.run.weights_sha256 = evil();
    report.run.version = evil();
    report.config = evil();
    report.layers = vec![layer(EVIL, EVIL, 1, 1)];
    report.confusion = Some(confusion(vec![evil(), "b".to_string()], 3));
    for e in &mut report.epochs {
        e.metrics.push((evil(), 1.0));
    }
    if let Some(test) = &mut report.test {
        test.metrics.push((evil(), 1.0));
        test.intervals.push((evil(), 0.5, 1.5));
        test.weights = evil();
    }
    report.probabilities = Some(probabilities(evil()));
    report.notes = vec![evil()];
    report.importance = Some(ImportanceFacts {
        metric: evil(),
        split: evil(),
        columns: vec![(evil(), 0.1, 0.1)],
    });
    report.worst[0].actual = evil();
    report.worst[0].predicted = evil();
    report.columns = vec![ColumnFacts {
        name: evil(),
        kind: evil(),
        made: evil(),
        ..ColumnFacts::default()
    }];
    let mut other = regression();
    other.predictions[0].target = evil();
    other.predictions.push(other.predictions[0].clone());
    if let Some(trivial) = &mut other.baseline {
        trivial.prediction = evil();
        trivial.metrics[0].1 = 0.0;
    }
    for html in [report.to_html(), other.to_html()] {
        assert!(!html.contains("<b onclick"));
        assert!(!html.contains("&'"));
        assert!(html.contains("&lt;b onclick=&quot;x&quot;&gt;&amp;&#39;{{title}}"));
    }
}

#[test]
fn a_regression_has_no_confusion_matrix() {
    let html = regression().to_html();
    assert!(!html.contains("<table class=\"confusion"));
    assert!(html.contains("class=\"sample\""));
    assert!(html.contains("R²"));
}

#[test]
fn an_empty_run_still_makes_a_page() {
    let mut report = sample();
    report.epochs.clear();
    report.test = None;
    report.best_epoch = None;
    report.confusion = Some(Confusion::default());
    report.layers.clear();
    report.run.seconds = f64::NAN;
    assert!(report.to_html().contains("No finite value"));
    report.task = Task::Regression;
    report.predictions = vec![Predictions::default()];
    report.epochs = vec![EpochRecord {
        loss: f64::NAN,
        ..EpochRecord::default()
    }];
    assert!(report.to_html().contains("</html>"));
}

#[test]
fn scores_follow_the_textbook() {
    let confusion = Confusion {
        classes: vec!["a".to_string(), "b".to_string(), "c".to_string()],
        counts: vec![vec![8, 2, 0], vec![1, 9, 0], vec![0, 0, 0]],
    };
    let a = confusion.scores(0);
    assert_eq!(a.precision, Some(8.0 / 9.0));
    assert_eq!(a.recall, Some(0.8));
    assert!((a.f1.unwrap() - 2.0 * (8.0 / 9.0) * 0.8 / (8.0 / 9.0 + 0.8)).abs() < 1e-12);
    assert_eq!(a.support, 10);
    let c = confusion.scores(2);
    assert_eq!((c.precision, c.recall, c.f1), (None, None, None));
    assert_eq!(confusion.right_of_total(), (17, 20));
    assert!(
        confusion
            .to_html()
            .contains("<b>a</b> predicted as <b>b</b> <i>2×</i>")
    );
}

#[test]
fn a_report_survives_json() {
    let text = serde_json::to_string(&sample()).unwrap();
    let back: Report = serde_json::from_str(&text).unwrap();
    assert_eq!(back.to_html(), sample().to_html());
}
