//! Invalid input ends with exit code 2 and a message that names the error and its place, and leaves
//! no files.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{iris, names, wgrad};

/// Trains on this CSV text, with further lines for `[data]`.
fn csv(text: &str, more: &str) -> (tempfile::TempDir, common::Ran) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("d.csv"), text).unwrap();
    let config = format!(
        "[model]\nhidden = [4]\n[data]\npath = \"d.csv\"\ntarget = \"y\"\n{more}\n\
         [training]\ndevice = \"cpu\"\n[output]\ndir = \"run\"\n"
    );
    std::fs::write(folder.path().join("c.toml"), config).unwrap();
    let ran = wgrad(folder.path(), "train c.toml --json");
    (folder, ran)
}

#[track_caller]
fn refuses(text: &str, more: &str, message: &str) {
    let (folder, ran) = csv(text, more);
    ran.refused(message);
    assert_eq!(names(folder.path()), ["c.toml", "d.csv"]);
}

#[test]
fn tables_that_cannot_be_learnt_from() {
    let place = "d.csv";
    refuses("", "", &format!("{place}: the file is empty"));
    refuses("x,y\n", "", &format!("{place}: there is no line of data"));
    refuses(
        "x,y\n1,a\nNaN,b\n",
        "",
        "d.csv line 3, column \"x\": the value is missing",
    );
    refuses(
        "x,y\n1,a\n2,\n",
        "",
        "d.csv line 3, column \"y\": the value is missing",
    );
    refuses("x,y\n1,a\n2\n", "", "d.csv line 3: the line has 1 fields");
    refuses("x,y\nred,a\n2,b\n", "", "\"red\" is not a number");
    refuses("x,z\n1,a\n2,b\n", "", "there is no column \"y\"");
    refuses(
        "x,y\n1,a\n2,b\n",
        "ignore = [\"id\"]",
        "there is no column \"id\"",
    );
    refuses(
        "x,y\n1,a\n2,a\n3,a\n4,a\n5,a\n",
        "test_split = 0.0",
        "all samples are of one class",
    );
    refuses(
        "x,y\n1,0.5\n2,1.5\n",
        "task = \"classification\"",
        "an integer or a text, found \"0.5\"",
    );
    refuses(
        "x,y\n1,a\n2,a\n3,a\n4,b\n",
        "test_split = 0.0\nvalidation_split = 0.25",
        "fell into the validation split",
    );
}

#[test]
fn images_that_are_cut_off_and_labels_with_a_hole() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let idx = |dims: &[u32], data: &[u8]| {
        let mut bytes = vec![0, 0, 8, dims.len() as u8];
        bytes.extend(dims.iter().flat_map(|d| d.to_be_bytes()));
        bytes.extend(data);
        bytes
    };
    let write = |name: &str, bytes: &[u8]| std::fs::write(here.join(name), bytes).unwrap();
    let config = "[model]\nhidden = [4]\n[data]\nimages = \"i\"\nlabels = \"l\"\n\
                  test_split = 0.0\nvalidation_split = 0.0\n[training]\ndevice = \"cpu\"\n";
    write("c.toml", config.as_bytes());
    write("l", &idx(&[4], &[0, 1, 3, 0]));
    write("i", &idx(&[4, 2, 2], &[7; 15]));
    wgrad(here, "train c.toml").refused("i: the header says [4, 2, 2], which is 16 bytes, but 15");
    write("i", &idx(&[4, 2, 2], &[7; 16]));
    wgrad(here, "train c.toml").refused("no training sample is of class \"2\"");
    write("l", &idx(&[3], &[0, 1, 2]));
    wgrad(here, "train c.toml").refused("there are 3 labels for the 4 images");
    assert_eq!(names(here), ["c.toml", "i", "l"]);
}

#[test]
fn models_and_devices_that_do_not_exist() {
    let folder = iris("epochs = 1");
    let here = folder.path();
    let config = std::fs::read_to_string(here.join("c.toml")).unwrap();
    let with = |from: &str, to: &str| {
        std::fs::write(here.join("c.toml"), config.replace(from, to)).unwrap();
        wgrad(here, "train c.toml --json")
    };
    with(
        "hidden = [16]\ndropout = 0.1",
        "layers = [{ type = \"linear\", out = 5 }]",
    )
    .refused("expected 3 outputs for 3 classes, found [5] for each sample from the last layer");
    with("seed = 3", "loss = \"bce_with_logits\"")
        .refused("it tells two classes apart, but the data has 3");
    with("seed = 3", "sed = 3").refused("unknown key `sed` in [training]; did you mean `seed`?");
    with("iris.csv", "irs.csv").refused("irs.csv: cannot open");
    with("\"cpu\"", "\"no such card\"").refused("matches \"no such card\"");
    std::fs::write(here.join("c.toml"), &config).unwrap();
    wgrad(here, "train c.toml --device nonsense").refused("--device cpu needs none");
    wgrad(here, "train d.toml").refused("d.toml: cannot read");
    assert_eq!(names(here), ["c.toml", "iris.csv"]);
}

#[test]
fn what_does_not_fit_a_run() {
    let folder = iris("epochs = 1");
    let here = folder.path();
    wgrad(here, "train c.toml").ok();
    let write = |name: &str, text: &str| std::fs::write(here.join(name), text).unwrap();
    write("few.csv", "sepal length (cm),sepal width (cm)\n1,2\n");
    wgrad(here, "predict run few.csv").refused(
        "the model was trained on 4 columns, and 2 of them are not here: \"petal length (cm)\"",
    );
    let header = "sepal length (cm),sepal width (cm),petal length (cm),petal width";
    write("slip.csv", &format!("{header}\n1,2,3,4\n"));
    wgrad(here, "predict run slip.csv").refused("there is no column \"petal width (cm)\"");
    write("nan.csv", &format!("{header} (cm)\n1,2,3,nan\n"));
    wgrad(here, "predict run nan.csv --out p.csv")
        .refused("nan.csv line 2, column \"petal width (cm)\"");
    assert!(!here.join("p.csv").exists());
    wgrad(here, "predict run missing.csv").refused("missing.csv: cannot open");
    write(
        "strange.csv",
        &format!("{header} (cm),species\n1,2,3,4,tulip\n"),
    );
    wgrad(here, "evaluate run --data strange.csv").refused("\"tulip\" is none of the 3 classes");
    wgrad(here, "evaluate .").refused("this is not the folder of a run");

    damage(&here.join("run/checkpoints/epoch-00001.safetensors"));
    wgrad(here, "evaluate run").refused("is not a whole safetensors file");
    write("run/scaler.json", "{}");
    wgrad(here, "evaluate run").refused("scaler.json: this is not what `wgrad train` wrote");
}

fn damage(file: &Path) {
    let bytes = std::fs::read(file).unwrap();
    std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
}

#[test]
fn a_training_that_explodes_leaves_no_half_run() {
    let folder = iris("epochs = 3\noptimizer = { type = \"sgd\", lr = 1e30 }");
    let ran = wgrad(folder.path(), "train c.toml --json");
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("a smaller learning rate"),
        "{}",
        ran.stderr
    );
    assert_eq!(names(folder.path()), ["c.toml", "iris.csv"]);
}
