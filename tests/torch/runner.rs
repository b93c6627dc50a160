//! The comparisons of each case, and the devices on which they run.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libtest_mimic::{Failed, Trial};
use wgrad::autodiff::gradients;
use wgrad::exec::Program;
use wgrad::exec::interpreter::{array_of, words_of};
use wgrad::exec::reference::{Values, evaluate};
use wgrad::graph::{Graph, Init, Mode, Output, Role, VariableId};
use wgrad::ops::{self, Array};
use wgrad::plan::{Layout, plan};
use wgrad::{DType, Device, Tensor};

use crate::case::Case;
use crate::common;
use crate::fixture::{self, Fixture};

/// The tolerance of the reference, relative to the largest magnitude.
const EXACT: f64 = 1e-12;

/// The smallest magnitude to which errors are relative. A gradient that is 0 by cancellation is
/// computed as a rounding error.
const LEAST: f64 = 1e-2;

/// Only one GPU test runs at a time.
static GPU: Mutex<()> = Mutex::new(());

/// Waits until no other test uses the GPU.
pub fn alone() -> MutexGuard<'static, ()> {
    GPU.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The results of a device, by the fixture's keys.
type Results = BTreeMap<String, Array>;

/// The graph of a case. The value and the gradients are its outputs, named by the fixture's keys.
struct Traced {
    graph: Graph,
    values: Values,
}

/// Returns the tests of a file.
pub fn trials(file: &'static str, cases: Vec<Case>) -> Vec<Trial> {
    let fixtures = Arc::new(fixture::read(file));
    let in_rust: BTreeSet<String> = cases.iter().map(|c| c.fixture.to_string()).collect();
    let names: BTreeSet<&str> = cases.iter().map(|c| c.name).collect();
    let in_file: BTreeSet<String> = fixtures.keys().cloned().collect();
    let count = cases.len();
    let mut trials = vec![Trial::test(format!("{file}::meta"), move || {
        let alone: Vec<_> = in_rust.symmetric_difference(&in_file).collect();
        match (alone.is_empty(), names.len() == count) {
            (true, true) => Ok(()),
            (true, false) => Err("two cases have one name".into()),
            _ => Err(format!("only in the fixtures or only in Rust: {alone:?}").into()),
        }
    })];
    for case in cases {
        let Some(fixture) = fixtures.get(case.fixture) else {
            continue;
        };
        let shared = Arc::new((case, fixture.clone()));
        let mut add = |kind: &str, test: fn(&Case, &Fixture) -> Result<(), Failed>| {
            let shared = Arc::clone(&shared);
            let name = format!("{file}::{}::{kind}", shared.0.name);
            trials.push(Trial::test(name, move || test(&shared.0, &shared.1)));
        };
        add("reference", reference);
        add("cpu", |c, f| on(&Device::cpu(), c, f));
        add("gpu", |case, fixture| {
            let _alone = alone();
            match common::gpu() {
                Some(device) => on(&device, case, fixture),
                None => Ok(()),
            }
        });
    }
    trials
}

/// Checks that every file of fixtures is compared with something.
pub fn every_fixture_is_used(known: Vec<&'static str>) -> Trial {
    Trial::test("meta::every_fixture_is_used", move || {
        for entry in std::fs::read_dir(fixture::folder())? {
            let path = entry?.path();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let is_fixture = path.extension().is_some_and(|e| e == "safetensors");
            if is_fixture && !known.contains(&stem.as_ref()) {
                return Err(format!("{stem} has no cases").into());
            }
        }
        Ok(())
    })
}

fn reference(case: &Case, fixture: &Fixture) -> Result<(), Failed> {
    let Traced { graph, values } = trace(case, fixture)?;
    compare(case, &evaluated(&graph, &values)?, fixture, EXACT)?;
    // The graph after the passes computes the same mathematics.
    let layout = Layout::new(&graph.variables);
    let planned = plan(&graph, &layout, &Device::reference().kernel_limits())?;
    let results = evaluated(&planned.graph, &values)?;
    compare(case, &results, fixture, EXACT).map_err(|e| match e.message() {
        Some(message) => format!("after the passes: {message}").into(),
        None => e,
    })
}

/// Returns the results of the reference.
fn evaluated(graph: &Graph, values: &Values) -> Result<Results, Failed> {
    let nodes = evaluate(graph, values)?;
    let value = |id: wgrad::graph::NodeId| nodes[id.index()].clone().expect("a root's value");
    let outputs = graph.outputs.iter();
    let mut results: Results = outputs.map(|o| (o.name.clone(), value(o.node))).collect();
    for assign in &graph.assigns {
        let name = &graph.variables[assign.variable.index()].name;
        results.insert(format!("after/{name}"), value(assign.node));
    }
    Ok(results)
}

fn on(device: &Device, case: &Case, fixture: &Fixture) -> Result<(), Failed> {
    let Traced { graph, values } = trace(case, fixture)?;
    let layout = Arc::new(Layout::new(&graph.variables));
    let plan = Arc::new(plan(&graph, &layout, &device.kernel_limits())?);
    let program = Program {
        layout,
        plans: vec![Arc::clone(&plan)],
    };
    let mut executor = device.executor(program)?;
    let nan = |n: usize| vec![f32::NAN.to_bits(); n];
    let given = plan.inputs.iter().map(|p| {
        let array = &values.inputs[&p.name];
        words_of(p.meta.dtype, array)
    });
    let given: Vec<Vec<u32>> = given.collect();
    // Fills the plan's memory with NaN if possible, so that nothing relies on zeros.
    let poison = plan.inputs.iter().zip(&given).map(|(p, given)| {
        // Not for indices, which must be in range.
        if p.meta.dtype.is_float() {
            nan(given.len())
        } else {
            given.clone()
        }
    });
    let poison: Vec<Vec<u32>> = poison.collect();
    for inputs in [poison, given] {
        for (i, (variable, array)) in graph.variables.iter().zip(&values.variables).enumerate() {
            executor.write_variable(i, &words_of(variable.meta.dtype, array))?;
        }
        executor.run(0, &inputs.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
    }
    let scalars = executor.results(true)?.pop().expect("a finished run").words;
    let mut results = Results::new();
    for (port, &word) in plan.results.iter().zip(&scalars) {
        results.insert(port.name.clone(), array_of(&port.meta, &[word]));
    }
    for port in &plan.outputs {
        let words = executor.read_output(0, port)?;
        results.insert(port.name.clone(), array_of(&port.meta, &words));
    }
    for assign in &graph.assigns {
        let index = assign.variable.index();
        let variable = &graph.variables[index];
        let array = array_of(&variable.meta, &executor.read_variable(index)?);
        results.insert(format!("after/{}", variable.name), array);
    }
    compare(case, &results, fixture, case.tolerance)
}

/// Traces the graph of a case, with the values of the fixture.
fn trace(case: &Case, fixture: &Fixture) -> Result<Traced, Failed> {
    let shared = Rc::new(RefCell::new(Graph::new(case.mode)));
    let mut values = Values::default();
    let mut inputs = Vec::new();
    for (name, stored) in fixture.numbered("x") {
        let x = ops::input(&shared, &name, stored.array.shape.clone(), stored.dtype);
        values.inputs.insert(name.clone(), stored.array.clone());
        inputs.push((name, x));
    }
    let x: Vec<Tensor> = inputs.iter().map(|(_, x)| x.clone()).collect();
    let outputs = (case.trace)(&shared, &x);
    shared.borrow_mut().take_error()?;
    let variables = shared.borrow().variables.clone();
    let mut given = fixture.below("param/");
    for v in &variables {
        // A table is computed from the layer's settings; PyTorch's layer may not have it.
        if let (Role::Table, Init::Values(table)) = (&v.role, &v.init) {
            let data = table.iter().map(|&x| f64::from(x)).collect();
            values.variables.push(Array::new(v.shape().clone(), data));
            continue;
        }
        let Some(array) = given.remove(v.name.as_str()) else {
            return Err(format!("PyTorch has no parameter called {}", v.name).into());
        };
        if array.shape != *v.shape() {
            let (have, want) = (v.shape(), &array.shape);
            return Err(format!("{} has shape {have}, in PyTorch {want}", v.name).into());
        }
        values.variables.push(array.clone());
    }
    if !given.is_empty() {
        return Err(format!("only PyTorch has {:?}", given.keys()).into());
    }
    let weights = fixture.numbered("dy");
    let ys = fixture.numbered("y");
    if outputs.len() != ys.len() {
        return Err(format!("{} outputs, in PyTorch {}", outputs.len(), ys.len()).into());
    }
    let mut loss: Option<Tensor> = None;
    for ((output, (name, stored)), (label, dy)) in outputs.iter().zip(ys).zip(weights) {
        if output.shape() != stored.array.shape {
            let (have, want) = (output.shape(), &stored.array.shape);
            return Err(format!("{name} has shape {have}, in PyTorch {want}").into());
        }
        add_output(&shared, &name, output);
        values.inputs.insert(label.clone(), dy.array.clone());
        let dy = ops::input(&shared, &label, output.shape(), DType::F32);
        let part = (output * dy).sum(&[]);
        loss = Some(match loss {
            Some(sum) => sum + part,
            None => part,
        });
    }
    let mut wrt: Vec<(String, Tensor)> = inputs
        .into_iter()
        .filter(|(_, x)| x.dtype().is_float())
        .collect();
    for (i, v) in variables.iter().enumerate() {
        if v.role == Role::Parameter {
            wrt.push((v.name.clone(), ops::variable(&shared, VariableId::new(i))));
        }
    }
    let loss = loss.ok_or("the fixture has no output")?;
    let all: Vec<Tensor> = wrt.iter().map(|(_, x)| x.clone()).collect();
    for ((name, x), gradient) in wrt.iter().zip(gradients(&loss, &all)?) {
        let gradient = gradient.unwrap_or_else(|| x.zeros_like());
        add_output(&shared, &format!("grad/{name}"), &gradient);
    }
    let graph = shared.replace(Graph::new(Mode::Eval));
    Ok(Traced { graph, values })
}

fn add_output(shared: &Rc<RefCell<Graph>>, name: &str, tensor: &Tensor) {
    let node = tensor.id().expect("a tensor without a mistake");
    let name = name.to_string();
    shared.borrow_mut().outputs.push(Output { name, node });
}

/// Compares all results in the fixture, and no others, within a tolerance.
fn compare(
    case: &Case,
    results: &Results,
    fixture: &Fixture,
    tolerance: f64,
) -> Result<(), Failed> {
    let mut wanted: BTreeMap<String, &Array> = BTreeMap::new();
    for (name, stored) in fixture.numbered("y") {
        wanted.insert(name, &stored.array);
    }
    for prefix in ["grad/", "after/"] {
        for (name, array) in fixture.below(prefix) {
            wanted.insert(format!("{prefix}{name}"), array);
        }
    }
    let gradients = fixture.below("grad/");
    let steepest = gradients.values().map(|g| g.max_abs()).fold(0.0, f64::max);
    for name in case.cancelling {
        let all = gradients
            .get(name)
            .ok_or(format!("no gradient is called {name}"))?;
        if all.max_abs() > 1e-12 * steepest {
            return Err(format!("the gradient of {name} is not 0 in PyTorch").into());
        }
    }
    let extra: Vec<_> = results
        .keys()
        .filter(|k| !wanted.contains_key(*k))
        .collect();
    if !extra.is_empty() {
        return Err(format!("only wgrad has {extra:?}").into());
    }
    for (name, want) in wanted {
        let got = results.get(&name).ok_or(format!("wgrad has no {name}"))?;
        if got.shape != want.shape {
            return Err(
                format!("{name} has shape {}, in PyTorch {}", got.shape, want.shape).into(),
            );
        }
        let cancels = case.cancelling.iter().any(|c| name == format!("grad/{c}"));
        let least = if cancels { steepest } else { LEAST };
        let allowed = tolerance * want.max_abs().max(least);
        for (i, (got, want)) in got.data.iter().zip(&want.data).enumerate() {
            if !((got - want).abs() <= allowed) {
                return Err(format!(
                    "{name}, element {i}: {got}, in PyTorch {want}; {allowed:e} would be allowed"
                )
                .into());
            }
        }
    }
    Ok(())
}
