//! From kernels to prepared dispatches: pipelines, bind groups, and warmup.

pub(super) mod pipelines;
pub(super) mod prepare;
pub(super) mod warmup;
