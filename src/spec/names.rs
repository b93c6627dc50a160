//! One name, or a list of names.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One name or several, such as the columns to predict: `"price"` or `["width", "height"]`.
///
/// # Example
/// ```
/// use wgrad::spec::Names;
///
/// assert_eq!(Names::from("price").to_string(), "price");
/// let names: Names = serde_json::from_str(r#"["width", "height"]"#)?;
/// assert_eq!((names.to_string().as_str(), names.single()), ("width, height", None));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    /// Returns the names, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Returns the only name; `None` if there are several.
    pub fn single(&self) -> Option<&str> {
        match self.0.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Returns whether this is one of the names.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|n| n == name)
    }
}

impl std::fmt::Display for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl From<&str> for Names {
    fn from(name: &str) -> Self {
        Names(vec![name.to_string()])
    }
}

impl From<Vec<String>> for Names {
    fn from(names: Vec<String>) -> Self {
        Names(names)
    }
}

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.single() {
            Some(one) => one.serialize(serializer),
            None => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a name or a list of names")]
        enum Form {
            One(String),
            Several(Vec<String>),
        }
        Ok(Names(match Form::deserialize(deserializer)? {
            Form::One(one) => vec![one],
            Form::Several(all) => all,
        }))
    }
}

impl JsonSchema for Names {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Names".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let name = json_schema!({ "type": "string", "minLength": 1 });
        json_schema!({
            "anyOf": [name, { "type": "array", "items": name, "minItems": 1 }],
            "x-expected": "a name or a list of names",
        })
    }
}
