//! A mistake in a configuration file: where it is, what is wrong, and what would be accepted.

use std::fmt;
use std::path::PathBuf;

/// What reading gives.
pub type Result<T> = std::result::Result<T, ConfigError>;

/// A place in a configuration file, with the line's text to show.
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
    /// How many characters of the line are meant; at least 1.
    pub width: usize,
}

impl Place {
    /// A mistake here.
    pub fn error(&self, message: impl Into<String>) -> ConfigError {
        ConfigError {
            place: self.clone(),
            message: message.into(),
            help: None,
        }
    }
}

/// A mistake in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where it is.
    pub place: Place,
    /// What is wrong, in one line.
    pub message: String,
    /// What would be accepted, where that is a list or needs a sentence.
    pub help: Option<String>,
}

impl ConfigError {
    /// Adds what would be accepted.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
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
        // A tab before the mark must stay a tab, or the mark stands elsewhere.
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

/// `; did you mean ...?` where one of the names is close to what was given; else nothing.
pub fn did_you_mean(given: &str, names: &[&str]) -> String {
    match closest(given, names) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    }
}

/// The name closest to what was given, unless all are far from it.
fn closest<'n>(given: &str, names: &[&'n str]) -> Option<&'n str> {
    let plain = |s: &str| s.to_lowercase().replace(['-', ' '], "_");
    let given = plain(given);
    // "output" for "out" and "batch" for "batch_size" are far by letters, but meant.
    let begins = |name: &str| {
        let shorter = name.len().min(given.len());
        shorter >= 3 && (name.starts_with(&given) || given.starts_with(name))
    };
    if let Some(name) = names.iter().find(|name| begins(&plain(name))) {
        return Some(name);
    }
    names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&given, &plain(name)), *name))
        .filter(|(distance, name)| *distance <= 1.max(name.len().max(given.len()) / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
