//! The test samples with the largest losses.

use std::fmt::Write as _;

use super::Report;
use super::html::escape;
use crate::text::{count, short};

impl Report {
    pub(super) fn worst_table(&self) -> String {
        if self.worst.is_empty() {
            return String::new();
        }
        let mut out = String::from(
            "<section><h2>Worst samples</h2><p class=\"note\">The test samples with the largest \
             losses. Rows of the file are counted from 1, without the header and without rows that \
             have no target.</p><div class=\"scroll\"><table><thead><tr><th class=\"n\">Row</th>\
             <th>Actual</th><th>Predicted</th><th class=\"n\">Loss</th></tr></thead><tbody>",
        );
        for worst in &self.worst {
            let _ = write!(
                out,
                "<tr><th scope=\"row\" class=\"n\">{}</th><td>{}</td><td>{}</td><td class=\"n\">{}</td></tr>",
                count(worst.row as u64),
                escape(&worst.actual),
                escape(&worst.predicted),
                short(worst.loss)
            );
        }
        out.push_str("</tbody></table></div></section>");
        out
    }
}
