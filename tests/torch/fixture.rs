//! Reads PyTorch's results: see `tests/fixtures/fixture.py` for the keys.

use std::collections::BTreeMap;
use std::path::PathBuf;

use safetensors::{Dtype, SafeTensors};
use wgrad::DType;
use wgrad::ops::Array;

/// A tensor of a fixture.
#[derive(Clone)]
pub struct Stored {
    /// Its type in wgrad: `f32` for numbers, `u32` for indices, `bool` for masks.
    pub dtype: DType,
    pub array: Array,
}

/// The tensors of a case, by key.
#[derive(Clone, Default)]
pub struct Fixture {
    tensors: BTreeMap<String, Stored>,
}

/// Returns the folder of the fixtures.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Reads all cases of a file, by name.
pub fn read(file: &str) -> BTreeMap<String, Fixture> {
    let path = folder().join(file).with_extension("safetensors");
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let all = SafeTensors::deserialize(&bytes).expect("a whole safetensors file");
    let mut cases: BTreeMap<String, Fixture> = BTreeMap::new();
    for (name, view) in all.tensors() {
        let (case, key) = name.split_once('/').expect("a key CASE/NAME");
        let chunks = || view.data().chunks_exact(8).map(|c| c.try_into().unwrap());
        let (dtype, data) = match view.dtype() {
            Dtype::F64 => (DType::F32, chunks().map(f64::from_le_bytes).collect()),
            Dtype::I64 => {
                let number = |c| i64::from_le_bytes(c) as f64;
                (DType::U32, chunks().map(number).collect())
            }
            Dtype::U8 => {
                let data = view.data().iter().map(|&b| f64::from(b)).collect();
                (DType::Bool, data)
            }
            other => panic!("{name} is {other:?}, but a fixture holds f64, i64 or u8"),
        };
        let array = Array::new(view.shape().to_vec(), data);
        let case = cases.entry(case.to_string()).or_default();
        case.tensors
            .insert(key.to_string(), Stored { dtype, array });
    }
    cases
}

impl Fixture {
    /// Iterates over the stored keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.tensors.keys()
    }

    pub fn get(&self, key: &str) -> Option<&Stored> {
        self.tensors.get(key)
    }

    /// Returns the tensors named `label`, or `label0`, `label1` and so on, with these names.
    pub fn numbered(&self, label: &str) -> Vec<(String, &Stored)> {
        match self.get(label) {
            Some(one) => vec![(label.to_string(), one)],
            None => (0..)
                .map_while(|i| {
                    let name = format!("{label}{i}");
                    self.get(&name).map(|stored| (name, stored))
                })
                .collect(),
        }
    }

    /// Returns the tensors whose keys begin with `prefix`, by the rest of the key.
    pub fn below(&self, prefix: &str) -> BTreeMap<&str, &Array> {
        let all = self.tensors.iter();
        all.filter_map(|(key, stored)| Some((key.strip_prefix(prefix)?, &stored.array)))
            .collect()
    }
}
