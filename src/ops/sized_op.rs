//! Ops whose kernels and CPU implementation depend on the sizes of their inputs.

use crate::graph::Meta;
use crate::kernel::Variant;
use crate::ops::{Fusion, HostRef, KernelOp, LowerContext};

/// An op without fusion that first computes its sizes. Every [`SizedOp`] is a [`KernelOp`].
pub(super) trait SizedOp {
    /// The sizes that the op requires.
    type Sizes;

    /// Computes the sizes. Returns a message if the inputs do not fit.
    fn sizes_of(&self, x: &[Meta]) -> Result<Self::Sizes, String>;
    /// Returns the loop iterations of an invocation, if they grow with the sizes.
    fn iterations(&self, sizes: &Self::Sizes) -> usize {
        let _ = sizes;
        0
    }
    /// Returns the variants on a GPU, all with the same bits.
    fn variants(&self, sizes: Self::Sizes, cx: &LowerContext) -> Vec<Variant>;
    /// Computes the op on the CPU.
    fn compute(&self, sizes: Self::Sizes, x: &[HostRef], y: &mut [f32]);
}

impl<T: SizedOp> KernelOp for T {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion::NONE
    }

    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        match self.sizes_of(&cx.x) {
            Ok(sizes) if cx.allows(self.iterations(&sizes)) => self.variants(sizes, cx),
            _ => Vec::new(),
        }
    }

    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        let metas: Vec<Meta> = x.iter().map(|x| x.meta.clone()).collect();
        if let Ok(sizes) = self.sizes_of(&metas) {
            self.compute(sizes, x, bytemuck::cast_slice_mut(y));
        }
    }
}
