//! Errors in configuration files, with the line.

use std::fmt;
use std::path::PathBuf;

/// A place in a configuration file, with the text of its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as the user named it.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The whole line.
    pub text: String,
    /// The number of characters to mark; at least 1.
    pub width: usize,
}

/// An error in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The place.
    pub place: Place,
    /// What is wrong, in one line.
    pub message: String,
    /// What would be accepted, if that is a list or needs a sentence.
    pub help: Option<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place {
            file,
            line,
            column,
            text,
            width,
        } = &self.place;
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        // A tab before the mark must stay a tab to keep the mark aligned.
        let indent: String = text
            .chars()
            .take(column.saturating_sub(1))
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        writeln!(f, "{}:{line}:{column}: {}", file.display(), self.message)?;
        writeln!(f, "  {number} | {text}")?;
        write!(f, "  {margin} | {indent}{}", "^".repeat(*width))?;
        if let Some(help) = &self.help {
            write!(f, "\n  {margin} = {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
