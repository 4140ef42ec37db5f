//! Counters as plain structs.

#![expect(unsafe_code, reason = "exports symbols, and fills structs of C")]

use super::argument::{Growing, Report, size_through};
use super::fanout::{oyez_fanout, partition, shared};
use super::guard::guard;
use super::refusal::Refusal;
use super::status::{OYEZ_NO_PARTITION, oyez_status};
use crate::{Accounting, PartitionId, PartitionStats, SessionId};

/// Counters of a whole fan-out. Starts as OYEZ_STATS_INIT. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct oyez_stats {
    /// `sizeof(oyez_stats)`.
    pub struct_size: usize,
    /// Fan-outs so far; also the last sequence given.
    pub published: u64,
    /// Recipients that partitions over their budget refused.
    pub refused: u64,
    /// Gaps told to sessions.
    pub gaps: u64,
    /// Sessions connected.
    pub sessions: usize,
    /// Topics with at least one subscriber.
    pub topics: usize,
    /// Pairs of session and topic.
    pub subscriptions: usize,
    /// Sessions that did not take all they were offered.
    pub lagging: usize,
    /// Partitions.
    pub partitions: usize,
}

/// Counters of one partition. Starts as OYEZ_PARTITION_STATS_INIT. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct oyez_partition_stats {
    /// `sizeof(oyez_partition_stats)`.
    pub struct_size: usize,
    /// Sessions connected.
    pub sessions: usize,
    /// Sessions with something to get, in turn for the worker; at times some that have ended since.
    pub ready: usize,
    /// Sessions that did not take all they were offered and have not said that they can take more.
    pub lagging: usize,
    /// Sessions that are parked.
    pub parked: usize,
    /// Events handed over to sessions with a window and not acknowledged yet.
    pub unacknowledged: usize,
    /// Distinct events that some session of the partition has not got yet.
    pub events_held: usize,
    /// Of those: events for many sessions, which wait in the log.
    pub events_in_log: usize,
    /// Bytes of what is pending or not acknowledged: what counts towards the budget.
    pub bytes: usize,
    /// How many events have been published since the oldest that waits in the log, that one included; 0 if none waits.
    pub lag: u64,
    /// Recipients refused because the partition was over its budget.
    pub refused: u64,
    /// Gaps told to sessions.
    pub gaps: u64,
    /// Callbacks that panicked or failed.
    pub panics: u64,
    /// Distinct events for many that have gone out and are kept for sessions that nobody reads.
    pub events_behind: usize,
}

/// Where every accepted event went. At every moment accepted = delivered + dropped + all four discarded + abandoned +
/// pending. An event for a thousand sessions counts a thousand times. Starts as OYEZ_ACCOUNTING_INIT. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct oyez_accounting {
    /// `sizeof(oyez_accounting)`.
    pub struct_size: usize,
    /// Put into a session's queue.
    pub accepted: u64,
    /// Taken by the host.
    pub delivered: u64,
    /// Gave way because the session's queue was full; each is in a gap that the session is told.
    pub dropped: u64,
    /// Of those dropped: shed because the partition's budget was used up.
    pub shed: u64,
    /// Were pending when the session disconnected.
    pub discarded_disconnect: u64,
    /// Were pending when the partition was dropped.
    pub discarded_partition_drop: u64,
    /// Were pending when the session ended because its queue was full.
    pub discarded_overflow: u64,
    /// Were pending when the session unsubscribed, and discarded at its wish.
    pub discarded_unsubscribe: u64,
    /// In the hands of a callback that panicked or failed; each is in a gap that the session is told.
    pub abandoned: u64,
    /// In a queue, or in the hands of the host.
    pub pending: u64,
}

// SAFETY: `repr(C)`, numbers, the size first.
unsafe impl Growing for oyez_stats {
    const SIZE_MIN: usize = size_through!(oyez_stats, partitions: usize);
}
// SAFETY: as above.
unsafe impl Growing for oyez_partition_stats {
    const SIZE_MIN: usize = size_through!(oyez_partition_stats, panics: u64);
}
// SAFETY: as above.
unsafe impl Growing for oyez_accounting {
    const SIZE_MIN: usize = size_through!(oyez_accounting, pending: u64);
}

impl From<Accounting> for oyez_accounting {
    fn from(of: Accounting) -> Self {
        oyez_accounting {
            struct_size: size_of::<Self>(),
            accepted: of.accepted,
            delivered: of.delivered,
            dropped: of.dropped,
            shed: of.shed,
            discarded_disconnect: of.discarded.disconnect,
            discarded_partition_drop: of.discarded.partition_drop,
            discarded_overflow: of.discarded.overflow,
            discarded_unsubscribe: of.discarded.unsubscribe,
            abandoned: of.abandoned,
            pending: of.pending,
        }
    }
}

impl From<&PartitionStats> for oyez_partition_stats {
    fn from(of: &PartitionStats) -> Self {
        oyez_partition_stats {
            struct_size: size_of::<Self>(),
            sessions: of.sessions,
            ready: of.ready,
            lagging: of.lagging,
            parked: of.parked,
            unacknowledged: of.unacknowledged,
            events_held: of.events_held,
            events_in_log: of.events_in_log,
            events_behind: of.events_behind,
            bytes: of.bytes,
            lag: of.lag,
            refused: of.refused,
            gaps: of.gaps,
            panics: of.panics,
        }
    }
}

/// Counts a whole fan-out. O(partitions). Concurrent. Since 0.1.
///
/// OYEZ_NULL: `fanout` is NULL. OYEZ_INVALID: the size in `stats` is wrong. `stats` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_fanout_stats(fanout: Option<&oyez_fanout>, stats: *mut oyez_stats) -> oyez_status {
    guard(|| {
        // SAFETY: the caller's struct (see `ffi`).
        let mut report = unsafe { Report::of(stats)? };
        shared(fanout)?.read(|fanout| {
            let stats = fanout.stats();
            report.set(oyez_stats {
                struct_size: 0,
                published: stats.published,
                refused: stats.refused(),
                gaps: stats.gaps(),
                sessions: stats.registry.sessions,
                topics: stats.registry.topics,
                subscriptions: stats.registry.subscriptions,
                lagging: stats.lagging(),
                partitions: stats.partitions.len(),
            });
            Ok(())
        })
    })
}

/// Counts one partition. O(partitions). Concurrent. Since 0.1.
///
/// OYEZ_NO_PARTITION: no such partition. OYEZ_NULL: `fanout` is NULL. OYEZ_INVALID: the size in `stats` is wrong.
/// `stats` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_fanout_partition_stats(
    fanout: Option<&oyez_fanout>,
    partition_id: u32,
    stats: *mut oyez_partition_stats,
) -> oyez_status {
    guard(|| {
        // SAFETY: the caller's struct (see `ffi`).
        let mut report = unsafe { Report::of(stats)? };
        shared(fanout)?.read(|fanout| {
            let PartitionId(at) = partition(partition_id)?;
            let stats = fanout.stats();
            report.set(stats.partitions.get(usize::from(at)).ok_or(OYEZ_NO_PARTITION)?.into());
            Ok(())
        })
    })
}

/// Tells where every event accepted for any session went. O(partitions). Concurrent. Since 0.1.
///
/// OYEZ_NULL: `fanout` is NULL. OYEZ_INVALID: the size in `accounting` is wrong. `accounting` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_fanout_accounting(
    fanout: Option<&oyez_fanout>,
    accounting: *mut oyez_accounting,
) -> oyez_status {
    guard(|| {
        // SAFETY: the caller's struct (see `ffi`).
        let mut report = unsafe { Report::of(accounting)? };
        shared(fanout)?.read(|fanout| {
            report.set(fanout.stats().accounting().into());
            Ok(())
        })
    })
}

/// Tells where every event accepted for one session went. O(events in its partition's log). Concurrent. Since 0.1.
///
/// OYEZ_NOT_FOUND: no such session. OYEZ_NULL: `fanout` is NULL. OYEZ_INVALID: the size in `accounting` is wrong.
/// `accounting` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_fanout_session_accounting(
    fanout: Option<&oyez_fanout>,
    session_id: u64,
    accounting: *mut oyez_accounting,
) -> oyez_status {
    guard(|| {
        // SAFETY: the caller's struct (see `ffi`).
        let mut report = unsafe { Report::of(accounting)? };
        shared(fanout)?.read(|fanout| {
            let of = fanout.accounting(SessionId::from_bits(session_id)).map_err(Refusal::status)?;
            report.set(of.into());
            Ok(())
        })
    })
}
