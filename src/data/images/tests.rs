#![allow(clippy::unwrap_used)]

use image::{DynamicImage, GrayImage, Luma, RgbImage, Rgba, RgbaImage};

use super::*;
use crate::data::input::tests::file;

fn rgb(height: usize, width: usize) -> ImageFormat {
    ImageFormat {
        size: [height, width],
        color: Color::Rgb,
    }
}

/// Creates a folder with these images of one color each, and other files.
fn folder(images: &[(&str, [u8; 3], [u32; 2])], others: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    for (name, color, [height, width]) in images {
        let image = RgbImage::from_pixel(*width, *height, image::Rgb(*color));
        image.save(make(name)).unwrap();
    }
    for (name, bytes) in others {
        std::fs::write(make(name), bytes).unwrap();
    }
    folder
}

fn error<T>(result: Result<T>) -> String {
    result.err().unwrap().to_string()
}

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];

/// Reads the images with a cache in a folder of its own.
fn read(folder: &Path, format: ImageFormat) -> Result<Dataset> {
    ImageFolder {
        // Without classes, nothing is stored in the user's cache.
        classes: Vec::new(),
        ..ImageFolder::open(folder)?
    }
    .read(format)
}

#[test]
fn subfolders_are_classes_in_the_order_of_names() {
    let folder = folder(
        &[
            ("b/deep/1.png", GREEN, [2, 2]),
            ("a/2.bmp", RED, [2, 2]),
            ("a/10.png", GREEN, [2, 2]),
        ],
        &[
            ("a/.hidden.png", b"no"),
            ("a/notes.txt", b"BM is not enough for a bitmap"),
            ("b/list.csv", b"x"),
            ("c/readme", b"x"),
            ("top.png", b"x"),
        ],
    );
    let images = ImageFolder::open(folder.path()).unwrap();
    assert_eq!(images.class_names(), ["a", "b"]);
    let names: Vec<&str> = images.names().collect();
    assert_eq!(names, ["a/10.png", "a/2.bmp", "b/deep/1.png"]);
    assert_eq!(
        images.notes(),
        [
            "the folder c/ has no images: left out",
            "1 file beside the folders of the classes left out",
            "3 files left out, which are no PNG, JPEG, WebP or BMP images; the first is a/notes.txt",
        ]
    );
    let labels: Vec<u32> = images.images.iter().map(|image| image.label).collect();
    assert_eq!(labels, [0, 0, 1]);
    let set = read(folder.path(), rgb(1, 1)).unwrap();
    assert_eq!(
        set.features_all().as_ref(),
        [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    );
}

#[test]
fn classes_are_numbered_as_in_training() {
    let folder = folder(&[("b/1.png", RED, [1, 1]), ("d/1.png", RED, [1, 1])], &[]);
    let names = ["a", "b", "c", "d"].map(str::to_string);
    let images = ImageFolder::open(folder.path()).unwrap();
    let images = images.with_class_names(&names).unwrap();
    let labels: Vec<u32> = images.images.iter().map(|image| image.label).collect();
    assert_eq!(labels, [1, 3]);
    let images = ImageFolder::open(folder.path()).unwrap();
    let error = error(images.with_class_names(&names[..3]));
    assert!(
        error.ends_with("the folder d/ is none of the 3 classes: a, b, c"),
        "{error}"
    );
}

/// A picture of 4 x 2 pixels: the outer columns are black, the inner ones red and white.
#[test]
fn the_center_is_cropped_and_channels_come_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut image = RgbImage::new(4, 2);
    for y in 0..2 {
        image.put_pixel(1, y, image::Rgb(RED));
        image.put_pixel(2, y, image::Rgb([255; 3]));
    }
    let path = folder.path().join("x.png");
    image.save(&path).unwrap();
    let images = ImageFolder::unlabelled(&[path]).unwrap();
    let set = images.read(rgb(2, 2)).unwrap();
    assert_eq!(set.sample_shape().dims(), [3, 2, 2]);
    assert_eq!(
        set.features_all().as_ref(),
        [1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]
    );
    // Of a format that is wider, the middle rows are used.
    let wide = images.read(rgb(1, 4)).unwrap();
    assert_eq!(wide.row(0).unwrap()[..4], [0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn transparent_parts_are_white_and_gray_stays_exact() {
    let folder = tempfile::tempdir().unwrap();
    let clear = RgbaImage::from_pixel(1, 1, Rgba([255, 0, 0, 0]));
    clear.save(folder.path().join("a.png")).unwrap();
    let half = RgbaImage::from_pixel(1, 1, Rgba([0, 0, 0, 128]));
    half.save(folder.path().join("b.png")).unwrap();
    let gray = GrayImage::from_pixel(1, 1, Luma([77]));
    gray.save(folder.path().join("c.png")).unwrap();
    let images = ImageFolder::unlabelled(&[folder.path().to_path_buf()]).unwrap();
    let format = ImageFormat {
        size: [1, 1],
        color: Color::Gray,
    };
    let set = images.read(format).unwrap();
    let bytes: Vec<f32> = set
        .features_all()
        .iter()
        .map(|v| (v * 255.0).round())
        .collect();
    assert_eq!(bytes, [255.0, 127.0, 77.0]);
}

#[test]
fn formats_follow_from_the_images() {
    let color = folder(
        &[
            ("a/1.png", RED, [30, 500]),
            ("a/2.png", RED, [20, 500]),
            ("b/1.png", RED, [1, 3]),
        ],
        &[],
    );
    let images = ImageFolder::open(color.path()).unwrap();
    assert_eq!(images.usual_format().unwrap(), rgb(24, 64));
    let gray = tempfile::tempdir().unwrap();
    GrayImage::new(28, 28)
        .save(gray.path().join("a.png"))
        .unwrap();
    let images = ImageFolder::unlabelled(&[gray.path().to_path_buf()]).unwrap();
    let format = images.usual_format().unwrap();
    assert_eq!((format.size, format.color), ([28, 28], Color::Gray));
}

#[test]
fn jpeg_and_webp_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg");
    let image = DynamicImage::ImageRgb8(RgbImage::from_pixel(16, 16, image::Rgb(GREEN)));
    image.save(&path).unwrap();
    image.save(folder.path().join("b.webp")).unwrap();
    let images = ImageFolder::unlabelled(&[folder.path().to_path_buf()]).unwrap();
    assert_eq!(images.len(), 2);
    let set = images.read(rgb(1, 1)).unwrap();
    let expected = [0.0, 1.0, 0.0, 0.0, 1.0, 0.0];
    let found = set.features_all();
    let close = found
        .iter()
        .zip(expected)
        .all(|(a, b)| (a - b).abs() < 0.02);
    assert!(close, "{found:?}");
    // Without its end, a JPEG would be decoded with a gray part.
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 2]).unwrap();
    let error = error(images.read(rgb(1, 1)));
    assert!(error.contains("a.jpg: the file is cut short"), "{error}");
}

#[test]
fn all_damaged_images_are_named() {
    let folder = folder(
        &[("a/1.png", RED, [9, 9]), ("b/1.png", RED, [9, 9])],
        &[("a/2.png", b"<html>"), ("b/empty.jpg", b"")],
    );
    let whole = std::fs::read(folder.path().join("a/1.png")).unwrap();
    std::fs::write(folder.path().join("b/cut.png"), &whole[..whole.len() - 20]).unwrap();
    for error in [
        error(read(folder.path(), rgb(8, 8))),
        error(ImageFolder::open(folder.path()).unwrap().usual_format()),
    ] {
        assert!(
            error.contains("3 images cannot be read:\n  a/2.png: it is no PNG"),
            "{error}"
        );
        assert!(error.contains("\n  b/cut.png: "), "{error}");
        assert!(error.contains("\n  b/empty.jpg: it is no PNG"), "{error}");
    }
}

/// A header of 60000 x 60000 pixels must not allocate them.
#[test]
fn a_bomb_is_an_error() {
    let folder = folder(&[("a/1.bmp", RED, [1, 1]), ("b/1.bmp", RED, [1, 1])], &[]);
    let path = folder.path().join("a/1.bmp");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[18..22].copy_from_slice(&60_000u32.to_le_bytes());
    bytes[22..26].copy_from_slice(&60_000u32.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let error = error(read(folder.path(), rgb(8, 8)));
    assert!(
        error.contains(
            "an image cannot be read: a/1.bmp: it has 60000 x 60000 pixels, but at most 268 million"
        ),
        "{error}"
    );
}

#[test]
fn folders_without_classes_say_what_was_found() {
    let (_keep, text) = file("a.txt", b"x");
    let parent = text.parent().unwrap();
    let found = |path: &Path| error(ImageFolder::open(path));
    let expected = "expected one subfolder of images for each class, found ";
    assert!(found(parent).ends_with(&format!("{expected}1 file and no folders")));
    let empty = tempfile::tempdir().unwrap();
    assert!(found(empty.path()).ends_with(&format!("{expected}an empty folder")));
    let flat = folder(&[("1.png", RED, [1, 1]), ("2.png", RED, [1, 1])], &[]);
    assert!(found(flat.path()).ends_with(&format!("{expected}2 images and no folders")));
    let texts = folder(&[], &[("a/1.txt", b"x"), ("b/1.txt", b"x")]);
    assert!(found(texts.path()).ends_with(&format!("{expected}2 folders without images")));
    let outer = folder(
        &[("all/a/1.png", RED, [1, 1]), ("all/b/1.png", RED, [1, 1])],
        &[],
    );
    assert!(found(outer.path()).contains("found only all/, which has folders of its own; use "));
    let split = folder(
        &[
            ("train/a/1.png", RED, [1, 1]),
            ("test/a/1.png", RED, [1, 1]),
        ],
        &[],
    );
    assert!(found(split.path()).ends_with("found the splits of a data set; use its folder train/"));
    let train = ImageFolder::train(split.path());
    assert_eq!(train.unwrap().len(), 1);
    let none = ImageFolder::unlabelled(&[texts.path().to_path_buf()]);
    assert!(error(none).contains("expected images (PNG, JPEG, WebP or BMP), found 2 files"));
    let other = ImageFolder::unlabelled(&[text]);
    assert!(error(other).contains("expected an image (PNG, JPEG, WebP or BMP), found another"));
}

#[test]
fn splits_are_found_by_their_names() {
    let found = folder(
        &[],
        &[("Train/a/x", b""), ("valid/a/x", b""), ("test/a/x", b"")],
    );
    let found = splits(found.path()).unwrap().unwrap();
    assert!(found.train.ends_with("Train"));
    assert!(found.validation.unwrap().ends_with("valid"));
    assert!(found.test.unwrap().ends_with("test"));
    let others: [&[(&str, &[u8])]; 4] = [
        &[("train/x", b""), ("cat/x", b"")],
        &[("train/x", b"")],
        &[("test/x", b""), ("val/x", b"")],
        &[("train/x", b""), ("val/x", b""), ("valid/x", b"")],
    ];
    for other in others {
        let folder = folder(&[], other);
        assert_eq!(splits(folder.path()).unwrap(), None);
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_a_folder_above_is_an_error() {
    let folder = folder(&[("a/1.png", RED, [1, 1])], &[]);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/up")).unwrap();
    let error = error(ImageFolder::open(folder.path()));
    assert!(
        error.contains("is there a link to a folder above it?"),
        "{error}"
    );
}

#[test]
fn the_cache_is_checked() {
    let folder = folder(&[("a/1.png", RED, [1, 1])], &[]);
    let images = ImageFolder::open(folder.path()).unwrap().images;
    let place = tempfile::tempdir().unwrap();
    let place = place.path().join("new");
    let cache = cache::Cache::within(&place, &images, rgb(1, 1)).unwrap();
    assert_eq!(cache.load(3), None);
    let mut pixels = vec![1, 2, 3];
    cache.store(&mut pixels);
    assert_eq!(pixels, [1, 2, 3]);
    assert_eq!(cache.load(3), Some(vec![1, 2, 3]));
    assert_eq!(cache.load(4), None);
    let other = cache::Cache::within(&place, &images, rgb(1, 2)).unwrap();
    assert_eq!(other.load(3), None);

    let stored = std::fs::read_dir(&place)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = std::fs::read(&stored).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&stored, bytes).unwrap();
    assert_eq!(cache.load(3), None);

    std::fs::write(folder.path().join("a/1.png"), b"changed").unwrap();
    let changed = cache::Cache::within(&place, &images, rgb(1, 1)).unwrap();
    changed.store(&mut pixels);
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 2);
}

/// The numbers are those of Pillow 13.0: `image.resize((3, 3), Image.BILINEAR)`, and the first row
/// of `(11, 11)`.
#[test]
fn resizing_is_that_of_pillow() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let image = GrayImage::from_fn(8, 8, |x, y| {
        Luma([((x * x * 3 + y * 17 + x * y * 5) % 256) as u8])
    });
    image.save(&path).unwrap();
    let images = ImageFolder::unlabelled(&[path]).unwrap();
    let resized = |side: usize| -> Vec<f32> {
        let format = ImageFormat {
            size: [side, side],
            color: Color::Gray,
        };
        let set = images.read(format).unwrap();
        set.features_all().iter().map(|v| v * 255.0).collect()
    };
    let close = |found: Vec<f32>, expected: &[f32]| {
        let far = found
            .iter()
            .zip(expected)
            .any(|(a, b)| (a - b).abs() > 1.01);
        assert!(!far, "{found:?} instead of {expected:?}");
    };
    let small = [31.0, 78.0, 152.0, 85.0, 148.0, 147.0, 139.0, 144.0, 136.0];
    close(resized(3), &small);
    let row = [
        0.0, 2.0, 6.0, 13.0, 24.0, 38.0, 54.0, 74.0, 98.0, 124.0, 147.0,
    ];
    close(resized(11), &row);
}
