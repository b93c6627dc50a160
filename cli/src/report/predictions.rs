//! Targets and predictions, for regression.

use std::fmt::Write as _;

use super::html::escape;
use super::{Predictions, chart};
use crate::text::short;

/// The most targets with charts of their own.
const CHARTED: usize = 4;

/// The mean errors of a target, and its coefficient of determination.
struct Errors {
    mae: f64,
    rmse: f64,
    r2: Option<f64>,
}

impl Predictions {
    fn pairs(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.actual
            .iter()
            .copied()
            .zip(self.predicted.iter().copied())
            .filter(|(a, p)| a.is_finite() && p.is_finite())
    }

    fn errors(&self) -> Errors {
        let n = self.pairs().count() as f64;
        let mean = self.pairs().map(|(a, _)| a).sum::<f64>() / n;
        let total: f64 = self.pairs().map(|(a, _)| (a - mean).powi(2)).sum();
        let squares: f64 = self.pairs().map(|(a, p)| (a - p).powi(2)).sum();
        Errors {
            mae: self.pairs().map(|(a, p)| (a - p).abs()).sum::<f64>() / n,
            rmse: (squares / n).sqrt(),
            r2: (total > 0.0).then(|| 1.0 - squares / total),
        }
    }

    fn charts(&self) -> String {
        let pairs: Vec<(f64, f64)> = self.pairs().collect();
        format!(
            "{}{}{}",
            chart::scatter(&self.target, &pairs),
            chart::histogram(&pairs),
            chart::residuals(&pairs)
        )
    }
}

/// Renders the section of the page.
pub(super) fn section(all: &[Predictions]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "<section><h2>Predictions</h2><p class=\"note\">Each dot is a test sample; on the line, \
         the prediction is right.</p>{}",
        table(all)
    );
    for item in all.iter().take(CHARTED) {
        if all.len() > 1 {
            let _ = write!(out, "<h3 class=\"target\">{}</h3>", escape(&item.target));
        }
        let _ = write!(out, "<div class=\"charts\">{}</div>", item.charts());
    }
    if all.len() > CHARTED {
        let _ = write!(
            out,
            "<p class=\"more\">Charts are of the first {CHARTED} of {} targets.</p>",
            all.len()
        );
    }
    out.push_str("</section>");
    out
}

/// Renders the errors of each target, and those of all.
fn table(all: &[Predictions]) -> String {
    let each: Vec<Errors> = all.iter().map(Predictions::errors).collect();
    let r2 = |r2: Option<f64>| r2.map_or("\u{2013}".to_string(), short);
    let row = |name: &str, mae: f64, rmse: f64, value: Option<f64>| {
        format!(
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td></tr>",
            escape(name),
            short(mae),
            short(rmse),
            r2(value)
        )
    };
    let mut out = String::from(
        "<div class=\"scroll targets\"><table><thead><tr><th>Target</th><th class=\"n\">MAE</th>\
         <th class=\"n\">RMSE</th><th class=\"n\">R²</th></tr></thead><tbody>",
    );
    for (item, errors) in all.iter().zip(&each) {
        out.push_str(&row(&item.target, errors.mae, errors.rmse, errors.r2));
    }
    out.push_str("</tbody>");
    if all.len() > 1 {
        let n = each.len() as f64;
        let mean = |of: fn(&Errors) -> f64| each.iter().map(of).sum::<f64>() / n;
        let r2: Option<f64> = each.iter().map(|e| e.r2).sum::<Option<f64>>();
        let name = format!("All {} targets (R²: the mean)", all.len());
        // The root of the mean over all values, as in the metric.
        let rmse = mean(|e| e.rmse * e.rmse).sqrt();
        let means = row(&name, mean(|e| e.mae), rmse, r2.map(|sum| sum / n));
        let _ = write!(out, "<tfoot>{means}</tfoot>");
    }
    out.push_str("</table></div>");
    out
}
