//! The events a partition still needs: a slab with a reference count each, so that a session's queue holds four bytes
//! an event and the payload goes when its last queue has let go.

use super::batch::{Held, Round};
use super::event::{Event, Sequence};
use crate::registry::Topic;
use smallvec::SmallVec;

#[derive(Default)]
pub(super) struct HeldEvents {
    entries: Vec<Entry>,
    free: Vec<u32>,
    bytes: usize,
    /// Queues and offers that hold an event, added up over the events.
    handles: usize,
}

struct Entry {
    event: Option<Event>,
    sequence: Sequence,
    /// The topics of its query: an event that is discarded with one of them may be for another.
    topics: SmallVec<[Topic; 2]>,
    /// Queues and offers that hold it.
    holders: u32,
    /// Its index among the events of the current round, or a stale one.
    round_index: u32,
}

/// What an event costs besides its payload.
pub(super) const ENTRY_BYTES: usize = size_of::<Entry>();

/// What one event costs in a session's queue.
pub(super) const HANDLE_BYTES: usize = size_of::<u32>();

fn event_bytes(event: &Event) -> usize {
    ENTRY_BYTES + event.payload.len()
}

/// What an event costs that is held for so many sessions.
pub(super) fn bytes_for(event: &Event, sessions: usize) -> usize {
    event_bytes(event) + sessions * HANDLE_BYTES
}

impl HeldEvents {
    /// Bytes of the events held, payloads included, handles not.
    pub fn event_bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of the handles of events in queues and offers.
    pub fn handle_bytes(&self) -> usize {
        self.handles * HANDLE_BYTES
    }

    /// Events held.
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Holds an event for `holders` queues, at least one.
    pub fn insert(&mut self, sequence: Sequence, event: Event, topics: &[Topic], holders: usize) -> u32 {
        self.bytes += event_bytes(&event);
        self.handles += holders;
        let topics = SmallVec::from_slice(topics);
        let entry = Entry { event: Some(event), sequence, topics, holders: holders as u32, round_index: 0 };
        match self.free.pop() {
            Some(index) => {
                self.entries[index as usize] = entry;
                index
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
        }
    }

    pub fn sequence(&self, index: u32) -> Sequence {
        self.entries[index as usize].sequence
    }

    pub fn topics(&self, index: u32) -> &[Topic] {
        &self.entries[index as usize].topics
    }

    /// What an event takes that is held for one session.
    pub fn bytes_of(&self, index: u32) -> usize {
        self.entries[index as usize].event.as_ref().map_or(0, |event| bytes_for(event, 1))
    }

    /// One more holder of an event that is held.
    #[inline]
    pub fn hold(&mut self, index: u32) {
        self.entries[index as usize].holders += 1;
        self.handles += 1;
    }

    /// An event that is held, to be read without a lock.
    pub fn held(&self, index: u32) -> Held {
        let entry = &self.entries[index as usize];
        let event = entry.event.clone().expect("an event that is held has its payload");
        Held { index, sequence: entry.sequence, event }
    }

    /// One holder lets go.
    #[inline]
    pub fn release(&mut self, index: u32) {
        let entry = &mut self.entries[index as usize];
        entry.holders -= 1;
        self.handles -= 1;
        if entry.holders == 0 {
            self.free(index);
        }
    }

    fn free(&mut self, index: u32) {
        let entry = &mut self.entries[index as usize];
        if let Some(event) = entry.event.take() {
            self.bytes -= event_bytes(&event);
        }
        self.free.push(index);
        if self.free.len() == self.entries.len() && self.entries.len() > 1_024 {
            // Nothing is held: the memory of the busiest time goes back.
            *self = HeldEvents::default();
        }
    }

    /// Makes the event readable in this round; its index there.
    #[inline]
    pub fn share(&mut self, index: u32, round: &mut Round) -> u32 {
        let round_index = self.entries[index as usize].round_index;
        if round.events.get(round_index as usize).is_some_and(|held| held.index == index) {
            return round_index;
        }
        let round_index = round.events.len() as u32;
        round.events.push(self.held(index));
        self.entries[index as usize].round_index = round_index;
        round_index
    }

    /// Checks the counts against the number of handles that are out.
    pub fn validate(&self, handles: usize) -> Result<(), String> {
        let held = || self.entries.iter().filter_map(|entry| Some((entry, entry.event.as_ref()?)));
        let holders: usize = held().map(|(entry, _)| entry.holders as usize).sum();
        let bytes: usize = held().map(|(_, event)| event_bytes(event)).sum();
        if holders != handles || self.handles != handles || bytes != self.bytes || held().count() != self.len() {
            let (counted, len) = (self.bytes, self.len());
            return Err(format!(
                "{handles} handles, {holders} holders; {bytes} bytes, counted {counted}; {} events of {len}",
                held().count()
            ));
        }
        Ok(())
    }
}
