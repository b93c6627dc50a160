//! The ranges of settings, as types for `#[schemars(with = "...")]`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

macro_rules! ranges {
    ($($(#[$doc:meta])* $name:ident: $schema:tt;)*) => {
        $($(#[$doc])*
        pub(crate) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        })*
    };
}

ranges! {
    /// Any finite number.
    Number: { "type": "number" };
    /// A number above 0.
    Positive: { "type": "number", "exclusiveMinimum": 0 };
    /// A number above 0 that is finite in single precision.
    Rate: { "type": "number", "exclusiveMinimum": 0, "maximum": 3.4e38 };
    /// A number of at least 0.
    NotNegative: { "type": "number", "minimum": 0 };
    /// A number of at least 0 and below 1.
    Fraction: { "type": "number", "minimum": 0, "exclusiveMaximum": 1 };
    /// A number above 0 and at most 1.
    Factor: { "type": "number", "exclusiveMinimum": 0, "maximum": 1 };
    /// A number above 0 and below 1.
    Share: { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 };
    /// Two numbers of at least 0 and below 1.
    Betas: {
        "type": "array",
        "items": { "type": "number", "minimum": 0, "exclusiveMaximum": 1 },
        "minItems": 2,
        "maxItems": 2,
        "x-expected": "two numbers",
        "examples": [[0.9, 0.999]]
    };
    /// Numbers above 0.
    Positives: { "type": "array", "items": { "type": "number", "exclusiveMinimum": 0 } };
    /// Whole numbers of at least 1.
    Counts: { "type": "array", "items": { "type": "integer", "minimum": 1 } };
    /// A text that is not empty.
    Text: { "type": "string", "minLength": 1 };
    /// A text that is not empty, or several.
    TextOrTexts: {
        "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1 }
        ]
    };
    /// Texts that are not empty.
    Texts: { "type": "array", "items": { "type": "string", "minLength": 1 } };
}

/// A whole number of at least `MIN`.
pub(crate) struct Count<const MIN: u64>;

impl<const MIN: u64> JsonSchema for Count<MIN> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Count{MIN}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN })
    }
}

/// A whole number of at least `MIN` for height and width, or `[height, width]`.
pub(crate) struct Pair<const MIN: u64>;

impl<const MIN: u64> JsonSchema for Pair<MIN> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Pair{MIN}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": MIN },
                {
                    "type": "array",
                    "items": { "type": "integer", "minimum": MIN },
                    "minItems": 2,
                    "maxItems": 2,
                    "x-expected": "one number, or two: height and width",
                    "examples": [[3, 5]]
                }
            ]
        })
    }
}
