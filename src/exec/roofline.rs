//! The roofline of a device: its peak arithmetic rate and memory bandwidth, measured by dedicated
//! kernels.

use std::sync::Arc;
use std::time::Instant;

use crate::exec::{Program, Stepwise};
use crate::graph::{Graph, Mode};
use crate::kernel::{Binding, Kernel, KernelLimits, Operand, wgsl};
use crate::plan::{BufferId, BufferPlan, BufferRole, Dispatch, Layout, Plan, Slot, Step};
use crate::{DType, Result, Source};

/// The measured peaks of a device, after the roofline model (Williams et al., 2009).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roofline {
    /// The peak f32 operations per second: fused multiply-adds of registers, two operations each.
    pub flops: f64,
    /// The bytes read and written per second when a large buffer is copied. Data in a cache moves
    /// faster.
    pub bandwidth: f64,
}

/// The shortest time of a measurement in seconds, so that the overhead of a submission is
/// negligible.
pub(super) const MIN_SECONDS: f64 = 0.01;

/// The repetitions of a measurement, of which the fastest counts.
pub(super) const REPEATS: usize = 3;

/// The bytes of the copied buffer: larger than most caches.
pub(super) const COPY_BYTES: u64 = 64 << 20;

/// The invocations of the arithmetic kernel: enough for the largest GPUs.
const INVOCATIONS: u32 = 1 << 18;

/// The operations of an invocation in each round of `shaders/roofline_fma.wgsl`.
const FLOPS_PER_ROUND: f64 = 256.0;

/// The rounds of the first measurement.
const MIN_ROUNDS: u32 = 4;

/// The number of arithmetic measurements, each with four times as many rounds as the previous one.
const LEVELS: usize = 8;

/// The largest number of copies in a submission.
const MAX_COPIES: usize = 64;

/// Measures a GPU. `open` creates the executor of a program.
pub(crate) fn measure(
    limits: &KernelLimits,
    open: impl Fn(Program) -> Result<Box<dyn Stepwise>>,
) -> Result<Roofline> {
    let mut executor = open(program(limits))?;
    let mut flops = 0.0;
    for level in 0..LEVELS {
        let seconds = fastest(executor.as_mut(), 0, level..level + 1)?;
        flops = f64::from(INVOCATIONS) * FLOPS_PER_ROUND * f64::from(rounds(level)) / seconds;
        if seconds >= MIN_SECONDS {
            break;
        }
    }
    let mut bandwidth = 0.0;
    let mut copies = 1;
    while copies <= MAX_COPIES {
        let seconds = fastest(executor.as_mut(), 1, 0..copies)?;
        bandwidth = 2.0 * copied(limits) as f64 * copies as f64 / seconds;
        if seconds >= MIN_SECONDS {
            break;
        }
        copies *= 4;
    }
    Ok(Roofline { flops, bandwidth })
}

fn rounds(level: usize) -> u32 {
    MIN_ROUNDS << (2 * level)
}

fn copied(limits: &KernelLimits) -> u64 {
    let most = limits.binding_bytes.min(limits.buffer_bytes);
    COPY_BYTES.min(most) / 16 * 16
}

/// Returns the seconds of the fastest of several runs, including the wait.
fn fastest(executor: &mut dyn Stepwise, plan: usize, steps: std::ops::Range<usize>) -> Result<f64> {
    let probe = slot(0, 16);
    let mut least = f64::INFINITY;
    // The first run compiles the kernels on drivers that compile late.
    for _ in 0..REPEATS + 1 {
        let start = Instant::now();
        executor.run_steps(plan, steps.clone())?;
        executor.read_elements(plan, probe, DType::F32, 1)?;
        least = least.min(start.elapsed().as_secs_f64());
    }
    Ok(least.max(1e-9))
}

fn slot(buffer: usize, bytes: u64) -> Slot {
    Slot {
        buffer: BufferId::Local(buffer),
        offset: 0,
        bytes,
    }
}

/// The kernels that measure a GPU: one arithmetic kernel for each measurement, and the copy.
pub fn kernels(limits: &KernelLimits) -> (Vec<Kernel>, Kernel) {
    const WORKGROUP: u32 = 64;
    let kernel = |label, source, bindings, invocations: u64| Kernel {
        label,
        parts: vec![wgsl!("lib/index"), source],
        overrides: vec![("WG", WORKGROUP)],
        bindings,
        workgroups: limits.fold(invocations.div_ceil(u64::from(WORKGROUP))),
    };
    let arithmetic = |level| {
        let words = vec![rounds(level), 0.999_f32.to_bits(), 0.001_f32.to_bits()];
        let bindings = vec![Binding::Write(Operand::Scratch(0)), Binding::Uniform(words)];
        let source = wgsl!("roofline_fma");
        kernel("roofline_fma", source, bindings, u64::from(INVOCATIONS))
    };
    let vectors = copied(limits) / 16;
    let bindings = vec![
        Binding::Read(Operand::Scratch(0)),
        Binding::Write(Operand::Scratch(1)),
        Binding::Uniform(vec![vectors as u32]),
    ];
    let copy = kernel("roofline_copy", wgsl!("roofline_copy"), bindings, vectors);
    ((0..LEVELS).map(arithmetic).collect(), copy)
}

/// Returns a plan of the arithmetic, with a step for each level, and one of copies.
fn program(limits: &KernelLimits) -> Program {
    let (arithmetic, copy) = kernels(limits);
    let step = |kernel: Kernel, slots: &[Slot]| Step {
        nodes: Vec::new(),
        anchor: None,
        prologue: None,
        epilogue: None,
        reads: Vec::new(),
        writes: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        scratch: Vec::new(),
        label: kernel.label.to_string(),
        source: Source::caller(),
        scope: String::new(),
        flops: 0.0,
        bytes: 0,
        variants: vec![vec![Dispatch {
            kernel,
            slots: slots.to_vec(),
        }]],
    };
    let plan = |sizes: &[u64], steps: Vec<Step>| {
        let buffer = |bytes: &u64| BufferPlan {
            bytes: *bytes,
            role: BufferRole::Activations,
        };
        Arc::new(Plan {
            graph: Graph::new(Mode::Eval),
            buffers: sizes.iter().map(buffer).collect(),
            steps,
            concurrent: Vec::new(),
            inputs: Vec::new(),
            results: Vec::new(),
            outputs: Vec::new(),
        })
    };
    let sums = u64::from(INVOCATIONS) * 16;
    let arithmetic = arithmetic.into_iter().map(|k| step(k, &[slot(0, sums)]));
    let bytes = copied(limits);
    let ends = [slot(1, bytes), slot(0, bytes)];
    let copies = (0..MAX_COPIES).map(|_| step(copy.clone(), &ends));
    Program {
        layout: Arc::new(Layout::default()),
        plans: vec![
            plan(&[sums], arithmetic.collect()),
            plan(&[bytes, bytes], copies.collect()),
        ],
    }
}
