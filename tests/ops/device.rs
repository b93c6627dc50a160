//! The devices on which every case runs, in addition to the reference.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use wgrad::exec::reference::Values;
use wgrad::exec::{Executor, Program};
use wgrad::graph::{Graph, Meta, Op};
use wgrad::kernel::View;
use wgrad::ops::{Array, HostRef, OpKind};
use wgrad::plan::{Layout, Plan, plan};
use wgrad::{DType, Device, Error};

use crate::common;

/// Computes the outputs of a graph, in order, for each of several values.
pub type Run = fn(&Graph, &[Values]) -> Result<Vec<Vec<Array>>, String>;

/// Returns the devices, by name. Each runs every case, forward and backward.
///
/// `words` is the CPU implementation of each op by itself; `planned` is the reference after the
/// passes; `cpu` and `gpu` are the executors, the GPU in the mode of `tests/common`.
pub fn devices() -> Vec<(&'static str, Run)> {
    let mut devices: Vec<(&'static str, Run)> = vec![
        ("words", |graph, values| {
            values.iter().map(|v| words(graph, v)).collect()
        }),
        ("planned", |graph, values| {
            planned(&Device::reference(), graph, values)
        }),
        ("cpu", |graph, values| {
            planned(&Device::cpu(), graph, values)
        }),
    ];
    if !common::skip() || shared().is_some() {
        devices.push(("gpu", on_gpu));
    }
    devices
}

/// Returns the cases that the GPU runs, by op and name; `None` for all.
pub fn chosen() -> Option<BTreeSet<(String, String)>> {
    let device = shared().as_ref().filter(|_| common::only_chosen())?;
    let device = device.lock().unwrap_or_else(PoisonError::into_inner);
    let chosen = wgrad::doctor::chosen(&device.kernel_limits());
    Some(chosen.into_iter().map(|t| (t.op, t.name)).collect())
}

fn shared() -> &'static Option<Mutex<Device>> {
    static SHARED: OnceLock<Option<Mutex<Device>>> = OnceLock::new();
    SHARED.get_or_init(|| common::gpu().map(Mutex::new))
}

/// Runs on the GPU, one test at a time. A software adapter compiles on one core when a kernel first
/// runs, so there each thread has its own device.
fn on_gpu(graph: &Graph, values: &[Values]) -> Result<Vec<Vec<Array>>, String> {
    static FREE: Mutex<Vec<Device>> = Mutex::new(Vec::new());
    let free = || FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let none = || "there is no GPU".to_string();
    let device = shared().as_ref().ok_or_else(none)?;
    let device = device.lock().unwrap_or_else(PoisonError::into_inner);
    if !device.kernel_limits().software {
        return planned(&device, graph, values);
    }
    drop(device);
    let taken = free().pop();
    let another = || common::open(&common::options()).map(Device::from_gpu);
    let device = taken.or_else(another).ok_or_else(none)?;
    let computed = planned(&device, graph, values);
    free().push(device);
    computed
}

/// Runs a plan on an executor. Every variant of every step runs, and all must give the same bits.
fn planned(device: &Device, graph: &Graph, values: &[Values]) -> Result<Vec<Vec<Array>>, String> {
    let text = |e: Error| e.to_string();
    let layout = Arc::new(Layout::new(&graph.variables));
    let mut first: Option<Vec<Vec<Array>>> = None;
    let mut variants = 1;
    let mut variant = 0;
    while variant < variants {
        let mut plan = plan(graph, &layout, &device.kernel_limits()).map_err(text)?;
        if device.is_gpu() {
            for step in &mut plan.steps {
                let n = step.variants.len();
                variants = variants.max(n);
                step.variants.swap(0, variant % n.max(1));
            }
        }
        let plan = Arc::new(plan);
        let program = Program {
            layout: Arc::clone(&layout),
            plans: vec![Arc::clone(&plan)],
        };
        let mut executor = device.executor(program).map_err(text)?;
        // Fills the plan's memory with NaN if possible, so that nothing relies on zeros.
        if device.name() != Device::reference().name() {
            let poison: Vec<Vec<u32>> = plan
                .inputs
                .iter()
                .map(|p| vec![POISON; p.meta.shape.len()])
                .collect();
            run_plan(executor.as_mut(), &plan, graph, &poison).map_err(text)?;
        }
        let mut all = Vec::new();
        for values in values {
            let given: Vec<Vec<u32>> = plan
                .inputs
                .iter()
                .map(|p| {
                    let data = &values.inputs[&p.name].data;
                    data.iter().map(|&v| to_word(p.meta.dtype, v)).collect()
                })
                .collect();
            all.push(run_plan(executor.as_mut(), &plan, graph, &given).map_err(text)?);
        }
        let bits = |all: &Vec<Vec<Array>>| -> Vec<u64> {
            all.iter()
                .flatten()
                .flat_map(|a| a.data.iter().map(|v| v.to_bits()))
                .collect()
        };
        match &first {
            None => first = Some(all),
            Some(first) if bits(first) == bits(&all) => {}
            Some(_) => {
                return Err(format!(
                    "variant {variant} gives different bits than the first"
                ));
            }
        }
        variant += 1;
    }
    Ok(first.unwrap_or_default())
}

/// Runs once, and returns the outputs in the graph's order.
fn run_plan(
    executor: &mut dyn Executor,
    plan: &Plan,
    graph: &Graph,
    given: &[Vec<u32>],
) -> Result<Vec<Array>, Error> {
    let given: Vec<&[u32]> = given.iter().map(Vec::as_slice).collect();
    executor.run(0, &given)?;
    let scalars = executor
        .results(true)?
        .pop()
        .map(|r| r.words)
        .unwrap_or_default();
    let mut outputs = Vec::new();
    for output in &graph.outputs {
        let Meta { shape, dtype } = graph.meta(output.node).clone();
        let words = match plan.results.iter().position(|p| p.name == output.name) {
            Some(at) => vec![scalars[at]],
            None => match plan.outputs.iter().find(|p| p.name == output.name) {
                Some(port) => executor.read_output(0, port)?,
                None => Vec::new(),
            },
        };
        let data = words.iter().map(|&w| from_word(dtype, w)).collect();
        outputs.push(Array::new(shape, data));
    }
    Ok(outputs)
}

/// A NaN in a device's memory, with which memory is filled before it is computed.
const POISON: u32 = 0x7fc0_0000;

/// Converts a reference value to a word of a device.
pub fn to_word(dtype: DType, value: f64) -> u32 {
    match dtype {
        DType::F32 | DType::F16 | DType::Bf16 => (value as f32).to_bits(),
        DType::I32 => value as i32 as u32,
        DType::U32 | DType::Bool => value as u32,
    }
}

/// Converts a word of a device to a reference value.
pub fn from_word(dtype: DType, word: u32) -> f64 {
    match dtype {
        DType::F32 | DType::F16 | DType::Bf16 => f64::from(f32::from_bits(word)),
        DType::I32 => f64::from(word as i32),
        DType::U32 | DType::Bool => f64::from(word),
    }
}

/// Runs the CPU implementation of each op, node by node, without a plan or fusion. It separates
/// errors of an op from errors of the planner.
fn words(graph: &Graph, values: &Values) -> Result<Vec<Array>, String> {
    let mut nodes: Vec<Vec<u32>> = Vec::new();
    for node in graph.nodes() {
        let meta = &node.meta;
        let mut y = vec![POISON; meta.shape.len()];
        let x: Vec<(&Meta, &[u32])> = node
            .inputs
            .iter()
            .map(|id| (graph.meta(*id), &nodes[id.index()][..]))
            .collect();
        match node.op.def().kind() {
            OpKind::Leaf => {
                let Op::Input(input) = &node.op else {
                    return Err("variables are not given here".to_string());
                };
                let given = &values.inputs[&input.name];
                y = given.data.iter().map(|&v| to_word(meta.dtype, v)).collect();
            }
            OpKind::Constant(value) => y.fill(to_word(meta.dtype, value)),
            OpKind::Alias => y.copy_from_slice(x[0].1),
            OpKind::View(op) => {
                let view = op.view(&View::contiguous(&x[0].0.shape));
                for (i, y) in y.iter_mut().enumerate() {
                    *y = x[0].1[view.at(i)];
                }
            }
            OpKind::Elementwise {
                function,
                constants,
            } => {
                // In blocks, as on the CPU device.
                let n = y.len();
                for first in (0..n).step_by(100) {
                    let end = n.min(first + 100);
                    let blocks: Vec<&[u32]> = x.iter().map(|x| &x.1[first..end]).collect();
                    (function.block)(first as u32, &blocks, &constants, &mut y[first..end]);
                }
            }
            OpKind::Kernel(op) => {
                let x: Vec<HostRef> = x
                    .iter()
                    .map(|&(meta, words)| HostRef { meta, words })
                    .collect();
                op.cpu(&x, meta, &mut y);
            }
        }
        nodes.push(y);
    }
    let output = |id: wgrad::graph::NodeId| {
        let Meta { shape, dtype } = graph.meta(id).clone();
        let data = nodes[id.index()]
            .iter()
            .map(|&w| from_word(dtype, w))
            .collect();
        Array::new(shape, data)
    };
    Ok(graph.outputs.iter().map(|o| output(o.node)).collect())
}
