//! Escapes texts, fills the template, and formats values with markup.

use crate::text::{count, is_share, short};

/// Escapes a text for use in HTML elements and quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// Escapes a long word and allows a line break after every 16 characters.
pub fn breakable(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let parts = chars
        .chunks(16)
        .map(|c| escape(&c.iter().collect::<String>()));
    parts.collect::<Vec<_>>().join("<wbr>")
}

/// Replaces each `{{name}}` by its value. Values are not searched for further names.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            rest = after;
            continue;
        };
        if let Some((_, value)) = values.iter().find(|(n, _)| *n == name) {
            out.push_str(value);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Formats a metric's value with its unit.
pub fn metric(name: &str, x: f64) -> String {
    if is_share(name) && x.is_finite() {
        format!("{:.2}<span class=\"unit\">%</span>", 100.0 * x)
    } else {
        short(x)
    }
}

/// Returns the common name of a metric.
pub fn label(name: &str) -> String {
    const WRITTEN: [(&str, &str); 9] = [
        ("f1", "F1"),
        ("roc_auc", "ROC AUC"),
        ("pr_auc", "PR AUC"),
        ("mae", "MAE"),
        ("mse", "MSE"),
        ("rmse", "RMSE"),
        ("mape", "MAPE"),
        ("mcc", "MCC"),
        ("r2", "R²"),
    ];
    for (prefix, written) in WRITTEN {
        match name.strip_prefix(prefix) {
            Some("") => return written.to_string(),
            // The rest is the class, or the average over classes.
            Some(rest) if rest.starts_with('_') => {
                return format!("{written}{}", rest.replace('_', " "));
            }
            _ => {}
        }
    }
    name.replace('_', " ")
}

/// Capitalizes the first letter.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Formats a shape as `28 × 28`.
pub fn shape(dims: &[usize]) -> String {
    if dims.is_empty() {
        return "scalar".to_string();
    }
    let each: Vec<String> = dims.iter().map(|d| count(*d as u64)).collect();
    each.join(" × ")
}
