//! Checkpoints: the whole state of a training in one safetensors file.
//!
//! The tensors are the model's parameters with their `state_dict` names, and the optimizer's states
//! as `optimizer.KIND.NAME`. The metadata contains the position: step, epoch, place in the epoch,
//! seed.
//!
//! Invariant: numbers are restored to the bit, including NaN and infinities. `serde_json`
//! guarantees this only with its feature `float_roundtrip`.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use crate::checkpoint::SafetensorsFile;
use crate::graph::{Role, Variable};
use crate::json;
use crate::{Error, Result};

use super::history::History;
use super::load::finite;
use super::state::Weights;
use super::sums::Sums;

const KEY: &str = "wgrad";

/// The position of a training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The number of optimizer steps since the weights were initialized.
    pub step: u64,
    /// The number of batches trained on since the weights were initialized. It differs from `step`
    /// only with gradient accumulation. It seeds the random numbers of layers.
    #[serde(default)]
    pub batches_ever: u64,
    /// The number of epochs since the weights were initialized; it seeds the shuffling.
    pub epochs_ever: u64,
    /// The completed epochs of the current `fit`.
    pub epoch: u64,
    /// The completed batches of the current epoch, or parts of batches.
    pub batch: u64,
    /// The number of parts of a batch; several if a memory limit requires it. Files without this
    /// number have whole batches.
    #[serde(default)]
    pub parts: u64,
    /// The number of samples of a batch, or of a part of one. Files without this number have 0.
    #[serde(default)]
    pub batch_size: u64,
    /// The number of samples of the current epoch whose results have arrived.
    #[serde(with = "json::number")]
    pub samples: f64,
    /// The sums of their results: of the loss, then of each metric.
    #[serde(with = "json::rows")]
    pub totals: Vec<Vec<f64>>,
    /// The seed of weights, shuffling and dropout.
    pub seed: u64,
    /// The duration of the training so far, in seconds.
    #[serde(with = "json::number")]
    pub seconds: f64,
    /// The epochs so far.
    pub history: History,
}

impl Position {
    /// Continues with this number of samples for each batch, or part of a batch. A step has
    /// `of_step` of them, and an epoch trains on `samples`. The completed part of the epoch must be
    /// a whole number of batches.
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
                // No samples may be dropped, and no step may begin and end with different weights.
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

    /// Takes the sums of the current epoch, to be put back after an addition.
    pub(super) fn take_sums(&mut self) -> Sums {
        Sums {
            samples: self.samples,
            totals: std::mem::take(&mut self.totals),
        }
    }

    pub(super) fn put_sums(&mut self, sums: Sums) {
        (self.samples, self.totals) = (sums.samples, sums.totals);
    }

    /// Returns a copy of the sums.
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

/// Writes variables and optionally a text to a safetensors file, completely or not at all.
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

/// Returns the text of a safetensors file under `key`, if there is one.
pub(super) fn metadata(path: &Path, key: &str) -> Result<Option<String>> {
    SafetensorsFile::read(path)?.metadata(key)
}

/// Reads the position of a checkpoint's training.
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
    // Older versions did not have steps of several batches, nor parts of batches.
    position.batches_ever = position.batches_ever.max(position.step);
    position.parts = position.parts.max(1);
    Ok(position)
}

/// Reads all variables, including optimizer states, from a checkpoint.
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
