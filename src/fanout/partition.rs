//! One partition's queues: what each session still has to get, and what became of everything else.
//!
//! Deterministic and single-owner; the locks are in `fanout.rs`. Every event accepted for a session is counted in
//! exactly one of delivered, dropped, discarded, abandoned and pending from then on: the identity.
//!
//! **An offer takes its events out of the queue.** While the host has them, the queue may fill up and drop its oldest
//! without touching what the host is looking at. What the host does not take goes back to the front, and if the queue
//! has become too long, its oldest are dropped. A full queue stays full while an offer is out, so a gap that arose
//! meanwhile swallows all that comes back, and a session has at most one gap: at the front.

use super::batch::{Offer, Outcome, Round};
use super::event::{Event, Gap, Sequence};
use super::fate::{Fate, Losses};
use super::held_events::{HeldEvents, event_bytes};
use super::{FanoutOptions, OnPanic, OutboxError};
use crate::registry::{NoSuchSession, SessionId, SlotLayout};
use crate::stats::{Accounting, Discarded, PartitionStats};
use std::collections::VecDeque;
use std::sync::Arc;

/// What one event costs in a session's queue.
const HANDLE_BYTES: usize = size_of::<u32>();

pub(super) struct Partition {
    layout: SlotLayout,
    events_per_session_max: usize,
    batch_max: usize,
    bytes_max: usize,
    on_panic: OnPanic,
    /// By the session's place. A place whose session is gone holds `None`.
    queues: Vec<Option<Queue>>,
    /// Sessions to offer to, in turn. May name sessions that have nothing to get any more.
    ready: VecDeque<SessionId>,
    events: HeldEvents,
    totals: Totals,
    worker: Seat,
}

/// Whether a reader has taken its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seat {
    Free,
    Taken,
}

/// Counters of a whole partition.
#[derive(Default)]
struct Totals {
    accounting: Accounting,
    refused: u64,
    gaps: u64,
    panics: u64,
}

/// One session's pending events.
struct Queue {
    session: SessionId,
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
    delivered: u64,
    dropped: u64,
    abandoned: u64,
    accepted: u64,
    /// Everything up to here has been handed over, dropped or abandoned.
    settled: Sequence,
    losses: Option<Box<Losses>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing to offer.
    Idle,
    /// In the ready list.
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

/// Why a session's events are discarded.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    Disconnect,
    PartitionDrop,
}

/// The partition's memory would grow beyond its budget.
pub(super) struct OverBudget;

/// The partition has a worker.
pub(super) struct Taken;

impl Queue {
    fn new(session: SessionId) -> Self {
        Queue {
            session,
            gap: None,
            pending: VecDeque::new(),
            offered: 0,
            state: State::Idle,
            is_listed: false,
            reader: Reader::Worker,
            delivered: 0,
            dropped: 0,
            abandoned: 0,
            accepted: 0,
            settled: Sequence(0),
            losses: None,
        }
    }

    fn pending(&self) -> usize {
        self.pending.len() + self.offered
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

    fn drop_event(&mut self, sequence: Sequence) {
        let gap = Gap::of(sequence);
        self.gap = Some(self.gap.map_or(gap, |before| before.joined_by(gap)));
        self.dropped += 1;
    }
}

impl Partition {
    pub fn new(layout: SlotLayout, options: &FanoutOptions) -> Self {
        Partition {
            layout,
            events_per_session_max: options.events_per_session_max.max(1),
            batch_max: options.batch_max.max(1),
            bytes_max: options.bytes_per_partition_max,
            on_panic: options.on_panic,
            queues: Vec::new(),
            ready: VecDeque::new(),
            events: HeldEvents::default(),
            totals: Totals::default(),
            worker: Seat::Free,
        }
    }

    fn queue(&self, session: SessionId) -> Option<&Queue> {
        let queue = self.queues.get(session.place(self.layout))?.as_ref()?;
        (queue.session == session).then_some(queue)
    }

    /// A session begins, with nothing pending.
    pub fn open(&mut self, session: SessionId) {
        let place = session.place(self.layout);
        if place >= self.queues.len() {
            self.queues.resize_with(place + 1, || None);
        }
        self.queues[place] = Some(Queue::new(session));
    }

    /// A session ends: what is pending is discarded. What the host has in hand stays pending until it answers.
    pub fn close(&mut self, session: SessionId, ending: Ending) {
        let place = session.place(self.layout);
        let Some(queue) = self.queues.get_mut(place).and_then(Option::take) else {
            return;
        };
        debug_assert_eq!(queue.session, session, "the registry and the queues agree on who is connected");
        self.discard(queue, ending);
        self.unlist_ended();
    }

    /// Sessions that end leave their entry in the ready list. Without a drain it would grow for ever.
    fn unlist_ended(&mut self) {
        if self.ready.len() > 2 * self.queues.len() + 64 {
            let (queues, layout) = (&self.queues, self.layout);
            self.ready.retain(|session| {
                queues[session.place(layout)].as_ref().is_some_and(|queue| queue.session == *session)
            });
        }
    }

    /// All sessions of the partition end.
    pub fn close_all(&mut self) {
        for queue in std::mem::take(&mut self.queues).into_iter().flatten() {
            self.discard(queue, Ending::PartitionDrop);
        }
        self.ready.clear();
    }

    fn discard(&mut self, queue: Queue, ending: Ending) {
        let count = queue.pending.len() as u64;
        for index in queue.pending {
            self.events.release(index);
        }
        let accounting = &mut self.totals.accounting;
        accounting.pending -= count;
        let Discarded { disconnect, partition_drop } = &mut accounting.discarded;
        *match ending {
            Ending::Disconnect => disconnect,
            Ending::PartitionDrop => partition_drop,
        } += count;
    }

    /// Bytes of everything that is pending.
    fn bytes(&self) -> usize {
        self.events.bytes() + self.totals.accounting.pending as usize * HANDLE_BYTES
    }

    /// Puts an event into the queues of these sessions, all of which are connected here.
    pub fn accept(&mut self, sessions: &[SessionId], sequence: Sequence, event: &Arc<Event>) -> Result<(), OverBudget> {
        let needed = event_bytes(event) + sessions.len() * HANDLE_BYTES;
        if self.bytes() + needed > self.bytes_max {
            self.totals.refused += sessions.len() as u64;
            return Err(OverBudget);
        }
        let index = self.events.insert(sequence, Arc::clone(event), sessions.len());
        let mut dropped = 0;
        for &session in sessions {
            let queue = self.queues[session.place(self.layout)]
                .as_mut()
                .expect("an audience made under the registry's lock holds connected sessions");
            if queue.pending.len() == self.events_per_session_max {
                drop_oldest(queue, &mut self.events);
                dropped += 1;
            }
            queue.pending.push_back(index);
            queue.accepted += 1;
            queue.list(&mut self.ready);
        }
        let accounting = &mut self.totals.accounting;
        accounting.accepted += sessions.len() as u64;
        accounting.dropped += dropped;
        accounting.pending += sessions.len() as u64 - dropped;
        Ok(())
    }

    /// Entries of the ready list.
    pub fn ready_len(&self) -> usize {
        self.ready.len()
    }

    /// Fills a round with offers to at most `sessions_max` sessions, the next in turn. Looks at no more than `entries`
    /// entries of the ready list, some of which may be of sessions that have nothing to get any more, and takes what
    /// it has looked at from that number.
    pub fn offer(&mut self, round: &mut Round, sessions_max: usize, entries: &mut usize) {
        round.clear();
        while round.offers.len() < sessions_max && *entries > 0 {
            *entries -= 1;
            let Some(session) = self.ready.pop_front() else {
                return;
            };
            let Some(queue) = find(&mut self.queues, self.layout, session) else {
                continue;
            };
            queue.is_listed = false;
            if queue.state == State::Ready {
                take(queue, &mut self.events, round, self.batch_max);
            }
        }
    }

    /// Books what became of a round's offers, and puts back what was not taken.
    pub fn commit(&mut self, round: &Round) {
        for offer in &round.offers {
            self.commit_offer(offer, round);
        }
    }

    fn commit_offer(&mut self, offer: &Offer, round: &Round) {
        let picks = &round.picks[offer.picks.clone()];
        let items = usize::from(offer.gap.is_some()) + picks.len();
        let (taken, panicked) = match offer.outcome {
            Outcome::Took(taken) => (taken.min(items), false),
            Outcome::Panicked if self.on_panic == OnPanic::Abandon => (items, true),
            Outcome::Panicked => (0, true),
        };
        let told_gap = offer.gap.filter(|_| taken > 0);
        let kept_gap = offer.gap.filter(|_| taken == 0);
        let taken_events = taken - usize::from(told_gap.is_some());
        let (gone, kept) = picks.split_at(taken_events);

        self.totals.panics += u64::from(panicked);
        self.totals.gaps += u64::from(told_gap.is_some());
        let accounting = &mut self.totals.accounting;
        accounting.pending -= gone.len() as u64;
        *if panicked { &mut accounting.abandoned } else { &mut accounting.delivered } += gone.len() as u64;
        for &pick in gone {
            self.events.release(round.events[pick as usize].index);
        }

        let Some(queue) = find(&mut self.queues, self.layout, offer.session) else {
            // The session ended while the host had the offer in hand.
            for &pick in kept {
                self.events.release(round.events[pick as usize].index);
            }
            let accounting = &mut self.totals.accounting;
            accounting.pending -= kept.len() as u64;
            accounting.discarded.disconnect += kept.len() as u64;
            return;
        };
        let sequence_of = |pick: &u32| round.events[*pick as usize].sequence;
        queue.offered = 0;
        if let Some(last) = gone.last() {
            queue.settled = queue.settled.max(sequence_of(last));
        }
        if let Some(gap) = told_gap {
            queue.settled = queue.settled.max(gap.last);
        }
        if panicked && let (Some(first), Some(last)) = (gone.first(), gone.last()) {
            queue.abandoned += gone.len() as u64;
            Losses::of(&mut queue.losses).remember_abandoned(sequence_of(first), sequence_of(last));
        } else {
            queue.delivered += gone.len() as u64;
        }

        // Back to the front; a gap that arose meanwhile is newer than all that comes back.
        let newer_gap = queue.gap.take();
        queue.gap = kept_gap;
        for pick in kept.iter().rev() {
            queue.pending.push_front(round.events[*pick as usize].index);
        }
        let mut dropped = 0;
        while queue.pending.len() > self.events_per_session_max {
            drop_oldest(queue, &mut self.events);
            dropped += 1;
        }
        if let Some(newer) = newer_gap {
            queue.gap = Some(queue.gap.map_or(newer, |older| older.joined_by(newer)));
        }
        self.totals.accounting.pending -= dropped;
        self.totals.accounting.dropped += dropped;

        let has_room = taken == items && !panicked;
        let woken = queue.state == State::Offered(Wake::Writable);
        queue.state = if has_room || woken { State::Idle } else { State::Lagging };
        queue.list(&mut self.ready);
    }

    /// The host can take more of a session's events.
    pub fn writable(&mut self, session: SessionId) {
        let Some(queue) = find(&mut self.queues, self.layout, session) else {
            return;
        };
        match queue.state {
            State::Offered(_) => queue.state = State::Offered(Wake::Writable),
            State::Lagging => {
                queue.state = State::Idle;
                queue.list(&mut self.ready);
            }
            State::Idle | State::Ready => {}
        }
    }

    pub fn seat_worker(&mut self) -> Result<(), Taken> {
        match std::mem::replace(&mut self.worker, Seat::Taken) {
            Seat::Free => Ok(()),
            Seat::Taken => Err(Taken),
        }
    }

    pub fn unseat_worker(&mut self) {
        self.worker = Seat::Free;
    }

    /// From now on the session is read through an outbox, not by the worker.
    pub fn seat_outbox(&mut self, session: SessionId) -> Result<(), OutboxError> {
        let queue = find(&mut self.queues, self.layout, session).ok_or(OutboxError::NoSuchSession)?;
        if queue.reader == Reader::Outbox || matches!(queue.state, State::Offered(_)) {
            return Err(OutboxError::Busy);
        }
        queue.reader = Reader::Outbox;
        queue.state = State::Idle;
        Ok(())
    }

    pub fn unseat_outbox(&mut self, session: SessionId) {
        if let Some(queue) = find(&mut self.queues, self.layout, session) {
            queue.reader = Reader::Worker;
            queue.list(&mut self.ready);
        }
    }

    /// Takes at most `events_max` events, and a gap before them, of a session read through an outbox.
    pub fn take_batch(
        &mut self,
        session: SessionId,
        events_max: usize,
        round: &mut Round,
    ) -> Result<(), NoSuchSession> {
        round.clear();
        let queue = find(&mut self.queues, self.layout, session).ok_or(NoSuchSession)?;
        take(queue, &mut self.events, round, events_max);
        round.offers[0].outcome = Outcome::Took(usize::MAX);
        self.commit(round);
        Ok(())
    }

    /// What became of an event that was accepted for this session.
    pub fn fate(&self, session: SessionId, sequence: Sequence) -> Fate {
        let Some(queue) = self.queue(session) else {
            return Fate::NoSuchSession;
        };
        let ahead = queue.pending.partition_point(|&index| self.events.sequence(index) < sequence);
        if queue.pending.get(ahead).is_some_and(|&index| self.events.sequence(index) == sequence) {
            return Fate::Pending { ahead: ahead + queue.offered };
        }
        if let Some(gap) = queue.gap.filter(|gap| gap.covers(sequence)) {
            return Fate::Dropped(gap);
        }
        let lost = queue.losses.as_ref().and_then(|losses| losses.fate(sequence));
        match lost {
            Some(fate) => fate,
            None if sequence > queue.settled => Fate::Offered,
            None => Fate::HandedOver,
        }
    }

    pub fn accounting(&self, session: SessionId) -> Result<Accounting, NoSuchSession> {
        let queue = self.queue(session).ok_or(NoSuchSession)?;
        Ok(Accounting {
            accepted: queue.accepted,
            delivered: queue.delivered,
            dropped: queue.dropped,
            discarded: Discarded::default(),
            abandoned: queue.abandoned,
            pending: queue.pending() as u64,
        })
    }

    /// Checks the identity of every session, and that the totals are what the queues hold. Only while no offer is out.
    pub fn validate(&self) -> Result<(), String> {
        let mut holders = 0;
        for queue in self.queues.iter().flatten() {
            let session = queue.session;
            let accounting = self.accounting(session).map_err(|error| format!("{session:?}: {error}"))?;
            if !accounting.balances() {
                return Err(format!("{session:?} does not add up: {accounting:?}"));
            }
            if queue.pending.len() > self.events_per_session_max || queue.offered > 0 {
                return Err(format!("{session:?} has {} pending, {} offered", queue.pending.len(), queue.offered));
            }
            let sequences = queue.pending.iter().map(|&index| self.events.sequence(index));
            let gap_end = queue.gap.map_or(Sequence(0), |gap| gap.last);
            if !std::iter::once(gap_end).chain(sequences).is_sorted_by(|a, b| a < b) {
                return Err(format!("{session:?}: gap and events are out of order"));
            }
            holders += queue.pending.len();
        }
        let totals = self.totals.accounting;
        if !totals.balances() || totals.pending != holders as u64 {
            return Err(format!("{holders} events are pending, counted: {totals:?}"));
        }
        self.events.validate(holders)
    }

    pub fn stats(&self) -> PartitionStats {
        let queues = || self.queues.iter().flatten();
        let lagging = queues().filter(|queue| queue.state == State::Lagging).count();
        PartitionStats {
            sessions: queues().count(),
            ready: self.ready.len(),
            lagging,
            events_held: self.events.len(),
            bytes: self.bytes(),
            refused: self.totals.refused,
            gaps: self.totals.gaps,
            panics: self.totals.panics,
            accounting: self.totals.accounting,
        }
    }
}

/// The queue of a session that is connected.
fn find(queues: &mut [Option<Queue>], layout: SlotLayout, session: SessionId) -> Option<&mut Queue> {
    let queue = queues.get_mut(session.place(layout))?.as_mut()?;
    (queue.session == session).then_some(queue)
}

fn drop_oldest(queue: &mut Queue, events: &mut HeldEvents) {
    let Some(oldest) = queue.pending.pop_front() else {
        return;
    };
    queue.drop_event(events.sequence(oldest));
    events.release(oldest);
}

/// Moves a session's gap and at most `events_max` of its events into the round.
fn take(queue: &mut Queue, events: &mut HeldEvents, round: &mut Round, events_max: usize) {
    let count = queue.pending.len().min(events_max);
    let start = round.picks.len();
    for index in queue.pending.drain(..count) {
        let pick = events.share(index, round);
        round.picks.push(pick);
    }
    queue.offered = count;
    queue.state = State::Offered(Wake::None);
    let gap = queue.gap.take();
    if let Some(gap) = gap {
        Losses::of(&mut queue.losses).remember_gap(gap);
    }
    round.offers.push(Offer {
        session: queue.session,
        gap,
        picks: start..round.picks.len(),
        outcome: Outcome::Took(0),
    });
}
