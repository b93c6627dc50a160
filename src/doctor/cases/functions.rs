//! Methods that select among elementwise functions or combine several, and borders and signs that
//! the cases from the table do not cover.

use crate::doctor::case::{Case, Draw, case};
use crate::{DType, Tensor};

const TRUE: f64 = 1.0;
const FALSE: f64 = 0.0;

/// Every comparison of integers and booleans.
fn comparisons() -> Vec<Case> {
    type Compare = (
        &'static str,
        fn(&Tensor, &Tensor) -> Tensor,
        fn(f64, f64) -> bool,
    );
    let all: [Compare; 6] = [
        ("eq", |a, b| a.eq(b), |a, b| a == b),
        ("ne", |a, b| a.ne(b), |a, b| a != b),
        ("lt", |a, b| a.lt(b), |a, b| a < b),
        ("le", |a, b| a.le(b), |a, b| a <= b),
        ("gt", |a, b| a.gt(b), |a, b| a > b),
        ("ge", |a, b| a.ge(b), |a, b| a >= b),
    ];
    let mut cases = Vec::new();
    for (name, method, holds) in all {
        for (dtype, low, high) in [
            (DType::U32, 0.0, 4.0),
            (DType::I32, -2.0, 2.0),
            (DType::Bool, 0.0, 2.0),
        ] {
            if dtype == DType::Bool && !matches!(name, "eq" | "ne") {
                continue;
            }
            cases.push(
                case(name, format!("of_{dtype}"), move |x| method(&x[0], &x[1]))
                    .argument(dtype, [33], Draw::Between(low, high))
                    .argument(dtype, [33], Draw::Between(low, high))
                    .formula(move |x| {
                        let pairs = x[0].data.iter().zip(&x[1].data);
                        pairs
                            .map(|(a, b)| f64::from(u8::from(holds(*a, *b))))
                            .collect()
                    }),
            );
        }
    }
    cases
}

/// A function of one argument, at its kinks and the borders of its domain.
fn one(op: &str, name: &str, f: fn(&Tensor) -> Tensor, x: &[f64], y: &[f64]) -> Case {
    case(op, name, move |x| f(&x[0]))
        .given([x.len()], x)
        .constant()
        .expect(y)
}

pub fn cases() -> Vec<Case> {
    let ln2 = std::f64::consts::LN_2;
    let mut cases = comparisons();
    cases.extend([
        one(
            "clamped",
            "low_above_high",
            |x| x.clamp(2.0, 1.0),
            &[0.0, 1.5, 3.0],
            &[1.0; 3],
        ),
        one(
            "clamped",
            "low_only",
            |x| x.clamp_min(0.5),
            &[0.0, 1.5, 3e38],
            &[0.5, 1.5, f64::from(3e38f32)],
        ),
        one(
            "clamped",
            "high_only",
            |x| x.clamp_max(0.5),
            &[0.0, 1.5, -3e38],
            &[0.0, 0.5, f64::from(-3e38f32)],
        ),
        one(
            "softplus",
            "log_sigmoid",
            |x| x.log_sigmoid(),
            &[0.0, 200.0, -200.0],
            &[-ln2, -(-200f64).exp(), -200.0],
        ),
        one(
            "eq",
            "with_a_number",
            |x| x.eq_scalar(2.0),
            &[1.0, 2.0],
            &[FALSE, TRUE],
        ),
        one(
            "ne",
            "with_a_number",
            |x| x.ne_scalar(2.0),
            &[1.0, 2.0],
            &[TRUE, FALSE],
        ),
        one(
            "lt",
            "with_a_number",
            |x| x.lt_scalar(2.0),
            &[1.0, 2.0],
            &[TRUE, FALSE],
        ),
        one(
            "le",
            "with_a_number",
            |x| x.le_scalar(2.0),
            &[2.0, 3.0],
            &[TRUE, FALSE],
        ),
        one(
            "gt",
            "with_a_number",
            |x| x.gt_scalar(2.0),
            &[2.0, 3.0],
            &[FALSE, TRUE],
        ),
        one(
            "ge",
            "with_a_number",
            |x| x.ge_scalar(2.0),
            &[1.0, 2.0],
            &[FALSE, TRUE],
        ),
        one(
            "expo",
            "extreme",
            |x| x.exp(),
            &[-200.0, 88.0, -87.0],
            &[(-200f64).exp(), 88f64.exp(), (-87f64).exp()],
        ),
        case("elu", "selu", |x| x[0].selu())
            .f32_in([65], -4.0, 4.0)
            .avoiding(&[0.0]),
        case("power", "negative_base", |x| x[0].powf(-5.0))
            .f32_in([33], -3.0, -0.5)
            .formula(|x| x[0].data.iter().map(|x| x.powf(-5.0)).collect()),
        case("power", "odd_of_both_signs", |x| x[0].powf(7.0))
            .f32_in([33], -2.0, 2.0)
            .avoiding(&[0.0])
            .formula(|x| x[0].data.iter().map(|x| x.powi(7)).collect()),
        case("power_of", "row_of_exponents", |x| x[0].pow(&x[1]))
            .f32_in([5, 3], 0.3, 3.0)
            .f32_in([3], -3.0, 3.0),
        case("modulo", "all_signs", |x| x[0].remainder(&x[1]))
            .f32_in([5, 13], -9.0, 9.0)
            .constant()
            .f32_in([5, 13], -3.0, 3.0)
            .constant()
            .formula(|x| {
                let pairs = x[0].data.iter().zip(&x[1].data);
                pairs.map(|(a, b)| a - (a / b).floor() * b).collect()
            }),
        case("angle", "all_quadrants", |x| x[0].atan2(&x[1]))
            .f32_in([5, 13], -9.0, 9.0)
            .avoiding(&[0.0])
            .f32_in([13], -9.0, 9.0)
            .avoiding(&[0.0]),
        case("prelu", "slopes_of_channels", |x| {
            x[0].prelu(&x[1].reshape([3, 1]))
        })
        .f32_in([2, 3, 5], -4.0, 4.0)
        .avoiding(&[0.0])
        .f32([3]),
        case("differ", "with_itself", |x| {
            let positive = x[0].gt_scalar(0.0);
            positive.logical_xor(&positive)
        })
        .f32([9])
        .expect(&[FALSE; 9]),
        case("differ", "with_a_constant", |x| {
            x[0].gt_scalar(0.0).eq_scalar(1.0)
        })
        .f32([9])
        .formula(|x| {
            x[0].data
                .iter()
                .map(|x| f64::from(u8::from(*x > 0.0)))
                .collect()
        }),
        case("lt", "mixed_types", |x| x[0].lt(&x[1]))
            .below([3], 4)
            .f32([3])
            .error("must be u32"),
    ]);
    cases
}
