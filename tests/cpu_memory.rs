//! The CPU executor's memory: everything is allocated before the first run.

// A helper of a test may panic like the test itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::alloc::{GlobalAlloc, Layout as Bytes, System};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering::Relaxed};

use wgrad::exec::cpu::CpuExecutor;
use wgrad::exec::{Executor, Program};
use wgrad::graph::{Graph, Mode, Output};
use wgrad::plan::{Layout, plan};
use wgrad::{DType, Device, Tensor, ops};

/// Counts the calls of the system's allocator by counted threads.
struct Counting;

/// Whether all threads are counted.
static ALL: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread is counted. The test harness has threads of its own.
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

fn counts() -> bool {
    ALL.load(Relaxed) || COUNTED.try_with(Cell::get).unwrap_or(false)
}

static CALLS: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: every call is passed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, bytes: Bytes) -> *mut u8 {
        if counts() {
            CALLS.fetch_add(1, Relaxed);
            LIVE.fetch_add(bytes.size() as isize, Relaxed);
        }
        unsafe { System.alloc(bytes) }
    }
    unsafe fn dealloc(&self, at: *mut u8, bytes: Bytes) {
        if counts() {
            LIVE.fetch_sub(bytes.size() as isize, Relaxed);
        }
        unsafe { System.dealloc(at, bytes) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns an executor for `f(x)` and the inputs of a run.
fn executor(shape: [usize; 2], f: impl Fn(&Tensor) -> Tensor) -> (CpuExecutor, Vec<u32>) {
    let graph = Rc::new(RefCell::new(Graph::new(Mode::Eval)));
    let x = ops::input(&graph, "x", shape, DType::F32);
    let y = f(&x);
    let loss = y.square().mean(&[]);
    for (name, tensor) in [("y", &y), ("loss", &loss)] {
        let (name, node) = (name.to_string(), tensor.id().unwrap());
        graph.borrow_mut().outputs.push(Output { name, node });
    }
    let layout = Layout::new(&[]);
    let limits = Device::cpu().kernel_limits();
    let plan = plan(&graph.borrow(), &layout, &limits).unwrap();
    let program = Program {
        layout: Arc::new(layout),
        plans: vec![Arc::new(plan)],
    };
    let words = (0..shape[0] * shape[1])
        .map(|i| (i as f32 * 1e-3).sin().to_bits())
        .collect();
    (CpuExecutor::new(program).unwrap(), words)
}

/// Returns the allocator calls and the bytes kept, over a hundred runs after the second.
fn growth(executor: &mut CpuExecutor, words: &[u32]) -> (usize, isize) {
    (0..2).for_each(|_| executor.run(0, &[words]).unwrap());
    let before = (CALLS.load(Relaxed), LIVE.load(Relaxed));
    (0..100).for_each(|_| executor.run(0, &[words]).unwrap());
    let growth = (
        CALLS.load(Relaxed) - before.0,
        LIVE.load(Relaxed) - before.1,
    );
    assert_eq!(executor.results(true).unwrap().len(), 102);
    growth
}

// One test, because the counts are those of the whole process.
#[test]
fn runs_allocate_nothing_and_keep_nothing() {
    let chain = |x: &Tensor| (x.relu() + 1.0).tanh().softmax(-1).transpose(0, 1).sqrt() * 2.0;
    // On one thread, because the queue of a larger pool sometimes allocates a block.
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    one.unwrap().install(|| {
        COUNTED.set(true);
        let (mut small, words) = executor([60, 50], chain);
        assert_eq!(growth(&mut small, &words), (0, 0));
    });
    // Matrix products allocate their workspace, and the thread pool its queue; both free it.
    ALL.store(true, Relaxed);
    let product = |x: &Tensor| x.matmul_t(x).relu().matmul(x);
    let (mut large, words) = executor([300, 200], product);
    let (_, kept) = growth(&mut large, &words);
    assert!(
        kept.abs() < 1 << 16,
        "{kept} bytes more after a hundred runs"
    );
}
