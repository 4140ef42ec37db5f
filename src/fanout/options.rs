//! Sizes, limits and choices of a fan-out and of its sessions.

use super::event::Class;
use super::worker::ROUND_SESSIONS;
use crate::registry::RegistryOptions;

/// Sizes and limits of a [`Fanout`](super::Fanout).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FanoutOptions {
    /// Of the registry inside.
    pub registry: RegistryOptions,
    /// Events a session's queue holds; 0 counts as 1. When it is full, the event's class says what gives way. Events
    /// that the host has in hand do not count. Default 256.
    pub events_per_session_max: usize,
    /// Events in one batch of a worker, at least 1. Default 256.
    pub batch_max: usize,
    /// Bytes of events a partition may hold that are pending or not acknowledged: payloads once, and a few bytes for
    /// each target. For an event that would exceed it, sessions that nobody reads give way; if that is not enough, it
    /// is refused for the whole partition. What is kept for windows does not give way, so windows times payloads should
    /// stay well below it. Not counted is what a session takes that has a queue
    /// ([`PartitionStats::queues`](crate::PartitionStats::queues)). Default 256 MiB.
    pub bytes_per_partition_max: usize,
    /// Bytes of one payload; a larger one is an error of its publisher. Default 1 MiB.
    pub payload_bytes_max: usize,
    /// Bytes of audiences kept so that [`Fanout::fate`](super::Fanout::fate) can answer for past events. Default 1 MiB;
    /// 0 keeps none.
    pub history_bytes_max: usize,
    /// What becomes of a batch whose callback panicked. Default [`OnPanic::Abandon`].
    pub on_panic: OnPanic,
    /// What gives way when a session's queue is full, by the event's class. Default [`Overload::DropOldest`] for all.
    pub overload: [Overload; 64],
    /// Sessions of one partition for which an event waits in the partition's log instead of in the queue of each; what
    /// comes while something waits there waits behind it, for however few. Default 64.
    pub log_sessions_min: usize,
    /// Sessions that a worker offers something under one lock; small in tests.
    #[doc(hidden)]
    pub round_sessions: usize,
}

/// What gives way when an event comes to a session whose queue is full. It is the class of the event that comes that
/// decides: one that is in the queue already may give way to a later one of another class, or be shed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overload {
    /// The oldest event in the queue: for what is soon out of date.
    DropOldest,
    /// The event that comes: for what need not be complete.
    DropNewest,
    /// The session: for what it must not miss. It ends as if it had disconnected. The receipt names it, or
    /// [`Drained::overflowed`](super::Drained::overflowed) when the event has waited in the log.
    Disconnect,
}

/// Settings of one session.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SessionOptions {
    /// How many events may be handed over and not acknowledged; `None`, the default, for a session that never
    /// acknowledges.
    pub window: Option<usize>,
}

/// Where a [`drain`](super::Worker::drain) ends although somebody waits: for a host that has other work to do, and comes
/// again. By default nowhere.
///
/// ```
/// use oyez::{DrainLimit, Event, Fanout, FanoutOptions, OrderKey, PartitionId, Query, Took, Topic};
///
/// let fanout = Fanout::new(FanoutOptions::default());
/// for _ in 0..10 {
///     let session = fanout.connect(PartitionId(0)).unwrap();
///     fanout.subscribe(session, Topic(7)).unwrap();
/// }
/// fanout.publish(&Query::topic(Topic(7)), Event::new(OrderKey(1), *b"x")).unwrap();
/// let mut worker = fanout.worker(PartitionId(0)).unwrap();
/// let drained = worker.drain_within(DrainLimit::default().items(4), |_, _| Took::ALL).resume_panics();
/// assert_eq!((drained.items, drained.ready), (4, 6));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainLimit {
    /// Sessions that are offered something.
    pub sessions: usize,
    /// Items that are offered: events and gaps. The last batch is offered whole, so it may be exceeded by less than a
    /// batch.
    pub items: usize,
}

impl Default for DrainLimit {
    fn default() -> Self {
        DrainLimit { sessions: usize::MAX, items: usize::MAX }
    }
}

impl DrainLimit {
    /// Sets how many sessions are offered something.
    pub fn sessions(self, sessions: usize) -> Self {
        DrainLimit { sessions, ..self }
    }

    /// Sets how many items are offered.
    pub fn items(self, items: usize) -> Self {
        DrainLimit { items, ..self }
    }
}

/// What becomes of the batch that a panicking callback had in hand. All of it, never half. The session is offered
/// nothing until it is [`writable`](super::Fanout::writable).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnPanic {
    /// It may have been handed over or not: its events count as [abandoned](crate::Accounting::abandoned) and do not
    /// come again, and the session is told a gap.
    Abandon,
    /// It counts as not taken and is offered again: no event is lost, but one may come twice.
    Keep,
}

impl Default for FanoutOptions {
    fn default() -> Self {
        FanoutOptions {
            registry: RegistryOptions::default(),
            events_per_session_max: 256,
            batch_max: 256,
            bytes_per_partition_max: 256 << 20,
            payload_bytes_max: 1 << 20,
            history_bytes_max: 1 << 20,
            on_panic: OnPanic::Abandon,
            overload: [Overload::DropOldest; 64],
            log_sessions_min: 64,
            round_sessions: ROUND_SESSIONS,
        }
    }
}

impl SessionOptions {
    /// Sets how many events may be handed over and not acknowledged; at least 1.
    pub fn window(self, window: usize) -> Self {
        SessionOptions { window: Some(window.max(1)) }
    }
}

impl FanoutOptions {
    /// Sets the options of the registry.
    pub fn registry(self, registry: RegistryOptions) -> Self {
        FanoutOptions { registry, ..self }
    }

    /// Sets the number of partitions.
    pub fn partitions(mut self, partitions: u16) -> Self {
        self.registry.partitions = partitions;
        self
    }

    /// Sets how many events a session's queue holds.
    pub fn events_per_session_max(self, events_per_session_max: usize) -> Self {
        FanoutOptions { events_per_session_max, ..self }
    }

    /// Sets how many events a worker's batch holds.
    pub fn batch_max(self, batch_max: usize) -> Self {
        FanoutOptions { batch_max, ..self }
    }

    /// Sets how many bytes of pending events a partition may hold.
    pub fn bytes_per_partition_max(self, bytes_per_partition_max: usize) -> Self {
        FanoutOptions { bytes_per_partition_max, ..self }
    }

    /// Sets how large a payload may be.
    pub fn payload_bytes_max(self, payload_bytes_max: usize) -> Self {
        FanoutOptions { payload_bytes_max, ..self }
    }

    /// Sets how many bytes of past audiences are kept.
    pub fn history_bytes_max(self, history_bytes_max: usize) -> Self {
        FanoutOptions { history_bytes_max, ..self }
    }

    /// Sets what becomes of a batch whose callback panicked.
    pub fn on_panic(self, on_panic: OnPanic) -> Self {
        FanoutOptions { on_panic, ..self }
    }

    /// Sets what gives way to events of this class.
    pub fn overload(mut self, class: Class, overload: Overload) -> Self {
        self.overload[usize::from(class.number())] = overload;
        self
    }

    /// Sets for how many sessions of a partition an event waits in its log.
    pub fn log_sessions_min(self, log_sessions_min: usize) -> Self {
        FanoutOptions { log_sessions_min, ..self }
    }

    /// Sets how many sessions a worker offers something under one lock.
    #[doc(hidden)]
    pub fn round_sessions(self, round_sessions: usize) -> Self {
        FanoutOptions { round_sessions, ..self }
    }
}
