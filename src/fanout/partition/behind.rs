//! Sessions that nobody is about to read are left behind: passes leave them out, and what went out is kept for them in
//! the backlog (`backlog.rs`).
//!
//! **Who is read again catches up first**, whatever it is that happens to it: its queue takes in what it lacks before
//! anything is changed. Until then it is told of itself as if it had: what its full queue will have dropped counts as
//! dropped. So nobody can tell a session that is behind from one whose queue takes in everything at once, except by the
//! partition's totals, in which such events are still pending.
//!
//! **Nothing is kept for ever.** Each pass visits some of the words of 64 places, so that all have been visited after a
//! certain number of entries. A visit leaves in the backlog as many of the newest entries as a queue holds. Of what is
//! older, nearly all is lost to a session for which so many newer ones wait: it is counted, row by row, and never put
//! into the queue. Only what can still be delivered is.
//!
//! **An event that ends a session whose queue is full** ([`Overload::Disconnect`]) can't wait: its pass visits all. So
//! does one that begins when the backlog has come to a quarter of the budget.

use super::Partition;
use super::take_in_entry;
use crate::fanout::Overload;
use crate::fanout::backlog::Run;
use crate::fanout::event::Gap;
use crate::fanout::log::Entry;
use crate::fanout::queue::Queue;
use crate::registry::for_each_bit;

/// Entries that a visit leaves where they are, unless a queue holds fewer: then so many.
const NEW_ENTRIES_MAX: usize = 1_024;

/// In the course of so many times these entries, every session that is behind is visited.
const ROUND: usize = 4;

/// The way through the words of places, round after round, some in each pass.
#[derive(Default)]
pub(super) struct Walk {
    next: usize,
    /// Words to visit in this pass, from `next` on, and how many there are.
    due: usize,
    words: usize,
    who: Visited,
    /// Memory for a word's part of the backlog.
    runs: Vec<Run>,
}

/// Which sessions that nobody is about to read take in what a pass brings.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Visited {
    #[default]
    Some,
    All,
}

impl Walk {
    fn begin(&mut self, who: Visited, words: usize, entries: usize, entries_a_round: usize) {
        self.next = (self.next + self.due) % words.max(1);
        self.due = (words * entries).div_ceil(entries_a_round).min(words);
        (self.words, self.who) = (words, who);
    }

    fn comes_to(&self, word: usize) -> bool {
        // The words follow each other in a circle.
        let ahead = if word < self.next { word + self.words - self.next } else { word - self.next };
        ahead < self.due
    }
}

impl Partition {
    /// A pass of so many entries begins.
    pub(super) fn begin_walk(&mut self, entries: usize) {
        let cannot_wait = self.log.pass_entries().any(|entry| entry.overload == Overload::Disconnect);
        let is_too_much = self.backlog.own_bytes() > self.bytes_max / 4;
        let who = if cannot_wait || is_too_much { Visited::All } else { Visited::Some };
        self.walk.begin(who, self.roster.words(), entries, ROUND * self.new_entries());
    }

    /// How many of the newest entries a visit leaves in the backlog.
    fn new_entries(&self) -> usize {
        self.events_per_session_max.min(NEW_ENTRIES_MAX)
    }

    /// Leaves behind whom nobody is about to read, of 64 places: those who take in nothing in this pass.
    pub(super) fn leave_behind(&mut self, word: usize) -> u64 {
        if self.walk.who == Visited::All {
            return 0;
        }
        let begun = self.log.set_out() - self.log.pass_entries().count() as u64;
        for_each_bit(self.roster.leave_behind(word), |bit| {
            let place = word * 64 + bit;
            if self.waits_from(place) > begun {
                // It came after some of these, which may be for whoever was in its place before.
                self.roster.caught_up(place, true);
                return;
            }
            self.roster.set_room(place, self.queue_room(place));
            if self.roster.list_unread(place) {
                self.unread.extend(self.roster.seat_at(place));
            }
        });
        self.roster.behind_word(word)
    }

    /// For how many more events the queue of a session has room.
    fn queue_room(&self, place: usize) -> usize {
        let pending = self.roster.queue(place).map_or(0, Queue::pending);
        self.events_per_session_max.min(u32::MAX as usize).saturating_sub(pending)
    }

    /// The handles that are reserved for what is kept for a session that is behind.
    fn reserved(&self, place: usize) -> usize {
        if self.roster.is_behind(place) { self.queue_room(place) - self.roster.room(place) } else { 0 }
    }

    /// A session will not take in what is kept for it, or is about to: nothing is reserved for it any more.
    pub(super) fn unreserve(&mut self, place: usize) {
        self.backlog.unreserve(self.reserved(place));
    }

    /// A pass is through: handles are reserved for what is kept for those who are behind.
    pub(super) fn reserve_for_behind(&mut self) {
        let Partition { log, roster, backlog, .. } = self;
        log.keep_pass(|audience, events| {
            let (left, handles) = roster.keep(audience, events);
            backlog.reserve(handles);
            left
        });
    }

    /// How many entries of the backlog a session that is behind has to look at to catch up.
    pub(super) fn lacks(&self, place: usize) -> usize {
        if self.roster.is_behind(place) { self.backlog.len() - self.backlog.at(self.waits_from(place)) } else { 0 }
    }

    /// The queue of a session takes in everything that has gone out, if it was left behind.
    pub(super) fn catch_up(&mut self, place: usize) {
        if self.roster.is_behind(place) {
            self.take_in(place, self.log.set_out());
        }
    }

    /// Visits those who are behind, of 64 places, if it is their turn in a pass that ends at `end`; returns how many.
    pub(super) fn visit(&mut self, word: usize, end: u64) -> usize {
        let to = end.saturating_sub(self.new_entries() as u64);
        let is_something_old = self.backlog.oldest().is_some_and(|oldest| oldest < to);
        let behind = self.roster.behind_word(word);
        if !is_something_old || behind == 0 || !self.walk.comes_to(word) {
            return 0;
        }
        let mut runs = std::mem::take(&mut self.walk.runs);
        self.backlog.show_word(word, behind, &mut runs);
        for_each_bit(behind, |bit| self.take_in_old(word * 64 + bit, to, &runs));
        self.walk.runs = runs;
        self.retire();
        behind.count_ones() as usize
    }

    /// A session that is behind takes in what is before a position, of the `runs` for its word.
    fn take_in_old(&mut self, place: usize, to: u64, runs: &[Run]) {
        let bit = place % 64;
        let old = self.backlog.at(self.waits_from(place))..self.backlog.at(to);
        if old.is_empty() {
            return;
        }
        self.unreserve(place);
        let excess = self.excess(place, old.start, runs);
        let Partition { roster, backlog, events, ready, totals, .. } = self;
        let queue = roster.queue_mut(place).expect("who is behind has one");
        queue.taken_in = to;
        totals.forget(queue);
        let from_queue = excess.min(queue.pending());
        queue.drop_oldest(from_queue, events);
        totals.drop_pending(from_queue as u64);
        let mut left = excess - from_queue;
        for run in runs {
            let entries = run.within(&old, bit);
            backlog.take_run(entries.clone(), 1 << bit);
            let lost = left.min(entries.len());
            left -= lost;
            let kept = entries.start + lost..entries.end;
            if lost > 0 {
                let sequence = |at: usize| events.sequence(backlog.entry(at).index);
                let (first, last) = (sequence(entries.start), sequence(kept.start - 1));
                queue.miss(Gap { count: lost as u64, first, last });
                totals.drop_pending(lost as u64);
            }
            for at in kept {
                let entry = backlog.entry(at);
                let dropped = take_in_entry(queue, entry, self.events_per_session_max, events, ready);
                totals.drop_pending(dropped);
            }
        }
        totals.count(queue);
        self.list_unread(place);
        let newer = runs.iter().map(|run| run.within(&(old.end..usize::MAX), bit).len()).sum::<usize>();
        let room = self.queue_room(place);
        self.roster.set_room(place, room.saturating_sub(newer));
        self.backlog.reserve(newer.min(room));
    }

    /// How many of its oldest events a session that is behind will have lost when it has caught up: those in its queue,
    /// and then those in the backlog from `first` on. 0 if that is not so simple, because a newer one may give way.
    fn excess(&self, place: usize, first: usize, runs: &[Run]) -> usize {
        let Some(queue) = self.roster.queue(place) else { return 0 };
        if !self.backlog.pushes_out_from(queue.taken_in) {
            return 0;
        }
        let mut waiting: usize = runs.iter().map(|run| run.within(&(first..usize::MAX), place % 64).len()).sum();
        for entry in self.log.pass_entries() {
            if entry.overload == Overload::DropNewest {
                return 0;
            }
            waiting += usize::from(entry.audience.contains(place));
        }
        (queue.pending() + waiting).saturating_sub(self.events_per_session_max)
    }

    /// How many of the events that wait for a session that is behind it will have lost when it has caught up.
    pub(super) fn overdue(&self, place: usize) -> u64 {
        let Some(queue) = self.roster.queue(place).filter(|_| self.roster.is_behind(place)) else { return 0 };
        let waiting = self.gone_out(place).count();
        // Each event beyond what the queue holds costs one: an older one or itself.
        (queue.pending() + waiting).saturating_sub(self.events_per_session_max.max(queue.pending())) as u64
    }

    /// Of the entries that are on their way, how many have not come to a session.
    pub(super) fn on_its_way(&self, place: usize) -> usize {
        let entries = self.log.range(self.waits_from(place), self.log.set_out());
        entries.filter(|entry| entry.audience.contains(place)).count()
    }

    /// For how many of those there is room in the queue of a session that is behind, when it has taken in the backlog.
    pub(super) fn room_behind(&self, place: usize) -> usize {
        if self.roster.is_behind(place) { self.roster.room(place) } else { usize::MAX }
    }

    /// How many of the events that wait for a session that is behind will be in its queue when it has caught up.
    pub(super) fn waiting_behind(&self, place: usize) -> usize {
        self.reserved(place) + self.on_its_way(place).min(self.room_behind(place))
    }

    /// The entries that went out without a session that is behind.
    pub(super) fn gone_out(&self, place: usize) -> impl Iterator<Item = &Entry> {
        self.waiting(place, self.waits_from(place), self.log.set_out())
    }

    /// Checks that nothing is kept for longer than a round of visits takes, and what is counted. For tests.
    pub(super) fn validate_backlog(&self) -> Result<(), String> {
        let taken_in = |place| {
            let queue = self.roster.queue(place).filter(|_| self.roster.is_behind(place))?;
            Some(queue.taken_in)
        };
        let reserved = |place| {
            let waiting = self.backlog.range(self.waits_from(place), u64::MAX);
            let waiting = waiting.filter(|entry| entry.audience.contains(place)).count();
            waiting.min(self.queue_room(place))
        };
        let behind = (0..self.roster.len()).filter(|place| self.roster.is_behind(*place));
        self.backlog.validate(taken_in, behind.map(reserved).sum())?;
        // A pass may be as long as a queue; the round's last one too.
        let (kept, kept_max) = (self.backlog.len(), (ROUND + 3) * self.new_entries());
        if kept > kept_max { Err(format!("{kept} entries are kept, at most {kept_max} may be")) } else { Ok(()) }
    }
}
