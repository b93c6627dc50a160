//! The tests of a case.
//!
//! - `reference`: compares the f64 reference with the expected values of the case;
//! - `gradient`: compares autodiff with the expected gradient of the case, or with central
//!   differences, both in f64;
//! - each device: compares results and gradients with the reference.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use libtest_mimic::{Failed, Trial};
use wgrad::doctor::{Case, values};
use wgrad::exec::expected::{Expected, expected};
use wgrad::exec::reference::{Values, evaluate};
use wgrad::graph::{Graph, NodeId, Output};
use wgrad::ops::Array;
use wgrad::random::Stream;

use crate::common;
use crate::device::{Run, devices};

type Outcome = Result<(), Failed>;

/// Returns the tests of a case. On the GPU, only cases in `chosen` run, unless it is `None`.
pub fn trials(case: Case, chosen: Option<&BTreeSet<(String, String)>>) -> Vec<Trial> {
    let on_gpu = chosen.is_none_or(|c| c.contains(&(case.op.clone(), case.name.clone())));
    let case = Arc::new(case);
    let name = format!("{}::{}", case.op, case.name);
    let trial = |kind: &str, test: Box<dyn Fn(&Case) -> Outcome + Send>| {
        let case = Arc::clone(&case);
        Trial::test(format!("{name}::{kind}"), move || test(&case))
    };
    if let Some(message) = case.error {
        return vec![trial("error", Box::new(move |case| fails(case, message)))];
    }
    let mut trials = vec![
        trial("reference", Box::new(reference)),
        trial("gradient", Box::new(gradient)),
    ];
    for (device, run) in devices().into_iter().filter(|d| on_gpu || d.0 != "gpu") {
        trials.push(trial(device, Box::new(move |case| on_device(case, run))));
    }
    trials
}

fn fails(case: &Case, message: &str) -> Outcome {
    match case.trace() {
        Ok(_) => Err("traced without an error".into()),
        Err(e) => says(&e.to_string(), message),
    }
}

fn says(error: &str, message: &str) -> Outcome {
    match error.contains(message) {
        true => Ok(()),
        false => Err(format!("the error does not say {message:?}:\n{error}").into()),
    }
}

/// Returns the outputs of the graph, computed by the reference.
fn outputs(graph: &Graph, values: &Values) -> Result<Vec<Array>, Failed> {
    let results = evaluate(graph, values)?;
    let output = |o: &Output| {
        results[o.node.index()]
            .clone()
            .ok_or(Failed::from("not computed"))
    };
    graph.outputs.iter().map(output).collect()
}

fn reference(case: &Case) -> Outcome {
    let traced = case.trace()?;
    traced.output("y", &traced.y)?;
    let graph = traced.graph.borrow();
    for seed in 0..draws(case, &graph) {
        let arguments = case.draw(seed);
        let y = &outputs(&graph, &values(&graph, &arguments, seed))?[0];
        match &case.formula {
            Some(formula) => matches(&y.data, &formula(&arguments))?,
            None => {
                if let Some(bad) = y.data.iter().position(|v| !v.is_finite()) {
                    return Err(format!("element {bad} is {}", y.data[bad]).into());
                }
            }
        }
    }
    Ok(())
}

/// Compares elements computed in f64 with the expected ones. Infinities and NaN equal themselves.
fn matches(got: &[f64], want: &[f64]) -> Outcome {
    if want.len() != got.len() {
        return Err(format!("{} elements instead of {}", got.len(), want.len()).into());
    }
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let equal = got == want || got.is_nan() && want.is_nan();
        let near = want.is_finite() && (got - want).abs() <= 1e-12 + 1e-11 * want.abs();
        if !equal && !near {
            return Err(format!("element {i} is {got}, but should be {want}").into());
        }
    }
    Ok(())
}

/// The number of floating-point operations from which a case is large.
const LARGE: f64 = 1e6;

/// Returns the floating-point operations of a graph.
fn work(graph: &Graph) -> f64 {
    let of = |id: NodeId| {
        let inputs = graph.node(id).inputs.iter();
        let inputs: Vec<_> = inputs.map(|&x| graph.meta(x).clone()).collect();
        graph.node(id).op.def().flops(&inputs, graph.meta(id))
    };
    graph.ids().map(of).sum()
}

/// Returns how many times the arguments of a case are drawn: usually ten.
///
/// Large cases are drawn three times, because the f64 reference takes most of the time. In the
/// further modes of `tests/run.sh`, cases are drawn twice: these run the same kernels with other
/// limits or without checks.
/// other numbers, the usual mode has shown.
pub fn draws(case: &Case, graph: &Graph) -> u64 {
    let elements: usize = graph.nodes().iter().map(|n| n.meta.shape.len()).sum();
    match case.is_random() {
        false => 1,
        true if !common::is_usual() => 2,
        true if work(graph) + elements as f64 > LARGE => 3,
        true => 10,
    }
}

fn gradient(case: &Case) -> Outcome {
    let backward = case.trace()?;
    if !backward.y.dtype().is_float() || !case.arguments.iter().any(|a| a.varies) {
        return Ok(());
    }
    if let Some(message) = case.no_gradient {
        return match backward.add_gradients(case) {
            Ok(_) => Err("differentiated without an error".into()),
            Err(e) => says(&e.to_string(), message),
        };
    }
    let with_gradient = backward.add_gradients(case)?;
    if let Some(formula) = &case.gradient {
        let graph = backward.graph.borrow();
        for seed in 0..draws(case, &graph) {
            let arguments = case.draw(seed);
            let values = values(&graph, &arguments, seed);
            let found = outputs(&graph, &values)?;
            let dy = values.inputs.get("r").ok_or("no gradient of the result")?;
            let dx = found.first().ok_or("no gradient of an argument")?;
            matches(&dx.data, &formula(&arguments, &dy.data))?;
        }
        return Ok(());
    }
    let forward = case.trace()?;
    forward.output("loss", &forward.loss())?;
    let (backward, forward) = (backward.graph.borrow(), forward.graph.borrow());
    let coordinates = if work(&forward) > LARGE { 0 } else { 10 };
    for seed in 0..draws(case, &backward) {
        let arguments = case.draw(seed);
        let found = outputs(&backward, &values(&backward, &arguments, seed))?;
        for (i, argument) in case.arguments.iter().enumerate().filter(|(_, a)| a.varies) {
            let zero = Array::zeros(argument.shape.clone());
            let at = with_gradient.iter().position(|&g| g == i);
            let dx = at.map_or(&zero, |at| &found[at]);
            // An argument without a gradient must have zero differences too.
            let mut stream = Stream::new(seed).child(2000 + i as u64);
            let n = argument.shape.len();
            let everywhere: Vec<f64> = (0..n).map(|_| f64::from(stream.uniform()) - 0.5).collect();
            let mut directions = vec![everywhere];
            for _ in 0..coordinates.min(n) {
                let mut one = vec![0.0; n];
                one[stream.below(n as u32) as usize] = 1.0;
                directions.push(one);
            }
            for direction in directions {
                let along = |h: f64| -> Result<f64, Failed> {
                    let mut moved = arguments.clone();
                    for (x, d) in moved[i].data.iter_mut().zip(&direction) {
                        *x += h * d;
                    }
                    Ok(outputs(&forward, &values(&forward, &moved, seed))?[0].data[0])
                };
                // The five-point formula, with an error of h^4.
                let h = 1e-4;
                let difference = (8.0 * (along(h)? - along(-h)?)
                    - (along(2.0 * h)? - along(-2.0 * h)?))
                    / (12.0 * h);
                let terms = || dx.data.iter().zip(&direction).map(|(g, d)| g * d);
                let (product, size) = (terms().sum::<f64>(), terms().map(f64::abs).sum::<f64>());
                let error = (product - difference).abs();
                if !(error <= 1e-7 + 1e-7 * size.max(difference.abs())) {
                    let at = direction.iter().position(|&d| d == 1.0);
                    let at =
                        at.map_or("a random direction".to_string(), |i| format!("element {i}"));
                    return Err(format!(
                        "argument {i}, {at}, seed {seed}: autodiff gives {product}, differences \
                         {difference}"
                    )
                    .into());
                }
            }
        }
    }
    Ok(())
}

fn on_device(case: &Case, run: Run) -> Outcome {
    let traced = case.trace()?;
    traced.add_outputs(case)?;
    let graph = traced.graph.borrow();
    let wanted = wanted(case, &graph)?;
    let given: Vec<Values> = wanted.iter().map(|(values, _)| values.clone()).collect();
    let results = run(&graph, &given)?;
    for (seed, ((_, want), got)) in wanted.iter().zip(results).enumerate() {
        for ((output, want), got) in graph.outputs.iter().zip(want).zip(got) {
            if got.shape != want.value.shape {
                return Err(format!("{} has shape {}", output.name, got.shape).into());
            }
            if let Some(off) = want.furthest(&got).filter(|d| d.is_failure()) {
                return Err(format!(
                    "{}, element {}, seed {seed}: {} instead of {}, an error of {:.3} tolerances",
                    output.name, off.index, off.got, off.want, off.error
                )
                .into());
            }
        }
    }
    Ok(())
}

/// The arguments of each draw, and the expected results.
type Wanted = Vec<(Values, Vec<Expected>)>;

/// The number of cases whose expected results are kept. The tests of a case are adjacent, and the
/// devices share the results.
const KEPT: usize = 4;

/// The expected results of a case, computed by the first of its tests that requires them.
type Slot = Arc<OnceLock<Result<Arc<Wanted>, String>>>;

/// Returns the expected results of a case's graph.
fn wanted(case: &Case, graph: &Graph) -> Result<Arc<Wanted>, Failed> {
    static RECENT: Mutex<VecDeque<(String, Slot)>> = Mutex::new(VecDeque::new());
    let name = format!("{}::{}", case.op, case.name);
    let slot = {
        let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        match recent.iter().find(|(known, _)| *known == name) {
            Some((_, slot)) => Arc::clone(slot),
            None => {
                recent.truncate(KEPT - 1);
                recent.push_front((name, Slot::default()));
                Arc::clone(&recent[0].1)
            }
        }
    };
    let nodes: Vec<NodeId> = graph.outputs.iter().map(|o| o.node).collect();
    let one = |seed| -> Result<_, String> {
        let values = values(graph, &case.draw(seed), seed);
        let want = expected(graph, &nodes, HashMap::new(), &values).map_err(|e| e.to_string())?;
        Ok((values, want))
    };
    let all = slot.get_or_init(|| {
        let all: Result<Wanted, String> = (0..draws(case, graph)).map(one).collect();
        all.map(Arc::new)
    });
    Ok(all.clone()?)
}
