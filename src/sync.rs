//! The only file that names locks and atomics, so that loom can put its own in their place (`--cfg oyez_loom`).

#[cfg(oyez_loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(oyez_loom))]
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(not(oyez_loom))]
pub(crate) use parking_lot::Mutex;

#[cfg(oyez_loom)]
pub(crate) use under_loom::Mutex;

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
