//! Position embeddings: layers that add the position of each token to its features.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::Init;
use crate::{Source, Tensor};

use super::{Module, Parameter, Settings, Unfit, Visitor, traced};
use crate::schema::Path;

/// Adds a learned vector for each position to `[.., t, d]`.
///
/// The parameter is `weight [positions, d]`, as in an `nn.Embedding` of positions in PyTorch.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let layer = nn::LearnedPositions::new(16, 2).init(nn::init::ones());
/// let mut trainer = Trainer::new(layer).loss(loss::Mse).compile_for(&Device::cpu(), [3, 2])?;
/// let x = Dataset::from_arrays(vec![0.5; 6], [3, 2], Targets::Unlabelled)?;
/// assert_eq!(trainer.predict(&x)?.values, [1.5; 6]);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct LearnedPositions {
    table: Table,
}

/// Adds sines and cosines of the position to `[.., t, d]` (Vaswani et al., 2017).
///
/// For position `p`, feature `2i` is `sin(p / 10000^(2i / d))`, and feature `2i + 1` the cosine of
/// the same angle.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let model = nn::Sequential::new()
///     .add(nn::Embedding::new(10, 2).init(nn::init::zeros()))
///     .add(nn::SinusoidalPositions::new(16, 2));
/// let mut trainer = Trainer::new(model).loss(loss::Mse).compile_for(&Device::cpu(), [2])?;
/// let tokens = Dataset::from_arrays(vec![4.0, 4.0], [2], Targets::Unlabelled)?;
/// let y = trainer.predict(&tokens)?.values;
/// assert_eq!(y[..2], [0.0, 1.0]); // sin 0, cos 0
/// assert!((y[2] - 1f32.sin()).abs() < 1e-6 && (y[3] - 1f32.cos()).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct SinusoidalPositions {
    table: Table,
}

/// A table of a row for each position, and the position of the first token.
struct Table {
    rows: Parameter,
    kind: &'static str,
    offset: usize,
    source: Source,
}

impl Table {
    fn add(&self, x: &Tensor) -> Tensor {
        let layer = self.rows.layer(x);
        x.in_scope(layer, Some(self.source), |x| {
            let (shape, offset) = (x.shape(), self.offset);
            let (rows, d) = (self.rows.shape().rows(), self.rows.shape().last());
            let fits = |t: usize| offset.checked_add(t).is_some_and(|end| end <= rows);
            match *shape.dims() {
                [.., t, width] if width == d && fits(t) => {
                    let kind = format!("{}({rows}, {d})", self.kind);
                    traced(x, &kind, |x| x + self.rows.tensor(x).narrow(0, offset, t))
                }
                _ if x.id().is_none() => x.clone(),
                _ => {
                    let reason = format!(
                        "expected an input [.., t, {d}] with {offset} + t at most {rows}, found {shape}"
                    );
                    x.record_error("positions", reason, self.source)
                }
            }
        })
    }
}

impl LearnedPositions {
    /// Creates a layer for sequences of at most `positions` tokens of `d` features, initialized
    /// normal(0, 1).
    #[track_caller]
    pub fn new(positions: usize, d: usize) -> Self {
        LearnedPositions {
            table: Table {
                rows: Parameter::new([positions, d], Init::Normal { std: 1.0 }),
                kind: "LearnedPositions",
                offset: 0,
                source: Source::caller(),
            },
        }
    }

    /// Sets the initialization of the weight.
    #[track_caller]
    pub fn init(mut self, init: Init) -> Self {
        self.table.rows = Parameter::new(self.table.rows.shape(), init);
        self
    }

    /// Sets the position of the first token. Use it where the earlier tokens were processed before.
    pub fn from_position(mut self, offset: usize) -> Self {
        self.table.offset = offset;
        self
    }
}

impl LearnedPositions {
    /// Adds the vectors of the given positions, `u32 [t]`, instead of consecutive ones.
    #[track_caller]
    pub fn forward_at(&self, x: &Tensor, positions: &Tensor) -> Tensor {
        x + self.table.rows.tensor(x).gather(positions)
    }
}

impl Module for LearnedPositions {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.table.add(x)
    }
    fn visit(&self, visitor: &mut Visitor) {
        visitor.parameter("weight", &self.table.rows);
    }
}

impl SinusoidalPositions {
    /// Creates a layer for sequences of at most `positions` tokens of `d` features.
    #[track_caller]
    pub fn new(positions: usize, d: usize) -> Self {
        let value = |i: usize| {
            let (p, j) = ((i / d.max(1)) as f64, i % d.max(1));
            let angle = p / 10_000f64.powf((j - j % 2) as f64 / d as f64);
            (if j % 2 == 0 { angle.sin() } else { angle.cos() }) as f32
        };
        let values = (0..positions.saturating_mul(d)).map(value).collect();
        SinusoidalPositions {
            table: Table {
                rows: Parameter::table([positions, d], values),
                kind: "SinusoidalPositions",
                offset: 0,
                source: Source::caller(),
            },
        }
    }

    /// Sets the position of the first token. Use it where the earlier tokens were processed before.
    pub fn from_position(mut self, offset: usize) -> Self {
        self.table.offset = offset;
        self
    }
}

impl Module for SinusoidalPositions {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.table.add(x)
    }
    fn visit(&self, visitor: &mut Visitor) {
        visitor.parameter("pe", &self.table.rows);
    }
}

/// Adds a learned vector for each position to sequences `[time, features]`.
///
/// See [`LearnedPositions`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LearnedPositionsSpec {}

impl Settings for LearnedPositionsSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let [time, features] = *sample else {
            return Err("it takes sequences, [time, features]".to_string().into());
        };
        Ok(Box::new(LearnedPositions::new(time, features)))
    }
}

/// Adds sines and cosines of the position to sequences `[time, features]`.
///
/// See [`SinusoidalPositions`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinusoidalPositionsSpec {}

impl Settings for SinusoidalPositionsSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let [time, features] = *sample else {
            return Err("it takes sequences, [time, features]".to_string().into());
        };
        Ok(Box::new(SinusoidalPositions::new(time, features)))
    }
}
