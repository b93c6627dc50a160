//! A folder of images by class.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Color, ImageFormat};
use crate::nn::Pair;
use crate::schema::range;

/// A folder with one subfolder of images (PNG, JPEG, WebP, BMP) for each class. If it has only the
/// subfolders `train`, `test` and `val` (or `valid`, `validation`), each with a folder for each
/// class, these are the splits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImagesSpec {
    /// The folder.
    #[schemars(with = "range::Text", extend("examples" = ["photos"]))]
    pub path: PathBuf,
    /// A second folder for the test, with the same classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub test_path: Option<PathBuf>,
    /// The height and the width of a sample, in pixels. Default: the size that all training
    /// images have, or the medians, rounded to multiples of 8; at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Pair<1>>")]
    pub size: Option<Pair>,
    /// The channels of a sample. Default: `"gray"` if all training images are gray.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
}

impl ImagesSpec {
    /// Returns the format of the samples, if both settings are set.
    pub fn format(&self) -> Option<ImageFormat> {
        Some(ImageFormat {
            size: self.size?.into(),
            color: self.color?,
        })
    }
}
