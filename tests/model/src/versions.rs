//! Versions of a sorted set: a sorted vector, and a copy of it for each snapshot.

use crate::set::{build_keys, removed_ranks, run_down, run_up};
use arbitrary::Arbitrary;
use proptest::prelude::*;

/// Snapshots that are held at most; a new one takes the place of the oldest.
pub const HELD_MAX: usize = 5;

/// One call on a set of `u16` keys or on one of its snapshots, which are numbered as they lie; a number that is too
/// high wraps.
#[derive(Clone, Debug, PartialEq, Arbitrary)]
pub enum Op {
    Insert(u16),
    /// Inserts `len` keys from `from` up, `step` apart.
    InsertUp {
        from: u16,
        len: u8,
        step: u8,
    },
    /// Inserts `len` keys from `from` down, `step` apart.
    InsertDown {
        from: u16,
        len: u8,
        step: u8,
    },
    Remove(u16),
    /// Removes `len` neighbouring keys, by rank, from the rank `from` (wrapped to the set) on.
    RemoveRun {
        from: u16,
        len: u8,
    },
    PopFirst,
    PopLast,
    /// Replaces all keys by `len` keys, `step` apart.
    Build {
        len: u16,
        step: u8,
    },
    Clear,
    Snapshot,
    CloneSnapshot(u8),
    DropSnapshot(u8),
    /// All keys of a snapshot.
    Read(u8),
    /// What differs between a snapshot and another one, or the set, which has the number behind the last.
    Diff {
        older: u8,
        newer: u8,
    },
    /// Frees what nobody sees.
    Reclaim,
    /// Goes on with a set made of a snapshot; the old set ends before its other snapshots.
    Thaw(u8),
    /// In the next change the clone of a key panics after so many others; then the change is made again.
    FuseClone(u8),
    /// In the next change a comparison panics after so many others; then the change is made again.
    FuseOrd(u8),
}

/// What a call lets its caller see.
#[derive(Debug, PartialEq)]
pub enum Seen {
    Nothing,
    Ranks(Vec<(bool, usize)>),
    Keys(Vec<u16>),
    Differences(Vec<Difference>),
}

/// A key that was removed or added, with its rank before or after.
#[derive(Debug, PartialEq)]
pub struct Difference {
    pub added: bool,
    pub rank: usize,
    pub key: u16,
}

#[derive(Default)]
pub struct Model {
    keys: Vec<u16>,
    held: Vec<Vec<u16>>,
}

impl Model {
    pub fn keys(&self) -> &[u16] {
        &self.keys
    }

    /// What each snapshot shows.
    pub fn held(&self) -> &[Vec<u16>] {
        &self.held
    }

    /// The snapshot of this number, if there are any.
    fn number(&self, number: u8) -> Option<usize> {
        usize::from(number).checked_rem(self.held.len())
    }

    pub fn apply(&mut self, op: &Op) -> Seen {
        match *op {
            Op::Insert(key) => Seen::Ranks(vec![self.insert(key)]),
            Op::InsertUp { from, len, step } => {
                Seen::Ranks(run_up(from, len, step).map(|key| self.insert(key)).collect())
            }
            Op::InsertDown { from, len, step } => {
                Seen::Ranks(run_down(from, len, step).map(|key| self.insert(key)).collect())
            }
            Op::Remove(key) => Seen::Ranks(vec![match self.keys.binary_search(&key) {
                Ok(rank) => (self.keys.remove(rank) == key, rank),
                Err(rank) => (false, rank),
            }]),
            Op::RemoveRun { from, len } => {
                Seen::Keys(self.keys.drain(removed_ranks(from, len, self.keys.len())).collect())
            }
            Op::PopFirst => Seen::Keys(self.keys.drain(..self.keys.len().min(1)).collect()),
            Op::PopLast => Seen::Keys(self.keys.pop().into_iter().collect()),
            Op::Build { len, step } => {
                self.keys = build_keys(len, step);
                Seen::Nothing
            }
            Op::Clear => {
                self.keys.clear();
                Seen::Nothing
            }
            Op::Snapshot => {
                self.hold(self.keys.clone());
                Seen::Nothing
            }
            Op::CloneSnapshot(number) => {
                if let Some(number) = self.number(number) {
                    self.hold(self.held[number].clone());
                }
                Seen::Nothing
            }
            Op::DropSnapshot(number) => {
                if let Some(number) = self.number(number) {
                    self.held.remove(number);
                }
                Seen::Nothing
            }
            Op::Read(number) => Seen::Keys(self.number(number).map_or(Vec::new(), |number| self.held[number].clone())),
            Op::Diff { older, newer } => Seen::Differences(differences(self.version(older), self.version(newer))),
            Op::Thaw(number) => {
                if let Some(number) = self.number(number) {
                    self.keys = self.held[number].clone();
                }
                Seen::Nothing
            }
            Op::Reclaim | Op::FuseClone(_) | Op::FuseOrd(_) => Seen::Nothing,
        }
    }

    fn hold(&mut self, version: Vec<u16>) {
        if self.held.len() == HELD_MAX {
            self.held.remove(0);
        }
        self.held.push(version);
    }

    /// A snapshot, or the set.
    fn version(&self, number: u8) -> &[u16] {
        self.held.get(usize::from(number) % (self.held.len() + 1)).unwrap_or(&self.keys)
    }

    fn insert(&mut self, key: u16) -> (bool, usize) {
        match self.keys.binary_search(&key) {
            Ok(rank) => (false, rank),
            Err(rank) => {
                self.keys.insert(rank, key);
                (true, rank)
            }
        }
    }
}

fn differences(older: &[u16], newer: &[u16]) -> Vec<Difference> {
    let gone = (0..).zip(older).filter(|(_, key)| newer.binary_search(key).is_err());
    let come = (0..).zip(newer).filter(|(_, key)| older.binary_search(key).is_err());
    let gone = gone.map(|(rank, &key)| Difference { added: false, rank, key });
    let come = come.map(|(rank, &key)| Difference { added: true, rank, key });
    let mut all: Vec<Difference> = gone.chain(come).collect();
    all.sort_by_key(|difference| difference.key);
    all
}

/// Operations over a universe that is sometimes so small that most keys are there, sometimes large.
pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop_oneof![Just(12_u16), Just(200), Just(3_000), Just(u16::MAX)]
        .prop_flat_map(|universe| prop::collection::vec(op(universe), 0..100))
}

fn op(universe: u16) -> impl Strategy<Value = Op> {
    let key = move || 0..universe;
    let len = || prop_oneof![4 => 0..20_u8, 1 => 0..=255_u8];
    let number = || 0..=HELD_MAX as u8;
    prop_oneof![
        12 => key().prop_map(Op::Insert),
        4 => (key(), len(), 0..9_u8).prop_map(|(from, len, step)| Op::InsertUp { from, len, step }),
        3 => (key(), len(), 0..9_u8).prop_map(|(from, len, step)| Op::InsertDown { from, len, step }),
        12 => key().prop_map(Op::Remove),
        5 => (key(), len()).prop_map(|(from, len)| Op::RemoveRun { from, len }),
        2 => Just(Op::PopFirst),
        2 => Just(Op::PopLast),
        1 => (key(), 1..9_u8).prop_map(|(len, step)| Op::Build { len, step }),
        1 => Just(Op::Clear),
        10 => Just(Op::Snapshot),
        2 => number().prop_map(Op::CloneSnapshot),
        6 => number().prop_map(Op::DropSnapshot),
        4 => number().prop_map(Op::Read),
        4 => (number(), number()).prop_map(|(older, newer)| Op::Diff { older, newer }),
        2 => Just(Op::Reclaim),
        1 => number().prop_map(Op::Thaw),
        5 => (0..150_u8).prop_map(Op::FuseClone),
        2 => (0..30_u8).prop_map(Op::FuseOrd),
    ]
}
