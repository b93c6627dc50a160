//! All cases, with one file per op.

use crate::doctor::case::Case;

mod argmax;
mod arrange;
mod attention;
mod augment;
mod concat;
mod conv;
mod create;
mod cross_entropy;
mod ctc;
mod cumsum;
mod einsum;
mod elementwise;
mod functions;
mod fused;
mod gather;
mod half_precision;
mod infinite;
mod known;
mod leaf;
mod log_softmax;
mod matmul;
mod max_pool;
mod norm;
mod pad;
mod random;
mod recurrence;
mod reduce;
mod reductions;
mod resample;
mod rope;
mod scatter_add;
mod select;
mod softmax;
mod sort;
mod take_along;
mod view;

pub use known::{KNOWN, Known};

/// Sizes at and around the borders of vectors, workgroups and blocks.
pub const SIZES: [usize; 11] = [0, 1, 2, 3, 7, 63, 65, 255, 256, 257, 1009];

/// Returns the cases of all ops.
pub fn all() -> Vec<Case> {
    let files = [
        argmax::cases(),
        arrange::cases(),
        attention::cases(),
        augment::cases(),
        concat::cases(),
        conv::cases(),
        create::cases(),
        cross_entropy::cases(),
        ctc::cases(),
        cumsum::cases(),
        einsum::cases(),
        elementwise::cases(),
        functions::cases(),
        fused::cases(),
        gather::cases(),
        half_precision::cases(),
        infinite::cases(),
        leaf::cases(),
        log_softmax::cases(),
        matmul::cases(),
        max_pool::cases(),
        norm::cases(),
        resample::cases(),
        pad::cases(),
        random::cases(),
        recurrence::cases(),
        reduce::cases(),
        reductions::cases(),
        rope::cases(),
        scatter_add::cases(),
        select::cases(),
        softmax::cases(),
        sort::cases(),
        take_along::cases(),
        view::cases(),
    ];
    files.into_iter().flatten().collect()
}
