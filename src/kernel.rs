//! Kernels: something a GPU can be told to do, as plain data.
//!
//! A kernel is parts of WGSL joined in order, override constants, bindings and a grid. Sizes never
//! stand in the text: they travel in uniform parameters, so that another batch size compiles
//! nothing new.

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

/// A piece of WGSL, with the file it came from for error messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The file, relative to the project's root, or `"generated"`.
    pub file: &'static str,
    /// The text.
    pub text: Cow<'static, str>,
}

/// The shader file `shaders/NAME.wgsl` as a [`Part`].
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

/// Appends parts, libraries only once.
pub(crate) fn add_parts(parts: &mut Vec<Part>, more: Vec<Part>) {
    for part in more {
        if part.file.starts_with("generated") || !parts.contains(&part) {
            parts.push(part);
        }
    }
}

/// A place that a kernel reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A node's value.
    Node(NodeId),
    /// A workspace between the dispatches of one variant, by index.
    Scratch(usize),
}

/// What is bound at one binding index.
#[derive(Clone, Debug, PartialEq)]
pub enum Binding {
    /// `var<storage, read>`.
    Read(Operand),
    /// `var<storage, read_write>`.
    Write(Operand),
    /// `var<uniform>`: the words of a struct.
    Uniform(Vec<u32>),
}

/// One dispatch.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// The shader file's stem.
    pub label: &'static str,
    /// The WGSL, in parts. The entry point is `main`.
    pub parts: Vec<Part>,
    /// Values of `override` declarations.
    pub overrides: Vec<(&'static str, u32)>,
    /// What is bound, by binding index in group 0.
    pub bindings: Vec<Binding>,
    /// Workgroups along x, y and z.
    pub workgroups: [u32; 3],
}

/// One way to compute an op: dispatches in order, with workspaces between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// The dispatches.
    pub kernels: Vec<Kernel>,
    /// The workspaces' sizes in bytes.
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
    /// The module's text.
    pub fn text(&self) -> String {
        self.parts
            .iter()
            .flat_map(|p| [p.text.as_ref(), "\n"])
            .collect()
    }

    /// The part and the line in it (from 1) of a byte offset into [`Kernel::text`].
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

/// What a device offers to kernels.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelLimits {
    /// Invocations in a workgroup.
    pub invocations: u32,
    /// Bytes of workgroup memory.
    pub workgroup_bytes: u32,
    /// Workgroups along one dimension of a grid.
    pub workgroups: u32,
    /// Storage buffers in one kernel.
    pub storage_buffers: u32,
    /// Bytes of one binding.
    pub binding_bytes: u64,
    /// Bytes of one buffer.
    pub buffer_bytes: u64,
    /// Alignment of a binding's offset, bytes.
    pub offset_alignment: u32,
    /// Smallest and largest subgroup, where the device has subgroup operations.
    pub subgroups: Option<(u32, u32)>,
    /// Two 16-bit numbers share a word. Where not, each has one of its own, the bits of its value as an `f32`.
    pub packs_half: bool,
    /// The device is a GPU in software: large tiles pay, workgroup memory does not.
    pub software: bool,
    /// Loop iterations of an invocation at most, over all its loops. Past that llvmpipe ends the loops silently.
    pub max_loop_iterations: usize,
}

impl KernelLimits {
    /// What WebGPU guarantees everywhere.
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

    /// A grid of at least `count` workgroups, folded into y and z where x alone would be too long.
    /// Shaders number workgroups `x + y * size.x + z * size.x * size.y` and skip those past the end.
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
