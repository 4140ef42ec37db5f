//! Two sets: union, intersection, differences, and whether one holds the other.
//!
//! The four iterators are lazy, run from both ends and lend keys. Each walks both sets side by side. Where only some
//! keys of a side matter (both sides of an intersection, the one that a difference takes away), it does not walk over
//! the others: after [`WALK`] of them it looks for the next that may matter with one descent. So a small set against a
//! large one costs O(log n) for each key of the small one, and two of one size O(1) amortised a key.

use super::{Cursor, SortedSet};
use std::cmp::Ordering;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::{BitAnd, BitOr, BitXor, Sub};

/// Keys to pass one by one before a descent is cheaper.
const WALK: usize = 16;

/// What is left of one set, between two cursors.
struct Ends<'a, K> {
    front: Cursor<'a, K>,
    back: Cursor<'a, K>,
}

impl<K> Clone for Ends<'_, K> {
    fn clone(&self) -> Self {
        Ends { front: self.front.clone(), back: self.back.clone() }
    }
}

impl<'a, K> Ends<'a, K> {
    fn new(set: &'a SortedSet<K>) -> Self {
        let mut back = set.cursor();
        back.seek_rank(set.len());
        Ends { front: set.cursor(), back }
    }

    fn len(&self) -> usize {
        self.back.rank() - self.front.rank()
    }

    fn first(&mut self) -> Option<&'a K> {
        if self.len() == 0 { None } else { self.front.peek_next() }
    }

    fn last(&mut self) -> Option<&'a K> {
        if self.len() == 0 { None } else { self.back.peek_prev() }
    }

    fn pop_first(&mut self) -> Option<&'a K> {
        if self.len() == 0 { None } else { self.front.next() }
    }

    fn pop_last(&mut self) -> Option<&'a K> {
        if self.len() == 0 { None } else { self.back.prev() }
    }
}

impl<'a, K: Ord> Ends<'a, K> {
    /// The first key that is not smaller than `key`; those before it are passed.
    fn first_from(&mut self, key: &K) -> Option<&'a K> {
        for _ in 0..WALK {
            let first = self.first()?;
            if first.cmp(key).is_ge() {
                return Some(first);
            }
            self.front.next();
        }
        let (Ok(rank) | Err(rank)) = self.front.set().rank(key);
        self.front.seek_rank(rank.min(self.back.rank()));
        self.first()
    }

    /// The last key that is not greater than `key`; those behind it are passed.
    fn last_to(&mut self, key: &K) -> Option<&'a K> {
        for _ in 0..WALK {
            let last = self.last()?;
            if last.cmp(key).is_le() {
                return Some(last);
            }
            self.back.prev();
        }
        let rank = self.back.set().rank(key).map_or_else(|rank| rank, |rank| rank + 1);
        self.back.seek_rank(rank.max(self.front.rank()));
        self.last()
    }
}

/// The keys that are in either set, in order. Made by [`SortedSet::union`].
pub struct Union<'a, K> {
    ours: Ends<'a, K>,
    theirs: Ends<'a, K>,
}

/// The keys that are in both sets, in order. Made by [`SortedSet::intersection`].
pub struct Intersection<'a, K> {
    ours: Ends<'a, K>,
    theirs: Ends<'a, K>,
}

/// The keys that are in the first set and not in the second, in order. Made by [`SortedSet::difference`].
pub struct Difference<'a, K> {
    ours: Ends<'a, K>,
    theirs: Ends<'a, K>,
}

/// The keys that are in one of two sets and not in the other, in order. Made by [`SortedSet::symmetric_difference`].
pub struct SymmetricDifference<'a, K> {
    ours: Ends<'a, K>,
    theirs: Ends<'a, K>,
}

impl<K: Ord> SortedSet<K> {
    /// The keys that are in this set or in `other`, in order; of two equal ones this set's. O(log n), then O(1)
    /// amortised a key.
    ///
    /// ```
    /// use oyez::SortedSet;
    ///
    /// let (even, tens) = (SortedSet::from([8, 10, 12]), SortedSet::from([10, 20]));
    /// assert!(even.union(&tens).eq(&[8, 10, 12, 20]));
    /// assert_eq!(&even | &tens, SortedSet::from([8, 10, 12, 20]));
    /// ```
    pub fn union<'a>(&'a self, other: &'a Self) -> Union<'a, K> {
        Union { ours: Ends::new(self), theirs: Ends::new(other) }
    }

    /// The keys that are in this set and in `other`, in order, as this set has them. O(log n) for each run of keys that
    /// only one set has, and O(1) amortised for each key of the shorter ones.
    ///
    /// ```
    /// use oyez::SortedSet;
    ///
    /// let (even, tens) = (SortedSet::from([8, 10, 12]), SortedSet::from([10, 20]));
    /// assert!(even.intersection(&tens).eq(&[10]));
    /// assert_eq!(&even & &tens, SortedSet::from([10]));
    /// ```
    pub fn intersection<'a>(&'a self, other: &'a Self) -> Intersection<'a, K> {
        Intersection { ours: Ends::new(self), theirs: Ends::new(other) }
    }

    /// The keys of this set that are not in `other`, in order. O(1) amortised for each key of this set, and O(log n) for
    /// each long run of keys of the other that lies between two of them.
    ///
    /// ```
    /// use oyez::SortedSet;
    ///
    /// let (even, tens) = (SortedSet::from([8, 10, 12]), SortedSet::from([10, 20]));
    /// assert!(even.difference(&tens).rev().eq(&[12, 8]));
    /// assert_eq!(&even - &tens, SortedSet::from([8, 12]));
    /// ```
    pub fn difference<'a>(&'a self, other: &'a Self) -> Difference<'a, K> {
        Difference { ours: Ends::new(self), theirs: Ends::new(other) }
    }

    /// The keys that are in this set or in `other`, but not in both, in order. O(log n), then O(1) amortised for each
    /// key of both.
    ///
    /// ```
    /// use oyez::SortedSet;
    ///
    /// let (even, tens) = (SortedSet::from([8, 10, 12]), SortedSet::from([10, 20]));
    /// assert!(even.symmetric_difference(&tens).eq(&[8, 12, 20]));
    /// assert_eq!(&even ^ &tens, SortedSet::from([8, 12, 20]));
    /// ```
    pub fn symmetric_difference<'a>(&'a self, other: &'a Self) -> SymmetricDifference<'a, K> {
        SymmetricDifference { ours: Ends::new(self), theirs: Ends::new(other) }
    }

    /// Whether all keys of this set are in `other`. At most the cost of one [`difference`](Self::difference); ends at
    /// the first key that is not, and does not look when this set has more keys.
    ///
    /// ```
    /// let set = oyez::SortedSet::from([10, 20, 30]);
    /// assert!(oyez::SortedSet::from([10, 30]).is_subset(&set));
    /// assert!(!oyez::SortedSet::from([10, 31]).is_subset(&set));
    /// ```
    pub fn is_subset(&self, other: &Self) -> bool {
        self.len() <= other.len() && self.difference(other).next().is_none()
    }

    /// Whether all keys of `other` are in this set. Costs what [`is_subset`](Self::is_subset) costs.
    ///
    /// ```
    /// let set = oyez::SortedSet::from([10, 20, 30]);
    /// assert!(set.is_superset(&oyez::SortedSet::from([10, 30])));
    /// assert!(!set.is_superset(&oyez::SortedSet::from([10, 31])));
    /// ```
    pub fn is_superset(&self, other: &Self) -> bool {
        other.is_subset(self)
    }

    /// Whether no key is in both sets. At most the cost of one [`intersection`](Self::intersection); ends at the first
    /// key that is.
    ///
    /// ```
    /// let set = oyez::SortedSet::from([10, 20, 30]);
    /// assert!(set.is_disjoint(&oyez::SortedSet::from([15, 25])));
    /// assert!(!set.is_disjoint(&oyez::SortedSet::from([15, 20])));
    /// ```
    pub fn is_disjoint(&self, other: &Self) -> bool {
        self.intersection(other).next().is_none()
    }
}

impl<'a, K: Ord> Iterator for Union<'a, K> {
    type Item = &'a K;

    fn next(&mut self) -> Option<&'a K> {
        let Some(their_first) = self.theirs.first() else { return self.ours.pop_first() };
        let Some(first) = self.ours.first() else { return self.theirs.pop_first() };
        match first.cmp(their_first) {
            Ordering::Less => self.ours.pop_first(),
            Ordering::Greater => self.theirs.pop_first(),
            Ordering::Equal => {
                self.theirs.pop_first();
                self.ours.pop_first()
            }
        }
    }

    /// Exact only when one set has no key left.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let (ours, theirs) = (self.ours.len(), self.theirs.len());
        (ours.max(theirs), Some(ours + theirs))
    }
}

impl<'a, K: Ord> DoubleEndedIterator for Union<'a, K> {
    fn next_back(&mut self) -> Option<&'a K> {
        let Some(their_last) = self.theirs.last() else { return self.ours.pop_last() };
        let Some(last) = self.ours.last() else { return self.theirs.pop_last() };
        match last.cmp(their_last) {
            Ordering::Greater => self.ours.pop_last(),
            Ordering::Less => self.theirs.pop_last(),
            Ordering::Equal => {
                self.theirs.pop_last();
                self.ours.pop_last()
            }
        }
    }
}

impl<'a, K: Ord> Iterator for Intersection<'a, K> {
    type Item = &'a K;

    fn next(&mut self) -> Option<&'a K> {
        loop {
            let first = self.ours.first()?;
            let their_first = self.theirs.first_from(first)?;
            if self.ours.first_from(their_first)?.cmp(their_first).is_eq() {
                self.theirs.pop_first();
                return self.ours.pop_first();
            }
        }
    }

    /// From none to the shorter of the two.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.ours.len().min(self.theirs.len())))
    }
}

impl<'a, K: Ord> DoubleEndedIterator for Intersection<'a, K> {
    fn next_back(&mut self) -> Option<&'a K> {
        loop {
            let last = self.ours.last()?;
            let their_last = self.theirs.last_to(last)?;
            if self.ours.last_to(their_last)?.cmp(their_last).is_eq() {
                self.theirs.pop_last();
                return self.ours.pop_last();
            }
        }
    }
}

impl<'a, K: Ord> Iterator for Difference<'a, K> {
    type Item = &'a K;

    fn next(&mut self) -> Option<&'a K> {
        loop {
            let first = self.ours.pop_first()?;
            if self.theirs.first_from(first).is_none_or(|their_first| their_first.cmp(first).is_ne()) {
                return Some(first);
            }
        }
    }

    /// Exact only when the second set has no key left.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let (ours, theirs) = (self.ours.len(), self.theirs.len());
        (ours.saturating_sub(theirs), Some(ours))
    }
}

impl<'a, K: Ord> DoubleEndedIterator for Difference<'a, K> {
    fn next_back(&mut self) -> Option<&'a K> {
        loop {
            let last = self.ours.pop_last()?;
            if self.theirs.last_to(last).is_none_or(|their_last| their_last.cmp(last).is_ne()) {
                return Some(last);
            }
        }
    }
}

impl<'a, K: Ord> Iterator for SymmetricDifference<'a, K> {
    type Item = &'a K;

    fn next(&mut self) -> Option<&'a K> {
        loop {
            let Some(their_first) = self.theirs.first() else { return self.ours.pop_first() };
            let Some(first) = self.ours.first() else { return self.theirs.pop_first() };
            match first.cmp(their_first) {
                Ordering::Less => return self.ours.pop_first(),
                Ordering::Greater => return self.theirs.pop_first(),
                Ordering::Equal => {
                    self.ours.pop_first();
                    self.theirs.pop_first();
                }
            }
        }
    }

    /// From the difference of the two lengths to their sum.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let (ours, theirs) = (self.ours.len(), self.theirs.len());
        (ours.abs_diff(theirs), Some(ours + theirs))
    }
}

impl<'a, K: Ord> DoubleEndedIterator for SymmetricDifference<'a, K> {
    fn next_back(&mut self) -> Option<&'a K> {
        loop {
            let Some(their_last) = self.theirs.last() else { return self.ours.pop_last() };
            let Some(last) = self.ours.last() else { return self.theirs.pop_last() };
            match last.cmp(their_last) {
                Ordering::Greater => return self.ours.pop_last(),
                Ordering::Less => return self.theirs.pop_last(),
                Ordering::Equal => {
                    self.ours.pop_last();
                    self.theirs.pop_last();
                }
            }
        }
    }
}

/// What the four iterators and their operators have in common.
macro_rules! of_two_sets {
    ($iterator:ident, $method:ident, $operator:ident, $call:ident) => {
        impl<K: Ord> FusedIterator for $iterator<'_, K> {}

        impl<K> Clone for $iterator<'_, K> {
            fn clone(&self) -> Self {
                $iterator { ours: self.ours.clone(), theirs: self.theirs.clone() }
            }
        }

        impl<K: Ord + fmt::Debug> fmt::Debug for $iterator<'_, K> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_list().entries(self.clone()).finish()
            }
        }

        /// A set of clones. O(n) in both sets.
        impl<K: Ord + Clone> $operator for &SortedSet<K> {
            type Output = SortedSet<K>;

            fn $call(self, other: &SortedSet<K>) -> SortedSet<K> {
                SortedSet { tree: self.tree.rebuilt(self.$method(other).cloned().collect()) }
            }
        }
    };
}

of_two_sets!(Union, union, BitOr, bitor);
of_two_sets!(Intersection, intersection, BitAnd, bitand);
of_two_sets!(Difference, difference, Sub, sub);
of_two_sets!(SymmetricDifference, symmetric_difference, BitXor, bitxor);
