//! Predicting: the outputs of a model for a data set.

use crate::data::Dataset;
use crate::{Error, Result, Shape};

use super::evaluate::{NamedOutput, Predictions};
use super::program::PlanKey;
use super::trace::{OUTPUT, Purpose, named_output};
use super::trainer::Trainer;
use super::workload::{evaluation_batch, plan_keys};
use super::{feed, indices};

impl Trainer {
    /// Returns the model's outputs for each sample of a data set. Its targets are ignored.
    pub fn predict(&mut self, set: &Dataset) -> Result<Predictions> {
        if *set.sample_shape() != self.spec.sample {
            let (have, want) = (set.sample_shape(), &self.spec.sample);
            let reason = format!("expected samples of shape {want}, as compiled, found {have}");
            return Err(Error::data("the data to predict", reason));
        }
        feed::check_shapes(set, &self.spec, "the data to predict")?;
        indices::check(&self.indices, set, "the data to predict")?;
        let batch = evaluation_batch(1, set.len(), &self.spec);
        let keys = plan_keys(Purpose::Predict, 0, set.len(), batch);
        let mut session = self.new_session(vec![("predict".to_string(), set.clone())], keys)?;
        let mut values = Vec::new();
        let mut outputs: Vec<NamedOutput> = Vec::new();
        for from in (0..set.len()).step_by(batch) {
            let rows: Vec<u32> = (from as u32..(from + batch).min(set.len()) as u32).collect();
            let plan_key = PlanKey {
                purpose: Purpose::Predict,
                batch: rows.len(),
                set: 0,
            };
            session.run(plan_key, &rows, (0, 0), &[])?;
            values.extend(session.output(plan_key, OUTPUT)?);
            for (name, shape) in session.named_outputs(plan_key)? {
                let more = session.output(plan_key, &named_output(&name))?;
                match outputs.iter_mut().find(|o| o.name == name) {
                    Some(output) => output.values.extend(more),
                    None => outputs.push(NamedOutput {
                        name,
                        shape: of_samples(set.len(), &shape),
                        values: more,
                    }),
                }
            }
        }
        Ok(Predictions {
            shape: of_samples(set.len(), &self.summary.output.shape),
            values,
            threshold: self.train_spec.loss.threshold(),
            outputs,
        })
    }
}

/// Returns the shape of this many samples' outputs, from that of a batch.
fn of_samples(samples: usize, batch: &Shape) -> Shape {
    let mut dims = vec![samples];
    dims.extend_from_slice(batch.get(1..).unwrap_or(&[]));
    dims.into()
}
