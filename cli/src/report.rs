//! `report.html`: a self-contained page that shows a run.
//!
//! [`Report`] is plain data; [`Report::to_html`] renders it. The page has no scripts and loads
//! nothing: the charts are SVG, and the interactive parts (the crosshair, the details) use CSS and
//! HTML only.
//!
//! Invariant: every text that comes from the run is escaped (see [`html`]).
//!
//! No plotting crate is used, because those that write SVG fix its colors. A page with fixed colors
//! cannot follow the reader's light or dark setting, or the width of a phone.

mod chart;
mod classes;
mod columns;
pub mod compare;
mod facts;
mod html;
mod importance;
mod predictions;
mod quality;
mod results;
mod tables;
#[cfg(test)]
mod tests;
mod worst;

use std::fmt::Write as _;

use crate::text::{bytes, count, duration, short};
use chart::{Chart, Series};
pub use classes::ClassScores;
pub use facts::{
    ColumnFacts, Confusion, DataFacts, ImportanceFacts, LayerRow, Predictions, Probabilities,
    Report, RunFacts, TestResult, Trivial, Worst,
};
use html::{escape, fill};
pub use results::not_better;
use wgrad::Task;
use wgrad::run::EpochRecord;

const PAGE: &str = include_str!("report/page.html");
const STYLE: &str = include_str!("report/style.css");

impl Report {
    /// Renders the page.
    pub fn to_html(&self) -> String {
        fill(
            PAGE,
            &[
                ("style", STYLE),
                ("title", &escape(&self.title)),
                ("lead", &self.lead()),
                ("results", &self.results()),
                ("curves", &self.curves()),
                ("notice", &self.notice()),
                ("outcome", &self.outcome()),
                ("importance", &self.importance_table()),
                ("worst", &self.worst_table()),
                ("data", &self.data_section()),
                ("layers", &self.layer_table()),
                ("epochs", &self.epoch_table()),
                ("config", &escape(&self.config)),
                ("version", &escape(&self.run.version)),
            ],
        )
    }

    /// Returns a sentence with the task, the data, the time and the device.
    fn lead(&self) -> String {
        let task = match self.task {
            Task::Classification => "Classification",
            Task::Multilabel => "Multilabel classification",
            Task::Regression => "Regression",
            Task::Language => "Language model",
        };
        let epochs = self.epochs.len();
        format!(
            "{task} on <b>{}</b>, trained for {epochs} {} in {} on {}.",
            escape(&self.data.name),
            if epochs == 1 { "epoch" } else { "epochs" },
            duration(self.run.seconds),
            escape(&self.run.device)
        )
    }

    /// Renders the facts about the run. `charts` is the number of charts in the same grid.
    fn facts(&self, charts: usize) -> String {
        let run = &self.run;
        let data = &self.data;
        let samples = |n: usize| format!("{} samples", count(n as u64));
        let mut rows = vec![
            ("Time", duration(run.seconds)),
            ("First step", duration(run.first_step_ms / 1e3)),
            (
                "Speed",
                format!(
                    "{} samples/s",
                    count(run.samples_per_second.max(0.0).round() as u64)
                ),
            ),
            ("Steps", count(run.steps)),
            ("Parameters", count(run.parameters)),
            ("Device memory", bytes(run.peak_bytes)),
            ("Trained on", samples(data.train)),
            ("Validated on", samples(data.validation)),
            ("Tested on", samples(data.test)),
            ("Sample shape", html::shape(&data.sample_shape)),
            ("Seed", run.seed.to_string()),
        ];
        if let Some(rate) = self.constant_rate() {
            rows.push(("Learning rate", short(rate)));
        }
        if let Some(best) = self.best_epoch {
            rows.push(("Best epoch", count(best as u64)));
        }
        // In a grid of two columns, the facts fill the free cell, or have their own row.
        let class = if charts.is_multiple_of(2) {
            "facts row"
        } else {
            "facts"
        };
        let mut out = format!(
            "<dl class=\"{class}\"><div class=\"wide\"><dt>Device</dt><dd>{} <span>{}</span></dd></div>",
            escape(&run.device),
            escape(&run.driver)
        );
        for (name, value) in rows {
            let _ = write!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>");
        }
        if !run.weights_sha256.is_empty() {
            let _ = write!(
                out,
                "<div class=\"wide\"><dt>Weights, SHA-256</dt><dd><code>{}</code></dd></div>",
                html::breakable(&run.weights_sha256)
            );
        }
        out.push_str("</dl>");
        out
    }

    /// Renders the charts and the facts.
    fn curves(&self) -> String {
        let points = |value: &dyn Fn(&EpochRecord) -> Option<f64>| -> Vec<(f64, f64)> {
            self.epochs
                .iter()
                .filter_map(|e| Some((e.epoch as f64, value(e)?)))
                .collect()
        };
        let mut charts = vec![Chart {
            title: "Loss".to_string(),
            metric: "loss".to_string(),
            series: vec![
                Series::new("training", "train", points(&|e| Some(e.loss))),
                Series::new("validation", "val", points(&|e| e.val_loss)),
            ],
            mark: self.best_epoch,
        }];
        for name in self.metric_names() {
            charts.push(Chart {
                title: html::capital(&html::label(&name)),
                metric: name.clone(),
                series: vec![
                    Series::new("training", "train", points(&|e| e.metric(&name))),
                    Series::new("validation", "val", points(&|e| e.val_metric(&name))),
                ],
                mark: self.best_epoch,
            });
        }
        if self.constant_rate().is_none() {
            charts.push(Chart {
                title: "Learning rate".to_string(),
                metric: "lr".to_string(),
                series: vec![Series::new(
                    "learning rate",
                    "rate",
                    points(&|e| Some(e.lr)),
                )],
                mark: None,
            });
        }
        let mut out: String = charts.iter().map(Chart::to_html).collect();
        out.push_str(&self.facts(charts.len()));
        out
    }

    /// Returns the learning rate, if it is the same in all epochs.
    fn constant_rate(&self) -> Option<f64> {
        let (first, rest) = self.epochs.split_first()?;
        rest.iter().all(|e| e.lr == first.lr).then_some(first.lr)
    }

    /// Returns the names of the training and validation metrics, in the order of the
    /// configuration.
    fn metric_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let all = self.epochs.iter();
        for (name, _) in all.flat_map(|e| e.metrics.iter().chain(&e.val_metrics)) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// Renders the quality of the predictions of the test split.
    fn outcome(&self) -> String {
        match self.task {
            Task::Classification => {
                let confusion = self.confusion.as_ref().map(Confusion::to_html);
                let quality = self.probabilities.as_ref().map(Probabilities::to_html);
                format!(
                    "{}{}",
                    confusion.unwrap_or_default(),
                    quality.unwrap_or_default()
                )
            }
            Task::Regression => predictions::section(&self.predictions),
            Task::Multilabel | Task::Language => String::new(),
        }
    }
}
