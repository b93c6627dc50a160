//! `[output]`: where the results go.

use std::path::{Path, PathBuf};

use super::mistake::Result;
use super::reader::{Section, or};
use super::write::{Lines, path};
use super::{Overrides, resolve};

/// Where the results go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The run's folder (a numbered sibling where it is taken).
    pub dir: PathBuf,
    /// Epochs between two checkpoints; 0 for one at the end only.
    pub checkpoint_every: usize,
    /// How many of them are kept, besides the best.
    pub keep_checkpoints: usize,
}

impl Output {
    /// Writes the section.
    pub fn write(&self, out: &mut Lines) {
        out.section("output");
        out.set("dir", path(&self.dir));
        out.set("checkpoint_every", self.checkpoint_every);
        out.set("keep_checkpoints", self.keep_checkpoints);
    }
}

/// Reads the section of `file`, which lies in `folder`.
pub fn read(
    section: Option<&Section<'_>>,
    file: &Path,
    folder: &Path,
    overrides: &Overrides,
) -> Result<Output> {
    if let Some(section) = section {
        section.takes(&["dir", "checkpoint_every", "keep_checkpoints"])?;
    }
    let stem = file.file_stem().unwrap_or("run".as_ref());
    let default = resolve(folder, &Path::new("runs").join(stem));
    let dir = or(section, "dir", default, |v| {
        Ok(resolve(folder, Path::new(v.string()?)))
    })?;
    Ok(Output {
        dir: match &overrides.out {
            Some(out) => resolve(Path::new("."), out),
            None => dir,
        },
        checkpoint_every: or(section, "checkpoint_every", 1, |v| v.count(0))?,
        keep_checkpoints: or(section, "keep_checkpoints", 3, |v| v.count(1))?,
    })
}
