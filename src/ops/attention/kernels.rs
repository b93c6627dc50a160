//! The kernels of attention: one for the result, and two for the gradient.

use std::fmt::Write as _;

use crate::graph::{Attention, AttentionGrad};
use crate::kernel::{Binding, Kernel, Operand, Part, Variant, prelude, wgsl};
use crate::ops::LowerContext;

use super::sizes::Sizes;

/// Invocations per workgroup, each with a row of its own.
const WORKGROUP: u32 = 64;
/// Rows per invocation if a subgroup cooperates.
const TILE: u32 = 4;
/// The largest number of feature vectors for which such a tile is faster: more do not fit in the L1
/// cache.
const TILE_VECTORS: usize = 16;

/// Builds the kernels of an attention.
struct Builder<'a> {
    op: &'a Attention,
    s: &'a Sizes,
    cx: &'a LowerContext<'a>,
}

impl Builder<'_> {
    /// Returns the elements per load: 4 if the features fill whole vectors.
    fn width(&self) -> usize {
        match self.s.d.is_multiple_of(4) && self.s.e.is_multiple_of(4) {
            true => 4,
            false => 1,
        }
    }

    /// Returns the workgroup size for kernels whose invocations load rows for each other, on a
    /// device that is a CPU.
    fn together(&self) -> Option<u32> {
        let few = self.s.d.max(self.s.e).div_ceil(4) <= TILE_VECTORS;
        match self.cx.limits.subgroups {
            Some((8.., max)) if self.cx.limits.software && few => Some(max),
            _ => None,
        }
    }

    /// Returns the numbers of features as constants, because array sizes must be constant.
    fn consts(&self) -> Part {
        let mut text = String::new();
        for (name, n) in [("D", self.s.d), ("E", self.s.e)] {
            let (fours, blocks) = (n.div_ceil(4), n.div_ceil(32));
            let _ = writeln!(
                text,
                "const {name} = {n}u;\nconst {name}4 = {fours}u;\nconst {name}8 = {blocks}u;"
            );
        }
        Part {
            file: "generated sizes",
            text: text.into(),
        }
    }

    fn parts(&self, more: Vec<Part>, shader: Part) -> Vec<Part> {
        let width = self.width();
        let mut parts = vec![
            prelude(width as u32),
            self.consts(),
            wgsl!("lib/index"),
            wgsl!("lib/attention"),
            match width {
                4 => wgsl!("lib/attention_vec4"),
                _ => wgsl!("lib/attention_f32"),
            },
        ];
        if self.together().is_some() {
            parts.push(wgsl!("lib/attention_tile"));
        }
        parts.extend(more);
        parts.push(shader);
        parts
    }

    /// Returns the bindings of the inputs and the parameters.
    fn bindings(&self) -> Vec<Binding> {
        let at = |i: usize| self.cx.inputs[if self.s.packed { 0 } else { i }];
        let mask = match self.op.masked {
            true => self.cx.inputs.last().copied().unwrap_or(at(1)),
            // A binding is required; nothing reads it.
            false => at(1),
        };
        let mut bindings: Vec<Binding> = [at(0), at(1), at(2), mask].map(Binding::Read).into();
        bindings.push(Binding::Uniform(self.params()));
        bindings
    }

    fn params(&self) -> Vec<u32> {
        let (s, width) = (self.s, self.width());
        let ahead = self.op.causal.unwrap_or(0).min(1 << 30);
        let mut words = [s.batch, s.queries, s.keys, s.heads, s.group]
            .map(|n| n as u32)
            .to_vec();
        words.extend([
            u32::from(self.op.causal.is_some()),
            ahead as u32,
            u32::from(self.op.masked),
            (self.op.scale.0 as f32).to_bits(),
        ]);
        let lies = s.inputs.iter().chain(&s.grads);
        words.extend(
            lies.flat_map(|l| [l.offset / width, l.row / width])
                .map(|n| n as u32),
        );
        words
    }

    /// Returns a kernel over `n` rows in each of `heads` heads: the first shader if a subgroup
    /// cooperates, else the second one.
    fn kernel(
        &self,
        (heads, n): (usize, usize),
        shaders: [(&'static str, Part); 2],
        more: (Vec<Part>, Vec<Binding>),
    ) -> Kernel {
        let [together, alone] = shaders;
        let (workgroup, rows, (label, shader)) = match self.together() {
            Some(workgroup) => (workgroup, workgroup * TILE, together),
            None => (WORKGROUP, WORKGROUP, alone),
        };
        let blocks = n.div_ceil(rows as usize) as u64;
        let mut bindings = self.bindings();
        bindings.extend(more.1);
        Kernel {
            label,
            parts: self.parts(more.0, shader),
            overrides: vec![("WG", workgroup)],
            bindings,
            workgroups: self.cx.limits.fold(blocks * (self.s.batch * heads) as u64),
        }
    }
}

/// A shader with its label.
macro_rules! labelled {
    ($name:literal) => {
        ($name, wgsl!($name))
    };
}

pub(super) fn attention(op: &Attention, s: &Sizes, cx: &LowerContext) -> Vec<Variant> {
    let builder = Builder { op, s, cx };
    let store = match builder.width() {
        4 => wgsl!("lib/attention_store_vec4"),
        _ => wgsl!("lib/attention_store_f32"),
    };
    let shaders = [labelled!("attention_subgroup"), labelled!("attention")];
    let more = (vec![store], vec![Binding::Write(cx.output)]);
    vec![builder.kernel((s.heads, s.queries), shaders, more).into()]
}

pub(super) fn gradient(op: &AttentionGrad, s: &Sizes, cx: &LowerContext) -> Vec<Variant> {
    let builder = Builder { op: &op.of, s, cx };
    let at = if s.packed { 1 } else { 3 };
    let lse = Operand::Scratch(0);
    let more = |lse| {
        let read = match builder.width() {
            4 => wgsl!("lib/attention_grad_vec4"),
            _ => wgsl!("lib/attention_grad_f32"),
        };
        let bindings = vec![
            Binding::Read(cx.inputs[at]),
            Binding::Read(cx.inputs[at + 1]),
            Binding::Write(cx.output),
            lse,
        ];
        let mut parts = vec![wgsl!("lib/attention_grad"), read];
        if builder.together().is_some() {
            parts.push(wgsl!("lib/attention_grad_tile"));
        }
        (parts, bindings)
    };
    let shaders = [
        labelled!("attention_grad_q_subgroup"),
        labelled!("attention_grad_q"),
    ];
    let q = builder.kernel((s.heads, s.queries), shaders, more(Binding::Write(lse)));
    let shaders = [
        labelled!("attention_grad_kv_subgroup"),
        labelled!("attention_grad_kv"),
    ];
    let kv = builder.kernel((s.kv_heads, s.keys), shaders, more(Binding::Read(lse)));
    vec![Variant {
        kernels: vec![q, kv],
        scratch: vec![4 * (s.batch * s.queries * s.heads).max(1) as u64],
    }]
}
