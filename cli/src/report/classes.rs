//! The confusion matrix as a heat map, with precision, recall and F1 of each class.

use std::fmt::Write as _;

use serde::Serialize;
use wgrad::metrics::{self, Average};

use super::Confusion;
use super::html::escape;
use crate::text::count;

/// The largest number of classes for a confusion matrix. A larger one is too wide to read, so only
/// the scores of the classes are shown.
const MOST_CLASSES: usize = 40;

/// The scores of a class. A score whose denominator is 0 is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scores {
    /// Precision: `tp / (tp + fp)`.
    pub precision: Option<f64>,
    /// Recall: `tp / (tp + fn)`.
    pub recall: Option<f64>,
    /// The harmonic mean of precision and recall.
    pub f1: Option<f64>,
    /// The number of samples of the class.
    pub support: u64,
}

/// A class with its scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassScores {
    /// The class's name.
    pub class: String,
    /// Its scores.
    #[serde(flatten)]
    pub scores: Scores,
}

impl Confusion {
    /// Returns the scores of all classes, in order.
    pub fn all_scores(&self) -> Vec<ClassScores> {
        let each = self.classes.iter().enumerate();
        each.map(|(i, class)| ClassScores {
            class: class.clone(),
            scores: self.scores(i),
        })
        .collect()
    }

    /// Formats the scores as a table for the terminal.
    pub fn to_text(&self) -> String {
        let names = self.classes.iter().map(|c| c.chars().count());
        let width = names.max().unwrap_or(0).max("class".len());
        let mut out = format!(
            "{:width$}  {:>9}  {:>7}  {:>7}  {:>7}",
            "class", "precision", "recall", "F1", "samples"
        );
        for ClassScores { class, scores: s } in self.all_scores() {
            let _ = write!(
                out,
                "\n{class:width$}  {:>9}  {:>7}  {:>7}  {:>7}",
                percent(s.precision),
                percent(s.recall),
                percent(s.f1),
                count(s.support)
            );
        }
        let (precision, recall, f1) = self.means();
        let total = self.right_of_total().1;
        let _ = write!(
            out,
            "\n{:width$}  {:>9}  {:>7}  {:>7}  {:>7}",
            "mean",
            percent(Some(precision)),
            percent(Some(recall)),
            percent(Some(f1)),
            count(total)
        );
        out
    }

    fn at(&self, actual: usize, predicted: usize) -> u64 {
        let row = self.counts.get(actual);
        row.and_then(|r| r.get(predicted)).copied().unwrap_or(0)
    }

    fn row_sum(&self, actual: usize) -> u64 {
        self.counts.get(actual).map_or(0, |row| row.iter().sum())
    }

    /// Returns the number of correct samples and the number of all samples.
    pub fn right_of_total(&self) -> (u64, u64) {
        let n = self.counts.len();
        let right = (0..n).map(|i| self.at(i, i)).sum();
        (right, (0..n).map(|i| self.row_sum(i)).sum())
    }

    /// Returns the scores of a class.
    pub fn scores(&self, class: usize) -> Scores {
        let support = self.row_sum(class);
        let taken: u64 = (0..self.counts.len()).map(|i| self.at(i, class)).sum();
        let right = self.at(class, class) as f64;
        let scores = metrics::ClassScores::of(right, taken as f64, support as f64);
        Scores {
            precision: scores.precision,
            recall: scores.recall,
            f1: scores.f_beta(1.0),
            support,
        }
    }

    /// Renders the section of the page.
    pub(super) fn to_html(&self) -> String {
        let matrix = if self.classes.len() <= MOST_CLASSES {
            self.matrix()
        } else {
            String::new()
        };
        format!(
            "<section><h2>Classes</h2><p class=\"note\">The number of test samples of each class \
             (rows) that were predicted as each class (columns). The shade is the share of the row. In \
             the mean, a class that is never predicted counts as 0.</p>\
             <div class=\"classes\">{matrix}{}</div>{}</section>",
            self.score_table(),
            self.mistakes()
        )
    }

    fn matrix(&self) -> String {
        let long = self.classes.iter().any(|c| c.chars().count() > 4);
        let class = if long { "confusion long" } else { "confusion" };
        let mut out = format!(
            "<div class=\"scroll\"><table class=\"{class}\"><caption>Confusion matrix</caption><thead>\
             <tr><td></td><th class=\"over\" colspan=\"{}\">predicted</th></tr><tr><th class=\"corner\">actual</th>",
            self.classes.len()
        );
        for name in &self.classes {
            let _ = write!(out, "<th scope=\"col\"><span>{}</span></th>", escape(name));
        }
        out.push_str("</tr></thead><tbody>");
        for (i, actual) in self.classes.iter().enumerate() {
            let _ = write!(out, "<tr><th scope=\"row\">{}</th>", escape(actual));
            let sum = self.row_sum(i).max(1) as f64;
            for (j, predicted) in self.classes.iter().enumerate() {
                let n = self.at(i, j);
                if n == 0 {
                    out.push_str("<td class=\"zero\">·</td>");
                    continue;
                }
                let share = n as f64 / sum;
                // The square root keeps an error in a hundred samples visible, the minimum one in a
                // thousand.
                let shade = share.sqrt().max(0.12);
                let strong = if shade > 0.6 { " strong" } else { "" };
                let kind = if i == j { "right" } else { "wrong" };
                let _ = write!(
                    out,
                    "<td class=\"{kind}{strong}\" style=\"--s:{shade:.3}\" \
                     title=\"{}{}: {} ({:.1}% of the row)\">{}</td>",
                    escape(actual),
                    if i == j {
                        " correct".to_string()
                    } else {
                        format!(" predicted as {}", escape(predicted))
                    },
                    count(n),
                    100.0 * share,
                    count(n)
                );
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div>");
        out
    }

    fn score_table(&self) -> String {
        let mut out = String::from(
            "<div class=\"scroll\"><table class=\"scores\"><caption>Each class</caption><thead><tr>\
             <th>Class</th><th class=\"n\">Precision</th><th class=\"n\">Recall</th>\
             <th class=\"n\">F1</th><th class=\"n\">Samples</th></tr></thead><tbody>",
        );
        let all: Vec<Scores> = (0..self.classes.len()).map(|i| self.scores(i)).collect();
        for (name, s) in self.classes.iter().zip(&all) {
            let _ = write!(
                out,
                "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td>\
                 <td class=\"n bar\" style=\"--w:{:.1}%\">{}</td><td class=\"n\">{}</td></tr>",
                escape(name),
                percent(s.precision),
                percent(s.recall),
                100.0 * s.f1.unwrap_or(0.0),
                percent(s.f1),
                count(s.support)
            );
        }
        let total = all.iter().map(|s| s.support).sum();
        let (precision, recall, f1) = self.means();
        let _ = write!(
            out,
            "</tbody><tfoot><tr><th scope=\"row\">Mean</th><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr></tfoot></table></div>",
            percent(Some(precision)),
            percent(Some(recall)),
            percent(Some(f1)),
            count(total)
        );
        out
    }

    /// Returns the means of precision, recall and F1 over the classes that occur or are predicted.
    /// A class that is never predicted, or does not occur, counts as 0, as in the metrics.
    fn means(&self) -> (f64, f64, f64) {
        let confusion = metrics::Confusion::from_rows(&self.counts);
        let mean = |score: fn(&metrics::ClassScores) -> Option<f64>| {
            confusion.average(Average::Macro, score)
        };
        (
            mean(|s| s.precision),
            mean(|s| s.recall),
            mean(|s| s.f_beta(1.0)),
        )
    }

    /// Renders the most frequent errors.
    fn mistakes(&self) -> String {
        let mut pairs: Vec<(u64, &str, &str)> = Vec::new();
        for (i, actual) in self.classes.iter().enumerate() {
            for (j, predicted) in self.classes.iter().enumerate() {
                let n = self.at(i, j);
                if i != j && n > 0 {
                    pairs.push((n, actual, predicted));
                }
            }
        }
        pairs.sort_by_key(|(n, _, _)| std::cmp::Reverse(*n));
        if pairs.is_empty() {
            return "<p class=\"note\">No errors.</p>".to_string();
        }
        let mut out = String::from("<p class=\"mistakes\"><span>Most frequent errors</span>");
        for (n, actual, predicted) in pairs.iter().take(5) {
            let _ = write!(
                out,
                "<span class=\"pair\"><b>{}</b> predicted as <b>{}</b> <i>{}×</i></span>",
                escape(actual),
                escape(predicted),
                count(*n)
            );
        }
        out.push_str("</p>");
        out
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_string(), |s| format!("{:.1}%", 100.0 * s))
}
