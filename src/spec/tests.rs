//! The exact text of errors.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use super::*;
use crate::Result;
use crate::task::Task;

mod built;
mod settings;

const FILE: &str = "conf/digits.toml";

/// Parses `text` as the file `conf/digits.toml`.
fn parse(text: &str) -> Result<Config> {
    Config::parse(Path::new(FILE), text, &Overrides::default())
}

/// A whole configuration around these lines; the first of `[training]` is line 7.
fn with_training(lines: &str) -> String {
    format!(
        "[model]\nhidden = [64]\n[data]\npath = \"d.csv\"\ntarget = \"label\"\n[training]\n{lines}\n"
    )
}

fn with_layers(layers: &str) -> String {
    format!("[data]\npath = \"d.csv\"\ntarget = \"label\"\n[model]\nlayers = {layers}\n")
}

#[track_caller]
fn error(text: &str) -> String {
    match parse(text) {
        Ok(config) => panic!("no error, but {config:?}"),
        Err(e) => e.to_string(),
    }
}

#[track_caller]
fn assert_error(text: &str, expected: &str) {
    assert_eq!(error(text), expected.trim_matches('\n'));
}

#[test]
fn an_unknown_key_names_the_closest_and_all() {
    assert_error(
        &with_training("epocs = 20"),
        "
conf/digits.toml:7:1: unknown key `epocs` in [training]; did you mean `epochs`?
  7 | epocs = 20
    | ^^^^^
    = [training] takes `epochs`, `batch_size`, `shuffle`, `seed`, `device`, `loss`, `optimizer`, `schedule`, `clip_grad_norm`, `clip_grad_value`, `l1`, `l2`, `ema`, `accumulate_gradients`, `precision`, `memory_limit`, `early_stopping`, `class_weights`, `metrics`",
    );
}

#[test]
fn an_unknown_section_is_named() {
    assert_error(
        "[modle]\nhidden = [64]\n",
        "
conf/digits.toml:1:2: unknown key `modle` in the configuration; did you mean `model`?
  1 | [modle]
    |  ^^^^^
    = the configuration takes `model`, `data`, `training`, `output`",
    );
}

#[test]
fn an_unknown_choice_inside_a_table_keeps_its_place() {
    assert_error(
        &with_training("epochs = 3\noptimizer = { type = \"adm\", lr = 1e-3 }"),
        "
conf/digits.toml:8:22: there is no optimizer \"adm\"; did you mean `adam`?
  8 | optimizer = { type = \"adm\", lr = 1e-3 }
    |                      ^^^^^
    = the choices are \"sgd\", \"adam\", \"adamw\", \"nadam\", \"radam\", \"rmsprop\", \"adagrad\", \"adadelta\", \"adamax\", \"lion\", \"lamb\", \"muon\"",
    );
}

#[test]
fn a_key_of_another_type_is_refused() {
    assert_error(
        &with_training("optimizer = { type = \"adam\", momentum = 0.9 }"),
        "
conf/digits.toml:7:30: unknown key `momentum` in optimizer \"adam\"
  7 | optimizer = { type = \"adam\", momentum = 0.9 }
    |                              ^^^^^^^^
    = optimizer \"adam\" takes `type`, `lr`, `betas`, `eps`, `weight_decay`, `amsgrad`",
    );
}

#[test]
fn a_layer_deep_in_a_list_keeps_its_place() {
    assert_error(
        &with_layers("[\n  { type = \"linear\", out = 64 },\n  \"reul\",\n  { type = \"linear\", out = 10 },\n]"),
        "
conf/digits.toml:7:3: there is no layer \"reul\"; did you mean `relu`?
  7 |   \"reul\",
    |   ^^^^^^
    = the choices are \"linear\", \"conv2d\", \"conv1d\", \"conv_transpose2d\", \"max_pool2d\", \"max_pool1d\", \"avg_pool2d\", \"avg_pool1d\", \"adaptive_avg_pool2d\", \"upsample\", \"batch_norm\", \"layer_norm\", \"rms_norm\", \"group_norm\", \"rnn\", \"lstm\", \"gru\", \"relu\", \"leaky_relu\", \"elu\", \"gelu\", \"gelu_tanh\", \"silu\", \"sigmoid\", \"tanh\", \"softplus\", \"relu6\", \"prelu\", \"selu\", \"celu\", \"softsign\", \"log_sigmoid\", \"softmax\", \"log_softmax\", \"hard_sigmoid\", \"hard_swish\", \"mish\", \"dropout\", \"flatten\", \"reshape\", \"sequential\", \"residual\", \"parallel\", \"checkpointed\", \"embedding\", \"learned_positions\", \"sinusoidal_positions\", \"multi_head_attention\", \"transformer_encoder_layer\", \"random_flip\", \"random_shift\", \"random_crop\"",
    );
    assert_error(
        &with_layers("[\n  { type = \"dropout\", p = 1 },\n]"),
        "
conf/digits.toml:6:27: `p` is 1, but must be at least 0 and below 1
  6 |   { type = \"dropout\", p = 1 },
    |                           ^",
    );
    assert_error(
        &with_layers("[{ type = \"upsample\", scale = 2, mode = \"bilinaer\" }]"),
        "
conf/digits.toml:5:50: there is no mode \"bilinaer\"; did you mean `bilinear`?
  5 | layers = [{ type = \"upsample\", scale = 2, mode = \"bilinaer\" }]
    |                                                  ^^^^^^^^^^
    = the choices are \"nearest\", \"bilinear\"",
    );
    assert_error(
        &with_layers("[{ type = \"linear\", output = 3 }]"),
        "
conf/digits.toml:5:30: unknown key `output` in layer \"linear\"; did you mean `out`?
  5 | layers = [{ type = \"linear\", output = 3 }]
    |                              ^^^^^^
    = layer \"linear\" takes `type`, `out`, `bias`, `init`",
    );
    assert_error(
        &with_layers("[\"linear\"]"),
        "
conf/digits.toml:5:11: layer \"linear\" needs `out`
  5 | layers = [\"linear\"]
    |           ^^^^^^^^
    = for example: { type = \"linear\", out = 64 }",
    );
}

#[test]
fn what_weights_begin_with_is_checked() {
    assert_error(
        &with_layers("[{ type = \"linear\", out = 3, init = \"xavier\" }]"),
        "
conf/digits.toml:5:46: there is no init \"xavier\"; did you mean `xavier_uniform`?
  5 | layers = [{ type = \"linear\", out = 3, init = \"xavier\" }]
    |                                              ^^^^^^^^
    = the choices are \"xavier_uniform\", \"xavier_normal\", \"kaiming_uniform\", \"kaiming_normal\", \"lecun_uniform\", \"lecun_normal\", \"orthogonal\", \"identity\", \"normal\", \"truncated_normal\", \"uniform\", \"constant\", \"zeros\", \"ones\"",
    );
    let cases = [
        ("\"uniform\"", "init \"uniform\" needs `low`"),
        (
            "{ type = \"uniform\", low = 1, high = 1 }",
            "expected `low` below `high`, found low = 1, high = 1",
        ),
        (
            "{ type = \"truncated_normal\", std = 1, high = -3 }",
            "expected `low` below `high`, found low = -2, high = -3",
        ),
        (
            "{ type = \"normal\", std = 0 }",
            "`std` is 0, but must be above 0",
        ),
        (
            "{ type = \"orthogonal\", gain = \"rellu\" }",
            "there is no gain \"rellu\"; did you mean `relu`?",
        ),
        (
            "{ type = \"orthogonal\", gain = -1 }",
            "`gain` is -1, but must be above 0",
        ),
        (
            "{ type = \"lecun_normal\", gain = 1 }",
            "unknown key `gain` in init \"lecun_normal\"",
        ),
        (
            "3",
            "`init` must be a name or a table with a `type`, not an integer",
        ),
    ];
    for (init, expected) in cases {
        for text in [
            with_layers(&format!(
                "[{{ type = \"linear\", out = 3, init = {init} }}]"
            )),
            with_layers(&format!("[\"relu\"]\ninit = {init}")),
        ] {
            let text = error(&text);
            assert!(text.contains(expected), "{text}");
        }
    }
}

#[test]
fn ranges_point_at_the_value() {
    let cases = [
        (
            "epochs = 0",
            "7:10: `epochs` is 0, but must be a whole number of at least 1",
        ),
        (
            "epochs = -3",
            "7:10: `epochs` is -3, but must be a whole number of at least 1",
        ),
        (
            "epochs = 1.5",
            "7:10: `epochs` must be a whole number, not a number",
        ),
        (
            "epochs = \"3\"",
            "7:10: `epochs` must be a whole number, not a string",
        ),
        (
            "batch_size = 0",
            "7:14: `batch_size` is 0, but must be a whole number of at least 1",
        ),
        (
            "optimizer = { type = \"sgd\", lr = 0 }",
            "7:34: `lr` is 0, but must be above 0 and at most 3.4e38",
        ),
        (
            "optimizer = { type = \"sgd\", lr = nan }",
            "7:34: `lr` is nan, but must be above 0 and at most 3.4e38",
        ),
        (
            "optimizer = { type = \"sgd\", nesterov = true }",
            "7:40: `nesterov` needs `momentum` above 0",
        ),
        (
            "optimizer = { type = \"adam\", betas = [0.9, 1.0] }",
            "7:44: `betas` is 1.0, but must be at least 0 and below 1",
        ),
        (
            "memory_limit = \"lots\"",
            "7:16: `memory_limit` is \"lots\", but must be a number above 0 with a unit, such as \"512 MiB\"; \
             units are GiB, GB, MiB, MB, KiB, kB, B",
        ),
        (
            "memory_limit = 512",
            "7:16: `memory_limit` must be a string, not an integer",
        ),
        (
            "clip_grad_norm = -1.0",
            "7:18: `clip_grad_norm` is -1.0, but must be above 0",
        ),
        (
            "epochs = 5\nschedule = { type = \"cosine\", warmup_epochs = 5 }",
            "8:47: `warmup_epochs` is 5, but must be below `epochs`, which is 5",
        ),
        (
            "schedule = { type = \"cosine\", min_lr = 0.1 }",
            "7:40: `min_lr` is 0.1, but must be at least 0 and below the optimizer's `lr`, which is 0.001",
        ),
        (
            "seed = -1",
            "7:8: `seed` is -1, but must be a whole number of at least 0",
        ),
        (
            "shuffle = 1",
            "7:11: `shuffle` must be true or false, not an integer",
        ),
        ("device = \"\"", "7:10: `device` must not be empty"),
    ];
    for (lines, expected) in cases {
        let text = error(&with_training(lines));
        let first = text.lines().next().unwrap();
        assert_eq!(first, format!("{FILE}:{expected}"), "for {lines}");
    }
}

#[test]
fn what_is_missing_is_asked_for() {
    assert_error(
        "[model]\nhidden = [8]\n[data]\nformat = \"csv\"\npath = \"d.csv\"\n",
        "
conf/digits.toml:3:1: [data] of format \"csv\" needs `target`
  3 | [data]
    | ^^^^^^
    = for example: target = \"label\"",
    );
    assert_error(
        "[model]\nhidden = [8]\n[data]\nimages = \"a\"\nlabels = \"b\"\ntest_images = \"c\"\n",
        "
conf/digits.toml:6:15: `test_images` needs `test_labels` beside it
  6 | test_images = \"c\"
    |               ^^^",
    );
    assert!(error("").starts_with("conf/digits.toml:1:1: the configuration needs `model`"));
}

#[test]
fn broken_toml_has_a_place() {
    let text = error("[model]\nhidden = [64\n");
    assert!(text.starts_with("conf/digits.toml:2:"), "{text}");
    let text = error("[model]\nhidden = \n");
    assert!(text.starts_with("conf/digits.toml:2:"), "{text}");
    let text = error("[model]\nhidden = [1]\nhidden = [2]\n");
    assert!(
        text.starts_with("conf/digits.toml:3:1: duplicate key"),
        "{text}"
    );
}

#[test]
fn characters_count_as_one_column() {
    let text = error("[data]\ntarget = \"größe\" # ✓\nwrong = 1\n[model]\nhidden = [1]\n");
    assert!(text.starts_with("conf/digits.toml:3:1:"), "{text}");
    let text = error("[model]\nhidden = [1]\n[data]\n\"größe\" = { a = 1 }\n");
    assert!(text.contains(":4:1: unknown key `größe`"), "{text}");
    assert!(text.contains("    | ^^^^^^^\n"), "{text}");
}

#[test]
fn choices_that_exclude_each_other() {
    let text =
        error("[data]\npath=\"d\"\ntarget=\"t\"\n[model]\nlayers = [\"relu\"]\ndropout = 0.1\n");
    assert!(
        text.contains(":6:11: `dropout` and `layers` exclude each other"),
        "{text}"
    );

    let text = error(&with_training("loss = \"bce\""));
    assert!(
        text.contains(":7:8: loss \"bce\" takes probabilities"),
        "{text}"
    );

    let text = error(
        "[data]\npath=\"d\"\ntarget=\"t\"\ntask = \"regression\"\n[model]\nhidden = [1]\n[training]\nloss = \"cross_entropy\"\n",
    );
    assert!(
        text.contains(":8:8: loss \"cross_entropy\" is for classes"),
        "{text}"
    );

    for (loss, layer) in [("nll", "log_softmax"), ("kl_divergence", "log_softmax")] {
        let text = error(&with_training(&format!("loss = \"{loss}\"")));
        let want = format!(
            ":7:8: loss \"{loss}\" takes log-probabilities, but the model does not end with a {layer}"
        );
        assert!(text.contains(&want), "{text}");
    }

    let text = error(
        "[data]\npath=\"d\"\ntarget=\"t\"\ntask = \"classification\"\n[model]\nhidden = [1]\n[training]\nloss = \"poisson_nll\"\n",
    );
    assert!(
        text.contains(":8:8: loss \"poisson_nll\" is for numbers, but the task is classification"),
        "{text}"
    );

    let text = error(&with_training("loss = \"hinge\"\nmetrics = [\"log_loss\"]"));
    assert!(
        text.contains("metric \"log_loss\" does not fit the task"),
        "{text}"
    );

    let text = error(
        "[data]\npath=\"d\"\ntest_path=\"e\"\ntarget=\"t\"\ntest_split = 0.2\n[model]\nhidden = [1]\n",
    );
    assert!(text.contains(":5:14: `test_split` must be 0"), "{text}");
}

#[test]
fn what_depends_on_the_data_is_checked_when_the_data_is_known() {
    let text = with_training("early_stopping = { patience = 3, monitor = \"val_acuracy\" }");
    let mut config = parse(&text).unwrap();
    assert_eq!(config.training.loss, None);
    let e = config.settle(Task::Classification).unwrap_err().to_string();
    assert_eq!(
        e.lines().next().unwrap(),
        "conf/digits.toml:7:44: `monitor` is \"val_acuracy\", which is not measured; did you mean `val_accuracy`?"
    );

    let mut config = parse(&with_training("metrics = [\"accuracy\"]")).unwrap();
    let e = config.settle(Task::Regression).unwrap_err().to_string();
    assert!(
        e.contains(":7:11: metric \"accuracy\" does not fit the task"),
        "{e}"
    );

    let mut config = parse(&with_training("epochs = 2")).unwrap();
    config.settle(Task::Regression).unwrap();
    assert_eq!(
        config.training.loss,
        Some(LossSpec::usual(Task::Regression))
    );
    assert_eq!(
        config.training.metrics,
        Some(vec![MetricSpec::usual(Task::Regression)])
    );
    assert_eq!(config.data.task, Some(Task::Regression));
}
