//! What is handed over straight from the log, to sessions of which nothing else is known: words of 64 places, as they
//! are in the log and in the roster. For each word a few copies are made under the lock, for each session nothing.

use super::batch::{Outcome, Round};
use super::log::Columns;
use crate::registry::{Seat, SessionId, for_each_bit};
use std::ops::Deref;
use std::sync::Arc;

/// What some sessions are offered: each some of the same few events, and nothing else.
#[derive(Default)]
pub(super) struct PassRound {
    /// The number of the pass whose events these are.
    pub pass: u64,
    /// Shared with the partition while the host has them in hand.
    pub words: Arc<PassWords>,
    /// Handles of sessions that have come from another partition, in the order of their seats.
    pub handles: Vec<(Seat, SessionId)>,
    /// What became of those who did not take all, in the order of the words and places.
    pub others: Vec<(Seat, Outcome)>,
    /// Its events are the pass's. Its offers are filled in only for who did not take all.
    pub round: Round,
}

/// Words in memory that is filled again and again: to make one elsewhere and move it there costs more than the rest.
#[derive(Default)]
pub(super) struct PassWords {
    slots: Vec<PassWord>,
    len: usize,
}

/// Up to 64 sessions with places side by side.
pub(super) struct PassWord {
    /// The first place of the word, and the seat it would be of generation 0.
    pub first_place: usize,
    pub first_seat: Seat,
    /// The places of those that are offered something.
    pub places: u64,
    /// The pass's events for each of them.
    pub events: Columns,
    pub generations: [u32; 64],
    /// The places of those that have come from another partition.
    pub moved: u64,
}

impl PassWords {
    /// One more word, to be filled: what it holds is from earlier.
    pub fn next(&mut self) -> &mut PassWord {
        if self.len == self.slots.len() {
            self.slots.push(PassWord {
                first_place: 0,
                first_seat: Seat::NOWHERE,
                places: 0,
                events: Columns::Same(0),
                generations: [0; 64],
                moved: 0,
            });
        }
        self.len += 1;
        &mut self.slots[self.len - 1]
    }
}

impl Deref for PassWords {
    type Target = [PassWord];

    fn deref(&self) -> &[PassWord] {
        &self.slots[..self.len]
    }
}

impl PassWord {
    #[inline]
    pub fn seat(&self, bit: usize) -> Seat {
        self.first_seat.beside(bit, self.generations[bit])
    }

    /// The handle of a session, which is its seat's, or among `handles`.
    #[inline]
    pub fn handle(&self, bit: usize, handles: &[(Seat, SessionId)]) -> SessionId {
        let seat = self.seat(bit);
        if self.moved >> bit & 1 == 0 {
            return seat.as_handle();
        }
        let at = handles.binary_search_by_key(&seat, |(seat, _)| *seat).expect("it has moved");
        handles[at].1
    }

    /// How many sessions are offered something.
    pub fn sessions(&self) -> usize {
        self.places.count_ones() as usize
    }

    /// How many events they are offered, added up.
    pub fn items(&self) -> usize {
        match self.events {
            Columns::Same(events) => events.count_ones() as usize * self.sessions(),
            Columns::Each(_) => {
                let mut items = 0;
                self.for_each(|_, events| items += events.count_ones() as usize);
                items
            }
        }
    }

    /// The events of the session in this seat, if it is offered some.
    fn events_of(&self, place: usize, seat: Seat) -> Option<u32> {
        let bit = place - self.first_place;
        (self.places >> bit & 1 == 1 && self.seat(bit) == seat).then(|| self.events.of(bit))
    }

    pub fn for_each(&self, mut visit: impl FnMut(Seat, u32)) {
        for_each_bit(self.places, |bit| visit(self.seat(bit), self.events.of(bit)));
    }
}

/// The words, while nobody has them in hand.
pub(super) fn writable(words: &mut Arc<PassWords>) -> &mut PassWords {
    Arc::get_mut(words).expect("nobody has them in hand")
}

/// The events that a session has in hand, of those that are in `words`.
pub(super) fn events_in_hand(words: &[PassWord], place: usize, seat: Seat) -> Option<u32> {
    let at = words.binary_search_by_key(&(place / 64 * 64), |word| word.first_place).ok()?;
    words[at].events_of(place, seat)
}

impl PassRound {
    /// The number of sessions.
    pub fn len(&self) -> usize {
        self.words.iter().map(PassWord::sessions).sum()
    }

    /// How many events they are offered, added up.
    pub fn items(&self) -> usize {
        self.words.iter().map(PassWord::items).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub fn clear(&mut self) {
        writable(&mut self.words).len = 0;
        self.handles.clear();
        self.others.clear();
    }

    /// Lets go of the events too.
    pub fn let_go(&mut self) {
        self.clear();
        self.round.clear();
        self.pass = 0;
    }
}
