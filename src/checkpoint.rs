//! Files that are there whole or not at all.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result};

/// Writes a temporary file beside `path`, makes sure that it is on the disk, and renames it.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = temporary_beside(path);
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(Error::io(path, "write"))
        .and_then(|()| std::fs::rename(&temporary, path).map_err(Error::io(path, "replace")));
    if written.is_err() {
        // The error that matters is the first one.
        let _ = std::fs::remove_file(&temporary);
    }
    written?;
    // On Unix the rename itself is on the disk only once the folder is.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        File::open(folder)
            .and_then(|f| f.sync_all())
            .map_err(Error::io(folder, "sync"))?;
    }
    Ok(())
}

/// A name that no other program and no other thread of this one uses.
fn temporary_beside(path: &Path) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.{number}.tmp", std::process::id()));
    path.with_file_name(name)
}
