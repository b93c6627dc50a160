//! How a batch reaches the graph: gathered from a data set on the device, or passed with each run.

use std::cell::RefCell;
use std::rc::Rc;

use crate::data::Dataset;
use crate::graph::{BatchArray, Graph, Init, Meta, Role, Variable, VariableId};
use crate::kernel::KernelLimits;
use crate::loss::Target;
use crate::{DType, Error, Result, Shape, Source, Tensor};

use super::spec::DataSpec;

/// The names of a graph's inputs.
pub(super) const ROWS: &str = "batch.rows";
pub(super) const FEATURES: &str = "batch.features";
pub(super) const TARGETS: &str = "batch.targets";
pub(super) const WEIGHTS: &str = "batch.weights";
pub(super) const SCALARS: &str = "optimizer.scalars";

/// The largest batch, in bytes, that is passed with each run although the set would fit on the
/// device. For such a batch, the two dispatches that gather the rows on the device take longer than
/// the copy.
const MAX_STREAMED_BATCH_BYTES: u64 = 32 << 10;

/// The source of batches.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Feed {
    /// Batches are passed with each run.
    Streamed,
    /// Variables contain the whole set; a run passes row numbers.
    Resident {
        features: VariableId,
        targets: VariableId,
        /// In the order of the specification's arrays.
        arrays: Vec<VariableId>,
        weights: Option<VariableId>,
    },
}

impl Feed {
    /// Stores the set on the device if it fits into one binding and one buffer, and appends its
    /// variables. Otherwise, for small batches and for a set on disk, the set is streamed in batches of `batch`
    /// samples.
    pub fn choose(
        set: &Dataset,
        spec: &DataSpec,
        batch: usize,
        limits: Option<&KernelLimits>,
        name: &str,
        variables: &mut Vec<Variable>,
    ) -> Feed {
        let metas = |samples: usize| {
            let named = spec.arrays.named.iter().map(|(_, shape)| shape);
            let others = named.chain(&spec.arrays.weights);
            let own = [batch_meta(spec, samples), spec.target.meta(samples)];
            own.into_iter()
                .chain(others.map(move |shape| rows_of(shape, samples)))
        };
        let bytes: u64 = metas(batch).map(|meta| meta.bytes()).sum();
        if bytes <= MAX_STREAMED_BATCH_BYTES || set.is_on_disk() {
            return Feed::Streamed;
        }
        let features = batch_meta(spec, set.len());
        let targets = spec.target.meta(set.len());
        let largest = metas(set.len()).map(|meta| meta.bytes()).max().unwrap_or(0);
        let most = metas(set.len()).map(|meta| meta.shape.len()).max();
        let fits = limits.is_some_and(|l| largest <= l.binding_bytes.min(l.buffer_bytes));
        // Rows and elements are counted in 32 bits, with a margin.
        if !fits || most > Some(i32::MAX as usize / 4) {
            return Feed::Streamed;
        }
        let mut declare = |part: &str, meta: Meta| {
            variables.push(Variable {
                name: format!("data.{name}.{part}"),
                meta,
                role: Role::Data,
                init: Init::Unset,
                source: Source::caller(),
            });
            VariableId(variables.len() as u32 - 1)
        };
        let (features, targets) = (declare("features", features), declare("targets", targets));
        let named = spec.arrays.named.iter();
        let arrays = named
            .map(|(array, shape)| declare(&format!("array.{array}"), rows_of(shape, set.len())))
            .collect();
        let weights = spec.arrays.weights.as_ref();
        Feed::Resident {
            features,
            targets,
            arrays,
            weights: weights.map(|shape| declare("weights", rows_of(shape, set.len()))),
        }
    }

    /// Returns the batch's features and targets as tensors of the graph, and declares its arrays and
    /// weights there.
    pub fn trace(
        &self,
        graph: &Rc<RefCell<Graph>>,
        spec: &DataSpec,
        batch: usize,
    ) -> (Tensor, Tensor) {
        let weights = spec.arrays.weights.as_ref();
        let arrays = offered(spec, batch);
        let (x, t, arrays, weights) = match self {
            Feed::Streamed => {
                let (x, t) = (batch_meta(spec, batch), spec.target.meta(batch));
                let x = crate::ops::input(graph, FEATURES, x.shape, x.dtype);
                let t = crate::ops::input(graph, TARGETS, t.shape, t.dtype);
                let weights = weights.map(|shape| {
                    let meta = rows_of(shape, batch);
                    crate::ops::input(graph, WEIGHTS, meta.shape, meta.dtype)
                });
                (x, t, arrays, weights)
            }
            Feed::Resident {
                features,
                targets,
                arrays: stored,
                weights,
            } => {
                let rows = crate::ops::input(graph, ROWS, [batch], DType::U32);
                let of = |id: &VariableId| crate::ops::variable(graph, *id).gather(&rows);
                let arrays = arrays
                    .into_iter()
                    .zip(stored)
                    .map(|(array, id)| BatchArray {
                        stored: rows.id().map(|rows| (*id, rows)),
                        ..array
                    });
                let (x, t) = (of(features), of(targets));
                (x, t, arrays.collect(), weights.as_ref().map(of))
            }
        };
        let mut graph = graph.borrow_mut();
        graph.batch.arrays = arrays;
        graph.batch.weights = weights.and_then(|w| w.id());
        (x, t)
    }
}

/// Returns the batch's named arrays as inputs.
pub(super) fn offered(spec: &DataSpec, batch: usize) -> Vec<BatchArray> {
    let named = spec.arrays.named.iter();
    named
        .map(|(name, shape)| BatchArray {
            name: name.clone(),
            meta: rows_of(shape, batch),
            stored: None,
            node: None,
        })
        .collect()
}

/// Returns the type of an array of this many samples.
fn rows_of(sample: &Shape, rows: usize) -> Meta {
    Meta::new([&[rows], sample.dims()].concat(), DType::F32)
}

/// Returns the type of a batch of features.
pub(super) fn batch_meta(spec: &DataSpec, batch: usize) -> Meta {
    rows_of(&spec.sample, batch)
}

/// Writes the targets of some rows as the words of the batch's target tensor.
pub(super) fn target_words(
    set: &Dataset,
    target: &Target,
    rows: &[u32],
    words: &mut Vec<u32>,
) -> Result<()> {
    words.clear();
    match target {
        Target::Labels { .. } | Target::Framed { .. } => set.gather_labels(rows, words),
        Target::Values { .. } if set.classes().is_some() => {
            // Two classes as the numbers 0 and 1, for a binary loss.
            set.gather_labels(rows, words)?;
            words.iter_mut().for_each(|w| *w = (*w as f32).to_bits());
            Ok(())
        }
        Target::Values { .. } => {
            let mut values = Vec::new();
            set.gather_values(rows, &mut values)?;
            words.extend(values.iter().map(|v| v.to_bits()));
            Ok(())
        }
    }
}

/// Checks that a data set fits a model's input and its loss's targets.
pub(super) fn check(set: &Dataset, spec: &DataSpec, what: &str) -> Result<()> {
    if *set.sample_shape() != spec.sample {
        let (have, want) = (set.sample_shape(), &spec.sample);
        let reason = format!("expected samples of shape {want}, as compiled, found {have}");
        return Err(Error::data(what, reason));
    }
    check_arrays(set, spec, what)?;
    match (&spec.target, set.classes(), set.target_width()) {
        (Target::Labels { classes, positions }, _, _) => {
            let wanted = (positions.rank() > 0).then(|| positions.len());
            check_classes(check_labels(set, wanted, what)?, *classes, what)
        }
        (target @ Target::Framed { labels, .. }, _, _) => {
            check_labels(set, Some(1 + labels), what)?;
            check_framed(set, target, what)
        }
        (Target::Values { width: 1 }, Some(2), _) => Ok(()),
        (Target::Values { width }, None, Some(have)) if have == *width => Ok(()),
        (Target::Values { width }, classes, have) => {
            let have = match (classes, have) {
                (Some(n), _) => format!("labels of {n} classes"),
                (_, Some(n)) => format!("a width of {n}"),
                _ => "no targets".to_string(),
            };
            let reason =
                format!("expected target values of width {width}, as the loss needs, found {have}");
            Err(Error::data(what, reason))
        }
    }
}

/// Checks that a data set has the arrays and weights that a model was compiled for.
fn check_arrays(set: &Dataset, spec: &DataSpec, what: &str) -> Result<()> {
    check_shapes(set, spec, what)?;
    for (name, _) in &spec.arrays.named {
        if set.array_shape(name).is_none() {
            let reason = format!(
                "expected an array {name:?}, as in the data that the model was compiled for"
            );
            return Err(Error::data(what, reason));
        }
    }
    // In a set without weights all samples have the weight 1.
    if let Some(have) = set.weights_shape()
        && spec.arrays.weights.as_ref() != Some(have)
    {
        let compiled = match &spec.arrays.weights {
            Some(shape) => format!("for weights of shape {shape}"),
            None => "without weights".to_string(),
        };
        let reason = format!(
            "its weights have the shape {have} per sample, but the model was compiled {compiled}"
        );
        return Err(Error::data(what, reason));
    }
    for (name, target) in &spec.arrays.targets {
        if let Target::Labels { classes, .. } = target {
            check_labels_of(set, name, *classes, what)?;
        }
    }
    Ok(())
}

/// Checks that a data set's arrays have the shapes that a model was compiled for.
pub(super) fn check_shapes(set: &Dataset, spec: &DataSpec, what: &str) -> Result<()> {
    for (name, shape) in &spec.arrays.named {
        if let Some(have) = set.array_shape(name).filter(|have| *have != shape) {
            let reason = format!(
                "its array {name:?} has samples of {have}, but the model was compiled for {shape}"
            );
            return Err(Error::data(what, reason));
        }
    }
    Ok(())
}

/// Checks that the numbers of an array are labels of classes.
fn check_labels_of(set: &Dataset, name: &str, classes: usize, what: &str) -> Result<()> {
    let mut words = Vec::new();
    for sample in 0..set.len() {
        set.gather_array_words(name, &[sample as u32], &mut words)?;
        let is_label = |v: &f32| *v >= 0.0 && (*v as usize) < classes && v.fract() == 0.0;
        let mut numbers = words.iter().map(|w| f32::from_bits(*w));
        if let Some(wrong) = numbers.find(|v| !is_label(v)) {
            let place = format!("{what}, sample {sample}");
            let last = classes.saturating_sub(1);
            let reason = format!(
                "expected labels in the array {name:?}, whole numbers from 0 to {last}, found {wrong}"
            );
            return Err(Error::data(place, reason));
        }
    }
    Ok(())
}

/// Returns the number of classes of the labels, if there are `wanted` labels for each sample
/// (`None` for one label without a position).
fn check_labels(set: &Dataset, wanted: Option<usize>, what: &str) -> Result<usize> {
    let (width, have) = match (set.classes(), set.label_sequences()) {
        (Some(have), _) => (None, have),
        (_, Some((width, have))) => (Some(width), have),
        _ => {
            let reason =
                "expected class labels, as the loss needs, found targets that are not classes";
            return Err(Error::data(what, reason));
        }
    };
    // One label per sample is one position.
    if width.unwrap_or(1) != wanted.unwrap_or(1) {
        let labels = |n: Option<usize>| match n {
            None | Some(1) => "1 label".to_string(),
            Some(n) => format!("{n} labels"),
        };
        let (want, have) = (labels(wanted), labels(width));
        let reason = format!("expected {want} per sample, as the model scores, found {have}");
        return Err(Error::data(what, reason));
    }
    Ok(have)
}

fn check_classes(have: usize, classes: usize, what: &str) -> Result<()> {
    match have <= classes {
        true => Ok(()),
        false => {
            let reason =
                format!("expected at most {classes} classes, as the model scores, found {have}");
            Err(Error::data(what, reason))
        }
    }
}

/// Checks each number, because the set's number of classes includes frame counts.
fn check_framed(set: &Dataset, target: &Target, what: &str) -> Result<()> {
    let &Target::Framed {
        frames, classes, ..
    } = target
    else {
        return Ok(());
    };
    let wrong = |sample: usize, reason: String| {
        let place = format!("{what}, sample {sample}");
        Err(Error::data(place, reason))
    };
    for sample in 0..set.len() {
        let Some((&count, labels)) = set.labels(sample).and_then(<[u32]>::split_first) else {
            continue;
        };
        if count as usize > frames {
            let reason =
                format!("expected at most {frames} frames, as the model scores, found {count}");
            return wrong(sample, reason);
        }
        let outside = |(_, label): &(usize, &u32)| **label as usize >= classes;
        if let Some((place, label)) = labels.iter().enumerate().find(outside) {
            let reason = format!(
                "expected label {place} below {classes}, the classes that the model scores, found \
                 {label}"
            );
            return wrong(sample, reason);
        }
    }
    Ok(())
}
