//! A profile as tables, at most 96 columns wide.

use std::fmt::{self, Write as _};
use std::time::Duration;

use crate::exec::{Clock, HostPhase};

use super::{Profile, Row};

/// The width of a label, in columns.
const LABEL: usize = 42;

/// The largest number of rows of a table; the rest is one row.
const ROWS: usize = 12;

impl Profile {
    /// Returns what was measured and by which clock, the time of a step, and the device's peak
    /// rates.
    pub fn heading(&self) -> String {
        let most = &self.roofline;
        let runs = self.runs.len();
        format!(
            "{}: {} timed training {} of {} samples\n\
             clock     {}\n\
             a step    {} ms with its parts timed, {} ms in ordinary training\n\
             roofline  {} GFLOP/s of fused multiply-adds, {} GB/s of copying",
            self.device,
            runs,
            if runs == 1 { "step" } else { "steps" },
            self.batch,
            self.clock,
            significant(milliseconds(self.total())),
            significant(milliseconds(self.plain)),
            significant(most.flops / 1e9),
            significant(most.bandwidth / 1e9),
        )
    }

    /// Formats rows as a table under `title`, the longest first. With `most`, only this number of
    /// rows, and the rest as one.
    pub fn table(&self, title: &str, rows: &[Row], most: Option<usize>) -> String {
        let mut text = String::new();
        let head = ["count", "ms", "share", "GFLOP/s", "of", "GB/s", "of"];
        let [count, ms, share, flops, a, bytes, b] = head;
        let _ = writeln!(
            text,
            "{title:<LABEL$} {count:>5} {ms:>9} {share:>7} {flops:>8} {a:>5} {bytes:>7} {b:>5}"
        );
        let most = most.unwrap_or(usize::MAX).max(1);
        // A rest of one row is shown as that row.
        let shown = if rows.len() <= most.saturating_add(1) {
            rows.len()
        } else {
            most
        };
        let (shown, rest) = rows.split_at(shown);
        for row in shown {
            let _ = writeln!(text, "{}", self.line(row));
        }
        if !rest.is_empty() {
            let _ = writeln!(text, "{}", self.line(&self.sum(rest)));
        }
        text
    }

    /// Formats the time on the host besides the steps as a table; 100% is all of it and the steps
    /// together.
    pub fn table_outside(&self) -> String {
        let mut text = String::new();
        let title = "outside the steps";
        let _ = writeln!(text, "{title:<LABEL$} {:>5} {:>9} {:>7}", "", "ms", "share");
        let total = self.total().as_secs_f64();
        let mut line = |label: &str, time: Duration| {
            let share = percent(time.as_secs_f64() / total.max(1e-12), 1);
            let ms = milliseconds(time);
            let _ = writeln!(text, "{label:<LABEL$} {:>5} {ms:>9.3} {share:>7}", "");
        };
        for (phase, time) in self.outside.iter().filter(|(_, time)| !time.is_zero()) {
            line(self.words(*phase), *time);
        }
        line("the steps", self.in_steps());
        line("all", self.total());
        text
    }

    /// Describes a phase.
    fn words(&self, phase: HostPhase) -> &'static str {
        match phase {
            HostPhase::Batch => "gathering the batch",
            HostPhase::Upload => "handing over the inputs",
            HostPhase::Encode => "encoding the commands",
            HostPhase::Submit => "submitting them",
            HostPhase::Run if self.clock == Clock::Timestamps => "waiting, beyond the steps",
            HostPhase::Run => "between the steps",
            HostPhase::Results => "fetching the results",
        }
    }

    fn sum(&self, rows: &[Row]) -> Row {
        Row {
            label: format!("{} more", rows.len()),
            count: rows.iter().map(|row| row.count).sum(),
            time: rows.iter().map(|row| row.time).sum(),
            share: rows.iter().map(|row| row.share).sum(),
            flops: rows.iter().map(|row| row.flops).sum(),
            bytes: rows.iter().map(|row| row.bytes).sum(),
        }
    }

    fn line(&self, row: &Row) -> String {
        let (of_flops, of_bandwidth) = row.of(&self.roofline);
        let rate = |rate: f64| match rate > 0.0 {
            true => significant(rate / 1e9),
            false => "-".to_string(),
        };
        let of = |share: f64| match share > 0.0 {
            true => percent(share, 0),
            false => String::new(),
        };
        let label = shorten(&row.label);
        format!(
            "{label:<LABEL$} {:>5} {:>9.3} {:>7} {:>8} {:>5} {:>7} {:>5}",
            row.count,
            milliseconds(row.time),
            percent(row.share, 1),
            rate(row.flops_per_second()),
            of(of_flops),
            rate(row.bytes_per_second()),
            of(of_bandwidth),
        )
    }
}

/// The heading, and tables by op, by layer, by line of the program, by step, and of the time
/// outside of the steps. Each has at most twelve rows, with the rest as one.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.heading())?;
        for (title, rows) in [
            ("by op", self.by_op()),
            ("by layer", self.by_layer()),
            ("by line", self.by_source()),
            ("by step of the plan", self.by_step()),
        ] {
            writeln!(f, "{}", self.table(title, &rows, Some(ROWS)))?;
        }
        write!(f, "{}", self.table_outside().trim_end())
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$}%", share * 100.0)
}

/// Formats three significant digits, without an exponent.
fn significant(x: f64) -> String {
    let decimals = match x {
        x if x >= 100.0 => 0,
        x if x >= 10.0 => 1,
        x if x >= 1.0 => 2,
        _ => 3,
    };
    format!("{x:.decimals$}")
}

/// Shortens a label to its column: a path at its start, any other label at its end.
fn shorten(label: &str) -> String {
    let count = label.chars().count();
    if count <= LABEL {
        return label.to_string();
    }
    let is_path = label.contains('/') && !label.contains(' ');
    match is_path {
        true => ".."
            .chars()
            .chain(label.chars().skip(count - LABEL + 2))
            .collect(),
        false => label.chars().take(LABEL - 2).chain("..".chars()).collect(),
    }
}
