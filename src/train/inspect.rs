//! What can be read from a trainer: its weights, counts, memory and plan.

use std::sync::Arc;
use std::time::Instant;

use super::evaluate::BatchResult;
use super::limit::MemoryReport;
use super::session::Session;
use super::summary::Summary;
use super::trainer::Trainer;
use crate::device::Device;
use crate::exec::Counters;
use crate::graph::{Role, Variable};
use crate::plan::{Cost, Plan};
use crate::{Error, Result};

impl Trainer {
    /// Returns the last training batch whose results have arrived. Never waits for the device: on a
    /// GPU, results arrive some batches later. [`Fit::on_step`](super::Fit::on_step) gets all batches.
    pub fn last_batch(&self) -> Option<&BatchResult> {
        self.last_batch.as_ref()
    }

    /// Returns the names of all parameters and buffers of the model, in order, for
    /// [`Trainer::weights`].
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        let of_model = |v: &&Variable| matches!(v.role, Role::Parameter | Role::Buffer);
        let all = self.weights.variables.iter().filter(of_model);
        all.map(|v| v.name.as_str())
    }

    /// Returns the values of a parameter or buffer by name, in row-major order.
    ///
    /// # Example
    /// ```
    /// use wgrad::prelude::*;
    ///
    /// let model = nn::Linear::new(2, 1).init(nn::init::constant(0.5));
    /// let mut trainer = Trainer::new(model).loss(loss::Mse).compile_for(&Device::cpu(), [2])?;
    /// assert_eq!(trainer.weights("weight")?, [0.5, 0.5]);
    /// assert!(trainer.weights("wieght").is_err());
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn weights(&mut self, name: &str) -> Result<Vec<f32>> {
        self.sync()?;
        let index = self.weights.find(name);
        let words = index
            .and_then(|i| self.weights.words.get(i))
            .ok_or_else(|| {
                let names = self.weights.variables.iter().map(|v| v.name.as_str());
                let expected = names.collect::<Vec<_>>().join(", ");
                Error::argument("the parameter", name, format!("one of {expected}"))
            })?;
        Ok(words.iter().map(|w| f32::from_bits(*w)).collect())
    }

    /// Returns the SHA-256 hash of the names and bits of all model weights.
    pub fn weights_sha256(&mut self) -> Result<String> {
        self.sync()?;
        Ok(self.weights.hash())
    }

    /// Returns the table of layers.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Returns the device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Returns the number of optimizer steps so far.
    pub fn steps(&self) -> u64 {
        self.position.step
    }

    /// Returns when the first step's loss arrived.
    pub fn first_step(&self) -> Option<Instant> {
        self.first_step
    }

    /// Returns what the last training's executor has allocated and compiled. The counters do not
    /// change after the second step.
    pub fn counters(&self) -> Counters {
        self.session
            .as_ref()
            .map(Session::counters)
            .unwrap_or_default()
    }

    /// Returns the cost of a training step, after [`Trainer::begin`] or `fit`.
    pub fn cost(&self) -> Option<Cost> {
        let session = self.session.as_ref()?;
        session.plan(0).map(|plan| plan.cost(session.layout()))
    }

    /// Returns the bytes of the training on its device, including validation, after
    /// [`Trainer::begin`] or `fit`.
    pub fn memory(&self) -> Option<u64> {
        self.session.as_ref().map(Session::bytes)
    }

    /// Returns how the training stays within its memory limit, if it has one, after
    /// [`Trainer::begin`] or `fit`.
    pub fn memory_report(&self) -> Option<MemoryReport> {
        self.memory_report
    }

    /// Returns the plan of a training step, with its graph, after [`Trainer::begin`] or `fit`.
    pub fn plan(&self) -> Option<&Plan> {
        self.session.as_ref()?.plan(0).map(Arc::as_ref)
    }

    /// Returns the plan of a training step as a table, after [`Trainer::begin`] or `fit`.
    pub fn plan_table(&self) -> Option<String> {
        self.session.as_ref()?.plan(0).map(|plan| plan.to_string())
    }
}
