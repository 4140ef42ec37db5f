//! What a partition says of itself and of its sessions, without changing anything.

use super::Partition;
use super::totals::Totals;
use crate::fanout::event::Sequence;
use crate::fanout::fate::{Fate, Losses};
use crate::fanout::queue::Queue;
use crate::fanout::roster::Standing;
use crate::registry::{NoSuchSession, Seat, SessionId};
use crate::stats::{Accounting, LaggingSession, PartitionStats};
use std::cmp::Reverse;

impl Partition {
    /// Whether an offer to this session still is for the connection that it was made for.
    pub fn stands(&self, seat: Seat) -> bool {
        self.place(seat).is_ok_and(|place| self.roster.queue(place).is_none_or(Queue::stands))
    }

    /// Whether a session must end.
    pub fn is_overflowing(&self, seat: Seat) -> bool {
        self.place(seat).is_ok_and(|place| self.roster.queue(place).is_some_and(Queue::is_overflowing))
    }

    /// The handle of a session that has not ended.
    pub fn handle_of(&self, seat: Seat) -> Option<SessionId> {
        self.place(seat).ok().map(|_| self.roster.handle_of(seat))
    }

    /// What became of an event that was accepted for this session.
    pub fn fate(&self, seat: Seat, sequence: Sequence) -> Fate {
        let Ok(place) = self.place(seat) else { return Fate::NoSuchSession };
        if let Some(queue) = self.roster.queue(place).filter(|_| self.roster.is_behind(place)) {
            return self.fate_behind(place, queue, sequence);
        }
        let in_hand = self.straight_in_hand(place);
        let before_log = self.known_pending(place) + in_hand.count_ones() as usize;
        let mut waiting = self.all_waiting(place);
        if let Some(ahead) = waiting.position(|entry| self.events.sequence(entry.index) == sequence) {
            return Fate::Pending { ahead: before_log + ahead };
        }
        match self.roster.standing(place) {
            Standing::One(index) if self.events.sequence(index) == sequence => return Fate::Pending { ahead: 0 },
            Standing::OneInHand(index) if self.events.sequence(index) == sequence => return Fate::Offered,
            _ => {}
        }
        if let Some(queue) = self.roster.queue(place) {
            return queue.fate(sequence, queue.items(), &self.events);
        }
        let mut offered = self.log.pass_entries().enumerate().filter(|(bit, _)| in_hand >> bit & 1 == 1);
        if offered.any(|(_, entry)| self.events.sequence(entry.index) == sequence) {
            return Fate::Offered;
        }
        self.roster.losses(place).and_then(|losses| losses.fate(sequence)).unwrap_or(Fate::HandedOver)
    }

    /// What became of an event for a session that is behind, as if it had caught up.
    fn fate_behind(&self, place: usize, queue: &Queue, sequence: Sequence) -> Fate {
        let items = queue.caught_up(self.gone_out(place), self.events_per_session_max, &self.events);
        let mut waiting = self.waiting(place, self.log.set_out(), self.log.end());
        match waiting.position(|entry| self.events.sequence(entry.index) == sequence) {
            Some(ahead) => Fate::Pending { ahead: items.events() + ahead },
            None => queue.fate(sequence, &items, &self.events),
        }
    }

    /// A session's events that are neither in the log nor in hand straight from there.
    fn known_pending(&self, place: usize) -> usize {
        match self.roster.standing(place) {
            Standing::Plain => 0,
            Standing::One(_) | Standing::OneInHand(_) => 1,
            Standing::Queue(_) => self.roster.queue(place).map_or(0, Queue::waiting),
        }
    }

    /// Where every event accepted for a session went. One that is behind is told of as if it had caught up.
    pub fn accounting(&self, seat: Seat) -> Result<Accounting, NoSuchSession> {
        let mut accounting = self.booked(seat)?;
        let overdue = self.overdue(seat.place(self.layout));
        accounting.pending -= overdue;
        accounting.dropped += overdue;
        Ok(accounting)
    }

    /// The same as it is in the totals.
    fn booked(&self, seat: Seat) -> Result<Accounting, NoSuchSession> {
        let place = self.place(seat)?;
        let queue = self.roster.queue(place);
        let lost = || self.roster.losses(place).map(Losses::accounting).unwrap_or_default();
        let mut accounting = queue.map_or_else(lost, Queue::accounting);
        let one = if queue.is_none() { self.known_pending(place) } else { 0 };
        let in_log = self.all_waiting(place).count();
        let pending = (one + in_log) as u64 + u64::from(self.straight_in_hand(place).count_ones());
        let delivered = self.roster.delivered(place);
        accounting.delivered += delivered;
        accounting.pending += pending;
        accounting.accepted += delivered + pending;
        Ok(accounting)
    }

    /// The sessions with most events waiting, at most `count`, the most first.
    pub fn most_lagging(&self, count: usize) -> Vec<LaggingSession> {
        let pending = self.roster.known().map(|(place, _)| (Reverse(self.pending(place)), place));
        let mut most: Vec<(Reverse<usize>, usize)> = pending.filter(|(Reverse(pending), _)| *pending > 0).collect();
        most.sort_unstable();
        most.truncate(count);
        let lagging = |&(Reverse(pending), place): &(Reverse<usize>, usize)| {
            let session = self.roster.handle_of(self.roster.seat_at(place)?);
            Some(LaggingSession { session, pending, oldest: self.oldest_pending(place)? })
        };
        most.iter().filter_map(lagging).collect()
    }

    /// The events that wait for a session, not those in hand or in the log.
    fn pending(&self, place: usize) -> usize {
        match (self.roster.standing(place), self.roster.queue(place)) {
            (_, Some(queue)) if self.roster.is_behind(place) => queue.pending() + self.waiting_behind(place),
            (_, Some(queue)) => queue.pending(),
            (Standing::One(_), None) => 1,
            _ => 0,
        }
    }

    /// The oldest of them.
    fn oldest_pending(&self, place: usize) -> Option<Sequence> {
        match (self.roster.standing(place), self.roster.queue(place)) {
            (Standing::One(index), _) => Some(self.events.sequence(index)),
            (_, Some(queue)) if self.roster.is_behind(place) => {
                let items = queue.caught_up(self.gone_out(place), self.events_per_session_max, &self.events);
                items.indices().next().map(|index| self.events.sequence(index))
            }
            (_, queue) => queue?.oldest(&self.events),
        }
    }

    /// How many entries of the log have set out, and which sessions' batches the host has in hand.
    pub fn schedule(&self) -> (u64, Vec<SessionId>) {
        let queued = self.roster.known().filter_map(|(place, standing)| match standing {
            Standing::OneInHand(_) => self.roster.seat_at(place),
            _ => self.roster.queue(place).filter(|queue| queue.is_in_hand()).map(|queue| queue.seat),
        });
        let mut straight = Vec::new();
        self.in_hand
            .iter()
            .flat_map(|words| words.iter())
            .for_each(|word| word.for_each(|seat, _| straight.push(seat)));
        let in_hand = queued.chain(straight).map(|seat| self.roster.handle_of(seat));
        let mut in_hand: Vec<SessionId> = in_hand.collect();
        in_hand.sort_unstable();
        in_hand.dedup();
        (self.log.set_out(), in_hand)
    }

    pub fn stats(&self, published: Sequence) -> PartitionStats {
        PartitionStats {
            sessions: self.totals.sessions,
            ready: self.ready_len(),
            lagging: self.totals.lagging,
            parked: self.totals.parked,
            queues: self.roster.queues_len(),
            unacknowledged: self.totals.unacknowledged,
            events_held: self.events.len(),
            events_in_log: self.log.len(),
            events_behind: self.backlog.len(),
            lag: self.log.oldest().map_or(0, |entry| published.0 + 1 - self.events.sequence(entry.index).0),
            bytes: self.held_bytes().total(),
            bytes_by_cause: self.held_bytes(),
            refused: self.totals.refused,
            gaps: self.totals.gaps,
            panics: self.totals.panics,
            accounting: self.totals.accounting,
        }
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
            let accounting = self.booked(seat).map_err(|error| error.to_string())?;
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
        self.validate_backlog()?;
        self.events.validate(handles + self.log.len() + self.backlog.len())
    }
}
