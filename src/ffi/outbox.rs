//! One session's events, read when its owner asks.

#![expect(unsafe_code, reason = "exports symbols: each must be the only one of its name")]

use super::argument::given;
use super::event::{item_of, oyez_item};
use super::fanout::{oyez_fanout, shared};
use super::guard::{guard, guard_or};
use super::owner::{Output, Owner, hand_out};
use super::refusal::Refusal;
use super::status::{OYEZ_BUSY, oyez_status};
use crate::sync::{Mutex, Poison};
use crate::{Outbox, SessionId};
use std::mem::MaybeUninit;
use std::ptr::null;
use std::sync::Arc;

/// One session's pending events, read by its owner instead of the partition's worker.
///
/// Made by `oyez_outbox_new`, freed by `oyez_outbox_free`, which gives the session back to the worker. It may outlive the
/// fan-out's handle. Its calls may come from any thread; one at once, or else the second is answered OYEZ_BUSY. Since 0.1.
pub struct oyez_outbox(Owner<Mutex<Puller>, Arc<Poison>>);

struct Puller {
    outbox: Outbox,
    /// The batch that was taken last, as C sees it. The outbox keeps the events until the next.
    items: Vec<oyez_item>,
}

/// Makes an outbox for a session; the worker passes the session by until it is freed. O(1). Concurrent. Since 0.1.
///
/// OYEZ_BUSY: the session has one, or a callback has its batch in hand. OYEZ_NOT_FOUND: no such session. OYEZ_NULL:
/// `fanout` or `outbox` is NULL. `*outbox` is the new outbox, or NULL if there is none; the caller frees it.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_outbox_new(
    fanout: Option<&oyez_fanout>,
    session_id: u64,
    outbox: Option<&mut MaybeUninit<*mut oyez_outbox>>,
) -> oyez_status {
    guard(|| {
        hand_out(outbox, || {
            let fanout = shared(fanout)?;
            let session = SessionId::from_bits(session_id);
            let outbox = fanout.read(|fanout| fanout.outbox(session).map_err(Refusal::status))?;
            let puller = Puller { outbox, items: Vec::new() };
            Ok(oyez_outbox(Owner::with_poison(Mutex::new(puller), Arc::clone(fanout.poison()))))
        })
    })
}

/// Frees an outbox; NULL is nothing. O(1). No other call may have it. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_outbox_free(outbox: Option<Box<oyez_outbox>>) {
    guard_or((), || drop(outbox));
}

/// Takes at most `events_max` events, and the gaps among them, which counts as delivered. O(items). From any thread, one
/// call at once. Since 0.1.
///
/// `*items` and `*count` are what was taken, and live until the next call on this outbox; none when nothing is pending, the
/// session is parked, or its window is full. OYEZ_NOT_FOUND: the session has disconnected. OYEZ_BUSY: another call has the
/// outbox. OYEZ_NULL: `outbox`, `items` or `count` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_outbox_next_batch(
    outbox: Option<&oyez_outbox>,
    events_max: usize,
    items: Option<&mut MaybeUninit<*const oyez_item>>,
    count: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let (items, count) = (Output::of(items, null()), Output::of(count, 0));
        let (mut items, mut count) = (items.needed()?, count.needed()?);
        given(outbox)?.0.read(|puller| {
            let mut puller = puller.try_lock().ok_or(OYEZ_BUSY)?;
            let Puller { outbox, items: held } = &mut *puller;
            held.clear();
            held.extend(outbox.next_batch(events_max).map_err(Refusal::status)?.iter().map(item_of));
            count.set(held.len());
            if !held.is_empty() {
                items.set(held.as_ptr());
            }
            Ok(())
        })
    })
}

/// Tells the session that an outbox reads. O(1). From any thread, one call at once. Since 0.1.
///
/// OYEZ_BUSY: another call has the outbox. OYEZ_NULL: `outbox` is NULL. `session` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_outbox_session(
    outbox: Option<&oyez_outbox>,
    session: Option<&mut MaybeUninit<u64>>,
) -> oyez_status {
    guard(|| {
        let mut session = Output::of(session, 0);
        given(outbox)?.0.read(|puller| {
            session.set(puller.try_lock().ok_or(OYEZ_BUSY)?.outbox.session().to_bits());
            Ok(())
        })
    })
}
