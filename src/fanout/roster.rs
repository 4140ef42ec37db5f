//! Who is in which place of a partition, and what is known of each: [`Roster`].
//!
//! Most sessions of a big community are *plain*: they take what they are offered, and there is nothing to remember of
//! them but a count. They cost 12 bytes and six bits, and four bytes more once anybody has been left behind. So do
//! those who wait with *one* event and nothing else: in a room of few that is the usual case, and the event's handle
//! stands where the number of a queue would. Whoever has more pending, acknowledges, lags, is parked or is read through
//! an outbox has a [`Queue`] until that is over. What a session lost stands aside until it needs a queue again.

use super::fate::Losses;
use super::log::Columns;
use super::pass::PassWord;
use super::queue::Queue;
use crate::registry::{CHUNK_WORDS, PartitionId, Places, Seat, SessionId, SlotLayout, for_each_bit};
use ahash::AHashMap;

pub(super) struct Roster {
    layout: SlotLayout,
    partition: PartitionId,
    berths: Vec<Berth>,
    /// The rest of those numbers of deliveries that were too large, by place.
    delivered_high: AHashMap<usize, u32>,
    /// By word of 64 places: where a session is, and where one is that is not plain.
    here: Vec<u64>,
    known: Vec<u64>,
    known_count: usize,
    queues: Vec<Queue>,
    free: Vec<u32>,
    /// What sessions without a queue have lost, by place.
    losses: AHashMap<usize, Box<Losses>>,
    /// Handles of the sessions that came from another partition, by place, and by word of 64 places where they are.
    handles: AHashMap<usize, SessionId>,
    moved: Vec<u64>,
    /// By word of 64 places: who is in the partition's list of sessions that may have to give way.
    listed_unread: Vec<u64>,
    /// By word of 64 places: who may be left out of passes, and who has been and has not caught up since.
    may_stay_behind: Vec<u64>,
    behind: Vec<u64>,
    behind_count: usize,
    /// By place, of those who are behind: for how many more of the events kept for it the queue has room. Empty as long
    /// as nobody has been behind.
    room: Vec<u32>,
}

/// One place. All in one line of memory: with a million sessions, the next event is for one that no cache has.
#[derive(Clone, Copy)]
struct Berth {
    /// Of the session here, 0 for nobody.
    generation: u32,
    /// A [`Standing`].
    standing: u32,
    /// Events delivered to the session, modulo 2^32.
    delivered: u32,
}

/// What is known of a session, beside what was delivered to it and what it lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing.
    Plain,
    /// It waits for its turn with one event, of this handle.
    One(u32),
    /// The host has that event in hand.
    OneInHand(u32),
    /// Whatever its queue says, which is this one.
    Queue(u32),
}

const PLAIN: u32 = u32::MAX;
/// Beside the handle of an event.
const ONE: u32 = 1 << 31;
const IN_HAND: u32 = 1 << 30;
/// Handles from here on do not fit beside those.
const HANDLES_END: u32 = IN_HAND - 1;

impl Berth {
    const EMPTY: Berth = Berth { generation: 0, standing: PLAIN, delivered: 0 };

    #[inline]
    fn standing(self) -> Standing {
        match self.standing {
            PLAIN => Standing::Plain,
            queue if queue & ONE == 0 => Standing::Queue(queue),
            one if one & IN_HAND == 0 => Standing::One(one & !ONE),
            one => Standing::OneInHand(one & !(ONE | IN_HAND)),
        }
    }
}

impl Roster {
    pub fn new(layout: SlotLayout, partition: PartitionId) -> Self {
        Roster {
            layout,
            partition,
            berths: Vec::new(),
            delivered_high: AHashMap::new(),
            here: Vec::new(),
            known: Vec::new(),
            known_count: 0,
            queues: Vec::new(),
            free: Vec::new(),
            losses: AHashMap::new(),
            handles: AHashMap::new(),
            moved: Vec::new(),
            listed_unread: Vec::new(),
            may_stay_behind: Vec::new(),
            behind: Vec::new(),
            behind_count: 0,
            room: Vec::new(),
        }
    }

    /// A session begins. It is plain.
    pub fn open(&mut self, seat: Seat) {
        let place = seat.place(self.layout);
        if place >= self.berths.len() {
            self.berths.resize(place + 1, Berth::EMPTY);
            self.here.resize(place / 64 + 1, 0);
            self.known.resize(place / 64 + 1, 0);
            self.moved.resize(place / 64 + 1, 0);
            self.listed_unread.resize(place / 64 + 1, 0);
            self.may_stay_behind.resize(place / 64 + 1, 0);
            self.behind.resize(place / 64 + 1, 0);
        }
        self.berths[place] = Berth { generation: seat.generation(), ..Berth::EMPTY };
        set(&mut self.here, place);
    }

    /// A session ends; nothing may be left in its queue.
    pub fn close(&mut self, place: usize) {
        self.make_plain(place);
        clear(&mut self.here, place);
        self.berths[place].generation = 0;
        if !self.delivered_high.is_empty() {
            self.delivered_high.remove(&place);
        }
        if !self.losses.is_empty() {
            self.losses.remove(&place);
        }
        if !self.handles.is_empty() {
            self.handles.remove(&place);
            clear(&mut self.moved, place);
        }
        clear(&mut self.listed_unread, place);
    }

    /// The session in this place has come from another partition.
    pub fn set_handle(&mut self, place: usize, session: SessionId) {
        self.handles.insert(place, session);
        set(&mut self.moved, place);
    }

    /// Sessions that have come from another partition among the 64 places of a word: their handles are not their
    /// seats'.
    pub fn moved_word(&self, word: usize) -> u64 {
        self.moved[word]
    }

    /// The handle of the session in a seat.
    pub fn handle_of(&self, seat: Seat) -> SessionId {
        match self.handles.is_empty() {
            true => seat.as_handle(),
            false => self.handles.get(&seat.place(self.layout)).copied().unwrap_or(seat.as_handle()),
        }
    }

    /// What a session without a queue has lost.
    pub fn losses(&self, place: usize) -> Option<&Losses> {
        self.losses.get(&place).map(Box::as_ref)
    }

    /// Marks a session as listed among those that may have to give way; whether it was not.
    pub fn list_unread(&mut self, place: usize) -> bool {
        let is_listed = is_set(&self.listed_unread, place);
        set(&mut self.listed_unread, place);
        !is_listed
    }

    /// A session has been taken from that list.
    pub fn unlist_unread(&mut self, place: usize) {
        clear(&mut self.listed_unread, place);
    }

    /// Whether a session has been left out of a pass and has not caught up since.
    pub fn is_behind(&self, place: usize) -> bool {
        is_set(&self.behind, place)
    }

    /// A session has taken in everything that has gone out; whether later passes may leave it out.
    pub fn caught_up(&mut self, place: usize, may_stay_behind: bool) {
        self.behind_count -= usize::from(self.is_behind(place));
        clear(&mut self.behind, place);
        match may_stay_behind {
            true => set(&mut self.may_stay_behind, place),
            false => clear(&mut self.may_stay_behind, place),
        }
    }

    /// Leaves behind who may be, of the 64 places of a word; returns who was not.
    pub fn leave_behind(&mut self, word: usize) -> u64 {
        let Some(&left) = self.may_stay_behind.get(word) else { return 0 };
        let new = left & !self.behind[word];
        self.behind[word] |= left;
        self.behind_count += new.count_ones() as usize;
        new
    }

    /// Of the 64 places of a word, those who are behind.
    pub fn behind_word(&self, word: usize) -> u64 {
        self.behind.get(word).copied().unwrap_or(0)
    }

    /// For how many more events the queue of a session that is behind has room.
    pub fn room(&self, place: usize) -> usize {
        self.room[place] as usize
    }

    pub fn set_room(&mut self, place: usize, room: usize) {
        if place >= self.room.len() {
            self.room.resize(self.len(), 0);
        }
        self.room[place] = u32::try_from(room).unwrap_or(u32::MAX);
    }

    /// So many events for these places are kept for those who are behind. Returns how many of them are, and how many
    /// handles they may come to hold for it.
    pub fn keep(&mut self, places: &Places, events: usize) -> (usize, usize) {
        let (mut left, mut handles) = (0, 0);
        if self.behind_count == 0 {
            return (left, handles);
        }
        let Roster { behind, room, .. } = self;
        for chunk in 0..places.chunks() {
            places.show_words(chunk, |at, bits| {
                let word = chunk * CHUNK_WORDS + at;
                let bits = bits & behind.get(word).copied().unwrap_or(0);
                left += bits.count_ones() as usize;
                for_each_bit(bits, |bit| {
                    let room = &mut room[word * 64 + bit];
                    let taken = (*room).min(events as u32);
                    *room -= taken;
                    handles += taken as usize;
                });
            });
        }
        (left, handles)
    }

    /// Words of 64 places that were ever taken.
    pub fn words(&self) -> usize {
        self.known.len()
    }

    /// Places that were ever taken.
    pub fn len(&self) -> usize {
        self.berths.len()
    }

    /// The place of a session that has not ended.
    #[inline]
    pub fn place_of(&self, seat: Seat) -> Option<usize> {
        let place = seat.place(self.layout);
        let is_here = self.berths.get(place).is_some_and(|berth| berth.generation == seat.generation());
        (is_here && seat.generation() != 0).then_some(place)
    }

    /// The session in a place.
    #[inline]
    pub fn seat_at(&self, place: usize) -> Option<Seat> {
        let generation = self.berths[place].generation;
        (generation != 0).then(|| Seat::new(self.layout, self.partition, place, generation))
    }

    /// The first seat of a word of 64 places, of generation 0; fills in the generations of those that were ever taken.
    pub fn seats_of_word(&self, first_place: usize, generations: &mut [u32; 64]) -> Seat {
        let berths = &self.berths[first_place..self.berths.len().min(first_place + 64)];
        generations.iter_mut().zip(berths).for_each(|(generation, berth)| *generation = berth.generation);
        Seat::new(self.layout, self.partition, first_place, 0)
    }

    #[inline]
    pub fn standing(&self, place: usize) -> Standing {
        self.berths[place].standing()
    }

    #[inline]
    pub fn is_plain(&self, place: usize) -> bool {
        self.berths[place].standing == PLAIN
    }

    /// Plain sessions among the 64 places of a word.
    #[inline]
    pub fn plain_word(&self, word: usize) -> u64 {
        self.here.get(word).map_or(0, |here| here & !self.known[word])
    }

    /// Sessions that are not plain among the 64 places of a word.
    pub fn known_word(&self, word: usize) -> u64 {
        self.known.get(word).copied().unwrap_or(0)
    }

    /// The first word from this one on that has sessions that are not plain.
    pub fn next_known_word(&self, from: usize) -> Option<usize> {
        let rest = self.known.get(from..)?;
        rest.iter().position(|known| *known != 0).map(|at| from + at)
    }

    /// Whether all sessions are plain.
    pub fn knows_nobody(&self) -> bool {
        self.known_count == 0
    }

    #[inline]
    pub fn queue(&self, place: usize) -> Option<&Queue> {
        // No other standing is the number of a queue.
        self.queues.get(self.berths[place].standing as usize)
    }

    #[inline]
    pub fn queue_mut(&mut self, place: usize) -> Option<&mut Queue> {
        self.queues.get_mut(self.berths[place].standing as usize)
    }

    /// The sessions that are not plain, by place.
    pub fn known(&self) -> impl Iterator<Item = (usize, Standing)> {
        let places = (0..self.len()).filter(|&place| !self.is_plain(place));
        places.map(|place| (place, self.standing(place)))
    }

    /// How many sessions have a queue.
    pub fn queues_len(&self) -> usize {
        self.queues.len() - self.free.len()
    }

    /// The sessions that have a queue, by place.
    pub fn queues(&self) -> impl Iterator<Item = (usize, &Queue)> {
        self.known().filter_map(|(place, _)| Some((place, self.queue(place)?)))
    }

    /// A session, if it is plain, waits from here on with one event.
    #[inline]
    pub fn begin_one(&mut self, place: usize, index: u32) -> Option<Seat> {
        let berth = &mut self.berths[place];
        if berth.standing != PLAIN || index >= HANDLES_END {
            return None;
        }
        berth.standing = ONE | index;
        set(&mut self.known, place);
        self.known_count += 1;
        Some(Seat::new(self.layout, self.partition, place, berth.generation))
    }

    /// The host has the one event of a session in hand.
    #[inline]
    pub fn hand_over_one(&mut self, place: usize) {
        debug_assert!(matches!(self.standing(place), Standing::One(_)));
        self.berths[place].standing |= IN_HAND;
    }

    /// Gives a session without a queue one, in which the log's entries before `taken_in` need not be.
    pub fn begin_queue(&mut self, place: usize, taken_in: u64) -> &mut Queue {
        debug_assert!(!matches!(self.standing(place), Standing::Queue(_)));
        let berth = &mut self.berths[place];
        let seat = Seat::new(self.layout, self.partition, place, berth.generation);
        if berth.standing == PLAIN {
            set(&mut self.known, place);
            self.known_count += 1;
        }
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
        berth.standing = index;
        let queue = &mut self.queues[index as usize];
        if !self.losses.is_empty() {
            queue.set_losses(self.losses.remove(&place));
        }
        queue
    }

    /// Takes a session's queue out, with what is in it.
    pub fn take_queue(&mut self, place: usize) -> Option<Queue> {
        let queue = self.queue_mut(place)?;
        let empty = Queue::new(queue.seat, queue.taken_in);
        Some(std::mem::replace(queue, empty))
    }

    /// Nothing is to be remembered of a session any more but what it lost; if it has a queue, that is empty.
    #[inline]
    pub fn make_plain(&mut self, place: usize) {
        let berth = &mut self.berths[place];
        let standing = berth.standing();
        if standing == Standing::Plain {
            return;
        }
        berth.standing = PLAIN;
        clear(&mut self.known, place);
        self.known_count -= 1;
        self.caught_up(place, false);
        if let Standing::Queue(index) = standing {
            if let Some(losses) = self.queues[index as usize].take_losses() {
                self.losses.insert(place, losses);
            }
            self.end_queue(index);
        }
    }

    fn end_queue(&mut self, index: u32) {
        self.free.push(index);
        if self.free.len() == self.queues.len() && self.queues.len() > 1_024 {
            // The memory of the busiest time goes back.
            (self.queues, self.free) = (Vec::new(), Vec::new());
        }
    }

    /// Events delivered to the session.
    pub fn delivered(&self, place: usize) -> u64 {
        let high = self.delivered_high.get(&place).copied().unwrap_or(0);
        u64::from(high) << 32 | u64::from(self.berths[place].delivered)
    }

    #[inline]
    pub fn add_delivered(&mut self, place: usize, count: u64) {
        let delivered = &mut self.berths[place].delivered;
        let sum = u64::from(*delivered) + count;
        *delivered = sum as u32;
        if sum > u64::from(u32::MAX) {
            self.carry_delivered(place, sum);
        }
    }

    /// Counts deliveries of all that is offered to a word's sessions.
    pub fn add_delivered_word(&mut self, word: &PassWord) {
        match word.events {
            Columns::Same(events) => self.add_delivered_to_all(word.first_place, word.places, events.count_ones()),
            Columns::Each(columns) => for_each_bit(word.places, |bit| {
                self.add_delivered(word.first_place + bit, columns[bit].count_ones().into());
            }),
        }
    }

    /// The usual word of a big audience, in which few places are missing: without bits to look for it costs half.
    fn add_delivered_to_all(&mut self, first_place: usize, places: u64, count: u32) {
        let end = self.berths.len().min(first_place + 64);
        let mut has_carry = false;
        for (bit, berth) in self.berths[first_place..end].iter_mut().enumerate() {
            let (sum, is_over) = berth.delivered.overflowing_add(count * (places >> bit & 1) as u32);
            berth.delivered = sum;
            has_carry |= is_over;
        }
        if has_carry {
            for_each_bit(places, |bit| {
                if self.berths[first_place + bit].delivered < count {
                    self.carry_delivered(first_place + bit, 1 << 32);
                }
            });
        }
    }

    #[cold]
    fn carry_delivered(&mut self, place: usize, sum: u64) {
        *self.delivered_high.entry(place).or_default() += (sum >> 32) as u32;
    }

    /// Checks that every place is what one of its lists says. For tests.
    pub fn validate(&self) -> Result<(), String> {
        for place in 0..self.len() {
            let bits = (is_set(&self.here, place), is_set(&self.known, place));
            let of_session = self.queue(place).map(|queue| Some(queue.seat) == self.seat_at(place));
            if bits != (self.seat_at(place).is_some(), !self.is_plain(place)) || of_session == Some(false) {
                return Err(format!("place {place} is listed wrong: {bits:?}"));
            }
            let may_stay_behind = self.queue(place).is_some_and(Queue::may_stay_behind);
            if is_set(&self.may_stay_behind, place) != may_stay_behind || (self.is_behind(place) && !may_stay_behind) {
                return Err(format!("place {place} is behind or may be, and listed wrong"));
            }
        }
        let behind: usize = self.behind.iter().map(|word| word.count_ones() as usize).sum();
        if behind != self.behind_count {
            return Err(format!("{behind} are behind, counted {}", self.behind_count));
        }
        let (known, in_use, free) = (self.known().count(), self.queues().count(), self.free.len());
        if known != self.known_count || in_use + free != self.queues.len() {
            return Err(format!("{known} known; {in_use} queues and {free} free ones of {}", self.queues.len()));
        }
        Ok(())
    }
}

fn set(words: &mut [u64], place: usize) {
    words[place / 64] |= 1 << (place % 64);
}

fn clear(words: &mut [u64], place: usize) {
    words[place / 64] &= !(1 << (place % 64));
}

fn is_set(words: &[u64], place: usize) -> bool {
    words[place / 64] >> (place % 64) & 1 == 1
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

    #[test]
    fn nor_does_it_for_64_sessions_at_once() {
        let layout = SlotLayout::for_partitions(1);
        let mut roster = Roster::new(layout, PartitionId(0));
        for place in 0..64 {
            roster.open(Seat::new(layout, PartitionId(0), place, 1));
            roster.add_delivered(place, u64::from(u32::MAX) - place as u64);
        }
        let mut generations = [0; 64];
        let first_seat = roster.seats_of_word(0, &mut generations);
        let events = Columns::Same(0b1001_0100_1111_0001);
        roster.add_delivered_word(&PassWord {
            first_place: 0,
            first_seat,
            places: u64::MAX,
            events,
            generations,
            moved: 0,
        });
        for place in 0..64 {
            assert_eq!(roster.delivered(place), u64::from(u32::MAX) - place as u64 + 8, "place {place}");
        }
    }
}
