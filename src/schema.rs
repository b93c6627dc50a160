//! Settings as typed data: kinds with a `type`, their ranges, and the JSON Schema of both.
//!
//! A setting is a field of a struct that derives serde's traits and `schemars::JsonSchema`. Its
//! range, its default and its documentation are defined at the field, and nowhere else. [`kinds!`]
//! creates an enum of such structs, distinguished by a `type`. [`check`] compares a value with a
//! schema, and reports errors by path; an [`Error`](SettingError) contains the path, so that a
//! file's reader can show the line.

mod check;
mod describe;
mod kinds;
mod names;
pub(crate) mod range;
mod size;
mod words;

pub(crate) use crate::error::Given;
pub use crate::error::{SettingError, SettingPath as Path};
pub(crate) use check::check;
pub(crate) use kinds::{Kind, kinds, named_or_table, with_keys};
pub use names::did_you_mean;
pub use size::ByteSize;
pub(crate) use words::{example, inline, range_words, type_of, words};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// Returns the JSON Schema of a type, with everything that it refers to.
pub fn of<T: JsonSchema>() -> Schema {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>();
    if let Some(entries) = schema.as_object_mut() {
        entries.values_mut().for_each(describe::shorten);
        if let Some(Value::String(text)) = entries.get_mut("description") {
            *text = describe::plain(text);
        }
    }
    schema
}

/// Checks settings that a program has set against the ranges of their fields.
///
/// `what` names them in the error: `"Adam"`.
pub(crate) fn validate<T: JsonSchema + serde::Serialize>(
    what: &str,
    settings: &T,
) -> crate::Result<()> {
    let value = serde_json::to_value(settings).unwrap_or(Value::Null);
    let schema = of::<T>();
    check(&value, schema.as_value()).map_err(|e| match e.given() {
        Given::Range {
            name,
            given,
            expected,
        } => crate::Error::argument(format!("{what}'s {name}"), given, expected.clone()),
        Given::Other => crate::Error::model(what, e.to_string()),
    })
}
