//! A run's folder: what was asked, what was measured, the weights, the report.
//!
//! ```text
//! runs/digits/
//!   config.toml      the configuration, every default filled in
//!   scaler.json      what was done to the data: scales, names of columns and classes
//!   metrics.jsonl    one JSON object an epoch
//!   checkpoints/     epoch-00010.safetensors ... best.safetensors
//!   summary.json     how it ended
//!   report.html      the page to look at
//! ```
//!
//! Invariant: a file is either the old one or the new one, never a part of one. `metrics.jsonl` is
//! the only file that grows; a line torn by a crash is left out when read and cut off before the next.
//!
//! Invariant: a fresh run never writes into a folder that holds something; it takes `digits-2`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wgrad::{Error, Result};

/// What one epoch measured: a line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// Steps since the start of the training.
    pub step: u64,
    /// Seconds that this epoch took, validation included.
    pub seconds: f64,
    /// The learning rate of the epoch's last step.
    #[serde(with = "number")]
    pub lr: f64,
    /// The mean training loss over the epoch's samples.
    #[serde(with = "number")]
    pub loss: f64,
    /// The training metrics, by name.
    #[serde(with = "numbers", default)]
    pub metrics: BTreeMap<String, f64>,
    /// The validation loss, where there is a validation split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_loss: Option<f64>,
    /// The validation metrics, by name.
    #[serde(with = "numbers", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub val_metrics: BTreeMap<String, f64>,
}

/// JSON has no NaN and no infinity: they are written as `null`, and `null` is read as NaN.
mod number {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(x: &f64, s: S) -> Result<S::Ok, S::Error> {
        x.is_finite().then_some(*x).serialize(s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(d)?.unwrap_or(f64::NAN))
    }
}

/// As [`number`], for a map.
mod numbers {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(map: &BTreeMap<String, f64>, s: S) -> Result<S::Ok, S::Error> {
        let map: BTreeMap<&str, Option<f64>> = map
            .iter()
            .map(|(k, x)| (k.as_str(), x.is_finite().then_some(*x)))
            .collect();
        map.serialize(s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, f64>, D::Error> {
        let map = BTreeMap::<String, Option<f64>>::deserialize(d)?;
        Ok(map
            .into_iter()
            .map(|(k, x)| (k, x.unwrap_or(f64::NAN)))
            .collect())
    }
}

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes the folder of a fresh run: `wanted`, or where that holds something, `wanted-2`,
    /// `wanted-3` and so on.
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

    /// The same folder by its whole path, for whoever reads it from elsewhere.
    pub fn absolute(self) -> RunFolder {
        match std::path::absolute(&self.path) {
            Ok(path) => RunFolder { path },
            Err(_) => self,
        }
    }

    /// The newest run that [`RunFolder::create`] made for `wanted`: the one with the highest number.
    pub fn newest(wanted: &Path) -> Result<RunFolder> {
        let runs = (1..=9999).map(|number| numbered(wanted, number));
        // Numbers may have holes where runs were removed; past a long one nothing is looked for.
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

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `config.toml`.
    pub fn config_path(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// `metrics.jsonl`.
    pub fn metrics_path(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// `report.html`.
    pub fn report_path(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// `scaler.json`.
    pub fn scaler_path(&self) -> PathBuf {
        self.path.join("scaler.json")
    }

    /// `tokenizer.json`.
    pub fn tokenizer_path(&self) -> PathBuf {
        self.path.join("tokenizer.json")
    }

    /// `summary.json`.
    pub fn summary_path(&self) -> PathBuf {
        self.path.join("summary.json")
    }

    /// `checkpoints/`.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// The checkpoint after an epoch, counted from 1.
    pub fn checkpoint_path(&self, epoch: usize) -> PathBuf {
        self.checkpoints()
            .join(format!("epoch-{epoch:05}.safetensors"))
    }

    /// The checkpoint of the best epoch.
    pub fn best_path(&self) -> PathBuf {
        self.checkpoints().join("best.safetensors")
    }

    /// The checkpoint of a training that was interrupted, until it has gone on to the next one.
    pub fn interrupted_path(&self) -> PathBuf {
        self.checkpoints().join("interrupted.safetensors")
    }

    /// The state to go on from, where there is one.
    pub fn resume_path(&self) -> Result<Option<PathBuf>> {
        let interrupted = self.interrupted_path();
        if interrupted.is_file() {
            return Ok(Some(interrupted));
        }
        Ok(self.latest_checkpoint()?.map(|(_, path)| path))
    }

    /// Removes the folder with all that is in it.
    pub fn remove(&self) -> Result<()> {
        fs::remove_dir_all(&self.path).map_err(io_error(&self.path, "remove"))
    }

    /// Forgets the checkpoint of an interruption: the training has gone on.
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

    /// Adds an epoch to `metrics.jsonl`, in one write of one whole line.
    pub fn append_epoch(&self, record: &EpochRecord) -> Result<()> {
        let path = self.metrics_path();
        let mut line =
            serde_json::to_vec(record).map_err(|e| io_error(&path, "write")(e.into()))?;
        line.push(b'\n');
        append_line(&path, &line).map_err(io_error(&path, "write"))
    }

    /// The epochs in `metrics.jsonl`; none where there is no such file.
    ///
    /// A last line that was torn by a crash is left out; any other broken line is an error.
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

    /// Forgets the epochs after `last`: a run that resumes from a checkpoint measures them anew.
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

    /// The numbered checkpoints, oldest first: epoch and file.
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

    /// The newest numbered checkpoint.
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

/// Writes a whole file or nothing: a temporary file in the same folder, fsync, rename.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or("file".as_ref()));
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let done = written
        .map_err(io_error(path, "write"))
        .and_then(|()| fs::rename(&temporary, path).map_err(io_error(path, "replace")));
    if done.is_err() {
        // The first error is the one to report; a leftover is hidden and harmless.
        let _ = fs::remove_file(&temporary);
    }
    done?;
    sync_folder(path);
    Ok(())
}

/// Makes a rename last through a power cut, where the system can (not on Windows).
fn sync_folder(path: &Path) {
    if let Some(Ok(folder)) = path.parent().map(File::open) {
        let _ = folder.sync_all();
    }
}

fn append_line(path: &Path, line: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    let end = whole_lines(&mut file)?;
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    file.write_all(line)?;
    file.sync_data()
}

/// The length of the file up to its last line's end.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    while end > 0 {
        let length = end.min(4096);
        let start = end - length;
        file.seek(SeekFrom::Start(start))?;
        let mut block = vec![0; length as usize];
        file.read_exact(&mut block)?;
        if let Some(i) = block.iter().rposition(|b| *b == b'\n') {
            return Ok(start + i as u64 + 1);
        }
        end = start;
    }
    Ok(0)
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
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn record(epoch: usize) -> EpochRecord {
        EpochRecord {
            epoch,
            step: 40 * epoch as u64,
            seconds: 0.25,
            lr: 1e-3,
            loss: 0.5,
            metrics: BTreeMap::from([("accuracy".to_string(), 0.9)]),
            val_loss: Some(0.625),
            val_metrics: BTreeMap::from([("accuracy".to_string(), 0.875)]),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_taken_folder_is_left_alone() {
        let tmp = tempfile::tempdir().unwrap();
        let wanted = tmp.path().join("runs/digits");
        let first = RunFolder::create(&wanted).unwrap();
        first.write_config("a = 1\n").unwrap();
        let second = RunFolder::create(&wanted).unwrap();
        second.write_config("a = 2\n").unwrap();
        let third = RunFolder::create(&wanted).unwrap();
        assert_eq!(first.path(), wanted);
        assert_eq!(second.path(), tmp.path().join("runs/digits-2"));
        assert_eq!(third.path(), tmp.path().join("runs/digits-3"));
        assert_eq!(fs::read_to_string(first.config_path()).unwrap(), "a = 1\n");
        assert_eq!(RunFolder::newest(&wanted).unwrap().path(), second.path());
        third.write_config("").unwrap();
        assert_eq!(RunFolder::newest(&wanted).unwrap().path(), third.path());

        let empty = tmp.path().join("empty");
        fs::create_dir(&empty).unwrap();
        assert_eq!(RunFolder::create(&empty).unwrap().path(), empty);
        let file = tmp.path().join("file");
        fs::write(&file, "x").unwrap();
        let beside = RunFolder::create(&file).unwrap();
        assert_eq!(beside.path(), tmp.path().join("file-2"));
    }

    #[test]
    fn files_are_replaced_whole_and_leave_no_trace() {
        let tmp = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&tmp.path().join("r")).unwrap();
        run.write_report("first").unwrap();
        run.write_report("second, longer").unwrap();
        run.write_report("3").unwrap();
        run.write_summary(&serde_json::json!({"epochs": 3}))
            .unwrap();
        assert_eq!(fs::read_to_string(run.report_path()).unwrap(), "3");
        assert_eq!(
            names(run.path()),
            ["checkpoints", "report.html", "summary.json"]
        );
    }

    #[test]
    fn a_write_that_fails_keeps_the_old_file() {
        let tmp = tempfile::tempdir().unwrap();
        // A folder where the file should go: the rename fails after the writing.
        let path = tmp.path().join("report.html");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "old").unwrap();
        let e = write_atomically(&path, b"new").unwrap_err();
        assert!(e.to_string().contains("cannot replace"), "{e}");
        assert_eq!(fs::read_to_string(path.join("inside")).unwrap(), "old");
        assert_eq!(names(tmp.path()), ["report.html"]);

        let e = write_atomically(&tmp.path().join("no/folder"), b"new").unwrap_err();
        assert!(e.to_string().contains("cannot write"), "{e}");
    }

    #[test]
    fn epochs_come_back_as_they_were() {
        let tmp = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&tmp.path().join("r")).unwrap();
        assert_eq!(run.epochs().unwrap(), []);
        for epoch in 1..=3 {
            run.append_epoch(&record(epoch)).unwrap();
        }
        assert_eq!(run.epochs().unwrap(), [record(1), record(2), record(3)]);
        let text = fs::read_to_string(run.metrics_path()).unwrap();
        assert_eq!(
            text.lines().next().unwrap(),
            r#"{"epoch":1,"step":40,"seconds":0.25,"lr":0.001,"loss":0.5,"metrics":{"accuracy":0.9},"val_loss":0.625,"val_metrics":{"accuracy":0.875}}"#
        );
        run.keep_epochs_up_to(2).unwrap();
        assert_eq!(run.epochs().unwrap(), [record(1), record(2)]);
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_cut_off() {
        let tmp = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&tmp.path().join("r")).unwrap();
        run.append_epoch(&record(1)).unwrap();
        let whole = fs::read(run.metrics_path()).unwrap();
        // Torn anywhere, and longer than one block.
        for torn in ["{", "{\"epoch\":2,\"st", &"x".repeat(10_000)] {
            let mut bytes = whole.clone();
            bytes.extend(torn.as_bytes());
            fs::write(run.metrics_path(), &bytes).unwrap();
            assert_eq!(run.epochs().unwrap(), [record(1)]);
            run.append_epoch(&record(2)).unwrap();
            assert_eq!(run.epochs().unwrap(), [record(1), record(2)]);
        }
        fs::write(run.metrics_path(), "{\"epo").unwrap();
        run.append_epoch(&record(1)).unwrap();
        assert_eq!(run.epochs().unwrap(), [record(1)]);
    }

    #[test]
    fn a_broken_line_in_the_middle_is_an_error_with_its_number() {
        let tmp = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&tmp.path().join("r")).unwrap();
        run.append_epoch(&record(1)).unwrap();
        let mut text = fs::read_to_string(run.metrics_path()).unwrap();
        text.push_str("nonsense\n");
        fs::write(run.metrics_path(), text).unwrap();
        let e = run.epochs().unwrap_err().to_string();
        assert!(
            e.contains("metrics.jsonl:2: this is not an epoch's record"),
            "{e}"
        );
    }

    #[test]
    fn what_is_not_a_number_survives() {
        let tmp = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&tmp.path().join("r")).unwrap();
        let mut bad = record(1);
        bad.loss = f64::NAN;
        bad.metrics.insert("mae".to_string(), f64::INFINITY);
        run.append_epoch(&bad).unwrap();
        let back = run.epochs().unwrap();
        assert!(back[0].loss.is_nan() && back[0].metrics["mae"].is_nan());
        assert_eq!(back[0].metrics["accuracy"], 0.9);
    }

    #[test]
    fn checkpoints_are_found_by_epoch_and_pruned() {
        let tmp = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&tmp.path().join("r")).unwrap();
        assert_eq!(run.latest_checkpoint().unwrap(), None);
        for epoch in [9, 100_000, 10] {
            fs::write(run.checkpoint_path(epoch), "").unwrap();
        }
        fs::write(run.best_path(), "").unwrap();
        fs::write(run.checkpoints().join("epoch-x.safetensors"), "").unwrap();
        let (epoch, _) = run.latest_checkpoint().unwrap().unwrap();
        assert_eq!(epoch, 100_000);
        run.prune_checkpoints(1).unwrap();
        assert_eq!(run.list_checkpoints().unwrap().len(), 1);
        assert!(run.best_path().exists());
    }

    #[test]
    fn only_a_run_opens() {
        let tmp = tempfile::tempdir().unwrap();
        let e = RunFolder::open(tmp.path()).unwrap_err().to_string();
        assert!(e.contains("there is no config.toml in it"), "{e}");
        let e = RunFolder::open(&tmp.path().join("no"))
            .unwrap_err()
            .to_string();
        assert!(e.contains("there is no such folder"), "{e}");
        let run = RunFolder::create(&tmp.path().join("r")).unwrap();
        run.write_config("").unwrap();
        assert!(RunFolder::open(run.path()).is_ok());
    }
}
