//! `ByteSet` against a sorted vector.

use crate::script;
use oyez::{ByteSet, Inserted, Removed, SortedSet};
use oyez_model::set::{Model, Op, Seen, both_ends, build_keys, removed_ranks, run_down, run_up};

/// How long a prefix all keys share, and the sizes of leaves and branches: so that keys end and differ in front of, at
/// and behind each place where the comparison goes on in another way.
const SHAPES: [(usize, (usize, usize)); 5] = [(0, (4, 4)), (22, (7, 5)), (30, (4, 4)), (37, (4, 4)), (60, (64, 32))];

/// Runs the script over every shape.
///
/// # Panics
///
/// At the first difference, and when a set is not valid.
pub fn run(ops: &[Op]) {
    for (prefix, (leaf, branch)) in SHAPES {
        let mut model = Model::default();
        let mut subject = Subject { set: SortedSet::with_node_sizes(leaf, branch).into(), prefix };
        script::run("oyez_driver::bytes::run", ops, |op| {
            let expected = model.apply(op);
            if let Some(seen) = subject.apply(op) {
                assert_eq!(seen, expected, "a prefix of {prefix}: {op:?}");
            } else {
                subject.replace(&model);
            }
            assert_eq!(subject.set.validate(), Ok(model.keys().len()), "a prefix of {prefix}: {op:?}");
        });
        let keys: Vec<u16> = subject.set.iter().map(|key| subject.number(key)).collect();
        assert_eq!(keys, model.keys(), "a prefix of {prefix}: the whole set");
    }
}

struct Subject {
    set: ByteSet,
    prefix: usize,
}

impl Subject {
    /// The bytes of a number in their order, without zeros at the end: 1 is longer than 256, and a prefix of 257... so
    /// that keys are prefixes of others, with zeros and others behind.
    fn key(&self, number: u16) -> Vec<u8> {
        let mut key = vec![b'p'; self.prefix];
        key.extend(number.to_be_bytes());
        while key.len() > self.prefix && key.last() == Some(&0) {
            key.pop();
        }
        key
    }

    fn number(&self, key: &[u8]) -> u16 {
        let mut bytes = [0; 2];
        let own = &key[self.prefix..];
        bytes[..own.len()].copy_from_slice(own);
        u16::from_be_bytes(bytes)
    }

    /// `None`: not an operation of byte sets.
    fn apply(&mut self, op: &Op) -> Option<Seen> {
        Some(match *op {
            Op::Insert(key) => {
                let (present, rank) = self.insert(key);
                Seen::Rank { present, rank }
            }
            Op::InsertUp { from, len, step } => {
                Seen::Ranks(run_up(from, len, step).map(|key| self.insert(key)).collect())
            }
            Op::InsertDown { from, len, step } => {
                Seen::Ranks(run_down(from, len, step).map(|key| self.insert(key)).collect())
            }
            Op::Remove(key) => match self.set.remove(&self.key(key)) {
                Removed::At(rank) => Seen::Rank { present: true, rank },
                Removed::Absent(rank) => Seen::Rank { present: false, rank },
            },
            Op::RemoveRun { from, len } => {
                let ranks = removed_ranks(from, len, self.set.len());
                let keys: Vec<Vec<u8>> = self.set.slice(ranks.clone()).map(<[u8]>::to_vec).collect();
                keys.iter().for_each(|key| assert_eq!(self.set.remove(key), Removed::At(ranks.start)));
                Seen::Keys(keys.iter().map(|key| self.number(key)).collect())
            }
            Op::PopFirst => Seen::Key(self.set.pop_first().map(|key| self.number(key.as_bytes()))),
            Op::PopLast => Seen::Key(self.set.pop_last().map(|key| self.number(key.as_bytes()))),
            Op::Rank(key) => {
                let key = self.key(key);
                let rank = self.set.rank(&key);
                assert_eq!(self.set.contains(&key), rank.is_ok());
                assert_eq!(SortedSet::rank(&self.set, &key[..]), rank, "by the order of slices");
                Seen::Rank { present: rank.is_ok(), rank: rank.unwrap_or_else(|rank| rank) }
            }
            Op::Select(rank) => Seen::Key(self.set.select(rank.into()).map(|key| self.number(key))),
            Op::Slice { from, to } => {
                Seen::Keys(self.set.slice(from.into()..to.into()).map(|key| self.number(key)).collect())
            }
            Op::SliceBothEnds { from, to } => {
                Seen::Keys(both_ends(self.set.slice(from.into()..to.into()).map(|key| self.number(key))))
            }
            Op::Range { from, to } => {
                let (from, to) = (self.key(from), self.key(to));
                Seen::Keys(self.set.range(&from[..]..=&to[..]).map(|key| self.number(key)).collect())
            }
            Op::RangeExclusive { from, to } => {
                use std::ops::Bound::Excluded;
                let (from, to) = (self.key(from), self.key(to));
                Seen::Keys(
                    self.set.range((Excluded(&from[..]), Excluded(&to[..]))).map(|key| self.number(key)).collect(),
                )
            }
            Op::CloneIt => {
                let clone = self.set.clone();
                assert_eq!(clone, self.set);
                self.set = clone;
                Seen::Nothing
            }
            Op::Clear => {
                self.set.clear();
                Seen::Nothing
            }
            Op::Build { len, step } => {
                let keys = build_keys(len, step).into_iter().map(|key| self.key(key));
                self.set = ByteSet::from_sorted(keys).expect("the keys ascend");
                Seen::Nothing
            }
            _ => return None,
        })
    }

    /// What the model has now, whatever it was that changed it.
    fn replace(&mut self, model: &Model) {
        let keys = model.keys().iter().map(|&key| self.key(key));
        self.set = ByteSet::from_sorted(keys).expect("the model's keys ascend");
    }

    fn insert(&mut self, key: u16) -> (bool, usize) {
        match self.set.insert(&self.key(key)).expect("it is short enough") {
            Inserted::At(rank) => (false, rank),
            Inserted::Already(rank) => (true, rank),
        }
    }
}
