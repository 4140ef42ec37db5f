//! Snapshots stay as they are, whatever becomes of their set, and what only they needed comes back.

use oyez::{Snapshot, SortedSet};
use oyez_driver::versions::run;
use oyez_model::versions::{Op::*, ops};
use proptest::prelude::*;
use std::thread;

proptest! {
    #[test]
    fn every_version_equals_its_sorted_vector(ops in ops()) {
        run(&ops);
    }
}

#[test]
fn a_removal_merges_with_a_neighbour_that_a_snapshot_sees() {
    run(&[
        Build { len: 600, step: 1 },
        Snapshot,
        RemoveRun { from: 100, len: 255 },
        RemoveRun { from: 0, len: 255 },
        Read(0),
    ]);
}

#[test]
fn a_removal_fills_a_branch_that_was_thin_before_from_one_that_a_snapshot_sees() {
    for len in 0..40 {
        let up = InsertUp { from: 2015, len, step: 1 };
        run(&[Build { len: 2015, step: 1 }, up, Snapshot, Insert(3000), Remove(3000), Read(0)]);
        run(&[
            Build { len: 2015, step: 1 },
            InsertUp { from: 2015, len, step: 1 },
            Snapshot,
            PopLast,
            PopLast,
            Read(0),
        ]);
        let down = InsertDown { from: 999, len, step: 1 };
        run(&[InsertUp { from: 1000, len: 255, step: 1 }, down, Snapshot, PopFirst, PopFirst, Read(0)]);
    }
}

#[test]
fn a_clone_that_panics_at_any_point_of_a_path_copy_changes_nothing() {
    for left in 0..=160 {
        for change in [Insert(301), Remove(300), Remove(304)] {
            let thin = RemoveRun { from: 130, len: 20 };
            run(&[Build { len: 400, step: 2 }, thin, Snapshot, FuseClone(left), change, Read(0)]);
        }
    }
}

#[test]
fn a_set_may_end_before_its_snapshots_and_the_other_way_round() {
    run(&[Build { len: 500, step: 1 }, Snapshot, RemoveRun { from: 9, len: 99 }, Snapshot, Thaw(0), Read(0), Read(1)]);
    run(&[Build { len: 500, step: 1 }, Snapshot, Remove(250), DropSnapshot(0), Insert(250), Reclaim]);
}

#[test]
fn only_what_an_old_snapshot_sees_is_kept_for_it() {
    let mut set: SortedSet<u32> = (0..100_000).collect();
    let old = set.snapshot().unwrap();
    let size = 100_000 * size_of::<u32>();
    for round in 0..200_000_u32 {
        let newer = set.snapshot().unwrap();
        let key = round.wrapping_mul(2_654_435_761) % 100_000;
        assert!(set.remove(&key).was_present());
        assert!(set.insert(key).is_new());
        drop(newer);
    }
    let stats = set.snapshot_stats();
    assert_eq!((stats.held, stats.oldest_age), (1, 400_000));
    assert!(stats.retired_bytes < 2 * size, "{stats:?}");
    assert!(old.iter().copied().eq(0..100_000));
    drop(old);
    set.reclaim();
    assert_eq!(set.snapshot_stats(), SortedSet::<u32>::new().snapshot_stats());
}

#[test]
fn snapshots_that_take_turns_keep_no_more_than_one() {
    let mut set: SortedSet<u32> = (0..10_000).map(|key| 2 * key).collect();
    let mut held = vec![set.snapshot().unwrap()];
    for round in 0..20_000_u32 {
        let key = round.wrapping_mul(2_654_435_761) % 10_000;
        set.insert(2 * key + 1);
        held.push(set.snapshot().unwrap());
        held.remove(0);
        set.remove(&(2 * key + 1));
    }
    let stats = set.snapshot_stats();
    assert_eq!(stats.held, 1);
    assert!(stats.retired_bytes < 50_000, "{stats:?}");
}

#[test]
fn changes_give_back_what_a_dropped_snapshot_saw() {
    let mut set: SortedSet<u32> = (0..10_000).collect();
    let snapshot = set.snapshot().unwrap();
    for key in 0..10_000 {
        set.remove(&key);
        set.insert(key);
    }
    let seen = set.snapshot_stats().retired_bytes;
    drop(snapshot);
    for changes in 1.. {
        assert!(changes < 100, "a change frees some nodes");
        set.insert(0);
        set.remove(&10_000);
        set.insert(20_000);
        set.remove(&20_000);
        if set.snapshot_stats().retired_bytes == 0 {
            return assert!(seen > 40_000 && changes > 1, "{seen} bytes, {changes} rounds");
        }
    }
}

#[test]
fn there_are_as_many_snapshots_as_are_allowed() {
    let mut set = SortedSet::from([1, 2, 3]);
    set.set_snapshots_max(2);
    let first = set.snapshot().unwrap();
    let _second = set.snapshot().unwrap();
    let refused = set.snapshot().unwrap_err();
    assert_eq!(refused.to_string(), "there are 2 snapshots of the set, as many as it allows");
    let clone = first.clone();
    drop(first);
    assert_eq!(set.snapshot().unwrap_err(), refused, "a clone holds what it was cloned from");
    drop(clone);
    assert!(set.snapshot().is_ok());
}

#[test]
fn a_diff_of_versions_looks_at_changed_nodes_alone() {
    use std::cell::Cell;
    use std::cmp::Ordering;
    thread_local!(static COMPARED: Cell<u32> = const { Cell::new(0) });
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Counted(u32);
    impl PartialOrd for Counted {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Counted {
        fn cmp(&self, other: &Self) -> Ordering {
            COMPARED.set(COMPARED.get() + 1);
            self.0.cmp(&other.0)
        }
    }
    let mut set = SortedSet::from_sorted((0..1_000_000).map(|i| Counted(2 * i)).collect()).unwrap();
    let before = set.snapshot().unwrap();
    for i in 0..100 {
        set.insert(Counted(20_000 * i + 1));
    }
    COMPARED.set(0);
    assert_eq!(before.diff(&set).count(), 100);
    assert!(COMPARED.get() < 100 * 1_000, "{} comparisons", COMPARED.get());
}

#[test]
fn readers_of_a_snapshot_are_not_disturbed() {
    let mut set: SortedSet<(u64, Box<u64>)> = (0..20_000).map(|key| (key, Box::new(key))).collect();
    let mut readers = Vec::new();
    for round in 0..20_u64 {
        let snapshot: Snapshot<_> = set.snapshot().unwrap();
        readers.push(thread::spawn(move || {
            let expected = 20_000 - 500 * round as usize;
            assert_eq!(snapshot.len(), expected);
            assert!(snapshot.iter().all(|(key, boxed)| **boxed == *key));
            assert_eq!(snapshot.iter().count(), expected);
            assert_eq!(snapshot.validate(), Ok(expected));
        }));
        for key in 0..500 {
            let key = round * 500 + key;
            assert!(set.remove(&(key, Box::new(key))).was_present());
        }
    }
    drop(set);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
}
