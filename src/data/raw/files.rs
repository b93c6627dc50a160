//! The files of a table: one, several, or those whose names match a pattern.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The files of a table, as one path or a list. A name may be a pattern with `*` and `?`.
///
/// # Example
/// ```
/// use wgrad::data::{FileList, RawTable, ReadOptions};
///
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("part-1.csv"), "x,y\n1,a\n")?;
/// std::fs::write(folder.path().join("part-2.csv"), "y,x\nb,2\n")?;
/// let files = FileList::from(folder.path().join("part-*.csv"));
/// let table = RawTable::open(files, &ReadOptions::default())?;
/// assert_eq!(table.columns(), ["x", "y"]);
/// assert_eq!(table.for_each(|_| Ok(()))?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "OneOrMore", into = "OneOrMore")]
pub struct FileList(Vec<PathBuf>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(PathBuf),
    More(Vec<PathBuf>),
}

impl From<OneOrMore> for FileList {
    fn from(files: OneOrMore) -> Self {
        FileList(match files {
            OneOrMore::One(file) => vec![file],
            OneOrMore::More(files) => files,
        })
    }
}

impl From<FileList> for OneOrMore {
    fn from(FileList(mut files): FileList) -> Self {
        match files.len() {
            1 => OneOrMore::One(files.remove(0)),
            _ => OneOrMore::More(files),
        }
    }
}

impl<P: AsRef<Path>> From<P> for FileList {
    fn from(file: P) -> Self {
        FileList(vec![file.as_ref().to_path_buf()])
    }
}

impl FromIterator<PathBuf> for FileList {
    fn from_iter<I: IntoIterator<Item = PathBuf>>(files: I) -> Self {
        FileList(files.into_iter().collect())
    }
}

impl From<&FileList> for FileList {
    fn from(files: &FileList) -> Self {
        files.clone()
    }
}

/// Names the first file, and the number of others.
impl fmt::Display for FileList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.first().display();
        match self.0.len() {
            0 | 1 => write!(f, "{first}"),
            2 => write!(f, "{first} and 1 other file"),
            n => write!(f, "{first} and {} other files", n - 1),
        }
    }
}

impl FileList {
    /// Returns the paths and patterns, in order.
    pub fn paths(&self) -> &[PathBuf] {
        &self.0
    }

    /// Returns the paths and patterns, to change them.
    pub fn paths_mut(&mut self) -> &mut [PathBuf] {
        &mut self.0
    }

    /// Returns the first path or pattern; an empty path if there is none.
    pub fn first(&self) -> &Path {
        self.0.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// Returns the files, with those that match each pattern in the order of their names.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no file, no name matches a pattern, or a file is there twice.
    pub fn expand(&self) -> Result<Vec<PathBuf>> {
        let mut files: Vec<PathBuf> = Vec::new();
        for path in &self.0 {
            for file in matches(path)? {
                if files.contains(&file) {
                    let reason = "the file is in the list twice";
                    return Err(Error::data(file.display().to_string(), reason));
                }
                files.push(file);
            }
        }
        match files.is_empty() {
            true => Err(Error::argument("the files", "none", "at least one file")),
            false => Ok(files),
        }
    }
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Returns the files whose names match the last part of a path, or the path itself if it has no
/// pattern.
fn matches(path: &Path) -> Result<Vec<PathBuf>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // A file may have such a name.
    if !is_pattern(&path.to_string_lossy()) || path.exists() {
        return Ok(vec![path.to_path_buf()]);
    }
    let place = path.display().to_string();
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if is_pattern(&folder.to_string_lossy()) {
        let reason = "expected * and ? only in the name of the file, found them in a folder's name";
        return Err(Error::data(place, reason));
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io(folder, "open"))? {
        let entry = entry.map_err(Error::io(folder, "read"))?;
        let found = entry.file_name().to_string_lossy().into_owned();
        let hidden = found.starts_with('.') && !name.starts_with('.');
        if !hidden && fits(&found, &name) && !entry.path().is_dir() {
            // The path as it was written, without a `./` before it.
            files.push(path.with_file_name(entry.file_name()));
        }
    }
    if files.is_empty() {
        let reason = "expected a file with a name like this, found none";
        return Err(Error::data(place, reason));
    }
    files.sort();
    Ok(files)
}

/// Returns whether a name matches a pattern, where `*` is any text and `?` any character.
fn fits(name: &str, pattern: &str) -> bool {
    let (name, pattern): (Vec<char>, Vec<char>) =
        (name.chars().collect(), pattern.chars().collect());
    let (mut n, mut p) = (0, 0);
    // The last star, and the start of the text after what it stands for.
    let mut star: Option<(usize, usize)> = None;
    while let Some(c) = name.get(n) {
        match (pattern.get(p), star) {
            (Some('*'), _) => {
                star = Some((p, n));
                p += 1;
            }
            (Some(q), _) if q == c || *q == '?' => (n, p) = (n + 1, p + 1),
            (_, Some((at, taken))) => {
                star = Some((at, taken + 1));
                (n, p) = (taken + 1, at + 1);
            }
            (_, None) => return false,
        }
    }
    pattern
        .get(p..)
        .unwrap_or_default()
        .iter()
        .all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_patterns() {
        for (name, pattern) in [
            ("part-01.csv", "part-*.csv"),
            ("part-01.csv", "*"),
            ("part-01.csv", "part-??.csv"),
            ("aXbXc", "a*X*c"),
            ("é.csv", "?.csv"),
            ("a", "a*"),
            ("aab", "*ab"),
        ] {
            assert!(fits(name, pattern), "{name} {pattern}");
        }
        for (name, pattern) in [
            ("part-01.csv", "part-?.csv"),
            ("part.tsv", "*.csv"),
            ("a", "a?"),
            ("", "?"),
            ("abc", "ab"),
        ] {
            assert!(!fits(name, pattern), "{name} {pattern}");
        }
    }

    #[test]
    fn a_list_is_written_as_it_was_given() {
        for text in ["\"a*.csv\"", "[\"a.csv\",\"b.csv\"]"] {
            let files: FileList = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&files).unwrap(), text);
        }
    }
}
