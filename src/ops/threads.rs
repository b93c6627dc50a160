//! Which of the CPU's work goes to other threads; none does while a plan runs on one thread alone.

use std::cell::Cell;

use rayon::prelude::*;

thread_local! {
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` without handing any work to another thread. What it computes is the same.
pub(crate) fn alone<R>(f: impl FnOnce() -> R) -> R {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            ALONE.set(false);
        }
    }
    ALONE.set(true);
    let _reset = Reset;
    f()
}

/// Whether `work` is so much that other threads should help, from `least` on.
pub(crate) fn pays(work: usize, least: usize) -> bool {
    work >= least && !ALONE.get()
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
