//! The rectifier with a learned slope.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::Init;
use crate::{Source, Tensor};

use super::{Module, Parameter, Settings, Unfit, Visitor, traced};
use crate::schema::Path;

/// `x` where `x > 0`, else `weight x` with a learned slope (He, Zhang, Ren and Sun, "Delving Deep into
/// Rectifiers", 2015). Takes and gives `[batch, ..]`. Its parameter is `weight [n]`, at first 0.25.
pub struct Prelu {
    weight: Parameter,
    source: Source,
}

impl Prelu {
    /// One slope for all.
    #[track_caller]
    pub fn new() -> Self {
        Self::channels(1)
    }

    /// A slope for each of `channels` channels: the axis after the batch, or the last one of a tensor with
    /// no other.
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
                let reason = format!("the layer has {n} slopes, one for each of {n} channels");
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

/// A rectifier with a learned slope; see [`Prelu`].
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
