//! Order.

use crate::doctor::case::{Case, case};

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [0, 1, 2, 63, 65, 257, 1009, 10_007]
        .map(|n| {
            case("order", format!("{n}"), |x| x[0].order())
                .below([n], 1 << 31)
                .formula(|x| {
                    let mut order: Vec<usize> = (0..x[0].data.len()).collect();
                    order.sort_by(|&a, &b| x[0].data[a].total_cmp(&x[0].data[b]));
                    order.into_iter().map(|i| i as f64).collect()
                })
        })
        .into();
    cases.extend([
        case("order", "known", |x| x[0].order())
            .numbers([5], &[3, u32::MAX, 0, 3, 1])
            .expect(&[2.0, 4.0, 0.0, 3.0, 1.0]),
        case("order", "equal", |x| x[0].order())
            .numbers([300], &[5; 300])
            .formula(|_| (0..300).map(f64::from).collect()),
        case("order", "sliced", |x| x[0].slice(&[1], &[30], &[2]).order()).below([65], 7),
        case("order", "matrix", |x| x[0].order())
            .below([2, 3], 5)
            .mistake("one u32 tensor [n]"),
    ]);
    cases
}
