//! The only file that names locks and atomics, so that loom can put its own in their place (`--cfg oyez_loom`).

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
