//! Distributes work to the threads of the CPU, unless a plan runs on one thread.

use std::cell::Cell;

use rayon::prelude::*;

thread_local! {
    static ON_ONE_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` without other threads. The results are the same.
pub(crate) fn on_one_thread<R>(f: impl FnOnce() -> R) -> R {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            ON_ONE_THREAD.set(false);
        }
    }
    ON_ONE_THREAD.set(true);
    let _reset = Reset;
    f()
}

/// Returns whether `work` is at least `least`, from which other threads make it faster.
pub(crate) fn pays(work: usize, least: usize) -> bool {
    work >= least && !ON_ONE_THREAD.get()
}

/// Calls `f` with pieces of `y` and their indices, on several threads if that is faster. The last
/// piece may be shorter.
pub(super) fn for_pieces<T: Send>(
    y: &mut [T],
    size: usize,
    pays: bool,
    f: impl Fn((usize, &mut [T])) + Send + Sync,
) {
    match pays {
        true => y.par_chunks_mut(size.max(1)).enumerate().for_each(f),
        false => y.chunks_mut(size.max(1)).enumerate().for_each(f),
    }
}
