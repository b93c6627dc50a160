//! The language of the texts for users and contributors: words that the project has replaced by
//! standard terms must not occur.
//!
//! The test reads doc comments and strings in `src` and `cli/src` (including error texts and
//! `--help`), the Markdown pages, and the comments of the examples and the scripts. It ignores code
//! between backticks and blocks of code.
//!
//! `tests/docs/language.txt` lists the files that still have such words. The list only shrinks: a
//! listed file without a hit fails, and `WGRAD_WRITE=1 cargo test --test docs language` removes it.

use std::collections::{BTreeMap, BTreeSet};

use super::links::{prose, without_code};
use super::{files, root, source};

const ALLOWED: &str = "tests/docs/language.txt";

/// A retired word or phrase in lower case, its replacement, and longer phrases that are allowed.
type Rule = (&'static str, &'static str, &'static [&'static str]);

#[rustfmt::skip]
const RULES: &[Rule] = &[
    // Words with a standard term.
    ("blame", "source attribution", &[]),
    ("blamed", "attributed to", &[]),
    ("ceiling", "roofline, peak", &[]),
    ("ceilings", "roofline, peaks", &[]),
    ("crew", "workers", &[]),
    ("densities", "distributions", &[]),
    ("floating node", "rematerialized node", &[]),
    ("floating nodes", "rematerialized nodes", &[]),
    ("halves", "f16 and bf16, half precision", &["halves the", "and halves"]),
    ("initialiser", "initializer", &[]),
    ("initialisers", "initializers", &[]),
    ("joint", "horizontally fused kernel", &[]),
    ("joints", "horizontally fused kernels", &[]),
    ("joiner", "horizontal fusion", &[]),
    ("minimised", "minimized; or: the loss", &[]),
    ("mistake", "error", &[]),
    ("mistakes", "errors", &[]),
    ("normalisation", "normalization", &[]),
    ("optimiser", "optimizer", &[]),
    ("savings", "memory report", &[]),
    ("tail", "epilogue", &["| tail"]),
    ("tails", "epilogues", &[]),
    ("tape", "reserve space", &[]),
    ("tenant", "live range", &[]),
    ("tenants", "live ranges", &[]),
    ("thrift", "memory strategy", &[]),
    ("turned", "transposed, rotated", &["turned into", "turned on", "turned off"]),
    ("wave", "concurrent group", &[]),
    ("waves", "concurrent groups", &[]),
    ("workshop", "prepare context", &[]),
    // Phrases.
    ("as little of it as will do", "the smallest change that fits", &[]),
    ("classified right", "correct", &[]),
    ("first weights", "initial weights", &["the first weights of"]),
    ("for who", "for those who", &["for whom", "for whose"]),
    ("in turns of", "loop iterations", &[]),
    ("is driven by", "uses", &[]),
    ("loop turns", "loop iterations", &[]),
    ("of which there is", "say what there is", &[]),
    ("played by a cpu", "in software", &[]),
    ("plays a gpu", "in software", &[]),
    ("plays the gpu", "in software", &[]),
    ("said of", "the description of", &[]),
    ("says of", "says about", &[]),
    ("spares all", "the smallest memory plan", &[]),
    ("taken for", "predicted as", &[]),
    ("told from", "derived from", &[]),
    ("told less", "gets fewer", &[]),
    ("turns of", "iterations of", &[]),
    ("weights begin with", "initialization", &[]),
    ("what else is trained", "use `freeze` to exclude parameters", &[]),
    ("what is minimized", "the loss", &[]),
    ("what holds otherwise", "default", &[]),
    ("who lives there", "what the slot holds", &[]),
];

/// Counts the occurrences of the phrase as whole words, outside of the allowed phrases.
fn hits(text: &str, (phrase, _, fine): &Rule) -> usize {
    let mut text = text.to_lowercase();
    for allowed in *fine {
        text = text.replace(allowed, "");
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '`';
    let whole = |at: &usize| {
        let (before, after) = (&text[..*at], &text[at + phrase.len()..]);
        !before.ends_with(is_word) && !after.starts_with(is_word)
    };
    text.match_indices(phrase)
        .map(|(at, _)| at)
        .filter(whole)
        .count()
}

/// Returns the doc comments of a Rust file and its strings with more than one word, with their line
/// numbers.
fn rust_texts(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        let start = line.trim_start();
        if let Some(doc) = start
            .strip_prefix("///")
            .or_else(|| start.strip_prefix("//!"))
        {
            if doc.trim_start().starts_with("```") {
                in_code = !in_code;
            } else if !in_code {
                found.push((index + 1, doc.to_string()));
            }
            continue;
        }
        in_code = false;
        if start.starts_with("//") {
            continue;
        }
        let quoted = line.split('"').skip(1).step_by(2);
        found.extend(
            quoted
                .filter(|text| text.trim().contains(' '))
                .map(|text| (index + 1, text.to_string())),
        );
    }
    found
}

/// Returns the texts of a file to check, with their line numbers.
fn texts(file: &str, text: &str) -> Vec<(usize, String)> {
    let numbered = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    let texts: Vec<(usize, String)> = match file.rsplit('.').next() {
        Some("rs") => rust_texts(text),
        Some("md") => prose(text)
            .into_iter()
            .map(|(i, line)| (i, line.to_string()))
            .collect(),
        // Comments and messages: the whole text.
        _ => numbered.map(|(i, line)| (i, line.to_string())).collect(),
    };
    texts
        .into_iter()
        .map(|(i, line)| (i, without_code(&line)))
        .collect()
}

/// Returns whether a file is only read by the project's tests.
fn is_test(file: &str) -> bool {
    file.ends_with("/tests.rs") || file.contains("/tests/")
}

fn read_files() -> Vec<String> {
    let mut read: Vec<String> = files(&["src", "cli/src", "docs", "examples", ".github"])
        .into_iter()
        .filter(|file| {
            let extension = file.rsplit('.').next().unwrap_or_default();
            ["rs", "md", "toml", "yml"].contains(&extension) && !is_test(file)
        })
        .collect();
    for file in [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ] {
        read.push(file.to_string());
    }
    read.extend(["tests/run.sh", ".ci/run"].map(str::to_string));
    read.sort();
    read
}

#[test]
fn language_has_no_retired_words() {
    let allowed = source(ALLOWED);
    let allowed: BTreeSet<&str> = allowed
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let mut folders: BTreeMap<String, usize> = BTreeMap::new();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let read = read_files();
    assert!(read.len() > 200, "only {} files are read", read.len());
    for file in &read {
        for (line, text) in texts(file, &source(file)) {
            for rule in RULES {
                for _ in 0..hits(&text, rule) {
                    let (phrase, instead, _) = rule;
                    found.entry(file.clone()).or_default().push(format!(
                        "{file}:{line}: {phrase:?}, write {instead:?}: {}",
                        text.trim()
                    ));
                    let parts: Vec<&str> = file.split('/').collect();
                    let depth = if parts.first() == Some(&"cli") { 3 } else { 2 };
                    let folder = parts[..parts.len() - 1].iter().take(depth).copied();
                    let folder = folder.collect::<Vec<_>>().join("/");
                    *folders.entry(folder).or_default() += 1;
                }
            }
        }
    }
    println!("hits by folder: {folders:#?}");
    if std::env::var("WGRAD_LANGUAGE").is_ok_and(|v| v == "1") {
        println!(
            "{}",
            found
                .values()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
                .join("\n")
        );
    }
    if std::env::var("WGRAD_WRITE").is_ok_and(|v| v == "1") {
        let kept = allowed.iter().filter(|file| found.contains_key(**file));
        let kept: String = kept.map(|file| format!("{file}\n")).collect();
        let head =
            "# Files that still have words of tests/docs/language.rs. This list only shrinks.\n";
        std::fs::write(root().join(ALLOWED), format!("{head}{kept}")).unwrap();
        return;
    }
    let others = found
        .iter()
        .filter(|(file, _)| !allowed.contains(file.as_str()));
    let others: Vec<&String> = others.flat_map(|(_, hits)| hits).collect();
    assert!(others.is_empty(), "{} hits:\n{others:#?}", others.len());
    let clean: Vec<&&str> = allowed
        .iter()
        .filter(|file| !found.contains_key(**file))
        .collect();
    assert!(
        clean.is_empty(),
        "these files have no retired words any more; take them off {ALLOWED} by\n\
         WGRAD_WRITE=1 cargo test --test docs language\n{clean:#?}"
    );
}

#[test]
fn language_rules_match_whole_words() {
    let rule = |phrase: &str| RULES.iter().find(|rule| rule.0 == phrase).unwrap();
    assert_eq!(hits("Waves, a wave: microwave, wave_size", rule("wave")), 1);
    assert_eq!(hits("It halves the time of halves.", rule("halves")), 1);
    let text = "/// A `wave` is\nlet x = \"the wave\"; // a wave\n/// ```\n/// wave\n/// ```\n";
    let texts: Vec<(usize, String)> = texts("a.rs", text);
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert_eq!(
        texts
            .iter()
            .map(|(_, t)| hits(t, rule("wave")))
            .sum::<usize>(),
        1
    );
    // Rules are in lower case, and no phrase occurs twice.
    let phrases: BTreeSet<&str> = RULES.iter().map(|rule| rule.0).collect();
    assert_eq!(phrases.len(), RULES.len());
    assert!(
        phrases
            .iter()
            .all(|phrase| phrase.to_lowercase() == **phrase)
    );
}
