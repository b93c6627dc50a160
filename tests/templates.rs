//! Shaders that differ only in sizes and layouts are generated from `shaders/templates/`. The
//! tables here list the permutations. `WGRAD_WRITE=1 cargo test --test templates` writes them to
//! `shaders/`; otherwise this test fails if a generated file differs from its template.
//!
//! A template is WGSL with
//!
//! - `$(name)` or `$(name+1)`: the value of a parameter, or its sum with a number,
//! - `#if name`, `#else`, `#end`: lines that are kept if the parameter is not 0, or else if it is,
//! - `#for name count`, `#end`: lines that are repeated with `name` from 0 to `count` - 1,
//! - `#let name text`: defines a parameter for the following lines.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

type Parameters = BTreeMap<String, String>;

/// A line of a template, or a block of lines.
enum Node<'a> {
    Text(&'a str),
    Let(&'a str, &'a str),
    If(&'a str, Vec<Node<'a>>, Vec<Node<'a>>),
    For(&'a str, &'a str, Vec<Node<'a>>),
}

/// Parses the nodes up to the end of a block, and returns the directive that ended it.
fn parse<'a>(lines: &mut impl Iterator<Item = &'a str>) -> (Vec<Node<'a>>, Option<&'a str>) {
    let mut nodes = Vec::new();
    while let Some(line) = lines.next() {
        let Some(directive) = line.strip_prefix('#') else {
            nodes.push(Node::Text(line));
            continue;
        };
        let (word, rest) = directive.split_once(' ').unwrap_or((directive, ""));
        match word {
            "if" => {
                let (then, end) = parse(lines);
                let otherwise = match end {
                    Some("else") => parse(lines).0,
                    _ => Vec::new(),
                };
                nodes.push(Node::If(rest, then, otherwise));
            }
            "for" => {
                let (name, count) = rest.split_once(' ').expect("a name and a count");
                nodes.push(Node::For(name, count, parse(lines).0));
            }
            "let" => {
                let (name, text) = rest.split_once(' ').expect("a name and a text");
                nodes.push(Node::Let(name, text));
            }
            "else" | "end" => return (nodes, Some(word)),
            _ => panic!("unknown directive {line:?}"),
        }
    }
    (nodes, None)
}

/// Returns the value of `name` or `name+number`.
fn value(expression: &str, parameters: &Parameters) -> String {
    let of = |name: &str| {
        let found = parameters.get(name);
        found.unwrap_or_else(|| panic!("no parameter {name:?}"))
    };
    match expression.split_once('+') {
        None => of(expression).clone(),
        Some((name, more)) => {
            let number = |text: &str| text.parse::<u32>().expect("a number");
            (number(of(name)) + number(more)).to_string()
        }
    }
}

fn substitute(line: &str, parameters: &Parameters) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("$(") {
        let (expression, after) = after.split_once(')').expect("a closing parenthesis");
        text += before;
        text += &value(expression, parameters);
        rest = after;
    }
    text + rest
}

fn expand(nodes: &[Node], parameters: &mut Parameters, text: &mut String) {
    for node in nodes {
        match node {
            Node::Text(line) => {
                *text += &substitute(line, parameters);
                text.push('\n');
            }
            Node::Let(name, line) => {
                let value = substitute(line, parameters);
                parameters.insert(name.to_string(), value);
            }
            Node::If(name, then, otherwise) => match value(name, parameters).as_str() {
                "0" => expand(otherwise, parameters, text),
                _ => expand(then, parameters, text),
            },
            Node::For(name, count, body) => {
                let count: u32 = value(count, parameters).parse().expect("a number");
                for i in 0..count {
                    parameters.insert(name.to_string(), i.to_string());
                    expand(body, parameters, text);
                }
            }
        }
    }
}

fn generate(template: &str, parameters: &[(&str, String)]) -> String {
    let (nodes, end) = parse(&mut template.lines());
    assert!(end.is_none(), "an #end without its beginning");
    let owned = parameters.iter();
    let mut parameters: Parameters = owned.map(|(k, v)| (k.to_string(), v.clone())).collect();
    let mut text = String::new();
    expand(&nodes, &mut parameters, &mut text);
    text
}

/// The tiles of `matmul_subgroup`: rows, and columns in units of the workgroup size.
const TILES: [(u32, u32); 4] = [(16, 4), (16, 8), (32, 4), (32, 8)];

fn tile((rows, columns): (u32, u32)) -> (String, String) {
    let label = format!("matmul_subgroup_{rows}x{columns}");
    let lanes = rows / 4;
    let flag = |is: bool| u32::from(is).to_string();
    let text = generate(
        include_str!("../shaders/templates/matmul_subgroup.wgsl.in"),
        &[
            ("label", label.clone()),
            ("rows", rows.to_string()),
            ("columns", columns.to_string()),
            // The number of lanes with different rows: four rows each.
            ("lanes", lanes.to_string()),
            ("last", (lanes - 1).to_string()),
            ("wide", flag(columns == 8)),
            ("largest", flag((rows, columns) == (32, 8))),
        ],
    );
    (format!("shaders/{label}.wgsl"), text)
}

/// The source of a loader's matrix.
#[derive(Clone, Copy, PartialEq)]
enum Source {
    /// A buffer with k along the rows of the storage (`true`) or across them.
    Stored(bool),
    /// A prologue, with the same meaning of the flag.
    Prologue(bool),
    /// A view of a buffer.
    View,
}

use Source::{Prologue, Stored, View};

/// The loaders: the file's name, whether it reads four floats at a time, and its source.
const LOADERS: [(&str, bool, Source); 13] = [
    ("matmul_a_n", false, Stored(true)),
    ("matmul_a_n_vec4", true, Stored(true)),
    ("matmul_a_n_prologue", false, Prologue(true)),
    ("matmul_a_t", false, Stored(false)),
    ("matmul_a_t_vec4", true, Stored(false)),
    ("matmul_a_t_prologue", false, Prologue(false)),
    ("matmul_a_view", false, View),
    ("matmul_a_view_vec4", true, View),
    ("matmul_b_n", false, Stored(false)),
    ("matmul_b_n_vec4", true, Stored(false)),
    ("matmul_b_t", false, Stored(true)),
    ("matmul_b_t_vec4", true, Stored(true)),
    ("matmul_b_view", false, View),
];

fn loader((name, vec4, source): (&str, bool, Source)) -> (String, String) {
    let left = name.contains("_a_");
    let pick = |a: &str, b: &str| if left { a.to_string() } else { b.to_string() };
    let flag = |is: bool| u32::from(is).to_string();
    let k_inner = matches!(source, Stored(true) | Prologue(true));
    let strided = source == Stored(false);
    let rows_first = left == k_inner;
    let len = if left { "m" } else { "n" };
    let text = generate(
        include_str!("../shaders/templates/matmul_loader.wgsl.in"),
        &[
            ("side", pick("left", "right")),
            ("x", pick("a", "b")),
            ("X", pick("A", "B")),
            ("name", pick("row", "column")),
            ("line", pick("row", "col")),
            ("len", len.to_string()),
            (
                "order",
                match (rows_first, left) {
                    (true, true) => "[m, k]",
                    (false, true) => "[k, m]",
                    (true, false) => "[k, n]",
                    (false, false) => "[n, k]",
                }
                .to_string(),
            ),
            ("inner", if k_inner { "k" } else { len }.to_string()),
            ("stored", flag(matches!(source, Stored(_)))),
            ("prologue", flag(matches!(source, Prologue(_)))),
            ("view", flag(source == View)),
            ("vec4", flag(vec4)),
            ("k_inner", flag(k_inner)),
            ("whole", flag(vec4 && source == Stored(true))),
            ("gathers", flag(source == View && !vec4)),
            ("strided", flag(strided)),
            // How a run along k is read, and four rows at one k.
            ("run4", flag(vec4 && !strided)),
            ("run1", flag(!vec4 && source == Stored(true))),
            ("cross4", flag(vec4 && strided)),
            (
                "cross1",
                flag(source == Stored(true) || strided && !vec4 || source == View && vec4),
            ),
        ],
    );
    (format!("shaders/lib/{name}.wgsl"), text)
}

#[test]
fn generated_shaders_are_those_of_their_templates() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let write = std::env::var("WGRAD_WRITE").is_ok_and(|v| v == "1");
    let mut differ = Vec::new();
    for (file, text) in TILES.map(tile).into_iter().chain(LOADERS.map(loader)) {
        let path = root.join(&file);
        if write {
            std::fs::write(&path, &text).unwrap();
        }
        if std::fs::read_to_string(&path).ok() != Some(text) {
            differ.push(file);
        }
    }
    let hint = "run `WGRAD_WRITE=1 cargo test --test templates`";
    assert!(
        differ.is_empty(),
        "{differ:?} differ from their templates; {hint}"
    );
}

#[test]
fn templates_repeat_choose_and_substitute() {
    let template =
        "#let sum a$(n)\n#for i n\n#if odd\n$(sum) $(i) $(i+1)\n#else\nnone\n#end\n#end\nend";
    let with = |odd: &str| {
        generate(
            template,
            &[("n", "2".to_string()), ("odd", odd.to_string())],
        )
    };
    assert_eq!(with("1"), "a2 0 1\na2 1 2\nend\n");
    assert_eq!(with("0"), "none\nnone\nend\n");
}
