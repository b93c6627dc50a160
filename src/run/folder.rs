//! The folder of a run: configuration, metrics, weights and report.
//!
//! ```text
//! runs/digits/
//!   config.toml      the configuration, with all defaults
//!   scaler.json      the preprocessing: scales, names of columns and classes
//!   metrics.jsonl    one JSON object for each epoch
//!   checkpoints/     epoch-00010.safetensors ... best.safetensors
//!   summary.json     the results
//!   report.html      the report
//! ```
//!
//! Invariant: a file is either the old or the new version, never partially written. Only
//! `metrics.jsonl` grows. A line that a crash truncated is ignored when the file is read, and
//! removed before the next line is written.
//!
//! Invariant: a new run never writes into a folder that is not empty; it creates `digits-2`
//! instead.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::checkpoint::write_atomically;
use crate::{Error, Result};
use serde::Serialize;

use super::epoch::EpochRecord;
use super::lines::append_line;

/// The folder of a run.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Creates the folder of a new run: `wanted`, or if that is not empty, `wanted-2`, `wanted-3`
    /// and so on.
    pub fn create(wanted: &Path) -> Result<RunFolder> {
        if let Some(parent) = wanted.parent() {
            fs::create_dir_all(parent).map_err(io_error(parent, "create"))?;
        }
        for number in 1..=9999 {
            let path = numbered(wanted, number);
            match fs::create_dir(&path) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                    if !is_empty_folder(&path) {
                        continue;
                    }
                }
                Err(e) => return Err(io_error(&path, "create")(e)),
            }
            let run = RunFolder { path };
            let checkpoints = run.checkpoints();
            fs::create_dir_all(&checkpoints).map_err(io_error(&checkpoints, "create"))?;
            return Ok(run);
        }
        Err(Error::Argument {
            what: "the run's folder".to_string(),
            given: wanted.display().to_string(),
            expected: "one that is free, or has a free number below 10,000".to_string(),
        })
    }

    /// Opens the folder of an earlier run.
    pub fn open(path: &Path) -> Result<RunFolder> {
        let run = RunFolder {
            path: path.to_path_buf(),
        };
        if run.config_path().is_file() {
            return Ok(run);
        }
        let reason = if path.is_dir() {
            "there is no config.toml in it, so this is not the folder of a run"
        } else {
            "there is no such folder; give the folder that `wgrad train` named"
        };
        Err(Error::Data {
            place: path.display().to_string(),
            reason: reason.to_string(),
        })
    }

    /// Makes the path absolute.
    pub fn absolute(self) -> RunFolder {
        match std::path::absolute(&self.path) {
            Ok(path) => RunFolder { path },
            Err(_) => self,
        }
    }

    /// Returns the newest run that [`RunFolder::create`] created for `wanted`: the one with the
    /// highest number.
    pub fn newest(wanted: &Path) -> Result<RunFolder> {
        let runs = (1..=9999).map(|number| numbered(wanted, number));
        // Numbers may have gaps where runs were removed; the search ends after a long gap.
        let mut last = None;
        let mut holes = 0;
        for path in runs {
            if path.join("config.toml").is_file() {
                last = Some(path);
                holes = 0;
            } else {
                holes += 1;
            }
            if holes > 100 {
                break;
            }
        }
        RunFolder::open(last.as_deref().unwrap_or(wanted))
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of `config.toml`.
    pub fn config_path(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// Returns the path of `metrics.jsonl`.
    pub fn metrics_path(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// Returns the path of `report.html`.
    pub fn report_path(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// Returns the path of `scaler.json`.
    pub fn scaler_path(&self) -> PathBuf {
        self.path.join("scaler.json")
    }

    /// Returns the path of `tokenizer.json`.
    pub fn tokenizer_path(&self) -> PathBuf {
        self.path.join("tokenizer.json")
    }

    /// Returns the path of `summary.json`.
    pub fn summary_path(&self) -> PathBuf {
        self.path.join("summary.json")
    }

    /// Returns the path of `checkpoints/`.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// Returns the path of the checkpoint after an epoch, counted from 1.
    pub fn checkpoint_path(&self, epoch: usize) -> PathBuf {
        self.checkpoints()
            .join(format!("epoch-{epoch:05}.safetensors"))
    }

    /// Returns the path of the checkpoint of the best epoch.
    pub fn best_path(&self) -> PathBuf {
        self.checkpoints().join("best.safetensors")
    }

    /// Returns the path of the checkpoint of an interrupted training, which exists until the
    /// training has saved its next checkpoint.
    pub fn interrupted_path(&self) -> PathBuf {
        self.checkpoints().join("interrupted.safetensors")
    }

    /// Returns the checkpoint to resume from, if there is one.
    pub fn resume_path(&self) -> Result<Option<PathBuf>> {
        let interrupted = self.interrupted_path();
        if interrupted.is_file() {
            return Ok(Some(interrupted));
        }
        Ok(self.latest_checkpoint()?.map(|(_, path)| path))
    }

    /// Removes the folder with its contents.
    pub fn remove(&self) -> Result<()> {
        fs::remove_dir_all(&self.path).map_err(io_error(&self.path, "remove"))
    }

    /// Removes the checkpoint of an interruption, because the training has continued.
    pub fn remove_interrupted(&self) -> Result<()> {
        let path = self.interrupted_path();
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(io_error(&path, "remove")(e)),
            _ => Ok(()),
        }
    }

    /// Writes `config.toml`.
    pub fn write_config(&self, toml: &str) -> Result<()> {
        write_atomically(&self.config_path(), toml.as_bytes())
    }

    /// Writes `report.html`.
    pub fn write_report(&self, html: &str) -> Result<()> {
        write_atomically(&self.report_path(), html.as_bytes())
    }

    /// Writes `scaler.json`.
    pub fn write_scaler(&self, preparation: &impl Serialize) -> Result<()> {
        write_json(&self.scaler_path(), preparation)
    }

    /// Writes `summary.json`.
    pub fn write_summary(&self, summary: &impl Serialize) -> Result<()> {
        write_json(&self.summary_path(), summary)
    }

    /// Appends an epoch to `metrics.jsonl`, in one write of one line.
    pub fn append_epoch(&self, record: &EpochRecord) -> Result<()> {
        let path = self.metrics_path();
        let mut line =
            serde_json::to_vec(record).map_err(|e| io_error(&path, "write")(e.into()))?;
        line.push(b'\n');
        append_line(&path, &line).map_err(io_error(&path, "write"))
    }

    /// Returns the epochs in `metrics.jsonl`; none if there is no such file.
    ///
    /// A truncated last line is ignored; any other invalid line is an error.
    pub fn epochs(&self) -> Result<Vec<EpochRecord>> {
        let path = self.metrics_path();
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(io_error(&path, "read")(e)),
        };
        let mut records = Vec::new();
        for (number, line) in text.split_inclusive('\n').enumerate() {
            if !line.ends_with('\n') {
                break;
            }
            if line.trim().is_empty() {
                continue;
            }
            records.push(serde_json::from_str(line).map_err(|e| Error::Data {
                place: format!("{}:{}", path.display(), number + 1),
                reason: format!("this is not an epoch's record: {e}"),
            })?);
        }
        Ok(records)
    }

    /// Removes the epochs after `last`: a run that resumes from a checkpoint measures them again.
    pub fn keep_epochs_up_to(&self, last: usize) -> Result<()> {
        let path = self.metrics_path();
        let mut text = Vec::new();
        for record in self.epochs()?.iter().filter(|r| r.epoch <= last) {
            serde_json::to_writer(&mut text, record)
                .map_err(|e| io_error(&path, "write")(e.into()))?;
            text.push(b'\n');
        }
        write_atomically(&path, &text)
    }

    /// Returns the numbered checkpoints, oldest first, as epoch and file.
    pub fn list_checkpoints(&self) -> Result<Vec<(usize, PathBuf)>> {
        let folder = self.checkpoints();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(io_error(&folder, "read")(e)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(io_error(&folder, "read"))?.path();
            let epoch = path
                .file_name()
                .and_then(|n| n.to_str())
                .and_then(|n| n.strip_prefix("epoch-")?.strip_suffix(".safetensors"))
                .and_then(|n| n.parse().ok());
            if let Some(epoch) = epoch {
                found.push((epoch, path));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Returns the newest numbered checkpoint.
    pub fn latest_checkpoint(&self) -> Result<Option<(usize, PathBuf)>> {
        Ok(self.list_checkpoints()?.pop())
    }

    /// Removes all but the newest `keep` numbered checkpoints.
    pub fn prune_checkpoints(&self, keep: usize) -> Result<()> {
        let all = self.list_checkpoints()?;
        for (_, path) in all.iter().take(all.len().saturating_sub(keep)) {
            fs::remove_file(path).map_err(io_error(path, "remove"))?;
        }
        Ok(())
    }
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text =
        serde_json::to_vec_pretty(value).map_err(|e| io_error(path, "write")(e.into()))?;
    text.push(b'\n');
    write_atomically(path, &text)
}

fn numbered(path: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return path.to_path_buf();
    }
    let mut name = path.file_name().unwrap_or("run".as_ref()).to_os_string();
    name.push(format!("-{number}"));
    path.with_file_name(name)
}

fn is_empty_folder(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

fn io_error(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io {
        path,
        action,
        source,
    }
}

#[cfg(test)]
mod tests;
