//! CTC on the CPU: a thread computes a sample through all frames.

use crate::graph::Ctc;
use crate::ops::HostRef;
use crate::ops::elementwise::Fast;
use crate::ops::rows::widest;
use crate::ops::threads;

use super::{NONE, POSSIBLE, Sizes};

/// The product of states and frames from which more than one thread is used.
const PARALLEL_FROM: usize = 1 << 12;

/// The number of unreachable states before the first one, so that each state has two predecessors.
const LEADING_STATES: usize = 2;

/// The data of a sample, and the transitions between its states.
struct Sample<'a> {
    /// The log-probabilities `[frames, classes]`.
    x: &'a [f32],
    classes: usize,
    /// The class of each state; `None` if the label is not valid.
    class: Vec<Option<usize>>,
    /// For each state: 0 if a path may skip from the second state before it, else `NONE`.
    skip: Vec<f32>,
}

#[inline(always)]
fn not_below_none(x: f32) -> f32 {
    // NaN stays NaN.
    if x < NONE { NONE } else { x }
}

#[inline(always)]
fn log_sum(a: f32, b: f32, c: f32) -> f32 {
    let max = if a > b { a } else { b };
    let max = if c > max { c } else { max };
    max + ((a - max).fast_exp() + (b - max).fast_exp() + (c - max).fast_exp()).ln()
}

impl<'a> Sample<'a> {
    /// Creates sample `b`. If `mirrored`, the order of its labels is reversed.
    fn new(op: &Ctc, s: Sizes, x: &[HostRef<'a>], b: usize, mirrored: bool) -> Self {
        let count = |at: usize, most: usize| {
            let given = x.get(at).and_then(|x| x.words.get(b));
            given.map_or(0, |&n| most.min(n as usize))
        };
        let (frames, n) = (count(2, s.time), count(3, s.labels));
        let labels = x.get(1).and_then(|x| x.words.get(b * s.labels..));
        let mut labels: Vec<u32> = labels.unwrap_or(&[]).iter().take(n).copied().collect();
        if mirrored {
            labels.reverse();
        }
        let blank = op.blank as usize;
        let mut class = vec![Some(blank)];
        let mut skip = vec![NONE];
        for (i, &label) in labels.iter().enumerate() {
            let of_label = Some(label as usize).filter(|&c| c < s.classes && c != blank);
            // The first label needs no blank before it, because a path may start with it.
            let needs_blank = i > 0 && labels.get(i - 1) == Some(&label);
            class.extend([of_label, Some(blank)]);
            skip.extend([if needs_blank { NONE } else { 0.0 }, NONE]);
        }
        let from = b * s.time * s.classes;
        let x = x.first().and_then(|x| x.f32().get(from..));
        Sample {
            x: x.and_then(|x| x.get(..frames * s.classes)).unwrap_or(&[]),
            classes: s.classes,
            class,
            skip,
        }
    }

    fn frames(&self) -> usize {
        self.x.len() / self.classes
    }

    fn frame(&self, t: usize) -> &'a [f32] {
        self.x.chunks_exact(self.classes).nth(t).unwrap_or(&[])
    }

    /// Returns the number of elements of a row: the states, and those before them.
    fn width(&self) -> usize {
        LEADING_STATES + self.class.len()
    }

    /// Computes the log-probability of each state's class.
    fn emitted(&self, frame: &[f32], y: &mut [f32]) {
        for (y, class) in y.iter_mut().zip(&self.class) {
            let p = class.and_then(|c| frame.get(c)).copied();
            *y = not_below_none(p.unwrap_or(NONE));
        }
    }

    /// Returns the row before the first frame: a path is in the state before the first one, from
    /// which it may go to the first two states.
    fn start(&self) -> Vec<f32> {
        let mut row = vec![NONE; self.width()];
        row[LEADING_STATES - 1] = 0.0;
        row
    }

    /// Computes the row of a frame: for each state, the sum over the paths that end in it.
    fn advance(&self, emitted: &[f32], before: &[f32], row: &mut [f32]) {
        row[..LEADING_STATES].fill(NONE);
        let (one, two) = (
            before.get(1..).unwrap_or(&[]),
            before.get(2..).unwrap_or(&[]),
        );
        let from = before.iter().zip(one).zip(two).zip(&self.skip);
        let to = row.iter_mut().skip(LEADING_STATES).zip(emitted);
        widest(
            #[inline(always)]
            || {
                for ((row, emitted), (((two, one), stay), skip)) in to.zip(from) {
                    let sum = log_sum(*stay, *one, not_below_none(*two + *skip));
                    *row = not_below_none(sum + emitted);
                }
            },
        );
    }

    /// Returns the log-probability of all labels from the row of the last frame.
    fn total(&self, last: &[f32]) -> f32 {
        let n = last.len();
        match self.frames() {
            0 if self.class.len() == 1 => 0.0,
            0 => NONE,
            // Without labels, the row has only the state of the blank and those before it.
            _ => log_sum(last[n - 1], last[n - 2], NONE),
        }
    }
}

/// Calls `f` with the part of `y` of each sample.
fn each_sample(y: &mut [f32], s: Sizes, f: impl Fn((usize, &mut [f32])) + Send + Sync) {
    let piece = (y.len() / s.batch.max(1)).max(1);
    let work = s.batch * s.time * s.states();
    threads::for_pieces(y, piece, threads::pays(work, PARALLEL_FROM), f);
}

pub(super) fn forward(op: &Ctc, s: Sizes, x: &[HostRef], y: &mut [f32]) {
    each_sample(y, s, |(b, y)| {
        let sample = Sample::new(op, s, x, b, false);
        let (mut before, mut row) = (sample.start(), vec![NONE; sample.width()]);
        let mut emitted = vec![NONE; sample.class.len()];
        for t in 0..sample.frames() {
            sample.emitted(sample.frame(t), &mut emitted);
            sample.advance(&emitted, &before, &mut row);
            std::mem::swap(&mut before, &mut row);
        }
        let total = sample.total(&before);
        y.fill(match (total < POSSIBLE, op.zero_infinity) {
            (true, true) => 0.0,
            (true, false) => f32::INFINITY,
            (false, _) => 0.0 - total,
        });
    });
}

pub(super) fn backward(op: &Ctc, s: Sizes, x: &[HostRef], dx: &mut [f32]) {
    each_sample(dx, s, |(b, dx)| {
        dx.fill(0.0);
        let sample = Sample::new(op, s, x, b, false);
        let dy = x.get(4).and_then(|dy| dy.f32().get(b)).copied();
        let (frames, width, dy) = (sample.frames(), sample.width(), dy.unwrap_or(0.0));
        // Row t + 1 is the forward recursion up to frame t.
        let mut up_to = sample.start();
        up_to.resize((frames + 1) * width, NONE);
        let mut emitted = vec![NONE; sample.class.len()];
        for t in 0..frames {
            let (before, row) = up_to.split_at_mut((t + 1) * width);
            sample.emitted(sample.frame(t), &mut emitted);
            sample.advance(&emitted, &before[t * width..], &mut row[..width]);
        }
        let total = sample.total(&up_to[frames * width..]);
        if total < POSSIBLE {
            return;
        }
        // The backward recursion is the forward recursion of the mirrored sample.
        let mirror = Sample::new(op, s, x, b, true);
        let (mut before, mut row) = (mirror.start(), vec![NONE; width]);
        for t in (0..frames).rev() {
            let frame = sample.frame(t);
            mirror.emitted(frame, &mut emitted);
            mirror.advance(&emitted, &before, &mut row);
            let dx = &mut dx[t * s.classes..(t + 1) * s.classes];
            let ahead = up_to[(t + 1) * width..(t + 2) * width]
                .iter()
                .skip(LEADING_STATES);
            // Both recursions include frame t.
            let behind = row.iter().skip(LEADING_STATES).zip(&emitted).rev();
            for ((class, ahead), (behind, emitted)) in sample.class.iter().zip(ahead).zip(behind) {
                if let Some(dx) = class.and_then(|class| dx.get_mut(class)) {
                    *dx -= dy * (ahead + (behind - emitted) - total).fast_exp();
                }
            }
            std::mem::swap(&mut before, &mut row);
        }
    });
}
