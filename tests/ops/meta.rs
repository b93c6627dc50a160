//! Checks that everything has a case.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use libtest_mimic::{Failed, Trial};
use wgrad::DType;
use wgrad::doctor::{KNOWN, cases, chosen, trials as doctor_trials};
use wgrad::exec::expected::expected;
use wgrad::exec::reference::Values;
use wgrad::graph::{Elementwise, Graph, Mode, Op};
use wgrad::kernel::KernelLimits;
use wgrad::ops::elementwise::functions;
use wgrad::ops::{self, Array};
use wgrad::plan::{Layout, plan};

/// Returns the names of the variants of `Op`, from its source, so that a new one needs no line
/// here.
fn variants() -> Vec<&'static str> {
    let text = include_str!("../../src/graph/op.rs");
    let body = text.split("pub enum Op {").nth(1).unwrap_or_default();
    let lines = body.split("\n}").next().unwrap_or_default().lines();
    let names = lines
        .filter_map(|line| line.trim().split_once('('))
        .map(|l| l.0);
    names.filter(|name| !name.starts_with("//")).collect()
}

/// Returns the variant of an op: the beginning of its text form.
fn variant(op: &Op) -> String {
    let text = format!("{op:?}");
    text.split('(').next().unwrap_or_default().to_string()
}

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("meta::every_op_has_a_case", every_op_has_a_case),
        Trial::test("meta::every_function_has_a_case", every_function_has_a_case),
        Trial::test("meta::case_names_differ", case_names_differ),
        Trial::test(
            "meta::every_op_has_eight_shapes_of_ten_draws",
            every_op_has_eight_shapes_of_ten_draws,
        ),
        Trial::test(
            "meta::what_a_chain_may_be_off_is_the_sum_of_its_parts",
            what_a_chain_may_be_off_is_the_sum_of_its_parts,
        ),
        Trial::test(
            "meta::the_doctor_leaves_no_op_and_no_shader_out",
            the_doctor_leaves_no_op_and_no_shader_out,
        ),
    ]
}

/// Returns the ops in all trials of the doctor and of these tests, forward and backward.
fn used() -> Result<Vec<Op>, Failed> {
    let mut ops = Vec::new();
    for trial in doctor_trials() {
        let (graph, _) = trial.trace()?;
        ops.extend(graph.nodes().iter().map(|n| n.op.clone()));
    }
    Ok(ops)
}

fn missing<'a>(
    wanted: impl IntoIterator<Item = &'a str>,
    have: &BTreeSet<&str>,
) -> Result<(), Failed> {
    let missing: Vec<&str> = wanted.into_iter().filter(|w| !have.contains(w)).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("no case for {missing:?}").into()),
    }
}

fn every_op_has_a_case() -> Result<(), Failed> {
    let ops = used()?;
    let have: BTreeSet<String> = ops.iter().map(variant).collect();
    let known = variants();
    if known.len() < 30 {
        return Err(format!("only {known:?} were found").into());
    }
    missing(known, &have.iter().map(String::as_str).collect())
}

fn every_function_has_a_case() -> Result<(), Failed> {
    let ops = used()?;
    let name = |op: &Op| match op {
        Op::Elementwise(Elementwise { function, .. }) => Some(function.name),
        _ => None,
    };
    let have = ops.iter().filter_map(name).collect();
    missing(functions().map(|f| f.name), &have)?;
    let known = KNOWN.iter().map(|k| k.0).collect();
    missing(functions().map(|f| f.name), &known)?;
    let all = functions().map(|f| f.name).collect();
    missing(KNOWN.iter().map(|k| k.0), &all)
}

/// Each op and function has at least eight kinds of inputs in cases that are drawn ten times.
fn every_op_has_eight_shapes_of_ten_draws() -> Result<(), Failed> {
    const SHAPES: usize = 8;
    if !crate::common::is_usual() {
        return Ok(());
    }
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for case in cases().iter().filter(|case| case.error.is_none()) {
        let traced = case.trace()?;
        traced.add_outputs(case)?;
        let graph = traced.graph.borrow();
        let often = crate::runner::draws(case, &graph) >= 10;
        for node in graph.nodes().iter().filter(|n| !n.inputs.is_empty()) {
            let name = match &node.op {
                Op::Elementwise(Elementwise { function, .. }) => function.name,
                op => op.name(),
            };
            let shapes = node.inputs.iter().map(|x| graph.meta(*x).shape.to_string());
            // Views are distinguished by their result too.
            let shapes = shapes.chain([node.meta.shape.to_string()]);
            let seen = found.entry(name.to_string()).or_default();
            seen.extend(often.then(|| shapes.collect::<Vec<_>>().join(" ")));
        }
    }
    let few = found.iter().filter(|(_, shapes)| shapes.len() < SHAPES);
    let few: Vec<String> = few.map(|(op, s)| format!("{op} {}", s.len())).collect();
    match few.is_empty() {
        true => Ok(()),
        false => Err(format!("fewer than {SHAPES} shapes: {}", few.join(", ")).into()),
    }
}

fn case_names_differ() -> Result<(), Failed> {
    let mut seen = BTreeSet::new();
    for case in cases() {
        let name = format!("{}::{}", case.op, case.name);
        if !seen.insert(name.clone()) {
            return Err(format!("two cases are called {name}").into());
        }
    }
    Ok(())
}

/// Devices for which ops have separate kernels.
fn limits() -> Vec<KernelLimits> {
    let with = |software, subgroups| KernelLimits {
        invocations: 1024,
        workgroup_bytes: 32768,
        storage_buffers: 32,
        software,
        subgroups: Some(subgroups),
        ..KernelLimits::WEBGPU
    };
    vec![
        KernelLimits::WEBGPU,
        with(false, (8, 32)),
        with(true, (8, 8)),
        with(true, (4, 4)),
    ]
}

/// Returns the WGSL files of the crate's ops, including libraries, by their path from its root. The
/// kernels that measure a device belong to no op, and their results are not used.
fn shaders() -> Result<BTreeSet<String>, Failed> {
    let mut files = BTreeSet::new();
    for folder in ["shaders", "shaders/lib"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in std::fs::read_dir(path)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".wgsl") && !name.starts_with("roofline_") {
                files.insert(format!("{folder}/{name}"));
            }
        }
    }
    Ok(files)
}

/// Returns the kernels of a step's variant, in order.
fn labels(variant: &[wgrad::plan::Dispatch]) -> Vec<&'static str> {
    variant.iter().map(|d| d.kernel.label).collect()
}

/// Returns those that are not among the others.
fn without(all: &[&'static str], others: &[&'static str]) -> Vec<&'static str> {
    let all = all.iter().copied();
    all.filter(|l| !others.contains(l)).collect()
}

/// The doctor's default trials contain every op, every function and every shader, all kinds of
/// steps of all its trials, every variant's sequence of kernels with each of their parts, and every
/// two kernels that replace each other in the same step. And they are a small part of all trials.
fn the_doctor_leaves_no_op_and_no_shader_out() -> Result<(), Failed> {
    let mut ops = BTreeSet::new();
    let mut files = BTreeSet::new();
    let all = doctor_trials();
    for limits in limits() {
        // By op, phase and what is computed: the shaders of each variant.
        let steps = |trials: &[wgrad::doctor::Trial]| -> Result<BTreeSet<String>, Failed> {
            let mut steps = BTreeSet::new();
            for trial in trials {
                let (graph, _) = trial.trace()?;
                let plan = plan(&graph, &Layout::new(&graph.variables), &limits)?;
                for (at, step) in plan.steps.iter().enumerate() {
                    let phase = step.outputs.first().map(|o| plan.graph.node(o.0).phase);
                    steps.insert(format!("{} {phase:?}", trial.op));
                    let variants = step.variants.iter().enumerate();
                    for (i, variant) in variants.filter(|(i, _)| trial.runs(at, *i)) {
                        let kernels = labels(variant);
                        steps.insert(format!("{kernels:?}"));
                        let files = variant.iter().flat_map(|d| {
                            let parts = d.kernel.parts.iter();
                            parts.map(|part| format!("{} with {}", d.kernel.label, part.file))
                        });
                        steps.extend(files);
                        if i > 0 {
                            // The bits of two variants are compared, even if they have common
                            // kernels.
                            let first =
                                step.variants.first().map(|v| labels(v)).unwrap_or_default();
                            let (a, b) = (without(&first, &kernels), without(&kernels, &first));
                            steps.insert(format!("{b:?} in place of {a:?}"));
                            continue;
                        }
                        // A chain is identified by its functions, a kernel by its op.
                        let made_of = match step.anchor {
                            Some(op) => plan.graph.node(op).op.name(),
                            None => &step.label,
                        };
                        steps.insert(format!("{made_of} {kernels:?}"));
                    }
                }
            }
            Ok(steps)
        };
        let run = chosen(&limits);
        if run.len() * 2 > all.len() {
            return Err(format!("{} of {} trials are run", run.len(), all.len()).into());
        }
        let (have, wanted) = (steps(&run)?, steps(&all)?);
        if let Some(step) = wanted.difference(&have).next() {
            return Err(format!("nothing runs {step}").into());
        }
        for trial in &run {
            let (graph, _) = trial.trace()?;
            ops.extend(graph.nodes().iter().map(|n| variant(&n.op)));
            ops.extend(graph.nodes().iter().map(|n| n.op.name().to_string()));
            let plan = plan(&graph, &Layout::new(&graph.variables), &limits)?;
            let steps = plan.steps.iter().enumerate();
            let dispatches = steps.flat_map(|(at, step)| {
                let variants = step.variants.iter().enumerate();
                let run = variants.filter(move |(i, _)| trial.runs(at, *i));
                run.flat_map(|(_, dispatches)| dispatches)
            });
            let parts = dispatches.flat_map(|d| &d.kernel.parts);
            files.extend(parts.map(|part| part.file.to_string()));
        }
    }
    let have: BTreeSet<&str> = ops.iter().map(String::as_str).collect();
    missing(variants(), &have)?;
    missing(functions().map(|f| f.name), &have)?;
    let shaders = shaders()?;
    if shaders.len() < 60 {
        return Err(format!("only {shaders:?} were found").into());
    }
    let have = files.iter().map(String::as_str).collect();
    missing(shaders.iter().map(String::as_str), &have)
}

/// In `|x|^2 sign(x) s`, all factors have the same tolerance, so drawn errors cancel for some of
/// the elements. The tolerance of the result must not.
fn what_a_chain_may_be_off_is_the_sum_of_its_parts() -> Result<(), Failed> {
    let n = 6054;
    let graph = Rc::new(RefCell::new(Graph::new(Mode::Train)));
    let [x, s] = ["x", "s"].map(|name| ops::input(&graph, name, [n], DType::F32));
    let y = x.abs().square() * x.sign() * &s;
    let (Some(x), Some(s), Some(y)) = (x.id(), s.id(), y.id()) else {
        return Err("tracing failed".into());
    };
    let numbers = |step: usize| {
        let one = |i: usize| f64::from(0.37 + ((i * step) % 997) as f32 / 997.0);
        let sign = |i: usize| {
            if (i * step).is_multiple_of(3) {
                -1.0
            } else {
                1.0
            }
        };
        Array::new([n], (0..n).map(|i| one(i) * sign(i)).collect())
    };
    let known = HashMap::from([(x, numbers(7)), (s, numbers(11))]);
    let found = expected(&graph.borrow(), &[y], known, &Values::default())?;
    // The tolerance of a function, relative to its value: squaring doubles the error of the
    // magnitude.
    let unit = |name: &str| functions().find(|f| f.name == name).map_or(0.0, |f| f.ulp);
    let sum = 2.0 * unit("abs") + unit("square") + 2.0 * unit("mul");
    let least = sum * f64::from(f32::EPSILON) * 0.99;
    for found in found {
        for (i, (y, allowed)) in found.value.data.iter().zip(&found.allowed).enumerate() {
            let relative = allowed / y.abs();
            if relative < least {
                return Err(format!("element {i}: {relative} of {y} instead of {least}").into());
            }
            // In the worst draws, all errors have the same sign and count twice.
            if relative > 2.1 * least {
                return Err(format!("element {i}: {relative} of {y}, twice {least}").into());
            }
        }
    }
    Ok(())
}
