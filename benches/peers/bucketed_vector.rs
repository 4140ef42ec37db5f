//! The bucketed vector: what a service writes when it needs an index and has a vector.
//!
//! Sorted buckets of at most 500 keys in one vector. The bucket of a key is found by binary search
//! over the buckets' first and last keys, the key by binary search inside it; its index is the sum
//! of the lengths of all buckets before plus its position. A full bucket is split in half; buckets
//! are never merged, only dropped when their last key goes. A slice copies its keys out, since in
//! the services that use this design the set lives behind a lock or a language boundary.
//!
//! The index costs one addition for each of the n/350 buckets before, which is what the counted
//! trees are measured against. Splitting moves 250 keys once in 250 inserts and shifts the vector
//! of buckets, which is cheap beside it.

use std::cmp::Ordering;
use std::ops::Range;

/// Keys at which a bucket is split, as the well-known implementation has it.
pub const BUCKET_MAX: usize = 500;

/// A sorted set of keys in buckets of at most [`BUCKET_MAX`].
#[derive(Debug)]
pub struct BucketedVector<K> {
    /// In order, and none of them empty.
    buckets: Vec<Vec<K>>,
    bucket_max: usize,
    len: usize,
}

impl<K: Ord + Clone> BucketedVector<K> {
    pub fn new() -> Self {
        Self::with_bucket_max(BUCKET_MAX)
    }

    /// The same design with tiny buckets, so that a small script meets splits and empty buckets.
    pub fn with_bucket_max(bucket_max: usize) -> Self {
        assert!(bucket_max >= 2, "a bucket of {bucket_max} cannot be split");
        BucketedVector { buckets: Vec::new(), bucket_max, len: 0 }
    }

    /// Takes keys that ascend strictly, into buckets half full: as splits of an ascending load
    /// leave them.
    pub fn from_sorted(keys: Vec<K>) -> Self {
        let len = keys.len();
        let mut keys = keys.into_iter();
        let mut set = Self::new();
        while keys.len() > 0 {
            let mut bucket = Vec::with_capacity(set.bucket_max);
            bucket.extend(keys.by_ref().take(set.bucket_max / 2));
            set.buckets.push(bucket);
        }
        set.len = len;
        set
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// `Ok` with the rank of a key that was new, `Err` with the rank of the equal key that stays.
    pub fn insert(&mut self, key: K) -> Result<usize, usize> {
        if self.buckets.is_empty() {
            self.buckets.push(Vec::with_capacity(self.bucket_max));
        }
        let at = self.bucket_of(&key);
        let before = self.keys_before(at);
        match self.buckets[at].binary_search(&key) {
            Ok(position) => Err(before + position),
            Err(position) => {
                self.buckets[at].insert(position, key);
                self.len += 1;
                if self.buckets[at].len() == self.bucket_max {
                    self.split(at);
                }
                Ok(before + position)
            }
        }
    }

    /// The rank at which the key stood.
    pub fn remove(&mut self, key: &K) -> Option<usize> {
        let at = self.bucket_of(key);
        let bucket = self.buckets.get_mut(at)?;
        let position = bucket.binary_search(key).ok()?;
        bucket.remove(position);
        self.len -= 1;
        let rank = self.keys_before(at) + position;
        if self.buckets[at].is_empty() {
            self.buckets.remove(at);
        }
        Some(rank)
    }

    /// `Ok` if the key is there, `Err` with the rank it would have.
    pub fn rank(&self, key: &K) -> Result<usize, usize> {
        let at = self.bucket_of(key);
        let before = self.keys_before(at);
        match self.buckets.get(at) {
            None => Err(0),
            Some(bucket) => match bucket.binary_search(key) {
                Ok(position) => Ok(before + position),
                Err(position) => Err(before + position),
            },
        }
    }

    pub fn select(&self, rank: usize) -> Option<&K> {
        let (at, position) = self.locate(rank);
        self.buckets.get(at)?.get(position)
    }

    /// Copies of the keys at `ranks`; those past the end are left out.
    pub fn slice(&self, ranks: Range<usize>) -> Vec<K> {
        let (at, mut position) = self.locate(ranks.start);
        let wanted = ranks.len().min(self.len.saturating_sub(ranks.start));
        let mut keys = Vec::with_capacity(wanted);
        for bucket in &self.buckets[at..] {
            let run = (wanted - keys.len()).min(bucket.len() - position);
            keys.extend_from_slice(&bucket[position..position + run]);
            position = 0;
            if keys.len() == wanted {
                break;
            }
        }
        keys
    }

    /// The bucket that holds the key or would take it; 0 if there is none.
    fn bucket_of(&self, key: &K) -> usize {
        let found = self.buckets.binary_search_by(|bucket| {
            if bucket.last().is_some_and(|last| last < key) {
                Ordering::Less
            } else if bucket.first().is_some_and(|first| first > key) {
                Ordering::Greater
            } else {
                Ordering::Equal
            }
        });
        found.unwrap_or_else(|between| between.saturating_sub(1))
    }

    fn keys_before(&self, at: usize) -> usize {
        self.buckets[..at].iter().map(Vec::len).sum()
    }

    /// The bucket and position of a rank; the bucket past the last if there are fewer keys.
    fn locate(&self, rank: usize) -> (usize, usize) {
        let mut position = rank;
        for (at, bucket) in self.buckets.iter().enumerate() {
            if position < bucket.len() {
                return (at, position);
            }
            position -= bucket.len();
        }
        (self.buckets.len(), 0)
    }

    fn split(&mut self, at: usize) {
        let bucket = &mut self.buckets[at];
        let mut upper = Vec::with_capacity(self.bucket_max);
        upper.extend(bucket.drain(bucket.len() / 2..));
        self.buckets.insert(at + 1, upper);
    }
}

/// A seeded script of inserts, removals and questions, each answered by a sorted vector too; run
/// by the scoreboard, since a bench without a harness has no `#[test]`.
///
/// # Panics
///
/// When an answer differs.
pub fn check_against_a_sorted_vector() {
    for bucket_max in [2, 3, 8, BUCKET_MAX] {
        let mut set = BucketedVector::with_bucket_max(bucket_max);
        let mut oracle: Vec<u64> = Vec::new();
        // A linear congruential generator: the script needs variety, not quality.
        let mut state = bucket_max as u64;
        for step in 0..4_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = (state >> 33) % 1_200;
            assert_eq!(set.rank(&key), oracle.binary_search(&key));
            // Two inserts for a removal, then the other way round, down to empty buckets.
            if (state >> 20) % 3 < if step < 2_000 { 2 } else { 1 } {
                let expected = oracle.binary_search(&key);
                if let Err(rank) = expected {
                    oracle.insert(rank, key);
                }
                // The set says `Ok` for a new key, a binary search for one that is there.
                assert_eq!(set.insert(key).map_or_else(Ok, Err), expected);
            } else {
                let expected = oracle.binary_search(&key).ok();
                if let Some(rank) = expected {
                    oracle.remove(rank);
                }
                assert_eq!(set.remove(&key), expected);
            }
            assert_eq!(set.len(), oracle.len());
            let rank = (state >> 40) as usize % 1_000;
            assert_eq!(set.select(rank), oracle.get(rank));
            let end = (rank + 100).min(oracle.len());
            assert_eq!(set.slice(rank..rank + 100), oracle[rank.min(end)..end]);
        }
        assert!(set.buckets.iter().all(|bucket| !bucket.is_empty()));
        let rebuilt = BucketedVector::from_sorted(oracle.clone());
        assert_eq!(rebuilt.slice(0..oracle.len()), oracle);
    }
}
