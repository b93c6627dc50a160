// What the passes of argmax and argmin share. Needs lib/order.

struct Params { rows: u32, columns: u32, chunk: u32, chunks: u32, kind: u32, smallest: u32 }

// The larger wins.
fn extreme_rank(bits: u32, kind: u32, smallest: u32) -> u32 {
    let key = ascending_key(bits, kind);
    let nan = kind == OF_F32 && key == 0xffffffffu;
    return select(key, ~key, smallest == 1u && !nan);
}
