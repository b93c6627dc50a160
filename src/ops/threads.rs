//! Decides which work of the CPU goes to other threads: none while a plan runs on one thread.

use std::cell::Cell;

use rayon::prelude::*;

thread_local! {
    static ON_ONE_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` without handing work to other threads. The results are the same.
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

/// Whether `work` is at least `least`, from which on other threads speed it up.
pub(crate) fn pays(work: usize, least: usize) -> bool {
    work >= least && !ON_ONE_THREAD.get()
}

/// Calls `f` with pieces of `y` of so many elements, the last perhaps of fewer, and their numbers; on other threads as
/// well where that pays.
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
