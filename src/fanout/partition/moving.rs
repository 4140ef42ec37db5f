//! A session goes to another partition, with everything that is known of it.

use super::Partition;
use super::totals::Direction;
use crate::fanout::batch::Held;
use crate::fanout::queue::Queue;
use crate::fanout::roster::Standing;
use crate::registry::{MoveError, NoSuchSession, Seat, SessionId, Topic};
use ahash::AHashMap;
use smallvec::SmallVec;
use std::collections::hash_map::Entry::{Occupied, Vacant};

/// Everything that is known of a session that moves to another partition.
pub(in crate::fanout) struct Luggage {
    queue: Option<Queue>,
    delivered: u64,
    /// The events that its queue names, as often as it does, with their topics.
    held: Vec<(Held, SmallVec<[Topic; 2]>)>,
}

impl Partition {
    /// Makes a session ready to leave for another partition: everything for it is in its queue. Returns the bytes that
    /// this takes.
    pub fn prepare_to_leave(&mut self, seat: Seat) -> Result<usize, MoveError> {
        let place = self.place(seat).map_err(|NoSuchSession| MoveError::NoSuchSession)?;
        if self.is_busy(place) {
            return Err(MoveError::Busy);
        }
        let has_lost = self.roster.losses(place).is_some();
        if self.is_plain(place) && !has_lost && self.all_waiting(place).next().is_none() {
            return Ok(0);
        }
        self.queue(place);
        self.take_in(place, self.log.end());
        let queue = self.roster.queue(place).expect("it was just given");
        if queue.is_busy() {
            // It must end: an event that it must not miss came from the log, and its queue was full.
            return Err(MoveError::Busy);
        }
        Ok(queue.indices().map(|index| self.events.bytes_of(index)).sum())
    }

    /// Whether a session's events are in other hands.
    fn is_busy(&self, place: usize) -> bool {
        let is_known_busy = match self.roster.standing(place) {
            Standing::Plain | Standing::One(_) => false,
            Standing::OneInHand(_) => true,
            Standing::Queue(_) => self.roster.queue(place).is_some_and(Queue::is_busy),
        };
        is_known_busy || self.straight_in_hand(place) != 0
    }

    /// A session that is prepared leaves for another partition, with everything that is known of it.
    pub fn leave(&mut self, seat: Seat) -> Luggage {
        let place = seat.place(self.layout);
        let queue = self.roster.take_queue(place);
        let delivered = self.roster.delivered(place);
        let mut held = Vec::new();
        if let Some(queue) = &queue {
            self.totals.forget(queue);
            for index in queue.indices() {
                held.push((self.events.held(index), self.events.topics(index).into()));
            }
            queue.indices().for_each(|index| self.events.release(index));
            self.totals.transfer(queue.pending(), Direction::Out);
        }
        self.roster.close(place);
        self.totals.sessions -= 1;
        self.unlist_ended();
        Luggage { queue, delivered, held }
    }

    /// A session comes from another partition. What was accepted for it and waits is accepted here instead.
    pub fn arrive(&mut self, seat: Seat, session: SessionId, luggage: Luggage) {
        self.open(seat, None);
        let place = seat.place(self.layout);
        self.roster.set_handle(place, session);
        self.roster.add_delivered(place, luggage.delivered);
        let Some(mut queue) = luggage.queue else { return };
        let mut names = AHashMap::new();
        for (held, topics) in luggage.held {
            match names.entry(held.index) {
                Occupied(name) => self.events.hold(*name.get()),
                Vacant(name) => _ = name.insert(self.events.insert(held.sequence, held.event, &topics, 1)),
            }
        }
        self.totals.transfer(queue.pending(), Direction::In);
        if self.roster.is_plain(place) {
            self.roster.begin_queue(place, 0);
        }
        let Partition { roster, log, ready, totals, .. } = self;
        queue.come_to(seat, log.end(), |index| names[&index], ready);
        totals.count(&queue);
        roster.caught_up(place, queue.may_stay_behind());
        *roster.queue_mut(place).expect("it was just given") = queue;
        self.list_unread(place);
        self.rest(place);
    }
}
