//! All cases, one file an op.

use crate::doctor::case::Case;

mod argmax;
mod attention;
mod augment;
mod concat;
mod conv;
mod cross_entropy;
mod cumsum;
mod elementwise;
mod functions;
mod fused;
mod gather;
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
mod softmax;
mod sort;
mod view;

pub use known::{KNOWN, Known};

/// Sizes at and around the borders of vectors, workgroups and blocks.
pub const SIZES: [usize; 11] = [0, 1, 2, 3, 7, 63, 65, 255, 256, 257, 1009];

/// The cases of all ops.
pub fn all() -> Vec<Case> {
    let files = [
        argmax::cases(),
        attention::cases(),
        augment::cases(),
        concat::cases(),
        conv::cases(),
        cross_entropy::cases(),
        cumsum::cases(),
        elementwise::cases(),
        functions::cases(),
        fused::cases(),
        gather::cases(),
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
        softmax::cases(),
        sort::cases(),
        view::cases(),
    ];
    files.into_iter().flatten().collect()
}
