use super::super::{RawTable, ReadOptions};
use crate::Result;
use crate::data::{ColumnType, Profile};

fn fixture(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/parquet");
    format!("{folder}/{name}.parquet")
}

/// The columns of a file, each with its name and its cells.
fn read(path: &str) -> Result<Vec<(String, Vec<String>)>> {
    let table = RawTable::open(path, &ReadOptions::default())?;
    let names = table.columns().iter();
    let mut columns: Vec<(String, Vec<String>)> =
        names.map(|name| (name.clone(), Vec::new())).collect();
    let mut lines = Vec::new();
    table.for_each(|row| {
        lines.push(table.row_name(row.place()));
        for (i, (_, cells)) in columns.iter_mut().enumerate() {
            cells.push(row.cell(i).to_string());
        }
        Ok(())
    })?;
    assert_eq!(lines.first().unwrap(), "row 1");
    assert_eq!(*lines.last().unwrap(), format!("row {}", lines.len()));
    Ok(columns)
}

#[test]
fn values_are_written_as_texts() {
    let expected: [(&str, [&str; 5]); 17] = [
        ("i", ["1", "", "-3", "4", "5"]),
        ("small", ["1", "2", "3", "4", "255"]),
        ("big", ["1", "2", "3", "4", "18446744073709551615"]),
        ("f", ["0.1", "-2.5", "", "3", "1e300"]),
        ("f32", ["0.1", "2", "3.5", "", "1e-30"]),
        ("half", ["0.5", "2", "", "-1", "65504"]),
        ("b", ["true", "false", "", "true", "false"]),
        ("s", ["a", "b, c", "", "é\nü", ""]),
        (
            "d",
            ["1970-01-01", "1969-12-31", "", "2024-02-29", "0001-01-01"],
        ),
        (
            "ms",
            [
                "2024-02-29T12:30:00",
                "",
                "1969-12-31T23:59:59",
                "1969-12-31T23:59:59",
                "1969-12-31T23:59:59",
            ],
        ),
        ("us", ["2024-02-29T12:30:00.25"; 5]),
        (
            "ns",
            [
                "1970-01-01T00:00:00.000000001",
                "1970-01-01T00:00:01",
                "",
                "1970-01-01T00:00:00",
                "1969-12-31T23:59:59.999999999",
            ],
        ),
        ("t", ["12:30:00", "", "00:00:01", "23:59:59", "00:00:00"]),
        ("dec", ["1.50", "-0.05", "", "12345.67", "0.00"]),
        (
            "wide",
            ["123456789012345678901234567.1", "-0.1", "", "0.0", "1.0"],
        ),
        ("required", ["1", "2", "3", "4", "5"]),
        ("cat", ["x", "y", "x", "", "y"]),
    ];
    for name in ["plain", "snappy", "gzip", "lz4"] {
        let found = read(&fixture(name)).unwrap();
        assert_eq!(found.len(), expected.len());
        for ((column, cells), (expected, values)) in found.iter().zip(&expected) {
            assert_eq!(
                (column.as_str(), &cells[..]),
                (*expected, &values.map(String::from)[..]),
                "{name}"
            );
        }
    }
    let found = read(&fixture("int96")).unwrap();
    assert_eq!(
        found[1].1[1..4],
        ["1970-01-01T00:00:01", "", "1970-01-01T00:00:00"]
    );
}

#[test]
fn types_are_inferred_from_the_texts() {
    let profile = Profile::open(fixture("snappy"), &ReadOptions::default()).unwrap();
    let is = |name: &str| profile.column(name).unwrap().inferred.column_type;
    for (name, expected) in [
        ("f", ColumnType::Number),
        ("big", ColumnType::Number),
        ("b", ColumnType::Boolean),
        ("d", ColumnType::Date),
        ("ns", ColumnType::Date),
        ("dec", ColumnType::Number),
        ("cat", ColumnType::Category),
    ] {
        assert_eq!(is(name), expected, "{name}");
    }
    assert_eq!((profile.rows, profile.table.dialect()), (5, None));
}

#[test]
fn what_cannot_be_read_is_named() {
    let fails = |path: &str, expected: &str| {
        let error = read(path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    fails(
        &fixture("nested"),
        "found the nested columns \"list\", \"pair\"",
    );
    fails(&fixture("bytes"), "found bytes or intervals in \"raw\"");
    fails(
        &fixture("zstd"),
        "compressed with ZSTD, which is not read; write the file with Snappy",
    );
    let bytes = std::fs::read(fixture("plain")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    for cut in [4, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        fails(
            path.to_str().unwrap(),
            "t.parquet: the Parquet file cannot be read",
        );
    }
}

/// A file whose bytes are damaged is an error or has other values, but the program goes on.
#[test]
fn damaged_files_do_not_end_the_program() {
    let bytes = std::fs::read(fixture("snappy")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let mut errors = 0;
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        std::fs::write(&path, &damaged).unwrap();
        let read = RawTable::open(&path, &ReadOptions::default())
            .and_then(|table| table.for_each(|_| Ok(())));
        errors += usize::from(read.is_err());
    }
    assert!(errors > 100, "{errors}");
}
