//! Interprets the text of a table's cells, as numbers or as classes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::closest::closest;
use super::targets::Targets;
use crate::error::{Error, Result};

/// The texts that tools write for missing values; compared case-insensitively.
const MISSING: [&str; 6] = ["", "nan", "na", "n/a", "null", "?"];

/// More distinct integers than this may be a quantity; see [`discover`].
const MANY_CLASSES: usize = 100;

/// Integers below this are exact in an `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A cell of a table, with its place.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    pub text: &'a str,
    pub file: &'a str,
    pub line: usize,
    pub column: &'a str,
}

impl<'a> Cell<'a> {
    /// Parses the cell as a finite number.
    pub(super) fn number(&self) -> Result<f32> {
        let text = self.present()?;
        match text.parse::<f32>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(self.wrong(format!("{text:?} is not a finite 32-bit number"))),
            Err(_) if text.replacen(',', ".", 1).parse::<f32>().is_ok() => Err(self.wrong(format!(
                "{text:?} is not a number; the decimal mark must be a point"
            ))),
            Err(_) => Err(self.wrong(format!(
                "{text:?} is not a number, and only numbers can be learned from; a column of text must be \
                 left out"
            ))),
        }
    }

    fn present(&self) -> Result<&'a str> {
        if !MISSING.iter().any(|m| m.eq_ignore_ascii_case(self.text)) {
            return Ok(self.text);
        }
        let what = match self.text {
            "" => "the value is missing".to_string(),
            text => format!("the value is missing ({text:?})"),
        };
        Err(self.wrong(format!("{what}; fill it in, or leave the line out")))
    }

    fn wrong(&self, reason: impl Into<String>) -> Error {
        let place = format!("{} line {}, column {:?}", self.file, self.line, self.column);
        Error::data(place, reason)
    }
}

/// Returns the classes of a column's texts, and the label of each cell.
///
/// Classes that are all integers are sorted by number, and `1`, `01` and `1.0` are the same class.
/// Others are sorted by text. So the labels do not depend on the order of the lines.
pub(super) fn discover<'a>(cells: impl Iterator<Item = Cell<'a>> + Clone) -> Result<Targets> {
    let mut numeric = true;
    let mut fraction = None;
    for cell in cells.clone() {
        match cell.present()?.parse::<f64>() {
            Ok(number) if whole(number).is_some() => {}
            Ok(_) => fraction = fraction.or(Some(cell)),
            Err(_) => numeric = false,
        }
    }
    match (numeric, fraction) {
        (true, Some(cell)) => Err(cell.wrong(format!(
            "expected a class, an integer or a text, found {:?}; fractional \
             numbers are for regression",
            cell.text
        ))),
        (true, None) => discover_numbers(cells),
        (false, _) => {
            let names: BTreeSet<&str> = cells.clone().map(|cell| cell.text).collect();
            look_up(
                cells,
                &names.into_iter().map(str::to_string).collect::<Vec<_>>(),
            )
        }
    }
}

fn discover_numbers<'a>(cells: impl Iterator<Item = Cell<'a>> + Clone) -> Result<Targets> {
    let numbers: Vec<i64> = cells
        .clone()
        .filter_map(|cell| number_of(cell.text))
        .collect();
    let classes: BTreeSet<i64> = numbers.iter().copied().collect();
    // A quantity with integer values (a price, an age) would train without an error, but badly. A
    // real set with this many classes has more samples of each.
    if classes.len() > MANY_CLASSES
        && classes.len() > numbers.len() / 10
        && let Some(cell) = cells.clone().next()
    {
        return Err(Error::data(
            format!("{}, column {:?}", cell.file, cell.column),
            format!(
                "{} different whole numbers in {} rows look like a quantity; predict it as one \
                 (regression), or name the classes",
                classes.len(),
                numbers.len()
            ),
        ));
    }
    let label: BTreeMap<i64, u32> = classes.iter().copied().zip(0..).collect();
    Ok(Targets::Classes {
        labels: numbers
            .iter()
            .filter_map(|n| label.get(n).copied())
            .collect(),
        names: classes.iter().map(i64::to_string).collect(),
    })
}

/// Returns the label of each cell among given classes, by the same text or the same integer.
pub(super) fn look_up<'a>(
    cells: impl Iterator<Item = Cell<'a>>,
    names: &[String],
) -> Result<Targets> {
    let mut label: HashMap<String, u32> = HashMap::new();
    for (name, index) in names.iter().zip(0..) {
        label.insert(name.clone(), index);
    }
    let mut labels = Vec::new();
    for cell in cells {
        let text = cell.present()?;
        let found = label
            .get(text)
            .or_else(|| label.get(&number_of(text)?.to_string()));
        labels.push(*found.ok_or_else(|| unknown(&cell, names))?);
    }
    Ok(Targets::Classes {
        labels,
        names: names.to_vec(),
    })
}

fn unknown(cell: &Cell<'_>, names: &[String]) -> Error {
    const LISTED: usize = 12;
    let near = closest(cell.text, names.iter().map(String::as_str));
    let near = near.map_or(String::new(), |near| format!("; did you mean {near:?}?"));
    let listed: Vec<String> = names
        .iter()
        .take(LISTED)
        .map(|n| format!("{n:?}"))
        .collect();
    let more = if names.len() > LISTED { ", ..." } else { "" };
    cell.wrong(format!(
        "{:?} is none of the {} classes ({}{more}){near}",
        cell.text,
        names.len(),
        listed.join(", ")
    ))
}

/// Parses a text as an integer: `7` or `7.0`.
fn number_of(text: &str) -> Option<i64> {
    whole(text.parse().ok()?)
}

fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}
