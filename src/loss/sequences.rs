//! The CTC loss of sequences whose labels are not aligned with the frames.

use super::functional::{self, Reduction};
use super::{Loss, Target};
use crate::graph::Meta;
use crate::{DType, Shape, Tensor};

/// Connectionist temporal classification (Graves et al., 2006), as `torch.nn.CTCLoss`: the negative
/// log-probability that the frames of a sample spell its labels in order, summed over all
/// alignments.
///
/// The output is logits `[batch, time, classes]`, or log-probabilities. The targets are [several
/// labels per sample](crate::data::Targets::Sequences), `[batch, labels]`: the labels to spell,
/// padded with the blank, which is never spelled. With [`framed`](Ctc::framed), they also contain
/// the number of frames of each sample.
///
/// The loss of a batch is PyTorch's mean, the mean over samples of each loss divided by its number
/// of labels, or another [reduction](Ctc::reduction). [`Ctc::of`] returns the loss of each sample.
/// If no alignment is possible, the loss is infinite, and training ends with an error; see
/// [`zero_infinity`](Ctc::zero_infinity).
///
/// # Example
/// ```
/// use wgrad::{Device, loss::{Ctc, Loss}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     let logits = g.tensor([1, 2, 2], [0.0; 4]); // 2 frames, 2 classes
///     Ctc::new(1).mean(&logits, &g.indices([1, 1], [1]))
/// })?;
/// assert!((loss.data[0] + 0.75f64.ln()).abs() < 1e-6); // 3 of 4 paths spell the label
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ctc {
    labels: usize,
    framed: bool,
    options: functional::Ctc,
    reduction: Reduction,
}

impl Ctc {
    /// Creates the loss for samples of at most this many labels. All frames are valid, and class 0
    /// is the blank.
    pub fn new(labels: usize) -> Self {
        Ctc {
            labels,
            framed: false,
            options: functional::Ctc::default(),
            reduction: Reduction::Mean,
        }
    }

    /// Sets the class of the blank.
    pub fn blank(self, blank: u32) -> Self {
        let options = functional::Ctc {
            blank,
            ..self.options
        };
        Ctc { options, ..self }
    }

    /// Makes each sample's targets start with the number of its valid frames, before the labels:
    /// one number more. The data set's `classes` is then one above the largest of both. A label
    /// without a class in the output, or more frames than the output has, is an error when training
    /// or evaluation begins.
    pub fn framed(self) -> Self {
        Ctc {
            framed: true,
            ..self
        }
    }

    /// Sets how the samples' losses are reduced: [`Reduction::Mean`], the sum over the batch, or
    /// [`Reduction::BatchMean`], the mean without division by the numbers of labels.
    /// [`Reduction::None`] is an error, because training needs one number.
    ///
    /// The loss of an epoch is the mean of its batches' losses weighted by their samples, and so
    /// are accumulated gradients. With sums, both depend on how samples are divided into batches.
    pub fn reduction(self, reduction: Reduction) -> Self {
        Ctc { reduction, ..self }
    }

    /// Sets the loss and the gradient of samples without a possible alignment to 0.
    pub fn zero_infinity(self) -> Self {
        let options = functional::Ctc {
            zero_infinity: true,
            ..self.options
        };
        Ctc { options, ..self }
    }

    /// Returns the loss of logits `[batch, time, classes]` and targets in the layout of the data
    /// set: `[batch, labels]` u32, preceded by the number of frames if [`framed`](Ctc::framed).
    /// With [`Reduction::None`] it returns that of each sample, `[batch]`.
    #[track_caller]
    pub fn of(&self, output: &Tensor, target: &Tensor, reduction: Reduction) -> Tensor {
        let log_p = output.log_softmax(-1);
        let (frames, labels) = match self.framed {
            true => {
                let frames = target.narrow(1, 0, 1).reshape([target.dim(0)]);
                (Some(frames), target.narrow(1, 1, self.labels))
            }
            false => (None, target.clone()),
        };
        functional::ctc_padded(&log_p, &labels, frames.as_ref(), self.options, reduction)
    }
}

impl Loss for Ctc {
    fn target(&self, output: &Meta) -> Result<Target, String> {
        let &[_, time, classes] = output.shape.dims() else {
            return Err(format!(
                "expected logits f32 [batch, time, classes], found {}{}",
                output.dtype, output.shape
            ));
        };
        let Ctc {
            labels, options, ..
        } = *self;
        if output.dtype != DType::F32 || time == 0 || classes < 2 {
            let (dtype, shape) = (output.dtype, &output.shape);
            return Err(format!(
                "expected logits f32 [batch, time, classes] of at least 1 frame and 2 classes, found {dtype}{shape}"
            ));
        }
        if options.blank as usize >= classes {
            let blank = options.blank;
            return Err(format!(
                "expected a blank below {classes}, the number of classes of the output, found {blank}"
            ));
        }
        if labels == 0 || labels > time {
            return Err(format!(
                "expected 1 to {time} labels per sample, the number of frames, found {labels}"
            ));
        }
        if self.reduction == Reduction::None {
            let reason =
                "expected a reduction to one number, a mean or a sum, found `Reduction::None`";
            return Err(reason.to_string());
        }
        Ok(match self.framed {
            true => Target::Framed {
                frames: time,
                classes,
                labels,
            },
            false => Target::Labels {
                classes,
                positions: Shape::from([labels]),
            },
        })
    }
    fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor {
        self.of(output, target, self.reduction)
    }
    fn takes_logits(&self) -> bool {
        true
    }
    fn name(&self) -> &'static str {
        "ctc"
    }
}
