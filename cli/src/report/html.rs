//! Text for the page: escaping, filling the template, values with markup.

use crate::text::{count, is_share, short};

/// Makes text harmless inside HTML, in elements and in quoted attributes.
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

/// A long word that may be broken after every 16 characters.
pub fn breakable(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let parts = chars
        .chunks(16)
        .map(|c| escape(&c.iter().collect::<String>()));
    parts.collect::<Vec<_>>().join("<wbr>")
}

/// Puts values in place of `{{name}}`. What is put in is not looked at again.
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

/// A metric's value, with its unit.
pub fn metric(name: &str, x: f64) -> String {
    if is_share(name) && x.is_finite() {
        format!("{:.2}<span class=\"unit\">%</span>", 100.0 * x)
    } else {
        short(x)
    }
}

/// A metric's name as people write it.
pub fn label(name: &str) -> String {
    match name {
        "mae" | "mse" => name.to_uppercase(),
        other => other.replace('_', " "),
    }
}

/// With a capital first letter.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// A shape, as `28 × 28`.
pub fn shape(dims: &[usize]) -> String {
    if dims.is_empty() {
        return "scalar".to_string();
    }
    let each: Vec<String> = dims.iter().map(|d| count(*d as u64)).collect();
    each.join(" × ")
}
