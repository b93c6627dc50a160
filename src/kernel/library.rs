//! The shader libraries: files of functions without entry points.

use super::{Part, wgsl};

/// Returns the libraries with these names (`shaders/lib/NAME.wgsl`) and those that they call, each
/// once.
pub fn libraries<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for name in names {
        let with_needs = match name {
            "math" => vec![wgsl!("lib/math")],
            "logic" => vec![wgsl!("lib/logic")],
            "activation" => vec![wgsl!("lib/math"), wgsl!("lib/activation")],
            "trigonometry" => vec![wgsl!("lib/math"), wgsl!("lib/trigonometry")],
            "divide" => vec![wgsl!("lib/divide")],
            "position" => vec![wgsl!("lib/position")],
            "pixel" => vec![wgsl!("lib/pixel")],
            "half_precision" => vec![wgsl!("lib/half_precision")],
            "packed" => vec![wgsl!("lib/packed")],
            "random" => vec![wgsl!("lib/random")],
            _ => Vec::new(),
        };
        for part in with_needs {
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
    }
    parts
}
