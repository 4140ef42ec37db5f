//! Neighbouring keys at once: counted, removed, split off, taken over from another set.
//!
//! There are two ways to do each. Key by key costs O(log n) for each that is concerned. Taking all keys out of the tree
//! and building it anew moves every key of the set, but a move costs a few nanoseconds and a removal tens of them. So
//! the second way is taken as soon as more than one key in [`SINGLY`] goes, and no operation here costs more than O(n).

use super::SortedSet;
use std::borrow::Borrow;
use std::mem;
use std::ops::{Range, RangeBounds};

/// Taking a set apart and building it again costs about as much as removing one of so many keys singly: 2 to 3 ns a key
/// against 36 to 76.
const SINGLY: usize = 16;

impl<K: Ord> SortedSet<K> {
    /// How many keys lie within a range of keys. O(log n), whatever the count. A range that ends before it starts holds
    /// none.
    ///
    /// ```
    /// let set = oyez::SortedSet::from([10, 20, 30, 40]);
    /// assert_eq!(set.count(15..40), 2);
    /// assert_eq!(set.count(15..), 3);
    /// assert_eq!(set.count(30..10), 0);
    /// ```
    pub fn count<Q, R>(&self, keys: R) -> usize
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        R: RangeBounds<Q>,
    {
        self.ranks(keys).len()
    }

    /// Removes and returns the key at this rank; `None`, and nothing changes, from the length on. (`Vec::remove`
    /// panics.) O(log n).
    ///
    /// ```
    /// let mut set = oyez::SortedSet::from([10, 20, 30]);
    /// assert_eq!(set.remove_at(1), Some(20));
    /// assert_eq!(set.remove_at(2), None);
    /// ```
    pub fn remove_at(&mut self, rank: usize) -> Option<K> {
        self.tree.remove_at(rank)
    }

    /// Removes the keys within a range of keys; returns the ranks they had, whose length counts them. O(log n) for each
    /// of them, and at most O(n). A range that ends before it starts holds none.
    ///
    /// ```
    /// let mut due = oyez::SortedSet::from([(10, "ada"), (20, "bob"), (30, "eve")]);
    /// assert_eq!(due.remove_range(..(25, "")), 0..2);
    /// assert!(due.iter().eq(&[(30, "eve")]));
    /// ```
    pub fn remove_range<Q, R>(&mut self, keys: R) -> Range<usize>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        R: RangeBounds<Q>,
    {
        let ranks = self.ranks(keys);
        drop(self.cut(ranks.clone()));
        ranks
    }

    /// Removes the keys of these ranks; returns those that there were, whose length counts them. What lies beyond the
    /// end is left out, as in [`slice`](Self::slice). O(log n) for each key, and at most O(n).
    ///
    /// ```
    /// let mut top = oyez::SortedSet::from([10, 20, 30, 40]);
    /// assert_eq!(top.remove_ranks(2..9), 2..4);
    /// assert!(top.iter().eq(&[10, 20]));
    /// ```
    pub fn remove_ranks(&mut self, ranks: Range<usize>) -> Range<usize> {
        let end = ranks.end.min(self.len());
        let ranks = ranks.start.min(end)..end;
        drop(self.cut(ranks.clone()));
        ranks
    }

    /// Keeps the keys for which `keep` says so, and removes the others; returns how many went. O(n).
    ///
    /// `keep` sees all keys in order before one goes: if it panics, the set is as it was. (`BTreeSet::retain` has then
    /// lost some.)
    ///
    /// ```
    /// let mut set: oyez::SortedSet<u32> = (0..10).collect();
    /// assert_eq!(set.retain(|key| key % 3 == 0), 6);
    /// assert!(set.iter().eq(&[0, 3, 6, 9]));
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(&K) -> bool) -> usize {
        let leaving = self.iter().enumerate().filter(|(_, key)| !keep(key)).map(|(rank, _)| rank).collect();
        self.remove_each(leaving)
    }

    /// Splits the set in two: keys smaller than `key` stay, the others are returned. O(log n) for each key of the
    /// smaller part, and at most O(n).
    ///
    /// ```
    /// let mut low = oyez::SortedSet::from([10, 20, 30]);
    /// let high = low.split_off(&20);
    /// assert!(low.iter().eq(&[10]));
    /// assert!(high.iter().eq(&[20, 30]));
    /// ```
    pub fn split_off<Q>(&mut self, key: &Q) -> Self
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.split_off_rank(self.rank(key).unwrap_or_else(|rank| rank))
    }

    /// Splits the set in two: this many keys stay, the others are returned; none, when there are no more. (Where
    /// `Vec::split_off` panics.) O(log n) for each key of the smaller part, and at most O(n).
    ///
    /// ```
    /// let mut rest = oyez::SortedSet::from([10, 20, 30, 40]);
    /// let best = rest.split_off_rank(3);
    /// assert!(best.iter().eq(&[40]));
    /// assert!(rest.split_off_rank(9).is_empty());
    /// ```
    pub fn split_off_rank(&mut self, rank: usize) -> Self {
        let len = self.len();
        let rank = rank.min(len);
        if rank < len - rank {
            let low = self.cut(0..rank);
            let low = self.tree.rebuilt(low);
            return SortedSet { tree: mem::replace(&mut self.tree, low) };
        }
        let high = self.cut(rank..len);
        SortedSet { tree: self.tree.rebuilt(high) }
    }

    /// Moves all keys of `other` into this set and leaves `other` empty. Of equal keys this set's stays, as with
    /// [`insert`](Self::insert). (`BTreeSet::append` keeps the other's.)
    ///
    /// With n keys in the larger set and m in the smaller: O(m log n) where the two sets' ranges do not overlap or the
    /// smaller one is `other`, and at most O(n + m).
    ///
    /// ```
    /// let mut set = oyez::SortedSet::from([10, 30]);
    /// let mut other = oyez::SortedSet::from([20, 30, 40]);
    /// set.append(&mut other);
    /// assert!(set.iter().eq(&[10, 20, 30, 40]));
    /// assert!(other.is_empty());
    /// ```
    ///
    /// # Panics
    ///
    /// When both sets together would hold `u32::MAX` keys or more; nothing has changed. If `Ord` panics, keys of
    /// `other` may be lost.
    pub fn append(&mut self, other: &mut Self) {
        self.assert_room_for(other.len());
        if self.len() < other.len() && !self.overlaps(other) {
            mem::swap(self, other); // no key is in both, so it does not matter whose keys stay
        }
        let keys = other.take_keys();
        self.insert_ascending(keys);
    }

    /// Whether the ranges of keys overlap, from the least to the greatest.
    fn overlaps(&self, other: &Self) -> bool {
        match (self.first().zip(self.last()), other.first().zip(other.last())) {
            (Some((first, last)), Some((other_first, other_last))) => {
                first.cmp(other_last).is_le() && other_first.cmp(last).is_le()
            }
            _ => false,
        }
    }

    /// Takes out the keys of these ranks, which must lie within the set.
    fn cut(&mut self, ranks: Range<usize>) -> Vec<K> {
        if ranks.len() <= self.len() / SINGLY {
            // Always at the same rank, as the ones behind move up.
            return ranks.clone().map_while(|_| self.tree.remove_at(ranks.start)).collect();
        }
        let mut keys = self.take_keys();
        let cut = keys.drain(ranks).collect();
        let built = self.tree.rebuilt(keys);
        self.tree.replace(built);
        cut
    }

    /// Removes the keys of these ranks, which must ascend and lie within the set; returns how many. Compares nothing.
    pub(super) fn remove_each(&mut self, ranks: Vec<usize>) -> usize {
        let count = ranks.len();
        if count <= self.len() / SINGLY {
            // From the back, so that those still to go stay where they are.
            ranks.into_iter().rev().for_each(|rank| drop(self.tree.remove_at(rank)));
            return count;
        }
        let mut keys = self.take_keys();
        let mut leaving = ranks.into_iter().peekable();
        let mut rank = 0;
        keys.retain(|_| {
            let stays = leaving.next_if_eq(&rank).is_none();
            rank += 1;
            stays
        });
        let built = self.tree.rebuilt(keys);
        self.tree.replace(built);
        count
    }

    /// Takes all keys out, in order. O(n).
    pub(super) fn take_keys(&mut self) -> Vec<K> {
        self.tree.take_keys()
    }
}

/// The keys in order. O(n), and faster than through [`IntoIter`](super::IntoIter): every key is moved once.
impl<K> From<SortedSet<K>> for Vec<K> {
    fn from(mut set: SortedSet<K>) -> Vec<K> {
        set.tree.take_keys()
    }
}
