//! Reads TOML with a place for every mistake: file, line, column, the choices, the closest one.
//!
//! Takes the spanned tree of the `toml` crate; gives checked values, or a [`ConfigError`] that
//! points at the key or value that is wrong.
//!
//! Why not `#[derive(Deserialize)]` with `deny_unknown_fields`: an enum tagged by `type` is buffered
//! by serde before it is read, and the spans of everything inside it are lost. Layers, optimizers
//! and schedules are such enums, and they are what people mistype.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{ConfigError, Place, did_you_mean};

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

    /// A section inside, named `name` in messages; `None` where it is left out.
    pub fn section(&self, key: &'static str, name: &str) -> Result<Option<Self>, ConfigError> {
        self.get(key).map(|value| value.section(name)).transpose()
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
    /// Its key.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it is a list.
    pub fn is_list(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Array(_))
    }

    /// Whether it is a text.
    pub fn is_text(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::String(_))
    }

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

/// Reads a key of a section that may be absent altogether, else gives the default.
pub fn or<'a, T>(
    section: Option<&Section<'a>>,
    key: &'static str,
    default: T,
    read: impl FnOnce(Value<'a>) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    match section.and_then(|s| s.get(key)) {
        Some(value) => read(value),
        None => Ok(default),
    }
}

/// A number above 0.
pub fn positive(value: Value<'_>) -> Result<f64, ConfigError> {
    value.number(|x| x > 0.0, "above 0")
}

/// A number of at least 0.
pub fn not_negative(value: Value<'_>) -> Result<f64, ConfigError> {
    value.number(|x| x >= 0.0, "at least 0")
}

/// A share that must leave something: dropout, momentum, a split.
pub fn fraction(value: Value<'_>) -> Result<f64, ConfigError> {
    value.number(|x| (0.0..1.0).contains(&x), "at least 0 and below 1")
}
