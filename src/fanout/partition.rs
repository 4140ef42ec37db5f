//! One partition: its sessions' queues, the lists of those that are ready, the events they wait for, and the totals.
//!
//! Deterministic and single-owner; the locks are in `fanout.rs`. Every event accepted for a session is counted in
//! exactly one of delivered, dropped, discarded, abandoned and pending from then on: the identity.
//!
//! **The budget** is one number of bytes for all queues. When it is used up, the sessions that nobody is about to read
//! give way first: each drops the older half of its queue, with an exact gap, until there is room. Only when what is
//! left waits for a worker that does not come is an event refused.

use super::batch::{Kind, Offer, Outcome, Round};
use super::event::{Event, Sequence};
use super::fate::Fate;
use super::held_events::{HeldEvents, bytes_for};
use super::queue::{Answer, Busy, End, NotHandedOver, Pushed, Queue};
use super::{AcknowledgeError, FanoutOptions, OnPanic, Openness, OutboxError, Overload, Readiness, Resumed};
use crate::registry::{NoSuchSession, SessionId, SlotLayout};
use crate::stats::{Accounting, PartitionStats};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Waker};

pub(super) struct Partition {
    layout: SlotLayout,
    events_per_session_max: usize,
    batch_max: usize,
    bytes_max: usize,
    on_panic: OnPanic,
    /// By the session's place. A place whose session is gone holds `None`.
    queues: Vec<Option<Queue>>,
    /// Sessions that are offered something in this drain, and those that have become ready since it began. Both may
    /// name sessions that have nothing to get any more.
    turn: VecDeque<SessionId>,
    ready: VecDeque<SessionId>,
    /// Sessions that may have to give way when the budget is used up; some of them no more.
    unread: VecDeque<SessionId>,
    events: HeldEvents,
    totals: Totals,
    worker: Seat,
    /// Of a worker that waits for something to do.
    waker: Option<Waker>,
    openness: Openness,
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
    sessions: usize,
    lagging: usize,
    parked: usize,
    /// Sessions that the worker has not handed everything yet.
    owed: usize,
    unacknowledged: usize,
    refused: u64,
    gaps: u64,
    panics: u64,
}

/// Why a session's events are discarded.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    Disconnect,
    PartitionDrop,
    Overflow,
}

/// The partition's memory would grow beyond its budget.
pub(super) struct OverBudget;

/// The partition has a worker.
pub(super) struct HasWorker;

/// What a publish did in a partition.
pub(super) struct Accepted {
    pub count: usize,
    /// Sessions that cannot go on without the event, for which their queues had no room.
    pub overflowed: Vec<SessionId>,
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
            turn: VecDeque::new(),
            ready: VecDeque::new(),
            unread: VecDeque::new(),
            events: HeldEvents::default(),
            totals: Totals::default(),
            worker: Seat::Free,
            waker: None,
            openness: Openness::Open,
        }
    }

    fn queue(&self, session: SessionId) -> Result<&Queue, NoSuchSession> {
        let queue = self.queues.get(session.place(self.layout)).and_then(Option::as_ref);
        queue.filter(|queue| queue.session == session).ok_or(NoSuchSession)
    }

    /// Changes a session's queue, and the totals with it.
    fn change<T>(
        &mut self,
        session: SessionId,
        change: impl FnOnce(&mut Queue, &mut HeldEvents, &mut VecDeque<SessionId>) -> T,
    ) -> Result<T, NoSuchSession> {
        let queue = self.queues.get_mut(session.place(self.layout)).and_then(Option::as_mut);
        let queue = queue.filter(|queue| queue.session == session).ok_or(NoSuchSession)?;
        self.totals.forget(queue);
        let changed = change(queue, &mut self.events, &mut self.ready);
        self.totals.count(queue);
        if queue.is_unread() && !queue.is_listed_unread {
            queue.is_listed_unread = true;
            self.unread.push_back(session);
        }
        Ok(changed)
    }

    /// Whether the session has not ended.
    pub fn is_open(&self, session: SessionId) -> bool {
        self.queue(session).is_ok()
    }

    /// Whether an offer to this session still is for the connection that it was made for.
    pub fn stands(&self, session: SessionId) -> bool {
        self.queue(session).is_ok_and(Queue::stands)
    }

    /// A session begins, with nothing pending.
    pub fn open(&mut self, session: SessionId, window: Option<usize>) {
        let place = session.place(self.layout);
        if place >= self.queues.len() {
            self.queues.resize_with(place + 1, || None);
        }
        self.queues[place] = Some(Queue::new(session, window));
        self.totals.sessions += 1;
    }

    /// A session ends: what is pending is discarded. What the host has in hand stays pending until it answers.
    pub fn close(&mut self, session: SessionId, ending: Ending) {
        let place = session.place(self.layout);
        let Some(queue) = self.queues.get_mut(place).and_then(Option::take) else { return };
        debug_assert_eq!(queue.session, session, "the registry and the queues agree on who is connected");
        self.discard(queue, ending);
        self.unlist_ended();
    }

    /// All sessions of the partition end.
    pub fn close_all(&mut self) {
        for queue in std::mem::take(&mut self.queues).into_iter().flatten() {
            self.discard(queue, Ending::PartitionDrop);
        }
        self.turn.clear();
        self.ready.clear();
        self.unread.clear();
    }

    fn discard(&mut self, queue: Queue, ending: Ending) {
        self.totals.forget(&queue);
        self.totals.sessions -= 1;
        let count = queue.discard(&mut self.events);
        self.book_discarded(count, ending);
    }

    fn book_discarded(&mut self, count: u64, ending: Ending) {
        let accounting = &mut self.totals.accounting;
        accounting.pending -= count;
        match ending {
            Ending::Disconnect => accounting.discarded.disconnect += count,
            Ending::PartitionDrop => accounting.discarded.partition_drop += count,
            Ending::Overflow => accounting.discarded.overflow += count,
        }
    }

    /// Sessions that end leave their entries in the lists. Without a drain those would grow for ever.
    fn unlist_ended(&mut self) {
        let (queues, layout) = (&self.queues, self.layout);
        let is_there =
            |session: &SessionId| queues[session.place(layout)].as_ref().is_some_and(|queue| queue.session == *session);
        for list in [&mut self.turn, &mut self.ready, &mut self.unread] {
            if list.len() > 2 * queues.len() + 64 {
                list.retain(is_there);
            }
        }
    }

    /// Puts an event into the queues of these sessions, all of which are connected here.
    pub fn accept(
        &mut self,
        sessions: &[SessionId],
        sequence: Sequence,
        event: &Arc<Event>,
        overload: Overload,
    ) -> Result<Accepted, OverBudget> {
        if !self.make_room(bytes_for(event, sessions.len())) {
            self.totals.refused += sessions.len() as u64;
            return Err(OverBudget);
        }
        let index = self.events.insert(sequence, Arc::clone(event), sessions.len());
        let mut overflowed = Vec::new();
        let mut dropped = 0;
        for &session in sessions {
            let queue = self.queues[session.place(self.layout)].as_mut();
            let queue = queue.expect("an audience made under the registry's lock holds connected sessions");
            // Only a first event changes what follows; the others are the hot path.
            let is_first = queue.has_no_events();
            let was_owed = is_first && queue.is_owed();
            let pushed = queue.push(index, overload, self.events_per_session_max, &mut self.events, &mut self.ready);
            if is_first {
                self.totals.owed += usize::from(queue.is_owed()) - usize::from(was_owed);
                if !queue.is_listed_unread && queue.is_unread() {
                    queue.is_listed_unread = true;
                    self.unread.push_back(session);
                }
            }
            match pushed {
                Pushed::Queued => {}
                Pushed::DroppedOldest | Pushed::DroppedNewest => dropped += 1,
                Pushed::Overflowed => overflowed.push(session),
            }
        }
        for _ in &overflowed {
            self.events.release(index);
        }
        let count = sessions.len() - overflowed.len();
        let accounting = &mut self.totals.accounting;
        accounting.accepted += count as u64;
        accounting.dropped += dropped;
        accounting.pending += count as u64;
        accounting.pending -= dropped;
        Ok(Accepted { count, overflowed })
    }

    /// Makes sure that so many bytes fit into the budget, at the cost of sessions that nobody is about to read.
    fn make_room(&mut self, needed: usize) -> bool {
        if needed > self.bytes_max {
            return false;
        }
        while self.events.bytes().saturating_add(needed) > self.bytes_max {
            let Some(session) = self.unread.pop_front() else { return false };
            let Some(queue) = self.queues[session.place(self.layout)].as_mut() else { continue };
            if queue.session != session {
                continue;
            }
            let shed = if queue.is_unread() { queue.shed(&mut self.events) } else { 0 };
            self.totals.accounting.pending -= shed;
            self.totals.accounting.dropped += shed;
            self.totals.accounting.shed += shed;
            // Who has nothing to give is listed again with its next event.
            queue.is_listed_unread = shed > 0;
            if queue.is_listed_unread {
                self.unread.push_back(session);
            }
        }
        true
    }

    /// Whether the worker has something to do, or never will again.
    fn readiness(&self) -> Poll<Readiness> {
        match self.openness {
            _ if self.ready_len() > 0 => Poll::Ready(Readiness::Ready),
            Openness::Closed if self.totals.owed == 0 => Poll::Ready(Readiness::Closed),
            Openness::Closed | Openness::Open => Poll::Pending,
        }
    }

    /// Swaps in the waker to keep while there is nothing to do. What is left in `waker` is the caller's to drop: that,
    /// like waking, is a host's code, and happens without a lock.
    pub fn poll_ready(&mut self, waker: &mut Option<Waker>) -> Poll<Readiness> {
        let readiness = self.readiness();
        if readiness.is_pending() {
            std::mem::swap(&mut self.waker, waker);
        }
        readiness
    }

    /// The waker of a worker that waits, once there is something to do. It is the caller's to wake, without a lock.
    pub fn take_waker(&mut self) -> Option<Waker> {
        if self.readiness().is_ready() { self.waker.take() } else { None }
    }

    /// No more events come.
    pub fn shut(&mut self) {
        self.openness = Openness::Closed;
    }

    /// A drain begins: those who are ready now have their turn, who becomes ready meanwhile waits for the next one.
    pub fn begin_turn(&mut self) {
        self.turn.append(&mut self.ready);
    }

    /// Sessions that wait for a drain; some may have nothing to get any more.
    pub fn ready_len(&self) -> usize {
        self.turn.len() + self.ready.len()
    }

    /// Fills a round with offers to at most `sessions_max` of the sessions whose turn it is.
    pub fn offer(&mut self, round: &mut Round, sessions_max: usize) {
        round.clear();
        while round.offers.len() < sessions_max {
            let Some(session) = self.turn.pop_front() else { return };
            let Some(queue) = self.queues.get_mut(session.place(self.layout)).and_then(Option::as_mut) else {
                continue;
            };
            if queue.session == session && queue.unlist() {
                queue.offer(self.batch_max, &mut self.events, round);
            }
        }
    }

    /// Books what became of a round's offers, and puts back what was not taken.
    pub fn commit(&mut self, round: &Round) {
        for offer in &round.offers {
            self.totals.panics += u64::from(offer.outcome == Outcome::Panicked);
            let answer = Answer::of(offer, round, self.on_panic);
            if answer.kind == Kind::New {
                self.book_gone(&answer);
            }
            self.settle(offer, &answer, round);
        }
    }

    fn book_gone(&mut self, answer: &Answer<'_>) {
        self.totals.gaps += answer.told.len() as u64;
        let count = answer.gone_count() as u64;
        let accounting = &mut self.totals.accounting;
        accounting.pending -= count;
        match answer.end {
            End::Delivered => accounting.delivered += count,
            End::Abandoned => accounting.abandoned += count,
        }
    }

    fn settle(&mut self, offer: &Offer, answer: &Answer<'_>, round: &Round) {
        let events_max = self.events_per_session_max;
        let settled =
            self.change(offer.session, |queue, events, ready| queue.settle(answer, round, events_max, events, ready));
        match settled {
            Ok(dropped) => {
                self.totals.accounting.pending -= dropped;
                self.totals.accounting.dropped += dropped;
            }
            // The session ended while the host had the offer in hand. What comes again went with the queue.
            Err(NoSuchSession) if answer.kind == Kind::New => {
                let kept = answer.kept_events(round);
                answer.gone_events(round).chain(kept).for_each(|index| self.events.release(index));
                self.book_discarded(answer.kept_events(round).count() as u64, Ending::Disconnect);
            }
            Err(NoSuchSession) => {}
        }
    }

    /// The host can take more of a session's events.
    pub fn writable(&mut self, session: SessionId) -> Result<(), NoSuchSession> {
        self.change(session, |queue, _, ready| queue.writable(ready))
    }

    pub fn acknowledge(&mut self, session: SessionId, through: Sequence) -> Result<usize, AcknowledgeError> {
        let acknowledged = self.change(session, |queue, events, ready| queue.acknowledge(through, events, ready));
        acknowledged
            .map_err(|NoSuchSession| AcknowledgeError::NoSuchSession)?
            .map_err(|NotHandedOver(last)| AcknowledgeError::NotHandedOver { last })
    }

    pub fn park(&mut self, session: SessionId) -> Result<(), NoSuchSession> {
        self.change(session, |queue, _, _| queue.park())
    }

    pub fn resume(&mut self, session: SessionId, acknowledged: Sequence) -> Result<Resumed, AcknowledgeError> {
        self.acknowledge(session, acknowledged)?;
        let resumed = self.change(session, |queue, _, ready| queue.resume(ready));
        let (again, pending) = resumed.map_err(|NoSuchSession| AcknowledgeError::NoSuchSession)?;
        Ok(Resumed { again, pending })
    }

    pub fn seat_worker(&mut self) -> Result<(), HasWorker> {
        match std::mem::replace(&mut self.worker, Seat::Taken) {
            Seat::Free => Ok(()),
            Seat::Taken => Err(HasWorker),
        }
    }

    /// Gives the worker's waker back, to be dropped without a lock.
    pub fn unseat_worker(&mut self) -> Option<Waker> {
        self.worker = Seat::Free;
        self.waker.take()
    }

    /// From now on the session is read through an outbox, not by the worker.
    pub fn seat_outbox(&mut self, session: SessionId) -> Result<(), OutboxError> {
        let seated = self.change(session, |queue, _, _| queue.seat_outbox());
        seated.map_err(|NoSuchSession| OutboxError::NoSuchSession)?.map_err(|Busy| OutboxError::Busy)
    }

    pub fn unseat_outbox(&mut self, session: SessionId) {
        // The session may have ended before its outbox.
        let _ = self.change(session, |queue, _, ready| queue.unseat_outbox(ready));
    }

    /// Takes at most `events_max` events, and the gaps among them, of a session read through an outbox. The round keeps
    /// them for the caller.
    pub fn take_batch(
        &mut self,
        session: SessionId,
        events_max: usize,
        round: &mut Round,
    ) -> Result<(), NoSuchSession> {
        round.clear();
        self.change(session, |queue, events, _| queue.offer(events_max, events, round))?;
        if let Some(offer) = round.offers.first_mut() {
            offer.outcome = Outcome::Took(usize::MAX);
        }
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
        let mut counted = Totals::default();
        for queue in self.queues.iter().flatten() {
            handles += queue.validate(self.events_per_session_max, &self.events)?;
            counted.sessions += 1;
            counted.count(queue);
        }
        let Totals { accounting, sessions, lagging, parked, owed, unacknowledged, .. } = self.totals;
        if (sessions, lagging, parked, owed, unacknowledged)
            != (counted.sessions, counted.lagging, counted.parked, counted.owed, counted.unacknowledged)
        {
            return Err(format!("{sessions} sessions, {lagging} lagging, {parked} parked, {owed} owed: counted wrong"));
        }
        if !accounting.balances() || accounting.pending + unacknowledged as u64 != handles as u64 {
            return Err(format!("{handles} events are held, counted: {accounting:?}"));
        }
        self.events.validate(handles)
    }

    pub fn stats(&self) -> PartitionStats {
        PartitionStats {
            sessions: self.totals.sessions,
            ready: self.ready_len(),
            lagging: self.totals.lagging,
            parked: self.totals.parked,
            unacknowledged: self.totals.unacknowledged,
            events_held: self.events.len(),
            bytes: self.events.bytes(),
            refused: self.totals.refused,
            gaps: self.totals.gaps,
            panics: self.totals.panics,
            accounting: self.totals.accounting,
        }
    }
}

impl Totals {
    /// Counts a queue in as it is now.
    fn count(&mut self, queue: &Queue) {
        self.lagging += usize::from(queue.is_lagging());
        self.parked += usize::from(queue.is_parked());
        self.owed += usize::from(queue.is_owed());
        self.unacknowledged += queue.unacknowledged();
    }

    /// Counts a queue out, before it changes.
    fn forget(&mut self, queue: &Queue) {
        self.lagging -= usize::from(queue.is_lagging());
        self.parked -= usize::from(queue.is_parked());
        self.owed -= usize::from(queue.is_owed());
        self.unacknowledged -= queue.unacknowledged();
    }
}
