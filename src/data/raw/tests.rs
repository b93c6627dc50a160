use super::*;
use crate::Result;
use crate::data::input::tests::{file, gzip};

/// The columns, the rows as text, and the notes of a table.
fn read(bytes: &[u8]) -> Result<(Vec<String>, Vec<Vec<String>>, Vec<String>)> {
    let (_folder, path) = file("t.csv", bytes);
    let mut table = RawTable::open(&path, &ReadOptions::default())?;
    let all = |table: &RawTable| {
        let mut rows = Vec::new();
        let read = table.for_each(|row| {
            rows.push(row.cells().map(str::to_string).collect());
            Ok(())
        });
        read.map(|_| rows)
    };
    let rows = match all(&table) {
        Err(error) => match table.in_other_encoding(&error) {
            None => return Err(error),
            Some(other) => {
                table = other?;
                all(&table)?
            }
        },
        Ok(rows) => rows,
    };
    Ok((table.columns().to_vec(), rows, table.notes().to_vec()))
}

#[test]
fn tables_are_read_as_people_have_them() {
    let expect = |bytes: &[u8], columns: &[&str], rows: &[&[&str]], notes: &[&str]| {
        let (c, r, n) = read(bytes).unwrap();
        assert_eq!(
            (c, n),
            (
                columns.iter().map(|s| s.to_string()).collect(),
                notes.iter().map(|s| s.to_string()).collect()
            )
        );
        assert_eq!(r, rows);
    };
    expect(
        b"x,y\n1,a\n2,b\n",
        &["x", "y"],
        &[&["1", "a"], &["2", "b"]],
        &[],
    );
    expect(
        b"sep=;\r\nx;y\r\n1,5;a\r\n",
        &["x", "y"],
        &[&["1,5", "a"]],
        &[
            "the delimiter is a semicolon",
            "the decimal mark is a comma",
        ],
    );
    expect(
        b"# exported\nx,y\n1,a\n",
        &["x", "y"],
        &[&["1", "a"]],
        &["lines that start with \"#\" are comments"],
    );
    expect(
        b"caf\xe9,y\n1,a\n",
        &["café", "y"],
        &[&["1", "a"]],
        &["the encoding is windows-1252"],
    );
    expect(
        b",x\n0,a\n1,b\n",
        &["index", "x"],
        &[&["0", "a"], &["1", "b"]],
        &["the first column has no name: it is read as an index column, \"index\""],
    );
    expect(b"x,y,\n1,a,\n", &["x", "y"], &[&["1", "a", ""]], &[]);
    expect(&gzip(b"x,y\n1,a\n"), &["x", "y"], &[&["1", "a"]], &[]);
}

#[test]
fn another_encoding_may_show_late() {
    let mut bytes = b"x,y\n".to_vec();
    bytes.extend(b"1,a\n".repeat(40_000));
    bytes.extend(b"2,caf\xe9\n");
    let (_, rows, notes) = read(&bytes).unwrap();
    assert_eq!(rows.last().unwrap(), &["2", "café"]);
    assert_eq!(notes, ["the encoding is windows-1252"]);
}

#[test]
fn what_is_no_table_is_named() {
    let fails = |bytes: &[u8], expected: &str| {
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    fails(
        b"PK\x03\x04",
        "found a ZIP archive or a spreadsheet (.xlsx, .ods); export",
    );
    fails(b"PAR1", "found a Parquet file");
    fails(b"", "the file is empty");
    fails(
        b"x,x\n1,2\n",
        "line 1, column 2: the header has a second column \"x\"",
    );
    fails(
        b"x,y\n1,2\n1\n",
        "line 3: expected 2 cells, as in the header, found 1",
    );
    fails(
        b"x,y\n1,2\n1\n3,4\n1,2,3\n",
        "line 3: expected 2 cells, as in the header, found 1; 2 rows have another number",
    );
    let folder = tempfile::tempdir().unwrap();
    let error = RawTable::open(folder.path(), &ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("found a folder"), "{error}");
}
