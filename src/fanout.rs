//! Which sessions get an event, and how it reaches them in order: [`Fanout`].
//!
//! The many-threaded face of the library. `queue.rs` has one session's queue, `partition.rs` all of a partition's and
//! the accounting, `worker.rs` and `outbox.rs` the two ways to read them, `fate.rs` what is remembered to explain
//! itself, `event.rs` the values.
//!
//! **Order and locks.** A publish takes its sequence, finds its audience and fills the queues of every partition under
//! the registry's lock, so every session sees all events in the order of their sequences, whatever their order keys.
//! Locks are always taken in one order, registry before partition, and none is held while a host's callback runs.
//! Draining takes only its own partition's lock, for 64 sessions at a time.

mod batch;
mod event;
mod fate;
mod held_events;
mod outbox;
mod partition;
mod queue;
mod worker;

pub use batch::Batch;
pub use event::{Class, Event, Gap, Item, OrderKey, Sequence};
pub use fate::Fate;
pub use outbox::Outbox;
pub use worker::{Drained, HostPanic, Took, Worker};

use crate::registry::{
    Audience, ConnectError, NoSuchPartition, NoSuchSession, PartitionId, Query, Registry, RegistryOptions, SessionId,
    SubscribeError, Subscribed, Topic, Unsubscribed, Verdict,
};
use crate::stats::{Accounting, Stats};
use crate::sync::Mutex;
use fate::{Addressed, History};
use partition::{OverBudget, Partition, Taken};
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

/// A registry of sessions with a bounded queue of events for each: publish on one side, drain on the other, from any
/// number of threads. A clone is another handle to the same.
///
/// # Trade-offs
///
/// - **Publish never waits for a session.** A session whose queue is full loses its oldest event and is told so by a
///   [`Gap`] with the exact count, in its place; a partition whose budget is used up refuses, and the receipt says so.
/// - **Nothing is lost silently**: [`Accounting`] says where every accepted event went.
/// - The publisher pays a few nanoseconds for each target, under one lock for the whole registry: simple, and right,
///   but not yet the design's log that makes publishing independent of the audience's size.
///
/// # Examples
///
/// ```
/// use oyez::{Event, Fanout, FanoutOptions, OrderKey, PartitionId, Query, Took, Topic};
///
/// let fanout = Fanout::new(FanoutOptions::default().partitions(2));
/// let room = Topic(42);
/// for partition in [0, 0, 1] {
///     let session = fanout.connect(PartitionId(partition)).unwrap();
///     fanout.subscribe(session, room).unwrap();
/// }
/// let receipt = fanout.publish(&Query::topic(room), Event::new(OrderKey(42), *b"hi")).unwrap();
/// assert_eq!(receipt.count, 3);
///
/// let mut worker = fanout.worker(PartitionId(0)).unwrap();
/// let drained = worker.drain(usize::MAX, |_session, batch| Took(batch.len()));
/// assert_eq!(drained.sessions, 2);
/// assert_eq!(fanout.stats().accounting().pending, 1);
/// ```
#[derive(Clone)]
pub struct Fanout {
    shared: Arc<Shared>,
}

struct Shared {
    publishing: Mutex<Publishing>,
    partitions: Box<[Mutex<Partition>]>,
    payload_bytes_max: usize,
}

/// What is changed under the registry's lock.
struct Publishing {
    registry: Registry,
    last: Sequence,
    history: History,
    /// Memory for the next audience.
    spare: Vec<SessionId>,
}

/// Sizes and limits of a [`Fanout`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FanoutOptions {
    /// Of the registry inside.
    pub registry: RegistryOptions,
    /// Events a session's queue holds, at least 1; what comes then pushes out the oldest. Events that the host has in
    /// hand do not count. Default 256.
    pub events_per_session_max: usize,
    /// Events in one batch of a worker, at least 1. Default 256.
    pub batch_max: usize,
    /// Bytes of pending events a partition may hold: payloads once, and a few bytes for each target. An event that
    /// would exceed it is refused for the whole partition. Default 256 MiB.
    pub bytes_per_partition_max: usize,
    /// Bytes of one payload; a larger one is an error of its publisher. Default 1 MiB.
    pub payload_bytes_max: usize,
    /// Bytes of audiences kept so that [`Fanout::fate`] can answer for past events. Default 1 MiB; 0 keeps none.
    pub history_bytes_max: usize,
    /// What becomes of a batch whose callback panicked. Default [`OnPanic::Abandon`].
    pub on_panic: OnPanic,
}

/// What becomes of the batch that a panicking callback had in hand. All of it, never half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnPanic {
    /// It counts as handed over, in [`Accounting::abandoned`]: no event is delivered twice.
    Abandon,
    /// It counts as not taken and is offered again: no event is lost.
    Keep,
}

/// What [`Fanout::publish`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The number of this fan-out.
    pub sequence: Sequence,
    /// Sessions for which the event was accepted.
    pub count: usize,
    /// Partitions that refused it because their budget is used up; usually none.
    pub refused: SmallVec<[PartitionId; 2]>,
    /// Sessions of those partitions that do not get it.
    pub refused_count: usize,
}

/// A payload is larger than [`FanoutOptions::payload_bytes_max`]. Gives the event back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadTooLarge {
    /// The event, as it was given.
    pub event: Event,
    /// The limit in bytes.
    pub max: usize,
}

/// What [`Fanout::subscribe`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Joined {
    /// Whether the subscription is new.
    pub subscribed: Subscribed,
    /// Every event of the topic with a greater sequence is for this session, if the subscription is new: the host can
    /// send its state as of this sequence, and none is missed and none comes twice.
    pub after: Sequence,
}

/// Why [`Fanout::worker`] refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerError {
    /// There is no partition of this number.
    NoSuchPartition(PartitionId),
    /// The partition has a worker already.
    Busy,
}

/// Why [`Fanout::outbox`] refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutboxError {
    /// No session with this handle is connected.
    NoSuchSession,
    /// The session has an outbox already, or a worker's callback has its batch in hand.
    Busy,
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
        }
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
}

impl Shared {
    /// A partition that is known to exist.
    fn partition(&self, partition: PartitionId) -> &Mutex<Partition> {
        &self.partitions[usize::from(partition.0)]
    }
}

impl Fanout {
    /// An empty registry with its queues. Starts no thread.
    ///
    /// # Panics
    ///
    /// With no partition.
    pub fn new(options: FanoutOptions) -> Self {
        let registry = Registry::new(options.registry.clone());
        let layout = registry.layout();
        let partitions = (0..registry.partition_count()).map(|_| Mutex::new(Partition::new(layout, &options)));
        Fanout {
            shared: Arc::new(Shared {
                partitions: partitions.collect(),
                payload_bytes_max: options.payload_bytes_max,
                publishing: Mutex::new(Publishing {
                    registry,
                    last: Sequence(0),
                    history: History::new(options.history_bytes_max),
                    spare: Vec::new(),
                }),
            }),
        }
    }

    /// Connects a session to a partition. It gets no event published before. Amortised O(log n).
    ///
    /// # Errors
    ///
    /// When the partition does not exist, or is full.
    pub fn connect(&self, partition: PartitionId) -> Result<SessionId, ConnectError> {
        let mut publishing = self.shared.publishing.lock();
        let session = publishing.registry.connect(partition)?;
        self.shared.partition(partition).lock().open(session);
        Ok(session)
    }

    /// Ends a session: its handle is unknown from here on, and what is pending for it is discarded. Returns the number
    /// of topics it was subscribed to. O(log n) for each of them, and O(1) for each pending event.
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn disconnect(&self, session: SessionId) -> Result<usize, NoSuchSession> {
        let mut publishing = self.shared.publishing.lock();
        let partition = publishing.registry.partition_of(session)?;
        let topics = publishing.registry.disconnect(session)?;
        self.shared.partition(partition).lock().close(session);
        Ok(topics)
    }

    /// Ends all sessions of a partition, as if each had disconnected; returns their number. The partition stays, and
    /// its worker too. O(log n) for each subscription, in one go: publishers wait for it.
    ///
    /// # Errors
    ///
    /// When there is no such partition.
    pub fn drop_partition(&self, partition: PartitionId) -> Result<usize, NoSuchPartition> {
        let mut publishing = self.shared.publishing.lock();
        let sessions = publishing.registry.drop_partition(partition)?;
        self.shared.partition(partition).lock().close_all();
        Ok(sessions)
    }

    /// Subscribes a session to a topic, and tells from which sequence on it gets the topic's events. O(log n) in the
    /// topic's subscribers, O(t) in the session's topics.
    ///
    /// # Errors
    ///
    /// When no such session is connected, or it has too many topics; nothing has changed then.
    pub fn subscribe(&self, session: SessionId, topic: Topic) -> Result<Joined, SubscribeError> {
        let mut publishing = self.shared.publishing.lock();
        let subscribed = publishing.registry.subscribe(session, topic)?;
        Ok(Joined { subscribed, after: publishing.last })
    }

    /// Ends a subscription. Events accepted before are still delivered. O(log n) in the topic's subscribers, O(t) in
    /// the session's topics.
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn unsubscribe(&self, session: SessionId, topic: Topic) -> Result<Unsubscribed, NoSuchSession> {
        self.shared.publishing.lock().registry.unsubscribe(session, topic)
    }

    /// Puts an event into the queue of every session in the query's audience, and tells for how many. Never waits for
    /// a session or a worker. O(audience).
    ///
    /// # Errors
    ///
    /// When the payload is too large; no sequence is used up, and the event comes back. A partition over its budget is
    /// no error: the receipt names it.
    pub fn publish(&self, query: &Query, event: Event) -> Result<Receipt, PayloadTooLarge> {
        let max = self.shared.payload_bytes_max;
        if event.payload.len() > max {
            return Err(PayloadTooLarge { event, max });
        }
        let event = Arc::new(event);
        let mut publishing = self.shared.publishing.lock();
        let publishing = &mut *publishing;
        publishing.last.0 += 1;
        let sequence = publishing.last;
        let audience = publishing.registry.audience_in(query, std::mem::take(&mut publishing.spare));

        let mut receipt = Receipt { sequence, count: audience.count(), refused: SmallVec::new(), refused_count: 0 };
        for (partition, sessions) in audience.partitions() {
            let accepted = self.shared.partition(partition).lock().accept(sessions, sequence, &event);
            if let Err(OverBudget) = accepted {
                receipt.refused.push(partition);
                receipt.refused_count += sessions.len();
                receipt.count -= sessions.len();
            }
        }
        publishing.spare = publishing.history.remember(sequence, audience.into_sessions(), receipt.refused.clone());
        Ok(receipt)
    }

    /// A session can take more: the host calls it when a session that did not take all it was offered has room again.
    /// What is pending comes with the next drain. Called while the worker's callback has the session's batch in hand,
    /// it counts after that. O(1).
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn writable(&self, session: SessionId) -> Result<(), NoSuchSession> {
        let partition = self.partition_of(session)?;
        self.shared.partition(partition).lock().writable(session);
        Ok(())
    }

    /// The one worker of a partition.
    ///
    /// # Errors
    ///
    /// When there is no such partition, or its worker has not been dropped yet.
    pub fn worker(&self, partition: PartitionId) -> Result<Worker, WorkerError> {
        let queues =
            self.shared.partitions.get(usize::from(partition.0)).ok_or(WorkerError::NoSuchPartition(partition))?;
        queues.lock().seat_worker().map_err(|Taken| WorkerError::Busy)?;
        Ok(Worker::new(Arc::clone(&self.shared), partition))
    }

    /// An outbox from which a session's owner pulls its events; the partition's worker passes the session by until the
    /// outbox is dropped.
    ///
    /// # Errors
    ///
    /// When no such session is connected, or its events are in other hands.
    pub fn outbox(&self, session: SessionId) -> Result<Outbox, OutboxError> {
        let partition = self.partition_of(session).map_err(|_| OutboxError::NoSuchSession)?;
        self.shared.partition(partition).lock().seat_outbox(session)?;
        Ok(Outbox::new(Arc::clone(&self.shared), partition, session))
    }

    /// The sessions that a query means, as [`Registry::audience`] tells.
    pub fn audience(&self, query: &Query) -> Audience {
        self.shared.publishing.lock().registry.audience(query)
    }

    /// Says whether a session is in a query's audience, and which rule keeps it out. O(topics of the query).
    pub fn explain(&self, session: SessionId, query: &Query) -> Verdict {
        self.shared.publishing.lock().registry.explain(session, query)
    }

    /// Says what became of an event for a session. O(log n) in the recent events and in the session's queue.
    ///
    /// ```
    /// use oyez::{Event, Fanout, FanoutOptions, Fate, OrderKey, PartitionId, Query, Topic};
    ///
    /// let fanout = Fanout::new(FanoutOptions::default());
    /// let ada = fanout.connect(PartitionId(0)).unwrap();
    /// let early = fanout.publish(&Query::topic(Topic(7)), Event::new(OrderKey(1), *b"a")).unwrap();
    /// fanout.subscribe(ada, Topic(7)).unwrap();
    /// let late = fanout.publish(&Query::topic(Topic(7)), Event::new(OrderKey(1), *b"b")).unwrap();
    /// assert_eq!(fanout.fate(ada, early.sequence), Fate::NotAddressed);
    /// assert_eq!(fanout.fate(ada, late.sequence), Fate::Pending { ahead: 0 });
    /// ```
    pub fn fate(&self, session: SessionId, sequence: Sequence) -> Fate {
        let publishing = self.shared.publishing.lock();
        let Ok(partition) = publishing.registry.partition_of(session) else {
            return Fate::NoSuchSession;
        };
        if sequence == Sequence(0) || sequence > publishing.last {
            return Fate::NotPublished;
        }
        match publishing.history.addressed(session, partition, sequence) {
            Addressed::No => Fate::NotAddressed,
            Addressed::Refused => Fate::Refused,
            Addressed::Yes => self.shared.partition(partition).lock().fate(session, sequence),
            Addressed::Forgotten => Fate::Forgotten,
        }
    }

    /// Where every event accepted for a session went. O(1).
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn accounting(&self, session: SessionId) -> Result<Accounting, NoSuchSession> {
        let partition = self.partition_of(session)?;
        self.shared.partition(partition).lock().accounting(session)
    }

    /// All counters at one moment. O(sessions), under the registry's lock.
    pub fn stats(&self) -> Stats {
        let publishing = self.shared.publishing.lock();
        let partitions = self.shared.partitions.iter().map(|partition| partition.lock().stats());
        Stats { registry: publishing.registry.stats(), published: publishing.last.0, partitions: partitions.collect() }
    }

    /// Checks every invariant, the identity of each session among them. Only while no worker's callback runs. O(n log n).
    /// For tests.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    #[doc(hidden)]
    pub fn validate(&self) -> Result<(), String> {
        let publishing = self.shared.publishing.lock();
        publishing.registry.validate()?;
        for partition in &self.shared.partitions {
            partition.lock().validate()?;
        }
        Ok(())
    }

    fn partition_of(&self, session: SessionId) -> Result<PartitionId, NoSuchSession> {
        self.shared.publishing.lock().registry.partition_of(session)
    }
}

impl fmt::Debug for Fanout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fanout").field("partitions", &self.shared.partitions.len()).finish_non_exhaustive()
    }
}

impl fmt::Display for PayloadTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the payload has {} bytes, the limit is {}", self.event.payload.len(), self.max)
    }
}

impl fmt::Display for WorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorkerError::NoSuchPartition(partition) => NoSuchPartition(*partition).fmt(f),
            WorkerError::Busy => f.write_str("the partition has a worker already"),
        }
    }
}

impl fmt::Display for OutboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutboxError::NoSuchSession => NoSuchSession.fmt(f),
            OutboxError::Busy => f.write_str("the session's events are in other hands"),
        }
    }
}

impl std::error::Error for PayloadTooLarge {}
impl std::error::Error for WorkerError {}
impl std::error::Error for OutboxError {}
