//! Dates of the Gregorian calendar from seconds since 1970.

use jiff::Span;
use jiff::civil::Date;

/// The number of seconds of a day, without leap seconds.
const DAY: f64 = 86_400.0;

/// The most days from 1970 that are computed: those of the years -9999 to 9999. Dates further away
/// get this one's parts.
const MAX_DAYS: f64 = 2_932_000.0;

/// A date and time of day in UTC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Civil {
    /// The year; the year before 1 is 0.
    pub year: i64,
    /// The month, from 1.
    pub month: i64,
    /// The day of the month, from 1.
    pub day: i64,
    /// The day of the week, from 0 for Monday.
    pub weekday: i64,
    /// The hours since midnight, with minutes and seconds as a fraction.
    pub hour: f64,
}

impl Civil {
    /// Returns the date of this many seconds since 1970-01-01T00:00:00Z, which must be finite.
    pub(super) fn from_seconds(seconds: f64) -> Self {
        let whole = (seconds / DAY).floor();
        let days = whole.clamp(-MAX_DAYS, MAX_DAYS) as i64;
        let date = Date::constant(1970, 1, 1).saturating_add(Span::new().days(days));
        Civil {
            year: date.year().into(),
            month: date.month().into(),
            day: date.day().into(),
            weekday: date.weekday().to_monday_zero_offset().into(),
            hour: (seconds - whole * DAY) / 3600.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates_have_known_parts() {
        let known = [
            // seconds, year, month, day, weekday, hour: from GNU date -u
            (0.0, 1970, 1, 1, 3, 0.0),
            (-1.0, 1969, 12, 31, 2, 86_399.0 / 3600.0),
            (951_782_400.0, 2000, 2, 29, 1, 0.0),
            (951_868_800.0, 2000, 3, 1, 2, 0.0),
            (1_700_000_000.0, 2023, 11, 14, 1, 22.0 + 800.0 / 3600.0),
            (1_709_164_800.0, 2024, 2, 29, 3, 0.0),
            (4_107_542_399.0, 2100, 2, 28, 6, 86_399.0 / 3600.0),
            (4_107_542_400.0, 2100, 3, 1, 0, 0.0),
            (-2_203_977_600.0, 1900, 2, 28, 2, 0.0),
            (-2_203_891_200.0, 1900, 3, 1, 3, 0.0),
            (-62_135_596_800.0, 1, 1, 1, 0, 0.0),
            (-62_135_683_200.0, 0, 12, 31, 6, 0.0),
        ];
        for (seconds, year, month, day, weekday, hour) in known {
            let expected = Civil {
                year,
                month,
                day,
                weekday,
                hour,
            };
            assert_eq!(Civil::from_seconds(seconds), expected, "{seconds}");
        }
    }

    /// Counts the days of 800 years, one after the other.
    #[test]
    fn each_day_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1600, 1, 1);
        for days in -135_140..157_054 {
            let found = Civil::from_seconds(f64::from(days) * DAY + 1800.0);
            assert_eq!((found.year, found.month, found.day), (year, month, day));
            assert_eq!(found.hour, 0.5);
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 if leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!((year, month, day), (2400, 1, 1));
    }

    #[test]
    fn extreme_seconds_do_not_overflow() {
        for seconds in [1e300, -1e300, f64::MAX, f64::MIN] {
            let found = Civil::from_seconds(seconds);
            assert!((1..=12).contains(&found.month) && (1..=31).contains(&found.day));
        }
    }
}
