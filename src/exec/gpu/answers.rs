//! What tuning has found on an adapter: which variant of a step is the fastest. Kept in memory by the device, and in
//! a file of the user's cache folder for the next program.
//!
//! Nothing depends on the file: one that cannot be read is as good as none, and one that cannot be written is a line
//! in the log. Whatever it says, all variants give the same bits.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::checkpoint::write_atomically;
use crate::kernel::Binding;
use crate::plan::Step;

use super::adapter::AdapterInfo;

/// What is known, by [`question`].
#[derive(Default)]
pub(super) struct Answers {
    /// None where nothing is kept.
    path: Option<PathBuf>,
    file: File,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct File {
    /// For whoever looks into it.
    adapter: String,
    /// By question, in hexadecimal digits: the variant's number.
    variants: BTreeMap<String, usize>,
}

impl Answers {
    /// Those that are kept in `folder` for this adapter, its driver, this version of the kernels and these checks.
    pub fn load(folder: Option<&Path>, adapter: &AdapterInfo, checks: bool) -> Self {
        let path = folder.map(|folder| folder.join(file_name(adapter, checks)));
        let mut answers = Answers {
            file: path.as_deref().and_then(read).unwrap_or_default(),
            path,
        };
        answers.file.adapter = adapter.to_string();
        answers
    }

    pub fn is_empty(&self) -> bool {
        self.file.variants.is_empty()
    }

    /// The fastest variant of a step, where that is known.
    pub fn get(&self, question: u64) -> Option<usize> {
        self.file.variants.get(&digits(question)).copied()
    }

    /// Remembers an answer, and what other programs have found meanwhile.
    pub fn insert(&mut self, question: u64, variant: usize) {
        self.file.variants.insert(digits(question), variant);
        let Some(path) = &self.path else {
            return;
        };
        if let Some(theirs) = read(path) {
            for (question, variant) in theirs.variants {
                self.file.variants.entry(question).or_insert(variant);
            }
        }
        let written = match path.parent().map(std::fs::create_dir_all) {
            Some(Err(error)) => Err(error.to_string()),
            _ => serde_json::to_vec_pretty(&self.file)
                .map_err(|e| e.to_string())
                .and_then(|bytes| write_atomically(path, &bytes).map_err(|e| e.to_string())),
        };
        if let Err(reason) = written {
            log::info!("what tuning found is not kept: {reason}");
        }
    }
}

fn digits(question: u64) -> String {
    format!("{question:016x}")
}

fn read(path: &Path) -> Option<File> {
    let text = std::fs::read(path).ok()?;
    let file = serde_json::from_slice(&text);
    file.inspect_err(|e| log::info!("{} is left alone: {e}", path.display()))
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

/// A number that two steps share where their variants are the same kernels for the same sizes.
///
/// Should two others share it, one would be computed by a variant that is slower, and right.
pub(super) fn question(step: &Step) -> u64 {
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

    fn answers(path: Option<&Path>) -> Answers {
        Answers {
            path: path.map(Path::to_path_buf),
            file: path.and_then(read).unwrap_or_default(),
        }
    }

    #[test]
    fn what_is_found_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache/tuned.json");
        let (mut one, mut two) = (answers(Some(&path)), answers(Some(&path)));
        assert!(one.is_empty());
        one.insert(7, 2);
        // Another program does not wipe out what this one wrote.
        two.insert(u64::MAX, 1);
        let three = answers(Some(&path));
        assert_eq!((three.get(7), three.get(u64::MAX)), (Some(2), Some(1)));
        assert_eq!(three.get(8), None);
        assert_eq!(two.get(7), Some(2));
    }

    #[test]
    fn a_file_that_is_torn_or_cannot_be_written_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tuned.json");
        for text in ["", "{", "{\"adapter\": 3}", "null", "\u{0}\u{1}"] {
            std::fs::write(&path, text).unwrap();
            assert!(answers(Some(&path)).is_empty(), "{text}");
        }
        let mut one = answers(Some(&path));
        one.insert(1, 1);
        assert_eq!(answers(Some(&path)).get(1), Some(1));
        // A folder where the file should be.
        let mut two = answers(Some(folder.path()));
        two.insert(2, 1);
        assert_eq!(two.get(2), Some(1));
        let mut three = answers(None);
        three.insert(3, 1);
        assert_eq!(three.get(3), Some(1));
    }
}
