//! The data of a training on a folder of images.

use std::path::Path;

use super::dataset::{Datasets, Given, divide};
use super::preprocessing::Preprocessing;
use crate::data::{self, Dataset, ImageFolder, ImageFormat};
use crate::nn::Pair;
use crate::spec::{Config, DataSource, ImagesSpec};
use crate::task::Task;
use crate::{Error, Result};

/// Reads and splits the images, and sets the settings that follow from them: the format and the
/// fractions of the splits.
pub(super) fn datasets(spec: &ImagesSpec, config: &mut Config) -> Result<Datasets> {
    config.settle(Task::Classification)?;
    if config.data.task != Some(Task::Classification) {
        let reason = "a folder of images has classes, so the task is classification";
        return Err(Error::data(spec.path.display().to_string(), reason));
    }
    let splits = match spec.path.is_dir() {
        true => data::image_splits(&spec.path)?,
        false => None,
    };
    let (path, validation, test) = match &splits {
        Some(splits) => (
            splits.train.as_path(),
            splits.validation.as_deref(),
            splits.test.as_deref(),
        ),
        None => (spec.path.as_path(), None, None),
    };
    let test = match (test, spec.test_path.as_deref()) {
        (Some(inner), Some(given)) => {
            let expected = format!("it left out, because there is {}", inner.display());
            return Err(Error::argument("test_path", given.display(), expected));
        }
        (inner, given) => inner.or(given),
    };
    let fraction = match (test, config.data.test_split) {
        (Some(test), Some(fraction)) if fraction > 0.0 => {
            let expected = format!("0, because the test images are in {}", test.display());
            return Err(Error::argument("test_split", fraction, expected));
        }
        (Some(_), _) => 0.0,
        (None, _) => config.data.test_split(),
    };
    config.data.test_split = Some(fraction);

    let mut notes = Vec::new();
    let train = found(path, None, &mut notes)?;
    let classes = train.class_names().to_vec();
    if let [only] = classes.as_slice() {
        let reason =
            format!("all samples are of one class, {only:?}; there is nothing to tell apart");
        return Err(Error::data(path.display().to_string(), reason));
    }
    let validation = validation.map(|path| found(path, Some(&classes), &mut notes));
    let test = test.map(|path| found(path, Some(&classes), &mut notes));
    let (validation, test) = (validation.transpose()?, test.transpose()?);
    if validation.is_some() {
        config.data.validation_split = 0.0;
    }
    let format = match spec.format() {
        Some(format) => format,
        None => {
            let usual = train.usual_format()?;
            let format = ImageFormat {
                size: spec.size.map_or(usual.size, Into::into),
                color: spec.color.unwrap_or(usual.color),
            };
            notes.push(chosen(spec, format));
            format
        }
    };
    if let DataSource::Images(spec) = &mut config.data.source {
        spec.size = Some(Pair::from(format.size));
        spec.color = Some(format.color);
    }
    let read = |folder: ImageFolder| folder.read(format);
    let given = Given {
        validation: validation.map(read).transpose()?,
        test: test.map(read).transpose()?,
    };
    divide(read(train)?, given, config, notes)
}

fn found(path: &Path, classes: Option<&[String]>, notes: &mut Vec<String>) -> Result<ImageFolder> {
    let folder = ImageFolder::open(path)?;
    notes.extend(folder.notes().iter().cloned());
    match classes {
        Some(classes) => folder.with_class_names(classes),
        None => Ok(folder),
    }
}

/// Returns the note on the settings that were chosen.
fn chosen(spec: &ImagesSpec, format: ImageFormat) -> String {
    let [height, width] = format.size;
    let color = match format.color.channels() {
        1 => "gray",
        _ => "rgb",
    };
    let size = format!("size = [{height}, {width}]");
    let color = format!("color = {color:?}");
    let both = match (spec.size, spec.color) {
        (None, None) => format!("{size} and {color}"),
        (None, Some(_)) => size,
        (Some(_), _) => color,
    };
    format!("{both} chosen by the images; set it in [data] to change it")
}

/// Returns the format of a run's samples.
fn trained(preprocessing: &Preprocessing) -> Result<ImageFormat> {
    ImageFormat::of_shape(&preprocessing.sample_shape)
        .ok_or_else(|| Error::model("the run", "its samples are no images"))
}

/// Reads images with the classes of the training data.
pub(super) fn labelled(preprocessing: &Preprocessing, path: &Path) -> Result<Dataset> {
    let folder = ImageFolder::open(path)?.with_class_names(&preprocessing.classes)?;
    folder.read(trained(preprocessing)?)
}

/// Reads images without classes.
pub(super) fn unlabelled(preprocessing: &Preprocessing, images: &ImageFolder) -> Result<Dataset> {
    images.read(trained(preprocessing)?)
}
