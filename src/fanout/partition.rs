//! One partition: its sessions' queues, the list of those that are ready, the events they wait for, and the totals.
//!
//! Deterministic and single-owner; the locks are in `fanout.rs`. Every event accepted for a session is counted in
//! exactly one of delivered, dropped, discarded, abandoned and pending from then on: the identity.

use super::batch::{Offer, Outcome, Round};
use super::event::{Event, Sequence};
use super::fate::Fate;
use super::held_events::{HeldEvents, event_bytes};
use super::queue::{Answer, Busy, End, Queue};
use super::{FanoutOptions, OnPanic, OutboxError};
use crate::registry::{NoSuchSession, SessionId, SlotLayout};
use crate::stats::{Accounting, PartitionStats};
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

/// Whether the worker's place is taken.
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

    fn queue(&self, session: SessionId) -> Result<&Queue, NoSuchSession> {
        let queue = self.queues.get(session.place(self.layout)).and_then(Option::as_ref);
        queue.filter(|queue| queue.session == session).ok_or(NoSuchSession)
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
    pub fn close(&mut self, session: SessionId) {
        let place = session.place(self.layout);
        let Some(queue) = self.queues.get_mut(place).and_then(Option::take) else { return };
        debug_assert_eq!(queue.session, session, "the registry and the queues agree on who is connected");
        let count = queue.discard(&mut self.events);
        self.book_discarded(count, Ending::Disconnect);
        self.unlist_ended();
    }

    /// All sessions of the partition end.
    pub fn close_all(&mut self) {
        for queue in std::mem::take(&mut self.queues).into_iter().flatten() {
            let count = queue.discard(&mut self.events);
            self.book_discarded(count, Ending::PartitionDrop);
        }
        self.ready.clear();
    }

    fn book_discarded(&mut self, count: u64, ending: Ending) {
        let accounting = &mut self.totals.accounting;
        accounting.pending -= count;
        match ending {
            Ending::Disconnect => accounting.discarded.disconnect += count,
            Ending::PartitionDrop => accounting.discarded.partition_drop += count,
        }
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
            let queue = self.queues[session.place(self.layout)].as_mut();
            let queue = queue.expect("an audience made under the registry's lock holds connected sessions");
            dropped += queue.push(index, self.events_per_session_max, &mut self.events, &mut self.ready);
        }
        let accounting = &mut self.totals.accounting;
        accounting.accepted += sessions.len() as u64;
        accounting.dropped += dropped;
        accounting.pending += sessions.len() as u64;
        accounting.pending -= dropped;
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
            let Some(session) = self.ready.pop_front() else { return };
            let Some(queue) = find(&mut self.queues, self.layout, session) else { continue };
            if queue.unlist() {
                queue.offer(self.batch_max, &mut self.events, round);
            }
        }
    }

    /// Books what became of a round's offers, and puts back what was not taken.
    pub fn commit(&mut self, round: &Round) {
        for offer in &round.offers {
            self.totals.panics += u64::from(offer.outcome == Outcome::Panicked);
            let answer = Answer::of(offer, round, self.on_panic == OnPanic::Keep);
            self.book_gone(&answer, round);
            self.put_back(offer, &answer, round);
        }
    }

    fn book_gone(&mut self, answer: &Answer<'_>, round: &Round) {
        for &pick in answer.gone {
            self.events.release(round.events[pick as usize].index);
        }
        self.totals.gaps += u64::from(answer.told.is_some());
        let count = answer.gone.len() as u64;
        let accounting = &mut self.totals.accounting;
        accounting.pending -= count;
        match answer.end {
            End::Delivered => accounting.delivered += count,
            End::Abandoned => accounting.abandoned += count,
        }
    }

    fn put_back(&mut self, offer: &Offer, answer: &Answer<'_>, round: &Round) {
        if let Some(queue) = find(&mut self.queues, self.layout, offer.session) {
            let events_max = self.events_per_session_max;
            let dropped = queue.settle(answer, round, events_max, &mut self.events, &mut self.ready);
            self.totals.accounting.pending -= dropped;
            self.totals.accounting.dropped += dropped;
            return;
        }
        // The session ended while the host had the offer in hand.
        for &pick in answer.kept {
            self.events.release(round.events[pick as usize].index);
        }
        self.book_discarded(answer.kept.len() as u64, Ending::Disconnect);
    }

    /// The host can take more of a session's events.
    pub fn writable(&mut self, session: SessionId) {
        if let Some(queue) = find(&mut self.queues, self.layout, session) {
            queue.writable(&mut self.ready);
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
        queue.seat_outbox().map_err(|Busy| OutboxError::Busy)
    }

    pub fn unseat_outbox(&mut self, session: SessionId) {
        if let Some(queue) = find(&mut self.queues, self.layout, session) {
            queue.unseat_outbox(&mut self.ready);
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
        queue.offer(events_max, &mut self.events, round);
        round.offers[0].outcome = Outcome::Took(usize::MAX);
        self.commit(round);
        Ok(())
    }

    /// What became of an event that was accepted for this session.
    pub fn fate(&self, session: SessionId, sequence: Sequence) -> Fate {
        self.queue(session).map_or(Fate::NoSuchSession, |queue| queue.fate(sequence, &self.events))
    }

    pub fn accounting(&self, session: SessionId) -> Result<Accounting, NoSuchSession> {
        self.queue(session).map(Queue::accounting)
    }

    /// Checks every queue, and that the totals are what the queues hold. Only while no offer is out.
    pub fn validate(&self) -> Result<(), String> {
        let mut handles = 0;
        for queue in self.queues.iter().flatten() {
            handles += queue.validate(self.events_per_session_max, &self.events)?;
        }
        let totals = self.totals.accounting;
        if !totals.balances() || totals.pending != handles as u64 {
            return Err(format!("{handles} events are pending, counted: {totals:?}"));
        }
        self.events.validate(handles)
    }

    pub fn stats(&self) -> PartitionStats {
        let queues = || self.queues.iter().flatten();
        PartitionStats {
            sessions: queues().count(),
            ready: self.ready.len(),
            lagging: queues().filter(|queue| queue.is_lagging()).count(),
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
