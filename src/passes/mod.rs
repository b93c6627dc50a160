//! Passes: from the graph as traced to groups of nodes that are computed together.
//!
//! [`narrow`] keeps activations in 16 bits, and [`recompute`] computes them again, where that is asked for.
//! [`simplify`] makes a smaller graph of the same values; [`fuse`] decides which nodes share a kernel.
//! Every graph a pass makes is checked by [`verify`].

mod fuse;
mod narrow;
mod recompute;
mod rules;
mod simplify;
mod sources;
mod verify;

pub use fuse::{Group, fuse};
pub use narrow::narrow;
pub use recompute::{recompute, saved};
pub use simplify::simplify;
pub use sources::{From, Sources};
pub use verify::verify;
