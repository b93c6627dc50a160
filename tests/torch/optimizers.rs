//! A thousand steps of each optimizer compared with PyTorch: in f64 by the reference, in f32 by the
//! devices.
//!
//! Parameters and gradients come from a hash of their index, as in `tests/fixtures/optimizers.py`.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use wgrad::exec::Program;
use wgrad::exec::interpreter::words_of;
use wgrad::exec::reference::{Values, evaluate};
use wgrad::graph::{Assign, Graph, Init, Meta, Mode, Phase, Role, Variable, VariableId};
use wgrad::ops::{self, Array};
use wgrad::optim::{self, Clip, Optimizer, Update};
use wgrad::plan::{Layout, plan};
use wgrad::{DType, Device, Shape, Source};

use crate::common;
use crate::fixture::{self, Fixture};

const SHAPES: [&[usize]; 5] = [&[7, 3], &[3], &[], &[5, 8], &[17]];
const STEPS: u64 = 1000;
const SCALARS: &str = "scalars";

struct Case {
    name: &'static str,
    make: fn() -> Box<dyn Optimizer>,
    clip: Clip,
}

fn cases() -> Vec<Case> {
    let case = |name, make| Case {
        name,
        make,
        clip: Clip::default(),
    };
    let adam: fn() -> Box<dyn Optimizer> = || {
        let adam = optim::Adam::new(0.01).betas(0.8, 0.99).eps(1e-6);
        Box::new(adam.weight_decay(0.1))
    };
    vec![
        case("sgd", || Box::new(optim::Sgd::new(0.01))),
        case("sgd_momentum", || {
            Box::new(optim::Sgd::new(0.01).momentum(0.9).weight_decay(0.01))
        }),
        case("sgd_nesterov", || {
            Box::new(optim::Sgd::new(0.01).nesterov(0.9))
        }),
        case("adam", adam),
        case("amsgrad", || {
            Box::new(optim::Adam::new(0.01).betas(0.9, 0.9).amsgrad(true))
        }),
        case("adamw", || {
            Box::new(optim::AdamW::new(0.01).weight_decay(0.1))
        }),
        case("adamw_amsgrad", || {
            Box::new(optim::AdamW::new(0.01).betas(0.9, 0.9).amsgrad(true))
        }),
        case("nadam", || {
            Box::new(optim::NAdam::new(0.01).weight_decay(0.1))
        }),
        case("nadam_decoupled", || {
            let nadam = optim::NAdam::new(0.01).weight_decay(0.1).decoupled(true);
            Box::new(nadam.momentum_decay(0.1))
        }),
        case("radam", || {
            Box::new(optim::RAdam::new(0.01).weight_decay(0.1))
        }),
        case("radam_decoupled", || {
            let radam = optim::RAdam::new(0.01).weight_decay(0.1).decoupled(true);
            Box::new(radam.betas(0.8, 0.9))
        }),
        case("rmsprop", || {
            Box::new(optim::RmsProp::new(0.01).alpha(0.9).weight_decay(0.01))
        }),
        case("rmsprop_momentum", || {
            Box::new(optim::RmsProp::new(0.001).momentum(0.9))
        }),
        case("rmsprop_centered", || {
            Box::new(optim::RmsProp::new(0.01).centered(true))
        }),
        case("rmsprop_both", || {
            Box::new(optim::RmsProp::new(0.001).centered(true).momentum(0.5))
        }),
        case("adagrad", || {
            Box::new(optim::Adagrad::new(0.1).lr_decay(0.01).weight_decay(0.1))
        }),
        case("adagrad_first", || {
            Box::new(optim::Adagrad::new(0.1).initial_accumulator_value(0.5))
        }),
        case("adadelta", || {
            Box::new(optim::Adadelta::new(1.0).weight_decay(0.1))
        }),
        case("adamax", || {
            Box::new(optim::Adamax::new(0.01).weight_decay(0.1))
        }),
        case("lion", || {
            Box::new(optim::Lion::new(1e-3).weight_decay(0.1))
        }),
        case("lamb", || Box::new(optim::Lamb::new(1e-2))),
        case("muon", || Box::new(optim::Muon::new(1e-2))),
        case("muon_adamw_size", || {
            let muon = optim::Muon::new(1e-2).scale(optim::MuonScale::MatchRmsAdamW);
            Box::new(muon.nesterov(false))
        }),
        case("muon_spectral_size", || {
            let muon = optim::Muon::new(1e-2).scale(optim::MuonScale::SpectralUnclamped);
            Box::new(muon.momentum(0.9))
        }),
        Case {
            clip: Clip {
                norm: Some(5.0),
                value: Some(3.0),
            },
            ..case("adam_clipped", adam)
        },
    ]
}

/// Returns numbers from -1 to 1 that are exact in f32.
fn uniform(seed: u32, n: usize) -> impl Iterator<Item = f64> {
    (0..n as u32).map(move |i| {
        let mut h = i.wrapping_add(seed.wrapping_mul(0x9E37_79B9));
        h ^= h >> 16;
        h = h.wrapping_mul(0x85EB_CA6B);
        h ^= h >> 13;
        h = h.wrapping_mul(0xC2B2_AE35);
        h ^= h >> 16;
        f64::from(h >> 8) / f64::from(1u32 << 23) - 1.0
    })
}

fn gradient(step: u64, i: usize) -> Array {
    let shape = Shape::from(SHAPES[i]);
    let noise = uniform(100 + 8 * step as u32 + i as u32, shape.len());
    let drift = uniform(10 + i as u32, shape.len());
    let size = 4f64.powi(1 - i as i32);
    let data = noise.zip(drift).map(|(n, d)| (n + 0.5 * d) * size);
    Array::new(shape.clone(), data.collect())
}

/// Traces the update of all parameters, whose gradients are inputs. Returns it with the initial
/// values.
fn trace(case: &Case) -> Result<(Graph, Vec<Array>), Failed> {
    let optimizer = (case.make)();
    optimizer.check()?;
    let shared = Rc::new(RefCell::new(Graph::new(Mode::Train)));
    let mut first = Vec::new();
    let mut declare = |name: String, role: Role, array: Array| {
        let mut graph = shared.borrow_mut();
        graph.variables.push(Variable {
            name,
            meta: Meta::new(array.shape.clone(), DType::F32),
            role,
            init: Init::Unset,
            source: Source::caller(),
        });
        first.push(array);
        VariableId::new(graph.variables.len() - 1)
    };
    let shapes = SHAPES.map(Shape::from);
    let mut parameters = Vec::new();
    for (i, shape) in shapes.iter().enumerate() {
        let values = uniform(i as u32, shape.len()).collect();
        let array = Array::new(shape.clone(), values);
        parameters.push(declare(format!("{i}"), Role::Parameter, array));
    }
    let mut memory = Vec::new();
    for (i, shape) in shapes.iter().enumerate() {
        let states = optimizer.states(shape).into_iter().map(|state| {
            let array = Array::new(shape.clone(), vec![f64::from(state.first); shape.len()]);
            let role = Role::OptimizerState(state.name.to_string());
            declare(format!("{i}.{}", state.name), role, array)
        });
        memory.push(states.collect::<Vec<_>>());
    }
    shared.borrow_mut().phase = Phase::Update;
    let count = optimizer.scalars(1, 0.1).len();
    let given = ops::input(&shared, SCALARS, [count], DType::F32);
    let scalar = |i| given.narrow(0, i, 1).reshape(Shape::scalar());
    let gradients = shapes.iter().enumerate();
    let gradients =
        gradients.map(|(i, s)| ops::input(&shared, &format!("g{i}"), s.clone(), DType::F32));
    let gradients = case.clip.apply(gradients.collect());
    for (i, gradient) in gradients.into_iter().enumerate() {
        let states = memory[i].iter().map(|id| ops::variable(&shared, *id));
        let updated = optimizer.update(Update {
            parameter: &ops::variable(&shared, parameters[i]),
            gradient,
            states: states.collect(),
            scalars: (0..count).map(scalar).collect(),
        });
        let new = std::iter::once(&updated.parameter).chain(&updated.states);
        for (variable, value) in std::iter::once(&parameters[i]).chain(&memory[i]).zip(new) {
            let (variable, node) = (*variable, value.id().ok_or("a broken tensor")?);
            shared.borrow_mut().assigns.push(Assign { variable, node });
        }
    }
    let mut graph = shared.replace(Graph::new(Mode::Eval));
    graph.take_error()?;
    Ok((graph, first))
}

fn inputs(optimizer: &dyn Optimizer, step: u64) -> Vec<(String, Array)> {
    let scalars = optimizer.scalars(step, optimizer.learning_rate());
    let scalars = Array::new([scalars.len()], scalars);
    let gradients = (0..SHAPES.len()).map(|i| (format!("g{i}"), gradient(step, i)));
    std::iter::once((SCALARS.to_string(), scalars))
        .chain(gradients)
        .collect()
}

fn reference(case: &Case, fixture: &Fixture) -> Result<(), Failed> {
    let (graph, first) = trace(case)?;
    let optimizer = (case.make)();
    let mut values = Values {
        variables: first,
        ..Values::default()
    };
    for step in 1..=STEPS {
        values.inputs.extend(inputs(optimizer.as_ref(), step));
        let computed = evaluate(&graph, &values)?;
        for assign in &graph.assigns {
            let value = computed[assign.node.index()].clone();
            values.variables[assign.variable.index()] = value.ok_or("no value")?;
        }
    }
    let got = values.variables.into_iter().map(|v| v.data);
    compare(&got.collect::<Vec<_>>(), fixture, 1e-10)
}

fn on(device: &Device, case: &Case, fixture: &Fixture) -> Result<(), Failed> {
    let (graph, first) = trace(case)?;
    let optimizer = (case.make)();
    let layout = Arc::new(Layout::new(&graph.variables));
    let plan = Arc::new(plan(&graph, &layout, &device.kernel_limits())?);
    let program = Program {
        layout,
        plans: vec![Arc::clone(&plan)],
    };
    let mut executor = device.executor(program)?;
    for (i, array) in first.iter().enumerate() {
        executor.write_variable(i, &words_of(DType::F32, array))?;
    }
    for step in 1..=STEPS {
        let given = inputs(optimizer.as_ref(), step);
        let words = plan.inputs.iter().map(|port| {
            let (_, array) = given.iter().find(|(name, _)| *name == port.name)?;
            Some(words_of(DType::F32, array))
        });
        let words: Vec<Vec<u32>> = words.collect::<Option<_>>().ok_or("an unknown input")?;
        executor.run(0, &words.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        executor.results(false)?;
    }
    let mut got = Vec::new();
    for i in 0..SHAPES.len() {
        let words = executor.read_variable(i)?;
        got.push(
            words
                .iter()
                .map(|w| f64::from(f32::from_bits(*w)))
                .collect(),
        );
    }
    compare(&got, fixture, 1e-4)
}

/// Compares relative to the largest value of each parameter; fails for NaN.
fn compare(got: &[Vec<f64>], fixture: &Fixture, tolerance: f64) -> Result<(), Failed> {
    for i in 0..SHAPES.len() {
        let stored = fixture
            .get(&i.to_string())
            .ok_or("a parameter is missing")?;
        let largest = stored.array.max_abs();
        if got[i].len() != stored.array.data.len() {
            return Err(format!("parameter {i} has {} numbers", got[i].len()).into());
        }
        for (got, want) in got[i].iter().zip(&stored.array.data) {
            if !((got - want).abs() <= tolerance * largest) {
                let text = format!("parameter {i}: {got}, in PyTorch {want}, of {largest}");
                return Err(text.into());
            }
        }
    }
    Ok(())
}

/// Returns the tests of all optimizers.
pub fn trials() -> Vec<Trial> {
    let fixtures = Arc::new(fixture::read("optimizers"));
    let mut trials = Vec::new();
    for case in cases() {
        let fixture = fixtures.get(case.name).cloned().unwrap_or_default();
        let shared = Arc::new((case, fixture));
        let mut add = |kind: &str, test: fn(&Case, &Fixture) -> Result<(), Failed>| {
            let shared = Arc::clone(&shared);
            let name = format!("optimizers::{}::{kind}", shared.0.name);
            trials.push(Trial::test(name, move || test(&shared.0, &shared.1)));
        };
        add("reference", reference);
        add("cpu", |c, f| on(&Device::cpu(), c, f));
        add("gpu", |case, fixture| {
            let _alone = crate::runner::alone();
            common::gpu().map_or(Ok(()), |device| on(&device, case, fixture))
        });
    }
    trials
}
