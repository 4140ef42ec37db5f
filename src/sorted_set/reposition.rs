//! A key that gives way to another: what a changed score is to a leaderboard.

use super::SortedSet;
use std::borrow::Borrow;

/// What [`SortedSet::reposition`] did, with the ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "tells whether the new key is there"]
pub enum Repositioned {
    /// The old key is gone and the new one is there.
    Moved {
        /// The old key's rank, before.
        from: usize,
        /// The new key's rank, now.
        to: usize,
    },
    /// The old key was not there; nothing has changed. This is the rank it would have.
    Absent(usize),
    /// The new key was already there, beside the old one; nothing has changed.
    Already {
        /// The old key's rank.
        from: usize,
        /// The new key's rank.
        at: usize,
    },
}

impl Repositioned {
    /// The old key's rank before and the new key's rank now, if the key moved. O(1).
    pub fn ranks(self) -> Option<(usize, usize)> {
        match self {
            Repositioned::Moved { from, to } => Some((from, to)),
            Repositioned::Absent(_) | Repositioned::Already { .. } => None,
        }
    }
}

impl<K: Ord> SortedSet<K> {
    /// Replaces a key by another and tells both ranks: where the old one was, and where the new one is now that the old
    /// one has gone. O(log n), three descents.
    ///
    /// A new key equal to the old one is dropped, as [`insert`](Self::insert) drops it, and both ranks are the same. If
    /// `Ord` panics, the set is as it was.
    ///
    /// ```
    /// use oyez::{Repositioned, SortedSet};
    ///
    /// let mut scores = SortedSet::from([(700, "ada"), (800, "bob"), (900, "eve")]);
    /// assert_eq!(scores.reposition(&(700, "ada"), (850, "ada")), Repositioned::Moved { from: 0, to: 1 });
    /// assert_eq!(scores.reposition(&(700, "ada"), (990, "ada")), Repositioned::Absent(0));
    /// assert_eq!(scores.reposition(&(800, "bob"), (900, "eve")), Repositioned::Already { from: 0, at: 2 });
    /// assert!(scores.iter().eq(&[(800, "bob"), (850, "ada"), (900, "eve")]));
    /// ```
    ///
    /// # Panics
    ///
    /// When the set already holds `u32::MAX - 1` keys.
    pub fn reposition<Q>(&mut self, old: &Q, new: K) -> Repositioned
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let from = match self.rank(old) {
            Ok(from) => from,
            Err(rank) => return Repositioned::Absent(rank),
        };
        // Inserted first: it is the last thing that compares, and what follows goes by rank.
        match self.tree.insert(new) {
            Ok(to) => {
                let (leaving, to) = if to <= from { (from + 1, to) } else { (from, to - 1) };
                drop(self.tree.remove_at(leaving));
                Repositioned::Moved { from, to }
            }
            Err(at) if at == from => Repositioned::Moved { from, to: from },
            Err(at) => Repositioned::Already { from, at },
        }
    }
}
