//! The shader libraries: files of functions without entry points.

use super::{Part, wgsl};

/// The library `shaders/lib/NAME.wgsl`; `None` where there is none of that name.
pub fn library(name: &str) -> Option<Part> {
    Some(match name {
        "math" => wgsl!("lib/math"),
        "logic" => wgsl!("lib/logic"),
        "activation" => wgsl!("lib/activation"),
        "random" => wgsl!("lib/random"),
        _ => return None,
    })
}
