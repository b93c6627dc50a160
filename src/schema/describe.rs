//! Descriptions of settings, for editors and documentation.

use serde_json::Value;

/// Shortens each description in a schema so that it is understandable on its own.
pub(super) fn shorten(schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            if let Some(Value::String(text)) = entries.get_mut("description") {
                *text = plain(text);
            }
            entries.values_mut().for_each(shorten);
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        _ => {}
    }
}

/// Returns the first paragraph of a doc comment, with links to items as code.
pub(super) fn plain(text: &str) -> String {
    let first = text.split("\n\n").next().unwrap_or_default();
    let mut plain = String::new();
    let mut rest = first;
    while let Some(at) = rest.find('[') {
        let (before, link) = rest.split_at(at);
        plain += before;
        let Some(end) = link.find(']') else { break };
        let (label, after) = (link.get(1..end).unwrap_or_default(), &link[end + 1..]);
        let is_link = label.starts_with('`') || after.starts_with("](") || after.starts_with('(');
        match is_link {
            true => {
                plain += label;
                rest = match after.strip_prefix('(').and_then(|a| a.split_once(')')) {
                    Some((_, after)) => after,
                    None => after,
                };
            }
            false => {
                plain += &link[..=end];
                rest = after;
            }
        }
    }
    plain += rest;
    // Readers of a configuration cannot follow links to items.
    let plain = match plain.find("; see `") {
        Some(at) => format!("{}.", &plain[..at]),
        None => plain,
    };
    plain.trim().to_string()
}
