//! Gather, scatter and selection by index; see `tests/fixtures/ops_index.py`.

use wgrad::Tensor;

use crate::case::{Case, function};

pub fn cases() -> Vec<Case> {
    fn gather(name: &'static str, axis: isize) -> Case {
        function(name, move |x| vec![x[0].take_along_dim(&x[1], axis)])
    }
    fn scatter(name: &'static str, axis: isize) -> Case {
        function(name, move |x| {
            vec![x[0].scatter_add_dim(axis, &x[1], &x[2])]
        })
    }
    fn select(name: &'static str, axis: isize) -> Case {
        function(name, move |x| vec![x[0].index_select(axis, &x[1])])
    }
    let three = |x: &Tensor| {
        let thirds = [0, 1, 2, 0, 1, 2].map(f64::from);
        let number = thirds.iter().enumerate().skip(1).map(|(i, third)| {
            let here = x.eq(&x.constant_like(i as f64)).cast(wgrad::DType::F32);
            here * *third
        });
        number.reduce(|a, b| a + b).unwrap().cast(wgrad::DType::U32)
    };
    vec![
        function("rows", |x| vec![x[0].gather(&x[1])]),
        gather("gather_0", 0),
        gather("gather_1", 1),
        gather("gather_2", -1),
        gather("gather_one", 0),
        gather("take_along_dim", 1),
        select("index_select_0", 0),
        select("index_select_1", 1),
        select("index_select_2", -1),
        scatter("scatter_add_0", 0),
        scatter("scatter_add_1", -2),
        scatter("scatter_add_2", 2),
        function("index_add", |x| vec![x[0].scatter_add(&x[1], 4)]),
        function("masked_fill", |x| vec![x[0].masked_fill(&x[1], -2.5)]),
        function("where", |x| vec![x[0].select(&x[1], &x[2])]),
        function("one_hot", |x| vec![x[0].one_hot(7).matmul(&x[1])]),
        function("embedding_and_gather", move |x| {
            let rows = x[0].gather(&x[1]);
            let column = three(&x[1]).unsqueeze(1);
            vec![rows.take_along_dim(&column, 1).exp()]
        }),
    ]
}
