//! What depends on the task (classes, or a quantity), filled in and checked once it is known.

use super::mistake::{ConfigError, did_you_mean};
use super::{Config, Loss, Metric, Model, Task};

impl Config {
    /// The task, where the file alone tells.
    pub(super) fn implied_task(&self) -> Option<Task> {
        let loss = self.training.loss.as_ref().map(Loss::outputs);
        let tasks = [Task::Classification, Task::Regression];
        let mut fitting = tasks
            .into_iter()
            .filter(|task| loss.is_some_and(|l| l.fit(*task)));
        let implied = match (fitting.next(), fitting.next()) {
            (Some(task), None) => Some(task),
            _ => None,
        };
        self.data.task.or(implied)
    }

    /// Fills in what depends on the task, and checks it: `found` is what the data looks like, and
    /// holds unless the file names the task.
    pub fn settle(&mut self, found: Task) -> Result<(), ConfigError> {
        let task = *self.data.task.get_or_insert(found);
        let loss = self.training.loss.get_or_insert_with(|| Loss::usual(task));
        let loss = loss.clone();
        let place = self.places.loss.as_ref().or(self.places.task.as_ref());
        if let (false, Some(place)) = (loss.outputs().fit(task), place) {
            let (message, help) = match task {
                Task::Language => ("not for a language model", "use loss = \"cross_entropy\""),
                Task::Regression => (
                    "for classes, but the task is regression",
                    "use loss = \"mse\", or task = \"classification\"",
                ),
                Task::Classification => (
                    "for quantities, but the task is classification",
                    "use loss = \"cross_entropy\", or task = \"regression\"",
                ),
            };
            return Err(place
                .error(format!("loss \"{}\" is {message}", loss.name()))
                .help(help));
        }
        self.check_last_layer(&loss)?;
        let metrics = self
            .training
            .metrics
            .get_or_insert_with(|| vec![Metric::usual(task)]);
        let outputs = loss.outputs();
        let misfit = metrics.iter().find(|m| !m.fits(task, outputs));
        if let (Some(metric), Some(place)) = (misfit, &self.places.metrics) {
            let names = Metric::that_fit(task, outputs);
            let (is, use_) = (task.name(), quoted(&names));
            return Err(place
                .error(format!(
                    "metric \"{}\" does not fit the task, which is {is}",
                    metric.name()
                ))
                .help(format!("metrics for {is}: {use_}")));
        }
        let names: Vec<String> = metrics.iter().map(Metric::in_history).collect();
        self.check_monitor(&names)
    }

    /// `bce` takes probabilities, so the model must end with a sigmoid; others have such a layer too.
    fn check_last_layer(&self, loss: &Loss) -> Result<(), ConfigError> {
        let place = self.places.loss.as_ref();
        let (Some(place), Some((layer, gives))) = (place, loss.outputs().last_layer()) else {
            return Ok(());
        };
        let ends_with_it = match &self.model {
            Model::Layers { layers, .. } => layers.last().is_some_and(|l| l.name() == layer),
            Model::Mlp { .. } | Model::Language(_) => false,
        };
        if ends_with_it {
            return Ok(());
        }
        let other = match loss.name() {
            "bce" => "use loss = \"bce_with_logits\", or ",
            "nll" => "use loss = \"cross_entropy\", or ",
            _ => "",
        };
        Err(place
            .error(format!(
                "loss \"{}\" takes {gives}, but the model does not end with a {layer}",
                loss.name()
            ))
            .help(format!("{other}end `layers` with \"{layer}\"")))
    }

    fn check_monitor(&self, metrics: &[String]) -> Result<(), ConfigError> {
        let mut known = vec!["loss".to_string()];
        known.extend_from_slice(metrics);
        if self.data.validation_split > 0.0 {
            let validated: Vec<String> = known.iter().map(|m| format!("val_{m}")).collect();
            known.extend(validated);
        }
        let stop = self.training.early_stopping.as_ref();
        let stop = stop.map(|s| (s.monitor.as_str(), self.places.monitor.as_ref()));
        for (monitor, place) in stop.into_iter().chain(self.training.schedule.monitors()) {
            let (Some(place), false) = (place, known.iter().any(|k| k == monitor)) else {
                continue;
            };
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            let mut help = format!("it can be {}", quoted(&names));
            if monitor.starts_with("val_") && self.data.validation_split == 0.0 {
                help.push_str("; there is no validation, since validation_split is 0");
            }
            return Err(place
                .error(format!(
                    "`monitor` is \"{monitor}\", which is not measured{}",
                    did_you_mean(monitor, &names)
                ))
                .help(help));
        }
        Ok(())
    }
}

fn quoted(names: &[&str]) -> String {
    let list: Vec<String> = names.iter().map(|n| format!("\"{n}\"")).collect();
    list.join(", ")
}
