//! Event files for TensorBoard, in the run's folder.

use std::time::{SystemTime, UNIX_EPOCH};

use wgrad::Trainer;
use wgrad::run::{EpochRecord, EventWriter, RunFolder};

use crate::failure::Failure;

/// The event files of a run: one for the training, and one for the validation if there is one.
pub(super) struct Events {
    train: EventWriter,
    validation: Option<EventWriter>,
}

impl Events {
    /// Creates the files of a run that has finished some epochs.
    pub fn create(run: &RunFolder, validated: bool, finished: usize) -> Result<Events, Failure> {
        let folder = run.path().join("tensorboard");
        let create = |name: &str| -> Result<EventWriter, Failure> {
            let mut events = EventWriter::create(&folder.join(name), now())?;
            events.start(now(), finished as u64 + 1)?;
            Ok(events)
        };
        Ok(Events {
            train: create("train")?,
            validation: validated.then(|| create("validation")).transpose()?,
        })
    }

    /// Writes the results and the weights of an epoch.
    pub fn epoch(&mut self, record: &EpochRecord, trainer: &mut Trainer) -> Result<(), Failure> {
        let (time, step) = (now(), record.epoch as u64);
        let metrics = record.metrics.iter().map(|(name, x)| (name.as_str(), *x));
        let own = [("loss", record.loss), ("learning_rate", record.lr)];
        let all: Vec<(&str, f64)> = own.into_iter().chain(metrics).collect();
        self.train.scalars(time, step, &all)?;
        if let (Some(events), Some(loss)) = (&mut self.validation, record.val_loss) {
            let metrics = record
                .val_metrics
                .iter()
                .map(|(name, x)| (name.as_str(), *x));
            let all: Vec<(&str, f64)> = [("loss", loss)].into_iter().chain(metrics).collect();
            events.scalars(time, step, &all)?;
        }
        let names: Vec<String> = trainer.parameters().map(str::to_string).collect();
        for name in names {
            let values = trainer.weights(&name)?;
            self.train.histogram(time, step, &name, &values)?;
        }
        Ok(())
    }
}

/// Returns the seconds since 1970.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}
