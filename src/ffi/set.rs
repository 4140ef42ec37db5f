//! Sorted sets of 64-bit numbers.

#![expect(unsafe_code, reason = "exports symbols, and takes arrays of C")]

use super::argument::{Filled, array, buffer, given};
use super::guard::{guard, guard_or};
use super::keys::{self, Keys};
use super::owner::{Output, hand_out};
use super::status::oyez_status;
use std::ffi::c_char;
use std::mem::MaybeUninit;

/// A sorted set of 64-bit numbers in which every key has a rank, its 0-based position.
///
/// Made by `oyez_set_new` or `oyez_set_from_sorted`, freed by `oyez_set_free`. Calls that take it as `const` may run
/// at once on any threads, as long as no other call does. Since 0.1.
pub struct oyez_set(Keys<u64>);

/// Makes an empty set. O(1). From any thread. Since 0.1.
///
/// OYEZ_NULL: `set` is NULL. Otherwise `*set` is the new set, or NULL if there is none; the caller frees it.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_set_new(set: Option<&mut MaybeUninit<*mut oyez_set>>) -> oyez_status {
    guard(|| hand_out(set, || Ok(oyez_set(keys::empty()))))
}

/// Makes a set of keys that ascend strictly. O(n), and much faster than inserting them. From any thread. Since 0.1.
///
/// OYEZ_NULL: `set` is NULL, or `keys` is and `count` is not 0. OYEZ_NOT_SORTED: `*at` is the index of the first key
/// that is not greater than the one before it. OYEZ_FULL: 2^32 - 1 keys or more. `*set` is the new set, or NULL if
/// there is none; the caller frees it. `at` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_set_from_sorted(
    keys: *const u64,
    count: usize,
    set: Option<&mut MaybeUninit<*mut oyez_set>>,
    at: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let mut at = Output::of(at, 0);
        hand_out(set, || {
            // SAFETY: the caller's array (see `ffi`).
            let keys = unsafe { array(keys, count)? };
            keys::from_sorted(keys.iter().copied(), &mut at).map(oyez_set)
        })
    })
}

/// Frees a set; NULL is nothing. O(n). No other call may have it. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_set_free(set: Option<Box<oyez_set>>) {
    guard_or((), || drop(set));
}

/// Inserts a key and tells its rank. O(log n). Exclusive. Since 0.1.
///
/// OYEZ_ALREADY: the key was there, at `*rank`. OYEZ_FULL: the set has 2^32 - 2 keys. OYEZ_NULL: `set` is NULL. `rank`
/// may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_set_insert(
    set: Option<&mut oyez_set>,
    key: u64,
    rank: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let rank = Output::of(rank, 0);
        keys::insert(&mut given(set)?.0, key, rank)
    })
}

/// Inserts many keys, in any order; those that are there stay. O(log n) each. Exclusive. Since 0.1.
///
/// `*added` is how many were new. OYEZ_FULL: the set is full, and the rest was not inserted. OYEZ_NULL: `set` is NULL,
/// or `keys` is and `count` is not 0. `added` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_set_insert_many(
    set: Option<&mut oyez_set>,
    keys: *const u64,
    count: usize,
    added: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let added = Output::of(added, 0);
        // SAFETY: the caller's array (see `ffi`).
        let keys = unsafe { array(keys, count)? };
        keys::insert_many(&mut given(set)?.0, keys.iter().copied(), added)
    })
}

/// Removes a key and tells the rank it had. O(log n). Exclusive. Since 0.1.
///
/// OYEZ_NOT_FOUND: the key was not there; `*rank` is the rank it would have. OYEZ_NULL: `set` is NULL. `rank` may be
/// NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_set_remove(
    set: Option<&mut oyez_set>,
    key: u64,
    rank: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let rank = Output::of(rank, 0);
        keys::remove(&mut given(set)?.0, &key, rank)
    })
}

/// Tells the rank of a key, which is the number of keys before it. O(log n). Concurrent. Since 0.1.
///
/// OYEZ_NOT_FOUND: the key is not there; `*rank` is the rank it would have. OYEZ_NULL: `set` is NULL. `rank` may be
/// NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_set_rank(
    set: Option<&oyez_set>,
    key: u64,
    rank: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let rank = Output::of(rank, 0);
        keys::rank(&given(set)?.0, &key, rank)
    })
}

/// Tells the key of a rank. O(log n). Concurrent. Since 0.1.
///
/// OYEZ_NOT_FOUND: `rank` is not below the number of keys; `*key` is 0. OYEZ_NULL: `set` is NULL. `key` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_set_select(
    set: Option<&oyez_set>,
    rank: usize,
    key: Option<&mut MaybeUninit<u64>>,
) -> oyez_status {
    guard(|| {
        let key = Output::of(key, 0);
        keys::select(&given(set)?.0, rank, key, |key| *key)
    })
}

/// Copies the keys of the ranks from `start` to below `end` into a buffer. O(log n), then O(1) a key. Concurrent. Since
/// 0.1.
///
/// What lies beyond the last rank is left out. `*total` is how many keys there are in the range, `*written` how many
/// had room. OYEZ_SHORT_BUFFER: not all. OYEZ_NULL: `set` is NULL, or `out` is and `capacity` is not 0. `written` and
/// `total` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_set_slice(
    set: Option<&oyez_set>,
    start: usize,
    end: usize,
    out: *mut u64,
    capacity: usize,
    written: Option<&mut MaybeUninit<usize>>,
    total: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let filled = Filled::of(written, total);
        // SAFETY: the caller's buffer (see `ffi`).
        let out = unsafe { buffer(out, capacity)? };
        keys::slice(&given(set)?.0, |_| start..end, out, filled, |key| *key)
    })
}

/// Copies the keys from `first` to `last`, both included, into a buffer; the rank of the first of them is that of
/// `first`. O(log n), then O(1) a key. Concurrent. Since 0.1.
///
/// Answers as `oyez_set_slice`; a range that ends before it starts is empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_set_range(
    set: Option<&oyez_set>,
    first: u64,
    last: u64,
    out: *mut u64,
    capacity: usize,
    written: Option<&mut MaybeUninit<usize>>,
    total: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let filled = Filled::of(written, total);
        // SAFETY: the caller's buffer (see `ffi`).
        let out = unsafe { buffer(out, capacity)? };
        keys::slice(&given(set)?.0, |keys| keys.ranks(first..=last), out, filled, |key| *key)
    })
}

/// Writes for each of `count` keys whether it is there, 1 or 0, to `found`, which has room for `count`. O(log n) each.
/// Concurrent. Since 0.1.
///
/// `*found_count` is the number of ones; after a refusal there is none. OYEZ_NULL: `set` is NULL, or `keys` or `found`
/// is and `count` is not 0. `found_count` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_set_contains_many(
    set: Option<&oyez_set>,
    keys: *const u64,
    count: usize,
    found: *mut u8,
    found_count: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let found_count = Output::of(found_count, 0);
        // SAFETY: the caller's array and buffer (see `ffi`).
        let found = unsafe { buffer(found, count)? }.filled_with(0);
        // SAFETY: as above.
        let keys = unsafe { array(keys, count)? };
        keys::contains_many(&given(set)?.0, keys.iter(), found, found_count)
    })
}

/// Tells the number of keys. O(1). Concurrent. Since 0.1.
///
/// OYEZ_NULL: `set` is NULL. `len` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_set_len(set: Option<&oyez_set>, len: Option<&mut MaybeUninit<usize>>) -> oyez_status {
    guard(|| {
        let len = Output::of(len, 0);
        keys::len(&given(set)?.0, len)
    })
}

/// Removes all keys. O(n). Exclusive. Since 0.1.
///
/// OYEZ_NULL: `set` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_set_clear(set: Option<&mut oyez_set>) -> oyez_status {
    guard(|| keys::clear(&mut given(set)?.0))
}

/// Checks the structure of a set. O(n). Concurrent. For tests. Since 0.1.
///
/// OYEZ_BROKEN: a bug in the library; `*reason` says what is wrong, lives as long as the set, and is NULL otherwise.
/// OYEZ_NULL: `set` is NULL. `reason` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_set_validate(
    set: Option<&oyez_set>,
    reason: Option<&mut MaybeUninit<*const c_char>>,
) -> oyez_status {
    guard(|| {
        let reason = Output::of(reason, std::ptr::null());
        keys::validate(&given(set)?.0, reason)
    })
}
