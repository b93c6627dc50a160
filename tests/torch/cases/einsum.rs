//! Einstein summation; see `tests/fixtures/einsum.py`.

use wgrad::Tensor;

use crate::case::{Case, function};

pub fn cases() -> Vec<Case> {
    let equations = [
        ("product", "ij,jk->ik"),
        ("product_implicit", "ij,jk"),
        ("implicit_order", "ba,ac"),
        ("product_to_transposed", "ij,jk->ki"),
        ("product_of_transposed", "ji,kj->ik"),
        ("batched", "bij,bjk->bik"),
        ("heads", "bihd,bjhd->bhij"),
        ("values", "bhij,bjhd->bihd"),
        ("dot", "i,i->"),
        ("row_dots", "bi,bi->b"),
        ("outer", "i,j->ij"),
        ("hadamard", "ij,ij->ji"),
        ("bilinear", "bn,anm,bm->ba"),
        ("chain", "ij,jk,kl->il"),
        ("transposed", "ijk->kij"),
        ("sum", "ij->"),
        ("sum_inner", "ijk->ik"),
        ("diagonal", "ii->i"),
        ("trace", "ii"),
        ("diagonal_of_batch", "bii->bi"),
        ("diagonal_apart", "iji->ij"),
        ("diagonal_in_product", "ij,jj->i"),
        ("lonely_axes", "ij,k->i"),
        ("dots", "...ij,...jk->...ik"),
        ("dots_broadcast", "...ij,...jk"),
        ("dots_inside", "i...,i...->..."),
        ("dots_summed", "...i->i"),
        ("size_one", "ij,jk->ik"),
        ("upper_case", "aB,Bc"),
        ("scalar", "i,->i"),
    ];
    let mut cases: Vec<Case> = equations
        .map(|(name, equation)| {
            function(name, move |x| {
                let operands: Vec<&Tensor> = x.iter().collect();
                vec![Tensor::einsum(equation, &operands)]
            })
        })
        .into();
    cases.push(function("same_twice", |x| {
        vec![Tensor::einsum("ij,kj->ik", &[&x[0], &x[0]])]
    }));
    cases
}
