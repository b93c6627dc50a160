//! Elementwise ops: cases from the table of functions, known values, and views of the arguments.

use crate::graph::{Elementwise, Function, Op, Scalar};
use crate::ops::elementwise::functions;
use crate::{DType, Source, Tensor};

use super::SIZES;
use super::known::{KNOWN, Known};
use crate::doctor::case::{Case, Draw, case};

fn apply(f: &'static Function, x: &[Tensor]) -> Tensor {
    let constants = f.examples.iter().map(|&c| Scalar(c)).collect();
    let op = Op::Elementwise(Elementwise {
        function: f,
        constants,
    });
    // Half-precision arguments are cast from f32.
    let x = x.iter().zip(f.inputs);
    let x: Vec<Tensor> = x
        .map(|(x, dtype)| match dtype.is_half() {
            true => x.cast(*dtype),
            false => x.clone(),
        })
        .collect();
    Tensor::apply(op, &x.iter().collect::<Vec<_>>(), Source::caller())
}

/// Applies the function's gradient rules to a case.
fn with_rules(f: &Function, case: Case) -> Case {
    let mut case = case;
    if f.name.ends_with("_grad") {
        case = case.no_gradient("has no second derivative");
    }
    if f.output.is_half() || f.inputs.iter().any(|dtype| dtype.is_half()) {
        // The gradient is that of the identity, which finite differences cannot confirm.
        case.arguments.iter_mut().for_each(|a| a.varies = false);
    }
    if f.name == "bce" {
        // Targets are data and have no gradient.
        case.arguments[1].varies = false;
    }
    case
}

/// Adds an argument for input `i` of the function, in its domain and away from its kinks.
fn argument(f: &Function, i: usize, shape: &[usize], case: Case) -> Case {
    let (low, high) = f.domain;
    let case = case.argument(
        f.inputs[i].computed(),
        shape.to_vec(),
        Draw::Between(low, high),
    );
    case.avoiding(f.kinks)
}

/// The function of arguments of the same shape.
fn sized(f: &'static Function, name: String, shape: &[usize]) -> Case {
    let start = case(f.name, name, move |x| apply(f, x));
    let all = (0..f.inputs.len()).fold(start, |case, i| argument(f, i, shape, case));
    with_rules(f, all.apart())
}

/// Known values, including extremes.
fn known(&(name, arguments, results): &'static Known) -> Option<Case> {
    let f = functions().find(|f| f.name == name)?;
    let start = case(name, "known_values", move |x| apply(f, x)).expect(results);
    let given = arguments
        .iter()
        .zip(f.inputs)
        .fold(start, |case, (x, &dtype)| {
            let n = x.len();
            case.argument(dtype.computed(), [n], Draw::Given(x.to_vec()))
        });
    // Extremes may be at kinks, where finite differences are not valid.
    let mut fixed = with_rules(f, given);
    fixed.arguments.iter_mut().for_each(|a| a.varies = false);
    Some(fixed)
}

/// Arguments that are not contiguous, have other shapes, or are the same tensor.
fn views(f: &'static Function) -> Vec<Case> {
    let inputs = f.inputs.len();
    let with = |name: &str, shapes: &[&[usize]], view: fn(usize, &Tensor) -> Tensor| {
        let start = case(f.name, name, move |x: &[Tensor]| {
            let x: Vec<Tensor> = x.iter().enumerate().map(|(i, x)| view(i, x)).collect();
            apply(f, &x)
        });
        let all = (0..inputs).fold(start, |case, i| argument(f, i, shapes[i.min(1)], case));
        with_rules(f, all.apart())
    };
    let mut cases = vec![
        with("permuted", &[&[7, 9], &[9, 7]], |i, x| match i {
            0 => x.permute(&[1, 0]),
            _ => x.clone(),
        }),
        with("sliced", &[&[5, 11], &[3, 5]], |i, x| match i {
            0 => x.slice(&[1, 1], &[3, 5], &[1, 2]),
            _ => x.clone(),
        }),
    ];
    if inputs > 1 {
        let one = case(f.name, "row", move |x: &[Tensor]| {
            let x: Vec<Tensor> = x.iter().map(|x| x.broadcast_to([5, 12])).collect();
            apply(f, &x)
        });
        let row = (0..inputs).fold(one, |case, i| match i {
            0 => argument(f, i, &[5, 12], case),
            _ => argument(f, i, &[12], case),
        });
        cases.push(with_rules(f, row));
        let one = case(f.name, "column", move |x: &[Tensor]| {
            let x: Vec<Tensor> = x.iter().map(|x| x.broadcast_to([5, 9])).collect();
            apply(f, &x)
        });
        let column = (0..inputs).fold(one, |case, i| match i {
            0 => argument(f, i, &[5, 9], case),
            _ => argument(f, i, &[5, 1], case),
        });
        cases.push(with_rules(f, column));
    }
    if inputs == 2 && f.inputs[0] == f.inputs[1] && f.name != "bce" {
        let twice = case(f.name, "twice", move |x| {
            apply(f, &[x[0].clone(), x[0].clone()])
        });
        cases.push(with_rules(f, argument(f, 0, &[67], twice)));
    }
    cases
}

/// Combinations of functions with arguments that overflow in a naive implementation.
fn extremes() -> Vec<Case> {
    let saturated = [200.0, -200.0, 200.0, -200.0, 0.5];
    let targets = [1.0, 0.0, 0.0, 1.0, 0.25];
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    vec![
        // Binary cross-entropy of logits.
        case("softplus", "bce_logits", |x| {
            x[0].softplus() - &x[0] * &x[1]
        })
        .given([5], &saturated)
        .given([5], &targets)
        .constant()
        .formula(move |x| {
            let each = x[0].data.iter().zip(&x[1].data);
            each.map(|(x, t)| softplus(*x) - x * t).collect()
        }),
        case("bce", "saturated", |x| x[0].binary_cross_entropy(&x[1]))
            .given([5], &[1.0, 0.0, 1.0, 0.0, 0.5])
            .constant()
            .given([5], &[1.0, 0.0, 0.0, 1.0, 0.25])
            .constant()
            .expect(&[0.0, 0.0, 100.0, 100.0, std::f64::consts::LN_2]),
        case("bce", "logits", |x| {
            x[0].sigmoid().binary_cross_entropy(&x[1])
        })
        .given([4], &saturated[..4])
        .given([4], &targets[..4])
        .constant()
        .expect(&[0.0, 0.0, 100.0, 100.0]),
    ]
}

/// Integer and half-integer exponents, which have functions of their own.
fn powers() -> Vec<Case> {
    let exponents = [0.0, 1.0, 2.0, 3.0, 4.0, -1.0, -2.0, 0.5, -0.5, 1.5];
    let one = |p: f64| {
        let low = if p.fract() == 0.0 { -3.0 } else { 0.3 };
        case("power", format!("exponent_{p}"), move |x| x[0].powf(p))
            .f32_in([33], low, 3.0)
            .avoiding(&[-0.1, -0.05, 0.0, 0.05, 0.1])
            .formula(move |x| x[0].data.iter().map(|x| x.powf(p)).collect())
    };
    exponents.map(one).into()
}

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = KNOWN.iter().filter_map(known).collect();
    for f in functions() {
        cases.extend(SIZES.map(|n| sized(f, format!("n_{n}"), &[n])));
        cases.push(sized(f, "rank_0".to_string(), &[]));
        cases.push(sized(f, "rank_4".to_string(), &[2, 3, 1, 5]));
        cases.extend(views(f));
    }
    cases.extend(extremes());
    cases.extend(powers());
    cases.push(
        case("add", "wrong_shapes", |x| &x[0] + &x[1])
            .f32([2])
            .f32([3])
            .error("[3]"),
    );
    cases.push(
        case("mul", "wrong_type", |x| &x[0] * &x[1].cast(DType::U32))
            .f32([2])
            .f32([2])
            .error("must be f32"),
    );
    cases
}
