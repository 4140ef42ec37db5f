//! What one call hands over: [`Batch`], and the [`Round`] of several sessions' batches behind it.

use super::event::{Event, Gap, Item, Sequence};
use crate::registry::SessionId;
use std::ops::Range;
use std::sync::Arc;

/// Everything that is pending for one session, up to a limit: perhaps a gap, then events, in order.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    gap: Option<Gap>,
    /// Indices into `events`.
    picks: &'a [u32],
    events: &'a [Held],
}

impl<'a> Batch<'a> {
    pub(super) const EMPTY: Batch<'static> = Batch { gap: None, picks: &[], events: &[] };

    /// The number of items: events, and one if there is a gap. O(1).
    pub fn len(&self) -> usize {
        usize::from(self.gap.is_some()) + self.picks.len()
    }

    /// Whether nothing is pending. O(1).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items in the order in which the session must see them. O(1) an item.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Item<'a>> + use<'a> {
        let Batch { gap, picks, events } = *self;
        Items { gap, picks: picks.iter(), events }
    }
}

struct Items<'a> {
    gap: Option<Gap>,
    picks: std::slice::Iter<'a, u32>,
    events: &'a [Held],
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        if let Some(gap) = self.gap.take() {
            return Some(Item::Gap(gap));
        }
        let held = &self.events[*self.picks.next()? as usize];
        Some(Item::Event(held.sequence, &held.event))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::from(self.gap.is_some()) + self.picks.len();
        (left, Some(left))
    }
}

impl ExactSizeIterator for Items<'_> {}

/// An event taken out of the partition's memory for one round, so that the host can read it without a lock.
#[derive(Debug)]
pub(super) struct Held {
    /// Where the partition keeps it.
    pub index: u32,
    pub sequence: Sequence,
    pub event: Arc<Event>,
}

/// The batches of a few sessions, taken under one lock and handed over without it. Each event is cloned once a round,
/// however many of the sessions get it. Reused from round to round.
#[derive(Default)]
pub(super) struct Round {
    pub offers: Vec<Offer>,
    pub picks: Vec<u32>,
    pub events: Vec<Held>,
}

/// What one session is offered in a round.
pub(super) struct Offer {
    pub session: SessionId,
    pub gap: Option<Gap>,
    /// Its part of the round's `picks`.
    pub picks: Range<usize>,
    pub outcome: Outcome,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The host took this many items. An offer starts with none.
    Took(usize),
    /// The host's callback panicked.
    Panicked,
}

impl Round {
    pub fn clear(&mut self) {
        self.offers.clear();
        self.picks.clear();
        self.events.clear();
    }

    pub fn batch(&self, offer: &Offer) -> Batch<'_> {
        Batch { gap: offer.gap, picks: &self.picks[offer.picks.clone()], events: &self.events }
    }
}
