// States of CTC: a blank before, between and after a sample's labels, by log_p, labels and params of the kernel.

// impossible is the bits of the loss where no path spells the labels; rows are those kept of the states.
struct Params { batch: u32, time: u32, classes: u32, labels: u32, rows: u32, blank: u32, impossible: u32 }

// The logarithm of 0, finite, and what no sum without it is below.
const NONE: f32 = -1e30;
const POSSIBLE: f32 = -1e29;

// A NaN stays one.
fn not_below_none(x: f32) -> f32 { return select(x, NONE, x < NONE); }

// ln(e^a + e^b + e^c)
fn log_sum(a: f32, b: f32, c: f32) -> f32 {
    var most = select(b, a, a > b);
    most = select(most, c, c > most);
    return most + log(exp(a - most) + exp(b - most) + exp(c - most));
}

// The log-probability of a state's class at a time.
fn emitted(sample: u32, t: u32, state: u32) -> f32 {
    var number = params.blank;
    if state % 2u == 1u {
        number = labels[sample * params.labels + state / 2u];
        if number == params.blank || number >= params.classes { return NONE; }
    }
    return not_below_none(log_p[(sample * params.time + t) * params.classes + number]);
}

// Whether a state may follow the second before it: a label that is not the one before.
fn skips(sample: u32, state: u32) -> bool {
    if state % 2u == 0u || state < 3u { return false; }
    let at = sample * params.labels + state / 2u;
    return labels[at] != labels[at - 1u];
}
