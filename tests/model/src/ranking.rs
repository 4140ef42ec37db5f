//! The ranking: a vector of (score, id) that is sorted anew after each change.

use arbitrary::Arbitrary;
use proptest::prelude::*;
use std::ops::Range;

pub type Id = u16;
pub type Score = u8;

/// One call on a ranking.
#[derive(Clone, Debug, PartialEq, Arbitrary)]
pub enum Op {
    SetScore {
        id: Id,
        score: Score,
    },
    /// `len` ids from `from` up get scores that rise by `step`, and wrap.
    SetRun {
        from: Id,
        len: u8,
        score: Score,
        step: u8,
    },
    /// Adds to the score of an id, which without one counts as 0.
    Add {
        id: Id,
        points: u8,
    },
    /// Asks all there is to know of one id.
    Ask(Id),
    Remove(Id),
    PopFirst,
    PopLast,
    Select(u16),
    /// Ranks `from..to`.
    Slice {
        from: u16,
        to: u16,
    },
    /// Ranks `from..to` from the top.
    SliceDescending {
        from: u16,
        to: u16,
    },
    Top(u16),
    /// Scores `from..=to`, backwards too.
    Range {
        from: Score,
        to: Score,
    },
    /// Scores after `from`, before `to`.
    RangeExclusive {
        from: Score,
        to: Score,
    },
    /// Removes the scores `from..to`.
    RemoveRange {
        from: Score,
        to: Score,
    },
    /// Removes the ranks `from..to`.
    RemoveRanks {
        from: u16,
        to: u16,
    },
    /// Builds another from the same ids and scores, in an order of its own.
    Collect,
    Clear,
}

/// What a call lets its caller see.
#[derive(Debug, PartialEq)]
pub enum Seen {
    /// Each: the rank before, and now.
    Set(Vec<(Option<usize>, usize)>),
    Id(Option<Standing>),
    /// An id and its rank from the bottom and from the top.
    Asked(Option<(Score, usize, usize)>),
    Removed(Option<(usize, Score)>),
    Standings(Vec<(Id, Score)>),
    /// The ranks within a range and what stands there.
    Range(Range<usize>, Vec<(Id, Score)>),
    Nothing,
}

pub type Standing = (Id, Score);

/// Ids and scores of `SetRun`.
pub fn run_of(from: Id, len: u8, score: Score, step: u8) -> impl Iterator<Item = Standing> {
    (0..len).map(move |i| (from.wrapping_add(i.into()), score.wrapping_add(i.wrapping_mul(step))))
}

/// Scores with their ids, sorted.
#[derive(Default)]
pub struct Model {
    standings: Vec<(Score, Id)>,
}

impl Model {
    pub fn standings(&self) -> Vec<Standing> {
        self.ranks(0..self.standings.len())
    }

    pub fn apply(&mut self, op: &Op) -> Seen {
        match *op {
            Op::SetScore { id, score } => Seen::Set(vec![self.set(id, score)]),
            Op::SetRun { from, len, score, step } => {
                Seen::Set(run_of(from, len, score, step).map(|(id, score)| self.set(id, score)).collect())
            }
            Op::Add { id, points } => {
                let score = self.rank(id).map_or(0, |rank| self.standings[rank].0);
                Seen::Set(vec![self.set(id, score.wrapping_add(points))])
            }
            Op::Ask(id) => Seen::Asked(self.rank(id).map(|rank| {
                let from_top = self.standings.len() - 1 - rank;
                (self.standings[rank].0, rank, from_top)
            })),
            Op::Remove(id) => Seen::Removed(self.rank(id).map(|rank| (rank, self.standings.remove(rank).0))),
            Op::PopFirst => Seen::Id((!self.standings.is_empty()).then(|| swapped(self.standings.remove(0)))),
            Op::PopLast => Seen::Id(self.standings.pop().map(swapped)),
            Op::Select(rank) => Seen::Id(self.standings.get(usize::from(rank)).copied().map(swapped)),
            Op::Slice { from, to } => Seen::Standings(self.ranks(self.clipped(from, to))),
            Op::SliceDescending { from, to } => Seen::Standings(self.descending(self.clipped(from, to))),
            Op::Top(count) => Seen::Standings(self.descending(self.clipped(0, count))),
            Op::Range { from, to } => self.range(|score| from <= score && score <= to),
            Op::RangeExclusive { from, to } => self.range(|score| from < score && score < to),
            Op::RemoveRange { from, to } => {
                let seen = self.range(|score| from <= score && score < to);
                self.standings.retain(|(score, _)| !(from <= *score && *score < to));
                seen
            }
            Op::RemoveRanks { from, to } => {
                let ranks = self.clipped(from, to);
                Seen::Range(ranks.clone(), self.standings.drain(ranks).map(swapped).collect())
            }
            Op::Collect => Seen::Nothing,
            Op::Clear => {
                self.standings.clear();
                Seen::Nothing
            }
        }
    }

    fn set(&mut self, id: Id, score: Score) -> (Option<usize>, usize) {
        let before = self.rank(id);
        self.standings.retain(|(_, other)| *other != id);
        self.standings.push((score, id));
        self.standings.sort_unstable();
        (before, self.rank(id).expect("it was just set"))
    }

    fn rank(&self, id: Id) -> Option<usize> {
        self.standings.iter().position(|(_, other)| *other == id)
    }

    fn clipped(&self, from: u16, to: u16) -> Range<usize> {
        let to = usize::from(to).min(self.standings.len());
        usize::from(from).min(to)..to
    }

    fn ranks(&self, ranks: Range<usize>) -> Vec<Standing> {
        self.standings[ranks].iter().copied().map(swapped).collect()
    }

    fn descending(&self, from_top: Range<usize>) -> Vec<Standing> {
        self.standings.iter().rev().skip(from_top.start).take(from_top.len()).copied().map(swapped).collect()
    }

    fn range(&self, holds: impl Fn(Score) -> bool) -> Seen {
        let standings: Vec<_> = self.standings.iter().copied().filter(|(score, _)| holds(*score)).collect();
        match standings.first() {
            None => Seen::Range(0..0, vec![]),
            Some((_, id)) => {
                let start = self.rank(*id).expect("it stands there");
                Seen::Range(start..start + standings.len(), standings.into_iter().map(swapped).collect())
            }
        }
    }
}

fn swapped((score, id): (Score, Id)) -> Standing {
    (id, score)
}

/// Operations over few or many ids and scores, so that ties are sometimes the rule.
pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    let ids = prop_oneof![Just(6_u16), Just(100), Just(1_000)];
    let scores = prop_oneof![Just(3_u8), Just(30), Just(u8::MAX)];
    (ids, scores).prop_flat_map(|(ids, scores)| prop::collection::vec(op(ids, scores), 0..80))
}

fn op(ids: u16, scores: u8) -> impl Strategy<Value = Op> {
    let id = move || 0..ids;
    let score = move || 0..scores;
    let ranks = move || (id(), id());
    let ends = move || (score(), score());
    prop_oneof![
        8 => (id(), score()).prop_map(|(id, score)| Op::SetScore { id, score }),
        4 => (id(), 0..100_u8, score(), 0..9_u8)
            .prop_map(|(from, len, score, step)| Op::SetRun { from, len, score, step }),
        3 => (id(), score()).prop_map(|(id, points)| Op::Add { id, points }),
        3 => id().prop_map(Op::Ask),
        4 => id().prop_map(Op::Remove),
        1 => Just(Op::PopFirst),
        1 => Just(Op::PopLast),
        1 => id().prop_map(Op::Select),
        1 => ranks().prop_map(|(from, to)| Op::Slice { from, to }),
        1 => ranks().prop_map(|(from, to)| Op::SliceDescending { from, to }),
        1 => id().prop_map(Op::Top),
        2 => ends().prop_map(|(from, to)| Op::Range { from, to }),
        2 => ends().prop_map(|(from, to)| Op::RangeExclusive { from, to }),
        1 => ends().prop_map(|(from, to)| Op::RemoveRange { from, to }),
        1 => ranks().prop_map(|(from, to)| Op::RemoveRanks { from, to }),
        1 => Just(Op::Collect),
        1 => Just(Op::Clear),
    ]
}
