//! A configuration as TOML, formatted as if by hand: a line for each key and each layer.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::config::Config;
use crate::schema::inline;

/// Returns the whole file.
pub(super) fn toml(config: &Config) -> String {
    let mut text = String::new();
    let Ok(Value::Object(sections)) = serde_json::to_value(config) else {
        return text;
    };
    for (name, section) in &sections {
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}[{name}]");
        for (key, value) in section.as_object().into_iter().flatten() {
            let _ = writeln!(text, "{key} = {}", setting(&short(value), 0));
        }
    }
    text
}

/// Returns kinds without settings as their names alone.
pub(super) fn short(value: &Value) -> Value {
    match value {
        Value::Object(entries) => match (entries.len(), entries.get("type")) {
            (1, Some(name)) => name.clone(),
            _ => {
                let each = entries.iter().map(|(key, v)| (key.clone(), short(v)));
                Value::Object(each.collect())
            }
        },
        Value::Array(items) => Value::Array(items.iter().map(short).collect()),
        other => other.clone(),
    }
}

/// Formats a value, below a line that is indented by `indent`. Lists with tables have a line for
/// each item.
fn setting(value: &Value, indent: usize) -> String {
    match value {
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let margin = " ".repeat(indent);
            let lines = items
                .iter()
                .map(|item| format!("{margin}    {},\n", setting(item, indent + 4)));
            format!("[\n{}{margin}]", lines.collect::<String>())
        }
        Value::Object(entries) => table(entries, indent),
        other => inline(other),
    }
}

fn table(entries: &Map<String, Value>, indent: usize) -> String {
    let entries: Vec<String> = entries
        .iter()
        .map(|(key, value)| format!("{key} = {}", setting(value, indent)))
        .collect();
    format!("{{ {} }}", entries.join(", "))
}
