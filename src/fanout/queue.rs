//! One session's queue: what is pending, the gap before it, and whose turn it is.
//!
//! **An offer takes its events out of the queue.** While the host has them, the queue may fill up and drop its oldest
//! without touching what the host is looking at. What the host does not take goes back to the front, and if the queue
//! has become too long, its oldest are dropped. A full queue stays full while an offer is out, so a gap that arose
//! meanwhile swallows all that comes back, and a session has at most one gap: at the front.

use super::batch::{Offer, Outcome, Round};
use super::event::{Gap, Sequence};
use super::fate::{Fate, Losses};
use super::held_events::HeldEvents;
use crate::registry::SessionId;
use crate::stats::{Accounting, Discarded};
use std::collections::VecDeque;

pub(super) struct Queue {
    pub session: SessionId,
    /// Dropped before what is pending, and not told yet.
    gap: Option<Gap>,
    /// Handles of events, oldest first.
    pending: VecDeque<u32>,
    /// Events that the host has been offered and has not answered for.
    offered: usize,
    state: State,
    /// Its handle is in the ready list, perhaps from an earlier time at which it was ready.
    is_listed: bool,
    reader: Reader,
    accepted: u64,
    delivered: u64,
    dropped: u64,
    abandoned: u64,
    /// Everything up to here has been handed over, dropped or abandoned.
    settled: Sequence,
    losses: Option<Box<Losses>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing to offer.
    Idle,
    /// Waiting for its turn.
    Ready,
    /// The host has an offer in hand.
    Offered(Wake),
    /// The host did not take all; it is not offered anything until it says that it can take more.
    Lagging,
}

/// Whether the host said, while it had an offer in hand, that the session can take more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wake {
    None,
    Writable,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Worker,
    Outbox,
}

/// The session's events are in other hands.
pub(super) struct Busy;

/// What became of an offer, for the session and for the partition's totals.
pub(super) struct Answer<'a> {
    /// Picks of the round that have left the queue for good.
    pub gone: &'a [u32],
    /// Picks that the host did not take.
    pub kept: &'a [u32],
    /// The gap that the host was told.
    pub told: Option<Gap>,
    /// The gap that it was not told.
    untold: Option<Gap>,
    pub end: End,
    /// Whether the host can be offered more.
    room: Room,
}

/// How the events that are gone have left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Delivered,
    Abandoned,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Left,
    None,
}

impl<'a> Answer<'a> {
    /// What a host's answer to an offer means. `keeps_panicked` is for batches whose callback panicked.
    pub fn of(offer: &Offer, round: &'a Round, keeps_panicked: bool) -> Self {
        let picks = &round.picks[offer.picks.clone()];
        let items = usize::from(offer.gap.is_some()) + picks.len();
        let (taken, end) = match offer.outcome {
            Outcome::Took(taken) => (taken.min(items), End::Delivered),
            Outcome::Panicked if keeps_panicked => (0, End::Delivered),
            Outcome::Panicked => (items, End::Abandoned),
        };
        let (told, untold) = if taken > 0 { (offer.gap, None) } else { (None, offer.gap) };
        let (gone, kept) = picks.split_at(taken - usize::from(told.is_some()));
        let room = if taken == items && offer.outcome != Outcome::Panicked { Room::Left } else { Room::None };
        Answer { gone, kept, told, untold, end, room }
    }
}

impl Queue {
    pub fn new(session: SessionId) -> Self {
        Queue {
            session,
            gap: None,
            pending: VecDeque::new(),
            offered: 0,
            state: State::Idle,
            is_listed: false,
            reader: Reader::Worker,
            accepted: 0,
            delivered: 0,
            dropped: 0,
            abandoned: 0,
            settled: Sequence(0),
            losses: None,
        }
    }

    pub fn is_lagging(&self) -> bool {
        self.state == State::Lagging
    }

    fn has_something(&self) -> bool {
        self.gap.is_some() || !self.pending.is_empty()
    }

    /// Lists the session as ready if it is idle, has something, and is the worker's to serve.
    fn list(&mut self, ready: &mut VecDeque<SessionId>) {
        if self.state != State::Idle || self.reader != Reader::Worker || !self.has_something() {
            return;
        }
        self.state = State::Ready;
        if !self.is_listed {
            self.is_listed = true;
            ready.push_back(self.session);
        }
    }

    /// Its entry has been taken from the ready list; whether it still waits for its turn.
    pub fn unlist(&mut self) -> bool {
        self.is_listed = false;
        self.state == State::Ready
    }

    /// Takes in an event; the oldest gives way in a queue of `events_max`. Returns how many were dropped.
    pub fn push(
        &mut self,
        index: u32,
        events_max: usize,
        events: &mut HeldEvents,
        ready: &mut VecDeque<SessionId>,
    ) -> u64 {
        let dropped = self.trim(events_max - 1, events);
        self.pending.push_back(index);
        self.accepted += 1;
        self.list(ready);
        dropped
    }

    /// Drops the oldest events beyond `events_max`; returns how many.
    fn trim(&mut self, events_max: usize, events: &mut HeldEvents) -> u64 {
        let mut dropped = 0;
        while self.pending.len() > events_max
            && let Some(oldest) = self.pending.pop_front()
        {
            let gap = Gap::of(events.sequence(oldest));
            self.gap = Some(self.gap.map_or(gap, |before| before.joined_by(gap)));
            events.release(oldest);
            dropped += 1;
        }
        self.dropped += dropped;
        dropped
    }

    /// Moves the gap and at most `events_max` events into the round.
    pub fn offer(&mut self, events_max: usize, events: &mut HeldEvents, round: &mut Round) {
        let count = self.pending.len().min(events_max);
        let start = round.picks.len();
        for index in self.pending.drain(..count) {
            let pick = events.share(index, round);
            round.picks.push(pick);
        }
        self.offered = count;
        self.state = State::Offered(Wake::None);
        let gap = self.gap.take();
        if let Some(gap) = gap {
            Losses::of(&mut self.losses).remember_gap(gap);
        }
        round.offers.push(Offer {
            session: self.session,
            gap,
            picks: start..round.picks.len(),
            outcome: Outcome::Took(0),
        });
    }

    /// Books what became of the offer, and puts back what was not taken. Returns how many of those were dropped.
    pub fn settle(
        &mut self,
        answer: &Answer<'_>,
        round: &Round,
        events_max: usize,
        events: &mut HeldEvents,
        ready: &mut VecDeque<SessionId>,
    ) -> u64 {
        let sequence_of = |pick: &u32| round.events[*pick as usize].sequence;
        let last_told = answer.told.map(|gap| gap.last);
        self.settled = answer.gone.last().map(sequence_of).or(last_told).unwrap_or(self.settled);
        match (answer.end, answer.gone) {
            (End::Abandoned, [first, ..]) => {
                let last = answer.gone.last().map_or(sequence_of(first), sequence_of);
                Losses::of(&mut self.losses).remember_abandoned(sequence_of(first), last);
                self.abandoned += answer.gone.len() as u64;
            }
            _ => self.delivered += answer.gone.len() as u64,
        }

        self.offered = 0;
        let newer = std::mem::replace(&mut self.gap, answer.untold);
        for pick in answer.kept.iter().rev() {
            self.pending.push_front(round.events[*pick as usize].index);
        }
        let dropped = self.trim(events_max, events);
        if let Some(newer) = newer {
            self.gap = Some(self.gap.map_or(newer, |older| older.joined_by(newer)));
        }

        let was_woken = self.state == State::Offered(Wake::Writable);
        self.state = if answer.room == Room::Left || was_woken { State::Idle } else { State::Lagging };
        self.list(ready);
        dropped
    }

    /// The host can take more.
    pub fn writable(&mut self, ready: &mut VecDeque<SessionId>) {
        match self.state {
            State::Offered(_) => self.state = State::Offered(Wake::Writable),
            State::Lagging => {
                self.state = State::Idle;
                self.list(ready);
            }
            State::Idle | State::Ready => {}
        }
    }

    /// From now on the session is read through an outbox, not by the worker.
    pub fn seat_outbox(&mut self) -> Result<(), Busy> {
        if self.reader == Reader::Outbox || matches!(self.state, State::Offered(_)) {
            return Err(Busy);
        }
        self.reader = Reader::Outbox;
        self.state = State::Idle;
        Ok(())
    }

    pub fn unseat_outbox(&mut self, ready: &mut VecDeque<SessionId>) {
        self.reader = Reader::Worker;
        self.list(ready);
    }

    /// Lets go of all that is pending; returns how many. What the host has in hand is not among them.
    pub fn discard(self, events: &mut HeldEvents) -> u64 {
        let count = self.pending.len() as u64;
        for index in self.pending {
            events.release(index);
        }
        count
    }

    /// What became of an event that was accepted for this session.
    pub fn fate(&self, sequence: Sequence, events: &HeldEvents) -> Fate {
        let ahead = self.pending.partition_point(|&index| events.sequence(index) < sequence);
        if self.pending.get(ahead).is_some_and(|&index| events.sequence(index) == sequence) {
            return Fate::Pending { ahead: ahead + self.offered };
        }
        if let Some(gap) = self.gap.filter(|gap| gap.covers(sequence)) {
            return Fate::Dropped(gap);
        }
        match self.losses.as_ref().and_then(|losses| losses.fate(sequence)) {
            Some(fate) => fate,
            None if sequence > self.settled => Fate::Offered,
            None => Fate::HandedOver,
        }
    }

    pub fn accounting(&self) -> Accounting {
        Accounting {
            accepted: self.accepted,
            delivered: self.delivered,
            dropped: self.dropped,
            discarded: Discarded::default(),
            abandoned: self.abandoned,
            pending: (self.pending.len() + self.offered) as u64,
        }
    }

    /// Checks the identity and the order, while no offer is out; returns the number of handles held.
    pub fn validate(&self, events_max: usize, events: &HeldEvents) -> Result<usize, String> {
        let (session, accounting) = (self.session, self.accounting());
        if !accounting.balances() {
            return Err(format!("{session:?} does not add up: {accounting:?}"));
        }
        if self.pending.len() > events_max || self.offered > 0 {
            return Err(format!("{session:?} has {} pending, {} offered", self.pending.len(), self.offered));
        }
        let sequences = self.pending.iter().map(|&index| events.sequence(index));
        let gap_end = self.gap.map_or(Sequence(0), |gap| gap.last);
        if !std::iter::once(gap_end).chain(sequences).is_sorted_by(|a, b| a < b) {
            return Err(format!("{session:?}: gap and events are out of order"));
        }
        Ok(self.pending.len())
    }
}
