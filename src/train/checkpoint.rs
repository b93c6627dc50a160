//! Checkpoints: a training's whole state in one safetensors file.
//!
//! Tensors are the model's parameters under their `state_dict` names, and the optimizer's memory
//! under `optimizer.KIND.NAME`. The metadata holds the position: step, epoch, place in the epoch, seed.
//!
//! Invariant: numbers come back as they were, to the bit; those that are not finite, too. `serde_json` reads them so with its feature
//! `float_roundtrip` only.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use crate::checkpoint::SafetensorsFile;
use crate::graph::{Role, Variable};
use crate::{Error, Result};

use super::history::History;
use super::json;
use super::load::finite;
use super::state::Weights;
use super::sums::Sums;

const KEY: &str = "wgrad";

/// Where a training is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Optimizer steps since the weights were new.
    pub step: u64,
    /// Batches trained on since the weights were new, which are as many unless a step has several; it
    /// seeds what is random in a layer.
    #[serde(default)]
    pub batches_ever: u64,
    /// Epochs since the weights were new; it seeds the shuffle.
    pub epochs_ever: u64,
    /// Epochs done of the current `fit`.
    pub epoch: u64,
    /// Batches done of the current epoch, or parts of batches.
    pub batch: u64,
    /// Parts of a batch; several where a memory limit asks for it. Files without this number have whole batches.
    #[serde(default)]
    pub parts: u64,
    /// Samples of a batch, or of a part of one. Files without this number have 0.
    #[serde(default)]
    pub batch_size: u64,
    /// Samples of the current epoch whose results have arrived.
    #[serde(with = "json::number")]
    pub samples: f64,
    /// What their results add up to: the loss's total, then each metric's.
    #[serde(with = "json::rows")]
    pub totals: Vec<Vec<f64>>,
    /// The seed of weights, shuffles and dropout.
    pub seed: u64,
    /// Seconds of training so far.
    #[serde(with = "json::number")]
    pub seconds: f64,
    /// The epochs so far.
    pub history: History,
}

impl Position {
    /// Goes on in batches, or parts of batches, of so many samples, of which a step has `of_step` and an epoch trains
    /// on `samples`. What was done of the epoch must be a whole number of them.
    pub(super) fn go_on(
        &mut self,
        (parts, batch_size): (u64, usize),
        of_step: u64,
        samples: usize,
    ) -> Result<()> {
        let new = batch_size as u64;
        let whole = |size: u64, parts: u64| size.saturating_mul(parts.max(1));
        let other = whole(self.batch_size, self.parts) != whole(new, parts);
        let changed = self.batch > 0 && self.batch_size > 0 && other;
        match changed {
            false => self.batch = self.batch * parts / self.parts.max(1),
            true => {
                let (done, all) = (self.batch * self.batch_size, samples as u64);
                let batch = match done >= all {
                    true => all.div_ceil(new.max(1)),
                    false => done / new.max(1),
                };
                // Neither may samples be left out, nor a step be begun with other weights than it ends with.
                let whole = batch * new == done && batch.is_multiple_of(of_step.max(1));
                if done < all && !whole {
                    let expected = format!(
                        "{} as before, or a size whose steps end after {done} samples: the checkpoint was saved \
                         after so many of an epoch's {all}",
                        self.batch_size
                    );
                    return Err(Error::argument("batch_size", new, expected));
                }
                self.batch = batch;
            }
        }
        (self.parts, self.batch_size) = (parts, new);
        Ok(())
    }

    /// The totals of the current epoch, to be put back when something was added.
    pub(super) fn take_sums(&mut self) -> Sums {
        Sums {
            samples: self.samples,
            totals: std::mem::take(&mut self.totals),
        }
    }

    pub(super) fn put_sums(&mut self, sums: Sums) {
        (self.samples, self.totals) = (sums.samples, sums.totals);
    }

    /// A copy of the totals.
    pub(super) fn sums(&self) -> Sums {
        Sums {
            samples: self.samples,
            totals: self.totals.clone(),
        }
    }
}

pub(super) fn save(path: &Path, weights: &Weights, position: &Position) -> Result<()> {
    let all = weights.variables.iter().zip(&weights.words);
    let position = serde_json::to_string(position)
        .map_err(|e| Error::internal("a checkpoint", e.to_string()))?;
    let kept = all.filter(|(v, _)| v.role != Role::Table);
    write(path, kept, Some((KEY, position)))
}

/// Writes variables and perhaps a text to a safetensors file, whole or not at all.
pub(super) fn write<'a>(
    path: &Path,
    variables: impl Iterator<Item = (&'a Variable, &'a Vec<u32>)>,
    text: Option<(&str, String)>,
) -> Result<()> {
    let broken = |e: String| Error::Checkpoint {
        path: path.to_path_buf(),
        reason: e,
    };
    let mut tensors = Vec::new();
    for (v, words) in variables {
        let bytes: &[u8] = bytemuck::cast_slice(words);
        let view = TensorView::new(Dtype::F32, v.shape().to_vec(), bytes);
        tensors.push((v.name.as_str(), view.map_err(|e| broken(e.to_string()))?));
    }
    let metadata = text.map(|(key, text)| HashMap::from([(key.to_string(), text)]));
    let bytes = safetensors::serialize(tensors, metadata).map_err(|e| broken(e.to_string()))?;
    crate::checkpoint::write_atomically(path, &bytes)
}

/// The text that a safetensors file holds under `key`, if any.
pub(super) fn metadata(path: &Path, key: &str) -> Result<Option<String>> {
    SafetensorsFile::read(path)?.metadata(key)
}

/// Where the training of a checkpoint was.
pub(super) fn position(path: &Path) -> Result<Position> {
    let refuse = |reason: String| Error::Checkpoint {
        path: path.to_path_buf(),
        reason,
    };
    let Some(text) = metadata(path, KEY)? else {
        return Err(refuse(
            "holds weights only, no state to resume a training from".to_string(),
        ));
    };
    let mut position = serde_json::from_str::<Position>(&text)
        .map_err(|e| refuse(format!("its position in the training cannot be read ({e})")))?;
    // Before there were steps of several batches, these were not counted; nor were parts of batches.
    position.batches_ever = position.batches_ever.max(position.step);
    position.parts = position.parts.max(1);
    Ok(position)
}

/// Fills `weights` from a checkpoint, the optimizer's memory too.
pub(super) fn load(path: &Path, weights: &mut Weights) -> Result<()> {
    let file = SafetensorsFile::read(path)?;
    let tensors = file.tensors()?;
    let mut words = weights.words.clone();
    for (v, words) in weights.variables.iter().zip(&mut words) {
        if v.role == Role::Table {
            continue;
        }
        let tensor = tensors.tensor(&v.name).map_err(|_| {
            let names: Vec<&str> = tensors.names().into_iter().collect();
            file.refuse(format!(
                "has no tensor {:?}; it holds {}",
                v.name,
                names.join(", ")
            ))
        })?;
        if tensor.shape() != v.shape().dims() || tensor.dtype() != Dtype::F32 {
            let (have, dtype) = (tensor.shape(), tensor.dtype());
            let reason = format!(
                "{} is {dtype:?}{have:?}, but the model needs f32{}",
                v.name,
                v.shape()
            );
            return Err(file.refuse(reason));
        }
        let chunks = tensor.data().chunks_exact(4);
        let numbers: Vec<u32> = chunks
            .map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]]))
            .collect();
        // Training on from it would only make more of them.
        finite(&v.name, &numbers).map_err(|reason| {
            file.refuse(format!(
                "{reason}; resume from an earlier checkpoint, or take the weights alone with `Load::allow_non_finite`"
            ))
        })?;
        *words = numbers;
    }
    weights.words = words;
    Ok(())
}
