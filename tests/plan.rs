//! The steps of plans: which nodes share a step.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::rc::Rc;

use wgrad::data::{Dataset, Targets};
use wgrad::graph::{Graph, MaxPool, Mode, Output};
use wgrad::kernel::{Binding, KernelLimits};
use wgrad::plan::{Layout, Plan, Slot, Step, plan};
use wgrad::{DType, Device, Fit, Result, Tensor, Trainer, loss, nn, ops, optim};

/// Plans a function of some `f32` tensors, with WebGPU's default limits.
fn planned(shapes: &[&[usize]], f: impl Fn(&[Tensor]) -> Tensor) -> Result<Plan> {
    planned_for(&KernelLimits::WEBGPU, shapes, f)
}

fn planned_for(
    limits: &KernelLimits,
    shapes: &[&[usize]],
    f: impl Fn(&[Tensor]) -> Tensor,
) -> Result<Plan> {
    let shared = Rc::new(RefCell::new(Graph::new(Mode::Eval)));
    let x: Vec<Tensor> = (0..)
        .zip(shapes)
        .map(|(i, shape)| ops::input(&shared, &format!("x{i}"), shape.to_vec(), DType::F32))
        .collect();
    let y = f(&x);
    let mut graph = shared.borrow_mut();
    graph.take_error()?;
    let node = y.id().unwrap();
    let name = "y".to_string();
    graph.outputs.push(Output { name, node });
    plan(&graph, &Layout::new(&[]), limits)
}

fn labels(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|s| s.label.as_str()).collect()
}

#[test]
fn a_narrow_product_computes_its_left_matrix_and_its_results_chain() -> Result<()> {
    let plan = planned(&[&[65, 33], &[33, 10]], |x| {
        x[0].tanh().matmul(&x[1]).relu()
    })?;
    assert_eq!(labels(&plan), ["matmul+relu"]);
    let prologue = plan.steps[0].prologue.as_ref();
    assert!(prologue.is_some_and(|h| h.code.len() == 1 && !h.is_load()));
    Ok(())
}

#[test]
fn a_wide_product_reads_its_left_matrix_from_memory() -> Result<()> {
    let plan = planned(&[&[65, 33], &[33, 200]], |x| x[0].tanh().matmul(&x[1]))?;
    assert_eq!(labels(&plan), ["tanh_of", "matmul"]);
    Ok(())
}

#[test]
fn a_narrow_product_reads_a_permuted_matrix_without_a_copy() -> Result<()> {
    let plan = planned(&[&[2, 7, 3, 5], &[2, 3, 5, 8]], |x| {
        x[0].permute(&[0, 2, 1, 3]).matmul(&x[1])
    })?;
    assert_eq!(labels(&plan), ["matmul"]);
    Ok(())
}

#[test]
fn a_left_matrix_that_others_need_is_stored_once() -> Result<()> {
    let plan = planned(&[&[65, 33], &[33, 10]], |x| {
        let h = x[0].tanh();
        h.matmul(&x[1]).sum(&[]) + h.sum(&[])
    })?;
    let stored = labels(&plan).iter().filter(|l| l.contains("tanh")).count();
    assert_eq!(stored, 1);
    Ok(())
}

/// Adam with weight decay and clipping reads five tensors and writes three of them in place.
#[test]
fn an_update_in_place_is_one_step_at_eight_buffers() -> Result<()> {
    let set = Dataset::from_arrays(vec![0.5; 80], [10], Targets::classes(vec![0; 8], 3))?;
    let model = nn::Sequential::new()
        .add(nn::Linear::new(10, 7))
        .add(nn::Relu)
        .add(nn::Linear::new(7, 3));
    let mut trainer = Trainer::new(model)
        .optimizer(optim::AdamW::new(1e-3).weight_decay(0.1))
        .clip_grad_norm(1.0)
        .compile(&Device::cpu(), &set)?;
    trainer.begin(&set, Fit::epochs(1).batch_size(4))?;
    let graph = &trainer.plan().unwrap().graph;
    // The CPU's own limits may exceed those of some GPUs.
    let layout = Layout::new(&graph.variables);
    let plan = plan(graph, &layout, &KernelLimits::WEBGPU)?;
    let update = |s: &&Step| s.anchor.is_none() && s.label.contains("root");
    let updates = plan.steps.iter().filter(update);
    assert_eq!(updates.count(), 1, "{plan}");
    Ok(())
}

/// Parameters of one size read the same constants, which must not put their updates into one
/// kernel: as separate, equal steps, the planner merges them into one dispatch.
#[test]
fn parameters_of_one_size_are_updated_by_one_step() -> Result<()> {
    let set = Dataset::from_arrays(vec![0.5; 32], [8], Targets::classes(vec![0, 1, 2, 0], 3))?;
    let mut model = nn::Sequential::new().add(nn::Linear::new(8, 16));
    for _ in 0..4 {
        model = model.add(nn::LayerNorm::new([16]));
    }
    let mut trainer = Trainer::new(model.add(nn::Linear::new(16, 3)))
        .optimizer(optim::AdamW::new(1e-3).weight_decay(0.01))
        .compile(&Device::cpu(), &set)?;
    trainer.begin(&set, Fit::epochs(1).batch_size(4))?;
    let plan = trainer.plan().unwrap();
    let update = |s: &&Step| s.anchor.is_none() && s.label.contains("root");
    let updates: Vec<&Step> = plan.steps.iter().filter(update).collect();
    assert_eq!(updates.len(), 1, "{plan}");
    assert_eq!(updates[0].label.matches("root").count(), 1, "{plan}");
    Ok(())
}

#[test]
fn a_scalar_with_two_names_has_one_place() -> Result<()> {
    let shared = Rc::new(RefCell::new(Graph::new(Mode::Eval)));
    let x = ops::input(&shared, "x", [7], DType::F32);
    let y = x.square().mean(&[]);
    let node = y.id().unwrap();
    for name in ["loss", "mse"] {
        let name = name.to_string();
        shared.borrow_mut().outputs.push(Output { name, node });
    }
    let plan = plan(&shared.borrow(), &Layout::new(&[]), &KernelLimits::WEBGPU)?;
    let names: Vec<&str> = plan.results.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["loss", "mse"]);
    assert_eq!(plan.results[0].slot, plan.results[1].slot);
    assert_eq!(plan.steps.len(), 1);
    Ok(())
}

/// Views cost no step: the steps that follow read through them.
#[test]
fn views_cost_no_step() -> Result<()> {
    let plan = planned(&[&[6, 8], &[7]], |x| {
        let x0 = x[0].flip(&[0, 1]).permute(&[1, 0]);
        let part = x0.slice(&[1, 0], &[4, 2], &[2, 3]).flip(&[1]).chunk(2, 0);
        let wide = x[1].flip(&[0]).expand(&[2, -1]).narrow(1, 3, 2);
        (&part[0] + wide).exp()
    })?;
    assert_eq!(labels(&plan), ["add+expo"]);
    Ok(())
}

/// Values that depend only on an element's position are computed where they are used.
#[test]
fn what_is_counted_is_not_stored() -> Result<()> {
    let plan = planned(&[&[5, 7], &[7]], |x| {
        x[0].tril(0) * x[0].eye(5, 7) + x[0].ones([7])
    })?;
    assert_eq!(plan.steps.len(), 1, "{:?}", labels(&plan));
    let plan = planned(&[&[7]], |x| &x[0] * x[0].linspace(0.0, 1.0, 7))?;
    assert_eq!(plan.steps.len(), 1, "{:?}", labels(&plan));
    Ok(())
}

/// An equation that is a matrix product becomes one, without copies of the tensors.
#[test]
fn an_equation_of_a_product_is_a_product() -> Result<()> {
    for (equation, a, b) in [
        ("bij,bjk->bik", [2, 70, 80], [2, 80, 90]),
        ("bij,bkj->bik", [2, 70, 80], [2, 90, 80]),
        ("bji,bjk->bik", [2, 80, 70], [2, 80, 90]),
        ("bji,bkj->bik", [2, 80, 70], [2, 90, 80]),
        ("bij,bjk->bki", [2, 70, 80], [2, 80, 90]),
    ] {
        let plan = planned(&[&a, &b], |x| {
            Tensor::einsum(equation, &[&x[0], &x[1]]).relu()
        })?;
        let steps = labels(&plan);
        assert!(steps[0].starts_with("matmul"), "{equation}: {steps:?}");
        let most = if equation.ends_with("bki") { 2 } else { 1 };
        assert!(steps.len() <= most, "{equation}: {steps:?}");
    }
    Ok(())
}

/// A step of several batches ends in two steps of the plan: the update of all parameters, and zeros
/// for the sums of all gradients. The zeros of equal shape are one node of the graph.
#[test]
fn a_step_of_several_batches_ends_in_an_update_and_zeros() -> Result<()> {
    let model = nn::Sequential::new()
        .add(nn::Linear::new(8, 8))
        .add(nn::Linear::new(8, 8))
        .add(nn::Linear::new(8, 3));
    let classes = (0..16).map(|i| i % 3).collect();
    let set = Dataset::from_arrays(vec![0.5; 16 * 8], [8], Targets::classes(classes, 3))?;
    let trainer = Trainer::new(model).optimizer(optim::Sgd::new(0.1));
    let mut trainer = trainer
        .accumulate_gradients(2)
        .compile(&Device::cpu(), &set)?;
    trainer.begin(&set, Fit::epochs(1).batch_size(4))?;
    let plan = trainer.plan().unwrap();
    let last = labels(plan).split_off(plan.steps.len() - 3);
    assert_eq!(last, ["matmul", "mul+add+mul+mul+sub", "copy"], "{plan}");
    Ok(())
}

/// The parts of a small network's gradients can be computed concurrently, layer by layer. Nothing
/// that one of these steps writes shares a buffer with what another one reads or writes, including
/// workspaces.
#[test]
fn loops_that_a_driver_would_end_early_are_refused() -> Result<()> {
    let ends_loops = KernelLimits {
        software: true,
        max_loop_iterations: 65_535,
        ..KernelLimits::WEBGPU
    };
    let pooled = |size: usize, limits| {
        planned_for(limits, &[&[1, 1, size, size]], |x| {
            x[0].max_pool2d(MaxPool {
                kernel: [size; 2],
                stride: [size; 2],
                padding: [0; 2],
                dilation: [1; 2],
            })
        })
    };
    pooled(300, &KernelLimits::WEBGPU)?;
    pooled(255, &ends_loops)?;
    let error = pooled(300, &ends_loops).unwrap_err().to_string();
    for part in ["max_pool at ", "plan.rs:", "90300", "65535", "llvmpipe"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    // The invocations share long rows.
    planned_for(&ends_loops, &[&[128, 50_257]], |x| x[0].softmax(-1))?;
    // Long sums are split.
    planned_for(&ends_loops, &[&[2, 1 << 20], &[1 << 20, 2]], |x| {
        x[0].matmul(&x[1])
    })?;
    let wide = planned_for(&ends_loops, &[&[512, 300_000], &[300_000, 512]], |x| {
        x[0].matmul(&x[1])
    });
    assert!(wide.unwrap_err().to_string().contains("matmul at "));
    Ok(())
}

#[test]
fn small_steps_that_need_nothing_of_each_other_make_a_wave() -> Result<()> {
    let set = Dataset::from_arrays(vec![0.5; 320], [10], Targets::values(vec![1.0; 32]))?;
    let model = nn::Sequential::new()
        .add(nn::Linear::new(10, 64))
        .add(nn::Relu)
        .add(nn::Linear::new(64, 64))
        .add(nn::Relu)
        .add(nn::Linear::new(64, 1))
        .add(nn::Sigmoid);
    let mut trainer = Trainer::new(model)
        .loss(loss::Bce::new())
        .optimizer(optim::Adam::new(1e-3))
        .compile(&Device::cpu(), &set)?;
    trainer.begin(&set, Fit::epochs(1).batch_size(32))?;
    let plan = trainer.plan().unwrap();
    // Three products forward; the loss's mean and the last layer's three gradients; the second
    // layer's; the first layer's two; the update.
    assert_eq!(plan.concurrent, [3..7, 7..10, 10..12], "{plan}");
    assert_eq!(plan.steps.len(), 13, "{plan}");
    for group in &plan.concurrent {
        let steps = &plan.steps[group.clone()];
        for (i, a) in steps.iter().enumerate() {
            for b in steps.iter().skip(i + 1) {
                let slots = |step: &Step, written: bool| {
                    let all = step.variants.iter().flatten();
                    let bound = all.flat_map(|d| {
                        let of = |b: &Binding| matches!(b, Binding::Write(_)) == written;
                        let storage = d.kernel.bindings.iter();
                        let storage = storage.filter(|b| !matches!(b, Binding::Uniform(_)));
                        let chosen = storage.zip(&d.slots).filter(|(b, _)| of(b));
                        chosen.map(|(_, slot)| *slot).collect::<Vec<_>>()
                    });
                    bound.collect::<Vec<_>>()
                };
                for written in slots(a, true) {
                    assert!(!slots(b, false).iter().any(|s| s.buffer == written.buffer));
                    let apart = |s: &Slot| {
                        s.buffer != written.buffer
                            || s.offset >= written.offset + written.bytes
                            || written.offset >= s.offset + s.bytes
                    };
                    assert!(slots(b, true).iter().all(apart), "{plan}");
                }
                for written in slots(b, true) {
                    assert!(!slots(a, false).iter().any(|s| s.buffer == written.buffer));
                }
            }
        }
    }
    Ok(())
}
