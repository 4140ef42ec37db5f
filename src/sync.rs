//! The only file that names locks and atomics, so that loom can put its own in their place (`--cfg oyez_loom`).

#[cfg(oyez_loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(oyez_loom))]
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(oyez_loom)]
pub(crate) use loom::sync::Arc;
#[cfg(not(oyez_loom))]
pub(crate) use std::sync::Arc;

#[cfg(not(oyez_loom))]
pub(crate) use parking_lot::Mutex;

#[cfg(oyez_loom)]
pub(crate) use under_loom::Mutex;

#[cfg(oyez_loom)]
pub(crate) use loom::{cell::UnsafeCell, thread::yield_now};
#[cfg(not(oyez_loom))]
pub(crate) use std::thread::yield_now;

/// std's also under loom, which has none. What it hands over is made once and not changed through it.
pub(crate) use std::sync::OnceLock;

#[cfg(oyez_loom)]
mod under_loom {
    /// loom's mutex with `parking_lot`'s interface: no poisoning. Nothing of a host runs under our locks.
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().expect("no panic happens under this lock")
        }

        pub(crate) fn get_mut(&mut self) -> &mut T {
            self.0.get_mut().expect("no panic happens under this lock")
        }

        pub(crate) fn into_inner(self) -> T {
            self.0.into_inner().expect("no panic happens under this lock")
        }

        #[cfg(feature = "ffi")]
        pub(crate) fn try_lock(&self) -> Option<loom::sync::MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }
    }
}

/// A count that one side raises and the other looks at, to see whether it must look closer.
pub(crate) struct Changes(AtomicU64);

impl Changes {
    pub(crate) fn new() -> Self {
        Changes(AtomicU64::new(0))
    }

    /// Release: who sees the new count, and then takes the lock under which the change was made, sees the change.
    pub(crate) fn announce(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    /// Acquire, the other half of it. (loom: `a_session_that_ends_beside_a_drain_is_accounted_for`.)
    #[inline]
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// Names a slot, and counts who was told: one word, so that nobody can be told and not be counted.
pub(crate) struct Entrance(AtomicU64);

impl Entrance {
    /// Bits of the count: at a hundred million a second they last 22 years.
    const COUNT_BITS: u32 = 56;

    /// Names slot 0.
    pub(crate) fn new() -> Self {
        Entrance(AtomicU64::new(0))
    }

    /// Acquire: who enters sees what was in the slot when it was named. (loom: `a_reader_sees_one_whole_version`.)
    pub(crate) fn enter(&self) -> usize {
        (self.0.fetch_add(1, Ordering::Acquire) >> Self::COUNT_BITS) as usize
    }

    /// Names another slot; tells the old one, and how many entered there. Release, the other half of `enter`'s; those who
    /// entered before are waited for at their `Exit`.
    pub(crate) fn swap(&self, slot: usize) -> (usize, u64) {
        let old = self.0.swap((slot as u64) << Self::COUNT_BITS, Ordering::Release);
        ((old >> Self::COUNT_BITS) as usize, old & ((1 << Self::COUNT_BITS) - 1))
    }
}

/// Counts who has left a slot.
pub(crate) struct Exit(AtomicU64);

impl Exit {
    pub(crate) fn new() -> Self {
        Exit(AtomicU64::new(0))
    }

    /// Release: what was read in the slot was read before.
    pub(crate) fn leave(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    /// Acquire: whoever is counted has read. (loom: `a_slot_is_not_filled_under_its_reader`.)
    pub(crate) fn left(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Relaxed: when all have left, and before the slot is named again, by a release.
    pub(crate) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// std's cell with loom's interface, which sees to it that no reader is in it beside a writer.
#[cfg(not(oyez_loom))]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(oyez_loom))]
impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        UnsafeCell(std::cell::UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    #[inline]
    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}

/// Raised when a bug of ours may have left something half changed.
///
/// Of std also under loom: nothing is handed over by it, so that there is no order for a model to look at, and the C door
/// has to compile beside loom, no more.
#[cfg(feature = "ffi")]
pub(crate) struct Poison(std::sync::atomic::AtomicBool);

#[cfg(feature = "ffi")]
impl Poison {
    pub(crate) fn new() -> Self {
        Poison(false.into())
    }

    /// Relaxed: it hands nothing over. What else was changed is behind the lock or the exclusive handle that the one who
    /// looks must have anyway.
    pub(crate) fn raise(&self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Relaxed, as above.
    #[inline]
    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}
