//! `Ranking` against a vector that is sorted after each change.

use crate::script;
use oyez::{Ranked, Ranking};
use oyez_model::ranking::{Id, Model, Op, Score, Seen, Standing, run_of};
use std::ops::Bound::Excluded;
use std::ops::Range;

/// Leaf and branch sizes every script is run with: the smallest, and the real one.
const NODE_SIZES: [(usize, usize); 2] = [(4, 4), (64, 32)];

/// Runs the script over every node size.
///
/// # Panics
///
/// At the first difference, and when a ranking is not valid.
pub fn run(ops: &[Op]) {
    for (leaf, branch) in NODE_SIZES {
        let mut model = Model::default();
        let mut ranking = Ranking::with_node_sizes(leaf, branch);
        script::run("oyez_driver::ranking::run", ops, |op| {
            let expected = model.apply(op);
            assert_eq!(apply(&mut ranking, op), expected, "nodes of {leaf} and {branch}: {op:?}");
            assert_eq!(ranking.validate(), Ok(model.standings().len()), "nodes of {leaf} and {branch}: {op:?}");
        });
        assert_eq!(standings(ranking.iter()), model.standings(), "nodes of {leaf} and {branch}: the whole ranking");
    }
}

fn apply(ranking: &mut Ranking<Id, Score>, op: &Op) -> Seen {
    match *op {
        Op::SetScore { id, score } => Seen::Set(vec![set(ranking, id, score)]),
        Op::SetRun { from, len, score, step } => {
            Seen::Set(run_of(from, len, score, step).map(|(id, score)| set(ranking, id, score)).collect())
        }
        Op::Add { id, points } => {
            let ranked = ranking.update(id, |score| score.copied().unwrap_or(0).wrapping_add(points));
            Seen::Set(vec![ranks(ranked)])
        }
        Op::Ask(id) => Seen::Asked(ranking.rank(&id).map(|rank| {
            let from_top = ranking.rank_descending(&id).expect("it has a rank");
            (*ranking.score(&id).expect("it has a rank"), rank, from_top)
        })),
        Op::Remove(id) => Seen::Removed(ranking.remove(&id)),
        Op::PopFirst => Seen::Id(ranking.pop_first()),
        Op::PopLast => Seen::Id(ranking.pop_last()),
        Op::Select(rank) => Seen::Id(ranking.select(rank.into()).map(|(id, score)| (*id, *score))),
        Op::Slice { from, to } => Seen::Standings(standings(ranking.slice(from.into()..to.into()))),
        Op::SliceDescending { from, to } => {
            Seen::Standings(standings(ranking.slice_descending(from.into()..to.into())))
        }
        Op::Top(count) => Seen::Standings(standings(ranking.top(count.into()))),
        Op::Range { from, to } => {
            let mut backwards = standings(ranking.range(from..=to).rev());
            backwards.reverse();
            assert_eq!(ranking.count(from..=to), backwards.len());
            range(ranking.ranks(from..=to), backwards)
        }
        Op::RangeExclusive { from, to } => {
            let scores = (Excluded(from), Excluded(to));
            range(ranking.ranks(scores), standings(ranking.range(scores)))
        }
        Op::RemoveRange { from, to } => {
            let there = standings(ranking.range(from..to));
            range(ranking.remove_range(from..to), there)
        }
        Op::RemoveRanks { from, to } => {
            let there = standings(ranking.slice(from.into()..to.into()));
            Seen::Range(ranking.remove_ranks(from.into()..to.into()), there)
        }
        Op::Collect => {
            let mut all = standings(ranking.iter());
            all.sort_unstable(); // by id
            let collected: Ranking<_, _> = all.into_iter().collect();
            assert_eq!((collected.validate(), &collected), (Ok(ranking.len()), &*ranking));
            assert!(collected.into_iter().rev().eq(ranking.top(usize::MAX).map(|(id, score)| (*id, *score))));
            *ranking = ranking.clone();
            Seen::Nothing
        }
        Op::Clear => {
            ranking.clear();
            Seen::Nothing
        }
    }
}

/// Ranks of a range that may be empty, and then may stand anywhere.
fn range(ranks: Range<usize>, standings: Vec<Standing>) -> Seen {
    assert_eq!(ranks.len(), standings.len());
    Seen::Range(if ranks.is_empty() { 0..0 } else { ranks }, standings)
}

fn set(ranking: &mut Ranking<Id, Score>, id: Id, score: Score) -> (Option<usize>, usize) {
    let had = ranking.score(&id).copied();
    let ranked = ranking.set_score(id, score);
    assert_eq!(matches!(ranked, Ranked::Unchanged { .. }), had == Some(score), "{ranked:?}, from {had:?} to {score}");
    ranks(ranked)
}

fn ranks(ranked: Ranked) -> (Option<usize>, usize) {
    match ranked {
        Ranked::New { rank } => (None, rank),
        Ranked::Moved { from, to } => (Some(from), to),
        Ranked::Unchanged { rank } => (Some(rank), rank),
    }
}

fn standings<'a>(standings: impl ExactSizeIterator<Item = (&'a Id, &'a Score)>) -> Vec<Standing> {
    let len = standings.len();
    let standings: Vec<_> = standings.map(|(id, score)| (*id, *score)).collect();
    assert_eq!(standings.len(), len);
    standings
}
