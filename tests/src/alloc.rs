//! Counts a test process's live heap.

#![expect(
    unsafe_code,
    reason = "an allocator can only be replaced by an unsafe trait; each call goes on to the system's unchanged"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, and a count of the bytes that were asked of it and not given back.
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: tests::alloc::Counting = tests::alloc::Counting;
///
/// let before = tests::alloc::live();
/// let kept = vec![0_u8; 4096];
/// assert!(tests::alloc::live() >= before + kept.len());
/// ```
#[derive(Debug)]
pub struct Counting;

/// The bytes that are allocated now.
///
/// # Panics
///
/// When [`Counting`] is not the program's allocator: then there is nothing to read.
#[track_caller]
pub fn live() -> usize {
    let live = LIVE.load(Ordering::Relaxed);
    assert!(live > 0, "`Counting` is not this program's allocator");
    live
}

/// The most bytes that were allocated at once since [`forget_peak`].
pub fn peak() -> usize {
    PEAK.load(Ordering::Relaxed)
}

/// Begins a new [`peak`] at what is allocated now.
pub fn forget_peak() {
    PEAK.store(live(), Ordering::Relaxed);
}

/// How often memory was asked for, by now.
pub fn allocations() -> usize {
    ALLOCATIONS.load(Ordering::Relaxed)
}

fn add(bytes: usize) {
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    // Read first: a peak is seldom, and a write by each thread for each allocation would slow all of them.
    if live > PEAK.load(Ordering::Relaxed) {
        PEAK.fetch_max(live, Ordering::Relaxed);
    }
}

fn remove(bytes: usize) {
    LIVE.fetch_sub(bytes, Ordering::Relaxed);
}

// SAFETY: every method hands its arguments to the system's allocator as they came and returns its answer; the
// counters allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `alloc`'s contract.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            add(layout.size());
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `alloc_zeroed`'s contract.
        let block = unsafe { System.alloc_zeroed(layout) };
        if !block.is_null() {
            add(layout.size());
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s contract, and `block` is the system's.
        unsafe { System.dealloc(block, layout) };
        remove(layout.size());
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller keeps `realloc`'s contract, and `block` is the system's.
        let moved = unsafe { System.realloc(block, layout, size) };
        if !moved.is_null() {
            remove(layout.size());
            add(size);
        }
        moved
    }
}
