//! Emits WGSL for an elementwise chain: a sequence of calls to the functions in `shaders/lib/`.
//!
//! A chain becomes `fn epilogue(acc: F, i: u32)`, which stores, or `fn prologue(i: u32) -> F`,
//! which returns a value. `F` is `f32` or `vec4<f32>`, and `i` counts in units of it. Sizes and
//! constants are in a uniform struct, never in the text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::DType;

use super::stored::half;
use super::{Access, Binding, Expr, Instr, Leaf, Operand, Part, Store, Value, View, libraries};

/// The result of [`emit_epilogue`] and [`emit_prologue`].
#[derive(Clone, Debug)]
pub struct Emitted {
    /// The called libraries, then the generated text.
    pub parts: Vec<Part>,
    /// The declared bindings, from `first_binding` on.
    pub bindings: Vec<Binding>,
}

/// Returns the aliases of the element types in libraries and chains: `F`, `U`, `I` and `B` are
/// scalars (`width` 1) or vectors of 4.
pub fn prelude(width: u32) -> Part {
    let text = if width == 4 {
        "alias F = vec4<f32>;\nalias U = vec4<u32>;\nalias I = vec4<i32>;\nalias B = vec4<bool>;\n\
         const WIDTH = 4u;\nfn lanes(i: u32) -> U { return U(4u * i) + U(0u, 1u, 2u, 3u); }\n"
    } else {
        "alias F = f32;\nalias U = u32;\nalias I = i32;\nalias B = bool;\n\
         const WIDTH = 1u;\nfn lanes(i: u32) -> U { return i; }\n"
    };
    Part {
        file: "generated prelude",
        text: text.into(),
    }
}

/// Emits `fn epilogue(acc: F, i: u32)`, which applies the chain and stores its values.
pub fn emit_epilogue(expr: &Expr, width: u32, first_binding: u32) -> Emitted {
    Emitter::new(expr, width, first_binding, "epilogue").function("fn epilogue(acc: F, i: u32)")
}

/// Emits `fn prologue(i: u32) -> F`, which computes the result of the chain.
pub fn emit_prologue(expr: &Expr, width: u32, first_binding: u32) -> Emitted {
    Emitter::new(expr, width, first_binding, "prologue").function("fn prologue(i: u32) -> F")
}

/// A buffer of a chain. Each tensor is bound once, even if it is read and written several times.
struct Buffer {
    operand: Operand,
    dtype: DType,
    written: bool,
    /// Whether elements are read one at a time. Such a buffer is declared with scalars even if `F`
    /// is a vector.
    scalar: bool,
}

struct Emitter<'a> {
    expr: &'a Expr,
    width: u32,
    first_binding: u32,
    /// The prefix of all generated names, because a kernel may have a prologue and an epilogue.
    prefix: &'static str,
    buffers: Vec<Buffer>,
    /// The fields of the uniform struct: name, type, word.
    fields: Vec<(String, &'static str, u32)>,
}

impl<'a> Emitter<'a> {
    fn new(expr: &'a Expr, width: u32, first_binding: u32, prefix: &'static str) -> Self {
        let mut buffers: Vec<Buffer> = Vec::new();
        let mut bind = |operand, dtype, written, scalar| match buffers
            .iter_mut()
            .find(|b| b.operand == operand)
        {
            Some(b) => {
                b.written |= written;
                b.scalar |= scalar;
            }
            None => buffers.push(Buffer {
                operand,
                dtype,
                written,
                scalar,
            }),
        };
        for leaf in &expr.leaves {
            bind(leaf.operand, leaf.dtype, false, !reads_vectors(leaf, width));
        }
        for store in &expr.stores {
            bind(store.operand, store.dtype, true, false);
        }
        Emitter {
            expr,
            width,
            first_binding,
            prefix,
            buffers,
            fields: Vec::new(),
        }
    }

    fn function(mut self, signature: &str) -> Emitted {
        let mut body = String::new();
        for (i, leaf) in self.expr.leaves.iter().enumerate() {
            let value = self.load(i, leaf);
            let value = if leaf.dtype == DType::Bool {
                format!("{value} != U(0u)")
            } else {
                value
            };
            let _ = writeln!(body, "    let l{i} = {value};");
        }
        for i in 0..self.expr.constants.len() {
            self.constant(i);
        }
        for (i, instr) in self.expr.code.iter().enumerate() {
            let call = self.call(instr);
            let _ = writeln!(body, "    let v{i} = {call};");
        }
        for store in &self.expr.stores {
            let value = self.value(store.value);
            let value = match store.dtype {
                DType::Bool => format!("select(U(0u), U(1u), {value})"),
                _ => value,
            };
            self.store(store, &value, &mut body);
        }
        if let Some(result) = self.expr.result {
            let _ = writeln!(body, "    return {};", self.value(result));
        }
        let text = format!("{}{signature} {{\n{body}}}\n", self.declarations());
        let mut used: BTreeSet<&str> = self.expr.code.iter().map(|c| c.function.library).collect();
        let channel = |leaf: &Leaf| matches!(leaf.access, Access::Channel { .. });
        if self.expr.leaves.iter().any(channel) {
            used.insert("divide");
        }
        if self.buffers.iter().any(|b| b.dtype.is_half()) {
            used.insert("packed");
        }
        let mut parts: Vec<Part> = libraries(used);
        parts.push(Part {
            file: "generated chain",
            text: text.into(),
        });
        Emitted {
            parts,
            bindings: self.bindings(),
        }
    }

    fn value(&self, value: Value) -> String {
        match value {
            Value::Acc => "acc".to_string(),
            Value::Leaf(i) => format!("l{i}"),
            Value::Instr(i) => format!("v{i}"),
            Value::Constant(i) => {
                let field = format!("{}_params.c{i}", self.prefix);
                match self.expr.constants.get(i).map_or(DType::F32, |c| c.1) {
                    // WGSL has no conversion from a number to a vector of booleans.
                    DType::Bool => format!("U({field}) != U(0u)"),
                    dtype => format!("{}({field})", alias(dtype)),
                }
            }
        }
    }

    fn call(&self, instr: &Instr) -> String {
        let index = instr.function.uses_index.then(|| "lanes(i)".to_string());
        let args = index
            .into_iter()
            .chain(instr.args.iter().map(|&a| self.value(a)));
        format!(
            "{}({})",
            instr.function.name,
            args.collect::<Vec<_>>().join(", ")
        )
    }

    fn constant(&mut self, i: usize) {
        let (value, dtype) = self.expr.constants[i];
        let (scalar, word) = match dtype {
            DType::F32 | DType::F16 | DType::Bf16 => ("f32", (value as f32).to_bits()),
            DType::I32 => ("i32", value as i32 as u32),
            // A `bool` cannot be stored in a uniform buffer.
            DType::U32 | DType::Bool => ("u32", value as u32),
        };
        self.fields.push((format!("c{i}"), scalar, word));
    }

    fn size(&mut self, name: String, value: usize) -> String {
        self.fields.push((name.clone(), "u32", value as u32));
        format!("{}_params.{name}", self.prefix)
    }

    fn name(&self, operand: Operand) -> (String, bool) {
        let at = self
            .buffers
            .iter()
            .position(|b| b.operand == operand)
            .unwrap_or(0);
        let scalar = self.buffers.get(at).is_some_and(|b| b.scalar);
        (format!("{}_{at}", self.prefix), scalar && self.width == 4)
    }

    /// Returns the expression that reads the leaf's value for element(s) `i`.
    fn load(&mut self, i: usize, leaf: &Leaf) -> String {
        let (name, scalar) = self.name(leaf.operand);
        let wide = self.width == 4;
        // A stored boolean is a `u32`; the caller converts it to a `bool`.
        let alias = alias(if leaf.dtype == DType::Bool {
            DType::U32
        } else {
            leaf.dtype
        });
        let element = |at: &str| match half(leaf.dtype) {
            Some(half) => format!("{half}_in({name}[({at}) / 2u], {at})"),
            None => format!("{name}[{at}]"),
        };
        let vector = |at: &str| match half(leaf.dtype) {
            Some(half) if wide => format!("{half}s_in({name}[{at}])"),
            _ => element(at),
        };
        match &leaf.access {
            Access::Same if !scalar => vector("i"),
            Access::Scalar { at } => {
                let at = self.size(format!("at{i}"), *at);
                format!("{alias}({})", element(&at))
            }
            Access::Row { n } if !scalar => {
                let n = self.size(format!("n{i}"), n / self.width as usize);
                vector(&format!("i % {n}"))
            }
            Access::Column { n } if n % self.width as usize == 0 => {
                let n = self.size(format!("n{i}"), n / self.width as usize);
                format!("{alias}({})", element(&format!("i / {n}")))
            }
            Access::Channel { inner, n } if inner % self.width as usize == 0 => {
                self.channel_sizes(i, inner / self.width as usize, *n);
                format!("{alias}({})", element(&self.channel(i, "i")))
            }
            access => {
                // Lane by lane. The last vector may exceed the domain, where the walk could leave
                // the leaf, so those lanes read the last element instead.
                let last = self.size(format!("last{i}"), self.expr.domain.len().saturating_sub(1));
                let index = |e: &str, me: &mut Self| match access {
                    Access::Same | Access::Scalar { .. } => e.to_string(),
                    Access::Row { .. } => format!("{e} % {}_params.n{i}", me.prefix),
                    Access::Column { .. } => format!("{e} / {}_params.n{i}", me.prefix),
                    Access::Channel { .. } => me.channel(i, &format!("({e})")),
                    Access::Strided(view) => me.walk(i, view, e),
                };
                if let Access::Channel { inner, n } = access {
                    self.channel_sizes(i, *inner, *n);
                }
                if let Access::Row { n } | Access::Column { n } = access {
                    self.size(format!("n{i}"), *n);
                }
                if let Access::Strided(view) = access {
                    self.walk_sizes(i, view);
                }
                if wide {
                    let lanes: Vec<String> = (0..4)
                        .map(|lane| {
                            let e = format!("min(4u * i + {lane}u, {last})");
                            element(&index(&e, self))
                        })
                        .collect();
                    format!("{alias}({})", lanes.join(", "))
                } else {
                    element(&index("i", self))
                }
            }
        }
    }

    /// Adds the size of a channel and the number of channels, with their reciprocals.
    fn channel_sizes(&mut self, i: usize, inner: usize, n: usize) {
        for (name, size) in [("inner", inner), ("n", n)] {
            self.size(format!("{name}{i}"), size.max(1));
            let inverse = (1.0 / size.max(1) as f32).to_bits();
            self.fields
                .push((format!("{name}{i}_inverse"), "f32", inverse));
        }
    }

    /// Returns the channel of element `e`: `e / inner % n`.
    fn channel(&self, i: usize, e: &str) -> String {
        let p = format!("{}_params", self.prefix);
        let all = format!("quotient({e}, {p}.inner{i}, {p}.inner{i}_inverse)");
        format!("remainder({all}, {p}.n{i}, {p}.n{i}_inverse)")
    }

    /// Adds the sizes `d` and strides `s` of a strided walk. The size of the first axis is not
    /// needed.
    fn walk_sizes(&mut self, i: usize, view: &View) {
        self.size(format!("o{i}"), view.offset);
        for (axis, (&d, &s)) in view.dims.iter().zip(&view.strides).enumerate() {
            // A negative step is a large step that wraps around.
            self.size(format!("s{i}_{axis}"), s as usize);
            if axis > 0 {
                self.size(format!("d{i}_{axis}"), d);
            }
        }
    }

    /// Returns `offset + sum(coordinate * stride)` for element `e`, from the last axis to the
    /// first.
    fn walk(&self, i: usize, view: &View, e: &str) -> String {
        let p = format!("{}_params", self.prefix);
        let mut sum = format!("{p}.o{i}");
        let mut rest = format!("({e})");
        for axis in (0..view.dims.len()).rev() {
            if axis > 0 {
                let _ = write!(sum, " + ({rest} % {p}.d{i}_{axis}) * {p}.s{i}_{axis}");
                rest = format!("({rest} / {p}.d{i}_{axis})");
            } else {
                let _ = write!(sum, " + {rest} * {p}.s{i}_0");
            }
        }
        sum
    }

    fn store(&self, store: &Store, value: &str, body: &mut String) {
        let (name, scalar) = self.name(store.operand);
        let (value, per_word) = match half(store.dtype) {
            Some(half) => (format!("{half}_words({value})"), 2),
            None => (format!("({value})"), 1),
        };
        if scalar {
            // Another part of the chain reads it lane by lane, so it is declared with scalars.
            let words = 4 / per_word;
            for word in 0..words {
                let _ = writeln!(
                    body,
                    "    {name}[{words}u * i + {word}u] = {value}[{word}];"
                );
            }
        } else {
            let _ = writeln!(body, "    {name}[i] = {value};");
        }
    }

    fn declarations(&self) -> String {
        let mut text = String::new();
        let prefix = self.prefix;
        for (i, b) in self.buffers.iter().enumerate() {
            let access = if b.written { "read_write" } else { "read" };
            let scalar = match b.dtype {
                DType::F32 => "f32",
                DType::I32 => "i32",
                DType::U32 | DType::Bool | DType::F16 | DType::Bf16 => "u32",
            };
            let element = match (b.scalar, b.dtype) {
                (true, _) => scalar.to_string(),
                (false, DType::F16 | DType::Bf16) if self.width == 4 => "vec2<u32>".to_string(),
                (false, DType::F16 | DType::Bf16) => scalar.to_string(),
                (false, DType::Bool) => "U".to_string(),
                (false, dtype) => alias(dtype).to_string(),
            };
            let at = self.first_binding as usize + i;
            let _ = writeln!(
                text,
                "@group(0) @binding({at}) var<storage, {access}> {prefix}_{i}: array<{element}>;"
            );
        }
        if !self.fields.is_empty() {
            let at = self.first_binding as usize + self.buffers.len();
            let fields: Vec<String> = self
                .fields
                .iter()
                .map(|(name, ty, _)| format!("{name}: {ty}"))
                .collect();
            let title = if prefix == "epilogue" {
                "Epilogue"
            } else {
                "Prologue"
            };
            let _ = writeln!(text, "struct {title}Params {{ {} }}", fields.join(", "));
            let _ = writeln!(
                text,
                "@group(0) @binding({at}) var<uniform> {prefix}_params: {title}Params;"
            );
        }
        text
    }

    fn bindings(&self) -> Vec<Binding> {
        let buffers = self.buffers.iter().map(|b| match b.written {
            true => Binding::Write(b.operand),
            false => Binding::Read(b.operand),
        });
        let uniform = (!self.fields.is_empty())
            .then(|| Binding::Uniform(self.fields.iter().map(|f| f.2).collect()));
        buffers.chain(uniform).collect()
    }
}

/// Returns whether all reads of a leaf can use whole vectors.
fn reads_vectors(leaf: &Leaf, width: u32) -> bool {
    match leaf.access {
        Access::Same => true,
        Access::Row { n } => n % width as usize == 0,
        _ => false,
    }
}

fn alias(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 | DType::F16 | DType::Bf16 => "F",
        DType::I32 => "I",
        DType::U32 => "U",
        DType::Bool => "B",
    }
}
