//! The keys of a ranking's sorted set, and how to look one up without owning it.

use std::borrow::Borrow;
use std::cmp::Ordering;

/// An id with its score. Ordered by score, then by id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Standing<Id, Score> {
    pub score: Score,
    pub id: Id,
}

/// Where something stands among those of one score.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tie<Id> {
    BeforeAll,
    At(Id),
    BehindAll,
}

/// A place in the order, borrowed: of an id, or an end of a score.
pub(super) struct Probe<'p, Id, Score> {
    pub score: &'p Score,
    pub tie: Tie<&'p Id>,
}

/// What standings and probes have in common. A standing is looked up as this, since it can lend no `&(Score, Id)` that
/// a caller could also make from a score here and an id there.
pub(super) trait Place<Id, Score> {
    fn score(&self) -> &Score;
    fn tie(&self) -> Tie<&Id>;
}

impl<Id, Score> Place<Id, Score> for Standing<Id, Score> {
    fn score(&self) -> &Score {
        &self.score
    }

    fn tie(&self) -> Tie<&Id> {
        Tie::At(&self.id)
    }
}

impl<Id, Score> Place<Id, Score> for Probe<'_, Id, Score> {
    fn score(&self) -> &Score {
        self.score
    }

    fn tie(&self) -> Tie<&Id> {
        self.tie
    }
}

impl<'p, Id: Ord + 'p, Score: Ord + 'p> Borrow<dyn Place<Id, Score> + 'p> for Standing<Id, Score> {
    fn borrow(&self) -> &(dyn Place<Id, Score> + 'p) {
        self
    }
}

impl<Id: Ord, Score: Ord> Ord for dyn Place<Id, Score> + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score().cmp(other.score()).then_with(|| self.tie().cmp(&other.tie()))
    }
}

impl<Id: Ord, Score: Ord> PartialOrd for dyn Place<Id, Score> + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<Id: Ord, Score: Ord> PartialEq for dyn Place<Id, Score> + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<Id: Ord, Score: Ord> Eq for dyn Place<Id, Score> + '_ {}
