//! Training progress on stderr: a bar on a terminal, else one line per epoch.
//!
//! The bar counts all samples of all epochs, so it is full when the training ends.
//! [`Progress::batch`] may be called in every step: it draws at most 20 times a second.

use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::text::{count, duration, metric};
use wgrad::run::EpochRecord;

/// The approximate number of epoch lines that a terminal shows above the bar.
const LINES_KEPT: usize = 20;
/// The width of a bar's message, which leaves space for the bar.
const MESSAGE: usize = 46;
/// The usual width of the time left.
const LEFT: usize = 14;
/// The width of an epoch's line.
const WIDTH: usize = 80;
const REDRAW: Duration = Duration::from_millis(50);

/// The progress of a training run.
pub struct Progress {
    view: View,
    total_epochs: usize,
    samples_per_epoch: usize,
    finished_epochs: usize,
    /// The metrics that every line shows, without the prefix `val_`.
    monitored: Vec<String>,
    last_draw: Option<Instant>,
}

enum View {
    Bar(ProgressBar),
    Lines(Box<dyn Write + Send>),
}

impl Progress {
    /// Creates the progress on stderr: a bar on a terminal, else lines.
    pub fn new() -> Progress {
        if io::stderr().is_terminal() {
            Progress::bar(ProgressDrawTarget::stderr())
        } else {
            Progress::lines(Box::new(io::stderr()))
        }
    }

    /// Creates the progress with one line per epoch, written to `stream`.
    pub fn lines(stream: Box<dyn Write + Send>) -> Progress {
        Progress::with(View::Lines(stream))
    }

    /// Creates the progress with a bar on a terminal.
    pub fn bar(target: ProgressDrawTarget) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let template = "{prefix:.bold} {wide_bar:.cyan/dim} {percent:>3}%  {msg}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Progress::with(View::Bar(bar))
    }

    fn with(view: View) -> Progress {
        Progress {
            view,
            total_epochs: 0,
            samples_per_epoch: 0,
            finished_epochs: 0,
            monitored: Vec::new(),
            last_draw: None,
        }
    }

    /// Sets the metrics that a line shows if there is no space for all of them. Default: the first
    /// one.
    pub fn monitor(&mut self, monitored: &[&str]) {
        let plain = |name: &&str| name.strip_prefix("val_").unwrap_or(name).to_string();
        self.monitored = monitored.iter().map(plain).collect();
        self.monitored.retain(|name| name != "loss");
    }

    /// Starts the progress, after `finished_epochs` if a run is resumed.
    pub fn start(&mut self, total_epochs: usize, samples_per_epoch: usize, finished_epochs: usize) {
        self.total_epochs = total_epochs;
        self.samples_per_epoch = samples_per_epoch;
        self.finished_epochs = finished_epochs;
        if let View::Bar(bar) = &self.view {
            bar.set_length(total_epochs as u64 * samples_per_epoch as u64);
            bar.set_position(finished_epochs as u64 * samples_per_epoch as u64);
            bar.reset_eta();
            bar.set_prefix(self.epoch_text(finished_epochs + 1));
        }
    }

    /// Returns whether the bar is due for a redraw. Some metrics take time to compute, so the
    /// caller computes them only then.
    pub fn is_due(&self) -> bool {
        let waited = self.last_draw.is_none_or(|last| last.elapsed() >= REDRAW);
        waited && matches!(self.view, View::Bar(_))
    }

    /// Returns the metric of a bar: the first that is monitored, or else the first.
    pub fn metric<'m>(&self, metrics: &'m [(String, f64)]) -> Option<(&'m str, f64)> {
        let monitored = metrics
            .iter()
            .find(|(name, _)| self.monitored.contains(name));
        let (name, value) = monitored.or(metrics.first())?;
        Some((name, *value))
    }

    /// Updates the bar with the number of samples done in this epoch, the loss and a metric.
    pub fn batch(&mut self, samples_done: usize, loss: f64, metric: Option<(&str, f64)>) {
        let View::Bar(bar) = &self.view else { return };
        self.last_draw = Some(Instant::now());
        bar.set_prefix(self.epoch_text(self.finished_epochs + 1));
        bar.set_position(
            self.finished_epochs as u64 * self.samples_per_epoch as u64 + samples_done as u64,
        );
        let mut text = values([("loss", loss)].into_iter().chain(metric));
        let speed = format!("  {} samples/s", count(bar.per_sec().round() as u64));
        if bar.per_sec() > 0.0 && width(&text) + width(&speed) <= MESSAGE {
            text.push_str(&speed);
        }
        bar.set_message(text);
    }

    /// Prints the line of a finished epoch.
    pub fn epoch_end(&mut self, record: &EpochRecord) {
        self.finished_epochs = record.epoch;
        let line = self.epoch_line(record);
        let keep = self.is_kept(record.epoch);
        match &mut self.view {
            View::Bar(bar) => {
                bar.set_position(record.epoch as u64 * self.samples_per_epoch as u64);
                if keep {
                    bar.println(line);
                }
            }
            View::Lines(stream) => {
                let _ = writeln!(stream, "{line}");
            }
        }
    }

    /// Removes the bar at the end of the training.
    pub fn finish(&mut self) {
        if let View::Bar(bar) = &self.view {
            bar.finish_and_clear();
        }
    }

    /// Returns whether a terminal shows this epoch's line.
    fn is_kept(&self, epoch: usize) -> bool {
        let every = self.total_epochs.div_ceil(LINES_KEPT).max(1);
        epoch == 1 || epoch.is_multiple_of(every) || epoch == self.total_epochs
    }

    fn epoch_text(&self, epoch: usize) -> String {
        let width = self.total_epochs.to_string().len();
        let epoch = epoch.min(self.total_epochs.max(1));
        format!("epoch {epoch:>width$}/{}", self.total_epochs)
    }

    /// Returns a line of at most [`WIDTH`] characters, as far as the names of the metrics allow.
    /// Where not all metrics fit, only the monitored ones are shown.
    fn epoch_line(&self, record: &EpochRecord) -> String {
        let mut line = format!(
            "{}  {}",
            self.epoch_text(record.epoch),
            pair("loss", record.loss, record.val_loss)
        );
        let texts = |chosen: &dyn Fn(usize, &str) -> bool| -> String {
            let metrics = record.metrics.iter().enumerate();
            metrics
                .filter(|(i, (name, _))| chosen(*i, name))
                .map(|(_, (name, x))| format!("  {}", pair(name, *x, record.val_metric(name))))
                .collect()
        };
        let all = texts(&|_, _| true);
        let metrics = if width(&line) + width(&all) <= WIDTH {
            all
        } else {
            let known = |name: &str| record.metric(name).is_some();
            let any = self.monitored.iter().any(|name| known(name));
            texts(&|i, name| match any {
                true => self.monitored.iter().any(|m| m == name),
                false => i == 0,
            })
        };
        line.push_str(&metrics);
        // On a terminal, the bar shows the rest.
        if matches!(self.view, View::Bar(_)) {
            return line;
        }
        let left = self.time_left(record).map(|left| format!("  {left} left"));
        let speed = (record.seconds > 0.0).then(|| {
            let speed = self.samples_per_epoch as f64 / record.seconds;
            format!("  {} samples/s", count(speed.round() as u64))
        });
        let time = Some(format!("  {}", duration(record.seconds)));
        // The time left matters most, and comes last. The last line has the parts of the others.
        let mut rest = left.unwrap_or_default();
        let missing = LEFT.saturating_sub(width(&rest));
        for part in [time, speed].into_iter().flatten() {
            if width(&line) + width(&part) + width(&rest) + missing <= WIDTH {
                rest.insert_str(0, &part);
            }
        }
        if width(&line) + width(&rest) <= WIDTH {
            line.push_str(&rest);
        }
        line
    }

    /// Estimates the remaining time from the time of this epoch.
    fn time_left(&self, record: &EpochRecord) -> Option<String> {
        let epochs = self.total_epochs.checked_sub(record.epoch)?;
        (epochs > 0).then(|| duration(epochs as f64 * record.seconds))
    }
}

impl Default for Progress {
    fn default() -> Self {
        Progress::new()
    }
}

/// Formats a value of the training split, and that of the validation split.
fn pair(name: &str, train: f64, validation: Option<f64>) -> String {
    match validation {
        Some(validation) => format!(
            "{name} {} val {}",
            metric(name, train),
            metric(name, validation)
        ),
        None => format!("{name} {}", metric(name, train)),
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn values<'a>(pairs: impl Iterator<Item = (&'a str, f64)>) -> String {
    let each: Vec<String> = pairs
        .map(|(name, x)| format!("{name} {}", metric(name, x)))
        .collect();
    each.join("  ")
}

#[cfg(test)]
mod tests {
    use indicatif::{InMemoryTerm, TermLike};

    use super::*;
    use crate::output::tests::Shared;

    fn record(epoch: usize) -> EpochRecord {
        EpochRecord {
            epoch,
            step: 10 * epoch as u64,
            seconds: 0.5,
            lr: 1e-3,
            loss: 0.25,
            metrics: vec![("accuracy".to_string(), 0.9)],
            val_loss: Some(0.5),
            val_metrics: vec![("accuracy".to_string(), 0.875)],
        }
    }

    #[test]
    fn a_line_an_epoch_without_a_terminal() {
        let stream = Shared::default();
        let mut progress = Progress::lines(Box::new(stream.clone()));
        progress.start(10, 1000, 0);
        progress.batch(500, 0.3, Some(("accuracy", 0.8)));
        progress.epoch_end(&record(9));
        progress.epoch_end(&record(10));
        progress.finish();
        assert_eq!(
            stream.text(),
            "epoch  9/10  loss 0.25 val 0.5  accuracy 90.00% val 87.50%  500 ms  500 ms left\n\
             epoch 10/10  loss 0.25 val 0.5  accuracy 90.00% val 87.50%  500 ms\n"
        );
    }

    #[test]
    fn a_line_shows_the_monitored_metrics_if_not_all_fit() {
        let mut progress = Progress::lines(Box::new(Shared::default()));
        progress.start(100, 1000, 0);
        let mut record = record(7);
        for name in ["balanced_accuracy", "roc_auc", "pr_auc"] {
            record.metrics.push((name.to_string(), 0.7512));
            record.val_metrics.push((name.to_string(), 0.7312));
        }
        assert_eq!(
            progress.epoch_line(&record),
            "epoch   7/100  loss 0.25 val 0.5  accuracy 90.00% val 87.50%  500 ms  46.5 s left"
                .replace("  500 ms", "")
        );
        progress.monitor(&["val_pr_auc", "val_loss"]);
        let line = progress.epoch_line(&record);
        assert!(line.contains("pr_auc 0.7512 val 0.7312"), "{line}");
        assert!(!line.contains("accuracy"), "{line}");
        assert!(line.chars().count() <= 80, "{line}");
    }

    #[test]
    fn a_bar_on_a_terminal() {
        let terminal = InMemoryTerm::new(10, 120);
        let target: Box<dyn TermLike> = Box::new(terminal.clone());
        let mut progress = Progress::bar(ProgressDrawTarget::term_like_with_hz(target, 255));
        progress.start(4, 100, 1);
        progress.batch(50, 0.3, Some(("accuracy", 0.8)));
        std::thread::sleep(REDRAW);
        progress.batch(100, 0.2, Some(("accuracy", 0.85)));
        let shown = terminal.contents();
        assert!(shown.contains("epoch 2/4"), "{shown}");
        assert!(shown.contains(" 50%  loss 0.2  accuracy 85.00%"), "{shown}");
        assert!(shown.contains("left"), "{shown}");
        progress.epoch_end(&record(2));
        let shown = terminal.contents();
        assert!(
            shown.starts_with("epoch 2/4  loss 0.25 val 0.5  accuracy 90.00%"),
            "{shown}"
        );
        progress.finish();
        assert_eq!(terminal.contents().lines().count(), 1);
    }

    #[test]
    fn a_bar_fits_in_80_columns_with_the_monitored_metric() {
        let terminal = InMemoryTerm::new(10, 80);
        let target: Box<dyn TermLike> = Box::new(terminal.clone());
        let mut progress = Progress::bar(ProgressDrawTarget::term_like_with_hz(target, 255));
        progress.monitor(&["val_balanced_accuracy"]);
        progress.start(1000, 100, 1);
        let metrics = [
            ("mcc".to_string(), 0.5),
            ("balanced_accuracy".to_string(), 0.8),
        ];
        progress.batch(50, 0.3123, progress.metric(&metrics));
        std::thread::sleep(REDRAW);
        progress.batch(60, 0.3123, progress.metric(&metrics));
        let shown = terminal.contents();
        assert!(shown.contains("balanced_accuracy 80.00%"), "{shown}");
        assert!(shown.ends_with("left"), "{shown}");
        assert_eq!(shown.lines().count(), 1);
        assert_eq!(progress.metric(&metrics[..1]), Some(("mcc", 0.5)));
        progress.finish();
    }

    #[test]
    fn a_terminal_does_not_fill_up() {
        let mut progress = Progress::lines(Box::new(Shared::default()));
        for (epochs, most) in [(1, 1), (20, 20), (60, 21), (10_000, 21)] {
            progress.start(epochs, 1, 0);
            let kept = (1..=epochs).filter(|e| progress.is_kept(*e)).count();
            assert!(kept <= most && kept >= epochs.min(20), "{epochs}: {kept}");
        }
    }

    #[test]
    fn nothing_divides_by_zero() {
        let stream = Shared::default();
        let mut progress = Progress::lines(Box::new(stream.clone()));
        progress.start(0, 0, 0);
        progress.batch(0, f64::NAN, None);
        progress.epoch_end(&EpochRecord {
            loss: f64::NAN,
            ..EpochRecord::default()
        });
        assert!(stream.text().contains("loss NaN"), "{}", stream.text());
    }
}
