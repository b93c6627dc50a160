//! Runs a trial on a device, step by step and variant by variant.

use std::sync::Arc;

use crate::exec::Program;
use crate::exec::expected::Expected;
use crate::exec::inspect::Walk;
use crate::exec::interpreter::words_of;
use crate::graph::Phase;
use crate::plan::{Layout, Plan, plan};
use crate::{Device, Error, Result, Shape};

use super::report::Row;
use super::trial::Trial;

/// The rows of a trial, and the ops whose results were compared.
pub(super) struct Found {
    pub rows: Vec<Row>,
    pub names: Vec<&'static str>,
}

/// Runs a trial. Returns an error only if the device is lost; other errors become rows.
///
/// `change` may break the plan, to test that the doctor detects it.
pub(super) fn examine(device: &Device, trial: &Trial, change: &dyn Fn(&mut Plan)) -> Result<Found> {
    let mut found = Found {
        rows: Vec::new(),
        names: Vec::new(),
    };
    match try_examine(device, trial, change, &mut found) {
        Ok(()) => Ok(found),
        Err(error @ Error::DeviceLost { .. }) => Err(error),
        Err(error) => {
            let mut row = row(trial, Phase::Forward, Shape::scalar());
            row.error = f64::INFINITY;
            row.problem = Some(error.to_string());
            found.rows.push(row);
            Ok(found)
        }
    }
}

fn row(trial: &Trial, phase: Phase, shape: Shape) -> Row {
    Row {
        op: trial.op.clone(),
        case: trial.name.clone(),
        phase,
        shape,
        kernel: String::new(),
        variant: 0,
        error: 0.0,
        problem: None,
    }
}

fn try_examine(
    device: &Device,
    trial: &Trial,
    change: &dyn Fn(&mut Plan),
    found: &mut Found,
) -> Result<()> {
    let (graph, values) = trial.trace()?;
    let layout = Arc::new(Layout::new(&graph.variables));
    let mut plan = plan(&graph, &layout, &device.kernel_limits())?;
    change(&mut plan);
    let plan = Arc::new(plan);
    let program = Program {
        layout: Arc::clone(&layout),
        plans: vec![Arc::clone(&plan)],
    };
    let nothing = || Error::argument("the device", device.name(), "one that runs kernels");
    let mut executor = device.stepwise(program)?.ok_or_else(nothing)?;
    for (i, (variable, array)) in graph.variables.iter().zip(&values.variables).enumerate() {
        executor.write_variable(i, &words_of(variable.meta.dtype, array))?;
    }
    let mut given = Vec::with_capacity(plan.inputs.len());
    for port in &plan.inputs {
        let missing = || Error::internal("the doctor", format!("no value for {}", port.name));
        let array = values.inputs.get(&port.name).ok_or_else(missing)?;
        given.push(words_of(port.meta.dtype, array));
    }
    let given: Vec<&[u32]> = given.iter().map(Vec::as_slice).collect();
    let mut walk = Walk::start(executor.as_mut(), &plan, 0, &given)?;
    for (at, step) in plan.steps.iter().enumerate() {
        let expected = walk.expect(step)?;
        let nodes = step.nodes.iter().map(|&id| plan.graph.node(id).op.name());
        found.names.extend(nodes);
        let first = variants(trial, &plan, &mut walk, at, &expected, found)?;
        // No variant computed this step, so the following steps have no valid inputs.
        let Some(first) = first else { return Ok(()) };
        walk.accept(step, first);
    }
    if plan.steps.is_empty() {
        // The plan has no steps: the outputs are inputs.
        found.rows.push(row(trial, Phase::Forward, Shape::scalar()));
    }
    walk.finish(&layout).map(drop)
}

/// Runs a step with each of its variants. The result of the first one is kept for the following
/// steps.
fn variants(
    trial: &Trial,
    plan: &Plan,
    walk: &mut Walk,
    at: usize,
    expected: &[Expected],
    found: &mut Found,
) -> Result<Option<Vec<Vec<u32>>>> {
    let (mut phase, mut shape) = (Phase::Forward, Shape::scalar());
    if let Some(output) = expected.first() {
        let node = plan.graph.node(output.node);
        (phase, shape) = (node.phase, node.meta.shape.clone());
    }
    let mut first: Option<(usize, Vec<Vec<u32>>)> = None;
    let count = walk.variants(at).max(1);
    let mut last = 0;
    for variant in (0..count).filter(|v| trial.runs(at, *v)) {
        last = variant;
        let mut row = row(trial, phase, shape.clone());
        row.variant = variant;
        row.kernel = walk.kernel_name(at, variant);
        match walk.run(at, Some(variant)) {
            Err(error @ Error::DeviceLost { .. }) => return Err(error),
            Err(error) => {
                row.error = f64::INFINITY;
                row.problem = Some(error.to_string());
            }
            Ok(outputs) => {
                compare(plan, walk, expected, &outputs, &mut row);
                match &first {
                    Some((other, bits)) if *bits != outputs && row.passed() => {
                        row.problem =
                            Some(format!("the bits differ from those of variant {other}"));
                    }
                    Some(_) => {}
                    None => first = Some((variant, outputs)),
                }
            }
        }
        found.rows.push(row);
    }
    let Some((chosen, outputs)) = first else {
        return Ok(None);
    };
    match chosen == last {
        true => Ok(Some(outputs)),
        false => walk.run(at, Some(chosen)).map(Some),
    }
}

/// Sets the largest error of a row, and describes it if it exceeds the tolerance.
fn compare(plan: &Plan, walk: &Walk, expected: &[Expected], outputs: &[Vec<u32>], row: &mut Row) {
    for (expected, words) in expected.iter().zip(outputs) {
        let got = walk.array(expected.node, words);
        let Some(off) = expected.furthest(&got).filter(|d| d.error > row.error) else {
            continue;
        };
        row.error = off.error;
        if off.is_failure() {
            let op = plan.graph.node(expected.node).op.name();
            row.problem = Some(format!(
                "{op}, element {}: expected {}, found {}",
                off.index, off.want, off.got
            ));
        }
    }
}
