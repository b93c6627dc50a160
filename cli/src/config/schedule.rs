//! `schedule`: how the learning rate changes.

use super::mistake::Result;
use super::reader::{Value, not_negative, or};
use super::write::number;

/// How the learning rate changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Schedule {
    /// It does not.
    Constant,
    /// Each epoch it is multiplied by `gamma`.
    Exponential {
        /// The factor, above 0 and at most 1.
        gamma: f64,
    },
    /// It rises for `warmup_epochs`, then falls along a cosine to `min_lr`.
    Cosine {
        /// Epochs of linear rise from zero; may be a part of one.
        warmup_epochs: f64,
        /// The rate at the end.
        min_lr: f64,
    },
}

/// Reads it, for so many epochs and this rate.
pub fn read(value: Value<'_>, epochs: usize, lr: f64) -> Result<Schedule> {
    let cosine = Schedule::Cosine {
        warmup_epochs: 0.0,
        min_lr: 0.0,
    };
    let (found, section) = value.tagged(
        "schedule",
        &[
            ("constant", Schedule::Constant),
            ("exponential", Schedule::Exponential { gamma: 0.9 }),
            ("cosine", cosine),
        ],
    )?;
    let Some(section) = section else {
        return Ok(found);
    };
    Ok(match found {
        Schedule::Constant => {
            section.takes(&["type"])?;
            found
        }
        Schedule::Exponential { gamma } => {
            section.takes(&["type", "gamma"])?;
            Schedule::Exponential {
                gamma: or(Some(&section), "gamma", gamma, |v| {
                    v.number(|x| x > 0.0 && x <= 1.0, "above 0 and at most 1")
                })?,
            }
        }
        Schedule::Cosine {
            warmup_epochs,
            min_lr,
        } => {
            section.takes(&["type", "warmup_epochs", "min_lr"])?;
            let warmup_epochs = or(Some(&section), "warmup_epochs", warmup_epochs, |v| {
                let warmup = not_negative(v)?;
                if warmup >= epochs as f64 {
                    return Err(v.place().error(format!(
                        "`warmup_epochs` is {warmup}, but must be below `epochs`, which is {epochs}"
                    )));
                }
                Ok(warmup)
            })?;
            let min_lr = or(Some(&section), "min_lr", min_lr, |v| {
                let expected = format!("at least 0 and below the optimizer's `lr`, which is {lr}");
                v.number(|x| x >= 0.0 && x < lr, &expected)
            })?;
            Schedule::Cosine {
                warmup_epochs,
                min_lr,
            }
        }
    })
}

/// Its text.
pub fn write(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Constant => "{ type = \"constant\" }".to_string(),
        Schedule::Exponential { gamma } => {
            format!("{{ type = \"exponential\", gamma = {} }}", number(*gamma))
        }
        Schedule::Cosine {
            warmup_epochs,
            min_lr,
        } => format!(
            "{{ type = \"cosine\", warmup_epochs = {}, min_lr = {} }}",
            number(*warmup_epochs),
            number(*min_lr)
        ),
    }
}
