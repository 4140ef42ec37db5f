//! Which sessions get an event, and how it reaches them in order: [`Fanout`].
//!
//! The many-threaded face of the library. A `partition.rs` has its sessions (`roster.rs`), what waits for many of them
//! (`log.rs`), what has gone out and is kept for those who are not read (`backlog.rs`), what waits for each
//! (`queue.rs`, of `items.rs` and `window.rs`), the events themselves (`held_events.rs`) and the accounting.
//! `worker.rs` and `outbox.rs` are the two ways to read it, `batch.rs` and `pass.rs` what is on the way to the host,
//! `answer.rs` what comes back; `seats.rs` finds who has moved, `fate.rs` what is remembered to explain itself;
//! `event.rs`, `options.rs` and `outcome.rs` are the values.
//!
//! **Order and locks.** A publish takes its sequence, finds its audience and gives the event to every partition under
//! the registry's lock, so every session sees all events in the order of their sequences, whatever their order keys.
//! Locks are always taken in one order, registry before partition, and none is held while a host's callback runs.
//! Draining takes only its own partition's lock, for 64 sessions at a time. The hand-overs one by one:
//! [`docs::orderings`](crate::docs::orderings).

mod answer;
mod backlog;
mod batch;
mod event;
mod fate;
mod held_events;
mod items;
mod log;
mod options;
mod outbox;
mod outcome;
mod partition;
mod pass;
mod queue;
mod roster;
mod seats;
mod window;
mod worker;

pub use batch::Batch;
pub use event::{Class, Event, Gap, Item, OrderKey, Sequence};
pub use fate::Fate;
pub use options::{DrainLimit, FanoutOptions, OnPanic, Overload, SessionOptions};
pub use outbox::Outbox;
pub use outcome::{
    AcknowledgeError, Discarding, Joined, OutboxError, PublishError, Receipt, Resumed, Unpublished, WorkerError,
};
pub use worker::{Drained, HostPanic, Readiness, Took, Worker};

use crate::registry::{
    Audience, ConnectError, MoveError, NoSuchPartition, NoSuchSession, PartitionId, Query, Registry, Seat, SessionId,
    SlotLayout, SubscribeError, Topic, Unsubscribed, Verdict,
};
use crate::stats::{Accounting, LaggingSession, Stats};
use crate::sync::{Changes, Mutex};
use fate::{History, WasAddressed};
use partition::{Ending, HasWorker, OverBudget, Partition};
use seats::Seats;
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;
use std::task::Waker;

/// A registry of sessions with a bounded queue of events for each: publish on one side, drain on the other, from any
/// number of threads. A clone is another handle to the same.
///
/// # Trade-offs
///
/// - **Publish never waits for a session.** When a session's queue is full, the event's class decides what gives way:
///   the oldest event, the new one, or the session ([`Overload`]). What was dropped is told by a [`Gap`] with the exact
///   count, in its place. When a partition's budget is used up, sessions that nobody reads give way first (not what is
///   kept for their windows); when that is not enough it refuses, and the receipt says so.
/// - **A session can break off and come back**: [`park`](Self::park), [`resume`](Self::resume), and what was not
///   [acknowledged](Self::acknowledge) comes again.
/// - **Nothing is lost silently**: [`Accounting`] says where every accepted event went.
/// - **The publisher does not pay for the audience.** An event for 64 sessions of a partition or more waits in the
///   partition's log, at the same cost for ten and for a million; the worker takes it to each. Fewer get it in their
///   queues at once. One lock orders all publishes.
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
    lanes: Box<[Lane]>,
    seats: Seats,
    layout: SlotLayout,
    overload: [Overload; 64],
    payload_bytes_max: usize,
    round_sessions: usize,
}

/// One partition, as threads see it.
struct Lane {
    queues: Mutex<Partition>,
    /// Raised when sessions have ended, parked or come back, so that a worker with offers in hand looks whether they
    /// still stand.
    changes: Changes,
}

/// What is changed under the registry's lock.
struct Publishing {
    registry: Registry,
    openness: Openness,
    last: Sequence,
    history: History,
}

/// Whether events are still taken in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Openness {
    Open,
    Closed,
}

impl Shared {
    /// A partition that is known to exist.
    fn lane(&self, partition: PartitionId) -> &Lane {
        &self.lanes[usize::from(partition.0)]
    }

    /// Does something in the partition of a session.
    fn at<T, E: From<NoSuchSession>>(
        &self,
        session: SessionId,
        call: impl FnMut(&mut Partition, Seat) -> Result<T, E>,
    ) -> Result<T, E> {
        self.at_lane(session, call).map(|(done, _)| done)
    }

    /// The same, for who has more to do with the lane.
    fn at_lane<T, E: From<NoSuchSession>>(
        &self,
        session: SessionId,
        mut call: impl FnMut(&mut Partition, Seat) -> Result<T, E>,
    ) -> Result<(T, &Lane), E> {
        loop {
            let seat = self.seats.of(session);
            let lane = self.lanes.get(usize::from(seat.partition(self.layout).0)).ok_or(NoSuchSession)?;
            let called = lane.change(|queues| (queues.handle_of(seat) == Some(session)).then(|| call(queues, seat)));
            match called {
                Some(called) => return called.map(|done| (done, lane)),
                None if self.seats.of(session) == seat => return Err(NoSuchSession.into()),
                // It has moved meanwhile.
                None => {}
            }
        }
    }
}

impl Shared {
    /// Ends what a session that the registry has forgotten has pending.
    fn end(&self, session: SessionId, seat: Seat, ending: Ending) -> Option<Waker> {
        self.seats.forget(session);
        let lane = self.lane(seat.partition(self.layout));
        let ((), waker) = lane.change_asleep(|queues| queues.close(seat, ending));
        lane.changes.announce();
        waker
    }

    /// Ends those of the sessions that have not ended yet, as if they had disconnected; returns which.
    fn end_all(&self, seats: &[Seat], ending: Ending) -> Vec<SessionId> {
        if seats.is_empty() {
            return Vec::new();
        }
        let mut publishing = self.publishing.lock();
        let (mut ended, mut wakers) = (Vec::new(), Vec::new());
        for &seat in seats {
            let session = publishing.registry.handle_of(seat);
            if publishing.registry.seat_of(session) == Ok(seat) && publishing.registry.disconnect(session).is_ok() {
                wakers.extend(self.end(session, seat, ending));
                ended.push(session);
            }
        }
        drop(publishing);
        wakers.into_iter().for_each(Waker::wake);
        ended
    }
}

impl Lane {
    /// Changes queues, and wakes the worker if that gave it something to do.
    fn change<T>(&self, change: impl FnOnce(&mut Partition) -> T) -> T {
        let (changed, waker) = self.change_asleep(change);
        waker.into_iter().for_each(Waker::wake);
        changed
    }

    /// Changes queues; the waker is the caller's to call, without a lock.
    fn change_asleep<T>(&self, change: impl FnOnce(&mut Partition) -> T) -> (T, Option<Waker>) {
        let mut queues = self.queues.lock();
        let changed = change(&mut queues);
        (changed, queues.take_waker())
    }
}

impl Fanout {
    /// An empty registry with its queues. Starts no thread. O(partitions).
    ///
    /// # Panics
    ///
    /// With no partition.
    pub fn new(options: FanoutOptions) -> Self {
        let registry = Registry::new(options.registry.clone());
        let layout = registry.layout();
        let lane = |partition| Lane {
            queues: Mutex::new(Partition::new(layout, PartitionId(partition), &options)),
            changes: Changes::new(),
        };
        Fanout {
            shared: Arc::new(Shared {
                lanes: (0..options.registry.partitions).map(lane).collect(),
                seats: Seats::new(),
                layout,
                overload: options.overload,
                round_sessions: options.round_sessions.max(1),
                payload_bytes_max: options.payload_bytes_max,
                publishing: Mutex::new(Publishing {
                    registry,
                    openness: Openness::Open,
                    last: Sequence(0),
                    history: History::new(options.history_bytes_max),
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
        self.connect_with(partition, SessionOptions::default())
    }

    /// Connects a session with settings of its own; see [`connect`](Self::connect).
    ///
    /// # Errors
    ///
    /// When the partition does not exist, or is full.
    pub fn connect_with(&self, partition: PartitionId, options: SessionOptions) -> Result<SessionId, ConnectError> {
        let mut publishing = self.shared.publishing.lock();
        let published = publishing.last.0;
        let session = publishing.registry.connect_after(partition, published)?;
        self.shared.lane(partition).queues.lock().open(session.first_seat(), options.window);
        Ok(session)
    }

    /// Ends a session: its handle is unknown from here on, and what is pending for it is discarded. Returns the number
    /// of topics it was subscribed to. O(log n) for each of them, and O(1) for each event that is pending for it, waits
    /// in its partition's log, or went out while nobody read it.
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn disconnect(&self, session: SessionId) -> Result<usize, NoSuchSession> {
        let mut publishing = self.shared.publishing.lock();
        let seat = publishing.registry.seat_of(session)?;
        let topics = publishing.registry.disconnect(session)?;
        let waker = self.shared.end(session, seat, Ending::Disconnect);
        drop(publishing);
        waker.into_iter().for_each(Waker::wake);
        Ok(topics)
    }

    /// Ends all sessions of a partition, as if each had disconnected; returns their number. The partition stays, and
    /// its worker too. O(log n) for each subscription, and O(1) for each session and event that waits in the log, in
    /// one go: publishers wait for it.
    ///
    /// # Errors
    ///
    /// When there is no such partition.
    pub fn drop_partition(&self, partition: PartitionId) -> Result<usize, NoSuchPartition> {
        let mut publishing = self.shared.publishing.lock();
        let sessions = publishing.registry.drop_partition(partition)?;
        self.shared.seats.retain(|seat| seat.partition(self.shared.layout) != partition);
        let lane = self.shared.lane(partition);
        let ((), waker) = lane.change_asleep(Partition::close_all);
        lane.changes.announce();
        drop(publishing);
        waker.into_iter().for_each(Waker::wake);
        Ok(sessions)
    }

    /// Moves a session to another partition: to another worker. It keeps its handle, its subscriptions, what is pending
    /// for it and what it has not acknowledged; order is kept, nothing comes twice, and nothing is lost but what its
    /// queue has no room for: what waits for it in the log goes there first. [`fate`](Self::fate) knows of earlier
    /// events only whether they are pending. O(log n) for each subscription, and O(1) for each event that goes along,
    /// waits in the log, or went out while nobody read it; publishers wait.
    ///
    /// # Errors
    ///
    /// When no such session is connected, there is no such partition or it is full or over its budget, or the session's
    /// events are in other hands: its batch in a callback's, or in its outbox's. The session is where it was then; for
    /// one whose events have no room in the new partition, others there may have given way, as for a publish that is
    /// refused.
    ///
    /// ```
    /// use oyez::{Event, Fanout, FanoutOptions, MoveError, OrderKey, PartitionId, Query, Took, Topic};
    ///
    /// let fanout = Fanout::new(FanoutOptions::default().partitions(2));
    /// let ada = fanout.connect(PartitionId(0)).unwrap();
    /// fanout.subscribe(ada, Topic(7)).unwrap();
    /// fanout.publish(&Query::topic(Topic(7)), Event::new(OrderKey(1), *b"before")).unwrap();
    /// fanout.move_to(ada, PartitionId(1)).unwrap();
    /// fanout.publish(&Query::topic(Topic(7)), Event::new(OrderKey(1), *b"after")).unwrap();
    ///
    /// let mut worker = fanout.worker(PartitionId(1)).unwrap();
    /// let drained = worker.drain(usize::MAX, |session, _| {
    ///     assert_eq!(session, ada);
    ///     assert_eq!(fanout.move_to(ada, PartitionId(0)), Err(MoveError::Busy));
    ///     Took::ALL
    /// });
    /// assert_eq!(drained.resume_panics().items, 2);
    /// ```
    pub fn move_to(&self, session: SessionId, partition: PartitionId) -> Result<(), MoveError> {
        let mut publishing = self.shared.publishing.lock();
        let seat = publishing.registry.seat_of(session).map_err(|NoSuchSession| MoveError::NoSuchSession)?;
        let to = self.shared.lanes.get(usize::from(partition.0)).ok_or(MoveError::NoSuchPartition(partition))?;
        let from = self.shared.lane(seat.partition(self.shared.layout));
        if std::ptr::eq(from, to) {
            return Ok(());
        }
        publishing.registry.check_room(partition)?;
        // Two partitions are locked at once only here, one move at a time.
        let (mut leaving, mut arriving) = (from.queues.lock(), to.queues.lock());
        let bytes = leaving.prepare_to_leave(seat)?;
        if bytes > 0 && !arriving.make_room(bytes) {
            return Err(MoveError::OverBudget);
        }
        let published = publishing.last.0;
        let new_seat = publishing.registry.move_after(session, partition, published)?;
        self.shared.seats.set(session, new_seat);
        arriving.arrive(new_seat, session, leaving.leave(seat));
        let wakers = [leaving.take_waker(), arriving.take_waker()];
        drop((leaving, arriving, publishing));
        wakers.into_iter().flatten().for_each(Waker::wake);
        Ok(())
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

    /// Ends a subscription, and discards what is pending from that topic: events that no other topic of the session was
    /// named for too. What the host has in hand or the client has not acknowledged is not pending. No gap is told, and
    /// [`fate`](Self::fate) does not know of them afterwards. O(n) in what is pending for the session, beside
    /// [`unsubscribe`](Self::unsubscribe)'s cost.
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    ///
    /// ```
    /// use oyez::{Event, Fanout, FanoutOptions, OrderKey, PartitionId, Query, Topic};
    ///
    /// let fanout = Fanout::new(FanoutOptions::default());
    /// let ada = fanout.connect(PartitionId(0)).unwrap();
    /// let (news, sports) = (Topic(1), Topic(2));
    /// fanout.subscribe(ada, news).unwrap();
    /// fanout.subscribe(ada, sports).unwrap();
    /// for query in [Query::topic(news), Query::topic(sports), Query::any_of([news, sports])] {
    ///     fanout.publish(&query, Event::new(OrderKey(1), *b"x")).unwrap();
    /// }
    /// assert_eq!(fanout.unsubscribe_discarding(ada, news).unwrap().discarded, 1);
    /// assert_eq!(fanout.accounting(ada).unwrap().pending, 2);
    /// ```
    pub fn unsubscribe_discarding(&self, session: SessionId, topic: Topic) -> Result<Discarding, NoSuchSession> {
        let mut publishing = self.shared.publishing.lock();
        let unsubscribed = publishing.registry.unsubscribe(session, topic)?;
        if unsubscribed == Unsubscribed::WasNot {
            return Ok(Discarding { unsubscribed, discarded: 0 });
        }
        let seat = publishing.registry.seat_of(session)?;
        let others = publishing.registry.topics_of(session)?;
        let lane = self.shared.lane(seat.partition(self.shared.layout));
        let (discarded, waker) = lane.change_asleep(|queues| queues.discard_topic(seat, topic, others));
        drop(publishing);
        waker.into_iter().for_each(Waker::wake);
        Ok(Discarding { unsubscribed, discarded: discarded? })
    }

    /// Accepts an event for every session in the query's audience, and tells for how many. Never waits for a session or
    /// a worker. For one topic O(partitions), and O(1) for each session of a partition in which it has fewer than
    /// [`log_sessions_min`](FanoutOptions::log_sessions_min) and nothing waits in the log; for several topics O(n log
    /// n) in the subscribers of all but the largest, or O(places / 64) when they are many. More when sessions have to
    /// give way or end for it. A worker may hand the event over before the call returns; who must know the number first
    /// asks for the [`audience`](Self::audience).
    ///
    /// # Errors
    ///
    /// When the payload is too large, or the fan-out is closed. A partition over its budget is no error: the receipt
    /// names it.
    pub fn publish(&self, query: &Query, event: Event) -> Result<Receipt, PublishError> {
        if let Err(reason) = self.check_payload(event.payload.len()) {
            return Err(PublishError { event, reason });
        }
        let mut wakers = SmallVec::new();
        let published = self.publish_locked(query, event, &mut wakers);
        // A host's code: no lock is held.
        wakers.into_iter().for_each(Waker::wake);
        published
    }

    /// Whether a payload may have so many bytes: for a host that would have to copy it first. O(1), without a lock.
    ///
    /// # Errors
    ///
    /// When [`publish`](Self::publish) would refuse it for its size, whatever else it might refuse it for.
    ///
    /// ```
    /// use oyez::{Fanout, FanoutOptions, Unpublished};
    ///
    /// let fanout = Fanout::new(FanoutOptions::default().payload_bytes_max(4));
    /// assert_eq!(fanout.check_payload(4), Ok(()));
    /// assert_eq!(fanout.check_payload(5), Err(Unpublished::PayloadTooLarge { max: 4 }));
    /// ```
    pub fn check_payload(&self, payload_bytes: usize) -> Result<(), Unpublished> {
        let max = self.shared.payload_bytes_max;
        if payload_bytes > max { Err(Unpublished::PayloadTooLarge { max }) } else { Ok(()) }
    }

    fn publish_locked(
        &self,
        query: &Query,
        event: Event,
        wakers: &mut SmallVec<[Waker; 4]>,
    ) -> Result<Receipt, PublishError> {
        let mut publishing = self.shared.publishing.lock();
        let publishing = &mut *publishing;
        if publishing.openness == Openness::Closed {
            return Err(PublishError { event, reason: Unpublished::Closed });
        }
        publishing.last.0 += 1;
        let sequence = publishing.last;
        let audience = publishing.registry.addressed(query);

        let overload = self.shared.overload[usize::from(event.class.number())];
        let mut receipt = Receipt { sequence, count: 0, refused: Vec::new(), refused_count: 0, overflowed: Vec::new() };
        let mut overflowed = Vec::new();
        for (partition, places) in &audience {
            let mut queues = self.shared.lane(*partition).queues.lock();
            let accepted = queues.accept(places, sequence, &event, query.topics(), overload);
            wakers.extend(queues.take_waker());
            drop(queues);
            match accepted {
                Ok(accepted) => {
                    receipt.count += accepted.count;
                    overflowed.extend(accepted.overflowed);
                }
                Err(OverBudget) => {
                    receipt.refused.push(*partition);
                    receipt.refused_count += places.len();
                }
            }
        }
        publishing.history.remember(sequence, &audience, &receipt.refused);
        drop(audience);
        for seat in overflowed {
            let session = publishing.registry.handle_of(seat);
            // Connected until now: the lock on the registry is still ours.
            let _ = publishing.registry.disconnect(session);
            wakers.extend(self.shared.end(session, seat, Ending::Overflow));
            receipt.overflowed.push(session);
        }
        Ok(receipt)
    }

    /// Takes in no more events: every later publish is refused. What was accepted is still drained, and workers that
    /// wait are woken: once every session has been handed everything, [`Worker::wait`] and [`Worker::poll_ready`] say
    /// [`Closed`](Readiness::Closed). A host that shuts down closes, lets its workers drain until then, disconnects at
    /// its deadline who is still behind, and lets go. O(partitions).
    ///
    /// ```
    /// use oyez::{Event, Fanout, FanoutOptions, OrderKey, Query, Topic, Unpublished};
    ///
    /// let fanout = Fanout::new(FanoutOptions::default());
    /// fanout.close();
    /// let refused = fanout.publish(&Query::topic(Topic(1)), Event::new(OrderKey(1), *b"late")).unwrap_err();
    /// assert_eq!((refused.reason, &refused.event.payload[..]), (Unpublished::Closed, &b"late"[..]));
    /// ```
    pub fn close(&self) {
        self.shared.publishing.lock().openness = Openness::Closed;
        let lanes = self.shared.lanes.iter();
        let wakers: Vec<Waker> = lanes.filter_map(|lane| lane.change_asleep(Partition::shut).1).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Whether the fan-out is closed. O(1).
    pub fn is_closed(&self) -> bool {
        self.shared.publishing.lock().openness == Openness::Closed
    }

    /// The client of a session with a window has every event up to this sequence. What it has is not kept any longer,
    /// and new events are offered in its place. Returns how many events that it had been handed it had not
    /// acknowledged before: 0 for a session without a window. Events that a callback still has in hand may be
    /// acknowledged too; they count once the callback has answered. O(1) for each of them, and for each that went out
    /// while the window was full.
    ///
    /// # Errors
    ///
    /// When no such session is connected, or it was not handed this sequence.
    ///
    /// ```
    /// use oyez::{Event, Fanout, FanoutOptions, OrderKey, PartitionId, Query, Sequence, SessionOptions, Topic};
    ///
    /// let fanout = Fanout::new(FanoutOptions::default());
    /// let ada = fanout.connect_with(PartitionId(0), SessionOptions::default().window(2)).unwrap();
    /// fanout.subscribe(ada, Topic(7)).unwrap();
    /// for text in ["a", "b", "c"] {
    ///     fanout.publish(&Query::topic(Topic(7)), Event::new(OrderKey(1), text.as_bytes())).unwrap();
    /// }
    /// let mut outbox = fanout.outbox(ada).unwrap();
    /// assert_eq!(outbox.next_batch(9).unwrap().len(), 2);
    /// assert_eq!(outbox.next_batch(9).unwrap().len(), 0); // the window is full
    /// assert_eq!(fanout.acknowledge(ada, Sequence(1)), Ok(1));
    ///
    /// fanout.park(ada).unwrap(); // the connection broke
    /// let resumed = fanout.resume(ada, Sequence(1)).unwrap(); // it is back, and says what it has
    /// assert_eq!((resumed.again, resumed.pending), (1, 1));
    /// assert_eq!(outbox.next_batch(9).unwrap().len(), 1); // "b" again, then "c"
    /// ```
    pub fn acknowledge(&self, session: SessionId, through: Sequence) -> Result<usize, AcknowledgeError> {
        self.shared.at(session, |queues, seat| queues.acknowledge(seat, through))
    }

    /// A session's connection broke: it keeps its subscriptions and its place, and is offered nothing until it
    /// [resumes](Self::resume). Events for it are accepted as before. A host that gives it up disconnects it. O(1), and
    /// for one that was not read already O(events that went out meanwhile).
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn park(&self, session: SessionId) -> Result<(), NoSuchSession> {
        let ((), lane) = self.shared.at_lane(session, |queues, seat| queues.park(seat))?;
        lane.changes.announce();
        Ok(())
    }

    /// A session is back on a new connection, and its client has every event up to `acknowledged` (`Sequence(0)`: none
    /// that is known of). What it was handed and has not acknowledged comes again, then what waited meanwhile, with
    /// gaps in their places. Only a session with a window keeps what it was handed. A session that was not parked may
    /// be resumed as well: its connection was replaced. O(1) for each event acknowledged, and each that waits in its
    /// partition's log or went out meanwhile.
    ///
    /// A batch that a callback on another thread has in hand at this moment was made for the old connection: a host
    /// that looks up the connection within the callback should swap it between drains, on the worker's thread.
    ///
    /// # Errors
    ///
    /// As [`acknowledge`](Self::acknowledge); the session stays parked then.
    pub fn resume(&self, session: SessionId, acknowledged: Sequence) -> Result<Resumed, AcknowledgeError> {
        let (resumed, lane) = self.shared.at_lane(session, |queues, seat| queues.resume(seat, acknowledged))?;
        lane.changes.announce();
        Ok(resumed)
    }

    /// A session can take more: the host calls it when a session that did not take all it was offered has room again.
    /// What is pending comes with the next drain, unless the session is parked or its window is full. Called while the
    /// worker's callback has the session's batch in hand, it counts after that. O(1) for each event that went out
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn writable(&self, session: SessionId) -> Result<(), NoSuchSession> {
        self.shared.at(session, |queues, seat| queues.writable(seat))
    }

    /// The one worker of a partition. O(1).
    ///
    /// # Errors
    ///
    /// When there is no such partition, or its worker has not been dropped yet.
    pub fn worker(&self, partition: PartitionId) -> Result<Worker, WorkerError> {
        let lane = self.shared.lanes.get(usize::from(partition.0)).ok_or(WorkerError::NoSuchPartition(partition))?;
        lane.queues.lock().engage_worker().map_err(|HasWorker| WorkerError::Busy)?;
        Ok(Worker::new(Arc::clone(&self.shared), partition))
    }

    /// An outbox from which a session's owner pulls its events; the partition's worker passes the session by until the
    /// outbox is dropped; a session that was lagging is not any more then. O(1).
    ///
    /// # Errors
    ///
    /// When no such session is connected, or its events are in other hands.
    pub fn outbox(&self, session: SessionId) -> Result<Outbox, OutboxError> {
        let seat = self.shared.at(session, |queues, seat| queues.open_outbox(seat).map(|()| seat))?;
        Ok(Outbox::new(Arc::clone(&self.shared), session, seat))
    }

    /// The sessions that a query means, as [`Registry::audience`] tells, at the same cost.
    pub fn audience(&self, query: &Query) -> Audience {
        self.shared.publishing.lock().registry.audience(query)
    }

    /// How many sessions a query means, as [`Registry::count`] tells, at the same cost.
    pub fn count(&self, query: &Query) -> usize {
        self.shared.publishing.lock().registry.count(query)
    }

    /// Says whether a session is in a query's audience, and which rule keeps it out. O(topics of the query).
    pub fn explain(&self, session: SessionId, query: &Query) -> Verdict {
        self.shared.publishing.lock().registry.explain(session, query)
    }

    /// Whether the session is connected. O(1).
    pub fn is_connected(&self, session: SessionId) -> bool {
        self.partition_of(session).is_ok()
    }

    /// The partition a session lives on. O(1).
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn partition_of(&self, session: SessionId) -> Result<PartitionId, NoSuchSession> {
        self.shared.at(session, |_, seat| Ok(seat.partition(self.shared.layout)))
    }

    /// The topics a session is subscribed to, in order. O(t) in their number.
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn topics_of(&self, session: SessionId) -> Result<Vec<Topic>, NoSuchSession> {
        self.shared.publishing.lock().registry.topics_of(session).map(<[Topic]>::to_vec)
    }

    /// The number of subscribers of a topic. O(1).
    pub fn topic_len(&self, topic: Topic) -> usize {
        self.shared.publishing.lock().registry.topic_len(topic)
    }

    /// Says what became of an event for a session. O(log n) in the recent events, O(n) in the session's queue and in
    /// the events that wait in its partition's log, or went out while nobody read it.
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
        let registry = &publishing.registry;
        let (Ok(seat), Ok((connected_after, seated_after))) = (registry.seat_of(session), registry.here_since(session))
        else {
            return Fate::NoSuchSession;
        };
        if sequence == Sequence(0) || sequence > publishing.last {
            return Fate::NotPublished;
        }
        if sequence.0 <= connected_after {
            return Fate::NotAddressed;
        }
        let (partition, place) = (seat.partition(self.shared.layout), seat.place(self.shared.layout));
        let fate = || self.shared.lane(partition).queues.lock().fate(seat, sequence);
        if sequence.0 <= seated_after {
            // It was for the session where it was before, or not.
            return match fate() {
                pending @ Fate::Pending { .. } => pending,
                _ => Fate::Forgotten,
            };
        }
        match publishing.history.addressed(partition, place, sequence) {
            WasAddressed::No => Fate::NotAddressed,
            WasAddressed::Refused => Fate::Refused,
            WasAddressed::Yes => fate(),
            WasAddressed::Forgotten => Fate::Forgotten,
        }
    }

    /// Where every event accepted for a session went. O(events that wait in its partition's log, or went out while
    /// nobody read it).
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn accounting(&self, session: SessionId) -> Result<Accounting, NoSuchSession> {
        self.shared.at(session, |queues, seat| queues.accounting(seat))
    }

    /// The sessions of a partition with most events waiting for them, at most `count`, the most first; of equals, the
    /// lowest places. O(n log n) in the sessions that have something pending, O(n) in the others, and for those that
    /// are named O(events that went out while nobody read them); the partition waits.
    ///
    /// # Errors
    ///
    /// When there is no such partition.
    ///
    /// ```
    /// use oyez::{Event, Fanout, FanoutOptions, OrderKey, PartitionId, Query, Topic};
    ///
    /// let fanout = Fanout::new(FanoutOptions::default());
    /// let ada = fanout.connect(PartitionId(0)).unwrap();
    /// fanout.subscribe(ada, Topic(7)).unwrap();
    /// for _ in 0..3 {
    ///     fanout.publish(&Query::topic(Topic(7)), Event::new(OrderKey(1), *b"x")).unwrap();
    /// }
    /// let lagging = fanout.most_lagging(PartitionId(0), 10).unwrap();
    /// assert_eq!((lagging[0].session, lagging[0].pending, lagging[0].oldest.0), (ada, 3, 1));
    /// ```
    pub fn most_lagging(&self, partition: PartitionId, count: usize) -> Result<Vec<LaggingSession>, NoSuchPartition> {
        let lane = self.shared.lanes.get(usize::from(partition.0)).ok_or(NoSuchPartition(partition))?;
        Ok(lane.queues.lock().most_lagging(count))
    }

    /// How a drain goes about it: how many entries of the partition's log have set out so far, and which sessions'
    /// batches the host has in hand. For tests.
    #[doc(hidden)]
    pub fn schedule(&self, partition: PartitionId) -> (u64, Vec<SessionId>) {
        self.shared.lane(partition).queues.lock().schedule()
    }

    /// All counters. Each partition's are of one moment, in which the identity holds; workers may go on between two
    /// partitions. O(partitions).
    pub fn stats(&self) -> Stats {
        let publishing = self.shared.publishing.lock();
        let partitions = self.shared.lanes.iter().map(|lane| lane.queues.lock().stats(publishing.last));
        Stats { registry: publishing.registry.stats(), published: publishing.last.0, partitions: partitions.collect() }
    }

    /// Checks every invariant, the identity of each session among them. Only while no worker's callback runs. O(n log
    /// n). For tests.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    #[doc(hidden)]
    pub fn validate(&self) -> Result<(), String> {
        let publishing = self.shared.publishing.lock();
        publishing.registry.validate()?;
        for lane in &self.shared.lanes {
            lane.queues.lock().validate()?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fanout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fanout").field("partitions", &self.shared.lanes.len()).finish_non_exhaustive()
    }
}
