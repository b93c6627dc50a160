//! Folders of images: training, prediction, evaluation, and their errors.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::wgrad;
use image::{Rgb, RgbImage};

/// Writes an image of 8 x 8 pixels: bright on the left or on the right, with a little noise by `seed`.
fn picture(path: &Path, left: bool, seed: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let image = RgbImage::from_fn(8, 8, |x, y| {
        let bright = if (x < 4) == left { 200 } else { 20 };
        let noise = (x * 7 + y * 13 + seed * 29) % 40;
        Rgb([(bright + noise) as u8, noise as u8, (255 - bright) as u8])
    });
    image.save(path).unwrap();
}

/// Writes images of the classes `left` and `right`.
fn pictures(folder: &Path, each: u32) {
    for seed in 0..each {
        let kind = if seed % 2 == 0 { "png" } else { "bmp" };
        picture(&folder.join(format!("left/{seed:02}.{kind}")), true, seed);
        picture(&folder.join(format!("right/{seed:02}.{kind}")), false, seed);
    }
}

const CONFIG: &str = "\
[model]
hidden = [8]
[data]
format = \"images\"
path = \"pictures\"
validation_split = 0.2
[training]
epochs = 8
batch_size = 8
device = \"cpu\"
optimizer = { type = \"adam\", lr = 1e-2 }
metrics = [\"accuracy\"]
[output]
dir = \"run\"
";

fn trained(folder: &Path) {
    std::fs::write(folder.join("c.toml"), CONFIG).unwrap();
    wgrad(folder, "train c.toml").ok();
}

#[test]
fn images_are_trained_predicted_and_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    pictures(&folder.join("pictures"), 20);
    std::fs::write(folder.join("pictures/left/about.txt"), "text").unwrap();
    std::fs::write(folder.join("c.toml"), CONFIG).unwrap();
    let ran = wgrad(folder, "train c.toml").ok();
    let said = format!("{}{}", ran.stdout, ran.stderr);
    for part in [
        "pictures: samples of [3, 8, 8], 2 classes",
        "26 training samples, 6 validation samples, 8 test samples",
        "1 file left out, which is no PNG, JPEG, WebP or BMP image: left/about.txt",
        "size = [8, 8] and color = \"rgb\" chosen by the images",
    ] {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
    let config = std::fs::read_to_string(folder.join("run/config.toml")).unwrap();
    for line in ["size = 8", "color = \"rgb\"", "test_split = 0.2"] {
        assert!(config.contains(line), "{config}");
    }

    picture(&folder.join("new/b/1.png"), true, 91);
    picture(&folder.join("new/a.png"), false, 92);
    let ran = wgrad(folder, "predict run new").ok();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "file,predicted,p(left),p(right)");
    assert!(lines[1].starts_with("new/a.png,right,"), "{lines:?}");
    assert!(lines[2].starts_with("new/b/1.png,left,"), "{lines:?}");
    let ran = wgrad(folder, "predict run new/b/1.png new/a.png").ok();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[1].starts_with("new/b/1.png,left,"), "{lines:?}");
    let events = wgrad(folder, "--json predict run new/a.png").ok().events();
    assert_eq!(events[0]["kept"]["file"], "new/a.png");
    assert_eq!(events[0]["class"], "right");

    let test = wgrad(folder, "--json evaluate run").ok().done();
    assert_eq!(test["samples"], 8);
    picture(&folder.join("more/right/1.png"), false, 93);
    let more = wgrad(folder, "--json evaluate run --data more").ok().done();
    assert_eq!(more["samples"], 1);
    picture(&folder.join("more/above/1.png"), false, 93);
    wgrad(folder, "evaluate run --data more")
        .refused("the folder above/ is none of the 2 classes: left, right");
    wgrad(folder, "predict run c.toml").refused("expected an image (PNG, JPEG, WebP or BMP)");
    std::fs::write(folder.join("new/c.png"), "no image").unwrap();
    wgrad(folder, "predict run new").refused("an image cannot be read: new/c.png");
}

#[test]
fn folders_of_splits_are_the_splits() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    pictures(&folder.join("pictures/train"), 6);
    pictures(&folder.join("pictures/val"), 2);
    pictures(&folder.join("pictures/test"), 1);
    trained(folder);
    let config = std::fs::read_to_string(folder.join("run/config.toml")).unwrap();
    assert!(config.contains("test_split = 0.0"), "{config}");
    assert!(config.contains("validation_split = 0.0"), "{config}");
    let test = wgrad(folder, "--json evaluate run").ok().done();
    assert_eq!(test["samples"], 2);
    let config = CONFIG.replace("validation_split = 0.2", "test_split = 0.3");
    std::fs::write(folder.join("c.toml"), config).unwrap();
    wgrad(folder, "train c.toml").refused("0, because the test images are in");
}

#[test]
fn a_folder_is_trained_without_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    pictures(&folder.join("pictures"), 10);
    wgrad(folder, "train pictures --epochs 1 --device cpu").ok();
    wgrad(folder, "new pictures -o c.toml").ok();
    let config = std::fs::read_to_string(folder.join("c.toml")).unwrap();
    assert!(
        config.contains("path = \"pictures\"\nsize = [8, 8]"),
        "{config}"
    );
    wgrad(folder, "train c.toml --epochs 1 --device cpu --out again").ok();
    let [first, second] = ["runs/pictures", "again"].map(|run| {
        let ran = wgrad(folder, &format!("--json evaluate {run}")).ok();
        ran.done()["test"]["loss"].clone()
    });
    assert_eq!(first, second);
}

#[test]
fn other_folders_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("empty")).unwrap();
    wgrad(folder, "train empty").refused("found an empty folder");
    picture(&folder.join("flat/1.png"), true, 0);
    wgrad(folder, "new flat").refused("found 1 image and no folders");
    picture(&folder.join("one/a/1.png"), true, 0);
    picture(&folder.join("one/a/2.png"), true, 1);
    wgrad(folder, "train one --device cpu").refused("all samples are of one class, \"a\"");
    wgrad(folder, "new c.csv")
        .refused("expected --target COLUMN for a table, or a folder of images");
}

#[test]
fn the_cache_gives_the_same_samples() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    pictures(&folder.join("pictures"), 10);
    std::fs::write(folder.join("c.toml"), CONFIG).unwrap();
    let train = |out: &str| {
        let mut command = common::command(
            folder,
            &format!("--json train c.toml --epochs 1 --out {out}"),
        );
        command.env("WGRAD_CACHE_DIR", folder.join("cache"));
        let output = command.output().unwrap();
        assert!(output.status.success());
        let done = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .last()
            .unwrap()
            .to_string();
        let done: serde_json::Value = serde_json::from_str(&done).unwrap();
        done["test"]["loss"].clone()
    };
    let decoded = train("one");
    let stored = common::names(&folder.join("cache"));
    assert_eq!(stored.len(), 1);
    assert!(stored[0].starts_with("images-") && stored[0].ends_with(".bin"));
    assert_eq!(train("two"), decoded);
    assert_eq!(common::names(&folder.join("cache")), stored);
    assert!(decoded.is_number());
}
