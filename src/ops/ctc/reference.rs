//! CTC from the definition, by prefixes of the labels that end in a blank or in their last label.

use crate::graph::Ctc;
use crate::ops::Array;

/// Returns `ln(e^a + e^b + ..)`, where minus infinity is the logarithm of 0.
fn log_sum(terms: &[f64]) -> f64 {
    let max = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match max == f64::NEG_INFINITY {
        true => max,
        false => max + terms.iter().map(|x| (x - max).exp()).sum::<f64>().ln(),
    }
}

/// The log-probabilities that the frames so far produce the first `i` labels, by `i`.
#[derive(Clone)]
struct Prefixes {
    /// For paths that end in a blank.
    blank: Vec<f64>,
    /// For paths that end in label `i`, counted from 1.
    label: Vec<f64>,
}

/// Returns the prefixes after no frame, after the first one, and so on.
fn prefixes(frames: &[&[f64]], labels: &[usize], blank: usize) -> Vec<Prefixes> {
    let n = labels.len();
    let mut now = Prefixes {
        blank: vec![f64::NEG_INFINITY; n + 1],
        label: vec![f64::NEG_INFINITY; n + 1],
    };
    now.blank[0] = 0.0;
    let mut all = vec![now.clone()];
    for p in frames {
        let old = now.clone();
        for i in 0..=n {
            now.blank[i] = log_sum(&[old.blank[i], old.label[i]]) + p[blank];
        }
        for i in 1..=n {
            let label = labels[i - 1];
            let mut ways = vec![old.label[i], old.blank[i - 1]];
            if i > 1 && label != labels[i - 2] {
                ways.push(old.label[i - 1]);
            }
            now.label[i] = match p.get(label) {
                Some(p) if label != blank => log_sum(&ways) + p,
                _ => f64::NEG_INFINITY,
            };
        }
        all.push(now.clone());
    }
    all
}

/// Returns a sample's frames and labels.
fn sample<'a>(x: &[&'a Array], b: usize) -> (Vec<&'a [f64]>, Vec<usize>) {
    let (time, s) = (x[0].shape[1], x[1].shape[1]);
    let frames = x[0].rows().skip(b * time).take(time);
    let labels = x[1].data.iter().skip(b * s).take(s);
    let (some, n) = (x[2].data[b] as usize, x[3].data[b] as usize);
    (
        frames.take(some).collect(),
        labels.take(n).map(|&label| label as usize).collect(),
    )
}

/// Returns the log-probability of all labels.
fn total(all: &[Prefixes]) -> f64 {
    let ends = |p: &Prefixes| [p.blank.last().copied(), p.label.last().copied()];
    let ends = all.last().into_iter().flat_map(ends).flatten();
    log_sum(&ends.collect::<Vec<_>>())
}

pub(super) fn forward(op: &Ctc, x: &[&Array], y: &mut Array) {
    for (b, y) in y.data.iter_mut().enumerate() {
        let (frames, labels) = sample(x, b);
        let total = total(&prefixes(&frames, &labels, op.blank as usize));
        *y = match total == f64::NEG_INFINITY && op.zero_infinity {
            true => 0.0,
            false => 0.0 - total,
        };
    }
}

/// The backward recursion is the forward recursion with time and labels reversed.
pub(super) fn backward(op: &Ctc, x: &[&Array], dx: &mut Array) {
    let (time, blank) = (x[0].shape[1], op.blank as usize);
    for (b, &dy) in x[4].data.iter().enumerate() {
        let (frames, labels) = sample(x, b);
        let (n, count) = (labels.len(), frames.len());
        let before = prefixes(&frames, &labels, blank);
        let total = total(&before);
        if total == f64::NEG_INFINITY {
            continue;
        }
        let mirrored = |v: &[usize]| v.iter().rev().copied().collect::<Vec<_>>();
        let reversed: Vec<&[f64]> = frames.iter().rev().copied().collect();
        let after = prefixes(&reversed, &mirrored(&labels), blank);
        let rows = dx.rows_mut().skip(b * time);
        for (t, (row, p)) in rows.zip(&frames).enumerate() {
            // Both include frame t.
            let (before, after) = (&before[t + 1], &after[count - t]);
            let mut add = |class: usize, before: f64, after: f64| {
                if before > f64::NEG_INFINITY && after > f64::NEG_INFINITY {
                    row[class] -= dy * (before + after - p[class] - total).exp();
                }
            };
            for i in 0..=n {
                add(blank, before.blank[i], after.blank[n - i]);
            }
            for i in 1..=n {
                add(labels[i - 1], before.label[i], after.label[n - i + 1]);
            }
        }
    }
}
