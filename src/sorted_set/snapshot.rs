//! Versions of a set that stay as they are.

use super::SortedSet;
use super::diff::Diff;
use std::fmt;
use std::ops::Deref;

/// A set as it was when [`SortedSet::snapshot`] was called. Lends that set for reading; what is done to the original
/// since then does not show.
///
/// It can be read from any thread while the original changes on another, without a lock on either side. Taking one, and
/// cloning one, costs O(1); what it costs later is told at [`SortedSet::snapshot`]. Dropping it frees nothing, unless
/// the original and all other snapshots are gone: what only it needed, the original frees with its next changes, or at
/// [`reclaim`](SortedSet::reclaim).
///
/// ```
/// use oyez::SortedSet;
/// use std::thread;
///
/// let mut set: SortedSet<u32> = (0..1_000).collect();
/// let before = set.snapshot().unwrap();
/// let reader = thread::spawn(move || (before.len(), before.rank(&500)));
/// for key in 0..500 {
///     set.remove(&key);
/// }
/// assert_eq!(reader.join().unwrap(), (1_000, Ok(500)));
/// assert_eq!(set.rank(&500), Ok(0));
/// ```
///
/// Keys that another thread must not see stay where they are:
///
/// ```compile_fail,E0277
/// let set = oyez::SortedSet::from([std::cell::Cell::new(1)]); // `Send`, not `Sync`
/// set.snapshot();
/// ```
/// ```compile_fail,E0277
/// let set = oyez::SortedSet::from([std::rc::Rc::new(1)]); // neither
/// set.snapshot();
/// ```
///
/// A set, once there are snapshots, calls the `Clone` of exactly the `K` they were taken with. So it does not pass for
/// a set of keys that live shorter, as std's sets do:
///
/// ```compile_fail
/// fn shorten<'a>(set: oyez::SortedSet<&'static str>) -> oyez::SortedSet<&'a str> {
///     set
/// }
/// ```
///
/// And nobody changes a snapshot:
///
/// ```compile_fail,E0596
/// let mut snapshot = oyez::SortedSet::from([1]).snapshot().unwrap();
/// snapshot.insert(2);
/// ```
pub struct Snapshot<K> {
    set: SortedSet<K>,
}

/// There are as many snapshots as [`SortedSet::set_snapshots_max`] allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManySnapshots {
    /// How many there may be.
    pub max: usize,
}

/// What the snapshots of a set hold. From [`SortedSet::snapshot_stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotStats {
    /// Snapshots that are held; clones of one count once.
    pub held: usize,
    /// Changes of the set since the oldest of them was taken. 0 without one.
    pub oldest_age: u64,
    /// Bytes of nodes that are no part of the set any more, without what their keys point to: those a snapshot sees,
    /// and those not reclaimed yet.
    pub retired_bytes: usize,
}

impl<K> SortedSet<K> {
    /// The set as it is now, for reading, from any thread and for as long as one likes. O(1).
    ///
    /// While there are snapshots, a change copies those nodes it goes through that the newest of them sees, O(log n) of
    /// up to 64 keys, each once a snapshot; the originals stay as long as a snapshot needs them. Without snapshots
    /// nothing is copied or kept.
    ///
    /// # Errors
    ///
    /// [`TooManySnapshots`], see [`set_snapshots_max`](Self::set_snapshots_max).
    ///
    /// ```
    /// let mut set = oyez::SortedSet::from([10, 20]);
    /// let before = set.snapshot().unwrap();
    /// set.insert(15);
    /// assert!(before.iter().eq(&[10, 20]));
    /// assert!(set.iter().eq(&[10, 15, 20]));
    /// ```
    pub fn snapshot(&self) -> Result<Snapshot<K>, TooManySnapshots>
    where
        K: Clone + Send + Sync,
    {
        match self.tree.frozen() {
            Ok(tree) => Ok(Snapshot { set: SortedSet { tree } }),
            Err(max) => Err(TooManySnapshots { max }),
        }
    }

    /// How many snapshots may be held at a time, 65,536 unless it is set here. Those there are stay. O(1).
    pub fn set_snapshots_max(&mut self, max: usize)
    where
        K: Clone + Send + Sync,
    {
        self.tree.set_snapshots_max(max);
    }

    /// Frees everything that no snapshot needs any more, and goes through it. (Each change frees a few nodes.)
    pub fn reclaim(&mut self) {
        self.tree.reclaim();
    }

    /// What snapshots hold. O(snapshots).
    ///
    /// ```
    /// let mut set: oyez::SortedSet<u32> = (0..10_000).collect();
    /// let before = set.snapshot().unwrap();
    /// set.remove(&5_000);
    /// let stats = set.snapshot_stats();
    /// assert_eq!((stats.held, stats.oldest_age), (1, 1));
    /// assert!(stats.retired_bytes > 0, "the originals of what the change has copied");
    ///
    /// drop(before);
    /// set.reclaim();
    /// assert_eq!(set.snapshot_stats().retired_bytes, 0);
    /// ```
    pub fn snapshot_stats(&self) -> SnapshotStats {
        let holding = self.tree.holding();
        SnapshotStats { held: holding.snapshots, oldest_age: holding.oldest_age, retired_bytes: holding.retired_bytes }
    }
}

impl<K: Ord> SortedSet<K> {
    /// What must be removed from this set, and added to it, to get `newer`, in key order.
    ///
    /// Nodes that both share are skipped: O(changes between them x log n) for versions of one set, O(n) for sets that
    /// have nothing to do with each other. Keys that compare equal are the same to it.
    ///
    /// ```
    /// use oyez::sorted_set::DiffItem::{Added, Removed};
    ///
    /// let mut set: oyez::SortedSet<u32> = (0..1_000).collect();
    /// let before = set.snapshot().unwrap();
    /// set.remove(&3);
    /// set.insert(5_000);
    /// let changes: Vec<_> = before.diff(&set).collect();
    /// assert_eq!(changes, [Removed { rank: 3, key: &3 }, Added { rank: 999, key: &5_000 }]);
    /// ```
    pub fn diff<'a>(&'a self, newer: &'a SortedSet<K>) -> Diff<'a, K> {
        Diff::new(&self.tree, &newer.tree)
    }
}

impl<K> Deref for Snapshot<K> {
    type Target = SortedSet<K>;

    fn deref(&self) -> &SortedSet<K> {
        &self.set
    }
}

/// Another handle on the same version. O(1). (`(*snapshot).clone()` is a set of its own, O(n).)
impl<K> Clone for Snapshot<K> {
    fn clone(&self) -> Self {
        Snapshot { set: SortedSet { tree: self.set.tree.refrozen() } }
    }
}

impl<K: fmt::Debug> fmt::Debug for Snapshot<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.set.fmt(f)
    }
}

impl<'a, K> IntoIterator for &'a Snapshot<K> {
    type Item = &'a K;
    type IntoIter = super::Iter<'a, K>;

    fn into_iter(self) -> Self::IntoIter {
        self.set.iter()
    }
}

impl fmt::Display for TooManySnapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there are {} snapshots of the set, as many as it allows", self.max)
    }
}

impl std::error::Error for TooManySnapshots {}
