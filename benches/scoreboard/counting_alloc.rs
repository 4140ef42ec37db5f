//! The system's allocator, which counts the bytes that a value keeps.
//!
//! It counts what was asked for, not what the allocator rounded it up to: a property of the
//! structure, the same on every machine. Outside [`bytes_kept`] it costs one load of a flag, so
//! that it does not blur what allocating costs the contenders.
#![allow(unsafe_code)] // A global allocator is an unsafe trait; there is no safe way to count.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

pub struct CountingAlloc;

/// Relaxed throughout: the scoreboard has one thread, and a statistic orders nothing.
static COUNTING: AtomicBool = AtomicBool::new(false);
/// Wraps below zero when more is freed than was made since counting began.
static LIVE: AtomicUsize = AtomicUsize::new(0);

fn grew(bytes: usize) {
    if COUNTING.load(Ordering::Relaxed) {
        LIVE.fetch_add(bytes, Ordering::Relaxed);
    }
}

fn shrank(bytes: usize) {
    if COUNTING.load(Ordering::Relaxed) {
        LIVE.fetch_sub(bytes, Ordering::Relaxed);
    }
}

// SAFETY: every method hands its arguments to `System` unchanged and returns what `System` returns;
// the counters beside it allocate nothing and cannot panic.
unsafe impl GlobalAlloc for CountingAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grew(layout.size());
        // SAFETY: the caller's promise about `layout` is the one `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grew(layout.size());
        // SAFETY: the caller's promise about `layout` is the one `System` asks for.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        shrank(layout.size());
        // SAFETY: the caller got `block` from us for `layout`, and we got it from `System`.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        grew(new_size);
        shrank(layout.size());
        // SAFETY: the caller got `block` from us for `layout`, and we got it from `System`; its
        // promise about `new_size` is the one `System` asks for.
        unsafe { System.realloc(block, layout, new_size) }
    }
}

/// What `make` makes, and how many bytes more are allocated afterwards than before; fewer wrap below zero. Counts
/// within what is counted, too.
pub fn bytes_kept<T>(make: impl FnOnce() -> T) -> (T, usize) {
    let was_counting = COUNTING.swap(true, Ordering::Relaxed);
    let before = LIVE.load(Ordering::Relaxed);
    let made = make();
    COUNTING.store(was_counting, Ordering::Relaxed);
    (made, LIVE.load(Ordering::Relaxed).wrapping_sub(before))
}
