//! The class that a metric scores alone, in a configuration.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::schema::{Path, SettingError, did_you_mean};

/// The largest number of classes that an error lists.
const LISTED: usize = 12;

/// A class in a configuration: its name, or its index.
///
/// # Example
/// ```
/// use wgrad::metrics::{ClassSpec, MetricSpec};
///
/// let spec: MetricSpec = serde_json::from_str(r#"{ "type": "pr_auc", "class": "bad" }"#)?;
/// assert_eq!(spec.in_history(), "pr_auc_bad");
/// let bad: ClassSpec = serde_json::from_str("\"bad\"")?;
/// assert_eq!(bad, ClassSpec::Name("bad".to_string()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ClassSpec {
    /// The index of the class, counted from 0.
    Index(usize),
    /// The name of the class, as in the data.
    Name(String),
}

impl ClassSpec {
    /// Returns the name, if the class is given by its name.
    pub fn name(&self) -> Option<&str> {
        match self {
            ClassSpec::Name(name) => Some(name),
            ClassSpec::Index(_) => None,
        }
    }

    /// Returns the index of the class among these classes. Any index is accepted if there are no
    /// names.
    pub(super) fn index(&self, classes: &[String], at: &Path) -> Result<usize, SettingError> {
        let error = |message: String| {
            let names: Vec<String> = classes.iter().map(|name| format!("\"{name}\"")).collect();
            let listed = names.get(..LISTED).unwrap_or(&names).join(", ");
            let more = if names.len() > LISTED { ", ..." } else { "" };
            let help = format!("the classes are {listed}{more}");
            Err(SettingError::new(at.clone(), message).help(help))
        };
        match self {
            ClassSpec::Index(index) if classes.is_empty() || *index < classes.len() => Ok(*index),
            ClassSpec::Index(index) => error(format!(
                "there is no class {index}; the {} classes are counted from 0",
                classes.len()
            )),
            ClassSpec::Name(name) => match classes.iter().position(|class| class == name) {
                Some(index) => Ok(index),
                None => {
                    let close = did_you_mean(name, classes.iter().map(String::as_str));
                    error(format!("no class is named \"{name}\"{close}"))
                }
            },
        }
    }

    /// Returns a metric's name with the class in it.
    pub(super) fn suffixed(&self, metric: &str) -> String {
        match self {
            ClassSpec::Index(index) => format!("{metric}_class_{index}"),
            ClassSpec::Name(name) => format!("{metric}_{name}"),
        }
    }
}

impl JsonSchema for ClassSpec {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Class".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "minLength": 1 },
                { "type": "integer", "minimum": 0 }
            ],
            "x-expected": "the name of a class, or its index"
        })
    }
}
