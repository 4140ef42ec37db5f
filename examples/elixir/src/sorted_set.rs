//! Sorted sets of terms.
//!
//! A slice is copied out as bytes while the set is locked, and made into terms afterwards; a long one comes in pieces,
//! each of one moment, and goes on behind the last key of the one before. So a writer waits for a few microseconds at
//! most, and a scheduler is held for less than a tenth of a millisecond.

use crate::atoms;
use crate::closable::Closable;
use crate::decode::decode;
use crate::encode::{KEY_BYTES_MAX, encode};
use crate::guard::{Refusal, guard, took};
use crate::key::Key;
use crate::reaper::reap;
use oyez::{Inserted, NotSorted, Removed, SortedSet};
use parking_lot::Mutex;
use rustler::{Encoder, Env, NifResult, Resource, ResourceArc, Term};
use std::ops::{Bound, ControlFlow};

/// More make a sorted set panic.
const KEYS_MAX: usize = u32::MAX as usize - 1;
/// Keys that one call takes in or hands out.
const KEYS_AT_ONCE: usize = 1_000;
/// Of a timeslice.
const KEYS_A_PERCENT: usize = 50;
const BYTES_A_PERCENT: usize = 10_000;
/// Sets of more keys are dropped elsewhere.
const DROPPED_HERE_MAX: usize = KEYS_AT_ONCE;

struct Set(Closable<SortedSet<Key>>);

/// Keys that are going to be a set.
struct Builder(Mutex<Vec<Key>>);

#[rustler::resource_impl]
impl Resource for Set {
    fn destructor(self, _env: Env<'_>) {
        self.0.into_inner().into_iter().for_each(drop_set);
    }
}

#[rustler::resource_impl]
impl Resource for Builder {
    fn destructor(self, _env: Env<'_>) {
        let keys = self.0.into_inner();
        if keys.len() > DROPPED_HERE_MAX {
            reap(keys);
        }
    }
}

fn drop_set(keys: SortedSet<Key>) {
    if keys.len() > DROPPED_HERE_MAX {
        reap(keys);
    }
}

fn set_of(term: Term<'_>) -> Result<&Closable<SortedSet<Key>>, Refusal> {
    term.try_get_resource::<Set>().map(|set| &set.0).ok_or(Refusal::BadReference)
}

fn builder_of(term: Term<'_>) -> Result<&Builder, Refusal> {
    term.try_get_resource().ok_or(Refusal::BadReference)
}

fn count_of(term: Term) -> Result<usize, Refusal> {
    term.decode().map_err(|_| Refusal::BadArgument)
}

#[rustler::nif]
fn set_new(env: Env<'_>) -> NifResult<Term<'_>> {
    guard(env, || Ok(ResourceArc::new(Set(Closable::new(SortedSet::new())))))
}

#[rustler::nif]
fn set_add<'a>(env: Env<'a>, set: Term<'a>, item: Term<'a>) -> NifResult<Term<'a>> {
    guard(env, || {
        took(env, 1);
        let (set, key) = (set_of(set)?, encode(item)?);
        let inserted = set.change(|keys| {
            planted_panic(&key);
            if keys.len() < KEYS_MAX || keys.contains(&key[..]) {
                Ok(keys.insert(Key::new(&key)))
            } else {
                Err(Refusal::Full)
            }
        })?;
        Ok(match inserted {
            Inserted::At(rank) => (atoms::added(), rank),
            Inserted::Already(rank) => (atoms::already(), rank),
        })
    })
}

/// In a build that is made to be tested with it, a certain atom is our bug.
fn planted_panic(key: &[u8]) {
    if cfg!(feature = "planted_panic") {
        assert!(!key.ends_with(b"planted_panic\0\0"), "planted");
    }
}

#[rustler::nif]
fn set_remove<'a>(env: Env<'a>, set: Term<'a>, item: Term<'a>) -> NifResult<Term<'a>> {
    guard(env, || {
        took(env, 1);
        let (set, key) = (set_of(set)?, encode(item)?);
        Ok(match set.change(|keys| Ok(keys.remove(&key[..])))? {
            Removed::At(rank) => (atoms::removed(), rank),
            Removed::Absent(rank) => (atoms::absent(), rank),
        })
    })
}

#[rustler::nif]
fn set_find<'a>(env: Env<'a>, set: Term<'a>, item: Term<'a>) -> NifResult<Term<'a>> {
    guard(env, || {
        took(env, 1);
        let (set, key) = (set_of(set)?, encode(item)?);
        Ok(match set.read(|keys| Ok(keys.rank(&key[..])))? {
            Ok(rank) => (atoms::found(), rank),
            Err(rank) => (atoms::absent(), rank),
        })
    })
}

#[rustler::nif]
fn set_at<'a>(env: Env<'a>, set: Term<'a>, rank: Term<'a>) -> NifResult<Term<'a>> {
    guard(env, || {
        took(env, 1);
        let (set, rank) = (set_of(set)?, count_of(rank)?);
        Ok(match set.read(|keys| Ok(keys.select(rank).cloned()))? {
            Some(key) => (atoms::ok(), decode(env, key.bytes())).encode(env),
            None => atoms::none().encode(env),
        })
    })
}

#[rustler::nif]
fn set_size<'a>(env: Env<'a>, set: Term<'a>) -> NifResult<Term<'a>> {
    guard(env, || set_of(set)?.read(|keys| Ok(keys.len())))
}

/// A piece of the slice that begins at `start`: its terms, and how many are left to be asked for.
#[rustler::nif(name = "set_slice_nif")]
fn set_slice<'a>(env: Env<'a>, set: Term<'a>, start: Term<'a>, amount: Term<'a>) -> NifResult<Term<'a>> {
    guard(env, || {
        let (set, start, amount) = (set_of(set)?, count_of(start)?, count_of(amount)?);
        let end = start.saturating_add(amount);
        let piece = set.read(|keys| Ok(Piece::of(keys.slice(start..end))))?;
        Ok(piece.answer(env, amount))
    })
}

/// The piece behind the one that ended with `last`.
#[rustler::nif]
fn set_slice_after<'a>(env: Env<'a>, set: Term<'a>, last: Term<'a>, left: Term<'a>) -> NifResult<Term<'a>> {
    guard(env, || {
        let (set, last, left) = (set_of(set)?, encode(last)?, count_of(left)?);
        let piece = set.read(|keys| {
            let start = keys.ranks::<[u8], _>((Bound::Excluded(&last[..]), Bound::Unbounded)).start;
            Ok(Piece::of(keys.slice(start..start.saturating_add(left))))
        })?;
        Ok(piece.answer(env, left))
    })
}

#[rustler::nif]
fn set_close<'a>(env: Env<'a>, set: Term<'a>) -> NifResult<Term<'a>> {
    guard(env, || {
        set_of(set)?.close().into_iter().for_each(drop_set);
        Ok(atoms::ok())
    })
}

/// Checks the set from within. O(n): on a dirty scheduler.
#[rustler::nif(schedule = "DirtyCpu")]
fn set_validate<'a>(env: Env<'a>, set: Term<'a>) -> NifResult<Term<'a>> {
    guard(env, || {
        let found = set_of(set)?.read(|keys| Ok(keys.validate()))?;
        Ok(match found {
            Ok(size) => (atoms::ok(), size).encode(env),
            Err(complaint) => (atoms::error(), complaint).encode(env),
        })
    })
}

/// Keys copied out of a set, one behind the other.
#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    is_last: bool,
}

impl Piece {
    /// As many keys as one call may hand out.
    fn of<'k>(keys: impl Iterator<Item = &'k Key>) -> Self {
        let mut piece = Piece { is_last: true, ..Piece::default() };
        for key in keys {
            if piece.ends.len() >= KEYS_AT_ONCE || piece.bytes.len() >= KEY_BYTES_MAX {
                piece.is_last = false;
                break;
            }
            piece.bytes.extend_from_slice(key.bytes());
            piece.ends.push(piece.bytes.len());
        }
        piece
    }

    /// The terms, and how many of those asked for may still come.
    fn answer<'a>(&self, env: Env<'a>, asked: usize) -> Term<'a> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let terms: Vec<Term> =
            starts.zip(&self.ends).map(|(start, &end)| decode(env, &self.bytes[start..end])).collect();
        took(env, terms.len() / KEYS_A_PERCENT + self.bytes.len() / BYTES_A_PERCENT);
        let left = if self.is_last { 0 } else { asked - terms.len() };
        (terms, left).encode(env)
    }
}

#[rustler::nif]
fn builder_new(env: Env<'_>) -> NifResult<Term<'_>> {
    guard(env, || Ok(ResourceArc::new(Builder(Mutex::new(Vec::new())))))
}

/// Takes in some of the terms of a list: `done` and their number so far, or `more` and the rest of the list.
#[rustler::nif]
fn builder_take<'a>(env: Env<'a>, builder: Term<'a>, terms: Term<'a>) -> NifResult<Term<'a>> {
    guard(env, || {
        let builder = builder_of(builder)?;
        let mut taken = Vec::with_capacity(KEYS_AT_ONCE);
        let rest = take_in(terms, &mut taken)?;
        took(env, taken.len() / KEYS_A_PERCENT);
        let mut keys = builder.0.lock();
        keys.append(&mut taken);
        Ok(match rest {
            ControlFlow::Break(rest) => (atoms::more(), rest).encode(env),
            ControlFlow::Continue(()) => (atoms::done(), keys.len()).encode(env),
        })
    })
}

/// Stops with the rest of the list when it has taken as much as one call may take.
fn take_in<'a>(terms: Term<'a>, taken: &mut Vec<Key>) -> Result<ControlFlow<Term<'a>>, Refusal> {
    let (mut rest, mut bytes) = (terms, 0);
    while let Ok((head, tail)) = rest.list_get_cell() {
        if taken.len() >= KEYS_AT_ONCE || bytes >= KEY_BYTES_MAX {
            return Ok(ControlFlow::Break(rest));
        }
        let key = encode(head)?;
        bytes += key.len();
        taken.push(Key::new(&key));
        rest = tail;
    }
    if rest.is_empty_list() { Ok(ControlFlow::Continue(())) } else { Err(Refusal::BadArgument) }
}

/// Makes a set of the keys that the builder has: in any order, or only if they ascend.
fn build<'a>(env: Env<'a>, builder: Term<'a>, order: Term<'a>) -> NifResult<Term<'a>> {
    guard(env, || {
        let order: Order = order.decode().map_err(|_| Refusal::BadArgument)?;
        let builder = builder_of(builder)?;
        let keys = std::mem::take(&mut *builder.0.lock());
        if keys.len() > KEYS_MAX {
            reap(keys);
            return Err(Refusal::Full);
        }
        let set = match order {
            Order::Any => keys.into_iter().collect(),
            Order::Sorted => SortedSet::from_sorted(keys).map_err(|NotSorted { keys, at, .. }| {
                reap(keys);
                Refusal::NotSorted { at }
            })?,
        };
        Ok((atoms::ok(), ResourceArc::new(Set(Closable::new(set)))))
    })
}

#[derive(rustler::NifUnitEnum)]
enum Order {
    Any,
    Sorted,
}

#[rustler::nif]
fn builder_finish<'a>(env: Env<'a>, builder: Term<'a>, order: Term<'a>) -> NifResult<Term<'a>> {
    build(env, builder, order)
}

/// The same for many keys.
#[rustler::nif(schedule = "DirtyCpu")]
fn builder_finish_dirty<'a>(env: Env<'a>, builder: Term<'a>, order: Term<'a>) -> NifResult<Term<'a>> {
    build(env, builder, order)
}
