// The order of elements by their bits: a smaller element has a smaller key. Must agree with
// src/ops/sort/key.rs.

const OF_F32: u32 = 0u;
const OF_I32: u32 = 1u;

// NaN is the largest number, as in PyTorch, and -0 equals 0.
fn key_of_f32(bits: u32) -> u32 {
    let magnitude = bits & 0x7fffffffu;
    if magnitude > 0x7f800000u { return 0xffffffffu; }
    if magnitude == 0u { return 0x80000000u; }
    return bits ^ select(0x80000000u, 0xffffffffu, bits != magnitude);
}

fn ascending_key(bits: u32, kind: u32) -> u32 {
    if kind == OF_F32 { return key_of_f32(bits); }
    return select(bits, bits ^ 0x80000000u, kind == OF_I32);
}

fn order_key(bits: u32, kind: u32, descending: u32) -> u32 {
    let key = ascending_key(bits, kind);
    return select(key, ~key, descending == 1u);
}
