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
    #[cfg(not(feature = "parquet"))]
    fails(b"PAR1", "found a Parquet file; write it as CSV");
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
    assert!(
        error.to_string().contains("found an empty folder"),
        "{error}"
    );
}

/// Writes files, opens them as one table, and returns its columns, its rows with their places, and
/// its notes.
fn read_all(
    files: &[(&str, &str)],
    pattern: &str,
) -> Result<(Vec<String>, Vec<String>, Vec<String>)> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let list = pattern.split(' ').map(|name| folder.path().join(name));
    let table = RawTable::open(list.collect::<FileList>(), &ReadOptions::default())?;
    let mut rows = Vec::new();
    let short = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
    table.for_each(|row| {
        let cells: Vec<&str> = row.cells().collect();
        rows.push(short(format!(
            "{}: {}",
            table.row_name(row.place()),
            cells.join(",")
        )));
        Ok(())
    })?;
    let notes = table.notes().iter().cloned().map(short).collect();
    Ok((table.columns().to_vec(), rows, notes))
}

#[test]
fn several_files_are_one_table() {
    let files = [
        ("b.csv", "y;x\np;1\nq;2\n"),
        ("a.csv", "x,y\n3,r\n"),
        ("other.txt", "z\n1\n"),
    ];
    let rows = [
        "a.csv line 2: 3,r",
        "b.csv line 2: 1,p",
        "b.csv line 3: 2,q",
    ];
    for pattern in ["*.csv", "?.csv", "a.csv b.csv", "a*.csv b*"] {
        let (columns, found, notes) = read_all(&files, pattern).unwrap();
        assert_eq!(columns, ["x", "y"]);
        assert_eq!(found, rows, "{pattern}");
        let expected = [
            "the table has 2 files, a.csv to b.csv",
            "b.csv: the delimiter is a semicolon",
        ];
        assert_eq!(notes, expected);
    }
    let (columns, found, notes) = read_all(&files, "a.csv").unwrap();
    assert_eq!((columns.len(), notes.len()), (2, 0));
    assert_eq!(found, ["line 2: 3,r"]);
}

#[test]
fn files_of_json_may_lack_columns() {
    let files = [
        ("a.jsonl", "{\"x\": 1}\n{\"y\": \"p\"}\n"),
        ("b.jsonl", "[{\"z\": 2, \"x\": 3}]"),
    ];
    let (columns, rows, _) = read_all(&files, "*.jsonl").unwrap();
    assert_eq!(columns, ["x", "y", "z"]);
    let expected = [
        "a.jsonl line 1: 1,,",
        "a.jsonl line 2: ,p,",
        "b.jsonl object 1: 3,,2",
    ];
    assert_eq!(rows, expected);
}

#[test]
fn files_that_do_not_fit_each_other_are_named() {
    let fails = |second: &str, pattern: &str, expected: &str| {
        let files = [("a.csv", "x,y\n1,p\n"), ("b.csv", second)];
        let error = read_all(&files, pattern).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let found = |second: &str, expected: &str| fails(second, "*.csv", expected);
    found("x\n1\n", "b.csv: expected the columns of ");
    found("x\n1\n", "a.csv, found no column \"y\"");
    found("x,z,y,w\n1,2,3,4\n", "found also the columns \"z\", \"w\"");
    found("x,z\n1,p\n", "found no column \"y\", but \"z\"");
    found(
        "1,p\n2,q\n",
        "but \"column_1\", \"column_2\"; it has no header",
    );
    found(
        "x,y\n1,p,3\n",
        "b.csv line 2: expected 2 cells, as in the header, found 3",
    );
    fails(
        "x\n1\n",
        "*.tsv",
        "*.tsv: expected a file with a name like this, found none",
    );
    fails(
        "x\n1\n",
        "*/a.csv",
        "expected * and ? only in the name of the file",
    );
    fails(
        "x,y\n1,2\n",
        "*.csv b.csv",
        "b.csv: the file is in the list twice",
    );
    fails("", "*.csv", "b.csv: the file is empty");
}

#[test]
fn another_encoding_may_show_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("a.csv", &b"caf\xe9"[..]),
        ("b.csv", b"x"),
        ("c.csv", b"\xe0"),
    ] {
        let text = [&b"x,y\n"[..], &b"1,a\n".repeat(40_000), b"2,", text, b"\n"].concat();
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let profile = crate::data::Profile::open(folder.path().join("*.csv"), &ReadOptions::default());
    let values = &profile.unwrap().columns[1].values;
    for value in ["caf\u{e9}", "x", "\u{e0}"] {
        assert!(values.contains(&(value.to_string(), 1)), "{values:?}");
    }
}
