//! `wgrad doctor`: checks the kernels on a device against the reference.

use std::collections::BTreeMap;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use wgrad::Device;
use wgrad::device::Selector;
use wgrad::doctor::{Line, Options, Report, Row, doctor};

use crate::args::DoctorArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::text::{count, significant, wrap};
use wgrad::spec::DeviceSpec;

/// A check, as a JSON event.
#[derive(Serialize)]
struct Check<'a> {
    op: &'a str,
    case: &'a str,
    phase: &'static str,
    shape: &'a [usize],
    kernel: &'a str,
    variant: usize,
    /// The error in units of the tolerance; null if it is infinite.
    error: f64,
    passed: bool,
    problem: Option<&'a str>,
}

/// The last JSON event.
#[derive(Serialize)]
struct Done<'a> {
    adapter: &'a str,
    driver: &'a str,
    checked: usize,
    failed: usize,
    /// The number of all cases.
    cases: usize,
    /// The number of cases that were run.
    run: usize,
    seconds: f64,
}

/// The start of further lines after a heading.
const INDENT: &str = "        ";
/// The number of failures that are listed; the others are only counted.
const MAX_LISTED_FAILURES: usize = 20;

/// Checks the device. Returns an error if a check fails.
pub fn run(args: &DoctorArgs, output: &mut Output) -> Result<(), Failure> {
    let start = Instant::now();
    let device = open(args.device.as_ref())?;
    let (adapter, driver) = match device.as_gpu().map(|g| g.info()) {
        Some(info) => {
            let driver = format!("{} {}", info.driver, info.driver_info);
            (info.name.clone(), driver.trim().to_string())
        }
        None => (device.name(), "none".to_string()),
    };
    output.say(&wrap(&format!("device  {}", device.name()), INDENT));
    output.say(&wrap(&format!("driver  {driver}"), INDENT));
    output.say("");
    let options = Options {
        only: args.op.clone().unwrap_or_default(),
        thorough: args.thorough,
    };
    let bar = bar();
    let report = doctor(&device, &options, &mut |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let report = report.map_err(Failure::Engine)?;
    for row in &report.rows {
        output.event("check", &check(row));
    }
    let (checked, failed) = (report.rows.len(), report.failed());
    output.say(&table(&report));
    for row in report.failures().take(MAX_LISTED_FAILURES) {
        output.say(&wrap(&format!("FAIL  {}", failure_line(row)), "      "));
    }
    if failed > MAX_LISTED_FAILURES {
        output.say(&format!("      and {} more", failed - MAX_LISTED_FAILURES));
    }
    let seconds = start.elapsed().as_secs_f64();
    let cases: usize = report.listed.values().sum();
    let run: usize = report.run.values().sum();
    if cases > run {
        let more = format!(
            "--thorough runs {} more cases: the same shaders at other sizes or in other ops",
            count((cases - run) as u64)
        );
        output.say(&wrap(&more, ""));
    }
    let kind = if device.as_gpu().is_some() {
        "GPU"
    } else {
        "CPU"
    };
    let verdict = match failed {
        0 => "computes correctly",
        _ => "computes wrong numbers",
    };
    let of = match &args.op {
        Some(op) => format!(" of the ops with {op:?} in their names"),
        None => String::new(),
    };
    let verdict = format!(
        "this {kind} {verdict}: {} checks{of} in {} cases, {} failed, {} s",
        count(checked as u64),
        count(run as u64),
        count(failed as u64),
        significant(seconds, 3)
    );
    output.say(&wrap(&verdict, ""));
    output.event(
        "done",
        &Done {
            adapter: &adapter,
            driver: &driver,
            checked,
            failed,
            cases,
            run,
            seconds,
        },
    );
    match failed {
        0 => Ok(()),
        n => Err(Failure::Found(format!(
            "{n} of {checked} checks failed on {adapter}"
        ))),
    }
}

/// Opens the requested device. Default: the best adapter, which may be a software adapter if there
/// is no other.
fn open(choice: Option<&DeviceSpec>) -> Result<Device, Failure> {
    let device = match choice {
        None | Some(DeviceSpec::Auto) => Device::gpu(&Selector::SoftwareAllowed),
        Some(DeviceSpec::Cpu) => Ok(Device::cpu()),
        Some(DeviceSpec::Gpu) => Device::gpu(&Selector::Gpu),
        Some(DeviceSpec::Named(name)) => Device::gpu(&Selector::parse(name)),
    };
    device.map_err(Failure::Engine)
}

/// Creates the progress bar, which is hidden if stderr is not a terminal.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len}  {elapsed}") {
        bar.set_style(style);
    }
    bar
}

fn phase(row: wgrad::graph::Phase) -> &'static str {
    match row {
        wgrad::graph::Phase::Forward => "forward",
        wgrad::graph::Phase::Backward => "backward",
        wgrad::graph::Phase::Update => "update",
    }
}

fn check(row: &Row) -> Check<'_> {
    Check {
        op: &row.op,
        case: &row.case,
        phase: phase(row.phase),
        shape: row.shape.dims(),
        kernel: &row.kernel,
        variant: row.variant,
        error: row.error,
        passed: row.passed(),
        problem: row.problem.as_deref(),
    }
}

fn failure_line(row: &Row) -> String {
    let Row {
        op,
        case,
        shape,
        kernel,
        variant,
        ..
    } = row;
    let problem = row.problem.as_deref().unwrap_or_default();
    let error = significant(row.error, 3);
    format!(
        "{op} ({case}, {}) {shape}, {kernel}, variant {variant}: error of {error} tolerances; {problem}",
        phase(row.phase)
    )
}

/// Returns a table with one line per op: its largest forward, backward and update errors, in units
/// of the tolerance.
fn table(report: &Report) -> String {
    let lines = report.lines();
    let mut ops: Vec<&str> = Vec::new();
    for line in &lines {
        if !ops.contains(&line.op.as_str()) {
            ops.push(&line.op);
        }
    }
    let mut text = format!(
        "{:<20} {:>8} {:>8} {:>8} {:>11} {:>7} {:>8}\n",
        "op", "forward", "backward", "update", "cases", "checks", "variants"
    );
    for op in ops {
        let of_op: Vec<&Line> = lines.iter().filter(|l| l.op == op).collect();
        let error = |name: &str| {
            let line = of_op.iter().find(|l| phase(l.phase) == name);
            line.map_or("-".to_string(), |l| significant(l.error, 2))
        };
        let checks: usize = of_op.iter().map(|l| l.checked).sum();
        let failed: usize = of_op.iter().map(|l| l.failed).sum();
        let variants = of_op.iter().map(|l| l.variants).max().unwrap_or(0);
        let of = |counts: &BTreeMap<String, usize>| counts.get(op).copied().unwrap_or(0);
        let cases = format!("{} of {}", of(&report.run), of(&report.listed));
        let mark = if failed > 0 { " !" } else { "" };
        text += &format!(
            "{op:<20} {:>8} {:>8} {:>8} {cases:>11} {checks:>7} {variants:>8}{mark}\n",
            error("forward"),
            error("backward"),
            error("update"),
        );
    }
    text += "Each error is the largest of its op, in units of the tolerance: up to 1 passes.\n";
    if lines.iter().any(|line| line.failed > 0) {
        text += "Checks of the ops with ! failed.\n";
    }
    text
}
