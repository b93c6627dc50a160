//! Scalar functions on NumPy's validation sets: on the CPU including infinities, NaN and
//! subnormals; on a GPU wherever WGSL specifies the accuracy.
//!
//! `tests/data/umath/` has a selection of these sets, see the README there. The tolerance of a
//! device is that of the function's row in the table. The reference must round to the expected
//! number or its neighbor.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use wgrad::exec::Program;
use wgrad::exec::reference::{Values, evaluate};
use wgrad::graph::{Function, Graph, Mode, Output};
use wgrad::ops::elementwise::functions;
use wgrad::ops::{self, Array};
use wgrad::plan::{Layout, plan};
use wgrad::{DType, Device, Tensor};

/// NumPy's name, the name of the row, the method, and the largest argument for GPUs. Beyond a few
/// thousand, the reduction of an angle in `f32` is not accurate.
type Row = (&'static str, &'static str, fn(&Tensor) -> Tensor, f32);

const ANGLES: f32 = 4000.0;
const ALL: f32 = f32::MAX;

const ROWS: [Row; 13] = [
    ("sin", "sine", |x| x.sin(), ANGLES),
    ("cos", "cosine", |x| x.cos(), ANGLES),
    ("tan", "tangent", |x| x.tan(), ANGLES),
    ("arcsin", "arcsine", |x| x.asin(), ALL),
    ("arccos", "arccosine", |x| x.acos(), ALL),
    ("arctan", "arctangent", |x| x.atan(), ALL),
    ("sinh", "hyperbolic_sine", |x| x.sinh(), ALL),
    ("cosh", "hyperbolic_cosine", |x| x.cosh(), ALL),
    ("tanh", "tanh_of", |x| x.tanh(), ALL),
    ("exp", "expo", |x| x.exp(), ALL),
    ("expm1", "expm1", |x| x.expm1(), ALL),
    ("log", "ln", |x| x.log(), ALL),
    ("log1p", "log1p", |x| x.log1p(), ALL),
];

/// Returns the arguments and results of a set.
fn set(name: &str) -> (Vec<f32>, Vec<f32>) {
    let file = format!("{}/tests/data/umath/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).expect(&file);
    let number = |hex: &str| {
        let bits = u32::from_str_radix(hex.trim_start_matches("0x"), 16);
        f32::from_bits(bits.expect(hex))
    };
    let pairs = text.lines().skip(1).map(|line| {
        let (x, y) = line.split_once(',').expect(line);
        (number(x), number(y))
    });
    let (x, y): (Vec<f32>, Vec<f32>) = pairs.unzip();
    assert!(x.len() > 50, "{file} holds {} lines", x.len());
    (x, y)
}

fn traced(f: fn(&Tensor) -> Tensor, n: usize) -> Graph {
    let graph = Rc::new(RefCell::new(Graph::new(Mode::Eval)));
    let y = f(&ops::input(&graph, "x", [n], DType::F32));
    let node = y.id().expect("no mistake was made");
    let name = "y".to_string();
    graph.borrow_mut().outputs.push(Output { name, node });
    graph.replace(Graph::new(Mode::Eval))
}

fn on(device: &Device, f: fn(&Tensor) -> Tensor, x: &[f32]) -> Vec<f32> {
    let graph = traced(f, x.len());
    let layout = Arc::new(Layout::new(&[]));
    let plan = Arc::new(plan(&graph, &layout, &device.kernel_limits()).expect("a plan"));
    let plans = vec![Arc::clone(&plan)];
    let mut executor = device
        .executor(Program { layout, plans })
        .expect("an executor");
    let words: Vec<u32> = x.iter().map(|x| x.to_bits()).collect();
    executor.run(0, &[&words]).expect("a run");
    executor.results(true).expect("its results");
    let port = plan.outputs.first().expect("one output");
    let words = executor.read_output(0, port).expect("the output");
    words.into_iter().map(f32::from_bits).collect()
}

/// Returns the tolerance of a device: a number of units in the last place, plus the error of
/// flushing subnormals.
fn allowed(f: &Function, x: f32, want: f32) -> f64 {
    let units = f.ulp + f.ulp_per_x * f64::from(x.abs());
    let relative = units * f64::from(f32::EPSILON) * f64::from(want.abs());
    relative + f.abs.max(1.2e-38)
}

fn row(name: &str) -> &'static Function {
    functions()
        .find(|f| f.name == name)
        .expect("a row of the table")
}

#[test]
fn the_reference_rounds_to_the_number_or_its_neighbour() {
    for (name, _, f, _) in ROWS {
        let (x, want) = set(name);
        let graph = traced(f, x.len());
        let mut values = Values::default();
        let given = x.iter().map(|x| f64::from(*x)).collect();
        values
            .inputs
            .insert("x".to_string(), Array::new([x.len()], given));
        let all = evaluate(&graph, &values).expect("a value");
        let got = all[graph.outputs[0].node.index()].as_ref().expect("y");
        for ((x, got), want) in x.iter().zip(&got.data).zip(want) {
            let got = *got as f32;
            let near = got.to_bits().abs_diff(want.to_bits()) <= 1;
            let same = got == want || (got.is_nan() && want.is_nan());
            assert!(near || same, "{name}({x:e}) is {got:e}, not {want:e}");
        }
    }
}

#[test]
fn the_cpu_is_as_accurate_as_the_table_says() {
    for (name, function, f, _) in ROWS {
        let (x, want) = set(name);
        for ((x, got), want) in x.iter().zip(on(&Device::cpu(), f, &x)).zip(want) {
            let same = got == want || (got.is_nan() && want.is_nan());
            let off = (f64::from(got) - f64::from(want)).abs();
            let near = off <= allowed(row(function), *x, want);
            assert!(near || same, "{name}({x:e}) is {got:e}, not {want:e}");
        }
    }
}

#[test]
fn on_a_gpu_they_are_as_accurate_as_the_table_says() {
    let Some(gpu) = common::gpu() else {
        return;
    };
    for (name, function, f, largest) in ROWS {
        let (x, want) = set(name);
        let mut compared = 0;
        for ((x, got), want) in x.iter().zip(on(&gpu, f, &x)).zip(want) {
            // WGSL may flush subnormals, and need not support infinities and NaN.
            let known = |v: f32| v.is_normal() || v == 0.0;
            if !known(*x) || !known(want) || x.abs() > largest {
                continue;
            }
            let off = (f64::from(got) - f64::from(want)).abs();
            assert!(
                off <= allowed(row(function), *x, want),
                "{name}({x:e}) is {got:e}, not {want:e}"
            );
            compared += 1;
        }
        assert!(compared > 20, "only {compared} of {name}");
    }
}
