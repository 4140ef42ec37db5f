//! Two sets: union, intersection, differences, and whether one holds the other.
//!
//! The four iterators are lazy, run from both ends and lend keys. A union or a symmetric difference walks both sets
//! side by side. So does an intersection or a difference of two sets of about one size, but it does not step over each
//! key that cannot matter: after [`WALK`] of them it goes with one descent to the next that may. If one set is [`ASK`]
//! times as large as the other, it is asked for each key of the small one instead.

use super::{Iter, SortedSet};
use std::cmp::Ordering;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::{BitAnd, BitOr, BitXor, Sub};

/// Keys to step over before a descent is cheaper.
const WALK: usize = 16;

/// How many times as large a set must be that a descent for each key of the other is cheaper.
const ASK: usize = 16;

/// How to find the keys that two sets have in common.
#[derive(Clone, Copy)]
enum Way {
    Walk,
    /// Ask the second for each key of the first.
    AskTheirs,
    /// Ask the first for each key of the second.
    AskOurs,
}

impl Way {
    fn of<K>(ours: &SortedSet<K>, theirs: &SortedSet<K>) -> Self {
        if theirs.len() / ASK > ours.len() {
            Way::AskTheirs
        } else if ours.len() / ASK > theirs.len() {
            Way::AskOurs
        } else {
            Way::Walk
        }
    }
}

/// What is left of one set: the keys that were looked at, and those in between.
struct Ends<'a, K> {
    set: &'a SortedSet<K>,
    first: Option<&'a K>,
    keys: Iter<'a, K>,
    last: Option<&'a K>,
    /// Keys taken from the front of `keys`, and from its back.
    taken: (usize, usize),
}

impl<'a, K> Ends<'a, K> {
    fn new(set: &'a SortedSet<K>) -> Self {
        Ends { set, first: None, keys: set.iter(), last: None, taken: (0, 0) }
    }

    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.keys.len() + usize::from(self.last.is_some())
    }

    fn first(&mut self) -> Option<&'a K> {
        if self.first.is_none() {
            self.taken.0 += 1;
            self.first = self.keys.next().or_else(|| self.last.take());
        }
        self.first
    }

    fn last(&mut self) -> Option<&'a K> {
        if self.last.is_none() {
            self.taken.1 += 1;
            self.last = self.keys.next_back().or_else(|| self.first.take());
        }
        self.last
    }

    fn pop_first(&mut self) -> Option<&'a K> {
        self.first();
        self.first.take()
    }

    fn pop_last(&mut self) -> Option<&'a K> {
        self.last();
        self.last.take()
    }
}

impl<'a, K: Ord> Ends<'a, K> {
    /// The first key that is not smaller than `key`; those before it are passed.
    fn first_from(&mut self, key: &K) -> Option<&'a K> {
        for _ in 0..WALK {
            if self.first()?.cmp(key).is_ge() {
                return self.first;
            }
            self.first = None;
        }
        let (Ok(rank) | Err(rank)) = self.set.rank(key);
        if let Some(skipped @ 1..) = rank.checked_sub(self.taken.0) {
            self.keys.nth(skipped - 1);
            self.taken.0 = rank;
        }
        // The next one may have been looked at from the other end.
        if self.first()?.cmp(key).is_lt() {
            self.first = None;
        }
        self.first()
    }

    /// The last key that is not greater than `key`; those behind it are passed.
    fn last_to(&mut self, key: &K) -> Option<&'a K> {
        for _ in 0..WALK {
            if self.last()?.cmp(key).is_le() {
                return self.last;
            }
            self.last = None;
        }
        let behind = self.set.len() - self.set.rank(key).map_or_else(|rank| rank, |rank| rank + 1);
        if let Some(skipped @ 1..) = behind.checked_sub(self.taken.1) {
            self.keys.nth_back(skipped - 1);
            self.taken.1 = behind;
        }
        if self.last()?.cmp(key).is_gt() {
            self.last = None;
        }
        self.last()
    }
}

impl<K> Clone for Ends<'_, K> {
    fn clone(&self) -> Self {
        Ends { keys: self.keys.clone(), ..*self }
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
    way: Way,
}

/// The keys that are in the first set and not in the second, in order. Made by [`SortedSet::difference`].
pub struct Difference<'a, K> {
    ours: Ends<'a, K>,
    theirs: Ends<'a, K>,
    way: Way,
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

    /// The keys that are in this set and in `other`, in order, as this set has them. O(1) amortised for each key of
    /// both, but at most O(log n) for each key of the smaller set.
    ///
    /// ```
    /// use oyez::SortedSet;
    ///
    /// let (even, tens) = (SortedSet::from([8, 10, 12]), SortedSet::from([10, 20]));
    /// assert!(even.intersection(&tens).eq(&[10]));
    /// assert_eq!(&even & &tens, SortedSet::from([10]));
    /// ```
    pub fn intersection<'a>(&'a self, other: &'a Self) -> Intersection<'a, K> {
        Intersection { ours: Ends::new(self), theirs: Ends::new(other), way: Way::of(self, other) }
    }

    /// The keys of this set that are not in `other`, in order. O(1) amortised for each key of both, but at most
    /// O(log n) for each key of this set.
    ///
    /// ```
    /// use oyez::SortedSet;
    ///
    /// let (even, tens) = (SortedSet::from([8, 10, 12]), SortedSet::from([10, 20]));
    /// assert!(even.difference(&tens).rev().eq(&[12, 8]));
    /// assert_eq!(&even - &tens, SortedSet::from([8, 12]));
    /// ```
    pub fn difference<'a>(&'a self, other: &'a Self) -> Difference<'a, K> {
        Difference { ours: Ends::new(self), theirs: Ends::new(other), way: Way::of(self, other) }
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
            match self.way {
                Way::Walk => {
                    let first = self.ours.first()?;
                    let their_first = self.theirs.first_from(first)?;
                    if self.ours.first_from(their_first)?.cmp(their_first).is_eq() {
                        self.theirs.pop_first();
                        return self.ours.pop_first();
                    }
                }
                Way::AskTheirs => {
                    let first = self.ours.pop_first()?;
                    if self.theirs.set.contains(first) {
                        return Some(first);
                    }
                }
                Way::AskOurs => {
                    if let Some(key) = self.ours.set.get(self.theirs.pop_first()?) {
                        return Some(key);
                    }
                }
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
            match self.way {
                Way::Walk => {
                    let last = self.ours.last()?;
                    let their_last = self.theirs.last_to(last)?;
                    if self.ours.last_to(their_last)?.cmp(their_last).is_eq() {
                        self.theirs.pop_last();
                        return self.ours.pop_last();
                    }
                }
                Way::AskTheirs => {
                    let last = self.ours.pop_last()?;
                    if self.theirs.set.contains(last) {
                        return Some(last);
                    }
                }
                Way::AskOurs => {
                    if let Some(key) = self.ours.set.get(self.theirs.pop_last()?) {
                        return Some(key);
                    }
                }
            }
        }
    }
}

impl<'a, K: Ord> Iterator for Difference<'a, K> {
    type Item = &'a K;

    fn next(&mut self) -> Option<&'a K> {
        loop {
            let first = self.ours.pop_first()?;
            let is_theirs = match self.way {
                Way::AskTheirs => self.theirs.set.contains(first),
                Way::Walk | Way::AskOurs => self.theirs.first_from(first).is_some_and(|key| key.cmp(first).is_eq()),
            };
            if !is_theirs {
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
            let is_theirs = match self.way {
                Way::AskTheirs => self.theirs.set.contains(last),
                Way::Walk | Way::AskOurs => self.theirs.last_to(last).is_some_and(|key| key.cmp(last).is_eq()),
            };
            if !is_theirs {
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
    ($iterator:ident $(with $way:ident)?, $method:ident, $operator:ident, $call:ident) => {
        impl<K: Ord> FusedIterator for $iterator<'_, K> {}

        impl<K> Clone for $iterator<'_, K> {
            fn clone(&self) -> Self {
                $iterator { ours: self.ours.clone(), theirs: self.theirs.clone() $(, $way: self.$way)? }
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
of_two_sets!(Intersection with way, intersection, BitAnd, bitand);
of_two_sets!(Difference with way, difference, Sub, sub);
of_two_sets!(SymmetricDifference, symmetric_difference, BitXor, bitxor);
