use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::*;
use crate::autodiff::gradients;
use crate::exec::interpreter::ReferenceExecutor;
use crate::graph::{Assign, Graph, Init, Meta, Mode, Output, Phase, Role, Variable, VariableId};
use crate::optim::{Adam, Optimizer, Update};
use crate::plan::{Layout, plan};
use crate::random::Stream;
use crate::{DType, Shape, Source, Tensor, ops};

type Shared = Rc<RefCell<Graph>>;

fn variable(graph: &Shared, name: &str, shape: &Shape, role: Role) -> Tensor {
    let id = VariableId(graph.borrow().variables.len() as u32);
    graph.borrow_mut().variables.push(Variable {
        name: name.to_string(),
        meta: Meta::new(shape.clone(), DType::F32),
        role,
        init: Init::Unset,
        source: Source::caller(),
    });
    ops::variable(graph, id)
}

fn output(graph: &Shared, name: &str, x: &Tensor) {
    let (name, node) = (name.to_string(), x.id().unwrap());
    graph.borrow_mut().outputs.push(Output { name, node });
}

fn program(graphs: Vec<Shared>) -> Program {
    let layout = Layout::new(&graphs[0].borrow().variables);
    let limits = crate::Device::cpu().kernel_limits();
    let plans = graphs
        .iter()
        .map(|g| Arc::new(plan(&g.borrow(), &layout, &limits).unwrap()));
    Program {
        plans: plans.collect(),
        layout: Arc::new(layout),
    }
}

/// A training step of a network with Adam. The inputs are `x`, labels or targets `t`, and Adam's
/// scalars.
fn mlp(widths: &[usize], batch: usize, activation: fn(&Tensor) -> Tensor) -> Shared {
    let graph = Rc::new(RefCell::new(Graph::new(Mode::Train)));
    let mut y = ops::input(&graph, "x", [batch, widths[0]], DType::F32);
    let classes = widths[widths.len() - 1];
    let t = match classes {
        1 => ops::input(&graph, "t", [batch, 1], DType::F32),
        _ => ops::input(&graph, "t", [batch], DType::U32),
    };
    let mut parameters = Vec::new();
    for (i, w) in widths.windows(2).enumerate() {
        let (inputs, outputs) = (w[0], w[1]);
        let shape = Shape::from([outputs, inputs]);
        let weight = variable(&graph, &format!("{i}.weight"), &shape, Role::Parameter);
        let shape = Shape::from([outputs]);
        let bias = variable(&graph, &format!("{i}.bias"), &shape, Role::Parameter);
        y = y.matmul_t(&weight) + &bias;
        if i + 2 < widths.len() {
            y = activation(&y);
        }
        parameters.extend([weight, bias]);
    }
    let loss = match classes {
        1 => (&y - &t).square().mean(&[]),
        _ => y.cross_entropy(&t).mean(&[]),
    };
    output(&graph, "loss", &loss);
    output(&graph, "y", &y);
    let grads = gradients(&loss, &parameters).unwrap();
    graph.borrow_mut().phase = Phase::Update;
    let adam = Adam::new(1e-2);
    let numbers = ops::input(&graph, "numbers", [3], DType::F32);
    let number = |i| numbers.narrow(0, i, 1).reshape(Shape::scalar());
    let scalars: Vec<Tensor> = (0..3).map(number).collect();
    for (i, (parameter, gradient)) in parameters.iter().zip(grads).enumerate() {
        let gradient = gradient.unwrap();
        let id = |k: usize| VariableId(k as u32);
        let shape = parameter.shape();
        let node = gradient.id().unwrap();
        graph.borrow_mut().gradients.push(Assign {
            variable: id(i),
            node,
        });
        let at = graph.borrow().variables.len();
        let state = |name: &str| {
            let role = Role::OptimizerState(name.to_string());
            variable(&graph, &format!("{i}.{name}"), &shape, role)
        };
        let states = vec![state("exp_avg"), state("exp_avg_sq")];
        let scalars = scalars.clone();
        let new = adam.update(Update {
            parameter,
            gradient,
            states,
            scalars,
        });
        let assign = |variable, x: &Tensor| {
            graph.borrow_mut().assigns.push(Assign {
                variable,
                node: x.id().unwrap(),
            });
        };
        assign(id(i), &new.parameter);
        assign(id(at), &new.states[0]);
        assign(id(at + 1), &new.states[1]);
    }
    graph.borrow_mut().take_error().unwrap();
    graph
}

fn uniform(n: usize, reach: f32, seed: u64) -> Vec<u32> {
    let mut stream = Stream::new(seed);
    (0..n)
        .map(|_| ((stream.uniform() * 2.0 - 1.0) * reach).to_bits())
        .collect()
}

/// Initializes the parameters of a network.
fn start(program: &Program, executor: &mut dyn Executor) {
    for (i, place) in program.layout.placements.iter().enumerate() {
        if place.variable.role == Role::Parameter {
            let shape = place.variable.shape();
            let reach = 1.0 / (shape.last() as f32).sqrt();
            executor
                .write_variable(i, &uniform(shape.len(), reach, i as u64))
                .unwrap();
        }
    }
}

fn inputs(program: &Program, plan: usize, step: u64) -> Vec<Vec<u32>> {
    let numbers = Adam::new(1e-2).scalars(step, 1e-2);
    let words = |port: &Port| match port.name.as_str() {
        "numbers" => numbers.iter().map(|v| (*v as f32).to_bits()).collect(),
        "t" if port.meta.dtype == DType::U32 => (0..port.meta.shape.len() as u32)
            .map(|i| (i * 7 + step as u32) % 3)
            .collect(),
        _ => uniform(port.meta.shape.len(), 1.0, step),
    };
    program.plans[plan].inputs.iter().map(words).collect()
}

fn run(program: &Program, executor: &mut dyn Executor, plan: usize, step: u64) {
    let words = inputs(program, plan, step);
    let words: Vec<&[u32]> = words.iter().map(Vec::as_slice).collect();
    executor.run(plan, &words).unwrap();
}

fn close(got: &[u32], want: &[u32], reach: f32, what: &str) {
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let (got, want) = (f32::from_bits(*got), f32::from_bits(*want));
        let near = (got - want).abs() <= reach * (1.0 + want.abs());
        assert!(near, "{what}[{i}]: expected {want}, found {got}");
    }
}

fn compare(graphs: Vec<Shared>, runs: &[usize]) {
    let program = program(graphs);
    let mut cpu = CpuExecutor::new(program.clone()).unwrap();
    let mut reference = ReferenceExecutor::new(program.clone());
    start(&program, &mut cpu);
    start(&program, &mut reference);
    for (step, &plan) in runs.iter().enumerate() {
        run(&program, &mut cpu, plan, step as u64 + 1);
        run(&program, &mut reference, plan, step as u64 + 1);
        for port in &program.plans[plan].outputs {
            let got = cpu.read_output(plan, port).unwrap();
            close(
                &got,
                &reference.read_output(plan, port).unwrap(),
                2e-4,
                &port.name,
            );
        }
    }
    let (got, want) = (cpu.results(true).unwrap(), reference.results(true).unwrap());
    assert_eq!(got.len(), runs.len());
    for (got, want) in got.iter().zip(&want) {
        assert_eq!((got.run, got.plan), (want.run, want.plan));
        close(&got.words, &want.words, 2e-4, "result");
    }
    for (i, place) in program.layout.placements.iter().enumerate() {
        let got = cpu.read_variable(i).unwrap();
        close(
            &got,
            &reference.read_variable(i).unwrap(),
            1e-3,
            &place.variable.name,
        );
    }
}

#[test]
fn training_follows_the_reference() {
    compare(vec![mlp(&[10, 64, 64, 1], 10, Tensor::relu)], &[0; 5]);
    compare(vec![mlp(&[7, 33, 65, 3], 129, Tensor::tanh)], &[0; 5]);
    compare(vec![mlp(&[5, 9, 4], 1, Tensor::gelu)], &[0; 3]);
}

#[test]
fn plans_of_different_batches_share_the_variables() {
    let batch = |n| mlp(&[6, 20, 5], n, Tensor::sigmoid);
    compare(vec![batch(32), batch(7)], &[0, 0, 1, 0, 1, 1]);
}

/// Returns the words of all variables after some steps with this number of threads.
fn trained(program: &Program, threads: usize) -> Vec<Vec<u32>> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| {
        let mut cpu = CpuExecutor::new(program.clone()).unwrap();
        start(program, &mut cpu);
        // By then, a short plan has run with all threads and with one.
        (1..20).for_each(|step| run(program, &mut cpu, 0, step));
        let all = 0..program.layout.placements.len();
        all.map(|i| cpu.read_variable(i).unwrap()).collect()
    })
}

#[test]
fn threads_make_no_difference() {
    for graph in [
        mlp(&[70, 512, 300, 10], 128, Tensor::relu),
        mlp(&[300, 257, 3], 301, Tensor::tanh),
        mlp(&[40, 128, 64, 1], 256, Tensor::relu),
    ] {
        let program = program(vec![graph]);
        let one = trained(&program, 1);
        for threads in [1, 2, 3, 7] {
            assert!(
                trained(&program, threads) == one,
                "{threads} threads give different bits"
            );
        }
    }
}

#[test]
fn memory_stands_still_after_it_is_made() {
    let program = program(vec![mlp(&[10, 64, 64, 1], 10, Tensor::relu)]);
    let mut cpu = CpuExecutor::new(program.clone()).unwrap();
    start(&program, &mut cpu);
    let before = cpu.counters();
    (1..4).for_each(|step| run(&program, &mut cpu, 0, step));
    assert_eq!(cpu.counters(), Counters { runs: 3, ..before });
    assert!(before.bytes >= program.plans[0].cost(&program.layout).bytes);
}

#[test]
fn mistakes_of_the_caller_are_errors() {
    let program = program(vec![mlp(&[3, 4, 1], 2, Tensor::relu)]);
    let mut cpu = CpuExecutor::new(program.clone()).unwrap();
    let port = program.plans[0].outputs[0].clone();
    assert!(cpu.read_output(0, &port).is_err());
    assert!(cpu.run(0, &[]).is_err());
    assert!(cpu.run(1, &[]).is_err());
    assert!(cpu.read_variable(99).is_err());
    let error = cpu.write_variable(0, &[0; 3]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the length of variable 0 is 3 words, but must be 12 words"
    );
    assert!(cpu.results(true).unwrap().is_empty());
}
