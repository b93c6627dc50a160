//! `docs/ops.md`: every op and every elementwise function, rendered from the registry and from the errors that
//! the doctor measured.

pub mod composed;
pub mod errors;
pub mod gradient;
pub mod words;

use std::collections::BTreeMap;

use wgrad::DType;
use wgrad::doctor::trials;
use wgrad::graph::{Function, Op};
use wgrad::ops::elementwise::functions;
use wgrad::ops::{OpDoc, OpKind};

use errors::Measured;

const INTRODUCTION: &str = "\
# The ops

Everything that wgrad computes is made of these: ops with kernels of their own, views that are read in place, and
elementwise functions, which are fused with their neighbours. `Tensor`'s methods are one of them or made of
several, so a name here is what graphs, profiles and error messages say, not always the method's.

This page is rendered; do not edit it. The text about an op stands in the op's file in `src/ops/`, of a function in its
row in `src/ops/elementwise/`. After a change,

```sh
WGRAD_WRITE=1 cargo test --test docs
```

writes it anew.

## How to read it

`dx` is the gradient of the loss with respect to `x`, and `dy` that with respect to the result `y`. *none*: no gradient
flows, for the result is made of steps or numbers. *refused*: there is no rule, and differentiating is an error that
says so; ops that are gradients themselves are such.

Where an input is `f32`, it may be `f16` or `bf16` as well, which are read as the `f32` that they stand for. Inputs,
variables and constants are never half precision: `Tensor::cast` converts to it.

Where a result is `f32`, an error is the distance from the f64 reference in units of what is allowed, so up to 1 is
fine and 0 is exact. It is the largest that `wgrad doctor` has seen, over all sizes, in
steps that compute this op and nothing else, by any variant of its kernels; a dash is what was not measured yet.
What is allowed follows from an analysis
of the rounding, and for many ops from the values and the shape (`tolerance` in the op's file).

";

const MEASURING: &str = "
Checks are of steps, which may be of several ops; such a step stands in no op's error, but its failure counts here.
The numbers stand in `docs/ops-errors.json`. To measure again, or another adapter:

```sh
cargo run --release -- doctor --thorough --json > adapter.jsonl
WGRAD_ERRORS=adapter.jsonl WGRAD_WRITE=1 cargo test --test docs
```

";

const FUNCTIONS: &str = "\
Each is applied to every element; inputs of different shapes are broadcast together first, by NumPy's rule. After a
semicolon stand constants, numbers that belong to the graph. `i` is an element's number in its tensor, from 0. What is
allowed is in units in the last place of `f32` (ulp) or absolute, whichever is more.

The gradients are read off the rules themselves; `y` in them is the function's result.
";

const COMPOSED: &str = "\
Methods of `Tensor` that become several ops, or one under another name, and the functions of `loss::functional`, before their
reduction. The last column is read off the graph that a call becomes: each op and function in it once. Neighbours among them are
fused; what is random draws from the step's key. Gradients are those of the ops, but for `logsumexp`, `var`, `std` and
`norm`, and `max` over axes that are no neighbours, which have rules of their own (`src/ops/reduce/composed.rs`).
";

/// The page.
pub fn page(measured: &[Measured]) -> String {
    let mut page = INTRODUCTION.to_string();
    page += "The errors on this page are of these adapters:\n\n";
    page += "| | adapter | driver | checks | failed |\n|---|---|---|---|---|\n";
    for m in measured {
        let Measured {
            adapter, driver, ..
        } = m;
        let short = m.short();
        page += &format!(
            "| {short} | {adapter} | {driver} | {} | {} |\n",
            m.checked, m.failed
        );
    }
    page += MEASURING;
    page += "## Ops\n\n";
    for (name, entry) in ops() {
        page += &section(name, &entry, measured);
    }
    page += "## Elementwise functions\n\n";
    page += FUNCTIONS;
    for (library, rows) in libraries() {
        page += &format!("\n### {}\n\n", title(library));
        page += &table(&rows, measured);
    }
    page += "\n## What is made of them\n\n";
    page += COMPOSED;
    page += &composed::tables();
    page
}

/// What the page says about an op, besides the errors.
#[derive(Clone, Copy, PartialEq)]
pub struct Entry {
    doc: OpDoc,
    /// Whether it has kernels, and so may be wrong.
    computes: bool,
}

/// The ops that any trial of the doctor computes, by name. `meta::every_op_has_a_case` says that these are all.
pub fn ops() -> BTreeMap<&'static str, Entry> {
    let mut ops = BTreeMap::new();
    for trial in trials() {
        let (graph, _) = trial.trace().unwrap();
        let own = |op: &Op| !matches!(op, Op::Elementwise(_));
        for op in graph.nodes().iter().map(|n| &n.op).filter(|op| own(op)) {
            let entry = Entry {
                doc: op.def().doc(),
                computes: matches!(op.def().kind(), OpKind::Kernel(_)),
            };
            let known = ops.insert(op.name(), entry);
            assert!(known.is_none_or(|k| k == entry), "{} differs", op.name());
        }
    }
    ops
}

fn section(name: &str, entry: &Entry, measured: &[Measured]) -> String {
    let OpDoc {
        formula,
        shapes,
        dtypes,
        gradient,
    } = entry.doc;
    let of = |m: &Measured| format!("{} {}", m.short(), m.error(name));
    let errors = match entry.computes {
        true => measured.iter().map(of).collect::<Vec<_>>().join(", "),
        false => "none: nothing is computed, whatever uses it reads it in place".to_string(),
    };
    format!(
        "### {name}\n\n{}\n\n- shapes: {shapes}\n- element types: {dtypes}\n- gradient: {gradient}\n\
         - largest error: {errors}\n\n",
        title(formula),
    )
}

/// The functions by the shader library that they stand in, in the table's order.
fn libraries() -> Vec<(&'static str, Vec<&'static Function>)> {
    let mut found: Vec<(&str, Vec<&Function>)> = Vec::new();
    for f in functions() {
        match found.iter_mut().find(|(library, _)| *library == f.library) {
            Some((_, rows)) => rows.push(f),
            None => found.push((f.library, vec![f])),
        }
    }
    found
}

/// The text with a capital letter at its beginning.
fn title(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    let title: String = first.into_iter().chain(letters).collect();
    title.replace('_', " ")
}

fn table(rows: &[&Function], measured: &[Measured]) -> String {
    let mut head = vec!["function", "formula", "types", "gradient", "allowed"];
    let names: Vec<&str> = measured.iter().map(Measured::short).collect();
    head.extend(&names);
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for f in rows {
        let mut cells = vec![
            code(&call(f)),
            code(f.formula),
            code(&types(f)),
            gradient::words(f),
            allowed(f),
        ];
        cells.extend(measured.iter().map(|m| m.error(f.name)));
        let cells: Vec<String> = cells.iter().map(|c| c.replace('|', "\\|")).collect();
        text += &format!("| {} |\n", cells.join(" | "));
    }
    text
}

/// Text as code in Markdown.
fn code(text: &str) -> String {
    format!("`{text}`")
}

/// `name(arguments; constants)`.
fn call(f: &Function) -> String {
    let (arguments, constants) = f.symbols.split_at(f.inputs.len());
    let constants = match constants {
        [] => String::new(),
        all => format!("; {}", all.join(", ")),
    };
    format!("{}({}{constants})", f.name, arguments.join(", "))
}

fn types(f: &Function) -> String {
    let list = |types: &[DType]| match types {
        [first, rest @ ..] if rest.iter().all(|t| t == first) => first.to_string(),
        all => all
            .iter()
            .map(DType::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    };
    let constants = match f.constants {
        [] => String::new(),
        all => format!("; {}", list(all)),
    };
    format!("{}{constants} -> {}", list(f.inputs), f.output)
}

fn allowed(f: &Function) -> String {
    let units = match (f.ulp, f.ulp_per_x) {
        (0.0, 0.0) if f.abs == 0.0 => return "exact".to_string(),
        (ulp, 0.0) => format!("{ulp} ulp"),
        (ulp, per_x) => {
            let x = f.symbols.first().copied().unwrap_or("x");
            format!("{ulp} + {per_x} |{x}| ulp")
        }
    };
    match f.abs {
        0.0 => units,
        abs => format!("{units} or {abs:e}"),
    }
}
