//! `SortedSet` equals a sorted vector for any script, and behaves as std's sets do at the edges.

use oyez::sorted_set::{Applied, Change};
use oyez::{Disorder, Inserted, NotSorted, Removed, SortedSet};
use oyez_driver::set::run;
use oyez_model::set::{Op::*, Step::*, ops};
use proptest::prelude::*;
use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::ops::Bound::{Excluded, Included};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

proptest! {
    #[test]
    fn equals_a_sorted_vector(ops in ops()) {
        run(&ops);
    }
}

#[test]
fn a_neighbour_fills_a_small_branch_at_either_end() {
    run(&[InsertUp { from: 0, len: 255, step: 2 }, RemoveRun { from: 0, len: 200 }, Slice { from: 0, to: 99 }]);
    run(&[InsertDown { from: 900, len: 255, step: 2 }, RemoveRun { from: 60, len: 200 }, Slice { from: 0, to: 99 }]);
}

#[test]
fn a_skip_forgets_where_the_front_was() {
    let steps = vec![Next, NextBack, Nth(0), Nth(3), Next, NthBack(2), Nth(40), NextBack, Next];
    run(&[InsertUp { from: 0, len: 255, step: 1 }, Walk { from: 3, to: 250, steps }]);
    run(&[InsertUp { from: 0, len: 99, step: 1 }, Walk { from: 0, to: 99, steps: vec![Next, Nth(2)] }]);
}

#[test]
fn a_million_keys_load_in_bulk_and_keep_their_ranks() {
    let keys: Vec<u64> = (0..1_000_000).map(|i| i * 3).collect();
    let set = SortedSet::from_sorted(keys).unwrap();
    assert_eq!(set.validate(), Ok(1_000_000));
    for rank in (0..1_000_000).step_by(997) {
        let key = rank as u64 * 3;
        assert_eq!(set.rank(&key), Ok(rank));
        assert_eq!(set.rank(&(key + 1)), Err(rank + 1));
        assert_eq!(set.select(rank), Some(&key));
    }
    assert!(set.slice(499_990..500_010).map(|key| key / 3).eq(499_990..500_010));
}

#[test]
fn unsorted_bulk_input_is_refused_and_comes_back() {
    let keys: Vec<u64> = (0..1_000_000).chain([999_999]).collect();
    let refused = SortedSet::from_sorted(keys).unwrap_err();
    assert_eq!((refused.at, refused.disorder), (1_000_000, Disorder::Duplicate));
    assert_eq!(refused.keys.len(), 1_000_001);

    let refused = SortedSet::from_sorted(vec!["b", "a"]).unwrap_err();
    assert_eq!(refused.to_string(), "key 1 of 2 is smaller than the one before it");
    assert_eq!(refused, NotSorted { keys: vec!["b", "a"], at: 1, disorder: Disorder::Descending });
}

#[test]
fn ascending_and_descending_loads_give_the_same_valid_set() {
    let ascending: SortedSet<u32> = {
        let mut set = SortedSet::new();
        set.extend(0..100_000);
        set
    };
    let descending: SortedSet<u32> = {
        let mut set = SortedSet::new();
        set.extend((0..100_000).rev());
        set
    };
    assert_eq!(ascending.validate(), Ok(100_000));
    assert_eq!(descending.validate(), Ok(100_000));
    assert_eq!(ascending, descending);
}

#[test]
fn after_removing_most_keys_at_random_the_set_is_valid_and_right() {
    let keys: Vec<u64> = (0..50_000_u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
    let mut set: SortedSet<u64> = keys.iter().copied().collect();
    let mut oracle: BTreeSet<u64> = keys.iter().copied().collect();
    for key in &keys[..47_500] {
        assert!(set.remove(key).was_present());
        oracle.remove(key);
    }
    assert_eq!(set.validate(), Ok(2_500));
    assert!(set.iter().eq(&oracle));
}

/// Loads and removals in one order and another, each by single calls and by batches.
#[test]
fn after_any_churn_the_set_is_valid_and_right() {
    const N: u32 = 20_000;
    let ascending: Vec<u32> = (0..N).collect();
    let descending: Vec<u32> = (0..N).rev().collect();
    let scattered: Vec<u32> = (0..N).map(|i| i.wrapping_mul(0x9E37_79B1)).collect();
    // A thousand places at which twenty neighbours come one after the other.
    let clustered: Vec<u32> = (0..N).map(|i| (i / 20).wrapping_mul(0x9E37_79B1) % 5_000 * 100 + i % 20).collect();
    // Each between the two before it: the same leaf splits again and again.
    let inward: Vec<u32> = (0..N).map(|i| if i % 2 == 0 { i } else { 2 * N - i }).collect();
    for keys in [ascending, descending, scattered, clustered, inward] {
        let mut set = SortedSet::new();
        let mut oracle = BTreeSet::new();
        for round in 0..3 {
            for key in &keys {
                assert_eq!(set.insert(*key).is_new(), oracle.insert(*key));
            }
            assert_eq!(set.validate(), Ok(oracle.len()));
            let leaving = |at: usize| at % 20 != round;
            for (at, key) in keys.iter().enumerate().filter(|(at, _)| leaving(*at)) {
                assert_eq!(set.remove(key).was_present(), oracle.remove(key), "key {at}");
            }
            assert_eq!(set.validate(), Ok(oracle.len()));
            assert!(set.iter().eq(&oracle));

            let mut batch = keys.clone();
            batch.sort_unstable();
            batch.dedup();
            let survivors = set.clone();
            assert_eq!(set.insert_many(batch.clone()), Ok(batch.len() - oracle.len()));
            assert_eq!((set.validate(), set.iter().eq(&batch)), (Ok(batch.len()), true));
            set = &set & &survivors;
            assert!(set.iter().eq(&oracle));
        }
    }
}

#[test]
fn an_empty_set_answers() {
    let mut set = SortedSet::<String>::new();
    assert!(set.is_empty());
    assert_eq!(set.remove("x"), Removed::Absent(0));
    assert_eq!(set.rank("x"), Err(0));
    assert_eq!((set.select(0), set.first(), set.last()), (None, None, None));
    assert_eq!((set.pop_first(), set.pop_last()), (None, None));
    assert_eq!(set.slice(0..9).len(), 0);
    assert_eq!(set.ranks::<str, _>(..), 0..0);
    assert_eq!((set.remove_at(0), set.remove_ranks(0..9), set.retain(|_| false)), (None, 0..0, 0));
    assert_eq!((set.remove_many(["x"]), set.apply(vec![])), (Ok(0), Ok(Applied { inserted: 0, removed: 0 })));
    assert_eq!((set.split_off("x").len(), set.split_off_rank(0).len()), (0, 0));
    set.append(&mut SortedSet::new());
    assert!(set.is_subset(&set) && set.is_disjoint(&set) && set.union(&set).next_back().is_none());
    assert_eq!(format!("{:?}", set.cursor()), "Cursor { rank: 0, prev: None, next: None }");
    assert_eq!(SortedSet::from_sorted(Vec::<String>::new()), Ok(set));
}

#[test]
fn a_key_of_another_type_is_looked_up_by_borrow() {
    let set: SortedSet<String> = ["ada", "bob", "eve"].map(String::from).into();
    assert_eq!(set.rank("bob"), Ok(1));
    assert_eq!(set.get("eve").map(String::as_str), Some("eve"));
    assert!(set.range::<str, _>((Included("b"), Excluded("d"))).eq(["bob"]));
}

/// A key that says whose it is, which the order does not see.
#[derive(Debug)]
struct Loud(u32, &'static str);

impl PartialEq for Loud {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Loud {}

impl PartialOrd for Loud {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Loud {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

#[test]
fn a_set_needs_no_clone_and_keeps_the_first_of_equal_keys() {
    let mut set = SortedSet::new();
    for i in 0..1_000 {
        assert_eq!(set.insert(Loud(i, "first")), Inserted::At(i as usize));
    }
    assert_eq!(set.insert(Loud(500, "second")), Inserted::Already(500));
    assert_eq!(set.select(500).unwrap().1, "first");
    assert_eq!(set.take(&Loud(500, "")).unwrap().1.1, "first");
}

#[test]
fn only_ord_decides() {
    #[derive(Clone, Debug)]
    struct OrdAlone(u32);
    impl PartialEq for OrdAlone {
        fn eq(&self, _: &Self) -> bool {
            unreachable!("asked for `eq`")
        }
    }
    impl Eq for OrdAlone {}
    #[expect(clippy::non_canonical_partial_ord_impl, reason = "nobody is to call it")]
    impl PartialOrd for OrdAlone {
        fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
            unreachable!("asked for `partial_cmp`")
        }
    }
    impl Ord for OrdAlone {
        fn cmp(&self, other: &Self) -> Ordering {
            self.0.cmp(&other.0)
        }
    }
    let mut set = SortedSet::from_sorted((0..300).map(OrdAlone).collect()).unwrap();
    assert_eq!(set.insert(OrdAlone(300)), Inserted::At(300));
    assert_eq!(set.remove(&OrdAlone(7)), Removed::At(7));
    assert_eq!(set.ranks(OrdAlone(7)..=OrdAlone(9)), 7..9);
    assert_eq!(set.validate(), Ok(300));
    let collected: SortedSet<OrdAlone> = [3, 1, 3, 2].map(OrdAlone).into();
    assert!(collected.iter().map(|key| key.0).eq(1..4));
    let refused = SortedSet::from_sorted(vec![OrdAlone(2), OrdAlone(2)]).unwrap_err();
    assert_eq!(refused.disorder, Disorder::Duplicate);
}

thread_local!(static FUSE: Cell<u32> = const { Cell::new(u32::MAX) });

/// A key whose comparison panics once the fuse is used up.
#[derive(PartialEq, Eq, Clone, Debug)]
struct Fused(u32);

impl PartialOrd for Fused {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fused {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = FUSE.get();
        if left == 0 {
            resume_unwind(Box::new("the fuse blew"));
        }
        FUSE.set(left - 1);
        self.0.cmp(&other.0)
    }
}

#[test]
fn of_equal_keys_the_sets_own_stays_in_batches_unions_and_moves() {
    let owners = |set: &SortedSet<Loud>| set.iter().map(|key| key.1).collect::<String>();
    let all = |owner, keys: std::ops::Range<u32>| SortedSet::from_iter(keys.map(|key| Loud(key, owner)));
    for theirs in [2..3, 0..4, 2..300] {
        let (mut set, mut other) = (all("a", 1..3), all("b", theirs.clone()));
        assert!(set.union(&other).all(|key| key.1 == if key.0 == 1 || key.0 == 2 { "a" } else { "b" }));
        assert!(set.intersection(&other).all(|key| key.1 == "a"));
        set.append(&mut other);
        assert_eq!(owners(&set).matches('a').count(), 2, "{theirs:?} taken in");
        assert_eq!(set.insert_many(theirs.clone().map(|key| Loud(key, "c")).collect()), Ok(0));
        assert_eq!(owners(&set).matches('c').count(), 0, "{theirs:?} inserted");
        assert_eq!(set.reposition(&Loud(2, ""), Loud(2, "d")).ranks(), set.rank(&Loud(2, "")).map(|at| (at, at)).ok());
        assert_eq!(set.get(&Loud(2, "")).unwrap().1, "a");
    }
}

#[test]
fn a_predicate_that_panics_leaves_the_set_as_it_was() {
    let before: SortedSet<u32> = (0..100).collect();
    let mut set = before.clone();
    let call = AssertUnwindSafe(|| set.retain(|&key| if key == 50 { resume_unwind(Box::new("no")) } else { false }));
    assert!(catch_unwind(call).is_err());
    assert_eq!((set.validate(), &set), (Ok(100), &before));
}

type Call<'c> = &'c dyn Fn(&mut SortedSet<Fused>);

/// Each call with a fuse that blows sooner or later; `after` judges the set that met a panic.
fn with_fuses(calls: &[Call<'_>], after: impl Fn(&SortedSet<Fused>, &SortedSet<Fused>)) {
    let mut before = SortedSet::with_node_sizes(4, 4);
    before.extend((0..200).map(|i| Fused(i * 2)));
    for (at, call) in calls.iter().enumerate() {
        let mut blown = 0;
        for fuse in 0..40 {
            let mut set = before.clone();
            FUSE.set(fuse);
            let outcome = catch_unwind(AssertUnwindSafe(|| call(&mut set)));
            FUSE.set(u32::MAX);
            assert_eq!(set.validate(), Ok(set.len()), "call {at}, fuse {fuse}");
            if outcome.is_err() {
                blown += 1;
                after(&set, &before);
            }
        }
        assert!(blown >= 10, "only {blown} runs of call {at} met a panic");
    }
}

#[test]
fn a_comparison_that_panics_leaves_the_set_as_it_was_by_ranges_and_large_batches() {
    let odd = || (0..300).map(|i| Fused(i * 2 + 1)).collect::<Vec<_>>();
    let calls: [Call<'_>; 7] = [
        &|set| assert_eq!(set.reposition(&Fused(100), Fused(301)).ranks(), Some((50, 150))),
        &|set| assert_eq!(set.reposition(&Fused(300), Fused(101)).ranks(), Some((150, 51))),
        &|set| assert_eq!(set.remove_range(Fused(7)..Fused(301)), 4..151),
        &|set| assert_eq!(set.split_off(&Fused(77)).len(), 161),
        &|set| assert_eq!(set.insert_many(odd()), Ok(300)),
        &|set| assert_eq!(set.remove_many(&[Fused(2), Fused(4), Fused(350)]), Ok(3)),
        &|set| assert!(set.apply(odd().into_iter().map(Change::Insert).collect()).is_ok()),
    ];
    with_fuses(&calls, |set, before| assert_eq!(set, before));
}

#[test]
fn a_comparison_that_panics_amid_a_small_batch_leaves_a_valid_set() {
    let calls: [Call<'_>; 2] =
        [&|set| assert_eq!(set.insert_many(vec![Fused(3), Fused(5), Fused(351)]), Ok(3)), &|set| {
            set.append(&mut [Fused(401), Fused(403)].into())
        }];
    with_fuses(&calls, |set, before| {
        assert!(set.len() <= before.len() + 2);
        assert!(before.is_subset(set));
    });
}

#[test]
fn a_comparison_that_panics_leaves_the_set_as_it_was() {
    let mut set = SortedSet::with_node_sizes(4, 4);
    set.extend((0..200).map(|i| Fused(i * 2)));
    let before = set.clone();
    let mut blown = 0;
    for key in (0..400).step_by(7) {
        for fuse in 0..4 {
            FUSE.set(fuse);
            let call = AssertUnwindSafe(|| match key % 2 {
                0 => set.remove(&Fused(key)).was_present(),
                _ => set.insert(Fused(key)).is_new(),
            });
            let outcome = catch_unwind(call);
            FUSE.set(u32::MAX);
            match outcome {
                Ok(_) => set = before.clone(), // found at the root, before the fuse blew
                Err(_) => blown += 1,
            }
            assert_eq!(set.validate(), Ok(200));
            assert_eq!(set, before);
        }
    }
    assert!(blown > 200, "only {blown} calls met a panic");
}

#[test]
fn equal_sets_have_one_hash_and_a_hash_reads_every_key() {
    let hash = |set: &SortedSet<u32>| BuildHasherDefault::<DefaultHasher>::default().hash_one(set);
    let built: SortedSet<u32> = (0..1_000).collect();
    let mut grown = SortedSet::with_node_sizes(4, 4);
    grown.extend((0..1_000).rev());
    assert_eq!(built, grown);
    assert_eq!(hash(&built), hash(&grown));
    for key in [0, 44, 45, 500, 999] {
        let mut other = built.clone();
        other.remove(&key);
        other.insert(1_000 + key);
        assert_eq!(other.len(), built.len());
        assert_ne!(hash(&other), hash(&built), "{key} replaced");
    }
}

#[test]
fn traits_agree_with_std() {
    let set = SortedSet::from([3, 1, 2]);
    let std: BTreeSet<i32> = [3, 1, 2].into();
    assert_eq!(format!("{set:?}"), format!("{std:?}"));
    assert_eq!(SortedSet::from(std), set);
    assert!(SortedSet::from([1, 2]) < set);
    assert_eq!(set.clone().into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(set.iter().nth(1), Some(&2));
    assert_eq!(set.iter().last(), Some(&3));
    assert_eq!(format!("{:?}", set.iter()), "[1, 2, 3]");
    assert_eq!(format!("{:?}", set.difference(&SortedSet::from([2]))), "[1, 3]");
    assert_eq!(Vec::from(set.clone()), [1, 2, 3]);
    let mut extended = set.clone();
    extended.extend(&[4, 0]);
    assert_eq!(extended, SortedSet::from([0, 1, 2, 3, 4]));
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    is_send_and_sync(&set);
    is_send_and_sync(&set.cursor());
    is_send_and_sync(&set.union(&set));
}
