//! The embedding layer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::Init;
use crate::{DType, Source, Tensor};

use super::{InitSpec, Module, Parameter, Settings, Unfit, Visitor, traced};
use crate::schema::{Path, range};

/// A lookup table of vectors, one for each token.
///
/// Takes token ids of any shape `[..]`, `u32` or integral `f32` (as data sets store them), and
/// returns `[.., d]`. The parameter is `weight [vocabulary, d]`, as in PyTorch, initialized
/// normal(0, 1).
///
/// An id of a data set that is not an integer below `vocabulary` is an error when the data set is
/// used. For an id out of range that the model computes, the layer returns zeros.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let layer = nn::Embedding::new(10, 4);
/// let mut trainer = Trainer::new(layer).loss(loss::Mse).compile_for(&Device::cpu(), [3])?;
/// let tokens = Dataset::from_arrays(vec![7.0, 0.0, 7.0], [3], Targets::Unlabelled)?;
/// let y = trainer.predict(&tokens)?;
/// assert_eq!(y.shape, [1, 3, 4].into());
/// assert_eq!(y.values[..4], y.values[8..]); // the same token, the same vector
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Embedding {
    vocabulary: usize,
    d: usize,
    padding: Option<u32>,
    weight: Parameter,
    source: Source,
}

impl Embedding {
    /// Creates a table of `vocabulary` vectors of `d` features.
    #[track_caller]
    pub fn new(vocabulary: usize, d: usize) -> Self {
        Embedding {
            vocabulary,
            d,
            padding: None,
            weight: Parameter::new([vocabulary, d], Init::Normal { std: 1.0 }),
            source: Source::caller(),
        }
    }

    /// Sets the initialization of the weight.
    #[track_caller]
    pub fn init(self, init: Init) -> Self {
        Embedding {
            weight: Parameter::new([self.vocabulary, self.d], init),
            ..self
        }
    }

    /// Sets the vector of `token` to 0 and excludes it from training: `padding_idx` in PyTorch. The
    /// other vectors are initialized normal(0, 1).
    #[track_caller]
    pub fn with_padding(self, token: u32) -> Self {
        let from = (token as usize).saturating_mul(self.d);
        let init = Init::NormalAroundZeros {
            std: 1.0,
            from,
            to: from.saturating_add(self.d),
        };
        Embedding {
            padding: Some(token),
            ..self.init(init)
        }
    }

    /// Returns the weight, for a layer that shares it.
    pub fn weight(&self) -> &Parameter {
        &self.weight
    }
}

/// Returns the token ids as `u32`.
fn numbers(x: &Tensor) -> Tensor {
    match x.dtype() {
        DType::U32 => x.clone(),
        _ => x.cast(DType::U32),
    }
}

impl Module for Embedding {
    fn forward(&self, x: &Tensor) -> Tensor {
        let layer = self.weight.layer(x);
        x.in_scope(layer, Some(self.source), |x| {
            if let Some(token) = self.padding.filter(|t| *t as usize >= self.vocabulary) {
                let last = self.vocabulary;
                let reason = format!(
                    "expected a padding token below the vocabulary's size {last}, found {token}"
                );
                return x.record_error("embedding", reason, self.source);
            }
            let kind = format!("Embedding({}, {})", self.vocabulary, self.d);
            traced(x, &kind, |x| {
                let weight = self.weight.tensor(x);
                match self.padding {
                    Some(token) => weight.gather_frozen(&numbers(x), token),
                    None => weight.gather(&numbers(x)),
                }
            })
        })
    }

    fn visit(&self, visitor: &mut Visitor) {
        visitor.parameter("weight", &self.weight);
    }
}

/// A vector for each token of a sample; see [`Embedding`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingSpec {
    /// The number of tokens.
    #[schemars(with = "range::Count<1>", extend("examples" = [256]))]
    pub vocabulary: usize,
    /// The number of features of a token.
    #[schemars(with = "range::Count<1>", extend("examples" = [64]))]
    pub width: usize,
    /// The initialization of the weights. Default: PyTorch's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<InitSpec>,
}

impl Settings for EmbeddingSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(Embedding::new(self.vocabulary, self.width)))
    }

    fn init(&self) -> Option<&InitSpec> {
        self.init.as_ref()
    }
}
