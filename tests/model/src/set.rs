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
    /// Replaces one key by another.
    Reposition {
        old: u16,
        new: u16,
    },
    RemoveAt(u16),
    /// Removes the keys `from..=to`.
    RemoveRange {
        from: u16,
        to: u16,
    },
    /// Removes the ranks `from..to`.
    RemoveRanks {
        from: u16,
        to: u16,
    },
    /// Counts the keys `from..to`.
    Count {
        from: u16,
        to: u16,
    },
    /// Keeps the multiples of a number; of 0, all keys.
    KeepMultiples(u8),
    DropMultiples(u8),
    /// Splits at a key and goes on with one half.
    SplitOff {
        key: u16,
        keep: Half,
    },
    SplitOffRank {
        rank: u16,
        keep: Half,
    },
    /// Takes in another set.
    Append(Keys),
    /// Is taken in by another set, and goes on as that.
    AppendTo(Keys),
    /// Reads one of the four combinations with another set, as `Walk` reads a slice.
    Combine {
        how: Combination,
        other: Keys,
        steps: Vec<Step>,
    },
    /// Replaces the set by its combination with another.
    Become {
        how: Combination,
        other: Keys,
    },
    /// Whether one set holds the other, or nothing of it.
    Compare(Keys),
    /// Batches; refused unless they ascend.
    InsertMany(Vec<u16>),
    RemoveMany(Vec<u16>),
    Apply(Vec<Change>),
    /// Goes about with a cursor.
    Cursor(Vec<CursorStep>),
}

/// Another set.
#[derive(Clone, Debug, PartialEq, Arbitrary)]
pub enum Keys {
    /// These, in any order and more than once.
    Of(Vec<u16>),
    /// `len` keys, `step` apart, from `from` up as far as keys go.
    Run { from: u16, len: u16, step: u8 },
}

impl Keys {
    /// The keys, ascending.
    pub fn sorted(&self) -> Vec<u16> {
        match *self {
            Keys::Of(ref keys) => sorted(keys.clone()),
            Keys::Run { from, len, step } => {
                let keys = (from..=u16::MAX).step_by(usize::from(step).max(1));
                keys.take(usize::from(len) % 5_000).collect()
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Arbitrary)]
pub enum Half {
    Low,
    High,
}

#[derive(Clone, Copy, Debug, PartialEq, Arbitrary)]
pub enum Combination {
    Union,
    Intersection,
    Difference,
    SymmetricDifference,
}

impl Combination {
    fn has(self, in_ours: bool, in_theirs: bool) -> bool {
        match self {
            Combination::Union => in_ours || in_theirs,
            Combination::Intersection => in_ours && in_theirs,
            Combination::Difference => in_ours && !in_theirs,
            Combination::SymmetricDifference => in_ours != in_theirs,
        }
    }
}

/// One change of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Arbitrary)]
pub enum Change {
    Insert(u16),
    Remove(u16),
}

impl Change {
    pub fn key(self) -> u16 {
        match self {
            Change::Insert(key) | Change::Remove(key) => key,
        }
    }
}

/// One call on a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Arbitrary)]
pub enum CursorStep {
    Next,
    Prev,
    PeekNext,
    PeekPrev,
    /// Goes to a key.
    Seek(u16),
    SeekRank(u16),
    CloneIt,
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
    /// Both ranks of a key that another replaced.
    Moved {
        from: usize,
        to: usize,
    },
    /// The key that was to replace another is there, at this rank.
    Occupied {
        from: usize,
        at: usize,
    },
    Count(usize),
    /// The ranks that went, and what is left.
    Removed {
        ranks: Range<usize>,
        left: Vec<u16>,
    },
    /// The part that was split off, and the one that was left.
    Split {
        off: Vec<u16>,
        left: Vec<u16>,
    },
    Relation {
        subset: bool,
        superset: bool,
        disjoint: bool,
    },
    /// What a batch did, and what is there now.
    Applied {
        inserted: usize,
        removed: usize,
        keys: Vec<u16>,
    },
    /// What each step of a cursor gave, and where it stood then.
    Cursor(Vec<(Option<u16>, usize)>),
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
            Op::Walk { from, to, ref steps } => walk(self.ranks(from, to).iter(), steps, ExactSizeIterator::len),
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
            Op::Reposition { old, new } => self.reposition(old, new),
            Op::RemoveAt(rank) => {
                let rank = usize::from(rank);
                Seen::Key((rank < self.keys.len()).then(|| self.keys.remove(rank)))
            }
            Op::RemoveRange { from, to } => {
                let start = self.keys.partition_point(|&key| key < from);
                let end = self.keys.partition_point(|&key| key <= to);
                self.remove_ranks(start.min(end)..end)
            }
            Op::RemoveRanks { from, to } => {
                let end = usize::from(to).min(self.keys.len());
                self.remove_ranks(usize::from(from).min(end)..end)
            }
            Op::Count { from, to } => Seen::Count(self.filter(|key| from <= key && key < to).len()),
            Op::KeepMultiples(of) => self.retain(|key| is_multiple(key, of)),
            Op::DropMultiples(of) => self.retain(|key| !is_multiple(key, of)),
            Op::SplitOff { key, keep } => self.split(self.keys.partition_point(|&other| other < key), keep),
            Op::SplitOffRank { rank, keep } => self.split(usize::from(rank).min(self.keys.len()), keep),
            Op::Append(ref other) | Op::AppendTo(ref other) => {
                self.keys = self.combined(Combination::Union, &other.sorted());
                Seen::Keys(self.keys.clone())
            }
            Op::Combine { how, ref other, ref steps } => {
                let combined = self.combined(how, &other.sorted());
                walk(combined.iter(), steps, ExactSizeIterator::len)
            }
            Op::Become { how, ref other } => {
                self.keys = self.combined(how, &other.sorted());
                Seen::Keys(self.keys.clone())
            }
            Op::Compare(ref other) => self.compare(&other.sorted()),
            Op::InsertMany(ref keys) => self.batch(keys.iter().copied().map(Change::Insert).collect()),
            Op::RemoveMany(ref keys) => self.batch(keys.iter().copied().map(Change::Remove).collect()),
            Op::Apply(ref changes) => self.batch(changes.clone()),
            Op::Cursor(ref steps) => self.cursor(steps),
        }
    }

    fn reposition(&mut self, old: u16, new: u16) -> Seen {
        let from = match self.keys.binary_search(&old) {
            Ok(from) => from,
            Err(rank) => return Seen::Rank { present: false, rank },
        };
        if new != old
            && let Ok(at) = self.keys.binary_search(&new)
        {
            return Seen::Occupied { from, at };
        }
        self.keys.remove(from);
        self.insert(new);
        Seen::Moved { from, to: self.keys.binary_search(&new).expect("it was just inserted") }
    }

    fn remove_ranks(&mut self, ranks: Range<usize>) -> Seen {
        self.keys.drain(ranks.clone());
        Seen::Removed { ranks, left: self.keys.clone() }
    }

    fn retain(&mut self, keep: impl Fn(u16) -> bool) -> Seen {
        let before = self.keys.len();
        self.keys.retain(|&key| keep(key));
        Seen::Applied { inserted: 0, removed: before - self.keys.len(), keys: self.keys.clone() }
    }

    fn split(&mut self, at: usize, keep: Half) -> Seen {
        let mut off = self.keys.split_off(at);
        if keep == Half::High {
            std::mem::swap(&mut self.keys, &mut off);
        }
        Seen::Split { off, left: self.keys.clone() }
    }

    fn combined(&self, how: Combination, other: &[u16]) -> Vec<u16> {
        let mut keys = sorted([&self.keys, other].concat());
        keys.retain(|key| how.has(has(&self.keys, key), has(other, key)));
        keys
    }

    fn compare(&self, other: &[u16]) -> Seen {
        Seen::Relation {
            subset: self.keys.iter().all(|key| has(other, key)),
            superset: other.iter().all(|key| has(&self.keys, key)),
            disjoint: !other.iter().any(|key| has(&self.keys, key)),
        }
    }

    fn batch(&mut self, changes: Vec<Change>) -> Seen {
        let keys: Vec<u16> = changes.iter().map(|change| change.key()).collect();
        if let Some((at, duplicate)) = first_disorder(&keys) {
            return Seen::Refused { at, duplicate };
        }
        let (mut inserted, mut removed) = (0, 0);
        for change in changes {
            match (change, self.keys.binary_search(&change.key())) {
                (Change::Insert(key), Err(rank)) => {
                    self.keys.insert(rank, key);
                    inserted += 1;
                }
                (Change::Remove(_), Ok(rank)) => {
                    self.keys.remove(rank);
                    removed += 1;
                }
                _ => {}
            }
        }
        Seen::Applied { inserted, removed, keys: self.keys.clone() }
    }

    fn cursor(&self, steps: &[CursorStep]) -> Seen {
        let mut at = 0;
        let previous = |at: usize| at.checked_sub(1).map(|rank| self.keys[rank]);
        let seen = steps.iter().map(|step| {
            let key = match *step {
                CursorStep::Next | CursorStep::PeekNext => self.keys.get(at).copied(),
                CursorStep::Prev | CursorStep::PeekPrev => previous(at),
                CursorStep::Seek(key) => {
                    at = self.keys.partition_point(|&other| other < key);
                    self.keys.contains(&key).then_some(key)
                }
                CursorStep::SeekRank(rank) => {
                    at = usize::from(rank).min(self.keys.len());
                    None
                }
                CursorStep::CloneIt => None,
            };
            match step {
                CursorStep::Next if key.is_some() => at += 1,
                CursorStep::Prev if key.is_some() => at -= 1,
                _ => {}
            }
            (key, at)
        });
        Seen::Cursor(seen.collect())
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
        match first_disorder(keys) {
            Some((at, duplicate)) => Seen::Refused { at, duplicate },
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

fn sorted(mut keys: Vec<u16>) -> Vec<u16> {
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn has(sorted: &[u16], key: &u16) -> bool {
    sorted.binary_search(key).is_ok()
}

/// The first key that is not greater than the one before it, and whether it is equal.
fn first_disorder(keys: &[u16]) -> Option<(usize, bool)> {
    let at = (1..keys.len()).find(|&at| keys[at - 1] >= keys[at])?;
    Some((at, keys[at - 1] == keys[at]))
}

/// Whether `key` is a multiple of a number; of 0 all are.
pub fn is_multiple(key: u16, of: u8) -> bool {
    of == 0 || key.is_multiple_of(u16::from(of))
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

/// Reads an iterator as `Walk` says. A slice's iterator is the oracle of the others. `left` tells how many keys one has
/// still to give.
pub fn walk<'a, I>(mut keys: I, steps: &[Step], left: impl Fn(&I) -> usize) -> Seen
where
    I: DoubleEndedIterator<Item = &'a u16> + Clone,
{
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
        seen.push((key.copied(), left(&keys)));
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
        8 => (key(), key()).prop_map(|(old, new)| Op::Reposition { old, new }),
        4 => key().prop_map(Op::RemoveAt),
        24 => many(universe),
    ]
}

/// Operations on many keys at once.
fn many(universe: u16) -> impl Strategy<Value = Op> {
    let key = move || 0..universe;
    let ends = move || (key(), key());
    let multiple = || prop_oneof![0..4_u8, 0..40_u8];
    let half = || prop_oneof![Just(Half::Low), Just(Half::High)];
    let keys = move || keys(universe);
    let batch = move || prop::collection::vec(key(), 0..9);
    let sorted_batch = move || keys().prop_map(|keys| keys.sorted());
    prop_oneof![
        2 => ends().prop_map(|(from, to)| Op::RemoveRange { from, to }),
        2 => ends().prop_map(|(from, to)| Op::RemoveRanks { from, to }),
        2 => ends().prop_map(|(from, to)| Op::Count { from, to }),
        1 => multiple().prop_map(Op::KeepMultiples),
        2 => multiple().prop_map(Op::DropMultiples),
        1 => (key(), half()).prop_map(|(key, keep)| Op::SplitOff { key, keep }),
        1 => (key(), half()).prop_map(|(rank, keep)| Op::SplitOffRank { rank, keep }),
        2 => keys().prop_map(Op::Append),
        2 => keys().prop_map(Op::AppendTo),
        4 => (combination(), keys(), steps()).prop_map(|(how, other, steps)| Op::Combine { how, other, steps }),
        2 => (combination(), keys()).prop_map(|(how, other)| Op::Become { how, other }),
        2 => keys().prop_map(Op::Compare),
        1 => batch().prop_map(Op::InsertMany),
        3 => sorted_batch().prop_map(Op::InsertMany),
        1 => batch().prop_map(Op::RemoveMany),
        2 => sorted_batch().prop_map(Op::RemoveMany),
        1 => prop::collection::vec(change(key().boxed()), 0..9).prop_map(Op::Apply),
        3 => changes(sorted_batch().boxed()).prop_map(Op::Apply),
        3 => prop::collection::vec(cursor_step(universe), 0..20).prop_map(Op::Cursor),
    ]
}

fn keys(universe: u16) -> impl Strategy<Value = Keys> {
    prop_oneof![
        prop::collection::vec(0..universe, 0..40).prop_map(Keys::Of),
        (0..universe, 0..300_u16, 0..9_u8).prop_map(|(from, len, step)| Keys::Run { from, len, step }),
    ]
}

fn combination() -> impl Strategy<Value = Combination> {
    use Combination::*;
    prop_oneof![Just(Union), Just(Intersection), Just(Difference), Just(SymmetricDifference)]
}

fn change(key: BoxedStrategy<u16>) -> impl Strategy<Value = Change> {
    prop_oneof![key.clone().prop_map(Change::Insert), key.prop_map(Change::Remove)]
}

fn changes(keys: BoxedStrategy<Vec<u16>>) -> impl Strategy<Value = Vec<Change>> {
    keys.prop_flat_map(|keys| keys.into_iter().map(|key| change(Just(key).boxed())).collect::<Vec<_>>())
}

fn cursor_step(universe: u16) -> impl Strategy<Value = CursorStep> {
    prop_oneof![
        4 => Just(CursorStep::Next),
        4 => Just(CursorStep::Prev),
        2 => Just(CursorStep::PeekNext),
        2 => Just(CursorStep::PeekPrev),
        1 => (0..universe).prop_map(CursorStep::Seek),
        1 => (0..universe).prop_map(CursorStep::SeekRank),
        1 => Just(CursorStep::CloneIt),
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
