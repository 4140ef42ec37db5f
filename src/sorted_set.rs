//! A sorted set that knows ranks: [`SortedSet`].
//!
//! The structure is a counted B-tree; `node.rs` says why its branches look as they do, `tree.rs` has the operations,
//! `iter.rs` the iterators. The facade in this file adds std's names and traits and no logic. What is built on that,
//! without a look at a node: `ranges.rs` (many neighbouring keys at once), `batch.rs` (many keys in order),
//! `reposition.rs`, `cursor.rs`, `algebra.rs` (two sets), `serial.rs` (serde).

mod algebra;
mod batch;
mod cursor;
mod diff;
mod iter;
mod memory;
mod node;
mod prefetch;
mod ranges;
mod reposition;
#[cfg(feature = "serde")]
mod serial;
mod snapshot;
mod tree;
mod versions;

pub use algebra::{Difference, Intersection, SymmetricDifference, Union};
pub use batch::{Applied, Change, NotAscending};
pub use cursor::Cursor;
pub use diff::{Diff, DiffItem};
pub use iter::{IntoIter, Iter};
pub use reposition::Repositioned;
pub use snapshot::{Snapshot, SnapshotStats, TooManySnapshots};

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Bound, Range, RangeBounds};
use tree::Tree;

/// A set of keys in `Ord` order in which every key has a rank, its 0-based position.
///
/// Insert and remove return the rank at which they happened, from the same descent. Rank, select (the key at a rank)
/// and every mutation cost O(log n); a slice costs O(log n) and then O(1) a key.
///
/// # Trade-offs
///
/// - Each key is stored once, in nodes of up to 64 keys: about 1.45 times the size of the keys after random inserts.
/// - Against `std::collections::BTreeSet`: ranks, selects and counts of ranges in O(log n), which it lacks.
/// - `clone`, comparing two sets, `hash` and dropping go through all keys: O(n).
/// - At most `u32::MAX - 1` keys; more panic on insert.
/// - As in std's sets, a key's order must not change while it is in the set; if it does, answers are unspecified but
///   nothing is undefined. If `Ord` panics, the set is as it was before the call; amid a batch or an append it is valid,
///   and some of it may be done.
///
/// # Examples
///
/// ```
/// use oyez::{Inserted, Removed, SortedSet};
///
/// let mut scores = SortedSet::new();
/// assert_eq!(scores.insert((700, "ada")), Inserted::At(0));
/// assert_eq!(scores.insert((900, "eve")), Inserted::At(1));
/// assert_eq!(scores.insert((800, "bob")), Inserted::At(1));
/// assert_eq!(scores.rank(&(900, "eve")), Ok(2));
/// assert_eq!(scores.select(0), Some(&(700, "ada")));
/// assert_eq!(scores.remove(&(700, "ada")), Removed::At(0));
/// assert!(scores.iter().eq(&[(800, "bob"), (900, "eve")]));
/// ```
#[derive(Clone)]
pub struct SortedSet<K> {
    tree: Tree<K>,
}

/// What [`SortedSet::insert`] did, with the key's rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// The key is new; this is its rank.
    At(usize),
    /// An equal key was there, at this rank. The set keeps it; the new one is dropped.
    Already(usize),
}

/// What [`SortedSet::remove`] did, with the rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// The key was there, at this rank.
    At(usize),
    /// The key was not there; this is the rank it would have.
    Absent(usize),
}

/// The input of [`SortedSet::from_sorted`], [`insert_many`](SortedSet::insert_many) or [`apply`](SortedSet::apply) was
/// not strictly ascending. Gives it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSorted<K> {
    /// All keys (or [`Change`]s), as they were given.
    pub keys: Vec<K>,
    /// The index of the first key that is not greater than the one before it.
    pub at: usize,
    /// What is wrong there.
    pub disorder: Disorder,
}

/// How two neighbouring keys fail to ascend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disorder {
    /// They are equal.
    Duplicate,
    /// The second is smaller.
    Descending,
}

impl Inserted {
    /// The rank of the key, new or not. O(1).
    pub fn rank(self) -> usize {
        match self {
            Inserted::At(rank) | Inserted::Already(rank) => rank,
        }
    }

    /// Whether the key is new. O(1).
    pub fn is_new(self) -> bool {
        matches!(self, Inserted::At(_))
    }
}

impl Removed {
    /// The rank the key had or would have. O(1).
    pub fn rank(self) -> usize {
        match self {
            Removed::At(rank) | Removed::Absent(rank) => rank,
        }
    }

    /// Whether the key was there. O(1).
    pub fn was_present(self) -> bool {
        matches!(self, Removed::At(_))
    }
}

impl<K> SortedSet<K> {
    /// An empty set. Allocates nothing. O(1).
    pub const fn new() -> Self {
        SortedSet { tree: Tree::new() }
    }

    /// An empty set with small nodes, so that tests reach splits and merges with few keys.
    ///
    /// # Panics
    ///
    /// Unless `leaf` is within 4 and 64 and `branch` within 4 and 32.
    #[doc(hidden)]
    pub fn with_node_sizes(leaf: usize, branch: usize) -> Self {
        SortedSet { tree: Tree::with_node_sizes(leaf, branch) }
    }

    /// The number of keys. O(1).
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether there is no key. O(1).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key at this rank, `None` from the length on. O(log n).
    ///
    /// ```
    /// let set = oyez::SortedSet::from([10, 20, 30]);
    /// assert_eq!(set.select(1), Some(&20));
    /// assert_eq!(set.select(3), None);
    /// ```
    pub fn select(&self, rank: usize) -> Option<&K> {
        self.tree.select(rank)
    }

    /// The smallest key. O(log n).
    pub fn first(&self) -> Option<&K> {
        self.select(0)
    }

    /// The greatest key. O(log n).
    pub fn last(&self) -> Option<&K> {
        self.select(self.len().checked_sub(1)?)
    }

    /// Removes and returns the smallest key. O(log n).
    pub fn pop_first(&mut self) -> Option<K> {
        self.tree.remove_at(0)
    }

    /// Removes and returns the greatest key. O(log n).
    pub fn pop_last(&mut self) -> Option<K> {
        self.tree.remove_at(self.len().checked_sub(1)?)
    }

    /// The keys of these ranks, in order. What lies beyond the end is left out, so a slice may be short or empty; a
    /// range that ends before it starts is empty. O(log n), then O(1) amortised a key.
    ///
    /// ```
    /// let set = oyez::SortedSet::from([10, 20, 30]);
    /// assert!(set.slice(1..9).eq(&[20, 30]));
    /// assert_eq!(set.slice(7..9).len(), 0);
    /// ```
    pub fn slice(&self, ranks: Range<usize>) -> Iter<'_, K> {
        let end = ranks.end.min(self.len());
        Iter::new(&self.tree, ranks.start.min(end)..end)
    }

    /// All keys in order. O(log n) for each end it is read from, then O(1) amortised a key.
    pub fn iter(&self) -> Iter<'_, K> {
        self.slice(0..self.len())
    }

    /// Removes all keys. O(n).
    pub fn clear(&mut self) {
        self.tree.clear();
    }
}

impl<K: Ord> SortedSet<K> {
    /// Builds a set from keys that ascend strictly. O(n), and faster than inserting: each key is compared with its
    /// neighbours alone, and the keys lie in as few leaves as hold them, each as full as the next. Up to 64 keys stay
    /// where they are, in the given vector, unless that has room for more than twice as many.
    ///
    /// # Errors
    ///
    /// [`NotSorted`] names the first key that is not greater than the one before it, and gives all keys back.
    ///
    /// ```
    /// use oyez::{Disorder, SortedSet};
    ///
    /// let set = SortedSet::from_sorted(vec![1, 5, 9]).unwrap();
    /// assert_eq!(set.rank(&5), Ok(1));
    ///
    /// let refused = SortedSet::from_sorted(vec![1, 5, 5]).unwrap_err();
    /// assert_eq!((refused.at, refused.disorder), (2, Disorder::Duplicate));
    /// assert_eq!(refused.keys, [1, 5, 5]);
    /// ```
    ///
    /// # Panics
    ///
    /// With `u32::MAX` keys or more.
    pub fn from_sorted(keys: Vec<K>) -> Result<Self, NotSorted<K>> {
        let mut set = Self::new();
        set.rebuild(keys)?;
        Ok(set)
    }

    /// Replaces all keys, as [`from_sorted`](Self::from_sorted) builds them, and keeps the node sizes. A refused input
    /// changes nothing.
    #[doc(hidden)]
    pub fn rebuild(&mut self, keys: Vec<K>) -> Result<(), NotSorted<K>> {
        if let Err(NotAscending { at, disorder }) = batch::check_ascending(&keys, |key| key) {
            return Err(NotSorted { keys, at, disorder });
        }
        let built = self.tree.rebuilt(keys);
        self.tree.replace(built);
        Ok(())
    }

    /// Inserts a key and tells its rank. An equal key that is already there stays. O(log n), one descent.
    ///
    /// ```
    /// use oyez::{Inserted, SortedSet};
    ///
    /// let mut set = SortedSet::from([10, 30]);
    /// assert_eq!(set.insert(20), Inserted::At(1));
    /// assert_eq!(set.insert(30), Inserted::Already(2));
    /// ```
    ///
    /// # Panics
    ///
    /// When the set already holds `u32::MAX - 1` keys.
    pub fn insert(&mut self, key: K) -> Inserted {
        match self.tree.insert(key) {
            Ok(rank) => Inserted::At(rank),
            Err(rank) => Inserted::Already(rank),
        }
    }

    /// Removes a key and tells the rank it had, or would have. O(log n), one descent.
    ///
    /// ```
    /// use oyez::{Removed, SortedSet};
    ///
    /// let mut set = SortedSet::from([10, 20, 30]);
    /// assert_eq!(set.remove(&20), Removed::At(1));
    /// assert_eq!(set.remove(&25), Removed::Absent(1));
    /// ```
    pub fn remove<Q>(&mut self, key: &Q) -> Removed
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        match self.tree.remove(key) {
            Ok((rank, _)) => Removed::At(rank),
            Err(rank) => Removed::Absent(rank),
        }
    }

    /// Removes a key and returns it with the rank it had. O(log n), one descent.
    pub fn take<Q>(&mut self, key: &Q) -> Option<(usize, K)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.tree.remove(key).ok()
    }

    /// The rank of a key (`Ok`), or the rank it would have (`Err`), as `binary_search` tells it for slices. O(log n).
    ///
    /// ```
    /// let set = oyez::SortedSet::from([10, 20, 30]);
    /// assert_eq!(set.rank(&20), Ok(1));
    /// assert_eq!(set.rank(&25), Err(2));
    /// ```
    pub fn rank<Q>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.tree.find(key).map(|(rank, _)| rank)
    }

    /// The key in the set that equals `key`. O(log n).
    pub fn get<Q>(&self, key: &Q) -> Option<&K>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.tree.find(key).ok().map(|(_, key)| key)
    }

    /// Whether the key is there. O(log n).
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.tree.find(key).is_ok()
    }

    /// The ranks of the keys within a range of keys; its length counts them. O(log n). A range that ends before it
    /// starts gives an empty range of ranks (`BTreeSet::range` panics).
    ///
    /// ```
    /// let set = oyez::SortedSet::from([10, 20, 30, 40]);
    /// assert_eq!(set.ranks(15..40), 1..3);
    /// assert_eq!(set.ranks(15..).len(), 3);
    /// ```
    pub fn ranks<Q, R>(&self, keys: R) -> Range<usize>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        R: RangeBounds<Q>,
    {
        let lower = |key| self.rank(key).unwrap_or_else(|rank| rank);
        let upper = |key| self.rank(key).map_or_else(|rank| rank, |rank| rank + 1);
        let start = match keys.start_bound() {
            Bound::Included(key) => lower(key),
            Bound::Excluded(key) => upper(key),
            Bound::Unbounded => 0,
        };
        let end = match keys.end_bound() {
            Bound::Included(key) => upper(key),
            Bound::Excluded(key) => lower(key),
            Bound::Unbounded => self.len(),
        };
        start.min(end)..end
    }

    /// The keys within a range of keys, in order. O(log n), then O(1) amortised a key. A range that ends before it
    /// starts is empty (`BTreeSet::range` panics).
    ///
    /// ```
    /// let set = oyez::SortedSet::from([10, 20, 30, 40]);
    /// assert!(set.range(15..=40).rev().eq(&[40, 30, 20]));
    /// ```
    pub fn range<Q, R>(&self, keys: R) -> Iter<'_, K>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
        R: RangeBounds<Q>,
    {
        Iter::new(&self.tree, self.ranks(keys))
    }

    /// Checks order, counts, fill and depth of every node; returns the number of keys. O(n). For tests: a set that
    /// fails has met a bug in this crate, or keys whose order changed.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    #[doc(hidden)]
    pub fn validate(&self) -> Result<usize, String> {
        self.tree.validate()
    }
}

impl<K> Default for SortedSet<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug> fmt::Debug for SortedSet<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

impl<K: PartialEq> PartialEq for SortedSet<K> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other)
    }
}

impl<K: Eq> Eq for SortedSet<K> {}

impl<K: PartialOrd> PartialOrd for SortedSet<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.iter().partial_cmp(other)
    }
}

impl<K: Ord> Ord for SortedSet<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other)
    }
}

impl<K: Hash> Hash for SortedSet<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        self.iter().for_each(|key| key.hash(state));
    }
}

/// Inserts one key after the other, O(log n) each; of equal keys the first stays.
impl<K: Ord> Extend<K> for SortedSet<K> {
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        for key in keys {
            self.insert(key);
        }
    }
}

/// Sorts and builds in O(n log n); of equal keys the first stays.
impl<K: Ord> FromIterator<K> for SortedSet<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        let mut keys: Vec<K> = keys.into_iter().collect();
        keys.sort_by(K::cmp);
        keys.dedup_by(|next, kept| next.cmp(&kept).is_eq());
        SortedSet { tree: Tree::new().rebuilt(keys) }
    }
}

/// Sorts and builds in O(n log n); of equal keys the first stays.
impl<K: Ord, const N: usize> From<[K; N]> for SortedSet<K> {
    fn from(keys: [K; N]) -> Self {
        keys.into_iter().collect()
    }
}

/// O(n).
impl<K: Ord> From<BTreeSet<K>> for SortedSet<K> {
    fn from(keys: BTreeSet<K>) -> Self {
        keys.into_iter().collect()
    }
}

impl<K> IntoIterator for SortedSet<K> {
    type Item = K;
    type IntoIter = IntoIter<K>;

    fn into_iter(self) -> IntoIter<K> {
        IntoIter::new(self.tree)
    }
}

impl<'a, K> IntoIterator for &'a SortedSet<K> {
    type Item = &'a K;
    type IntoIter = Iter<'a, K>;

    fn into_iter(self) -> Iter<'a, K> {
        self.iter()
    }
}

impl<K> fmt::Display for NotSorted<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {} of {} is {} the one before it", self.at, self.keys.len(), self.disorder)
    }
}

impl fmt::Display for Disorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Disorder::Duplicate => "equal to",
            Disorder::Descending => "smaller than",
        })
    }
}

impl<K: fmt::Debug> std::error::Error for NotSorted<K> {}
