//! Sorted sets of byte strings.

#![expect(unsafe_code, reason = "exports symbols, and takes arrays of C")]

use super::argument::{Filled, array, buffer, given, oyez_bytes, strings};
use super::guard::{guard, guard_or};
use super::keys::{self, Keys};
use super::owner::{Output, hand_out};
use super::status::oyez_status;
use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ops::Bound;

/// A sorted set of byte strings in which every key has a rank, its 0-based position. Keys are in the order of their
/// bytes, a prefix before what it begins. The set has copies of its own. Calls that change a set need keys from
/// elsewhere: not those that the same set has pointed to, which go as it changes.
///
/// Made by `oyez_byteset_new` or `oyez_byteset_from_sorted`, freed by `oyez_byteset_free`. Calls that take it as
/// `const` may run at once on any threads, as long as no other call does. Since 0.1.
pub struct oyez_byteset(Keys<Box<[u8]>>);

/// Makes an empty set. O(1). From any thread. Since 0.1.
///
/// OYEZ_NULL: `set` is NULL. Otherwise `*set` is the new set, or NULL if there is none; the caller frees it.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_byteset_new(set: Option<&mut MaybeUninit<*mut oyez_byteset>>) -> oyez_status {
    guard(|| hand_out(set, || Ok(oyez_byteset(keys::empty()))))
}

/// Makes a set of keys that ascend strictly. O(n), and much faster than inserting them. From any thread. Since 0.1.
///
/// OYEZ_NULL: `set` is NULL, or `keys` is and `count` is not 0, or one of the keys. OYEZ_NOT_SORTED: `*at` is the index
/// of the first key that is not greater than the one before it. OYEZ_FULL: 2^32 - 1 keys or more. `*set` is the new
/// set, or NULL if there is none; the caller frees it. `at` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_byteset_from_sorted(
    keys: *const oyez_bytes,
    count: usize,
    set: Option<&mut MaybeUninit<*mut oyez_byteset>>,
    at: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let mut at = Output::of(at, 0);
        hand_out(set, || {
            // SAFETY: the caller's array (see `ffi`).
            let keys = unsafe { strings(keys, count)? };
            keys::from_sorted(keys.into_iter().map(Box::from), &mut at).map(oyez_byteset)
        })
    })
}

/// Frees a set; NULL is nothing. O(n). No other call may have it. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_byteset_free(set: Option<Box<oyez_byteset>>) {
    guard_or((), || drop(set));
}

/// Inserts a copy of a key and tells its rank. O(log n). Exclusive. Since 0.1.
///
/// OYEZ_ALREADY: the key was there, at `*rank`. OYEZ_FULL: the set has 2^32 - 2 keys. OYEZ_NULL: `set` is NULL, or
/// `key` is and `key_len` is not 0. `rank` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_byteset_insert(
    set: Option<&mut oyez_byteset>,
    key: *const u8,
    key_len: usize,
    rank: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let rank = Output::of(rank, 0);
        // SAFETY: the caller's bytes (see `ffi`).
        let key = unsafe { array(key, key_len)? };
        keys::insert(&mut given(set)?.0, key.into(), rank)
    })
}

/// Inserts many keys, in any order; those that are there stay. O(log n) each. Exclusive. Since 0.1.
///
/// `*added` is how many were new. OYEZ_FULL: the set is full, and the rest was not inserted. OYEZ_NULL: `set` is NULL,
/// or `keys` is and `count` is not 0. `added` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_byteset_insert_many(
    set: Option<&mut oyez_byteset>,
    keys: *const oyez_bytes,
    count: usize,
    added: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let added = Output::of(added, 0);
        // SAFETY: the caller's array (see `ffi`).
        let keys = unsafe { strings(keys, count)? };
        keys::insert_many(&mut given(set)?.0, keys.into_iter().map(Box::from), added)
    })
}

/// Removes a key and tells the rank it had. O(log n). Exclusive. Since 0.1.
///
/// OYEZ_NOT_FOUND: the key was not there; `*rank` is the rank it would have. OYEZ_NULL: `set` is NULL, or `key` is
/// and `key_len` is not 0. `rank` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_byteset_remove(
    set: Option<&mut oyez_byteset>,
    key: *const u8,
    key_len: usize,
    rank: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let rank = Output::of(rank, 0);
        // SAFETY: the caller's bytes (see `ffi`).
        let key = unsafe { array(key, key_len)? };
        keys::remove(&mut given(set)?.0, key, rank)
    })
}

/// Tells the rank of a key, which is the number of keys before it. O(log n). Concurrent. Since 0.1.
///
/// OYEZ_NOT_FOUND: the key is not there; `*rank` is the rank it would have. OYEZ_NULL: `set` is NULL, or
/// `key` is and `key_len` is not 0. `rank` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_byteset_rank(
    set: Option<&oyez_byteset>,
    key: *const u8,
    key_len: usize,
    rank: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let rank = Output::of(rank, 0);
        // SAFETY: the caller's bytes (see `ffi`).
        let key = unsafe { array(key, key_len)? };
        keys::rank(&given(set)?.0, key, rank)
    })
}

/// Tells the key of a rank. O(log n). Concurrent. Since 0.1.
///
/// `*key` points into the set, until the set changes. OYEZ_NOT_FOUND: `rank` is not below the number of keys.
/// OYEZ_NULL: `set` is NULL. `key` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_byteset_select(
    set: Option<&oyez_byteset>,
    rank: usize,
    key: Option<&mut MaybeUninit<oyez_bytes>>,
) -> oyez_status {
    guard(|| {
        let key = Output::of(key, oyez_bytes::NONE);
        keys::select(&given(set)?.0, rank, key, |key| oyez_bytes::of(key))
    })
}

/// Fills a buffer with the keys of the ranks from `start` to below `end`. O(log n), then O(1) a key. Concurrent. Since
/// 0.1.
///
/// They point into the set, until the set changes. What lies beyond the last rank is left out. `*total` is how many
/// keys there are in the range, `*written` how many had room. OYEZ_SHORT_BUFFER: not all. OYEZ_NULL: `set` is NULL, or
/// `out` is and `capacity` is not 0. `written` and `total` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_byteset_slice(
    set: Option<&oyez_byteset>,
    start: usize,
    end: usize,
    out: *mut oyez_bytes,
    capacity: usize,
    written: Option<&mut MaybeUninit<usize>>,
    total: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let filled = Filled::of(written, total);
        // SAFETY: the caller's buffer (see `ffi`).
        let out = unsafe { buffer(out, capacity)? };
        keys::slice(&given(set)?.0, |_| start..end, out, filled, |key| oyez_bytes::of(key))
    })
}

/// Copies the keys of the ranks from `start` to below `end` into a buffer, one behind the other, and to `ends` where
/// in it each of them ends. O(log n), then O(1) a key and its bytes. Concurrent. Since 0.1.
///
/// For hosts that cannot keep the set as it is while they read: nothing points into it. What lies beyond the last rank
/// is left out. `*total` is how many keys there are in the range and `*bytes` how many bytes in all, `*written` how
/// many keys had room, whole, and a place in `ends`. OYEZ_SHORT_BUFFER: not all. OYEZ_NULL: `set` is NULL, or `out` or
/// `ends` is and its capacity is not 0. `written`, `total` and `bytes` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_byteset_copy(
    set: Option<&oyez_byteset>,
    start: usize,
    end: usize,
    out: *mut u8,
    capacity: usize,
    ends: *mut usize,
    ends_capacity: usize,
    written: Option<&mut MaybeUninit<usize>>,
    total: Option<&mut MaybeUninit<usize>>,
    bytes: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let (filled, bytes) = (Filled::of(written, total), Output::of(bytes, 0));
        // SAFETY: the caller's buffers (see `ffi`).
        let (out, ends) = unsafe { (buffer(out, capacity)?, buffer(ends, ends_capacity)?) };
        given(set)?.0.read(|keys| out.fill_joined(ends, keys.slice(start..end).map(|key| &**key), filled, bytes))
    })
}

/// Fills a buffer with the keys from `first` to `last`, both included; the rank of the first of them is that of
/// `first`. O(log n), then O(1) a key. Concurrent. Since 0.1.
///
/// Answers as `oyez_byteset_slice`; a range that ends before it starts is empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_byteset_range(
    set: Option<&oyez_byteset>,
    first: *const u8,
    first_len: usize,
    last: *const u8,
    last_len: usize,
    out: *mut oyez_bytes,
    capacity: usize,
    written: Option<&mut MaybeUninit<usize>>,
    total: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let filled = Filled::of(written, total);
        // SAFETY: the caller's bytes and buffer (see `ffi`).
        let (first, last, out) = unsafe { (array(first, first_len)?, array(last, last_len)?, buffer(out, capacity)?) };
        let range = (Bound::Included(first), Bound::Included(last));
        keys::slice(&given(set)?.0, |keys| keys.ranks::<[u8], _>(range), out, filled, |key| oyez_bytes::of(key))
    })
}

/// Writes for each of `count` keys whether it is there, 1 or 0, to `found`, which has room for `count`. O(log n) each.
/// Concurrent. Since 0.1.
///
/// `*found_count` is the number of ones; after a refusal there is none. OYEZ_NULL: `set` is NULL, or `keys` or `found`
/// is and `count` is not 0, or one of the keys is. `found_count` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_byteset_contains_many(
    set: Option<&oyez_byteset>,
    keys: *const oyez_bytes,
    count: usize,
    found: *mut u8,
    found_count: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let found_count = Output::of(found_count, 0);
        // SAFETY: the caller's array and buffer (see `ffi`).
        let found = unsafe { buffer(found, count)? }.filled_with(0);
        // SAFETY: as above.
        let keys = unsafe { strings(keys, count)? };
        keys::contains_many(&given(set)?.0, keys.into_iter(), found, found_count)
    })
}

/// Tells the number of keys. O(1). Concurrent. Since 0.1.
///
/// OYEZ_NULL: `set` is NULL. `len` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_byteset_len(set: Option<&oyez_byteset>, len: Option<&mut MaybeUninit<usize>>) -> oyez_status {
    guard(|| {
        let len = Output::of(len, 0);
        keys::len(&given(set)?.0, len)
    })
}

/// Removes all keys. O(n). Exclusive. Since 0.1.
///
/// OYEZ_NULL: `set` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_byteset_clear(set: Option<&mut oyez_byteset>) -> oyez_status {
    guard(|| keys::clear(&mut given(set)?.0))
}

/// Checks the structure of a set. O(n). Concurrent. For tests. Since 0.1.
///
/// OYEZ_BROKEN: a bug in the library; `*reason` says what is wrong, lives as long as the set, and is NULL otherwise.
/// OYEZ_NULL: `set` is NULL. `reason` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_byteset_validate(
    set: Option<&oyez_byteset>,
    reason: Option<&mut MaybeUninit<*const c_char>>,
) -> oyez_status {
    guard(|| {
        let reason = Output::of(reason, std::ptr::null());
        keys::validate(&given(set)?.0, reason)
    })
}
