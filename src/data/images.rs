//! Images in folders: PNG, JPEG, WebP and BMP.
//!
//! Every image becomes a sample of bytes, `[channels, height, width]`. Images are decoded on all
//! threads, each into its own place, so the order is that of the file names.

mod cache;
#[cfg(feature = "images")]
mod decode;
#[cfg(not(feature = "images"))]
#[path = "images/no_decode.rs"]
mod decode;
mod files;
mod format;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use files::ImageFile;
pub(crate) use files::splits;
pub use format::{Color, ImageFormat};

use super::dataset::Dataset;
use super::entries::Entries;
use super::targets::Targets;
use crate::error::{Error, Result};

/// The largest height and width of a sample.
const MAX_SIDE: usize = 4096;
/// The largest height and width that are chosen by default.
const MAX_DEFAULT_SIDE: usize = 64;
/// A side that is chosen by default is a multiple of this, so that it can be halved three times.
const SIDE_STEP: usize = 8;
/// The number of files that an error names.
const NAMED: usize = 20;

/// The images of a folder, found but not read.
///
/// PNG, JPEG, WebP and BMP are recognized by the content. Hidden files are skipped.
///
/// # Example
/// ```no_run
/// use wgrad::data::ImageFolder;
///
/// let images = ImageFolder::open("photos")?; // photos/cat/1.jpg, photos/dog/1.jpg, ...
/// let set = images.read(images.usual_format()?)?;
/// println!("{} images of {:?}: {}", set.len(), set.class_names(), set.sample_shape());
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Debug)]
pub struct ImageFolder {
    place: String,
    images: Vec<ImageFile>,
    /// The classes in the order of the labels; empty without classes.
    classes: Vec<String>,
    notes: Vec<String>,
}

impl ImageFolder {
    /// Finds the images of a folder that has one subfolder for each class. The subfolders are read
    /// with all folders below them. A subfolder without images is left out, and so are other files
    /// than images, each with a [note](ImageFolder::notes).
    ///
    /// # Errors
    ///
    /// Returns an error if a folder cannot be read, or there are no classes.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let place = path.display().to_string();
        let entries = Entries::of(path)?;
        let mut folder = ImageFolder {
            place,
            images: Vec::new(),
            classes: Vec::new(),
            notes: Vec::new(),
        };
        if entries.folders.is_empty() {
            return Err(folder.without_classes(&entries));
        }
        if let Some(splits) = splits(path)? {
            let train = files::name(&splits.train);
            return Err(folder.error(format!(
                "expected one subfolder of images for each class, found the splits of a data set; \
                 use its folder {train}/"
            )));
        }
        let mut others = Vec::new();
        for inner in &entries.folders {
            let found = files::below(inner, path)?;
            others.extend(found.others);
            if found.images.is_empty() {
                let name = files::name(inner);
                let note = format!("the folder {name}/ has no images: left out");
                folder.notes.push(note);
                continue;
            }
            let label = folder.classes.len() as u32;
            folder.classes.push(files::name(inner));
            let images = found.images.into_iter();
            let images = images.map(|image| ImageFile { label, ..image });
            folder.images.extend(images);
        }
        if folder.images.is_empty() {
            return Err(folder.error(format!(
                "expected one subfolder of images for each class, found {} without images",
                files::several(entries.folders.len(), "folder")
            )));
        }
        if let ([only], [inner]) = (folder.classes.as_slice(), entries.folders.as_slice())
            && !Entries::of(inner)?.folders.is_empty()
        {
            return Err(folder.error(format!(
                "expected one subfolder of images for each class, found only {only}/, which has \
                 folders of its own; use {}",
                inner.display()
            )));
        }
        if !entries.files.is_empty() {
            let files = files::several(entries.files.len(), "file");
            let note = format!("{files} beside the folders of the classes left out");
            folder.notes.push(note);
        }
        folder.notes.extend(files::left_out(&others));
        Ok(folder)
    }

    /// Finds the images for the training: those of the subfolder `train` if the folder has splits,
    /// and otherwise all.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`ImageFolder::open`].
    pub fn train(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        match splits(path)? {
            Some(splits) => ImageFolder::open(splits.train),
            None => ImageFolder::open(path),
        }
    }

    /// Finds images without classes: files, and all images below folders, in the order of their
    /// names. Other files in the folders are left out with a note.
    ///
    /// # Errors
    ///
    /// Returns an error if a folder cannot be read, there are no images, or a file that is named is
    /// no image.
    pub fn unlabelled(paths: &[PathBuf]) -> Result<Self> {
        let mut folder = ImageFolder {
            place: match paths {
                [path] => path.display().to_string(),
                _ => "the images".to_string(),
            },
            images: Vec::new(),
            classes: Vec::new(),
            notes: Vec::new(),
        };
        let mut others = Vec::new();
        for path in paths {
            if path.is_dir() {
                let found = files::below(path, Path::new(""))?;
                others.extend(found.others);
                folder.images.extend(found.images);
            } else {
                folder.images.push(ImageFile::named(path)?);
            }
        }
        if folder.images.is_empty() {
            let found = match others.len() {
                0 => "no files".to_string(),
                n => format!("{} of other kinds", files::several(n, "file")),
            };
            let reason = format!("expected images ({}), found {found}", files::KINDS);
            return Err(folder.error(reason));
        }
        folder.notes.extend(files::left_out(&others));
        Ok(folder)
    }

    /// Returns the number of images, at least 1.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Returns `false`: a folder without images is an error.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Returns the names of the files, in the order of the samples.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.images.iter().map(|image| image.name.as_str())
    }

    /// Returns the names of the classes, in the order of the labels; empty without classes.
    pub fn class_names(&self) -> &[String] {
        &self.classes
    }

    /// Returns what was left out, for the user.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Numbers the classes as in `names`, which may have more of them.
    ///
    /// # Errors
    ///
    /// Returns an error if a class is not in `names`.
    pub fn with_class_names(mut self, names: &[String]) -> Result<Self> {
        let mut labels = Vec::new();
        for class in &self.classes {
            let Some(label) = names.iter().position(|name| name == class) else {
                let known = names.get(..NAMED).unwrap_or(names).join(", ");
                let more = if names.len() > NAMED { ", ..." } else { "" };
                return Err(self.error(format!(
                    "the folder {class}/ is none of the {} classes: {known}{more}",
                    names.len()
                )));
            };
            labels.push(label as u32);
        }
        for image in &mut self.images {
            if let Some(label) = labels.get(image.label as usize) {
                image.label = *label;
            }
        }
        self.classes = names.to_vec();
        Ok(self)
    }

    /// Returns the format that suits the images: the size that all have, if it is at most 64 pixels
    /// in both directions; otherwise the medians of their heights and widths, rounded to multiples
    /// of 8 and at most 64; and gray if all files are gray.
    ///
    /// # Errors
    ///
    /// Returns an error that names the images that are damaged.
    pub fn usual_format(&self) -> Result<ImageFormat> {
        let probe = |image: &ImageFile| decode::probe(&image.path, image.kind);
        let found: Vec<_> = self.images.par_iter().map(probe).collect();
        if found.iter().any(|found| found.is_err()) {
            // Reading finds all damaged images, not only those whose header is.
            let small = ImageFormat {
                size: [SIDE_STEP; 2],
                color: Color::Gray,
            };
            self.read(small)?;
            let failed = found.into_iter().map(|found| found.map(|_| ()));
            return Err(self.damaged(failed.collect()));
        }
        let found: Vec<decode::Probe> = found.into_iter().flatten().collect();
        let side = |of: fn(&decode::Probe) -> usize| {
            let mut sides: Vec<usize> = found.iter().map(of).collect();
            sides.sort_unstable();
            let median = sides.get(sides.len() / 2).copied().unwrap_or(SIDE_STEP);
            let steps = (median + SIDE_STEP / 2) / SIDE_STEP;
            (steps * SIDE_STEP).clamp(SIDE_STEP, MAX_DEFAULT_SIDE)
        };
        let mut sizes = found.iter().map(|image| [image.height, image.width]);
        let first = sizes.next().unwrap_or([SIDE_STEP; 2]);
        let common =
            sizes.all(|size| size == first) && first.iter().all(|n| *n <= MAX_DEFAULT_SIDE);
        let size = match common {
            true => first,
            false => [side(|image| image.height), side(|image| image.width)],
        };
        let color = match found.iter().all(|image| image.gray) {
            true => Color::Gray,
            false => Color::Rgb,
        };
        Ok(ImageFormat { size, color })
    }

    /// Reads the images as samples of bytes, `[channels, height, width]`. Of each image, the
    /// largest centered part with the proportions of `format.size` is resized. Transparent parts
    /// become white.
    ///
    /// The bytes of a folder with classes are stored in the user's cache folder, or in that of
    /// `WGRAD_CACHE_DIR`, and read from there as long as no file has changed. An empty
    /// `WGRAD_CACHE_DIR` disables this.
    ///
    /// # Errors
    ///
    /// Returns an error that names all images that are damaged or too large, or an error if there
    /// is too little memory.
    pub fn read(&self, format: ImageFormat) -> Result<Dataset> {
        let shape = format.sample_shape();
        if format
            .size
            .iter()
            .any(|side| !(1..=MAX_SIDE).contains(side))
        {
            let [height, width] = format.size;
            return Err(Error::argument(
                "the size of the images",
                format!("[{height}, {width}]"),
                format!("1 to {MAX_SIDE} pixels each"),
            ));
        }
        let sample: usize = shape.iter().product();
        let cache = match self.classes.is_empty() {
            true => None,
            false => cache::Cache::of(&self.images, format),
        };
        let stored = cache
            .as_ref()
            .and_then(|c| c.load(sample * self.images.len()));
        let pixels = match stored {
            Some(pixels) => pixels,
            None => {
                let mut pixels = self.decode(format, sample)?;
                if let Some(cache) = cache {
                    cache.store(&mut pixels);
                }
                pixels
            }
        };
        let targets = match self.classes.as_slice() {
            [] => Targets::Unlabelled,
            names => Targets::Classes {
                labels: self.images.iter().map(|image| image.label).collect(),
                names: names.to_vec(),
            },
        };
        Dataset::from_bytes(pixels, shape, targets)
    }

    fn decode(&self, format: ImageFormat, sample: usize) -> Result<Vec<u8>> {
        let bytes = sample.checked_mul(self.images.len());
        let mut pixels = Vec::new();
        let reserved = bytes.is_some_and(|n| pixels.try_reserve_exact(n + cache::TRAILER).is_ok());
        if !reserved {
            let n = self.images.len();
            let reason = format!("{n} samples of {sample} bytes do not fit in memory");
            return Err(self.error(reason));
        }
        pixels.resize(bytes.unwrap_or(0), 0);
        let places = pixels.par_chunks_exact_mut(sample);
        let decoded = places.zip(&self.images).map(|(place, image)| {
            // Each thread needs the memory of one whole image at a time.
            decode::decode(&image.path, image.kind, format, place)
        });
        let decoded: Vec<std::result::Result<(), String>> = decoded.collect();
        match decoded.iter().all(|result| result.is_ok()) {
            true => Ok(pixels),
            false => Err(self.damaged(decoded)),
        }
    }

    /// Returns an error that names the images that failed.
    fn damaged(&self, results: Vec<std::result::Result<(), String>>) -> Error {
        let failed = results.into_iter().zip(&self.images);
        let failed = failed.filter_map(|(result, image)| Some((result.err()?, &image.name)));
        let failed: Vec<String> = failed.map(|(e, name)| format!("{name}: {e}")).collect();
        let more = match failed.len().saturating_sub(NAMED) {
            0 => String::new(),
            n => format!("\n  and {n} more"),
        };
        let reason = match failed.as_slice() {
            [only] => format!("an image cannot be read: {only}"),
            failed => format!(
                "{} images cannot be read:\n  {}{more}",
                failed.len(),
                failed.get(..NAMED).unwrap_or(failed).join("\n  ")
            ),
        };
        self.error(reason)
    }

    /// Returns the error of a folder that has no subfolders.
    fn without_classes(&self, entries: &Entries) -> Error {
        let is_image = |path: &&PathBuf| files::kind(path).is_ok_and(|kind| kind.is_some());
        let images = entries.files.iter().filter(is_image).count();
        let found = match (entries.files.len(), images) {
            (0, _) => "an empty folder".to_string(),
            (n, 0) => format!("{} and no folders", files::several(n, "file")),
            (_, n) => format!("{} and no folders", files::several(n, "image")),
        };
        self.error(format!(
            "expected one subfolder of images for each class, found {found}"
        ))
    }

    fn error(&self, reason: String) -> Error {
        Error::data(&self.place, reason)
    }
}

#[cfg(all(test, feature = "images"))]
#[path = "images/tests.rs"]
mod tests;
