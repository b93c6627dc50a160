//! Settings that depend on the task, which are set and checked once the task is known.

use super::config::Config;
use super::model::ModelSpec;
use crate::error::Result;
use crate::loss::LossSpec;
use crate::metrics::MetricSpec;
use crate::schema::{Path, SettingError, did_you_mean};
use crate::task::Task;

impl Config {
    /// Returns the task, if it follows from the file alone.
    pub(super) fn implied_task(&self) -> Option<Task> {
        let outputs = self.training.loss.as_ref().map(LossSpec::outputs);
        let labels = self.data.source.has_labels().then_some(Task::Multilabel);
        let tasks = [Task::Classification, Task::Regression];
        let mut fitting = tasks
            .into_iter()
            .chain(labels)
            .filter(|task| outputs.is_some_and(|outputs| outputs.fit(*task)));
        let implied = match (fitting.next(), fitting.next()) {
            (Some(task), None) => Some(task),
            _ => None,
        };
        self.data.implied_task().or(implied)
    }

    /// Sets the settings that depend on the task, and checks them. `found` is the task that the
    /// data suggests; it is used unless the configuration sets the task.
    ///
    /// # Errors
    ///
    /// Returns an error if the loss, a metric or a monitored value does not fit the task.
    pub fn settle(&mut self, found: Task) -> Result<()> {
        let task = *self.data.task.get_or_insert(found);
        self.training
            .loss
            .get_or_insert_with(|| LossSpec::usual(task));
        self.training
            .metrics
            .get_or_insert_with(|| vec![MetricSpec::usual(task)]);
        let checked = self.check_loss(task).and_then(|()| {
            self.check_metrics(task)?;
            self.check_monitors()
        });
        checked.map_err(|e| self.located(e))?;
        let validated = self.data.validation_split > 0.0;
        if let Some(stop) = &mut self.training.early_stopping {
            let usual = if validated { "val_loss" } else { "loss" };
            stop.monitor.get_or_insert(usual.to_string());
        }
        Ok(())
    }

    fn training(&self, key: &str) -> Path {
        Path::root().key("training").key(key)
    }

    fn check_loss(&self, task: Task) -> std::result::Result<(), SettingError> {
        let Some(loss) = &self.training.loss else {
            return Ok(());
        };
        let mut at = self.training("loss");
        let by_loss = self.is_set(&at);
        if !by_loss {
            at = Path::root().key("data").key("task");
        }
        if !loss.outputs().fit(task) {
            let (message, help) = match task {
                Task::Language => ("not for a language model", "use loss = \"cross_entropy\""),
                Task::Regression => (
                    "for classes, but the task is regression",
                    "use loss = \"mse\", or task = \"classification\"",
                ),
                Task::Multilabel => (
                    "not for labels, but the task is multilabel",
                    "use loss = \"bce_with_logits\"",
                ),
                Task::Classification => (
                    "for numbers, but the task is classification",
                    "use loss = \"cross_entropy\", or task = \"regression\"",
                ),
            };
            let message = format!("loss \"{}\" is {message}", loss.kind());
            return Err(SettingError::new(at, message).help(help));
        }
        // `bce` takes probabilities, so the model must end with a sigmoid; other losses have such a
        // layer too.
        let Some((layer, gives)) = loss.outputs().last_layer().filter(|_| by_loss) else {
            return Ok(());
        };
        let ends_with_it = match &self.model {
            ModelSpec::Sequential(spec) => {
                let last = spec.layers.as_ref().and_then(|layers| layers.last());
                last.is_some_and(|last| last.kind() == layer)
            }
            _ => false,
        };
        if ends_with_it {
            return Ok(());
        }
        let other = match loss {
            LossSpec::Bce(_) => "use loss = \"bce_with_logits\", or ",
            LossSpec::Nll(_) => "use loss = \"cross_entropy\", or ",
            _ => "",
        };
        let message = format!(
            "loss \"{}\" takes {gives}, but the model does not end with a {layer}",
            loss.kind()
        );
        let help = format!("{other}end `layers` with \"{layer}\"");
        Err(SettingError::new(at, message).help(help))
    }

    fn check_metrics(&self, task: Task) -> std::result::Result<(), SettingError> {
        let outputs = self.training.loss.as_ref().map(LossSpec::outputs);
        let outputs = outputs.unwrap_or(LossSpec::usual(task).outputs());
        let mut metrics = self.training.metrics.iter().flatten();
        let Some(metric) = metrics.find(|m| !m.fits(task, outputs)) else {
            return Ok(());
        };
        let names = quoted(MetricSpec::that_fit(task, outputs));
        let task = task.name();
        let message = format!(
            "metric \"{}\" does not fit the task, which is {task}",
            metric.kind()
        );
        let error = SettingError::new(self.training("metrics"), message);
        Err(error.help(format!("metrics for {task}: {names}")))
    }

    /// Checks that the values monitored by early stopping and plateaus are measured.
    fn check_monitors(&self) -> std::result::Result<(), SettingError> {
        let mut known = vec!["loss".to_string()];
        known.extend(
            self.training
                .metrics
                .iter()
                .flatten()
                .map(MetricSpec::in_history),
        );
        if self.data.validation_split > 0.0 {
            let validated: Vec<String> = known.iter().map(|m| format!("val_{m}")).collect();
            known.extend(validated);
        }
        let stop = self.training.early_stopping.as_ref();
        let at = self.training("early_stopping").key("monitor");
        let stop = stop.and_then(|s| Some((s.monitor.as_deref()?, at)));
        let schedules = self.training.schedule.monitors(&self.training("schedule"));
        for (monitor, at) in stop.into_iter().chain(schedules) {
            if known.iter().any(|k| k == monitor) {
                continue;
            }
            let names = || known.iter().map(String::as_str);
            let mut help = format!("it can be {}", quoted(names()));
            if monitor.starts_with("val_") && self.data.validation_split == 0.0 {
                help.push_str("; there is no validation, since validation_split is 0");
            }
            let close = did_you_mean(monitor, names());
            let message = format!("`monitor` is \"{monitor}\", which is not measured{close}");
            return Err(SettingError::new(at, message).help(help));
        }
        Ok(())
    }
}

fn quoted<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let list: Vec<String> = names.into_iter().map(|n| format!("\"{n}\"")).collect();
    list.join(", ")
}
