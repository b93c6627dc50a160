//! `[output]`: where the results are written.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::resolve;
use crate::schema::range;

/// Where the results are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OutputSpec {
    /// The run's folder; a numbered sibling if it is not empty. Default: `runs/NAME` next to the
    /// file, for a file `NAME.toml`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub dir: Option<PathBuf>,
    /// The number of epochs between checkpoints; 0 for one checkpoint at the end.
    pub checkpoint_every: usize,
    /// The number of checkpoints that are kept, in addition to the best.
    #[schemars(with = "range::Count<1>")]
    pub keep_checkpoints: usize,
    /// Whether event files for TensorBoard are written to the run's folder: losses, metrics and the
    /// learning rate of each epoch, and histograms of the weights.
    pub tensorboard: bool,
}

impl Default for OutputSpec {
    fn default() -> Self {
        OutputSpec {
            dir: None,
            checkpoint_every: 1,
            keep_checkpoints: 3,
            tensorboard: false,
        }
    }
}

impl OutputSpec {
    /// Makes the folder's path absolute, for a configuration `file` in `folder`.
    pub(super) fn resolve(&mut self, file: &Path, folder: &Path) {
        let stem = file.file_stem().unwrap_or("run".as_ref());
        let usual = || Path::new("runs").join(stem);
        let dir = self.dir.take().unwrap_or_else(usual);
        self.dir = Some(resolve(folder, &dir));
    }

    /// Returns the run's folder.
    pub fn folder(&self) -> &Path {
        self.dir.as_deref().unwrap_or(Path::new("runs/run"))
    }
}
