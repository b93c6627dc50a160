//! Reductions, cumulative sums and sorting, with ties and zeros.

use wgrad::{DType, Tensor};

use crate::case::{Case, function};

/// A function of one tensor.
fn one(name: &'static str, f: impl Fn(&Tensor) -> Tensor + Send + Sync + 'static) -> Case {
    function(name, move |x| vec![f(&x[0])])
}

/// The names of a reduction's cases over all axes, the last one, the middle one, and the first and
/// last.
type Names = [&'static str; 4];

const AXES: [&[isize]; 4] = [&[], &[-1], &[1], &[0, 2]];

fn over_axes(
    names: Names,
    f: impl Fn(&Tensor, &[isize]) -> Tensor + Copy + Send + Sync + 'static,
) -> Vec<Case> {
    let all = names.into_iter().zip(AXES);
    all.map(|(name, axes)| one(name, move |x| f(x, axes)))
        .collect()
}

macro_rules! names {
    ($op:literal) => {
        [
            concat!($op, "_all"),
            concat!($op, "_last"),
            concat!($op, "_middle"),
            concat!($op, "_outer_and_inner"),
        ]
    };
}

macro_rules! along {
    ($op:literal) => {
        [concat!($op, "_0"), concat!($op, "_1"), concat!($op, "_2")]
    };
}

fn along(names: [&'static str; 3], f: fn(&Tensor, isize) -> Tensor) -> Vec<Case> {
    let all = names.into_iter().zip(0..);
    all.map(|(name, axis)| one(name, move |x| f(x, axis)))
        .collect()
}

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        one("prod_rows", |x| x.prod(&[1])),
        one("prod_columns", |x| x.prod(&[0])),
        one("prod_all", |x| x.prod(&[])),
        one("std_of_equals", |x| x.std(&[1], 1.0)),
        one("norm_of_zeros", |x| x.norm(&[1], 2.0)),
        one("logsumexp_far", |x| x.logsumexp(&[1])),
        one("softmax_far", |x| x.softmax(1)),
        one("argsort_picks", |x| {
            let (values, places) = x.sort(1, false);
            values * places.cast(DType::F32)
        }),
        one("argmax_places", |x| {
            let place = |at: Tensor| at.cast(DType::F32);
            x.max(&[1]) * place(x.argmax()) + x.min(&[1]) * place(x.argmin_along(1))
        }),
    ];
    let files = [
        over_axes(names!("sum"), |x, axes| x.sum(axes)),
        over_axes(names!("mean"), |x, axes| x.mean(axes)),
        over_axes(names!("amax"), |x, axes| x.max(axes)),
        over_axes(names!("amin"), |x, axes| x.min(axes)),
        over_axes(names!("logsumexp"), |x, axes| x.logsumexp(axes)),
        over_axes(names!("var"), |x, axes| x.var(axes, 1.0)),
        over_axes(names!("var_of_all"), |x, axes| x.var(axes, 0.0)),
        over_axes(names!("std"), |x, axes| x.std(axes, 1.0)),
        over_axes(names!("norm_half"), |x, axes| x.norm(axes, 0.5)),
        over_axes(names!("norm_1"), |x, axes| x.norm(axes, 1.0)),
        over_axes(names!("norm_2"), |x, axes| x.norm(axes, 2.0)),
        over_axes(names!("norm_3"), |x, axes| x.norm(axes, 3.0)),
        over_axes(names!("norm_largest"), |x, axes| {
            x.norm(axes, f64::INFINITY)
        }),
        along(along!("cumsum"), |x, axis| x.cumsum(axis)),
        along(along!("sort"), |x, axis| x.sort(axis, false).0),
        along(along!("sort_down"), |x, axis| x.sort(axis, true).0),
        along(along!("topk"), |x, axis| x.topk(2, axis, true).0),
        along(along!("topk_smallest"), |x, axis| x.topk(3, axis, false).0),
    ];
    cases.extend(files.into_iter().flatten());
    cases
}
