//! JSON: an object per line, or an array of objects.
//!
//! The keys are the columns, in the order of their first occurrence. Values of nested objects are
//! columns `a.b`. Numbers keep their text.

mod objects;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use self::objects::{At, Objects};
use super::encoding;
use super::records::{Record, not_utf8};
use crate::error::{Error, Result};

/// The most columns.
const MAX_COLUMNS: usize = 10_000;

/// A JSON file: its columns.
#[derive(Clone, Debug)]
pub struct JsonTable {
    path: PathBuf,
    encoding: &'static Encoding,
    columns: Vec<String>,
    /// The index of each column.
    places: HashMap<String, usize>,
    /// Whether the objects are those of an array, so that rows have numbers instead of lines.
    array: bool,
    notes: Vec<String>,
}

impl JsonTable {
    /// Reads the keys of all objects.
    pub fn open(path: &Path, encoding: &'static Encoding) -> Result<JsonTable> {
        let mut table = JsonTable {
            path: path.to_path_buf(),
            encoding,
            columns: Vec::new(),
            places: HashMap::new(),
            array: false,
            notes: Vec::new(),
        };
        let (mut columns, mut places) = (Vec::new(), HashMap::new());
        let (mut rows, mut inner) = (0u64, None);
        table.array = table.objects(|_, key, value| {
            if !places.contains_key(key) {
                if columns.len() == MAX_COLUMNS {
                    return Err(format!(
                        "the objects have more than {MAX_COLUMNS} different keys, such as {key:?}; \
                         expected columns as keys"
                    ));
                }
                places.insert(key.to_string(), columns.len());
                columns.push(key.to_string());
            }
            if inner.is_none() && value.starts_with("[{") {
                inner = Some(key.to_string());
            }
            Ok(())
        }, |_| {
            rows += 1;
            Ok(())
        })?;
        let one = rows == 1 && !table.array;
        let expected = "expected an object per line or an array of objects";
        if let (true, Some(key)) = (one, inner) {
            let reason = format!(
                "{expected}, found one object whose {key:?} is an array of objects; write this \
                 array to a file of its own"
            );
            return Err(Error::data(table.place(), reason));
        }
        // What pandas writes by default.
        let numbered = |key: &String| {
            let row = key.rsplit_once('.').map(|(_, row)| row);
            row.is_some_and(|row| !row.is_empty() && row.bytes().all(|b| b.is_ascii_digit()))
        };
        if one && columns.len() > 1 && columns.iter().all(numbered) {
            let reason = format!(
                "{expected}, found one object with an object per column; write an object per row \
                 (pandas: to_json(file, orient=\"records\", lines=True))"
            );
            return Err(Error::data(table.place(), reason));
        }
        if columns.is_empty() {
            let reason = "expected objects with keys, found none";
            return Err(Error::data(table.place(), reason));
        }
        if encoding != encoding_rs::UTF_8 {
            table
                .notes
                .push(format!("the encoding is {}", encoding.name()));
        }
        table.notes.push(match table.array {
            true => "the file is JSON, an array of objects".to_string(),
            false => "the file is JSON, an object per line".to_string(),
        });
        (table.columns, table.places) = (columns, places);
        Ok(table)
    }

    /// Calls `cell` with each key and value of each object, and then `row` with the object's place.
    /// Returns whether the objects are those of an array.
    fn objects(
        &self,
        mut cell: impl FnMut(At, &str, Cow<'_, str>) -> std::result::Result<(), String>,
        mut row: impl FnMut(At) -> Result<()>,
    ) -> Result<bool> {
        let (reader, _) = encoding::open(&self.path, Some(self.encoding))?;
        let mut objects = Objects::new(reader, &self.place());
        let (mut bytes, mut key) = (Vec::new(), String::new());
        while let Some(at) = objects.next(&mut bytes)? {
            let place = || match objects.in_array() {
                true => format!("{} object {} (line {})", self.place(), at.number, at.line),
                false => format!("{} line {}", self.place(), at.line),
            };
            let Ok(text) = std::str::from_utf8(&bytes) else {
                return Err(not_utf8(place()));
            };
            flatten(text, &mut key, &mut |key, value| cell(at, key, value)).map_err(|wrong| {
                match wrong {
                    Wrong::Value(reason) => Error::data(place(), reason),
                    Wrong::Syntax(error) => {
                        let line = at.line + (error.line() as u64).saturating_sub(1);
                        let reason = error.to_string();
                        let reason = reason.split(" at line ").next().unwrap_or_default();
                        let place =
                            format!("{} line {line}, column {}", self.place(), error.column());
                        Error::data(place, format!("the JSON is not valid: {reason}"))
                    }
                }
            })?;
            row(at)?;
        }
        Ok(objects.in_array())
    }

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    pub fn encoding(&self) -> &'static Encoding {
        self.encoding
    }

    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    pub fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// Returns the name of a row.
    pub fn row_name(&self, line: u64) -> String {
        match self.array {
            true => format!("object {line}"),
            false => format!("line {line}"),
        }
    }

    /// Calls `each` with every row.
    pub fn for_each(&self, mut each: impl FnMut(&mut Record) -> Result<()>) -> Result<u64> {
        let cells = std::cell::RefCell::new(vec![None::<String>; self.columns.len()]);
        let (mut record, mut rows) = (Record::default(), 0);
        self.objects(
            |_, key, value| {
                let index = self.places.get(key).copied();
                let mut cells = cells.borrow_mut();
                let Some(cell) = index.and_then(|i| cells.get_mut(i)) else {
                    return Err(format!("the file has changed: the key {key:?} is new"));
                };
                match cell.replace(value.into_owned()) {
                    None => Ok(()),
                    Some(_) => Err(format!("the key {key:?} is there twice")),
                }
            },
            |at| {
                record.clear();
                for cell in cells.borrow_mut().iter_mut() {
                    record.push(cell.take().as_deref().unwrap_or_default());
                }
                record.line = if self.array { at.number } else { at.line };
                rows += 1;
                each(&mut record)
            },
        )?;
        Ok(rows)
    }
}

/// What is wrong with an object.
enum Wrong {
    Syntax(serde_json::Error),
    Value(String),
}

/// Calls `each` with the keys and the cells of an object. `key` is the key of the object itself.
fn flatten(
    text: &str,
    key: &mut String,
    each: &mut dyn FnMut(&str, Cow<'_, str>) -> std::result::Result<(), String>,
) -> std::result::Result<(), Wrong> {
    let object: Object = serde_json::from_str(text).map_err(Wrong::Syntax)?;
    let outer = key.len();
    for (name, value) in &object.0 {
        if outer > 0 {
            key.push('.');
        }
        key.push_str(name);
        let text = value.get();
        let done = match text.as_bytes().first() {
            Some(b'{') => flatten(text, key, each),
            _ => cell(text).and_then(|cell| each(key, cell).map_err(Wrong::Value)),
        };
        key.truncate(outer);
        done?;
    }
    Ok(())
}

/// Returns the cell of a value that is no object.
fn cell(text: &str) -> std::result::Result<Cow<'_, str>, Wrong> {
    Ok(match text.as_bytes().first() {
        Some(b'"') => Cow::Owned(serde_json::from_str(text).map_err(Wrong::Syntax)?),
        Some(b'n') => Cow::Borrowed(""),
        Some(b'[') => match serde_json::from_str::<Vec<String>>(text) {
            Ok(names) => Cow::Owned(names.join("|")),
            Err(_) => Cow::Borrowed(text),
        },
        _ => Cow::Borrowed(text),
    })
}

/// The keys of an object with the texts of their values, in order.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(Entries).map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RawTable, ReadOptions};
    use crate::data::input::tests::{file, gzip};

    /// The columns and the rows with their names.
    fn read(bytes: &[u8]) -> crate::Result<(Vec<String>, Vec<(String, Vec<String>)>)> {
        let (_folder, path) = file("t.jsonl", bytes);
        let table = RawTable::open(&path, &ReadOptions::default())?;
        let mut rows = Vec::new();
        table.for_each(|row| {
            let cells = row.cells().map(str::to_string).collect();
            rows.push((table.row_name(row.place()), cells));
            Ok(())
        })?;
        Ok((table.columns().to_vec(), rows))
    }

    #[test]
    fn keys_are_columns_in_the_order_of_their_first_occurrence() {
        let text = "{\"a\": 1.50, \"b\": {\"c\": \"x\\ny\", \"d\": {\"e\": true}}}\n\n\
                    {\"f\": [\"p\", \"q\"], \"a\": null, \"g\": [1, {\"z\": 2}], \"h\": {}}\n";
        let (columns, rows) = read(text.as_bytes()).unwrap();
        assert_eq!(columns, ["a", "b.c", "b.d.e", "f", "g"]);
        assert_eq!(rows[0].0, "line 1");
        assert_eq!(rows[0].1, ["1.50", "x\ny", "true", "", ""]);
        assert_eq!(rows[1].0, "line 3");
        assert_eq!(rows[1].1, ["", "", "", "p|q", "[1, {\"z\": 2}]"]);
        assert_eq!(read(&gzip(text.as_bytes())).unwrap(), (columns, rows));
    }

    #[test]
    fn an_array_has_objects_as_rows() {
        let text =
            b" [ {\"a\": 12345678901234567890123, \"b\": \"caf\xe9\"},\n{\"b\": \"-1e400\"}]\n";
        let (columns, rows) = read(text).unwrap();
        assert_eq!(columns, ["a", "b"]);
        assert_eq!(rows[0].1, ["12345678901234567890123", "café"]);
        assert_eq!(
            rows[1],
            (
                "object 2".to_string(),
                vec![String::new(), "-1e400".to_string()]
            )
        );
    }

    #[test]
    fn malformed_json_is_named_with_its_line() {
        let fails = |text: &str, expected: &str| {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        fails(
            "{\"a\": 1}\n{\"a\": 1,, \"b\": 2}\n",
            "t.jsonl line 2, column 9: the JSON is not valid: key must be a string",
        );
        fails(
            "{\"a\": 01}\n",
            "line 1, column 8: the JSON is not valid: invalid number",
        );
        fails(
            "{\"a\": NaN}\n",
            "line 1, column 7: the JSON is not valid: expected value",
        );
        fails(
            "{\"a\": 1, \"a\": 2}\n",
            "line 1: the key \"a\" is there twice",
        );
        fails(
            "[{\"a\": 1},\n{\"a\": 1, \"a\": 2}]",
            "object 2 (line 2): the key \"a\" is there twice",
        );
        fails(
            "{\"a.b\": 1, \"a\": {\"b\": 2}}\n",
            "line 1: the key \"a.b\" is there twice",
        );
        fails(
            "{\"rows\": [{\"a\": 1}]}",
            "one object whose \"rows\" is an array of objects",
        );
        fails(
            "{\"a\": {\"0\": 1, \"1\": 2}, \"b\": {\"0\": \"x\"}}",
            "one object with an object per column; write an object per row (pandas",
        );
        fails("{}\n", "expected objects with keys, found none");
        let many: String = (0..10_001).map(|i| format!("{{\"k{i}\": 1}}\n")).collect();
        fails(&many, "more than 10000 different keys, such as \"k10000\"");
    }
}
