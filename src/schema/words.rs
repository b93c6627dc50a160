//! Parts of a schema in words, for messages and documentation.

use serde_json::Value;

/// Returns the JSON type of a schema; an optional setting also has `null`.
pub(crate) fn type_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => {
            let mut names = names.iter().filter_map(Value::as_str);
            names.find(|name| *name != "null").unwrap_or_default()
        }
        _ => "",
    }
}

/// Returns the forms of an `anyOf` or `oneOf`, without `null`.
pub(super) fn forms(schema: &Value) -> Option<Vec<&Value>> {
    let forms = schema.get("anyOf").or_else(|| schema.get("oneOf"))?;
    let null = |form: &&Value| form.get("type").and_then(Value::as_str) != Some("null");
    Some(forms.as_array()?.iter().filter(null).collect())
}

/// Returns the words of a schema that accepts one of a list of words.
pub(crate) fn words(schema: &Value) -> Option<Vec<&str>> {
    if let Some(Value::Array(words)) = schema.get("enum") {
        return Some(words.iter().filter_map(Value::as_str).collect());
    }
    let each: Option<Vec<&str>> = forms(schema)?
        .into_iter()
        .map(|form| form.get("const")?.as_str())
        .collect();
    each.filter(|words| !words.is_empty())
}

/// Describes a range: `at least 0 and below 1`.
pub(crate) fn range_words(schema: &Value) -> String {
    let limits = [
        ("minimum", "at least"),
        ("exclusiveMinimum", "above"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "below"),
    ];
    let parts: Vec<String> = limits
        .into_iter()
        .filter_map(|(key, words)| Some(format!("{words} {}", inline(schema.get(key)?))))
        .collect();
    match parts.is_empty() {
        true => "finite".to_string(),
        false => parts.join(" and "),
    }
}

/// Returns the first example of a schema as TOML; empty if it has none.
pub(crate) fn example(schema: &Value) -> String {
    let own = schema.get("examples").and_then(|all| all.get(0));
    own.map_or(String::new(), inline)
}

/// Formats a value as TOML on one line.
pub(crate) fn inline(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{key} = {}", inline(value)))
                .collect();
            match entries.is_empty() {
                true => "{}".to_string(),
                false => format!("{{ {} }}", entries.join(", ")),
            }
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Number(n) => match n.as_f64() {
            Some(x) if n.is_f64() => format!("{x:?}"),
            _ => n.to_string(),
        },
        // JSON's strings are TOML's, except for one control character.
        Value::String(_) => value.to_string().replace('\u{7f}', "\\u007f"),
        other => other.to_string(),
    }
}

/// Formats a number as it is usually written: without a needless `.0`, and with an exponent if it
/// is large.
pub(super) fn as_given(value: &Value) -> String {
    match value.as_f64() {
        Some(x) if value.is_f64() && x.abs() < 1e15 => x.to_string(),
        Some(x) if value.is_f64() => format!("{x:e}"),
        _ => value.to_string(),
    }
}
