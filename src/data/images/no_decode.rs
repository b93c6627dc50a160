//! Refuses images, without the feature `images`.

use std::path::Path;

use super::ImageFormat;
use super::files::ImageKind;

const REASON: &str = "build wgrad with the feature \"images\" to read it";

/// The header of an image.
pub struct Probe {
    pub height: usize,
    pub width: usize,
    pub gray: bool,
}

pub fn probe(_: &Path, _: Option<ImageKind>) -> Result<Probe, String> {
    Err(REASON.to_string())
}

pub fn decode(_: &Path, _: Option<ImageKind>, _: ImageFormat, _: &mut [u8]) -> Result<(), String> {
    Err(REASON.to_string())
}
