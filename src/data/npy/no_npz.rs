//! Refuses `.npz` archives, without the feature `npz`.

use std::path::{Path, PathBuf};

use super::Array;
use crate::error::{Error, Result};

/// Splits `d.npz:x` into the archive and the name of the array.
pub(super) fn split(path: &Path) -> Option<(PathBuf, String)> {
    let (archive, name) = path.to_str()?.rsplit_once(':')?;
    (!path.is_file() && archive.ends_with(".npz"))
        .then(|| (PathBuf::from(archive), name.to_string()))
}

/// Returns an error that says how to read the archive.
pub(super) fn read(archive: &Path, _: &str) -> Result<Array> {
    let reason = "build wgrad with the feature \"npz\" to read this archive, or save its arrays \
                  as .npy files";
    Err(Error::data(archive.display().to_string(), reason))
}
