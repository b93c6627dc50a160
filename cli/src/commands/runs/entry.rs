//! A run in a list.

use std::path::Path;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::Value;
use wgrad::run::{EpochRecord, RunFolder};
use wgrad::spec::{Config, Overrides};

use crate::failure::Failure;
use crate::report::compare::Compared;

/// A run with its results.
#[derive(Serialize)]
pub struct Entry {
    /// The name of its folder.
    pub name: String,
    /// Its first metric: of the test, or of the last epoch if it has no test.
    pub score: Option<(String, f64)>,
    /// Its loss, of the same data as the score.
    pub loss: Option<f64>,
    /// Whether the score and the loss are of the test.
    pub tested: bool,
    /// The seed.
    pub seed: u64,
    /// The number of epochs.
    pub epochs: usize,
    /// The time of its training, in seconds.
    pub seconds: f64,
    /// The device; empty for a run that is not finished.
    pub device: String,
    /// When its newest result was written.
    #[serde(skip)]
    pub written: SystemTime,
    /// The configuration.
    #[serde(skip)]
    pub config: Value,
    #[serde(skip)]
    records: Vec<EpochRecord>,
}

impl Entry {
    /// Reads a run's folder.
    pub fn read(path: &Path) -> Result<Entry, Failure> {
        let run = RunFolder::open(path)?.absolute();
        let config = Config::load(run.config_path(), &Overrides::default())?;
        let records = run.epochs()?;
        let summary: Value = match std::fs::read(run.summary_path()) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_default(),
            Err(_) => Value::Null,
        };
        let test = summary.pointer("/done/test").and_then(Value::as_object);
        let tested = test.map(|test| {
            let loss = test.get("loss").and_then(Value::as_f64);
            let mut metrics = test.iter().filter(|(name, _)| *name != "loss");
            let score = metrics.find_map(|(name, x)| Some((name.clone(), x.as_f64()?)));
            (score, loss)
        });
        let last = records.last().map(|record| match record.val_loss {
            Some(loss) => (record.val_metrics.first().cloned(), Some(loss)),
            None => (record.metrics.first().cloned(), Some(record.loss)),
        });
        let is_tested = tested.is_some();
        let (score, loss) = tested.or(last).unwrap_or_default();
        let newest = [run.summary_path(), run.metrics_path(), run.config_path()];
        let times = newest.iter().map(|path| path.metadata()?.modified());
        let device = summary.pointer("/run/device").and_then(Value::as_str);
        let name = run.path().file_name().unwrap_or(run.path().as_os_str());
        Ok(Entry {
            name: name.to_string_lossy().into_owned(),
            score,
            loss,
            tested: is_tested,
            seed: config.training.seed,
            epochs: records.len(),
            seconds: records.iter().map(|record| record.seconds).sum(),
            device: device.unwrap_or_default().to_string(),
            written: times.flatten().max().unwrap_or(SystemTime::UNIX_EPOCH),
            config: serde_json::to_value(&config).unwrap_or_default(),
            records,
        })
    }

    /// Returns the run with its epochs, for a page.
    pub fn compared(&self) -> Compared {
        Compared {
            name: self.name.clone(),
            score: self.score.clone(),
            loss: self.loss,
            seed: self.seed,
            seconds: self.seconds,
            device: self.device.clone(),
            epochs: self.records.clone(),
        }
    }
}
