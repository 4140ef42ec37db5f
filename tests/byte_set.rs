//! `ByteSet` equals a sorted vector for any script, and its keys the byte strings they are made of.

use oyez::byte_set::{BuildError, ByteKey, KeyTooLong};
use oyez::{ByteSet, Disorder, Inserted};
use oyez_driver::bytes::run;
use oyez_model::set::ops;
use proptest::prelude::*;

/// Byte strings that are often prefixes of each other, and end on both sides of every seam.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = || prop_oneof![Just(0), Just(1), Just(255)];
    let same = (0..45_usize).prop_map(|len| vec![1; len]);
    (same, prop::collection::vec(byte(), 0..6)).prop_map(|(mut bytes, rest)| {
        bytes.extend(rest);
        bytes
    })
}

proptest! {
    #[test]
    fn equals_a_sorted_vector(ops in ops()) {
        run(&ops);
    }

    #[test]
    fn a_key_is_its_bytes(one in bytes(), other in bytes()) {
        let (one_key, other_key) = (ByteKey::new(&one).unwrap(), ByteKey::new(&other).unwrap());
        prop_assert_eq!(one_key.as_bytes(), &one[..]);
        prop_assert_eq!(one_key.cmp(&other_key), one.cmp(&other));
        prop_assert_eq!(one_key == other_key, one == other);
        prop_assert_eq!(one_key.len(), one.len());
        let clone = one_key.clone();
        drop(one_key);
        prop_assert_eq!(clone.as_bytes(), &one[..]);
    }
}

#[test]
fn the_longest_key_is_taken_and_a_longer_one_refused() {
    let mut set = ByteSet::new();
    let longest = vec![7; 65_535];
    assert_eq!(set.insert(&longest), Ok(Inserted::At(0)));
    let longer = vec![7; 65_536];
    let refused = set.insert(&longer).unwrap_err();
    assert_eq!(refused, KeyTooLong { len: 65_536 });
    assert_eq!(refused.to_string(), "a key of 65536 bytes is longer than 65535");
    assert_eq!(set.rank(&longer), Err(1));
    assert!(!set.remove(&longer).was_present());
    assert_eq!(set.select(0), Some(&longest[..]));
    let refused = ByteSet::from_sorted([longest, longer]).unwrap_err();
    assert_eq!(refused.to_string(), "a key of 65536 bytes is longer than 65535, at 1");
}

#[test]
fn unsorted_bulk_input_is_refused() {
    let BuildError::NotSorted(refused) = ByteSet::from_sorted(["a", "c", "b"]).unwrap_err() else {
        panic!("all keys are short")
    };
    assert_eq!((refused.at, refused.disorder), (2, Disorder::Descending));
}

#[test]
fn versions_and_sharing_come_with_the_tree() {
    let mut set = ByteSet::from_sorted(["ada", "bob"]).unwrap();
    let before = set.snapshot().unwrap();
    set.insert(b"carl").unwrap();
    assert_eq!(format!("{set:?}"), r#"{b"ada", b"bob", b"carl"}"#);
    assert!(before.iter().map(ByteKey::as_bytes).eq([b"ada", b"bob"]));
    assert_eq!(before.diff(&set).count(), 1);
    let shared = oyez::SharedSet::from(set.into_inner());
    assert_eq!(shared.load().rank(&b"bob"[..]), Ok(1));
}
