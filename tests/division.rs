//! Division on a GPU by run-time parameters: exact on every device.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::Arc;

use wgrad::exec::gpu::GpuExecutor;
use wgrad::exec::{Executor, Program};
use wgrad::graph::{Graph, Meta, Mode};
use wgrad::kernel::{Binding, Kernel, Operand, Part};
use wgrad::plan::{BufferId, BufferPlan, BufferRole, Dispatch, Layout, Plan, Port, Slot, Step};
use wgrad::random::Stream;
use wgrad::{DType, Source};

/// The range in which `lib/divide` is exact.
const MOST: u32 = 1 << 30;

/// Computes quotients, remainders and vector quotients of `count` pairs, one after the other.
const MAIN: &str = "
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.x;
    let count = params.count;
    if i >= count { return; }
    let d = x[count + i];
    let inverse = bitcast<f32>(x[2u * count + i]);
    y[i] = quotient(x[i], d, inverse);
    y[count + i] = remainder(x[i], d, inverse);
    y[2u * count + i] = quotients(vec4<u32>(0u, d, x[i], 1u), d, inverse).z;
}
";

/// Returns pairs to divide: near multiples of small and large divisors, at the ends, and random
/// ones.
fn pairs() -> Vec<(u32, u32)> {
    let mut random = Stream::new(7);
    let small = 1..200;
    let large = (0..200).map(|i| (MOST >> (i % 22)) - 1 - (i / 22) % 7);
    let mut pairs = Vec::new();
    for d in small.chain(large.filter(|d| *d > 0)) {
        let most = (MOST - 1) / d;
        let mut all = vec![
            0,
            1,
            d - 1,
            d,
            MOST - 1,
            most * d,
            (most * d).saturating_sub(1),
        ];
        for _ in 0..20 {
            let multiple = random.below(most + 1) * d;
            all.extend([multiple.saturating_sub(1), multiple, multiple + 1]);
            all.push(random.below(MOST));
        }
        pairs.extend(all.into_iter().map(|n| (n.min(MOST - 1), d)));
    }
    pairs
}

fn plan(count: usize) -> Plan {
    let slot = |buffer| Slot {
        buffer: BufferId::Local(buffer),
        offset: 0,
        bytes: (3 * count as u64 * 4).next_multiple_of(16),
    };
    let (x, y) = (slot(0), slot(1));
    let part = |file, text: &'static str| Part {
        file,
        text: text.into(),
    };
    let kernel = Kernel {
        label: "division",
        parts: vec![
            part("divide", include_str!("../shaders/lib/divide.wgsl")),
            part("main", MAIN),
        ],
        overrides: Vec::new(),
        bindings: vec![
            Binding::Read(Operand::Scratch(0)),
            Binding::Write(Operand::Scratch(1)),
            Binding::Uniform(vec![count as u32]),
        ],
        workgroups: [count.div_ceil(64) as u32, 1, 1],
    };
    let port = |name: &str, slot| Port {
        name: name.to_string(),
        meta: Meta::new([3 * count], DType::U32),
        slot,
    };
    let buffer = |role| BufferPlan {
        bytes: x.bytes,
        role,
    };
    Plan {
        graph: Graph::new(Mode::Eval),
        buffers: vec![buffer(BufferRole::Inputs), buffer(BufferRole::Activations)],
        steps: vec![Step {
            nodes: Vec::new(),
            anchor: None,
            prologue: None,
            epilogue: None,
            reads: Vec::new(),
            writes: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            variants: vec![vec![Dispatch {
                kernel,
                slots: vec![x, y],
            }]],
            scratch: Vec::new(),
            label: "division".to_string(),
            source: Source::caller(),
            scope: String::new(),
            flops: 0.0,
            bytes: 0,
        }],
        concurrent: Vec::new(),
        inputs: vec![port("x", x)],
        results: Vec::new(),
        outputs: vec![port("y", y)],
    }
}

#[test]
fn quotients_are_exact_on_a_gpu() {
    let Some(device) = common::open(&common::options()) else {
        return;
    };
    let pairs = pairs();
    let mut words: Vec<u32> = pairs.iter().map(|p| p.0).collect();
    words.extend(pairs.iter().map(|p| p.1));
    words.extend(pairs.iter().map(|p| (1.0 / p.1 as f32).to_bits()));
    let plan = Arc::new(plan(pairs.len()));
    let program = Program {
        layout: Arc::new(Layout::new(&[])),
        plans: vec![Arc::clone(&plan)],
    };
    let mut executor = GpuExecutor::new(&device, program).unwrap();
    executor.run(0, &[&words]).unwrap();
    let got = executor.read_output(0, &plan.outputs[0]).unwrap();
    let (quotients, rest) = got.split_at(pairs.len());
    let (remainders, of_vectors) = rest.split_at(pairs.len());
    for (i, (n, d)) in pairs.into_iter().enumerate() {
        let want = (n / d, n % d, n / d);
        let got = (quotients[i], remainders[i], of_vectors[i]);
        assert_eq!(got, want, "{n} / {d}");
    }
}
