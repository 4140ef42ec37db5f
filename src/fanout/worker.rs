//! The push face: a partition's [`Worker`] hands each of its sessions, in turn, everything that is pending for it.

use super::Shared;
use super::batch::{Batch, Outcome, Round};
use crate::registry::{PartitionId, SessionId};
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Sessions that are offered something under one lock of the partition: publishers wait at most this long.
const ROUND_SESSIONS: usize = 64;

/// The one reader of a partition. Made by [`Fanout::worker`](super::Fanout::worker); dropping it frees the place.
pub struct Worker {
    shared: Arc<Shared>,
    partition: PartitionId,
    round: Round,
}

/// How many items of a batch the host took, from the front: the commit point. Fewer than all makes the session
/// lagging: what is left stays pending, and nothing is offered until the host calls
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
    /// Callbacks that panicked.
    pub panics: Vec<HostPanic>,
}

/// A panic of the host's callback, caught.
pub struct HostPanic {
    /// The session whose batch the callback had in hand.
    pub session: SessionId,
    /// What it panicked with.
    pub payload: Box<dyn Any + Send>,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, partition: PartitionId) -> Self {
        Worker { shared, partition, round: Round::default() }
    }

    /// The partition this worker reads.
    pub fn partition(&self) -> PartitionId {
        self.partition
    }

    /// Offers a batch to at most `sessions_max` sessions that have something pending, each at most once, longest
    /// waiting first, and books what `host` took of it. O(items handed over); no lock is held while `host` runs.
    ///
    /// Any call on a [`Fanout`](super::Fanout) is allowed within `host` and takes effect after it: a session that it
    /// disconnects gets nothing more, an event that it publishes comes with a later drain.
    ///
    /// A `host` that panics harms nobody else: the panic is caught and reported, the batch is abandoned or kept as
    /// [`FanoutOptions::on_panic`](super::FanoutOptions::on_panic) says, the session is lagging, and the drain goes on.
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
    /// });
    /// assert_eq!(seen, [(ada, 1, b"hello".to_vec())]);
    /// assert_eq!((drained.sessions, drained.items), (1, 1));
    /// ```
    pub fn drain<F>(&mut self, sessions_max: usize, mut host: F) -> Drained
    where
        F: FnMut(SessionId, Batch<'_>) -> Took,
    {
        let mut drained = Drained::default();
        // Sessions that become ready meanwhile wait for the next drain, or a host that publishes in its callback would
        // never return.
        let mut entries = self.shared.partition(self.partition).lock().ready_len();
        while entries > 0 && drained.sessions < sessions_max {
            let sessions = (sessions_max - drained.sessions).min(ROUND_SESSIONS);
            self.shared.partition(self.partition).lock().offer(&mut self.round, sessions, &mut entries);
            self.hand_over(&mut host, &mut drained);
            self.shared.partition(self.partition).lock().commit(&self.round);
        }
        drained
    }

    fn hand_over<F>(&mut self, host: &mut F, drained: &mut Drained)
    where
        F: FnMut(SessionId, Batch<'_>) -> Took,
    {
        for at in 0..self.round.offers.len() {
            let offer = &self.round.offers[at];
            let session = offer.session;
            let batch = self.round.batch(offer);
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
            self.round.offers[at].outcome = outcome;
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.partition(self.partition).lock().unseat_worker();
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
            .field("panics", &self.panics)
            .finish()
    }
}

impl fmt::Debug for HostPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostPanic").field("session", &self.session).finish_non_exhaustive()
    }
}
