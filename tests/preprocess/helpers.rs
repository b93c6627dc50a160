//! Tables for tests.

use wgrad::data::{ColumnType, Frame, MISSING, Values};
use wgrad::preprocess::*;

pub const NAN: f64 = f64::NAN;

pub fn numbers(name: &str, cells: Vec<f64>) -> Frame {
    Frame::new().with(name, Values::Number(cells)).unwrap()
}

pub fn categories(cells: &[Option<&str>]) -> Values {
    let mut names: Vec<String> = Vec::new();
    let mut codes = Vec::new();
    for cell in cells {
        codes.push(match cell {
            None => MISSING,
            Some(name) => {
                let found = names.iter().position(|n| n == name);
                found.unwrap_or_else(|| {
                    names.push(name.to_string());
                    names.len() - 1
                }) as u32
            }
        });
    }
    Values::Category { codes, names }
}

pub fn texts(cells: &[Option<&str>]) -> Values {
    Values::Text(cells.iter().map(|c| c.map(Box::from)).collect())
}

/// The types of all columns: those of their cells.
pub fn types(frame: &Frame) -> Vec<(String, ColumnType)> {
    let of = |values: &Values| match values {
        Values::Number(_) => ColumnType::Number,
        Values::Date(_) => ColumnType::Date,
        Values::Category { .. } => ColumnType::Category,
        Values::Text(_) => ColumnType::Text,
    };
    let columns = frame.columns().iter();
    columns.map(|c| (c.name.clone(), of(&c.values))).collect()
}

pub fn fit(frame: &Frame, rows: &[usize], spec: &PreprocessSpec) -> Preprocessor {
    Preprocessor::fit(frame, rows, spec, &types(frame)).unwrap()
}

pub fn fit_error(frame: &Frame, rows: &[usize], spec: &PreprocessSpec) -> String {
    let fitted = Preprocessor::fit(frame, rows, spec, &types(frame));
    fitted.unwrap_err().to_string()
}

pub fn spec(json: &str) -> PreprocessSpec {
    serde_json::from_str(json).unwrap()
}

/// Random numbers from 0 to 1.
pub fn noise(n: usize) -> Vec<f64> {
    let mut random = wgrad::random::Stream::new(3);
    (0..n)
        .map(|_| f64::from(random.next_u32()) / 2f64.powi(32))
        .collect()
}

/// A table with a column of each kind, and missing cells; `rows` distinct rows.
pub fn all_kinds(rows: usize) -> Frame {
    let noise = noise(4 * rows);
    let cell = |i: usize, x: f64| if noise[i] < 0.2 { NAN } else { x };
    let name = |i: usize| ["red", "green", "blue", "orange"][(noise[i] * 4.0) as usize];
    let many: Vec<String> = (0..rows).map(|i| format!("user {}", i / 2)).collect();
    let number = |i: usize| cell(i, noise[rows + i] * 100.0);
    let date = |i: usize| cell(i, 1.6e9 + noise[2 * rows + i] * 1e8);
    let flag = |i: usize| f64::from(u8::from(noise[3 * rows + i] < 0.5));
    let color: Vec<_> = (0..rows)
        .map(|i| (noise[i] > 0.1).then(|| name(i)))
        .collect();
    let user: Vec<_> = many.iter().map(|user| Some(user.as_str())).collect();
    let words: Vec<String> = (0..rows)
        .map(|i| format!("a {} text of {}", name(i), many[i]))
        .collect();
    let words: Vec<_> = (0..rows)
        .map(|i| (noise[i] > 0.3).then(|| &*words[i]))
        .collect();
    numbers("number", (0..rows).map(number).collect())
        .with("flag", Values::Number((0..rows).map(flag).collect()))
        .and_then(|frame| frame.with("color", categories(&color)))
        .and_then(|frame| frame.with("user", categories(&user)))
        .and_then(|frame| frame.with("date", Values::Date((0..rows).map(date).collect())))
        .and_then(|frame| frame.with("words", texts(&words)))
        .unwrap()
}
