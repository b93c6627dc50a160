//! Reads the bytes of a file, decompressing gzip.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The two bytes at the start of every gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A file opened for reading. Compression is detected by the content and not by the name, because
/// browsers decompress files without changing the name `.gz`.
pub(super) struct Input {
    path: PathBuf,
    reader: Box<dyn Read>,
    gzip: bool,
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut file = BufReader::new(File::open(path).map_err(Error::io(path, "open"))?);
        let mut start = Vec::with_capacity(GZIP.len());
        file.by_ref()
            .take(GZIP.len() as u64)
            .read_to_end(&mut start)
            .map_err(Error::io(path, "read"))?;
        let gzip = start == GZIP;
        let whole = Cursor::new(start).chain(file);
        let reader: Box<dyn Read> = if gzip {
            Box::new(flate2::read::MultiGzDecoder::new(whole))
        } else {
            Box::new(whole)
        };
        Ok(Input {
            path: path.to_path_buf(),
            reader,
            gzip,
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
        if self.gzip {
            Error::data(self.place(), damaged(&error))
        } else {
            Error::io(&self.path, "read")(error)
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let gzip = self.gzip;
        self.reader.read(buffer).map_err(|error| match gzip {
            true => io::Error::new(error.kind(), damaged(&error)),
            false => error,
        })
    }
}

fn damaged(error: &io::Error) -> String {
    format!("the gzip data is damaged or cut short ({error})")
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
        for bytes in [&b"hello, world"[..], b"", b"x", &GZIP[..1]] {
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
