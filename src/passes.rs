//! Passes: from the traced graph to groups of nodes that are computed together.
//!
//! [`mixed_precision`] stores activations in 16 bits, and [`recompute`] computes them again, if the
//! model enables them. [`simplify`] creates a smaller graph with the same values by the rules of
//! the ops. [`fuse`] assigns nodes to groups that share a kernel. [`verify`] checks every graph
//! that a pass creates. No pass names an op: all that they require is in `ops::OpDef`.

mod fuse;
mod mixed_precision;
mod recompute;
mod simplify;
mod sources;
mod verify;

pub use fuse::{Group, fuse};
pub use mixed_precision::mixed_precision;
pub use recompute::{recompute, saved};
pub use simplify::simplify;
pub use sources::{Sources, ViewSource};
pub use verify::verify;
