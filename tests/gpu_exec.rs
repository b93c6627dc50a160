//! The GPU executor on hand-written plans: uploads, dispatches, readback, errors and device loss.
//!
//! Any adapter is suitable, including software adapters; on Linux, `VK_DRIVER_FILES` selects the
//! driver. A missing adapter is a failure, unless `WGRAD_SKIP_GPU=1` is set.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{open, options, skip};
use wgrad::exec::gpu::{
    AdapterKind, GpuDevice, GpuExecutor, Limits, Options, Selector, Tuning, adapters,
};
use wgrad::exec::{Clock, Counters, Executor, Program, Timing};
use wgrad::graph::{Graph, Init, Meta, Mode, Output, Role, Variable};
use wgrad::kernel::{Binding, Kernel, KernelLimits, Operand, Part};
use wgrad::plan::{
    Arena, BufferId, BufferPlan, BufferRole, Dispatch, Layout, Plan, Port, Slot, Step,
};
use wgrad::{DType, Error, Source, ops};

const N: usize = 1009;

/// `y[i] = a x[i] + b y[i]`, with one element per invocation.
fn axpby(n: usize, a: f32, b: f32) -> Kernel {
    let text = "\
        override WG: u32 = 64u;\n\
        struct Params { n: u32, a: f32, b: f32 }\n\
        @group(0) @binding(0) var<storage, read> x: array<f32>;\n\
        @group(0) @binding(1) var<storage, read_write> y: array<f32>;\n\
        @group(0) @binding(2) var<uniform> params: Params;\n\
        @compute @workgroup_size(WG)\n\
        fn main(@builtin(global_invocation_id) id: vec3<u32>) {\n\
            let i = id.x;\n\
            if i >= params.n { return; }\n\
            y[i] = params.a * x[i] + params.b * y[i];\n\
        }\n";
    Kernel {
        label: "axpby",
        parts: vec![Part {
            file: "tests/axpby.wgsl",
            text: text.into(),
        }],
        overrides: vec![("WG", 64)],
        bindings: vec![
            Binding::Read(Operand::Scratch(0)),
            Binding::Write(Operand::Scratch(1)),
            Binding::Uniform(vec![n as u32, a.to_bits(), b.to_bits()]),
        ],
        workgroups: [n.div_ceil(64) as u32, 1, 1],
    }
}

fn slot(buffer: BufferId, offset: u64, words: usize) -> Slot {
    Slot {
        buffer,
        offset,
        bytes: (words as u64 * 4).max(16).next_multiple_of(16),
    }
}

fn step(dispatches: &[(Kernel, Vec<Slot>)]) -> Step {
    let dispatch = |(kernel, slots): &(Kernel, Vec<Slot>)| Dispatch {
        kernel: kernel.clone(),
        slots: slots.clone(),
    };
    Step {
        nodes: Vec::new(),
        anchor: None,
        prologue: None,
        epilogue: None,
        reads: Vec::new(),
        writes: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        variants: vec![dispatches.iter().map(dispatch).collect()],
        scratch: Vec::new(),
        label: "axpby".to_string(),
        source: Source::caller(),
        scope: String::new(),
        flops: 2.0,
        bytes: 12,
    }
}

fn port(name: &str, n: usize, slot: Slot) -> Port {
    Port {
        name: name.to_string(),
        meta: Meta::new(vec![n], DType::F32),
        slot,
    }
}

fn variable(name: &str, n: usize) -> Variable {
    Variable {
        name: name.to_string(),
        meta: Meta::new(vec![n], DType::F32),
        role: Role::Parameter,
        init: Init::Unset,
        source: Source::caller(),
    }
}

/// `h = 2 x; w += h; result = w[0]`, for `n` elements of the variable `w`.
fn plan(layout: &Layout, n: usize) -> Plan {
    let w = layout.placements[0].slot;
    let w = Slot {
        bytes: slot(w.buffer, 0, n).bytes,
        ..w
    };
    let x = slot(BufferId::Local(2), 256, n);
    let h = slot(BufferId::Local(1), 0, n);
    let loss = slot(BufferId::Local(0), 256, 1);
    let local = |bytes, role| BufferPlan { bytes, role };
    Plan {
        graph: Graph::new(Mode::Train),
        buffers: vec![
            local(512, BufferRole::Results),
            local(h.bytes, BufferRole::Activations),
            local(256 + x.bytes, BufferRole::Inputs),
        ],
        steps: vec![
            step(&[(axpby(n, 2.0, 0.0), vec![x, h])]),
            step(&[(axpby(n, 1.0, 1.0), vec![h, w])]),
            step(&[(axpby(1, 1.0, 0.0), vec![w, loss])]),
        ],
        concurrent: Vec::new(),
        inputs: vec![port("x", n, x)],
        results: vec![port("loss", 1, loss)],
        outputs: vec![port("h", n, h)],
    }
}

/// `h = w; w += h`, for all `n` elements of the variable `w`, without inputs and results.
fn doubling(layout: &Layout, n: usize) -> Plan {
    let w = layout.placements[0].slot;
    let h = slot(BufferId::Local(0), 0, n);
    Plan {
        graph: Graph::new(Mode::Train),
        buffers: vec![BufferPlan {
            bytes: h.bytes,
            role: BufferRole::Activations,
        }],
        steps: vec![step(&[
            (axpby(n, 1.0, 0.0), vec![w, h]),
            (axpby(n, 1.0, 1.0), vec![h, w]),
        ])],
        concurrent: Vec::new(),
        inputs: Vec::new(),
        results: Vec::new(),
        outputs: Vec::new(),
    }
}

fn program() -> Program {
    let layout = Layout::new(&[variable("w", N)]);
    let plans = vec![Arc::new(plan(&layout, N)), Arc::new(plan(&layout, 63))];
    Program {
        layout: Arc::new(layout),
        plans,
    }
}

fn bits(values: impl IntoIterator<Item = f32>) -> Vec<u32> {
    values.into_iter().map(f32::to_bits).collect()
}

fn zeros(executor: &mut GpuExecutor) {
    executor.write_variable(0, &vec![0; N]).unwrap();
}

#[test]
fn adapters_are_listed_and_selected() {
    let all = adapters().unwrap();
    if all.is_empty() && skip() {
        return;
    }
    let first = all
        .first()
        .expect("no adapter (WGRAD_SKIP_GPU=1 if that is meant)");
    assert!(!first.name.is_empty() && !first.backend.is_empty());
    assert!(first.limits.invocations >= 256 && first.limits.binding_bytes >= 128 << 20);
    let by_index = GpuDevice::open(&Selector::Index(0)).unwrap();
    let part = first.name.to_uppercase();
    let part = part.get(..4).unwrap_or(&part).to_string();
    let by_name = GpuDevice::open(&Selector::Name(part)).unwrap();
    assert_eq!(by_index.info().name, by_name.info().name);
    let error = GpuDevice::open(&Selector::parse("no such thing")).unwrap_err();
    assert!(error.to_string().contains(&first.name), "{error}");
    if all.iter().all(|a| a.kind == AdapterKind::Software) {
        let error = GpuDevice::open(&Selector::Gpu).unwrap_err();
        assert!(matches!(error, Error::NoAdapter { .. }));
        assert!(
            error.to_string().contains("is a software adapter"),
            "{error}"
        );
    }
}

#[test]
fn runs_at_webgpu_default_limits() {
    let options = Options {
        limits: Limits::WebGpuDefaults,
        ..options()
    };
    let Some(device) = open(&options) else { return };
    // The properties of the driver do not depend on the limits.
    let KernelLimits {
        software,
        max_loop_iterations,
        ..
    } = device.kernel_limits();
    assert_eq!(
        device.kernel_limits(),
        KernelLimits {
            software,
            max_loop_iterations,
            ..KernelLimits::WEBGPU
        }
    );
    let mut executor = GpuExecutor::new(&device, program()).unwrap();
    zeros(&mut executor);
    executor.run(0, &[&bits([1.5; N])]).unwrap();
    assert_eq!(executor.read_variable(0).unwrap(), bits([3.0; N]));
}

#[test]
fn plans_share_variables_and_memory() {
    let Some(device) = open(&options()) else {
        return;
    };
    let mut executor = GpuExecutor::new(&device, program()).unwrap();
    let start = bits((0..N).map(|i| i as f32));
    executor.write_variable(0, &start).unwrap();
    assert_eq!(executor.read_variable(0).unwrap(), start);
    executor.run(0, &[&bits([0.5; N])]).unwrap();
    executor.run(1, &[&bits([1.0; 63])]).unwrap();
    let h = executor
        .read_output(1, &program().plans[1].outputs[0].clone())
        .unwrap();
    assert_eq!(h, bits([2.0; 63]));
    let want = (0..N).map(|i| i as f32 + if i < 63 { 3.0 } else { 1.0 });
    assert_eq!(executor.read_variable(0).unwrap(), bits(want));
    let results = executor.results(true).unwrap();
    let seen: Vec<_> = results
        .iter()
        .map(|r| (r.run, r.plan, r.words[0]))
        .collect();
    assert_eq!(seen, [(0, 0, 1f32.to_bits()), (1, 1, 3f32.to_bits())]);
    assert!(executor.results(true).unwrap().is_empty());
}

#[test]
fn checks_do_not_change_bits() {
    let run = |checks| {
        let device = open(&Options {
            checks,
            ..options()
        })?;
        let mut executor = GpuExecutor::new(&device, program()).unwrap();
        zeros(&mut executor);
        for i in 0..5 {
            let x = bits((0..N).map(|j| (i * N + j) as f32 * 0.37));
            executor.run(0, &[&x]).unwrap();
        }
        Some(executor.read_variable(0).unwrap())
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn nothing_is_made_after_the_second_run() {
    let Some(device) = open(&options()) else {
        return;
    };
    let mut executor = GpuExecutor::new(&device, program()).unwrap();
    zeros(&mut executor);
    let (x, y) = (bits([0.5; N]), bits([1.0; 63]));
    let mut results = Vec::new();
    let mut counters = executor.counters();
    for i in 0..1000 {
        match i % 3 {
            0 => executor.run(1, &[&y]).unwrap(),
            _ => executor.run(0, &[&x]).unwrap(),
        }
        results.extend(executor.results(false).unwrap());
        if i < 2 {
            counters = executor.counters();
        }
    }
    results.extend(executor.results(true).unwrap());
    counters.runs = 1000;
    assert_eq!(executor.counters(), counters);
    let runs: Vec<u64> = results.iter().map(|r| r.run).collect();
    assert_eq!(runs, (0..1000).collect::<Vec<_>>());
    let last = f32::from_bits(results[999].words[0]);
    assert_eq!(last, 334.0 * 2.0 + 666.0);
}

#[test]
fn runs_that_share_a_submission_have_inputs_of_their_own_and_stay_in_order() {
    let Some(device) = open(&options()) else {
        return;
    };
    let mut executor = GpuExecutor::new(&device, program()).unwrap();
    zeros(&mut executor);
    let mut want = Vec::new();
    for round in 0..4 {
        let mut w = 0.0;
        for i in 0..40 {
            let x = (round * 40 + i) as f32;
            let (plan, n) = if i % 4 == 3 { (1, 63) } else { (0, N) };
            executor.run(plan, &[&bits(vec![x; n])]).unwrap();
            w += 2.0 * x;
            want.push(w.to_bits());
        }
        match round % 2 {
            // Writes and reads come after the previous runs.
            0 => zeros(&mut executor),
            _ => {
                assert_eq!(executor.read_variable(0).unwrap()[0], w.to_bits());
                executor.send().unwrap();
                zeros(&mut executor);
            }
        }
    }
    let results = executor.results(true).unwrap();
    let losses: Vec<u32> = results.iter().map(|r| r.words[0]).collect();
    assert_eq!(losses, want);
    assert_eq!(executor.read_variable(0).unwrap(), vec![0; N]);
}

#[test]
fn runs_with_large_inputs_and_with_none_share_submissions() {
    let Some(device) = open(&options()) else {
        return;
    };
    // So large that a staging buffer has room for one run only.
    let n = 100_000;
    let layout = Layout::new(&[variable("w", n)]);
    let plans = vec![Arc::new(doubling(&layout, n)), Arc::new(plan(&layout, n))];
    let program = Program {
        layout: Arc::new(layout),
        plans,
    };
    let mut executor = GpuExecutor::new(&device, program).unwrap();
    executor.write_variable(0, &vec![0; n]).unwrap();
    let mut w = 0.0;
    for i in 0..60 {
        if i % 5 < 3 {
            executor.run(0, &[]).unwrap();
            w *= 2.0;
        } else {
            // Small enough to stay exact.
            let x = -w / 2.0 + i as f32;
            executor.run(1, &[&bits(vec![x; n])]).unwrap();
            w += 2.0 * x;
        }
    }
    assert_eq!(executor.read_variable(0).unwrap(), bits(vec![w; n]));
    assert_eq!(executor.results(true).unwrap().len(), 60);
}

#[test]
fn results_arrive_without_waiting() {
    let Some(device) = open(&options()) else {
        return;
    };
    let mut executor = GpuExecutor::new(&device, program()).unwrap();
    zeros(&mut executor);
    for _ in 0..3 {
        executor.run(0, &[&bits([1.0; N])]).unwrap();
    }
    let mut results = Vec::new();
    let start = std::time::Instant::now();
    while results.len() < 3 {
        results.extend(executor.results(false).unwrap());
        assert!(
            start.elapsed().as_secs() < 60,
            "only {} results arrived",
            results.len()
        );
        std::thread::yield_now();
    }
    assert!(executor.is_ready().unwrap());
}

#[test]
fn a_plan_without_inputs_and_results_runs() {
    let Some(device) = open(&options()) else {
        return;
    };
    let layout = Layout::new(&[variable("w", N)]);
    let plan = doubling(&layout, N);
    let program = Program {
        layout: Arc::new(layout),
        plans: vec![Arc::new(plan)],
    };
    let mut executor = GpuExecutor::new(&device, program).unwrap();
    executor.write_variable(0, &bits([1.0; N])).unwrap();
    for _ in 0..40 {
        executor.run(0, &[]).unwrap();
    }
    let results = executor.results(true).unwrap();
    assert_eq!(results.len(), 40);
    assert!(results.iter().all(|r| r.words.is_empty()));
    assert_eq!(executor.read_variable(0).unwrap(), bits([2f32.powi(40); N]));
}

#[test]
fn large_variables_move_in_chunks() {
    let Some(device) = open(&options()) else {
        return;
    };
    // More than two chunks, and a part of one.
    let n = (9 << 20) / 4 + 77;
    let layout = Layout::new(&[variable("v", 3), variable("w", n)]);
    let program = Program {
        layout: Arc::new(layout),
        plans: Vec::new(),
    };
    let mut executor = GpuExecutor::new(&device, program).unwrap();
    let words: Vec<u32> = (0..n as u32)
        .map(|i| i.wrapping_mul(2_654_435_761))
        .collect();
    executor.write_variable(1, &words).unwrap();
    assert_eq!(executor.read_variable(0).unwrap(), [0; 3]);
    assert_eq!(executor.read_variable(1).unwrap(), words);
}

#[test]
fn a_long_run_is_split_into_submissions_with_the_same_result() {
    let Some(device) = open(&options()) else {
        return;
    };
    let mut program = program();
    let mut plan = plan(&program.layout, N);
    // The executor assumes so much work that it submits each step separately.
    plan.steps.iter_mut().for_each(|s| s.flops = 1e12);
    program.plans = vec![Arc::new(plan)];
    let mut executor = GpuExecutor::new(&device, program).unwrap();
    zeros(&mut executor);
    for _ in 0..20 {
        executor.run(0, &[&bits([1.0; N])]).unwrap();
    }
    assert_eq!(executor.results(true).unwrap().len(), 20);
    assert_eq!(executor.read_variable(0).unwrap(), bits([40.0; N]));
}

#[test]
fn steps_run_alone_and_slots_are_read_and_written() {
    let Some(device) = open(&options()) else {
        return;
    };
    let program = program();
    let plan = program.plans[0].clone();
    let mut executor = GpuExecutor::new(&device, program).unwrap();
    zeros(&mut executor);
    let (x, h) = (plan.inputs[0].slot, plan.outputs[0].slot);
    executor.write_slot(0, x, &bits([4.0; N])).unwrap();
    executor.run_steps(0, 0..1).unwrap();
    assert_eq!(executor.read_slot(0, h, N).unwrap(), bits([8.0; N]));
    assert_eq!(executor.read_variable(0).unwrap(), bits([0.0; N]));
    executor.write_slot(0, h, &bits([5.0; N])).unwrap();
    executor.run_steps(0, 1..3).unwrap();
    assert_eq!(executor.read_variable(0).unwrap(), bits([5.0; N]));
    let wrong = executor.run_steps(0, 1..4).unwrap_err();
    assert!(matches!(wrong, Error::Argument { .. }), "{wrong}");
    let wrong = executor.run(0, &[&[0; 3]]).unwrap_err();
    assert!(
        wrong
            .to_string()
            .contains("elements of x is 3, but must be 1009"),
        "{wrong}"
    );
}

#[test]
fn timed_runs_are_runs() {
    let Some(device) = open(&options()) else {
        return;
    };
    let x = |i: usize| bits((0..N).map(|j| (i * N + j) as f32 * 0.37));
    let mut plain = GpuExecutor::new(&device, program()).unwrap();
    let mut timed = GpuExecutor::new(&device, program()).unwrap();
    zeros(&mut plain);
    zeros(&mut timed);
    let before = timed.counters();
    let mut seen = Vec::new();
    for (i, timing) in [Timing::Best, Timing::WallClock, Timing::Best]
        .into_iter()
        .enumerate()
    {
        plain.run(0, &[&x(i)]).unwrap();
        let timeline = timed.run_timed(0, &[&x(i)], timing).unwrap();
        // A device with implausible timestamps has reported this in the first run.
        if i > 0 || timeline.clock == Clock::Timestamps {
            assert_eq!(timeline.steps.len(), 3);
        }
        let spans: Vec<_> = timeline.host.iter().map(|(_, span)| *span).collect();
        for list in [&timeline.steps, &spans] {
            assert!(
                list.windows(2).all(|w| w[0].end() <= w[1].start),
                "{list:?}"
            );
        }
        seen.push(timeline.clock.clone());
        println!("{}: {timeline:?}", device.name());
    }
    assert!(matches!(&seen[1], Clock::Wall { why } if why == "as requested"));
    if !device.info().timestamps {
        assert!(matches!(&seen[0], Clock::Wall { .. }));
    }
    assert_eq!(timed.results(true).unwrap(), plain.results(true).unwrap());
    assert_eq!(
        timed.read_variable(0).unwrap(),
        plain.read_variable(0).unwrap()
    );
    let after = timed.counters();
    assert_eq!(Counters { runs: 3, ..before }, after);
    let wrong = timed.run_timed(0, &[&[0; 3]], Timing::Best).unwrap_err();
    assert!(wrong.to_string().contains("elements of x is 3"), "{wrong}");
}

#[test]
fn another_variant_can_be_chosen() {
    let Some(device) = open(&options()) else {
        return;
    };
    let mut program = program();
    let mut plan = plan(&program.layout, N);
    let other = |kernel: Kernel| {
        let mut other = plan.steps[0].variants[0].clone();
        other[0].kernel = kernel;
        other
    };
    let wide = other(Kernel {
        overrides: vec![("WG", 256)],
        workgroups: [N.div_ceil(256) as u32, 1, 1],
        ..axpby(N, 2.0, 0.0)
    });
    let broken = other(Kernel {
        parts: vec![Part {
            file: "tests/broken.wgsl",
            text: "fn main() {}".into(),
        }],
        ..axpby(N, 2.0, 0.0)
    });
    plan.steps[0].variants.extend([wide, broken]);
    program.plans = vec![Arc::new(plan)];
    let mut executor = GpuExecutor::new(&device, program).unwrap();
    zeros(&mut executor);
    executor.choose(0, 0, 1).unwrap();
    assert!(matches!(executor.choose(0, 0, 2), Err(Error::Gpu { .. })));
    assert!(matches!(
        executor.choose(0, 0, 3),
        Err(Error::Argument { .. })
    ));
    executor.run(0, &[&bits([1.0; N])]).unwrap();
    assert_eq!(executor.read_variable(0).unwrap(), bits([2.0; N]));
}

#[test]
fn steps_without_elements_are_skipped() {
    let Some(device) = open(&options()) else {
        return;
    };
    let mut program = program();
    let mut plan = plan(&program.layout, N);
    plan.steps[2].variants = vec![Vec::new()];
    program.plans = vec![Arc::new(plan)];
    let mut executor = GpuExecutor::new(&device, program).unwrap();
    zeros(&mut executor);
    executor.run(0, &[&bits([1.0; N])]).unwrap();
    assert_eq!(executor.results(true).unwrap()[0].words, [0]);
}

#[test]
fn a_compile_error_names_file_and_line() {
    let Some(device) = open(&options()) else {
        return;
    };
    let mut program = program();
    let mut plan = plan(&program.layout, N);
    let kernel = &mut plan.steps[1].variants[0][0].kernel;
    let good = Part {
        file: "tests/good.wgsl",
        text: "fn one() -> f32 { return 1.0; }\n".into(),
    };
    kernel.parts.insert(0, good);
    let bad = "// nothing here\nfn two() -> f32 {\n    return nonsense;\n}\n";
    kernel.parts.push(Part {
        file: "tests/bad.wgsl",
        text: bad.into(),
    });
    program.plans = vec![Arc::new(plan)];
    let error = GpuExecutor::new(&device, program)
        .err()
        .expect("it compiled");
    let text = error.to_string();
    assert!(matches!(error, Error::Gpu { .. }), "{text}");
    assert!(
        text.contains("axpby") && text.contains("tests/bad.wgsl:3:"),
        "{text}"
    );
    // The device still works.
    GpuExecutor::new(&device, self::program()).unwrap();
}

#[test]
fn what_does_not_fit_is_an_error_with_numbers() {
    let options = Options {
        limits: Limits::WebGpuDefaults,
        ..options()
    };
    let Some(device) = open(&options) else { return };
    let large = |n: usize| {
        let layout = Layout::new(&[variable("w", n)]);
        let plans = vec![Arc::new(plan(&layout, n))];
        GpuExecutor::new(
            &device,
            Program {
                layout: Arc::new(layout),
                plans,
            },
        )
        .err()
    };
    match large(80 << 20).expect("a buffer of 320 MiB was made") {
        Error::Limit {
            what,
            needed,
            available,
            ..
        } => {
            assert_eq!((needed, available), (320 << 20, 256 << 20));
            assert!(what.contains("parameters"), "{what}");
        }
        other => panic!("{other}"),
    }
    match large(40 << 20).expect("160 MiB were bound") {
        Error::Limit {
            what,
            needed,
            available,
            ..
        } => {
            assert_eq!((needed, available), (160 << 20, 128 << 20));
            assert!(what.contains("axpby"), "{what}");
        }
        other => panic!("{other}"),
    }
    let mut program = program();
    let mut plan = plan(&program.layout, N);
    plan.steps[0].variants[0][0].kernel.workgroups = [1, 70_000, 1];
    program.plans = vec![Arc::new(plan)];
    let error = GpuExecutor::new(&device, program)
        .err()
        .expect("70,000 workgroups fit");
    assert!(
        matches!(
            error,
            Error::Limit {
                needed: 70_000,
                available: 65_535,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn memory_that_is_not_there_is_an_error() {
    // At the adapter's limits in every mode: SwiftShader rejects a buffer of that size. Of smaller
    // ones it fills as many as the machine has memory for, and the test is killed.
    let own = Options {
        limits: Limits::Adapter,
        ..options()
    };
    let Some(device) = open(&own) else {
        return;
    };
    // No adapter has memory for a thousand of its largest buffers. They are never written.
    let bytes = device.kernel_limits().buffer_bytes.min(1 << 40) / 16 * 16;
    let arenas = (0..1000)
        .map(|i| Arena {
            label: format!("arena {i}"),
            bytes,
        })
        .collect();
    let layout = Layout {
        arenas,
        placements: Vec::new(),
    };
    let program = Program {
        layout: Arc::new(layout),
        plans: Vec::new(),
    };
    match GpuExecutor::new(&device, program).err() {
        Some(Error::OutOfMemory {
            what, bytes: asked, ..
        }) => {
            assert!(what.starts_with("arena") && asked == bytes);
        }
        Some(other) => panic!("{other}"),
        // A software adapter promises memory that it never has to provide.
        None => assert_eq!(device.info().kind, AdapterKind::Software),
    }
    let mut executor = GpuExecutor::new(&device, self::program()).unwrap();
    zeros(&mut executor);
    executor.run(0, &[&bits([1.0; N])]).unwrap();
    assert_eq!(executor.read_variable(0).unwrap(), bits([2.0; N]));
}

#[test]
fn reading_and_writing_one_buffer_is_refused() {
    let Some(device) = open(&options()) else {
        return;
    };
    let mut program = program();
    let mut plan = plan(&program.layout, N);
    let slots = &mut plan.steps[0].variants[0][0].slots;
    slots[0] = slots[1];
    program.plans = vec![Arc::new(plan)];
    let error = GpuExecutor::new(&device, program)
        .err()
        .expect("it was accepted");
    assert!(matches!(error, Error::Internal { .. }), "{error}");
}

fn loses(device: &GpuDevice, destroy: impl FnOnce()) {
    let mut executor = GpuExecutor::new(device, program()).unwrap();
    zeros(&mut executor);
    let x = bits([1.0; N]);
    for _ in 0..3 {
        executor.run(0, &[&x]).unwrap();
    }
    destroy();
    let lost = (0..100)
        .find_map(|_| executor.run(0, &[&x]).err())
        .expect("the loss went unseen");
    assert!(matches!(lost, Error::DeviceLost { .. }), "{lost}");
    assert!(matches!(
        executor.results(true),
        Err(Error::DeviceLost { .. })
    ));
    assert!(matches!(
        executor.read_variable(0),
        Err(Error::DeviceLost { .. })
    ));
    assert!(matches!(
        executor.write_variable(0, &vec![0; N]),
        Err(Error::DeviceLost { .. })
    ));
    assert!(matches!(
        GpuExecutor::new(device, program()),
        Err(Error::DeviceLost { .. })
    ));
}

#[test]
fn a_destroyed_device_is_lost() {
    let Some(device) = open(&options()) else {
        return;
    };
    loses(&device, || device.destroy());
}

/// A device of a host application, with both handlers set.
struct Host {
    device: wgpu::Device,
    queue: wgpu::Queue,
    errors: Arc<AtomicUsize>,
    losses: Arc<AtomicUsize>,
}

fn host() -> Option<Host> {
    let own = open(&options())?;
    let (device, queue) = (own.wgpu().0.clone(), own.wgpu().1.clone());
    let (errors, losses) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let count = errors.clone();
    device.on_uncaptured_error(Arc::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    }));
    let count = losses.clone();
    device.set_device_lost_callback(move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    Some(Host {
        device,
        queue,
        errors,
        losses,
    })
}

#[test]
fn a_host_keeps_its_handlers() {
    let Some(host) = host() else { return };
    let device = GpuDevice::from_wgpu(host.device.clone(), host.queue.clone()).unwrap();
    let mut broken = program();
    let mut plan = plan(&broken.layout, N);
    plan.steps[0].variants[0][0].kernel.parts[0].text = "nonsense".into();
    broken.plans = vec![Arc::new(plan)];
    assert!(matches!(
        GpuExecutor::new(&device, broken),
        Err(Error::Gpu { .. })
    ));
    let mut executor = GpuExecutor::new(&device, program()).unwrap();
    zeros(&mut executor);
    executor.run(0, &[&bits([1.0; N])]).unwrap();
    assert_eq!(executor.results(true).unwrap().len(), 1);
    assert_eq!(
        host.errors.load(Ordering::SeqCst),
        0,
        "an error reached the host"
    );
    // The host's own error still reaches its handler.
    let _ = host.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 3,
        usage: wgpu::BufferUsages::empty(),
        mapped_at_creation: true,
    });
    assert_eq!(
        host.errors.load(Ordering::SeqCst),
        1,
        "the host's handler is gone"
    );
    loses(&device, || host.device.destroy());
    let _ = host.device.poll(wgpu::PollType::wait_indefinitely());
    assert_eq!(
        host.losses.load(Ordering::SeqCst),
        1,
        "the host's loss callback is gone"
    );
    assert_eq!(
        host.errors.load(Ordering::SeqCst),
        1,
        "the loss reached the host as an error"
    );
}

#[test]
fn two_threads_share_a_device() {
    let Some(device) = open(&options()) else {
        return;
    };
    let work = |k: usize| {
        let mut executor = GpuExecutor::new(&device, program()).unwrap();
        zeros(&mut executor);
        let x = bits([k as f32; N]);
        for _ in 0..50 {
            executor.run(0, &[&x]).unwrap();
        }
        assert_eq!(
            executor.read_variable(0).unwrap(),
            bits([100.0 * k as f32; N])
        );
        assert_eq!(executor.results(true).unwrap().len(), 50);
    };
    let work = &work;
    std::thread::scope(|scope| (1..3).for_each(|k| drop(scope.spawn(move || work(k)))));
}

/// As in a host application whose own loop polls the device: callbacks run on other threads and may
/// be late.
#[test]
fn another_thread_may_poll_the_device() {
    let Some(device) = open(&options()) else {
        return;
    };
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while done.load(Ordering::SeqCst) == 0 {
                    let _ = device.wgpu().0.poll(wgpu::PollType::Poll);
                }
            });
        }
        let mut executor = GpuExecutor::new(&device, program()).unwrap();
        zeros(&mut executor);
        let x = bits([1.0; N]);
        let mut outcome = Ok(());
        for _ in 0..2000 {
            let run = executor.run(0, &[&x]);
            outcome = run.and_then(|()| executor.results(true).map(drop));
            if outcome.is_err() {
                break;
            }
        }
        done.store(1, Ordering::SeqCst);
        outcome.unwrap();
        assert_eq!(executor.read_variable(0).unwrap(), bits([4000.0; N]));
    });
}

/// The sum of a product, whose step has three variants: the correct kernel made slow, a wrong one,
/// and the correct one.
fn slow_wrong_and_right(limits: &KernelLimits) -> Program {
    let shared = Rc::new(RefCell::new(Graph::new(Mode::Eval)));
    let [a, b] = ["a", "b"].map(|name| ops::input(&shared, name, [64, 64], DType::F32));
    // The product's epilogue does not include the ReLU; it is emitted again below.
    let sum = a.matmul(&b).relu().sum(&[]);
    let mut graph = shared.replace(Graph::new(Mode::Eval));
    graph.take_error().unwrap();
    graph.outputs.push(Output {
        name: "sum".to_string(),
        node: sum.id().unwrap(),
    });
    let layout = Layout::new(&[variable("w", N)]);
    let mut plan = wgrad::plan::plan(&graph, &layout, limits).unwrap();
    let product = plan.steps.iter_mut().find(|s| s.anchor.is_some()).unwrap();
    let right = product.variants[0].clone();
    let with = |start: &str| {
        let mut variant = right.clone();
        let dispatch = variant.last_mut().unwrap();
        let mut found = 0;
        for part in &mut dispatch.kernel.parts {
            let function = "fn epilogue(acc: F, i: u32) {";
            found += part.text.matches(function).count();
            let other = format!("fn epilogue(given: F, i: u32) {{\n{start}");
            part.text = part.text.replace(function, &other).into();
        }
        assert_eq!(found, 1);
        variant
    };
    // A software driver ends loops after tens of thousands of iterations in all.
    let slow = "var sum = 0.0;
        for (var k = 0u; k < 200u; k++) { sum = sum * 0.5 + f32(k & i); }
        let acc = select(given, F(sum), sum < -1.0);";
    product.variants = vec![with(slow), with("let acc = given * 1.01;"), right];
    Program {
        layout: Arc::new(layout),
        plans: vec![Arc::new(plan)],
    }
}

#[test]
fn tuning_never_takes_a_variant_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let tuned = Options {
        tuning: Tuning::Eager,
        cache: Some(folder.path().to_path_buf()),
        ..options()
    };
    let Some(device) = open(&tuned) else { return };
    let input = |k: u32| -> Vec<u32> {
        let number = |i: u32| ((i * k) % 127) as f32 / 63.5 - 1.0;
        bits((0..64 * 64).map(number))
    };
    let (a, b) = (input(31), input(57));
    let run = |executor: &mut GpuExecutor| {
        executor.run(0, &[&a, &b]).unwrap();
        let results = executor.results(true).unwrap();
        results.into_iter().map(|r| r.words).collect::<Vec<_>>()
    };
    let program = slow_wrong_and_right(&device.kernel_limits());
    let mut executor = GpuExecutor::tuned(&device, program.clone()).unwrap();
    let want = run(&mut executor);
    let before = executor.counters();
    executor.idle().unwrap();
    assert_eq!(run(&mut executor), want);
    // Tuning does not change the counters, and it has ended.
    executor.idle().unwrap();
    let after = executor.counters();
    assert_eq!((after.buffers, after.bytes), (before.buffers, before.bytes));
    assert_eq!(after.pipelines, before.pipelines);

    // The results are in one file, and the next program starts with them.
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1);
    let text = std::fs::read_to_string(files[0].as_ref().unwrap().path()).unwrap();
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    let variants = found["variants"].as_object().unwrap();
    assert_eq!(variants.len(), 1, "{text}");
    // Either of the correct variants may be the faster one.
    assert!(variants.values().all(|v| v == 0 || v == 2), "{text}");
    let device = open(&tuned).unwrap();
    let mut next = GpuExecutor::tuned(&device, program.clone()).unwrap();
    assert_eq!(run(&mut next), want);
    // Without tuning, the first variant is used.
    let mut plain = GpuExecutor::new(&device, program).unwrap();
    assert_eq!(run(&mut plain), want);
    plain.idle().unwrap();
}

/// `a = 2 x + 0 a; b = 3 x + 0 b; w = a + w`: the first two steps are independent.
fn two_at_once() -> Program {
    let layout = Layout::new(&[variable("w", N)]);
    let w = layout.placements[0].slot;
    let x = slot(BufferId::Local(0), 0, N);
    let [a, b] = [1, 2].map(|i| slot(BufferId::Local(i), 0, N));
    let local = |role| BufferPlan {
        bytes: x.bytes,
        role,
    };
    let plan = Plan {
        graph: Graph::new(Mode::Train),
        buffers: vec![
            local(BufferRole::Inputs),
            local(BufferRole::Activations),
            local(BufferRole::Activations),
        ],
        steps: vec![
            step(&[(axpby(N, 2.0, 0.0), vec![x, a])]),
            // Not all of it: kernels of a fused dispatch have their own grids, and this one has a
            // second round.
            step(&[
                (axpby(N / 3, 3.0, 0.0), vec![x, b]),
                (axpby(N / 5, 0.5, 1.0), vec![x, b]),
            ]),
            step(&[(axpby(N, 1.0, 1.0), vec![a, w])]),
            step(&[(axpby(N, 1.0, 1.0), vec![b, w])]),
        ],
        concurrent: vec![Range { start: 0, end: 2 }],
        inputs: vec![port("x", N, x)],
        results: Vec::new(),
        outputs: Vec::new(),
    };
    Program {
        layout: Arc::new(layout),
        plans: vec![Arc::new(plan)],
    }
}

#[test]
fn concurrent_steps_are_fused_and_give_the_same_bits() {
    let eager = Options {
        tuning: Tuning::Eager,
        ..options()
    };
    let Some(device) = open(&eager) else { return };
    let x = bits((0..N).map(|i| (i as f32 * 0.37).sin()));
    let run = |executor: &mut GpuExecutor| {
        executor.run(0, &[&x]).unwrap();
        executor.results(true).unwrap();
        executor.read_variable(0).unwrap()
    };
    let zeros = vec![0; N];
    let mut executor = GpuExecutor::tuned(&device, two_at_once()).unwrap();
    executor.write_variable(0, &zeros).unwrap();
    let want = run(&mut executor);
    assert_eq!(executor.dispatches(0), 5);
    executor.idle().unwrap();
    assert_eq!(executor.dispatches(0), 4);
    executor.write_variable(0, &zeros).unwrap();
    assert_eq!(run(&mut executor), want);
    // In a timed run, each step has its own dispatches.
    executor.write_variable(0, &zeros).unwrap();
    executor.run_timed(0, &[&x], Timing::Best).unwrap();
    assert_eq!(executor.read_variable(0).unwrap(), want);

    // Without tuning, nothing is fused.
    let mut plain = GpuExecutor::new(&device, two_at_once()).unwrap();
    plain.write_variable(0, &zeros).unwrap();
    assert_eq!(run(&mut plain), want);
    plain.idle().unwrap();
    assert_eq!(plain.dispatches(0), 5);
}
