//! A sorted set of byte strings that knows ranks: [`ByteSet`].
//!
//! A [`SortedSet`] whose keys carry their bytes with them; `byte_set/key.rs` says how, and what was rejected.

mod key;

pub use key::{ByteKey, KeyTooLong};

use crate::sorted_set::{Inserted, Iter, NotSorted, Removed, SortedSet};
use std::fmt;
use std::ops::{Bound, Deref, Range, RangeBounds};

/// A sorted set of byte strings of up to 65,535 bytes each, in the order of `[u8]`.
///
/// As a [`SortedSet`] of boxed strings, without the boxes: up to 38 bytes of a key lie in the tree's nodes, where they
/// are compared eight at a time. With a million keys of 17 to 36 bytes a rank takes a third of the time, a mutation
/// half. Costs and panics are those of [`SortedSet`], where each method is described. What is not here is there: this
/// lends its `SortedSet<ByteKey>`, and [`from`](Self::from) and [`into_inner`](Self::into_inner) change one into the
/// other.
///
/// # Trade-offs
///
/// - Each key takes 40 bytes in its node, however short it is, and an allocation beyond 38.
/// - For keys that differ within their first eight bytes and are mostly longer than 38, `SortedSet<Box<[u8]>>` is
///   smaller.
///
/// ```
/// use oyez::{ByteSet, Inserted, Removed};
///
/// let mut names = ByteSet::new();
/// assert_eq!(names.insert(b"bob"), Ok(Inserted::At(0)));
/// assert_eq!(names.insert(b"ada"), Ok(Inserted::At(0)));
/// assert_eq!(names.rank(b"bob"), Ok(1));
/// assert_eq!(names.select(1), Some(&b"bob"[..]));
/// assert_eq!(names.remove(b"eve"), Removed::Absent(2));
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSet {
    keys: SortedSet<ByteKey>,
}

/// The keys of a range of ranks of a [`ByteSet`], in order.
pub type ByteIter<'a> = std::iter::Map<Iter<'a, ByteKey>, fn(&'a ByteKey) -> &'a [u8]>;

fn lend(keys: Iter<'_, ByteKey>) -> ByteIter<'_> {
    keys.map(ByteKey::as_bytes)
}

/// Why [`ByteSet::from_sorted`] refused its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// The keys do not ascend.
    NotSorted(NotSorted<ByteKey>),
    /// The key of this index is too long.
    TooLong {
        /// Its index.
        at: usize,
        /// What is wrong with it.
        error: KeyTooLong,
    },
}

impl ByteSet {
    /// An empty set. Allocates nothing. O(1).
    pub const fn new() -> Self {
        ByteSet { keys: SortedSet::new() }
    }

    /// Builds a set from keys that ascend strictly. O(n).
    ///
    /// # Errors
    ///
    /// [`BuildError`], see [`SortedSet::from_sorted`].
    ///
    /// ```
    /// let set = oyez::ByteSet::from_sorted(["ada", "bob"]).unwrap();
    /// assert_eq!(set.rank(b"bob"), Ok(1));
    /// assert!(oyez::ByteSet::from_sorted(["bob", "ada"]).is_err());
    /// ```
    pub fn from_sorted<B: AsRef<[u8]>>(keys: impl IntoIterator<Item = B>) -> Result<Self, BuildError> {
        let key = |(at, bytes): (_, B)| ByteKey::new(bytes.as_ref()).map_err(|error| BuildError::TooLong { at, error });
        let keys = keys.into_iter().enumerate().map(key).collect::<Result<Vec<_>, _>>()?;
        let keys = SortedSet::from_sorted(keys).map_err(BuildError::NotSorted)?;
        Ok(ByteSet { keys })
    }

    /// Inserts a key and tells its rank. O(log n).
    ///
    /// # Errors
    ///
    /// [`KeyTooLong`] when there are more than 65,535 bytes.
    ///
    /// # Panics
    ///
    /// As [`SortedSet::insert`].
    pub fn insert(&mut self, key: &[u8]) -> Result<Inserted, KeyTooLong> {
        Ok(self.keys.insert(ByteKey::new(key)?))
    }

    /// Removes a key and tells the rank it had, or would have. O(log n).
    pub fn remove(&mut self, key: &[u8]) -> Removed {
        match Probe::of(key) {
            Probe::Key(key) => self.keys.remove(&key),
            Probe::TooLong => self.keys.remove(key),
        }
    }

    /// The rank of a key (`Ok`), or the rank it would have (`Err`). O(log n).
    pub fn rank(&self, key: &[u8]) -> Result<usize, usize> {
        match Probe::of(key) {
            Probe::Key(key) => self.keys.rank(&key),
            Probe::TooLong => self.keys.rank(key),
        }
    }

    /// Whether the key is there. O(log n).
    pub fn contains(&self, key: &[u8]) -> bool {
        self.rank(key).is_ok()
    }

    /// The key at this rank. O(log n).
    pub fn select(&self, rank: usize) -> Option<&[u8]> {
        self.keys.select(rank).map(ByteKey::as_bytes)
    }

    /// The smallest key. O(log n).
    pub fn first(&self) -> Option<&[u8]> {
        self.select(0)
    }

    /// The greatest key. O(log n).
    pub fn last(&self) -> Option<&[u8]> {
        self.keys.last().map(ByteKey::as_bytes)
    }

    /// Removes and returns the smallest key. O(log n).
    pub fn pop_first(&mut self) -> Option<ByteKey> {
        self.keys.pop_first()
    }

    /// Removes and returns the greatest key. O(log n).
    pub fn pop_last(&mut self) -> Option<ByteKey> {
        self.keys.pop_last()
    }

    /// The keys of these ranks, in order, as [`SortedSet::slice`].
    pub fn slice(&self, ranks: Range<usize>) -> ByteIter<'_> {
        lend(self.keys.slice(ranks))
    }

    /// All keys in order.
    pub fn iter(&self) -> ByteIter<'_> {
        lend(self.keys.iter())
    }

    /// The ranks of the keys within a range of keys; its length counts them. O(log n).
    ///
    /// ```
    /// let set = oyez::ByteSet::from_sorted(["ada", "bob", "eve"]).unwrap();
    /// assert_eq!(set.ranks(b"b".as_slice()..b"c"), 1..2);
    /// ```
    pub fn ranks<'k>(&self, keys: impl RangeBounds<&'k [u8]>) -> Range<usize> {
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

    /// The keys within a range of keys, in order. O(log n), then O(1) amortised a key.
    pub fn range<'k>(&self, keys: impl RangeBounds<&'k [u8]>) -> ByteIter<'_> {
        self.slice(self.ranks(keys))
    }

    /// Removes all keys. O(n).
    pub fn clear(&mut self) {
        self.keys.clear();
    }

    /// The set of keys that this is.
    pub fn into_inner(self) -> SortedSet<ByteKey> {
        self.keys
    }
}

/// A key to look for. A longer one than there can be is looked for as it is.
enum Probe {
    Key(ByteKey),
    TooLong,
}

impl Probe {
    #[inline]
    fn of(key: &[u8]) -> Self {
        ByteKey::new(key).map_or(Probe::TooLong, Probe::Key)
    }
}

/// For reading: what a `ByteSet` has no method for. (Changes go through `ByteSet`, or [`ByteSet::into_inner`].)
impl Deref for ByteSet {
    type Target = SortedSet<ByteKey>;

    fn deref(&self) -> &SortedSet<ByteKey> {
        &self.keys
    }
}

impl From<SortedSet<ByteKey>> for ByteSet {
    fn from(keys: SortedSet<ByteKey>) -> Self {
        ByteSet { keys }
    }
}

impl<'a> IntoIterator for &'a ByteSet {
    type Item = &'a [u8];
    type IntoIter = ByteIter<'a>;

    fn into_iter(self) -> ByteIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for ByteSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.keys.fmt(f)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::NotSorted(refused) => refused.fmt(f),
            BuildError::TooLong { at, error } => write!(f, "{error}, at {at}"),
        }
    }
}

impl std::error::Error for BuildError {}
