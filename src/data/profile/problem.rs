//! Cells that do not fit the inferred type of their column.

use super::super::raw::RowPlace;

/// The most distinct cells that may be words for missing cells.
pub const MAX_WORDS: usize = 3;

/// Cells that do not fit the inferred type of their column.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The number of such cells, and what is wrong with them.
    pub message: String,
    /// The place of the first one.
    pub at: RowPlace,
    /// The distinct cells, if there are at most three.
    pub words: Vec<String>,
}

impl Problem {
    /// Returns the problem of cells that are not numbers.
    pub(super) fn not_numbers(count: u64, at: RowPlace, first: &str, words: &[String]) -> Self {
        let are = if count == 1 { "cell is" } else { "cells are" };
        let few = words.len() <= MAX_WORDS;
        Problem {
            message: format!("{count} {are} not a number, first {first:?}"),
            at,
            words: words.iter().filter(|_| few).cloned().collect(),
        }
    }
}

/// Returns lines of TOML for `[data]` that solve the problems of these columns, with a comment each.
pub fn remedies(problems: &[(&str, &Problem)]) -> Vec<String> {
    let mut words: Vec<&str> = Vec::new();
    for word in problems.iter().flat_map(|(_, problem)| &problem.words) {
        if !words.contains(&word.as_str()) {
            words.push(word);
        }
    }
    let mut lines = Vec::new();
    if !words.is_empty() {
        let words: Vec<String> = words.into_iter().map(string).collect();
        lines.push(format!(
            "missing = [{}]  # these words mean that a cell is missing",
            words.join(", ")
        ));
    }
    for (name, _) in problems {
        let either = if lines.is_empty() { "" } else { "or: " };
        lines.push(format!(
            "columns.{} = \"category\"  # {either}the column has names",
            key(name)
        ));
    }
    lines
}

/// Returns a basic string of TOML, which has the escapes of JSON.
fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns a name as a key of TOML.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match !name.is_empty() && name.chars().all(bare) {
        true => name.to_string(),
        false => string(name),
    }
}
