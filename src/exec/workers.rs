//! Worker threads for compiling shaders, which parse recursively and need a deep stack.

use std::thread::{Builder, Scope, ScopedJoinHandle, available_parallelism};

/// Workers at most: drivers compile in parallel, and a laptop has a user as well.
const MAX_WORKERS: usize = 4;

/// The stack of a worker: shaders are parsed recursively.
const STACK_BYTES: usize = 8 << 20;

/// The number of workers that this computer runs at once, the calling thread included.
pub(crate) fn count() -> usize {
    available_parallelism().map_or(1, |n| n.get().min(MAX_WORKERS))
}

/// Starts a worker; `None` where the system has no thread left, so that the caller does the work itself.
pub(crate) fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Option<ScopedJoinHandle<'scope, T>> {
    let builder = Builder::new().stack_size(STACK_BYTES);
    builder.spawn_scoped(scope, work).ok()
}
