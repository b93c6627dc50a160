//! The executor's memory on the device: buffers, staging for uploads and readback, and reads on
//! demand.

pub(super) mod buffers;
pub(super) mod fetch;
pub(super) mod half_precision;
pub(super) mod readback;
mod transfer;
pub(super) mod upload;

pub(super) use transfer::Transfer;
