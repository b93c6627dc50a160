//! The schema of configurations: its page, its file, and what the reader accepts.
//!
//! With `WGRAD_WRITE=1` the page and the file are written instead of compared.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use serde_json::Value;
use wgrad::spec::{Config, Overrides};

fn current(file: &str, text: String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var("WGRAD_WRITE").is_ok_and(|v| v == "1") {
        std::fs::write(path, text).unwrap();
        return;
    }
    let have = std::fs::read_to_string(path).unwrap_or_default();
    let how = "WGRAD_WRITE=1 cargo test --test configuration";
    assert!(
        have == text,
        "{file} is out of date; write it anew by\n{how}"
    );
}

#[test]
fn the_page_is_current() {
    current("docs/configuration.md", wgrad::spec::page());
}

#[test]
fn the_schema_file_is_current() {
    let schema = serde_json::to_string_pretty(&wgrad::spec::schema()).unwrap();
    current("docs/configuration.schema.json", schema + "\n");
}

/// Returns a whole file with these lines of `[training]`.
fn with_training(lines: &str) -> String {
    format!(
        "[model]\nhidden = [4]\n[data]\npath = \"d.csv\"\ntarget = \"label\"\n[training]\n{lines}\n"
    )
}

fn accepts(text: &str) -> Result<(), String> {
    let parsed = Config::parse("c.toml", text, &Overrides::default());
    parsed.map(|_| ()).map_err(|e| e.to_string())
}

/// Returns the tables of kinds in a definition of the schema: name and table.
fn kinds(definition: &str) -> Vec<(String, Value)> {
    let schema = serde_json::to_value(wgrad::spec::schema()).unwrap();
    let definition = schema.pointer(&format!("/$defs/{definition}"));
    let tables = definition
        .and_then(|d| d["anyOf"].as_array().cloned())
        .unwrap_or_default();
    let named = tables.into_iter().filter_map(|table| {
        let name = table
            .pointer("/properties/type/const")?
            .as_str()?
            .to_string();
        Some((name, table))
    });
    named.collect()
}

/// Returns a value in a property's range as TOML; `None` if it requires a table or list.
fn fitting(schema: &Value) -> Option<String> {
    let shown = schema["examples"]
        .get(0)
        .or(schema.get("default").filter(|d| !d.is_null()));
    let of = |value: &Value| match value {
        Value::Object(_) => None,
        Value::Array(items) if items.iter().any(Value::is_object) => None,
        other => Some(other.to_string()),
    };
    match shown {
        Some(value) => of(value),
        None => match (
            &schema["type"],
            schema.get("minimum"),
            schema.get("exclusiveMinimum"),
        ) {
            (Value::Array(names), ..) if names[0] == "integer" => Some("1".to_string()),
            (Value::Array(names), ..) if names[0] == "number" => Some("0.5".to_string()),
            _ => None,
        },
    }
}

/// Returns a value outside a property's range as TOML, if it has a range.
fn outside(schema: &Value) -> Option<String> {
    let of_type = match &schema["type"] {
        Value::Array(names) => names[0].clone(),
        other => other.clone(),
    };
    let below = |key: &str, by: f64| Some(schema.get(key)?.as_f64()? - by);
    match of_type.as_str()? {
        "integer" => Some("-1".to_string()),
        "number" => {
            let least = below("minimum", 1.0).or(below("exclusiveMinimum", 0.0));
            Some(format!("{:?}", least.unwrap_or(f64::NAN))).map(|x| x.replace("NaN", "nan"))
        }
        "boolean" => Some("1".to_string()),
        _ => None,
    }
}

/// For every kind and key: the reader accepts what the schema allows, and rejects what it forbids
/// and unknown keys.
#[test]
fn the_reader_accepts_what_the_schema_allows() {
    let families = [
        ("OptimizerSpec", "optimizer"),
        ("Schedule", "schedule"),
        ("LossSpec", "loss"),
        ("MetricSpec", "metrics"),
        ("LayerSpec", "layers"),
        ("InitSpec", "init"),
    ];
    let mut keys = 0;
    for (definition, key) in families {
        let kinds = kinds(definition);
        assert!(kinds.len() > 8, "{definition}: {}", kinds.len());
        for (name, table) in kinds {
            let required: Vec<&str> = table["required"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let own = table["properties"].as_object().unwrap();
            let needed = |skip: &str| -> String {
                let needed = required
                    .iter()
                    .filter(|key| **key != "type" && **key != skip);
                let needed = needed.map(|key| {
                    let shown = own[*key]["examples"][0].clone();
                    assert!(!shown.is_null(), "{name}: `{key}` has no example");
                    format!(", {key} = {shown}")
                });
                needed.collect()
            };
            let file = |settings: &str| {
                let table = format!("{{ type = \"{name}\"{settings} }}");
                match key {
                    "layers" => format!(
                        "[data]\npath = \"d\"\ntarget = \"t\"\n[model]\nlayers = [{table}]\n"
                    ),
                    "init" => format!(
                        "[data]\npath = \"d\"\ntarget = \"t\"\n[model]\nhidden = [3]\ninit = {table}\n"
                    ),
                    "metrics" => with_training(&format!("metrics = [{table}]")),
                    _ => with_training(&format!("{key} = {table}")),
                }
            };
            // Settings that contradict each other are rejected with another message than values out
            // of range.
            let range = |e: &str| {
                e.contains("but must be") && !e.contains("below `high`") || e.contains(" must be ")
            };
            let plain = accepts(&file(&needed("")));
            assert!(
                plain
                    .as_ref()
                    .err()
                    .is_none_or(|e| !range(e) && !e.contains("unknown key")),
                "{plain:?}"
            );
            for (key, schema) in own.iter().filter(|(key, _)| *key != "type") {
                keys += 1;
                if let Some(value) = fitting(schema) {
                    let text = file(&format!("{}, {key} = {value}", needed(key)));
                    let e = accepts(&text).err().unwrap_or_default();
                    assert!(!range(&e) || e.contains("schedule") && key == "from", "{e}");
                }
                if let Some(value) = outside(schema) {
                    let text = file(&format!("{}, {key} = {value}", needed(key)));
                    let e =
                        accepts(&text).expect_err(&format!("{name}: {key} = {value} is accepted"));
                    assert!(range(&e), "{e}");
                }
            }
            let e = accepts(&file(&format!("{}, no_such_key = 1", needed("")))).unwrap_err();
            assert!(e.contains("unknown key `no_such_key`"), "{e}");
        }
    }
    assert!(keys > 150, "only {keys} keys");
}

/// Every key of the schema is in a table of the page.
#[test]
fn the_page_has_every_key() {
    let page = wgrad::spec::page();
    let schema = serde_json::to_value(wgrad::spec::schema()).unwrap();
    let mut keys = Vec::new();
    collect(&schema, &mut keys);
    assert!(keys.len() > 100, "{}", keys.len());
    for key in keys {
        assert!(
            page.contains(&format!("| `{key}` |")) || key == "type" || key == "format",
            "`{key}` is in no table"
        );
    }
}

fn collect(schema: &Value, keys: &mut Vec<String>) {
    match schema {
        Value::Object(entries) => {
            for (key, value) in entries {
                if key == "properties" {
                    keys.extend(value.as_object().unwrap().keys().cloned());
                }
                if !["examples", "default"].contains(&key.as_str()) {
                    collect(value, keys);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, keys)),
        _ => {}
    }
}
