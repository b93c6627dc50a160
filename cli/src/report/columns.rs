//! The data: the sizes of the splits, notes, and what became of the columns.

use std::fmt::Write as _;

use super::Report;
use super::html::escape;
use crate::text::{count, significant};

/// The most columns that the page lists.
const LISTED: usize = 200;

impl Report {
    pub(super) fn data_section(&self) -> String {
        let data = &self.data;
        let mut out = format!(
            "<section><h2>Data</h2><p class=\"note\">{}: ",
            escape(&data.name)
        );
        let all = data.train + data.validation + data.test;
        let part = |n: usize, name: &str| {
            let percent = 100.0 * n as f64 / all.max(1) as f64;
            format!("{} {name} ({}%)", count(n as u64), significant(percent, 3))
        };
        let parts = [
            part(data.train, "training samples"),
            part(data.validation, "validation samples"),
            part(data.test, "test samples"),
        ];
        let _ = write!(out, "{}.</p>", parts.join(", "));
        if !self.notes.is_empty() {
            out.push_str("<ul class=\"notes\">");
            for note in &self.notes {
                let _ = write!(out, "<li>{}</li>", escape(note));
            }
            out.push_str("</ul>");
        }
        if !self.columns.is_empty() {
            self.column_table(&mut out);
        }
        out.push_str("</section>");
        out
    }

    fn column_table(&self, out: &mut String) {
        out.push_str(
            "<div class=\"scroll tall\"><table><thead><tr><th>Column</th><th>Type</th>\
             <th class=\"n\">Missing</th><th class=\"n\">Features</th><th>Made of it</th></tr>\
             </thead><tbody>",
        );
        for column in self.columns.iter().take(LISTED) {
            let missing = match column.missing {
                0 => "0".to_string(),
                n => format!(
                    "{} ({}%)",
                    count(n),
                    significant(100.0 * n as f64 / column.rows.max(1) as f64, 2)
                ),
            };
            let _ = write!(
                out,
                "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"n\">{missing}</td>\
                 <td class=\"n\">{}</td><td class=\"made\">{}</td></tr>",
                escape(&column.name),
                escape(&column.kind),
                count(column.features as u64),
                escape(&column.made)
            );
        }
        out.push_str("</tbody></table></div>");
        if self.columns.len() > LISTED {
            let more = count((self.columns.len() - LISTED) as u64);
            let _ = write!(out, "<p class=\"more\">and {more} more columns</p>");
        }
    }
}
