//! The CTC loss, compared with the sum over all paths where there are few.

use crate::DType;
use crate::graph::Ctc;
use crate::ops::Array;

use crate::doctor::case::{Case, Draw, case};

/// Batch, time, classes and labels.
type Sizes = [usize; 4];

/// Returns the labels of a path: repeats are merged, then blanks are removed.
fn spelt(path: &[usize], blank: usize) -> Vec<usize> {
    let mut merged = path.to_vec();
    merged.dedup();
    merged.retain(|&class| class != blank);
    merged
}

/// Returns the probability of all paths with these labels.
fn probability(frames: &[f64], labels: &[usize], classes: usize, blank: usize) -> f64 {
    let time = frames.len() / classes;
    let mut total = 0.0;
    for number in 0..classes.pow(time as u32) {
        let class = |t: usize| number / classes.pow(t as u32) % classes;
        let path: Vec<usize> = (0..time).map(class).collect();
        if spelt(&path, blank) == labels {
            let logs = path
                .iter()
                .enumerate()
                .map(|(t, c)| frames[t * classes + c]);
            total += logs.sum::<f64>().exp();
        }
    }
    total
}

fn naive(x: &[Array], [batch, time, classes, s]: Sizes, blank: usize) -> Vec<f64> {
    let loss = |b: usize| {
        let (frames, count) = (x[2].data[b] as usize, x[3].data[b] as usize);
        let frames = &x[0].data[b * time * classes..][..frames.min(time) * classes];
        let labels = x[1].data[b * s..].iter().take(count.min(s));
        let labels: Vec<usize> = labels.map(|&label| label as usize).collect();
        match probability(frames, &labels, classes, blank) {
            0.0 => 0.0,
            p => -p.ln(),
        }
    };
    (0..batch).map(loss).collect()
}

/// Samples of random lengths, some of them with labels that no path has.
fn any(sizes: Sizes, last: bool) -> Case {
    let [batch, time, classes, s] = sizes;
    let blank = if last { classes - 1 } else { 0 };
    let options = Ctc {
        blank: blank as u32,
        zero_infinity: true,
    };
    let kind = if last { "blank_last" } else { "blank_0" };
    let name = format!("{kind}_{batch}x{time}x{classes}_labels_{s}");
    let least = if last { 0.0 } else { 1.0 };
    let case = case("ctc_loss", name, move |x| {
        x[0].ctc_loss(&x[1], [&x[2], &x[3]], options)
    })
    .f32_in([batch, time, classes], -3.0, 0.0)
    .argument(
        DType::U32,
        [batch, s],
        Draw::Between(least, least + (classes - 1) as f64),
    )
    // Some lengths exceed the tensors' sizes.
    .below([batch], time + 2)
    .below([batch], s + 2);
    let few = classes.checked_pow(time as u32).is_some_and(|n| n <= 3000);
    match few {
        true => case.formula(move |x| naive(x, sizes, blank)),
        false => case,
    }
}

/// Log-probabilities of a softmax, all frames, and labels for which most paths are long enough.
fn whole([batch, time, classes, s]: Sizes) -> Case {
    let name = format!("whole_{batch}x{time}x{classes}_labels_{s}");
    let full = |n: usize| vec![n as u32; batch];
    case("ctc_loss", name, |x| {
        let options = Ctc {
            zero_infinity: true,
            ..Ctc::default()
        };
        let log_p = x[0].log_softmax(-1);
        log_p.ctc_loss(&x[1], [&x[2], &x[3]], options)
    })
    .f32([batch, time, classes])
    .argument(DType::U32, [batch, s], Draw::Between(1.0, classes as f64))
    .numbers([batch], &full(time))
    .numbers([batch], &full(s))
}

fn plain(name: &str) -> Case {
    case("ctc_loss", name, |x| {
        x[0].ctc_loss(&x[1], [&x[2], &x[3]], Ctc::default())
    })
}

/// Two frames of three classes.
const FRAMES: [f64; 6] = [-1.0, -2.0, -3.0, -1.5, -0.5, -2.5];

pub fn cases() -> Vec<Case> {
    let sizes = [
        [0, 4, 3, 2],
        [1, 1, 1, 0],
        [3, 1, 2, 1],
        [3, 1, 3, 2],
        [2, 5, 2, 0],
        [3, 2, 3, 2],
        [7, 5, 3, 2],
        [5, 7, 2, 3],
        [3, 7, 3, 3],
        [65, 3, 7, 1],
        [2, 9, 65, 3],
        [3, 63, 3, 7],
    ];
    let mut cases = Vec::new();
    for sizes in sizes {
        cases.push(any(sizes, false));
        cases.push(any(sizes, true));
    }
    cases.extend([[2, 65, 7, 31], [3, 72, 31, 32], [1, 170, 9, 129]].map(whole));
    let probability = |logs: &[f64]| logs.iter().map(|x| x.exp()).sum::<f64>();
    let four = [0u32, 1, 1, 2];
    cases.extend([
        // A blank in each frame; a label once with a blank before or after it, or twice.
        plain("no_label")
            .given([1, 2, 3], &FRAMES)
            .numbers([1, 0], &[])
            .numbers([1], &[2])
            .numbers([1], &[0])
            .expect(&[2.5]),
        plain("one_label")
            .given([1, 2, 3], &FRAMES)
            .numbers([1, 1], &[1])
            .numbers([1], &[2])
            .numbers([1], &[1])
            .expect(&[-probability(&[-1.5, -3.5, -2.5]).ln()]),
        plain("two_labels")
            .given([1, 2, 3], &FRAMES)
            .numbers([1, 2], &[2, 1])
            .numbers([1], &[2])
            .numbers([1], &[2])
            .expect(&[3.5]),
        plain("no_frame")
            .given([1, 2, 3], &FRAMES)
            .numbers([1, 2], &[2, 1])
            .numbers([1], &[0])
            .numbers([1], &[0])
            .expect(&[0.0]),
        // Fewer frames than labels; equal labels without a frame for a blank between them; a blank
        // or an invalid class as label.
        case("ctc_loss", "infinite", |x| {
            let loss = x[0].ctc_loss(&x[1], [&x[2], &x[3]], Ctc::default());
            loss.gt(&loss.constant_like(1e30)).cast(DType::F32)
        })
        .given([5, 2, 3], &FRAMES.repeat(5))
        .constant()
        .numbers([5, 2], &[1, 2, 2, 2, 0, 1, 1, 3, 1, 2])
        .numbers([5], &[1, 2, 2, 2, 2])
        .numbers([5], &[2, 2, 2, 2, 2])
        .expect(&[1.0, 1.0, 1.0, 1.0, 0.0]),
        case("ctc_loss", "zero_instead", |x| {
            let options = Ctc {
                zero_infinity: true,
                ..Ctc::default()
            };
            x[0].ctc_loss(&x[1], [&x[2], &x[3]], options)
        })
        .given([5, 2, 3], &FRAMES.repeat(5))
        .numbers([5, 2], &[1, 2, 2, 2, 0, 1, 1, 3, 1, 2])
        .numbers([5], &[1, 2, 2, 2, 2])
        .numbers([5], &[2, 2, 2, 2, 2])
        .expect(&[0.0, 0.0, 0.0, 0.0, 4.5]),
        // Values past a sample's lengths are ignored.
        plain("shorter")
            .given(
                [2, 3, 2],
                &[
                    -1.0, -2.0, -1.5, -0.5, 9.0, 9.0, -1.0, -2.0, 9.0, 9.0, 9.0, 9.0,
                ],
            )
            .numbers([2, 2], &[1, u32::MAX, 0, 0])
            .numbers([2], &[2, 1])
            .numbers([2], &[1, 0])
            .expect(&[-probability(&[-1.5, -3.5, -2.5]).ln(), 1.0]),
        plain("wrong_batch")
            .f32_in([6, 2, 4], -3.0, 0.0)
            .numbers([4, 2], &[1, 2, 1, 1, 3, 0, 2, 0])
            .numbers([4], &[6, 6, 5, 6])
            .numbers([4], &four)
            .error("require labels [batch, s]"),
        case("ctc_loss", "time_first", |x| {
            let log_p = x[0].permute(&[1, 0, 2]);
            log_p
                .ctc_loss(&x[1], [&x[2], &x[3]], Ctc::default())
                .mean(&[])
        })
        .f32_in([6, 4, 4], -3.0, 0.0)
        .numbers([4, 2], &[3, 0, 3, 0, 3, 0, 1, 1])
        .numbers([4], &[6, 6, 5, 6])
        .numbers([4], &four),
        plain("improbable")
            .given([1, 3, 2], &[-300.0, -400.0, -500.0, 0.0, -1e4, -2e4])
            .numbers([1, 1], &[1])
            .numbers([1], &[3])
            .numbers([1], &[1])
            .expect(&[10300.0]),
        plain("float_labels")
            .f32([2, 3, 4])
            .f32([2, 1])
            .below([2], 3)
            .below([2], 2)
            .error("labels and both lengths u32"),
        plain("wrong_lengths")
            .f32([2, 3, 4])
            .below([2, 1], 4)
            .below([3], 3)
            .below([2], 2)
            .error("lengths [batch]"),
        plain("rank_2")
            .f32([3, 4])
            .below([2, 1], 4)
            .below([2], 3)
            .below([2], 2)
            .error("must be [batch, time, classes]"),
        plain("no_time")
            .f32([2, 0, 4])
            .below([2, 1], 4)
            .below([2], 3)
            .below([2], 2)
            .error("at least 1 frame"),
        case("ctc_loss", "blank_outside", |x| {
            let options = Ctc {
                blank: 4,
                ..Ctc::default()
            };
            x[0].ctc_loss(&x[1], [&x[2], &x[3]], options)
        })
        .f32([2, 3, 4])
        .below([2, 1], 4)
        .below([2], 3)
        .below([2], 2)
        .error("a class for the blank, which is 4"),
    ]);
    cases
}
