//! The sorted set: a sorted vector.

use arbitrary::Arbitrary;
use proptest::prelude::*;
use std::ops::Range;

/// One call on a set of `u16` keys.
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
    Take(u16),
    PopFirst,
    PopLast,
    Rank(u16),
    Select(u16),
    /// Ranks `from..to`.
    Slice {
        from: u16,
        to: u16,
    },
    /// Reads a slice from both ends in turn.
    SliceBothEnds {
        from: u16,
        to: u16,
    },
    /// Reads ranks `from..to` step by step, and what is left in one go.
    Walk {
        from: u16,
        to: u16,
        steps: Vec<Step>,
    },
    /// Keys `from..=to`.
    Range {
        from: u16,
        to: u16,
    },
    /// Keys after `from`, before `to`.
    RangeExclusive {
        from: u16,
        to: u16,
    },
    /// Replaces the set by one built from `len` keys, `step` apart.
    Build {
        len: u16,
        step: u8,
    },
    /// Offers this input to the bulk build; it is refused unless it ascends.
    BuildFrom(Vec<u16>),
    /// Replaces the set by a clone of itself.
    CloneIt,
    /// Takes the set apart from both ends and builds it again.
    IntoIter,
    Clear,
}

/// One call on an iterator.
#[derive(Clone, Copy, Debug, PartialEq, Arbitrary)]
pub enum Step {
    Next,
    NextBack,
    Nth(u8),
    NthBack(u8),
    /// Goes on with a clone.
    CloneIt,
}

/// What a call lets its caller see.
#[derive(Debug, PartialEq)]
pub enum Seen {
    /// Whether the key was there before, and the rank.
    Rank {
        present: bool,
        rank: usize,
    },
    Ranks(Vec<(bool, usize)>),
    Key(Option<u16>),
    Keys(Vec<u16>),
    /// What each step gave and how many keys were left; then these, folded, folded from the back, and the last.
    Walk {
        steps: Vec<(Option<u16>, usize)>,
        rest: Vec<u16>,
        rest_back: Vec<u16>,
        last: Option<u16>,
    },
    /// The bulk build refused: the index, and whether the key equals the one before it.
    Refused {
        at: usize,
        duplicate: bool,
    },
    Nothing,
}

/// Keys of `InsertUp` and `InsertDown`.
pub fn run_up(from: u16, len: u8, step: u8) -> impl Iterator<Item = u16> {
    (0..u16::from(len)).map(move |i| from.wrapping_add(i * u16::from(step)))
}

pub fn run_down(from: u16, len: u8, step: u8) -> impl Iterator<Item = u16> {
    (0..u16::from(len)).map(move |i| from.wrapping_sub(i * u16::from(step)))
}

/// Keys of `Build`: at most 5,000, so that a case stays quick.
pub fn build_keys(len: u16, step: u8) -> Vec<u16> {
    let step = u16::from(step).clamp(1, 13);
    (0..len % 5_000).map(|i| i * step).collect()
}

/// Ranks of `RemoveRun` in a set of `len` keys: each is removed at the same rank, as the ones behind it move up.
pub fn removed_ranks(from: u16, len: u8, set_len: usize) -> Range<usize> {
    let from = if set_len == 0 { 0 } else { usize::from(from) % set_len };
    from..(from + usize::from(len)).min(set_len)
}

/// A sorted vector without duplicates.
#[derive(Default)]
pub struct Model {
    keys: Vec<u16>,
}

impl Model {
    pub fn keys(&self) -> &[u16] {
        &self.keys
    }

    pub fn apply(&mut self, op: &Op) -> Seen {
        match *op {
            Op::Insert(key) => self.insert(key),
            Op::InsertUp { from, len, step } => self.insert_all(run_up(from, len, step)),
            Op::InsertDown { from, len, step } => self.insert_all(run_down(from, len, step)),
            Op::Remove(key) => self.remove(key),
            Op::RemoveRun { from, len } => {
                Seen::Keys(self.keys.drain(removed_ranks(from, len, self.keys.len())).collect())
            }
            Op::Take(key) => match self.keys.binary_search(&key) {
                Ok(rank) => Seen::Ranks(vec![(self.keys.remove(rank) == key, rank)]),
                Err(_) => Seen::Ranks(vec![]),
            },
            Op::PopFirst => Seen::Key((!self.keys.is_empty()).then(|| self.keys.remove(0))),
            Op::PopLast => Seen::Key(self.keys.pop()),
            Op::Rank(key) => match self.keys.binary_search(&key) {
                Ok(rank) => Seen::Rank { present: true, rank },
                Err(rank) => Seen::Rank { present: false, rank },
            },
            Op::Select(rank) => Seen::Key(self.keys.get(usize::from(rank)).copied()),
            Op::Slice { from, to } => Seen::Keys(self.ranks(from, to).to_vec()),
            Op::SliceBothEnds { from, to } => Seen::Keys(both_ends(self.ranks(from, to).iter().copied())),
            Op::Walk { from, to, ref steps } => walk(self.ranks(from, to).iter(), steps),
            Op::Range { from, to } => Seen::Keys(self.filter(|key| (from..=to).contains(&key))),
            Op::RangeExclusive { from, to } => Seen::Keys(self.filter(|key| from < key && key < to)),
            Op::Build { len, step } => {
                self.keys = build_keys(len, step);
                Seen::Nothing
            }
            Op::BuildFrom(ref keys) => self.build(keys),
            Op::CloneIt => Seen::Nothing,
            Op::IntoIter => Seen::Keys(both_ends(self.keys.iter().copied())),
            Op::Clear => {
                self.keys.clear();
                Seen::Nothing
            }
        }
    }

    fn insert(&mut self, key: u16) -> Seen {
        match self.keys.binary_search(&key) {
            Ok(rank) => Seen::Rank { present: true, rank },
            Err(rank) => {
                self.keys.insert(rank, key);
                Seen::Rank { present: false, rank }
            }
        }
    }

    fn insert_all(&mut self, keys: impl Iterator<Item = u16>) -> Seen {
        let ranks = keys.map(|key| match self.insert(key) {
            Seen::Rank { present, rank } => (present, rank),
            _ => unreachable!("an insert shows a rank"),
        });
        Seen::Ranks(ranks.collect())
    }

    fn remove(&mut self, key: u16) -> Seen {
        match self.keys.binary_search(&key) {
            Ok(rank) => {
                self.keys.remove(rank);
                Seen::Rank { present: true, rank }
            }
            Err(rank) => Seen::Rank { present: false, rank },
        }
    }

    fn build(&mut self, keys: &[u16]) -> Seen {
        match (1..keys.len()).find(|&at| keys[at - 1] >= keys[at]) {
            Some(at) => Seen::Refused { at, duplicate: keys[at - 1] == keys[at] },
            None => {
                self.keys = keys.to_vec();
                Seen::Nothing
            }
        }
    }

    fn ranks(&self, from: u16, to: u16) -> &[u16] {
        let to = usize::from(to).min(self.keys.len());
        &self.keys[usize::from(from).min(to)..to]
    }

    fn filter(&self, keep: impl Fn(u16) -> bool) -> Vec<u16> {
        self.keys.iter().copied().filter(|&key| keep(key)).collect()
    }
}

/// First, last, second, last but one, …
pub fn both_ends(mut keys: impl DoubleEndedIterator<Item = u16>) -> Vec<u16> {
    let mut seen = Vec::new();
    while let Some(key) = keys.next() {
        seen.push(key);
        seen.extend(keys.next_back());
    }
    seen
}

/// Reads an iterator as `Walk` says. A slice's iterator is the oracle of the others.
pub fn walk<'a>(
    mut keys: impl DoubleEndedIterator<Item = &'a u16> + ExactSizeIterator + Clone,
    steps: &[Step],
) -> Seen {
    let mut seen = Vec::new();
    for step in steps {
        let key = match *step {
            Step::Next => keys.next(),
            Step::NextBack => keys.next_back(),
            Step::Nth(n) => keys.nth(n.into()),
            Step::NthBack(n) => keys.nth_back(n.into()),
            Step::CloneIt => {
                keys = keys.clone();
                None
            }
        };
        seen.push((key.copied(), keys.len()));
    }
    let last = keys.clone().last().copied();
    let rest_back = keys.clone().rfold(Vec::new(), pushed);
    // Not of a clone, which may have lost what the steps left behind.
    let rest = keys.fold(Vec::new(), pushed);
    Seen::Walk { steps: seen, rest, rest_back, last }
}

fn pushed(mut keys: Vec<u16>, key: &u16) -> Vec<u16> {
    keys.push(*key);
    keys
}

/// Operations over a universe that is sometimes so small that most keys are there, sometimes large.
pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop_oneof![Just(12_u16), Just(200), Just(3_000), Just(u16::MAX)]
        .prop_flat_map(|universe| prop::collection::vec(op(universe), 0..120))
}

fn op(universe: u16) -> impl Strategy<Value = Op> {
    let key = move || 0..universe;
    let len = || prop_oneof![4 => 0..20_u8, 1 => 0..=255_u8];
    prop_oneof![
        12 => key().prop_map(Op::Insert),
        4 => (key(), len(), 0..9_u8).prop_map(|(from, len, step)| Op::InsertUp { from, len, step }),
        4 => (key(), len(), 0..9_u8).prop_map(|(from, len, step)| Op::InsertDown { from, len, step }),
        12 => key().prop_map(Op::Remove),
        4 => (key(), len()).prop_map(|(from, len)| Op::RemoveRun { from, len }),
        2 => key().prop_map(Op::Take),
        2 => Just(Op::PopFirst),
        2 => Just(Op::PopLast),
        4 => key().prop_map(Op::Rank),
        4 => key().prop_map(Op::Select),
        2 => (key(), key()).prop_map(|(from, to)| Op::Slice { from, to }),
        2 => (key(), key()).prop_map(|(from, to)| Op::SliceBothEnds { from, to }),
        2 => (key(), key(), steps()).prop_map(|(from, to, steps)| Op::Walk { from, to, steps }),
        2 => (key(), key()).prop_map(|(from, to)| Op::Range { from, to }),
        2 => (key(), key()).prop_map(|(from, to)| Op::RangeExclusive { from, to }),
        1 => (key(), 1..9_u8).prop_map(|(len, step)| Op::Build { len, step }),
        1 => prop::collection::vec(key(), 0..9).prop_map(Op::BuildFrom),
        1 => prop::collection::btree_set(key(), 0..9).prop_map(|keys| Op::BuildFrom(keys.into_iter().collect())),
        1 => Just(Op::CloneIt),
        1 => Just(Op::IntoIter),
        1 => Just(Op::Clear),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let n = || prop_oneof![4 => 0..5_u8, 2 => 0..70_u8, 1 => 0..=255_u8];
    let step = prop_oneof![
        3 => Just(Step::Next),
        3 => Just(Step::NextBack),
        2 => n().prop_map(Step::Nth),
        2 => n().prop_map(Step::NthBack),
        1 => Just(Step::CloneIt),
    ];
    prop::collection::vec(step, 0..12)
}
