//! Atomic file writes, and reading of safetensors files.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use etcetera::BaseStrategy;
use safetensors::tensor::SafeTensors;

use crate::{Error, Result};

/// Writes a temporary file next to `path`, flushes it to the disk, and renames it.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes).map_err(Error::io(path, "write"))?;
    file.commit()
}

/// A file that replaces another one when it is complete.
///
/// It is written next to its path under a temporary name. [`AtomicFile::commit`] renames it;
/// without it, dropping the value removes the file. Writes are not buffered.
///
/// # Example
/// ```
/// use std::io::Write as _;
/// use wgrad::run::AtomicFile;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("rows.csv");
/// let mut file = AtomicFile::create(&path)?;
/// file.write_all(b"x\n1\n")?;
/// assert!(!path.exists());
/// file.commit()?;
/// assert_eq!(std::fs::read(&path)?, b"x\n1\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    renamed: bool,
}

impl AtomicFile {
    /// Creates the temporary file.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be created.
    pub fn create(path: &Path) -> Result<Self> {
        let temporary = temporary_beside(path);
        let file = File::create(&temporary).map_err(Error::io(path, "write"))?;
        Ok(AtomicFile {
            file,
            temporary,
            path: path.to_path_buf(),
            renamed: false,
        })
    }

    /// Flushes the file to the disk and renames it.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written or renamed.
    pub fn commit(mut self) -> Result<()> {
        let path = &self.path;
        self.file.sync_all().map_err(Error::io(path, "write"))?;
        std::fs::rename(&self.temporary, path).map_err(Error::io(path, "replace"))?;
        self.renamed = true;
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
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.renamed {
            // The first error is the relevant one.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
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
