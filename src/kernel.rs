//! Kernels: dispatches for a GPU, as plain data.
//!
//! A kernel consists of parts of WGSL joined in order, override constants, bindings and a grid.
//! Sizes are never in the text. They are uniform parameters, so that another batch size needs no
//! new compilation.

mod emit;
mod expr;
mod horizontal;
mod library;
mod stored;
mod view;

use std::borrow::Cow;

use crate::graph::NodeId;

pub use emit::{Emitted, emit_epilogue, emit_prologue, prelude};
pub use expr::{Access, Expr, Instr, Leaf, Store, Value};
pub use horizontal::fuse_horizontally;
pub use library::libraries;
pub use stored::stored;
pub use view::View;

/// A part of a WGSL module, with its file for error messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The file, relative to the project's root, or `"generated"`.
    pub file: &'static str,
    /// The text.
    pub text: Cow<'static, str>,
}

/// Returns the shader file `shaders/NAME.wgsl` as a [`Part`].
macro_rules! wgsl {
    ($name:literal) => {
        $crate::kernel::Part {
            file: concat!("shaders/", $name, ".wgsl"),
            text: std::borrow::Cow::Borrowed(include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/shaders/",
                $name,
                ".wgsl"
            ))),
        }
    };
}
pub(crate) use wgsl;

/// Appends parts that are not in the list yet.
pub(crate) fn add_parts(parts: &mut Vec<Part>, more: Vec<Part>) {
    for part in more {
        if part.file.starts_with("generated") || !parts.contains(&part) {
            parts.push(part);
        }
    }
}

/// A buffer that a kernel reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// The value of a node.
    Node(NodeId),
    /// A workspace between the dispatches of one variant, by index.
    Scratch(usize),
}

/// The resource of a binding.
#[derive(Clone, Debug, PartialEq)]
pub enum Binding {
    /// `var<storage, read>`.
    Read(Operand),
    /// `var<storage, read_write>`.
    Write(Operand),
    /// `var<uniform>`: the words of a struct.
    Uniform(Vec<u32>),
}

/// A dispatch.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// The name of the shader file.
    pub label: &'static str,
    /// The WGSL, in parts. The entry point is `main`.
    pub parts: Vec<Part>,
    /// The values of `override` declarations.
    pub overrides: Vec<(&'static str, u32)>,
    /// The resources, by binding index in group 0.
    pub bindings: Vec<Binding>,
    /// The numbers of workgroups along x, y and z.
    pub workgroups: [u32; 3],
}

/// One way to compute an op: dispatches in order, with workspaces between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// The dispatches.
    pub kernels: Vec<Kernel>,
    /// The sizes of the workspaces in bytes.
    pub scratch: Vec<u64>,
}

impl From<Kernel> for Variant {
    fn from(kernel: Kernel) -> Self {
        Variant {
            kernels: vec![kernel],
            scratch: Vec::new(),
        }
    }
}

impl Kernel {
    /// Returns the text of the module.
    pub fn text(&self) -> String {
        self.parts
            .iter()
            .flat_map(|p| [p.text.as_ref(), "\n"])
            .collect()
    }

    /// Returns the file and the line in it (from 1) of a byte offset into [`Kernel::text`].
    pub fn locate(&self, offset: usize) -> (&'static str, usize) {
        let mut start = 0;
        for part in &self.parts {
            let end = start + part.text.len() + 1;
            if offset < end {
                let before = part.text.get(..offset - start).unwrap_or(&part.text);
                return (part.file, before.matches('\n').count() + 1);
            }
            start = end;
        }
        ("end of file", 0)
    }
}

/// The limits and features of a device for kernels.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelLimits {
    /// Invocations per workgroup.
    pub invocations: u32,
    /// Bytes of workgroup memory.
    pub workgroup_bytes: u32,
    /// Workgroups along one dimension of a grid.
    pub workgroups: u32,
    /// Storage buffers per kernel.
    pub storage_buffers: u32,
    /// Bytes per binding.
    pub binding_bytes: u64,
    /// Bytes per buffer.
    pub buffer_bytes: u64,
    /// The alignment of a binding's offset, in bytes.
    pub offset_alignment: u32,
    /// The smallest and largest subgroup size, if the device has subgroup operations.
    pub subgroups: Option<(u32, u32)>,
    /// Whether two 16-bit numbers share a word. Otherwise each is stored as an `f32` in a word of
    /// its own.
    pub packs_half: bool,
    /// Whether the device is a software adapter, for which large tiles pay and workgroup memory
    /// does not.
    pub software: bool,
    /// The largest number of loop iterations of an invocation, over all its loops. Beyond it,
    /// llvmpipe ends the loops silently.
    pub max_loop_iterations: usize,
}

impl KernelLimits {
    /// The limits that WebGPU guarantees on every device.
    pub const WEBGPU: KernelLimits = KernelLimits {
        invocations: 256,
        workgroup_bytes: 16384,
        workgroups: 65535,
        storage_buffers: 8,
        binding_bytes: 128 << 20,
        buffer_bytes: 256 << 20,
        offset_alignment: 256,
        subgroups: None,
        packs_half: true,
        software: false,
        max_loop_iterations: usize::MAX,
    };

    /// Returns a grid of at least `count` workgroups, folded into y and z if x alone would be too
    /// long. Shaders number workgroups `x + y * size.x + z * size.x * size.y` and skip those past
    /// the end.
    pub fn fold(&self, count: u64) -> [u32; 3] {
        let max = u64::from(self.workgroups);
        let x = count.clamp(1, max);
        let y = count.div_ceil(x).clamp(1, max);
        let z = count.div_ceil(x * y).max(1);
        // As even as possible, so that few workgroups are skipped.
        let x = if y > 1 { count.div_ceil(y * z) } else { x };
        [x as u32, y as u32, z.min(max) as u32]
    }
}
