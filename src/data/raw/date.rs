//! Dates as text, in a list of formats.

use jiff::civil::{Date, Time};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

/// The formats of dates, in the notation of `strftime`. If several fit all cells of a column, the
/// first one counts; so `03/04/2020` is the fourth of March.
pub const FORMATS: [&str; 25] = [
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f%:z",
    "%Y-%m-%dT%H:%M:%S%.f%:z",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%d-%m-%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%Y-%m",
    "%Y%m%d",
];

/// A set of formats, by their indices in [`FORMATS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formats(u32);

impl Formats {
    /// Returns all formats.
    pub fn all() -> Self {
        Formats((1 << FORMATS.len()) - 1)
    }

    /// Returns whether no format is left.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the first format.
    pub fn first(self) -> Option<&'static str> {
        FORMATS.get(self.0.trailing_zeros() as usize).copied()
    }

    /// Returns the second format, if several are left.
    pub fn second(self) -> Option<&'static str> {
        Formats(self.0 & self.0.wrapping_sub(1)).first()
    }

    /// Removes the formats that a cell does not have.
    pub fn keep(&mut self, cell: &str) {
        // All formats have a digit and between 6 and 40 characters.
        // Numbers of eight digits are dates only in the years from 1800 to 2199.
        let digits = cell.len() == 8 && cell.bytes().all(|b| b.is_ascii_digit());
        if digits && !matches!(cell.get(..2), Some("18" | "19" | "20" | "21")) {
            self.0 = 0;
            return;
        }
        if !(6..=40).contains(&cell.len()) || !cell.bytes().any(|b| b.is_ascii_digit()) {
            self.0 = 0;
            return;
        }
        let mut left = self.0;
        while left != 0 {
            let i = left.trailing_zeros();
            left &= left - 1;
            let format = FORMATS.get(i as usize).copied().unwrap_or_default();
            if seconds(cell, format).is_none() {
                self.0 &= !(1 << i);
            }
        }
    }
}

/// Returns the seconds of a date since 1970-01-01T00:00:00Z, if it has this format. A date without a
/// time zone is taken as UTC, and one without a time as midnight.
pub fn seconds(cell: &str, format: &str) -> Option<f64> {
    // ISO 8601 writes UTC as Z.
    let cell = match cell.strip_suffix('Z') {
        Some(rest) if cell.contains('T') => rest,
        _ => cell,
    };
    let parsed = BrokenDownTime::parse(format, cell).ok()?;
    let date = match parsed.to_date() {
        Ok(date) => date,
        // A month alone means its first day.
        Err(_) if format == "%Y-%m" => Date::new(parsed.year()?, parsed.month()?, 1).ok()?,
        Err(_) => return None,
    };
    let time = match format.contains("%H") {
        true => Time::new(
            parsed.hour()?,
            parsed.minute()?,
            parsed.second().unwrap_or(0),
            parsed.subsec_nanosecond().unwrap_or(0),
        )
        .ok()?,
        false => Time::midnight(),
    };
    let zone = match parsed.offset() {
        Some(offset) => TimeZone::fixed(offset),
        None => TimeZone::UTC,
    };
    let at = zone.to_timestamp(date.to_datetime(time)).ok()?;
    Some(at.as_nanosecond() as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(cell: &str) -> Option<(&'static str, f64)> {
        let mut formats = Formats::all();
        formats.keep(cell);
        let format = formats.first()?;
        Some((format, seconds(cell, format)?))
    }

    #[test]
    fn dates_are_seconds_since_1970() {
        let cases = [
            ("1970-01-01", 0.0),
            ("1970-01-02 00:00:01", 86_401.0),
            ("1970-01-01T01:00:00Z", 3_600.0),
            ("1970-01-01T01:00:00+01:00", 0.0),
            ("1970-01-01 00:00:00.5", 0.5),
            ("2000-02-29", 951_782_400.0),
            ("01.03.1970", 59.0 * 86_400.0),
            ("03/01/1970", 59.0 * 86_400.0),
            ("13/01/1970", 12.0 * 86_400.0),
            ("1970/01/02 12:30", 131_400.0),
            ("2 Jan 1970", 86_400.0),
            ("02-Jan-1970", 86_400.0),
            ("Jan 2, 1970", 86_400.0),
            ("1970-02", 31.0 * 86_400.0),
            ("19700102", 86_400.0),
            ("1969-12-31", -86_400.0),
        ];
        for (cell, expected) in cases {
            assert_eq!(found(cell).map(|f| f.1), Some(expected), "{cell}");
        }
        for cell in [
            "2001-02-29",
            "2020-13-01",
            "hello",
            "12345678",
            "1.5",
            "12:30",
            "32/01/2020",
        ] {
            assert_eq!(found(cell), None, "{cell}");
        }
    }

    #[test]
    fn a_column_has_the_formats_of_all_its_cells() {
        let mut formats = Formats::all();
        formats.keep("03/04/2020");
        assert_eq!(formats.first(), Some("%m/%d/%Y"));
        assert_eq!(formats.second(), Some("%d/%m/%Y"));
        formats.keep("25/04/2020");
        assert_eq!(
            (formats.first(), formats.second()),
            (Some("%d/%m/%Y"), None)
        );
        formats.keep("2020-04-25");
        assert!(formats.is_empty());
    }
}
