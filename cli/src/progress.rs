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
const REDRAW: Duration = Duration::from_millis(50);

/// The progress of a training run.
pub struct Progress {
    view: View,
    total_epochs: usize,
    samples_per_epoch: usize,
    finished_epochs: usize,
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
            last_draw: None,
        }
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

    /// Updates the bar with the number of samples done in this epoch, the loss and a metric.
    pub fn batch(&mut self, samples_done: usize, loss: f64, metric: Option<(&str, f64)>) {
        let View::Bar(bar) = &self.view else { return };
        self.last_draw = Some(Instant::now());
        bar.set_prefix(self.epoch_text(self.finished_epochs + 1));
        bar.set_position(
            self.finished_epochs as u64 * self.samples_per_epoch as u64 + samples_done as u64,
        );
        let mut text = values([("loss", loss)].into_iter().chain(metric));
        let speed = bar.per_sec();
        if speed > 0.0 {
            text.push_str(&format!("  {} samples/s", count(speed.round() as u64)));
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

    fn epoch_line(&self, record: &EpochRecord) -> String {
        let names = record.metrics.iter().map(|(n, x)| (n.as_str(), *x));
        let mut line = format!(
            "{}  {}",
            self.epoch_text(record.epoch),
            values([("loss", record.loss)].into_iter().chain(names))
        );
        if let Some(loss) = record.val_loss {
            line.push_str(&format!("  val_loss {}", metric("loss", loss)));
        }
        for (name, value) in &record.val_metrics {
            line.push_str(&format!("  val_{name} {}", metric(name, *value)));
        }
        // On a terminal, the bar shows the rest, and the line does not wrap.
        if matches!(self.view, View::Bar(_)) {
            return line;
        }
        if record.seconds > 0.0 {
            let speed = self.samples_per_epoch as f64 / record.seconds;
            line.push_str(&format!("  {} samples/s", count(speed.round() as u64)));
        }
        line.push_str(&format!("  {}", duration(record.seconds)));
        if let Some(left) = self.time_left(record) {
            line.push_str(&format!("  {left} left"));
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

fn values<'a>(pairs: impl Iterator<Item = (&'a str, f64)>) -> String {
    let each: Vec<String> = pairs
        .map(|(name, x)| format!("{name} {}", metric(name, x)))
        .collect();
    each.join("  ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
            metrics: BTreeMap::from([("accuracy".to_string(), 0.9)]),
            val_loss: Some(0.5),
            val_metrics: BTreeMap::from([("accuracy".to_string(), 0.875)]),
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
            "epoch  9/10  loss 0.25  accuracy 90.00%  val_loss 0.5  val_accuracy 87.50%  2,000 samples/s  500 ms  500 ms left\n\
             epoch 10/10  loss 0.25  accuracy 90.00%  val_loss 0.5  val_accuracy 87.50%  2,000 samples/s  500 ms\n"
        );
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
            shown.starts_with("epoch 2/4  loss 0.25  accuracy 90.00%"),
            "{shown}"
        );
        progress.finish();
        assert_eq!(terminal.contents().lines().count(), 1);
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
