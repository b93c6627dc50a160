//! `docs/configuration.md`, rendered from the schema of a configuration.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::{
    Config, DataSpec, EarlyStoppingSpec, InitSpec, LayerSpec, LossSpec, MetricSpec, ModelSpec,
    OptimizerSpec, OutputSpec, ScheduleSpec, TokenizerSpec, TrainingSpec,
};
use crate::nn::RopeSpec;
use crate::preprocess::{self, CategorySpec, ColumnSpec, DateSpec, NumberSpec, PreprocessSpec};
use crate::schema::{self, example, inline, range_words, type_of, words};

const INTRODUCTION: &str = "\
# The configuration

This page lists the sections and keys of the TOML file that `wgrad train` reads, with types, defaults, ranges, and an
example of each kind. The files in [examples](../examples) are complete.

Settings with a `type`, such as layers and optimizers, are tables: `{ type = \"adam\", lr = 1e-3 }`. A kind whose keys all
have defaults may be written as its name alone: `\"adam\"`. An unknown key or name is an error with its line and the known
ones. `wgrad schema` prints the JSON Schema of the file, with which editors complete and check it: start the file with
`#:schema ../docs/configuration.schema.json`, or with the path of the schema on your machine.

This page is rendered from the types in the library. After a change of the types,
`WGRAD_WRITE=1 cargo test --test configuration` renders it again.
";

const MODEL: &str = "\
The model: layers that are applied in order, or a language model. `type` is optional for `sequential`.
";

const DATA: &str = "\
The files, the task, and the splits. Without `format`, the format follows from the keys: `images` is IDX, `inputs` is
NumPy, `text` is a text, and otherwise the file is a CSV table. Paths are relative to the folder of the configuration
file.
";

const INIT: &str = "\
`init` is the initialization of the weights of a layer, or in `[model]` of all layers without their own `init`. Weights
are parameters of two or more axes. With `init`, biases start at 0, and the scales of normalizations at 1. Default:
PyTorch's initialization. A `gain` is a number above 0, or the name of the activation after the weight: 5/3 for
`\"tanh\"`, `sqrt(2)` for `\"relu\"`, and so on, as in `torch.nn.init.calculate_gain`.
";

const ROPE: &str = "\
The rotary positions of `multi_head_attention` and `transformer_encoder_layer`: pairs of features of queries and keys are
rotated by an angle that is proportional to the position. `rope = {}` has all defaults.
";

const LOSSES: &str = "\
The loss determines the outputs that the model must have, and so the width of the last layer, which `hidden` adds
automatically. The results of `predict`, and errors such as `mae`, are in the targets' units. Means over a batch are
PyTorch's.

A file has one target for each sample: a class, or values. Losses that compare several outputs or samples are available
in Rust: cosine embedding, triplet and hinge embedding (`loss::functional`), and CTC (`loss::Ctc`).
";

const PREPROCESSING: &str =
    "How the columns of a table become features. The settings are fitted to the
training split alone, stored with the run, and applied again at prediction.

```toml
[data]
format = \"table\"
path = \"table.csv\"
target = \"income\"
columns = { zip = \"category\" }

[data.preprocessing]
numbers = { scale = \"robust\", missing = \"mean\" }
overrides.age = { scale = \"none\" }
```
";

const NUMBERS: &str = "How numbers become features. `outliers` is a name, or a table with

| key | type and range | default | meaning |
|---|---|---|---|
| `quantile` | two numbers from 0 to 1 | required | The quantiles to which smaller and larger numbers are clipped. |
";

const OVERRIDES: &str = "The settings of one column, in place of those of its type.\n";

/// Renders the page.
pub fn page() -> String {
    let mut page = Page {
        text: INTRODUCTION.to_string(),
    };
    page.section::<Config>(
        "The file",
        "Four sections; `[model]` and `[data]` are required.\n",
    );
    page.kinds::<ModelSpec>("`[model]`", MODEL, |_| None);
    page.kinds::<DataSpec>("`[data]`", DATA, |_| None);
    page.kinds::<TokenizerSpec>(
        "Tokenizers",
        "`tokenizer` may also be the path of a `tokenizer.json`.\n",
        |_| None,
    );
    page.section::<PreprocessSpec>("`preprocessing`", PREPROCESSING);
    page.section::<NumberSpec>("`preprocessing.numbers`", NUMBERS);
    page.section::<CategorySpec>(
        "`preprocessing.categories`",
        "How categories become features.\n",
    );
    page.section::<DateSpec>("`preprocessing.dates`", "How dates become features.\n");
    page.section::<preprocess::TextSpec>("`preprocessing.texts`", "How texts become features.\n");
    page.section::<ColumnSpec>("`preprocessing.overrides.COLUMN`", OVERRIDES);
    page.section::<TrainingSpec>("`[training]`", "How the model is trained.\n");
    page.section::<EarlyStoppingSpec>("`early_stopping`", "When to stop before the last epoch.\n");
    page.section::<OutputSpec>("`[output]`", "Where the results are written.\n");
    page.kinds::<LayerSpec>("Layers", "", |_| None);
    page.section::<RopeSpec>("`rope`", ROPE);
    page.kinds::<InitSpec>("Initialization", INIT, |_| None);
    page.kinds::<LossSpec>("Losses", LOSSES, |kind| {
        let outputs = read::<LossSpec>(kind)?.outputs();
        Some(format!("The model outputs {}.", outputs.words()))
    });
    page.kinds::<OptimizerSpec>("Optimizers", "", |_| None);
    page.kinds::<ScheduleSpec>(
        "Schedules",
        "A list of schedules is a sequence; each except the first has `from`, the epoch at which it starts.\n",
        |_| None,
    );
    page.kinds::<MetricSpec>("Metrics", "", |kind| {
        let tasks = read::<MetricSpec>(kind)?.tasks();
        let names: Vec<&str> = tasks.iter().map(|task| task.name()).collect();
        Some(format!("For {}.", names.join(" and ")))
    });
    page.text
}

fn read<T: serde::de::DeserializeOwned>(kind: &str) -> Option<T> {
    serde_json::from_value(Value::from(kind)).ok()
}

struct Page {
    text: String,
}

impl Page {
    /// A section with its own keys.
    fn section<T: JsonSchema>(&mut self, title: &str, text: &str) {
        let schema = schema::of::<T>();
        let root = schema.as_value();
        let _ = write!(self.text, "\n## {title}\n\n{text}");
        self.table(root, root, "");
    }

    /// A section of kinds with a `type`.
    fn kinds<T: JsonSchema>(
        &mut self,
        title: &str,
        text: &str,
        more: impl Fn(&str) -> Option<String>,
    ) {
        let schema = schema::of::<T>();
        let root = schema.as_value();
        let _ = write!(self.text, "\n## {title}\n\n{text}");
        let kinds = first_kinds(root, root).unwrap_or(root);
        let tag = kinds.pointer("/x-kind/tag").and_then(Value::as_str);
        let tag = tag.unwrap_or("type");
        let tables = kinds.get("anyOf").and_then(Value::as_array);
        for table in tables.into_iter().flatten() {
            let name = table.pointer(&format!("/properties/{tag}/const"));
            let Some(name) = name.and_then(Value::as_str) else {
                continue;
            };
            let about = table.get("description").and_then(Value::as_str);
            let about = about.unwrap_or_default().to_string();
            let more = more(name).map_or(String::new(), |more| format!(" {more}"));
            let _ = write!(self.text, "\n### `{name}`\n\n{about}{more}\n");
            self.table(root, table, tag);
            let _ = write!(
                self.text,
                "\n```toml\n{}\n```\n",
                complete(root, table, tag, name)
            );
        }
    }

    /// The keys of a table, except `tag`.
    fn table(&mut self, root: &Value, table: &Value, tag: &str) {
        let keys = table.get("properties").and_then(Value::as_object);
        let keys: Vec<(&String, &Value)> = keys
            .into_iter()
            .flatten()
            .filter(|(key, _)| *key != tag)
            .collect();
        if keys.is_empty() {
            return;
        }
        let required = table.get("required").and_then(Value::as_array);
        let required: Vec<&str> = required
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        self.text += "\n| key | type and range | default | meaning |\n|---|---|---|---|\n";
        for (key, schema) in keys {
            let default = match schema.get("default").filter(|value| !value.is_null()) {
                _ if required.contains(&key.as_str()) => "required".to_string(),
                Some(value) if is_nested(value) => "see below".to_string(),
                Some(value) => format!("`{}`", inline(&short(value))),
                None => "none".to_string(),
            };
            let about = schema.get("description").and_then(Value::as_str);
            let about = about.unwrap_or_default().to_string().replace('\n', " ");
            let takes = takes(root, schema);
            let _ = writeln!(self.text, "| `{key}` | {takes} | {default} | {about} |");
        }
    }
}

/// Returns whether a value is a table of tables, which has a section of its own.
fn is_nested(value: &Value) -> bool {
    let entries = value.as_object().into_iter().flatten();
    entries.clone().next().is_some() && entries.into_iter().all(|(_, v)| v.is_object())
}

/// Returns the first schema with kinds in this one.
fn first_kinds<'s>(root: &'s Value, schema: &'s Value) -> Option<&'s Value> {
    let schema = resolved(root, schema);
    if schema.get("x-kind").is_some() {
        return Some(schema);
    }
    let forms = schema.get("anyOf").and_then(Value::as_array)?;
    forms.iter().find_map(|form| first_kinds(root, form))
}

fn resolved<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let name = schema.get("$ref").and_then(Value::as_str);
    let target = name.and_then(|name| root.pointer(name.strip_prefix('#')?));
    target.map_or(schema, |target| resolved(root, target))
}

/// Describes the values that a key accepts.
fn takes(root: &Value, schema: &Value) -> String {
    let schema = resolved(root, schema);
    if let Some(kind) = schema.get("x-kind") {
        let what = kind.get("what").and_then(Value::as_str).unwrap_or_default();
        return format!("{} {what}", article(what));
    }
    if schema.get("x-size").is_some() {
        return "a size, such as `\"512 MiB\"`".to_string();
    }
    if let Some(words) = words(schema) {
        let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
        return words.join(", ");
    }
    let forms = schema.get("anyOf").or_else(|| schema.get("oneOf"));
    if let Some(forms) = forms.and_then(Value::as_array) {
        let forms: Vec<String> = forms
            .iter()
            .filter(|form| form.get("type").and_then(Value::as_str) != Some("null"))
            .map(|form| takes(root, form))
            .collect();
        return forms.join(", or ");
    }
    match type_of(schema) {
        "integer" => match schema.get("minimum").and_then(Value::as_u64) {
            None | Some(0) => "whole number".to_string(),
            Some(least) => format!("whole number of at least {least}"),
        },
        "number" => match range_words(schema).as_str() {
            "finite" => "number".to_string(),
            range => format!("number {range}"),
        },
        "boolean" => "`true` or `false`".to_string(),
        "string" => "text".to_string(),
        "array" => {
            let each = schema
                .get("items")
                .map_or(String::new(), |each| takes(root, each));
            match schema.get("maxItems").and_then(Value::as_u64) {
                Some(2) => format!("two, each a {each}"),
                _ => format!("list, each {each}"),
            }
        }
        _ => "table".to_string(),
    }
}

fn article(word: &str) -> &'static str {
    match word.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => "an",
        false => "a",
    }
}

/// Returns an example of this kind, with every key that is required or has a default.
fn complete(root: &Value, table: &Value, tag: &str, name: &str) -> String {
    let required = table.get("required").and_then(Value::as_array);
    let required: Vec<&str> = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut entries = Map::new();
    entries.insert(tag.to_string(), Value::from(name));
    let keys = table.get("properties").and_then(Value::as_object);
    for (key, schema) in keys.into_iter().flatten().filter(|(key, _)| *key != tag) {
        let default = schema.get("default").filter(|value| !value.is_null());
        let default = default.filter(|value| !is_nested(value));
        let shown = schema.get("examples").and_then(|all| all.get(0));
        let value = match required.contains(&key.as_str()) {
            true => shown.or_else(|| resolved(root, schema).get("examples")?.get(0)),
            false => default,
        };
        if let Some(value) = value {
            entries.insert(key.clone(), short(value));
        }
    }
    let section = name_of_section(table, tag);
    match section {
        Some(section) => {
            // A model has its layers or its short form.
            if section == "model" && name == "sequential" {
                let hidden = keys.and_then(|keys| keys.get("hidden")).map(example);
                return format!(
                    "[model]\ntype = \"sequential\"\nhidden = {}\nactivation = \"relu\"\ndropout = 0.1",
                    hidden.unwrap_or_default()
                );
            }
            let lines: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{key} = {}", inline(value)))
                .collect();
            format!("[{section}]\n{}", lines.join("\n"))
        }
        None => inline(&Value::Object(entries)),
    }
}

/// Returns the section that contains a kind's keys, if they are not a table inside it.
fn name_of_section(table: &Value, tag: &str) -> Option<&'static str> {
    let has = |key: &str| table.pointer(&format!("/properties/{key}")).is_some();
    match tag {
        "format" => Some("data"),
        _ if has("hidden") && has("activation") && has("init") => Some("model"),
        _ if has("context") || has("segments") => Some("model"),
        _ => None,
    }
}

/// Returns kinds without settings as their names alone.
fn short(value: &Value) -> Value {
    super::write::short(value)
}
