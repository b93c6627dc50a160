//! `docs/ops.md`: every op and every elementwise function, rendered from the registry and from the
//! errors that the doctor measured.

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

wgrad computes with these ops, which have their own kernels, with views, which copy nothing, and with elementwise
functions, which are fused with adjacent ops. A method of `Tensor` is one of them or is composed of several. So
graphs, profiles and error messages show the names on this page, which may differ from the name of the method.

This page is generated; do not edit it. The text about an op is in the op's file in `src/ops/`, that about a function in its
row in `src/ops/elementwise/`. After a change, generate it again:

```sh
WGRAD_WRITE=1 cargo test --test docs
```

## How to read it

`dx` is the gradient of the loss with respect to `x`, and `dy` that with respect to the result `y`. *none* means that no
gradient flows, because the result is piecewise constant or an integer. *refused* means that there is no rule, and
differentiating is an error; this applies to ops that are gradients themselves.

An input of type `f32` may also be `f16` or `bf16`, which are read as the `f32` that they represent. Inputs,
variables and constants are never half precision: `Tensor::cast` converts to it.

For a result of type `f32`, an error is the distance from the f64 reference in units of the tolerance, so up to 1
passes, and 0 is exact. It is the largest error that `wgrad doctor` has measured, over all sizes and all variants of the
kernels, in steps that compute only this op. A dash means that it has not been measured.
The tolerance comes from an analysis of the rounding. For many ops it depends on the values and the shape
(`tolerance` in the op's file).

";

const MEASURING: &str = "
The doctor checks steps, which may consist of several ops. The errors of such a step are not in the tables, but its failure
counts here. The numbers are in `docs/ops-errors.json`. To measure again, or another adapter:

```sh
cargo run --release -- doctor --thorough --json > adapter.jsonl
WGRAD_ERRORS=adapter.jsonl WGRAD_WRITE=1 cargo test --test docs
```

";

const FUNCTIONS: &str = "\
Each is applied to every element. Inputs of different shapes are broadcast first, by NumPy's rules. Constants, which are
part of the graph, follow a semicolon. `i` is the index of an element in its tensor, from 0. The
tolerance is the larger of a number of units in the last place of `f32` (ulp) and an absolute value.

The gradients are derived from the rules themselves; `y` in them is the function's result.
";

const COMPOSED: &str = "\
Methods of `Tensor` that are composed of several ops, or are another name of an op, and the functions of `loss::functional`,
before their reduction. The last column lists each op and function in the graph of a call once. Adjacent ones are
fused, and random ones draw from the step's key. Gradients are those of the ops. The exceptions are `logsumexp`, `var`, `std`,
`norm`, and `max` over axes that are not adjacent, which have their own rules (`src/ops/reduce/composed.rs`).
";

/// Renders the page.
pub fn page(measured: &[Measured]) -> String {
    let mut page = INTRODUCTION.to_string();
    page += "The errors on this page were measured on these adapters:\n\n";
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
    page += "\n## Composed methods and losses\n\n";
    page += COMPOSED;
    page += &composed::tables();
    page
}

/// The text of the page about an op, apart from the errors.
#[derive(Clone, Copy, PartialEq)]
pub struct Entry {
    doc: OpDoc,
    /// Whether it has kernels, and thus errors.
    computes: bool,
}

/// Returns the ops that any trial of the doctor computes, by name. `meta::every_op_has_a_case`
/// checks that these are all.
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
        false => "none: it computes nothing, and its readers use its strides".to_string(),
    };
    format!(
        "### {name}\n\n{}\n\n- shapes: {shapes}\n- element types: {dtypes}\n- gradient: {gradient}\n\
         - largest error: {errors}\n\n",
        title(formula),
    )
}

/// Returns the functions by their shader library, in the order of the table.
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

/// Capitalizes the first letter.
fn title(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    let title: String = first.into_iter().chain(letters).collect();
    title.replace('_', " ")
}

fn table(rows: &[&Function], measured: &[Measured]) -> String {
    let mut head = vec!["function", "formula", "types", "gradient", "tolerance"];
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

/// Formats text as code in Markdown.
fn code(text: &str) -> String {
    format!("`{text}`")
}

/// Returns `name(arguments; constants)`.
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
