//! Kinds with a `type`: optimizers, layers, schedules and others.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value, json};

/// The names of an enum's kinds in messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// The key that distinguishes the kinds.
    pub tag: &'static str,
    /// The noun for one: `optimizer`.
    pub what: &'static str,
    /// The format of a kind's name in messages: `optimizer "{}"`.
    pub named: &'static str,
    /// The kind of a table without the key, by another key that it has; the empty key matches any
    /// table.
    pub inferred: &'static [(&'static str, &'static str)],
    /// The suffix of names that are files instead of kinds: `.json`.
    pub file: Option<&'static str>,
    /// What would be accepted, if the list of names is not sufficient.
    pub help: Option<&'static str>,
}

impl Kind {
    /// Creates the names of kinds that are distinguished by `type`.
    pub const fn of(what: &'static str, named: &'static str) -> Self {
        Kind {
            tag: "type",
            what,
            named,
            inferred: &[],
            file: None,
            help: None,
        }
    }

    /// Reads a table, or a name alone if kinds are not inferred from keys.
    pub fn read<'de, D: Deserializer<'de>, T: DeserializeOwned>(
        &self,
        deserializer: D,
    ) -> Result<T, D::Error> {
        if self.inferred.is_empty() {
            return named_or_table(deserializer, self.tag);
        }
        let mut value = Value::deserialize(deserializer)?;
        if let Value::Object(entries) = &mut value
            && !entries.contains_key(self.tag)
        {
            let has = |key: &str| key.is_empty() || entries.contains_key(key);
            let kind = self.inferred.iter().find(|(key, _)| has(key));
            if let Some((_, kind)) = kind {
                entries.insert(self.tag.to_string(), json!(kind));
            }
        }
        T::deserialize(value).map_err(D::Error::custom)
    }

    /// Returns the schema of an enum whose variants have these names and tables: a name alone, if a
    /// variant has no required keys, or a table.
    pub fn schema(&self, variants: Vec<(&'static str, Schema)>) -> Schema {
        let mut short = Vec::new();
        let mut tables = Vec::new();
        for (name, schema) in variants {
            let mut table = schema.as_object().cloned().unwrap_or_default();
            let required = match table.remove("required") {
                Some(Value::Array(keys)) => keys,
                _ => Vec::new(),
            };
            if required.is_empty() {
                short.push(json!(name));
            }
            let mut properties = Map::new();
            properties.insert(self.tag.to_string(), json!({ "const": name }));
            if let Some(Value::Object(own)) = table.remove("properties") {
                properties.extend(own);
            }
            let mut needed = match self.inferred.iter().any(|(_, kind)| *kind == name) {
                true => Vec::new(),
                false => vec![json!(self.tag)],
            };
            needed.extend(required);
            let mut sealed = Map::new();
            sealed.insert("type".to_string(), json!("object"));
            if let Some(text) = table.remove("description") {
                sealed.insert("description".to_string(), text);
            }
            sealed.insert("properties".to_string(), Value::Object(properties));
            sealed.insert("required".to_string(), Value::Array(needed));
            sealed.insert("additionalProperties".to_string(), json!(false));
            tables.push(Value::Object(sealed));
        }
        // An empty list of names would not be a valid schema.
        if self.inferred.is_empty() && !short.is_empty() {
            tables.insert(0, json!({ "type": "string", "enum": short }));
        }
        let inferred: Map<String, Value> = self
            .inferred
            .iter()
            .map(|(key, kind)| (key.to_string(), json!(kind)))
            .collect();
        let mut whole = Map::new();
        whole.insert("anyOf".to_string(), Value::Array(tables));
        whole.insert(
            "x-kind".to_string(),
            json!({
                "tag": self.tag,
                "what": self.what,
                "named": self.named,
                "inferred": inferred,
                "file": self.file,
                "help": self.help,
            }),
        );
        Schema::from(whole)
    }
}

/// Adds the keys of `Keys` to the tables of the kinds for which `takes` returns true.
pub(crate) fn with_keys<Keys: JsonSchema>(
    mut schema: Schema,
    generator: &mut SchemaGenerator,
    takes: impl Fn(&str, &str) -> bool,
) -> Schema {
    let keys = Keys::json_schema(generator);
    let keys = keys.get("properties").and_then(Value::as_object).cloned();
    let tag = schema
        .get("x-kind")
        .and_then(|kind| kind.get("tag")?.as_str().map(str::to_string))
        .unwrap_or_default();
    let tables = schema.get_mut("anyOf").and_then(Value::as_array_mut);
    for table in tables.into_iter().flatten() {
        let Some(own) = table.get_mut("properties").and_then(Value::as_object_mut) else {
            continue;
        };
        let kind = own.get(&tag).and_then(|tag| tag.get("const")?.as_str());
        let kind = kind.unwrap_or_default().to_string();
        for (name, schema) in keys.iter().flatten() {
            if takes(&kind, name) {
                own.insert(name.clone(), schema.clone());
            }
        }
    }
    schema
}

/// Reads a name alone, as a table without other keys, or a table.
pub(crate) fn named_or_table<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
    tag: &'static str,
) -> Result<T, D::Error> {
    struct NamedOrTable<T>(&'static str, PhantomData<T>);

    impl<'de, T: DeserializeOwned> Visitor<'de> for NamedOrTable<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            write!(f, "a name or a table with a `{}`", self.0)
        }
        fn visit_str<E: Error>(self, name: &str) -> Result<T, E> {
            T::deserialize(MapDeserializer::new([(self.0, name)].into_iter()))
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_any(NamedOrTable(tag, PhantomData))
}

/// Defines an enum of settings that are distinguished by their `type`. Each line is a kind: its
/// name in a file, and the struct of its settings, which defines its ranges, defaults and
/// documentation.
///
/// The enum converts from each struct, and returns the struct as a trait object. It is written as a
/// table, and read from a table or a name alone.
macro_rules! kinds {
    (
        $(#[$meta:meta])*
        pub enum $name:ident by $key:literal as dyn $trait:path, $kind:expr;
        $($tag:literal => $variant:ident($type:ty),)*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[serde(tag = $key)]
        // A program has few settings, so a box around the largest would save nothing.
        #[allow(clippy::large_enum_variant)]
        pub enum $name {
            $(#[doc = concat!("`", $tag, "`.")]
            #[serde(rename = $tag)]
            $variant($type),)*
        }

        // An enum that is used within the crate may need only some of these.
        #[allow(dead_code)]
        impl $name {
            /// The names of all kinds, in the order in which messages list them.
            pub const KINDS: &'static [&'static str] = &[$($tag),*];

            /// Returns the kind's name in a file.
            pub fn kind(&self) -> &'static str {
                match self {
                    $($name::$variant(_) => $tag,)*
                }
            }

            /// Returns the settings as a trait object.
            fn settings(&self) -> &dyn $trait {
                match self {
                    $($name::$variant(settings) => settings,)*
                }
            }
        }

        $(impl From<$type> for $name {
            fn from(settings: $type) -> Self {
                $name::$variant(settings)
            }
        })*

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                // A kind may be called `Table` too.
                #[allow(clippy::enum_variant_names, clippy::large_enum_variant)]
                #[derive(serde::Deserialize)]
                #[serde(tag = $key)]
                enum Table {
                    $(#[serde(rename = $tag)]
                    $variant($type),)*
                }
                let table = $kind.read(deserializer)?;
                Ok(match table {
                    $(Table::$variant(settings) => $name::$variant(settings),)*
                })
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let variants = vec![
                    $(($tag, <$type as schemars::JsonSchema>::json_schema(generator)),)*
                ];
                $kind.schema(variants)
            }
        }
    };
}

pub(crate) use kinds;
