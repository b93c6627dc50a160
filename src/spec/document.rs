//! A TOML file with the place of each setting.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{ConfigError, Place};
use crate::schema::{Path, SettingError};

/// The byte ranges of a key and of its value.
#[derive(Debug, Clone)]
struct Spans {
    key: Range<usize>,
    value: Range<usize>,
}

/// The name and text of a configuration file, and the place of each setting in it.
#[derive(Debug, Clone)]
pub struct Document {
    file: PathBuf,
    text: String,
    spans: HashMap<Path, Spans>,
}

impl Document {
    /// Parses a file's text, and returns the settings as well.
    pub(crate) fn parse(file: &FilePath, text: &str) -> Result<(Self, Value), Box<ConfigError>> {
        let mut document = Document {
            file: file.to_path_buf(),
            text: text.to_string(),
            spans: HashMap::new(),
        };
        let table = DeTable::parse(text).map_err(|e| ConfigError {
            place: document.place_of(e.span().unwrap_or(0..0)),
            message: e.message().trim_end().to_string(),
            help: None,
        });
        let table = table.map_err(Box::new)?;
        let value = document.table(table.get_ref(), &Path::root())?;
        Ok((document, value))
    }

    /// Returns the file, as the user named it.
    pub fn file(&self) -> &FilePath {
        &self.file
    }

    /// Returns whether the file sets this.
    pub(crate) fn has(&self, path: &Path) -> bool {
        self.spans.contains_key(path)
    }

    /// Returns the place of a setting, or of the nearest table around it in the file.
    pub fn place(&self, path: &Path) -> Place {
        self.place_of(self.nearest(path).map_or(0..0, |spans| spans.value.clone()))
    }

    /// Returns an error of a setting with its place in the file.
    pub(crate) fn locate(&self, error: &SettingError) -> Box<ConfigError> {
        let spans = self.nearest(error.path());
        let span = match (spans, error.is_about_key()) {
            (Some(spans), true) => spans.key.clone(),
            (Some(spans), false) => spans.value.clone(),
            (None, _) => 0..0,
        };
        let written = self.has(error.path()).then(|| {
            let text = self.text.get(span.clone()).unwrap_or_default();
            text.trim()
        });
        Box::new(ConfigError {
            place: self.place_of(span),
            message: error.message(written),
            help: error.help_text().map(str::to_string),
        })
    }

    fn nearest(&self, path: &Path) -> Option<&Spans> {
        let mut path = path.clone();
        loop {
            if let Some(spans) = self.spans.get(&path) {
                return Some(spans);
            }
            if path == Path::root() {
                return None;
            }
            path = path.parent();
        }
    }

    /// Returns the place of a byte range.
    fn place_of(&self, span: Range<usize>) -> Place {
        let mut start = span.start.min(self.text.len());
        // An error at the end of the file (an unclosed table) belongs to the last line with text.
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
            file: self.file.clone(),
            line: before.matches('\n').count() + 1,
            column: column + 1,
            text: text.to_string(),
            width: marked.chars().count().min(on_this_line).max(1),
        }
    }

    fn table(&mut self, table: &DeTable<'_>, path: &Path) -> Result<Value, Box<ConfigError>> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut settings = Map::new();
        for (key, value) in entries {
            let name = key.get_ref().to_string();
            let setting = self.value(value, key.span(), &path.key(&name))?;
            settings.insert(name, setting);
        }
        Ok(Value::Object(settings))
    }

    fn value(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        key: Range<usize>,
        path: &Path,
    ) -> Result<Value, Box<ConfigError>> {
        let span = value.span();
        let spans = Spans {
            key,
            value: span.clone(),
        };
        self.spans.insert(path.clone(), spans);
        let name = path.name();
        let refused = |expected: &str| {
            Box::new(ConfigError {
                place: self.place_of(span.clone()),
                message: format!("`{name}` {expected}"),
                help: None,
            })
        };
        Ok(match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(on) => Value::Bool(*on),
            DeValue::Integer(i) => {
                let parsed = i64::from_str_radix(i.as_str(), i.radix());
                Value::from(parsed.map_err(|_| refused("is too large"))?)
            }
            DeValue::Float(x) => {
                let parsed: Option<f64> = x.as_str().parse().ok();
                // NaN and infinities become null, which no setting accepts.
                let number = parsed.and_then(Number::from_f64);
                number.map_or(Value::Null, Value::Number)
            }
            DeValue::Datetime(_) => return Err(refused("is a date, which no setting takes")),
            DeValue::Array(items) => {
                let mut all = Vec::with_capacity(items.len());
                for (i, item) in items.iter().enumerate() {
                    all.push(self.value(item, item.span(), &path.item(i))?);
                }
                Value::Array(all)
            }
            DeValue::Table(entries) => self.table(entries, path)?,
        })
    }
}
