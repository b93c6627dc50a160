//! The quality of probabilities: ROC, precision and recall, calibration, thresholds.

use std::fmt::Write as _;

use wgrad::metrics::{
    Confusion, brier_score, calibration_curve, expected_calibration_error, precision_recall_curve,
    roc_curve,
};

use super::Probabilities;
use super::chart::{Curve, Square};
use super::html::escape;
use crate::text::{count, significant};

/// The most classes with curves of their own.
const MOST_CURVES: usize = 10;

/// The thresholds of the table.
const THRESHOLDS: [f64; 11] = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// The number of bins of the calibration curve.
const BINS: usize = 10;

impl Probabilities {
    /// Renders the section of the page.
    pub(super) fn to_html(&self) -> String {
        let classes: Vec<usize> = match self.classes.len() {
            2 => vec![self.positive],
            n if n <= MOST_CURVES => (0..n).collect(),
            _ => Vec::new(),
        };
        let mut charts = String::new();
        if !classes.is_empty() {
            charts.push_str(&self.roc(&classes));
            charts.push_str(&self.precision_recall(&classes));
        }
        charts.push_str(&self.calibration());
        let about = match self.classes.as_slice() {
            [_, _] => format!(
                "The class is \u{201c}{}\u{201d}: a threshold of its probability decides.",
                escape(self.positive_name())
            ),
            _ if classes.is_empty() => "Whether probabilities are frequencies.".to_string(),
            _ => "Each class against the rest.".to_string(),
        };
        format!(
            "<section><h2>Probabilities</h2><p class=\"note\">{about}</p>\
             <div class=\"charts\">{charts}{}</div></section>",
            self.thresholds()
        )
    }

    fn positive_name(&self) -> &str {
        self.classes.get(self.positive).map_or("", String::as_str)
    }

    fn roc(&self, classes: &[usize]) -> String {
        let curve = |(i, class): (usize, &usize)| {
            let (labels, scores) = self.of_class(*class);
            let points = roc_curve(&labels, &scores);
            let points: Vec<(f64, f64)> = points
                .iter()
                .map(|p| (p.false_positive_rate, p.true_positive_rate))
                .collect();
            let pairs = points.windows(2).filter_map(|pair| match pair {
                [a, b] => Some((b.0 - a.0) * (a.1 + b.1) / 2.0),
                _ => None,
            });
            let area: f64 = pairs.sum();
            self.curve(i, *class, points, area)
        };
        Square {
            title: "ROC",
            x: "false positive rate",
            y: "true positive rate",
            value: "area",
            curves: classes.iter().enumerate().map(curve).collect(),
            reference: Some([(0.0, 0.0), (1.0, 1.0)]),
            dots: false,
        }
        .to_html()
    }

    fn precision_recall(&self, classes: &[usize]) -> String {
        let curve = |(i, class): (usize, &usize)| {
            let (labels, scores) = self.of_class(*class);
            let points = precision_recall_curve(&labels, &scores);
            let area: f64 = points
                .windows(2)
                .filter_map(|pair| match pair {
                    [a, b] => Some((a.recall - b.recall) * a.precision),
                    _ => None,
                })
                .sum();
            let any = labels.contains(&true);
            let points = points.iter().map(|p| (p.recall, p.precision)).collect();
            self.curve(i, *class, points, if any { area } else { f64::NAN })
        };
        let frequency = match classes {
            [class] => {
                let of = self.labels.iter().filter(|label| *label == class).count();
                Some(of as f64 / self.labels.len().max(1) as f64)
            }
            _ => None,
        };
        Square {
            title: "Precision and recall",
            x: "recall",
            y: "precision",
            value: "average precision",
            curves: classes.iter().enumerate().map(curve).collect(),
            reference: frequency.map(|f| [(0.0, f), (1.0, f)]),
            dots: false,
        }
        .to_html()
    }

    fn curve(&self, color: usize, class: usize, points: Vec<(f64, f64)>, area: f64) -> Curve {
        let name = self.classes.get(class).cloned().unwrap_or_default();
        let value = match area.is_finite() {
            true => significant(area, 4),
            false => "undefined".to_string(),
        };
        Curve {
            color,
            name,
            points,
            value,
        }
    }

    /// Renders the calibration of the positive one of two classes, or of the predicted class.
    fn calibration(&self) -> String {
        let (labels, scores, name) = match self.classes.len() {
            2 => {
                let (labels, scores) = self.of_class(self.positive);
                (labels, scores, Some(self.positive_name().to_string()))
            }
            _ => {
                let (labels, scores) = self.predicted();
                (labels, scores, Some("predicted class".to_string()))
            }
        };
        let bins = calibration_curve(&labels, &scores, BINS);
        let error = expected_calibration_error(&bins);
        let curve = Curve {
            color: 0,
            name: name.unwrap_or_default(),
            points: bins.iter().map(|bin| (bin.predicted, bin.actual)).collect(),
            value: format!(
                "{}, Brier score {}",
                significant(error, 3),
                significant(brier_score(&labels, &scores), 3)
            ),
        };
        Square {
            title: "Calibration",
            x: "predicted probability",
            y: "actual frequency",
            value: "expected calibration error",
            curves: vec![curve],
            reference: Some([(0.0, 0.0), (1.0, 1.0)]),
            dots: true,
        }
        .to_html()
    }

    /// Returns for each sample whether the class with the largest probability is right, and that
    /// probability.
    fn predicted(&self) -> (Vec<bool>, Vec<f64>) {
        let each = self
            .rows
            .iter()
            .zip(&self.labels)
            .filter_map(|(row, label)| {
                let (class, p) = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
                Some((class == *label, *p))
            });
        each.unzip()
    }

    /// Renders the scores of the positive one of two classes at several thresholds.
    fn thresholds(&self) -> String {
        if self.classes.len() != 2 {
            return String::new();
        }
        let (labels, scores) = self.of_class(self.positive);
        let mut out = format!(
            "<div class=\"scroll thresholds\"><table><caption>Thresholds of the probability of \
             \u{201c}{}\u{201d}</caption><thead><tr><th class=\"n\">Threshold</th>\
             <th class=\"n\">Precision</th><th class=\"n\">Recall</th><th class=\"n\">F1</th>\
             <th class=\"n\">Predicted</th></tr></thead><tbody>",
            escape(self.positive_name())
        );
        for threshold in THRESHOLDS {
            let predicted = scores.iter().map(|p| usize::from(*p > threshold));
            let actual = labels.iter().map(|is| usize::from(*is));
            let confusion = Confusion::of(actual.zip(predicted));
            let of = confusion.scores(1);
            let percent = |share: Option<f64>| {
                share.map_or("\u{2013}".to_string(), |s| format!("{:.1}%", 100.0 * s))
            };
            let _ = write!(
                out,
                "<tr><th scope=\"row\" class=\"n\">{threshold}</th><td class=\"n\">{}</td>\
                 <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                percent(of.precision),
                percent(of.recall),
                percent(of.f_beta(1.0)),
                count(of.taken as u64)
            );
        }
        out.push_str("</tbody></table></div>");
        out
    }
}
