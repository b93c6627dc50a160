//! PReLU: ReLU with a learned slope.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::Init;
use crate::{Source, Tensor};

use super::{Module, Parameter, Settings, Unfit, Visitor, traced};
use crate::schema::Path;

/// PReLU: `x` where `x > 0`, else `weight x`, with a learned slope (He, Zhang, Ren and Sun,
/// "Delving Deep into Rectifiers", 2015).
///
/// Takes and returns `[batch, ..]`. The parameter is `weight [n]`, initialized to 0.25.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let layer = nn::Prelu::new();
/// let mut trainer = Trainer::new(layer).loss(loss::Mse).compile_for(&Device::cpu(), [2])?;
/// let x = Dataset::from_arrays(vec![-1.0, 2.0], [2], Targets::Unlabelled)?;
/// assert_eq!(trainer.predict(&x)?.values, [-0.25, 2.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Prelu {
    weight: Parameter,
    source: Source,
}

impl Prelu {
    /// Creates a layer with one slope for all channels.
    #[track_caller]
    pub fn new() -> Self {
        Self::channels(1)
    }

    /// Creates a layer with a slope for each channel. The channels are the axis after the batch
    /// axis; a tensor of one axis has its elements as channels.
    #[track_caller]
    pub fn channels(channels: usize) -> Self {
        Prelu {
            weight: Parameter::new([channels], Init::Constant(0.25)),
            source: Source::caller(),
        }
    }
}

impl Default for Prelu {
    #[track_caller]
    fn default() -> Self {
        Prelu::new()
    }
}

impl Module for Prelu {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        x.in_scope(self.weight.layer(x), Some(self.source), |x| {
            let (n, shape) = (self.weight.shape().len(), x.shape());
            let axis = 1.min(shape.rank().saturating_sub(1));
            if n != 1 && x.id().is_some() && shape.get(axis) != Some(&n) {
                let reason = format!("expected {n} channels, one for each slope, found {shape}");
                return x.record_error("prelu", reason, self.source);
            }
            traced(x, &format!("PReLU({n})"), |x| {
                let mut to = vec![1; shape.rank() - axis.min(shape.rank())];
                match to.first_mut() {
                    Some(first) => *first = n,
                    None => to.clear(),
                }
                x.prelu(&self.weight.tensor(x).reshape(to))
            })
        })
    }

    fn visit(&self, visitor: &mut Visitor) {
        visitor.parameter("weight", &self.weight);
    }
}

/// ReLU with a learned slope; see [`Prelu`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreluSpec {}

impl Settings for PreluSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(Prelu::new()))
    }

    fn is_activation(&self) -> bool {
        true
    }
}
