//! The checked executor: training passes under it with the same bits, and it detects a wrong
//! kernel.
//!
//! The GPU is opened as described in `tests/common`.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use wgrad::autodiff::gradients;
use wgrad::exec::checked::CheckedExecutor;
use wgrad::exec::{Executor, Program};
use wgrad::graph::{Graph, Mode, Output};
use wgrad::plan::{Layout, Plan, Step, plan};
use wgrad::{DType, Device, Error, Fit, Tensor, Trainer, data, metrics, nn, ops, optim};

/// Returns the GPU in the mode of the run, if there is one.
fn gpus() -> Vec<Device> {
    common::gpu().into_iter().collect()
}

/// Trains three epochs of two batches, the second ragged. Returns the hash of the weights.
fn train(device: &Device) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let digits = data::csv(format!("{folder}/digits.csv")).unwrap();
    let digits = digits.target("label").unwrap();
    let (_, few) = digits.split(0.97, 1).unwrap();
    let model = nn::Sequential::new()
        .add(nn::Linear::new(64, 33))
        .add(nn::Relu)
        .add(nn::Dropout::new(0.25))
        .add(nn::Linear::new(33, 17))
        .add(nn::Gelu)
        .add(nn::Linear::new(17, 10));
    let mut trainer = Trainer::new(model)
        .optimizer(optim::AdamW::new(1e-2))
        .metric(metrics::Accuracy)
        .clip_grad_norm(1.0)
        .seed(1)
        .compile(device, &few)
        .unwrap();
    let fit = Fit::epochs(3).batch_size(31);
    trainer.fit(&few, fit).unwrap_or_else(|e| panic!("{e}"));
    trainer.evaluate(&few).unwrap_or_else(|e| panic!("{e}"));
    trainer.weights_sha256().unwrap()
}

#[test]
fn training_passes_on_the_gpu() {
    for gpu in gpus() {
        assert_eq!(train(&gpu), train(&gpu.checked()));
    }
}

#[test]
fn training_passes_on_the_cpu() {
    assert_eq!(train(&Device::cpu()), train(&Device::cpu().checked()));
}

/// Returns a small chain with a matmul, and the line of its ReLU.
fn traced() -> (Graph, u32) {
    let graph = Rc::new(RefCell::new(Graph::new(Mode::Train)));
    let x = ops::input(&graph, "x", [5, 7], DType::F32);
    let w = ops::input(&graph, "w", [7, 3], DType::F32);
    let (h, line) = (x.matmul(&w).relu(), line!());
    let y: Tensor = h.square().sum(&[]);
    let dw = gradients(&y, std::slice::from_ref(&w)).unwrap();
    let mut g = graph.borrow_mut();
    // As outputs, the ReLU's values are stored, so they can be compared.
    for (name, t) in [("h", Some(&h)), ("y", Some(&y)), ("dw", dw[0].as_ref())] {
        g.outputs.push(Output {
            name: name.to_string(),
            node: t.unwrap().id().unwrap(),
        });
    }
    drop(g);
    let taken = graph.replace(Graph::new(Mode::Train));
    (taken, line)
}

fn inputs() -> [Vec<u32>; 2] {
    let words = |n: usize| {
        let value = |i| ((i * 37 % 19) as f32 - 9.0) / 8.0;
        (0..n).map(|i| f32::to_bits(value(i))).collect()
    };
    [words(35), words(21)]
}

fn run(device: &Device, graph: &Graph, change: impl Fn(&mut Plan)) -> Result<(), Error> {
    let layout = Arc::new(Layout::new(&graph.variables));
    let mut plan = plan(graph, &layout, &device.kernel_limits())?;
    change(&mut plan);
    let program = Program {
        layout,
        plans: vec![Arc::new(plan)],
    };
    let inner = device.stepwise(program.clone())?.unwrap();
    let mut executor = CheckedExecutor::new(inner, program);
    let [x, w] = inputs();
    executor.run(0, &[&x, &w])
}

#[test]
fn a_wrong_kernel_is_found_on_the_gpu() {
    let (graph, line) = traced();
    for gpu in gpus() {
        run(&gpu, &graph, |_| ()).unwrap();
        let mut broken = None;
        let wrong = |from: &str, to: &str| {
            run(&gpu, &graph, |plan| {
                for step in &mut plan.steps {
                    for part in step
                        .variants
                        .iter_mut()
                        .flatten()
                        .flat_map(|d| &mut d.kernel.parts)
                    {
                        part.text = Cow::Owned(part.text.replace(from, to));
                    }
                }
            })
        };
        // The slope of the ReLU's negative part.
        let error = wrong(
            "select(F(0.0), x, x > F(0.0))",
            "select(x * 0.01, x, x > F(0.0))",
        );
        match error {
            Err(Error::Diverged {
                step,
                kernel,
                op,
                got,
                want,
                error,
                at,
                ..
            }) => {
                broken.replace(step);
                assert!(kernel.contains("matmul"), "{kernel}");
                assert_eq!(op, "relu");
                assert!(got < 0.0 && want == 0.0 && error > 1.0);
                assert_eq!((at.file(), at.line()), (file!(), line));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(broken, Some(0));
        // A NaN is detected like any wrong number.
        let error = wrong("select(F(0.0), x, x > F(0.0))", "sqrt(F(-1.0) - x * x)");
        assert!(
            matches!(error, Err(Error::Diverged { step: 0, .. })),
            "{error:?}"
        );
    }
}

#[test]
fn a_value_that_is_overwritten_is_found_on_the_cpu_and_gpu() {
    let graph = Rc::new(RefCell::new(Graph::new(Mode::Train)));
    let x = ops::input(&graph, "x", [5, 7], DType::F32);
    let w = ops::input(&graph, "w", [7, 3], DType::F32);
    let (p, q) = (x.matmul(&w), x.exp().matmul(&w));
    let y = p.matmul_t(&q).sum(&[]);
    let node = y.id().unwrap();
    let name = "y".to_string();
    graph.borrow_mut().outputs.push(Output { name, node });
    let graph = graph.replace(Graph::new(Mode::Train));
    for device in gpus().into_iter().chain([Device::cpu()]) {
        run(&device, &graph, |_| ()).unwrap();
        let error = run(&device, &graph, |plan| {
            // The second product takes the slot of the first.
            let product = |s: &&mut Step| s.label == "matmul";
            let mut products = plan.steps.iter_mut().filter(product);
            let taken = products.next().unwrap().outputs[0].1;
            let step = products.next().unwrap();
            let old = step.outputs[0].1;
            let dispatches = step.variants.iter_mut().flatten();
            let places = step.writes.iter_mut().chain(&mut step.outputs);
            let places = places.map(|(_, slot)| slot);
            for slot in places.chain(dispatches.flat_map(|d| &mut d.slots)) {
                if *slot == old {
                    *slot = taken;
                }
            }
        });
        match error {
            Err(Error::Internal { detail, .. }) => {
                assert!(detail.contains("was overwritten before"), "{detail}");
            }
            other => panic!("{}: {other:?}", device.name()),
        }
    }
}
