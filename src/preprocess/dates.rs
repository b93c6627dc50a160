//! Encodes dates by their parts.

use std::f64::consts::TAU;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::civil::Civil;
use super::scale::StandardScaler;
use super::stats;
use crate::error::Result;

/// A part of a date, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DatePart {
    /// The year.
    Year,
    /// The month, from 1 to 12; its period is 12.
    Month,
    /// The day of the month, from 1 to 31; its period is 31.
    Day,
    /// The day of the week, from 0 for Monday to 6; its period is 7.
    Weekday,
    /// The hours since midnight, with minutes and seconds as a fraction; their period is 24.
    Hour,
    /// The seconds that have elapsed since 1970.
    Elapsed,
}

impl DatePart {
    /// All parts, in the order of their columns.
    pub const ALL: [DatePart; 6] = [
        DatePart::Year,
        DatePart::Month,
        DatePart::Day,
        DatePart::Weekday,
        DatePart::Hour,
        DatePart::Elapsed,
    ];

    /// The parts that repeat.
    pub const CYCLIC: [DatePart; 4] = [
        DatePart::Month,
        DatePart::Day,
        DatePart::Weekday,
        DatePart::Hour,
    ];

    fn name(self) -> &'static str {
        match self {
            DatePart::Year => "year",
            DatePart::Month => "month",
            DatePart::Day => "day",
            DatePart::Weekday => "weekday",
            DatePart::Hour => "hour",
            DatePart::Elapsed => "elapsed",
        }
    }

    /// Returns the first value and the period of a part that repeats.
    fn period(self) -> Option<(f64, f64)> {
        match self {
            DatePart::Month => Some((1.0, 12.0)),
            DatePart::Day => Some((1.0, 31.0)),
            DatePart::Weekday => Some((0.0, 7.0)),
            DatePart::Hour => Some((0.0, 24.0)),
            DatePart::Year | DatePart::Elapsed => None,
        }
    }

    fn of(self, seconds: f64) -> f64 {
        let civil = Civil::from_seconds(seconds);
        match self {
            DatePart::Year => civil.year as f64,
            DatePart::Month => civil.month as f64,
            DatePart::Day => civil.day as f64,
            DatePart::Weekday => civil.weekday as f64,
            DatePart::Hour => civil.hour,
            DatePart::Elapsed => seconds,
        }
    }
}

/// A part, and how it is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Part {
    part: DatePart,
    /// `None` for sine and cosine.
    scaler: Option<StandardScaler>,
}

/// Encodes dates, in seconds since 1970, by those parts that differ between the fitted dates.
///
/// With `cyclic`, month, day, weekday and hour become two columns: sine and cosine of
/// `2 pi (value - first) / period`, so that December is next to January. The periods are 12, 31, 7
/// and 24. Year and elapsed seconds, and without `cyclic` all parts, are standardized. A missing
/// date, which is NaN, gives 0 in all columns: the mean, and the center of the circle.
///
/// Sine and cosine are computed in software, with the same bits on all platforms.
///
/// # Example
/// ```
/// use wgrad::preprocess::{DateEncoder, DatePart};
///
/// let day = 86_400.0; // 1970-01-01 was a Thursday
/// let encoder = DateEncoder::fit(&[0.0, day, 2.0 * day], &DatePart::ALL, true)?;
/// let names = ["day_sin", "day_cos", "weekday_sin", "weekday_cos", "elapsed"];
/// assert_eq!(encoder.names(), names);
/// let monday = encoder.transform(&[4.0 * day]);
/// assert_eq!(monday[2..4], [0.0, 1.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DateEncoder {
    parts: Vec<Part>,
}

impl DateEncoder {
    /// Selects those of `parts` that differ between the dates that are not NaN.
    ///
    /// # Errors
    ///
    /// Returns an error if a date is infinite.
    pub fn fit(seconds: &[f64], parts: &[DatePart], cyclic: bool) -> Result<Self> {
        let seconds = stats::present(seconds)?;
        let mut fitted = Vec::new();
        for part in DatePart::ALL.into_iter().filter(|p| parts.contains(p)) {
            let values: Vec<f64> = seconds.iter().map(|s| part.of(*s)).collect();
            if values.iter().all(|v| Some(v) == values.first()) {
                continue;
            }
            let scaler = match part.period() {
                Some(_) if cyclic => None,
                _ => Some(StandardScaler::fit(&values)?),
            };
            fitted.push(Part { part, scaler });
        }
        Ok(DateEncoder { parts: fitted })
    }

    /// Returns the number of columns; 0 if no part differs.
    pub fn width(&self) -> usize {
        let widths = self
            .parts
            .iter()
            .map(|p| if p.scaler.is_some() { 1 } else { 2 });
        widths.sum()
    }

    /// Returns the names of the columns, such as `"year"` and `"month_sin"`.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for Part { part, scaler } in &self.parts {
            match scaler {
                Some(_) => names.push(part.name().to_string()),
                None => names.extend(["sin", "cos"].map(|f| format!("{}_{f}", part.name()))),
            }
        }
        names
    }

    /// Returns the columns of a date, `[width]`.
    pub fn transform_one(&self, seconds: f64) -> Vec<f64> {
        if seconds.is_nan() {
            return vec![0.0; self.width()];
        }
        let mut columns = Vec::with_capacity(self.width());
        for Part { part, scaler } in &self.parts {
            let value = part.of(seconds);
            match (scaler, part.period()) {
                (Some(scaler), _) => columns.push(scaler.transform_one(value)),
                (None, Some((first, period))) => {
                    let angle = TAU * (value - first) / period;
                    columns.extend([libm::sin(angle), libm::cos(angle)]);
                }
                (None, None) => columns.extend([0.0; 2]),
            }
        }
        columns
    }

    /// Returns the columns of dates, `[dates, width]` row-major.
    pub fn transform(&self, seconds: &[f64]) -> Vec<f64> {
        seconds
            .iter()
            .flat_map(|s| self.transform_one(*s))
            .collect()
    }
}
