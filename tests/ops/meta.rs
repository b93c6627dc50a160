//! Whether anything has no case.

use std::collections::BTreeSet;

use libtest_mimic::{Failed, Trial};
use wgrad::doctor::{KNOWN, cases, trials as doctor_trials};
use wgrad::graph::{Elementwise, Op};
use wgrad::ops::elementwise::functions;

/// The names of the variants of `Op`, from its source: a new one needs no line here.
fn variants() -> Vec<&'static str> {
    let text = include_str!("../../src/graph/op/mod.rs");
    let body = text.split("pub enum Op {").nth(1).unwrap_or_default();
    let lines = body.split("\n}").next().unwrap_or_default().lines();
    let names = lines
        .filter_map(|line| line.trim().split_once('('))
        .map(|l| l.0);
    names.filter(|name| !name.starts_with("//")).collect()
}

/// An op's variant: how it begins as text.
fn variant(op: &Op) -> String {
    let text = format!("{op:?}");
    text.split('(').next().unwrap_or_default().to_string()
}

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
    let have: BTreeSet<String> = ops.iter().map(variant).collect();
    let known = variants();
    if known.len() < 30 {
        return Err(format!("only {known:?} were found").into());
    }
    missing(known, &have.iter().map(String::as_str).collect())
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
