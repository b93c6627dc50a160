//! The tuning cache: the fastest variant of each step on an adapter. The device keeps it in memory,
//! and in a file in the user's cache folder for later programs.
//!
//! Nothing depends on the file. A file that cannot be read is ignored, and a failed write is only
//! logged. All variants give the same bits, so a wrong entry only costs time.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::checkpoint::write_atomically;
use crate::kernel::Binding;
use crate::plan::Step;

use crate::exec::gpu::device::adapter::AdapterInfo;

/// The fastest known variants, by [`cache_key`].
#[derive(Default)]
pub(in crate::exec::gpu) struct TuningCache {
    /// `None` if there is no file.
    path: Option<PathBuf>,
    file: File,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct File {
    /// The adapter's name, for readers of the file.
    adapter: String,
    /// By cache key, in hexadecimal digits: the index of the variant.
    variants: BTreeMap<String, usize>,
}

impl TuningCache {
    /// Reads the file in `folder` for this adapter, driver, version of the crate and setting of the
    /// checks.
    pub fn load(folder: Option<&Path>, adapter: &AdapterInfo, checks: bool) -> Self {
        let path = folder.map(|folder| folder.join(file_name(adapter, checks)));
        let mut cache = TuningCache {
            file: path.as_deref().and_then(read).unwrap_or_default(),
            path,
        };
        cache.file.adapter = adapter.to_string();
        cache
    }

    pub fn is_empty(&self) -> bool {
        self.file.variants.is_empty()
    }

    /// Returns the fastest variant of a step, if it is known.
    pub fn get(&self, cache_key: u64) -> Option<usize> {
        self.file.variants.get(&digits(cache_key)).copied()
    }

    /// Stores the fastest variant of a step, and merges the entries that other programs have
    /// written meanwhile.
    pub fn insert(&mut self, cache_key: u64, variant: usize) {
        self.file.variants.insert(digits(cache_key), variant);
        let Some(path) = &self.path else {
            return;
        };
        if let Some(theirs) = read(path) {
            for (cache_key, variant) in theirs.variants {
                self.file.variants.entry(cache_key).or_insert(variant);
            }
        }
        let written = match path.parent().map(std::fs::create_dir_all) {
            Some(Err(error)) => Err(error.to_string()),
            _ => serde_json::to_vec_pretty(&self.file)
                .map_err(|e| e.to_string())
                .and_then(|bytes| write_atomically(path, &bytes).map_err(|e| e.to_string())),
        };
        if let Err(reason) = written {
            log::info!("cannot write the tuning cache: {reason}");
        }
    }
}

fn digits(cache_key: u64) -> String {
    format!("{cache_key:016x}")
}

fn read(path: &Path) -> Option<File> {
    let text = std::fs::read(path).ok()?;
    let file = serde_json::from_slice(&text);
    file.inspect_err(|e| log::info!("ignoring the tuning cache {}: {e}", path.display()))
        .ok()
}

fn file_name(adapter: &AdapterInfo, checks: bool) -> String {
    let AdapterInfo {
        name,
        vendor,
        device,
        backend,
        driver,
        driver_info,
        ..
    } = adapter;
    let version = env!("CARGO_PKG_VERSION");
    let text = format!(
        "{version} {name} {vendor} {device} {backend} {driver} {driver_info} checks: {checks}"
    );
    let hash = Sha256::digest(text.as_bytes());
    let digits: String = hash.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("tuned-{digits}.json")
}

/// Returns a hash of a step's variants: two steps with the same kernels and sizes have the same
/// key.
///
/// A collision would select a slower variant, with the same bits.
pub(in crate::exec::gpu) fn cache_key(step: &Step) -> u64 {
    let mut hash = DefaultHasher::new();
    for variant in &step.variants {
        variant.len().hash(&mut hash);
        for kernel in variant.iter().map(|dispatch| &dispatch.kernel) {
            for part in &kernel.parts {
                part.text.hash(&mut hash);
            }
            (&kernel.overrides, kernel.workgroups).hash(&mut hash);
            for binding in &kernel.bindings {
                match binding {
                    Binding::Uniform(words) => words.hash(&mut hash),
                    Binding::Read(_) => 0.hash(&mut hash),
                    Binding::Write(_) => 1.hash(&mut hash),
                }
            }
        }
    }
    hash.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn cache(path: Option<&Path>) -> TuningCache {
        TuningCache {
            path: path.map(Path::to_path_buf),
            file: path.and_then(read).unwrap_or_default(),
        }
    }

    #[test]
    fn entries_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache/tuned.json");
        let (mut one, mut two) = (cache(Some(&path)), cache(Some(&path)));
        assert!(one.is_empty());
        one.insert(7, 2);
        // Another program keeps the entries of this one.
        two.insert(u64::MAX, 1);
        let three = cache(Some(&path));
        assert_eq!((three.get(7), three.get(u64::MAX)), (Some(2), Some(1)));
        assert_eq!(three.get(8), None);
        assert_eq!(two.get(7), Some(2));
    }

    #[test]
    fn a_damaged_or_unwritable_file_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tuned.json");
        for text in ["", "{", "{\"adapter\": 3}", "null", "\u{0}\u{1}"] {
            std::fs::write(&path, text).unwrap();
            assert!(cache(Some(&path)).is_empty(), "{text}");
        }
        let mut one = cache(Some(&path));
        one.insert(1, 1);
        assert_eq!(cache(Some(&path)).get(1), Some(1));
        // A folder with the name of the file.
        let mut two = cache(Some(folder.path()));
        two.insert(2, 1);
        assert_eq!(two.get(2), Some(1));
        let mut three = cache(None);
        three.insert(3, 1);
        assert_eq!(three.get(3), Some(1));
    }
}
