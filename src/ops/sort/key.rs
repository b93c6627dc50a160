//! The order of elements: keys whose integer order is that of floats, integers and booleans.

use std::cmp::Ordering;

use crate::DType;

/// Returns the number of an element type's order in shaders.
pub(in crate::ops) fn kind(dtype: DType) -> u32 {
    match dtype {
        DType::F32 | DType::F16 | DType::Bf16 => 0,
        DType::I32 => 1,
        DType::U32 | DType::Bool => 2,
    }
}

/// Returns a key whose order is that of the words of an element type. NaN is the largest float, as
/// in PyTorch, and -0 equals 0. Must agree with shaders/lib/order.wgsl.
pub(in crate::ops) fn key(word: u32, dtype: DType) -> u32 {
    let magnitude = word & 0x7fff_ffff;
    match dtype {
        DType::U32 | DType::Bool => word,
        DType::I32 => word ^ 0x8000_0000,
        DType::F32 | DType::F16 | DType::Bf16 => match word {
            _ if magnitude > 0x7f80_0000 => u32::MAX,
            _ if magnitude == 0 => 0x8000_0000,
            _ if word == magnitude => word ^ 0x8000_0000,
            _ => !word,
        },
    }
}

/// Compares numbers of the reference in the same order.
pub(in crate::ops) fn compare(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b)
        .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_floats_as_numbers() {
        let inf = f32::INFINITY;
        let all = [
            -inf,
            -1e38,
            -1.0,
            -1e-40,
            -0.0,
            0.0,
            1e-40,
            1.0,
            1e38,
            inf,
            f32::NAN,
            -f32::NAN,
        ];
        for a in all {
            for b in all {
                let keys = key(a.to_bits(), DType::F32).cmp(&key(b.to_bits(), DType::F32));
                assert_eq!(keys, compare(f64::from(a), f64::from(b)), "{a} {b}");
            }
        }
    }

    #[test]
    fn keys_order_integers_as_numbers() {
        let signed = [i32::MIN, -1, 0, 1, i32::MAX].map(|i| key(i as u32, DType::I32));
        assert!(signed.is_sorted());
        let unsigned = [0, 1, 1 << 31, u32::MAX].map(|i| key(i, DType::U32));
        assert!(unsigned.is_sorted());
    }
}
