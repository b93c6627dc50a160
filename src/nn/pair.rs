//! Pairs of sizes: a height and a width, or one number for both.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A height and a width: `3` for both, or `[3, 5]`.
///
/// # Example
/// ```
/// use wgrad::nn::Pair;
///
/// assert_eq!(Pair::from(3), Pair::from([3, 3]));
/// assert_eq!(Pair::from([3, 5]).to_string(), "[3, 5]");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair(pub(super) [usize; 2]);

impl From<usize> for Pair {
    fn from(both: usize) -> Self {
        Pair([both, both])
    }
}

impl From<[usize; 2]> for Pair {
    fn from(each: [usize; 2]) -> Self {
        Pair(each)
    }
}

impl From<Pair> for [usize; 2] {
    fn from(pair: Pair) -> Self {
        pair.0
    }
}

impl std::fmt::Display for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            [h, w] if h == w => write!(f, "{h}"),
            [h, w] => write!(f, "[{h}, {w}]"),
        }
    }
}

impl Serialize for Pair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [h, w] if h == w => h.serialize(serializer),
            each => each.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Both(usize),
            Each([usize; 2]),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Both(both) => both.into(),
            Form::Each(each) => each.into(),
        })
    }
}
