//! Ordered sets behind one pair of traits, so that every contender runs the same loop.
//!
//! A peer's call does the work a user of that peer would have to do for the same answer, in the
//! cheapest way its interface allows: a rank that its `insert` does not return costs a second
//! call, and nothing else. What a peer cannot do at all it does not implement: std's and imbl's
//! sets have no ranks, so they are never compared with ranked work.

pub mod bucketed_vector;

use self::bucketed_vector::BucketedVector;
use crate::data::Digest;
use oyez::{Inserted, Removed, SortedSet};
use std::collections::BTreeSet;
use std::ops::Range;
use wabi_tree::OSBTreeSet;

/// What every ordered set can do.
pub trait OrderedSet<K>: Sized {
    /// The name in the tables.
    const NAME: &'static str;
    fn empty() -> Self;
    /// Takes keys that ascend strictly, by the quickest way the set offers.
    fn from_sorted(keys: Vec<K>) -> Self;
    fn len(&self) -> usize;
    /// Whether the key was new.
    fn insert(&mut self, key: K) -> bool;
    /// Whether the key was there.
    fn remove(&mut self, key: &K) -> bool;
    fn contains(&self, key: &K) -> bool;
}

/// What a set that counts can do. Keys asked about are present, unless said otherwise.
pub trait RankedSet<K>: OrderedSet<K> {
    /// What it lends of a key.
    type Lent: Digest + ?Sized;
    /// The rank of a key that was absent, now that it is in. `probe` equals `key`: for peers that
    /// can ask only after the key has moved in, so that they need not clone it.
    fn insert_ranked(&mut self, key: K, probe: &K) -> usize;
    /// The rank at which the key stood.
    fn remove_ranked(&mut self, key: &K) -> usize;
    fn rank(&self, key: &K) -> usize;
    fn select(&self, rank: usize) -> Option<&Self::Lent>;
    /// Shows the keys at `ranks`, in order.
    fn slice(&self, ranks: Range<usize>, show: impl FnMut(&Self::Lent));
}

impl<K: Ord> OrderedSet<K> for SortedSet<K> {
    const NAME: &'static str = "oyez";

    fn empty() -> Self {
        SortedSet::new()
    }

    fn from_sorted(keys: Vec<K>) -> Self {
        match SortedSet::from_sorted(keys) {
            Ok(set) => set,
            Err(_) => panic!("the keys ascend strictly"),
        }
    }

    fn len(&self) -> usize {
        SortedSet::len(self)
    }

    fn insert(&mut self, key: K) -> bool {
        matches!(SortedSet::insert(self, key), Inserted::At(_))
    }

    fn remove(&mut self, key: &K) -> bool {
        matches!(SortedSet::remove(self, key), Removed::At(_))
    }

    fn contains(&self, key: &K) -> bool {
        SortedSet::contains(self, key)
    }
}

impl<K: Ord + Digest> RankedSet<K> for SortedSet<K> {
    type Lent = K;

    fn insert_ranked(&mut self, key: K, _probe: &K) -> usize {
        let (Inserted::At(rank) | Inserted::Already(rank)) = SortedSet::insert(self, key);
        rank
    }

    fn remove_ranked(&mut self, key: &K) -> usize {
        let (Removed::At(rank) | Removed::Absent(rank)) = SortedSet::remove(self, key);
        rank
    }

    fn rank(&self, key: &K) -> usize {
        let (Ok(rank) | Err(rank)) = SortedSet::rank(self, key);
        rank
    }

    fn select(&self, rank: usize) -> Option<&K> {
        SortedSet::select(self, rank)
    }

    fn slice(&self, ranks: Range<usize>, show: impl FnMut(&K)) {
        SortedSet::slice(self, ranks).for_each(show);
    }
}

impl<K: Ord> OrderedSet<K> for indexset::BTreeSet<K> {
    const NAME: &'static str = "indexset";

    fn empty() -> Self {
        indexset::BTreeSet::new()
    }

    fn from_sorted(keys: Vec<K>) -> Self {
        keys.into_iter().collect()
    }

    fn len(&self) -> usize {
        indexset::BTreeSet::len(self)
    }

    fn insert(&mut self, key: K) -> bool {
        indexset::BTreeSet::insert(self, key)
    }

    fn remove(&mut self, key: &K) -> bool {
        indexset::BTreeSet::remove(self, key)
    }

    fn contains(&self, key: &K) -> bool {
        indexset::BTreeSet::contains(self, key)
    }
}

impl<K: Ord + Digest> RankedSet<K> for indexset::BTreeSet<K> {
    type Lent = K;

    fn insert_ranked(&mut self, key: K, probe: &K) -> usize {
        indexset::BTreeSet::insert(self, key);
        indexset::BTreeSet::rank(self, probe)
    }

    fn remove_ranked(&mut self, key: &K) -> usize {
        let rank = indexset::BTreeSet::rank(self, key);
        indexset::BTreeSet::remove(self, key);
        rank
    }

    fn rank(&self, key: &K) -> usize {
        indexset::BTreeSet::rank(self, key)
    }

    fn select(&self, rank: usize) -> Option<&K> {
        self.get_index(rank)
    }

    fn slice(&self, ranks: Range<usize>, show: impl FnMut(&K)) {
        self.range_idx(ranks).for_each(show);
    }
}

impl<K: Ord + Clone> OrderedSet<K> for OSBTreeSet<K> {
    const NAME: &'static str = "wabi_tree";

    fn empty() -> Self {
        OSBTreeSet::new()
    }

    fn from_sorted(keys: Vec<K>) -> Self {
        keys.into_iter().collect()
    }

    fn len(&self) -> usize {
        OSBTreeSet::len(self)
    }

    fn insert(&mut self, key: K) -> bool {
        OSBTreeSet::insert(self, key)
    }

    fn remove(&mut self, key: &K) -> bool {
        OSBTreeSet::remove(self, key)
    }

    fn contains(&self, key: &K) -> bool {
        OSBTreeSet::contains(self, key)
    }
}

impl<K: Ord + Clone + Digest> RankedSet<K> for OSBTreeSet<K> {
    type Lent = K;

    fn insert_ranked(&mut self, key: K, probe: &K) -> usize {
        OSBTreeSet::insert(self, key);
        RankedSet::rank(self, probe)
    }

    fn remove_ranked(&mut self, key: &K) -> usize {
        let rank = RankedSet::rank(self, key);
        OSBTreeSet::remove(self, key);
        rank
    }

    fn rank(&self, key: &K) -> usize {
        self.rank_of(key).expect("the key is present")
    }

    fn select(&self, rank: usize) -> Option<&K> {
        self.get_by_rank(rank)
    }

    /// There is no range by rank, but its iterator skips by the counts: quicker than a range from
    /// the selected key.
    fn slice(&self, ranks: Range<usize>, show: impl FnMut(&K)) {
        let mut keys = self.iter();
        if ranks.start > 0 {
            keys.nth(ranks.start - 1);
        }
        keys.take(ranks.len()).for_each(show);
    }
}

impl<K: Ord + Clone> OrderedSet<K> for BucketedVector<K> {
    const NAME: &'static str = "bucketed";

    fn empty() -> Self {
        BucketedVector::new()
    }

    fn from_sorted(keys: Vec<K>) -> Self {
        BucketedVector::from_sorted(keys)
    }

    fn len(&self) -> usize {
        BucketedVector::len(self)
    }

    fn insert(&mut self, key: K) -> bool {
        BucketedVector::insert(self, key).is_ok()
    }

    fn remove(&mut self, key: &K) -> bool {
        BucketedVector::remove(self, key).is_some()
    }

    fn contains(&self, key: &K) -> bool {
        BucketedVector::rank(self, key).is_ok()
    }
}

impl<K: Ord + Clone + Digest> RankedSet<K> for BucketedVector<K> {
    type Lent = K;

    fn insert_ranked(&mut self, key: K, _probe: &K) -> usize {
        let (Ok(rank) | Err(rank)) = BucketedVector::insert(self, key);
        rank
    }

    fn remove_ranked(&mut self, key: &K) -> usize {
        BucketedVector::remove(self, key).expect("the key is present")
    }

    fn rank(&self, key: &K) -> usize {
        let (Ok(rank) | Err(rank)) = BucketedVector::rank(self, key);
        rank
    }

    fn select(&self, rank: usize) -> Option<&K> {
        BucketedVector::select(self, rank)
    }

    fn slice(&self, ranks: Range<usize>, show: impl FnMut(&K)) {
        BucketedVector::slice(self, ranks).iter().for_each(show);
    }
}

impl<K: Ord> OrderedSet<K> for BTreeSet<K> {
    const NAME: &'static str = "std";

    fn empty() -> Self {
        BTreeSet::new()
    }

    fn from_sorted(keys: Vec<K>) -> Self {
        keys.into_iter().collect()
    }

    fn len(&self) -> usize {
        BTreeSet::len(self)
    }

    fn insert(&mut self, key: K) -> bool {
        BTreeSet::insert(self, key)
    }

    fn remove(&mut self, key: &K) -> bool {
        BTreeSet::remove(self, key)
    }

    fn contains(&self, key: &K) -> bool {
        BTreeSet::contains(self, key)
    }
}

impl<K: Ord + Clone> OrderedSet<K> for imbl::OrdSet<K> {
    const NAME: &'static str = "imbl";

    fn empty() -> Self {
        imbl::OrdSet::new()
    }

    fn from_sorted(keys: Vec<K>) -> Self {
        imbl::OrdSet::from(keys)
    }

    fn len(&self) -> usize {
        imbl::OrdSet::len(self)
    }

    fn insert(&mut self, key: K) -> bool {
        imbl::OrdSet::insert(self, key).is_none()
    }

    fn remove(&mut self, key: &K) -> bool {
        imbl::OrdSet::remove(self, key).is_some()
    }

    fn contains(&self, key: &K) -> bool {
        imbl::OrdSet::contains(self, key)
    }
}
