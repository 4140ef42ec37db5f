//! One session's queue: what is pending, and whose turn it is. Only sessions of which there is something to remember
//! have one: see `roster.rs`.
//!
//! **An offer takes its events out of the queue.** While the host has them, the queue may fill up and drop its oldest
//! without touching what the host is looking at. What the host does not take goes back to the front, and if the queue
//! has become too long, its oldest are dropped.
//!
//! A session with a window is offered nothing new while that is full (`window.rs`).

use super::Overload;
use super::answer::{Answer, End, Room};
use super::batch::{GAP, Kind, Offer, Outcome, Round};
use super::event::{Gap, Sequence};
use super::fate::{Fate, Losses};
use super::held_events::HeldEvents;
use super::items::{Items, Taken};
use super::log::Entry;
use super::window::{NotHandedOver, Window};
use crate::registry::{Seat, SessionId, Topic};
use crate::stats::Accounting;
use smallvec::SmallVec;
use std::collections::VecDeque;

#[repr(align(64))] // two lines of memory; a third would be one more miss for each session that lags
pub(super) struct Queue {
    pub seat: Seat,
    /// The log's entries before this position are in the queue, or were.
    pub taken_in: u64,
    pending: Items,
    window: Option<Box<Window>>,
    losses: Option<Box<Losses>>,
    state: State,
    parked: Parked,
    reader: Reader,
    overflow: Overflow,
    /// Its handle is in the ready list, perhaps from an earlier time at which it was ready.
    is_listed: bool,
    /// Its place is in the list of those that will not need a queue once the log has gone on.
    pub is_resting: bool,
}

const _: () = assert!(size_of::<Queue>() <= 128);

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
    events: u32,
    wake: Wake,
    /// The first of the new items; beyond every sequence if there is none.
    first: Sequence,
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

/// Whether an event that it must not miss came from the log when it was full: it is about to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Overflow {
    No,
    Yes,
}

/// The session's events are in other hands.
pub(super) struct Busy;

/// What became of an event that was pushed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It is queued, or lost itself; so many events were dropped for it, or it was.
    Dropping(u64),
    /// The session cannot go on without it, and it is not in the queue.
    Overflowed,
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

impl Queue {
    pub fn new(seat: Seat, taken_in: u64) -> Self {
        Queue {
            seat,
            taken_in,
            pending: Items::default(),
            window: None,
            losses: None,
            state: State::Idle,
            parked: Parked::No,
            reader: Reader::Worker,
            overflow: Overflow::No,
            is_listed: false,
            is_resting: false,
        }
    }

    /// Of another session from here on, in the memory of the one before.
    pub fn reuse(&mut self, seat: Seat, taken_in: u64) {
        let pending = std::mem::take(&mut self.pending);
        *self = Queue { pending, ..Queue::new(seat, taken_in) };
        debug_assert!(self.pending.is_empty());
    }

    pub fn set_losses(&mut self, losses: Option<Box<Losses>>) {
        self.losses = losses;
    }

    pub fn take_losses(&mut self) -> Option<Box<Losses>> {
        self.losses.take()
    }

    pub fn set_window(&mut self, max: usize) {
        self.window = Some(Box::new(Window::new(max)));
    }

    /// Whether there is nothing to remember of the session but what it lost.
    pub fn is_plain(&self) -> bool {
        let is_at_rest = self.state == State::Idle && self.parked == Parked::No && self.reader == Reader::Worker;
        is_at_rest && !self.is_listed && self.pending.is_empty() && self.window.is_none()
    }

    pub fn is_lagging(&self) -> bool {
        self.state == State::Lagging
    }

    pub fn is_parked(&self) -> bool {
        self.parked == Parked::Yes
    }

    pub fn is_overflowing(&self) -> bool {
        self.overflow == Overflow::Yes
    }

    #[inline]
    pub fn has_no_events(&self) -> bool {
        self.pending.events() == 0
    }

    /// Events that wait, and those that the host has in hand for the first time.
    pub fn waiting(&self) -> usize {
        self.pending.events() + self.offered_events()
    }

    /// Events that wait.
    pub fn pending(&self) -> usize {
        self.pending.events()
    }

    /// The sequence of the oldest event that waits.
    pub fn oldest(&self, events: &HeldEvents) -> Option<Sequence> {
        self.pending.indices().next().map(|index| events.sequence(index))
    }

    /// Whether the worker has not handed it everything yet: what is parked or read through an outbox is not its affair.
    #[inline]
    pub fn is_owed(&self) -> bool {
        let has_pending = self.again() > 0 || !self.pending.is_empty();
        self.is_the_workers() && (has_pending || self.is_in_hand())
    }

    #[inline]
    fn is_the_workers(&self) -> bool {
        self.reader == Reader::Worker && self.parked == Parked::No
    }

    pub fn unacknowledged(&self) -> usize {
        self.window.as_ref().map_or(0, |window| window.events())
    }

    /// Whether the offer that the host has in hand is still for the connection that it was made for.
    pub fn stands(&self) -> bool {
        let is_back = matches!(self.state, State::Offered(hand) if hand.wake == Wake::Resumed);
        self.parked == Parked::No && !is_back
    }

    pub fn is_in_hand(&self) -> bool {
        matches!(self.state, State::Offered(_))
    }

    fn offered_events(&self) -> usize {
        if let State::Offered(hand) = self.state { hand.events as usize } else { 0 }
    }

    /// Items to be handed over again.
    fn again(&self) -> usize {
        self.window.as_ref().map_or(0, |window| window.again())
    }

    /// How many new events the session may be handed now.
    fn room(&self) -> usize {
        self.window.as_ref().map_or(usize::MAX, |window| window.room())
    }

    fn has_something(&self) -> bool {
        self.again() > 0 || (!self.pending.is_empty() && self.room() > 0)
    }

    /// Lists the session as ready if it is idle, has something, and is the worker's to serve.
    #[inline]
    fn list(&mut self, ready: &mut VecDeque<Seat>) {
        if self.state != State::Idle || !self.is_the_workers() || self.is_overflowing() || !self.has_something() {
            return;
        }
        self.state = State::Ready;
        if !self.is_listed {
            self.is_listed = true;
            ready.push_back(self.seat);
        }
    }

    /// Its entry has been taken from the ready list; whether it still waits for its turn.
    pub fn unlist(&mut self) -> bool {
        self.is_listed = false;
        if self.state == State::Ready && (!self.has_something() || self.is_overflowing()) {
            // What it waited with has been acknowledged since.
            self.state = State::Idle;
        }
        self.state == State::Ready
    }

    /// Takes in an event, once for each of its targets: the hot path of a publish. In a queue of `events_max` the
    /// overload policy decides what gives way.
    #[inline]
    pub fn push(
        &mut self,
        index: u32,
        overload: Overload,
        events_max: usize,
        events: &mut HeldEvents,
        ready: &mut VecDeque<Seat>,
    ) -> Pushed {
        let is_full = self.pending.events() >= events_max;
        let dropped = match overload {
            _ if !is_full => {
                self.pending.push(index);
                0
            }
            Overload::DropOldest => {
                self.pending.push(index);
                self.trim(events_max, events)
            }
            Overload::DropNewest => {
                self.pending.push_gap(Gap::of(events.sequence(index)));
                events.release(index);
                Losses::of(&mut self.losses).dropped += 1;
                1
            }
            Overload::Disconnect => return Pushed::Overflowed,
        };
        self.list(ready);
        Pushed::Dropping(dropped)
    }

    /// Takes in an event for which the session must end; it waits in the queue until then.
    pub fn overflow(&mut self, index: u32) {
        self.overflow = Overflow::Yes;
        self.pending.push(index);
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
        if dropped > 0 {
            Losses::of(&mut self.losses).dropped += dropped;
        }
        dropped
    }

    /// Whether it has events that nobody is about to read: it is lagging or parked, its window is full, or its owner
    /// reads it through an outbox.
    #[inline]
    pub fn has_unread(&self) -> bool {
        !self.has_no_events() && self.is_unread()
    }

    /// Whether nobody is about to read it.
    pub fn is_unread(&self) -> bool {
        let is_kept_back = self.state == State::Lagging || self.parked == Parked::Yes || self.room() == 0;
        is_kept_back || self.reader == Reader::Outbox
    }

    /// The oldest events that wait are lost, so many of them.
    pub fn drop_oldest(&mut self, count: usize, events: &mut HeldEvents) {
        self.trim(self.pending.events() - count, events);
    }

    /// Events that were never in the queue are lost, later ones than those that are.
    pub fn miss(&mut self, gap: Gap) {
        self.pending.push_gap(gap);
        Losses::of(&mut self.losses).dropped += gap.count;
    }

    /// Whether it may take in later what passes bring: nobody is about to read it, nor to end it. Who waits for the
    /// worker has something in its queue, or nobody would know that it is owed what it lacks.
    pub fn may_stay_behind(&self) -> bool {
        self.is_unread() && !self.is_overflowing() && (self.is_owed() || !self.is_the_workers())
    }

    /// Drops the older half of what is pending, to make room in the partition; returns how many.
    pub fn shed(&mut self, events: &mut HeldEvents) -> u64 {
        let shed = self.trim(self.pending.events() / 2, events);
        if shed > 0 {
            Losses::of(&mut self.losses).shed += shed;
        }
        self.pending.give_back();
        shed
    }

    /// Puts what is to be handed over next into the round: what was not acknowledged, or else what is pending; at most
    /// `events_max` events. Nothing for a session that is parked.
    pub fn offer(&mut self, session: SessionId, events_max: usize, events: &mut HeldEvents, round: &mut Round) {
        if self.parked == Parked::Yes {
            return;
        }
        let (picks, gaps) = (round.picks.len(), round.gaps.len());
        let kind = if self.again() > 0 { Kind::Again { left: self.again() } } else { Kind::New };
        let room = self.room();
        match (&self.window, kind) {
            (Some(window), Kind::Again { .. }) => {
                window.show_again(events_max, |taken| show(taken, events, round));
            }
            _ if room > 0 => self.offer_new(events_max.min(room), events, round),
            _ => {}
        }
        let offered = picks..round.picks.len();
        self.state = State::Offered(match kind {
            Kind::New => Hand {
                events: (offered.len() - (round.gaps.len() - gaps)) as u32,
                wake: Wake::None,
                first: round.picks[offered.clone()].first().map_or(Sequence(u64::MAX), |&pick| match pick {
                    GAP => round.gaps[gaps].first,
                    pick => round.events[pick as usize].sequence,
                }),
            },
            Kind::Again { .. } => Hand { events: 0, wake: Wake::None, first: Sequence(u64::MAX) },
        });
        if let Some(window) = &mut self.window {
            window.offered(match (kind, round.picks[offered.clone()].last(), round.gaps.last()) {
                (Kind::Again { .. }, ..) | (_, None, _) => Sequence(0),
                (_, Some(&GAP), gap) => gap.map_or(Sequence(0), |gap| gap.last),
                (_, Some(&pick), _) => round.events[pick as usize].sequence,
            });
        }
        round.offers.push(Offer {
            seat: self.seat,
            session,
            picks: offered,
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

    /// The session, which waits for its turn, waits with this event.
    pub fn waits_with(&mut self, index: u32) {
        self.pending.push(index);
        (self.state, self.is_listed) = (State::Ready, true);
    }

    /// The host has been offered events that were never in the queue.
    pub fn offered(&mut self, events: u32, first: Sequence) {
        self.state = State::Offered(Hand { events, wake: Wake::None, first });
    }

    /// Books what became of the offer, and puts back what was not taken. Returns how many of those were dropped.
    pub fn settle(
        &mut self,
        answer: &Answer<'_>,
        round: &Round,
        events_max: usize,
        events: &mut HeldEvents,
        ready: &mut VecDeque<Seat>,
    ) -> u64 {
        let State::Offered(hand) = self.state else { unreachable!("an answer follows an offer") };
        let mut dropped = 0;
        match (answer.kind, &mut self.window) {
            // Booked when they were handed over first.
            (Kind::Again { left }, Some(window)) => window.came_again(left - answer.gone.len()),
            _ => {
                self.settle_gone(answer, round, events);
                self.put_back(answer, round);
                dropped = self.trim(events_max, events);
            }
        }
        if let Some(window) = &mut self.window {
            window.answered(events);
            if hand.wake == Wake::Resumed {
                window.hand_again();
            }
        }
        let has_room = answer.room == Room::Left || hand.wake != Wake::None;
        self.state = if has_room { State::Idle } else { State::Lagging };
        self.list(ready);
        self.pending.give_back();
        dropped
    }

    fn settle_gone(&mut self, answer: &Answer<'_>, round: &Round, events: &mut HeldEvents) {
        if answer.end == End::Abandoned {
            Losses::of(&mut self.losses).abandoned += answer.gone_count() as u64;
            self.lost_in_hand(answer, round, events);
        }
        let Some(window) = &mut self.window else {
            answer.gone_events(round).for_each(|index| events.release(index));
            return;
        };
        let last = answer.gone_events(round).next_back().map(|index| events.sequence(index));
        let gaps = if answer.end == End::Abandoned { answer.untold } else { answer.told };
        let told = gaps.last().map(|gap| gap.last);
        window.settle(last.max(told).unwrap_or_default());
        match answer.end {
            End::Delivered => window.keep(answer, round),
            End::Abandoned => answer.gone_events(round).for_each(|index| events.release(index)),
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
    pub fn writable(&mut self, ready: &mut VecDeque<Seat>) {
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
        ready: &mut VecDeque<Seat>,
    ) -> Result<usize, NotHandedOver> {
        // Without a window nothing is kept, so there is nothing to acknowledge.
        let Some(window) = &mut self.window else { return Ok(0) };
        let count = window.acknowledge(through, events)?;
        self.list(ready);
        Ok(count)
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
    pub fn resume(&mut self, ready: &mut VecDeque<Seat>) -> (usize, usize) {
        self.parked = Parked::No;
        let again = self.window.as_mut().map_or(0, |window| window.hand_again());
        match &mut self.state {
            State::Offered(hand) => hand.wake = Wake::Resumed,
            State::Lagging => self.state = State::Idle,
            State::Idle | State::Ready => {}
        }
        self.list(ready);
        (again, self.waiting())
    }

    /// From now on the session is read through an outbox, not by the worker.
    pub fn open_outbox(&mut self) -> Result<(), Busy> {
        if self.reader == Reader::Outbox || self.is_in_hand() {
            return Err(Busy);
        }
        self.reader = Reader::Outbox;
        self.state = State::Idle;
        Ok(())
    }

    pub fn close_outbox(&mut self, ready: &mut VecDeque<Seat>) {
        self.reader = Reader::Worker;
        self.list(ready);
    }

    /// Whether the session's events are in other hands, or about to be discarded.
    pub fn is_busy(&self) -> bool {
        self.is_in_hand() || self.reader == Reader::Outbox || self.is_overflowing()
    }

    /// Handles of all events: those that wait, and those that were not acknowledged.
    pub fn indices(&self) -> impl Iterator<Item = u32> + '_ {
        self.pending.indices().chain(self.window.iter().flat_map(|window| window.indices()))
    }

    /// The session has come to another partition, where its events have other handles.
    pub fn come_to(&mut self, seat: Seat, taken_in: u64, name: impl Fn(u32) -> u32, ready: &mut VecDeque<Seat>) {
        (self.seat, self.taken_in) = (seat, taken_in);
        (self.is_listed, self.is_resting) = (false, false);
        self.pending.rename(&name);
        if let Some(window) = &mut self.window {
            window.rename(&name);
        }
        if self.state == State::Ready {
            self.state = State::Idle;
        }
        self.list(ready);
    }

    /// Discards the pending events that `is_wanted` does not want; returns how many.
    pub fn discard_unwanted(&mut self, is_wanted: impl Fn(&[Topic]) -> bool, events: &mut HeldEvents) -> u64 {
        let mut unwanted = SmallVec::<[u32; 8]>::new();
        self.pending.retain(|index| is_wanted(events.topics(index)), |index| unwanted.push(index));
        let Some(&last) = unwanted.last() else { return 0 };
        let losses = Losses::of(&mut self.losses);
        losses.discarded += unwanted.len() as u64;
        losses.forget_through(events.sequence(last));
        unwanted.iter().for_each(|index| events.release(*index));
        unwanted.len() as u64
    }

    /// Lets go of everything; returns how many events were pending. What the host has in hand is not among them.
    pub fn discard(&mut self, events: &mut HeldEvents) -> u64 {
        self.indices().for_each(|index| events.release(index));
        let count = self.pending.events();
        self.pending.clear();
        count as u64
    }

    /// What waits.
    pub fn items(&self) -> &Items {
        &self.pending
    }

    /// What will wait when these entries have been taken in, none of which ends the session.
    pub fn caught_up<'a>(
        &self,
        entries: impl Iterator<Item = &'a Entry>,
        events_max: usize,
        events: &HeldEvents,
    ) -> Items {
        let mut items = self.pending.clone();
        for entry in entries {
            if items.events() < events_max || entry.overload != Overload::DropNewest {
                items.push(entry.index);
            } else {
                items.push_gap(Gap::of(events.sequence(entry.index)));
            }
            if items.events() > events_max {
                items.lose_oldest(events);
            }
        }
        items
    }

    /// What became of an event that was accepted for this session, if these are the items that wait for it.
    pub fn fate(&self, sequence: Sequence, items: &Items, events: &HeldEvents) -> Fate {
        let mut pending = items.indices();
        if let Some(ahead) = pending.position(|index| events.sequence(index) == sequence) {
            return Fate::Pending { ahead: ahead + self.offered_events() };
        }
        if let Some(gap) = items.gaps().find(|gap| gap.covers(sequence)) {
            return Fate::Missed(gap);
        }
        match self.losses.as_ref().and_then(|losses| losses.fate(sequence)) {
            Some(fate) => fate,
            None if matches!(self.state, State::Offered(hand) if hand.first <= sequence) => Fate::Offered,
            None => Fate::HandedOver,
        }
    }

    /// What became of everything that was accepted and is not in the log, but for what was delivered.
    pub fn accounting(&self) -> Accounting {
        let accounting = self.losses.as_deref().map(Losses::accounting).unwrap_or_default();
        let pending = self.waiting() as u64;
        Accounting { accepted: accounting.accepted + pending, pending, ..accounting }
    }

    /// Checks the order and the limits, while no offer is out; returns the number of handles held.
    pub fn validate(&self, events_max: usize, events: &HeldEvents) -> Result<usize, String> {
        let seat = self.seat;
        self.pending.validate(events).map_err(|what| format!("{seat:?}: {what}"))?;
        let is_too_long = self.pending.events() > events_max && !self.is_overflowing();
        if is_too_long || self.is_in_hand() {
            return Err(format!("{seat:?} has {} events pending, or an offer out", self.pending.events()));
        }
        if let Some(window) = &self.window {
            window.validate(events).map_err(|what| format!("{seat:?}, not acknowledged: {what}"))?;
        }
        Ok(self.pending.events() + self.unacknowledged())
    }
}
