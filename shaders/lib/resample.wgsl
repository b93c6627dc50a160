// The shared parameters of resampling and its gradient. Another library defines the taps and weights:
//   taps(a, i)       the taps of element i of the result, from .x to before .y
//   users(a, j)      the elements of the result that element j may be part of
//   weight(a, i, j)  the weight of element j in element i of the result

struct Axis {
    n: u32,  // elements
    to: u32, // elements of the result
    unused0: u32,
    unused1: u32,
    p: u32, // parameters of the other library
    q: u32,
    r: u32,
    s: u32,
}

struct Params {
    h: Axis,
    w: Axis,
    count: u32, // elements that are computed
    unused0: u32,
    unused1: u32,
    unused2: u32,
}
