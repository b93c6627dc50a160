//! The weights on the host, from which sessions start and which checkpoints contain.

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::Result;
use crate::exec::Executor;
use crate::graph::{Role, Variable};
use crate::random::Stream;

use super::initialization;
use super::spec::{EMA, state_name};

/// The words of the model's and the optimizer's variables, by index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weights {
    pub variables: Vec<Variable>,
    pub words: Vec<Vec<u32>>,
}

impl Weights {
    /// Draws the initial values. Each variable has its own random stream, so an added layer does
    /// not change the values of others.
    pub fn initial(variables: &[Variable], seed: u64) -> Result<Self> {
        let all = variables.par_iter().enumerate();
        let words = all
            .map(|(i, v)| initialization::values(v, &mut Stream::new(seed).child(i as u64)))
            .collect::<Result<_>>()?;
        Ok(Weights {
            variables: variables.to_vec(),
            words,
        })
    }

    /// Returns the same values for other variables, by name, and initial values for new ones.
    pub fn redeclare(&mut self, variables: &[Variable], seed: u64) -> Result<()> {
        // New ones are drawn first: if one fails, nothing changes.
        let mut words = Vec::with_capacity(variables.len());
        for (i, v) in variables.iter().enumerate() {
            words.push(match self.find(&v.name) {
                Some(_) => Vec::new(),
                None => initialization::values(v, &mut Stream::new(seed).child(i as u64))?,
            });
        }
        for (v, words) in variables.iter().zip(&mut words) {
            let old = self.find(&v.name).and_then(|at| self.words.get_mut(at));
            if let Some(old) = old {
                *words = std::mem::take(old);
            }
        }
        *self = Weights {
            variables: variables.to_vec(),
            words,
        };
        Ok(())
    }

    /// Releases the words, until they are set again.
    pub fn release(&mut self) {
        self.words = vec![Vec::new(); self.variables.len()];
    }

    pub fn set(&mut self, index: usize, words: Vec<u32>) {
        if let Some(slot) = self.words.get_mut(index) {
            *slot = words;
        }
    }

    /// Returns the index of the variable called `name`.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.variables.iter().position(|v| v.name == name)
    }

    /// Sets the moving averages to the weights.
    pub fn restart_averages(&mut self) {
        for (i, of) in self.averages() {
            if let Some(words) = self.words.get(of).cloned() {
                self.set(i, words);
            }
        }
    }

    /// Returns the weights with the moving averages in place of their parameters.
    pub fn averaged(&self) -> std::borrow::Cow<'_, Self> {
        let averages = self.averages();
        if averages.is_empty() {
            return std::borrow::Cow::Borrowed(self);
        }
        let mut averaged = self.clone();
        for (i, of) in averages {
            if let Some(words) = self.words.get(i).cloned() {
                averaged.set(of, words);
            }
        }
        std::borrow::Cow::Owned(averaged)
    }

    /// Returns the indices of the moving averages and of their parameters.
    pub fn averages(&self) -> Vec<(usize, usize)> {
        let all = self.variables.iter().enumerate();
        let averages = all.filter(|(_, v)| v.role == Role::OptimizerState(EMA.to_string()));
        let of = |v: &Variable| {
            let of = self.variables.iter().filter(|p| p.role == Role::Parameter);
            let name = of
                .map(|p| p.name.as_str())
                .find(|p| state_name(EMA, p) == v.name);
            self.find(name?)
        };
        averages.filter_map(|(i, v)| Some((i, of(v)?))).collect()
    }

    pub fn upload(&self, executor: &mut dyn Executor) -> Result<()> {
        for (i, words) in self.words.iter().enumerate() {
            executor.write_variable(i, words)?;
        }
        Ok(())
    }

    /// Returns the SHA-256 hash of the model's variables (without the optimizer's): names and bits,
    /// in order.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for (v, words) in self.variables.iter().zip(&self.words) {
            if matches!(v.role, Role::Parameter | Role::Buffer) {
                hash.update(v.name.as_bytes());
                hash.update([0]);
                for word in words {
                    hash.update(word.to_le_bytes());
                }
            }
        }
        hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }
}
