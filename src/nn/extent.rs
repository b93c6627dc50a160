//! Sizes along the axes of sequences and of images, for layers and settings that exist for both.

use std::fmt::Debug;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Module, Pair, Visitor};
use crate::Tensor;
use crate::schema::range;

/// A size along the axes of a sample: a length for sequences, or a height and a width for images.
pub trait Extent: Copy + Debug + PartialEq + Serialize + DeserializeOwned {
    /// The number of axes besides batch and channels.
    #[doc(hidden)]
    const AXES: usize;
    /// The samples that a layer with such sizes takes.
    #[doc(hidden)]
    const SAMPLES: &'static str;
    /// The axes of a sample.
    #[doc(hidden)]
    const SHAPE: &'static str;

    /// The same size along each axis.
    #[doc(hidden)]
    fn all(size: usize) -> Self;

    /// The size as a height and a width. A sequence is an image of height 1, where `height` is the
    /// size that changes nothing.
    #[doc(hidden)]
    fn over(self, height: usize) -> [usize; 2];

    /// The schema of a size of at least `MIN`.
    #[doc(hidden)]
    fn at_least<const MIN: u64>(generator: &mut SchemaGenerator) -> Schema;

    /// The schema of a size of at least `MIN` that may be absent.
    #[doc(hidden)]
    fn optional<const MIN: u64>(generator: &mut SchemaGenerator) -> Schema;

    /// The default of strides and dilations.
    #[doc(hidden)]
    fn one() -> Self {
        Self::all(1)
    }

    /// The default of paddings.
    #[doc(hidden)]
    fn zero() -> Self {
        Self::all(0)
    }
}

impl Extent for usize {
    const AXES: usize = 1;
    const SAMPLES: &'static str = "sequences";
    const SHAPE: &'static str = "[channels, length]";

    fn all(size: usize) -> Self {
        size
    }
    fn over(self, height: usize) -> [usize; 2] {
        [height, self]
    }
    fn at_least<const MIN: u64>(generator: &mut SchemaGenerator) -> Schema {
        range::Count::<MIN>::json_schema(generator)
    }
    fn optional<const MIN: u64>(generator: &mut SchemaGenerator) -> Schema {
        Option::<range::Count<MIN>>::json_schema(generator)
    }
}

impl Extent for Pair {
    const AXES: usize = 2;
    const SAMPLES: &'static str = "images";
    const SHAPE: &'static str = "[channels, height, width]";

    fn all(size: usize) -> Self {
        size.into()
    }
    fn over(self, _: usize) -> [usize; 2] {
        self.0
    }
    fn at_least<const MIN: u64>(generator: &mut SchemaGenerator) -> Schema {
        range::Pair::<MIN>::json_schema(generator)
    }
    fn optional<const MIN: u64>(generator: &mut SchemaGenerator) -> Schema {
        Option::<range::Pair<MIN>>::json_schema(generator)
    }
}

/// Returns the number of channels of a sample. A sample without an axis for channels has one.
pub(super) fn channels<S: Extent>(sample: &[usize]) -> Result<usize, String> {
    match sample.len() {
        n if n == S::AXES => Ok(1),
        n if n == S::AXES + 1 => Ok(sample.first().copied().unwrap_or(1)),
        _ => Err(format!(
            "it takes {}, {}, also without the channels",
            S::SAMPLES,
            S::SHAPE
        )),
    }
}

/// Returns the layer for such samples. Samples without an axis for channels get one in front.
pub(super) fn with_channels<S: Extent>(
    sample: &[usize],
    layer: impl Module + 'static,
) -> Box<dyn Module> {
    match sample.len() == S::AXES {
        true => Box::new(OneChannel(layer)),
        false => Box::new(layer),
    }
}

/// A layer for samples that have no axis for channels. It has the layer's name.
struct OneChannel<M>(M);

impl<M: Module> Module for OneChannel<M> {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.0.forward(&x.unsqueeze(1))
    }

    fn visit(&self, visitor: &mut Visitor) {
        self.0.visit(visitor);
    }
}
