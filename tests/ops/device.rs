//! The devices that every case runs on, besides the reference.

use wgrad::DType;
use wgrad::exec::reference::Values;
use wgrad::graph::{Graph, Meta, Op};
use wgrad::kernel::View;
use wgrad::ops::{Array, HostRef, Work};

/// Computes a graph's outputs, in their order.
pub type Run = fn(&Graph, &Values) -> Result<Vec<Array>, String>;

/// The devices, by name. Each gets every case, forward and backward.
pub fn devices() -> Vec<(&'static str, Run)> {
    vec![("words", words)]
}

/// A NaN, as a device holds it: what memory is filled with before anything is computed.
const POISON: u32 = 0x7fc0_0000;

/// A reference value as a device holds it.
pub fn to_word(dtype: DType, value: f64) -> u32 {
    match dtype {
        DType::F32 => (value as f32).to_bits(),
        DType::I32 => value as i32 as u32,
        DType::U32 | DType::Bool => value as u32,
    }
}

/// The other way round.
pub fn from_word(dtype: DType, word: u32) -> f64 {
    match dtype {
        DType::F32 => f64::from(f32::from_bits(word)),
        DType::I32 => f64::from(word as i32),
        DType::U32 | DType::Bool => f64::from(word),
    }
}

/// The CPU implementation of each op, node by node: no plan, nothing fused. It tells a mistake of an
/// op from one of the planner.
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
        match node.op.def().work() {
            Work::Leaf => {
                let Op::Input(input) = &node.op else {
                    return Err("variables are not given here".to_string());
                };
                let given = &values.inputs[&input.name];
                y = given.data.iter().map(|&v| to_word(meta.dtype, v)).collect();
            }
            Work::Constant(value) => y.fill(to_word(meta.dtype, value)),
            Work::Alias => y.copy_from_slice(x[0].1),
            Work::View(op) => {
                let view = op.view(&View::contiguous(&x[0].0.shape));
                for (i, y) in y.iter_mut().enumerate() {
                    *y = x[0].1[view.at(i)];
                }
            }
            Work::Elementwise {
                function,
                constants,
            } => {
                // In blocks, as the CPU device does it.
                let n = y.len();
                for first in (0..n).step_by(100) {
                    let end = n.min(first + 100);
                    let blocks: Vec<&[u32]> = x.iter().map(|x| &x.1[first..end]).collect();
                    (function.block)(first as u32, &blocks, &constants, &mut y[first..end]);
                }
            }
            Work::Kernel(op) => {
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
