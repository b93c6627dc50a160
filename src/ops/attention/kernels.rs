//! The kernels of attention: one for the result, and two for the gradient.

use std::fmt::Write as _;

use crate::graph::{Attention, AttentionGrad};
use crate::kernel::{Binding, Kernel, Operand, Part, Variant, prelude, wgsl};
use crate::ops::LowerContext;

use super::sizes::Sizes;

/// Invocations in a workgroup.
const WORKGROUP: u32 = 64;

/// What a kernel of attention is made for.
struct Builder<'a> {
    op: &'a Attention,
    s: &'a Sizes,
    cx: &'a LowerContext<'a>,
}

impl Builder<'_> {
    /// Elements of a load: 4 where features fill whole vectors.
    fn width(&self) -> usize {
        match self.s.d.is_multiple_of(4) && self.s.e.is_multiple_of(4) {
            true => 4,
            false => 1,
        }
    }

    /// Features as constants: arrays of them must have sizes that are known.
    fn consts(&self) -> Part {
        let mut text = String::new();
        for (name, n) in [("D", self.s.d), ("E", self.s.e)] {
            let _ = writeln!(
                text,
                "const {name} = {n}u;\nconst {name}4 = {}u;",
                n.div_ceil(4)
            );
        }
        Part {
            file: "generated sizes",
            text: text.into(),
        }
    }

    fn parts(&self, more: [Part; 2], shader: Part) -> Vec<Part> {
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
        parts.extend(more.into_iter().filter(|p| !p.text.is_empty()));
        parts.push(shader);
        parts
    }

    /// The bindings of the inputs and the parameters.
    fn bindings(&self) -> Vec<Binding> {
        let at = |i: usize| self.cx.inputs[if self.s.packed { 0 } else { i }];
        let mask = match self.op.masked {
            true => self.cx.inputs.last().copied().unwrap_or(at(1)),
            // Something must be bound; nothing reads it.
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

    /// A kernel with an invocation for each of `n` places in each of `heads` heads.
    fn kernel(
        &self,
        label: &'static str,
        (heads, n): (usize, usize),
        parts: Vec<Part>,
        more: Vec<Binding>,
    ) -> Kernel {
        let blocks = n.div_ceil(WORKGROUP as usize) as u64;
        let mut bindings = self.bindings();
        bindings.extend(more);
        Kernel {
            label,
            parts,
            overrides: vec![("WG", WORKGROUP)],
            bindings,
            workgroups: self.cx.limits.fold(blocks * (self.s.batch * heads) as u64),
        }
    }
}

fn nothing() -> Part {
    Part {
        file: "nothing",
        text: "".into(),
    }
}

pub(super) fn attention(op: &Attention, s: &Sizes, cx: &LowerContext) -> Vec<Variant> {
    let builder = Builder { op, s, cx };
    let store = match builder.width() {
        4 => wgsl!("lib/attention_store_vec4"),
        _ => wgsl!("lib/attention_store_f32"),
    };
    let parts = builder.parts([store, nothing()], wgsl!("attention"));
    let more = vec![Binding::Write(cx.output)];
    vec![
        builder
            .kernel("attention", (s.heads, s.queries), parts, more)
            .into(),
    ]
}

pub(super) fn gradient(op: &AttentionGrad, s: &Sizes, cx: &LowerContext) -> Vec<Variant> {
    let builder = Builder { op: &op.of, s, cx };
    let read = || match builder.width() {
        4 => wgsl!("lib/attention_grad_vec4"),
        _ => wgsl!("lib/attention_grad_f32"),
    };
    let parts = |shader| builder.parts([wgsl!("lib/attention_grad"), read()], shader);
    let at = if s.packed { 1 } else { 3 };
    let lse = Operand::Scratch(0);
    let more = |lse| {
        vec![
            Binding::Read(cx.inputs[at]),
            Binding::Read(cx.inputs[at + 1]),
            Binding::Write(cx.output),
            lse,
        ]
    };
    let q = builder.kernel(
        "attention_grad_q",
        (s.heads, s.queries),
        parts(wgsl!("attention_grad_q")),
        more(Binding::Write(lse)),
    );
    let kv = builder.kernel(
        "attention_grad_kv",
        (s.kv_heads, s.keys),
        parts(wgsl!("attention_grad_kv")),
        more(Binding::Read(lse)),
    );
    vec![Variant {
        kernels: vec![q, kv],
        scratch: vec![4 * (s.batch * s.queries * s.heads).max(1) as u64],
    }]
}
