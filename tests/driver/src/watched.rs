//! A key that tells when it is used after its end, is counted, and panics when it is told to.

use std::cell::Cell;
use std::cmp::Ordering;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

const ALIVE: u32 = 0xA11F_E123;
const DEAD: u32 = 0xDEAD_DEAD;

thread_local! {
    static LIVING: Cell<isize> = const { Cell::new(0) };
    static CLONES_LEFT: Cell<Option<u8>> = const { Cell::new(None) };
    static COMPARISONS_LEFT: Cell<Option<u8>> = const { Cell::new(None) };
}

/// A number.
pub struct Watched {
    value: u16,
    state: AtomicU32,
}

/// Keys this thread has made and not dropped.
pub fn living() -> isize {
    LIVING.get()
}

/// The clone after so many panics; `None`: none does.
pub fn fuse_clones(left: Option<u8>) {
    CLONES_LEFT.set(left);
}

/// The comparison after so many panics; `None`: none does.
pub fn fuse_comparisons(left: Option<u8>) {
    COMPARISONS_LEFT.set(left);
}

/// Burns one of what is left.
fn burn(left: &Cell<Option<u8>>) {
    match left.get() {
        None => {}
        Some(0) => resume_unwind(Box::new("the fuse blew")), // without a word on stderr
        Some(some) => left.set(Some(some - 1)),
    }
}

impl Watched {
    pub fn new(value: u16) -> Self {
        LIVING.set(LIVING.get() + 1);
        Watched { value, state: AtomicU32::new(ALIVE) }
    }

    /// # Panics
    ///
    /// When the key was dropped.
    pub fn value(&self) -> u16 {
        let state = self.state.load(Relaxed);
        assert_eq!(state, ALIVE, "a key is read that {}", if state == DEAD { "was dropped" } else { "is none" });
        self.value
    }
}

impl Clone for Watched {
    fn clone(&self) -> Self {
        CLONES_LEFT.with(burn);
        Watched::new(self.value())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let before = self.state.swap(DEAD, Relaxed);
        // Not while another panic unwinds, which has more to say.
        assert!(before == ALIVE || std::thread::panicking(), "a key is dropped twice, or was none");
        LIVING.set(LIVING.get() - 1);
    }
}

impl Ord for Watched {
    fn cmp(&self, other: &Self) -> Ordering {
        COMPARISONS_LEFT.with(burn);
        self.value().cmp(&other.value())
    }
}

impl PartialOrd for Watched {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Watched {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

impl Eq for Watched {}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}
