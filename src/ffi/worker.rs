//! The one reader of a partition, and its callbacks.

#![expect(unsafe_code, reason = "exports symbols, and calls back into C")]

use super::argument::{Filled, Growing, Report, buffer, given, locked, size_through};
use super::event::{item_of, oyez_item};
use super::fanout::{oyez_fanout, partition, shared};
use super::guard::{discard, guard, guard_or};
use super::owner::{Owner, Pointing, hand_out};
use super::refusal::Refusal;
use super::status::{OYEZ_BUSY, OYEZ_CLOSED, OYEZ_FAILED, OYEZ_NULL, OYEZ_PANIC, OYEZ_PENDING, oyez_status};
use crate::sync::{Mutex, Poison};
use crate::{Readiness, SessionId, Took, Worker};
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// The one reader of a partition: it hands each of its sessions everything that is pending for it.
///
/// Made by `oyez_worker_new`, freed by `oyez_worker_free`, which lets the partition have another one. It may outlive
/// the fan-out's handle. Its calls may come from any thread; one at once, or else the second is answered OYEZ_BUSY and
/// does nothing, also when it comes from within a callback. Since 0.1.
pub struct oyez_worker(Owner<Mutex<Reader>, Arc<Poison>>);

struct Reader {
    worker: Worker,
    /// The batch in hand, as C sees it.
    items: Pointing<oyez_item>,
    /// Of the last drain: who ended, and whose callbacks panicked or failed.
    overflowed: Vec<SessionId>,
    panicked: Vec<SessionId>,
}

/// What a callback "panics" with that returned OYEZ_TOOK_FAILED: the one way in which a host of `Worker::drain` fails.
struct Failed;

/// What a callback returns that has failed and does not know what it took; no batch has so many items. For languages
/// whose exceptions must not leave a callback: it is treated as one that panicked, its session is named by
/// `oyez_worker_panicked`, and the drain answers OYEZ_FAILED when it is done. Since 0.1.
pub const OYEZ_TOOK_FAILED: usize = 0xFFFF_FFFE;

/// What a host does with one session's batch: `count` items, at least one, which live as long as the call. Returns how
/// many it took, from the front; a gap is an item like an event. Fewer than all makes the session lagging: what is
/// left stays pending, and nothing is offered until `oyez_fanout_writable`. More than all means all, but for
/// OYEZ_TOOK_FAILED.
///
/// Every call on the fan-out is allowed within it, but none on the worker. It must return: no longjmp, no thread exit,
/// and an exception of C++ ends the process. Since 0.1.
pub type oyez_drain_fn = Option<
    unsafe extern "C-unwind" fn(userdata: *mut c_void, session: u64, items: *const oyez_item, count: usize) -> usize,
>;

/// Wakes who wants to drain. Called once at most, without a lock, by whichever thread's call gave the worker something
/// to do; the worker may be gone by then. It must return as a drain's callback must. Since 0.1.
pub type oyez_wake_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void)>;

/// Lets go of `userdata`: called exactly once, from any thread, when nothing will use it any more. Since 0.1.
pub type oyez_release_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void)>;

/// What one drain did. Starts as OYEZ_DRAINED_INIT. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct oyez_drained {
    /// `sizeof(oyez_drained)`.
    pub struct_size: usize,
    /// Sessions that were offered a batch.
    pub sessions: usize,
    /// Items that were taken: events and gaps.
    pub items: usize,
    /// Sessions that wait for the next drain; some may have nothing to get any more.
    pub ready: usize,
    /// Sessions that ended because their queues were full; `oyez_worker_overflowed` names them.
    pub overflowed: usize,
    /// Sessions whose callbacks panicked or failed; `oyez_worker_panicked` names them.
    pub panicked: usize,
}

// SAFETY: `repr(C)`, numbers, the size first.
unsafe impl Growing for oyez_drained {
    const SIZE_MIN: usize = size_through!(oyez_drained, panicked: usize);
}

impl oyez_worker {
    /// Does something, unless another call is at it.
    fn with<R>(&self, call: impl FnOnce(&mut Reader) -> Result<R, oyez_status>) -> Result<R, oyez_status> {
        self.0.read(|reader| call(&mut *reader.try_lock().ok_or(OYEZ_BUSY)?))
    }
}

/// Makes the worker of a partition. O(1). Concurrent. Since 0.1.
///
/// OYEZ_BUSY: the partition has one, which was not freed yet. OYEZ_NO_PARTITION: no such partition. OYEZ_NULL: `fanout`
/// or `worker` is NULL. `*worker` is the new worker, or NULL if there is none; the caller frees it.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_worker_new(
    fanout: Option<&oyez_fanout>,
    partition_id: u32,
    worker: Option<&mut MaybeUninit<*mut oyez_worker>>,
) -> oyez_status {
    guard(|| {
        hand_out(worker, || {
            let fanout = shared(fanout)?;
            let worker = fanout.read(|fanout| fanout.worker(partition(partition_id)?).map_err(Refusal::status))?;
            let reader = Reader { worker, items: Pointing::default(), overflowed: Vec::new(), panicked: Vec::new() };
            Ok(oyez_worker(Owner::with_poison(Mutex::new(reader), Arc::clone(fanout.poison()))))
        })
    })
}

/// Frees a worker; NULL is nothing. O(1). No other call may have it; not from within its callback. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_worker_free(worker: Option<Box<oyez_worker>>) {
    guard_or((), || drop(worker));
}

/// Offers a batch to at most `sessions_max` sessions that have something pending, each at most once, by calling `host`
/// with `userdata`, and books what it took. No lock is held meanwhile. O(items handed over), O(places / 64) for each
/// event for many sessions. Exclusive, or OYEZ_BUSY; from any thread. Since 0.1.
///
/// A drain takes along at most 32 events for many sessions: `drained->ready` is not 0 then, and the next drain goes on.
/// OYEZ_PANIC: a callback in Rust panicked; OYEZ_FAILED: none did, but one returned OYEZ_TOOK_FAILED. The drain went on
/// then, and nothing is poisoned. OYEZ_BUSY: another call has the worker. OYEZ_NULL: `worker` or `host` is NULL.
/// OYEZ_INVALID: the size in `drained` is wrong. `drained` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_worker_drain(
    worker: *mut oyez_worker,
    sessions_max: usize,
    host: oyez_drain_fn,
    userdata: *mut c_void,
    drained: *mut oyez_drained,
) -> oyez_status {
    guard(|| {
        // SAFETY: the caller's struct (see `ffi`).
        let mut report = unsafe { Report::of(drained)? };
        let host = host.ok_or(OYEZ_NULL)?;
        // SAFETY: the caller's handle (see `ffi`).
        unsafe { locked(worker)? }.with(|Reader { worker, items, overflowed, panicked }| {
            let drained = worker.drain(sessions_max, |session, batch| {
                items.clear();
                items.extend(batch.iter().map(item_of));
                // SAFETY: the caller's function; the items and what they point to live until it returns.
                match unsafe { host(userdata, session.to_bits(), items.as_ptr(), items.len()) } {
                    OYEZ_TOOK_FAILED => resume_unwind(Box::new(Failed)), // which prints nothing
                    took => Took(took),
                }
            });
            items.clear();
            panicked.clear();
            let mut answer = Ok(());
            for panic in drained.panics {
                panicked.push(panic.session);
                match panic.payload.downcast::<Failed>() {
                    Ok(_) => answer = answer.and(Err(OYEZ_FAILED)),
                    Err(payload) => {
                        answer = Err(OYEZ_PANIC);
                        discard(payload);
                    }
                }
            }
            *overflowed = drained.overflowed;
            report.set(oyez_drained {
                struct_size: 0,
                sessions: drained.sessions,
                items: drained.items,
                ready: drained.ready,
                overflowed: overflowed.len(),
                panicked: panicked.len(),
            });
            answer
        })
    })
}

/// Copies the sessions that ended in the last drain into a buffer. O(their number). Concurrent, or OYEZ_BUSY. Since
/// 0.1.
///
/// `*total` is how many there are, `*written` how many had room. OYEZ_SHORT_BUFFER: not all. OYEZ_BUSY: another call
/// has the worker. OYEZ_NULL: `worker` is NULL, or `out` is and `capacity` is not 0. `written` and `total` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_worker_overflowed(
    worker: Option<&oyez_worker>,
    out: *mut u64,
    capacity: usize,
    written: Option<&mut MaybeUninit<usize>>,
    total: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let filled = Filled::of(written, total);
        // SAFETY: the caller's buffer (see `ffi`).
        let out = unsafe { buffer(out, capacity)? };
        given(worker)?.with(|reader| out.fill_from(filled, &reader.overflowed, |session| session.to_bits()))
    })
}

/// Copies the sessions whose callbacks panicked or failed in the last drain into a buffer. O(their number).
/// Concurrent, or OYEZ_BUSY. Since 0.1.
///
/// Answers as `oyez_worker_overflowed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_worker_panicked(
    worker: Option<&oyez_worker>,
    out: *mut u64,
    capacity: usize,
    written: Option<&mut MaybeUninit<usize>>,
    total: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let filled = Filled::of(written, total);
        // SAFETY: the caller's buffer (see `ffi`).
        let out = unsafe { buffer(out, capacity)? };
        given(worker)?.with(|reader| out.fill_from(filled, &reader.panicked, |session| session.to_bits()))
    })
}

/// Blocks the thread until there is something to drain (OYEZ_OK), or the fan-out is closed and all is handed over, but
/// to sessions that are parked or read through an outbox (OYEZ_CLOSED). For a host with a thread for each partition.
/// O(1) before and after. Exclusive, or OYEZ_BUSY; from any thread. Since 0.1.
///
/// There is no limit to how long it waits, since the library has no clock: a host that wants one polls, and waits
/// itself to be woken. It takes the place of an earlier poll, whose `wake` is not called then. OYEZ_BUSY: another call
/// has the worker. OYEZ_NULL: `worker` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_worker_wait(worker: *mut oyez_worker) -> oyez_status {
    guard(|| {
        // SAFETY: the caller's handle (see `ffi`).
        unsafe { locked(worker)? }.with(|reader| match reader.worker.wait() {
            Readiness::Ready => Ok(()),
            Readiness::Closed => Err(OYEZ_CLOSED),
        })
    })
}

/// Tells whether there is something to drain (OYEZ_OK), without blocking; if not (OYEZ_PENDING), `wake` is called with
/// `userdata` once there is, or once the fan-out is closed and all is handed over (OYEZ_CLOSED). For a host with an
/// event loop. It takes the place of an earlier poll's. O(1). Exclusive, or OYEZ_BUSY; from any thread. Since 0.1.
///
/// `release` is called with `userdata` exactly once, whatever the answer, and last: before the call returns, or after
/// `wake` was called, or when another poll, `oyez_worker_wait` or `oyez_worker_free` has put an end to it. Another
/// thread may call `wake`, and then `release`, before this call returns; and when it was about to as the worker was
/// freed, after `oyez_worker_free` has returned. So `userdata` must live until `release`, must not own the worker, and
/// `wake` must not use the worker: it wakes a thread that does. OYEZ_BUSY: another call has the worker. OYEZ_NULL:
/// `worker` is NULL. `wake` and `release` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_worker_poll(
    worker: *mut oyez_worker,
    wake: oyez_wake_fn,
    userdata: *mut c_void,
    release: oyez_release_fn,
) -> oyez_status {
    guard(|| {
        let waker = Waker::from(Arc::new(Hook { wake, userdata, release }));
        // SAFETY: the caller's handle (see `ffi`).
        unsafe { locked(worker)? }.with(|reader| match reader.worker.poll_ready(&mut Context::from_waker(&waker)) {
            Poll::Ready(Readiness::Ready) => Ok(()),
            Poll::Ready(Readiness::Closed) => Err(OYEZ_CLOSED),
            Poll::Pending => Err(OYEZ_PENDING),
        })
    })
}

/// A host's wish to be woken. What its functions panic with goes no further: the thread that calls them has done
/// nothing wrong.
struct Hook {
    wake: oyez_wake_fn,
    userdata: *mut c_void,
    release: oyez_release_fn,
}

// SAFETY: `userdata` is only handed to the host's functions, which may be called from any thread.
unsafe impl Send for Hook {}
// SAFETY: as above.
unsafe impl Sync for Hook {}

impl Wake for Hook {
    fn wake(self: Arc<Self>) {
        call(self.wake, self.userdata);
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        call(self.release, self.userdata);
    }
}

fn call(function: Option<unsafe extern "C-unwind" fn(*mut c_void)>, userdata: *mut c_void) {
    let Some(function) = function else { return };
    // SAFETY: the host's function, with what it was given for it.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| unsafe { function(userdata) })) {
        discard(payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::{OYEZ_OK, OYEZ_POISONED, oyez_fanout_close, oyez_fanout_free, oyez_fanout_new};
    use std::ptr::null;

    #[test]
    fn a_bug_under_a_worker_poisons_its_fan_out_and_both_can_be_freed() {
        let mut fanout = MaybeUninit::uninit();
        let mut worker = MaybeUninit::uninit();
        // SAFETY: NULL is no options.
        assert_eq!(unsafe { oyez_fanout_new(null(), Some(&mut fanout)) }, OYEZ_OK);
        // SAFETY: the call has written it, and it is freed below.
        let fanout: Box<oyez_fanout> = unsafe { Box::from_raw(fanout.assume_init()) };
        assert_eq!(oyez_worker_new(Some(&fanout), 0, Some(&mut worker)), OYEZ_OK);
        // SAFETY: as above.
        let worker: Box<oyez_worker> = unsafe { Box::from_raw(worker.assume_init()) };

        assert_eq!(guard(|| worker.with(|_| panic!("a bug"))), OYEZ_PANIC);
        // SAFETY: a handle.
        assert_eq!(unsafe { oyez_worker_wait((&raw const *worker).cast_mut()) }, OYEZ_POISONED);
        assert_eq!(oyez_fanout_close(Some(&fanout)), OYEZ_POISONED);
        oyez_worker_free(Some(worker));
        oyez_fanout_free(Some(fanout));
    }
}
