//! The results of the test, beside those of a trivial model.

use std::fmt::Write as _;

use wgrad::metrics::higher_is_better;

use super::html::{self, escape, metric};
use super::{Report, TestResult, Trivial};
use crate::text::{self, count, short};

/// Returns a sentence with the metrics that are no better than those of the trivial model; `None`
/// if all are better. If some are better, it says that it is about the others.
pub fn not_better(test: &TestResult, trivial: &Trivial) -> Option<String> {
    let mut bounds = Vec::new();
    let mut some_better = false;
    for (name, value) in &test.metrics {
        let Some((_, bound)) = trivial.metrics.iter().find(|(n, _)| n == name) else {
            continue;
        };
        let better = match higher_is_better(name) {
            true => value > bound,
            false => value < bound,
        };
        some_better |= better;
        // An undefined value cannot be compared.
        if !better && !value.is_nan() && !bound.is_nan() {
            bounds.push(format!("{name} {}", text::metric(name, *bound)));
        }
    }
    let (prediction, bounds) = (&trivial.prediction, bounds.join(", "));
    match (bounds.is_empty(), some_better) {
        (true, _) => None,
        (false, false) => Some(format!(
            "no better than always predicting {prediction}: {bounds}"
        )),
        (false, true) => Some(format!(
            "better than always predicting {prediction}, but not in all metrics: {bounds}"
        )),
    }
}

impl Report {
    /// Renders the final numbers, the first one large.
    pub(super) fn results(&self) -> String {
        let mut out = String::new();
        if let Some(test) = &self.test {
            for (name, value) in &test.metrics {
                self.test_tile(&mut out, name, metric(name, *value), test);
            }
            self.test_tile(&mut out, "loss", short(test.loss), test);
        } else if let Some(last) = self.epochs.last() {
            tile(&mut out, "training loss", &short(last.loss), "");
            if let Some(loss) = last.val_loss {
                tile(&mut out, "validation loss", &short(loss), "");
            }
        }
        if let Some(confusion) = &self.confusion {
            let (right, total) = confusion.right_of_total();
            let value = format!("{}<small> of {}</small>", count(right), count(total));
            tile(&mut out, "correct", &value, "");
        }
        out
    }

    fn test_tile(&self, out: &mut String, name: &str, value: String, test: &TestResult) {
        let words = match name {
            "mae" => "mean absolute error, test".to_string(),
            "mse" => "mean squared error, test".to_string(),
            "rmse" => "root mean squared error, test".to_string(),
            "r2" if self.predictions.len() > 1 => {
                format!("test R², mean of {} targets", self.predictions.len())
            }
            other => format!("test {}", html::label(other)),
        };
        let mut notes = Vec::new();
        if let Some((_, low, high)) = test.intervals.iter().find(|(n, _, _)| n == name) {
            notes.push(format!(
                "95% interval {} to {}",
                text::metric(name, *low),
                text::metric(name, *high)
            ));
        }
        if let Some(trivial) = &self.baseline {
            let bound = match name {
                "loss" => Some(trivial.loss),
                _ => trivial.metrics.iter().find(|(n, _)| n == name).map(|m| m.1),
            };
            notes.extend(bound.map(|bound| format!("trivial {}", text::metric(name, bound))));
        }
        let notes: Vec<String> = notes.iter().map(|note| escape(note)).collect();
        tile(out, &words, &value, &notes.join("<br>"));
    }

    /// Renders which weights were tested, and how the scores compare with a trivial model's.
    pub(super) fn notice(&self) -> String {
        let Some(test) = &self.test else {
            return String::new();
        };
        let mut out = String::new();
        let mut says = Vec::new();
        if !test.weights.is_empty() {
            says.push(format!("Tested with the weights of {}.", test.weights));
        }
        if let Some(trivial) = &self.baseline {
            says.push(format!(
                "\u{201c}Trivial\u{201d} is the score of always predicting {}.",
                trivial.prediction
            ));
        }
        if !test.intervals.is_empty() {
            says.push("Intervals are by the bootstrap over the test samples.".to_string());
        }
        if !says.is_empty() {
            let _ = write!(out, "<p class=\"tested\">{}</p>", escape(&says.join(" ")));
        }
        if let Some(sentence) = self.baseline.as_ref().and_then(|b| not_better(test, b)) {
            let sentence = html::capital(&sentence);
            let _ = write!(out, "<p class=\"warning\">{}.</p>", escape(&sentence));
        }
        out
    }
}

fn tile(out: &mut String, name: &str, value: &str, notes: &str) {
    let _ = write!(
        out,
        "<div class=\"tile\"><dd>{value}</dd><dt>{}{}</dt></div>",
        escape(name),
        match notes {
            "" => String::new(),
            notes => format!("<span class=\"beside\">{notes}</span>"),
        }
    );
}
