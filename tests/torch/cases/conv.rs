//! Convolution, pooling and resampling of images and sequences.

use wgrad::nn::{
    AdaptiveAvgPool2d, AvgPool1d, AvgPool2d, Conv1d, Conv2d, ConvTranspose2d, Flatten, Linear,
    MaxPool1d, MaxPool2d, Sequential, Sigmoid, Tanh, Upsample,
};

use crate::case::{Case, layer};

pub fn cases() -> Vec<Case> {
    let mut cases = convolutions();
    cases.extend(pools());
    cases.extend([
        layer("upsample_nearest", || Upsample::new(2)),
        layer("upsample_nearest_rectangle", || Upsample::new([3, 2])),
        layer("upsample_nearest_to", || Upsample::to([7, 10])),
        layer("upsample_nearest_smaller", || Upsample::to([4, 3])),
        layer("upsample_bilinear", || Upsample::new(2).bilinear()),
        layer("upsample_bilinear_to", || Upsample::to([7, 10]).bilinear()),
        layer("upsample_bilinear_smaller", || {
            Upsample::to([4, 2]).bilinear()
        }),
        layer("upsample_bilinear_corners", || {
            Upsample::new(3).bilinear_align_corners()
        }),
        layer("upsample_bilinear_corners_to", || {
            Upsample::to([7, 1]).bilinear_align_corners()
        }),
        layer("cnn", || {
            Sequential::new()
                .add(Conv2d::new(1, 4, 3))
                .add(Tanh)
                .add(Conv2d::new(4, 3, 3).stride(2))
                .add(Tanh)
                .add(AvgPool2d::new(2))
                .add(Flatten)
                .add(Linear::new(12, 5))
        }),
        layer("upward", || {
            Sequential::new()
                .add(ConvTranspose2d::new(3, 4, 3).stride(2))
                .add(Sigmoid)
                .add(Upsample::new(2).bilinear())
                .add(Conv2d::new(4, 1, 3).padding(1))
        }),
    ]);
    cases
}

fn convolutions() -> Vec<Case> {
    vec![
        layer("conv2d", || Conv2d::new(3, 4, 3)),
        layer("conv2d_without_bias", || {
            Conv2d::new(2, 3, 3).without_bias()
        }),
        layer("conv2d_rectangle", || Conv2d::new(2, 3, [3, 5])),
        layer("conv2d_pointwise", || Conv2d::new(5, 2, 1)),
        layer("conv2d_padded", || Conv2d::new(2, 3, 3).padding(1)),
        layer("conv2d_strided", || {
            Conv2d::new(2, 3, 3).stride(2).padding(1)
        }),
        layer("conv2d_strided_unevenly", || {
            Conv2d::new(2, 2, [2, 3]).stride([3, 2]).padding([1, 0])
        }),
        layer("conv2d_dilated", || Conv2d::new(2, 2, 3).dilation(2)),
        layer("conv2d_grouped", || {
            Conv2d::new(4, 6, 3).groups(2).padding(1)
        }),
        layer("conv2d_depthwise", || {
            Conv2d::new(4, 4, 3).groups(4).padding(1)
        }),
        layer("conv2d_depthwise_twice", || {
            Conv2d::new(3, 6, 3).groups(3).stride(2)
        }),
        layer("conv2d_everything", || {
            Conv2d::new(4, 2, [3, 2])
                .stride([2, 1])
                .padding([2, 1])
                .dilation([1, 3])
                .groups(2)
        }),
        layer("conv2d_one", || Conv2d::new(1, 1, 1)),
        layer("conv2d_split", || Conv2d::new(1, 2, 3)),
        layer("conv1d", || Conv1d::new(3, 4, 3)),
        layer("conv1d_options", || {
            Conv1d::new(4, 6, 3)
                .stride(2)
                .padding(2)
                .dilation(2)
                .groups(2)
        }),
        layer("conv1d_without_bias", || {
            Conv1d::new(2, 3, 5).without_bias()
        }),
        layer("conv1d_one", || Conv1d::new(2, 1, 1)),
        layer("conv_transpose2d", || ConvTranspose2d::new(3, 2, 3)),
        layer("conv_transpose2d_twice", || {
            ConvTranspose2d::new(2, 3, 2).stride(2)
        }),
        layer("conv_transpose2d_output_padding", || {
            ConvTranspose2d::new(2, 3, 3)
                .stride(2)
                .padding(1)
                .output_padding(1)
        }),
        layer("conv_transpose2d_everything", || {
            ConvTranspose2d::new(4, 2, [3, 2])
                .stride([2, 3])
                .padding([1, 0])
                .output_padding([0, 2])
                .dilation([2, 1])
                .groups(2)
        }),
        layer("conv_transpose2d_without_bias", || {
            ConvTranspose2d::new(1, 2, [1, 3]).without_bias()
        }),
    ]
}

fn pools() -> Vec<Case> {
    vec![
        layer("max_pool2d", || MaxPool2d::new(2)),
        layer("max_pool2d_odd", || MaxPool2d::new(2)),
        layer("max_pool2d_overlapping", || {
            MaxPool2d::new(3).stride(2).padding(1)
        }),
        layer("max_pool2d_everything", || {
            MaxPool2d::new([3, 2])
                .stride([1, 2])
                .padding([1, 0])
                .dilation([2, 3])
        }),
        layer("max_pool2d_equals", || MaxPool2d::new(2).stride(1)),
        layer("max_pool2d_equals_apart", || MaxPool2d::new(2)),
        layer("max_pool1d", || MaxPool1d::new(3)),
        layer("max_pool1d_options", || {
            MaxPool1d::new(3).stride(2).padding(1).dilation(2)
        }),
        layer("avg_pool2d", || AvgPool2d::new(2)),
        layer("avg_pool2d_padded", || {
            AvgPool2d::new(3).stride(2).padding(1)
        }),
        layer("avg_pool2d_without_padding", || {
            AvgPool2d::new([3, 4])
                .stride([1, 2])
                .padding([1, 2])
                .without_counting_padding()
        }),
        layer("avg_pool1d", || AvgPool1d::new(3).stride(2).padding(1)),
        layer("avg_pool1d_without_padding", || {
            AvgPool1d::new(2)
                .stride(1)
                .padding(1)
                .without_counting_padding()
        }),
        layer("adaptive_avg_pool2d", || AdaptiveAvgPool2d::new(1)),
        layer("adaptive_avg_pool2d_uneven", || {
            AdaptiveAvgPool2d::new([3, 4])
        }),
        layer("adaptive_avg_pool2d_larger", || {
            AdaptiveAvgPool2d::new([5, 4])
        }),
    ]
}
