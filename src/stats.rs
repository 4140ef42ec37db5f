//! Counters: what was accepted and what became of it, by part, as plain values.

use crate::fanout::Sequence;
use crate::registry::{RegistryStats, SessionId};
use std::ops::AddAssign;

/// Where every accepted event went. The **identity** holds at every moment, for each session and in total:
///
/// accepted = delivered + dropped + discarded + abandoned + pending
///
/// An event for a thousand sessions counts a thousand times. What a full partition refused was told to the publisher
/// and is not accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accounting {
    /// Put into a session's queue.
    pub accepted: u64,
    /// Taken by the host.
    pub delivered: u64,
    /// Gave way to newer events because the session's queue was full, or came to a full queue and gave way to the older
    /// ones, or were shed; each is in a gap that the session is told.
    pub dropped: u64,
    /// Of those dropped: shed because the partition's budget was used up while nobody read the session.
    pub shed: u64,
    /// Were pending when their session ended, or unsubscribed and did not want them any more.
    pub discarded: Discarded,
    /// In the hands of a host callback that panicked; each is in a gap that the session is told.
    pub abandoned: u64,
    /// In a queue, or in the hands of the host.
    pub pending: u64,
}

/// Events that were pending when their session ended or unsubscribed, by how that came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Discarded {
    /// The session disconnected; or it ended in whatever way while the host had the event in hand.
    pub disconnect: u64,
    /// The partition was dropped.
    pub partition_drop: u64,
    /// The session was disconnected because its queue was full ([`Overload::Disconnect`](crate::Overload)).
    pub overflow: u64,
    /// The session unsubscribed, and asked for it
    /// ([`Fanout::unsubscribe_discarding`](crate::Fanout::unsubscribe_discarding)).
    pub unsubscribe: u64,
}

impl Discarded {
    /// All of them.
    pub fn total(self) -> u64 {
        self.disconnect + self.partition_drop + self.overflow + self.unsubscribe
    }
}

impl Accounting {
    /// Everything accepted, added up by what became of it.
    pub fn accounted(&self) -> u64 {
        self.delivered + self.dropped + self.discarded.total() + self.abandoned + self.pending
    }

    /// Whether the identity holds. It always does; a `false` is a bug in this crate.
    ///
    /// ```
    /// assert!(oyez::Accounting::default().balances());
    /// ```
    pub fn balances(&self) -> bool {
        self.accepted == self.accounted()
    }
}

impl AddAssign for Accounting {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.delivered += other.delivered;
        self.dropped += other.dropped;
        self.shed += other.shed;
        self.discarded.disconnect += other.discarded.disconnect;
        self.discarded.partition_drop += other.discarded.partition_drop;
        self.discarded.overflow += other.discarded.overflow;
        self.discarded.unsubscribe += other.discarded.unsubscribe;
        self.abandoned += other.abandoned;
        self.pending += other.pending;
    }
}

/// A snapshot of a [`Fanout`](crate::Fanout)'s counters, made by [`Fanout::stats`](crate::Fanout::stats).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Sessions, topics and subscriptions.
    pub registry: RegistryStats,
    /// Fan-outs so far; also the last sequence given.
    pub published: u64,
    /// By partition.
    pub partitions: Vec<PartitionStats>,
}

impl Stats {
    /// Where every accepted event of all partitions went. O(partitions).
    pub fn accounting(&self) -> Accounting {
        let mut sum = Accounting::default();
        for partition in &self.partitions {
            sum += partition.accounting;
        }
        sum
    }

    /// Recipients that full partitions refused. O(partitions).
    pub fn refused(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.refused).sum()
    }

    /// Gaps told to sessions. O(partitions).
    pub fn gaps(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.gaps).sum()
    }

    /// Sessions that did not take all they were offered. O(partitions).
    pub fn lagging(&self) -> usize {
        self.partitions.iter().map(|partition| partition.lagging).sum()
    }
}

/// Memory that counts towards a partition's budget, by what it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldBytes {
    /// Events with their payloads, each once.
    pub events: usize,
    /// Four bytes for each session that has an event in its queue, or has not acknowledged it.
    pub handles: usize,
    /// Events in the log or gone out and kept for those who lag: their audiences, and four bytes for each session that
    /// may come to have them in its queue.
    pub log: usize,
}

impl HeldBytes {
    /// All of it.
    pub fn total(self) -> usize {
        self.events + self.handles + self.log
    }
}

/// One of the sessions that are furthest behind. Of [`Fanout::most_lagging`](crate::Fanout::most_lagging).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaggingSession {
    /// Its handle.
    pub session: SessionId,
    /// Events that wait for it, those left out that are in the log and have not gone out.
    pub pending: usize,
    /// The sequence of the oldest of them.
    pub oldest: Sequence,
}

/// One partition's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionStats {
    /// Sessions connected.
    pub sessions: usize,
    /// Sessions with something to get, in turn for the worker; at times some that have ended since.
    pub ready: usize,
    /// Sessions that did not take all they were offered and have not said that they can take more.
    pub lagging: usize,
    /// Sessions that are parked.
    pub parked: usize,
    /// Sessions with a queue: they have events pending, acknowledge, lag, are parked or read through an outbox. Each
    /// takes 128 bytes beside its events, which no budget counts.
    pub queues: usize,
    /// Events handed over to sessions with a window and not acknowledged yet.
    pub unacknowledged: usize,
    /// Distinct events that some session of the partition has not got yet.
    pub events_held: usize,
    /// Of those: events for many sessions, which wait in the log.
    pub events_in_log: usize,
    /// And events for many that have gone out and are kept for sessions that nobody reads: at most seven times as many as
    /// a queue holds, or as 1,024; then each is lost to those who lag, or in their queues.
    pub events_behind: usize,
    /// How many events have been published, to whomever, since the oldest that waits in the log, that one included; 0
    /// if none waits. A worker that keeps up keeps it small. The audiences of everything in the log are kept with it.
    pub lag: u64,
    /// Bytes of what is pending or not acknowledged: what counts towards the budget.
    pub bytes: usize,
    /// The same by what they are for.
    pub bytes_by_cause: HeldBytes,
    /// Recipients refused because the partition was over its budget.
    pub refused: u64,
    /// Gaps told to sessions.
    pub gaps: u64,
    /// Host callbacks that panicked.
    pub panics: u64,
    /// Where every accepted event went. What has gone out while nobody read a session may be pending here although the
    /// session has [lost it](crate::Fanout::accounting) for newer events: that is booked when it comes to be visited.
    pub accounting: Accounting,
}
