//! Measures how the time before the first step grows with the size of a model.
//!
//! `cargo bench --bench growth -- [chain|elementwise|wide|all] [--nodes N] [--runs N] [--json]`
//!
//! Traces, differentiates, updates with Adam, simplifies, fuses, lowers and prepares for the CPU a
//! training step of about 1,000, 2,000, 5,000, 10,000 and 20,000 nodes, and times each phase.
//! `compile` and `begin` are the times of these calls of a [`Trainer`] for the same model; they
//! include all phases. Each phase should take time in proportion to the nodes: the last column has
//! the nanoseconds per node. With `--json` it prints one JSON object per line: the median, minimum
//! and maximum in milliseconds of the runs.

mod models;
// This bench uses only a part of it.
#[allow(dead_code)]
#[path = "../workloads/report.rs"]
mod report;

use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use wgrad::autodiff::gradients;
use wgrad::data::{Dataset, Targets};
use wgrad::exec::Program;
use wgrad::graph::{Assign, Graph, Init, Mode, Output, Phase, Role, Variable, VariableId};
use wgrad::nn::{self, Module};
use wgrad::optim::{Adam, Optimizer as _, Update};
use wgrad::plan::{Layout, lower};
use wgrad::{DType, Device, Error, Fit, Result, Source, Tensor, Trainer, loss, ops, passes};

use models::{Kind, WIDTH};
use report::Report;

/// Approximate numbers of nodes of a training step.
const SIZES: [usize; 5] = [1_000, 2_000, 5_000, 10_000, 20_000];

/// The number of samples of a batch.
const BATCH: usize = 4;

fn main() -> ExitCode {
    let mut report = Report {
        json: false,
        device: Device::cpu().name(),
        precision: wgrad::DType::F32,
        memory_limit: None,
        profile: false,
        weights: false,
    };
    let (mut sizes, mut runs, mut names) = (SIZES.to_vec(), 5, Vec::new());
    let mut args = std::env::args().skip(1);
    let number = |arg: Option<String>| arg.and_then(|n| n.parse().ok()).unwrap_or(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => report.json = true,
            "--nodes" => sizes = vec![number(args.next())],
            "--runs" => runs = number(args.next()),
            // Cargo passes this to every bench.
            "--bench" => {}
            _ => names.push(arg),
        }
    }
    for (name, kind) in Kind::ALL {
        let wanted = names.is_empty() || names.iter().any(|n| n == name || n == "all");
        for nodes in sizes.iter().filter(|_| wanted) {
            if let Err(error) = measure(name, kind, (*nodes, runs), &report) {
                eprintln!("{name}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    report.memory("growth");
    ExitCode::SUCCESS
}

/// The time of each phase in milliseconds.
type Times = Vec<(&'static str, f64)>;

fn measure(name: &str, kind: Kind, (wanted, runs): (usize, usize), report: &Report) -> Result<()> {
    // Two sizes give the number of nodes of a piece.
    let [a, b] = [phases(kind, 10)?.0, phases(kind, 20)?.0];
    let pieces = (wanted.saturating_sub(a) * 10 / (b - a)) + 10;
    let mut all: Vec<Times> = Vec::new();
    let mut nodes = 0;
    for _ in 0..runs.max(1) {
        let (count, mut times) = phases(kind, pieces)?;
        nodes = count;
        times.extend(whole(kind, pieces)?);
        all.push(times);
    }
    for (i, (phase, _)) in all[0].iter().enumerate() {
        let samples: Vec<f64> = all.iter().map(|times| times[i].1).collect();
        report.emit(
            &format!("{name}_{wanted}"),
            &format!("{phase}_ms"),
            &samples,
            None,
        );
    }
    let total = |times: &Times| times.iter().take(6).map(|(_, ms)| ms).sum::<f64>();
    let totals: Vec<f64> = all.iter().map(total).collect();
    report.emit(&format!("{name}_{wanted}"), "to_plan_ms", &totals, None);
    let each: Vec<f64> = totals.iter().map(|ms| ms * 1e6 / nodes as f64).collect();
    report.emit(
        &format!("{name}_{wanted}"),
        "to_plan_ns_per_node",
        &each,
        None,
    );
    Ok(())
}

/// Runs the phases and returns the number of nodes and the times.
fn phases(kind: Kind, pieces: usize) -> Result<(usize, Times)> {
    let model = kind.model(pieces);
    let mut times = Vec::new();
    let mut since = Instant::now();
    let mut lap = |phase: &'static str| {
        times.push((phase, since.elapsed().as_secs_f64() * 1e3));
        since = Instant::now();
    };
    let shared = Rc::new(RefCell::new(Graph::new(Mode::Train)));
    nn::declare(&shared, model.as_ref());
    let loss = forward(&shared, model.as_ref())?;
    lap("trace");
    let ids: Vec<VariableId> = (0..shared.borrow().variables.len())
        .map(VariableId::new)
        .collect();
    let parameters: Vec<Tensor> = ids.iter().map(|id| ops::variable(&shared, *id)).collect();
    let grads = gradients(&loss, &parameters)?;
    lap("differentiate");
    shared.borrow_mut().phase = Phase::Update;
    update(&shared, &parameters, &grads);
    shared.borrow_mut().take_error()?;
    lap("update");
    let limits = Device::cpu().kernel_limits();
    let layout = Layout::new(&shared.borrow().variables);
    let count = shared.borrow().nodes().len();
    since = Instant::now();
    let mut lap = |phase: &'static str| {
        times.push((phase, since.elapsed().as_secs_f64() * 1e3));
        since = Instant::now();
    };
    let graph = passes::simplify(&shared.borrow())?;
    lap("simplify");
    let groups = passes::fuse(&graph, &limits);
    lap("fuse");
    let plan = lower(graph, groups, &layout, &limits)?;
    lap("lower");
    let program = Program {
        layout: Arc::new(layout),
        plans: vec![Arc::new(plan)],
    };
    let executor = Device::cpu().executor(program)?;
    lap("prepare");
    drop(executor);
    Ok((count, times))
}

fn forward(shared: &Rc<RefCell<Graph>>, model: &dyn Module) -> Result<Tensor> {
    let x = ops::input(shared, "x", [BATCH, WIDTH], DType::F32);
    let loss = model.forward(&x).square().mean(&[]);
    let Some(node) = loss.id() else {
        shared.borrow_mut().take_error()?;
        return Err(Error::Model {
            what: "the bench's model".to_string(),
            reason: "it gives no loss".to_string(),
        });
    };
    shared.borrow_mut().outputs.push(Output {
        name: "loss".to_string(),
        node,
    });
    Ok(loss)
}

/// Appends Adam's update of each parameter, with variables for its moments.
fn update(shared: &Rc<RefCell<Graph>>, parameters: &[Tensor], grads: &[Option<Tensor>]) {
    let adam = Adam::new(1e-3);
    let scalars: Vec<Tensor> = (0..adam.scalars(1, 1e-3).len())
        .map(|i| ops::input(shared, &format!("scalar {i}"), [], DType::F32))
        .collect();
    let assign = |variable: VariableId, value: &Tensor| {
        let node = value.id();
        node.map(|node| Assign { variable, node })
    };
    for (i, (parameter, gradient)) in parameters.iter().zip(grads).enumerate() {
        let Some(gradient) = gradient.clone() else {
            continue;
        };
        let id = VariableId::new(i);
        let of_gradient = assign(id, &gradient);
        let kinds = adam.states(&parameter.shape());
        let ids: Vec<VariableId> = kinds
            .iter()
            .map(|kind| declare(shared, i, kind.name))
            .collect();
        let updated = adam.update(Update {
            parameter,
            gradient,
            states: ids.iter().map(|id| ops::variable(shared, *id)).collect(),
            scalars: scalars.clone(),
        });
        let mut graph = shared.borrow_mut();
        graph.gradients.extend(of_gradient);
        graph.assigns.extend(assign(id, &updated.parameter));
        let states = ids.iter().zip(&updated.states);
        graph
            .assigns
            .extend(states.filter_map(|(id, value)| assign(*id, value)));
    }
}

/// Declares a variable for the optimizer's state of parameter `of`.
fn declare(shared: &Rc<RefCell<Graph>>, of: usize, kind: &str) -> VariableId {
    let variables = &mut shared.borrow_mut().variables;
    let parameter = &variables[of];
    let variable = Variable {
        name: format!("{kind}.{}", parameter.name),
        meta: parameter.meta.clone(),
        role: Role::OptimizerState(kind.to_string()),
        init: Init::Constant(0.0),
        source: Source::caller(),
    };
    variables.push(variable);
    VariableId::new(variables.len() - 1)
}

/// Times `compile` and `begin` of a trainer.
fn whole(kind: Kind, pieces: usize) -> Result<Times> {
    let x = vec![0.5; 2 * BATCH * WIDTH];
    let targets = Targets::Values {
        values: x.clone(),
        width: WIDTH,
    };
    let set = Dataset::from_arrays(x, [WIDTH], targets)?;
    let model = kind.model(pieces);
    let since = Instant::now();
    let mut trainer = Trainer::boxed(model)
        .loss(loss::Mse::new())
        .compile(&Device::cpu(), &set)?;
    let compile = since.elapsed().as_secs_f64() * 1e3;
    let since = Instant::now();
    trainer.begin(&set, Fit::epochs(1).batch_size(BATCH))?;
    let begin = since.elapsed().as_secs_f64() * 1e3;
    Ok(vec![("compile", compile), ("begin", begin)])
}
