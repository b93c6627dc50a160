//! The tables of layers and of epochs.

use std::fmt::Write as _;

use super::Report;
use super::html::{self, escape, metric};
use crate::text::{bytes, count, duration, short};

impl Report {
    pub(super) fn layer_table(&self) -> String {
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

    pub(super) fn epoch_table(&self) -> String {
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
                out.push_str(&cell(name, e.metric(name).as_ref()));
            }
            if validated {
                out.push_str(&cell("loss", e.val_loss.as_ref()));
                for name in &names {
                    out.push_str(&cell(name, e.val_metric(name).as_ref()));
                }
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody>");
        out
    }
}
