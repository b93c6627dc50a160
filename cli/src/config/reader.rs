//! Reads TOML with a place for every mistake: file, line, column, the choices, the closest one.
//!
//! Takes the spanned tree of the `toml` crate; gives checked values, or a [`ConfigError`] that
//! points at the key or value that is wrong.
//!
//! Why not `#[derive(Deserialize)]` with `deny_unknown_fields`: an enum tagged by `type` is buffered
//! by serde before it is read, and the spans of everything inside it are lost. Layers, optimizers
//! and schedules are such enums, and they are what people mistype.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

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

/// A file's name and text: turns a range of bytes into a [`Place`].
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// The file, as the user named it.
    pub file: &'a Path,
    /// All of its text.
    pub text: &'a str,
}

impl Document<'_> {
    /// The place of a range of bytes.
    pub fn place(&self, span: Range<usize>) -> Place {
        let mut start = span.start.min(self.text.len());
        // An error at the very end (an unclosed table) belongs to the last line that has text.
        if self.text.get(start..).is_none_or(str::is_empty) {
            start = self.text.trim_end().len();
        }
        let before = self.text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let rest = self.text.get(line_start..).unwrap_or_default();
        let text = rest.lines().next().unwrap_or_default();
        let column = before.get(line_start..).unwrap_or_default().chars().count();
        let marked = self
            .text
            .get(start..span.end.max(start))
            .unwrap_or_default();
        let on_this_line = text.chars().count().saturating_sub(column);
        Place {
            file: self.file.to_path_buf(),
            line: before.matches('\n').count() + 1,
            column: column + 1,
            text: text.to_string(),
            width: marked.chars().count().min(on_this_line).max(1),
        }
    }

    /// The document's root table.
    pub fn parse<'t>(&self, text: &'t str) -> Result<Spanned<DeTable<'t>>, ConfigError> {
        DeTable::parse(text).map_err(|e| {
            let span = e.span().unwrap_or(0..0);
            self.place(span).error(e.message().trim_end().to_string())
        })
    }
}

/// One table, whose keys have been checked against the ones it takes.
#[derive(Clone)]
pub struct Section<'a> {
    doc: Document<'a>,
    /// As in messages: `[training]`, `optimizer "adam"`.
    name: String,
    span: Range<usize>,
    entries: &'a DeTable<'a>,
}

impl<'a> Section<'a> {
    /// Opens the document's root table, which takes these sections.
    pub fn root(
        doc: Document<'a>,
        table: &'a Spanned<DeTable<'a>>,
        keys: &[&str],
    ) -> Result<Self, ConfigError> {
        let root = Section {
            doc,
            name: "the configuration".to_string(),
            span: 0..0,
            entries: table.get_ref(),
        };
        root.takes(keys)?;
        Ok(root)
    }

    /// Fails at the first key, in the file's order, that is not one of `keys`.
    pub fn takes(&self, keys: &[&str]) -> Result<(), ConfigError> {
        let unknown = self
            .entries
            .keys()
            .filter(|k| !keys.contains(&k.get_ref().as_ref()))
            .min_by_key(|k| k.span().start);
        let Some(key) = unknown else { return Ok(()) };
        let given = key.get_ref().as_ref();
        let message = format!(
            "unknown key `{given}` in {}{}",
            self.name,
            did_you_mean(given, keys)
        );
        let list: Vec<String> = keys.iter().map(|k| format!("`{k}`")).collect();
        Err(self.doc.place(key.span()).error(message).help(format!(
            "{} takes {}",
            self.name,
            list.join(", ")
        )))
    }

    /// The value of a key, where it is set.
    pub fn get(&self, key: &'static str) -> Option<Value<'a>> {
        let (_, value) = self
            .entries
            .iter()
            .find(|(k, _)| k.get_ref().as_ref() == key)?;
        Some(Value {
            doc: self.doc,
            name: key,
            value,
        })
    }

    /// The value of a key that must be set; `example` shows how.
    pub fn require(&self, key: &'static str, example: &str) -> Result<Value<'a>, ConfigError> {
        self.get(key).ok_or_else(|| {
            self.place()
                .error(format!("{} needs `{key}`", self.name))
                .help(format!("for example: {example}"))
        })
    }

    /// Where the section begins.
    pub fn place(&self) -> Place {
        self.doc.place(self.span.clone())
    }

    /// The section, renamed for messages.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

/// One value, with its key's name and its place.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    doc: Document<'a>,
    name: &'static str,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Value<'a> {
    /// Where the value stands.
    pub fn place(&self) -> Place {
        self.doc.place(self.value.span())
    }

    /// The value as it is written in the file.
    fn written(&self) -> &'a str {
        let text = self.doc.text.get(self.value.span()).unwrap_or_default();
        text.trim()
    }

    fn wrong_type(&self, expected: &str) -> ConfigError {
        let given = match self.value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.place()
            .error(format!("`{}` must be {expected}, not {given}", self.name))
    }

    fn out_of_range(&self, expected: &str) -> ConfigError {
        self.place().error(format!(
            "`{}` is {}, but must be {expected}",
            self.name,
            self.written()
        ))
    }

    /// A whole number of at least `min`.
    pub fn whole(&self, min: u64) -> Result<u64, ConfigError> {
        let DeValue::Integer(i) = self.value.get_ref() else {
            return Err(self.wrong_type("a whole number"));
        };
        i64::from_str_radix(i.as_str(), i.radix())
            .ok()
            .and_then(|i| u64::try_from(i).ok())
            .filter(|&i| i >= min)
            .ok_or_else(|| self.out_of_range(&format!("a whole number of at least {min}")))
    }

    /// A whole number of at least `min`, for a count.
    pub fn count(&self, min: u64) -> Result<usize, ConfigError> {
        usize::try_from(self.whole(min)?)
            .map_err(|_| self.out_of_range("a number that this machine can count to"))
    }

    /// A number for which `fits` holds; `expected` says what that means.
    pub fn number(&self, fits: impl Fn(f64) -> bool, expected: &str) -> Result<f64, ConfigError> {
        let number = match self.value.get_ref() {
            DeValue::Integer(i) => i64::from_str_radix(i.as_str(), i.radix())
                .ok()
                .map(|i| i as f64),
            DeValue::Float(f) => f.as_str().parse::<f64>().ok(),
            _ => return Err(self.wrong_type("a number")),
        };
        number
            .filter(|&x| x.is_finite() && fits(x))
            .ok_or_else(|| self.out_of_range(expected))
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Result<bool, ConfigError> {
        self.value
            .get_ref()
            .as_bool()
            .ok_or_else(|| self.wrong_type("true or false"))
    }

    /// A string that is not empty.
    pub fn string(&self) -> Result<&'a str, ConfigError> {
        let text = self
            .value
            .get_ref()
            .as_str()
            .ok_or_else(|| self.wrong_type("a string"))?;
        if text.is_empty() {
            return Err(self
                .place()
                .error(format!("`{}` must not be empty", self.name)));
        }
        Ok(text)
    }

    /// One of the names in `choices`; gives what it stands for. `what` is the kind of thing: `"loss"`.
    pub fn choice<T: Clone>(&self, what: &str, choices: &[(&str, T)]) -> Result<T, ConfigError> {
        let given = self.string()?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == given) {
            return Ok(value.clone());
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        Err(self.unknown_choice(what, given, &names))
    }

    /// The error for a name that is not one of `names`.
    pub fn unknown_choice(&self, what: &str, given: &str, names: &[&str]) -> ConfigError {
        let list: Vec<String> = names.iter().map(|n| format!("\"{n}\"")).collect();
        let help = match list.as_slice() {
            [one] => format!("the only choice is {one}"),
            _ => format!("the choices are {}", list.join(", ")),
        };
        self.place()
            .error(format!(
                "there is no {what} \"{given}\"{}",
                did_you_mean(given, names)
            ))
            .help(help)
    }

    /// A table, with its name for messages.
    pub fn section(&self, name: impl Into<String>) -> Result<Section<'a>, ConfigError> {
        match self.value.get_ref() {
            DeValue::Table(entries) => Ok(Section {
                doc: self.doc,
                name: name.into(),
                span: self.value.span(),
                entries,
            }),
            _ => Err(self.wrong_type("a table")),
        }
    }

    /// A list's items, each under the list's name.
    pub fn items(&self) -> Result<Vec<Value<'a>>, ConfigError> {
        let DeValue::Array(items) = self.value.get_ref() else {
            return Err(self.wrong_type("a list"));
        };
        Ok(items
            .iter()
            .map(|value| Value {
                doc: self.doc,
                name: self.name,
                value,
            })
            .collect())
    }

    /// A thing with a `type`: `"adam"` for short, or `{ type = "adam", lr = 1e-3 }`.
    ///
    /// Gives what the type's name stands for, and the table where one was written; the caller then
    /// checks its keys with [`Section::takes`], `type` among them.
    pub fn tagged<T: Clone>(
        &self,
        what: &str,
        choices: &[(&'static str, T)],
    ) -> Result<(T, Option<Section<'a>>), ConfigError> {
        match self.value.get_ref() {
            DeValue::String(_) => Ok((self.choice(what, choices)?, None)),
            DeValue::Table(_) => {
                let section = self.section(what)?;
                let first = choices.first().map_or("", |(name, _)| name);
                let tag = section.require("type", &format!("{{ type = \"{first}\" }}"))?;
                let found = tag.choice(what, choices)?;
                let name = format!("{what} \"{}\"", tag.string()?);
                Ok((found, Some(section.named(name))))
            }
            _ => Err(self.wrong_type("a name or a table with a `type`")),
        }
    }
}

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
