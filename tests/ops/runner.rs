//! What is tested of each case.
//!
//! - `reference`: the f64 reference against what the case expects;
//! - `gradient`: autodiff against central differences, both in f64;
//! - each device: results and gradients against the reference.

use libtest_mimic::{Failed, Trial};
use std::sync::Arc;

use wgrad::autodiff::gradients;
use wgrad::exec::reference::{Values, evaluate, evaluate_node};
use wgrad::graph::{Graph, NodeId, Output};
use wgrad::ops::{self, Array, Tolerance};
use wgrad::random::Stream;
use wgrad::{DType, Tensor};

use crate::case::{Case, Traced, values};
use crate::device::{Run, devices};

type Outcome = Result<(), Failed>;

/// The tests of a case.
pub fn trials(case: Case) -> Vec<Trial> {
    let case = Arc::new(case);
    let name = format!("{}::{}", case.op, case.name);
    let trial = |kind: &str, test: Box<dyn Fn(&Case) -> Outcome + Send>| {
        let case = Arc::clone(&case);
        Trial::test(format!("{name}::{kind}"), move || test(&case))
    };
    if let Some(message) = case.mistake {
        return vec![trial(
            "mistake",
            Box::new(move |case| mistake(case, message)),
        )];
    }
    let mut trials = vec![
        trial("reference", Box::new(reference)),
        trial("gradient", Box::new(gradient)),
    ];
    for (device, run) in devices() {
        trials.push(trial(device, Box::new(move |case| on_device(case, run))));
    }
    trials
}

fn mistake(case: &Case, message: &str) -> Outcome {
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

fn add_output(graph: &std::cell::RefCell<Graph>, name: impl Into<String>, t: &Tensor) -> Outcome {
    let node = t.id().ok_or("a broken tensor")?;
    graph.borrow_mut().outputs.push(Output {
        name: name.into(),
        node,
    });
    Ok(())
}

/// The graph's outputs by the reference.
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
    for seed in 0..if case.is_random() { 3 } else { 1 } {
        let traced = case.trace()?;
        add_output(&traced.graph, "y", &traced.y)?;
        let graph = traced.graph.borrow();
        let arguments = case.draw(seed);
        let y = &outputs(&graph, &values(&graph, &arguments, seed))?[0];
        if let Some(bad) = y.data.iter().position(|v| !v.is_finite()) {
            return Err(format!("element {bad} is {}", y.data[bad]).into());
        }
        let Some(formula) = &case.formula else {
            continue;
        };
        let want = formula(&arguments);
        if want.len() != y.data.len() {
            return Err(format!("{} elements instead of {}", y.data.len(), want.len()).into());
        }
        for (i, (&got, want)) in y.data.iter().zip(want).enumerate() {
            if !((got - want).abs() <= 1e-12 + 1e-11 * want.abs()) {
                return Err(format!("element {i} is {got}, but should be {want}").into());
            }
        }
    }
    Ok(())
}

/// `sum(y r)`, which has a random cotangent `r`.
fn loss(traced: &Traced) -> Tensor {
    let r = ops::input(&traced.graph, "r", traced.y.shape(), DType::F32);
    (&traced.y * &r).sum(&[])
}

/// Adds the gradients of the arguments that vary as outputs `d0`, `d1`, ..; hands back which.
fn add_gradients(case: &Case, traced: &Traced) -> Result<Vec<usize>, Failed> {
    let varying: Vec<usize> = (0..traced.x.len())
        .filter(|&i| case.arguments[i].varies)
        .collect();
    let wrt: Vec<Tensor> = varying.iter().map(|&i| traced.x[i].clone()).collect();
    let found = gradients(&loss(traced), &wrt)?;
    let mut with_gradient = Vec::new();
    for (&i, dx) in varying.iter().zip(&found) {
        if let Some(dx) = dx {
            add_output(&traced.graph, format!("d{i}"), dx)?;
            with_gradient.push(i);
        }
    }
    Ok(with_gradient)
}

fn gradient(case: &Case) -> Outcome {
    let backward = case.trace()?;
    if !backward.y.dtype().is_float() || !case.arguments.iter().any(|a| a.varies) {
        return Ok(());
    }
    if let Some(message) = case.no_gradient {
        return match add_gradients(case, &backward) {
            Ok(_) => Err("differentiated without an error".into()),
            Err(e) => says(e.message().unwrap_or_default(), message),
        };
    }
    let with_gradient = add_gradients(case, &backward)?;
    let forward = case.trace()?;
    add_output(&forward.graph, "loss", &loss(&forward))?;
    let (backward, forward) = (backward.graph.borrow(), forward.graph.borrow());
    let work = |id: NodeId| {
        let inputs: Vec<_> = forward
            .node(id)
            .inputs
            .iter()
            .map(|&x| forward.meta(x).clone())
            .collect();
        forward.node(id).op.def().flops(&inputs, forward.meta(id))
    };
    let coordinates = if forward.ids().map(work).sum::<f64>() > 1e6 {
        0
    } else {
        10
    };
    for seed in 0..if case.is_random() { 3 } else { 1 } {
        let arguments = case.draw(seed);
        let found = outputs(&backward, &values(&backward, &arguments, seed))?;
        for (i, argument) in case.arguments.iter().enumerate().filter(|(_, a)| a.varies) {
            let zero = Array::zeros(argument.shape.clone());
            let at = with_gradient.iter().position(|&g| g == i);
            let dx = at.map_or(&zero, |at| &found[at]);
            // Where there is no gradient, the differences must be 0 too.
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
    add_output(&traced.graph, "y", &traced.y)?;
    if traced.y.dtype().is_float() && case.no_gradient.is_none() {
        add_gradients(case, &traced)?;
    }
    let graph = traced.graph.borrow();
    let seeds = if case.is_random() { 2 } else { 1 };
    let given: Vec<Values> = (0..seeds)
        .map(|s| values(&graph, &case.draw(s), s))
        .collect();
    let results = run(&graph, &given)?;
    for (seed, (values, got)) in given.iter().zip(results).enumerate() {
        let want = allowed(&graph, values)?;
        for ((output, (want, allowed)), got) in graph.outputs.iter().zip(want).zip(got) {
            if got.shape != want.shape {
                return Err(format!("{} has shape {}", output.name, got.shape).into());
            }
            for (i, (got, want)) in got.data.iter().zip(&want.data).enumerate() {
                let error = (got - want).abs();
                // So that a NaN fails.
                if !(error <= allowed[i]) {
                    return Err(format!(
                        "{}, element {i}, seed {seed}: {got} instead of {want}, off by {error:e} \
                         where {:e} is allowed",
                        output.name, allowed[i]
                    )
                    .into());
                }
            }
        }
    }
    Ok(())
}

/// How often the errors of the nodes before an output are drawn.
const DRAWS: u64 = 6;

/// The outputs by the reference, and for each element how far a device may be off: what the op's own
/// tolerance says, and twice the most that came through from the ops before it when each of their
/// elements was off by its tolerance, up or down at random.
fn allowed(graph: &Graph, values: &Values) -> Result<Vec<(Array, Vec<f64>)>, Failed> {
    let exact = evaluate(graph, values)?;
    let want = outputs(graph, values)?;
    let mut off: Vec<Vec<f64>> = want.iter().map(|y| vec![0.0; y.data.len()]).collect();
    for draw in 0..DRAWS {
        let mut stream = Stream::new(draw).child(3000);
        let mut results: Vec<Option<Array>> = vec![None; graph.nodes().len()];
        for id in graph.ids().filter(|id| exact[id.index()].is_some()) {
            let mut y = evaluate_node(graph, id, values, &results)?;
            for (output, off) in graph
                .outputs
                .iter()
                .zip(&mut off)
                .filter(|(o, _)| o.node == id)
            {
                let exact = exact[output.node.index()].as_ref().ok_or("not computed")?;
                for ((off, y), exact) in off.iter_mut().zip(&y.data).zip(&exact.data) {
                    *off = f64::max(*off, (y - exact).abs());
                }
            }
            let tolerance = tolerance(graph, id, &results, &y);
            if tolerance != Tolerance::EXACT && graph.meta(id).dtype.is_float() {
                for y in &mut y.data {
                    let most = tolerance.abs + tolerance.rel * y.abs();
                    *y += if stream.below(2) == 0 { most } else { -most };
                }
            }
            results[id.index()] = Some(y);
        }
    }
    let mut all = Vec::new();
    for ((output, y), mut off) in graph.outputs.iter().zip(want).zip(off) {
        let own = tolerance(graph, output.node, &exact, &y);
        for (off, y) in off.iter_mut().zip(&y.data) {
            *off = 2.0 * *off + own.abs + own.rel * y.abs();
        }
        all.push((y, off));
    }
    Ok(all)
}

fn tolerance(graph: &Graph, id: NodeId, results: &[Option<Array>], y: &Array) -> Tolerance {
    let node = graph.node(id);
    let x: Vec<&Array> = node
        .inputs
        .iter()
        .filter_map(|x| results[x.index()].as_ref())
        .collect();
    node.op.def().tolerance(&x, y)
}
