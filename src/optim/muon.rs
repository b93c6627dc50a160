//! Muon: momentum whose matrices are made orthogonal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{self, range};
use crate::{Result, Shape, Tensor};

use super::{AdamW, Optimizer, State, Update, Updated};

/// How large the step of a matrix `[rows, columns]` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MuonScale {
    /// `rate sqrt(max(1, rows / columns))`, as its author has it.
    #[default]
    Original,
    /// `0.2 rate sqrt(max(rows, columns))`: as large as AdamW's, whose rate and decay then fit
    /// (Liu et al., "Muon is scalable for LLM training", 2025).
    #[serde(rename = "match_rms_adamw")]
    MatchRmsAdamW,
    /// `rate sqrt(rows / columns)`, also below 1 (Bernstein, "Deriving Muon", 2025).
    SpectralUnclamped,
}

/// `m = momentum m + (1 - momentum) g`, and a matrix moves along the nearest orthogonal matrix to `m`, or to
/// `(1 - momentum) g + momentum m` in Nesterov's form, which five steps of a Newton-Schulz iteration come
/// close to: `A = X X^T; X = a X + (b A + c A^2) X` (Jordan et al., 2024). Weight decay is decoupled.
///
/// PyTorch's takes matrices only, and leaves the others to another optimizer. This one updates what is not
/// a matrix by an [`AdamW`] of its own ([`Muon::others`]), whose rate follows the same schedule. PyTorch
/// rounds the iteration to bfloat16; here it is in `f32`, and what PyTorch's own code gives without that rounding.
///
/// Embeddings and the last layer are matrices too, and are said to learn better by AdamW.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Muon {
    /// The learning rate of matrices.
    #[schemars(with = "range::Rate")]
    lr: f64,
    /// The share of the old momentum that is kept.
    #[schemars(with = "range::Fraction")]
    momentum: f64,
    /// Whether the momentum is Nesterov's.
    nesterov: bool,
    /// The decoupled weight decay of matrices.
    #[schemars(with = "range::NotNegative")]
    weight_decay: f64,
    /// The number of iterations that make a step orthogonal.
    #[schemars(with = "range::Count<1>")]
    steps: usize,
    /// The size of a matrix's step.
    scale: MuonScale,
    /// The learning rate of AdamW, which updates what is not a matrix.
    #[schemars(with = "range::Rate")]
    others_lr: f64,
    /// The weight decay of AdamW, which updates what is not a matrix.
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
    /// With PyTorch's settings: momentum 0.95 in Nesterov's form, weight decay 0.1, five steps; AdamW with
    /// a rate of 3e-4 for what is no matrix.
    pub fn new(lr: f64) -> Self {
        Muon {
            lr,
            ..Muon::default()
        }
    }

    /// The share of the old momentum that is kept, at least 0 and below 1.
    pub fn momentum(self, momentum: f64) -> Self {
        Muon { momentum, ..self }
    }

    /// Whether the momentum is Nesterov's.
    pub fn nesterov(self, nesterov: bool) -> Self {
        Muon { nesterov, ..self }
    }

    /// The decoupled weight decay of matrices; a group's own decay counts for the others too.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Muon {
            weight_decay,
            ..self
        }
    }

    /// How often the iteration is applied; at least once.
    pub fn steps(self, steps: usize) -> Self {
        Muon { steps, ..self }
    }

    /// How large the step of a matrix is.
    pub fn scale(self, scale: MuonScale) -> Self {
        Muon { scale, ..self }
    }

    /// What updates the parameters that are no matrices.
    pub fn others(self, others: AdamW) -> Self {
        Muon {
            others_lr: others.learning_rate(),
            others_weight_decay: others.weight_decay,
            others,
            ..self
        }
    }

    /// The optimizer of what is not a matrix.
    fn others_adamw(&self) -> AdamW {
        let others = self.others.lr(self.others_lr);
        others.weight_decay(self.others_weight_decay)
    }

    /// Comes close to the nearest orthogonal matrix. The smaller side goes first: its products are cheaper.
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

    /// The rate and `1 - rate decay`, then the numbers of the others' AdamW.
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
