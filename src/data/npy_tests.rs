use super::*;
use crate::data::input::tests::{file, gzip};

fn header(version: u8, text: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((text.len() as u16).to_le_bytes()),
        _ => bytes.extend((text.len() as u32).to_le_bytes()),
    }
    bytes.extend(text.as_bytes());
    bytes.extend(data);
    bytes
}

fn array(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}   \n");
    header(1, &text, data)
}

fn f4(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn load(features: &[u8], targets: &[u8]) -> Result<Dataset> {
    let (_a, features) = file("x.npy", features);
    let (_b, targets) = file("y.npy", targets);
    npy(features, targets)
}

fn features(bytes: &[u8]) -> Result<Dataset> {
    let (_folder, path) = file("x.npy", bytes);
    npy_features(path)
}

/// The error text from the file name on, because the folder differs in every run.
fn text<T: std::fmt::Debug>(result: Result<T>) -> String {
    let text = result.unwrap_err().to_string();
    match text.find("x.npy").or(text.find("y.npy")) {
        Some(start) => text[start..].to_string(),
        None => text,
    }
}

#[test]
fn every_element_type_is_read() {
    let f8: Vec<u8> = [1.5f64, -2.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let i4: Vec<u8> = [7i32, -8].iter().flat_map(|x| x.to_le_bytes()).collect();
    let i8: Vec<u8> = [7i64, -8].iter().flat_map(|x| x.to_le_bytes()).collect();
    for (descr, data, want) in [
        ("<f4", f4(&[0.1, 3.0]), [0.1, 3.0]),
        ("<f8", f8, [1.5, -2.0]),
        ("<i4", i4, [7.0, -8.0]),
        ("<i8", i8, [7.0, -8.0]),
        ("|u1", vec![0, 255], [0.0, 255.0]),
    ] {
        let set = features(&array(descr, "(2,)", &data)).unwrap();
        assert_eq!(set.features_all().as_ref(), want, "{descr}");
        assert_eq!(set.sample_shape(), &Shape::scalar());
    }
}

fn saved(name: &str) -> std::path::PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/arrays");
    Path::new(folder).join(name)
}

/// `tests/fixtures/arrays.py` wrote the files.
#[test]
fn arrays_of_numpy_are_read() {
    let mut files: Vec<String> = std::fs::read_dir(saved(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "fortran.npy")
        .collect();
    files.sort();
    assert_eq!(files.len(), 21);
    for name in files {
        let set = npy_features(saved(&name)).unwrap();
        let want: &[f32] = match name.as_str() {
            "b1_byte.npy" => &[0.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            _ => &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
        };
        assert_eq!(set.features_all().as_ref(), want, "{name}");
        assert_eq!((set.len(), set.sample_shape().dims()), (3, &[2][..]));
    }
}

#[test]
fn fortran_order_is_converted() {
    let set = npy_features(saved("fortran.npy")).unwrap();
    assert_eq!((set.len(), set.sample_shape().dims()), (2, &[3, 4][..]));
    let want: Vec<f32> = (0..24u8).map(f32::from).collect();
    assert_eq!(set.features_all().as_ref(), want);
}

#[test]
fn bytes_with_two_axes_are_images() {
    let set = features(&array("|u1", "(1, 1, 2)", &[0, 255])).unwrap();
    assert!(set.has_bytes());
    assert_eq!(set.features_all().as_ref(), [0.0, 1.0]);
    let set = features(&array("|u1", "(1, 2)", &[0, 255])).unwrap();
    assert!(!set.has_bytes());
    assert_eq!(set.features_all().as_ref(), [0.0, 255.0]);
}

#[test]
fn booleans_are_classes_or_labels() {
    let x = array("<f4", "(2, 1)", &f4(&[1.0, 2.0]));
    let set = load(&x, &array("|b1", "(2,)", &[1, 0])).unwrap();
    assert_eq!(set.targets_all().as_ref(), &Targets::classes(vec![1, 0], 2));
    let set = load(&x, &array("|b1", "(2, 2)", &[1, 0, 1, 1])).unwrap();
    assert_eq!(set.values(0), Some(&[1.0f32, 0.0][..]));
    let big = load(&x, &array("<u8", "(2,)", &[[0xff; 8], [0; 8]].concat()));
    assert_eq!(
        text(big),
        "y.npy: row 0: the label 18446744073709551615 is not between 0 and 1048575"
    );
}

#[test]
fn versions_shapes_and_compression() {
    let text = "{'shape': (2, 1, 3), 'fortran_order': False, 'descr': \"<f4\"}\n";
    for version in [1, 2, 3] {
        let bytes = header(version, text, &f4(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
        for stored in [bytes.clone(), gzip(&bytes)] {
            let set = features(&stored).unwrap();
            assert_eq!((set.len(), set.sample_shape()), (2, &Shape::from([1, 3])));
            assert_eq!(set.row(1).as_deref(), Some(&[3.0f32, 4.0, 5.0][..]));
        }
    }
}

#[test]
fn integers_are_classes_and_floats_are_values() {
    let x = array("<f4", "(2, 1)", &f4(&[1.0, 2.0]));
    for shape in ["(2,)", "(2, 1)"] {
        let set = load(&x, &array("|u1", shape, &[4, 1])).unwrap();
        assert_eq!(set.targets_all().as_ref(), &Targets::classes(vec![4, 1], 5));
    }
    let set = load(&x, &array("<f4", "(2, 2)", &f4(&[0.1, 0.2, 0.3, 0.4]))).unwrap();
    assert_eq!(set.values(1), Some(&[0.3f32, 0.4][..]));
}

#[test]
fn targets_that_do_not_fit_are_refused() {
    let x = array("<f4", "(2, 1)", &f4(&[1.0, 2.0]));
    assert_eq!(
        text(load(&x, &array("|u1", "(3,)", &[0, 1, 2]))),
        "x.npy: labels: there are 3 labels for 2 samples"
    );
    assert_eq!(
        text(load(&x, &array("|u1", "(2, 2)", &[0, 1, 2, 3]))),
        "y.npy: there are 2 whole numbers for each sample, but a class is one; store values as \
         floating-point numbers"
    );
    assert_eq!(
        text(load(
            &x,
            &array("<i4", "(2,)", &[0, 0, 0, 0, 255, 255, 255, 255])
        )),
        "y.npy: row 1: the label -1 is not between 0 and 1048575"
    );
    assert_eq!(
        text(load(&x, &array("|u1", "(1, 2, 1)", &[0, 1]))),
        "y.npy: targets are [n] or [n, width], but this array is [1, 2, 1]"
    );
    assert_eq!(
        text(load(&x, &array("<f4", "(2,)", &f4(&[0.0, f32::INFINITY])))),
        "y.npy: target values row 1, column 0: the value is inf, which is not finite"
    );
}

#[test]
fn what_is_no_such_array_is_refused() {
    let four_numbers = f4(&[0.0; 4]);
    assert_eq!(
        text(features(b"\0\0\x08\x01 an IDX file")),
        "x.npy: expected a .npy file, which starts with \\x93NUMPY, found another format"
    );
    assert!(text(features(&MAGIC[..5])).contains("expected a .npy file"));
    assert_eq!(
        text(features(&header(9, "{}", &[]))),
        "x.npy: version 9 of the format is not known"
    );
    assert_eq!(
        text(features(&array("<U4", "(1,)", &four_numbers))),
        "x.npy: expected numbers or booleans, found the element type \"<U4\""
    );
    let record = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}";
    assert!(text(features(&header(1, record, &[]))).contains("found the element type \"record\""));
    assert_eq!(
        text(features(&header(1, "{'x': 1}", &[]))),
        "x.npy: the header names no descr: \"{'x': 1}\""
    );
    assert_eq!(
        text(features(&array("<f4", "(2, -2)", &four_numbers))),
        "x.npy: the header's shape (2, -2) is not made of numbers"
    );
    assert_eq!(
        text(features(&array("<f4", "()", &f4(&[1.0])))),
        "x.npy: expected an array of samples, found a single number"
    );
    assert_eq!(
        text(features(&array("<f4", "(0, 3)", &[]))),
        "x.npy: features: there are no samples"
    );
    assert_eq!(
        text(features(&array("<f8", "(1,)", &1e39f64.to_le_bytes()))),
        "x.npy: features row 0, column 0: the value is inf, which is not finite"
    );
}

#[test]
fn byte_counts_must_match_the_header() {
    assert_eq!(
        text(features(&array("<f4", "(2, 2)", &f4(&[0.0; 3])))),
        "x.npy: the header says [2, 2], which is 16 bytes, but 12 follow"
    );
    assert_eq!(
        text(features(&array("<f4", "(2, 2)", &f4(&[0.0; 5])))),
        "x.npy: the header says [2, 2], which is 16 bytes, but 20 follow"
    );
    let whole = array("<f4", "(1,)", &[]);
    assert_eq!(
        text(features(&whole[..30])),
        format!(
            "x.npy: the header is said to have {} bytes, but 20 follow",
            whole.len() - 10
        )
    );
}

/// A few bytes must not make the reader allocate terabytes.
#[test]
fn an_absurd_header_allocates_nothing() {
    assert_eq!(
        text(features(&array("<f8", "(1000000000000,)", &[]))),
        "x.npy: the header says [1000000000000], which is 8000000000000 bytes, but 0 follow"
    );
    assert_eq!(
        text(features(&array("<f8", "(4611686018427387904, 4)", &[]))),
        "x.npy: the header says [4611686018427387904, 4], more bytes than any file can have"
    );
    let mut long = MAGIC.to_vec();
    long.extend([2, 0, 255, 255, 255, 255]);
    assert_eq!(
        text(features(&long)),
        "x.npy: the header is said to have 4294967295 bytes, but at most 1048576 are read"
    );
}
