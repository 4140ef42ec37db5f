//! `SortedSet` equals a sorted vector for any script, and behaves as std's sets do at the edges.

use oyez::{Disorder, Inserted, NotSorted, Removed, SortedSet};
use oyez_driver::set::run;
use oyez_model::set::{Op::*, Step::*, ops};
use proptest::prelude::*;
use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::ops::Bound::{Excluded, Included};

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
    assert_eq!(SortedSet::from_sorted(Vec::<String>::new()), Ok(set));
}

#[test]
fn a_key_of_another_type_is_looked_up_by_borrow() {
    let set: SortedSet<String> = ["ada", "bob", "eve"].map(String::from).into();
    assert_eq!(set.rank("bob"), Ok(1));
    assert_eq!(set.get("eve").map(String::as_str), Some("eve"));
    assert!(set.range::<str, _>((Included("b"), Excluded("d"))).eq(["bob"]));
}

#[test]
fn a_set_needs_no_clone_and_keeps_the_first_of_equal_keys() {
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

#[test]
fn a_comparison_that_panics_leaves_the_set_as_it_was() {
    thread_local!(static FUSE: Cell<u32> = const { Cell::new(u32::MAX) });
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
                std::panic::resume_unwind(Box::new("the fuse blew"));
            }
            FUSE.set(left - 1);
            self.0.cmp(&other.0)
        }
    }
    let mut set = SortedSet::with_node_sizes(4, 4);
    set.extend((0..200).map(|i| Fused(i * 2)));
    let before = set.clone();
    let mut blown = 0;
    for key in (0..400).step_by(7) {
        for fuse in 0..4 {
            FUSE.set(fuse);
            let call = std::panic::AssertUnwindSafe(|| match key % 2 {
                0 => set.remove(&Fused(key)).was_present(),
                _ => set.insert(Fused(key)).is_new(),
            });
            let outcome = std::panic::catch_unwind(call);
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
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    is_send_and_sync(&set);
}
