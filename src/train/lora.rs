//! Low-rank adapters of a model's weights: declaring, merging, saving and loading.

use std::collections::BTreeMap;
use std::path::Path;

use crate::graph::{Adapter, Init, Role, Variable, VariableId};
use crate::nn::{Lora, init};
use crate::{Error, Result, Shape};

use super::checkpoint;
use super::load::{Load, LoadReport, load};
use super::spec::matches;
use super::state::Weights;
use super::trainer::Trainer;

/// The key of the adapters' scales in a file.
const KEY: &str = "wgrad.lora";

/// Declares adapters for the weights that match the patterns, and freezes those weights.
pub(super) fn declare(
    patterns: &[(String, Lora)],
    variables: &mut Vec<Variable>,
) -> Result<Vec<(VariableId, Adapter)>> {
    let mut adapters: Vec<(VariableId, Adapter)> = Vec::new();
    let model = variables.len();
    for (pattern, lora) in patterns {
        let (rank, scale) = (lora.rank(), lora.scale());
        if rank == 0 || !(scale > 0.0 && scale.is_finite()) {
            let expected = "a rank of at least 1 and an alpha above 0";
            return Err(Error::argument("LoRA", format!("{lora:?}"), expected));
        }
        let mut found = false;
        for index in 0..model {
            let Some(v) = variables.get(index).filter(|v| matches(pattern, &v.name)) else {
                continue;
            };
            let id = VariableId::new(index);
            let (&[outputs, inputs], false) = (v.shape().dims(), v.role == Role::Table) else {
                continue;
            };
            found = true;
            if adapters.iter().any(|(weight, _)| *weight == id) {
                continue;
            }
            // In the layer of `weight`, or as children of a weight with another name.
            let layer = match v.name.strip_suffix("weight") {
                Some(layer) if layer.is_empty() || layer.ends_with('.') => layer.to_string(),
                _ => format!("{}.", v.name),
            };
            let small = |name: &str, shape: Shape, init: Init| Variable {
                name: format!("{layer}{name}"),
                meta: crate::graph::Meta::new(shape, v.meta.dtype),
                role: Role::Parameter,
                init,
                source: v.source,
            };
            let start = init::torch_linear(inputs);
            let a = small("lora_A", [rank, inputs].into(), start);
            let b = small("lora_B", [outputs, rank].into(), Init::Constant(0.0));
            let first = variables.len();
            let adapter = Adapter {
                a: VariableId::new(first),
                b: VariableId::new(first + 1),
                scale,
            };
            adapters.push((id, adapter));
            variables.extend([a, b]);
            if let Some(weight) = variables.get_mut(index) {
                weight.role = Role::Buffer;
            }
        }
        if !found {
            let names = variables.iter().filter(|v| v.shape().rank() == 2);
            let names: Vec<&str> = names.map(|v| v.name.as_str()).collect();
            let reason = format!(
                "expected the name of a matrix, found {pattern:?}; the matrices are {}",
                names.join(", ")
            );
            return Err(Error::model("lora", reason));
        }
    }
    Ok(adapters)
}

/// Computes `W + scale B A` for each adapted weight.
fn merged(weights: &Weights, adapters: &[(VariableId, Adapter)]) -> Result<Vec<(usize, Vec<u32>)>> {
    let get = |id: VariableId| {
        let words = weights.words.get(id.index());
        words.ok_or_else(|| Error::internal("lora", "an adapter without values"))
    };
    let number = |w: &u32| f64::from(f32::from_bits(*w));
    let mut all = Vec::new();
    for (weight, adapter) in adapters {
        let (w, a, b) = (get(*weight)?, get(adapter.a)?, get(adapter.b)?);
        let shape = weights
            .variables
            .get(weight.index())
            .map(|v| v.shape().clone());
        let inputs = shape.map_or(1, |s| s.last()).max(1);
        let rank = (a.len() / inputs).max(1);
        let rows = w.chunks(inputs).zip(b.chunks(rank));
        let merged = rows.flat_map(|(w, b)| {
            let change = move |column: usize| -> f64 {
                let terms = b.iter().zip(a.iter().skip(column).step_by(inputs));
                terms.map(|(b, a)| number(b) * number(a)).sum()
            };
            let sum = move |(i, w): (usize, &u32)| number(w) + adapter.scale * change(i);
            w.iter().enumerate().map(move |w| (sum(w) as f32).to_bits())
        });
        all.push((weight.index(), merged.collect()));
    }
    Ok(all)
}

impl Trainer {
    /// Returns the indices of the adapters' variables.
    pub(super) fn adapters(&self) -> Vec<usize> {
        let all = self.train_spec.adapters.iter();
        all.flat_map(|(_, a)| [a.a.index(), a.b.index()]).collect()
    }

    fn is_adapted(&self, what: &str) -> Result<()> {
        match self.train_spec.adapters.is_empty() {
            true => Err(Error::model(
                what,
                "expected a model with adapters; add them with `TrainerBuilder::lora`",
            )),
            false => Ok(()),
        }
    }

    /// Adds the adapters to their weights, and resets the adapters. The model's outputs stay the
    /// same, up to rounding.
    pub fn merge_lora(&mut self) -> Result<()> {
        self.is_adapted("merge_lora")?;
        let adapters = self.train_spec.adapters.clone();
        self.change_weights(|weights| {
            for (index, words) in merged(weights, &adapters)? {
                weights.set(index, words);
            }
            for (_, adapter) in &adapters {
                if let Some(b) = weights.words.get_mut(adapter.b.index()) {
                    b.fill(0);
                }
            }
            weights.restart_averages();
            Ok(())
        })
    }

    /// Writes the model's weights under their `state_dict` names, with adapters merged into them,
    /// for use in other programs. The file is written completely or not at all.
    pub fn save_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let all = self.merged_weights()?;
        checkpoint::write(path.as_ref(), all.iter().map(|(v, words)| (v, words)), None)
    }

    /// Returns the model's variables and their words: averages if there are any, with adapters
    /// merged.
    pub(crate) fn merged_weights(&mut self) -> Result<Vec<(Variable, Vec<u32>)>> {
        self.settle()?;
        self.sync()?;
        let mut changed: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        let weights = self.weights.averaged();
        changed.extend(merged(&weights, &self.train_spec.adapters)?);
        let adapters = self.adapters();
        let all = weights.variables.iter().zip(&weights.words);
        let model = all.enumerate().filter(|(i, (v, _))| {
            matches!(v.role, Role::Parameter | Role::Buffer) && !adapters.contains(i)
        });
        let own = model.map(|(i, (v, words))| {
            let words = changed.remove(&i).unwrap_or_else(|| words.clone());
            (v.clone(), words)
        });
        Ok(own.collect())
    }

    /// Writes only the adapters. The file is written completely or not at all.
    pub fn save_adapter(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.is_adapted("save_adapter")?;
        self.settle()?;
        self.sync()?;
        let adapters = self.adapters();
        let all = self.weights.variables.iter().zip(&self.weights.words);
        let small = all.enumerate().filter(|(i, _)| adapters.contains(i));
        let scales = serde_json::to_string(&self.scales())
            .map_err(|e| Error::internal("save_adapter", e.to_string()))?;
        let metadata = Some((KEY, scales));
        checkpoint::write(path.as_ref(), small.map(|(_, tensor)| tensor), metadata)
    }

    /// Loads adapters that [`Trainer::save_adapter`] wrote, for the same weights with the same rank
    /// and scale. A training in progress continues with them.
    pub fn load_adapter(&mut self, path: impl AsRef<Path>) -> Result<LoadReport> {
        self.is_adapted("load_adapter")?;
        let path = path.as_ref();
        if let Some(text) = checkpoint::metadata(path, KEY)? {
            let refuse = |reason: String| Error::Checkpoint {
                path: path.to_path_buf(),
                reason,
            };
            let theirs = serde_json::from_str::<BTreeMap<String, f64>>(&text);
            let theirs = theirs.map_err(|e| refuse(format!("its scales cannot be read ({e})")))?;
            for (name, own) in self.scales() {
                if let Some(scale) = theirs.get(&name).filter(|scale| **scale != own) {
                    let reason = format!(
                        "expected a scale of {own} for the adapter of {name}, found {scale}"
                    );
                    return Err(refuse(reason));
                }
            }
        }
        let adapters = self.adapters();
        let wanted = |i: usize| adapters.contains(&i);
        self.change_weights(|weights| load(path, weights, &Load::strict(), (wanted, &[])))
    }

    /// Returns the scales of the adapters, by the names of their weights.
    fn scales(&self) -> BTreeMap<String, f64> {
        let name = |id: VariableId| {
            self.weights
                .variables
                .get(id.index())
                .map(|v| v.name.clone())
        };
        let all = self.train_spec.adapters.iter();
        all.filter_map(|(weight, a)| Some((name(*weight)?, a.scale)))
            .collect()
    }
}
