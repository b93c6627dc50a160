//! Links between the Markdown files: each leads to an existing file and heading.

use std::collections::BTreeMap;
use std::path::Path;

use super::root;

/// Folders without pages of the project.
const SKIPPED: [&str; 4] = ["target", "runs", ".git", ".drivers"];

/// The largest number of lines of the README, about two screens; further text belongs in `docs/`.
const MAX_README_LINES: usize = 150;

/// The largest size of a picture, so that a clone stays small.
const MAX_PICTURE_BYTES: u64 = 200_000;

/// Collects the Markdown files below a folder, by their paths from the project's root.
fn collect(folder: &Path, pages: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().unwrap().is_dir() {
            if !SKIPPED.contains(&&*name) {
                collect(&path, pages);
            }
        } else if name.ends_with(".md") {
            let text = std::fs::read_to_string(root().join(&path)).unwrap();
            pages.insert(path.to_string_lossy().replace('\\', "/"), text);
        }
    }
}

fn pages() -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    collect(Path::new(""), &mut pages);
    pages
}

/// Returns the lines of a page outside of blocks of code, with their numbers from 1.
pub fn prose(page: &str) -> Vec<(usize, &str)> {
    let mut in_code = false;
    let mut lines = Vec::new();
    for (index, line) in page.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            lines.push((index + 1, line));
        }
    }
    lines
}

/// Returns the line without text between backticks.
pub fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// Returns the anchors of a page, as GitHub creates them from its headings.
fn anchors(page: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, line) in prose(page) {
        let Some(title) = line.strip_prefix('#') else {
            continue;
        };
        let title = title.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        });
        let anchor: String = kept.collect();
        let count = counts.entry(anchor.clone()).or_default();
        found.push(match *count {
            0 => anchor,
            n => format!("{anchor}-{n}"),
        });
        *count += 1;
    }
    found
}

/// Returns the targets of the links and pictures of a page, `[text](target)`, with their line
/// numbers.
fn targets(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(page) {
        let line = without_code(line);
        for rest in line.split("](").skip(1) {
            if let Some((target, _)) = rest.split_once(')') {
                found.push((number, target.to_string()));
            }
        }
    }
    found
}

/// Resolves a relative path from the folder of a page; `None` outside of the project.
fn resolve(page: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Returns the error of a link, if there is one.
fn wrong(pages: &BTreeMap<String, String>, page: &str, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match file {
        "" => page.to_string(),
        file => match resolve(page, file) {
            Some(path) => path,
            None => return Some("leads out of the project".to_string()),
        },
    };
    if !root().join(&path).exists() {
        return Some(format!("{path} does not exist"));
    }
    if anchor.is_empty() {
        return None;
    }
    let Some(text) = pages.get(&path) else {
        return Some(format!("{path} is not a Markdown file and has no headings"));
    };
    let known = anchors(text);
    (!known.iter().any(|a| a == anchor))
        .then(|| format!("{path} has no heading #{anchor}; it has {known:?}"))
}

#[test]
fn every_relative_link_resolves() {
    let pages = pages();
    let (mut checked, mut failures) = (0, Vec::new());
    for (page, text) in &pages {
        for (line, target) in targets(text) {
            let scheme = target.split_once(':').map_or("", |(scheme, _)| scheme);
            if ["http", "https", "mailto"].contains(&scheme) {
                continue;
            }
            checked += 1;
            failures.extend(
                wrong(&pages, page, &target).map(|why| format!("{page}:{line}: ({target}) {why}")),
            );
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(checked > 40, "only {checked} links in {:?}", pages.keys());
}

#[test]
fn wrong_links_are_found() {
    let page =
        "# A page\n\n## A page\n\n`[no](link)` [a](b.md)\n\n```\n[no](link)\n```\n[b](#a-page-1)\n";
    let pages = BTreeMap::from([("docs/a.md".to_string(), page.to_string())]);
    let expected = [(5, "b.md".to_string()), (10, "#a-page-1".to_string())];
    assert_eq!(targets(page), expected);
    assert_eq!(anchors(page), ["a-page", "a-page-1"]);
    assert_eq!(resolve("docs/a.md", "../README.md").unwrap(), "README.md");
    assert_eq!(resolve("README.md", "../a.md"), None);
    let found = wrong(&pages, "docs/a.md", "b.md").unwrap();
    assert_eq!(found, "docs/b.md does not exist");
    let found = wrong(&pages, "docs/a.md", "../README.md#a").unwrap();
    assert!(
        found.starts_with("README.md is not a Markdown file"),
        "{found}"
    );
}

/// `docs/` is a book: its table of contents names every page, and each page begins with a
/// paragraph.
#[test]
fn the_table_of_contents_names_every_page() {
    let pages = pages();
    let contents = &pages["docs/README.md"];
    for (page, text) in pages.iter().filter(|(page, _)| page.starts_with("docs/")) {
        let name = page.trim_start_matches("docs/");
        if name != "README.md" {
            assert!(
                contents.contains(&format!("]({name})")),
                "no link to {name}"
            );
        }
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let title = lines.next().unwrap_or_default();
        assert!(title.starts_with("# "), "{page} begins with {title:?}");
        let opening = lines.next().unwrap_or_default();
        let is_prose = opening.starts_with(|c: char| c.is_alphanumeric() || c == '`');
        assert!(
            is_prose,
            "{page} opens with {opening:?}, not with what it is for"
        );
    }
}

#[test]
fn the_readme_and_its_pictures_are_small() {
    let pages = pages();
    let lines = pages["README.md"].lines().count();
    assert!(lines <= MAX_README_LINES, "README.md has {lines} lines");
    let pictures: Vec<String> = targets(&pages["README.md"])
        .into_iter()
        .filter_map(|(_, target)| target.ends_with(".png").then_some(target))
        .collect();
    assert_eq!(pictures.len(), 2, "{pictures:?}");
    for picture in pictures {
        let bytes = std::fs::metadata(root().join(&picture)).unwrap().len();
        assert!(bytes < MAX_PICTURE_BYTES, "{picture} has {bytes} bytes");
    }
}
