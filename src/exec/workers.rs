//! Worker threads for compiling shaders. The parser is recursive, so they have a large stack.

use std::thread::{Builder, Scope, ScopedJoinHandle, available_parallelism};

/// The largest number of workers: drivers compile in parallel, and the user's other programs need
/// cores too.
const MAX_WORKERS: usize = 4;

/// The stack size of a worker: shaders are parsed recursively.
const STACK_BYTES: usize = 8 << 20;

/// Returns the number of workers on this machine, including the calling thread.
pub(crate) fn count() -> usize {
    available_parallelism().map_or(1, |n| n.get().min(MAX_WORKERS))
}

/// Starts a worker. Returns `None` if the system cannot create a thread; the caller then does the
/// work itself.
pub(crate) fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Option<ScopedJoinHandle<'scope, T>> {
    let builder = Builder::new().stack_size(STACK_BYTES);
    builder.spawn_scoped(scope, work).ok()
}
