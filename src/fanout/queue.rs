//! One session's queue: what is pending, what was handed over and not acknowledged, and whose turn it is.
//!
//! **An offer takes its events out of the queue.** While the host has them, the queue may fill up and drop its oldest
//! without touching what the host is looking at. What the host does not take goes back to the front, and if the queue
//! has become too long, its oldest are dropped.
//!
//! **A session with a window** keeps what was handed over until it is acknowledged, and is offered nothing new while its
//! window is full: a client that stopped answering cannot pile up more than that. After a break, what was not
//! acknowledged comes again, then what waited meanwhile, gaps in their places.

use super::batch::{GAP, Kind, Offer, Outcome, Round};
use super::event::{Gap, Sequence};
use super::fate::{Fate, Losses};
use super::held_events::HeldEvents;
use super::items::{Items, Taken};
use super::{OnPanic, Overload};
use crate::registry::SessionId;
use crate::stats::{Accounting, Discarded};
use std::collections::VecDeque;

pub(super) struct Queue {
    pub session: SessionId,
    pending: Items,
    /// How many events may be handed over and not acknowledged.
    window: Option<usize>,
    /// Those events, and the gaps that were told among them.
    unacknowledged: Items,
    /// So many of these items, from the last back, are to be handed over again.
    again: usize,
    state: State,
    parked: Parked,
    /// Its handle is in the ready list, perhaps from an earlier time at which it was ready.
    is_listed: bool,
    /// Its handle is in the partition's list of sessions that may have to give way.
    pub is_listed_unread: bool,
    reader: Reader,
    accepted: u64,
    delivered: u64,
    dropped: u64,
    /// Of those dropped, for want of room in the partition.
    shed: u64,
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
    Offered(Hand),
    /// The host did not take all; it is not offered anything until it says that it can take more.
    Lagging,
}

/// An offer that the host has not answered, and what was said of the session meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Hand {
    /// Events in it that are new to the session.
    events: usize,
    /// The last of them, or the gap behind.
    last: Sequence,
    acknowledged: Sequence,
    wake: Wake,
}

/// What the host said of a session while it had its offer in hand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wake {
    None,
    /// It can take more.
    Writable,
    /// It is back on another connection: what the old one was handed comes again.
    Resumed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Parked {
    No,
    Yes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Worker,
    Outbox,
}

/// The session's events are in other hands.
pub(super) struct Busy;

/// The session was not handed an event of this sequence; this is the last it was handed.
pub(super) struct NotHandedOver(pub Sequence);

/// What became of an event that was pushed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    Queued,
    /// It is queued, and pushed out the oldest.
    DroppedOldest,
    /// It is lost itself.
    DroppedNewest,
    /// The session cannot go on without it.
    Overflowed,
}

/// What became of an offer.
pub(super) struct Answer<'a> {
    pub kind: Kind,
    /// Picks of the round that were handed over, and picks that were not.
    gone: &'a [u32],
    kept: &'a [u32],
    /// Gaps among those that were handed over.
    gone_gaps: usize,
    /// Gaps that the session was told, and gaps that it was not.
    pub told: &'a [Gap],
    untold: &'a [Gap],
    pub end: End,
    room: Room,
}

/// How the events that are gone have left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Delivered,
    Abandoned,
}

/// Whether the host can be offered more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
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

/// Puts an item into the round.
fn show(item: Taken, events: &mut HeldEvents, round: &mut Round) {
    let pick = match item {
        Taken::Event(index) => events.share(index, round),
        Taken::Gap(gap) => {
            round.gaps.push(gap);
            GAP
        }
    };
    round.picks.push(pick);
}

fn count_gaps(picks: &[u32]) -> usize {
    picks.iter().filter(|&&pick| pick == GAP).count()
}

fn events(picks: &[u32], round: &Round) -> impl DoubleEndedIterator<Item = u32> {
    picks.iter().filter(|&&pick| pick != GAP).map(|&pick| round.index(pick))
}

impl Queue {
    pub fn new(session: SessionId, window: Option<usize>) -> Self {
        Queue {
            session,
            pending: Items::default(),
            window: window.map(|window| window.max(1)),
            unacknowledged: Items::default(),
            again: 0,
            state: State::Idle,
            parked: Parked::No,
            is_listed: false,
            is_listed_unread: false,
            reader: Reader::Worker,
            accepted: 0,
            delivered: 0,
            dropped: 0,
            shed: 0,
            abandoned: 0,
            settled: Sequence(0),
            losses: None,
        }
    }

    pub fn is_lagging(&self) -> bool {
        self.state == State::Lagging
    }

    pub fn is_parked(&self) -> bool {
        self.parked == Parked::Yes
    }

    #[inline]
    pub fn has_no_events(&self) -> bool {
        self.pending.events() == 0
    }

    /// Whether the worker has not handed it everything yet: what is parked or read through an outbox is not its affair.
    #[inline]
    pub fn is_owed(&self) -> bool {
        let is_the_workers = self.reader == Reader::Worker && self.parked == Parked::No;
        let has_pending = self.again > 0 || !self.pending.is_empty();
        is_the_workers && (has_pending || matches!(self.state, State::Offered(_)))
    }

    pub fn unacknowledged(&self) -> usize {
        self.unacknowledged.events()
    }

    /// Whether the offer that the host has in hand is still for the connection that it was made for.
    pub fn stands(&self) -> bool {
        let is_back = matches!(self.state, State::Offered(hand) if hand.wake == Wake::Resumed);
        self.parked == Parked::No && !is_back
    }

    fn offered_events(&self) -> usize {
        if let State::Offered(hand) = self.state { hand.events } else { 0 }
    }

    /// How many new events the session may be handed now.
    fn room(&self) -> usize {
        self.window.map_or(usize::MAX, |window| window - self.unacknowledged.events())
    }

    fn has_something(&self) -> bool {
        self.again > 0 || (!self.pending.is_empty() && self.room() > 0)
    }

    /// Lists the session as ready if it is idle, has something, and is the worker's to serve.
    fn list(&mut self, ready: &mut VecDeque<SessionId>) {
        let is_the_workers = self.reader == Reader::Worker && self.parked == Parked::No;
        if self.state != State::Idle || !is_the_workers || !self.has_something() {
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
        if self.state == State::Ready && !self.has_something() {
            // What it waited with has been acknowledged since.
            self.state = State::Idle;
        }
        self.state == State::Ready
    }

    /// Takes in an event, once for each of its targets: the hot path of a publish. In a queue of `events_max` the overload policy decides what gives way.
    #[inline]
    pub fn push(
        &mut self,
        index: u32,
        overload: Overload,
        events_max: usize,
        events: &mut HeldEvents,
        ready: &mut VecDeque<SessionId>,
    ) -> Pushed {
        let is_full = self.pending.events() >= events_max;
        let pushed = match overload {
            _ if !is_full => Pushed::Queued,
            Overload::DropOldest => Pushed::DroppedOldest,
            Overload::DropNewest => Pushed::DroppedNewest,
            Overload::Disconnect => return Pushed::Overflowed,
        };
        self.accepted += 1;
        match pushed {
            Pushed::DroppedNewest => {
                self.pending.push_gap(Gap::of(events.sequence(index)));
                events.release(index);
                self.dropped += 1;
            }
            _ => {
                if is_full {
                    self.trim(events_max - 1, events);
                }
                self.pending.push(index);
            }
        }
        self.list(ready);
        pushed
    }

    /// Drops the oldest events beyond `events_max`; returns how many.
    fn trim(&mut self, events_max: usize, events: &mut HeldEvents) -> u64 {
        let mut dropped = 0;
        while self.pending.events() > events_max
            && let Some(oldest) = self.pending.lose_oldest(events)
        {
            events.release(oldest);
            dropped += 1;
        }
        self.dropped += dropped;
        dropped
    }

    /// Whether nobody is about to read it: it is lagging or parked, its window is full, or its owner reads it through an
    /// outbox.
    #[inline]
    pub fn is_unread(&self) -> bool {
        let is_kept_back = self.state == State::Lagging || self.parked == Parked::Yes || self.room() == 0;
        is_kept_back || self.reader == Reader::Outbox
    }

    /// Drops the older half of what is pending, to make room in the partition; returns how many.
    pub fn shed(&mut self, events: &mut HeldEvents) -> u64 {
        let shed = self.trim(self.pending.events() / 2, events);
        self.shed += shed;
        self.pending.give_back();
        shed
    }

    /// Puts what is to be handed over next into the round: what was not acknowledged, or else what is pending; at most
    /// `events_max` events. Nothing for a session that is parked.
    pub fn offer(&mut self, events_max: usize, events: &mut HeldEvents, round: &mut Round) {
        if self.parked == Parked::Yes {
            return;
        }
        let (picks, gaps) = (round.picks.len(), round.gaps.len());
        let kind = if self.again > 0 { Kind::Again { left: self.again } } else { Kind::New };
        match kind {
            Kind::Again { left } => {
                let from = self.unacknowledged.len() - left;
                self.unacknowledged.peek(from, events_max, |taken| show(taken, events, round));
            }
            Kind::New if self.room() > 0 => self.offer_new(events_max.min(self.room()), events, round),
            Kind::New => {}
        }
        let offered = &round.picks[picks..];
        let last = match (offered.last(), round.gaps.last()) {
            (Some(&GAP), Some(gap)) => gap.last,
            (Some(&pick), _) => round.events[pick as usize].sequence,
            (None, _) => Sequence(0),
        };
        let is_new = kind == Kind::New;
        self.state = State::Offered(Hand {
            events: if is_new { offered.len() - (round.gaps.len() - gaps) } else { 0 },
            last: if is_new { last } else { Sequence(0) },
            acknowledged: Sequence(0),
            wake: Wake::None,
        });
        round.offers.push(Offer {
            session: self.session,
            picks: picks..round.picks.len(),
            gaps: gaps..round.gaps.len(),
            kind,
            outcome: Outcome::Took(0),
        });
    }

    fn offer_new(&mut self, events_max: usize, events: &mut HeldEvents, round: &mut Round) {
        let losses = &mut self.losses;
        self.pending.take(events_max, |taken| {
            if let Taken::Gap(gap) = taken {
                Losses::of(losses).remember_gap(gap);
            }
            show(taken, events, round);
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
        let State::Offered(hand) = self.state else { unreachable!("an answer follows an offer") };
        let mut dropped = 0;
        match answer.kind {
            // Booked when they were handed over first; acknowledgements may have come meanwhile.
            Kind::Again { left } => self.again = (left - answer.gone.len()).min(self.unacknowledged.len()),
            Kind::New => {
                self.settle_gone(answer, round, events);
                self.put_back(answer, round);
                dropped = self.trim(events_max, events);
            }
        }
        self.forget_through(hand.acknowledged, events);
        if hand.wake == Wake::Resumed {
            self.again = self.unacknowledged.len();
        }
        let has_room = answer.room == Room::Left || hand.wake != Wake::None;
        self.state = if has_room { State::Idle } else { State::Lagging };
        self.list(ready);
        self.pending.give_back();
        dropped
    }

    fn settle_gone(&mut self, answer: &Answer<'_>, round: &Round, events: &mut HeldEvents) {
        let last = answer.gone_events(round).next_back().map(|index| events.sequence(index));
        let told = answer.told.last().map(|gap| gap.last);
        self.settled = self.settled.max(last.max(told).unwrap_or_default());
        let count = answer.gone_count() as u64;
        match answer.end {
            End::Delivered => self.delivered += count,
            End::Abandoned => {
                self.abandoned += count;
                self.lost_in_hand(answer, round, events);
            }
        }
        if answer.end == End::Delivered && self.window.is_some() {
            self.keep(answer, round);
        } else {
            answer.gone_events(round).for_each(|index| events.release(index));
        }
    }

    /// Keeps what was handed over until it is acknowledged, gaps too: who comes back may not have got them.
    fn keep(&mut self, answer: &Answer<'_>, round: &Round) {
        let mut gaps = answer.told.iter();
        for &pick in answer.gone {
            match pick {
                GAP => gaps.next().into_iter().for_each(|gap| self.unacknowledged.push_gap(*gap)),
                pick => self.unacknowledged.push(round.index(pick)),
            }
        }
    }

    /// Puts a gap before what is pending, for everything that an abandoned batch held: nobody knows what of it has
    /// reached the session, so all of it is missing.
    fn lost_in_hand(&mut self, answer: &Answer<'_>, round: &Round, events: &HeldEvents) {
        let lost = answer.gone_events(round).map(|index| Gap::of(events.sequence(index)));
        for gap in answer.untold.iter().copied().chain(lost) {
            self.pending.push_front_gap(gap);
        }
    }

    fn put_back(&mut self, answer: &Answer<'_>, round: &Round) {
        let mut gaps = answer.untold.iter().rev();
        for &pick in answer.kept.iter().rev() {
            match pick {
                GAP => self.pending.push_front_gap(*gaps.next().expect("a gap for each mark")),
                pick => self.pending.push_front_event(round.index(pick)),
            }
        }
    }

    /// The host can take more.
    pub fn writable(&mut self, ready: &mut VecDeque<SessionId>) {
        match &mut self.state {
            State::Offered(hand) if hand.wake == Wake::None => hand.wake = Wake::Writable,
            State::Lagging => {
                self.state = State::Idle;
                self.list(ready);
            }
            State::Offered(_) | State::Idle | State::Ready => {}
        }
    }

    /// The client has all events up to `through`; returns how many it had not acknowledged before.
    pub fn acknowledge(
        &mut self,
        through: Sequence,
        events: &mut HeldEvents,
        ready: &mut VecDeque<SessionId>,
    ) -> Result<usize, NotHandedOver> {
        let offered = if let State::Offered(hand) = self.state { hand.last } else { Sequence(0) };
        let last = self.settled.max(offered);
        if through > last {
            return Err(NotHandedOver(last));
        }
        if let State::Offered(hand) = &mut self.state {
            hand.acknowledged = hand.acknowledged.max(through);
        }
        let count = self.forget_through(through, events);
        self.list(ready);
        Ok(count)
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

    /// The client is gone for now: nothing is offered until it is back.
    pub fn park(&mut self) {
        self.parked = Parked::Yes;
        if self.state == State::Ready {
            self.state = State::Idle;
        }
    }

    /// The client is back, on a new connection: what it has not acknowledged comes again. Returns how many events that
    /// are, and how many wait behind them.
    pub fn resume(&mut self, ready: &mut VecDeque<SessionId>) -> (usize, usize) {
        self.parked = Parked::No;
        self.again = self.unacknowledged.len();
        match &mut self.state {
            State::Offered(hand) => hand.wake = Wake::Resumed,
            State::Lagging => self.state = State::Idle,
            State::Idle | State::Ready => {}
        }
        self.list(ready);
        (self.unacknowledged.events(), self.pending.events() + self.offered_events())
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

    /// Lets go of everything; returns how many events were pending. What the host has in hand is not among them.
    pub fn discard(self, events: &mut HeldEvents) -> u64 {
        self.pending.indices().chain(self.unacknowledged.indices()).for_each(|index| events.release(index));
        self.pending.events() as u64
    }

    /// What became of an event that was accepted for this session.
    pub fn fate(&self, sequence: Sequence, events: &HeldEvents) -> Fate {
        let mut pending = self.pending.indices();
        if let Some(ahead) = pending.position(|index| events.sequence(index) == sequence) {
            return Fate::Pending { ahead: ahead + self.offered_events() };
        }
        if let Some(gap) = self.pending.gaps().find(|gap| gap.covers(sequence)) {
            return Fate::Missed(gap);
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
            shed: self.shed,
            discarded: Discarded::default(),
            abandoned: self.abandoned,
            pending: (self.pending.events() + self.offered_events()) as u64,
        }
    }

    /// Checks the identity and the order, while no offer is out; returns the number of handles held.
    pub fn validate(&self, events_max: usize, events: &HeldEvents) -> Result<usize, String> {
        let session = self.session;
        self.pending.validate(events).map_err(|what| format!("{session:?}: {what}"))?;
        if !self.accounting().balances() {
            return Err(format!("{session:?} does not add up: {:?}", self.accounting()));
        }
        if self.pending.events() > events_max || matches!(self.state, State::Offered(_)) {
            return Err(format!("{session:?} has {} events pending, or an offer out", self.pending.events()));
        }
        self.unacknowledged.validate(events).map_err(|what| format!("{session:?}, not acknowledged: {what}"))?;
        let is_in_window = self.window.unwrap_or(0) >= self.unacknowledged.events();
        if !is_in_window || self.again > self.unacknowledged.len() {
            return Err(format!("{session:?}: {} events are not acknowledged", self.unacknowledged.events()));
        }
        Ok(self.pending.events() + self.unacknowledged.events())
    }
}
