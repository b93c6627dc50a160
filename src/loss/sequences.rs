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
/// The mean is PyTorch's: each sample's loss by its number of labels, and the mean of these. Where no path fits
/// the loss is infinite, which ends a training with an error that says so; see
/// [`zero_infinity`](Ctc::zero_infinity).
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
}

impl Ctc {
    /// For samples of so many labels at most. All frames count, and class 0 is the blank.
    pub fn new(labels: usize) -> Self {
        Ctc {
            labels,
            framed: false,
            options: functional::Ctc::default(),
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
    /// number more. They may then be as large as this number, so the data set's `classes` is one above the
    /// largest of both, and a label that the output has no class for makes the loss infinite.
    pub fn framed(self) -> Self {
        Ctc {
            framed: true,
            ..self
        }
    }

    /// Samples whose labels no path spells count as 0, and have no gradient.
    pub fn zero_infinity(self) -> Self {
        let options = functional::Ctc {
            zero_infinity: true,
            ..self.options
        };
        Ctc { options, ..self }
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
        let most = if self.framed { time + 1 } else { 0 };
        Ok(Target::Labels {
            classes: classes.max(most),
            positions: Shape::from([labels + usize::from(self.framed)]),
        })
    }
    fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor {
        let log_p = output.log_softmax(-1);
        let (frames, labels) = match self.framed {
            true => {
                let frames = target.narrow(1, 0, 1).reshape([target.dim(0)]);
                (Some(frames), target.narrow(1, 1, self.labels))
            }
            false => (None, target.clone()),
        };
        functional::ctc_padded(
            &log_p,
            &labels,
            frames.as_ref(),
            self.options,
            Reduction::Mean,
        )
    }
    fn takes_logits(&self) -> bool {
        true
    }
    fn name(&self) -> &'static str {
        "ctc"
    }
}
