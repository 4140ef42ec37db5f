//! `SortedSet` and its snapshots against sorted vectors, with keys that tell when they are used after their end.

use crate::script;
use crate::watched::{Watched, fuse_clones, fuse_comparisons, living};
use oyez::sorted_set::DiffItem;
use oyez::{Inserted, Removed, Snapshot, SortedSet};
use oyez_model::set::{build_keys, removed_ranks, run_down, run_up};
use oyez_model::versions::{self, Model, Op, Seen};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Leaf and branch sizes every script is run with: the smallest, an odd one, the real one.
const NODE_SIZES: [(usize, usize); 3] = [(4, 4), (7, 5), (64, 32)];

/// Runs the script over every node size.
///
/// # Panics
///
/// At the first difference, when a set is not valid, when a key is used after its end, and when keys or nodes are left
/// over.
pub fn run(ops: &[Op]) {
    for (leaf, branch) in NODE_SIZES {
        let keys_before = living();
        let mut model = Model::default();
        let mut subject = Subject { set: SortedSet::with_node_sizes(leaf, branch), held: Vec::new(), fuse: None };
        script::run("oyez_driver::versions::run", ops, |op| {
            subject.check_fused(&model, op);
            let expected = model.apply(op);
            assert_eq!(subject.apply(op), expected, "nodes of {leaf} and {branch}: {op:?}");
            assert_eq!(subject.set.validate(), Ok(model.keys().len()), "nodes of {leaf} and {branch}: {op:?}");
        });
        assert!(values(&subject.set).eq(model.keys().iter().copied()), "nodes of {leaf} and {branch}: the set");
        subject.check_held(&model);
        subject.end();
        assert_eq!(living(), keys_before, "nodes of {leaf} and {branch}: keys are left over");
    }
}

/// What panics in the next change.
#[derive(Clone, Copy)]
enum Fuse {
    Clone(u8),
    Ord(u8),
}

struct Subject {
    set: SortedSet<Watched>,
    held: Vec<Snapshot<Watched>>,
    fuse: Option<Fuse>,
}

fn values(set: &SortedSet<Watched>) -> impl Iterator<Item = u16> {
    set.iter().map(Watched::value)
}

impl Subject {
    /// With a fuse burning: makes the change, and if it panics, makes sure that nothing has changed. If it does not
    /// panic the change is taken back.
    fn check_fused(&mut self, model: &Model, op: &Op) {
        let (Op::Insert(key) | Op::Remove(key)) = *op else { return };
        let Some(fuse) = self.fuse.take() else { return };
        let wanted = Watched::new(key);
        let fresh = Watched::new(key);
        let was_there = model.keys().binary_search(&key).is_ok();
        match fuse {
            Fuse::Clone(left) => fuse_clones(Some(left)),
            Fuse::Ord(left) => fuse_comparisons(Some(left)),
        }
        let call = AssertUnwindSafe(|| match *op {
            Op::Insert(_) => self.set.insert(fresh).is_new(),
            _ => self.set.remove(&wanted).was_present(),
        });
        let outcome = catch_unwind(call);
        fuse_clones(None);
        fuse_comparisons(None);
        match (outcome, op) {
            (Ok(true), Op::Insert(_)) => drop(self.set.take(&wanted).expect("just inserted")),
            (Ok(true), _) => drop(self.set.insert(Watched::new(key))),
            (Ok(false), Op::Insert(_)) => assert!(was_there),
            (Ok(false), _) => assert!(!was_there),
            (Err(_), _) => {}
        }
        assert_eq!(self.set.validate(), Ok(model.keys().len()), "after a panic in {op:?}");
        assert!(values(&self.set).eq(model.keys().iter().copied()), "after a panic in {op:?}");
        self.check_held(model);
    }

    fn check_held(&self, model: &Model) {
        assert_eq!(self.held.len(), model.held().len());
        for (snapshot, keys) in self.held.iter().zip(model.held()) {
            assert_eq!(snapshot.validate(), Ok(keys.len()), "a snapshot");
            assert!(values(snapshot).eq(keys.iter().copied()), "a snapshot");
        }
    }

    fn apply(&mut self, op: &Op) -> Seen {
        match *op {
            Op::Insert(key) => Seen::Ranks(vec![self.insert(key)]),
            Op::InsertUp { from, len, step } => {
                Seen::Ranks(run_up(from, len, step).map(|key| self.insert(key)).collect())
            }
            Op::InsertDown { from, len, step } => {
                Seen::Ranks(run_down(from, len, step).map(|key| self.insert(key)).collect())
            }
            Op::Remove(key) => Seen::Ranks(vec![match self.set.remove(&Watched::new(key)) {
                Removed::At(rank) => (true, rank),
                Removed::Absent(rank) => (false, rank),
            }]),
            Op::RemoveRun { from, len } => {
                let ranks = removed_ranks(from, len, self.set.len());
                let keys: Vec<u16> = self.set.slice(ranks.clone()).map(Watched::value).collect();
                for &key in &keys {
                    assert_eq!(self.set.remove(&Watched::new(key)), Removed::At(ranks.start));
                }
                Seen::Keys(keys)
            }
            Op::PopFirst => Seen::Keys(self.set.pop_first().iter().map(Watched::value).collect()),
            Op::PopLast => Seen::Keys(self.set.pop_last().iter().map(Watched::value).collect()),
            Op::Build { len, step } => {
                let keys = build_keys(len, step).into_iter().map(Watched::new).collect();
                self.set.rebuild(keys).expect("the keys ascend");
                Seen::Nothing
            }
            Op::Clear => {
                self.set.clear();
                Seen::Nothing
            }
            Op::Snapshot => {
                self.hold(self.set.snapshot().expect("there are few"));
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
            Op::Read(number) => {
                Seen::Keys(self.number(number).map_or(Vec::new(), |number| values(&self.held[number]).collect()))
            }
            Op::Diff { older, newer } => Seen::Differences(differences(self.version(older), self.version(newer))),
            Op::Reclaim => {
                self.set.reclaim();
                let stats = self.set.snapshot_stats();
                assert!(stats.held > 0 || stats.retired_bytes == 0, "{stats:?}");
                Seen::Nothing
            }
            Op::Thaw(number) => {
                if let Some(number) = self.number(number) {
                    // Half of the times by way of a snapshot of the snapshot.
                    let of_it = self.held[number].snapshot().expect("a snapshot has as many as one likes");
                    self.set = if number % 2 == 0 { SortedSet::clone(&of_it) } else { (*self.held[number]).clone() };
                }
                Seen::Nothing
            }
            Op::FuseClone(left) => {
                self.fuse = Some(Fuse::Clone(left));
                Seen::Nothing
            }
            Op::FuseOrd(left) => {
                self.fuse = Some(Fuse::Ord(left));
                Seen::Nothing
            }
        }
    }

    fn insert(&mut self, key: u16) -> (bool, usize) {
        match self.set.insert(Watched::new(key)) {
            Inserted::At(rank) => (true, rank),
            Inserted::Already(rank) => (false, rank),
        }
    }

    fn number(&self, number: u8) -> Option<usize> {
        usize::from(number).checked_rem(self.held.len())
    }

    fn version(&self, number: u8) -> &SortedSet<Watched> {
        self.held.get(usize::from(number) % (self.held.len() + 1)).map_or(&self.set, |snapshot| snapshot)
    }

    fn hold(&mut self, snapshot: Snapshot<Watched>) {
        if self.held.len() == versions::HELD_MAX {
            self.held.remove(0);
        }
        self.held.push(snapshot);
    }

    /// The set ends before some of its snapshots and behind others, and then nothing is left.
    fn end(mut self) {
        self.held.truncate(versions::HELD_MAX / 2);
        self.set.reclaim();
        if self.held.is_empty() {
            assert_eq!(self.set.snapshot_stats().retired_bytes, 0, "nobody sees them");
        }
        drop(self.set);
        self.held.iter().for_each(|snapshot| assert_eq!(snapshot.validate(), Ok(snapshot.len())));
    }
}

fn differences(older: &SortedSet<Watched>, newer: &SortedSet<Watched>) -> Vec<versions::Difference> {
    let seen = |difference| match difference {
        DiffItem::Removed { rank, key } => (false, rank, key),
        DiffItem::Added { rank, key } => (true, rank, key),
    };
    let differences = older.diff(newer).map(seen);
    differences
        .map(|(added, rank, key): (_, _, &Watched)| versions::Difference { added, rank, key: key.value() })
        .collect()
}
