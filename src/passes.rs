//! Passes: from the graph as traced to groups of nodes that are computed together.
//!
//! [`mixed_precision`] stores activations in 16 bits and [`recompute`] computes them again, where the model asks for it.
//! [`simplify`] makes a smaller graph of the same values by the rules of the ops; [`fuse`] decides which nodes share a kernel.
//! Every graph a pass makes is checked by [`verify`]. No pass names an op: what it needs is in `ops::OpDef`.

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
