//! The CTC loss, with its options and reductions; see `tests/fixtures/ctc.py`.

use wgrad::loss;
use wgrad::loss::functional::{self as f, Ctc, Reduction};
use wgrad::{DType, Tensor};

use crate::case::{Case, function};

fn ctc(x: &[Tensor], options: Ctc, reduction: Reduction) -> Tensor {
    let log_p = x[0].log_softmax(-1);
    f::ctc(&log_p, &x[1], [&x[2], &x[3]], options, reduction)
}

fn with(name: &'static str, options: Ctc, reduction: Reduction) -> Case {
    function(name, move |x| vec![ctc(x, options, reduction)])
}

/// Labels that are padded with the blank, and the number of frames if the case has it, in the
/// format of a data set for the training loss.
fn padded(name: &'static str, options: Ctc, reduction: Reduction) -> Case {
    function(name, move |x| {
        let mut loss = loss::Ctc::new(x[1].dim(1)).blank(options.blank);
        if options.zero_infinity {
            loss = loss.zero_infinity();
        }
        let target = match x.get(2) {
            Some(frames) => {
                loss = loss.framed();
                Tensor::concat(&[&frames.unsqueeze(1), &x[1]], 1)
            }
            None => x[1].clone(),
        };
        vec![loss.of(&x[0], &target, reduction)]
    })
}

pub fn cases() -> Vec<Case> {
    let plain = Ctc::default();
    let last = Ctc { blank: 5, ..plain };
    let zero = Ctc {
        zero_infinity: true,
        ..plain
    };
    vec![
        with("ctc_mean", plain, Reduction::Mean),
        with("ctc_sum", plain, Reduction::Sum),
        with("ctc_none", plain, Reduction::None),
        with("ctc_blank_last_mean", last, Reduction::Mean),
        with("ctc_blank_last_sum", last, Reduction::Sum),
        with("ctc_blank_last_none", last, Reduction::None),
        with("ctc_zero_mean", zero, Reduction::Mean),
        with("ctc_zero_sum", zero, Reduction::Sum),
        with("ctc_zero_none", zero, Reduction::None),
        function("ctc_infinite", move |x| {
            let loss = ctc(x, plain, Reduction::None);
            vec![loss.gt(&loss.constant_like(1e30)).cast(DType::F32)]
        }),
        with("ctc_one", plain, Reduction::None),
        with("ctc_no_labels", plain, Reduction::Mean),
        padded("ctc_padded_mean", plain, Reduction::Mean),
        padded("ctc_padded_sum", plain, Reduction::Sum),
        padded("ctc_padded_none", plain, Reduction::None),
        padded("ctc_padded_framed_mean", plain, Reduction::Mean),
        padded("ctc_padded_framed_sum", plain, Reduction::Sum),
        padded("ctc_padded_framed_none", plain, Reduction::None),
        padded("ctc_padded_blank_last_mean", last, Reduction::Mean),
        padded("ctc_padded_blank_last_sum", last, Reduction::Sum),
        padded("ctc_padded_blank_last_none", last, Reduction::None),
        padded("ctc_padded_zero_mean", zero, Reduction::Mean),
        padded("ctc_padded_zero_sum", zero, Reduction::Sum),
        padded("ctc_padded_zero_none", zero, Reduction::None),
        // A gradient is e to the power of a difference of logarithms of about 94, which are 7.6e-6
        // apart in f32. PyTorch itself has an error of 1.5e-5 in f32.
        with("ctc_long", plain, Reduction::None).within(3e-5),
    ]
}
