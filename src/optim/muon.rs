//! Muon: momentum with orthogonalized steps for matrices.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{self, range};
use crate::{Result, Shape, Tensor};

use super::{AdamW, Optimizer, State, Update, Updated};

/// The step size of a matrix `[rows, columns]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MuonScale {
    /// `rate sqrt(max(1, rows / columns))`, as in the author's implementation.
    #[default]
    Original,
    /// `0.2 rate sqrt(max(rows, columns))`: the size of AdamW's steps, so AdamW's rate and decay
    /// are suitable (Liu et al., "Muon is scalable for LLM training", 2025).
    #[serde(rename = "match_rms_adamw")]
    MatchRmsAdamW,
    /// `rate sqrt(rows / columns)`, which may be below the rate (Bernstein, "Deriving Muon", 2025).
    SpectralUnclamped,
}

/// Muon (Jordan et al., 2024): `m = momentum m + (1 - momentum) g`, and a matrix moves along the
/// nearest orthogonal matrix to `m`, or with Nesterov momentum to `(1 - momentum) g + momentum m`.
/// Five steps of a Newton-Schulz iteration approximate it: `A = X X^T; X = a X + (b A + c A^2) X`.
/// Weight decay is decoupled.
///
/// PyTorch's Muon accepts only matrices. This one updates all other parameters by an [`AdamW`]
/// ([`Muon::others`]) with the same schedule. PyTorch rounds the iteration to bfloat16; here it is
/// in `f32`, with the results of PyTorch's code without that rounding.
///
/// Embeddings and the last layer are matrices too; AdamW is usually recommended for them.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![-1.0, 1.0], [1], Targets::values(vec![-3.0, 3.0]))?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1))
///     .loss(loss::Mse)
///     .optimizer(optim::Muon::new(0.1))
///     .compile(&Device::cpu(), &set)?;
/// let history = trainer.fit(&set, Fit::epochs(50))?;
/// assert!(history.epochs[49].loss < 0.5 * history.epochs[0].loss);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Muon {
    /// The learning rate of matrices.
    #[schemars(with = "range::Rate")]
    lr: f64,
    /// The decay rate of the momentum.
    #[schemars(with = "range::Fraction")]
    momentum: f64,
    /// Whether to use Nesterov momentum.
    nesterov: bool,
    /// The decoupled weight decay of matrices.
    #[schemars(with = "range::NotNegative")]
    weight_decay: f64,
    /// The number of iterations that orthogonalize a step.
    #[schemars(with = "range::Count<1>")]
    steps: usize,
    /// The step size of a matrix.
    scale: MuonScale,
    /// The learning rate of AdamW, which updates the parameters that are not matrices.
    #[schemars(with = "range::Rate")]
    others_lr: f64,
    /// The weight decay of AdamW, which updates the parameters that are not matrices.
    #[schemars(with = "range::NotNegative")]
    others_weight_decay: f64,
    /// The other settings of that AdamW.
    #[serde(skip)]
    others: AdamW,
    #[serde(skip)]
    coefficients: [f64; 3],
    #[serde(skip)]
    eps: f64,
}

impl Default for Muon {
    fn default() -> Self {
        let others = AdamW::new(3e-4);
        Muon {
            lr: 1e-3,
            momentum: 0.95,
            nesterov: true,
            weight_decay: 0.1,
            steps: 5,
            scale: MuonScale::Original,
            others_lr: others.learning_rate(),
            others_weight_decay: others.weight_decay,
            others,
            coefficients: [3.4445, -4.775, 2.0315],
            eps: 1e-7,
        }
    }
}

impl Muon {
    /// Creates the optimizer with PyTorch's settings: Nesterov momentum 0.95, weight decay 0.1,
    /// five iterations. Parameters that are not matrices use AdamW with a rate of 3e-4.
    pub fn new(lr: f64) -> Self {
        Muon {
            lr,
            ..Muon::default()
        }
    }

    /// Sets the decay rate of the momentum, at least 0 and below 1.
    pub fn momentum(self, momentum: f64) -> Self {
        Muon { momentum, ..self }
    }

    /// Sets whether to use Nesterov momentum.
    pub fn nesterov(self, nesterov: bool) -> Self {
        Muon { nesterov, ..self }
    }

    /// Sets the decoupled weight decay of matrices. The weight decay of a group applies to its
    /// other parameters too.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Muon {
            weight_decay,
            ..self
        }
    }

    /// Sets the number of iterations, at least 1.
    pub fn steps(self, steps: usize) -> Self {
        Muon { steps, ..self }
    }

    /// Sets the step size of a matrix.
    pub fn scale(self, scale: MuonScale) -> Self {
        Muon { scale, ..self }
    }

    /// Sets the optimizer of the parameters that are not matrices.
    pub fn others(self, others: AdamW) -> Self {
        Muon {
            others_lr: others.learning_rate(),
            others_weight_decay: others.weight_decay,
            others,
            ..self
        }
    }

    /// Returns the optimizer of the parameters that are not matrices.
    fn others_adamw(&self) -> AdamW {
        let others = self.others.lr(self.others_lr);
        others.weight_decay(self.others_weight_decay)
    }

    /// Approximates the nearest orthogonal matrix. The smaller side becomes the rows, which makes
    /// the products cheaper.
    fn orthogonal(&self, m: &Tensor) -> Tensor {
        let [a, b, c] = self.coefficients;
        let tall = m.dim(0) > m.dim(1);
        let mut x = if tall { m.permute(&[1, 0]) } else { m.clone() };
        let norm = x.norm(&[], 2.0);
        x = &x / norm.maximum(&norm.constant_like(self.eps));
        for _ in 0..self.steps {
            let gram = x.matmul_t(&x);
            let mix = &gram * b + gram.matmul(&gram) * c;
            x = &x * a + mix.matmul(&x);
        }
        if tall { x.permute(&[1, 0]) } else { x }
    }

    fn size(&self, rows: usize, columns: usize) -> f64 {
        match self.scale {
            MuonScale::Original => (rows as f64 / columns.max(1) as f64).max(1.0).sqrt(),
            MuonScale::SpectralUnclamped => (rows as f64 / columns.max(1) as f64).sqrt(),
            MuonScale::MatchRmsAdamW => 0.2 * (rows.max(columns) as f64).sqrt(),
        }
    }
}

impl Optimizer for Muon {
    fn learning_rate(&self) -> f64 {
        self.lr
    }

    fn states(&self, shape: &Shape) -> Vec<State> {
        match shape.rank() {
            2 => vec![State::zero("momentum_buffer")],
            _ => self.others_adamw().states(shape),
        }
    }

    /// Returns the rate and `1 - rate decay`, then the scalars of AdamW.
    fn scalars(&self, step: u64, rate: f64) -> Vec<f64> {
        let of_others = self.others_adamw().learning_rate() * (rate / self.lr);
        let mut scalars = vec![rate, 1.0 - rate * self.weight_decay];
        scalars.extend(self.others_adamw().scalars(step, of_others));
        scalars
    }

    fn update(&self, mut u: Update) -> Updated {
        let ([rate, keep, ..], 2) = (u.scalars.as_slice(), u.parameter.shape().rank()) else {
            u.scalars = u.scalars.split_off(2.min(u.scalars.len()));
            return self.others_adamw().update(u);
        };
        let [m] = u.states.as_slice() else {
            return u.unchanged();
        };
        let m = super::running(m, self.momentum, &u.gradient);
        let ahead = match self.nesterov {
            true => super::running(&m, self.momentum, &u.gradient),
            false => m.clone(),
        };
        let size = self.size(ahead.dim(0), ahead.dim(1));
        let step = self.orthogonal(&ahead) * size;
        Updated {
            parameter: u.kept(self.weight_decay, keep) - step * rate,
            states: vec![m],
        }
    }

    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        let others = self.others_adamw().weight_decay(decay);
        Box::new(self.weight_decay(decay).others(others))
    }

    fn check(&self) -> Result<()> {
        schema::validate("Muon", self)?;
        self.others_adamw().check()
    }
}
