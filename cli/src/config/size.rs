//! Sizes of memory as texts: `"512 MiB"`.

use super::mistake::Result;
use super::reader::Value;

/// The units, each with its bytes.
const UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

/// Bytes, of a number with a unit.
pub fn read(value: Value<'_>) -> Result<u64> {
    let text = value.string()?;
    parse(text).ok_or_else(|| {
        let units: Vec<&str> = UNITS.iter().map(|(unit, _)| *unit).collect();
        value.place().error(format!(
            "`{}` is {text:?}, but must be a number above 0 with a unit, such as \"512 MiB\"; units are {}",
            value.name(),
            units.join(", ")
        ))
    })
}

fn parse(text: &str) -> Option<u64> {
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
    (bytes >= 1.0 && bytes < u64::MAX as f64).then_some(bytes as u64)
}

/// The same size, as [`read`] takes it.
pub fn write(bytes: u64) -> String {
    let whole = UNITS
        .iter()
        .find(|(_, unit)| bytes.is_multiple_of(*unit) && bytes >= *unit);
    let (unit, size) = whole.unwrap_or(&("B", 1));
    format!("{} {unit}", bytes / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_with_units() {
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
            assert_eq!(parse(&write(bytes)), Some(bytes), "{text}");
        }
        for text in [
            "", "MiB", "512", "-1 MiB", "0 B", "1e3 MiB", "1 TiB", "inf B", "ä", "1 é MiB",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(write(512 << 20), "512 MiB");
        assert_eq!(write(1_000_001), "1000001 B");
    }
}
