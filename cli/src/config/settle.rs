//! What depends on the task (classes, or a quantity), filled in and checked once it is known.

use super::mistake::{ConfigError, did_you_mean};
use super::{Config, Loss, Metric, Model, Outputs, Task};

impl Config {
    /// The task, where the file alone tells.
    pub(super) fn implied_task(&self) -> Option<Task> {
        let loss = self.training.loss.as_ref().map(Loss::outputs);
        self.data.task.or(match loss {
            Some(Outputs::Quantities) | None => None,
            Some(_) => Some(Task::Classification),
        })
    }

    /// Fills in what depends on the task, and checks it: `found` is what the data looks like, and
    /// holds unless the file names the task.
    pub fn settle(&mut self, found: Task) -> Result<(), ConfigError> {
        let task = *self.data.task.get_or_insert(found);
        let loss = self.training.loss.get_or_insert_with(|| Loss::usual(task));
        let loss = loss.clone();
        if task == Task::Language
            && loss.outputs() != Outputs::Scores
            && let Some(place) = &self.places.loss
        {
            let message = format!("loss \"{}\" is not for a language model", loss.name());
            return Err(place.error(message).help("use loss = \"cross_entropy\""));
        }
        if task == Task::Regression && loss.outputs() != Outputs::Quantities {
            let place = self.places.loss.as_ref().or(self.places.task.as_ref());
            if let Some(place) = place {
                return Err(place
                    .error(format!(
                        "loss \"{}\" is for classes, but the task is regression",
                        loss.name()
                    ))
                    .help("use loss = \"mse\", or task = \"classification\""));
            }
        }
        self.check_last_layer(&loss)?;
        let metrics = self
            .training
            .metrics
            .get_or_insert_with(|| vec![Metric::usual(task)]);
        let binary = loss.outputs() != Outputs::Scores;
        let misfit = metrics.iter().find(|m| !m.fits(task, binary));
        if let (Some(metric), Some(place)) = (misfit, &self.places.metrics) {
            let names = Metric::that_fit(task, binary);
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

    /// `bce` takes probabilities, so the model must end with a sigmoid.
    fn check_last_layer(&self, loss: &Loss) -> Result<(), ConfigError> {
        let probability = loss.outputs() == Outputs::Probability;
        let Some(place) = self.places.loss.as_ref().filter(|_| probability) else {
            return Ok(());
        };
        let ends_with_sigmoid = match &self.model {
            Model::Layers(layers) => layers.last().is_some_and(|l| l.name() == "sigmoid"),
            Model::Mlp { .. } | Model::Language(_) => false,
        };
        if ends_with_sigmoid {
            return Ok(());
        }
        Err(place
            .error("loss \"bce\" takes probabilities, but the model does not end with a sigmoid")
            .help("use loss = \"bce_with_logits\", or end `layers` with \"sigmoid\""))
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
