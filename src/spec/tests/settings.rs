//! The values of a configuration: defaults, all kinds, and the round trip to TOML.

use super::*;

#[test]
fn the_command_line_wins() {
    let overrides = Overrides {
        device: Some(DeviceSpec::Cpu),
        epochs: Some(2),
        seed: Some(9),
        out: Some("elsewhere".into()),
    };
    let text = with_training("epochs = 50\nseed = 1\ndevice = \"gpu\"");
    let config = Config::parse(Path::new(FILE), &text, &overrides).unwrap();
    assert_eq!(config.training.epochs, 2);
    assert_eq!(config.training.seed, 9);
    assert_eq!(config.training.device, DeviceSpec::Cpu);
    let here = std::env::current_dir().unwrap();
    assert_eq!(config.output.folder(), here.join("elsewhere"));
}

#[test]
fn paths_begin_at_the_files_folder() {
    let config = parse(&with_training("").replace("d.csv", "../data/d.csv")).unwrap();
    let here = std::env::current_dir().unwrap();
    let DataSource::Csv(CsvSpec { path, .. }) = &config.data.source else {
        panic!("{config:?}");
    };
    assert_eq!(*path, here.join("data/d.csv"));
    assert_eq!(config.output.folder(), here.join("conf/runs/digits"));
}

#[test]
fn the_short_form_is_written_out() {
    let text = "[model]\nhidden = [5, 4]\nactivation = \"gelu\"\ndropout = 0.25\n[data]\npath=\"d\"\ntarget=\"t\"\n";
    let input = Input::new([7]).outputs(3);
    let layers = parse(text).unwrap().model.layers(&input);
    let written: Vec<String> = layers
        .iter()
        .map(|l| crate::schema::inline(&serde_json::to_value(l).unwrap()))
        .collect();
    assert_eq!(
        written,
        [
            "{ type = \"linear\", out = 5, bias = true }",
            "{ type = \"gelu\" }",
            "{ type = \"dropout\", p = 0.25 }",
            "{ type = \"linear\", out = 4, bias = true }",
            "{ type = \"gelu\" }",
            "{ type = \"dropout\", p = 0.25 }",
            "{ type = \"linear\", out = 3, bias = true }",
        ]
    );
}

const FULL: &str = r#"
[model]
type = "sequential"
layers = [
    { type = "reshape", shape = [2, 4, 8] },
    { type = "conv2d", out = 8, kernel = [3, 5], padding = [1, 2], bias = false },
    { type = "residual", layers = [
        { type = "conv2d", out = 8, kernel = 3, stride = 2, padding = 1, groups = 2, dilation = 1 },
        { type = "residual", layers = ["relu", "batch_norm"] },
    ], shortcut = [{ type = "max_pool2d", kernel = 2 }] },
    "flatten",
    { type = "linear", out = 32, bias = false },
    { type = "leaky_relu", slope = 0.2 },
    { type = "elu" },
    "softplus",
    { type = "dropout", p = 0.1 },
    { type = "linear", out = 1 },
]

[data]
format = "csv"
path = "a \"b\" ü.csv"
test_path = 'c\d.csv'
target = "y"
task = "classification"
delimiter = "\t"
validation_split = 0

[training]
epochs = 1_000
batch_size = 0x20
seed = 9223372036854775807
device = "NVIDIA"
loss = "bce_with_logits"
optimizer = { type = "sgd", lr = 1e-7, momentum = 0.9, nesterov = true }
schedule = { type = "cosine", warmup_epochs = 3, min_lr = 1e-9 }
clip_grad_norm = 1
early_stopping = { patience = 3, monitor = "accuracy", min_delta = 1e-4 }
metrics = ["accuracy"]
"#;

/// Each kind of layer except activations, with its required keys.
const EVERY_KIND: &[&str] = &[
    "{ type = \"linear\", out = 4 }",
    "{ type = \"linear\", out = 4, init = \"xavier_uniform\" }",
    "{ type = \"linear\", out = 4, init = { type = \"xavier_normal\", gain = \"tanh\" } }",
    "{ type = \"linear\", out = 4, init = { type = \"kaiming_uniform\", mode = \"fan_out\" } }",
    "{ type = \"linear\", out = 4, init = { type = \"kaiming_normal\", gain = 1.5 } }",
    "{ type = \"linear\", out = 4, init = \"lecun_uniform\" }",
    "{ type = \"linear\", out = 4, init = \"lecun_normal\" }",
    "{ type = \"conv2d\", out = 4, kernel = 3, init = { type = \"orthogonal\", gain = \"selu\" } }",
    "{ type = \"conv1d\", out = 4, kernel = 3, init = \"identity\" }",
    "{ type = \"rnn\", hidden = 3, init = { type = \"normal\", std = 0.02 } }",
    "{ type = \"gru\", hidden = 3, init = { type = \"truncated_normal\", std = 1, high = 1 } }",
    "{ type = \"lstm\", hidden = 3, init = { type = \"uniform\", low = -1e-3, high = 0.5 } }",
    "{ type = \"linear\", out = 4, init = { type = \"constant\", value = -2 } }",
    "{ type = \"linear\", out = 4, init = \"zeros\" }",
    "{ type = \"linear\", out = 4, init = \"ones\" }",
    "{ type = \"conv2d\", out = 4, kernel = 3 }",
    "{ type = \"conv1d\", out = 4, kernel = 3, padding = 1 }",
    "{ type = \"max_pool2d\", kernel = [2, 1], stride = 1 }",
    "{ type = \"avg_pool2d\", kernel = 3, stride = 2, count_padding = false }",
    "{ type = \"adaptive_avg_pool2d\", out = [1, 2] }",
    "{ type = \"upsample\", scale = 2, mode = \"bilinear\" }",
    "\"batch_norm\"",
    "{ type = \"layer_norm\", axes = 2 }",
    "{ type = \"rms_norm\", eps = 1e-6 }",
    "{ type = \"group_norm\", groups = 2 }",
    "{ type = \"dropout\", p = 0.1 }",
    "\"flatten\"",
    "{ type = \"reshape\", shape = [1, 8, 8] }",
    "{ type = \"residual\", layers = [\"relu\"] }",
    "{ type = \"rnn\", hidden = 3 }",
    "{ type = \"lstm\", hidden = 3, layers = 2, bidirectional = true, dropout = 0.1 }",
    "{ type = \"gru\", hidden = 3, bias = false, last = true }",
    "{ type = \"max_pool1d\", kernel = 3, stride = 2, padding = 1, ceil_mode = true }",
    "{ type = \"avg_pool1d\", kernel = 3, padding = 1 }",
    "{ type = \"conv_transpose2d\", out = 3, kernel = 2, stride = 2, output_padding = [1, 0] }",
    "{ type = \"multi_head_attention\", heads = 2, rope = {} }",
    "{ type = \"transformer_encoder_layer\", heads = 2, hidden = 8, rope = { base = 500, features = 2 } }",
    "{ type = \"parallel\", branches = [\"relu\", { type = \"sequential\", layers = [\"tanh\"] }] }",
    "{ type = \"parallel\", branches = [\"relu\"], join = \"sum\" }",
    "\"random_flip\"",
    "{ type = \"random_shift\", pixels = [2, 0] }",
    "{ type = \"random_crop\", size = 24, padding = 2 }",
];

/// Each optimizer, schedule and metric.
const VOCABULARY: &[&str] = &[
    "optimizer = { type = \"sgd\", momentum = 0.9 }\nschedule = { type = \"step\", size = 3, gamma = 0.5 }",
    "optimizer = { type = \"adamw\", amsgrad = true }\nschedule = { type = \"multi_step\", milestones = [2, 5] }",
    "optimizer = { type = \"nadam\", decoupled = true }\nschedule = { type = \"linear\", end = 0.1, total = 4 }",
    "optimizer = \"radam\"\nschedule = { type = \"polynomial\", power = 2, by = \"step\", total = 100 }",
    "optimizer = { type = \"rmsprop\", centered = true }\nschedule = { type = \"cosine_annealing\", period = 3 }",
    "optimizer = { type = \"adagrad\", lr_decay = 0.1 }\nschedule = { type = \"cosine_restarts\", first = 2, factor = 2 }",
    "optimizer = { type = \"adadelta\", rho = 0.95 }\nschedule = { type = \"one_cycle\", three_phase = true }",
    "optimizer = \"adamax\"\nschedule = { type = \"plateau\", monitor = \"loss\", patience = 2 }",
    "optimizer = { type = \"lion\", betas = [0.95, 0.98] }\nschedule = [\"constant\", { type = \"cosine\", from = 3 }]",
    "optimizer = \"lamb\"\nclip_grad_value = 1\nl1 = 1e-5\nl2 = 0.1\nema = 0.999\naccumulate_gradients = 4\nprecision = \"bf16\"\nmemory_limit = \"1.5 GiB\"",
    "optimizer = { type = \"muon\", scale = \"match_rms_adamw\", others_lr = 0.01 }",
    "metrics = [\"accuracy\", { type = \"top_k\", k = 3 }, \"balanced_accuracy\", { type = \"precision\", class = 1 }, { type = \"pr_auc\", class = \"bad\" }, \
     { type = \"recall\", average = \"micro\" }, { type = \"f_beta\", beta = 2 }, \"mcc\", \"roc_auc\", \"pr_auc\", \"log_loss\"]",
    "loss = { type = \"cross_entropy\", label_smoothing = 0.1, weights = [1, 2.5], ignore = 1 }",
    "loss = { type = \"focal_cross_entropy\", gamma = 1.5 }",
    "loss = { type = \"bce_with_logits\", pos_weight = 3 }",
    "loss = { type = \"focal\", alpha = 0.25 }",
    "loss = { type = \"huber\", delta = 0.5 }",
    "loss = { type = \"smooth_l1\", beta = 0.5 }",
    "loss = \"mae\"",
    "loss = \"hinge\"\nmetrics = [\"accuracy\", \"roc_auc\"]",
    "loss = { type = \"poisson_nll\", full = true }\nmetrics = [\"mae\"]",
    "loss = { type = \"gaussian_nll\", full = true, eps = 1e-4 }\nmetrics = [\"rmse\", \"r2\"]",
    "optimizer = { type = \"muon\", scale = \"spectral_unclamped\" }",
    "loss = \"mse\"\nmetrics = [\"mae\", \"mse\", \"rmse\", \"mape\", \"r2\"]",
];

#[test]
fn the_whole_vocabulary_is_read_written_and_built() {
    for lines in VOCABULARY {
        let first = parse(&with_training(lines)).unwrap_or_else(|e| panic!("{e}"));
        let written = first.to_toml();
        let second = parse(&written).unwrap_or_else(|e| panic!("{e}\n{written}"));
        assert_eq!(first.training, second.training);
        assert_eq!(written, second.to_toml());
        if let Some(loss) = &first.training.loss {
            assert_eq!(loss.build().name(), loss.kind());
        }
        let optimizer = first.training.optimizer.build();
        optimizer.check().unwrap();
        assert_eq!(
            optimizer.learning_rate(),
            first.training.optimizer.learning_rate()
        );
        let at = crate::schedule::Progress {
            step: 3,
            steps_per_epoch: 2,
            steps: 20,
            values: &[],
        };
        let rate = first.training.schedule.build(10).rate(0.1, at);
        assert!(rate > 0.0 && rate <= 0.1, "{lines}: {rate}");
    }
}

#[test]
fn schedules_and_metrics_that_do_not_fit_are_told() {
    let cases = [
        (
            "schedule = { type = \"linear\", by = \"step\" }",
            "7:12: a schedule by steps needs `total`, in steps",
        ),
        (
            "schedule = { type = \"cosine\", from = 3 }",
            "7:38: `from` is for a list of schedules",
        ),
        (
            "schedule = [\"constant\", { type = \"cosine\" }]",
            "7:25: expected a schedule that starts after the one before it",
        ),
        (
            "schedule = { type = \"step\" }",
            "7:12: schedule \"step\" needs `size`",
        ),
        (
            "ema = 1",
            "7:7: `ema` is 1, but must be at least 0 and below 1",
        ),
        (
            "loss = \"cross_entropy\"\nschedule = { type = \"plateau\", monitor = \"acuracy\" }",
            "8:42: `monitor` is \"acuracy\", which is not measured; did you mean `accuracy`?",
        ),
        (
            "loss = \"mse\"\nmetrics = [\"f_beta\"]",
            "8:11: metric \"f_beta\" does not fit the task, which is regression",
        ),
    ];
    for (lines, want) in cases {
        let mut text = with_training(lines);
        if lines.contains("mse") {
            text = text.replace("[data]\n", "[data]\ntask = \"regression\"\n");
        }
        let found = error(&text);
        let want = match lines.contains("mse") {
            true => want.replace("8:11", "9:11"),
            false => want.to_string(),
        };
        assert!(found.contains(&want), "{found}");
    }
}

#[test]
fn it_writes_what_it_reads() {
    let texts = [
        FULL.to_string(),
        with_training(""),
        with_training("optimizer = \"adamw\"\nschedule = \"exponential\""),
        "[model]\ntype = \"gpt\"\nblocks = 2\ndropout = 0.1\ntied = true\n[data]\ntext = \"a.txt\"\nstride = 7\n"
            .to_string(),
        "[model]\ntype = \"llama\"\nheads = 8\nkv_heads = 2\nrope_base = 5e5\n[data]\ntext = \"a.txt\"\n\
         test_text = \"b.txt\"\ntokenizer = { type = \"bpe\", vocabulary = 500 }\n"
            .to_string(),
        "[model]\ntype = \"gpt\"\n[data]\ntext = \"a.txt\"\ntokenizer = \"t.json\"\n[training]\n\
         schedule = { type = \"cosine\", warmup_epochs = 0.25 }\n"
            .to_string(),
        with_layers(&format!("[{}]", EVERY_KIND.join(", "))),
        with_layers("[\"log_softmax\"]\ninit = { type = \"xavier_normal\", gain = 2 }\n[training]\nloss = { type = \"nll\", weights = [1, 2], ignore = 0 }"),
        with_layers("[\"log_softmax\"]\n[training]\nloss = \"kl_divergence\"\nmetrics = [\"mae\"]"),
        "[model]\nhidden = [3]\ninit = \"orthogonal\"\n[data]\npath = \"a\"\ntarget = \"b\"\n".to_string(),
        "[model]\nhidden = []\nactivation = { type = \"elu\", alpha = 2 }\n[data]\nimages = \"a\"\nlabels = \"b\"\ntest_images = \"c\"\ntest_labels = \"d\"\n".to_string(),
        "[model]\nhidden = [3]\n[data]\ninputs = \"a\"\ntargets = \"b\"\ntask = \"regression\"\n".to_string(),
    ];
    for text in texts {
        let first = parse(&text).unwrap();
        let written = first.to_toml();
        let second = parse(&written).unwrap_or_else(|e| panic!("{e}\n{written}"));
        assert_eq!(first.model, second.model);
        assert_eq!(first.data, second.data);
        assert_eq!(first.training, second.training);
        assert_eq!(first.output, second.output);
        assert_eq!(written, second.to_toml());
    }
}

#[test]
fn the_examples_load() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            Config::load(&path, &Overrides::default()).unwrap_or_else(|e| panic!("{e}"));
            seen.push(path.file_stem().unwrap().to_string_lossy().into_owned());
        }
    }
    seen.sort();
    assert_eq!(
        seen,
        [
            "breast_cancer",
            "co2",
            "diabetes",
            "digits",
            "fashion",
            "fashion_cnn",
            "fashion_resnet",
            "iris",
            "kjv_gpt",
            "penguins",
            "shuttle",
            "spam_folders",
            "sunspots",
            "sunspots_window",
            "titanic",
            "wine",
            "yeast"
        ]
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let e = Config::load(Path::new("no/such.toml"), &Overrides::default()).unwrap_err();
    assert!(
        e.to_string().starts_with("no/such.toml: cannot read: "),
        "{e}"
    );
}
