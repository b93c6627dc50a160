//! Rotary positions.

use crate::{Source, Tensor};

use super::{Module, Parameter, Visitor};

/// Rotary position embedding (Su et al., 2021): turns pairs of features of queries and keys by
/// `p base^(-2i / features)` for position `p` and pair `i`, so that their products see distances only.
///
/// A pair is features `i` and `i + features / 2`, as in Llama's weights on Hugging Face, or `2i` and
/// `2i + 1`, as in the paper.
pub struct Rope {
    features: usize,
    positions: usize,
    interleaved: bool,
    table: Parameter,
}

impl Rope {
    /// For heads of which the first `features` (an even number) are rotated, and up to `positions`
    /// tokens; the base is 10,000.
    #[track_caller]
    pub fn new(features: usize, positions: usize) -> Self {
        Rope {
            features,
            positions,
            interleaved: false,
            table: table(features, positions, 1e4),
        }
    }

    /// The same with another base.
    pub fn with_base(self, base: f64) -> Self {
        Rope {
            table: table(self.features, self.positions, base),
            ..self
        }
    }

    /// The same with neighbours as pairs.
    pub fn interleaved(self) -> Self {
        Rope {
            interleaved: true,
            ..self
        }
    }

    /// The first `heads` heads of `x [.., t, all heads, d]` rotated, the first token at position `offset`.
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

    /// The same for tokens at any positions, `u32 [t]`.
    #[track_caller]
    pub fn turn_at(&self, x: &Tensor, heads: usize, positions: &Tensor) -> Tensor {
        let rows = self.table.tensor(x).gather(positions);
        x.rope(&rows, heads, self.interleaved)
    }
}

impl Module for Rope {
    /// All heads of `x [.., t, heads, d]` rotated, the first token at position 0.
    fn forward(&self, x: &Tensor) -> Tensor {
        self.turn(x, x.dim(-2), 0)
    }
    fn visit(&self, visitor: &mut Visitor) {
        visitor.parameter("cos_sin", &self.table);
    }
}

/// `[positions, features]`: cosines, then sines.
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
