//! The publisher's side of a partition: an event comes in, and when there is no room for it, somebody gives way.

use super::{OverBudget, Partition};
use crate::fanout::Overload;
use crate::fanout::event::{Event, Sequence};
use crate::fanout::held_events::bytes_for;
use crate::fanout::log::{Entry, entry_bytes};
use crate::fanout::queue::Pushed;
use crate::registry::{Places, Seat, Topic};
use crate::stats::HeldBytes;

/// What a publish did in a partition.
pub(in crate::fanout) struct Accepted {
    pub count: usize,
    /// Sessions that cannot go on without the event, for which their queues had no room.
    pub overflowed: Vec<Seat>,
}

/// The session cannot go on without the event, and has no room for it.
struct MustEnd;

impl Partition {
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
        // What comes behind something that waits waits, too: nobody has to look for what is before it.
        let is_for_log = count >= self.log_sessions_min || self.log.waiting() > 0;
        let needed = if is_for_log { bytes_for(event, 1) + entry_bytes(audience) } else { bytes_for(event, count) };
        if !self.make_room(needed) {
            self.totals.refused += count as u64;
            return Err(OverBudget);
        }
        if is_for_log {
            let index = self.events.insert(sequence, event.clone(), topics, 1);
            self.log.push(Entry::new(index, overload, audience.clone()));
            self.totals.accept(count);
            return Ok(Accepted { count, overflowed: Vec::new() });
        }
        let index = self.events.insert(sequence, event.clone(), topics, count);
        let mut overflowed = Vec::new();
        audience.for_each(|place| {
            if let Err(MustEnd) = self.push(place, index, overload) {
                overflowed.extend(self.roster.seat_at(place));
            }
        });
        for _ in &overflowed {
            self.events.release(index);
        }
        Ok(Accepted { count: count - overflowed.len(), overflowed })
    }

    /// Puts an event into a session's queue: the hot path of a publish.
    fn push(&mut self, place: usize, index: u32, overload: Overload) -> Result<(), MustEnd> {
        if self.log.is_empty()
            && let Some(seat) = self.roster.begin_one(place, index)
        {
            self.ready.push_back(seat);
            self.totals.owed += 1;
            self.totals.accept(1);
            return Ok(());
        }
        self.queue(place);
        // Of what is on its way, what has not come to it yet.
        self.take_in(place, self.log.set_out());
        let Partition { roster, events, ready, totals, .. } = self;
        let queue = roster.queue_mut(place).expect("it was just given one");
        if queue.is_overflowing() {
            return Err(MustEnd);
        }
        // Only a first event changes what follows.
        let is_first = queue.has_no_events();
        let was_owed = is_first && queue.is_owed();
        let Pushed::Dropping(dropped) = queue.push(index, overload, self.events_per_session_max, events, ready) else {
            return Err(MustEnd);
        };
        if is_first {
            totals.owed += usize::from(queue.is_owed()) - usize::from(was_owed);
        }
        totals.accept(1);
        totals.drop_pending(dropped);
        if is_first {
            let may_stay_behind = queue.may_stay_behind();
            roster.caught_up(place, may_stay_behind);
            self.list_unread(place);
        }
        Ok(())
    }

    /// Makes sure that so many bytes fit into the budget, at the cost of sessions that nobody is about to read.
    pub fn make_room(&mut self, needed: usize) -> bool {
        if needed > self.bytes_max {
            return false;
        }
        while self.held_bytes().total().saturating_add(needed) > self.bytes_max {
            let Some(seat) = self.unread.pop_front() else { return false };
            let Ok(place) = self.place(seat) else { continue };
            self.roster.unlist_unread(place);
            self.catch_up(place);
            let Partition { roster, events, totals, .. } = self;
            let Some(queue) = roster.queue_mut(place).filter(|queue| queue.has_unread()) else { continue };
            let shed = queue.shed(events);
            totals.drop_pending(shed);
            totals.accounting.shed += shed;
            self.list_unread(place);
        }
        true
    }

    /// What is held: events, handles of them, and the log with its audiences.
    pub(super) fn held_bytes(&self) -> HeldBytes {
        HeldBytes {
            events: self.events.event_bytes(),
            handles: self.events.handle_bytes(),
            log: self.log.bytes() + self.backlog.bytes(),
        }
    }
}
