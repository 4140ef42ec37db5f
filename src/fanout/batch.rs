//! What one call hands over: [`Batch`], and behind it the [`Round`] of several sessions' batches, from their queues.

use super::event::{Event, Gap, Item, Sequence};
use crate::registry::{Seat, SessionId};
use std::ops::Range;

/// Everything that is to be handed over to one session next, up to a limit: events and gaps, in order.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Indices into `events`, or [`GAP`] for the next of `gaps`.
    picks: &'a [u32],
    gaps: &'a [Gap],
    events: &'a [Held],
}

/// Stands for a gap among the handles and picks of events.
pub(super) const GAP: u32 = u32::MAX;

impl<'a> Batch<'a> {
    /// The events, without a gap, at these places among `events`.
    pub(super) fn of_events(picks: &'a [u32], events: &'a [Held]) -> Self {
        Batch { picks, gaps: &[], events }
    }

    pub(super) const EMPTY: Batch<'static> = Batch { picks: &[], gaps: &[], events: &[] };

    /// The number of items: events and gaps. O(1).
    pub fn len(&self) -> usize {
        self.picks.len()
    }

    /// Whether there is nothing to hand over now. O(1).
    pub fn is_empty(&self) -> bool {
        self.picks.is_empty()
    }

    /// The items in the order in which the session must see them. O(1) an item.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Item<'a>> + use<'a> {
        let Batch { picks, gaps, events } = *self;
        let mut gaps = gaps.iter();
        picks.iter().map(move |&pick| match pick {
            GAP => Item::Gap(*gaps.next().expect("a gap for each mark")),
            pick => {
                let held = &events[pick as usize];
                Item::Event(held.sequence, &held.event)
            }
        })
    }
}

/// An event taken out of the partition's memory for one round, so that the host can read it without a lock.
#[derive(Debug)]
pub(super) struct Held {
    /// Where the partition keeps it.
    pub index: u32,
    pub sequence: Sequence,
    pub event: Event,
}

/// The batches of a few sessions, taken under one lock and handed over without it. Each event is cloned once a round,
/// however many of the sessions get it. Reused from round to round.
#[derive(Default)]
pub(super) struct Round {
    pub offers: Vec<Offer>,
    pub picks: Vec<u32>,
    pub gaps: Vec<Gap>,
    pub events: Vec<Held>,
}

/// What one session is offered in a round.
pub(super) struct Offer {
    pub seat: Seat,
    pub session: SessionId,
    /// Its parts of the round's `picks` and `gaps`.
    pub picks: Range<usize>,
    pub gaps: Range<usize>,
    pub kind: Kind,
    pub outcome: Outcome,
}

/// Whether an offer's events are new to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    New,
    /// They were handed over before a break, and not acknowledged. So many come again, these among them.
    Again {
        left: usize,
    },
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The host took this many items. An offer starts with none.
    Took(usize),
    /// The host's callback panicked.
    Panicked,
    /// The host was not asked: the session had ended, parked or come back.
    PassedBy,
}

impl Round {
    pub fn clear(&mut self) {
        self.offers.clear();
        self.picks.clear();
        self.gaps.clear();
        self.events.clear();
    }

    /// Offers a session one event.
    pub fn offer_one(&mut self, seat: Seat, session: SessionId, pick: u32) {
        let picks = self.picks.len()..self.picks.len() + 1;
        self.picks.push(pick);
        self.offers.push(Offer { seat, session, picks, gaps: 0..0, kind: Kind::New, outcome: Outcome::Took(0) });
    }

    pub fn batch(&self, offer: &Offer) -> Batch<'_> {
        Batch { picks: &self.picks[offer.picks.clone()], gaps: &self.gaps[offer.gaps.clone()], events: &self.events }
    }

    pub fn index(&self, pick: u32) -> u32 {
        self.events[pick as usize].index
    }
}
