//! A place between two keys that moves both ways.

use super::{Iter, SortedSet};
use std::borrow::Borrow;
use std::fmt;
use std::iter::{Peekable, Rev};

/// A place between two neighbouring keys, or at an end of the set. Made by [`SortedSet::cursor`].
///
/// A step costs O(1) amortised while the cursor goes one way, O(log n) when it turns or after a seek. It borrows the
/// set and cannot change it.
///
/// ```
/// let set = oyez::SortedSet::from([10, 20, 30, 40]);
/// let mut cursor = set.cursor();
/// assert_eq!(cursor.seek(&25), Err(2)); // between 20 and 30
/// assert_eq!((cursor.peek_prev(), cursor.peek_next()), (Some(&20), Some(&30)));
/// assert_eq!(cursor.next(), Some(&30));
/// assert_eq!(cursor.rank(), 3);
/// assert_eq!(cursor.prev(), Some(&30));
/// ```
pub struct Cursor<'a, K> {
    set: &'a SortedSet<K>,
    /// The keys before the place.
    rank: usize,
    /// From the place on, once it was asked for and while the cursor goes that way.
    ahead: Option<Peekable<Iter<'a, K>>>,
    /// From the place back.
    behind: Option<Peekable<Rev<Iter<'a, K>>>>,
}

impl<K> SortedSet<K> {
    /// A cursor before the first key. O(1).
    ///
    /// ```
    /// let set = oyez::SortedSet::from([10, 20]);
    /// let mut cursor = set.cursor();
    /// assert_eq!((cursor.prev(), cursor.next()), (None, Some(&10)));
    /// ```
    pub fn cursor(&self) -> Cursor<'_, K> {
        Cursor { set: self, rank: 0, ahead: None, behind: None }
    }
}

impl<'a, K> Cursor<'a, K> {
    /// How many keys lie before the cursor: the rank of the next one. O(1).
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Goes before the key of this rank, or behind the last one when there is none. O(1); the next step or look pays
    /// O(log n).
    ///
    /// ```
    /// let set = oyez::SortedSet::from([10, 20, 30]);
    /// let mut cursor = set.cursor();
    /// cursor.seek_rank(1);
    /// assert_eq!(cursor.peek_next(), Some(&20));
    /// cursor.seek_rank(9);
    /// assert_eq!((cursor.rank(), cursor.peek_next()), (3, None));
    /// ```
    pub fn seek_rank(&mut self, rank: usize) {
        self.rank = rank.min(self.set.len());
        self.ahead = None;
        self.behind = None;
    }

    /// The key behind the cursor, which steps over it; at the end `None`, and it stays. O(1) amortised.
    #[expect(clippy::should_implement_trait, reason = "std's cursors have this name, and go both ways")]
    pub fn next(&mut self) -> Option<&'a K> {
        let key = self.ahead().next()?;
        self.rank += 1;
        self.behind = None;
        Some(key)
    }

    /// The key before the cursor, which steps back over it; at the start `None`, and it stays. O(1) amortised.
    pub fn prev(&mut self) -> Option<&'a K> {
        let key = self.behind().next()?;
        self.rank -= 1;
        self.ahead = None;
        Some(key)
    }

    /// The key that [`next`](Self::next) would give. O(1) amortised.
    pub fn peek_next(&mut self) -> Option<&'a K> {
        self.ahead().peek().copied()
    }

    /// The key that [`prev`](Self::prev) would give. O(1) amortised.
    pub fn peek_prev(&mut self) -> Option<&'a K> {
        self.behind().peek().copied()
    }

    fn ahead(&mut self) -> &mut Peekable<Iter<'a, K>> {
        let (set, rank) = (self.set, self.rank);
        self.ahead.get_or_insert_with(|| set.slice(rank..set.len()).peekable())
    }

    fn behind(&mut self) -> &mut Peekable<Rev<Iter<'a, K>>> {
        let (set, rank) = (self.set, self.rank);
        self.behind.get_or_insert_with(|| set.slice(0..rank).rev().peekable())
    }
}

impl<K: Ord> Cursor<'_, K> {
    /// Goes before this key, or to where it would be; tells the rank as [`SortedSet::rank`] does. O(log n).
    ///
    /// ```
    /// let set = oyez::SortedSet::from([10, 20, 30]);
    /// let mut cursor = set.cursor();
    /// assert_eq!(cursor.seek(&20), Ok(1));
    /// assert_eq!((cursor.peek_prev(), cursor.next()), (Some(&10), Some(&20)));
    /// ```
    pub fn seek<Q>(&mut self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let found = self.set.rank(key);
        self.seek_rank(found.unwrap_or_else(|rank| rank));
        found
    }
}

impl<K> Clone for Cursor<'_, K> {
    fn clone(&self) -> Self {
        // What lies ahead and behind is found again when it is needed.
        Cursor { ahead: None, behind: None, ..*self }
    }
}

impl<K: fmt::Debug> fmt::Debug for Cursor<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (prev, next) =
            (self.rank.checked_sub(1).and_then(|rank| self.set.select(rank)), self.set.select(self.rank));
        f.debug_struct("Cursor").field("rank", &self.rank).field("prev", &prev).field("next", &next).finish()
    }
}
