//! Rotary positions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::range;
use crate::{Source, Tensor};

use super::{Module, Parameter, Visitor};

/// Rotary position embedding (Su et al., 2021).
///
/// Rotates pairs of features of queries and keys by `p base^(-2i / features)` for position `p` and
/// pair `i`. The product of a query and a key then depends on the distance of their positions only.
///
/// A pair is features `i` and `i + features / 2`, as in Llama's weights on Hugging Face, or `2i`
/// and `2i + 1`, as in the paper; see [`interleaved`](Rope::interleaved).
///
/// # Example
///
/// ```
/// use wgrad::{Device, Trainer, loss, nn};
///
/// # fn main() -> wgrad::Result<()> {
/// // Heads of 8 features, up to 100 tokens.
/// let rope = nn::Rope::new(8, 100).with_base(5e5);
/// let block = nn::TransformerEncoderLayer::new(32, 4, 64).rope(rope);
/// let trainer = Trainer::new(block).loss(loss::Mse).compile_for(&Device::cpu(), [10, 32])?;
/// assert_eq!(trainer.summary().output.shape.dims()[1..], [10, 32]);
/// # Ok(())
/// # }
/// ```
pub struct Rope {
    features: usize,
    positions: usize,
    interleaved: bool,
    table: Parameter,
}

impl Rope {
    /// The default base.
    pub const BASE: f64 = 1e4;

    /// Creates the table of angles for heads whose first `features` (an even number) are rotated,
    /// and for up to `positions` tokens.
    #[track_caller]
    pub fn new(features: usize, positions: usize) -> Self {
        Rope {
            features,
            positions,
            interleaved: false,
            table: table(features, positions, Rope::BASE),
        }
    }

    /// Sets the base. Default: [`Rope::BASE`], 10,000.
    #[track_caller]
    pub fn with_base(self, base: f64) -> Self {
        Rope {
            table: table(self.features, self.positions, base),
            ..self
        }
    }

    /// Makes features `2i` and `2i + 1` a pair, instead of `i` and `i + features / 2`.
    pub fn interleaved(self) -> Self {
        Rope {
            interleaved: true,
            ..self
        }
    }

    /// Rotates the first `heads` heads of `x [.., t, all heads, d]`. The first token is at position
    /// `offset`.
    #[track_caller]
    pub fn turn(&self, x: &Tensor, heads: usize, offset: usize) -> Tensor {
        let t = x.dim(-3);
        if x.id().is_some() && offset.checked_add(t).is_none_or(|end| end > self.positions) {
            let (caller, most) = (Source::caller(), self.positions);
            let reason =
                format!("{t} tokens from {offset} on pass the {most} positions of the layer");
            return x.record_error("rope", reason, caller);
        }
        let rows = self.table.tensor(x).narrow(0, offset, t);
        x.rope(&rows, heads, self.interleaved)
    }

    /// Rotates the first `heads` heads of `x [.., t, all heads, d]` for tokens at these positions,
    /// `u32 [t]`.
    #[track_caller]
    pub fn turn_at(&self, x: &Tensor, heads: usize, positions: &Tensor) -> Tensor {
        let rows = self.table.tensor(x).gather(positions);
        x.rope(&rows, heads, self.interleaved)
    }
}

impl Module for Rope {
    /// Rotates all heads of `x [.., t, heads, d]`. The first token is at position 0.
    fn forward(&self, x: &Tensor) -> Tensor {
        self.turn(x, x.dim(-2), 0)
    }
    fn visit(&self, visitor: &mut Visitor) {
        visitor.parameter("cos_sin", &self.table);
    }
}

/// Returns the table of angles, `[positions, features]`: cosines, then sines.
#[track_caller]
fn table(features: usize, positions: usize, base: f64) -> Parameter {
    let half = features / 2;
    let angle = |p: usize, i: usize| p as f64 * base.powf(-2.0 * i as f64 / features as f64);
    let row = |p: usize| {
        let cos = (0..half).map(move |i| angle(p, i).cos() as f32);
        cos.chain((0..half).map(move |i| angle(p, i).sin() as f32))
    };
    Parameter::table(
        [positions, 2 * half],
        (0..positions).flat_map(row).collect(),
    )
}

/// The settings of a [`Rope`].
///
/// # Example
///
/// ```
/// use wgrad::nn::RopeSpec;
///
/// let spec: RopeSpec = serde_json::from_str(r#"{ "base": 500000 }"#)?;
/// assert_eq!(spec, RopeSpec { base: 5e5, ..RopeSpec::default() });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RopeSpec {
    /// The base of the angles.
    #[schemars(with = "range::Positive")]
    pub base: f64,
    /// Whether features `2i` and `2i + 1` are a pair, instead of `i` and `i + features / 2`.
    pub interleaved: bool,
    /// The number of features of a head that are rotated, an even number; without it, all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Count<2>>")]
    pub features: Option<usize>,
}

impl Default for RopeSpec {
    fn default() -> Self {
        RopeSpec {
            base: Rope::BASE,
            interleaved: false,
            features: None,
        }
    }
}

impl RopeSpec {
    /// Returns the rotary positions for heads of `head_features` features, and for up to
    /// `positions` tokens.
    pub(super) fn build(&self, head_features: usize, positions: usize) -> Result<Rope, String> {
        let features = self.features.unwrap_or(head_features);
        if !features.is_multiple_of(2) || features > head_features {
            return Err(format!(
                "expected an even number of rotated features, at most the {head_features} of a head, found {features}; set `features` in `rope`"
            ));
        }
        let rope = Rope::new(features, positions).with_base(self.base);
        Ok(match self.interleaved {
            true => rope.interleaved(),
            false => rope,
        })
    }
}
