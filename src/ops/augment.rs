//! Data augmentation: random flips, shifts and crops of images in training, different for each
//! sample.
//!
//! Images are `[n, .., h, w]`. An elementwise chain computes the index of the source pixel of each
//! pixel, and a gather reads it. The random numbers are those of the graph: the same on every
//! device, and new in each step.

use crate::graph::{Elementwise, Op, Scalar};
use crate::ops::constant;
use crate::ops::elementwise::source_pixel;
use crate::{DType, Shape, Source, Tensor};

impl Tensor {
    /// Flips each sample of images `[n, .., h, w]` from left to right with probability `p` in
    /// training. In evaluation, the images are not changed.
    #[track_caller]
    pub fn random_flip(&self, p: f64) -> Tensor {
        let caller = Source::caller();
        if !(0.0..=1.0).contains(&p) {
            let reason = format!("expected a probability from 0 to 1, found {p}");
            return self.record_error("random_flip", reason, caller);
        }
        let Some([h, w]) = size(self) else {
            return self.no_images("random_flip", caller);
        };
        if !self.is_training() {
            return self.clone();
        }
        let drawn = self.random_uniform(self.each());
        let mirrored = drawn.lt(&self.constant_like(p)).cast(DType::U32);
        let still = constant(&self.shared_graph(), 0.0, Shape::scalar(), DType::U32);
        let window = Window {
            to: [h, w],
            border: [0, 0],
        };
        self.moved(&still, &still, &mirrored, window, caller)
    }

    /// Shifts each sample of images `[n, .., h, w]` in training by a random number of pixels, at
    /// most `pixels` `[down, right]` in either direction, uniformly distributed. Zeros fill the
    /// border. In evaluation, the images are not changed.
    #[track_caller]
    pub fn random_shift(&self, pixels: [usize; 2]) -> Tensor {
        let caller = Source::caller();
        match size(self) {
            Some(to) => self.at_random("random_shift", Window { to, border: pixels }, caller),
            None => self.no_images("random_shift", caller),
        }
    }

    /// Crops each sample of images `[n, .., h, w]` to size `to` (height, width), after padding them
    /// with `padding` zeros on each side. In training, the position is random and uniformly
    /// distributed. In evaluation, it is the center of the image.
    #[track_caller]
    pub fn random_crop(&self, to: [usize; 2], padding: [usize; 2]) -> Tensor {
        let caller = Source::caller();
        let Some([h, w]) = size(self) else {
            return self.no_images("random_crop", caller);
        };
        if to[0] > h || to[1] > w {
            let reason = format!(
                "a window of {} x {} does not fit in images of {h} x {w}",
                to[0], to[1]
            );
            return self.record_error("random_crop", reason, caller);
        }
        if !self.is_training() {
            return self
                .narrow(-2, (h - to[0]) / 2, to[0])
                .narrow(-1, (w - to[1]) / 2, to[1]);
        }
        let window = Window {
            to,
            border: padding,
        };
        self.at_random("random_crop", window, caller)
    }

    /// Crops a window of each sample, in training at a random position.
    fn at_random(&self, op: &'static str, window: Window, caller: Source) -> Tensor {
        let Some(size) = size(self) else {
            return self.no_images(op, caller);
        };
        let places = [0, 1].map(|a| {
            let padded = window.border[a]
                .checked_mul(2)
                .and_then(|border| border.checked_add(size[a]))
                // Integers below 2^24 are exact in f32.
                .filter(|padded| *padded < 1 << 24);
            padded.map(|padded| padded - window.to[a] + 1)
        });
        let [Some(down), Some(right)] = places else {
            let [h, w] = window.border;
            let reason = format!(
                "a padding of {h} x {w} pixels around images of {size:?} exceeds 2^24 pixels"
            );
            return self.record_error(op, reason, caller);
        };
        if !self.is_training() || (down == 1 && right == 1) {
            return self.clone();
        }
        let draw = |places: usize| {
            let drawn = self.random_uniform(self.each()) * places as f64;
            // The product may be rounded up to the number of positions, which is out of range.
            drawn
                .minimum(&self.constant_like((places - 1) as f64))
                .cast(DType::U32)
        };
        let (down, right) = (draw(down), draw(right));
        let straight = constant(&self.shared_graph(), 0.0, Shape::scalar(), DType::U32);
        self.moved(&down, &right, &straight, window, caller)
    }

    /// Returns the windows of the images at positions `down` and `right`, relative to the padded
    /// images.
    fn moved(
        &self,
        down: &Tensor,
        right: &Tensor,
        mirrored: &Tensor,
        window: Window,
        caller: Source,
    ) -> Tensor {
        let (shape, Some([h, w])) = (self.shape(), size(self)) else {
            return self.clone();
        };
        let Window { to, border } = window;
        if shape.len() >= u32::MAX as usize {
            let reason = format!("{shape} has more pixels than an index can count");
            return self.record_error("augment", reason, caller);
        }
        let mut moved = shape.to_vec();
        moved.truncate(shape.rank().saturating_sub(2));
        moved.extend(to);
        let moved = Shape::from(moved);
        let sizes = [h, w, to[0], to[1], border[0], border[1]];
        let op = Elementwise {
            function: source_pixel(),
            constants: sizes.iter().map(|&n| Scalar(n as f64)).collect(),
        };
        let spread = |t: &Tensor| t.broadcast_at(&moved, caller);
        let inputs = [spread(down), spread(right), spread(mirrored)];
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        let numbers = Tensor::apply(Op::Elementwise(op), &inputs, caller);
        self.reshape_at([shape.len()].into(), caller)
            .gather(&numbers)
    }

    /// Returns the shape of one number per sample.
    fn each(&self) -> Shape {
        let shape = self.shape();
        let ones = shape.iter().skip(1).map(|_| 1);
        shape
            .iter()
            .take(1)
            .copied()
            .chain(ones)
            .collect::<Vec<_>>()
            .into()
    }

    fn no_images(&self, op: &'static str, caller: Source) -> Tensor {
        let reason = format!(
            "expected f32 images [n, .., height, width], found {}{}",
            self.dtype(),
            self.shape()
        );
        self.record_error(op, reason, caller)
    }
}

/// The size of a window, and the width of the border of zeros around the images.
#[derive(Clone, Copy)]
struct Window {
    to: [usize; 2],
    border: [usize; 2],
}

/// Returns the height and width of `f32` images; `None` if there is no axis for the samples.
fn size(images: &Tensor) -> Option<[usize; 2]> {
    match *images.shape().dims() {
        [_, .., h, w] if images.dtype().computed() == DType::F32 => Some([h, w]),
        _ => None,
    }
}
