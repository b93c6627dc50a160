//! The rows of comparison, selection and conversion.

use crate::graph::{Backward, Function, Grads, Scalar};

use super::arithmetic::none;
use super::row::row;

pub(super) static TABLE: &[&Function] = &[
    &EQ,
    &NE,
    &LT,
    &LE,
    &GT,
    &GE,
    &EQ_U32,
    &EQ_I32,
    &LT_U32,
    &LT_I32,
    &AND,
    &OR,
    &XOR,
    &NOT,
    &IS_NAN,
    &SHARE,
    &WHERE,
    &F32_TO_I32,
    &F32_TO_U32,
    &F32_TO_BOOL,
    &I32_TO_F32,
    &I32_TO_U32,
    &I32_TO_BOOL,
    &U32_TO_F32,
    &U32_TO_I32,
    &U32_TO_BOOL,
    &BOOL_TO_F32,
    &BOOL_TO_I32,
    &BOOL_TO_U32,
];

row!(EQ "eq" "a = b" "logic", (a: f32, b: f32)[] -> bool = a == b; grad = none; ulp: 0.0);
row!(NE "ne" "a != b" "logic", (a: f32, b: f32)[] -> bool = a != b; grad = none; ulp: 0.0);
row!(LT "lt" "a < b" "logic", (a: f32, b: f32)[] -> bool = a < b; grad = none; ulp: 0.0);
row!(LE "le" "a <= b" "logic", (a: f32, b: f32)[] -> bool = a <= b; grad = none; ulp: 0.0);
row!(GT "gt" "a > b" "logic", (a: f32, b: f32)[] -> bool = a > b; grad = none; ulp: 0.0);
row!(GE "ge" "a >= b" "logic", (a: f32, b: f32)[] -> bool = a >= b; grad = none; ulp: 0.0);
row!(EQ_U32 "eq_u32" "a = b" "logic", (a: u32, b: u32)[] -> bool = a == b;
    grad = none; ulp: 0.0, domain: (0.0, 4.0));
row!(EQ_I32 "eq_i32" "a = b" "logic", (a: i32, b: i32)[] -> bool = a == b; grad = none; ulp: 0.0);
row!(LT_U32 "lt_u32" "a < b" "logic", (a: u32, b: u32)[] -> bool = a < b;
    grad = none; ulp: 0.0, domain: (0.0, 4.0));
row!(LT_I32 "lt_i32" "a < b" "logic", (a: i32, b: i32)[] -> bool = a < b; grad = none; ulp: 0.0);
row!(AND "both" "a and b" "logic", (a: bool, b: bool)[] -> bool = a && b;
    grad = none; ulp: 0.0, domain: (0.0, 2.0));
row!(OR "either" "a or b" "logic", (a: bool, b: bool)[] -> bool = a || b;
    grad = none; ulp: 0.0, domain: (0.0, 2.0));
row!(XOR "differ" "a or b, not both" "logic", (a: bool, b: bool)[] -> bool = a != b;
    grad = none; ulp: 0.0, domain: (0.0, 2.0));
row!(NOT "inverse" "not a" "logic", (a: bool)[] -> bool = !a;
    grad = none; ulp: 0.0, domain: (0.0, 2.0));
row!(IS_NAN "not_a_number" "x is not a number" "logic", (x: f32)[] -> bool = x.is_nan();
    grad = none; ulp: 0.0);
// The share of the gradient of max(a, b) that a gets.
row!(SHARE "share" "1 where a > b, 1/2 where a = b, else 0" "logic",
    (a: f32, b: f32)[] -> f32 = if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
    grad = none; ulp: 0.0);
row!(WHERE "choose" "c ? a : b" "logic",
    (c: bool, a: f32, b: f32)[] -> f32 = if c { a } else { b };
    grad = where_grad; ulp: 0.5, domain: (0.0, 2.0));

fn where_grad(b: &Backward, _: &[Scalar]) -> Grads {
    let zero = b.dy.zeros_like();
    let da = b.x[0].select(b.dy, &zero);
    let db = b.x[0].select(&zero, b.dy);
    Ok(vec![None, Some(da), Some(db)])
}

fn float_cast(b: &Backward, _: &[Scalar]) -> Grads {
    none(b, &[])
}

row!(F32_TO_I32 "f32_to_i32" "x, rounded towards 0" "logic", (x: f32)[] -> i32 = x as i32;
    grad = float_cast; ulp: 0.0);
row!(F32_TO_U32 "f32_to_u32" "x, rounded towards 0" "logic", (x: f32)[] -> u32 = x as u32;
    grad = float_cast; ulp: 0.0, domain: (0.0, 9.0));
row!(F32_TO_BOOL "f32_to_bool" "x != 0" "logic", (x: f32)[] -> bool = x != 0.0;
    grad = none; ulp: 0.0);
row!(I32_TO_F32 "i32_to_f32" "x" "logic", (x: i32)[] -> f32 = x as _; grad = none; ulp: 0.5);
row!(I32_TO_U32 "i32_to_u32" "x, modulo 2^32" "logic", (x: i32)[] -> u32 = x as u32;
    grad = none; ulp: 0.0);
row!(I32_TO_BOOL "i32_to_bool" "x != 0" "logic", (x: i32)[] -> bool = x != 0;
    grad = none; ulp: 0.0);
row!(U32_TO_F32 "u32_to_f32" "x" "logic", (x: u32)[] -> f32 = x as _;
    grad = none; ulp: 0.5, domain: (0.0, 9.0));
row!(U32_TO_I32 "u32_to_i32" "x, modulo 2^32" "logic", (x: u32)[] -> i32 = x as i32;
    grad = none; ulp: 0.0, domain: (0.0, 9.0));
row!(U32_TO_BOOL "u32_to_bool" "x != 0" "logic", (x: u32)[] -> bool = x != 0;
    grad = none; ulp: 0.0, domain: (0.0, 2.0));
row!(BOOL_TO_F32 "bool_to_f32" "1 where x, else 0" "logic",
    (x: bool)[] -> f32 = if x { 1.0 } else { 0.0 }; grad = none; ulp: 0.0, domain: (0.0, 2.0));
row!(BOOL_TO_I32 "bool_to_i32" "1 where x, else 0" "logic", (x: bool)[] -> i32 = i32::from(x);
    grad = none; ulp: 0.0, domain: (0.0, 2.0));
row!(BOOL_TO_U32 "bool_to_u32" "1 where x, else 0" "logic", (x: bool)[] -> u32 = u32::from(x);
    grad = none; ulp: 0.0, domain: (0.0, 2.0));
