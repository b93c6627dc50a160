//! Reads the arrays of NumPy's `.npz` archives: zip files of `.npy` files.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use super::{Array, parse};
use crate::error::{Error, Result};

/// Splits `d.npz:x` into the archive and the name of the array.
pub(super) fn split(path: &Path) -> Option<(PathBuf, String)> {
    const END: &str = ".npz";
    // A file may have such a name itself.
    if path.is_file() {
        return None;
    }
    let text = path.to_str()?;
    let (archive, name) = text.rsplit_once(':')?;
    archive
        .to_ascii_lowercase()
        .ends_with(END)
        .then(|| (PathBuf::from(archive), name.to_string()))
}

/// Reads an array of an archive.
pub(super) fn read(archive: &Path, name: &str) -> Result<Array> {
    let place = archive.display().to_string();
    let failed = |error: ZipError| match error {
        ZipError::Io(source) => Error::io(archive, "read")(source),
        error => Error::data(
            &place,
            format!("expected an .npz archive of NumPy: {error}"),
        ),
    };
    let file = File::open(archive).map_err(Error::io(archive, "open"))?;
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(failed)?;
    let entry = format!("{name}.npy");
    let mut arrays = Vec::new();
    for found in zip.file_names() {
        let found = found.map_err(failed)?;
        arrays.extend(found.strip_suffix(".npy").map(str::to_string));
    }
    if !arrays.iter().any(|found| found == name) {
        let mut found: Vec<String> = arrays.iter().map(|found| format!("{found:?}")).collect();
        found.sort();
        let found = match found.len() {
            0 => "no array".to_string(),
            _ => found.join(", "),
        };
        return Err(Error::data(
            place,
            format!("expected an array {name:?} in the archive, found {found}"),
        ));
    }
    let place = format!("{place}:{name}");
    let mut entry = zip.by_name(&entry).map_err(failed)?;
    let damaged = |error: std::io::Error| Error::data(&place, format!("cannot read: {error}"));
    parse(&mut entry, &place, &damaged)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;
    use crate::data::npy;

    fn fixture() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/arrays.npz")
    }

    fn named(archive: &Path, name: &str) -> PathBuf {
        PathBuf::from(format!("{}:{name}", archive.display()))
    }

    #[test]
    fn arrays_of_an_archive_are_read() {
        let archive = fixture();
        let set = npy(named(&archive, "x"), named(&archive, "y")).unwrap();
        assert_eq!((set.len(), set.sample_shape().dims()), (3, &[2][..]));
        assert_eq!(*set.features_all(), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
        assert_eq!((set.label(0), set.label(2)), (Some(1), Some(2)));
    }

    #[test]
    fn errors_name_the_archive_and_the_array() {
        let archive = fixture();
        let error = npy(named(&archive, "z"), named(&archive, "y"));
        let error = error.err().unwrap().to_string();
        assert!(
            error.ends_with(
                "arrays.npz: expected an array \"z\" in the archive, found \"x\", \"y\""
            ),
            "{error}"
        );
        let error = npy(&archive, named(&archive, "y"));
        let error = error.err().unwrap().to_string();
        assert!(
            error.ends_with("found an .npz archive; name an array in it, such as \"d.npz:x\""),
            "{error}"
        );
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("a.npz");
        std::fs::write(&other, "no archive").unwrap();
        let error = npy(named(&other, "x"), named(&other, "y"));
        let error = error.err().unwrap().to_string();
        assert!(
            error.contains("a.npz: expected an .npz archive of NumPy"),
            "{error}"
        );
    }

    /// A deflated array of zeros is small, but its size is checked as it is read.
    #[test]
    fn a_size_that_does_not_match_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file("x.npy", options).unwrap();
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }";
        zip.write_all(b"\x93NUMPY\x01\0").unwrap();
        zip.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
        zip.write_all(header.as_bytes()).unwrap();
        zip.write_all(&vec![0; 100_000]).unwrap();
        zip.finish().unwrap();
        let error = npy(named(&path, "x"), named(&path, "x"));
        let error = error.err().unwrap().to_string();
        assert!(
            error.ends_with("a.npz:x: the header says [4], which is 4 bytes, but 100000 follow"),
            "{error}"
        );
    }
}
