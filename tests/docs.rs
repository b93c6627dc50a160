//! The documentation: code that a page quotes is in the sources, links resolve, and retired words
//! do not occur.
//!
//! A quotation is a block of code below a line with only a file's name and a colon.
//!
//! `docs/ops.md` is rendered. With `WGRAD_WRITE=1` it is written instead of compared; with
//! `WGRAD_ERRORS=FILE,FILE..` its errors are first updated from the output of
//! `wgrad doctor --json`.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "docs/language.rs"]
mod language;
#[path = "docs/links.rs"]
mod links;
mod ops_page;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ops_page::errors::{Measured, replace};
use ops_page::gradient;
use wgrad::ops::elementwise::functions;

const ADDING: &str = include_str!("../docs/adding-an-op.md");

/// The files of the op that the page adds, and its names in other files.
const OWN: [&str; 3] = [
    "src/ops/take_along.rs",
    "shaders/take_along.wgsl",
    "src/doctor/cases/take_along.rs",
];
const NAMES: [&str; 2] = ["take_along", "TakeAlong"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn source(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// Returns the blocks of code below the name of a file: file and text.
fn quotations(page: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut named = None;
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
            found.extend(named.take().map(|file| (file, block.join("\n"))));
        } else if !line.is_empty() {
            let name = line.strip_prefix('`').and_then(|l| l.strip_suffix("`:"));
            named = name.filter(|name| !name.contains('`'));
        }
    }
    found
}

/// Returns whether the lines are in the text, consecutively.
fn contains_lines(text: &str, quoted: &str) -> bool {
    format!("\n{text}\n").contains(&format!("\n{quoted}\n"))
}

#[test]
fn quoted_code_is_in_the_files() {
    let quotations = quotations(ADDING);
    assert!(quotations.len() > 15, "only {} blocks", quotations.len());
    for (file, quoted) in quotations {
        assert!(!quoted.trim().is_empty(), "an empty block of {file}");
        assert!(
            contains_lines(&source(file), &quoted),
            "{file} has no\n{quoted}"
        );
    }
}

/// The op and its kernel are quoted completely and in order, so that copying the blocks gives the
/// files.
#[test]
fn an_op_is_quoted_whole() {
    let lines = |text: &str| -> Vec<String> {
        let filled = text.lines().filter(|l| !l.trim().is_empty());
        filled.map(str::to_string).collect()
    };
    for file in &OWN[..2] {
        let blocks = quotations(ADDING)
            .into_iter()
            .filter(|(name, _)| name == file);
        let quoted: Vec<String> = blocks.flat_map(|(_, text)| lines(&text)).collect();
        assert_eq!(quoted, lines(&source(file)), "{file}");
    }
}

/// Returns all files in these folders and their subfolders, by their paths from the project's root.
fn files(folders: &[&str]) -> Vec<String> {
    let mut folders: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(path),
                false => files.push(path.to_string_lossy().replace('\\', "/")),
            }
        }
    }
    files
}

/// The page shows every other line of the project that names the op.
#[test]
fn no_other_line_is_needed() {
    let mut elsewhere = 0;
    for file in files(&["src", "shaders"]) {
        if OWN.contains(&&*file) {
            continue;
        }
        let text = source(&file);
        let comment = |line: &str| line.trim_start().starts_with("//");
        for line in text.lines().filter(|line| !comment(line)) {
            if NAMES.iter().any(|name| line.contains(name)) {
                let shown = quotations(ADDING)
                    .iter()
                    .any(|(name, text)| *name == file && contains_lines(text, line));
                assert!(shown, "the page does not show this line of {file}:\n{line}");
                elsewhere += 1;
            }
        }
    }
    // The variant, its struct, and two lines in each of two lists.
    assert_eq!(elsewhere, 6);
}

/// Returns the errors that the page shows.
fn measured() -> Vec<Measured> {
    let mut known: Vec<Measured> = serde_json::from_str(&source("docs/ops-errors.json")).unwrap();
    let Ok(files) = std::env::var("WGRAD_ERRORS") else {
        return known;
    };
    for file in files.split(',') {
        replace(&mut known, Measured::from_doctor(&source(file)));
    }
    known
}

#[test]
fn the_page_of_ops_is_current() {
    let measured = measured();
    let pages = [
        ("docs/ops.md", ops_page::page(&measured)),
        (
            "docs/ops-errors.json",
            serde_json::to_string_pretty(&measured).unwrap() + "\n",
        ),
    ];
    for (file, text) in pages {
        if std::env::var("WGRAD_WRITE").is_ok_and(|v| v == "1") {
            std::fs::write(root().join(file), text).unwrap();
            continue;
        }
        let (have, how) = (source(file), "WGRAD_WRITE=1 cargo test --test docs");
        let mut lines = have.lines().zip(text.lines());
        let first = lines.find(|(old, new)| old != new);
        let (old, new) = first.unwrap_or(("another length", ""));
        assert!(
            have == text,
            "{file} is out of date; write it anew by\n{how}\n-{old}\n+{new}"
        );
    }
}

/// An op that is renamed or removed leaves no error behind.
#[test]
fn errors_are_of_ops_that_exist() {
    let known: BTreeSet<&str> = ops_page::ops()
        .into_keys()
        .chain(functions().map(|f| f.name))
        .collect();
    let measured = measured();
    assert!(measured.len() >= 2, "errors of {} adapters", measured.len());
    for m in &measured {
        let strange: Vec<&String> = m
            .errors
            .keys()
            .filter(|op| !known.contains(op.as_str()))
            .collect();
        assert!(
            strange.is_empty(),
            "{}: no ops are called {strange:?}",
            m.adapter
        );
    }
}

/// Returns the methods of `Tensor` in the files of ops, by their first lines. Those that a macro
/// defines are elementwise functions, which all have rows.
fn methods() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // The methods in `batch.rs` are no ops: they read what a batch contains, and name outputs.
    let batch = "src/ops/batch.rs".to_string();
    for file in files(&["src/ops"]).into_iter().filter(|f| *f != batch) {
        let text = source(&file);
        for block in text.split("\nimpl Tensor {\n").skip(1) {
            let body = block.split("\n}\n").next().unwrap_or_default();
            let names = body
                .lines()
                .filter_map(|line| line.strip_prefix("    pub fn "));
            found.extend(names.map(|name| {
                let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
                name[..end.unwrap_or(name.len())].to_string()
            }));
        }
    }
    found
}

#[test]
fn every_method_is_on_the_page() {
    let known: BTreeSet<&str> = ops_page::ops()
        .into_keys()
        .chain(functions().map(|f| f.name))
        .chain(ops_page::composed::all().map(|row| row.name()))
        .collect();
    let methods = methods();
    assert!(methods.len() > 70, "only {methods:?}");
    // All of them call `apply`.
    let missing: Vec<&String> = methods
        .iter()
        .filter(|m| *m != "apply" && !known.contains(m.as_str()))
        .collect();
    assert!(missing.is_empty(), "the page has no row of {missing:?}");
    // The losses are functions.
    let mut sources = files(&["src/loss/functional"]);
    sources.push("src/loss/functional.rs".to_string());
    let text: String = sources.iter().map(|file| source(file)).collect();
    let losses = text.lines().filter_map(|line| line.strip_prefix("pub fn "));
    let losses: Vec<&str> = losses.filter_map(|line| line.split('(').next()).collect();
    assert!(losses.len() > 20, "only {losses:?}");
    for loss in losses {
        assert!(
            known.contains(loss),
            "the page has no row of the loss {loss}"
        );
    }
}

/// Shapes and element types on the page agree with the ops' `infer`, as far as they are formulas.
#[test]
fn what_is_said_of_shapes_and_types_holds() {
    let (wrong, checks) = ops_page::words::wrong();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let having = |what: &str| checks.values().filter(|seen| seen.contains(what)).count();
    let counts = ["shapes", "types", "letters"].map(having);
    assert!(
        counts[0] > 40 && counts[1] > 50 && counts[2] > 15,
        "{counts:?} of {}",
        checks.len()
    );
}

#[test]
fn gradients_read_as_formulas() {
    let of = |name: &str| gradient::words(functions().find(|f| f.name == name).unwrap());
    assert_eq!(of("neg"), "`dx = -dy`");
    assert_eq!(of("mul"), "`da = dy b`, `db = dy a`");
    assert_eq!(of("div"), "`da = dy / b`, `db = -dy y / b`");
    assert_eq!(of("relu"), "`dx = dy where y > 0, else 0`");
    assert_eq!(of("power"), "`dx = p dy x^(p - 1)`");
    assert_eq!(
        of("clamped"),
        "`dx = dy (1 where x > low and x < high, else 0)`"
    );
    assert_eq!(
        of("maximum"),
        "`da = dy share(a, b)`, `db = dy (1 - share(a, b))`"
    );
    assert_eq!(of("floored"), "none");
    assert_eq!(of("relu_grad"), "refused");
}
