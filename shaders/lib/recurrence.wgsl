// The shared part of the recurrent layers. Four samples are computed together, so that each element
// of the matrix is used four times. Units are counted in F. Needs `matrix` and `params`, and
// lib/recurrence_f32 or _vec4.

const NONE = 0xffffffffu;

// A forward step. Records are rows of the reserve space: the states before and after, and the first
// gate, or NONE.
struct Forward {
    batch: u32, units: u32, time: u32, records: u32, pitch: u32,
    at: u32, from_h: u32, to_h: u32, from_c: u32, to_c: u32, gates: u32,
}

// A backward step. `done` is the time whose gradients are known, or NONE; `at` is the time to
// compute now, or NONE for the gradient of the initial state. `to_h` and `to_c` are rows of dy, the
// others rows of the reserve space.
struct Backward {
    batch: u32, units: u32, time: u32, records: u32, pitch: u32,
    at: u32, from_h: u32, to_h: u32, from_c: u32, to_c: u32, gates: u32,
    outputs: u32, rows: u32, done: u32,
}

// A value for each of four samples.
struct Rows { a: F, b: F, c: F, d: F }

fn rows_of(value: F) -> Rows { return Rows(value, value, value, value); }

// Four samples from `first` on; past the last one, repeats the last one.
fn samples_from(first: u32) -> vec4<u32> {
    return min(vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.batch - 1u));
}

// Returns the start of a sample's record in the reserve space.
fn record(sample: u32, number: u32) -> u32 {
    return (sample * params.records + number) * params.units;
}
