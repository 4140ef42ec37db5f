//! The pull face: an [`Outbox`] reads one session's events when its owner asks.

use super::Shared;
use super::batch::{Batch, Round};
use super::partition::Ending;
use crate::registry::{NoSuchSession, PartitionId, Seat, SessionId};
use std::fmt;
use std::sync::Arc;

/// One session's pending events, read by its owner instead of the partition's worker. Made by
/// [`Fanout::outbox`](super::Fanout::outbox); dropping it gives the session back to the worker.
pub struct Outbox {
    shared: Arc<Shared>,
    partition: PartitionId,
    session: SessionId,
    /// A session that is read through an outbox does not move.
    seat: Seat,
    round: Round,
}

impl Outbox {
    pub(super) fn new(shared: Arc<Shared>, session: SessionId, seat: Seat) -> Self {
        Outbox { partition: seat.partition(shared.layout), shared, session, seat, round: Round::default() }
    }

    /// The session it reads.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Takes at most `events_max` events, and the gaps among them; empty when nothing is pending, the session is
    /// parked, or its window is full. What is returned counts as delivered, and its events stay in memory until the
    /// next call. A session with a window can get it again after a break. O(items).
    ///
    /// # Errors
    ///
    /// When the session has ended: it disconnected, or its queue was full when an event came that it must not miss
    /// ([`Overload::Disconnect`](super::Overload)). What was pending then is discarded.
    ///
    /// ```
    /// use oyez::{Event, Fanout, FanoutOptions, Item, OrderKey, PartitionId, Query, Topic};
    ///
    /// let fanout = Fanout::new(FanoutOptions::default().events_per_session_max(2));
    /// let ada = fanout.connect(PartitionId(0)).unwrap();
    /// fanout.subscribe(ada, Topic(7)).unwrap();
    /// for text in ["a", "b", "c", "d"] {
    ///     fanout.publish(&Query::topic(Topic(7)), Event::new(OrderKey(1), text.as_bytes())).unwrap();
    /// }
    /// let mut outbox = fanout.outbox(ada).unwrap();
    /// let batch = outbox.next_batch(10).unwrap();
    /// let items: Vec<_> = batch.iter().collect();
    /// assert!(matches!(items[0], Item::Gap(gap) if gap.count == 2 && gap.first.0 == 1 && gap.last.0 == 2));
    /// assert!(matches!(items[2], Item::Event(sequence, event) if sequence.0 == 4 && &event.payload[..] == b"d"));
    /// ```
    pub fn next_batch(&mut self, events_max: usize) -> Result<Batch<'_>, NoSuchSession> {
        let mut queues = self.shared.lane(self.partition).queues.lock();
        let taken = queues.take_batch(self.seat, events_max, &mut self.round);
        let must_end = queues.is_overflowing(self.seat);
        drop(queues);
        if must_end {
            self.shared.end_all(&[self.seat], Ending::Overflow);
            return Err(NoSuchSession);
        }
        taken?;
        Ok(self.round.offers.first().map_or(Batch::EMPTY, |offer| self.round.batch(offer)))
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.shared.lane(self.partition).change(|queues| queues.close_outbox(self.seat));
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("session", &self.session).finish_non_exhaustive()
    }
}
