//! Errors in layers of images: each names the layer, the shapes, and the user's line.

use wgrad::data::{Dataset, Targets};
use wgrad::nn::{
    AvgPool2d, Conv1d, Conv2d, ConvTranspose2d, MaxPool2d, Module, Sequential, Upsample,
};
use wgrad::{Device, Trainer};

/// Returns the error of compiling `layer`, which is in the line before this call, for images of
/// this shape.
#[track_caller]
fn error(layer: impl Module + 'static, shape: &[usize]) -> String {
    let n = shape.iter().product::<usize>();
    let set = Dataset::from_arrays(vec![0.5; 2 * n], shape, Targets::classes(vec![0, 1], 2));
    let model = Sequential::new().add(layer);
    let compiled = Trainer::new(model).compile(&Device::cpu(), &set.expect("a data set"));
    compiled.err().expect("it compiled").to_string()
}

#[track_caller]
fn says(error: &str, line: u32, parts: &[&str]) {
    let at = format!("tests/training/mistakes_of_images.rs:{line}");
    for part in parts.iter().chain(&[at.as_str(), "layer 0"]) {
        assert!(error.contains(part), "no {part:?} in:\n{error}");
    }
}

#[test]
fn a_kernel_larger_than_the_image() {
    let (line, layer) = (line!(), Conv2d::new(3, 8, 5).padding(1));
    let error = error(layer, &[3, 2, 9]);
    let reason = "the kernel's height is 5, but the images' is only 4 with padding";
    says(
        &error,
        line,
        &[reason, "f32[2, 3, 2, 9]", "f32[8, 3, 5, 5]"],
    );
}

#[test]
fn channels_that_do_not_fall_into_groups() {
    let (line, layer) = (line!(), Conv2d::new(6, 8, 3).groups(4));
    let error = error(layer, &[6, 9, 9]);
    let reason = "6 input and 8 output channels do not both fall into 4 groups";
    says(&error, line, &["conv2d", reason, "f32[2, 6, 9, 9]"]);
}

#[test]
fn no_groups() {
    let (line, layer) = (line!(), Conv2d::new(6, 8, 3).groups(0));
    let error = error(layer, &[6, 9, 9]);
    says(&error, line, &["there must be at least 1 group"]);
}

#[test]
fn no_stride() {
    let (line, layer) = (line!(), Conv2d::new(1, 8, 3).stride([1, 0]));
    let error = error(layer, &[1, 9, 9]);
    says(&error, line, &["the stride must be at least 1"]);
}

#[test]
fn the_wrong_number_of_channels() {
    let (line, layer) = (line!(), Conv2d::new(3, 8, 3));
    let error = error(layer, &[1, 9, 9]);
    let reason = "the layer takes [n, 3, h, w], but there are 1 channels";
    says(&error, line, &[reason, "f32[2, 1, 9, 9]"]);
}

#[test]
fn an_image_without_channels() {
    let (line, layer) = (line!(), Conv2d::new(1, 8, 3));
    let error = error(layer, &[9, 9]);
    says(&error, line, &["the layer takes [n, 1, h, w], not 3 axes"]);
}

#[test]
fn a_sequence_shorter_than_the_kernel() {
    let (line, layer) = (line!(), Conv1d::new(2, 8, 3).dilation(4));
    let error = error(layer, &[2, 8]);
    let reason = "the kernel's width is 9 with its dilation, but the images' is only 8";
    says(&error, line, &[reason]);
}

#[test]
fn nothing_left_of_a_transposed_convolution() {
    let (line, layer) = (line!(), ConvTranspose2d::new(1, 2, 3).padding(4));
    let error = error(layer, &[1, 5, 5]);
    let reason = "nothing is left of the output's height after padding 8 is cut off";
    says(&error, line, &["conv_transpose2d", reason]);
}

#[test]
fn more_output_padding_than_stride() {
    let (line, layer) = (line!(), ConvTranspose2d::new(1, 2, 3).output_padding(1));
    let error = error(layer, &[1, 5, 5]);
    let reason = "the output padding is 1, but must be smaller than the stride, 1";
    says(&error, line, &[reason]);
}

#[test]
fn pools_larger_than_the_image() {
    let (line, layer) = (line!(), MaxPool2d::new([2, 3]));
    let reason = "the kernel's width is 3, but the images' is only 2";
    let message = error(layer, &[1, 5, 2]);
    assert!(message.contains(reason), "{message}");
    assert!(
        message.contains(&format!("mistakes_of_images.rs:{line}")),
        "{message}"
    );
    let (line, layer) = (line!(), AvgPool2d::new(2).padding(2));
    let message = error(layer, &[1, 5, 5]);
    assert!(message.contains("at most half"), "{message}");
    assert!(
        message.contains(&format!("mistakes_of_images.rs:{line}")),
        "{message}"
    );
}

#[test]
fn an_enlargement_to_nothing() {
    let (line, layer) = (line!(), Upsample::new(0));
    let message = error(layer, &[1, 5, 5]);
    assert!(message.contains("empty"), "{message}");
    assert!(
        message.contains(&format!("mistakes_of_images.rs:{line}")),
        "{message}"
    );
}
