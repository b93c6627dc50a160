//! Float buffers that shaders read through functions, so that one shader reads every float type.

use crate::DType;

use super::{Part, libraries};

/// Returns the name of a half-precision type in the library of packed numbers.
pub(super) fn half(dtype: DType) -> Option<&'static str> {
    match dtype {
        DType::F16 => Some("f16"),
        DType::Bf16 => Some("bf16"),
        _ => None,
    }
}

/// Declares a buffer at a binding, and `fn NAME_get(i: u32) -> f32`, which returns element `i`.
/// With `fours`, also declares `fn NAME_get4(i: u32) -> vec4<f32>`, which returns the elements from
/// `4 i` on. The buffer then has whole vectors.
pub fn stored(name: &str, binding: u32, dtype: DType, fours: bool) -> Vec<Part> {
    let half = half(dtype);
    let (element, get, get4) = match (half, fours) {
        (None, false) => ("f32", format!("{name}[i]"), None),
        (None, true) => (
            "vec4<f32>",
            format!("{name}[i / 4u][i % 4u]"),
            Some(format!("{name}[i]")),
        ),
        (Some(half), false) => ("u32", format!("{half}_in({name}[i / 2u], i)"), None),
        (Some(half), true) => (
            "vec2<u32>",
            format!("{half}_in({name}[i / 4u][i / 2u % 2u], i)"),
            Some(format!("{half}s_in({name}[i])")),
        ),
    };
    let mut text = format!(
        "@group(0) @binding({binding}) var<storage, read> {name}: array<{element}>;\n\
         fn {name}_get(i: u32) -> f32 {{ return {get}; }}\n"
    );
    if let Some(get4) = get4 {
        text += &format!("fn {name}_get4(i: u32) -> vec4<f32> {{ return {get4}; }}\n");
    }
    let mut parts = libraries(half.map(|_| "packed"));
    parts.push(Part {
        file: "generated buffer",
        text: text.into(),
    });
    parts
}
