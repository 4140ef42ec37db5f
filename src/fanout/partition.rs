//! One partition: its sessions, what waits for each of them in its queue or for many of them in the log, the lists of
//! those that are ready, the events they wait for, and the totals.
//!
//! Deterministic and single-owner; the locks are in `fanout.rs`. Every event accepted for a session is counted in
//! exactly one of delivered, dropped, discarded, abandoned and pending from then on: the identity.
//!
//! **Two ways in.** An event for a few sessions is put into the queue of each. One for many waits in the log (`log.rs`)
//! for the worker's next drain; then the queues of those sessions that have one and are read take it in, as if it came
//! now, and plain sessions are offered it straight away. Who has a queue and is not read stays behind (`behind.rs`) and
//! takes it in later, before anything else happens to it. So a session's events are in its queue before they are in the
//! log for it. It stays that way because what comes while something waits in the log waits behind it, for however few.
//!
//! **The budget** is one number of bytes for everything. When it is used up, the sessions that nobody is about to read
//! give way first: each drops the older half of its queue, with an exact gap, until there is room. Only when what is
//! left waits for a worker that does not come is an event refused.
//!
//! Here is what a session goes through; in `partition/` the publisher's side (`accept.rs`), the worker's (`drain.rs`,
//! `commit.rs`), sessions that stay behind (`behind.rs`), the way to another partition (`moving.rs`), what is counted
//! (`totals.rs`) and what is told (`report.rs`).

mod accept;
mod behind;
mod commit;
mod drain;
mod moving;
mod report;
mod totals;

use super::backlog::Backlog;
use super::batch::{Outcome, Round};
use super::event::Sequence;
use super::held_events::HeldEvents;
use super::log::{Entry, Log};
use super::pass::{PassWords, events_in_hand};
use super::queue::{Busy, Pushed, Queue};
use super::roster::{Roster, Standing};
use super::window::NotHandedOver;
use super::{AcknowledgeError, FanoutOptions, OnPanic, Openness, OutboxError, Readiness, Resumed};
use crate::registry::{NoSuchSession, PartitionId, Seat, SlotLayout, Topic};
use behind::Walk;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Waker};
use totals::Totals;

pub(super) struct Partition {
    layout: SlotLayout,
    events_per_session_max: usize,
    batch_max: usize,
    bytes_max: usize,
    log_sessions_min: usize,
    on_panic: OnPanic,
    roster: Roster,
    log: Log,
    /// What has gone out and is kept for those who are behind, and how these are visited.
    backlog: Backlog,
    walk: Walk,
    /// What the host has in hand straight from the log, by place.
    in_hand: Option<Arc<PassWords>>,
    /// Whether a session has been given a queue, or has ended, since then.
    since_offered: SinceOffered,
    /// Sessions that are offered something from their queues in this drain, and those that have become ready since it
    /// began. Both may name sessions that have nothing to get any more.
    turn: VecDeque<Seat>,
    ready: VecDeque<Seat>,
    /// Sessions that may have to give way when the budget is used up; some of them no more.
    unread: VecDeque<Seat>,
    /// Sessions whose queues are not needed once the log has gone on, and those for which it has.
    resting: VecDeque<Seat>,
    rested: VecDeque<Seat>,
    /// Sessions that must end: an event that they must not miss came from the log, and their queues were full.
    overflowing: VecDeque<Seat>,
    events: HeldEvents,
    totals: Totals,
    hands: Hands,
    /// Of a worker that waits for something to do.
    waker: Option<Waker>,
    openness: Openness,
}

/// Whether what is known of the sessions that have something in hand is still so.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SinceOffered {
    Unchanged,
    Changed,
}

/// Whether the partition has a worker.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hands {
    None,
    Worker,
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

impl Partition {
    pub fn new(layout: SlotLayout, partition: PartitionId, options: &FanoutOptions) -> Self {
        Partition {
            layout,
            events_per_session_max: options.events_per_session_max.max(1),
            batch_max: options.batch_max.max(1),
            bytes_max: options.bytes_per_partition_max,
            log_sessions_min: options.log_sessions_min.max(1),
            on_panic: options.on_panic,
            roster: Roster::new(layout, partition),
            log: Log::default(),
            backlog: Backlog::default(),
            walk: Walk::default(),
            in_hand: None,
            since_offered: SinceOffered::Unchanged,
            turn: VecDeque::new(),
            ready: VecDeque::new(),
            unread: VecDeque::new(),
            resting: VecDeque::new(),
            rested: VecDeque::new(),
            overflowing: VecDeque::new(),
            events: HeldEvents::default(),
            totals: Totals::default(),
            hands: Hands::None,
            waker: None,
            openness: Openness::Open,
        }
    }

    fn place(&self, seat: Seat) -> Result<usize, NoSuchSession> {
        self.roster.place_of(seat).ok_or(NoSuchSession)
    }

    /// A session begins, with nothing pending.
    pub fn open(&mut self, seat: Seat, window: Option<usize>) {
        self.roster.open(seat);
        self.totals.sessions += 1;
        let place = seat.place(self.layout);
        if !self.log.is_empty() || window.is_some() {
            // What waits may be for whoever was here before. To look would take longer, the longer the log.
            let queue = self.roster.begin_queue(place, self.log.end());
            if let Some(window) = window {
                queue.set_window(window);
            }
            self.rest(place);
        }
    }

    /// The queue of a session, which it is given if it has none.
    fn queue(&mut self, place: usize) -> &mut Queue {
        let standing = self.roster.standing(place);
        if !matches!(standing, Standing::Queue(_)) {
            self.begin_queue(place, standing);
        }
        self.roster.queue_mut(place).expect("it has one now")
    }

    fn begin_queue(&mut self, place: usize, standing: Standing) {
        self.since_offered = SinceOffered::Changed;
        let straight_in_hand = self.straight_in_hand(place);
        let queue = self.roster.begin_queue(place, self.log.reached(place));
        match standing {
            Standing::One(index) => queue.waits_with(index),
            Standing::OneInHand(index) => queue.offered(1, self.events.sequence(index)),
            _ if straight_in_hand != 0 => {
                let first = self.log.pass_entries().nth(straight_in_hand.trailing_zeros() as usize);
                let first = first.map_or(Sequence(0), |entry| self.events.sequence(entry.index));
                queue.offered(straight_in_hand.count_ones(), first);
                self.totals.owed += 1;
            }
            _ => {}
        }
        if let Some(end) = self.log.pass_end() {
            // The queues have taken in what is on its way. It would have come to this session later in the drain.
            let ready = self.ready.len();
            self.take_in(place, end);
            self.turn.extend(self.ready.drain(ready..));
        }
    }

    /// Puts into a session's queue what waits for it in the log, up to a position behind everything that has gone out.
    /// O(entries that wait).
    fn take_in(&mut self, place: usize, end: u64) {
        debug_assert!(end >= self.log.set_out());
        self.unreserve(place);
        let Partition { roster, log, backlog, events, ready, totals, .. } = self;
        let Some(queue) = roster.queue_mut(place) else { return };
        let from = queue.taken_in;
        if from >= end {
            return;
        }
        queue.taken_in = end;
        totals.forget(queue);
        let was_overflowing = queue.is_overflowing();
        let mut take = |entry: &Entry| {
            let dropped = take_in_entry(queue, entry, self.events_per_session_max, events, ready);
            totals.drop_pending(dropped);
        };
        backlog.take(from, end, place, &mut take);
        log.take(from, end, place, take);
        totals.count(queue);
        if queue.is_overflowing() && !was_overflowing {
            self.overflowing.push_back(queue.seat);
        }
        let may_stay_behind = queue.may_stay_behind();
        roster.caught_up(place, may_stay_behind);
        self.list_unread(place);
        self.retire();
    }

    /// What nobody waits for leaves the log: who reads through an outbox has no need of a worker.
    fn retire(&mut self) {
        self.backlog.retire(|entry| self.events.release(entry.index));
        let before = self.log.len();
        self.log.retire(|entry| self.events.release(entry.index));
        if self.log.len() < before {
            self.log_has_gone_on();
        }
    }

    /// Who has a queue only until the log has gone on may not need it any more.
    fn log_has_gone_on(&mut self) {
        if self.rested.is_empty() {
            std::mem::swap(&mut self.rested, &mut self.resting);
        } else {
            self.rested.append(&mut self.resting);
        }
    }

    /// Lists a session among those that may have to give way, if it is one.
    fn list_unread(&mut self, place: usize) {
        if let Some(queue) = self.roster.queue(place).filter(|queue| queue.has_unread()) {
            let seat = queue.seat;
            if self.roster.list_unread(place) {
                self.unread.push_back(seat);
            }
        }
    }

    /// Takes a session's queue away when there is nothing to remember of it.
    fn rest(&mut self, place: usize) {
        let reached = self.log.reached(place);
        let Some(queue) = self.roster.queue_mut(place).filter(|queue| queue.is_plain()) else { return };
        if queue.taken_in <= reached {
            self.roster.make_plain(place);
        } else if !queue.is_resting {
            queue.is_resting = true;
            self.resting.push_back(queue.seat);
        }
    }

    /// Changes a session's queue, and the totals with it.
    fn change<T>(
        &mut self,
        seat: Seat,
        change: impl FnOnce(&mut Queue, &mut HeldEvents, &mut VecDeque<Seat>) -> T,
    ) -> Result<T, NoSuchSession> {
        let place = self.place(seat)?;
        self.queue(place);
        self.catch_up(place);
        let Partition { roster, events, ready, totals, .. } = self;
        let queue = roster.queue_mut(place).expect("it has one");
        totals.forget(queue);
        let changed = change(queue, events, ready);
        totals.count(queue);
        let may_stay_behind = queue.may_stay_behind();
        roster.caught_up(place, may_stay_behind);
        self.list_unread(place);
        self.rest(place);
        Ok(changed)
    }

    /// Whether nothing is known of a session, and the host has nothing of it in hand: most calls do not change that.
    fn is_plain(&self, place: usize) -> bool {
        self.roster.is_plain(place) && self.straight_in_hand(place) == 0
    }

    /// The events that the host has in hand straight from the log, of a session without a queue.
    fn straight_in_hand(&self, place: usize) -> u32 {
        let seat = self.roster.seat_at(place).filter(|_| self.roster.is_plain(place));
        seat.and_then(|seat| events_in_hand(self.in_hand.as_deref()?, place, seat)).unwrap_or(0)
    }

    /// The entries that wait for a session from one position to before another, in the backlog or in the log.
    fn waiting(&self, place: usize, from: u64, to: u64) -> impl Iterator<Item = &Entry> {
        let entries = self.backlog.range(from, to).chain(self.log.range(from, to));
        entries.filter(move |entry| entry.audience.contains(place))
    }

    /// All of them.
    fn all_waiting(&self, place: usize) -> impl Iterator<Item = &Entry> {
        self.waiting(place, self.waits_from(place), self.log.end())
    }

    /// The position from which on entries of the log wait for a session.
    fn waits_from(&self, place: usize) -> u64 {
        self.roster.queue(place).map_or_else(|| self.log.reached(place), |queue| queue.taken_in)
    }

    /// A session ends: what is pending is discarded. What the host has in hand stays pending until it answers.
    pub fn close(&mut self, seat: Seat, ending: Ending) {
        let Ok(place) = self.place(seat) else { return };
        self.close_place(place, ending);
        self.retire();
        self.unlist_ended();
    }

    /// All sessions of the partition end.
    pub fn close_all(&mut self) {
        self.since_offered = SinceOffered::Changed;
        // What waits in the log and in the backlog is counted for all of them together: one by one that would take
        // their number times its length. Only what is on its way has come to some and not to others.
        let mut discarded = (self.log.waiting() + self.backlog.reserved()) as u64;
        let mut overdue = (self.backlog.left() - self.backlog.reserved()) as u64;
        for place in 0..self.roster.len() {
            if self.roster.seat_at(place).is_none() {
                continue;
            }
            let (on_its_way, room) = (self.on_its_way(place), self.room_behind(place));
            overdue += on_its_way.saturating_sub(room) as u64;
            discarded += on_its_way.min(room) as u64 + self.end_place(place);
        }
        self.totals.drop_pending(overdue);
        self.book_discarded(discarded, Ending::PartitionDrop);
        self.backlog.clear(|entry| self.events.release(entry.index));
        self.log.clear(|entry| self.events.release(entry.index));
        for list in self.lists() {
            list.clear();
        }
    }

    /// What names sessions, some of which may have ended.
    fn lists(&mut self) -> [&mut VecDeque<Seat>; 6] {
        [&mut self.turn, &mut self.ready, &mut self.unread, &mut self.resting, &mut self.rested, &mut self.overflowing]
    }

    fn close_place(&mut self, place: usize, ending: Ending) {
        self.since_offered = SinceOffered::Changed;
        self.unreserve(place);
        // It would have lost them, had it taken them in before.
        let overdue = self.overdue(place);
        self.totals.drop_pending(overdue);
        let (from, end) = (self.waits_from(place), self.log.end());
        let mut waiting = 0;
        self.backlog.take(from, end, place, |_| waiting += 1);
        self.log.take(from, end, place, |_| waiting += 1);
        let discarded = waiting - overdue + self.end_place(place);
        self.book_discarded(discarded, ending);
    }

    /// Nobody is in a place any more; returns how many events waited in the queue.
    fn end_place(&mut self, place: usize) -> u64 {
        let discarded = match self.roster.standing(place) {
            Standing::Plain => 0,
            Standing::One(index) => {
                self.events.release(index);
                self.totals.owed -= 1;
                1
            }
            Standing::OneInHand(_) => {
                self.totals.owed -= 1;
                0
            }
            Standing::Queue(_) => {
                let queue = self.roster.queue_mut(place).expect("it has one");
                self.totals.forget(queue);
                queue.discard(&mut self.events)
            }
        };
        self.roster.close(place);
        self.totals.sessions -= 1;
        discarded
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
        let len_max = 2 * self.roster.len() + 64;
        if self.lists().iter().all(|list| list.len() <= len_max) {
            return;
        }
        let mut lists = self.lists().map(std::mem::take);
        for list in &mut lists {
            list.retain(|seat| self.roster.place_of(*seat).is_some());
        }
        self.lists().into_iter().zip(lists).for_each(|(list, kept)| *list = kept);
    }

    /// A session has unsubscribed from a topic and does not want what is pending from there, unless another of its
    /// topics brings it too; returns how many events were discarded.
    pub fn discard_topic(&mut self, seat: Seat, topic: Topic, others: &[Topic]) -> Result<usize, NoSuchSession> {
        let place = self.place(seat)?;
        if self.roster.is_plain(place) && self.all_waiting(place).next().is_none() {
            return Ok(0);
        }
        self.queue(place);
        self.take_in(place, self.log.end());
        let is_wanted = |topics: &[Topic]| {
            !topics.contains(&topic) || topics.iter().any(|topic| others.binary_search(topic).is_ok())
        };
        let discarded = self.change(seat, |queue, events, _| queue.discard_unwanted(is_wanted, events))?;
        self.totals.accounting.pending -= discarded;
        self.totals.accounting.discarded.unsubscribe += discarded;
        Ok(discarded as usize)
    }

    /// Whether the worker has something to do, or never will again.
    fn readiness(&self) -> Poll<Readiness> {
        match self.openness {
            _ if !self.overflowing.is_empty() => Poll::Ready(Readiness::Ready),
            _ if !self.turn.is_empty() || !self.ready.is_empty() || !self.log.is_empty() => {
                Poll::Ready(Readiness::Ready)
            }
            Openness::Closed if self.totals.owed == 0 && self.in_hand.is_none() => Poll::Ready(Readiness::Closed),
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

    /// The host can take more of a session's events.
    pub fn writable(&mut self, seat: Seat) -> Result<(), NoSuchSession> {
        let place = self.place(seat)?;
        if self.is_plain(place) || matches!(self.roster.standing(place), Standing::One(_)) {
            return Ok(());
        }
        self.change(seat, |queue, _, ready| queue.writable(ready))
    }

    pub fn acknowledge(&mut self, seat: Seat, through: Sequence) -> Result<usize, AcknowledgeError> {
        let place = self.place(seat).map_err(|NoSuchSession| AcknowledgeError::NoSuchSession)?;
        if self.roster.queue(place).is_none() {
            return Ok(0);
        }
        let acknowledged = self.change(seat, |queue, events, ready| queue.acknowledge(through, events, ready));
        acknowledged
            .map_err(|NoSuchSession| AcknowledgeError::NoSuchSession)?
            .map_err(|NotHandedOver(last)| AcknowledgeError::NotHandedOver { last })
    }

    pub fn park(&mut self, seat: Seat) -> Result<(), NoSuchSession> {
        self.change(seat, |queue, _, _| queue.park())
    }

    pub fn resume(&mut self, seat: Seat, acknowledged: Sequence) -> Result<Resumed, AcknowledgeError> {
        self.acknowledge(seat, acknowledged)?;
        let place = self.place(seat).map_err(|NoSuchSession| AcknowledgeError::NoSuchSession)?;
        if self.is_plain(place) {
            return Ok(Resumed { again: 0, pending: self.all_waiting(place).count() });
        }
        let resumed = self.change(seat, |queue, _, ready| queue.resume(ready));
        let (again, pending) = resumed.map_err(|NoSuchSession| AcknowledgeError::NoSuchSession)?;
        Ok(Resumed { again, pending: pending + self.all_waiting(place).count() })
    }

    pub fn engage_worker(&mut self) -> Result<(), HasWorker> {
        match std::mem::replace(&mut self.hands, Hands::Worker) {
            Hands::None => Ok(()),
            Hands::Worker => Err(HasWorker),
        }
    }

    /// Gives the worker's waker back, to be dropped without a lock.
    pub fn dismiss_worker(&mut self) -> Option<Waker> {
        self.hands = Hands::None;
        self.waker.take()
    }

    /// From now on the session is read through an outbox, not by the worker.
    pub fn open_outbox(&mut self, seat: Seat) -> Result<(), OutboxError> {
        let seated = self.change(seat, |queue, _, _| queue.open_outbox());
        seated.map_err(|NoSuchSession| OutboxError::NoSuchSession)?.map_err(|Busy| OutboxError::Busy)
    }

    pub fn close_outbox(&mut self, seat: Seat) {
        // The session may have ended before its outbox.
        let _ = self.change(seat, |queue, _, ready| queue.close_outbox(ready));
    }

    /// Takes at most `events_max` events, and the gaps among them, of a session read through an outbox. The round keeps
    /// them for the caller. Nothing for a session that must end.
    pub fn take_batch(&mut self, seat: Seat, events_max: usize, round: &mut Round) -> Result<(), NoSuchSession> {
        round.clear();
        let place = self.place(seat)?;
        self.take_in(place, self.log.end());
        if self.roster.queue(place).is_some_and(Queue::is_overflowing) {
            return Ok(());
        }
        let session = self.roster.handle_of(seat);
        self.change(seat, |queue, events, _| queue.offer(session, events_max, events, round))?;
        if let Some(offer) = round.offers.first_mut() {
            offer.outcome = Outcome::Took(usize::MAX);
        }
        self.commit(round);
        Ok(())
    }
}

/// Puts an entry of the log into a queue; returns how many events were dropped. A session that can't go on without one
/// that its full queue has no room for keeps it until it is ended.
fn take_in_entry(
    queue: &mut Queue,
    entry: &Entry,
    events_max: usize,
    events: &mut HeldEvents,
    ready: &mut VecDeque<Seat>,
) -> u64 {
    events.hold(entry.index);
    match queue.push(entry.index, entry.overload, events_max, events, ready) {
        Pushed::Dropping(dropped) => dropped,
        Pushed::Overflowed => {
            queue.overflow(entry.index);
            0
        }
    }
}
