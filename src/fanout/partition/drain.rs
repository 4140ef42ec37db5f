//! The worker's side of a partition: who has its turn, and what each is offered. What comes back is `commit.rs`.

use super::{Partition, SinceOffered};
use crate::fanout::DrainLimit;
use crate::fanout::batch::Round;
use crate::fanout::pass::{PassRound, writable};
use crate::fanout::roster::Standing;
use crate::registry::{Seat, for_each_bit};
use std::sync::Arc;

/// A visit to a session that is behind takes about as long as to let so many take in what is on its way.
const VISIT_SESSIONS: usize = 8;

/// To look at so many entries that are kept takes about as long as to let one session take in what is on its way.
const LOOK_ENTRIES: usize = 16;

impl Partition {
    /// A drain begins: what waits in the log sets out, unless something is on its way still. The queues are to
    /// [take it in](Self::take_in_some) before the [turn begins](Self::begin_turn).
    pub fn begin_drain(&mut self) {
        if self.log.pass_end().is_some() && self.log.taking_in().is_none() && !self.goes_on() {
            self.end_pass();
        }
        let entries_max = self.events_per_session_max.min(self.batch_max);
        let entries = self.log.begin_pass(entries_max);
        if entries > 0 {
            self.begin_walk(entries);
        }
        if self.roster.knows_nobody() && self.log.taking_in().is_some() {
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
        let Some(end) = self.log.pass_end() else { return false };
        let mut sessions = 0;
        while sessions < sessions_max {
            let Some(next) = self.log.taking_in() else { return false };
            let Some(word) = self.roster.next_known_word(*next) else {
                self.log.begin_offering();
                return false;
            };
            *next = word + 1;
            let (known, before) = (self.roster.known_word(word), self.roster.behind_word(word));
            let behind = self.leave_behind(word);
            // Only who was behind and stays so is not looked at.
            sessions += (known & !(before & behind)).count_ones() as usize;
            for_each_bit(known & !behind, |bit| {
                sessions += self.lacks(word * 64 + bit) / LOOK_ENTRIES;
                self.queue(word * 64 + bit);
                self.take_in(word * 64 + bit, end);
            });
            sessions += match self.visit(word, end) {
                0 => 0,
                visited => VISIT_SESSIONS * visited + self.backlog.len() / LOOK_ENTRIES,
            };
        }
        true
    }

    /// Sessions that must end, since an event that they must not miss came from the log to their full queues.
    pub fn take_overflowing(&mut self) -> Vec<Seat> {
        std::mem::take(&mut self.overflowing).into()
    }

    /// Those who are ready now have their turn, who becomes ready meanwhile waits for the next drain.
    pub fn begin_turn(&mut self) {
        self.turn.append(&mut self.ready);
    }

    /// About how many sessions wait for a drain; some may have nothing to get any more.
    pub fn ready_len(&self) -> usize {
        let from_log = self.log.sessions_most().min(self.totals.sessions);
        self.turn.len() + self.ready.len() + self.overflowing.len() + from_log
    }

    /// Fills a round with offers to sessions whose turn it is.
    pub fn offer(&mut self, round: &mut Round, limit: DrainLimit) {
        round.clear();
        while round.offers.len() < limit.sessions && round.picks.len() < limit.items {
            let Some(seat) = self.turn.pop_front() else { break };
            let Some(place) = self.roster.place_of(seat) else { continue };
            let Partition { roster, events, .. } = self;
            match roster.standing(place) {
                Standing::One(index) => {
                    roster.hand_over_one(place);
                    let pick = events.share(index, round);
                    round.offer_one(seat, roster.handle_of(seat), pick);
                }
                Standing::Queue(_) => {
                    let session = roster.handle_of(seat);
                    let queue = roster.queue_mut(place).expect("it has one");
                    if queue.unlist() {
                        queue.offer(session, self.batch_max, events, round);
                    } else {
                        self.rest(place);
                    }
                }
                Standing::Plain | Standing::OneInHand(_) => {}
            }
        }
    }

    /// Fills a round with offers straight from the log, to the sessions that the pass comes to next. As soon as there are `enough` the round ends; a word of places is split for that only if `enough` are
    /// fewer than it has: to offer half a word costs as much as to offer a whole one.
    pub fn offer_pass(&mut self, pass: &mut PassRound, limit: DrainLimit, enough: usize) {
        pass.clear();
        // None is offered more than all of the pass.
        let within_items = limit.items.div_ceil(self.log.pass_entries().count().max(1));
        let (mut room, mut wanted) = (limit.sessions.min(within_items), enough);
        while room > 0 && wanted > 0 {
            let Partition { log, roster, .. } = self;
            let Some(word) = log.next_word(|word| roster.plain_word(word)) else {
                if pass.is_empty() {
                    self.end_pass();
                }
                break;
            };
            let places = lowest(word.left, if enough < 64 { room.min(wanted) } else { room });
            word.left &= !places;
            room -= places.count_ones() as usize;
            wanted = wanted.saturating_sub(places.count_ones() as usize);
            let PassRound { words, handles, .. } = &mut *pass;
            let offered = writable(words).next();
            (offered.first_place, offered.places) = (word.first_place, places);
            offered.events.copy_from(&word.columns);
            offered.first_seat = roster.seats_of_word(word.first_place, &mut offered.generations);
            offered.moved = roster.moved_word(word.first_place / 64);
            for_each_bit(places & offered.moved, |bit| {
                let seat = offered.seat(bit);
                handles.push((seat, roster.handle_of(seat)));
            });
        }
        self.in_hand = (!pass.is_empty()).then(|| Arc::clone(&pass.words));
        self.since_offered = SinceOffered::Unchanged;
        if !pass.is_empty() && pass.pass != self.log.pass_number() {
            pass.pass = self.log.pass_number();
            pass.round.clear();
            pass.round.events.extend(self.log.pass_entries().map(|entry| self.events.held(entry.index)));
        }
    }

    /// What has gone out leaves the log; what somebody was left behind for is kept.
    fn end_pass(&mut self) {
        self.reserve_for_behind();
        let Partition { log, backlog, events, .. } = self;
        log.end_pass(|position, entry| match entry.left() {
            0 => events.release(entry.index),
            _ => {
                let event_bytes = events.bytes_of(entry.index);
                backlog.push(position, entry, event_bytes);
            }
        });
        self.log_has_gone_on();
    }

    /// Takes away some more of the queues that nobody needs since the log has gone on; whether there are more.
    pub fn rest_some(&mut self, sessions_max: usize) -> bool {
        let first = self.rested.len().saturating_sub(sessions_max);
        for seat in self.rested.split_off(first) {
            let Ok(place) = self.place(seat) else { continue };
            if let Some(queue) = self.roster.queue_mut(place) {
                queue.is_resting = false;
                self.rest(place);
            }
        }
        !self.rested.is_empty()
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
