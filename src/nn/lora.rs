//! Low-rank adapters (LoRA): the change of a large weight as a product of two small matrices.

/// The settings of a low-rank adapter (Hu et al., "LoRA: low-rank adaptation of large language
/// models", 2021).
///
/// The weight `W [outputs, inputs]` is frozen, and `alpha / rank B A` is added to it, where `A
/// [rank, inputs]` and `B [outputs, rank]` are trained. `B` starts at 0, so the model's outputs are
/// unchanged at first; `A` is initialized uniform in `±1 / sqrt(inputs)`.
///
/// [`TrainerBuilder::lora`](crate::train::TrainerBuilder::lora) applies it to weights by name; the
/// model needs no changes. A linear layer multiplies its input by the small matrices. Other layers
/// use the sum of the matrices.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let trainer = Trainer::new(nn::Linear::new(64, 32))
///     .loss(loss::Mse)
///     .lora("*", nn::Lora::new(4).alpha(8.0))
///     .compile_for(&Device::cpu(), [64])?;
/// let names: Vec<&str> = trainer.parameters().collect();
/// assert!(names.contains(&"lora_A") && names.contains(&"lora_B"));
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lora {
    rank: usize,
    alpha: f64,
}

impl Lora {
    /// Creates an adapter of this rank, at least 1, with `alpha` equal to the rank: a scale of 1.
    pub fn new(rank: usize) -> Self {
        Lora {
            rank,
            alpha: rank as f64,
        }
    }

    /// Sets `alpha`; the product of the small matrices is multiplied by `alpha / rank`.
    pub fn alpha(self, alpha: f64) -> Self {
        Lora { alpha, ..self }
    }

    /// Returns the rank.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Returns the factor of the product of the small matrices, `alpha / rank`.
    pub fn scale(&self) -> f64 {
        self.alpha / self.rank.max(1) as f64
    }
}
