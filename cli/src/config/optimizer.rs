//! `optimizer`: how the weights move.

use super::mistake::Result;
use super::reader::{Value, fraction, not_negative, or, positive};
use super::write::number;

/// How the weights move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd {
        /// The learning rate.
        lr: f64,
        /// The share of the last move that is kept.
        momentum: f64,
        /// Whether the gradient is taken a move ahead.
        nesterov: bool,
        /// The L2 penalty.
        weight_decay: f64,
    },
    /// Adam, with the penalty in the gradient.
    Adam {
        /// The learning rate.
        lr: f64,
        /// The decay of the two moments.
        betas: [f64; 2],
        /// Keeps the division finite.
        eps: f64,
        /// The L2 penalty.
        weight_decay: f64,
    },
    /// Adam, with the penalty apart from the gradient.
    AdamW {
        /// The learning rate.
        lr: f64,
        /// The decay of the two moments.
        betas: [f64; 2],
        /// Keeps the division finite.
        eps: f64,
        /// The decay of the weights, in units of the learning rate.
        weight_decay: f64,
    },
}

/// What a file has that names no optimizer.
pub const ADAM: Optimizer = Optimizer::Adam {
    lr: 1e-3,
    betas: [0.9, 0.999],
    eps: 1e-8,
    weight_decay: 0.0,
};

/// Reads it.
pub fn read(value: Value<'_>) -> Result<Optimizer> {
    let sgd = Optimizer::Sgd {
        lr: 0.01,
        momentum: 0.0,
        nesterov: false,
        weight_decay: 0.0,
    };
    let adamw = Optimizer::AdamW {
        lr: 1e-3,
        betas: [0.9, 0.999],
        eps: 1e-8,
        weight_decay: 0.01,
    };
    let (found, section) = value.tagged(
        "optimizer",
        &[("sgd", sgd), ("adam", ADAM), ("adamw", adamw)],
    )?;
    let Some(section) = section else {
        return Ok(found);
    };
    let s = Some(&section);
    const ADAM_KEYS: [&str; 5] = ["type", "lr", "betas", "eps", "weight_decay"];
    Ok(match found {
        Optimizer::Sgd {
            lr,
            momentum,
            nesterov,
            weight_decay,
        } => {
            section.takes(&["type", "lr", "momentum", "nesterov", "weight_decay"])?;
            let momentum = or(s, "momentum", momentum, fraction)?;
            let nesterov = or(s, "nesterov", nesterov, |v| {
                let on = v.boolean()?;
                if on && momentum == 0.0 {
                    let error = v.place().error("`nesterov` needs `momentum` above 0");
                    return Err(error.help("for example: momentum = 0.9"));
                }
                Ok(on)
            })?;
            Optimizer::Sgd {
                lr: or(s, "lr", lr, positive)?,
                momentum,
                nesterov,
                weight_decay: or(s, "weight_decay", weight_decay, not_negative)?,
            }
        }
        Optimizer::Adam {
            lr,
            betas: b,
            eps,
            weight_decay,
        } => {
            section.takes(&ADAM_KEYS)?;
            Optimizer::Adam {
                lr: or(s, "lr", lr, positive)?,
                betas: or(s, "betas", b, betas)?,
                eps: or(s, "eps", eps, positive)?,
                weight_decay: or(s, "weight_decay", weight_decay, not_negative)?,
            }
        }
        Optimizer::AdamW {
            lr,
            betas: b,
            eps,
            weight_decay,
        } => {
            section.takes(&ADAM_KEYS)?;
            Optimizer::AdamW {
                lr: or(s, "lr", lr, positive)?,
                betas: or(s, "betas", b, betas)?,
                eps: or(s, "eps", eps, positive)?,
                weight_decay: or(s, "weight_decay", weight_decay, not_negative)?,
            }
        }
    })
}

fn betas(value: Value<'_>) -> Result<[f64; 2]> {
    match value.items()?.as_slice() {
        [first, second] => Ok([fraction(*first)?, fraction(*second)?]),
        _ => Err(value
            .place()
            .error("`betas` must be two numbers")
            .help("for example: betas = [0.9, 0.999]")),
    }
}

/// Its text.
pub fn write(optimizer: &Optimizer) -> String {
    let adam = |name: &str, lr: f64, betas: [f64; 2], eps: f64, weight_decay: f64| {
        format!(
            "{{ type = \"{name}\", lr = {}, betas = [{}, {}], eps = {}, weight_decay = {} }}",
            number(lr),
            number(betas[0]),
            number(betas[1]),
            number(eps),
            number(weight_decay)
        )
    };
    match *optimizer {
        Optimizer::Sgd {
            lr,
            momentum,
            nesterov,
            weight_decay,
        } => format!(
            "{{ type = \"sgd\", lr = {}, momentum = {}, nesterov = {nesterov}, weight_decay = {} }}",
            number(lr),
            number(momentum),
            number(weight_decay)
        ),
        Optimizer::Adam {
            lr,
            betas,
            eps,
            weight_decay,
        } => adam("adam", lr, betas, eps, weight_decay),
        Optimizer::AdamW {
            lr,
            betas,
            eps,
            weight_decay,
        } => adam("adamw", lr, betas, eps, weight_decay),
    }
}
