//! The push face: a partition's [`Worker`] hands each of its sessions, in turn, everything that is pending for it.

use super::batch::{Batch, Held, Outcome, Round};
use super::log::Columns;
use super::partition::{Ending, Partition};
use super::pass::{PassRound, PassWord};
use super::{DrainLimit, Lane, Shared};
use crate::registry::{PartitionId, Seat, SessionId, for_each_bit};
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Sessions that are offered something under one lock of the partition: publishers wait at most this long.
pub(super) const ROUND_SESSIONS: usize = 64;

/// Straight from the log, where a session takes some nanoseconds, so many times as many are offered something.
const PASS_ROUNDS: usize = 4;

/// Sessions whose queues take in what is in the log under one lock.
const TAKE_IN_SESSIONS: usize = 1_024;

/// Sessions whose queues are taken away under one lock.
const REST_SESSIONS: usize = 1_024;

/// The one reader of a partition. Made by [`Fanout::worker`](super::Fanout::worker); dropping it frees the place.
pub struct Worker {
    shared: Arc<Shared>,
    partition: PartitionId,
    round: Round,
    pass: PassRound,
}

/// How many items of a batch the host took, from the front: the commit point. A gap is an item like an event, so a
/// client with room for one thing takes a gap and nothing behind it; who is often told gaps should make room for two.
/// Fewer than all makes the session lagging: what is left stays pending, and nothing is offered until the host calls
/// [`Fanout::writable`](super::Fanout::writable). A number past the batch's end means all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Took(pub usize);

impl Took {
    /// The whole batch.
    pub const ALL: Took = Took(usize::MAX);
    /// Nothing: the session cannot take more now.
    pub const NONE: Took = Took(0);
}

/// What one [`Worker::drain`] did.
#[derive(Default)]
#[non_exhaustive]
pub struct Drained {
    /// Sessions that were offered a batch.
    pub sessions: usize,
    /// Items that were taken: events and gaps.
    pub items: usize,
    /// Sessions that wait for the next drain; some may have nothing to get any more.
    pub ready: usize,
    /// Sessions that ended: an event that they must not miss ([`Overload::Disconnect`](super::Overload)) came from the
    /// log, and their queues were full. Their connections are the host's to close.
    pub overflowed: Vec<SessionId>,
    /// Callbacks that panicked.
    pub panics: Vec<HostPanic>,
}

impl Drained {
    /// Goes on with the first panic of the callback, if there was one; for hosts in which a panic is not to be
    /// survived, and for tests, whose assertions are panics.
    ///
    /// # Panics
    ///
    /// When the callback did.
    pub fn resume_panics(mut self) -> Self {
        if self.panics.is_empty() {
            return self;
        }
        resume_unwind(self.panics.swap_remove(0).payload)
    }
}

/// A panic of the host's callback, caught.
#[non_exhaustive]
pub struct HostPanic {
    /// The session whose batch the callback had in hand.
    pub session: SessionId,
    /// What it panicked with.
    pub payload: Box<dyn Any + Send>,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, partition: PartitionId) -> Self {
        Worker { shared, partition, round: Round::default(), pass: PassRound::default() }
    }

    /// The partition this worker reads.
    pub fn partition(&self) -> PartitionId {
        self.partition
    }

    /// Offers a batch to at most `sessions_max` sessions that have something pending, each at most once, and books what
    /// `host` took of it. Sessions with queues have their turn in the order in which they became ready, the others in
    /// the order of their places, and the two take turns. O(items handed over), O(places / 64) for each event in the
    /// log, and O(1) for each event and session that lags; no lock is held while `host` runs.
    ///
    /// Of the events for many sessions that wait in the log, a drain takes along 32 at most; fewer if a queue or a
    /// batch holds fewer. [`Drained::ready`] is not 0 then: call it again, as a loop over [`wait`](Self::wait) does.
    ///
    /// Any call on a [`Fanout`](super::Fanout) is allowed within `host` and takes effect after it: a session that it
    /// disconnects or parks gets nothing more, an event that it publishes comes with a later drain. (A session that
    /// another thread disconnects or parks may be in `host`'s hands at that moment, or just about to be.)
    ///
    /// A `host` that panics harms nobody else: the panic is caught and reported, the batch is abandoned or kept as
    /// [`FanoutOptions::on_panic`](super::FanoutOptions::on_panic) says, the session is lagging, and the drain goes on.
    /// [`Drained::resume_panics`] passes it on instead.
    ///
    /// ```
    /// use oyez::{Event, Fanout, FanoutOptions, Item, OrderKey, PartitionId, Query, Took, Topic};
    ///
    /// let fanout = Fanout::new(FanoutOptions::default());
    /// let ada = fanout.connect(PartitionId(0)).unwrap();
    /// fanout.subscribe(ada, Topic(7)).unwrap();
    /// fanout.publish(&Query::topic(Topic(7)), Event::new(OrderKey(1), *b"hello")).unwrap();
    ///
    /// let mut worker = fanout.worker(PartitionId(0)).unwrap();
    /// let mut seen = Vec::new();
    /// let drained = worker.drain(usize::MAX, |session, batch| {
    ///     for item in batch.iter() {
    ///         let Item::Event(sequence, event) = item else { continue };
    ///         seen.push((session, sequence.0, event.payload.to_vec()));
    ///     }
    ///     Took::ALL
    /// }).resume_panics();
    /// assert_eq!(seen, [(ada, 1, b"hello".to_vec())]);
    /// assert_eq!((drained.sessions, drained.items), (1, 1));
    /// ```
    #[must_use = "the callback's panics are in it: see `Drained::resume_panics`"]
    pub fn drain<F>(&mut self, sessions_max: usize, host: F) -> Drained
    where
        F: FnMut(SessionId, Batch<'_>) -> Took,
    {
        self.drain_within(DrainLimit::default().sessions(sessions_max), host)
    }

    /// The same with a limit for the items, too: see [`DrainLimit`].
    #[must_use = "the callback's panics are in it: see `Drained::resume_panics`"]
    pub fn drain_within<F>(&mut self, limit: DrainLimit, mut host: F) -> Drained
    where
        F: FnMut(SessionId, Batch<'_>) -> Took,
    {
        let mut drained = Drained { overflowed: self.take_in(), ..Drained::default() };
        let Worker { shared, partition, round, pass } = self;
        let lane = shared.lane(*partition);
        let mut left = limit;
        let mut next = Source::Queues;
        let mut queues = lane.queues.lock();
        queues.begin_turn();
        loop {
            let source = offer(&mut queues, next, round, pass, left, shared.round_sessions);
            let changes = lane.changes.count();
            drop(queues);
            match source {
                Source::Queues => hand_over(round, lane, changes, &mut host, &mut drained),
                Source::Log => hand_over_pass(pass, lane, changes, &mut host, &mut drained),
            }
            queues = lane.queues.lock();
            let (offers, items) = match source {
                Source::Queues => {
                    queues.commit(round);
                    (round.offers.len(), round.picks.len())
                }
                Source::Log => {
                    queues.commit_pass(pass);
                    (pass.len(), pass.items())
                }
            };
            left.sessions -= offers;
            left.items = left.items.saturating_sub(items);
            next = source.other();
            if offers == 0 || left.sessions == 0 || left.items == 0 {
                drained.ready = queues.ready_len();
                break;
            }
        }
        while queues.rest_some(REST_SESSIONS) {
            drop(queues);
            queues = lane.queues.lock();
        }
        drop(queues);
        // Or the events would live until the next drain.
        round.clear();
        pass.let_go();
        drained
    }

    /// Lets the sessions' queues take in what has come to the log; returns the sessions that had to end for it.
    fn take_in(&mut self) -> Vec<SessionId> {
        let lane = self.shared.lane(self.partition);
        let mut queues = lane.queues.lock();
        queues.begin_drain();
        while queues.take_in_some(TAKE_IN_SESSIONS) {
            // Between two slices it is the publishers' turn.
            drop(queues);
            queues = lane.queues.lock();
        }
        let overflowing = queues.take_overflowing();
        drop(queues);
        self.shared.end_all(&overflowing, Ending::Overflow)
    }
}

/// Where a round's events come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Queues,
    Log,
}

impl Source {
    fn other(self) -> Self {
        match self {
            Source::Queues => Source::Log,
            Source::Log => Source::Queues,
        }
    }
}

/// Fills a round from the source whose turn it is, or from the other if that has nothing: neither waits for all of the
/// other.
fn offer(
    queues: &mut Partition,
    next: Source,
    round: &mut Round,
    pass: &mut PassRound,
    left: DrainLimit,
    round_sessions: usize,
) -> Source {
    for source in [next, next.other()] {
        let is_empty = match source {
            Source::Queues => {
                queues.offer(round, DrainLimit { sessions: left.sessions.min(round_sessions), ..left });
                round.offers.is_empty()
            }
            Source::Log => {
                queues.offer_pass(pass, left, PASS_ROUNDS * round_sessions);
                pass.is_empty()
            }
        };
        if !is_empty {
            return source;
        }
    }
    next
}

/// Calls the host for each offer, but for sessions that have ended, parked or come back since `changes` were counted.
fn hand_over<F>(round: &mut Round, lane: &Lane, changes: u64, host: &mut F, drained: &mut Drained)
where
    F: FnMut(SessionId, Batch<'_>) -> Took,
{
    for at in 0..round.offers.len() {
        let offer = &round.offers[at];
        let session = offer.session;
        if lane.changes.count() != changes && !lane.queues.lock().stands(offer.seat) {
            round.offers[at].outcome = Outcome::PassedBy;
            continue;
        }
        let batch = round.batch(offer);
        let outcome = match catch_unwind(AssertUnwindSafe(|| host(session, batch))) {
            Ok(Took(taken)) => {
                let taken = taken.min(batch.len());
                drained.items += taken;
                Outcome::Took(taken)
            }
            Err(payload) => {
                drained.panics.push(HostPanic { session, payload });
                Outcome::Panicked
            }
        };
        drained.sessions += 1;
        round.offers[at].outcome = outcome;
    }
}

/// The same for offers straight from the log.
fn hand_over_pass<F>(pass: &mut PassRound, lane: &Lane, changes: u64, host: &mut F, drained: &mut Drained)
where
    F: FnMut(SessionId, Batch<'_>) -> Took,
{
    let PassRound { words, handles, others, round: Round { picks, events, .. }, .. } = pass;
    let mut hands = Hands { host, lane, changes, handles, events, picks, listed: 0, others, drained };
    for word in words.iter() {
        match &word.events {
            Columns::Same(events) => hands.hand_over(word, |_| *events),
            Columns::Each(events) => hands.hand_over(word, |bit| events[bit]),
        }
    }
}

/// What it takes to hand over words of places.
struct Hands<'a, F> {
    host: &'a mut F,
    lane: &'a Lane,
    changes: u64,
    handles: &'a [(Seat, SessionId)],
    events: &'a [Held],
    /// The numbers of the events of the session before, as bits and as a list.
    listed: u32,
    picks: &'a mut Vec<u32>,
    others: &'a mut Vec<(Seat, Outcome)>,
    drained: &'a mut Drained,
}

impl<F> Hands<'_, F>
where
    F: FnMut(SessionId, Batch<'_>) -> Took,
{
    /// A panic is caught around all sessions of a word, not around each: that, and making a list of the events only
    /// when they are others than the session before had, is a third of the cost of a session.
    fn hand_over(&mut self, word: &PassWord, offered: impl Fn(usize) -> u32) {
        self.drained.sessions += word.sessions();
        self.drained.items += word.items();
        let mut left = word.places;
        while left != 0 {
            let mut bit = 0; // whose turn it is, should the host panic
            let all = catch_unwind(AssertUnwindSafe(|| {
                let mut rest = left;
                while rest != 0 {
                    bit = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    self.hand_over_one(word, bit, offered(bit));
                }
            }));
            left &= u64::MAX << bit << 1;
            let Err(payload) = all else { break };
            self.drained.panics.push(HostPanic { session: word.handle(bit, self.handles), payload });
            self.drained.items -= self.picks.len();
            self.others.push((word.seat(bit), Outcome::Panicked));
        }
    }

    #[inline(always)]
    fn hand_over_one(&mut self, word: &PassWord, bit: usize, offered: u32) {
        if self.lane.changes.count() != self.changes && !self.lane.queues.lock().stands(word.seat(bit)) {
            return pass_by(word.seat(bit), offered, self.others, self.drained);
        }
        if offered != self.listed {
            self.listed = offered;
            list(offered, self.picks);
        }
        let Took(taken) = (self.host)(word.handle(bit, self.handles), Batch::of_events(self.picks, self.events));
        if taken < self.picks.len() {
            self.others.push((word.seat(bit), Outcome::Took(taken)));
            self.drained.items -= self.picks.len() - taken;
        }
    }
}

#[cold]
fn pass_by(seat: Seat, offered: u32, others: &mut Vec<(Seat, Outcome)>, drained: &mut Drained) {
    others.push((seat, Outcome::PassedBy));
    drained.sessions -= 1;
    drained.items -= offered.count_ones() as usize;
}

/// Lists the numbers of the bits.
#[inline(never)]
fn list(bits: u32, picks: &mut Vec<u32>) {
    picks.clear();
    for_each_bit(bits.into(), |event| picks.push(event as u32));
}

impl Worker {
    /// Whether there is something to drain; if not, the task is woken once there is, or once the fan-out is closed and
    /// all is handed over. For a host that has an executor:
    ///
    /// ```
    /// # use oyez::{Fanout, FanoutOptions, PartitionId};
    /// # use std::future::poll_fn;
    /// # use std::task::{Context, Poll, Waker};
    /// # let fanout = Fanout::new(FanoutOptions::default());
    /// let mut worker = fanout.worker(PartitionId(0)).unwrap();
    /// let has_something = poll_fn(|context| worker.poll_ready(context)); // .await it, then drain
    /// # drop(has_something);
    /// # assert_eq!(worker.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Pending);
    /// ```
    ///
    /// The waker is called, without a lock, by the thread whose call on the fan-out gave the worker something to do or
    /// settled the last of it; it must not panic. It may be called
    /// although what there was has been discarded since. O(1).
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Readiness> {
        let mut waker = Some(context.waker().clone());
        self.shared.lane(self.partition).queues.lock().poll_ready(&mut waker)
    }

    /// Blocks this thread until there is something to drain, or the fan-out is [closed](super::Fanout::close) and all
    /// is handed over. For a host with a thread for each partition. O(1).
    ///
    /// ```
    /// use oyez::{Event, Fanout, FanoutOptions, OrderKey, PartitionId, Query, Readiness, Took, Topic};
    ///
    /// let fanout = Fanout::new(FanoutOptions::default());
    /// let ada = fanout.connect(PartitionId(0)).unwrap();
    /// fanout.subscribe(ada, Topic(7)).unwrap();
    /// let mut worker = fanout.worker(PartitionId(0)).unwrap();
    /// let mut items = 0;
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         fanout.publish(&Query::topic(Topic(7)), Event::new(OrderKey(1), *b"hello")).unwrap();
    ///         fanout.close();
    ///     });
    ///     while worker.wait() == Readiness::Ready {
    ///         items += worker.drain(usize::MAX, |_, _| Took::ALL).resume_panics().items;
    ///     }
    /// });
    /// assert_eq!(items, 1);
    /// ```
    pub fn wait(&mut self) -> Readiness {
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        loop {
            match self.poll_ready(&mut Context::from_waker(&waker)) {
                Poll::Ready(readiness) => return readiness,
                Poll::Pending => std::thread::park(),
            }
        }
    }
}

/// Why a worker does not wait (any more).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// There is something to drain.
    Ready,
    /// The fan-out takes in no more events, and every session has been handed everything, but for those that are parked
    /// or read through an outbox.
    Closed,
}

/// Wakes a thread that waits.
struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Dropped after the lock is: a waker's last drop is a host's code.
        let _waker = self.shared.lane(self.partition).queues.lock().dismiss_worker();
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("partition", &self.partition).finish_non_exhaustive()
    }
}

impl fmt::Debug for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drained")
            .field("sessions", &self.sessions)
            .field("items", &self.items)
            .field("ready", &self.ready)
            .field("overflowed", &self.overflowed)
            .field("panics", &self.panics)
            .finish()
    }
}

impl fmt::Debug for HostPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostPanic").field("session", &self.session).finish_non_exhaustive()
    }
}
