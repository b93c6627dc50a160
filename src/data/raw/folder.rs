//! A folder of texts: a table with the columns `file`, `text` and `class`.
//!
//! Each subfolder is a class, and each file in it is a row. A folder with texts alone has no column
//! `class`; such a folder is something to predict.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;

use super::encoding;
use super::kind::{Kind, kind};
use super::records::Record;
use crate::data::entries::Entries;
use crate::data::frame::ColumnType;
use crate::error::{Error, Result};

/// The most bytes of a text that are read.
pub const MAX_TEXT: u64 = 1 << 20;
/// The extensions of texts in a folder without subfolders.
const TEXTS: [&str; 4] = ["", "txt", "eml", "md"];
/// The extensions of images.
const IMAGES: [&str; 8] = ["png", "jpg", "jpeg", "gif", "bmp", "webp", "tif", "tiff"];

/// A folder of texts.
#[derive(Clone, Debug)]
pub struct TextFolder {
    path: PathBuf,
    /// The files, with the indices of their classes.
    files: Vec<(PathBuf, usize)>,
    /// The names of the classes; empty if there are no subfolders.
    classes: Vec<String>,
    columns: Vec<String>,
    /// The encoding, if the user has set it.
    encoding: Option<&'static Encoding>,
    notes: Vec<String>,
}

/// Returns the folders for the training and for the test, if a folder has only the subfolders `train`
/// and `test`.
///
/// # Errors
///
/// Returns an error if the folder cannot be read.
///
/// # Example
/// ```
/// let folder = tempfile::tempdir()?;
/// std::fs::create_dir_all(folder.path().join("train"))?;
/// assert_eq!(wgrad::data::train_and_test(folder.path())?, None);
/// std::fs::create_dir_all(folder.path().join("test"))?;
/// let (train, _) = wgrad::data::train_and_test(folder.path())?.unwrap();
/// assert!(train.ends_with("train"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn train_and_test(path: &Path) -> Result<Option<(PathBuf, PathBuf)>> {
    if !path.is_dir() {
        return Ok(None);
    }
    let folders = Entries::of(path)?.folders;
    let names: Vec<String> = folders.iter().map(|f| name(f).to_lowercase()).collect();
    Ok(match folders.as_slice() {
        [test, train] if names == ["test", "train"] => Some((train.clone(), test.clone())),
        _ => None,
    })
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

fn extension(path: &Path) -> String {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.unwrap_or_default().to_ascii_lowercase()
}

fn is_image(path: &Path) -> bool {
    IMAGES.contains(&extension(path).as_str())
}

/// Formats a number with a noun, such as `1 file` or `2 files`.
fn several(n: usize, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}

impl TextFolder {
    /// Finds the texts of a folder.
    ///
    /// # Errors
    ///
    /// Returns an error that says what was found if the folder has other contents.
    pub fn open(path: &Path, encoding: Option<&'static Encoding>) -> Result<TextFolder> {
        let error = |reason: String| Error::data(path.display().to_string(), reason);
        if let Some((train, test)) = train_and_test(path)? {
            return Err(error(format!(
                "expected a folder with one subfolder of texts per class, found the folders \
                 {0}/ and {1}/; use {0}/, and set test_path to {1}/",
                name(&train),
                name(&test)
            )));
        }
        let mut entries = Entries::of(path)?;
        let mut table = TextFolder {
            path: path.to_path_buf(),
            files: Vec::new(),
            classes: Vec::new(),
            columns: ["file", "text"].map(str::to_string).to_vec(),
            encoding,
            notes: Vec::new(),
        };
        if entries.folders.is_empty() {
            table.take_texts(entries.files)?;
        } else {
            let beside = entries.files.len();
            entries.files.clear();
            table.take_classes(&entries.folders)?;
            if beside > 0 {
                let files = several(beside, "file");
                let note = format!("{files} beside the folders of the classes left out");
                table.notes.push(note);
            }
        }
        let long = table.files.iter().filter(|(file, _)| {
            let size = std::fs::metadata(file).map_or(0, |m| m.len());
            size > MAX_TEXT
        });
        match long.count() {
            0 => {}
            n => table.notes.push(format!(
                "{} longer than {} MiB: the rest is left out",
                match n {
                    1 => "1 text is".to_string(),
                    n => format!("{n} texts are"),
                },
                MAX_TEXT >> 20
            )),
        }
        Ok(table)
    }

    /// Takes the files of a folder without subfolders.
    fn take_texts(&mut self, files: Vec<PathBuf>) -> Result<()> {
        let place = self.path.display().to_string();
        let expected = "expected a folder with one subfolder of texts per class";
        let Some(first) = files.first() else {
            return Err(Error::data(
                place,
                format!("{expected}, found an empty folder"),
            ));
        };
        let other = |file: &&PathBuf| !TEXTS.contains(&extension(file).as_str());
        match files.iter().find(other) {
            None => {}
            Some(image) if is_image(image) => {
                let reason = format!(
                    "{expected}, found images without classes, such as {}",
                    name(image)
                );
                return Err(Error::data(place, reason));
            }
            Some(other) => {
                let pattern = self.path.join(format!("*.{}", extension(other)));
                let reason = format!(
                    "{expected}, found {}, such as {}; several files with a table are named with a \
                     pattern, such as {:?}",
                    several(files.len(), "file"),
                    name(first),
                    pattern.display().to_string()
                );
                return Err(Error::data(place, reason));
            }
        }
        self.files = files.into_iter().map(|file| (file, 0)).collect();
        Ok(())
    }

    /// Takes the files of the folders of the classes.
    fn take_classes(&mut self, folders: &[PathBuf]) -> Result<()> {
        let mut images = 0;
        for folder in folders {
            let entries = Entries::of(folder)?;
            if let Some(inner) = entries.folders.first() {
                let reason = format!(
                    "expected only files in the folder of a class, found the folder {}/",
                    name(inner)
                );
                return Err(Error::data(folder.display().to_string(), reason));
            }
            if entries.files.is_empty() {
                let note = format!("the folder {}/ is empty: left out", name(folder));
                self.notes.push(note);
                continue;
            }
            images += entries.files.iter().filter(|file| is_image(file)).count();
            let class = self.classes.len();
            self.classes.push(name(folder));
            let files = entries.files.into_iter().map(|file| (file, class));
            self.files.extend(files);
        }
        let place = self.path.display().to_string();
        if images > 0 {
            let reason = format!(
                "expected texts, found a folder of images by class ({} in {}); leave the target out \
                 to train on images",
                several(images, "image"),
                match self.classes.len() {
                    1 => "1 class".to_string(),
                    n => format!("{n} classes"),
                }
            );
            return Err(Error::data(place, reason));
        }
        if self.files.is_empty() {
            let folders = several(folders.len(), "empty folder");
            let reason =
                format!("expected a folder with one subfolder of texts per class, found {folders}");
            return Err(Error::data(place, reason));
        }
        self.columns.push("class".to_string());
        Ok(())
    }

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    pub fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// Returns the type of a column, and the reason.
    pub fn column_type(&self, column: &str) -> Option<(ColumnType, &'static str)> {
        match column {
            "file" => Some((ColumnType::Id, "it is the name of the file")),
            "text" => Some((ColumnType::Text, "")),
            _ => Some((ColumnType::Category, "")),
        }
    }

    /// Returns the name of a row.
    pub fn row_name(&self, row: u64) -> String {
        let index = usize::try_from(row).unwrap_or(0).saturating_sub(1);
        let file = self.files.get(index).map(|(file, _)| self.relative(file));
        format!("file {}", file.unwrap_or_default())
    }

    fn relative(&self, file: &Path) -> String {
        let inner = file.strip_prefix(&self.path).unwrap_or(file);
        inner.display().to_string().replace('\\', "/")
    }

    /// Calls `each` with every row.
    pub fn for_each(&self, mut each: impl FnMut(&mut Record) -> Result<()>) -> Result<u64> {
        let mut record = Record::default();
        let mut rows = 0;
        for (file, class) in &self.files {
            rows += 1;
            record.clear();
            record.line = rows;
            record.push(&self.relative(file));
            record.push(&read(file, self.encoding)?);
            if let Some(class) = self.classes.get(*class) {
                record.push(class);
            }
            each(&mut record)?;
        }
        Ok(rows)
    }
}

/// Reads the first [`MAX_TEXT`] bytes of a text file.
fn read(path: &Path, named: Option<&'static Encoding>) -> Result<String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Error::io(path, "open"))?;
    file.take(MAX_TEXT)
        .read_to_end(&mut bytes)
        .map_err(Error::io(path, "read"))?;
    let encoding = named.unwrap_or_else(|| encoding::detect(&bytes));
    let (text, _, _) = match std::str::from_utf8(&bytes) {
        // The text may be cut within a character.
        Err(e) if e.error_len().is_some() && encoding == encoding_rs::UTF_8 => {
            encoding::OTHER.decode(&bytes)
        }
        _ => encoding.decode(&bytes),
    };
    // A message may contain a page, which is a text here.
    match kind(text.as_bytes()).filter(|kind| *kind != Kind::Html) {
        None => Ok(text.into_owned()),
        Some(kind) => {
            let reason = format!("expected a text, found {}; move it away", kind.name());
            Err(Error::data(path.display().to_string(), reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RawTable, ReadOptions};
    use super::*;

    /// Creates files in a folder; a name that ends with `/` is an empty folder.
    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            match name.strip_suffix('/') {
                Some(_) => std::fs::create_dir_all(path).unwrap(),
                None => std::fs::write(path, bytes).unwrap(),
            }
        }
        folder
    }

    fn read(files: &[(&str, &[u8])]) -> Result<(Vec<String>, Vec<Vec<String>>, Vec<String>)> {
        let folder = folder(files);
        let table = RawTable::open(folder.path(), &ReadOptions::default())?;
        let mut rows = Vec::new();
        table.for_each(|row| {
            let mut cells: Vec<String> = row.cells().map(str::to_string).collect();
            assert_eq!(table.row_name(row.place()), format!("file {}", cells[0]));
            cells.push(row.line.to_string());
            rows.push(cells);
            Ok(())
        })?;
        Ok((table.columns().to_vec(), rows, table.notes().to_vec()))
    }

    #[test]
    fn subfolders_are_classes_of_texts() {
        let (columns, rows, notes) = read(&[
            ("ham/2", b"caf\xe9, \n<b>"),
            ("ham/1.txt", "caf\u{e9}".as_bytes()),
            ("spam/x.eml", b"<html>\"a\",b\nc"),
            ("spam/.hidden", b"\0"),
            ("empty/", b""),
            ("README", b"about"),
        ])
        .unwrap();
        assert_eq!(columns, ["file", "text", "class"]);
        let expected = [
            ["ham/1.txt", "caf\u{e9}", "ham", "1"],
            ["ham/2", "caf\u{e9}, \n<b>", "ham", "2"],
            ["spam/x.eml", "<html>\"a\",b\nc", "spam", "3"],
        ];
        assert_eq!(rows, expected);
        let expected = [
            "the folder empty/ is empty: left out",
            "1 file beside the folders of the classes left out",
        ];
        assert_eq!(notes, expected);
    }

    #[test]
    fn texts_without_classes_have_no_class_column() {
        let (columns, rows, _) = read(&[("b.txt", b"two"), ("a", b"one")]).unwrap();
        assert_eq!(columns, ["file", "text"]);
        assert_eq!(rows, [["a", "one", "1"], ["b.txt", "two", "2"]]);
    }

    #[test]
    fn long_texts_are_cut() {
        let long = "\u{e9}".repeat(MAX_TEXT as usize / 2 + 10);
        let long = format!("x{long}");
        let (_, rows, notes) = read(&[("a/1", long.as_bytes()), ("b/1", b"short")]).unwrap();
        assert_eq!(notes, ["1 text is longer than 1 MiB: the rest is left out"]);
        assert_eq!(rows[0][1].chars().count(), MAX_TEXT as usize / 2 + 1);
        assert!(rows[0][1].starts_with("x\u{e9}"));
    }

    #[test]
    fn other_folders_are_named() {
        let fails = |files: &[(&str, &[u8])], expected: &str| {
            let error = read(files).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        fails(&[], "found an empty folder");
        fails(&[("a/", b""), ("b/", b"")], "found 2 empty folders");
        fails(
            &[("a/1.png", b"\x89PNG"), ("b/2.jpg", b""), ("b/3.JPEG", b"")],
            "found a folder of images by class (3 images in 2 classes)",
        );
        fails(
            &[("1.png", b"\x89PNG")],
            "found images without classes, such as 1.png",
        );
        fails(
            &[("p1.csv", b"x\n1\n"), ("p2.csv", b"x\n1\n")],
            "found 2 files, such as p1.csv; several files with a table are named with a pattern",
        );
        fails(&[("a/b/c.txt", b"x")], "found the folder b/");
        fails(
            &[("a/1", b"x"), ("b/1", b"%PDF-1.4")],
            "expected a text, found a PDF document; move it away",
        );
        fails(
            &[("a/1", b"x"), ("b/1", b"some text\0")],
            "found bytes that are no text",
        );
        fails(
            &[("train/a/1", b"x"), ("test/a/1", b"x")],
            "found the folders train/ and test/; use train/, and set test_path to test/",
        );
    }
}
