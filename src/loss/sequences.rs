//! The loss of sequences whose labels have no place.

use super::functional::{self, Reduction};
use super::{Loss, Target};
use crate::graph::Meta;
use crate::{DType, Shape, Tensor};

/// Connectionist temporal classification: minus the logarithm of the probability that the frames of a sample
/// spell its labels in order, whatever frame each falls on (Graves et al., 2006), as `torch.nn.CTCLoss`.
///
/// The output are logits `[batch, time, classes]`; log-probabilities are logits too, and stay what they are. A
/// target is [several labels a sample](crate::data::Targets::Sequences), `[batch, labels]`: those to be
/// spelled, and then the blank in all places that are left, for a blank is never spelled. With
/// [`framed`](Ctc::framed), each sample's frames are counted too.
///
/// A batch's loss is PyTorch's mean: each sample's loss by its number of labels, and the mean of these; or another
/// [reduction](Ctc::reduction). [`Ctc::of`] gives each sample's. Where no path fits the loss is infinite, which ends a
/// training with an error that says so; see [`zero_infinity`](Ctc::zero_infinity).
///
/// ```
/// use wgrad::data::Targets;
///
/// // "cab" and "be", in which 0 is the blank.
/// let targets = Targets::Sequences { labels: vec![3, 1, 2, 2, 5, 0], width: 3, classes: 6 };
/// let loss = wgrad::loss::Ctc::new(3);
/// # let _ = (targets, loss);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ctc {
    labels: usize,
    framed: bool,
    options: functional::Ctc,
    reduction: Reduction,
}

impl Ctc {
    /// For samples of so many labels at most. All frames count, and class 0 is the blank.
    pub fn new(labels: usize) -> Self {
        Ctc {
            labels,
            framed: false,
            options: functional::Ctc::default(),
            reduction: Reduction::Mean,
        }
    }

    /// With another blank.
    pub fn blank(self, blank: u32) -> Self {
        let options = functional::Ctc {
            blank,
            ..self.options
        };
        Ctc { options, ..self }
    }

    /// A sample's targets begin with the number of its frames that count, in front of the labels: there is one
    /// number more. The data set's `classes` is then one above the largest of both; a label that the output has
    /// no class for, or more frames than it has, is an error when training or evaluation begins.
    pub fn framed(self) -> Self {
        Ctc {
            framed: true,
            ..self
        }
    }

    /// What becomes of the samples' losses: [`Reduction::Mean`], the sum over the batch, or its mean without a
    /// division by labels, [`Reduction::BatchMean`]. [`Reduction::None`] leaves no number to train by, and is
    /// refused.
    ///
    /// An epoch's loss is the mean of its batches' by their samples, and so are gradients that are accumulated: of
    /// sums as well, which depend on how batches divide the samples.
    pub fn reduction(self, reduction: Reduction) -> Self {
        Ctc { reduction, ..self }
    }

    /// Samples whose labels no path spells count as 0, and have no gradient.
    pub fn zero_infinity(self) -> Self {
        let options = functional::Ctc {
            zero_infinity: true,
            ..self.options
        };
        Ctc { options, ..self }
    }

    /// The loss of logits `[batch, time, classes]` and targets as a data set has them, `[batch, labels]` u32, with
    /// the frames in front where it is [`framed`](Ctc::framed). With [`Reduction::None`] each sample's, `[batch]`.
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
                "needs logits f32 [batch, time, classes], not {}{}",
                output.dtype, output.shape
            ));
        };
        let Ctc {
            labels, options, ..
        } = *self;
        if output.dtype != DType::F32 || time == 0 || classes < 2 {
            let (dtype, shape) = (output.dtype, &output.shape);
            return Err(format!(
                "needs logits f32 [batch, time, classes] of a frame and 2 classes or more, not {dtype}{shape}"
            ));
        }
        if options.blank as usize >= classes {
            let blank = options.blank;
            return Err(format!(
                "its blank is {blank}, but the output scores classes 0 to {}",
                classes - 1
            ));
        }
        if labels == 0 || labels > time {
            return Err(format!(
                "is for up to {labels} labels a sample, but {time} frames spell 1 to {time}"
            ));
        }
        if self.reduction == Reduction::None {
            let reason =
                "gives a loss for each sample, but training goes by one number: a mean or a sum";
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
