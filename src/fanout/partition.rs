//! One partition: its sessions, what waits for each of them in its queue or for many of them in the log, the lists of
//! those that are ready, the events they wait for, and the totals.
//!
//! Deterministic and single-owner; the locks are in `fanout.rs`. Every event accepted for a session is counted in
//! exactly one of delivered, dropped, discarded, abandoned and pending from then on: the identity.
//!
//! **Two ways in.** An event for a few sessions is put into the queue of each. One for many waits in the log (`log.rs`)
//! for the worker's next drain; then the queues of those sessions that have one take it in, as if it came now, and the
//! others are offered it straight away. So a session's events are in its queue before they are in the log for it, and
//! [`Partition::take_in`] keeps it that way: before an event of its own, what waits in the log.
//!
//! **The budget** is one number of bytes for everything. When it is used up, the sessions that nobody is about to read
//! give way first: each drops the older half of its queue, with an exact gap, until there is room. Only when what is
//! left waits for a worker that does not come is an event refused.

use super::answer::{Answer, End};
use super::batch::{Held, Kind, Offer, Outcome, Round};
use super::event::{Event, Sequence};
use super::fate::Fate;
use super::held_events::{HeldEvents, bytes_for};
use super::log::{Entry, Log, entry_bytes};
use super::pass::{PassRound, PassWord, events_in_hand};
use super::queue::{Busy, Pushed, Queue};
use super::roster::{Roster, Standing};
use super::window::NotHandedOver;
use super::{AcknowledgeError, FanoutOptions, OnPanic, Openness, OutboxError, Overload, Readiness, Resumed};
use crate::registry::{
    MoveError, NoSuchSession, PartitionId, Places, Seat, SessionId, SlotLayout, Topic, for_each_bit,
};
use crate::stats::{Accounting, HeldBytes, LaggingSession, PartitionStats};
use ahash::AHashMap;
use smallvec::SmallVec;
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::sync::Arc;
use std::task::{Poll, Waker};

pub(super) struct Partition {
    layout: SlotLayout,
    events_per_session_max: usize,
    batch_max: usize,
    bytes_max: usize,
    log_sessions_min: usize,
    on_panic: OnPanic,
    roster: Roster,
    log: Log,
    /// What the host has in hand straight from the log, by place.
    in_hand: Option<Arc<Vec<PassWord>>>,
    /// Whether a session has been given a queue, or has ended, since then.
    since_offered: SinceOffered,
    /// Sessions that are offered something from their queues in this drain, and those that have become ready since it
    /// began. Both may name sessions that have nothing to get any more.
    turn: VecDeque<Seat>,
    ready: VecDeque<Seat>,
    /// Sessions that may have to give way when the budget is used up; some of them no more.
    unread: VecDeque<Seat>,
    /// Places whose queues are not needed once the log has gone on.
    resting: Vec<usize>,
    /// Sessions that must end: an event that they must not miss came from the log, and their queues were full.
    overflowing: Vec<Seat>,
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

/// Counters of a whole partition.
#[derive(Default)]
struct Totals {
    accounting: Accounting,
    sessions: usize,
    lagging: usize,
    parked: usize,
    /// Sessions that the worker has not handed everything in their queues yet.
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

/// Everything that is known of a session that moves to another partition.
pub(super) struct Luggage {
    queue: Option<Queue>,
    delivered: u64,
    /// The events that its queue names, as often as it does, with their topics.
    held: Vec<(Held, SmallVec<[Topic; 2]>)>,
}

#[derive(Clone, Copy)]
enum Direction {
    In,
    Out,
}

/// The partition's memory would grow beyond its budget.
pub(super) struct OverBudget;

/// The partition has a worker.
pub(super) struct HasWorker;

/// What a publish did in a partition.
pub(super) struct Accepted {
    pub count: usize,
    /// Sessions that cannot go on without the event, for which their queues had no room.
    pub overflowed: Vec<Seat>,
}

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
            in_hand: None,
            since_offered: SinceOffered::Unchanged,
            turn: VecDeque::new(),
            ready: VecDeque::new(),
            unread: VecDeque::new(),
            resting: Vec::new(),
            overflowing: Vec::new(),
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

    /// Whether an offer to this session still is for the connection that it was made for.
    pub fn stands(&self, seat: Seat) -> bool {
        self.place(seat).is_ok_and(|place| self.roster.queue(place).is_none_or(Queue::stands))
    }

    /// A session begins, with nothing pending.
    pub fn open(&mut self, seat: Seat, window: Option<usize>) {
        self.roster.open(seat);
        self.totals.sessions += 1;
        let place = seat.place(self.layout);
        let names_it = self.waiting_in_log(place).next().is_some();
        if names_it || window.is_some() {
            // What waits is for whoever was here before.
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
            Standing::Plain | Standing::Queue(_) if straight_in_hand != 0 => {
                let first = self.log.pass_entries().nth(straight_in_hand.trailing_zeros() as usize);
                let first = first.map_or(Sequence(0), |entry| self.events.sequence(entry.index));
                queue.offered(straight_in_hand.count_ones(), first);
                self.totals.owed += 1;
            }
            Standing::Plain | Standing::Queue(_) => {}
        }
        if let Some(end) = self.log.pass_end() {
            // The queues have taken in what is on its way. It would have come to this session later in the drain.
            let ready = self.ready.len();
            self.take_in(place, end);
            self.turn.extend(self.ready.drain(ready..));
        }
    }

    /// Puts into a session's queue what waits for it in the log, up to a position. O(entries that wait).
    fn take_in(&mut self, place: usize, end: u64) {
        let Partition { roster, log, events, ready, totals, .. } = self;
        let Some(queue) = roster.queue_mut(place) else { return };
        let from = queue.taken_in;
        if from >= end {
            return;
        }
        queue.taken_in = end;
        totals.forget(queue);
        let was_overflowing = queue.is_overflowing();
        log.take(from, end, place, |entry| {
            let dropped = take_in_entry(queue, entry, self.events_per_session_max, events, ready);
            totals.drop_pending(dropped);
        });
        totals.count(queue);
        if queue.is_overflowing() && !was_overflowing {
            self.overflowing.push(queue.seat);
        }
        self.list_unread(place);
    }

    /// Lists a session among those that may have to give way, if it is one.
    fn list_unread(&mut self, place: usize) {
        if let Some(queue) = self.roster.queue_mut(place)
            && !queue.is_listed_unread
            && queue.is_unread()
        {
            queue.is_listed_unread = true;
            self.unread.push_back(queue.seat);
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
            self.resting.push(place);
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
        let Partition { roster, events, ready, totals, .. } = self;
        let queue = roster.queue_mut(place).expect("it has one");
        totals.forget(queue);
        let changed = change(queue, events, ready);
        totals.count(queue);
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

    /// The entries of the log that wait for a session.
    fn waiting_in_log(&self, place: usize) -> impl Iterator<Item = &Entry> {
        let from = self.roster.queue(place).map_or_else(|| self.log.reached(place), |queue| queue.taken_in);
        self.log.range(from, self.log.end()).filter(move |entry| entry.audience.contains(place))
    }

    /// A session ends: what is pending is discarded. What the host has in hand stays pending until it answers.
    pub fn close(&mut self, seat: Seat, ending: Ending) {
        let Ok(place) = self.place(seat) else { return };
        self.close_place(place, ending);
        self.unlist_ended();
    }

    /// All sessions of the partition end.
    pub fn close_all(&mut self) {
        for place in 0..self.roster.len() {
            if self.roster.seat_at(place).is_some() {
                self.close_place(place, Ending::PartitionDrop);
            }
        }
        self.log.clear(|entry| self.events.release(entry.index));
        self.turn.clear();
        self.ready.clear();
        self.unread.clear();
        self.resting.clear();
        self.overflowing.clear();
    }

    fn close_place(&mut self, place: usize, ending: Ending) {
        self.since_offered = SinceOffered::Changed;
        let mut discarded = self.waiting_in_log(place).count() as u64;
        match self.roster.standing(place) {
            Standing::Plain => {}
            Standing::One(index) => {
                self.events.release(index);
                self.totals.owed -= 1;
                discarded += 1;
            }
            Standing::OneInHand(_) => self.totals.owed -= 1,
            Standing::Queue(_) => {
                let queue = self.roster.queue_mut(place).expect("it has one");
                self.totals.forget(queue);
                discarded += queue.discard(&mut self.events);
            }
        }
        self.roster.close(place);
        self.totals.sessions -= 1;
        self.book_discarded(discarded, ending);
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
        let roster = &self.roster;
        let is_there = |seat: &Seat| roster.place_of(*seat).is_some();
        for list in [&mut self.turn, &mut self.ready, &mut self.unread] {
            if list.len() > 2 * roster.len() + 64 {
                list.retain(is_there);
            }
        }
    }

    /// Takes in an event for these sessions, all of which are connected here.
    pub fn accept(
        &mut self,
        audience: &Places,
        sequence: Sequence,
        event: &Event,
        topics: &[Topic],
        overload: Overload,
    ) -> Result<Accepted, OverBudget> {
        let count = audience.len();
        let is_for_many = count >= self.log_sessions_min;
        let needed = if is_for_many { bytes_for(event, 1) + entry_bytes(audience) } else { bytes_for(event, count) };
        if !self.make_room(needed) {
            self.totals.refused += count as u64;
            return Err(OverBudget);
        }
        if is_for_many {
            let index = self.events.insert(sequence, event.clone(), topics, 1);
            self.log.push(Entry::new(index, overload, audience.clone()));
            self.totals.accept(count);
            return Ok(Accepted { count, overflowed: Vec::new() });
        }
        let index = self.events.insert(sequence, event.clone(), topics, count);
        let mut overflowed = Vec::new();
        audience.for_each(|place| {
            if !self.push(place, index, overload) {
                overflowed.extend(self.roster.seat_at(place));
            }
        });
        for _ in &overflowed {
            self.events.release(index);
        }
        Ok(Accepted { count: count - overflowed.len(), overflowed })
    }

    /// Puts an event into a session's queue, the hot path of a publish; whether the session can go on.
    fn push(&mut self, place: usize, index: u32, overload: Overload) -> bool {
        if self.log.is_empty() {
            if let Some(seat) = self.roster.begin_one(place, index) {
                self.ready.push_back(seat);
                self.totals.owed += 1;
                self.totals.accept(1);
                return true;
            }
            self.queue(place);
        } else {
            self.queue(place);
            self.take_in(place, self.log.end());
        }
        let Partition { roster, events, ready, totals, unread, .. } = self;
        let queue = roster.queue_mut(place).expect("it was just given one");
        if queue.is_overflowing() {
            return false;
        }
        // Only a first event changes what follows.
        let is_first = queue.has_no_events();
        let was_owed = is_first && queue.is_owed();
        let Pushed::Dropping(dropped) = queue.push(index, overload, self.events_per_session_max, events, ready) else {
            return false;
        };
        if is_first {
            totals.owed += usize::from(queue.is_owed()) - usize::from(was_owed);
            if !queue.is_listed_unread && queue.is_unread() {
                queue.is_listed_unread = true;
                unread.push_back(queue.seat);
            }
        }
        totals.accept(1);
        totals.drop_pending(dropped);
        true
    }

    /// A session has unsubscribed from a topic and does not want what is pending from there, unless another of its topics
    /// brings it too; returns how many events were discarded.
    pub fn discard_topic(&mut self, seat: Seat, topic: Topic, others: &[Topic]) -> Result<usize, NoSuchSession> {
        let place = self.place(seat)?;
        if self.roster.is_plain(place) && self.waiting_in_log(place).next().is_none() {
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

    /// The handle of a session that has not ended.
    pub fn handle_of(&self, seat: Seat) -> Option<SessionId> {
        self.place(seat).ok().map(|_| self.roster.handle_of(seat))
    }

    /// Makes a session ready to leave for another partition: everything for it is in its queue. Returns the bytes that this
    /// takes.
    pub fn prepare_to_leave(&mut self, seat: Seat) -> Result<usize, MoveError> {
        let place = self.place(seat).map_err(|NoSuchSession| MoveError::NoSuchSession)?;
        if self.is_plain(place) && self.waiting_in_log(place).next().is_none() {
            return Ok(0);
        }
        self.queue(place);
        self.take_in(place, self.log.end());
        let queue = self.roster.queue(place).expect("it was just given");
        if queue.is_busy() {
            self.rest(place);
            return Err(MoveError::Busy);
        }
        Ok(queue.indices().map(|index| bytes_for(&self.events.held(index).event, 1)).sum())
    }

    /// A session that is prepared leaves for another partition, with everything that is known of it.
    pub fn leave(&mut self, seat: Seat) -> Luggage {
        let place = seat.place(self.layout);
        let queue = self.roster.take_queue(place);
        let delivered = self.roster.delivered(place);
        let mut held = Vec::new();
        if let Some(queue) = &queue {
            self.totals.forget(queue);
            for index in queue.indices() {
                held.push((self.events.held(index), self.events.topics(index).into()));
            }
            queue.indices().for_each(|index| self.events.release(index));
            self.totals.transfer(queue.pending(), Direction::Out);
        }
        self.roster.close(place);
        self.totals.sessions -= 1;
        self.unlist_ended();
        Luggage { queue, delivered, held }
    }

    /// A session comes from another partition. What was accepted for it and waits is accepted here instead.
    pub fn arrive(&mut self, seat: Seat, session: SessionId, luggage: Luggage) {
        self.open(seat, None);
        let place = seat.place(self.layout);
        self.roster.set_handle(place, session);
        self.roster.add_delivered(place, luggage.delivered);
        let Some(mut queue) = luggage.queue else { return };
        let mut names = AHashMap::new();
        for (held, topics) in luggage.held {
            match names.entry(held.index) {
                Occupied(name) => self.events.hold(*name.get()),
                Vacant(name) => _ = name.insert(self.events.insert(held.sequence, held.event, &topics, 1)),
            }
        }
        self.totals.transfer(queue.pending(), Direction::In);
        if self.roster.is_plain(place) {
            self.roster.begin_queue(place, 0);
        }
        let Partition { roster, log, ready, totals, .. } = self;
        queue.come_to(seat, log.end(), |index| names[&index], ready);
        totals.count(&queue);
        *roster.queue_mut(place).expect("it was just given") = queue;
        self.list_unread(place);
        self.rest(place);
    }

    /// What is held: events, handles of them, and the log with its audiences.
    fn held_bytes(&self) -> HeldBytes {
        HeldBytes { events: self.events.event_bytes(), handles: self.events.handle_bytes(), log: self.log.bytes() }
    }

    /// The sessions with most events in their queues, at most `count`, the most first.
    pub fn most_lagging(&self, count: usize) -> Vec<LaggingSession> {
        let lagging = self.roster.known().filter_map(|(place, standing)| {
            let (pending, oldest) = match standing {
                Standing::One(index) => (1, self.events.sequence(index)),
                _ => {
                    let queue = self.roster.queue(place)?;
                    (queue.pending(), queue.oldest(&self.events)?)
                }
            };
            let session = self.roster.handle_of(self.roster.seat_at(place)?);
            Some(LaggingSession { session, pending, oldest })
        });
        let mut lagging: Vec<LaggingSession> = lagging.collect();
        lagging.sort_unstable_by_key(|lagging| (Reverse(lagging.pending), lagging.oldest));
        lagging.truncate(count);
        lagging
    }

    /// Makes sure that so many bytes fit into the budget, at the cost of sessions that nobody is about to read.
    pub fn make_room(&mut self, needed: usize) -> bool {
        if needed > self.bytes_max {
            return false;
        }
        while self.held_bytes().total().saturating_add(needed) > self.bytes_max {
            let Some(seat) = self.unread.pop_front() else { return false };
            let Ok(place) = self.place(seat) else { continue };
            let Partition { roster, events, totals, unread, .. } = self;
            let Some(queue) = roster.queue_mut(place) else { continue };
            let shed = if queue.is_unread() { queue.shed(events) } else { 0 };
            totals.drop_pending(shed);
            totals.accounting.shed += shed;
            // Who has nothing to give is listed again with its next event.
            queue.is_listed_unread = shed > 0;
            if queue.is_listed_unread {
                unread.push_back(seat);
            }
        }
        true
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

    /// A drain begins: what waits in the log sets out, unless something is on its way still. The queues are to
    /// [take it in](Self::take_in_some) before the [turn begins](Self::begin_turn).
    pub fn begin_drain(&mut self) {
        if self.log.pass_end().is_some() && !self.log.is_taking_in() && !self.goes_on() {
            self.end_pass();
        }
        let entries_max = self.events_per_session_max.min(self.batch_max);
        self.log.begin_pass(entries_max);
        if self.log.is_taking_in() && self.roster.knows_nobody() {
            self.log.begin_offering();
        }
    }

    /// Whether the pass has sessions left to come to.
    fn goes_on(&mut self) -> bool {
        let Partition { log, roster, .. } = self;
        log.next_word(|word| roster.plain_word(word)).is_some()
    }

    /// Lets the queues of some more sessions take in what is on its way; whether there are more.
    pub fn take_in_some(&mut self, sessions_max: usize) -> bool {
        let Some(end) = self.log.pass_end().filter(|_| self.log.is_taking_in()) else { return false };
        let mut sessions = 0;
        while sessions < sessions_max {
            let Partition { log, roster, .. } = self;
            let Some(word) = log.next_word(|word| roster.known_word(word)) else {
                log.begin_offering();
                return false;
            };
            let places = std::mem::take(&mut word.left);
            let first_place = word.first_place;
            sessions += places.count_ones() as usize;
            for_each_bit(places, |bit| {
                self.queue(first_place + bit);
                self.take_in(first_place + bit, end);
            });
        }
        true
    }

    /// Sessions that must end, since an event that they must not miss came from the log to their full queues.
    pub fn take_overflowing(&mut self) -> Vec<Seat> {
        std::mem::take(&mut self.overflowing)
    }

    /// Whether a session must end.
    pub fn is_overflowing(&self, seat: Seat) -> bool {
        self.place(seat).is_ok_and(|place| self.roster.queue(place).is_some_and(Queue::is_overflowing))
    }

    /// Those who are ready now have their turn, who becomes ready meanwhile waits for the next drain.
    pub fn begin_turn(&mut self) {
        self.turn.append(&mut self.ready);
    }

    /// About how many sessions wait for a drain; some may have nothing to get any more.
    pub fn ready_len(&self) -> usize {
        self.turn.len() + self.ready.len() + self.overflowing.len() + self.log.targets()
    }

    /// Fills a round with offers to at most `sessions_max` of the sessions whose turn it is.
    pub fn offer(&mut self, round: &mut Round, sessions_max: usize) {
        round.clear();
        while round.offers.len() < sessions_max {
            let Some(seat) = self.turn.pop_front() else { break };
            let Some(place) = self.roster.place_of(seat) else { continue };
            let Partition { roster, events, .. } = self;
            match roster.standing(place) {
                Standing::One(index) => {
                    roster.hand_over_one(place);
                    let pick = events.share(index, round);
                    round.offer_one(seat, pick);
                }
                Standing::Queue(_) => {
                    let queue = roster.queue_mut(place).expect("it has one");
                    if queue.unlist() {
                        queue.offer(self.batch_max, events, round);
                    } else {
                        self.rest(place);
                    }
                }
                Standing::Plain | Standing::OneInHand(_) => {}
            }
        }
        if self.roster.has_moved_here() {
            round.handles.extend(round.offers.iter().map(|offer| (offer.seat, self.roster.handle_of(offer.seat))));
        }
    }

    /// Fills a round with offers straight from the log, to at most `sessions_max` of the sessions the pass comes to next.
    pub fn offer_pass(&mut self, pass: &mut PassRound, sessions_max: usize) {
        pass.clear();
        let mut room = sessions_max;
        while room > 0 {
            let Partition { log, roster, .. } = self;
            let Some(word) = log.next_word(|word| roster.plain_word(word)) else {
                if pass.is_empty() {
                    self.end_pass();
                }
                break;
            };
            let places = lowest(word.left, room);
            word.left &= !places;
            room -= places.count_ones() as usize;
            let (first_place, events) = (word.first_place, word.columns);
            let (first_seat, generations) = roster.seats_of_word(first_place);
            pass.words_mut().push(PassWord { first_place, first_seat, places, events, generations });
        }
        self.in_hand = (!pass.is_empty()).then(|| Arc::clone(&pass.words));
        self.since_offered = SinceOffered::Unchanged;
        if !pass.is_empty() && pass.pass != self.log.pass_number() {
            pass.pass = self.log.pass_number();
            pass.round.clear();
            pass.round.events.extend(self.log.pass_entries().map(|entry| self.events.held(entry.index)));
        }
        pass.round.handles.clear();
        if self.roster.has_moved_here() {
            let PassRound { words, round, .. } = pass;
            words.iter().for_each(|word| {
                word.for_each(|seat, _| round.handles.push((seat, self.roster.handle_of(seat))));
            });
        }
    }

    fn end_pass(&mut self) {
        self.log.end_pass(|entry| self.events.release(entry.index));
        for place in std::mem::take(&mut self.resting) {
            if let Some(queue) = self.roster.queue_mut(place) {
                queue.is_resting = false;
                self.rest(place);
            }
        }
    }

    /// Books what became of a round's offers, and puts back what was not taken.
    pub fn commit(&mut self, round: &Round) {
        for offer in &round.offers {
            if self.commit_one(offer) {
                continue;
            }
            self.totals.panics += u64::from(offer.outcome == Outcome::Panicked);
            let answer = Answer::of(offer, round, self.on_panic);
            if answer.kind == Kind::New {
                self.book_gone(&answer);
            }
            self.settle(offer, &answer, round);
        }
    }

    /// Books that the one event of a session was taken, if that is all there is to book.
    fn commit_one(&mut self, offer: &Offer) -> bool {
        if offer.picks.len() != 1 || !matches!(offer.outcome, Outcome::Took(1..)) {
            return false;
        }
        let Some(place) = self.roster.place_of(offer.seat) else { return false };
        let Standing::OneInHand(index) = self.roster.standing(place) else { return false };
        self.roster.make_plain(place);
        self.roster.add_delivered(place, 1);
        self.events.release(index);
        self.totals.owed -= 1;
        self.totals.accounting.pending -= 1;
        self.totals.accounting.delivered += 1;
        true
    }

    /// Books what became of offers straight from the log. Who did not take all has a queue from here on.
    pub fn commit_pass(&mut self, pass: &mut PassRound) {
        let delivered = if pass.others.is_empty() && self.since_offered == SinceOffered::Unchanged {
            // Everybody took everything: usually so, and much cheaper.
            pass.words.iter().for_each(|word| self.roster.add_delivered_word(word));
            pass.words.iter().map(|word| word.items() as u64).sum()
        } else {
            self.commit_each(pass)
        };
        self.totals.accounting.delivered += delivered;
        self.totals.accounting.pending -= delivered;
        self.in_hand = None;
    }

    /// The same, with a look at each; returns how many events went to sessions of which there is nothing else to say.
    fn commit_each(&mut self, pass: &mut PassRound) -> u64 {
        let PassRound { words, others, round, .. } = pass;
        let mut others = others.drain(..).peekable();
        let mut delivered = 0;
        for word in words.iter() {
            word.for_each(|seat, events| {
                let all = Outcome::Took(events.count_ones() as usize);
                let outcome = others.next_if(|(other, _)| *other == seat).map_or(all, |(_, outcome)| outcome);
                match self.roster.place_of(seat) {
                    Some(place) if outcome == all && self.roster.is_plain(place) => {
                        self.roster.add_delivered(place, events.count_ones().into());
                        delivered += u64::from(events.count_ones());
                    }
                    place => self.commit_other(seat, events, place, outcome, round),
                }
            });
        }
        delivered
    }

    /// Books what became of one offer straight from the log, as if it had been made from the session's queue.
    fn commit_other(&mut self, seat: Seat, events: u32, place: Option<usize>, outcome: Outcome, round: &mut Round) {
        self.totals.panics += u64::from(outcome == Outcome::Panicked);
        round.picks.clear();
        for_each_bit(events.into(), |pick| round.picks.push(pick as u32));
        let picks = 0..round.picks.len();
        let offer = Offer { seat, picks, gaps: 0..0, kind: Kind::New, outcome };
        let answer = Answer::of(&offer, round, self.on_panic);
        self.book_gone(&answer);
        let Some(place) = place else {
            self.book_discarded(answer.kept.len() as u64, Ending::Disconnect);
            return;
        };
        self.queue(place);
        round.picks.iter().for_each(|pick| self.events.hold(round.index(*pick)));
        self.log.take_from_pass(events);
        self.settle(&offer, &answer, round);
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
            self.change(offer.seat, |queue, events, ready| queue.settle(answer, round, events_max, events, ready));
        match settled {
            Ok(dropped) => self.totals.drop_pending(dropped),
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
        let in_log = self.waiting_in_log(place).count();
        if self.is_plain(place) {
            return Ok(Resumed { again: 0, pending: in_log });
        }
        let resumed = self.change(seat, |queue, _, ready| queue.resume(ready));
        let (again, pending) = resumed.map_err(|NoSuchSession| AcknowledgeError::NoSuchSession)?;
        Ok(Resumed { again, pending: pending + in_log })
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
        self.change(seat, |queue, events, _| queue.offer(events_max, events, round))?;
        if let Some(offer) = round.offers.first_mut() {
            offer.outcome = Outcome::Took(usize::MAX);
        }
        self.commit(round);
        Ok(())
    }

    /// What became of an event that was accepted for this session.
    pub fn fate(&self, seat: Seat, sequence: Sequence) -> Fate {
        let Ok(place) = self.place(seat) else { return Fate::NoSuchSession };
        let in_hand = self.straight_in_hand(place);
        let before_log = self.known_pending(place) + in_hand.count_ones() as usize;
        let mut waiting = self.waiting_in_log(place);
        if let Some(ahead) = waiting.position(|entry| self.events.sequence(entry.index) == sequence) {
            return Fate::Pending { ahead: before_log + ahead };
        }
        match self.roster.standing(place) {
            Standing::One(index) if self.events.sequence(index) == sequence => return Fate::Pending { ahead: 0 },
            Standing::OneInHand(index) if self.events.sequence(index) == sequence => return Fate::Offered,
            _ => {}
        }
        if let Some(queue) = self.roster.queue(place) {
            return queue.fate(sequence, &self.events);
        }
        let mut offered = self.log.pass_entries().enumerate().filter(|(bit, _)| in_hand >> bit & 1 == 1);
        let is_in_hand = offered.any(|(_, entry)| self.events.sequence(entry.index) == sequence);
        if is_in_hand { Fate::Offered } else { Fate::HandedOver }
    }

    /// A session's events that are neither in the log nor in hand straight from there.
    fn known_pending(&self, place: usize) -> usize {
        match self.roster.standing(place) {
            Standing::Plain => 0,
            Standing::One(_) | Standing::OneInHand(_) => 1,
            Standing::Queue(_) => self.roster.queue(place).map_or(0, Queue::waiting),
        }
    }

    pub fn accounting(&self, seat: Seat) -> Result<Accounting, NoSuchSession> {
        let place = self.place(seat)?;
        let queue = self.roster.queue(place);
        let mut accounting = queue.map(Queue::accounting).unwrap_or_default();
        let one = if queue.is_none() { self.known_pending(place) } else { 0 };
        let in_log = self.waiting_in_log(place).count();
        let pending = (one + in_log) as u64 + u64::from(self.straight_in_hand(place).count_ones());
        let delivered = self.roster.delivered(place);
        accounting.delivered += delivered;
        accounting.pending += pending;
        accounting.accepted += delivered + pending;
        Ok(accounting)
    }

    /// How many entries of the log have set out, and which sessions' batches the host has in hand.
    pub fn schedule(&self) -> (u64, Vec<SessionId>) {
        let queued = self.roster.known().filter_map(|(place, standing)| match standing {
            Standing::OneInHand(_) => self.roster.seat_at(place),
            _ => self.roster.queue(place).filter(|queue| queue.is_in_hand()).map(|queue| queue.seat),
        });
        let mut straight = Vec::new();
        self.in_hand.iter().flat_map(|words| words.iter()).for_each(|word| word.for_each(|seat, _| straight.push(seat)));
        let in_hand = queued.chain(straight).map(|seat| self.roster.handle_of(seat));
        let mut in_hand: Vec<SessionId> = in_hand.collect();
        in_hand.sort_unstable();
        in_hand.dedup();
        (self.log.set_out(), in_hand)
    }

    /// Checks every queue, and that the totals are what the queues hold. Only while no offer is out.
    pub fn validate(&self) -> Result<(), String> {
        self.roster.validate()?;
        let (mut handles, mut pending) = (0, 0);
        let mut counted = Totals::default();
        for (place, standing) in self.roster.known() {
            if let Some(queue) = self.roster.queue(place) {
                handles += queue.validate(self.events_per_session_max, &self.events)?;
                counted.count(queue);
                continue;
            }
            if !matches!(standing, Standing::One(_)) {
                return Err(format!("an offer to place {place} is out: {standing:?}"));
            }
            handles += 1;
            counted.owed += 1;
        }
        for place in 0..self.roster.len() {
            let Some(seat) = self.roster.seat_at(place) else { continue };
            let accounting = self.accounting(seat).map_err(|error| error.to_string())?;
            if !accounting.balances() {
                return Err(format!("{seat:?} does not add up: {accounting:?}"));
            }
            counted.sessions += 1;
            pending += accounting.pending;
        }
        let Totals { accounting, sessions, lagging, parked, owed, unacknowledged, .. } = self.totals;
        if (sessions, lagging, parked, owed, unacknowledged)
            != (counted.sessions, counted.lagging, counted.parked, counted.owed, counted.unacknowledged)
        {
            return Err(format!("{sessions} sessions, {lagging} lagging, {parked} parked, {owed} owed: counted wrong"));
        }
        if !accounting.balances() || accounting.pending != pending {
            return Err(format!("{pending} events are pending, counted: {accounting:?}"));
        }
        self.events.validate(handles + self.log.len())
    }

    pub fn stats(&self, published: Sequence) -> PartitionStats {
        PartitionStats {
            sessions: self.totals.sessions,
            ready: self.ready_len(),
            lagging: self.totals.lagging,
            parked: self.totals.parked,
            unacknowledged: self.totals.unacknowledged,
            events_held: self.events.len(),
            events_in_log: self.log.len(),
            lag: self.log.oldest().map_or(0, |entry| published.0 + 1 - self.events.sequence(entry.index).0),
            bytes: self.held_bytes().total(),
            bytes_by_cause: self.held_bytes(),
            refused: self.totals.refused,
            gaps: self.totals.gaps,
            panics: self.totals.panics,
            accounting: self.totals.accounting,
        }
    }
}

/// The lowest bits, at most so many.
fn lowest(bits: u64, count: usize) -> u64 {
    if bits.count_ones() as usize <= count {
        return bits;
    }
    let rest = (0..count).fold(bits, |rest, _| rest & rest.wrapping_sub(1));
    bits & !rest
}

/// Puts an entry of the log into a queue; returns how many events were dropped. A session that can't go on without one that
/// its full queue has no room for keeps it until it is ended.
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

impl Totals {
    fn accept(&mut self, count: usize) {
        self.accounting.accepted += count as u64;
        self.accounting.pending += count as u64;
    }

    /// Events that are pending for a session that moves are accepted by its new partition instead.
    fn transfer(&mut self, count: usize, direction: Direction) {
        for number in [&mut self.accounting.accepted, &mut self.accounting.pending] {
            match direction {
                Direction::In => *number += count as u64,
                Direction::Out => *number -= count as u64,
            }
        }
    }

    fn drop_pending(&mut self, count: u64) {
        self.accounting.pending -= count;
        self.accounting.dropped += count;
    }

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
