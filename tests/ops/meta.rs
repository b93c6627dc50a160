//! Whether anything has no case.

use std::collections::BTreeSet;

use libtest_mimic::{Failed, Trial};
use wgrad::doctor::{KNOWN, cases, trials as doctor_trials};
use wgrad::graph::{Elementwise, Op};
use wgrad::ops::elementwise::functions;

/// The variants' names, and a match that a new variant breaks until it is named here.
macro_rules! variants {
    ($($variant:ident),* $(,)?) => {
        const VARIANTS: &[&str] = &[$(stringify!($variant)),*];

        fn variant(op: &Op) -> &'static str {
            match op {
                $(Op::$variant(_) => stringify!($variant)),*
            }
        }
    };
}
variants!(
    Input,
    Variable,
    Constant,
    Elementwise,
    Reshape,
    Permute,
    BroadcastTo,
    Slice,
    Pad,
    Concat,
    Gather,
    ScatterAdd,
    Matmul,
    Conv,
    ConvInputGrad,
    ConvWeightGrad,
    MaxPool,
    MaxPoolGrad,
    Resample,
    ResampleGrad,
    Reduce,
    ArgMax,
    CumSum,
    ArgSort,
    Pick,
    Softmax,
    SoftmaxGrad,
    LogSoftmax,
    LogSoftmaxGrad,
    CrossEntropy,
    CrossEntropyGrad,
    Norm,
    NormGrad,
    Rope,
    Attention,
    AttentionGrad,
    Recurrence,
    RecurrenceGrad,
);

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("meta::every_op_has_a_case", every_op_has_a_case),
        Trial::test("meta::every_function_has_a_case", every_function_has_a_case),
        Trial::test("meta::case_names_differ", case_names_differ),
    ]
}

/// The ops in all that the doctor and these tests run, forward and backward.
fn used() -> Result<Vec<Op>, Failed> {
    let mut ops = Vec::new();
    for trial in doctor_trials() {
        let (graph, _) = trial.trace()?;
        ops.extend(graph.nodes().iter().map(|n| n.op.clone()));
    }
    Ok(ops)
}

fn missing<'a>(
    wanted: impl IntoIterator<Item = &'a str>,
    have: &BTreeSet<&str>,
) -> Result<(), Failed> {
    let missing: Vec<&str> = wanted.into_iter().filter(|w| !have.contains(w)).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("no case for {missing:?}").into()),
    }
}

fn every_op_has_a_case() -> Result<(), Failed> {
    let ops = used()?;
    let have = ops.iter().map(variant).collect();
    missing(VARIANTS.iter().copied(), &have)
}

fn every_function_has_a_case() -> Result<(), Failed> {
    let ops = used()?;
    let name = |op: &Op| match op {
        Op::Elementwise(Elementwise { function, .. }) => Some(function.name),
        _ => None,
    };
    let have = ops.iter().filter_map(name).collect();
    missing(functions().map(|f| f.name), &have)?;
    let known = KNOWN.iter().map(|k| k.0).collect();
    missing(functions().map(|f| f.name), &known)?;
    let all = functions().map(|f| f.name).collect();
    missing(KNOWN.iter().map(|k| k.0), &all)
}

fn case_names_differ() -> Result<(), Failed> {
    let mut seen = BTreeSet::new();
    for case in cases() {
        let name = format!("{}::{}", case.op, case.name);
        if !seen.insert(name.clone()) {
            return Err(format!("two cases are called {name}").into());
        }
    }
    Ok(())
}
