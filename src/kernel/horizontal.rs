//! Horizontal fusion: combines independent kernels into one that runs the workgroups of each.
//!
//! The fused text concatenates the texts of the kernels, with a prefix before the names that each
//! declares. A generated entry point calls the kernel of each workgroup. No statement changes, so
//! the bits do not change.

mod tokens;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt::Write as _;

use super::{Binding, Kernel, KernelLimits, Part};
use tokens::{Token, attributes, names, tokens, without_comments};

/// Fuses kernels into one. Returns `None` if they cannot be fused. Binding 0 has all parameters and
/// the first workgroup of each kernel. The buffers of the kernels follow in order.
///
/// Kernels with barriers, workgroup memory or subgroup operations must have the same workgroup
/// size, and at most one of them may use workgroup memory. The workgroups of the other kernels are
/// resized: each invocation loops over the invocations that it replaces.
pub fn fuse_horizontally(kernels: &[&Kernel], limits: &KernelLimits) -> Option<Kernel> {
    let texts: Vec<String> = kernels
        .iter()
        .map(|kernel| without_comments(&kernel.text()))
        .collect();
    let entries = kernels.iter().zip(&texts);
    let entries = entries.map(|(kernel, text)| Entry::new(kernel, text));
    let entries: Vec<Entry> = entries.collect::<Option<_>>()?;
    let together = || entries.iter().filter(|entry| entry.together);
    let size = |entries: &mut dyn Iterator<Item = &Entry>| entries.map(Entry::invocations).max();
    let invocations = size(&mut together()).or_else(|| size(&mut entries.iter()))?;
    let fits = together().all(|entry| entry.invocations() == invocations)
        && entries.iter().filter(|entry| entry.memory).count() < 2;
    if !fits {
        return None;
    }
    let mut fused = Fused {
        words: Vec::new(),
        fields: format!("grids: array<vec4<u32>, {}>,", entries.len() + 1),
        bindings: Vec::new(),
    };
    let mut workgroups = 0u32;
    for kernel in kernels {
        let [x, y, z] = kernel.workgroups;
        fused.words.extend([x, y, z, workgroups]);
        let count = x.checked_mul(y).and_then(|xy| xy.checked_mul(z))?;
        workgroups = workgroups.checked_add(count)?;
    }
    fused.words.extend([0, 0, 0, workgroups]);
    let mut parts: Vec<Part> = Vec::new();
    for (i, entry) in entries.iter().enumerate() {
        parts.push(Part {
            file: entry.kernel.label,
            text: Cow::Owned(entry.text(&prefix(i), &mut fused)?),
        });
    }
    let entry_point = entry_point(&entries, invocations);
    let fields = &fused.fields;
    parts.push(Part {
        file: "generated entry point",
        text: Cow::Owned(format!("struct Fused {{ {fields} }}\n{entry_point}")),
    });
    if fused.bindings.len() > limits.storage_buffers as usize || workgroups > limits.workgroups {
        return None;
    }
    let mut bindings = vec![Binding::Uniform(fused.words)];
    bindings.extend(fused.bindings);
    Some(Kernel {
        label: "fused",
        parts,
        overrides: Vec::new(),
        bindings,
        workgroups: [workgroups, 1, 1],
    })
}

/// The bindings of the fused kernel: the buffers of the kernels in order, and one struct with all
/// their parameters. It is one struct because Mesa 22.3 writes past the end of a table if a branch
/// depends on a fourth uniform buffer.
struct Fused {
    words: Vec<u32>,
    fields: String,
    bindings: Vec<Binding>,
}

/// Returns the entry point of the fused kernel.
fn entry_point(entries: &[Entry], invocations: u32) -> String {
    let mut text = format!(
        "@group(0) @binding(0) var<uniform> fused: Fused;\n\n\
         @compute @workgroup_size({invocations}, 1, 1)\n\
         fn main(\n    @builtin(workgroup_id) workgroup: vec3<u32>,\n    \
         @builtin(local_invocation_index) index: u32,\n",
    );
    if entries
        .iter()
        .any(|e| e.arguments.contains(&Argument::Lane))
    {
        text.push_str("    @builtin(subgroup_invocation_id) subgroup_lane: u32,\n");
    }
    text.push_str(") {\n");
    for (i, entry) in entries.iter().enumerate() {
        let arguments = entry.arguments.iter().map(|a| a.value(entry.size));
        let arguments: Vec<String> = arguments.collect();
        let call = format!("{}main({});", prefix(i), arguments.join(", "));
        let own = entry.invocations();
        let call = match own.cmp(&invocations) {
            Ordering::Equal => format!("let place = index;\n        {call}"),
            Ordering::Less => {
                format!("let place = index;\n        if place < {own}u {{ {call} }}")
            }
            Ordering::Greater => format!(
                "for (var place = index; place < {own}u; place += {invocations}u) {{ {call} }}"
            ),
        };
        let _ = writeln!(
            text,
            "    if workgroup.x >= fused.grids[{i}].w && workgroup.x < fused.grids[{}].w {{\n        \
             let grid = fused.grids[{i}];\n        let w = workgroup.x - grid.w;\n        {call}\n    }}",
            i + 1,
        );
    }
    text.push_str("}\n");
    text
}

fn prefix(kernel: usize) -> String {
    format!("k{kernel}_")
}

/// An argument of an entry point.
#[derive(Clone, Copy, PartialEq)]
enum Argument {
    Workgroup,
    Count,
    Local,
    Global,
    Index,
    Lane,
}

impl Argument {
    fn named(builtin: &str) -> Option<Self> {
        Some(match builtin {
            "workgroup_id" => Argument::Workgroup,
            "num_workgroups" => Argument::Count,
            "local_invocation_id" => Argument::Local,
            "global_invocation_id" => Argument::Global,
            "local_invocation_index" => Argument::Index,
            "subgroup_invocation_id" => Argument::Lane,
            _ => return None,
        })
    }

    /// Returns the argument for a kernel with this workgroup size, from `grid`, `w` and `place` of
    /// the common entry point.
    fn value(self, [x, y, z]: [u32; 3]) -> String {
        let workgroup = "vec3<u32>(w % grid.x, w / grid.x % grid.y, w / (grid.x * grid.y))";
        let xy = x * y;
        let local = format!("vec3<u32>(place % {x}u, place / {x}u % {y}u, place / {xy}u)");
        match self {
            Argument::Workgroup => workgroup.to_string(),
            Argument::Count => "grid.xyz".to_string(),
            Argument::Local => local,
            Argument::Global => format!("{workgroup} * vec3<u32>({x}u, {y}u, {z}u) + {local}"),
            Argument::Index => "place".to_string(),
            Argument::Lane => "subgroup_lane".to_string(),
        }
    }
}

/// The parsed text of a kernel.
struct Entry<'a> {
    kernel: &'a Kernel,
    tokens: Vec<Token<'a>>,
    /// The names that it declares outside of functions.
    names: HashSet<&'a str>,
    arguments: Vec<Argument>,
    size: [u32; 3],
    /// Whether its invocations cooperate.
    together: bool,
    /// Whether it uses workgroup memory.
    memory: bool,
}

impl<'a> Entry<'a> {
    fn new(kernel: &'a Kernel, text: &'a str) -> Option<Self> {
        let tokens = tokens(text);
        let word = |w: &str| tokens.iter().any(|t| t.is(w));
        if word("enable") || word("requires") || word("diagnostic") {
            return None;
        }
        let mut arguments = Vec::new();
        for at in attributes(&tokens, "builtin") {
            arguments.push(Argument::named(tokens.get(at)?.text)?);
        }
        let in_workgroup = |w: &[Token]| w[0].is("<") && w[1].is("workgroup");
        let memory = tokens.windows(2).any(in_workgroup);
        let subgroups = tokens.iter().any(|t| t.text.starts_with("subgroup"));
        Some(Entry {
            kernel,
            names: names(&tokens),
            arguments,
            size: size(kernel, &tokens)?,
            together: memory || subgroups || word("workgroupBarrier"),
            memory,
            tokens,
        })
    }

    fn invocations(&self) -> u32 {
        self.size.iter().product()
    }

    /// Returns the text with prefixes, its overrides as constants, and its entry point as a
    /// function. Adds its bindings to the fused kernel.
    fn text(&self, prefix: &str, fused: &mut Fused) -> Option<String> {
        let mut text = String::new();
        let first = fused.bindings.len();
        fused
            .bindings
            .extend(self.buffers().map(|(_, b)| b.clone()));
        // The names of the parameters in the struct of the fused kernel.
        let mut parameters: HashSet<&str> = HashSet::new();
        for (at, name) in self.parameters() {
            let Some(Binding::Uniform(words)) = self.kernel.bindings.get(at) else {
                return None;
            };
            parameters.insert(name);
            fused.words.extend(words);
            let end = fused.words.len().next_multiple_of(4);
            fused.words.resize(end, 0);
        }
        let own = |word: &str| match parameters.contains(word) {
            true => format!("fused.{prefix}{word}"),
            false => format!("{prefix}{word}"),
        };
        // The depth of braces, and whether they enclose the members of a struct.
        let (mut depth, mut members) = (0, false);
        let mut i = 0;
        while let Some(token) = self.tokens.get(i) {
            let next = |n: usize| self.tokens.get(i + n).map_or("", |t| t.text);
            let until = |end: &str| {
                let rest = self.tokens.iter().skip(i);
                rest.take_while(|t| !t.is(end)).count()
            };
            text.push_str(token.space);
            let skipped = match (token.text, next(1)) {
                ("@", "compute") => 2,
                ("@", "workgroup_size" | "builtin") => until(")") + 1,
                ("@", "group") if next(UNIFORM) == "uniform" => {
                    let end = until(";");
                    let ty = self.tokens.get(i + NAME + 2..i + end)?;
                    let ty = ty.iter().map(|t| match self.names.contains(t.text) {
                        true => own(t.text),
                        false => t.text.to_string(),
                    });
                    let name = next(NAME);
                    let ty: String = ty.collect();
                    let _ = write!(fused.fields, " @align(16) {prefix}{name}: {ty},");
                    end + 1
                }
                ("@", "binding") => {
                    let at: usize = next(3).parse().ok()?;
                    // The only uniform buffer of the fused kernel comes first.
                    let among = self.buffers().position(|(i, _)| i == at)?;
                    let _ = write!(text, "@binding({})", 1 + first + among);
                    until(")") + 1
                }
                ("override", name) => {
                    let given = self.kernel.overrides.iter().find(|o| o.0 == name);
                    text.push_str("const");
                    match given {
                        Some((name, value)) => {
                            let _ = write!(text, " {prefix}{name} = {value}u;");
                            until(";") + 1
                        }
                        None => 1,
                    }
                }
                (brace @ ("{" | "}"), _) => {
                    depth += if brace == "{" { 1 } else { -1 };
                    members &= depth > 0;
                    text.push_str(brace);
                    1
                }
                (word, next) => {
                    members |= word == "struct";
                    let behind_dot = i > 0 && self.tokens[i - 1].is(".");
                    let member = members && depth > 0 && next == ":";
                    match self.names.contains(word) && !behind_dot && !member {
                        true => text.push_str(&own(word)),
                        false => text.push_str(word),
                    }
                    1
                }
            };
            i += skipped;
        }
        Some(text)
    }

    /// Iterates over the bindings of buffers.
    fn buffers(&self) -> impl Iterator<Item = (usize, &Binding)> {
        let all = self.kernel.bindings.iter().enumerate();
        all.filter(|(_, binding)| !matches!(binding, Binding::Uniform(_)))
    }

    /// Returns the binding and name of each uniform variable, in the order of their declarations.
    fn parameters(&self) -> Vec<(usize, &'a str)> {
        let declared = (0..self.tokens.len()).filter_map(|i| {
            let word = |n: usize| self.tokens.get(i + n).map_or("", |t| t.text);
            let found = word(0) == "@" && word(1) == "group" && word(UNIFORM) == "uniform";
            found.then(|| Some((word(BINDING).parse().ok()?, self.tokens.get(i + NAME)?.text)))?
        });
        declared.collect()
    }
}

/// The positions of these tokens in `@group(0) @binding(1) var<uniform> name: Type;`.
const BINDING: usize = 8;
const UNIFORM: usize = 12;
const NAME: usize = 14;

/// Returns the workgroup size, with the overrides of the kernel.
fn size(kernel: &Kernel, tokens: &[Token]) -> Option<[u32; 3]> {
    let at = attributes(tokens, "workgroup_size").next()?;
    let mut size = [1; 3];
    let list = tokens.get(at..)?.iter().take_while(|t| !t.is(")"));
    for (place, token) in size.iter_mut().zip(list.filter(|t| !t.is(","))) {
        let given = kernel.overrides.iter().find(|(name, _)| token.is(name));
        let default = || {
            let declared = tokens
                .windows(2)
                .position(|w| w[0].is("override") && w[1].is(token.text))?;
            let value = tokens
                .get(declared..)?
                .iter()
                .skip_while(|t| !t.is("="))
                .nth(1)?;
            value.text.trim_end_matches('u').parse().ok()
        };
        *place = match given {
            Some((_, value)) => *value,
            None => token
                .text
                .trim_end_matches('u')
                .parse()
                .ok()
                .or_else(default)?,
        };
    }
    Some(size)
}
