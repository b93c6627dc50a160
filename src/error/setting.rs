//! Paths of settings, and errors of settings.

use std::fmt;

/// The keys and indices of a setting: `training.schedule[1].min_lr`.
///
/// # Example
/// ```
/// use wgrad::spec::Path;
///
/// let path = Path::root().key("training").key("schedule").item(1).key("min_lr");
/// assert_eq!(path.as_str(), "training.schedule[1].min_lr");
/// assert_eq!(path.name(), "min_lr");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Path(String);

impl Path {
    /// The path of the whole configuration.
    pub fn root() -> Self {
        Path::default()
    }

    /// Returns the path of a key of this table.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        match self.0.is_empty() {
            true => Path(key.to_string()),
            false => Path(format!("{}.{key}", self.0)),
        }
    }

    /// Returns the path of an item of this list.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        Path(format!("{}[{index}]", self.0))
    }

    /// Returns the path of the table or list that contains this; the root's parent is the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        let end = self.0.rfind(['.', '[']).unwrap_or(0);
        Path(self.0.get(..end).unwrap_or_default().to_string())
    }

    /// Returns the last key, without indices: `min_lr`.
    pub fn name(&self) -> &str {
        let last = self.0.rsplit('.').next().unwrap_or_default();
        last.split('[').next().unwrap_or_default()
    }

    /// Returns the path as text; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The subject of an error: a value out of its range, or anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// A value out of its range.
    Range {
        /// The setting's name.
        name: String,
        /// The value.
        given: String,
        /// What would be accepted.
        expected: String,
    },
    /// Anything else; the message is complete.
    Other,
}

/// An error of a setting: its path, what is wrong, and what would be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError(Box<Parts>);

/// The parts of a setting's error.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    path: Path,
    on_key: bool,
    given: Given,
    message: String,
    help: Option<String>,
}

impl SettingError {
    /// Creates an error of the setting at this path.
    pub fn new(path: Path, message: impl Into<String>) -> Self {
        SettingError(Box::new(Parts {
            path,
            on_key: false,
            given: Given::Other,
            message: message.into(),
            help: None,
        }))
    }

    /// Creates an error of a value out of its range; the message is composed of the parts.
    pub(crate) fn range(path: Path, given: impl Into<String>, expected: impl Into<String>) -> Self {
        let (name, given, expected) = (path.name().to_string(), given.into(), expected.into());
        let mut error = SettingError::new(path, range_message(&name, &given, &expected));
        error.0.given = Given::Range {
            name,
            given,
            expected,
        };
        error
    }

    /// Adds what would be accepted, if that is a list or needs a sentence.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Marks the key, rather than the value, as wrong.
    pub(crate) fn at_key(mut self) -> Self {
        self.0.on_key = true;
        self
    }

    /// Returns the path of the setting.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Returns whether the key, rather than its value, is wrong.
    pub fn is_about_key(&self) -> bool {
        self.0.on_key
    }

    pub(crate) fn given(&self) -> &Given {
        &self.0.given
    }

    /// Returns what is wrong, in one line; `written` is the value as written in the file, if there
    /// is one.
    pub(crate) fn message(&self, written: Option<&str>) -> String {
        match (&self.0.given, written) {
            (Given::Range { name, expected, .. }, Some(written)) => {
                range_message(name, written, expected)
            }
            _ => self.0.message.clone(),
        }
    }

    /// Returns what would be accepted.
    pub(crate) fn help_text(&self) -> Option<&str> {
        self.0.help.as_deref()
    }
}

fn range_message(name: &str, given: &str, expected: &str) -> String {
    format!("`{name}` is {given}, but must be {expected}")
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts {
            path,
            message,
            help,
            ..
        } = self.0.as_ref();
        match path.as_str().is_empty() {
            true => write!(f, "{message}")?,
            false => write!(f, "{path}: {message}")?,
        }
        match help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SettingError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_there_and_back() {
        let path = Path::root()
            .key("training")
            .key("schedule")
            .item(1)
            .key("min_lr");
        assert_eq!(path.as_str(), "training.schedule[1].min_lr");
        assert_eq!(path.name(), "min_lr");
        assert_eq!(path.parent().as_str(), "training.schedule[1]");
        assert_eq!(path.parent().name(), "schedule");
        assert_eq!(path.parent().parent().as_str(), "training.schedule");
        assert_eq!(Path::root().parent(), Path::root());
    }
}
