//! Language models: training on a text, evaluation and generation.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{command, names, wgrad};

/// Creates a folder with a text and a configuration `c.toml`.
fn folder(model: &str, data: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = "the cat sat on the mat. ".repeat(40);
    std::fs::write(folder.path().join("cat.txt"), text).unwrap();
    let config = format!(
        "[model]\n{model}\ncontext = 16\nblocks = 1\nheads = 2\nwidth = 24\n[data]\ntext = \"cat.txt\"\n{data}\n\
         [training]\nepochs = 4\nbatch_size = 16\ndevice = \"cpu\"\n\
         optimizer = {{ type = \"adamw\", lr = 1e-2 }}\n\
         metrics = [\"bits_per_character\", \"perplexity\"]\n[output]\ndir = \"run\"\n"
    );
    std::fs::write(folder.path().join("c.toml"), config).unwrap();
    folder
}

/// Returns the text that `generate` adds to this prompt.
fn written(here: &Path, prompt: &str, line: &str) -> String {
    let mut command = command(here, &format!("generate run {line} --json --prompt"));
    let output = command.arg(prompt).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let events: Vec<serde_json::Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let (done, tokens) = events.split_last().unwrap();
    assert_eq!(done["event"], "done");
    assert_eq!(done["tokens"], tokens.len());
    assert!(tokens.iter().all(|t| t["event"] == "token"));
    let parts = tokens.iter().map(|t| t["text"].as_str().unwrap());
    let whole: String = parts.collect();
    assert_eq!(done["text"], whole);
    whole
}

#[test]
fn a_text_is_learnt_measured_and_written_on() {
    for model in [
        "type = \"gpt\"\ntied = true",
        "type = \"llama\"\nkv_heads = 1",
    ] {
        let folder = folder(model, "stride = 1\ntest_split = 0.1");
        let here = folder.path();
        let trained = wgrad(here, "train c.toml --json").ok();
        let done = trained.done();
        let bits = done["test"]["bits_per_character"].as_f64().unwrap();
        let (loss, perplexity) = (&done["test"]["loss"], &done["test"]["perplexity"]);
        assert!(bits < 0.6, "{bits}");
        assert!((bits - loss.as_f64().unwrap() / 2f64.ln()).abs() < 1e-9);
        assert!((perplexity.as_f64().unwrap() - loss.as_f64().unwrap().exp()).abs() < 1e-9);
        assert!(names(&here.join("run")).contains(&"tokenizer.json".to_string()));

        let measured = wgrad(here, "evaluate run --json").ok().done();
        assert_eq!(measured["test"], done["test"]);
        let other = wgrad(here, "evaluate run --data cat.txt --json")
            .ok()
            .done();
        assert!(other["test"]["bits_per_character"].as_f64().unwrap() < 1.0);

        let greedy = written(here, "the cat s", "--temperature 0 --tokens 30");
        assert_eq!(greedy, "at on the mat. the cat sat on ");
        let hot = |seed| {
            written(
                here,
                "on",
                &format!("--temperature 3 --seed {seed} --tokens 30"),
            )
        };
        assert_eq!(hot(1), hot(1));
        assert_ne!(hot(1), hot(2));
        let first = written(here, "the cat s", "--temperature 3 --top-k 1 --tokens 30");
        assert_eq!(first, greedy);
        let words = command(here, "generate run --temperature 0 --tokens 8 --prompt")
            .arg("the cat s")
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8(words.stdout).unwrap(),
            "the cat sat on th\n"
        );
    }
}

#[test]
fn byte_pairs_are_learnt_and_kept() {
    let folder = folder(
        "type = \"gpt\"",
        "tokenizer = { type = \"bpe\", vocabulary = 270 }\nstride = 1\ntest_split = 0",
    );
    let here = folder.path();
    wgrad(here, "train c.toml --json").ok();
    let measured = wgrad(here, "evaluate run --data cat.txt --json")
        .ok()
        .done();
    let test = &measured["test"];
    let bits = test["bits_per_character"].as_f64().unwrap();
    let loss = test["loss"].as_f64().unwrap();
    // A token stands for several characters.
    assert!(bits < 0.8 * loss / 2f64.ln(), "{test}");
    assert!(written(here, "the cat", "--temperature 0 --tokens 4").starts_with(" sat"));
    // A tokenizer file from elsewhere is read in the same way.
    std::fs::copy(here.join("run/tokenizer.json"), here.join("t.json")).unwrap();
    let config = std::fs::read_to_string(here.join("c.toml")).unwrap();
    let config = config.replace("{ type = \"bpe\", vocabulary = 270 }", "\"t.json\"");
    std::fs::write(here.join("d.toml"), config).unwrap();
    wgrad(here, "train d.toml --json --out again").ok();
    let again = wgrad(here, "evaluate again --data cat.txt --json")
        .ok()
        .done();
    assert_eq!(again["test"], measured["test"]);
}

#[test]
fn mistakes_are_told() {
    let folder = folder("type = \"gpt\"", "stride = 1\ntest_split = 0.1");
    let here = folder.path();
    let config = std::fs::read_to_string(here.join("c.toml")).unwrap();
    let refused = |from: &str, to: &str, message: &str| {
        assert!(config.contains(from));
        std::fs::write(here.join("d.toml"), config.replace(from, to)).unwrap();
        wgrad(here, "train d.toml --json").refused(message);
    };
    refused(
        "heads = 2",
        "heads = 5",
        "`heads` is 5, which does not divide `width`, which is 24",
    );
    refused(
        "blocks = 1",
        "blocs = 1",
        "unknown key `blocs` in [model] of type \"gpt\"; did you mean `blocks`?",
    );
    refused(
        "type = \"gpt\"",
        "hidden = [3]\n[model.x]",
        "unknown key `x` in [model]",
    );
    refused(
        "context = 16",
        "context = 2000",
        "cat.txt, the test's part: it has 96 tokens, but a window of 2000",
    );
    refused(
        "metrics = [",
        "metrics = [\"mae\", ",
        "metric \"mae\" does not fit the task, which is language",
    );
    refused("stride = 1", "stride = 0", "`stride` is 0");
    refused(
        "stride = 1",
        "tokenizer = \"words\"",
        "can be \"char\", { type = \"bpe\", vocabulary = 2000 }",
    );
    refused(
        "stride = 1",
        "tokenizer = { type = \"bpe\", vocabulary = 100 }",
        "`vocabulary` is 100, but must be a whole number of at least 256",
    );
    refused(
        "stride = 1",
        "standardize = true",
        "unknown key `standardize` in [data] of format \"text\"",
    );
    std::fs::write(here.join("cat.txt"), b"ab\ncd\xff").unwrap();
    wgrad(here, "train c.toml").refused("cat.txt line 2: byte 5 (0xff) is not UTF-8");
    std::fs::write(here.join("cat.txt"), b"").unwrap();
    wgrad(here, "train c.toml").refused("cat.txt: the text is empty");
    wgrad(here, "generate run --prompt a").refused("run");
}

#[test]
fn a_prompt_must_be_of_the_vocabulary() {
    let folder = folder("type = \"gpt\"", "stride = 64");
    let here = folder.path();
    wgrad(here, "train c.toml --epochs 1").ok();
    wgrad(here, "generate run --prompt cat?").refused("column 4: the character '?' (U+003F)");
    wgrad(here, "generate run --prompt cat --top-p 2").refused("top_p is 2");
    wgrad(here, "predict run cat.txt").refused("use `wgrad generate`");
    std::fs::write(here.join("other.txt"), "the cats\nsat?".repeat(9)).unwrap();
    wgrad(here, "evaluate run --data other.txt").refused("other.txt, line 1, column 9");
}
