//! Events of the log that have gone out and are kept for sessions that nobody reads: [`Backlog`].
//!
//! A session that lags, is parked or is read through an outbox is left out of passes: to put each event into its queue
//! would cost a visit to memory that no cache has, for somebody who may not wake for long. Instead the event stays
//! here, once for all of them, until each has taken it in. Each queue knows up to which position of the log it has
//! (`Queue::taken_in`), so it finds here what it lacks when it is read again. So that nothing stays for ever, the
//! partition walks through those who are behind, some in each pass (`partition/behind.rs`).
//!
//! Positions rise, but entries that nobody is behind for are never put here: they are searched for, not counted.

use super::Overload;
use super::held_events::HANDLE_BYTES;
use super::log::Entry;
use crate::registry::Places;
use std::collections::VecDeque;
use std::ops::Range;

#[derive(Default)]
pub(super) struct Backlog {
    kept: VecDeque<Kept>,
    /// Bytes of the entries and their audiences, and of the events that they keep.
    bytes: usize,
    event_bytes: usize,
    /// Sessions that the entries wait for, added up.
    left: usize,
    /// Handles for which there must be room: for each session that is behind, of as many events as wait for it here or
    /// as its queue has room for, whichever is less.
    reserved: usize,
    /// Behind the last entry that gives way itself when a queue is full.
    last_drop_newest: u64,
}

/// What an entry costs besides its audience.
pub(super) const KEPT_BYTES: usize = size_of::<Kept>();

struct Kept {
    position: u64,
    entry: Entry,
    event_bytes: usize,
    /// Of its audience; 0 if the entry behind it has the same one, and so keeps it for longer.
    audience_bytes: usize,
}

/// Entries side by side, and which of 64 places they are for.
pub(super) struct Run {
    pub entries: Range<usize>,
    pub bits: u64,
}

impl Run {
    /// The entries that are for a place, of those in a range.
    pub fn within(&self, range: &Range<usize>, bit: usize) -> Range<usize> {
        let (start, end) = (self.entries.start.max(range.start), self.entries.end.min(range.end));
        if self.bits >> bit & 1 == 1 && start < end { start..end } else { 0..0 }
    }
}

impl Backlog {
    /// Keeps an entry for the sessions that it still waits for.
    pub fn push(&mut self, position: u64, entry: Entry, event_bytes: usize) {
        if let Some(last) = self.kept.back_mut().filter(|last| last.entry.audience.is_same(&entry.audience)) {
            self.bytes -= std::mem::take(&mut last.audience_bytes);
        }
        let audience_bytes = entry.audience.bytes();
        self.bytes += KEPT_BYTES + audience_bytes;
        self.event_bytes += event_bytes;
        self.left += entry.left();
        if entry.overload == Overload::DropNewest {
            self.last_drop_newest = position + 1;
        }
        self.kept.push_back(Kept { position, entry, event_bytes, audience_bytes });
    }

    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// The position of the oldest entry.
    pub fn oldest(&self) -> Option<u64> {
        self.kept.front().map(|kept| kept.position)
    }

    /// Bytes that are kept: events, audiences and entries.
    pub fn own_bytes(&self) -> usize {
        self.bytes + self.event_bytes
    }

    /// Bytes that count towards the budget beside the events': if all sessions that are behind took in what they lack
    /// at once, it would not be exceeded.
    pub fn bytes(&self) -> usize {
        self.bytes + self.reserved * HANDLE_BYTES
    }

    /// Sessions that the entries wait for, added up.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Of those events, how many will not be lost when the sessions take them in.
    pub fn reserved(&self) -> usize {
        self.reserved
    }

    /// So many handles more may have to be held.
    pub fn reserve(&mut self, handles: usize) {
        self.reserved += handles;
    }

    /// So many handles fewer: they are held now, or never will be.
    pub fn unreserve(&mut self, handles: usize) {
        self.reserved -= handles;
    }

    /// Where the entries from this position on begin.
    pub fn at(&self, position: u64) -> usize {
        self.kept.partition_point(|kept| kept.position < position)
    }

    /// Entries from one position to before another.
    pub fn range(&self, from: u64, to: u64) -> impl Iterator<Item = &Entry> {
        self.kept.range(self.at(from)..self.at(to)).map(|kept| &kept.entry)
    }

    /// Whether all entries from this position on push out what is older when a queue is full.
    pub fn pushes_out_from(&self, position: u64) -> bool {
        position >= self.last_drop_newest
    }

    /// The entry that stands here.
    pub fn entry(&self, at: usize) -> &Entry {
        &self.kept[at].entry
    }

    /// Shows the entries from one position to before another that are for this place; they do not wait for it any more.
    pub fn take(&mut self, from: u64, to: u64, place: usize, mut take: impl FnMut(&Entry)) {
        let range = self.at(from)..self.at(to);
        for kept in self.kept.range_mut(range).filter(|kept| kept.entry.audience.contains(place)) {
            kept.entry.wait_for_fewer(1);
            self.left -= 1;
            take(&kept.entry);
        }
    }

    /// Tells which of some of the 64 places of a word each entry is for: runs of entries that are for the same. Those
    /// that are for none of them are left out, or each place would have to look at the events of all small rooms.
    pub fn show_word(&self, word: usize, places: u64, runs: &mut Vec<Run>) {
        runs.clear();
        let mut last: Option<(&Places, u64)> = None;
        for (at, Kept { entry, .. }) in self.kept.iter().enumerate() {
            let same = last.filter(|(last, _)| last.is_same(&entry.audience));
            let bits = same.map_or_else(|| entry.audience.word(word) & places, |(_, bits)| bits);
            last = Some((&entry.audience, bits));
            match runs.last_mut() {
                _ if bits == 0 => {}
                Some(run) if same.is_some() => run.entries.end = at + 1,
                _ => runs.push(Run { entries: at..at + 1, bits }),
            }
        }
    }

    /// These entries wait no more for some of the places that a run of entries is for.
    pub fn take_run(&mut self, entries: Range<usize>, places: u64) {
        let count = places.count_ones() as usize;
        self.left -= count * entries.len();
        self.kept.range_mut(entries).for_each(|kept| kept.entry.wait_for_fewer(count));
    }

    /// The first entries go, as long as they wait for nobody. Each is shown to `leave`.
    pub fn retire(&mut self, mut leave: impl FnMut(Entry)) {
        while let Some(kept) = self.kept.pop_front_if(|kept| kept.entry.left() == 0) {
            self.bytes -= KEPT_BYTES + kept.audience_bytes;
            self.event_bytes -= kept.event_bytes;
            leave(kept.entry);
        }
        if self.kept.is_empty() && self.kept.capacity() > 1_024 {
            self.kept = VecDeque::new();
        }
    }

    /// All entries go.
    pub fn clear(&mut self, mut leave: impl FnMut(Entry)) {
        std::mem::take(self).kept.into_iter().for_each(|kept| leave(kept.entry));
    }

    /// Checks the counts, given how far each session that is behind has come, and the handles reserved for all of them.
    /// For tests.
    pub fn validate(&self, taken_in: impl Fn(usize) -> Option<u64>, reserved: usize) -> Result<(), String> {
        let mut last = None;
        for Kept { position, entry, .. } in &self.kept {
            let mut left = 0;
            entry.audience.for_each(|place| left += usize::from(taken_in(place).is_some_and(|to| to <= *position)));
            if left != entry.left() || last >= Some(*position) {
                return Err(format!("an entry at {position} waits for {left}, counted {}", entry.left()));
            }
            last = Some(*position);
        }
        let left: usize = self.kept.iter().map(|kept| kept.entry.left()).sum();
        let bytes: usize = self.kept.iter().map(|kept| KEPT_BYTES + kept.audience_bytes).sum();
        let event_bytes: usize = self.kept.iter().map(|kept| kept.event_bytes).sum();
        let counted = (self.left, self.reserved, self.bytes, self.event_bytes);
        if (left, reserved, bytes, event_bytes) != counted {
            return Err(format!(
                "the backlog waits for {left}, {reserved} handles at most, has {bytes} and {event_bytes} bytes; \
                 counted {counted:?}"
            ));
        }
        Ok(())
    }
}
