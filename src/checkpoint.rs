//! Atomic file writes, and reading of safetensors files.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use etcetera::BaseStrategy;
use safetensors::tensor::SafeTensors;

use crate::{Error, Result};

/// Writes a temporary file next to `path`, flushes it to the disk, and renames it.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = temporary_beside(path);
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(Error::io(path, "write"))
        .and_then(|()| std::fs::rename(&temporary, path).map_err(Error::io(path, "replace")));
    if written.is_err() {
        // The first error is the relevant one.
        let _ = std::fs::remove_file(&temporary);
    }
    written?;
    // On Unix, the rename is on the disk only after the folder is flushed.
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

/// Returns the folder for files that save work but that nothing depends on: `WGRAD_CACHE_DIR`, or by
/// default `wgrad` in the user's cache folder. `None` if `WGRAD_CACHE_DIR` is empty, or there is no
/// such folder.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    match std::env::var_os("WGRAD_CACHE_DIR") {
        Some(folder) => Some(PathBuf::from(folder)).filter(|f| !f.as_os_str().is_empty()),
        None => {
            let user = etcetera::choose_base_strategy().ok();
            user.map(|user| user.cache_dir().join("wgrad"))
        }
    }
}

/// Returns a name that no other program and no other thread uses.
fn temporary_beside(path: &Path) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.{number}.tmp", std::process::id()));
    path.with_file_name(name)
}

/// The bytes of a safetensors file, with its path for errors.
pub(crate) struct SafetensorsFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl SafetensorsFile {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::io(path, "read"))?;
        Ok(SafetensorsFile {
            path: path.to_path_buf(),
            bytes,
        })
    }

    /// Parses the tensors.
    pub fn tensors(&self) -> Result<SafeTensors<'_>> {
        SafeTensors::deserialize(&self.bytes).map_err(|e| self.damaged(&e))
    }

    /// Returns the text that the file contains under `key`, if any.
    pub fn metadata(&self, key: &str) -> Result<Option<String>> {
        let (_, header) = SafeTensors::read_metadata(&self.bytes).map_err(|e| self.damaged(&e))?;
        let texts = header.metadata().as_ref();
        Ok(texts.and_then(|m| m.get(key)).cloned())
    }

    /// Returns an error about a file that does not fit.
    pub fn refuse(&self, reason: String) -> Error {
        Error::Checkpoint {
            path: self.path.clone(),
            reason,
        }
    }

    fn damaged(&self, error: &dyn std::fmt::Display) -> Error {
        self.refuse(format!("is not a whole safetensors file ({error})"))
    }
}
