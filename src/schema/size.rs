//! Memory sizes as text: `"512 MiB"`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The units, each with its number of bytes.
const UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

/// A number of bytes, written as a number with a unit: `"512 MiB"`.
///
/// # Example
/// ```
/// use wgrad::spec::ByteSize;
///
/// assert_eq!(ByteSize::parse("1.5 GiB"), Some(ByteSize(3 << 29)));
/// assert_eq!(ByteSize(512 << 20).to_string(), "512 MiB");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// Parses a number above 0 with a unit: GiB, GB, MiB, MB, KiB, kB or B.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (unit, bytes) = UNITS.iter().find(|(unit, _)| {
            let size = text.len().checked_sub(unit.len());
            let end = size.and_then(|at| text.get(at..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(unit))
        })?;
        let number = text.get(..text.len() - unit.len())?.trim();
        let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let number: f64 = number.parse().ok().filter(|_| plain)?;
        let bytes = (number * *bytes as f64).round();
        (bytes >= 1.0 && bytes < u64::MAX as f64).then_some(ByteSize(bytes as u64))
    }

    /// Describes a valid size.
    pub(crate) fn expected() -> String {
        let units: Vec<&str> = UNITS.iter().map(|(unit, _)| *unit).collect();
        format!(
            "a number above 0 with a unit, such as \"512 MiB\"; units are {}",
            units.join(", ")
        )
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0;
        let whole = UNITS
            .iter()
            .find(|(_, unit)| bytes.is_multiple_of(*unit) && bytes >= *unit);
        let (unit, size) = whole.unwrap_or(&("B", 1));
        write!(f, "{} {unit}", bytes / size)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let size = ByteSize::parse(&text);
        size.ok_or_else(|| {
            let expected = ByteSize::expected();
            serde::de::Error::custom(format!("the size is {text:?}, but must be {expected}"))
        })
    }
}

impl JsonSchema for ByteSize {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "x-size": true,
            "pattern": "^ *[0-9.]+ *([GMKgmk][Ii]?)?[Bb] *$",
            "examples": ["512 MiB"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_with_units() {
        let parse = |text: &str| ByteSize::parse(text).map(|size| size.0);
        for (text, bytes) in [
            ("512 MiB", 512 << 20),
            ("512MiB", 512 << 20),
            ("1.5 GiB", 3 << 29),
            ("2 gb", 2_000_000_000),
            (" 100 kB ", 100_000),
            ("64 KiB", 65_536),
            ("7 B", 7),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
            assert_eq!(parse(&ByteSize(bytes).to_string()), Some(bytes), "{text}");
        }
        for text in [
            "", "MiB", "512", "-1 MiB", "0 B", "1e3 MiB", "1 TiB", "inf B", "ä", "1 é MiB",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(ByteSize(512 << 20).to_string(), "512 MiB");
        assert_eq!(ByteSize(1_000_001).to_string(), "1000001 B");
    }
}
