//! Methods that read a batch's named arrays and weights, and that name outputs.

use crate::graph::ARRAY;
use crate::{Source, Tensor, ops};

impl Tensor {
    /// Returns the batch's array of this name, `[batch, ..]`, which
    /// [`Dataset::with_array`](crate::data::Dataset::with_array) added. It does not depend on which
    /// tensor of the model is `self`.
    ///
    /// A name without an array is an error that lists the existing names.
    ///
    /// # Example
    ///
    /// ```
    /// use wgrad::{Tensor, nn::{Linear, Module, Visitor}};
    ///
    /// /// A model with two inputs: the features and the array "age".
    /// struct Model { image: Linear, age: Linear }
    ///
    /// impl Module for Model {
    ///     fn forward(&self, x: &Tensor) -> Tensor {
    ///         self.image.forward(x) + self.age.forward(&x.batch_array("age"))
    ///     }
    ///     fn visit(&self, v: &mut Visitor) {
    ///         v.child("image", &self.image);
    ///         v.child("age", &self.age);
    ///     }
    /// }
    /// ```
    #[track_caller]
    pub fn batch_array(&self, name: &str) -> Tensor {
        let caller = Source::caller();
        let graph = self.shared_graph();
        let found = {
            let graph = graph.borrow();
            let mut all = graph.batch.arrays.iter();
            all.position(|a| a.name == name).and_then(|i| {
                let array = graph.batch.arrays.get(i)?.clone();
                Some((i, array))
            })
        };
        let Some((i, array)) = found else {
            let names: Vec<String> = {
                let graph = graph.borrow();
                graph.batch.arrays.iter().map(|a| a.name.clone()).collect()
            };
            let found = match names.is_empty() {
                true => "the data set has no arrays".to_string(),
                false => format!("the data set has {}", names.join(", ")),
            };
            let reason =
                format!("expected an array {name:?}, but {found}; see `Dataset::with_array`");
            return self.record_error("batch_array", reason, caller);
        };
        if let Some(node) = array.node {
            return Tensor::new(graph, node);
        }
        let tensor = match array.stored {
            Some((variable, rows)) => {
                let rows = Tensor::new(graph.clone(), rows);
                ops::variable(&graph, variable).gather(&rows)
            }
            None => {
                let name = format!("{ARRAY}{name}");
                ops::input(&graph, &name, array.meta.shape, array.meta.dtype)
            }
        };
        if let Some(array) = graph.borrow_mut().batch.arrays.get_mut(i) {
            array.node = tensor.id();
        }
        tensor
    }

    /// Makes this tensor a further output of the model with this name, and returns it.
    ///
    /// Its first axis is the batch. A [`Combined`](crate::loss::Combined) loss trains it,
    /// [`metrics::OfOutput`](crate::metrics::OfOutput) evaluates it, and
    /// [`Predictions::output`](crate::train::Predictions::output) returns it.
    pub fn as_output(&self, name: &str) -> Tensor {
        let graph = self.shared_graph();
        if let Some(node) = self.id() {
            let mut graph = graph.borrow_mut();
            let outputs = &mut graph.batch.outputs;
            outputs.retain(|(n, _)| n != name);
            outputs.push((name.to_string(), node));
        }
        self.clone()
    }

    /// Returns the output that the model has named with [`Tensor::as_output`].
    #[track_caller]
    pub fn named_output(&self, name: &str) -> Tensor {
        let caller = Source::caller();
        let graph = self.shared_graph();
        let (found, names) = {
            let graph = graph.borrow();
            let outputs = &graph.batch.outputs;
            let found = outputs
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, node)| *node);
            let names: Vec<String> = outputs.iter().map(|(n, _)| n.clone()).collect();
            (found, names)
        };
        match found {
            Some(node) => Tensor::new(graph, node),
            None => {
                let found = match names.is_empty() {
                    true => "it names none".to_string(),
                    false => format!("it names {}", names.join(", ")),
                };
                let reason = format!(
                    "expected an output {name:?} of the model, but {found}; see `Tensor::as_output`"
                );
                self.record_error("named_output", reason, caller)
            }
        }
    }

    /// Returns the weights of the batch's samples, or of their positions, `[batch, ..]`; `None` if
    /// all weights are 1. See [`Dataset::with_weights`](crate::data::Dataset::with_weights).
    pub fn batch_weights(&self) -> Option<Tensor> {
        let graph = self.shared_graph();
        let node = graph.borrow().batch.weights?;
        Some(Tensor::new(graph, node))
    }
}
