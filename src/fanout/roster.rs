//! Who is in which place of a partition, and what is known of each: [`Roster`].
//!
//! Most sessions of a big community are *plain*: they take what they are offered, and there is nothing to remember of them
//! but a count. They cost 12 bytes and two bits. Whoever has something pending, has lost something, acknowledges, lags, is
//! parked or is read through an outbox has a [`Queue`] until that is over.

use super::log::Columns;
use super::pass::PassWord;
use super::queue::Queue;
use crate::registry::{PartitionId, Seat, SessionId, SlotLayout, for_each_bit};
use ahash::AHashMap;

pub(super) struct Roster {
    layout: SlotLayout,
    partition: PartitionId,
    /// By place: the generation of the session there, 0 for nobody.
    generations: Vec<u32>,
    /// By place: the index of the session's queue, [`NO_QUEUE`] without one.
    queue_of: Vec<u32>,
    /// By place: events delivered to the session while it had no queue, modulo 2^32.
    delivered: Vec<u32>,
    /// The rest of those numbers that were too large.
    delivered_high: AHashMap<usize, u32>,
    /// By word of 64 places: sessions without a queue, and with one.
    plain: Vec<u64>,
    queued: Vec<u64>,
    queued_count: usize,
    queues: Vec<Queue>,
    free: Vec<u32>,
    /// By place: handles of the sessions that came from another partition.
    handles: AHashMap<usize, SessionId>,
}

const NO_QUEUE: u32 = u32::MAX;

impl Roster {
    pub fn new(layout: SlotLayout, partition: PartitionId) -> Self {
        Roster {
            layout,
            partition,
            generations: Vec::new(),
            queue_of: Vec::new(),
            delivered: Vec::new(),
            delivered_high: AHashMap::new(),
            plain: Vec::new(),
            queued: Vec::new(),
            queued_count: 0,
            queues: Vec::new(),
            free: Vec::new(),
            handles: AHashMap::new(),
        }
    }

    /// A session begins. It is plain.
    pub fn open(&mut self, seat: Seat) {
        let place = seat.place(self.layout);
        if place >= self.generations.len() {
            self.generations.resize(place + 1, 0);
            self.queue_of.resize(place + 1, NO_QUEUE);
            self.delivered.resize(place + 1, 0);
            self.plain.resize(place / 64 + 1, 0);
            self.queued.resize(place / 64 + 1, 0);
        }
        self.generations[place] = seat.generation();
        self.delivered[place] = 0;
        self.plain[place / 64] |= 1 << (place % 64);
    }

    /// A session ends; nothing may be left in its queue.
    pub fn close(&mut self, place: usize) {
        self.end_queue(place);
        self.plain[place / 64] &= !(1 << (place % 64));
        self.generations[place] = 0;
        if !self.delivered_high.is_empty() {
            self.delivered_high.remove(&place);
        }
        if !self.handles.is_empty() {
            self.handles.remove(&place);
        }
    }

    /// The session in this place has come from another partition.
    pub fn set_handle(&mut self, place: usize, session: SessionId) {
        self.handles.insert(place, session);
    }

    /// Whether a session here has a handle that is not its seat's.
    pub fn has_moved_here(&self) -> bool {
        !self.handles.is_empty()
    }

    /// The handle of the session in a seat.
    pub fn handle_of(&self, seat: Seat) -> SessionId {
        match self.handles.is_empty() {
            true => seat.as_handle(),
            false => self.handles.get(&seat.place(self.layout)).copied().unwrap_or(seat.as_handle()),
        }
    }

    /// Places that were ever taken.
    pub fn len(&self) -> usize {
        self.generations.len()
    }

    /// The place of a session that has not ended.
    #[inline]
    pub fn place_of(&self, seat: Seat) -> Option<usize> {
        let place = seat.place(self.layout);
        let is_here = self.generations.get(place) == Some(&seat.generation()) && seat.generation() != 0;
        is_here.then_some(place)
    }

    /// The session in a place.
    #[inline]
    pub fn seat_at(&self, place: usize) -> Option<Seat> {
        let generation = self.generations[place];
        (generation != 0).then(|| Seat::new(self.layout, self.partition, place, generation))
    }

    /// The first seat of a word of 64 places, of generation 0, and the generations of all.
    pub fn seats_of_word(&self, first_place: usize) -> (Seat, [u32; 64]) {
        let mut generations = [0; 64];
        let end = self.generations.len().min(first_place + 64);
        generations[..end - first_place].copy_from_slice(&self.generations[first_place..end]);
        (Seat::new(self.layout, self.partition, first_place, 0), generations)
    }

    /// Whether the session in this place has no queue.
    #[inline]
    pub fn is_plain(&self, place: usize) -> bool {
        self.queue_of[place] == NO_QUEUE
    }

    /// Sessions without a queue among the 64 places of a word.
    #[inline]
    pub fn plain_word(&self, word: usize) -> u64 {
        self.plain.get(word).copied().unwrap_or(0)
    }

    /// Sessions with a queue among the 64 places of a word.
    pub fn queued_word(&self, word: usize) -> u64 {
        self.queued.get(word).copied().unwrap_or(0)
    }

    pub fn has_queues(&self) -> bool {
        self.queued_count > 0
    }

    #[inline]
    pub fn queue(&self, place: usize) -> Option<&Queue> {
        self.queues.get(self.queue_of[place] as usize)
    }

    #[inline]
    pub fn queue_mut(&mut self, place: usize) -> Option<&mut Queue> {
        self.queues.get_mut(self.queue_of[place] as usize)
    }

    /// The sessions that have a queue, by place.
    pub fn queues(&self) -> impl Iterator<Item = (usize, &Queue)> {
        let index = |place| self.queue_of[place] as usize;
        (0..self.len()).filter(|&place| !self.is_plain(place)).map(move |place| (place, &self.queues[index(place)]))
    }

    /// Gives a plain session a queue, in which the log's entries before `taken_in` need not be.
    pub fn begin_queue(&mut self, place: usize, taken_in: u64) -> &mut Queue {
        debug_assert!(self.is_plain(place));
        let seat = Seat::new(self.layout, self.partition, place, self.generations[place]);
        self.plain[place / 64] &= !(1 << (place % 64));
        self.queued[place / 64] |= 1 << (place % 64);
        self.queued_count += 1;
        let index = match self.free.pop() {
            Some(index) => {
                self.queues[index as usize].reuse(seat, taken_in);
                index
            }
            None => {
                self.queues.push(Queue::new(seat, taken_in));
                (self.queues.len() - 1) as u32
            }
        };
        self.queue_of[place] = index;
        &mut self.queues[index as usize]
    }

    /// Takes a session's queue out, with what is in it.
    pub fn take_queue(&mut self, place: usize) -> Option<Queue> {
        let queue = self.queue_mut(place)?;
        let empty = Queue::new(queue.seat, queue.taken_in);
        Some(std::mem::replace(queue, empty))
    }

    /// Takes an empty queue away.
    pub fn end_queue(&mut self, place: usize) {
        let index = std::mem::replace(&mut self.queue_of[place], NO_QUEUE);
        if index == NO_QUEUE {
            return;
        }
        let delivered = self.queues[index as usize].delivered();
        self.add_delivered(place, delivered);
        self.queued[place / 64] &= !(1 << (place % 64));
        self.plain[place / 64] |= 1 << (place % 64);
        self.queued_count -= 1;
        self.free.push(index);
        if self.queued_count == 0 && self.queues.len() > 1_024 {
            // The memory of the busiest time goes back.
            (self.queues, self.free) = (Vec::new(), Vec::new());
        }
    }

    /// Events delivered to the session while it had no queue.
    pub fn delivered(&self, place: usize) -> u64 {
        let high = self.delivered_high.get(&place).copied().unwrap_or(0);
        u64::from(high) << 32 | u64::from(self.delivered[place])
    }

    #[inline]
    pub fn add_delivered(&mut self, place: usize, count: u64) {
        let sum = u64::from(self.delivered[place]) + count;
        self.delivered[place] = sum as u32;
        if sum > u64::from(u32::MAX) {
            self.carry_delivered(place, sum);
        }
    }

    /// Counts deliveries of all that is offered to a word's sessions.
    pub fn add_delivered_word(&mut self, word: &PassWord) {
        match word.events {
            Columns::Same(events) => {
                let count = events.count_ones().into();
                for_each_bit(word.places, |bit| self.add_delivered(word.first_place + bit, count));
            }
            Columns::Each(columns) => for_each_bit(word.places, |bit| {
                self.add_delivered(word.first_place + bit, columns[bit].count_ones().into());
            }),
        }
    }

    #[cold]
    fn carry_delivered(&mut self, place: usize, sum: u64) {
        *self.delivered_high.entry(place).or_default() += (sum >> 32) as u32;
    }

    /// Checks that every place is what one of its lists says. For tests.
    pub fn validate(&self) -> Result<(), String> {
        let bit = |words: &[u64], place: usize| words[place / 64] >> (place % 64) & 1 == 1;
        for place in 0..self.len() {
            let (is_here, is_plain) = (self.generations[place] != 0, self.is_plain(place));
            let bits = (bit(&self.plain, place), bit(&self.queued, place));
            let of_session = self.queue(place).map(|queue| Some(queue.seat) == self.seat_at(place));
            if bits != (is_here && is_plain, is_here && !is_plain) || of_session == Some(false) {
                return Err(format!("place {place} is listed wrong: {bits:?}"));
            }
        }
        let (in_use, free) = (self.queues().count(), self.free.len());
        if in_use != self.queued_count || in_use + free != self.queues.len() {
            return Err(format!("{in_use} queues and {free} free ones of {}", self.queues.len()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_deliveries_does_not_stop_at_32_bits() {
        let layout = SlotLayout::for_partitions(1);
        let mut roster = Roster::new(layout, PartitionId(0));
        let seat = |generation| Seat::new(layout, PartitionId(0), 0, generation);
        roster.open(seat(1));
        for count in [u64::from(u32::MAX), 3, 5 << 32] {
            roster.add_delivered(0, count);
        }
        assert_eq!(roster.delivered(0), (6 << 32) + 2);
        roster.close(0);
        roster.open(seat(2));
        assert_eq!((roster.delivered(0), roster.place_of(seat(1))), (0, None));
        assert_eq!(roster.validate(), Ok(()));
    }
}
