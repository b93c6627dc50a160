//! Half precision: rounding to the same bits on every device, two values per word on a GPU, and
//! gradients.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use wgrad::autodiff::gradients;
use wgrad::exec::Program;
use wgrad::graph::{Graph, Mode, Output};
use wgrad::kernel::KernelLimits;
use wgrad::plan::{Layout, Plan, plan};
use wgrad::{DType, Device, Tensor, ops};

fn traced(n: usize, f: impl Fn(&Tensor) -> Tensor) -> Graph {
    let graph = Rc::new(RefCell::new(Graph::new(Mode::Train)));
    let y = f(&ops::input(&graph, "x", [n], DType::F32));
    graph.borrow_mut().take_error().unwrap();
    let node = y.id().unwrap();
    let name = "y".to_string();
    graph.borrow_mut().outputs.push(Output { name, node });
    graph.replace(Graph::new(Mode::Eval))
}

fn planned(graph: &Graph, limits: &KernelLimits) -> Plan {
    plan(graph, &Layout::new(&[]), limits).unwrap()
}

fn run(device: &Device, x: &[f32], f: impl Fn(&Tensor) -> Tensor) -> Vec<f32> {
    let plan = Arc::new(planned(&traced(x.len(), f), &device.kernel_limits()));
    let layout = Arc::new(Layout::new(&[]));
    let plans = vec![Arc::clone(&plan)];
    let mut executor = device.executor(Program { layout, plans }).unwrap();
    let words: Vec<u32> = x.iter().map(|x| x.to_bits()).collect();
    executor.run(0, &[&words]).unwrap();
    executor.results(true).unwrap();
    let words = executor.read_output(0, &plan.outputs[0]).unwrap();
    words.into_iter().map(f32::from_bits).collect()
}

/// Returns every finite half-precision value, the midpoints between them, and the neighbors of
/// both: values that a device must not flush to zero, and the largest that do not become infinite.
fn numbers(dtype: DType) -> Vec<f32> {
    let value = |bits: u16| match dtype {
        DType::F16 => half::f16::from_bits(bits).to_f32(),
        _ => half::bf16::from_bits(bits).to_f32(),
    };
    let mut all = Vec::new();
    for bits in 0..=u16::MAX {
        let x = value(bits);
        let next = value(bits.wrapping_add(1));
        if x.is_finite() {
            all.push(x);
            if next.is_finite() && x.is_sign_positive() == next.is_sign_positive() {
                let middle = ((f64::from(x) + f64::from(next)) / 2.0) as f32;
                all.extend([middle.next_down(), middle, middle.next_up()]);
            }
        }
    }
    all.retain(|x| x.is_normal() || *x == 0.0);
    all
}

fn nearest(dtype: DType, x: f32) -> f32 {
    match dtype {
        DType::F16 => half::f16::from_f32(x).to_f32(),
        _ => half::bf16::from_f32(x).to_f32(),
    }
}

fn rounds_to_the_bit(device: &Device) {
    for dtype in [DType::F16, DType::Bf16] {
        let x = numbers(dtype);
        assert!(x.len() > 200_000, "{}", x.len());
        // Stored in half precision and read back.
        let stored = run(device, &x, |x| x.cast(dtype));
        // Rounded within a fused step.
        let passed = run(device, &x, |x| -x.cast(dtype));
        for ((&x, stored), passed) in x.iter().zip(stored).zip(passed) {
            let want = nearest(dtype, x);
            // A subnormal f32, which only bf16 can give, may be flushed.
            if want.is_subnormal() {
                continue;
            }
            assert_eq!(
                stored.to_bits(),
                want.to_bits(),
                "{dtype} of {x:e}: {stored:e}"
            );
            assert_eq!(passed, -want, "{dtype} of {x:e} on the way");
        }
    }
}

#[test]
fn the_cpu_rounds_to_the_bit() {
    rounds_to_the_bit(&Device::cpu());
}

#[test]
fn the_gpu_rounds_to_the_bit() {
    if let Some(device) = common::gpu() {
        rounds_to_the_bit(&device);
    }
}

#[test]
fn a_stored_half_takes_two_bytes_on_a_gpu() {
    let bytes = |dtype: DType, limits: &KernelLimits| {
        let graph = traced(1 << 12, |x| {
            let y = x.cumsum(0).cast(dtype);
            &y + y.sum(&[])
        });
        let plan = planned(&graph, limits);
        let stored = plan.steps.iter().flat_map(|step| &step.writes);
        let stored = stored.filter(|(id, _)| plan.graph.meta(*id).dtype == dtype);
        stored.map(|(_, slot)| slot.bytes).collect::<Vec<_>>()
    };
    for dtype in [DType::F16, DType::Bf16] {
        assert_eq!(bytes(dtype, &KernelLimits::WEBGPU), [2 << 12]);
        // In the host's memory, each value has a word of its own.
        assert_eq!(bytes(dtype, &Device::cpu().kernel_limits()), [4 << 12]);
    }
}

#[test]
fn the_gradient_of_rounding_is_rounded() {
    let x = [0.1f32, -1.7, 3.3];
    let y = run(&Device::cpu(), &x, |x| {
        let y = x.cast(DType::F16);
        let loss = (y.square() * x).sum(&[]);
        let gradient = gradients(&loss, std::slice::from_ref(x))
            .unwrap()
            .remove(0)
            .unwrap();
        assert_eq!(gradient.dtype(), DType::F32);
        gradient
    });
    for (x, got) in x.into_iter().zip(y) {
        // The gradient of y^2 x, with the gradient of y rounded as in PyTorch.
        let y = nearest(DType::F16, x);
        let want = nearest(DType::F16, 2.0 * y * x) + y * y;
        assert!(
            (got - want).abs() <= 1e-6 * want.abs(),
            "expected {want}, found {got}"
        );
    }
}

#[test]
fn every_op_takes_halves() {
    let x: Vec<f32> = (0..24).map(|i| (i * 7 % 24) as f32 / 8.0 - 1.0).collect();
    type Op = fn(&Tensor) -> Tensor;
    let ops: [(&str, Op); 8] = [
        ("softmax", |x| x.reshape([4, 6]).softmax(-1)),
        ("sorted", |x| x.sort(0, false).0),
        ("triangle", |x| x.reshape([4, 6]).tril(0)),
        ("padded", |x| {
            x.pad(&[(1, 2)], wgrad::ops::PadMode::Constant(0.5))
        }),
        ("compared", |x| x.eq(&x.full_like(0.5)).cast(DType::F32)),
        ("reduced", |x| x.reshape([4, 6]).max(&[0])),
        ("joined", |x| Tensor::concat(&[x, x], 0)),
        ("einsum", |x| {
            Tensor::einsum("ij->ji", &[&x.reshape([4, 6])])
        }),
    ];
    for (name, op) in ops {
        // These values are exact in half precision, so rounding does not change them.
        let want = run(&Device::cpu(), &x, op);
        let got = run(&Device::cpu(), &x, |x| {
            op(&x.cast(DType::F16)).cast(DType::F32)
        });
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn what_the_host_fills_in_has_whole_words() {
    let graph = Rc::new(RefCell::new(Graph::new(Mode::Eval)));
    ops::input(&graph, "x", [3], DType::F16);
    let error = graph.borrow_mut().take_error().unwrap_err().to_string();
    assert!(
        error.contains("use `Tensor::cast` for f16 and bf16"),
        "{error}"
    );
}
