//! What a publish did.

#![expect(unsafe_code, reason = "exports symbols, and fills structs and buffers of C")]

use super::argument::{Filled, Growing, Report, buffer, given, size_through};
use super::guard::{Done, guard, guard_or};
use super::owner::{Owner, hand_out};
use super::status::oyez_status;
use crate::{Receipt, Sequence};
use std::mem::MaybeUninit;

/// What a publish did, with the sessions that ended for it. Filled by `oyez_fanout_publish`; one is enough for many
/// publishes, one after the other.
///
/// Made by `oyez_receipt_new`, freed by `oyez_receipt_free`. Calls that take it as `const` may run at once. Since 0.1.
pub struct oyez_receipt(Owner<Receipt>);

/// The numbers of a receipt. Starts as OYEZ_RECEIPT_COUNTS_INIT. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct oyez_receipt_counts {
    /// `sizeof(oyez_receipt_counts)`.
    pub struct_size: usize,
    /// The number of this fan-out; 0 if nothing was published.
    pub sequence: u64,
    /// Sessions for which the event was accepted.
    pub accepted: usize,
    /// Partitions that refused it because their budget is used up; usually none.
    pub partitions_refused: usize,
    /// Sessions of those partitions that do not get it.
    pub sessions_refused: usize,
    /// Sessions that ended because their queues were full; their connections are the host's to close.
    pub sessions_overflowed: usize,
}

// SAFETY: `repr(C)`, numbers, the size first.
unsafe impl Growing for oyez_receipt_counts {
    const SIZE_MIN: usize = size_through!(oyez_receipt_counts, sessions_overflowed: usize);
}

impl oyez_receipt {
    /// Takes in what a publish did, or nothing if it did nothing.
    pub(super) fn fill(&mut self, receipt: Option<Receipt>) -> Done {
        self.0.change(|held| {
            *held = receipt.unwrap_or_else(nothing);
            Ok(())
        })
    }
}

fn nothing() -> Receipt {
    Receipt { sequence: Sequence(0), count: 0, refused: Vec::new(), refused_count: 0, overflowed: Vec::new() }
}

/// Makes an empty receipt. O(1). From any thread. Since 0.1.
///
/// OYEZ_NULL: `receipt` is NULL. Otherwise `*receipt` is the caller's to free.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_receipt_new(receipt: Option<&mut MaybeUninit<*mut oyez_receipt>>) -> oyez_status {
    guard(|| hand_out(receipt, || Ok(oyez_receipt(Owner::new(nothing())))))
}

/// Frees a receipt; NULL is nothing. O(1). No other call may have it. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_receipt_free(receipt: Option<Box<oyez_receipt>>) {
    guard_or((), || drop(receipt));
}

/// Tells the numbers of the last publish that filled this receipt. O(1). Concurrent. Since 0.1.
///
/// OYEZ_NULL: `receipt` is NULL. OYEZ_INVALID: the size in `counts` is wrong. `counts` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_receipt_read(
    receipt: Option<&oyez_receipt>,
    counts: *mut oyez_receipt_counts,
) -> oyez_status {
    guard(|| {
        // SAFETY: the caller's struct (see `ffi`).
        let mut counts = unsafe { Report::of(counts)? };
        given(receipt)?.0.read(|receipt| {
            counts.set(oyez_receipt_counts {
                struct_size: 0,
                sequence: receipt.sequence.0,
                accepted: receipt.count,
                partitions_refused: receipt.refused.len(),
                sessions_refused: receipt.refused_count,
                sessions_overflowed: receipt.overflowed.len(),
            });
            Ok(())
        })
    })
}

/// Copies the partitions that refused the event into a buffer. O(their number). Concurrent. Since 0.1.
///
/// `*total` is how many there are, `*written` how many had room. OYEZ_SHORT_BUFFER: not all. OYEZ_NULL: `receipt` is
/// NULL, or `out` is and `capacity` is not 0. `written` and `total` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_receipt_refused(
    receipt: Option<&oyez_receipt>,
    out: *mut u32,
    capacity: usize,
    written: Option<&mut MaybeUninit<usize>>,
    total: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let filled = Filled::of(written, total);
        // SAFETY: the caller's buffer (see `ffi`).
        let out = unsafe { buffer(out, capacity)? };
        given(receipt)?.0.read(|receipt| out.fill_from(filled, &receipt.refused, |partition| partition.0.into()))
    })
}

/// Copies the sessions that ended for the event into a buffer. O(their number). Concurrent. Since 0.1.
///
/// Answers as `oyez_receipt_refused`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_receipt_overflowed(
    receipt: Option<&oyez_receipt>,
    out: *mut u64,
    capacity: usize,
    written: Option<&mut MaybeUninit<usize>>,
    total: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let filled = Filled::of(written, total);
        // SAFETY: the caller's buffer (see `ffi`).
        let out = unsafe { buffer(out, capacity)? };
        given(receipt)?.0.read(|receipt| out.fill_from(filled, &receipt.overflowed, |session| session.to_bits()))
    })
}
