// The states of CTC: a blank before, between and after a sample's labels. Uses log_p, labels and
// params of the kernel.

// impossible has the bits of the loss if no path has the labels; rows is the number of kept rows of
// states.
struct Params { batch: u32, time: u32, classes: u32, labels: u32, rows: u32, blank: u32, impossible: u32 }

// The logarithm of 0, finite, and a bound above which no sum contains it.
const NONE: f32 = -1e30;
const POSSIBLE: f32 = -1e29;

// NaN stays NaN.
fn not_below_none(x: f32) -> f32 { return select(x, NONE, x < NONE); }

// ln(e^a + e^b + e^c)
fn log_sum(a: f32, b: f32, c: f32) -> f32 {
    var most = select(b, a, a > b);
    most = select(most, c, c > most);
    return most + log(exp(a - most) + exp(b - most) + exp(c - most));
}

// Returns the log-probability of a state's class at a time.
fn emitted(sample: u32, t: u32, state: u32) -> f32 {
    var number = params.blank;
    if state % 2u == 1u {
        number = labels[sample * params.labels + state / 2u];
        if number == params.blank || number >= params.classes { return NONE; }
    }
    return not_below_none(log_p[(sample * params.time + t) * params.classes + number]);
}

// Returns whether a path may skip to a state from the second one before it: a label that differs
// from the previous one.
fn skips(sample: u32, state: u32) -> bool {
    if state % 2u == 0u || state < 3u { return false; }
    let at = sample * params.labels + state / 2u;
    return labels[at] != labels[at - 1u];
}
