// The shared functions of the passes of argmax and argmin. Needs lib/order.

struct Params { rows: u32, columns: u32, chunk: u32, chunks: u32, kind: u32, smallest: u32 }

// Returns the rank of an element. The element with the largest rank is the result.
fn extreme_rank(bits: u32, kind: u32, smallest: u32) -> u32 {
    let key = ascending_key(bits, kind);
    let nan = kind == OF_F32 && key == 0xffffffffu;
    return select(key, ~key, smallest == 1u && !nan);
}
