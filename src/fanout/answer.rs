//! What a host's answer to an offer means: which events are gone, and how; which come back.

use super::OnPanic;
use super::batch::{GAP, Kind, Offer, Outcome, Round};
use super::event::Gap;

/// What became of an offer.
pub(super) struct Answer<'a> {
    pub kind: Kind,
    /// Picks of the round that were handed over, and picks that were not.
    pub gone: &'a [u32],
    pub kept: &'a [u32],
    /// Gaps among those that were handed over.
    gone_gaps: usize,
    /// Gaps that the session was told, and gaps that it was not.
    pub told: &'a [Gap],
    pub untold: &'a [Gap],
    pub end: End,
    pub room: Room,
}

/// How the events that are gone have left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Delivered,
    Abandoned,
}

/// Whether the host can be offered more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Left,
    None,
}

impl<'a> Answer<'a> {
    /// What a host's answer to an offer means.
    pub fn of(offer: &Offer, round: &'a Round, on_panic: OnPanic) -> Self {
        let picks = &round.picks[offer.picks.clone()];
        let (taken, end) = match (offer.outcome, on_panic, offer.kind) {
            (Outcome::Took(taken), ..) => (taken.min(picks.len()), End::Delivered),
            (Outcome::PassedBy, ..) | (Outcome::Panicked, OnPanic::Keep, _) => (0, End::Delivered),
            // Still kept, and booked before: it comes once more.
            (Outcome::Panicked, OnPanic::Abandon, Kind::Again { .. }) => (0, End::Delivered),
            (Outcome::Panicked, OnPanic::Abandon, Kind::New) => (picks.len(), End::Abandoned),
        };
        let (gone, kept) = picks.split_at(taken);
        let gone_gaps = if offer.gaps.is_empty() { 0 } else { count_gaps(gone) };
        let told = if end == End::Delivered { gone_gaps } else { 0 };
        let (told, untold) = round.gaps[offer.gaps.clone()].split_at(told);
        let room = match offer.outcome {
            Outcome::PassedBy => Room::Left,
            Outcome::Took(_) if kept.is_empty() => Room::Left,
            Outcome::Took(_) | Outcome::Panicked => Room::None,
        };
        Answer { kind: offer.kind, gone, kept, gone_gaps, told, untold, end, room }
    }

    /// The number of events that were handed over.
    pub fn gone_count(&self) -> usize {
        self.gone.len() - self.gone_gaps
    }

    /// Handles of events that were handed over.
    pub fn gone_events(&self, round: &Round) -> impl DoubleEndedIterator<Item = u32> {
        events(self.gone, round)
    }

    pub fn kept_events(&self, round: &Round) -> impl DoubleEndedIterator<Item = u32> {
        events(self.kept, round)
    }
}

fn count_gaps(picks: &[u32]) -> usize {
    picks.iter().filter(|&&pick| pick == GAP).count()
}

fn events(picks: &[u32], round: &Round) -> impl DoubleEndedIterator<Item = u32> {
    picks.iter().filter(|&&pick| pick != GAP).map(|&pick| round.index(pick))
}
