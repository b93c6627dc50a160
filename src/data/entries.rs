//! The folders and files in a folder.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// What a folder has, without hidden files, in the order of the names.
pub struct Entries {
    pub folders: Vec<PathBuf>,
    pub files: Vec<PathBuf>,
}

impl Entries {
    pub fn of(path: &Path) -> Result<Entries> {
        let mut entries = Entries {
            folders: Vec::new(),
            files: Vec::new(),
        };
        for entry in std::fs::read_dir(path).map_err(Error::io(path, "open"))? {
            let entry = entry.map_err(Error::io(path, "read"))?;
            let name = entry.file_name();
            // macOS and Windows write these beside other files.
            let hidden = name.as_encoded_bytes().starts_with(b".");
            if hidden || name == "__MACOSX" || name == "Thumbs.db" || name == "desktop.ini" {
                continue;
            }
            match entry.path() {
                path if path.is_dir() => entries.folders.push(path),
                path => entries.files.push(path),
            }
        }
        entries.folders.sort();
        entries.files.sort();
        Ok(entries)
    }
}
