//! The importance of the columns of a table, as bars.

use std::fmt::Write as _;

use super::Report;
use super::html::{self, escape, metric};
use crate::text::count;

/// The most columns with a bar.
const SHOWN: usize = 20;

impl Report {
    pub(super) fn importance_table(&self) -> String {
        let Some(importance) = &self.importance else {
            return String::new();
        };
        let name = &importance.metric;
        let columns = &importance.columns;
        let largest = columns.iter().map(|c| c.1).fold(0.0, f64::max);
        let mut out = format!(
            "<section><h2>Importance of the columns</h2><p class=\"note\">How much worse {} gets on \
             the {} split when a column is shuffled: mean and standard deviation of 5 shuffles. \
             Columns with the same information share it.</p><div class=\"scroll\">\
             <table class=\"importance\"><thead><tr><th>Column</th><th>Bar</th>\
             <th class=\"n\">Worse by</th><th class=\"n\">±</th></tr></thead><tbody>",
            escape(&html::label(name)),
            escape(&importance.split)
        );
        for (column, drop, deviation) in columns.iter().take(SHOWN) {
            let width = match largest > 0.0 {
                true => 100.0 * drop.max(0.0) / largest,
                false => 0.0,
            };
            let _ = write!(
                out,
                "<tr><th scope=\"row\">{}</th><td class=\"length\"><i style=\"width:{width:.1}%\"></i></td>\
                 <td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                escape(column),
                metric(name, *drop),
                metric(name, *deviation)
            );
        }
        out.push_str("</tbody></table></div>");
        if columns.len() > SHOWN {
            let rest = count((columns.len() - SHOWN) as u64);
            let _ = write!(
                out,
                "<p class=\"more\">{rest} more columns matter less; <code>wgrad explain</code> lists all.</p>"
            );
        }
        out.push_str("</section>");
        out
    }
}
