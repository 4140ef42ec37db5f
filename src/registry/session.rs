//! Sessions and their handles: one slab a partition, lowest free place first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;

use super::topic::Topic;

/// The worker, relay or node that a session lives on. Partitions are numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(pub u16);

/// A connected client. The handle is stable for the session's life and is never given to another one: its place is
/// reused with a new generation, and an old handle is then unknown. Handles order by the partition they were given in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Seat);

impl SessionId {
    /// The handle as a number, for a C host, a wire format or a log. Never 0: a zeroed struct is nobody. Numbers order
    /// by generation first, unlike handles.
    ///
    /// ```
    /// # use oyez::{PartitionId, Registry, RegistryOptions, SessionId};
    /// # let mut registry = Registry::new(RegistryOptions::default());
    /// let session = registry.connect(PartitionId(0)).unwrap();
    /// assert_eq!(SessionId::from_bits(session.to_bits()), session);
    /// ```
    pub fn to_bits(self) -> u64 {
        u64::from(self.0.generation) << 32 | u64::from(self.0.slot.0)
    }

    /// The handle of a number that [`to_bits`](Self::to_bits) gave. Any other number is a handle of no session, and
    /// every call that takes it says so.
    pub fn from_bits(bits: u64) -> Self {
        SessionId(Seat { slot: Slot(bits as u32), generation: (bits >> 32) as u32 })
    }

    /// Where the session sat first, and sits unless it has moved.
    pub(crate) fn first_seat(self) -> Seat {
        self.0
    }
}

/// Where a session is: its slot, and the generation that tells it from whoever was there before. A session's handle is
/// the first it had; a session that moves to another partition changes its seat and keeps its handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Seat {
    pub(super) slot: Slot,
    generation: u32,
}

impl Seat {
    /// Nobody's.
    pub const NOWHERE: Seat = Seat { slot: Slot(0), generation: 0 };

    pub fn new(layout: SlotLayout, partition: PartitionId, place: usize, generation: u32) -> Self {
        Seat { slot: layout.slot(partition, place), generation }
    }

    /// The seat so many places further on.
    #[inline]
    pub fn beside(self, places: usize, generation: u32) -> Self {
        Seat { slot: Slot(self.slot.0 + places as u32), generation }
    }

    /// The handle of a session that has not moved.
    pub fn as_handle(self) -> SessionId {
        SessionId(self)
    }

    pub fn generation(self) -> u32 {
        self.generation
    }

    pub fn partition(self, layout: SlotLayout) -> PartitionId {
        layout.partition(self.slot)
    }

    /// Its place within its partition.
    pub fn place(self, layout: SlotLayout) -> usize {
        layout.place(self.slot)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({:#x})", self.to_bits())
    }
}

/// A session's place: the partition in the high bits, the place within it in the low ones, so that sorting by slot
/// groups by partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(u32);

/// How many bits of a slot name the place within a partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlotLayout {
    place_bits: u32,
}

impl SlotLayout {
    pub fn for_partitions(partitions: u16) -> Self {
        SlotLayout { place_bits: (partitions - 1).leading_zeros() + 16 }
    }

    pub fn slot(self, partition: PartitionId, place: usize) -> Slot {
        Slot(((u64::from(partition.0) << self.place_bits) | place as u64) as u32)
    }

    pub fn partition(self, slot: Slot) -> PartitionId {
        PartitionId((u64::from(slot.0) >> self.place_bits) as u16)
    }

    pub fn place(self, slot: Slot) -> usize {
        (u64::from(slot.0) & ((1 << self.place_bits) - 1)) as usize
    }

    /// Places a partition can have at all.
    pub fn places_max(self) -> usize {
        usize::try_from(1_u64 << self.place_bits).unwrap_or(usize::MAX)
    }
}

/// The sessions of one partition.
#[derive(Default)]
pub(super) struct Sessions {
    /// The generation of the session in each place, or of the next one if nobody is there. Apart from the rest, since
    /// building an audience reads it for every target.
    generations: Vec<u32>,
    occupants: Vec<Option<Occupant>>,
    free: BinaryHeap<Reverse<u32>>,
    connected: usize,
}

/// What is known of a connected session.
#[derive(Default)]
pub(super) struct Occupant {
    /// The topics it is subscribed to, sorted.
    pub topics: Vec<Topic>,
    /// What the fan-out had published when it connected, and when it came to this seat.
    pub connected_after: u64,
    pub seated_after: u64,
}

impl Sessions {
    pub fn len(&self) -> usize {
        self.connected
    }

    /// Whether there is a place left for one more session, of at most `max`.
    pub fn has_room(&self, max: usize) -> bool {
        // Places whose generations are used up stay empty for ever, so the slab may be longer than its sessions.
        self.connected < max && (!self.free.is_empty() || self.occupants.len() < max)
    }

    /// Takes the lowest free place for a session, unless there are `max` already.
    pub fn seat(&mut self, max: usize, occupant: impl FnOnce() -> Occupant) -> Option<usize> {
        if !self.has_room(max) {
            return None;
        }
        let place = match self.free.pop() {
            Some(Reverse(place)) => place as usize,
            None => {
                self.generations.push(1);
                self.occupants.push(None);
                self.occupants.len() - 1
            }
        };
        self.occupants[place] = Some(occupant());
        self.connected += 1;
        Some(place)
    }

    /// Frees a place; no seat in it is known from here on.
    pub fn leave(&mut self, place: usize) -> Option<Occupant> {
        let occupant = self.occupants[place].take()?;
        self.connected -= 1;
        if let Some(next) = self.generations[place].checked_add(1) {
            self.generations[place] = next;
            self.free.push(Reverse(place as u32));
        }
        Some(occupant)
    }

    pub fn seat_at(&self, slot: Slot, place: usize) -> Seat {
        Seat { slot, generation: self.generations[place] }
    }

    pub fn get(&self, place: usize, seat: Seat) -> Option<&Occupant> {
        if *self.generations.get(place)? != seat.generation {
            return None;
        }
        self.occupants[place].as_ref()
    }

    pub fn get_mut(&mut self, place: usize, seat: Seat) -> Option<&mut Occupant> {
        if *self.generations.get(place)? != seat.generation {
            return None;
        }
        self.occupants[place].as_mut()
    }

    /// The connected sessions with their places.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Occupant)> {
        self.occupants.iter().enumerate().filter_map(|(place, occupant)| Some((place, occupant.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_whose_generations_are_used_up_is_never_given_again() {
        let layout = SlotLayout::for_partitions(1);
        let mut sessions = Sessions::default();
        assert_eq!(sessions.seat(2, Occupant::default), Some(0));
        sessions.generations[0] = u32::MAX;
        let last = sessions.seat_at(layout.slot(PartitionId(0), 0), 0);
        assert!(sessions.leave(0).is_some());
        assert_eq!(sessions.seat(2, Occupant::default), Some(1), "another place");
        assert_eq!(sessions.seat(2, Occupant::default), None, "there is no third");
        assert!(sessions.get(0, last).is_none());
    }

    #[test]
    fn slots_keep_partition_and_place_apart_for_any_number_of_partitions() {
        for partitions in [1, 2, 3, 4, 5, 255, 256, 257, 65_535] {
            let layout = SlotLayout::for_partitions(partitions);
            assert!(layout.places_max() as u64 * u64::from(partitions) <= 1 << 32);
            for partition in [0, partitions / 2, partitions - 1].map(PartitionId) {
                for place in [0, 1, layout.places_max() - 1] {
                    let slot = layout.slot(partition, place);
                    assert_eq!((layout.partition(slot), layout.place(slot)), (partition, place));
                }
            }
        }
    }
}
