//! A partition's log: events for many sessions, which wait there for the worker instead of in every session's queue.
//!
//! **Publishing** appends an entry: the event and its audience, a set of places that is cheap to copy. That costs the
//! same for ten sessions and for a million.
//!
//! **A pass** takes up to 32 entries from the front to all their sessions at once. For each word of 64 places it looks
//! at the audiences' words side by side and turns them (a transpose of bits), so that each session has one word whose
//! bits are the entries it gets, in order. A session is then visited once, however many of the entries are for it, and
//! an event for a whole partition costs a fraction of a nanosecond a session.
//!
//! **Each entry counts for a session once**: a pass goes through the places in order, so for a session that nothing
//! else is known of, [`Log::reached`] tells from where on entries still wait; for any other its queue keeps the
//! position up to which entries have been taken in.
//!
//! Bit matrices are transposed as in Warren, Hacker's Delight, 2nd ed., section 7-3.

use super::Overload;
use super::backlog::KEPT_BYTES;
use super::held_events::HANDLE_BYTES;
use crate::registry::{CHUNK_PLACES, CHUNK_WORDS, Places, for_each_bit};
use std::collections::VecDeque;
use std::ops::Range;

/// Entries that one pass takes: bits in a session's word.
pub(super) const PASS_ENTRIES_MAX: usize = 32;

#[derive(Default)]
pub(super) struct Log {
    entries: VecDeque<Entry>,
    /// The position of the first entry: how many came before it.
    base: u64,
    /// Bytes of the entries and their audiences.
    bytes: usize,
    /// Sessions that entries that have not set out wait for, added up.
    waiting: usize,
    pass: Option<Pass>,
    passes: u64,
    /// Memory for the next sweep, all zero.
    spare: Vec<u64>,
}

pub(super) struct Entry {
    /// Where the partition keeps the event.
    pub index: u32,
    pub overload: Overload,
    pub audience: Places,
    /// Sessions that it still waits for. Each is paid for with a handle, in case its queue takes the event in.
    left: usize,
}

/// The first entries on their way to their sessions.
struct Pass {
    entries: usize,
    stage: Stage,
}

/// What a pass does with the sessions that it comes to.
#[expect(clippy::large_enum_variant, reason = "there is one, in its place in the log")]
enum Stage {
    /// The queues of those of which something is known take the events in, before this word of 64 places already.
    TakingIn(usize),
    /// The others are offered the events.
    Offering(Sweep),
}

/// Goes through the places of some entries, a word of 64 at a time.
struct Sweep {
    chunk: usize,
    chunks: usize,
    /// For each word of the chunk a row of bits an entry; what has been visited is zero.
    sheet: Vec<u64>,
    /// The words of the chunk that are not zero, a bit each.
    marked: [u64; CHUNK_WORDS / 64],
    word: Word,
}

/// 64 places, and which of a pass's entries are for each of them.
#[derive(Clone, Copy)]
pub(super) struct Word {
    pub first_place: usize,
    /// Places to visit.
    pub left: u64,
    pub columns: Columns,
}

/// For each of 64 places, a bit for each of a pass's entries.
#[derive(Clone, Copy)]
#[expect(clippy::large_enum_variant, reason = "a few dozen, in memory that is reused: a box would cost more")]
pub(super) enum Columns {
    /// The same for all that have any: usually an event for everyone meets others for everyone.
    Same(u32),
    Each([u32; 64]),
}

impl Columns {
    /// Becomes the same as another, without moving what is not used.
    #[inline]
    pub fn copy_from(&mut self, other: &Columns) {
        match other {
            Columns::Same(column) => *self = Columns::Same(*column),
            Columns::Each(columns) => *self = Columns::Each(*columns),
        }
    }

    #[inline]
    pub fn of(&self, place: usize) -> u32 {
        match self {
            Columns::Same(column) => *column,
            Columns::Each(columns) => columns[place],
        }
    }
}

impl Entry {
    pub fn new(index: u32, overload: Overload, audience: Places) -> Self {
        Entry { index, overload, left: audience.len(), audience }
    }

    fn bytes(&self) -> usize {
        bytes(&self.audience, self.left)
    }

    /// Sessions that it still waits for.
    pub fn left(&self) -> usize {
        self.left
    }

    pub fn wait_for_fewer(&mut self, sessions: usize) {
        self.left -= sessions;
    }
}

/// What an entry costs, besides its event, while it waits, and when it is kept for those who are behind. A set that is
/// shared with others counts in full: it may be that nobody else needs it any more. So does a handle for each session:
/// it may be that all of them lag.
pub(super) fn entry_bytes(audience: &Places) -> usize {
    bytes(audience, audience.len())
}

fn bytes(audience: &Places, left: usize) -> usize {
    KEPT_BYTES + audience.bytes() + left * HANDLE_BYTES
}

impl Log {
    pub fn push(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        self.waiting += entry.left;
        self.entries.push_back(entry);
    }

    /// Entries that wait or are on their way.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// At least as many as the sessions that have something to get, and 0 if nobody has.
    pub fn sessions_most(&self) -> usize {
        let on_their_way = self.pass_entries().map(|entry| entry.audience.len()).max();
        self.waiting + on_their_way.unwrap_or(0)
    }

    /// Sessions that entries that have not set out wait for, added up.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    pub fn oldest(&self) -> Option<&Entry> {
        self.entries.front()
    }

    pub fn end(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    /// Where the entries from one position to before another are, those that are gone left out.
    fn at(&self, from: u64, to: u64) -> Range<usize> {
        let at = |position: u64| (position.saturating_sub(self.base) as usize).min(self.entries.len());
        at(from)..at(to).max(at(from))
    }

    /// Entries from one position to before another, those that are gone left out.
    pub fn range(&self, from: u64, to: u64) -> impl Iterator<Item = &Entry> {
        self.entries.range(self.at(from, to))
    }

    /// Shows the entries from one position to before another that are for this place; they do not wait for it any more.
    pub fn take(&mut self, from: u64, to: u64, place: usize, mut take: impl FnMut(&Entry)) {
        let (range, set_out) = (self.at(from, to), self.at(0, self.set_out()).end);
        for (at, entry) in range.clone().zip(self.entries.range_mut(range)) {
            if entry.audience.contains(place) {
                entry.left -= 1;
                self.bytes -= HANDLE_BYTES;
                self.waiting -= usize::from(at >= set_out);
                take(entry);
            }
        }
    }

    /// A session's queue takes in these of the entries that are on their way.
    pub fn take_from_pass(&mut self, events: u32) {
        for_each_bit(events.into(), |at| self.entries[at].left -= 1);
        self.bytes -= events.count_ones() as usize * HANDLE_BYTES;
    }

    /// The first entries leave the log, as long as they wait for nobody: all their sessions have ended, or have taken
    /// them in. Each is shown to `leave`.
    pub fn retire(&mut self, mut leave: impl FnMut(Entry)) {
        while self.pass.is_none()
            && let Some(entry) = self.entries.pop_front_if(|entry| entry.left == 0)
        {
            self.base += 1;
            self.bytes -= entry.bytes();
            leave(entry);
        }
        self.give_back_if_empty();
    }

    fn give_back_if_empty(&mut self) {
        if self.entries.is_empty() && self.entries.capacity() > 1_024 {
            self.entries = VecDeque::new();
        }
    }

    /// The number of the pass that is on its way, or was last.
    pub fn pass_number(&self) -> u64 {
        self.passes
    }

    /// The position behind the entries that are on their way, if some are.
    pub fn pass_end(&self) -> Option<u64> {
        self.pass.as_ref().map(|pass| self.base + pass.entries as u64)
    }

    /// How many entries have set out so far.
    pub fn set_out(&self) -> u64 {
        self.pass_end().unwrap_or(self.base)
    }

    /// The entries that are on their way.
    pub fn pass_entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.range(..self.pass.as_ref().map_or(0, |pass| pass.entries))
    }

    /// The position from which on entries still wait for a session of which nothing else is known.
    pub fn reached(&self, place: usize) -> u64 {
        match &self.pass {
            Some(Pass { entries, stage: Stage::Offering(sweep) }) if place < sweep.reached() => {
                self.base + *entries as u64
            }
            _ => self.base,
        }
    }

    /// Sends the first entries on their way, at most `entries_max`, unless some are already; returns how many.
    pub fn begin_pass(&mut self, entries_max: usize) -> usize {
        let entries = self.entries.len().min(entries_max).min(PASS_ENTRIES_MAX);
        if self.pass.is_some() || entries == 0 {
            return 0;
        }
        self.passes += 1;
        self.waiting -= self.entries.range(..entries).map(|entry| entry.left).sum::<usize>();
        self.pass = Some(Pass { entries, stage: Stage::TakingIn(0) });
        entries
    }

    /// The word of 64 places to which the taking in of entries on their way has come, unless it is over.
    pub fn taking_in(&mut self) -> Option<&mut usize> {
        match &mut self.pass {
            Some(Pass { stage: Stage::TakingIn(word), .. }) => Some(word),
            _ => None,
        }
    }

    /// All queues have taken in what is on its way: the others are offered it.
    pub fn begin_offering(&mut self) {
        if let Some(pass) = &mut self.pass {
            pass.stage = Stage::Offering(Sweep::new(&self.entries, pass.entries, &mut self.spare));
        }
    }

    /// The next word of the pass that has places to visit, among those that `wanted` tells for a word's number.
    pub fn next_word(&mut self, wanted: impl Fn(usize) -> u64) -> Option<&mut Word> {
        let Some(Pass { entries, stage: Stage::Offering(sweep) }) = &mut self.pass else { return None };
        loop {
            let word = &mut sweep.word;
            word.left &= wanted(word.first_place / 64);
            if word.left != 0 {
                break;
            }
            if !sweep.advance(&self.entries, *entries, &wanted) {
                return None;
            }
        }
        Some(&mut sweep.word)
    }

    /// The entries of a pass that is through wait only for those who were left behind, which `keep` counts for entries
    /// side by side that have the same audience: given that and their number.
    pub fn keep_pass(&mut self, mut keep: impl FnMut(&Places, usize) -> usize) {
        let mut at = 0;
        let end = self.pass.as_ref().map_or(0, |pass| pass.entries);
        while at < end {
            let audience = self.entries[at].audience.clone();
            let same = self.entries.range(at + 1..end).take_while(|entry| entry.audience.is_same(&audience)).count();
            let left = keep(&audience, 1 + same);
            for entry in self.entries.range_mut(at..=at + same) {
                self.bytes -= (entry.left - left) * HANDLE_BYTES;
                entry.left = left;
            }
            at += 1 + same;
        }
    }

    /// The pass is through: its entries leave the log, each shown to `leave` with its position.
    pub fn end_pass(&mut self, mut leave: impl FnMut(u64, Entry)) {
        let Some(pass) = self.pass.take() else { return };
        if let Stage::Offering(sweep) = pass.stage {
            sweep.give_back(&mut self.spare);
        }
        for entry in self.entries.drain(..pass.entries) {
            self.bytes -= entry.bytes();
            leave(self.base, entry);
            self.base += 1;
        }
        self.give_back_if_empty();
    }

    /// All entries leave the log.
    pub fn clear(&mut self, mut leave: impl FnMut(Entry)) {
        self.end_pass(|_, entry| leave(entry));
        self.base += self.entries.len() as u64;
        (self.bytes, self.waiting) = (0, 0);
        self.entries.drain(..).for_each(leave);
        self.give_back_if_empty();
    }
}

impl Sweep {
    fn new(entries: &VecDeque<Entry>, count: usize, spare: &mut Vec<u64>) -> Self {
        let mut sheet = std::mem::take(spare);
        sheet.resize((CHUNK_WORDS * count).max(sheet.len()), 0);
        let chunks = entries.range(..count).map(|entry| entry.audience.chunks()).max().unwrap_or(0);
        let word = Word { first_place: 0, left: 0, columns: Columns::Same(0) };
        let mut sweep = Sweep { chunk: 0, chunks, sheet, marked: [0; CHUNK_WORDS / 64], word };
        sweep.load(entries, count);
        sweep
    }

    /// Gives its memory back, zeroed.
    fn give_back(mut self, spare: &mut Vec<u64>) {
        let mut sheet = std::mem::take(&mut self.sheet);
        if self.marked != [0; CHUNK_WORDS / 64] {
            sheet.fill(0);
        }
        *spare = sheet;
    }

    /// Every place before this one has been visited, or is not to be.
    fn reached(&self) -> usize {
        let Word { first_place, left, .. } = self.word;
        match left {
            // The next word begins here, or later.
            0 if self.is_through() => usize::MAX,
            0 => self.next_marked().map_or((self.chunk + 1) * CHUNK_PLACES, |at| self.chunk * CHUNK_PLACES + at * 64),
            left => first_place + left.trailing_zeros() as usize,
        }
    }

    fn is_through(&self) -> bool {
        self.chunk >= self.chunks
    }

    fn next_marked(&self) -> Option<usize> {
        let at = self.marked.iter().position(|marks| *marks != 0)?;
        Some(at * 64 + self.marked[at].trailing_zeros() as usize)
    }

    /// Goes to the next word that has places, and of those some that are wanted.
    fn advance(&mut self, entries: &VecDeque<Entry>, count: usize, wanted: impl Fn(usize) -> u64) -> bool {
        while !self.is_through() {
            if let Some(at) = self.next_marked() {
                self.marked[at / 64] &= !(1 << (at % 64));
                let rows = &mut self.sheet[at * count..(at + 1) * count];
                self.word.first_place = self.chunk * CHUNK_PLACES + at * 64;
                let is_wanted = wanted(self.word.first_place / 64) != 0;
                if is_wanted {
                    self.word.left = turn(rows, &mut self.word.columns);
                }
                rows.fill(0);
                if is_wanted {
                    return true;
                }
                continue;
            }
            self.chunk += 1;
            self.load(entries, count);
        }
        false
    }

    /// Spreads the audiences' parts of the chunk on the sheet.
    fn load(&mut self, entries: &VecDeque<Entry>, count: usize) {
        let Sweep { sheet, marked, .. } = self;
        for (row, entry) in entries.range(..count).enumerate() {
            entry.audience.show_words(self.chunk, |at, bits| {
                sheet[at * count + row] |= bits;
                marked[at / 64] |= 1 << (at % 64);
            });
        }
    }
}

/// Turns a row of 64 places an entry into a column of entries a place; returns the places that have any.
fn turn(rows: &[u64], turned: &mut Columns) -> u64 {
    let any = rows.iter().fold(0, |any, row| any | row);
    if rows.iter().all(|row| *row == any) {
        *turned = Columns::Same(u32::MAX >> (32 - rows.len()));
        return any;
    }
    let mut columns = [0; 64];
    for half in [0, 32] {
        let mut matrix = [0_u32; 32];
        matrix.iter_mut().zip(rows).for_each(|(line, row)| *line = (row >> half) as u32);
        transpose(&mut matrix);
        columns[half..half + 32].copy_from_slice(&matrix);
    }
    *turned = Columns::Each(columns);
    any
}

/// Mirrors a bit matrix: bit `c` of row `r` goes to bit `r` of row `c`.
fn transpose(matrix: &mut [u32; 32]) {
    let mut mask = u32::MAX;
    for width in [16, 8, 4, 2, 1] {
        mask ^= mask << width;
        for block in (0..32).step_by(2 * width) {
            for at in block..block + width {
                let swapped = ((matrix[at] >> width) ^ matrix[at + width]) & mask;
                matrix[at] ^= swapped << width;
                matrix[at + width] ^= swapped;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(members: impl IntoIterator<Item = usize>) -> Places {
        let mut places = Places::default();
        members.into_iter().for_each(|place| _ = places.insert(place));
        places
    }

    fn entry(index: u32, audience: Places) -> Entry {
        Entry::new(index, Overload::DropOldest, audience)
    }

    #[test]
    fn a_matrix_is_mirrored() {
        let mut matrix = [0_u32; 32];
        for (at, line) in matrix.iter_mut().enumerate() {
            *line = (at as u32).wrapping_mul(0x9e37_79b9).rotate_left(at as u32);
        }
        let before = matrix;
        transpose(&mut matrix);
        for (row, line) in before.iter().enumerate() {
            for (column, mirrored) in matrix.iter().enumerate() {
                assert_eq!(mirrored >> row & 1, line >> column & 1);
            }
        }
    }

    #[test]
    fn a_pass_visits_each_place_once_with_its_entries_in_order() {
        let audiences = [
            places((0..150_000).step_by(3)),
            places([5, 64, 70_000, 149_999]),
            places(0..66_000),
            places((65_000..131_000).rev()),
        ];
        let mut log = Log::default();
        for (index, audience) in audiences.iter().enumerate() {
            log.push(entry(index as u32, audience.clone()));
        }
        log.begin_pass(32);
        log.begin_offering();
        assert_eq!(log.pass_end(), Some(4));
        let mut last = None;
        let mut visited = 0;
        while let Some(word) = log.next_word(|_| u64::MAX) {
            let Word { first_place, left, columns } = *word;
            let place = first_place + left.trailing_zeros() as usize;
            word.left &= left - 1;
            let column = columns.of(place - first_place);
            for (row, audience) in audiences.iter().enumerate() {
                assert_eq!(column >> row & 1 == 1, audience.contains(place), "entry {row}, place {place}");
            }
            assert!(last < Some(place));
            last = Some(place);
            visited += 1;
            assert_eq!((log.reached(place), log.reached(200_000)), (4, 0));
        }
        let mut all = audiences[0].clone();
        audiences.iter().for_each(|audience| all.add_all(audience));
        assert_eq!(visited, all.len());
        let mut left = Vec::new();
        log.end_pass(|_, entry| left.push(entry.index));
        assert_eq!((left, log.len(), log.bytes()), (vec![0, 1, 2, 3], 0, 0));
        assert!(log.spare.iter().all(|word| *word == 0));
    }

    #[test]
    fn a_pass_leaves_out_words_that_are_not_wanted_and_no_others() {
        let audience = places((0..200_000).step_by(7));
        let mut log = Log::default();
        log.push(entry(0, audience.clone()));
        log.begin_pass(32);
        log.begin_offering();
        let wanted = |word: usize| if word.is_multiple_of(3) { 0 } else { u64::MAX };
        let mut visited = Vec::new();
        while let Some(word) = log.next_word(wanted) {
            let places = std::mem::take(&mut word.left);
            for_each_bit(places, |bit| visited.push(word.first_place + bit));
        }
        let mut expected = Vec::new();
        audience.for_each(|place| expected.extend((wanted(place / 64) != 0).then_some(place)));
        assert_eq!(visited, expected);
    }
}
