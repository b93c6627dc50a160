//! The workload of a `fit`: the batches of its training and its validation.

use crate::data::Dataset;
use crate::loss::Target;

use super::program::PlanKey;
use super::spec::DataSpec;
use super::trace::Purpose;

/// The smallest batch of validation: larger batches are faster.
const EVALUATION_BATCH: usize = 256;

/// The smallest number of labels of an evaluation batch, for samples with several labels.
const EVALUATION_LABELS: usize = 2048;

/// The indices of a `fit`'s data sets in its session.
pub(super) const TRAIN_SET: usize = 0;
pub(super) const VALIDATION_SET: usize = 1;

/// The data sets and batch sizes of a `fit`.
#[derive(Clone)]
pub(super) struct FitWorkload {
    /// The training set, and optionally the validation set, with their names.
    pub sets: Vec<(String, Dataset)>,
    /// The number of samples of a batch, or of a part of one.
    pub batch: usize,
    /// The number of samples that an epoch trains on; less than the set's if the last batch is
    /// dropped.
    pub samples: usize,
    /// The batch size of the validation.
    pub evaluation: usize,
    /// The number of parts of a batch.
    pub parts: u64,
    /// Whether a step accumulates several batches, even if those have one part.
    pub accumulates: bool,
}

impl FitWorkload {
    /// Creates the workload with whole batches.
    pub fn new(
        train: &Dataset,
        validation: Option<&Dataset>,
        batch: usize,
        spec: &DataSpec,
        accumulates: bool,
    ) -> Self {
        let mut sets = vec![("train".to_string(), train.clone())];
        sets.extend(validation.map(|set| ("validation".to_string(), set.clone())));
        let samples = validation.map_or(1, Dataset::len);
        FitWorkload {
            sets,
            batch,
            samples: train.len(),
            evaluation: evaluation_batch(batch, samples, spec),
            parts: 1,
            accumulates,
        }
    }

    /// Drops the last batch, if it is smaller.
    pub fn without_last(mut self) -> Self {
        self.samples -= self.samples % self.batch.max(1);
        self
    }

    /// Divides each batch into `parts` parts, which must divide it.
    pub fn in_parts(&self, parts: u64) -> Self {
        let batch = self.batch / usize::try_from(parts).unwrap_or(usize::MAX).max(1);
        FitWorkload {
            batch: batch.max(1),
            parts,
            ..self.clone()
        }
    }

    /// Halves the batch size of the validation; `None` if it is 1.
    pub fn with_smaller_evaluation(&self) -> Option<Self> {
        let evaluation = self.evaluation / 2;
        let has_validation = self.sets.len() > VALIDATION_SET;
        (evaluation > 0 && has_validation).then(|| FitWorkload {
            evaluation,
            ..self.clone()
        })
    }

    /// Returns the keys of all plans; the first is a training step.
    pub fn plan_keys(&self) -> Vec<PlanKey> {
        let samples = |set: usize| self.sets.get(set).map_or(0, |(_, set)| set.len());
        let mut keys = plan_keys(Purpose::Train, TRAIN_SET, self.samples, self.batch);
        if self.accumulates || self.parts > 1 {
            keys.push(PlanKey {
                purpose: Purpose::Accumulate,
                batch: self.batch,
                set: TRAIN_SET,
            });
        }
        let validation = samples(VALIDATION_SET);
        keys.extend(plan_keys(
            Purpose::Evaluate,
            VALIDATION_SET,
            validation,
            self.evaluation,
        ));
        keys
    }
}

/// Returns the keys of the plans for all batches of a set: full batches and the ragged last one.
pub(super) fn plan_keys(
    purpose: Purpose,
    set: usize,
    samples: usize,
    batch: usize,
) -> Vec<PlanKey> {
    let ragged = samples % batch;
    let full = (samples >= batch).then_some(batch);
    let sizes = full.into_iter().chain((ragged > 0).then_some(ragged));
    sizes
        .map(|batch| PlanKey {
            purpose,
            batch,
            set,
        })
        .collect()
}

/// Returns the batch size of an evaluation. It is smaller for samples with many labels, so that an
/// evaluation needs about as much memory as a training step.
pub(super) fn evaluation_batch(batch: usize, samples: usize, spec: &DataSpec) -> usize {
    let at_least = match &spec.target {
        Target::Labels { positions, .. } if positions.rank() > 0 => {
            EVALUATION_LABELS / positions.len().max(1)
        }
        Target::Framed { labels, .. } => EVALUATION_LABELS / labels.max(&1),
        _ => EVALUATION_BATCH,
    };
    batch.max(at_least).min(samples).max(1)
}
