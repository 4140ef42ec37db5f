//! What a resource holds until it is closed, by whom and by how many threads it may be used, and what a panic does to
//! it.

use crate::guard::Refusal;
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

/// Looks at a lock before a thread is put to sleep over it. It is held for less than a microsecond, or for some ten by
/// who copies a thousand keys, and to be woken takes fifty.
const LOOKS: usize = 2_000;

/// A value that many read or one changes, until it is taken out. The lock is held for one operation on a tree, or for
/// one slice of it, so that who waits waits for microseconds; nothing is ever refused for being locked.
pub(crate) struct Closable<T> {
    value: RwLock<Option<T>>,
    /// A panic may have left the value half changed, and does not say whether it did.
    poisoned: AtomicBool,
}

impl<T> Closable<T> {
    pub fn new(value: T) -> Self {
        Closable { value: RwLock::new(Some(value)), poisoned: AtomicBool::new(false) }
    }

    /// Looks at the value: a panic harms nothing.
    pub fn read<R>(&self, look: impl FnOnce(&T) -> Result<R, Refusal>) -> Result<R, Refusal> {
        self.check()?;
        let value = self.reading();
        look(value.as_ref().ok_or(Refusal::Closed)?)
    }

    /// Changes the value, alone.
    pub fn change<R>(&self, change: impl FnOnce(&mut T) -> Result<R, Refusal>) -> Result<R, Refusal> {
        self.check()?;
        let mut value = self.writing();
        let value = value.as_mut().ok_or(Refusal::Closed)?;
        self.watched(|| change(value))
    }

    /// Takes the value out, poisoned or not; whoever comes later is told that it is closed.
    pub fn close(&self) -> Option<T> {
        self.writing().take()
    }

    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Does what a panic may leave half done.
    pub fn watched<R>(&self, change: impl FnOnce() -> Result<R, Refusal>) -> Result<R, Refusal> {
        catch_unwind(AssertUnwindSafe(change)).unwrap_or_else(|panic| {
            // Relaxed: the lock hands over the value, this only says what to think of it.
            self.poisoned.store(true, Ordering::Relaxed);
            resume_unwind(panic)
        })
    }

    fn reading(&self) -> RwLockReadGuard<'_, Option<T>> {
        looking(|| self.value.try_read()).unwrap_or_else(|| self.value.read())
    }

    fn writing(&self) -> RwLockWriteGuard<'_, Option<T>> {
        looking(|| self.value.try_write()).unwrap_or_else(|| self.value.write())
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.poisoned.load(Ordering::Relaxed) { Err(Refusal::Poisoned) } else { Ok(()) }
    }
}

fn looking<G>(mut look: impl FnMut() -> Option<G>) -> Option<G> {
    for _ in 0..LOOKS {
        if let Some(guard) = look() {
            return Some(guard);
        }
        spin_loop();
    }
    None
}
