use super::*;
use crate::data::input::tests::{file, gzip};

fn bytes(magic: [u8; 4], dims: &[u32], data: &[u8]) -> Vec<u8> {
    let dims = dims.iter().flat_map(|d| d.to_be_bytes());
    magic
        .into_iter()
        .chain(dims)
        .chain(data.iter().copied())
        .collect()
}

const IMAGES: [u8; 4] = [0, 0, 8, 3];
const LABELS: [u8; 4] = [0, 0, 8, 1];

fn images() -> Vec<u8> {
    bytes(IMAGES, &[2, 1, 3], &[0, 51, 255, 102, 0, 1])
}

fn labels() -> Vec<u8> {
    bytes(LABELS, &[2], &[3, 0])
}

fn load(images: &[u8], labels: &[u8]) -> Result<Dataset> {
    let (_a, images) = file("images", images);
    let (_b, labels) = file("labels", labels);
    idx(images, labels)
}

/// The error text from the file name on, because the folder differs in every run.
fn refused(images: &[u8], labels: &[u8]) -> String {
    let text = load(images, labels).unwrap_err().to_string();
    text.split_once(std::path::MAIN_SEPARATOR)
        .map_or(text.clone(), |_| {
            let start = text.find("images: ").or(text.find("labels: ")).unwrap();
            text[start..].to_string()
        })
}

#[test]
fn pixels_are_scaled_and_labels_counted() {
    for (images, labels) in [(images(), labels()), (gzip(&images()), gzip(&labels()))] {
        let set = load(&images, &labels).unwrap();
        assert_eq!(set.sample_shape(), &Shape::from([1, 3]));
        let want = [0.0, 0.2, 1.0, 0.4, 0.0, 1.0 / 255.0];
        assert_eq!(set.features_all().as_ref(), want);
        assert_eq!(set.targets_all().as_ref(), &Targets::classes(vec![3, 0], 4));
    }
}

#[test]
fn what_is_no_idx_file_is_refused() {
    assert_eq!(
        refused(&[0, 0], &labels()),
        "images: the file has 2 bytes, but an IDX header has at least 4"
    );
    assert_eq!(
        refused(b"%PDF-1.4", &labels()),
        "images: an IDX file starts with two zero bytes, but this one with 0x25 0x50"
    );
    assert_eq!(
        refused(&bytes([0, 0, 0x0d, 3], &[1, 1, 1], &[0; 4]), &labels()),
        "images: the element type is 0x0d, but only unsigned bytes (0x08) are read"
    );
    assert_eq!(
        refused(&labels(), &images()),
        "images: there are 1 dimensions, but images have 2 to 4; are the images and the labels \
         swapped?"
    );
    assert_eq!(
        refused(&images(), &images()),
        "labels: there are 3 dimensions, but labels have 1; are the images and the labels swapped?"
    );
}

#[test]
fn byte_counts_must_match_the_header() {
    let whole = images();
    assert_eq!(
        refused(&whole[..10], &labels()),
        "images: the header ends after 10 bytes, but one of 3 dimensions has 16"
    );
    assert_eq!(
        refused(&whole[..whole.len() - 1], &labels()),
        "images: the header says [2, 1, 3], which is 6 bytes, but 5 follow"
    );
    assert_eq!(
        refused(&[&whole[..], &[0, 0]].concat(), &labels()),
        "images: the header says [2, 1, 3], which is 6 bytes, but 8 follow"
    );
    assert_eq!(
        refused(&whole, &bytes(LABELS, &[2], &[1])),
        "labels: the header says [2], which is 2 bytes, but 1 follow"
    );
}

/// A few bytes must not make the reader allocate terabytes.
#[test]
fn an_absurd_header_allocates_nothing() {
    let huge = bytes(IMAGES, &[u32::MAX, 1000, 1000], &[1, 2, 3]);
    assert_eq!(
        refused(&huge, &labels()),
        "images: the header says [4294967295, 1000, 1000], which is 4294967295000000 bytes, but 3 \
         follow"
    );
    let overflow = bytes(IMAGES, &[u32::MAX; 3], &[]);
    assert_eq!(
        refused(&overflow, &labels()),
        "images: the header says [4294967295, 4294967295, 4294967295], more bytes than any file can \
         have"
    );
}

#[test]
fn counts_must_agree_and_not_be_zero() {
    let three = bytes(LABELS, &[3], &[0, 1, 2]);
    assert!(
        refused(&images(), &three).starts_with("labels: there are 3 labels for the 2 images of ")
    );
    assert_eq!(
        refused(&bytes(IMAGES, &[0, 28, 28], &[]), &bytes(LABELS, &[0], &[])),
        "images: expected at least one image of at least one pixel, found 0 images of shape [28, 28]"
    );
    assert_eq!(
        refused(&bytes(IMAGES, &[2, 0, 28], &[]), &labels()),
        "images: expected at least one image of at least one pixel, found 2 images of shape [0, 28]"
    );
}

#[test]
fn images_are_read_without_labels() {
    let (_a, path) = file("images", &images());
    let set = idx_images(&path).unwrap();
    assert_eq!(set.len(), 2);
    assert_eq!(
        set.features_all(),
        load(&images(), &labels()).unwrap().features_all()
    );
    assert_eq!(set.classes(), None);
}
