//! Einstein summation.

use crate::Tensor;

use crate::doctor::case::{Case, case};

/// An equation with tensors of these shapes.
fn einsum(equation: &'static str, shapes: &[&[usize]]) -> Case {
    let name = equation
        .replace(' ', "")
        .replace("->", "_to_")
        .replace(',', "_");
    let sizes: Vec<String> = shapes.concat().iter().map(|n| n.to_string()).collect();
    let start = case("einsum", format!("{name}_{}", sizes.join("x")), move |x| {
        Tensor::einsum(equation, &x.iter().collect::<Vec<_>>())
    });
    shapes.iter().fold(start, |case, shape| case.f32(*shape))
}

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        einsum("ij,jk->ik", &[&[5, 7], &[7, 3]]),
        einsum("ij,jk", &[&[5, 7], &[7, 3]]),
        einsum("ji,jk->ki", &[&[7, 5], &[7, 3]]),
        einsum("ij,kj->ik", &[&[65, 63], &[33, 63]]),
        einsum("bij,bjk->bik", &[&[2, 3, 5], &[2, 5, 7]]),
        einsum("bij,bkj->bik", &[&[2, 3, 5], &[2, 7, 5]]),
        einsum("bhid,bhjd->bhij", &[&[2, 3, 5, 4], &[2, 3, 7, 4]]),
        einsum("bihd,bjhd->bhij", &[&[2, 5, 3, 4], &[2, 7, 3, 4]]),
        einsum("i,i->", &[&[257], &[257]]),
        einsum("bi,bi->b", &[&[5, 65], &[5, 65]]),
        einsum("i,j->ij", &[&[5], &[7]]),
        einsum("i,j->ji", &[&[5], &[7]]),
        einsum("ij,ij->ij", &[&[5, 7], &[5, 7]]),
        einsum("bi,bj->bij", &[&[2, 5], &[2, 3]]),
        einsum("ij->ji", &[&[5, 7]]),
        einsum("ij->", &[&[5, 7]]),
        einsum("ij->i", &[&[5, 7]]),
        einsum("ijk->ik", &[&[3, 5, 2]]),
        einsum("ii->i", &[&[5, 5]]),
        einsum("ii->", &[&[5, 5]]),
        einsum("iji->ji", &[&[3, 5, 3]]),
        einsum("iii->i", &[&[3, 3, 3]]),
        einsum("ij,jj->i", &[&[2, 3], &[3, 3]]),
        einsum("ij,k->i", &[&[2, 3], &[5]]),
        einsum("ij,jk,kl->il", &[&[2, 3], &[3, 5], &[5, 4]]),
        einsum("bn,anm,bm->ba", &[&[2, 5], &[3, 5, 4], &[2, 4]]),
        einsum("a,ab,abc->abc", &[&[2], &[2, 3], &[2, 3, 4]]),
        einsum("...ij,...jk->...ik", &[&[2, 3, 4], &[2, 4, 5]]),
        einsum("...ij,...jk", &[&[3, 4], &[2, 4, 5]]),
        einsum("...ij,jk->...ik", &[&[2, 1, 3, 4], &[4, 5]]),
        einsum("i...,i...->...", &[&[7, 2, 1], &[7, 3]]),
        einsum("...i->...", &[&[2, 3, 5]]),
        einsum("...i->i", &[&[2, 3, 5]]),
        einsum("b...,b->b...", &[&[2, 3, 5], &[2]]),
        einsum("ij,jk->ik", &[&[5, 1], &[7, 3]]),
        einsum("ij,jk->ik", &[&[0, 3], &[3, 2]]),
        einsum("ij,jk->ik", &[&[2, 0], &[0, 3]]),
        einsum("ij,jk->ik", &[&[1, 1], &[1, 1]]),
        einsum("bij,bj->bi", &[&[2, 3, 5], &[2, 5]]),
        einsum(",->", &[&[], &[]]),
        einsum("i,->i", &[&[5], &[]]),
    ];
    let wrong: [(&'static str, &[&[usize]], &'static str); 7] = [
        (
            "ij,kl->il2",
            &[&[2, 3], &[3, 4]],
            "\"ij,kl->il2\": the result is \"il2\"; expected letters",
        ),
        (
            "ij,jk->ik",
            &[&[2, 3], &[4, 5]],
            "j is 4 in operand 1, and 3 before\n  inputs: f32[2, 3], f32[4, 5]",
        ),
        (
            "ij->i",
            &[&[2, 3], &[4, 5]],
            "the equation has 1 operands, but found 2",
        ),
        (
            "ijk->i",
            &[&[2, 3]],
            "operand 0 has 2 axes, but the equation names 3",
        ),
        ("ij->k", &[&[2, 3]], "no operand has the result's k"),
        ("ij->ii", &[&[2, 3]], "the result has i twice"),
        ("ii->i", &[&[2, 3]], "i is 3 in operand 0, and 2 before"),
    ];
    cases.extend(wrong.map(|(equation, shapes, message)| einsum(equation, shapes).error(message)));
    cases.extend([
        case("einsum", "same_twice", |x| {
            Tensor::einsum("ij,kj->ik", &[&x[0], &x[0]])
        })
        .f32([5, 7]),
        case("einsum", "permuted", |x| {
            Tensor::einsum(
                "ij,jk->ki",
                &[&x[0].permute(&[1, 0]), &x[1].narrow(1, 1, 3)],
            )
        })
        .f32([7, 5])
        .f32([7, 5]),
        case("einsum", "known", |x| {
            Tensor::einsum("ij,j->i", &[&x[0], &x[1]])
        })
        .given([2, 2], &[1.0, 2.0, 3.0, 4.0])
        .given([2], &[10.0, 1.0])
        .expect(&[12.0, 34.0]),
        case("einsum", "u32", |x| Tensor::einsum("i->", &[&x[0]]))
            .below([3], 5)
            .error("expected f32, found u32"),
        case("einsum", "nothing", |x| &x[0] + Tensor::einsum("->", &[]))
            .f32([3])
            .error("at least 1"),
    ]);
    cases
}
