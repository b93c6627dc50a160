//! `wgrad doctor`: every kernel of this adapter against the reference.

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
use crate::text::{count, significant};
use wgrad::spec::DeviceSpec;

/// A check, as a JSON line.
#[derive(Serialize)]
struct Check<'a> {
    op: &'a str,
    case: &'a str,
    phase: &'static str,
    shape: &'a [usize],
    kernel: &'a str,
    variant: usize,
    /// In tolerances; nothing where it is infinite.
    error: f64,
    passed: bool,
    problem: Option<&'a str>,
}

/// The last JSON line.
#[derive(Serialize)]
struct Done<'a> {
    adapter: &'a str,
    driver: &'a str,
    checked: usize,
    failed: usize,
    /// Of all cases,
    cases: usize,
    /// so many were run.
    run: usize,
    seconds: f64,
}

/// Failures that are told one by one; the others are counted.
const TOLD: usize = 20;

/// Checks the adapter; fails where a kernel does.
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
    output.say(&format!("device  {}\ndriver  {driver}\n", device.name()));
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
    for row in report.failures().take(TOLD) {
        output.say(&format!("FAIL  {}", told(row)));
    }
    if failed > TOLD {
        output.say(&format!("      and {} more", failed - TOLD));
    }
    let seconds = start.elapsed().as_secs_f64();
    let cases: usize = report.listed.values().sum();
    let run: usize = report.run.values().sum();
    let rest = match cases - run {
        0 => String::new(),
        n => format!(
            "; {} more cases run the same shaders at other sizes or in other ops: --thorough",
            count(n as u64)
        ),
    };
    output.say(&format!(
        "{} checks in {} cases, {failed} failed, {} s{rest}",
        count(checked as u64),
        count(run as u64),
        significant(seconds, 3)
    ));
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

/// The device asked for; the best adapter where none was, one in software too where there is no
/// other.
fn open(choice: Option<&DeviceSpec>) -> Result<Device, Failure> {
    let device = match choice {
        None | Some(DeviceSpec::Auto) => Device::gpu(&Selector::SoftwareAllowed),
        Some(DeviceSpec::Cpu) => Ok(Device::cpu()),
        Some(DeviceSpec::Gpu) => Device::gpu(&Selector::Gpu),
        Some(DeviceSpec::Named(name)) => Device::gpu(&Selector::parse(name)),
    };
    device.map_err(Failure::Engine)
}

/// Hidden by itself where stderr is no terminal.
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

fn told(row: &Row) -> String {
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
        "{op} ({case}, {}) {shape}, {kernel}, variant {variant}: {error} tolerances off; {problem}",
        phase(row.phase)
    )
}

/// A line for each op: the largest error forward and backward, in units of what is allowed.
fn table(report: &Report) -> String {
    let lines = report.lines();
    let mut ops: Vec<&str> = Vec::new();
    for line in &lines {
        if !ops.contains(&line.op.as_str()) {
            ops.push(&line.op);
        }
    }
    let mut text = format!(
        "{:<20} {:>9} {:>9} {:>9} {:>11} {:>8} {:>9}\n",
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
        let verdict = match failed {
            0 => String::new(),
            n => format!("  {n} FAILED"),
        };
        text += &format!(
            "{op:<20} {:>9} {:>9} {:>9} {cases:>11} {checks:>8} {variants:>9}{verdict}\n",
            error("forward"),
            error("backward"),
            error("update"),
        );
    }
    text + "Errors are the largest ones, in units of what is allowed: up to 1 is fine.\n"
}
