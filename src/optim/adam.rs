//! Adam and AdamW, both also as AMSGrad.

use crate::{Result, Shape};

use super::settings::Settings;
use super::{Optimizer, State, Update, Updated, correction, running};

/// `m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= rate m^ / (sqrt(v^) + eps)` with the bias
/// corrections `m^ = m / (1 - b1^t)` and `v^ = v / (1 - b2^t)` (Kingma and Ba, 2015), in PyTorch's
/// order of operations. Weight decay is an L2 penalty on the gradient; see [`AdamW`] for the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    rate: f64,
    betas: (f64, f64),
    eps: f64,
    decay: f64,
    decoupled: bool,
    amsgrad: bool,
}

/// Adam with decoupled weight decay: `p *= 1 - rate decay` before the step (Loshchilov and Hutter,
/// 2019). PyTorch's default decay is 0.01, and so is this one's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW(Adam);

impl Adam {
    /// With the usual settings: betas 0.9 and 0.999, eps 1e-8, no weight decay.
    pub fn new(rate: f64) -> Self {
        Adam {
            rate,
            betas: (0.9, 0.999),
            eps: 1e-8,
            decay: 0.0,
            decoupled: false,
            amsgrad: false,
        }
    }

    /// The decay rates of the two moments, each at least 0 and below 1.
    pub fn betas(self, first: f64, second: f64) -> Self {
        Adam {
            betas: (first, second),
            ..self
        }
    }

    /// The number that keeps the division finite.
    pub fn eps(self, eps: f64) -> Self {
        Adam { eps, ..self }
    }

    /// With an L2 penalty: `decay p` is added to the gradient.
    pub fn weight_decay(self, decay: f64) -> Self {
        Adam { decay, ..self }
    }

    /// Divides by the largest second moment so far, instead of the last (Reddi, Kale and Kumar, 2018).
    pub fn amsgrad(self, amsgrad: bool) -> Self {
        Adam { amsgrad, ..self }
    }
}

impl AdamW {
    /// With the usual settings: betas 0.9 and 0.999, eps 1e-8, weight decay 0.01.
    pub fn new(rate: f64) -> Self {
        AdamW(Adam {
            decay: 0.01,
            decoupled: true,
            ..Adam::new(rate)
        })
    }

    /// The decay rates of the two moments, each at least 0 and below 1.
    pub fn betas(self, first: f64, second: f64) -> Self {
        AdamW(self.0.betas(first, second))
    }

    /// The number that keeps the division finite.
    pub fn eps(self, eps: f64) -> Self {
        AdamW(self.0.eps(eps))
    }

    /// The decoupled weight decay.
    pub fn weight_decay(self, decay: f64) -> Self {
        AdamW(self.0.weight_decay(decay))
    }

    /// Divides by the largest second moment so far; see [`Adam::amsgrad`].
    pub fn amsgrad(self, amsgrad: bool) -> Self {
        AdamW(self.0.amsgrad(amsgrad))
    }
}

impl Optimizer for Adam {
    fn learning_rate(&self) -> f64 {
        self.rate
    }

    fn states(&self, _: &Shape) -> Vec<State> {
        let mut names = vec!["exp_avg", "exp_avg_sq"];
        if self.amsgrad {
            names.push("max_exp_avg_sq");
        }
        names.into_iter().map(State::zero).collect()
    }

    /// The step's size `rate / (1 - b1^t)`, the correction `sqrt(1 - b2^t)`, and `1 - rate decay`.
    fn scalars(&self, step: u64, rate: f64) -> Vec<f64> {
        vec![
            rate / correction(self.betas.0, step),
            correction(self.betas.1, step).sqrt(),
            1.0 - rate * self.decay,
        ]
    }

    fn update(&self, u: Update) -> Updated {
        let (b1, b2) = self.betas;
        let (mut states, [size, correction, keep]) = match u.parts::<3, 3>() {
            Some((states, scalars)) => (states.to_vec(), scalars),
            None => match u.parts::<2, 3>() {
                Some((states, scalars)) => (states.to_vec(), scalars),
                None => return u.unchanged(),
            },
        };
        let (g, kept) = match self.decoupled {
            true => (u.gradient.clone(), u.kept(self.decay, &keep)),
            false => (u.penalised(self.decay), u.parameter.clone()),
        };
        let [m, v, largest @ ..] = states.as_mut_slice() else {
            return u.unchanged();
        };
        *m = running(m, b1, &g);
        *v = running(v, b2, &g.square());
        let mut second = v.clone();
        if let [largest] = largest {
            *largest = largest.maximum(v);
            second = largest.clone();
        }
        let step = &*m / (second.sqrt() / correction + self.eps) * size;
        Updated {
            parameter: kept - step,
            states,
        }
    }

    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.weight_decay(decay))
    }

    fn check(&self) -> Result<()> {
        Settings::of("Adam")
            .rate(self.rate)
            .betas(self.betas)
            .positive("eps", self.eps)
            .not_negative("weight decay", self.decay)
            .done()
    }
}

impl Optimizer for AdamW {
    fn learning_rate(&self) -> f64 {
        self.0.learning_rate()
    }
    fn states(&self, shape: &Shape) -> Vec<State> {
        self.0.states(shape)
    }
    fn scalars(&self, step: u64, rate: f64) -> Vec<f64> {
        self.0.scalars(step, rate)
    }
    fn update(&self, u: Update) -> Updated {
        self.0.update(u)
    }
    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.weight_decay(decay))
    }
    fn check(&self) -> Result<()> {
        self.0.check()
    }
}
