//! The pages in `docs/` say what the sources say: code that they quote stands there, line by line.
//!
//! A quotation is a block of code below a line with nothing but a file's name and a colon.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

const ADDING: &str = include_str!("../docs/adding-an-op.md");

/// Files of the op that the page adds, and how lines elsewhere name it.
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

/// The blocks of code below the name of a file: file and text.
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

/// Whether the lines stand in the text, next to each other.
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

/// The op and its kernel are quoted whole and in order, so that who copies the blocks has the files.
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

/// What the page says of the rest of the project is all there is: no other line names the op.
#[test]
fn no_other_line_is_needed() {
    let mut folders = vec![PathBuf::from("src"), PathBuf::from("shaders")];
    let mut elsewhere = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
                continue;
            }
            let file = path.to_string_lossy().replace('\\', "/");
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
    }
    // The variant, its struct, and two lines in each of two lists.
    assert_eq!(elsewhere, 6);
}
