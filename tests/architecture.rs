//! The allowed dependencies between modules, and other rules for the text of the project.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The modules that all others may use.
const BASE: &[&str] = &["error", "shape", "dtype"];

/// The modules that each module may use, in addition to [`BASE`] and itself. A path `a/b` is a
/// submodule of `a`.
const ARROWS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("task", &[]),
    ("schema", &[]),
    ("shape", &[]),
    ("dtype", &[]),
    ("random", &[]),
    ("graph", &[]),
    ("kernel", &["graph"]),
    ("ops", &["graph", "kernel", "random"]),
    ("autodiff", &["graph", "kernel", "ops"]),
    ("passes", &["graph", "kernel", "ops", "autodiff"]),
    ("plan", &["graph", "kernel", "ops", "autodiff", "passes"]),
    (
        "exec",
        &[
            "graph",
            "kernel",
            "ops",
            "autodiff",
            "passes",
            "plan",
            "random",
            "checkpoint",
        ],
    ),
    (
        "device",
        &[
            "graph", "kernel", "ops", "autodiff", "passes", "plan", "exec", "random",
        ],
    ),
    (
        "eval",
        &["graph", "ops", "autodiff", "plan", "exec", "device"],
    ),
    ("doctor", DOCTOR),
    ("nn", MODEL),
    ("optim", MODEL),
    ("loss", MODEL),
    ("metrics", MODEL),
    ("schedule", MODEL),
    ("checkpoint", &[]),
    ("json", &[]),
    ("data", &["random", "checkpoint"]),
    ("preprocess", &["data", "schema", "json"]),
    (
        "train",
        &[
            "graph",
            "kernel",
            "ops",
            "autodiff",
            "passes",
            "plan",
            "exec",
            "device",
            "nn",
            "optim",
            "loss",
            "metrics",
            "schedule",
            "data",
            "checkpoint",
            "random",
            "json",
        ],
    ),
    (
        "generate",
        &[
            "graph", "kernel", "ops", "plan", "exec", "device", "nn", "random", "train",
        ],
    ),
    ("spec", SPEC),
    (
        "run",
        &[
            "spec",
            "preprocess",
            "schema",
            "task",
            "graph",
            "nn",
            "loss",
            "data",
            "device",
            "train",
            "generate",
            "checkpoint",
        ],
    ),
    (
        "explain",
        &["data", "random", "run", "spec", "train", "device"],
    ),
];

/// The modules that configurations may use: those that they configure.
const SPEC: &[&str] = &[
    "preprocess",
    "schema",
    "task",
    "nn",
    "optim",
    "loss",
    "metrics",
    "schedule",
    "data",
    "device",
];

/// The modules that the doctor may use: all but data and training.
const DOCTOR: &[&str] = &[
    "graph", "kernel", "ops", "autodiff", "passes", "plan", "exec", "device", "optim", "random",
];

/// The modules that parts of models may use: ops and below, and each other.
const MODEL: &[&str] = &[
    "graph", "kernel", "ops", "autodiff", "random", "nn", "optim", "loss", "metrics", "schedule",
    "schema", "task",
];

/// The largest number of lines of a source file; a longer one should be split.
const LINES: usize = 450;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns all files below a folder with this extension, relative to the project's root, and their
/// texts.
fn files(folder: &str, extension: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders: Vec<PathBuf> = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                let text = std::fs::read_to_string(&path).expect("a readable file");
                let name = path.strip_prefix(root()).expect("below the root");
                found.insert(name.to_string_lossy().replace('\\', "/"), text);
            }
        }
    }
    assert!(!found.is_empty(), "no .{extension} files in {folder}");
    found
}

/// Returns the part of a file that is compiled into the library, without comments and tests.
fn code(text: &str) -> String {
    let before_tests = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let comment = |line: &&str| !line.trim_start().starts_with("//");
    before_tests
        .lines()
        .filter(comment)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Returns the module of a file: `src/ops/pad.rs` belongs to `ops`.
fn module(file: &str) -> Option<&str> {
    let inner = file.strip_prefix("src/")?;
    inner
        .split('/')
        .next()?
        .strip_suffix(".rs")
        .or(inner.split('/').next())
}

/// Returns the first names after `crate::`, including those in braces.
fn seen(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            None => {
                names.insert(identifier(after));
            }
            Some(group) => {
                let (mut depth, mut name_may_start) = (0, true);
                for (i, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => name_may_start = true,
                        c if depth == 0 && name_may_start && !c.is_whitespace() => {
                            names.insert(identifier(&group[i..]));
                            name_may_start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names
}

fn identifier(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

/// Returns the modules of the names that `lib.rs` re-exports.
fn exports() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).expect("a readable file");
    let mut exports = BTreeMap::new();
    for line in code(&text).split(';') {
        let Some(path) = line.trim().strip_prefix("pub use ") else {
            continue;
        };
        let Some((module, names)) = path.split_once("::") else {
            continue;
        };
        // A re-export from elsewhere in the crate already has its module.
        if module == "crate" {
            continue;
        }
        for name in names.trim_matches(['{', '}']).split(',') {
            exports.insert(identifier(name.trim()), module.to_string());
        }
    }
    exports
}

#[test]
fn modules_see_only_what_lies_below_them() {
    let exports = exports();
    let mut complaints = Vec::new();
    let exists = |module: &str| root().join(format!("src/{module}.rs")).is_file();
    let known = ARROWS
        .iter()
        .flat_map(|(name, below)| [name].into_iter().chain(*below));
    for module in known.filter(|module| !exists(module)) {
        complaints.push(format!("{module} is in this test, but not in src"));
    }
    for (file, text) in files("src", "rs") {
        if file == "src/lib.rs" || file.ends_with("tests.rs") || file.contains("/tests/") {
            continue;
        }
        let Some(module) = module(&file) else {
            continue;
        };
        let Some((_, below)) = ARROWS.iter().find(|(name, _)| *name == module) else {
            complaints.push(format!(
                "{file}: the module {module} has no arrows in this test"
            ));
            continue;
        };
        for name in seen(&code(&text)) {
            let target = exports.get(&name).unwrap_or(&name).as_str();
            if target != module && !below.contains(&target) && !BASE.contains(&target) {
                complaints.push(format!("{file} sees {target}"));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn only_the_gpu_executor_names_wgpu() {
    let names = |text: &str| {
        let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        words.clone().any(|w| w == "wgpu")
    };
    let outside = |file: &str| !file.starts_with("src/exec/gpu/") && file != "src/exec/gpu.rs";
    let found: Vec<String> = files("src", "rs")
        .into_iter()
        .filter(|(file, text)| outside(file) && names(&code(text)))
        .map(|(file, _)| file)
        .collect();
    assert!(found.is_empty(), "{found:?} name wgpu");
}

/// Returns the variants of the enum `Op`.
fn variants() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("src/graph/op.rs")).expect("a readable file");
    let after = text.split("pub enum Op {").nth(1).expect("the enum");
    let body = after.split("\n}").next().expect("its end");
    let lines = body
        .lines()
        .map(str::trim)
        .filter(|l| !l.starts_with("//") && !l.is_empty());
    lines.map(identifier).collect()
}

#[test]
fn there_is_one_match_over_all_ops() {
    let variants = variants();
    assert!(variants.len() > 15, "{variants:?}");
    let arms = |text: &str| {
        let mut starts = Vec::new();
        for line in code(text)
            .lines()
            .map(str::trim)
            .filter(|l| l.contains("=>"))
        {
            starts.extend(line.split("Op::").skip(1).map(identifier));
        }
        starts
    };
    for (file, text) in files("src", "rs") {
        let arms = arms(&text);
        let named = variants.iter().filter(|v| arms.contains(v)).count();
        if file == "src/ops.rs" {
            for variant in &variants {
                let count = arms.iter().filter(|a| *a == variant).count();
                assert_eq!(count, 1, "{file} has {count} arms for {variant}");
            }
        } else {
            // A pass may name a few ops; naming half of them would be a second vocabulary.
            assert!(
                named * 2 < variants.len(),
                "{file} has arms for {named} ops"
            );
        }
    }
}

/// A pass gets everything from `OpDef`, so that a new op cannot be forgotten there.
#[test]
fn passes_name_no_op() {
    let variants = variants();
    let mut names: BTreeSet<String> = wgrad::ops::elementwise::functions()
        .map(|f| f.name.to_string())
        .collect();
    let case = wgrad::doctor::trials();
    for trial in &case {
        let (graph, _) = trial.trace().expect("a trial without an error");
        names.extend(graph.nodes().iter().map(|node| node.op.name().to_string()));
    }
    let mut found = Vec::new();
    for (file, text) in files("src/passes", "rs") {
        let code = code(&text);
        let variant = |v: &&String| code.contains(&format!("Op::{v}"));
        found.extend(
            variants
                .iter()
                .filter(variant)
                .map(|v| format!("{file}: Op::{v}")),
        );
        let name = |n: &&String| code.contains(&format!("\"{n}\""));
        found.extend(names.iter().filter(name).map(|n| format!("{file}: {n:?}")));
    }
    assert!(names.len() > 100, "{names:?}");
    assert!(found.is_empty(), "{found:?}");
}

/// The file of a module is next to its folder: `foo.rs` and `foo/`.
#[test]
fn no_source_file_is_called_mod() {
    let sources = files("src", "rs")
        .into_keys()
        .chain(files("cli/src", "rs").into_keys());
    let found: Vec<String> = sources.filter(|f| f.ends_with("/mod.rs")).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn source_files_stay_short() {
    let long: Vec<String> = files("src", "rs")
        .into_iter()
        .map(|(file, text)| (file, text.lines().count()))
        .filter(|(_, lines)| *lines > LINES)
        .map(|(file, lines)| format!("{file} has {lines} lines"))
        .collect();
    assert!(long.is_empty(), "{}; the most is {LINES}", long.join(", "));
}

#[test]
fn every_source_file_says_what_it_is() {
    let tests = |file: &str| file.ends_with("tests.rs");
    for (file, text) in files("src", "rs")
        .into_iter()
        .filter(|(file, _)| !tests(file))
    {
        assert!(text.starts_with("//! "), "{file} does not begin with //!");
    }
}

#[test]
fn every_shader_has_its_header() {
    let titles = ["Shapes", "Bindings", "Workgroup", "Overrides", "Reference"];
    for (file, text) in files("shaders", "wgsl") {
        if file.starts_with("shaders/lib/") {
            continue;
        }
        let stem = file
            .trim_start_matches("shaders/")
            .trim_end_matches(".wgsl");
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        assert!(
            first.starts_with(&format!("// {stem}: ")),
            "{file} begins with {first:?}"
        );
        for title in titles {
            let line = lines.next().unwrap_or_default();
            assert!(
                line.starts_with(&format!("// {title} ")),
                "{file}: {title} is {line:?}"
            );
        }
    }
}
