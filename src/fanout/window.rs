//! What a session that acknowledges has been handed and has not acknowledged.
//!
//! A client that stopped answering cannot pile up more than its window. After a break, what was not acknowledged comes
//! again, then what waited meanwhile, gaps in their places.

use super::answer::Answer;
use super::batch::{GAP, Round};
use super::event::Sequence;
use super::held_events::HeldEvents;
use super::items::{Items, Taken};

pub(super) struct Window {
    /// How many events may be handed over and not acknowledged.
    max: usize,
    /// Those events, and the gaps that were told among them.
    unacknowledged: Items,
    /// So many of these items, from the last back, are to be handed over again.
    again: usize,
    /// Everything up to here has been handed over, dropped or abandoned.
    settled: Sequence,
    /// The last event or gap that the host has in hand.
    in_hand: Sequence,
    /// What was acknowledged while the host had something in hand.
    acknowledged: Sequence,
}

/// The session was not handed an event of this sequence; this is the last it was handed.
pub(super) struct NotHandedOver(pub Sequence);

impl Window {
    pub fn new(max: usize) -> Self {
        Window {
            max: max.max(1),
            unacknowledged: Items::default(),
            again: 0,
            settled: Sequence(0),
            in_hand: Sequence(0),
            acknowledged: Sequence(0),
        }
    }

    /// Events that were not acknowledged.
    pub fn events(&self) -> usize {
        self.unacknowledged.events()
    }

    /// Items to be handed over again.
    pub fn again(&self) -> usize {
        self.again
    }

    /// How many new events the session may be handed now.
    pub fn room(&self) -> usize {
        self.max - self.unacknowledged.events()
    }

    /// Shows the items that are to be handed over again, at most `events_max` events.
    pub fn show_again(&self, events_max: usize, show: impl FnMut(Taken)) {
        self.unacknowledged.peek(self.unacknowledged.len() - self.again, events_max, show);
    }

    /// The host is offered items up to `last`.
    pub fn offered(&mut self, last: Sequence) {
        (self.in_hand, self.acknowledged) = (last, Sequence(0));
    }

    /// Keeps what was handed over until it is acknowledged, gaps too: who comes back may not have got them.
    pub fn keep(&mut self, answer: &Answer<'_>, round: &Round) {
        let mut gaps = answer.told.iter();
        for &pick in answer.gone {
            match pick {
                GAP => gaps.next().into_iter().for_each(|gap| self.unacknowledged.push_gap(*gap)),
                pick => self.unacknowledged.push(round.index(pick)),
            }
        }
    }

    /// Everything up to `last` has been handed over, or lost on the way.
    pub fn settle(&mut self, last: Sequence) {
        self.settled = self.settled.max(last);
    }

    /// Of the items that were to come again, `left` are still to come; acknowledgements may have come meanwhile.
    pub fn came_again(&mut self, left: usize) {
        self.again = left.min(self.unacknowledged.len());
    }

    /// The host has answered: what was acknowledged of what it had in hand counts now.
    pub fn answered(&mut self, events: &mut HeldEvents) {
        self.in_hand = Sequence(0);
        let through = std::mem::take(&mut self.acknowledged);
        self.forget_through(through, events);
    }

    /// The client is on a new connection: what it has not acknowledged comes again. Returns how many events that are.
    pub fn hand_again(&mut self) -> usize {
        self.again = self.unacknowledged.len();
        self.unacknowledged.events()
    }

    /// The client has all events up to `through`; returns how many it had not acknowledged before.
    pub fn acknowledge(&mut self, through: Sequence, events: &mut HeldEvents) -> Result<usize, NotHandedOver> {
        let last = self.settled.max(self.in_hand);
        if through > last {
            return Err(NotHandedOver(last));
        }
        if self.in_hand > Sequence(0) {
            self.acknowledged = self.acknowledged.max(through);
        }
        Ok(self.forget_through(through, events))
    }

    fn forget_through(&mut self, through: Sequence, events: &mut HeldEvents) -> usize {
        let mut count = 0;
        while let Some(taken) = self.unacknowledged.pop_through(through, events) {
            if let Taken::Event(index) = taken {
                events.release(index);
                count += 1;
            }
        }
        self.unacknowledged.give_back();
        self.again = self.again.min(self.unacknowledged.len());
        count
    }

    /// Handles of the events that were not acknowledged.
    pub fn indices(&self) -> impl Iterator<Item = u32> + '_ {
        self.unacknowledged.indices()
    }

    /// Gives each event another handle.
    pub fn rename(&mut self, name: impl Fn(u32) -> u32) {
        self.unacknowledged.rename(name);
    }

    /// Checks the order and the limits.
    pub fn validate(&self, events: &HeldEvents) -> Result<(), String> {
        self.unacknowledged.validate(events)?;
        if self.unacknowledged.events() > self.max || self.again > self.unacknowledged.len() {
            return Err(format!("{} events in a window of {}", self.unacknowledged.events(), self.max));
        }
        Ok(())
    }
}
