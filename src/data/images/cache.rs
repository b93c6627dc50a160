//! The resized bytes of image folders in the user's cache folder.
//!
//! Nothing depends on a file of the cache: one that is missing, damaged or cut is ignored, and a
//! failed write is only logged.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::ImageFormat;
use super::files::ImageFile;
use crate::checkpoint::{cache_folder, write_atomically};

/// The name of the format, at the end of a file before the checksum.
const FORMAT: &[u8; 16] = b"wgrad images 01\n";
/// The number of bytes behind the pixels.
pub const TRAILER: usize = FORMAT.len() + 32;
/// The largest number of bytes of all files.
const MAX_BYTES: u64 = 4 << 30;

/// The file of a folder's images in one format.
pub struct Cache {
    path: PathBuf,
}

impl Cache {
    /// Returns the place of these images; `None` without a cache folder, or if a file is gone.
    pub fn of(images: &[ImageFile], format: ImageFormat) -> Option<Cache> {
        Cache::within(&cache_folder()?, images, format)
    }

    /// The key covers the format, and the path, the size and the time of each file.
    pub(super) fn within(
        folder: &Path,
        images: &[ImageFile],
        format: ImageFormat,
    ) -> Option<Cache> {
        let mut hash = Sha256::new();
        hash.update(FORMAT);
        hash.update(format!("{format:?}"));
        for image in images {
            let path = std::path::absolute(&image.path).ok()?;
            let file = std::fs::metadata(&image.path).ok()?;
            let modified = file.modified().ok()?;
            let since = modified.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            hash.update(path.as_os_str().as_encoded_bytes());
            hash.update([0]);
            hash.update(file.len().to_le_bytes());
            hash.update(since.as_nanos().to_le_bytes());
        }
        let digits: String = hash
            .finalize()
            .iter()
            .take(16)
            .map(|b| format!("{b:02x}"))
            .collect();
        Some(Cache {
            path: folder.join(format!("images-{digits}.bin")),
        })
    }

    /// Returns the stored pixels, if there are `len` of them and the checksum is right.
    pub fn load(&self, len: usize) -> Option<Vec<u8>> {
        let file = File::open(&self.path).ok()?;
        if file.metadata().ok()?.len() != (len + TRAILER) as u64 {
            return None;
        }
        let mut bytes = std::fs::read(&self.path).ok()?;
        let (content, checksum) = bytes.split_at_checked(len + FORMAT.len())?;
        if !content.ends_with(FORMAT) || Sha256::digest(content).as_slice() != checksum {
            log::info!("ignoring {}, which is damaged", self.path.display());
            return None;
        }
        bytes.truncate(len);
        // The files that were not used for the longest time are removed first.
        if let Ok(file) = File::options().append(true).open(&self.path) {
            let _ = file.set_modified(SystemTime::now());
        }
        Some(bytes)
    }

    /// Stores pixels, which are the same afterwards.
    pub fn store(&self, pixels: &mut Vec<u8>) {
        let len = pixels.len();
        if (len + TRAILER) as u64 > MAX_BYTES {
            return;
        }
        pixels.extend_from_slice(FORMAT);
        let checksum = Sha256::digest(&*pixels);
        pixels.extend_from_slice(&checksum);
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let written = std::fs::create_dir_all(folder)
            .map_err(|e| e.to_string())
            .and_then(|()| write_atomically(&self.path, pixels).map_err(|e| e.to_string()));
        pixels.truncate(len);
        match written {
            Ok(()) => prune(folder),
            Err(reason) => log::info!("cannot write the cache of images: {reason}"),
        }
    }
}

/// Removes the oldest files of the cache until all have at most [`MAX_BYTES`].
fn prune(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.starts_with("images-") && name.ends_with(".bin")
        })
        .filter_map(|entry| {
            let file = entry.metadata().ok()?;
            Some((file.modified().ok()?, file.len(), entry.path()))
        })
        .collect();
    files.sort();
    let mut total: u64 = files.iter().map(|(_, len, _)| len).sum();
    for (_, len, path) in files {
        if total <= MAX_BYTES {
            break;
        }
        match std::fs::remove_file(&path) {
            Ok(()) => total -= len,
            Err(reason) => log::info!("cannot remove {}: {reason}", path.display()),
        }
    }
}
