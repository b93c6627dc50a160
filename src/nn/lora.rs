//! Low-rank adapters: what a large model learns anew, in two small matrices a weight.

/// How weights are adapted: to `W [outputs, inputs]`, which is frozen, `alpha / rank B A` is added, where
/// `A [rank, inputs]` and `B [outputs, rank]` are trained (Hu et al., "LoRA: low-rank adaptation of large
/// language models", 2021). `B` starts as zeros, so at first nothing changes; `A` starts uniform in
/// `±1 / sqrt(inputs)`.
///
/// Handed to [`TrainerBuilder::lora`](crate::train::TrainerBuilder::lora) with the weights' names, so that no
/// model need be written for it. A linear layer takes its input through the small matrices; where another
/// layer has the weight, the sum of the matrices is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lora {
    rank: usize,
    alpha: f64,
}

impl Lora {
    /// Of this rank, at least 1, with `alpha` equal to it: a scale of 1.
    pub fn new(rank: usize) -> Self {
        Lora {
            rank,
            alpha: rank as f64,
        }
    }

    /// The same with another `alpha`: the adapter counts `alpha / rank` times.
    pub fn alpha(self, alpha: f64) -> Self {
        Lora { alpha, ..self }
    }

    /// The rank.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// What the product of the small matrices is multiplied by.
    pub fn scale(&self) -> f64 {
        self.alpha / self.rank.max(1) as f64
    }
}
