//! What the sections are written with: TOML as a person would write it, one line a key.

use std::fmt::Write as _;
use std::path::Path;

/// The text so far.
#[derive(Default)]
pub struct Lines(pub String);

impl Lines {
    /// Begins a section.
    pub fn section(&mut self, name: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.0, "{gap}[{name}]");
    }

    /// One key with its value, as TOML.
    pub fn set(&mut self, key: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{key} = {value}");
    }
}

/// The shortest text that reads back as the same number.
pub fn number(x: f64) -> String {
    format!("{x:?}")
}

/// A string in quotes.
pub fn string(text: &str) -> String {
    toml::Value::String(text.to_string()).to_string()
}

/// A path in quotes.
pub fn path(path: &Path) -> String {
    string(&path.to_string_lossy())
}
