//! Shapes that follow from the samples, and the errors of those that do not fit.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::nn::{self, Module, Parameter, Visitor};
use crate::spec::{Config, Input, Path};

fn config(layers: &str) -> Config {
    let text =
        format!("[data]\npath = \"d.csv\"\ntarget = \"label\"\n[model]\nlayers = [\n{layers}\n]\n");
    Config::parse("c.toml", &text, &Default::default()).unwrap()
}

fn layers_path() -> Path {
    Path::root().key("model").key("layers")
}

/// Returns the output shape for a sample of this shape.
fn output(layers: &str, shape: &[usize]) -> Vec<usize> {
    let layers = config(layers).model.layers(&Input::new(shape));
    let built = nn::sequence(&layers, shape, &layers_path());
    built.unwrap_or_else(|e| panic!("{e}")).1
}

fn error(layers: &str, shape: &[usize]) -> String {
    let config = config(layers);
    let layers = config.model.layers(&Input::new(shape));
    match nn::sequence(&layers, shape, &layers_path()) {
        Ok((_, shape)) => panic!("no error, but {shape:?}"),
        Err(e) => config.located(e).to_string(),
    }
}

#[test]
fn shapes_follow_from_the_samples() {
    let conv = "{ type = \"conv2d\", out = 8, kernel = 3, stride = 2, padding = 1 }";
    // An image without a channel axis has one channel.
    assert_eq!(output(conv, &[28, 28]), [8, 14, 14]);
    assert_eq!(output(conv, &[3, 9, 7]), [8, 5, 4]);
    let depthwise = "{ type = \"conv2d\", out = 6, kernel = [3, 1], groups = 3, dilation = 2 }";
    assert_eq!(output(depthwise, &[3, 9, 7]), [6, 5, 7]);
    let sequence = "{ type = \"conv1d\", out = 2, kernel = 3 }";
    assert_eq!(output(sequence, &[9]), [2, 7]);
    assert_eq!(output(sequence, &[4, 9]), [2, 7]);
    let pool = "{ type = \"max_pool2d\", kernel = 2 }";
    assert_eq!(output(pool, &[5, 4]), [1, 2, 2]);
    assert_eq!(output(pool, &[3, 5, 4]), [3, 2, 2]);
    let average = "{ type = \"avg_pool2d\", kernel = 3, stride = 2, padding = 1 }";
    assert_eq!(output(average, &[5, 4]), [1, 3, 2]);
    let adaptive = "{ type = \"adaptive_avg_pool2d\", out = [1, 3] }";
    assert_eq!(output(adaptive, &[2, 5, 4]), [2, 1, 3]);
    let larger = "{ type = \"upsample\", scale = [2, 3] }, { type = \"upsample\", scale = 2, mode = \"bilinear\" }";
    assert_eq!(output(larger, &[2, 5, 4]), [2, 20, 24]);
    for norm in [
        "\"batch_norm\"",
        "\"layer_norm\"",
        "{ type = \"rms_norm\", axes = 3 }",
        "{ type = \"group_norm\", groups = 2 }",
    ] {
        assert_eq!(output(norm, &[4, 5, 6]), [4, 5, 6], "{norm}");
    }
    assert_eq!(output("\"batch_norm\"", &[7]), [7]);
    let lstm = "{ type = \"lstm\", hidden = 5, layers = 2, bidirectional = true }";
    assert_eq!(output(lstm, &[9, 4]), [9, 10]);
    let gru = "{ type = \"gru\", hidden = 5, last = true }, { type = \"linear\", out = 2 }";
    assert_eq!(output(gru, &[9, 4]), [2]);
    let augmented = "\"random_flip\", { type = \"random_shift\", pixels = 2 }";
    assert_eq!(output(augmented, &[28, 28]), [28, 28]);
    let crop = "{ type = \"random_crop\", size = [24, 20], padding = 2 }";
    assert_eq!(output(crop, &[3, 28, 28]), [3, 24, 20]);
    let digits = "{ type = \"reshape\", shape = [1, 8, 8] }, \"flatten\", \"relu\"";
    assert_eq!(output(digits, &[64]), [64]);
}

#[test]
fn a_residual_adds_what_has_one_shape() {
    let plain = "{ type = \"residual\", layers = [{ type = \"conv2d\", out = 4, kernel = 3, padding = 1 }, \"relu\"] }";
    assert_eq!(output(plain, &[4, 6, 6]), [4, 6, 6]);
    assert_eq!(
        error(plain, &[3, 6, 6]).lines().next().unwrap(),
        "c.toml:6:1: layer \"residual\" on samples of [3, 6, 6]: the layers give [4, 6, 6], but their input is [3, 6, 6], so they cannot be added; a shortcut, such as [{ type = \"conv2d\", out = 32, kernel = 1, stride = 2 }], changes its shape"
    );
    let block = "{ type = \"residual\", layers = [\n{ type = \"conv2d\", out = 4, kernel = 3, padding = 1, stride = 2 }\n], shortcut = [\n{ type = \"conv2d\", out = 4, kernel = 1, stride = 2 }\n] }";
    assert_eq!(output(block, &[3, 7, 7]), [4, 4, 4]);
    // An error in a nested layer has its own place.
    let deep = block.replace("kernel = 1", "kernel = 9");
    let text = error(&deep, &[3, 7, 7]);
    assert!(
        text.starts_with("c.toml:9:1: layer \"conv2d\" on samples of [3, 7, 7]: "),
        "{text}"
    );
}

#[test]
fn branches_are_joined() {
    let convs = "branches = [{ type = \"conv2d\", out = 4, kernel = 1 },\n\
         { type = \"sequential\", layers = [\"relu\", { type = \"conv2d\", out = 2, kernel = 3, padding = 1 }] }]";
    let parallel = |settings: &str| format!("{{ type = \"parallel\", {convs}{settings} }}");
    assert_eq!(output(&parallel(""), &[3, 6, 5]), [6, 6, 5]);
    assert_eq!(
        output(
            "{ type = \"parallel\", branches = [\"relu\", \"tanh\"], axis = 1 }",
            &[3, 6]
        ),
        [3, 12]
    );
    assert_eq!(
        output(
            "{ type = \"parallel\", branches = [\"relu\", \"tanh\"], join = \"sum\" }",
            &[3, 6]
        ),
        [3, 6]
    );
    for (settings, expected) in [
        (
            ", axis = 1",
            "branch 0 gives [4, 6, 5], but branch 1 gives [2, 6, 5], so they cannot be joined along axis 1",
        ),
        (
            ", axis = 3",
            "branch 0 gives [4, 6, 5], which has no axis 3 to join along",
        ),
        (
            ", join = \"sum\"",
            "branch 0 gives [4, 6, 5], but branch 1 gives [2, 6, 5], so they cannot be added",
        ),
    ] {
        let text = error(&parallel(settings), &[3, 6, 5]);
        let expected =
            format!("c.toml:6:1: layer \"parallel\" on samples of [3, 6, 5]: {expected}");
        assert_eq!(text.lines().next().unwrap(), expected);
    }
    // A mistake inside a branch keeps its own place.
    let text = error(
        &parallel("").replace("kernel = 3", "kernel = 9"),
        &[3, 6, 5],
    );
    assert!(text.starts_with("c.toml:7:"), "{text}");
    assert!(
        text.contains("layer \"conv2d\" on samples of [3, 6, 5]: "),
        "{text}"
    );
}

#[test]
fn attention_has_rotary_positions() {
    for kind in [
        "multi_head_attention\", ",
        "transformer_encoder_layer\", hidden = 8, ",
    ] {
        let layer = |rope: &str| format!("{{ type = \"{kind}heads = 2, rope = {rope} }}");
        for rope in ["{}", "{ base = 500.0, interleaved = true, features = 2 }"] {
            assert_eq!(output(&layer(rope), &[7, 12]), [7, 12]);
        }
        let text = error(&layer("{ features = 8 }"), &[7, 12]);
        let expected = "expected an even number of rotated features, at most the 6 of a head, found 8; set `features` in `rope`";
        assert!(text.contains(expected), "{text}");
        let text = error(&layer("{}"), &[7, 6]);
        let expected = "expected an even number of rotated features, at most the 3 of a head, found 3; set `features` in `rope`";
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn parameters_have_the_names_of_the_layers() {
    let layers = "{ type = \"conv2d\", out = 4, kernel = 3, padding = 1 },\n\
         { type = \"residual\", layers = [\"relu\", { type = \"conv2d\", out = 4, kernel = 1, bias = false }], \
         shortcut = [\"batch_norm\"] }";
    let layers = config(layers).model.layers(&Input::new([5, 5]));
    let (network, shape) = nn::sequence(&layers, &[5, 5], &layers_path()).unwrap();
    assert_eq!(shape, [4, 5, 5]);
    let mut names = Vec::new();
    let mut take = |name: String, _: &Parameter| names.push(name);
    network.visit(&mut Visitor::new(&mut take));
    assert_eq!(
        names,
        [
            "0.weight",
            "0.bias",
            "1.1.weight",
            "1.shortcut.0.weight",
            "1.shortcut.0.bias",
            "1.shortcut.0.running_mean",
            "1.shortcut.0.running_var",
            "1.shortcut.0.num_batches_tracked",
        ]
    );
}

#[test]
fn what_does_not_fit_says_where() {
    let conv = "{ type = \"conv2d\", out = 8, kernel = 5 }";
    assert_eq!(
        error(&format!("\"relu\",\n  {conv}"), &[10]),
        "c.toml:7:3: layer \"conv2d\" on samples of [10]: it takes images, [channels, height, width], also without the channels\n  7 |   { type = \"conv2d\", out = 8, kernel = 5 }\n    |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"
    );
    let cases: [(&str, &[usize], &str); 8] = [
        (conv, &[4, 4], "kernel"),
        (
            "{ type = \"conv2d\", out = 8, kernel = 1, groups = 3 }",
            &[3, 4, 4],
            "3 input and 8 output channels do not both fall into 3 groups",
        ),
        ("{ type = \"group_norm\", groups = 2 }", &[5], "5 channels"),
        ("{ type = \"layer_norm\", axes = 3 }", &[5, 5], "no 3 axes"),
        (
            "{ type = \"reshape\", shape = [7] }",
            &[2, 4],
            "expected samples of 7 elements, the size of the shape [7], found 8",
        ),
        ("\"batch_norm\"", &[1, 2, 3, 4], "it takes features"),
        ("{ type = \"rnn\", hidden = 2 }", &[7], "[time, features]"),
        ("\"random_flip\"", &[7], "expected f32 images"),
    ];
    for (layers, shape, expected) in cases {
        let text = error(layers, shape);
        assert!(text.starts_with("c.toml:6:1: layer "), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}

/// Returns the initializations of the parameters, by name.
fn first_values(text: &str, shape: &[usize]) -> Vec<(String, Vec<f32>)> {
    let config = Config::parse("c.toml", text, &Default::default()).unwrap();
    let model = &config.model;
    let width = match model.layers(&Input::new(shape)).last() {
        Some(nn::LayerSpec::Linear(linear)) => linear.out,
        _ => 1,
    };
    let network = model.build(&Input::new(shape).outputs(width));
    let network = network.unwrap_or_else(|e| panic!("{e}"));
    let mut names = Vec::new();
    network.visit(&mut Visitor::new(&mut |name, _| names.push(name)));
    let builder = crate::Trainer::boxed(network).loss(crate::loss::Mse);
    let mut trainer = builder
        .compile_for(&crate::Device::cpu(), shape)
        .unwrap_or_else(|e| panic!("{e}"));
    let values = names.into_iter().map(|name| {
        let values = trainer.weights(&name).unwrap();
        (name, values)
    });
    values.collect()
}

#[test]
fn weights_begin_with_what_the_file_says() {
    let text = "[data]\npath = \"d.csv\"\ntarget = \"label\"\n[model]\n\
        init = { type = \"constant\", value = 3 }\nlayers = [\n\
        { type = \"linear\", out = 5 }, \"layer_norm\",\n\
        { type = \"linear\", out = 4, init = \"identity\" },\n\
        { type = \"residual\", layers = [{ type = \"linear\", out = 4 }] },\n\
        { type = \"linear\", out = 2, init = { type = \"uniform\", low = 5, high = 6 } }]\n";
    for (name, values) in first_values(text, &[3]) {
        let all = |v: f32| values.iter().all(|x| *x == v);
        match name.as_str() {
            // The scale of a norm is not a weight.
            "1.weight" => assert!(all(1.0), "{name}: {values:?}"),
            "2.weight" => {
                let one = |i: usize| f32::from(u8::from(i / 5 == i % 5));
                let eye: Vec<f32> = (0..20).map(one).collect();
                assert_eq!(values, eye);
            }
            "4.weight" => {
                assert!(values.iter().all(|v| (5.0..6.0).contains(v)), "{values:?}");
                assert!(values[0] != values[1]);
            }
            n if n.ends_with("bias") => assert!(all(0.0), "{name}: {values:?}"),
            _ => assert!(all(3.0), "{name}: {values:?}"),
        }
    }
    let text = "[data]\npath = \"d.csv\"\ntarget = \"label\"\n[model]\n\
        hidden = [400]\ninit = { type = \"kaiming_normal\", mode = \"fan_out\", gain = 2 }\n";
    let values = &first_values(text, &[50])[0].1;
    let deviation = (values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32).sqrt();
    assert!((deviation - 2.0 / 20.0).abs() < 2e-3, "{deviation}");
}
