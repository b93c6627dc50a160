//! Reads the bytes of a file, decompressing gzip and, with the feature `zstd`, zstd.

mod gzip;
#[cfg(feature = "zstd")]
mod zstd;

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The first bytes of every gzip file.
const GZIP: &[u8] = &[0x1f, 0x8b];
/// The first bytes of every zstd file.
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// A compression.
#[derive(Clone, Copy, PartialEq)]
enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    /// Returns the compression of a file, by its first bytes.
    fn of(start: &[u8]) -> Option<Self> {
        match () {
            () if start.starts_with(GZIP) => Some(Compression::Gzip),
            () if start.starts_with(ZSTD) => Some(Compression::Zstd),
            () => None,
        }
    }

    /// Describes an error of the compressed data.
    fn damaged(self, error: &io::Error) -> String {
        let name = match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        };
        format!("the {name} data is damaged or cut short ({error})")
    }
}

/// A file opened for reading. Compression is detected by the content and not by the name, because
/// browsers decompress files without changing the name `.gz`.
pub(super) struct Input {
    path: PathBuf,
    reader: Box<dyn Read>,
    compression: Option<Compression>,
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut file = BufReader::new(File::open(path).map_err(Error::io(path, "open"))?);
        let mut start = Vec::with_capacity(ZSTD.len());
        file.by_ref()
            .take(ZSTD.len() as u64)
            .read_to_end(&mut start)
            .map_err(Error::io(path, "read"))?;
        let compression = Compression::of(&start);
        let whole = Cursor::new(start).chain(file);
        let reader: Box<dyn Read> = match compression {
            Some(Compression::Gzip) => Box::new(gzip::Gzip::new(whole)),
            Some(Compression::Zstd) => zstd(whole, path)?,
            None => Box::new(whole),
        };
        Ok(Input {
            path: path.to_path_buf(),
            reader,
            compression,
        })
    }

    /// Reads the next `limit` bytes, or fewer at the end of the file.
    ///
    /// The memory used depends on the contents of the file, not on `limit`.
    pub(super) fn block(&mut self, limit: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match self.reader.by_ref().take(limit).read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Reads all remaining bytes.
    pub(super) fn rest(&mut self) -> Result<Vec<u8>> {
        self.block(u64::MAX)
    }

    /// Counts the remaining bytes without storing them.
    pub(super) fn count_rest(&mut self) -> Result<u64> {
        io::copy(&mut self.reader, &mut io::sink()).map_err(|error| self.failed(error))
    }

    /// Returns the file's name, as the place of an error.
    pub(super) fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// Converts an error of reading, which is that of the compressed data in most cases.
    fn failed(&self, error: io::Error) -> Error {
        match self.compression {
            Some(compression) => Error::data(self.place(), compression.damaged(&error)),
            None => Error::io(&self.path, "read")(error),
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let compression = self.compression;
        self.reader.read(buffer).map_err(|error| match compression {
            Some(compression) => io::Error::new(error.kind(), compression.damaged(&error)),
            None => error,
        })
    }
}

#[cfg(feature = "zstd")]
fn zstd(input: impl io::BufRead + 'static, _: &Path) -> Result<Box<dyn Read>> {
    Ok(Box::new(zstd::Zstd::new(input)))
}

#[cfg(not(feature = "zstd"))]
fn zstd(_: impl io::BufRead + 'static, path: &Path) -> Result<Box<dyn Read>> {
    let reason = "the file is compressed with zstd; decompress it (zstd -d FILE), or build wgrad \
                  with the feature \"zstd\"";
    Err(Error::data(path.display().to_string(), reason))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::Write;

    pub(in crate::data) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Creates a file with these bytes, in a folder that lasts as long as the first part of the
    /// result.
    pub(in crate::data) fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn plain_and_compressed_files_read_the_same() {
        for bytes in [&b"hello, world"[..], b"", b"x", &GZIP[..1], &ZSTD[..3]] {
            for stored in [bytes.to_vec(), gzip(bytes)] {
                let (_folder, path) = file("f", &stored);
                assert_eq!(Input::open(&path).unwrap().rest().unwrap(), bytes);
                let mut input = Input::open(&path).unwrap();
                assert_eq!(input.block(3).unwrap(), bytes[..bytes.len().min(3)]);
                assert_eq!(
                    input.count_rest().unwrap(),
                    bytes.len().saturating_sub(3) as u64
                );
            }
        }
    }

    #[test]
    fn a_file_of_several_gzip_members_is_read_to_its_end() {
        let (_folder, path) = file("f", &[gzip(b"one "), gzip(b"two")].concat());
        assert_eq!(Input::open(&path).unwrap().rest().unwrap(), b"one two");
    }

    #[test]
    fn zeros_behind_gzip_data_are_padding() {
        let padded = [gzip(b"one "), vec![0; 100_000]].concat();
        let (_folder, path) = file("f", &padded);
        assert_eq!(Input::open(&path).unwrap().rest().unwrap(), b"one ");
        let (_folder, path) = file("f", &[padded.clone(), gzip(b"two")].concat());
        assert_eq!(Input::open(&path).unwrap().rest().unwrap(), b"one two");
        let (_folder, path) = file("f", &[padded, b"junk".to_vec()].concat());
        let error = Input::open(&path).unwrap().rest().unwrap_err().to_string();
        assert!(error.contains("the gzip data is damaged"), "{error}");
    }

    /// `printf 'one ' | zstd`, and the same of `two`.
    #[cfg(feature = "zstd")]
    const FRAMES: [&[u8]; 2] = [
        &[
            0x28, 0xb5, 0x2f, 0xfd, 0x24, 0x04, 0x21, 0x00, 0x00, 0x6f, 0x6e, 0x65, 0x20, 0x29,
            0x92, 0x3f, 0xd7,
        ],
        &[
            0x28, 0xb5, 0x2f, 0xfd, 0x24, 0x03, 0x19, 0x00, 0x00, 0x74, 0x77, 0x6f, 0x8b, 0x44,
            0xf4, 0xec,
        ],
    ];

    #[cfg(feature = "zstd")]
    #[test]
    fn zstd_frames_are_read_and_checked() {
        let skipped = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc".to_vec();
        let all = [FRAMES[0].to_vec(), skipped, FRAMES[1].to_vec()].concat();
        let (_folder, path) = file("f", &all);
        assert_eq!(Input::open(&path).unwrap().rest().unwrap(), b"one two");
        let mut wrong = all.clone();
        *wrong.last_mut().unwrap() ^= 1;
        for damaged in [&all[..all.len() - 1], &wrong] {
            let (_folder, path) = file("f.zst", damaged);
            let error = Input::open(&path).unwrap().rest().unwrap_err().to_string();
            assert!(error.contains("f.zst: the zstd data is damaged"), "{error}");
        }
    }

    #[cfg(not(feature = "zstd"))]
    #[test]
    fn zstd_files_are_named() {
        let (_folder, path) = file("f.zst", ZSTD);
        let error = Input::open(&path).err().unwrap().to_string();
        assert!(
            error.contains("f.zst: the file is compressed with zstd; decompress"),
            "{error}"
        );
    }

    #[test]
    fn a_cut_gzip_file_is_an_error() {
        let whole = gzip(b"some text that is long enough to be cut");
        let (_folder, path) = file("f.gz", &whole[..whole.len() - 9]);
        let error = Input::open(&path).unwrap().rest().unwrap_err().to_string();
        assert!(
            error.contains("f.gz: the gzip data is damaged or cut short"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Input::open(Path::new("no/such/file")).err().unwrap();
        assert!(
            error.to_string().starts_with("no/such/file: cannot open: "),
            "{error}"
        );
    }
}
