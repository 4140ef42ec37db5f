//! The newest of a row of values, for readers that neither lock nor wait.
//!
//! Values lie in slots. One word names the slot of the newest and counts the readers that have entered there, so that a
//! reader learns where to go and is counted by one and the same instruction; it clones the value, and counts itself out
//! at the slot. The writer fills an empty slot and swaps the word, which tells how many ever entered the old one: when
//! as many have left, its value is dropped and the slot is empty again. No reader tries twice, and the writer waits for
//! none: a reader that is stopped on its way through costs a slot. Only when every slot is held up by a reader of its
//! own, the next value waits for one of them.
//!
//! **Why `unsafe`.** A slot is read by several threads and then written by one, which the counts permit and the
//! compiler cannot see. The safe way is a lock around one value, and then a reader waits for a writer that was
//! preempted under it.
#![allow(unsafe_code)]

use crate::sync::{Entrance, Exit, UnsafeCell, yield_now};

/// Readers that may be stopped at once, each at another value, before a writer has to wait.
#[cfg(not(oyez_loom))]
const SLOTS: usize = 64;
/// loom shall see slots filled again.
#[cfg(oyez_loom)]
const SLOTS: usize = 2;

/// Apart from the writers' locks, whose line of memory goes from writer to writer. (Lines are fetched in pairs.)
#[repr(align(128))]
pub(super) struct Latest<T> {
    entrance: Entrance,
    slots: Box<[Slot<T>]>,
}

/// Apart from its neighbours, which the writer fills.
#[repr(align(128))]
struct Slot<T> {
    value: UnsafeCell<Option<T>>,
    exit: Exit,
}

/// The writer's part. There is one for each `Latest`.
pub(super) struct Publisher {
    current: usize,
    empty: Vec<usize>,
    /// Slots of older values that had readers when they were looked at last, and how many entered.
    occupied: Vec<(usize, u64)>,
}

// SAFETY: readers clone a shared value on their threads, and the last of a value is dropped by the writer or with the
// whole; the counts keep the two apart.
unsafe impl<T: Send + Sync> Sync for Latest<T> {}

impl<T: Clone> Latest<T> {
    pub fn new(value: T) -> (Self, Publisher) {
        let mut value = Some(value);
        let slot = |_| Slot { value: UnsafeCell::new(value.take()), exit: Exit::new() };
        let latest = Latest { entrance: Entrance::new(), slots: (0..SLOTS).map(slot).collect() };
        (latest, Publisher { current: 0, empty: (1..SLOTS).collect(), occupied: Vec::new() })
    }

    /// The newest value. Wait-free.
    pub fn load(&self) -> T {
        self.read(T::clone)
    }

    /// Shows the newest value. Wait-free; but while `show` runs, its slot is taken.
    pub fn read<R>(&self, show: impl FnOnce(&T) -> R) -> R {
        let slot = &self.slots[self.entrance.enter()];
        let _leaving = Leaving(&slot.exit);
        slot.value.with(|value| {
            // SAFETY: this reader has entered the slot and leaves it behind `show`, so that the writer does not touch
            // it; what the writer put there it did before it named the slot.
            let value = unsafe { &*value };
            show(value.as_ref().expect("a slot that is named has a value"))
        })
    }

    /// Makes `value` the newest. `publisher` must be the one that came with this.
    pub fn publish(&self, publisher: &mut Publisher, value: T) {
        let next = publisher.empty_slot(self);
        self.slots[next].value.with_mut(|slot| {
            // SAFETY: the slot is not named, and everybody who had entered it has left.
            unsafe { *slot = Some(value) };
        });
        let (old, entered) = self.entrance.swap(next);
        debug_assert_eq!(old, publisher.current);
        publisher.occupied.push((old, entered));
        publisher.current = next;
        publisher.clear_out(self);
    }
}

/// Leaves the slot, also when the reader panics.
struct Leaving<'a>(&'a Exit);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl Publisher {
    fn empty_slot<T>(&mut self, latest: &Latest<T>) -> usize {
        loop {
            if let Some(slot) = self.empty.pop() {
                return slot;
            }
            yield_now();
            self.clear_out(latest);
        }
    }

    /// Drops the values that all their readers have left.
    pub fn clear_out<T>(&mut self, latest: &Latest<T>) {
        let empty = &mut self.empty;
        self.occupied.retain(|&(at, entered)| {
            let slot = &latest.slots[at];
            if slot.exit.left() < entered {
                return true;
            }
            slot.exit.reset();
            slot.value.with_mut(|value| {
                // SAFETY: the slot is not named any more, and as many have left as ever entered.
                unsafe { *value = None };
            });
            empty.push(at);
            false
        });
    }
}
