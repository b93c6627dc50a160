//! `report.html`: one self-contained page that shows a run.
//!
//! Takes a [`Report`], which is plain data; gives the page's text. No script, no network: the charts
//! are SVG written here, and what moves (the cross-hair, the details) is CSS and HTML alone.
//!
//! Invariant: every text that comes from the run is escaped (see [`html`]).
//!
//! Why not a plotting crate: those that write SVG fix the colours in it, so a page could not follow
//! the reader's light or dark setting, nor a phone's width.

mod chart;
mod classes;
mod html;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::config::Task;
use crate::run_folder::EpochRecord;
use crate::text::{bytes, count, duration, short};
use chart::{Chart, Series};
pub use classes::ClassScores;
use html::{escape, fill, metric};

const PAGE: &str = include_str!("report/page.html");
const STYLE: &str = include_str!("report/style.css");

/// Everything that the page shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The run's name, e.g. `digits`.
    pub title: String,
    /// Classes or quantities.
    pub task: Task,
    /// The data set.
    pub data: DataFacts,
    /// The machine and the time.
    pub run: RunFacts,
    /// The test's results, where there was a test.
    pub test: Option<TestResult>,
    /// All epochs, in order.
    pub epochs: Vec<EpochRecord>,
    /// The epoch whose weights were best, counted from 1.
    pub best_epoch: Option<usize>,
    /// Classification: what was taken for what, on the test split.
    pub confusion: Option<Confusion>,
    /// Regression: targets and predictions on the test split.
    pub predictions: Option<Predictions>,
    /// The network's layers, in order.
    pub layers: Vec<LayerRow>,
    /// The resolved configuration, as TOML.
    pub config: String,
}

/// The data set of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DataFacts {
    /// The file's name, e.g. `digits.csv`.
    pub name: String,
    /// Samples trained on.
    pub train: usize,
    /// Samples for validation.
    pub validation: usize,
    /// Samples for the test.
    pub test: usize,
    /// The shape of one sample.
    pub sample_shape: Vec<usize>,
}

/// The machine, the time, the weights.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunFacts {
    /// The device's name.
    pub device: String,
    /// The driver and its version; empty on the CPU.
    pub driver: String,
    /// Seconds from the first step to the last.
    pub seconds: f64,
    /// Milliseconds from nothing to the first loss.
    pub first_step_ms: f64,
    /// Training steps.
    pub steps: u64,
    /// Training samples a second.
    pub samples_per_second: f64,
    /// The number of trained parameters.
    pub parameters: u64,
    /// The plan's exact peak of device memory, in bytes.
    pub peak_bytes: u64,
    /// The seed.
    pub seed: u64,
    /// The hash of all weights.
    pub weights_sha256: String,
    /// wgrad's version.
    pub version: String,
}

/// The final test.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TestResult {
    /// The mean loss.
    pub loss: f64,
    /// The metrics, by name.
    pub metrics: BTreeMap<String, f64>,
}

/// What was taken for what.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Confusion {
    /// The classes' names.
    pub classes: Vec<String>,
    /// `counts[actual][predicted]`.
    pub counts: Vec<Vec<u64>>,
}

/// Targets and what was predicted for them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Predictions {
    /// The target's name.
    pub target: String,
    /// The true values.
    pub actual: Vec<f64>,
    /// The predicted values, in the same order.
    pub predicted: Vec<f64>,
}

/// One layer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LayerRow {
    /// Its name in the weights' file, e.g. `0`.
    pub name: String,
    /// What it is, e.g. `Linear`.
    pub kind: String,
    /// The shape of one sample's output.
    pub output: Vec<usize>,
    /// How many parameters it has.
    pub parameters: u64,
    /// The parameters' bytes.
    pub bytes: u64,
}

impl Report {
    /// The page.
    pub fn to_html(&self) -> String {
        fill(
            PAGE,
            &[
                ("style", STYLE),
                ("title", &escape(&self.title)),
                ("lead", &self.lead()),
                ("results", &self.results()),
                ("curves", &self.curves()),
                ("outcome", &self.outcome()),
                ("layers", &self.layer_table()),
                ("epochs", &self.epoch_table()),
                ("config", &escape(&self.config)),
                ("version", &escape(&self.run.version)),
            ],
        )
    }

    /// One sentence: what was learnt, from what, where.
    fn lead(&self) -> String {
        let task = match self.task {
            Task::Classification => "Classification",
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

    /// The final numbers, the first one large.
    fn results(&self) -> String {
        let mut tiles = Vec::new();
        if let Some(test) = &self.test {
            for (name, value) in &test.metrics {
                let name_in_words = match name.as_str() {
                    "mae" => "mean absolute error, test".to_string(),
                    "mse" => "mean squared error, test".to_string(),
                    other => format!("test {}", html::label(other)),
                };
                tiles.push((name_in_words, metric(name, *value)));
            }
            tiles.push(("test loss".to_string(), short(test.loss)));
        } else if let Some(last) = self.epochs.last() {
            tiles.push(("training loss".to_string(), short(last.loss)));
            if let Some(loss) = last.val_loss {
                tiles.push(("validation loss".to_string(), short(loss)));
            }
        }
        if let Some(confusion) = &self.confusion {
            let (right, total) = confusion.right_of_total();
            let text = format!("{}<small> of {}</small>", count(right), count(total));
            tiles.push(("classified right".to_string(), text));
        }
        if let Some(r2) = self.predictions.as_ref().and_then(Predictions::r_squared) {
            tiles.push(("R² on the test".to_string(), short(r2)));
        }
        let mut out = String::new();
        for (name, value) in tiles {
            let _ = write!(
                out,
                "<div class=\"tile\"><dd>{value}</dd><dt>{}</dt></div>",
                escape(&name)
            );
        }
        out
    }

    /// The machine, the time, the sizes; beside so many charts.
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
        if let Some(best) = self.best_epoch {
            rows.push(("Best epoch", count(best as u64)));
        }
        // In a grid of two columns the facts fill the free cell, or a row of their own.
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

    /// The charts and, beside them, the facts.
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
                    Series::new(
                        "training",
                        "train",
                        points(&|e| e.metrics.get(&name).copied()),
                    ),
                    Series::new(
                        "validation",
                        "val",
                        points(&|e| e.val_metrics.get(&name).copied()),
                    ),
                ],
                mark: self.best_epoch,
            });
        }
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
        let mut out: String = charts.iter().map(Chart::to_html).collect();
        out.push_str(&self.facts(charts.len()));
        out
    }

    /// The metrics' names, of training and validation, in order.
    fn metric_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .epochs
            .iter()
            .flat_map(|e| e.metrics.keys().chain(e.val_metrics.keys()))
            .cloned()
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// The confusion matrix, or targets against predictions.
    fn outcome(&self) -> String {
        match (self.task, &self.confusion, &self.predictions) {
            (Task::Classification, Some(confusion), _) => confusion.to_html(),
            (Task::Regression, _, Some(predictions)) => predictions.to_html(),
            _ => String::new(),
        }
    }

    fn layer_table(&self) -> String {
        let total: u64 = self.layers.iter().map(|l| l.parameters).sum();
        let total_bytes: u64 = self.layers.iter().map(|l| l.bytes).sum();
        let mut out = String::from(
            "<thead><tr><th>Layer</th><th>Type</th><th>Output</th><th class=\"n\">Parameters</th>\
             <th class=\"n\">Memory</th></tr></thead><tbody>",
        );
        for layer in &self.layers {
            let share = 100.0 * layer.parameters as f64 / total.max(1) as f64;
            let none = if layer.parameters == 0 { " none" } else { "" };
            let _ = write!(
                out,
                "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td>\
                 <td class=\"n bar{none}\" style=\"--w:{share:.1}%\">{}</td>\
                 <td class=\"n{none}\">{}</td></tr>",
                escape(&layer.name),
                escape(&layer.kind),
                html::shape(&layer.output),
                count(layer.parameters),
                bytes(layer.bytes)
            );
        }
        let _ = write!(
            out,
            "</tbody><tfoot><tr><th scope=\"row\">All</th><td></td><td></td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td></tr></tfoot>",
            count(total),
            bytes(total_bytes)
        );
        out
    }

    fn epoch_table(&self) -> String {
        let names = self.metric_names();
        let validated = self.epochs.iter().any(|e| e.val_loss.is_some());
        let mut out = String::from("<thead><tr>");
        let mut heads = vec![
            "Epoch".to_string(),
            "Step".to_string(),
            "Time".to_string(),
            "Learning rate".to_string(),
            "Loss".to_string(),
        ];
        heads.extend(names.iter().map(|n| html::capital(&html::label(n))));
        if validated {
            heads.push("Val. loss".to_string());
            heads.extend(names.iter().map(|n| format!("Val. {}", html::label(n))));
        }
        for head in heads {
            let _ = write!(out, "<th class=\"n\">{}</th>", escape(&head));
        }
        out.push_str("</tr></thead><tbody>");
        let cell = |name: &str, value: Option<&f64>| match value {
            Some(x) => format!("<td class=\"n\">{}</td>", metric(name, *x)),
            None => "<td class=\"n none\">–</td>".to_string(),
        };
        for e in &self.epochs {
            let best = if self.best_epoch == Some(e.epoch) {
                " class=\"best\""
            } else {
                ""
            };
            let _ = write!(
                out,
                "<tr{best}><th scope=\"row\" class=\"n\">{}</th><td class=\"n\">{}</td>\
                 <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>",
                e.epoch,
                count(e.step),
                duration(e.seconds),
                short(e.lr),
                short(e.loss)
            );
            for name in &names {
                out.push_str(&cell(name, e.metrics.get(name)));
            }
            if validated {
                out.push_str(&cell("loss", e.val_loss.as_ref()));
                for name in &names {
                    out.push_str(&cell(name, e.val_metrics.get(name)));
                }
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody>");
        out
    }
}

impl Predictions {
    fn pairs(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.actual
            .iter()
            .copied()
            .zip(self.predicted.iter().copied())
            .filter(|(a, p)| a.is_finite() && p.is_finite())
    }

    /// The share of the targets' variance that the predictions explain.
    fn r_squared(&self) -> Option<f64> {
        let n = self.pairs().count() as f64;
        let mean = self.pairs().map(|(a, _)| a).sum::<f64>() / n;
        let total: f64 = self.pairs().map(|(a, _)| (a - mean).powi(2)).sum();
        let left: f64 = self.pairs().map(|(a, p)| (a - p).powi(2)).sum();
        (total > 0.0).then(|| 1.0 - left / total)
    }

    fn to_html(&self) -> String {
        let pairs: Vec<(f64, f64)> = self.pairs().collect();
        format!(
            "<section><h2>Predictions</h2><p class=\"note\">Each dot is a test sample; on the line, \
             the prediction is right.</p><div class=\"charts\">{}{}</div></section>",
            chart::scatter(&self.target, &pairs),
            chart::histogram(&pairs)
        )
    }
}
