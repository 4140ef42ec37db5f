//! Ids by score, each with its rank: [`Ranking`].
//!
//! A map from ids to scores beside a [`SortedSet`] of (score, id). `standing.rs` has that key, `serial.rs` serde.

#[cfg(feature = "serde")]
mod serial;
mod standing;

use crate::sorted_set::{self, Repositioned, SortedSet};
use ahash::AHashMap;
use standing::{Place, Probe, Standing, Tie};
use std::borrow::Borrow;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::Hash;
use std::iter::{FusedIterator, Rev};
use std::ops::{Bound, Range, RangeBounds};

/// The map has room for so many times its ids before it gives memory back.
const ROOMY: usize = 4;

/// Ids by score, each id once: a leaderboard, a priority, a queue by due time. What Redis calls a sorted set.
///
/// Ranks are 0-based and ascend with the score; ids of one score stand in the order of the ids. What has `descending`
/// in its name, and [`top`](Self::top), counts from the greatest score, and ids of one score from the greatest id.
///
/// Setting a score tells both ranks, the one before and the one now.
///
/// | Redis | here | cost |
/// |---|---|---|
/// | `ZADD` | [`set_score`](Self::set_score), which tells the ranks | O(log n) |
/// | `ZINCRBY`, `ZADD` with `NX`, `GT`, `LT` | [`update`](Self::update) | O(log n) |
/// | `ZSCORE`, `ZCARD` | [`score`](Self::score), [`len`](Self::len) | O(1) |
/// | `ZRANK`, `ZREVRANK` | [`rank`](Self::rank), [`rank_descending`](Self::rank_descending) | O(log n) |
/// | `ZRANGE`, `ZREVRANGE` | [`slice`](Self::slice), [`slice_descending`](Self::slice_descending) | O(log n + ids) |
/// | `ZRANGEBYSCORE` | [`range`](Self::range) | O(log n + ids) |
/// | `ZCOUNT` | [`count`](Self::count) | O(log n) |
/// | `ZREM` | [`remove`](Self::remove) | O(log n) |
/// | `ZREMRANGEBYSCORE` | [`remove_range`](Self::remove_range) | O(log n) an id |
/// | `ZREMRANGEBYRANK` | [`remove_ranks`](Self::remove_ranks) | O(log n) an id |
/// | `ZPOPMIN`, `ZPOPMAX` | [`pop_first`](Self::pop_first), [`pop_last`](Self::pop_last) | O(log n) |
///
/// # Trade-offs
///
/// - Ids and scores are kept twice, in the map and in the order: wrap long ids in an `Arc`.
/// - Scores are anything with a total order. Redis's are `f64`; those need a wrapper that says where NaN stands.
/// - The order of an id or a score, or the hash of an id, must not change while it is here: calls may then panic, and
///   answers are unspecified. If `Ord` panics, the ranking is as it was before the call.
///
/// # Examples
///
/// ```
/// use oyez::Ranking;
/// use oyez::ranking::Ranked;
///
/// let mut board = Ranking::new();
/// assert_eq!(board.set_score("ada", 700), Ranked::New { rank: 0 });
/// assert_eq!(board.set_score("bob", 800), Ranked::New { rank: 1 });
/// assert_eq!(board.set_score("eve", 800), Ranked::New { rank: 2 });
/// assert_eq!(board.set_score("ada", 900), Ranked::Moved { from: 0, to: 2 });
/// assert_eq!(board.rank("bob"), Some(0));
/// assert_eq!(board.rank_descending("bob"), Some(2));
/// assert!(board.top(2).eq([(&"ada", &900), (&"eve", &800)]));
/// ```
#[derive(Clone)]
pub struct Ranking<Id, Score> {
    scores: AHashMap<Id, Score>,
    order: SortedSet<Standing<Id, Score>>,
}

/// What [`Ranking::set_score`] did, with the ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranked {
    /// The id is new.
    New {
        /// Its rank.
        rank: usize,
    },
    /// The id had another score. The ranks may be the same all the same.
    Moved {
        /// Its rank before.
        from: usize,
        /// Its rank now.
        to: usize,
    },
    /// The id had this score.
    Unchanged {
        /// Its rank.
        rank: usize,
    },
}

impl Ranked {
    /// The id's rank now. O(1).
    pub fn rank(self) -> usize {
        match self {
            Ranked::New { rank } | Ranked::Moved { to: rank, .. } | Ranked::Unchanged { rank } => rank,
        }
    }
}

impl<Id, Score> Ranking<Id, Score> {
    /// An empty ranking. Allocates nothing. O(1).
    pub fn new() -> Self {
        Ranking { scores: AHashMap::new(), order: SortedSet::new() }
    }

    /// An empty ranking with small nodes, for tests.
    ///
    /// # Panics
    ///
    /// As [`SortedSet::with_node_sizes`] does.
    #[doc(hidden)]
    pub fn with_node_sizes(leaf: usize, branch: usize) -> Self {
        Ranking { scores: AHashMap::new(), order: SortedSet::with_node_sizes(leaf, branch) }
    }

    /// The number of ids. O(1).
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is no id. O(1).
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The id at this rank, with its score; `None` from the length on. O(log n).
    ///
    /// ```
    /// let board = oyez::Ranking::from([("ada", 700), ("bob", 800)]);
    /// assert_eq!(board.select(1), Some((&"bob", &800)));
    /// ```
    pub fn select(&self, rank: usize) -> Option<(&Id, &Score)> {
        self.order.select(rank).map(Standing::pair)
    }

    /// All ids with their scores, in rank order. O(log n) for each end it is read from, then O(1) amortised an id.
    pub fn iter(&self) -> Iter<'_, Id, Score> {
        Iter { standings: self.order.iter() }
    }

    /// The ids of these ranks with their scores. What lies beyond the end is left out. O(log n), then O(1) amortised an
    /// id.
    ///
    /// ```
    /// let board = oyez::Ranking::from([("ada", 700), ("bob", 800), ("eve", 900)]);
    /// assert!(board.slice(1..9).eq([(&"bob", &800), (&"eve", &900)]));
    /// ```
    pub fn slice(&self, ranks: Range<usize>) -> Iter<'_, Id, Score> {
        Iter { standings: self.order.slice(ranks) }
    }

    /// The ids of these ranks counted from the greatest score, that one first. What lies beyond the end is left out.
    /// O(log n), then O(1) amortised an id.
    ///
    /// ```
    /// let board = oyez::Ranking::from([("ada", 700), ("bob", 800), ("eve", 900)]);
    /// assert!(board.slice_descending(1..9).eq([(&"bob", &800), (&"ada", &700)])); // the second page
    /// ```
    pub fn slice_descending(&self, ranks: Range<usize>) -> Rev<Iter<'_, Id, Score>> {
        let len = self.len();
        let from_end = |rank: usize| len - rank.min(len);
        self.slice(from_end(ranks.end)..from_end(ranks.start)).rev()
    }

    /// The `count` ids with the greatest scores, the greatest first. O(log n), then O(1) amortised an id.
    ///
    /// ```
    /// let board = oyez::Ranking::from([("ada", 700), ("bob", 800), ("eve", 900)]);
    /// assert!(board.top(2).eq([(&"eve", &900), (&"bob", &800)]));
    /// ```
    pub fn top(&self, count: usize) -> Rev<Iter<'_, Id, Score>> {
        self.slice_descending(0..count)
    }

    /// Removes all ids. O(n).
    pub fn clear(&mut self) {
        self.scores = AHashMap::new();
        self.order.clear();
    }
}

impl<Id: Hash + Ord + Clone, Score: Ord + Clone> Ranking<Id, Score> {
    /// Gives an id a score, whether it had one or not, and tells the rank before and now. O(log n).
    ///
    /// ```
    /// use oyez::ranking::Ranked;
    ///
    /// let mut board = oyez::Ranking::from([("ada", 700), ("bob", 800)]);
    /// assert_eq!(board.set_score("ada", 900), Ranked::Moved { from: 0, to: 1 });
    /// assert_eq!(board.set_score("ada", 900), Ranked::Unchanged { rank: 1 });
    /// assert_eq!(board.set_score("eve", 850), Ranked::New { rank: 1 });
    /// ```
    ///
    /// # Panics
    ///
    /// When the ranking already holds `u32::MAX - 1` ids.
    pub fn set_score(&mut self, id: Id, score: Score) -> Ranked {
        // The map's entry is found first and written last: what can panic in between leaves both as they were.
        match self.scores.entry(id) {
            Entry::Vacant(vacant) => {
                let standing = Standing { score: score.clone(), id: vacant.key().clone() };
                let rank = self.order.insert(standing).rank();
                vacant.insert(score);
                Ranked::New { rank }
            }
            Entry::Occupied(mut occupied) => {
                let old = Probe { score: occupied.get(), tie: Tie::At(occupied.key()) };
                let standing = Standing { score: score.clone(), id: occupied.key().clone() };
                let same = old.score.cmp(&score).is_eq();
                match self.order.reposition(old.as_place(), standing) {
                    Repositioned::Moved { from, .. } if same => Ranked::Unchanged { rank: from },
                    Repositioned::Moved { from, to } => {
                        occupied.insert(score);
                        Ranked::Moved { from, to }
                    }
                    other => unreachable!("each id stands in the order once, with its score: {other:?}"),
                }
            }
        }
    }

    /// Gives an id the score that `score` makes of the one it has, and tells the ranks. O(log n).
    ///
    /// ```
    /// let mut board = oyez::Ranking::from([("ada", 700), ("bob", 800)]);
    /// board.update("ada", |score| score.copied().unwrap_or(0) + 50); // ZINCRBY
    /// board.update("bob", |score| score.copied().unwrap_or(0).max(300)); // ZADD GT
    /// assert!(board.iter().eq([(&"ada", &750), (&"bob", &800)]));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`set_score`](Self::set_score) does.
    pub fn update(&mut self, id: Id, score: impl FnOnce(Option<&Score>) -> Score) -> Ranked {
        let score = score(self.scores.get(&id));
        self.set_score(id, score)
    }

    /// The score of an id. O(1).
    ///
    /// ```
    /// let board = oyez::Ranking::from([("ada", 700)]);
    /// assert_eq!((board.score("ada"), board.score("bob")), (Some(&700), None));
    /// ```
    pub fn score<Q>(&self, id: &Q) -> Option<&Score>
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.scores.get(id)
    }

    /// The rank of an id. O(log n).
    ///
    /// ```
    /// let board = oyez::Ranking::from([("ada", 700), ("bob", 800)]);
    /// assert_eq!((board.rank("bob"), board.rank("eve")), (Some(1), None));
    /// ```
    pub fn rank<Q>(&self, id: &Q) -> Option<usize>
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (id, score) = self.scores.get_key_value(id)?;
        self.order.rank(Probe { score, tie: Tie::At(id) }.as_place()).ok()
    }

    /// The rank of an id, counted from the greatest score. O(log n).
    ///
    /// ```
    /// let board = oyez::Ranking::from([("ada", 700), ("bob", 800)]);
    /// assert_eq!(board.rank_descending("bob"), Some(0));
    /// ```
    pub fn rank_descending<Q>(&self, id: &Q) -> Option<usize>
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.rank(id).map(|rank| self.len() - 1 - rank)
    }

    /// Removes an id; returns the rank and the score it had. O(log n).
    ///
    /// ```
    /// let mut board = oyez::Ranking::from([("ada", 700), ("bob", 800)]);
    /// assert_eq!(board.remove("bob"), Some((1, 800)));
    /// assert_eq!(board.remove("bob"), None);
    /// ```
    pub fn remove<Q>(&mut self, id: &Q) -> Option<(usize, Score)>
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (stored, score) = self.scores.get_key_value(id)?;
        let (rank, standing) = self.order.take(Probe { score, tie: Tie::At(stored) }.as_place())?;
        self.scores.remove(id);
        self.give_back();
        Some((rank, standing.score))
    }

    /// Removes the id with the least score. O(log n).
    ///
    /// ```
    /// let mut due = oyez::Ranking::from([("ada", 30), ("bob", 10)]);
    /// assert_eq!(due.pop_first(), Some(("bob", 10)));
    /// assert_eq!(due.len(), 1);
    /// ```
    pub fn pop_first(&mut self) -> Option<(Id, Score)> {
        let standing = self.order.pop_first()?;
        self.scores.remove(&standing.id);
        self.give_back();
        Some(standing.into_pair())
    }

    /// Removes the id with the greatest score. O(log n).
    pub fn pop_last(&mut self) -> Option<(Id, Score)> {
        let standing = self.order.pop_last()?;
        self.scores.remove(&standing.id);
        self.give_back();
        Some(standing.into_pair())
    }

    /// The ranks of the ids whose scores lie in a range; its length counts them. O(log n). A range that ends before it
    /// starts gives an empty range of ranks.
    ///
    /// ```
    /// let board = oyez::Ranking::from([("ada", 700), ("bob", 800), ("eve", 800), ("joe", 900)]);
    /// assert_eq!(board.ranks(800..900), 1..3);
    /// ```
    pub fn ranks(&self, scores: impl RangeBounds<Score>) -> Range<usize> {
        let before = |score, tie| {
            let (Ok(rank) | Err(rank)) = self.order.rank(Probe { score, tie }.as_place());
            rank
        };
        let start = match scores.start_bound() {
            Bound::Included(score) => before(score, Tie::BeforeAll),
            Bound::Excluded(score) => before(score, Tie::BehindAll),
            Bound::Unbounded => 0,
        };
        let end = match scores.end_bound() {
            Bound::Included(score) => before(score, Tie::BehindAll),
            Bound::Excluded(score) => before(score, Tie::BeforeAll),
            Bound::Unbounded => self.len(),
        };
        start.min(end)..end
    }

    /// How many ids have scores in a range. O(log n).
    ///
    /// ```
    /// let board = oyez::Ranking::from([("ada", 700), ("bob", 800), ("eve", 900)]);
    /// assert_eq!(board.count(800..), 2);
    /// ```
    pub fn count(&self, scores: impl RangeBounds<Score>) -> usize {
        self.ranks(scores).len()
    }

    /// The ids whose scores lie in a range, in rank order. O(log n), then O(1) amortised an id.
    ///
    /// ```
    /// let board = oyez::Ranking::from([("ada", 700), ("bob", 800), ("eve", 900)]);
    /// assert!(board.range(..=800).eq([(&"ada", &700), (&"bob", &800)]));
    /// ```
    pub fn range(&self, scores: impl RangeBounds<Score>) -> Iter<'_, Id, Score> {
        self.slice(self.ranks(scores))
    }

    /// Removes the ids whose scores lie in a range; returns the ranks they had, whose length counts them. O(log n) an
    /// id.
    ///
    /// ```
    /// let mut due = oyez::Ranking::from([("ada", 10), ("bob", 20), ("eve", 30)]);
    /// assert_eq!(due.remove_range(..=20), 0..2);
    /// assert!(due.iter().eq([(&"eve", &30)]));
    /// ```
    pub fn remove_range(&mut self, scores: impl RangeBounds<Score>) -> Range<usize> {
        self.remove_ranks(self.ranks(scores))
    }

    /// Removes the ids of these ranks; returns those that there were. O(log n) an id.
    ///
    /// ```
    /// let mut board = oyez::Ranking::from([("ada", 700), ("bob", 800), ("eve", 900)]);
    /// assert_eq!(board.remove_ranks(0..board.len() - 1), 0..2); // the best one stays
    /// assert!(board.iter().eq([(&"eve", &900)]));
    /// ```
    pub fn remove_ranks(&mut self, ranks: Range<usize>) -> Range<usize> {
        for standing in self.order.slice(ranks.clone()) {
            self.scores.remove(&standing.id);
        }
        self.give_back();
        self.order.remove_ranks(ranks)
    }

    /// Gives the map's memory back when most of it is unused. O(1) amortised: it takes as many removals as it moves ids.
    fn give_back(&mut self) {
        let len = self.scores.len();
        if len < self.scores.capacity() / ROOMY {
            self.scores.shrink_to(2 * len);
        }
    }

    /// Checks that map and order agree, and the order itself; returns the number of ids. O(n log n). For tests.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    #[doc(hidden)]
    pub fn validate(&self) -> Result<usize, String> {
        let count = self.order.validate()?;
        if count != self.scores.len() {
            return Err(format!("{count} ids stand in the order, {} have a score", self.scores.len()));
        }
        let astray = self.order.iter().position(|standing| match self.scores.get(&standing.id) {
            Some(score) => score.cmp(&standing.score).is_ne(),
            None => true,
        });
        astray.map_or(Ok(count), |rank| Err(format!("the id at rank {rank} has another score in the map, or none")))
    }
}

impl<Id, Score> Standing<Id, Score> {
    fn pair(&self) -> (&Id, &Score) {
        (&self.id, &self.score)
    }

    fn into_pair(self) -> (Id, Score) {
        (self.id, self.score)
    }
}

impl<'p, Id: Ord, Score: Ord> Probe<'p, Id, Score> {
    fn as_place(&self) -> &(dyn Place<Id, Score> + 'p) {
        self
    }
}

impl<Id, Score> Default for Ranking<Id, Score> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Id: fmt::Debug, Score: fmt::Debug> fmt::Debug for Ranking<Id, Score> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<Id: PartialEq, Score: PartialEq> PartialEq for Ranking<Id, Score> {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl<Id: Eq, Score: Eq> Eq for Ranking<Id, Score> {}

/// Sets one score after the other, O(log n) each.
impl<Id: Hash + Ord + Clone, Score: Ord + Clone> Extend<(Id, Score)> for Ranking<Id, Score> {
    fn extend<I: IntoIterator<Item = (Id, Score)>>(&mut self, scores: I) {
        for (id, score) in scores {
            self.set_score(id, score);
        }
    }
}

/// Sorts and builds in O(n log n); of several scores of one id the last counts.
impl<Id: Hash + Ord + Clone, Score: Ord + Clone> FromIterator<(Id, Score)> for Ranking<Id, Score> {
    fn from_iter<I: IntoIterator<Item = (Id, Score)>>(scores: I) -> Self {
        let scores: AHashMap<Id, Score> = scores.into_iter().collect();
        let standings = scores.iter().map(|(id, score)| Standing { score: score.clone(), id: id.clone() });
        let order = standings.collect();
        Ranking { scores, order }
    }
}

/// Sorts and builds in O(n log n); of several scores of one id the last counts.
impl<Id: Hash + Ord + Clone, Score: Ord + Clone, const N: usize> From<[(Id, Score); N]> for Ranking<Id, Score> {
    fn from(scores: [(Id, Score); N]) -> Self {
        scores.into_iter().collect()
    }
}

impl<'a, Id, Score> IntoIterator for &'a Ranking<Id, Score> {
    type Item = (&'a Id, &'a Score);
    type IntoIter = Iter<'a, Id, Score>;

    fn into_iter(self) -> Iter<'a, Id, Score> {
        self.iter()
    }
}

/// Ids with their scores by value, in rank order.
impl<Id, Score> IntoIterator for Ranking<Id, Score> {
    type Item = (Id, Score);
    type IntoIter = IntoIter<Id, Score>;

    fn into_iter(self) -> IntoIter<Id, Score> {
        IntoIter { standings: self.order.into_iter() }
    }
}

/// Ids with their scores by value, in rank order, from both ends. Made by `into_iter`. O(log n) an id.
pub struct IntoIter<Id, Score> {
    standings: sorted_set::IntoIter<Standing<Id, Score>>,
}

impl<Id, Score> Iterator for IntoIter<Id, Score> {
    type Item = (Id, Score);

    fn next(&mut self) -> Option<Self::Item> {
        self.standings.next().map(Standing::into_pair)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.standings.size_hint()
    }
}

impl<Id, Score> DoubleEndedIterator for IntoIter<Id, Score> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.standings.next_back().map(Standing::into_pair)
    }
}

impl<Id, Score> ExactSizeIterator for IntoIter<Id, Score> {}
impl<Id, Score> FusedIterator for IntoIter<Id, Score> {}

impl<Id: fmt::Debug, Score: fmt::Debug> fmt::Debug for IntoIter<Id, Score> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.standings.fmt(f)
    }
}

/// Ids of a range of ranks with their scores, in rank order. Made by [`Ranking::iter`], [`slice`](Ranking::slice) and
/// [`range`](Ranking::range); knows its length and runs from both ends.
pub struct Iter<'a, Id, Score> {
    standings: sorted_set::Iter<'a, Standing<Id, Score>>,
}

impl<'a, Id, Score> Iterator for Iter<'a, Id, Score> {
    type Item = (&'a Id, &'a Score);

    fn next(&mut self) -> Option<Self::Item> {
        self.standings.next().map(Standing::pair)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.standings.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.standings.nth(n).map(Standing::pair)
    }

    fn fold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, mut f: F) -> B {
        self.standings.fold(init, |folded, standing| f(folded, standing.pair()))
    }
}

impl<Id, Score> DoubleEndedIterator for Iter<'_, Id, Score> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.standings.next_back().map(Standing::pair)
    }

    fn nth_back(&mut self, n: usize) -> Option<Self::Item> {
        self.standings.nth_back(n).map(Standing::pair)
    }
}

impl<Id, Score> ExactSizeIterator for Iter<'_, Id, Score> {}
impl<Id, Score> FusedIterator for Iter<'_, Id, Score> {}

impl<Id, Score> Clone for Iter<'_, Id, Score> {
    fn clone(&self) -> Self {
        Iter { standings: self.standings.clone() }
    }
}

impl<Id: fmt::Debug, Score: fmt::Debug> fmt::Debug for Iter<'_, Id, Score> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
