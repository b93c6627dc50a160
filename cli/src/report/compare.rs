//! The page of several runs: their scores and their curves.

use std::fmt::Write as _;

use wgrad::run::EpochRecord;

use super::STYLE;
use super::chart::{Chart, Series};
use super::html::{self, escape, fill};
use crate::text::{count, duration, metric, short};

const PAGE: &str = include_str!("compare.html");

/// The CSS classes of the runs' colors.
const COLORS: [&str; 10] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"];

/// A run on the page.
pub struct Compared {
    /// The run's name.
    pub name: String,
    /// Its first metric.
    pub score: Option<(String, f64)>,
    /// Its loss.
    pub loss: Option<f64>,
    /// Its seed.
    pub seed: u64,
    /// The time of its training, in seconds.
    pub seconds: f64,
    /// Its device.
    pub device: String,
    /// Its epochs.
    pub epochs: Vec<EpochRecord>,
}

/// Renders the page of up to ten runs.
pub fn page(runs: &[Compared]) -> String {
    fill(
        PAGE,
        &[
            ("style", STYLE),
            ("runs", &table(runs)),
            ("curves", &curves(runs)),
            ("version", env!("CARGO_PKG_VERSION")),
        ],
    )
}

fn table(runs: &[Compared]) -> String {
    let mut out = String::from(
        "<thead><tr><th>Run</th><th>Score</th><th class=\"n\">Loss</th><th class=\"n\">Seed</th>\
         <th class=\"n\">Epochs</th><th class=\"n\">Time</th><th>Device</th></tr></thead><tbody>",
    );
    for run in runs {
        let score = run.score.as_ref();
        let score = score.map(|(name, value)| format!("{name} {}", metric(name, *value)));
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
            escape(&run.name),
            escape(&score.unwrap_or_default()),
            run.loss.map_or("\u{2013}".to_string(), short),
            run.seed,
            count(run.epochs.len() as u64),
            duration(run.seconds),
            escape(match run.device.as_str() {
                "" => "unfinished",
                device => device,
            })
        );
    }
    out.push_str("</tbody>");
    out
}

fn curves(runs: &[Compared]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let records = || runs.iter().flat_map(|run| &run.epochs);
    for (name, _) in records().flat_map(|e| e.metrics.iter().chain(&e.val_metrics)) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut charts = vec![
        chart("Training loss", "loss", runs, &|e| Some(e.loss)),
        chart("Validation loss", "loss", runs, &|e| e.val_loss),
    ];
    for name in names {
        let label = html::label(name);
        let validated = runs
            .iter()
            .any(|run| run.epochs.iter().any(|e| e.val_metric(name).is_some()));
        charts.push(match validated {
            true => chart(&format!("Validation {label}"), name, runs, &|e| {
                e.val_metric(name)
            }),
            false => chart(&format!("Training {label}"), name, runs, &|e| {
                e.metric(name)
            }),
        });
    }
    charts.concat()
}

/// Renders a chart of a value of all runs; empty if no run has it.
fn chart(
    title: &str,
    metric: &str,
    runs: &[Compared],
    value: &dyn Fn(&EpochRecord) -> Option<f64>,
) -> String {
    let mut series = Vec::new();
    for (run, color) in runs.iter().zip(COLORS) {
        let points = run.epochs.iter();
        let points: Vec<(f64, f64)> = points
            .filter_map(|e| Some((e.epoch as f64, value(e)?)))
            .collect();
        if !points.is_empty() {
            series.push(Series::new(&run.name, color, points));
        }
    }
    if series.is_empty() {
        return String::new();
    }
    Chart {
        title: title.to_string(),
        metric: metric.to_string(),
        series,
        mark: None,
    }
    .to_html()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, slope: f64) -> Compared {
        let epochs = (1..=5).map(|epoch| EpochRecord {
            epoch,
            loss: 1.0 / (slope * epoch as f64),
            metrics: vec![("accuracy".to_string(), 0.1 * slope * epoch as f64)],
            ..EpochRecord::default()
        });
        Compared {
            name: name.to_string(),
            score: Some(("accuracy".to_string(), 0.5 * slope)),
            loss: Some(0.2),
            seed: 3,
            seconds: 1.5,
            device: "cpu".to_string(),
            epochs: epochs.collect(),
        }
    }

    #[test]
    fn each_run_has_a_line_in_each_chart() {
        let html = page(&[run("a", 1.0), run("<b>", 1.5)]);
        assert!(html.contains("&lt;b&gt;") && !html.contains("<b>&"));
        assert!(!html.contains("<b>b") && !html.contains("</i><b>"));
        assert_eq!(html.matches("<path class=\"line c1\"").count(), 2);
        assert!(html.contains("Training accuracy") && !html.contains("Validation"));
        assert!(!html.contains("{{") && !html.contains("http"));
    }
}
