//! `docs/configuration.md`, rendered from the rows of all kinds. With `WGRAD_WRITE=1` it is written, and not
//! compared.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::choice::{Family, Kind};
use super::key::{Key, Otherwise, Setting, Takes};
use super::{Outputs, Task, init, layer, loss, metric, optimizer, schedule};

const INTRODUCTION: &str = "\
# The words of a configuration

`wgrad train CONFIG.toml` reads a file like those in [examples](../examples); this page lists all kinds of things that
have a `type`, with their keys. A kind whose keys all have defaults may be written by its name alone: `\"relu\"` is
`{ type = \"relu\" }`. A word or a key that does not exist is an error with its line and those that do. The page is rendered
from the rows in `cli/src/config/`; do not edit it. After a change, `WGRAD_WRITE=1 cargo test -p wgrad-cli page` writes it
anew.
";

const INIT: &str = "\
`init` says what weights begin with: of a layer that has such a key, or in `[model]` of all layers that do not say it
themselves (but not of a language model, whose first weights are its own). Weights are parameters of two axes or more;
biases then begin with 0, and what scales a normalisation with 1. Without `init`, layers begin as in PyTorch. A gain is a
number above 0, or the name of the activation that follows: 5/3 for `\"tanh\"`, `sqrt(2)` for `\"relu\"`, and so on, as
`torch.nn.init.calculate_gain` has it (`\"leaky_relu\"` of a slope of 0.01).
";

const LOSSES: &str = "\
Each loss takes something of its own from the network, and so decides the width of the last layer, which `hidden` adds by
itself. What `predict` writes, and errors such as `mae`, are in the targets' units, whatever the network gives. Means over
a batch and conventions are PyTorch's.

A file's data has one target a sample, a class or numbers. What compares several outputs or samples, or takes labels without
a place, cannot be said in a file, but in Rust: cosine embedding, triplet and hinge embedding losses
(`loss::functional`) and CTC (`loss::Ctc`).
";

/// What a key takes, in words.
fn takes(key: &Key) -> String {
    let words = |words: &[&str]| {
        let all: Vec<String> = words.iter().map(|w| format!("\"{w}\"")).collect();
        all.join(", ")
    };
    match key.takes {
        Takes::Count(0) => "whole number".to_string(),
        Takes::Count(min) => format!("whole number from {min}"),
        Takes::Pair(min) => format!("whole number from {min}, or two"),
        Takes::Counts => "whole numbers".to_string(),
        Takes::Number => "number".to_string(),
        Takes::Positive => "above 0".to_string(),
        Takes::NumberOr(all) => format!("above 0, or {}", words(all)),
        Takes::NotNegative => "from 0".to_string(),
        Takes::Fraction => "from 0, below 1".to_string(),
        Takes::Factor => "above 0, at most 1".to_string(),
        Takes::Betas => "two, each from 0, below 1".to_string(),
        Takes::Positives => "numbers above 0".to_string(),
        Takes::Flag => "true or false".to_string(),
        Takes::Text => "text".to_string(),
        Takes::Word(all) => words(all),
        Takes::Layers => "layers".to_string(),
        Takes::Init => "an `init`".to_string(),
    }
}

/// A key, what it takes, and what holds otherwise.
fn key(key: &Key) -> String {
    let otherwise = match key.otherwise {
        Otherwise::Needed(example) => format!("must be set, as {example}"),
        Otherwise::Same(other) => format!("as `{other}`"),
        Otherwise::Is(setting) => match setting() {
            Setting::Absent => "none".to_string(),
            setting => setting.write(0),
        },
    };
    format!("`{}` ({}; {otherwise})", key.name, takes(key))
}

/// A table of kinds; `more` is another column's cell.
fn table<F: Family>(
    head: Option<&str>,
    kinds: impl Iterator<Item = (Option<String>, &'static Kind<F>)>,
) -> String {
    let more = head.map_or(String::new(), |head| format!(" {head} |"));
    let line = head.map_or("", |_| "---|");
    let mut text = format!(
        "\n| kind |{more} keys (what they take; what holds otherwise) |\n|---|{line}---|\n"
    );
    for (cell, kind) in kinds {
        let keys: Vec<String> = kind.keys.iter().map(key).collect();
        let cell = cell.map_or(String::new(), |cell| format!(" {cell} |"));
        let keys = if keys.is_empty() {
            "none".to_string()
        } else {
            keys.join(", ")
        };
        text += &format!("| `{}` |{cell} {keys} |\n", kind.name);
    }
    text
}

/// What a network must give, in words.
fn outputs(outputs: Outputs) -> String {
    let text = match outputs {
        Outputs::Scores => "a score for each class",
        Outputs::LogProbabilities => "a log-probability for each class: ends with `log_softmax`",
        Outputs::Logit => "one logit, for two classes",
        Outputs::Margin => "one score, for two classes; no probabilities",
        Outputs::Probability => "one probability, for two classes: ends with `sigmoid`",
        Outputs::Quantities => "the quantities; or one number, for two classes",
        Outputs::LogRates => "the logarithms of the rates of counts",
        Outputs::LogShares => "the logarithms of shares that add up to 1: ends with `log_softmax`",
        Outputs::MeansAndLogVariances => {
            "the quantities, then the logarithm of the variance of each"
        }
    };
    text.to_string()
}

fn tasks(tasks: &[Task]) -> String {
    let all: Vec<&str> = tasks.iter().map(|t| t.name()).collect();
    all.join(", ")
}

fn page() -> String {
    let plain = |kinds: &'static [&'static Kind<optimizer::Optimizers>]| {
        table(None, kinds.iter().map(|k| (None, *k)))
    };
    let mut text = INTRODUCTION.to_string();
    text += "\n## Layers\n";
    let layers = layer::KINDS.iter().flat_map(|kinds| kinds.iter());
    text += &table(None, layers.map(|k| (None, *k)));
    text += &format!("\n## What weights begin with\n\n{INIT}");
    text += &table(None, init::KINDS.iter().map(|k| (None, *k)));
    text += &format!("\n## Losses\n\n{LOSSES}");
    let losses = loss::KINDS.iter().map(|(o, k)| (Some(outputs(*o)), *k));
    text += &table(Some("the network gives"), losses);
    text += "\n## Optimizers\n";
    text += &plain(optimizer::KINDS);
    text += "\n## Schedules\n\nA list of schedules is a chain; each but the first has `from`, the epoch that it begins with.\n";
    text += &table(None, schedule::KINDS.iter().map(|k| (None, *k)));
    text += "\n## Metrics\n";
    let metrics = metric::KINDS.iter();
    let metrics = metrics.flat_map(|(of, kinds)| kinds.iter().map(|k| (Some(tasks(of)), *k)));
    text += &table(Some("for"), metrics);
    text
}

#[test]
fn the_page_of_configurations_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let text = page();
    if std::env::var("WGRAD_WRITE").is_ok_and(|v| v == "1") {
        std::fs::write(&file, text).unwrap();
        return;
    }
    let have = std::fs::read_to_string(&file).unwrap();
    let how = "WGRAD_WRITE=1 cargo test -p wgrad-cli page";
    assert!(
        have == text,
        "docs/configuration.md is out of date; write it anew by\n{how}"
    );
}
