//! `SortedSet` against a sorted vector.

use crate::script;
use oyez::{Disorder, Inserted, Removed, SortedSet};
use oyez_model::set::{Model, Op, Seen, both_ends, build_keys, removed_ranks, run_down, run_up, walk};

/// Leaf and branch sizes every script is run with: the smallest, an odd one, the real one.
const NODE_SIZES: [(usize, usize); 3] = [(4, 4), (7, 5), (64, 32)];

/// Runs the script over every node size.
///
/// # Panics
///
/// At the first difference, and when a set is not valid.
pub fn run(ops: &[Op]) {
    for (leaf, branch) in NODE_SIZES {
        let mut model = Model::default();
        let mut set = SortedSet::with_node_sizes(leaf, branch);
        script::run("oyez_driver::set::run", ops, |op| {
            let expected = model.apply(op);
            assert_eq!(apply(&mut set, op), expected, "nodes of {leaf} and {branch}: {op:?}");
            assert_eq!(set.validate(), Ok(model.keys().len()), "nodes of {leaf} and {branch}: {op:?}");
        });
        assert!(set.iter().eq(model.keys()), "nodes of {leaf} and {branch}: the whole set");
        assert!(set.iter().rev().eq(model.keys().iter().rev()), "the whole set backwards");
    }
}

fn apply(set: &mut SortedSet<u16>, op: &Op) -> Seen {
    match *op {
        Op::Insert(key) => {
            let (present, rank) = insert(set, key);
            Seen::Rank { present, rank }
        }
        Op::InsertUp { from, len, step } => Seen::Ranks(run_up(from, len, step).map(|key| insert(set, key)).collect()),
        Op::InsertDown { from, len, step } => {
            Seen::Ranks(run_down(from, len, step).map(|key| insert(set, key)).collect())
        }
        Op::Remove(key) => match set.remove(&key) {
            Removed::At(rank) => Seen::Rank { present: true, rank },
            Removed::Absent(rank) => Seen::Rank { present: false, rank },
        },
        Op::RemoveRun { from, len } => {
            let ranks = removed_ranks(from, len, set.len());
            let keys: Vec<u16> = set.slice(ranks.clone()).copied().collect();
            for key in &keys {
                assert_eq!(set.remove(key), Removed::At(ranks.start));
            }
            Seen::Keys(keys)
        }
        Op::Take(key) => Seen::Ranks(set.take(&key).into_iter().map(|(rank, taken)| (taken == key, rank)).collect()),
        Op::PopFirst => {
            let first = set.first().copied();
            assert_eq!(set.pop_first(), first);
            Seen::Key(first)
        }
        Op::PopLast => {
            let last = set.last().copied();
            assert_eq!(set.pop_last(), last);
            Seen::Key(last)
        }
        Op::Rank(key) => {
            let rank = set.rank(&key);
            assert_eq!(set.contains(&key), rank.is_ok());
            assert_eq!(set.get(&key).copied(), rank.ok().map(|_| key));
            match rank {
                Ok(rank) => Seen::Rank { present: true, rank },
                Err(rank) => Seen::Rank { present: false, rank },
            }
        }
        Op::Select(rank) => Seen::Key(set.select(rank.into()).copied()),
        Op::Slice { from, to } => {
            let slice = set.slice(from.into()..to.into());
            let expected_len = slice.len();
            let keys: Vec<u16> = slice.copied().collect();
            assert_eq!(keys.len(), expected_len);
            Seen::Keys(keys)
        }
        Op::SliceBothEnds { from, to } => Seen::Keys(both_ends(set.slice(from.into()..to.into()).copied())),
        Op::Walk { from, to, ref steps } => walk(set.slice(from.into()..to.into()), steps),
        Op::Range { from, to } => Seen::Keys(set.range(from..=to).copied().collect()),
        Op::RangeExclusive { from, to } => {
            use std::ops::Bound::Excluded;
            Seen::Keys(set.range((Excluded(from), Excluded(to))).copied().collect())
        }
        Op::Build { len, step } => {
            set.rebuild(build_keys(len, step)).expect("the keys ascend");
            Seen::Nothing
        }
        Op::BuildFrom(ref keys) => match set.rebuild(keys.clone()) {
            Ok(()) => Seen::Nothing,
            Err(refused) => {
                assert_eq!(&refused.keys, keys, "a refused input comes back");
                Seen::Refused { at: refused.at, duplicate: refused.disorder == Disorder::Duplicate }
            }
        },
        Op::CloneIt => {
            let clone = set.clone();
            assert_eq!(clone, *set);
            *set = clone;
            Seen::Nothing
        }
        Op::IntoIter => {
            let seen = both_ends(set.clone().into_iter());
            Seen::Keys(seen)
        }
        Op::Clear => {
            set.clear();
            Seen::Nothing
        }
    }
}

fn insert(set: &mut SortedSet<u16>, key: u16) -> (bool, usize) {
    match set.insert(key) {
        Inserted::At(rank) => (false, rank),
        Inserted::Already(rank) => (true, rank),
    }
}
