//! Targets against predictions, for regression.

use super::{Predictions, chart};

impl Predictions {
    fn pairs(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.actual
            .iter()
            .copied()
            .zip(self.predicted.iter().copied())
            .filter(|(a, p)| a.is_finite() && p.is_finite())
    }

    /// Returns the coefficient of determination: the share of the targets' variance that the
    /// predictions explain.
    pub(super) fn r_squared(&self) -> Option<f64> {
        let n = self.pairs().count() as f64;
        let mean = self.pairs().map(|(a, _)| a).sum::<f64>() / n;
        let total: f64 = self.pairs().map(|(a, _)| (a - mean).powi(2)).sum();
        let left: f64 = self.pairs().map(|(a, p)| (a - p).powi(2)).sum();
        (total > 0.0).then(|| 1.0 - left / total)
    }

    pub(super) fn to_html(&self) -> String {
        let pairs: Vec<(f64, f64)> = self.pairs().collect();
        format!(
            "<section><h2>Predictions</h2><p class=\"note\">Each dot is a test sample; on the line, \
             the prediction is right.</p><div class=\"charts\">{}{}</div></section>",
            chart::scatter(&self.target, &pairs),
            chart::histogram(&pairs)
        )
    }
}
