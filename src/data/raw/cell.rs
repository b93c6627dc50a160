//! The interpretation of text cells: missing cells, numbers and booleans.

/// The decimal mark of the numbers of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decimal {
    /// A point: `1,234.5`.
    Point,
    /// A comma: `1.234,5`.
    Comma,
}

impl Decimal {
    /// Returns the mark and the separator of thousands that goes with it.
    fn marks(self) -> (char, char) {
        match self {
            Decimal::Point => ('.', ','),
            Decimal::Comma => (',', '.'),
        }
    }
}

/// The texts that stand for a missing cell besides the empty one, in lower case.
pub const MISSING_TEXTS: [&str; 11] = [
    "na", "n/a", "#n/a", "#na", "null", "none", "nan", "-", ".", "?", "<na>",
];

/// The longest of [`MISSING_TEXTS`].
const LONGEST: usize = 4;

/// Returns whether a trimmed cell stands for a missing one.
pub fn is_missing(cell: &str) -> bool {
    cell.is_empty()
        || (cell.len() <= LONGEST && MISSING_TEXTS.iter().any(|m| cell.eq_ignore_ascii_case(m)))
}

/// Returns the value of a trimmed cell that is a boolean in words, such as `yes` or `False`.
pub fn boolean(cell: &str) -> Option<bool> {
    let is = |words: [&str; 4]| words.iter().any(|word| cell.eq_ignore_ascii_case(word));
    match () {
        () if cell.len() > 5 => None,
        () if is(["true", "yes", "t", "y"]) => Some(true),
        () if is(["false", "no", "f", "n"]) => Some(false),
        () => None,
    }
}

/// A number as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number {
    /// The value; a percentage is divided by 100.
    pub value: f64,
    /// What was removed from the text.
    pub written: Written,
}

/// How a number was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Written {
    /// With separators of thousands.
    pub thousands: bool,
    /// With a percent sign.
    pub percent: bool,
    /// With the sign of a currency.
    pub currency: bool,
}

/// Returns the number of a trimmed cell, if it is a finite one.
///
/// Accepts the minus sign U+2212, the signs of the currencies `$`, `€`, `£` and `¥` at either end, a
/// percent sign at the end, and separators of thousands between groups of three digits: the mark
/// that is not the decimal one, an apostrophe, or a space.
pub fn number(cell: &str, decimal: Decimal) -> Option<Number> {
    let plain = cell
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    if plain && (decimal == Decimal::Point || !cell.contains('.')) {
        // `parse` also accepts `e5` no more than a sign alone: both are errors.
        let value = cell.parse::<f64>().ok().filter(|v| v.is_finite())?;
        return Some(Number {
            value,
            written: Written::default(),
        });
    }
    decorated(cell, decimal)
}

fn decorated(cell: &str, decimal: Decimal) -> Option<Number> {
    const CURRENCIES: [char; 4] = ['$', '€', '£', '¥'];
    if cell.len() > 48 || !cell.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut written = Written::default();
    let minus = |text: &str| -> Option<usize> {
        ["-", "\u{2212}"]
            .iter()
            .find(|sign| text.starts_with(**sign))
            .map(|sign| sign.len())
    };
    let mut rest = cell;
    let mut negative = false;
    // The sign may stand before or after the currency.
    for _ in 0..2 {
        if let Some(len) = minus(rest).filter(|_| !negative) {
            negative = true;
            rest = rest.get(len..)?;
        }
        if let Some(after) = rest.strip_prefix(CURRENCIES) {
            written.currency = true;
            rest = after.trim_start();
        }
    }
    if let Some(before) = rest.strip_suffix('%') {
        written.percent = true;
        rest = before.trim_end();
    } else if let Some(before) = rest.strip_suffix(CURRENCIES).filter(|_| !written.currency) {
        written.currency = true;
        rest = before.trim_end();
    }
    if !negative {
        rest = rest.strip_prefix('+').unwrap_or(rest);
    }
    let (mark, thousands) = decimal.marks();
    let (whole, fraction) = match rest.split_once(mark) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (rest, None),
    };
    let (fraction, exponent) = split_exponent(fraction, whole)?;
    let whole = if exponent.is_some() && fraction.is_none() {
        whole.split(['e', 'E']).next()?
    } else {
        whole
    };
    let mut text = String::with_capacity(cell.len() + 1);
    if negative {
        text.push('-');
    }
    written.thousands = push_groups(whole, thousands, &mut text)?;
    if let Some(fraction) = fraction {
        if !fraction.bytes().all(|b| b.is_ascii_digit())
            || (fraction.is_empty() && whole.is_empty())
        {
            return None;
        }
        text.push('.');
        text.push_str(fraction);
    } else if whole.is_empty() {
        return None;
    }
    if let Some(exponent) = exponent {
        text.push('e');
        text.push_str(exponent);
    }
    let value = text.parse::<f64>().ok().filter(|v| v.is_finite())?;
    let value = if written.percent {
        value / 100.0
    } else {
        value
    };
    Some(Number { value, written })
}

/// Splits off the exponent of the last part of a number.
fn split_exponent<'a>(
    fraction: Option<&'a str>,
    whole: &'a str,
) -> Option<(Option<&'a str>, Option<&'a str>)> {
    let last = fraction.unwrap_or(whole);
    let Some((digits, exponent)) = last.split_once(['e', 'E']) else {
        return Some((fraction, None));
    };
    let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let fits = !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit());
    fits.then_some((fraction.map(|_| digits), Some(exponent)))
}

/// Appends the digits of a whole part, whose groups of three may be separated. Returns whether they
/// are.
fn push_groups(whole: &str, thousands: char, text: &mut String) -> Option<bool> {
    let is_separator = |c: char| c == thousands || "'\u{2019} \u{a0}\u{202f}".contains(c);
    let digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    let Some(separator) = whole.chars().find(|c| is_separator(*c)) else {
        text.push_str(if whole.is_empty() { "0" } else { whole });
        return digits(whole).then_some(false);
    };
    for (i, group) in whole.split(separator).enumerate() {
        let fits = match i {
            0 => (1..=3).contains(&group.len()),
            _ => group.len() == 3,
        };
        if !fits || !digits(group) {
            return None;
        }
        text.push_str(group);
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(cell: &str, decimal: Decimal) -> Option<f64> {
        number(cell, decimal).map(|n| n.value)
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let cases = [
            ("1", 1.0),
            ("-2.5e3", -2500.0),
            ("+.5", 0.5),
            ("5.", 5.0),
            ("12%", 0.12),
            ("12.5 %", 0.125),
            ("$1,200", 1200.0),
            ("-$1,200.50", -1200.5),
            ("$-3", -3.0),
            ("1 200 €", 1200.0),
            ("\u{2212}1", -1.0),
            ("1,234,567.25", 1234567.25),
            ("1'234", 1234.0),
            ("1\u{a0}234", 1234.0),
            ("1,234e2", 123400.0),
        ];
        for (cell, expected) in cases {
            assert_eq!(value(cell, Decimal::Point), Some(expected), "{cell}");
        }
        let cases = [
            ("1,5", 1.5),
            ("1.234,5", 1234.5),
            ("1.234", 1234.0),
            ("-0,25", -0.25),
            ("1,5e2", 150.0),
            ("7", 7.0),
        ];
        for (cell, expected) in cases {
            assert_eq!(value(cell, Decimal::Comma), Some(expected), "{cell}");
        }
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for cell in [
            "",
            "a",
            "1a",
            "1,23",
            "12,34,567",
            "1,,000",
            "1.2.3",
            "--1",
            "-",
            "+",
            "e5",
            "%",
            "$",
            "1e",
            "1e999",
            "inf",
            "NaN",
            "0x10",
            "1 2",
            "2020-01-01",
            "1-2",
            "$1$",
            "5'3\"",
        ] {
            assert_eq!(value(cell, Decimal::Point), None, "{cell:?}");
        }
        assert_eq!(value("1.5", Decimal::Comma), None);
        assert_eq!(value("1,234.5", Decimal::Comma), None);
    }

    #[test]
    fn decorations_are_reported() {
        let written = number("$1,200", Decimal::Point).unwrap().written;
        assert!(written.currency && written.thousands && !written.percent);
        assert!(number("5%", Decimal::Point).unwrap().written.percent);
        assert_eq!(
            number("5", Decimal::Point).unwrap().written,
            Written::default()
        );
    }

    #[test]
    fn missing_cells_and_booleans() {
        for cell in [
            "", "NA", "n/a", "#N/A", "null", "None", "-", ".", "?", "NaN", "<NA>",
        ] {
            assert!(is_missing(cell), "{cell}");
        }
        for cell in ["0", "no", "--", "n.a", "Nancy", "nil"] {
            assert!(!is_missing(cell), "{cell}");
        }
        for (cell, expected) in [
            ("True", Some(true)),
            ("YES", Some(true)),
            ("f", Some(false)),
            ("No", Some(false)),
            ("1", None),
            ("on", None),
            ("yesterday", None),
        ] {
            assert_eq!(boolean(cell), expected, "{cell}");
        }
    }
}
