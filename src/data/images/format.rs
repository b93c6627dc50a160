//! The format of the samples that images become.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The channels of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// Three channels: red, green and blue.
    Rgb,
    /// One channel, the luminance.
    Gray,
}

impl Color {
    /// Returns the number of channels.
    pub fn channels(self) -> usize {
        match self {
            Color::Rgb => 3,
            Color::Gray => 1,
        }
    }
}

/// The shape of the samples that images become.
///
/// # Example
/// ```
/// use wgrad::data::{Color, ImageFormat};
///
/// let format = ImageFormat { size: [24, 32], color: Color::Rgb };
/// assert_eq!(format.sample_shape(), [3, 24, 32]);
/// assert_eq!(ImageFormat::of_shape(&[3, 24, 32]), Some(format));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageFormat {
    /// The height and the width, in pixels.
    pub size: [usize; 2],
    /// The channels.
    pub color: Color,
}

impl ImageFormat {
    /// Returns the shape of a sample, `[channels, height, width]`.
    pub fn sample_shape(self) -> [usize; 3] {
        let [height, width] = self.size;
        [self.color.channels(), height, width]
    }

    /// Returns the format of samples of this shape; `None` if it is not that of an image.
    pub fn of_shape(shape: &[usize]) -> Option<Self> {
        let &[channels, height, width] = shape else {
            return None;
        };
        let colors = [Color::Rgb, Color::Gray];
        let color = colors.into_iter().find(|c| c.channels() == channels)?;
        Some(ImageFormat {
            size: [height, width],
            color,
        })
    }
}
