//! One session's events, read when its owner asks.

#![expect(unsafe_code, reason = "exports symbols, and takes handles that another call may have")]

use super::argument::{given, locked};
use super::event::{item_of, oyez_item};
use super::fanout::{oyez_fanout, shared};
use super::guard::{guard, guard_or};
use super::owner::{Output, Owner, Pointing, hand_out};
use super::refusal::Refusal;
use super::status::{OYEZ_BUSY, oyez_status};
use crate::sync::{Mutex, Poison};
use crate::{Outbox, SessionId};
use std::mem::MaybeUninit;
use std::ptr::null;
use std::sync::Arc;

/// One session's pending events, read by its owner instead of the partition's worker.
///
/// Made by `oyez_outbox_new`, freed by `oyez_outbox_free`, which gives the session back to the worker. It may outlive
/// the fan-out's handle. Its calls may come from any thread. A batch is its reader's until that is done with it: the
/// next one, whoever asks for it, ends it. Since 0.1.
pub struct oyez_outbox {
    puller: Owner<Mutex<Puller>, Arc<Poison>>,
    session: u64,
}

struct Puller {
    outbox: Outbox,
    /// The batch that was taken last, as C sees it. The outbox keeps the events until the next.
    items: Pointing<oyez_item>,
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
            let puller = Puller { outbox, items: Pointing::default() };
            let puller = Owner::with_poison(Mutex::new(puller), Arc::clone(fanout.poison()));
            Ok(oyez_outbox { puller, session: session_id })
        })
    })
}

/// Frees an outbox; NULL is nothing. O(1). No other call may have it. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_outbox_free(outbox: Option<Box<oyez_outbox>>) {
    guard_or((), || drop(outbox));
}

/// Takes at most `events_max` events, and the gaps among them, which counts as delivered. O(items). Exclusive: from any
/// thread, once the batch before has been read. Since 0.1.
///
/// `*items` and `*count` are what was taken, and live until `oyez_outbox_next_batch` is called again, by whichever
/// thread, or the outbox is freed; none when nothing is pending, the session is parked, or its window is full.
/// OYEZ_NOT_FOUND: the session has disconnected. OYEZ_BUSY: another thread is in this call, and its batch is whole;
/// once it has returned, nothing could tell that the batch is still being read. OYEZ_NULL: `outbox`, `items` or `count`
/// is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_outbox_next_batch(
    outbox: *mut oyez_outbox,
    events_max: usize,
    items: Option<&mut MaybeUninit<*const oyez_item>>,
    count: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let (items, count) = (Output::of(items, null()), Output::of(count, 0));
        let (mut items, mut count) = (items.needed()?, count.needed()?);
        // SAFETY: the caller's handle (see `ffi`).
        let outbox = unsafe { locked(outbox)? };
        outbox.puller.read(|puller| {
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

/// Tells the session that an outbox reads. O(1). Concurrent, also beside `oyez_outbox_next_batch`. Since 0.1.
///
/// OYEZ_NULL: `outbox` is NULL. `session` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_outbox_session(
    outbox: Option<&oyez_outbox>,
    session: Option<&mut MaybeUninit<u64>>,
) -> oyez_status {
    guard(|| {
        let mut session = Output::of(session, 0);
        let outbox = given(outbox)?;
        outbox.puller.read(|_| {
            session.set(outbox.session);
            Ok(())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::{OYEZ_OK, oyez_fanout_connect, oyez_fanout_free, oyez_fanout_new};

    fn told<T>(call: impl FnOnce(Option<&mut MaybeUninit<T>>) -> oyez_status) -> T {
        let mut place = MaybeUninit::uninit();
        assert_eq!(call(Some(&mut place)), OYEZ_OK);
        // SAFETY: every call writes its results.
        unsafe { place.assume_init() }
    }

    #[test]
    fn while_a_batch_is_taken_another_is_refused_and_the_session_is_told() {
        // SAFETY: NULL is no options, and the handle is new.
        let fanout: Box<oyez_fanout> = unsafe { Box::from_raw(told(|place| oyez_fanout_new(null(), place))) };
        // SAFETY: NULL is no options.
        let ada = told(|place| unsafe { oyez_fanout_connect(Some(&fanout), 0, null(), place) });
        // SAFETY: the handle is new.
        let outbox: Box<oyez_outbox> =
            unsafe { Box::from_raw(told(|place| oyez_outbox_new(Some(&fanout), ada, place))) };
        let next_batch = || {
            let (mut items, mut count) = (MaybeUninit::uninit(), MaybeUninit::uninit());
            // SAFETY: a handle.
            unsafe { oyez_outbox_next_batch((&raw const *outbox).cast_mut(), 1, Some(&mut items), Some(&mut count)) }
        };

        let taking = outbox.puller.read(|puller| {
            let _taking = puller.lock();
            assert_eq!(next_batch(), OYEZ_BUSY);
            assert_eq!(told(|place| oyez_outbox_session(Some(&outbox), place)), ada);
            Ok(())
        });
        assert_eq!(taking, Ok(()));
        assert_eq!(next_batch(), OYEZ_OK);
        oyez_outbox_free(Some(outbox));
        oyez_fanout_free(Some(fanout));
    }
}
