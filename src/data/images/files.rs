//! Finds the images of folders.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::data::entries::Entries;
use crate::error::{Error, Result};

/// The kinds of images that are read, for messages.
pub const KINDS: &str = "PNG, JPEG, WebP or BMP";
/// The extensions of these kinds. A file with one of them is an image, even if it is damaged.
const EXTENSIONS: [&str; 5] = ["png", "jpg", "jpeg", "webp", "bmp"];
/// The depth of folders, so that a link to a folder above itself is an error.
const MAX_DEPTH: usize = 16;

/// The kind of an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ImageKind {
    Png,
    Jpeg,
    WebP,
    Bmp,
}

impl ImageKind {
    /// Returns the kind by the first bytes of a file.
    fn of(start: &[u8]) -> Option<Self> {
        // The size of a BMP's second header; `BM` alone may begin a text.
        const BMP_HEADERS: [u8; 8] = [12, 16, 40, 52, 56, 64, 108, 124];
        let bmp = |start: &[u8]| match start.get(14..18) {
            Some([size, 0, 0, 0]) => start.starts_with(b"BM") && BMP_HEADERS.contains(size),
            _ => false,
        };
        match () {
            () if start.starts_with(b"\x89PNG\r\n\x1a\n") => Some(ImageKind::Png),
            () if start.starts_with(b"\xff\xd8\xff") => Some(ImageKind::Jpeg),
            () if start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP") => {
                Some(ImageKind::WebP)
            }
            () if bmp(start) => Some(ImageKind::Bmp),
            () => None,
        }
    }
}

/// An image that was found.
#[derive(Debug)]
pub struct ImageFile {
    pub path: PathBuf,
    /// The path in messages and predictions.
    pub name: String,
    /// The index of the class.
    pub label: u32,
    /// `None` if only the extension is that of an image.
    pub kind: Option<ImageKind>,
}

impl ImageFile {
    /// Returns a file that was named, which must be an image.
    pub fn named(path: &Path) -> Result<ImageFile> {
        let kind = kind(path)?;
        if kind.is_none() {
            let reason = format!("expected an image ({KINDS}), found another kind of file");
            return Err(Error::data(path.display().to_string(), reason));
        }
        Ok(ImageFile {
            path: path.to_path_buf(),
            name: path.display().to_string(),
            label: 0,
            kind,
        })
    }
}

/// Returns the kind of a file by its content; `None` if it is no image.
pub fn kind(path: &Path) -> Result<Option<ImageKind>> {
    let mut start = Vec::with_capacity(18);
    let file = File::open(path).map_err(Error::io(path, "open"))?;
    file.take(18)
        .read_to_end(&mut start)
        .map_err(Error::io(path, "read"))?;
    Ok(ImageKind::of(&start))
}

/// The files below a folder.
#[derive(Default)]
pub struct Found {
    pub images: Vec<ImageFile>,
    /// The names of other files.
    pub others: Vec<String>,
}

/// Finds the files below a folder, in the order of their paths. Names are relative to `root`.
pub fn below(folder: &Path, root: &Path) -> Result<Found> {
    let mut paths = Vec::new();
    collect(folder, 0, &mut paths)?;
    paths.sort();
    let mut found = Found::default();
    for path in paths {
        let name = path.strip_prefix(root).unwrap_or(&path);
        let name = name.display().to_string().replace('\\', "/");
        let kind = kind(&path)?;
        if kind.is_none() && !EXTENSIONS.contains(&extension(&path).as_str()) {
            found.others.push(name);
            continue;
        }
        found.images.push(ImageFile {
            path,
            name,
            label: 0,
            kind,
        });
    }
    Ok(found)
}

fn collect(folder: &Path, depth: usize, out: &mut Vec<PathBuf>) -> Result<()> {
    if depth > MAX_DEPTH {
        let reason = format!(
            "expected at most {MAX_DEPTH} folders inside each other; is there a link to a folder \
             above it?"
        );
        return Err(Error::data(folder.display().to_string(), reason));
    }
    let entries = Entries::of(folder)?;
    // A pipe or a socket has no end.
    out.extend(entries.files.into_iter().filter(|file| file.is_file()));
    entries
        .folders
        .iter()
        .try_for_each(|folder| collect(folder, depth + 1, out))
}

fn extension(path: &Path) -> String {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.unwrap_or_default().to_ascii_lowercase()
}

/// Returns the last part of a path.
pub fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Formats a number with a noun, such as `1 file` or `2 files`.
pub fn several(n: usize, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}

/// Returns a note on files that are no images.
pub fn left_out(others: &[String]) -> Option<String> {
    let first = others.first()?;
    Some(match others.len() {
        1 => format!("1 file left out, which is no {KINDS} image: {first}"),
        n => format!("{n} files left out, which are no {KINDS} images; the first is {first}"),
    })
}

/// The folders of a data set that is split already.
#[derive(Debug, PartialEq)]
pub struct Splits {
    pub train: PathBuf,
    pub validation: Option<PathBuf>,
    pub test: Option<PathBuf>,
}

/// Returns the folders of the splits, if a folder has only `train` and `test`, `val`, `valid` or
/// `validation` as its subfolders.
pub fn splits(path: &Path) -> Result<Option<Splits>> {
    let (mut train, mut validation, mut test) = (None, None, None);
    for folder in Entries::of(path)?.folders {
        let place = match name(&folder).to_lowercase().as_str() {
            "train" => &mut train,
            "val" | "valid" | "validation" => &mut validation,
            "test" => &mut test,
            _ => return Ok(None),
        };
        if place.replace(folder).is_some() {
            return Ok(None);
        }
    }
    Ok(match (train, &validation, &test) {
        (None, ..) | (_, None, None) => None,
        (Some(train), ..) => Some(Splits {
            train,
            validation,
            test,
        }),
    })
}
