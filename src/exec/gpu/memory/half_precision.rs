//! The words of a tensor in a GPU's buffers, where two 16-bit numbers share a word.

use std::borrow::Cow;

use half::{bf16, f16};

use crate::DType;

/// Returns the number of words of this number of elements.
pub(in crate::exec::gpu) fn words(dtype: DType, elements: usize) -> usize {
    (elements * dtype.bytes()).div_ceil(4)
}

/// Packs elements, given as a word each, into the words of a buffer.
pub(in crate::exec::gpu) fn pack(dtype: DType, elements: &[u32]) -> Cow<'_, [u32]> {
    let bits: fn(f32) -> u16 = match dtype {
        DType::F16 => |x| f16::from_f32(x).to_bits(),
        DType::Bf16 => |x| bf16::from_f32(x).to_bits(),
        _ => return Cow::Borrowed(elements),
    };
    let half = |word: &u32| u32::from(bits(f32::from_bits(*word)));
    let pairs = elements.chunks(2);
    Cow::Owned(
        pairs
            .map(|pair| half(&pair[0]) | pair.get(1).map_or(0, half) << 16)
            .collect(),
    )
}

/// Unpacks the first `elements` elements of a buffer into a word each.
pub(in crate::exec::gpu) fn unpack(dtype: DType, words: Vec<u32>, elements: usize) -> Vec<u32> {
    let value: fn(u16) -> f32 = match dtype {
        DType::F16 => |bits| f16::from_bits(bits).to_f32(),
        DType::Bf16 => |bits| bf16::from_bits(bits).to_f32(),
        _ => return words,
    };
    let pairs = words
        .iter()
        .flat_map(|word| [*word as u16, (*word >> 16) as u16]);
    pairs
        .take(elements)
        .map(|bits| value(bits).to_bits())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        for dtype in [DType::F16, DType::Bf16] {
            for elements in 0..6 {
                let all = [1.5f32, -2.0, 0.0, 384.0, f32::INFINITY].map(f32::to_bits);
                let some = &all[..elements.min(all.len())];
                let packed = pack(dtype, some).into_owned();
                assert_eq!(packed.len(), words(dtype, some.len()));
                assert_eq!(unpack(dtype, packed, some.len()), some);
            }
        }
        assert_eq!(pack(DType::U32, &[7, 8]).as_ref(), [7, 8]);
        assert_eq!(unpack(DType::U32, vec![7, 8], 2), [7, 8]);
    }
}
