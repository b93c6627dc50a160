// What resampling and its gradient share: their parameters. Which elements meet is said by another library, with
//   taps(a, i)       the elements that element i of the result is made of, from .x to before .y
//   users(a, j)      the elements of the result that element j may be part of
//   weight(a, i, j)  how much of element i of the result is element j

struct Axis {
    n: u32,  // elements
    to: u32, // elements of the result
    unused0: u32,
    unused1: u32,
    p: u32, // what these are, the other library knows
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
