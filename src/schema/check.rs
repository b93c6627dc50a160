//! Compares a value with a JSON Schema, and reports errors.
//!
//! It supports only the parts of JSON Schema that the types of this crate use. Messages name keys,
//! choices, and what would be accepted, as they are written in a configuration.

use serde_json::{Map, Value};

use super::names::did_you_mean;
use super::size::ByteSize;
use super::words::{as_given, example, forms, range_words, type_of, words};
use super::{Path, SettingError};

type Result = std::result::Result<(), SettingError>;

/// Checks a value against a root schema. Returns the first error in the order of the value.
pub(crate) fn check(value: &Value, schema: &Value) -> Result {
    let checker = Checker { root: schema };
    checker.value(value, schema, &Path::root(), "the configuration")
}

struct Checker<'s> {
    root: &'s Value,
}

impl<'s> Checker<'s> {
    /// Resolves a `$ref`.
    fn resolved(&self, mut schema: &'s Value) -> &'s Value {
        while let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let target = match name.strip_prefix('#') {
                Some(pointer) => self.root.pointer(pointer),
                None => None,
            };
            match target {
                Some(found) => schema = found,
                None => break,
            }
        }
        schema
    }

    /// Checks a value; `table` is the name of the table that the value would be.
    fn value(&self, value: &Value, schema: &'s Value, path: &Path, table: &str) -> Result {
        let schema = self.resolved(schema);
        if let Some(kind) = schema.get("x-kind") {
            return self.kind(value, schema, kind, path);
        }
        if let Some(words) = words(schema) {
            return word(value, &words, schema, path);
        }
        if let Some(forms) = forms(schema) {
            return self.forms(value, &forms, schema, path, table);
        }
        match type_of(schema) {
            "object" => match value {
                Value::Object(entries) => match schema.get("additionalProperties") {
                    Some(each @ Value::Object(_)) => self.map(entries, each, path),
                    _ => self.table(entries, schema, path, table),
                },
                _ => Err(wrong_type(value, "a table", path)),
            },
            "array" => self.list(value, schema, path),
            "string" => match value {
                Value::String(text) if text.is_empty() && schema.get("minLength").is_some() => {
                    let name = path.name();
                    Err(SettingError::new(
                        path.clone(),
                        format!("`{name}` must not be empty"),
                    ))
                }
                Value::String(text) => string(text, schema, path),
                _ => Err(wrong_type(value, "a string", path)),
            },
            "boolean" => match value {
                Value::Bool(_) => Ok(()),
                _ => Err(wrong_type(value, "true or false", path)),
            },
            "integer" => whole(value, schema, path),
            "number" => number(value, schema, path),
            _ => Ok(()),
        }
    }

    /// Checks a value that may have several forms; its JSON type selects the form.
    fn forms(
        &self,
        value: &Value,
        forms: &[&'s Value],
        schema: &Value,
        path: &Path,
        table: &str,
    ) -> Result {
        let fitting = forms.iter().find(|form| {
            let form = self.resolved(form);
            let named = form.get("x-kind").is_some() || words(form).is_some();
            match (type_of(form), value) {
                _ if named && value.is_string() => true,
                _ if form.get("x-kind").is_some() => value.is_object(),
                ("object", Value::Object(_))
                | ("array", Value::Array(_))
                | ("string", Value::String(_))
                | ("boolean", Value::Bool(_))
                | ("number" | "integer", Value::Number(_) | Value::Null) => true,
                _ => false,
            }
        });
        match (fitting, forms) {
            (Some(form), _) | (None, [form]) => self.value(value, form, path, table),
            // The plainest form describes what is expected.
            (None, [form, ..]) => match schema.get("x-expected").and_then(Value::as_str) {
                Some(expected) => Err(wrong_type(value, expected, path)),
                None => self.value(value, form, path, table),
            },
            (None, []) => Ok(()),
        }
    }

    /// Checks a name alone, or a table with a `type`.
    fn kind(&self, value: &Value, schema: &'s Value, kind: &Value, path: &Path) -> Result {
        let text = |key: &str| kind.get(key).and_then(Value::as_str).unwrap_or_default();
        let (tag, what, named) = (text("tag"), text("what"), text("named"));
        let inferred = kind.get("inferred").and_then(Value::as_object);
        let inferred: Vec<(&str, &str)> = inferred
            .into_iter()
            .flatten()
            .filter_map(|(key, kind)| Some((key.as_str(), kind.as_str()?)))
            .collect();
        let all = schema.get("anyOf").and_then(Value::as_array);
        let tables: Vec<(&str, &'s Value)> = all
            .into_iter()
            .flatten()
            .filter_map(|table| {
                let name = table.get("properties")?.get(tag)?.get("const")?.as_str()?;
                Some((name, table))
            })
            .collect();
        let names: Vec<&str> = tables.iter().map(|(name, _)| *name).collect();
        let find = |name: &str, at: Path| {
            let found = tables.iter().find(|(known, _)| *known == name);
            found.ok_or_else(|| unknown_choice(what, name, &names, at))
        };
        let (entries, (name, table)) = match value {
            Value::String(name) if inferred.is_empty() => {
                let end = text("file");
                if !end.is_empty() && name.ends_with(end) {
                    return Ok(());
                }
                let found = find(name, path.clone()).map_err(|e| match text("help") {
                    "" => e,
                    help => e.help(help),
                })?;
                (None, *found)
            }
            Value::Object(entries) => {
                let found = match entries.get(tag) {
                    Some(Value::String(name)) => *find(name, path.key(tag))?,
                    Some(other) => return Err(wrong_type(other, "a string", &path.key(tag))),
                    None => {
                        let by_key = inferred
                            .iter()
                            .find(|(key, _)| key.is_empty() || entries.contains_key(*key));
                        match by_key {
                            Some((_, name)) => *find(name, path.clone())?,
                            None => {
                                let first = names.first().copied().unwrap_or_default();
                                let error = SettingError::new(
                                    path.clone(),
                                    format!("{what} needs `{tag}`"),
                                );
                                return Err(
                                    error.help(format!("for example: {{ {tag} = \"{first}\" }}"))
                                );
                            }
                        }
                    }
                };
                (Some(entries), found)
            }
            _ if inferred.is_empty() => {
                let expected = format!("a name or a table with a `{tag}`");
                return Err(wrong_type(value, &expected, path));
            }
            _ => return Err(wrong_type(value, "a table", path)),
        };
        let named = named.replace("{}", name);
        let short = inferred.is_empty();
        let missing = |key: &str, example: &str| {
            let error = SettingError::new(path.clone(), format!("{named} needs `{key}`"));
            match short {
                true => {
                    let needed = self.examples(table);
                    error.help(format!("for example: {{ type = \"{name}\"{needed} }}"))
                }
                false => error.help(format!("for example: {key} = {example}")),
            }
        };
        match entries {
            Some(entries) => self.entries(entries, table, path, &named, &missing),
            None => match self.required(table).into_iter().find(|key| *key != tag) {
                Some(key) => Err(missing(key, "")),
                None => Ok(()),
            },
        }
    }

    /// Returns the keys that must be set, each with an example: `, out = 64`.
    fn examples(&self, table: &'s Value) -> String {
        let properties = table.get("properties");
        let needed = self.required(table).into_iter().filter_map(|key| {
            let schema = properties?.get(key)?;
            schema
                .get("const")
                .is_none()
                .then(|| format!(", {key} = {}", example(schema)))
        });
        needed.collect()
    }

    fn required(&self, table: &'s Value) -> Vec<&'s str> {
        let required = table.get("required").and_then(Value::as_array);
        required
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    fn table(
        &self,
        entries: &Map<String, Value>,
        schema: &'s Value,
        path: &Path,
        name: &str,
    ) -> Result {
        let missing = |key: &str, example: &str| {
            let error = SettingError::new(path.clone(), format!("{name} needs `{key}`"));
            error.help(format!("for example: {key} = {example}"))
        };
        self.entries(entries, schema, path, name, &missing)
    }

    /// Checks the values of a table with any keys.
    fn map(&self, entries: &Map<String, Value>, each: &'s Value, path: &Path) -> Result {
        let mut entries = entries.iter();
        entries.try_for_each(|(key, value)| self.value(value, each, &path.key(key), key))
    }

    /// Checks a table's keys: each must be known, and required keys must be set.
    fn entries(
        &self,
        entries: &Map<String, Value>,
        schema: &'s Value,
        path: &Path,
        name: &str,
        missing: &dyn Fn(&str, &str) -> SettingError,
    ) -> Result {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object);
        let properties = properties.unwrap_or(&empty);
        let unknown = entries.keys().find(|key| !properties.contains_key(*key));
        if let Some(key) = unknown {
            let keys = || properties.keys().map(String::as_str);
            let close = did_you_mean(key, keys());
            let list: Vec<String> = keys().map(|k| format!("`{k}`")).collect();
            let error = SettingError::new(
                path.key(key),
                format!("unknown key `{key}` in {name}{close}"),
            );
            return Err(error
                .at_key()
                .help(format!("{name} takes {}", list.join(", "))));
        }
        let required = schema.get("required").and_then(Value::as_array);
        for key in required.into_iter().flatten().filter_map(Value::as_str) {
            if !entries.contains_key(key) {
                let example = properties.get(key).map_or(String::new(), example);
                return Err(missing(key, &example));
            }
        }
        for (key, value) in entries {
            let Some(schema) = properties.get(key) else {
                continue;
            };
            if schema.get("const").is_some() {
                continue;
            }
            // The sections of a file are named as they are written, other tables by their keys.
            let table = match path.as_str().is_empty() {
                true => format!("[{key}]"),
                false => key.clone(),
            };
            self.value(value, schema_of(schema, self), &path.key(key), &table)?;
        }
        Ok(())
    }

    fn list(&self, value: &Value, schema: &'s Value, path: &Path) -> Result {
        let Value::Array(items) = value else {
            return Err(wrong_type(value, "a list", path));
        };
        let limit = |key: &str| schema.get(key).and_then(Value::as_u64).map(|n| n as usize);
        let few = limit("minItems").is_some_and(|min| items.len() < min);
        let many = limit("maxItems").is_some_and(|max| items.len() > max);
        if few || many {
            let name = path.name();
            let expected = schema.get("x-expected").and_then(Value::as_str);
            let expected = expected.unwrap_or("a list of at least one item");
            let error = SettingError::new(path.clone(), format!("`{name}` must be {expected}"));
            let example = example(schema);
            return Err(match example.is_empty() {
                true => error,
                false => error.help(format!("for example: {name} = {example}")),
            });
        }
        if let Some(each) = schema.get("items") {
            for (i, item) in items.iter().enumerate() {
                self.value(item, each, &path.item(i), path.name())?;
            }
        }
        Ok(())
    }
}

/// Returns a property's schema; for an optional setting, the schema of the setting.
fn schema_of<'s>(schema: &'s Value, checker: &Checker<'s>) -> &'s Value {
    checker.resolved(schema)
}

fn word(value: &Value, words: &[&str], schema: &Value, path: &Path) -> Result {
    let Value::String(given) = value else {
        return Err(wrong_type(value, "a string", path));
    };
    if words.contains(&given.as_str()) {
        return Ok(());
    }
    let what = schema.get("x-what").and_then(Value::as_str);
    Err(unknown_choice(
        what.unwrap_or(path.name()),
        given,
        words,
        path.clone(),
    ))
}

/// Returns the error for a name that is not one of the choices.
fn unknown_choice(what: &str, given: &str, names: &[&str], path: Path) -> SettingError {
    let list: Vec<String> = names.iter().map(|n| format!("\"{n}\"")).collect();
    let help = match list.as_slice() {
        [one] => format!("the only choice is {one}"),
        _ => format!("the choices are {}", list.join(", ")),
    };
    let close = did_you_mean(given, names.iter().copied());
    SettingError::new(path, format!("there is no {what} \"{given}\"{close}")).help(help)
}

fn wrong_type(value: &Value, expected: &str, path: &Path) -> SettingError {
    let given = match value {
        Value::String(_) => "a string",
        Value::Number(n) if n.is_f64() => "a number",
        Value::Number(_) => "an integer",
        Value::Bool(_) => "a boolean",
        Value::Null => "nothing",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    };
    let name = path.name();
    SettingError::new(
        path.clone(),
        format!("`{name}` must be {expected}, not {given}"),
    )
}

fn string(text: &str, schema: &Value, path: &Path) -> Result {
    if schema.get("x-size").is_some() && ByteSize::parse(text).is_none() {
        let given = format!("{text:?}");
        return Err(SettingError::range(
            path.clone(),
            given,
            ByteSize::expected(),
        ));
    }
    let most = schema.get("maxLength").and_then(Value::as_u64);
    match most.is_some_and(|most| text.chars().count() as u64 > most) {
        true => {
            let (name, expected) = (
                path.name(),
                schema.get("x-expected").and_then(Value::as_str),
            );
            let expected = expected.unwrap_or("shorter");
            Err(SettingError::new(
                path.clone(),
                format!("`{name}` must be {expected}"),
            ))
        }
        false => Ok(()),
    }
}

fn whole(value: &Value, schema: &Value, path: &Path) -> Result {
    let Value::Number(number) = value else {
        return Err(wrong_type(value, "a whole number", path));
    };
    if number.is_f64() {
        return Err(wrong_type(value, "a whole number", path));
    }
    let min = schema.get("minimum").and_then(Value::as_u64).unwrap_or(0);
    match number.as_u64().is_some_and(|n| n >= min) {
        true => Ok(()),
        false => {
            let expected = format!("a whole number of at least {min}");
            Err(SettingError::range(
                path.clone(),
                number.to_string(),
                expected,
            ))
        }
    }
}

fn number(value: &Value, schema: &Value, path: &Path) -> Result {
    let given = match value {
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        // JSON has no NaN and no infinity.
        Value::Null => f64::NAN,
        _ => return Err(wrong_type(value, "a number", path)),
    };
    let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
    let fits = given.is_finite()
        && limit("minimum").is_none_or(|min| given >= min)
        && limit("exclusiveMinimum").is_none_or(|min| given > min)
        && limit("maximum").is_none_or(|max| given <= max)
        && limit("exclusiveMaximum").is_none_or(|max| given < max);
    match fits {
        true => Ok(()),
        false => {
            let text = match value {
                Value::Null => "not finite".to_string(),
                other => as_given(other),
            };
            Err(SettingError::range(path.clone(), text, range_words(schema)))
        }
    }
}
