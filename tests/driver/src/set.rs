//! `SortedSet` against a sorted vector.

use crate::script;
use oyez::sorted_set::{Applied, NotAscending};
use oyez::{Disorder, Inserted, NotSorted, Removed, Repositioned, SortedSet, sorted_set};
use oyez_model::set::{Change, Combination, CursorStep, Half, Keys, Model, Op, Seen, Step};
use oyez_model::set::{both_ends, build_keys, is_multiple, removed_ranks, run_down, run_up, walk};
use std::mem;

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
        Op::Walk { from, to, ref steps } => walk(set.slice(from.into()..to.into()), steps, ExactSizeIterator::len),
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
            Err(refused) => not_sorted(refused, keys),
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
        Op::Reposition { old, new } => match set.reposition(&old, new) {
            Repositioned::Moved { from, to } => Seen::Moved { from, to },
            Repositioned::Absent(rank) => Seen::Rank { present: false, rank },
            Repositioned::Already { from, at } => Seen::Occupied { from, at },
        },
        Op::RemoveAt(rank) => Seen::Key(set.remove_at(rank.into())),
        Op::RemoveRange { from, to } => Seen::Removed { ranks: set.remove_range(from..=to), left: keys(set) },
        Op::RemoveRanks { from, to } => {
            Seen::Removed { ranks: set.remove_ranks(from.into()..to.into()), left: keys(set) }
        }
        Op::Count { from, to } => Seen::Count(set.count(from..to)),
        Op::KeepMultiples(of) => {
            let removed = set.retain(|&key| is_multiple(key, of));
            Seen::Applied { inserted: 0, removed, keys: keys(set) }
        }
        Op::DropMultiples(of) => {
            let removed = set.retain(|&key| !is_multiple(key, of));
            Seen::Applied { inserted: 0, removed, keys: keys(set) }
        }
        Op::SplitOff { key, keep } => {
            let off = set.split_off(&key);
            split(set, off, keep)
        }
        Op::SplitOffRank { rank, keep } => {
            let off = set.split_off_rank(rank.into());
            split(set, off, keep)
        }
        Op::Append(ref other) => {
            append(set, &mut sibling(set, other));
            Seen::Keys(keys(set))
        }
        Op::AppendTo(ref other) => {
            let mut other = sibling(set, other);
            append(&mut other, set);
            *set = other;
            Seen::Keys(keys(set))
        }
        Op::Combine { how, ref other, ref steps } => combine(set, how, &sibling(set, other), steps),
        Op::Become { how, ref other } => {
            let other = sibling(set, other);
            *set = match how {
                Combination::Union => &*set | &other,
                Combination::Intersection => &*set & &other,
                Combination::Difference => &*set - &other,
                Combination::SymmetricDifference => &*set ^ &other,
            };
            Seen::Keys(keys(set))
        }
        Op::Compare(ref other) => {
            let other = sibling(set, other);
            Seen::Relation {
                subset: set.is_subset(&other),
                superset: set.is_superset(&other),
                disjoint: set.is_disjoint(&other),
            }
        }
        Op::InsertMany(ref batch) => match set.insert_many(batch.clone()) {
            Ok(inserted) => Seen::Applied { inserted, removed: 0, keys: keys(set) },
            Err(refused) => not_sorted(refused, batch),
        },
        Op::RemoveMany(ref batch) => match set.remove_many(batch) {
            Ok(removed) => Seen::Applied { inserted: 0, removed, keys: keys(set) },
            Err(refused) => not_ascending(refused),
        },
        Op::Apply(ref changes) => {
            let batch: Vec<_> = changes.iter().copied().map(change).collect();
            match set.apply(batch.clone()) {
                Ok(Applied { inserted, removed }) => Seen::Applied { inserted, removed, keys: keys(set) },
                Err(refused) => not_sorted(refused, &batch),
            }
        }
        Op::Cursor(ref steps) => cursor(set, steps),
    }
}

fn keys(set: &SortedSet<u16>) -> Vec<u16> {
    set.iter().copied().collect()
}

/// Another set with nodes of the same sizes.
fn sibling(set: &SortedSet<u16>, keys: &Keys) -> SortedSet<u16> {
    let mut other = set.clone();
    other.rebuild(keys.sorted()).expect("the keys ascend");
    other
}

fn split(set: &mut SortedSet<u16>, mut off: SortedSet<u16>, keep: Half) -> Seen {
    if keep == Half::High {
        mem::swap(set, &mut off);
    }
    assert_eq!(off.validate(), Ok(off.len()));
    Seen::Split { off: keys(&off), left: keys(set) }
}

fn append(set: &mut SortedSet<u16>, other: &mut SortedSet<u16>) {
    set.append(other);
    assert_eq!((other.len(), other.validate()), (0, Ok(0)), "an appended set is left empty");
}

fn combine(set: &SortedSet<u16>, how: Combination, other: &SortedSet<u16>, steps: &[Step]) -> Seen {
    match how {
        Combination::Union => walk(set.union(other), steps, counted),
        Combination::Intersection => walk(set.intersection(other), steps, counted),
        Combination::Difference => walk(set.difference(other), steps, counted),
        Combination::SymmetricDifference => walk(set.symmetric_difference(other), steps, counted),
    }
}

/// How many keys are left; the hint must have room for that.
fn counted<'a>(keys: &(impl Iterator<Item = &'a u16> + Clone)) -> usize {
    let count = keys.clone().count();
    let (least, most) = keys.size_hint();
    assert!(least <= count && most.is_some_and(|most| count <= most), "{count} keys, said to be {least} to {most:?}");
    count
}

fn not_sorted<T: PartialEq + std::fmt::Debug>(refused: NotSorted<T>, batch: &[T]) -> Seen {
    assert_eq!(refused.keys, batch, "a refused input comes back");
    not_ascending(NotAscending { at: refused.at, disorder: refused.disorder })
}

fn not_ascending(refused: NotAscending) -> Seen {
    Seen::Refused { at: refused.at, duplicate: refused.disorder == Disorder::Duplicate }
}

fn change(change: Change) -> sorted_set::Change<u16> {
    match change {
        Change::Insert(key) => sorted_set::Change::Insert(key),
        Change::Remove(key) => sorted_set::Change::Remove(key),
    }
}

fn cursor(set: &SortedSet<u16>, steps: &[CursorStep]) -> Seen {
    let mut cursor = set.cursor();
    let seen = steps.iter().map(|step| {
        let key = match *step {
            CursorStep::Next => cursor.next().copied(),
            CursorStep::Prev => cursor.prev().copied(),
            CursorStep::PeekNext => cursor.peek_next().copied(),
            CursorStep::PeekPrev => cursor.peek_prev().copied(),
            CursorStep::Seek(key) => {
                let found = cursor.seek(&key);
                assert_eq!(found.unwrap_or_else(|rank| rank), cursor.rank());
                found.ok().map(|_| key)
            }
            CursorStep::SeekRank(rank) => {
                cursor.seek_rank(rank.into());
                None
            }
            CursorStep::CloneIt => {
                cursor = cursor.clone();
                None
            }
        };
        (key, cursor.rank())
    });
    Seen::Cursor(seen.collect())
}

fn insert(set: &mut SortedSet<u16>, key: u16) -> (bool, usize) {
    match set.insert(key) {
        Inserted::At(rank) => (false, rank),
        Inserted::Already(rank) => (true, rank),
    }
}
