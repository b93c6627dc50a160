//! All cases, one file an op.

use crate::doctor::case::Case;

mod argmax;
mod concat;
mod cross_entropy;
mod elementwise;
mod fused;
mod gather;
mod known;
mod leaf;
mod log_softmax;
mod matmul;
mod pad;
mod random;
mod recurrence;
mod reduce;
mod scatter_add;
mod softmax;
mod view;

pub use known::{KNOWN, Known};

/// Sizes at and around the borders of vectors, workgroups and blocks.
pub const SIZES: [usize; 11] = [0, 1, 2, 3, 7, 63, 65, 255, 256, 257, 1009];

/// The cases of all ops.
pub fn all() -> Vec<Case> {
    let files = [
        argmax::cases(),
        concat::cases(),
        cross_entropy::cases(),
        elementwise::cases(),
        fused::cases(),
        gather::cases(),
        leaf::cases(),
        log_softmax::cases(),
        matmul::cases(),
        pad::cases(),
        random::cases(),
        recurrence::cases(),
        reduce::cases(),
        scatter_add::cases(),
        softmax::cases(),
        view::cases(),
    ];
    files.into_iter().flatten().collect()
}
