//! Features of samples in a file, for data sets that are larger than memory.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::dataset::Dataset;
use super::features::Features;
use super::targets::Targets;
use crate::error::{Error, Result};
use crate::shape::Shape;

/// The bytes that are written at a time.
const BUFFER: usize = 1 << 20;

/// Distinguishes the files of a process.
static FILES: AtomicU64 = AtomicU64::new(0);

/// Writes the features of samples to a file as they come, for a data set that is larger than
/// memory.
///
/// The samples of the data set are read by position in each batch, so any order of the samples is
/// possible, as for a data set in memory. The targets stay in memory. The file has no name in the
/// file system after its creation (on Windows, it is removed when it is closed), so that nothing
/// remains of it, also after a crash.
///
/// # Example
/// ```
/// use wgrad::data::{DatasetWriter, Targets};
///
/// let folder = std::env::temp_dir();
/// let mut writer = DatasetWriter::create(&folder, [2])?;
/// writer.push(&[1.0, 2.0])?;
/// writer.push(&[3.0, 4.0, 5.0, 6.0])?;
/// let set = writer.finish(Targets::values(vec![0.0, 1.0, 0.0]))?;
/// assert_eq!(set.row(2).as_deref(), Some(&[5.0, 6.0][..]));
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct DatasetWriter {
    file: BufWriter<File>,
    path: PathBuf,
    sample_shape: Shape,
    names: Vec<String>,
    len: usize,
}

impl DatasetWriter {
    /// Creates the file in a folder, which has the space for `4 n` bytes for each of the `n`
    /// elements of all samples.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be created.
    pub fn create(folder: impl AsRef<Path>, sample_shape: impl Into<Shape>) -> Result<Self> {
        let folder = folder.as_ref();
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".wgrad-{}-{number}.rows", std::process::id()));
        let file = create(&path).map_err(Error::io(&path, "create"))?;
        Ok(DatasetWriter {
            file: BufWriter::with_capacity(BUFFER, file),
            path,
            sample_shape: sample_shape.into(),
            names: Vec::new(),
            len: 0,
        })
    }

    /// Sets the names of the elements of a sample.
    pub fn feature_names(mut self, names: Vec<String>) -> Self {
        self.names = names;
        self
    }

    /// Adds the features of a sample, or of several, row-major.
    ///
    /// # Errors
    ///
    /// Returns an error if a number is NaN or infinite, or the file cannot be written, such as on a
    /// full disk.
    pub fn push(&mut self, samples: &[f32]) -> Result<()> {
        if let Some(at) = samples.iter().position(|v| !v.is_finite()) {
            let (at, size) = (self.len + at, self.sample_shape.len().max(1));
            let value = samples.get(at - self.len).copied().unwrap_or(f32::NAN);
            return Err(Error::data(
                format!("features row {}, column {}", at / size, at % size),
                format!("the value is {value}, which is not finite"),
            ));
        }
        let bytes = bytemuck::cast_slice(samples);
        let written = self.file.write_all(bytes);
        written.map_err(Error::io(&self.path, "write"))?;
        self.len += samples.len();
        Ok(())
    }

    /// Returns the data set of all samples with these targets.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Dataset::from_arrays`], and an error if the file cannot be written.
    pub fn finish(self, targets: Targets) -> Result<Dataset> {
        let path = self.path;
        let file = self.file.into_inner().map_err(|e| e.into_error());
        let file = file.map_err(Error::io(&path, "write"))?;
        let rows = DiskRows {
            file: Positioned::new(file),
            len: self.len,
        };
        Dataset::with_features(Features::Disk(rows), self.sample_shape, targets, self.names)
    }
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

#[cfg(windows)]
fn create(path: &Path) -> io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt;
    /// `FILE_FLAG_DELETE_ON_CLOSE`.
    const DELETE_ON_CLOSE: u32 = 0x0400_0000;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    options.custom_flags(DELETE_ON_CLOSE).open(path)
}

#[cfg(not(any(unix, windows)))]
fn create(_: &Path) -> io::Result<File> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Numbers in a file.
#[derive(Debug)]
pub(super) struct DiskRows {
    file: Positioned,
    len: usize,
}

impl DiskRows {
    /// The number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Appends a range of elements; returns whether it exists.
    pub fn append(&self, range: Range<usize>, out: &mut Vec<f32>) -> io::Result<bool> {
        if range.start > range.end || range.end > self.len {
            return Ok(false);
        }
        let from = out.len();
        out.resize(from + range.len(), 0.0);
        let into = out.get_mut(from..).unwrap_or_default();
        let offset = range.start as u64 * size_of::<f32>() as u64;
        self.file.read_at(bytemuck::cast_slice_mut(into), offset)?;
        Ok(true)
    }
}

/// A file that is read at positions, from several threads.
#[derive(Debug)]
struct Positioned(#[cfg(unix)] File, #[cfg(not(unix))] std::sync::Mutex<File>);

#[cfg(unix)]
impl Positioned {
    fn new(file: File) -> Self {
        Positioned(file)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, into, offset)
    }
}

#[cfg(not(unix))]
impl Positioned {
    fn new(file: File) -> Self {
        Positioned(std::sync::Mutex::new(file))
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        use std::io::{Read, Seek, SeekFrom};
        // The position is set before each read, so it does not matter where a panic left it.
        let mut file = self.0.lock().unwrap_or_else(|e| e.into_inner());
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Device;
    use crate::nn::{Linear, Sequential};
    use crate::train::{Fit, Trainer};

    fn numbers(n: usize) -> Vec<f32> {
        (0..n)
            .map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0)
            .collect()
    }

    fn labels(n: usize) -> Targets {
        Targets::classes((0..n).map(|i| (i % 3) as u32).collect(), 3)
    }

    fn on_disk(folder: &Path, n: usize) -> Dataset {
        let mut writer = DatasetWriter::create(folder, [4]).unwrap();
        for part in numbers(4 * n).chunks(4 * 7) {
            writer.push(part).unwrap();
        }
        writer.finish(labels(n)).unwrap()
    }

    #[test]
    fn samples_on_disk_are_those_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let disk = on_disk(folder.path(), 100);
        let memory = Dataset::from_arrays(numbers(400), [4], labels(100)).unwrap();
        assert_eq!(disk.features_all(), memory.features_all());
        assert_eq!(disk.row(99), memory.row(99));
        assert_eq!(disk.row(100), None);
        let (a, b) = (disk.split(0.7, 3).unwrap(), memory.split(0.7, 3).unwrap());
        assert_eq!(a.1.features_all(), b.1.features_all());
        let mut out = Vec::new();
        disk.gather_features(&[5, 99, 0], &mut out).unwrap();
        assert_eq!(out.len(), 12);
        assert!(disk.gather_features(&[100], &mut out).is_err());
    }

    #[test]
    fn a_training_from_disk_gives_the_same_bits() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Dataset::from_arrays(numbers(400), [4], labels(100)).unwrap();
        let hash = |set: &Dataset| {
            let net = Sequential::new().add(Linear::new(4, 3));
            let mut trainer = Trainer::new(net).compile(&Device::cpu(), set).unwrap();
            trainer.fit(set, Fit::epochs(2).batch_size(16)).unwrap();
            trainer.weights_sha256().unwrap()
        };
        assert_eq!(hash(&on_disk(folder.path(), 100)), hash(&memory));
    }

    #[test]
    fn nothing_remains_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let set = on_disk(folder.path(), 10);
        if cfg!(unix) {
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
        drop(set);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn numbers_must_be_finite_and_whole_samples() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = DatasetWriter::create(folder.path(), [2]).unwrap();
        writer.push(&[1.0, 2.0, 3.0]).unwrap();
        let error = writer.push(&[f32::NAN]).unwrap_err().to_string();
        assert_eq!(
            error,
            "features row 1, column 1: the value is NaN, which is not finite"
        );
        let error = writer.finish(labels(1)).unwrap_err().to_string();
        assert!(
            error.contains("3 numbers do not divide into samples"),
            "{error}"
        );
        let missing = folder.path().join("none");
        assert!(DatasetWriter::create(missing, [2]).is_err());
    }
}
