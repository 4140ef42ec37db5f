//! What the two sorted sets of the C door have in common: everything but how a key comes in and goes out.

use super::argument::{Buffer, Filled};
use super::guard::Done;
use super::owner::{Output, Owner};
use super::status::{OYEZ_ALREADY, OYEZ_FULL, OYEZ_NOT_FOUND, OYEZ_NOT_SORTED, oyez_status};
use crate::{Inserted, SortedSet};
use std::borrow::Borrow;
use std::ffi::c_char;
use std::ops::Range;

/// More make a sorted set panic.
const KEYS_MAX: usize = u32::MAX as usize - 1;

pub(super) type Keys<K> = Owner<SortedSet<K>>;

pub(super) fn empty<K>() -> Keys<K> {
    Owner::new(SortedSet::new())
}

/// Builds a set from keys that ascend; `at` is the first that does not.
pub(super) fn from_sorted<K: Ord>(
    keys: impl ExactSizeIterator<Item = K>,
    at: &mut Output<usize>,
) -> Result<Keys<K>, oyez_status> {
    if keys.len() > KEYS_MAX {
        return Err(OYEZ_FULL);
    }
    let built = SortedSet::from_sorted(keys.collect());
    built.map(Owner::new).map_err(|refused| {
        at.set(refused.at);
        OYEZ_NOT_SORTED
    })
}

pub(super) fn insert<K: Ord>(keys: &mut Keys<K>, key: K, mut rank: Output<usize>) -> Done {
    keys.change(|keys| {
        let inserted = insert_below(keys, key, KEYS_MAX)?;
        rank.set(inserted.rank());
        if inserted.is_new() { Ok(()) } else { Err(OYEZ_ALREADY) }
    })
}

/// Inserts a key, unless there are as many as there may be.
fn insert_below<K: Ord>(keys: &mut SortedSet<K>, key: K, max: usize) -> Result<Inserted, oyez_status> {
    if keys.len() < max || keys.contains(&key) { Ok(keys.insert(key)) } else { Err(OYEZ_FULL) }
}

pub(super) fn insert_many<K: Ord>(
    keys: &mut Keys<K>,
    mut more: impl Iterator<Item = K>,
    mut added: Output<usize>,
) -> Done {
    keys.change(|keys| {
        let before = keys.len();
        let done = more.try_for_each(|key| insert_below(keys, key, KEYS_MAX).map(|_| ()));
        added.set(keys.len() - before);
        done
    })
}

pub(super) fn remove<K, Q>(keys: &mut Keys<K>, key: &Q, mut rank: Output<usize>) -> Done
where
    K: Ord + Borrow<Q>,
    Q: Ord + ?Sized,
{
    keys.change(|keys| {
        let removed = keys.remove(key);
        rank.set(removed.rank());
        if removed.was_present() { Ok(()) } else { Err(OYEZ_NOT_FOUND) }
    })
}

pub(super) fn rank<K, Q>(keys: &Keys<K>, key: &Q, mut rank: Output<usize>) -> Done
where
    K: Ord + Borrow<Q>,
    Q: Ord + ?Sized,
{
    keys.read(|keys| match keys.rank(key) {
        Ok(at) => {
            rank.set(at);
            Ok(())
        }
        Err(at) => {
            rank.set(at);
            Err(OYEZ_NOT_FOUND)
        }
    })
}

pub(super) fn select<K, T>(keys: &Keys<K>, rank: usize, mut key: Output<T>, show: impl FnOnce(&K) -> T) -> Done {
    keys.read(|keys| {
        key.set(show(keys.select(rank).ok_or(OYEZ_NOT_FOUND)?));
        Ok(())
    })
}

/// Fills a buffer with the keys of a range of ranks, or of the ranks that `ranks` finds.
pub(super) fn slice<K, T>(
    keys: &Keys<K>,
    ranks: impl FnOnce(&SortedSet<K>) -> Range<usize>,
    out: Buffer<T>,
    filled: Filled,
    show: impl Fn(&K) -> T,
) -> Done {
    keys.read(|keys| {
        let ranks = ranks(keys);
        let total = keys.slice(ranks.clone()).len();
        out.fill(filled, total, |count| keys.slice(ranks.start..ranks.start.saturating_add(count)).map(show))
    })
}

/// Writes 1 for each key that is there and 0 for the others.
pub(super) fn contains_many<'a, K, Q>(
    keys: &Keys<K>,
    wanted: impl Iterator<Item = &'a Q>,
    found: &mut [u8],
    mut count: Output<usize>,
) -> Done
where
    K: Ord + Borrow<Q>,
    Q: Ord + ?Sized + 'a,
{
    keys.read(|keys| {
        let mut found_count = 0;
        for (place, key) in found.iter_mut().zip(wanted) {
            let is_there = keys.contains(key);
            *place = is_there.into();
            found_count += usize::from(is_there);
        }
        count.set(found_count);
        Ok(())
    })
}

pub(super) fn len<K>(keys: &Keys<K>, mut len: Output<usize>) -> Done {
    keys.read(|keys| {
        len.set(keys.len());
        Ok(())
    })
}

pub(super) fn clear<K>(keys: &mut Keys<K>) -> Done {
    keys.change(|keys| {
        keys.clear();
        Ok(())
    })
}

pub(super) fn validate<K: Ord>(keys: &Keys<K>, reason: Output<*const c_char>) -> Done {
    keys.validate(reason, |keys| keys.validate().map(|_| ()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_set_takes_no_new_key_and_says_where_an_old_one_is() {
        let mut keys = SortedSet::from([10, 20]);
        assert_eq!(insert_below(&mut keys, 15, 2), Err(OYEZ_FULL));
        assert_eq!(insert_below(&mut keys, 20, 2), Ok(Inserted::Already(1)));
        assert_eq!(insert_below(&mut keys, 15, 3), Ok(Inserted::At(1)));
    }
}
