//! The kind of a file that is no delimited text, found by its first bytes.

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A ZIP archive, which spreadsheets are too.
    Zip,
    /// A spreadsheet in the format of Excel before 2007, or another OLE file.
    OldSpreadsheet,
    /// An HTML page.
    Html,
    /// A PDF document.
    Pdf,
    /// An Apache Parquet file.
    Parquet,
    /// An image.
    Image,
    /// An array in NumPy's format.
    Npy,
    /// Arrays in HDF5.
    Hdf5,
    /// A SQLite database.
    Sqlite,
    /// A Python pickle.
    Pickle,
    /// Other bytes that are no text.
    Binary,
}

/// Returns the kind of a file, or `None` for a text. `start` is decoded if it is a text.
pub fn kind(start: &[u8]) -> Option<Kind> {
    let is = |magic: &[u8]| start.starts_with(magic);
    let trimmed = start.trim_ascii_start();
    let tag = |name: &[u8]| {
        let head = trimmed.get(..name.len()).unwrap_or_default();
        head.eq_ignore_ascii_case(name)
    };
    Some(match () {
        () if is(b"PK\x03\x04") || is(b"PK\x05\x06") => Kind::Zip,
        () if is(b"\xd0\xcf\x11\xe0") => Kind::OldSpreadsheet,
        () if tag(b"<!doctype html") || tag(b"<html") => Kind::Html,
        () if is(b"%PDF-") => Kind::Pdf,
        () if is(b"PAR1") => Kind::Parquet,
        () if is(b"\x89PNG") || is(b"\xff\xd8\xff") || is(b"GIF8") || is(b"BM\x00") => Kind::Image,
        () if is(b"RIFF") && start.get(8..12) == Some(b"WEBP") => Kind::Image,
        () if is(b"\x93NUMPY") => Kind::Npy,
        () if is(b"\x89HDF") => Kind::Hdf5,
        () if is(b"SQLite format 3\0") => Kind::Sqlite,
        () if start.first() == Some(&0x80) && matches!(start.get(1), Some(2..=5)) => Kind::Pickle,
        () if start.contains(&0) => Kind::Binary,
        () => return None,
    })
}

impl Kind {
    /// Returns the name of the kind, and what a user can do with such a file.
    fn found(self) -> (&'static str, &'static str) {
        match self {
            Kind::Zip => (
                "a ZIP archive or a spreadsheet (.xlsx, .ods)",
                "export the sheet as CSV, or unpack the archive",
            ),
            Kind::OldSpreadsheet => ("a spreadsheet (.xls)", "export the sheet as CSV"),
            Kind::Html => (
                "a web page",
                "download the file itself instead of the page that shows it",
            ),
            Kind::Pdf => ("a PDF document", ""),
            Kind::Parquet => (
                "a Parquet file",
                "write it as CSV (pandas: read_parquet(file).to_csv(\"table.csv\", index=False)), \
                 or build wgrad with the feature \"parquet\"",
            ),
            Kind::Image => ("an image", ""),
            Kind::Npy => ("a NumPy array", "use [data] format = \"npy\""),
            Kind::Hdf5 => (
                "an HDF5 file",
                "write the table as CSV (pandas: read_hdf(file).to_csv(\"table.csv\", index=False))",
            ),
            Kind::Sqlite => (
                "a SQLite database",
                "export the table as CSV (sqlite3 -header -csv FILE \"select * from NAME\" > \
                 table.csv)",
            ),
            Kind::Pickle => (
                "a Python pickle",
                "write the table as CSV (pandas: read_pickle(file).to_csv(\"table.csv\", \
                 index=False))",
            ),
            Kind::Binary => ("bytes that are no text", ""),
        }
    }

    /// Returns what a user can do with a file of this kind, where a table is expected.
    pub fn advice(self) -> String {
        let (found, help) = self.found();
        let pause = if help.is_empty() { "" } else { "; " };
        format!("expected a table, found {found}{pause}{help}")
    }

    /// Returns the name of the kind.
    pub fn name(self) -> &'static str {
        self.found().0
    }
}

/// Returns whether a text is JSON: an object, or an array of objects.
pub fn is_json(start: &[u8]) -> bool {
    let (Some(first), second) = marks(start) else {
        return false;
    };
    let object = first == b'{' && matches!(second, Some(b'"' | b'}'));
    object || first == b'[' && matches!(second, Some(b'{' | b']'))
}

/// Returns the first two bytes that are no white space.
fn marks(start: &[u8]) -> (Option<u8>, Option<u8>) {
    let mut marks = start.iter().copied().filter(|b| !b.is_ascii_whitespace());
    (marks.next(), marks.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_their_first_bytes() {
        let cases: [(&[u8], Option<Kind>); 8] = [
            (b"PK\x03\x04xl/", Some(Kind::Zip)),
            (b"\n <!DOCTYPE html><html>", Some(Kind::Html)),
            (b"PAR1\x15", Some(Kind::Parquet)),
            (b"\x89PNG\r\n", Some(Kind::Image)),
            (b"\x80\x04\x95", Some(Kind::Pickle)),
            (b"a\0b", Some(Kind::Binary)),
            (b"a,b\n1,2\n", None),
            (b"", None),
        ];
        for (start, expected) in cases {
            assert_eq!(kind(start), expected, "{start:?}");
        }
    }

    #[test]
    fn json_is_found_by_its_first_bytes() {
        for text in ["{\"a\": 1}\n", " [\n {", "[]", "{\n  \"a\""] {
            assert!(is_json(text.as_bytes()), "{text}");
        }
        for text in ["a,b", "{a},b", "[a],b", "[1, 2]", "", "{"] {
            assert!(!is_json(text.as_bytes()), "{text}");
        }
    }
}
