//! Numbers in JSON, which has neither NaN nor infinities: they are written as the strings `"NaN"`,
//! `"inf"` and `"-inf"`. All JSON of trainings and of fitted preprocessing is written this way; finite
//! numbers are written as usual.
//!
//! A `null`, which older files have in place of such a number, is read as NaN.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number, which may be NaN or infinite.
#[derive(Clone, Copy)]
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_finite() => to.serialize_f64(value),
            value if value.is_nan() => to.serialize_str("NaN"),
            value if value > 0.0 => to.serialize_str("inf"),
            _ => to.serialize_str("-inf"),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(f64),
            Text(String),
            Nothing(()),
        }
        Ok(Number(match Written::deserialize(from)? {
            Written::Number(value) => value,
            Written::Nothing(()) => f64::NAN,
            Written::Text(text) => match text.as_str() {
                "NaN" => f64::NAN,
                "inf" => f64::INFINITY,
                "-inf" => f64::NEG_INFINITY,
                _ => {
                    let expected = "a number, \"NaN\", \"inf\" or \"-inf\"";
                    return Err(serde::de::Error::custom(format!(
                        "found {text:?}, expected {expected}"
                    )));
                }
            },
        }))
    }
}

/// Defines a module for `#[serde(with = "..")]`, which serializes a type as another one that
/// consists of [`Number`].
macro_rules! by {
    ($(#[$doc:meta])* $name:ident, $type:ty, $written:ty, |$value:ident| $to:expr, |$read:ident| $from:expr) => {
        $(#[$doc])*
        pub(crate) mod $name {
            use super::*;

            // Serde passes a reference to the field.
            #[allow(clippy::ptr_arg)]
            pub fn serialize<S: Serializer>($value: &$type, to: S) -> Result<S::Ok, S::Error> {
                $to.serialize(to)
            }

            pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
                let $read = <$written>::deserialize(from)?;
                Ok($from)
            }
        }
    };
}

by!(
    /// One number.
    number, f64, Number, |value| Number(*value), |read| read.0
);
by!(
    /// An optional number; `null` is `None`.
    optional, Option<f64>, Option<Number>, |value| value.map(Number), |read| read.map(|n| n.0)
);
by!(
    /// A list of numbers.
    list, Vec<f64>, Vec<Number>,
    |value| value.iter().copied().map(Number).collect::<Vec<_>>(),
    |read| read.into_iter().map(|n| n.0).collect()
);
by!(
    /// Named numbers.
    named, Vec<(String, f64)>, Vec<(String, Number)>,
    |value| value.iter().map(|(name, n)| (name.as_str(), Number(*n))).collect::<Vec<_>>(),
    |read| read.into_iter().map(|(name, n)| (name, n.0)).collect()
);
by!(
    /// Rows of numbers.
    rows, Vec<Vec<f64>>, Vec<Vec<Number>>,
    |value| value.iter().map(|row| row.iter().copied().map(Number).collect()).collect::<Vec<Vec<Number>>>(),
    |read| read.into_iter().map(|row| row.into_iter().map(|n| n.0).collect()).collect()
);

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct All {
        #[serde(with = "number")]
        one: f64,
        #[serde(with = "optional")]
        perhaps: Option<f64>,
        #[serde(with = "list", default)]
        list: Vec<f64>,
        #[serde(with = "named")]
        named: Vec<(String, f64)>,
        #[serde(with = "rows")]
        rows: Vec<Vec<f64>>,
    }

    #[test]
    fn every_number_comes_back() {
        let all = All {
            one: f64::NAN,
            perhaps: Some(f64::NEG_INFINITY),
            list: vec![0.5, f64::INFINITY],
            named: vec![("a".to_string(), f64::INFINITY), ("b".to_string(), 0.1)],
            rows: vec![vec![-0.0, f64::NAN], Vec::new(), vec![1e300]],
        };
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(
            text,
            "{\"one\":\"NaN\",\"perhaps\":\"-inf\",\"list\":[0.5,\"inf\"],\
             \"named\":[[\"a\",\"inf\"],[\"b\",0.1]],\"rows\":[[-0.0,\"NaN\"],[],[1e+300]]}"
        );
        let read: All = serde_json::from_str(&text).unwrap();
        assert!(read.one.is_nan() && read.rows[0][1].is_nan());
        assert_eq!(read.perhaps, Some(f64::NEG_INFINITY));
        assert_eq!((&read.list, &read.named), (&all.list, &all.named));
        assert_eq!(read.rows[0][0].to_bits(), (-0.0f64).to_bits());
        assert_eq!(read.rows[2], [1e300]);
    }

    #[test]
    fn files_of_before_are_read() {
        let old = "{\"one\":null,\"perhaps\":null,\"named\":[[\"a\",null]],\"rows\":[[1,null]]}";
        let read: All = serde_json::from_str(old).unwrap();
        assert!(read.one.is_nan() && read.named[0].1.is_nan() && read.rows[0][1].is_nan());
        assert_eq!((read.perhaps, read.rows[0][0]), (None, 1.0));
        let wrong = old.replace("\"one\":null", "\"one\":\"much\"");
        let error = serde_json::from_str::<All>(&wrong).unwrap_err().to_string();
        assert!(
            error.contains("found \"much\", expected a number, \"NaN\", \"inf\" or \"-inf\""),
            "{error}"
        );
    }

    #[test]
    fn finite_numbers_come_back_to_the_bit() {
        let mut random = crate::random::Stream::new(1);
        for _ in 0..10_000 {
            let bits = u64::from(random.next_u32()) << 32 | u64::from(random.next_u32());
            let value = f64::from_bits(bits & !(1 << 62));
            let text = serde_json::to_string(&Number(value)).unwrap();
            assert_eq!(text, serde_json::to_string(&value).unwrap());
            let read = serde_json::from_str::<Number>(&text).unwrap().0;
            assert_eq!(read.to_bits(), value.to_bits());
        }
    }
}
