//! A set of places of one partition: who of it is subscribed to a topic, or in an audience.
//!
//! A topic is copied when an event is published to it, so a copy must be cheap and a change afterwards must not cost a
//! whole topic: up to [`FEW_MAX`] places are a sorted array, copied; more are **chunks** of 65,536 places, shared. A
//! change of a shared set copies the directory and the one chunk it touches (8 KiB). A chunk is a sorted array of
//! 16-bit offsets while it has few members, then a bitmap, as in roaring bitmaps (Lemire et al., 2016); those are not
//! used, because a copy of one copies every chunk.

use smallvec::SmallVec;
use std::sync::Arc;

/// Places that a chunk stands for.
pub(crate) const CHUNK_PLACES: usize = 1 << 16;

/// Words of 64 places in a chunk.
pub(crate) const CHUNK_WORDS: usize = CHUNK_PLACES / 64;

/// Members of a sorted array; a set with chunks goes back to one at half of it.
const FEW_MAX: usize = 256;

/// Members of a chunk's array, which then takes as much memory as the bitmap; a bitmap goes back to one at half of it.
const SPARSE_MAX: usize = 4_096;

/// A set of places, in order.
#[derive(Clone, Debug)]
pub(crate) enum Places {
    Few(SmallVec<[u32; 4]>),
    Many(Arc<Chunks>),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Chunks {
    len: usize,
    chunks: Vec<Chunk>,
}

#[derive(Clone, Debug, Default)]
enum Chunk {
    #[default]
    Empty,
    Sparse(Arc<Vec<u16>>),
    /// The words are in the `Arc` itself: one miss less than with a box in it.
    Dense(Arc<Bitmap>),
}

#[derive(Clone, Debug)]
struct Bitmap {
    len: usize,
    words: [u64; CHUNK_WORDS],
}

impl Default for Places {
    fn default() -> Self {
        Places::Few(SmallVec::new())
    }
}

impl Places {
    /// O(1).
    pub fn len(&self) -> usize {
        match self {
            Places::Few(places) => places.len(),
            Places::Many(chunks) => chunks.len,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that a copy takes if nobody else holds its chunks.
    pub fn bytes(&self) -> usize {
        match self {
            Places::Few(places) => size_of_val(places.as_slice()),
            Places::Many(chunks) => chunks.chunks.iter().map(Chunk::bytes).sum(),
        }
    }

    pub fn contains(&self, place: usize) -> bool {
        match self {
            Places::Few(places) => places.binary_search(&(place as u32)).is_ok(),
            Places::Many(chunks) => {
                chunks.chunks.get(place / CHUNK_PLACES).is_some_and(|chunk| chunk.contains(place % CHUNK_PLACES))
            }
        }
    }

    /// Whether it is a copy of the other one, and neither has changed since. Never said of few.
    pub fn is_same(&self, other: &Places) -> bool {
        matches!((self, other), (Places::Many(ours), Places::Many(theirs)) if Arc::ptr_eq(ours, theirs))
    }

    /// The members among 64 places side by side, those of the word of this number.
    pub fn word(&self, word: usize) -> u64 {
        let first_place = word * 64;
        match self {
            Places::Few(places) => {
                let from = places.partition_point(|&place| (place as usize) < first_place);
                let members = places[from..].iter().map(|&place| place as usize - first_place);
                members.take_while(|&bit| bit < 64).fold(0, |bits, bit| bits | 1 << bit)
            }
            Places::Many(chunks) => match chunks.chunks.get(first_place / CHUNK_PLACES) {
                None | Some(Chunk::Empty) => 0,
                Some(Chunk::Sparse(offsets)) => {
                    let first = first_place % CHUNK_PLACES;
                    let from = offsets.partition_point(|&offset| usize::from(offset) < first);
                    let members = offsets[from..].iter().map(|&offset| usize::from(offset) - first);
                    members.take_while(|&bit| bit < 64).fold(0, |bits, bit| bits | 1 << bit)
                }
                Some(Chunk::Dense(bitmap)) => bitmap.words[word % CHUNK_WORDS],
            },
        }
    }

    /// Adds a place; whether it is new.
    pub fn insert(&mut self, place: usize) -> bool {
        match self {
            Places::Few(places) => {
                let Err(at) = places.binary_search(&(place as u32)) else { return false };
                if places.len() < FEW_MAX {
                    places.insert(at, place as u32);
                    return true;
                }
                let mut chunks = Chunks::default();
                for &place in places.iter() {
                    chunks.insert(place as usize);
                }
                chunks.insert(place);
                *self = Places::Many(Arc::new(chunks));
                true
            }
            Places::Many(chunks) => {
                let is_new = !chunks.contains(place);
                if is_new {
                    Arc::make_mut(chunks).insert(place);
                }
                is_new
            }
        }
    }

    /// Takes a place out; whether it was there.
    pub fn remove(&mut self, place: usize) -> bool {
        match self {
            Places::Few(places) => {
                let Ok(at) = places.binary_search(&(place as u32)) else { return false };
                places.remove(at);
                true
            }
            Places::Many(chunks) => {
                if !chunks.contains(place) {
                    return false;
                }
                Arc::make_mut(chunks).remove(place);
                if chunks.len <= FEW_MAX / 2 {
                    let mut few = SmallVec::with_capacity(chunks.len);
                    self.for_each(|place| few.push(place as u32));
                    *self = Places::Few(few);
                }
                true
            }
        }
    }

    /// Adds all places of another set. O(the smaller one) while either is few, else O(chunks).
    pub fn add_all(&mut self, other: &Places) {
        match (&mut *self, other) {
            (Places::Many(ours), Places::Many(theirs)) => Arc::make_mut(ours).add_all(theirs),
            (Places::Few(_), Places::Many(_)) => {
                let few = std::mem::replace(self, other.clone());
                few.for_each(|place| _ = self.insert(place));
            }
            (_, Places::Few(_)) => other.for_each(|place| _ = self.insert(place)),
        }
    }

    /// In order.
    pub fn for_each(&self, mut visit: impl FnMut(usize)) {
        match self {
            Places::Few(places) => places.iter().for_each(|&place| visit(place as usize)),
            Places::Many(chunks) => {
                for (index, chunk) in chunks.chunks.iter().enumerate() {
                    chunk.for_each(|offset| visit(index * CHUNK_PLACES + offset));
                }
            }
        }
    }

    /// Chunks up to the last member's.
    pub fn chunks(&self) -> usize {
        match self {
            Places::Few(places) => places.last().map_or(0, |&last| last as usize / CHUNK_PLACES + 1),
            Places::Many(chunks) => chunks.chunks.len(),
        }
    }

    /// Shows the members of a chunk as words of 64 places: the word's number within the chunk, and some of its bits; a
    /// word may be shown several times.
    pub fn show_words(&self, chunk: usize, mut show: impl FnMut(usize, u64)) {
        match self {
            Places::Few(places) => {
                let from = places.partition_point(|&place| (place as usize) < chunk * CHUNK_PLACES);
                for &place in &places[from..] {
                    let offset = place as usize - chunk * CHUNK_PLACES;
                    if offset >= CHUNK_PLACES {
                        return;
                    }
                    show(offset / 64, 1 << (offset % 64));
                }
            }
            Places::Many(chunks) => match chunks.chunks.get(chunk) {
                None | Some(Chunk::Empty) => {}
                Some(Chunk::Sparse(offsets)) => {
                    offsets.iter().for_each(|&offset| show(usize::from(offset) / 64, 1 << (offset % 64)));
                }
                Some(Chunk::Dense(bitmap)) => {
                    bitmap
                        .words
                        .iter()
                        .enumerate()
                        .filter(|(_, bits)| **bits != 0)
                        .for_each(|(at, &bits)| show(at, bits));
                }
            },
        }
    }

    /// Checks the counts and the order; returns the number of places. For tests.
    pub fn validate(&self) -> Result<usize, String> {
        let mut last = None;
        let mut len = 0;
        let mut is_rising = true;
        self.for_each(|place| {
            is_rising &= last < Some(place) && self.contains(place);
            last = Some(place);
            len += 1;
        });
        match self {
            Places::Many(chunks) if chunks.chunks.iter().any(|chunk| !chunk.is_in_shape()) => {
                Err("a chunk has the wrong shape".into())
            }
            Places::Many(chunks) if chunks.len <= FEW_MAX / 2 => Err(format!("chunks for {} places", chunks.len)),
            _ if !is_rising || len != self.len() => Err(format!("{len} places, counted as {}", self.len())),
            _ => Ok(len),
        }
    }
}

impl Chunks {
    fn contains(&self, place: usize) -> bool {
        self.chunks.get(place / CHUNK_PLACES).is_some_and(|chunk| chunk.contains(place % CHUNK_PLACES))
    }

    /// Adds a place that is not there.
    fn insert(&mut self, place: usize) {
        let index = place / CHUNK_PLACES;
        if index >= self.chunks.len() {
            self.chunks.resize_with(index + 1, Chunk::default);
        }
        self.chunks[index].insert(place % CHUNK_PLACES);
        self.len += 1;
    }

    /// Takes out a place that is there.
    fn remove(&mut self, place: usize) {
        self.chunks[place / CHUNK_PLACES].remove(place % CHUNK_PLACES);
        self.len -= 1;
        while let Some(Chunk::Empty) = self.chunks.last() {
            self.chunks.pop();
        }
    }

    fn add_all(&mut self, other: &Chunks) {
        if self.chunks.len() < other.chunks.len() {
            self.chunks.resize_with(other.chunks.len(), Chunk::default);
        }
        for (ours, theirs) in self.chunks.iter_mut().zip(&other.chunks) {
            ours.add_all(theirs);
        }
        self.len = self.chunks.iter().map(Chunk::len).sum();
    }
}

impl Chunk {
    fn len(&self) -> usize {
        match self {
            Chunk::Empty => 0,
            Chunk::Sparse(offsets) => offsets.len(),
            Chunk::Dense(bitmap) => bitmap.len,
        }
    }

    fn bytes(&self) -> usize {
        let inside = match self {
            Chunk::Empty => 0,
            Chunk::Sparse(offsets) => size_of_val(offsets.as_slice()),
            Chunk::Dense(_) => size_of::<Bitmap>(),
        };
        size_of::<Self>() + inside
    }

    fn contains(&self, offset: usize) -> bool {
        match self {
            Chunk::Empty => false,
            Chunk::Sparse(offsets) => offsets.binary_search(&(offset as u16)).is_ok(),
            Chunk::Dense(bitmap) => bitmap.words[offset / 64] >> (offset % 64) & 1 == 1,
        }
    }

    /// Adds an offset that is not there.
    fn insert(&mut self, offset: usize) {
        match self {
            Chunk::Empty => *self = Chunk::Sparse(Arc::new(vec![offset as u16])),
            Chunk::Sparse(offsets) if offsets.len() < SPARSE_MAX => {
                let offsets = Arc::make_mut(offsets);
                let at = offsets.partition_point(|&other| usize::from(other) < offset);
                offsets.insert(at, offset as u16);
            }
            Chunk::Sparse(offsets) => {
                let mut bitmap = Bitmap { len: offsets.len() + 1, words: [0; CHUNK_WORDS] };
                for &offset in offsets.iter().chain([&(offset as u16)]) {
                    bitmap.words[usize::from(offset) / 64] |= 1 << (offset % 64);
                }
                *self = Chunk::Dense(Arc::new(bitmap));
            }
            Chunk::Dense(bitmap) => {
                let bitmap = Arc::make_mut(bitmap);
                bitmap.words[offset / 64] |= 1 << (offset % 64);
                bitmap.len += 1;
            }
        }
    }

    /// Takes out an offset that is there.
    fn remove(&mut self, offset: usize) {
        match self {
            Chunk::Empty => {}
            Chunk::Sparse(offsets) if offsets.len() == 1 => *self = Chunk::Empty,
            Chunk::Sparse(offsets) => {
                let offsets = Arc::make_mut(offsets);
                let at = offsets.partition_point(|&other| usize::from(other) < offset);
                offsets.remove(at);
            }
            Chunk::Dense(bitmap) => {
                let bitmap = Arc::make_mut(bitmap);
                bitmap.words[offset / 64] &= !(1 << (offset % 64));
                bitmap.len -= 1;
                if bitmap.len <= SPARSE_MAX / 2 {
                    let mut offsets = Vec::with_capacity(bitmap.len);
                    self.for_each(|offset| offsets.push(offset as u16));
                    *self = Chunk::Sparse(Arc::new(offsets));
                }
            }
        }
    }

    fn add_all(&mut self, other: &Chunk) {
        match (&mut *self, other) {
            (_, Chunk::Empty) => {}
            (Chunk::Empty, _) => *self = other.clone(),
            (Chunk::Dense(ours), Chunk::Dense(theirs)) => {
                let ours = Arc::make_mut(ours);
                ours.words.iter_mut().zip(&theirs.words).for_each(|(ours, theirs)| *ours |= theirs);
                ours.len = ours.words.iter().map(|bits| bits.count_ones() as usize).sum();
            }
            (Chunk::Sparse(_), Chunk::Dense(_)) => {
                let sparse = std::mem::replace(self, other.clone());
                self.add_all(&sparse);
            }
            (_, Chunk::Sparse(theirs)) => {
                for offset in theirs.iter().map(|&offset| usize::from(offset)) {
                    if !self.contains(offset) {
                        self.insert(offset);
                    }
                }
            }
        }
    }

    fn for_each(&self, mut visit: impl FnMut(usize)) {
        match self {
            Chunk::Empty => {}
            Chunk::Sparse(offsets) => offsets.iter().for_each(|&offset| visit(offset.into())),
            Chunk::Dense(bitmap) => {
                for (at, &bits) in bitmap.words.iter().enumerate() {
                    for_each_bit(bits, |bit| visit(at * 64 + bit));
                }
            }
        }
    }

    fn is_in_shape(&self) -> bool {
        match self {
            Chunk::Empty => true,
            Chunk::Sparse(offsets) => !offsets.is_empty() && offsets.len() <= SPARSE_MAX,
            Chunk::Dense(bitmap) => {
                let len: usize = bitmap.words.iter().map(|bits| bits.count_ones() as usize).sum();
                len == bitmap.len && len > SPARSE_MAX / 2
            }
        }
    }
}

/// From the lowest bit on.
#[inline]
pub(crate) fn for_each_bit(mut bits: u64, mut visit: impl FnMut(usize)) {
    while bits != 0 {
        visit(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// splitmix64 (Steele, Lea and Flood, 2014).
    fn random(state: &mut u64) -> usize {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize
    }

    fn assert_equal(places: &Places, oracle: &BTreeSet<usize>, copies: &[(Places, BTreeSet<usize>)]) {
        let listed = |places: &Places| {
            let mut listed = Vec::new();
            places.for_each(|place| listed.push(place));
            listed
        };
        assert_eq!(places.validate(), Ok(oracle.len()));
        assert_eq!(listed(places), oracle.iter().copied().collect::<Vec<_>>());
        for (copy, then) in copies {
            assert_eq!(listed(copy), then.iter().copied().collect::<Vec<_>>(), "a copy does not change");
        }
        let mut shown = BTreeSet::new();
        for chunk in 0..places.chunks() {
            places.show_words(chunk, |at, bits| {
                for_each_bit(bits, |bit| _ = shown.insert(chunk * CHUNK_PLACES + at * 64 + bit));
            });
        }
        assert_eq!(&shown, oracle);
        for word in (0..=places.chunks() * CHUNK_WORDS).step_by(5) {
            let members = oracle.range(word * 64..(word + 1) * 64);
            assert_eq!(places.word(word), members.fold(0, |bits, place| bits | 1 << (place % 64)), "word {word}");
        }
    }

    #[test]
    fn equals_a_set_of_numbers_while_it_grows_and_shrinks_through_every_shape() {
        let mut state = 1;
        let (mut places, mut oracle, mut copies) = (Places::default(), BTreeSet::new(), Vec::new());
        for (inserts_of_ten, steps) in [(9, 30_000), (1, 45_000), (5, 2_000)] {
            for step in 0..steps {
                let place = random(&mut state) % (3 * CHUNK_PLACES) / 7;
                if random(&mut state) % 10 < inserts_of_ten {
                    assert_eq!(places.insert(place), oracle.insert(place));
                } else {
                    // One that is there, mostly.
                    let place = oracle.range(place..).next().copied().unwrap_or(place);
                    assert_eq!(places.remove(place), oracle.remove(&place));
                }
                assert!(!oracle.contains(&place) || places.contains(place));
                if step % 5_000 == 0 {
                    copies.push((places.clone(), oracle.clone()));
                    assert_equal(&places, &oracle, &copies);
                }
            }
        }
        assert_equal(&places, &oracle, &copies);
    }

    #[test]
    fn a_union_equals_the_union_of_the_numbers_whatever_the_shapes() {
        let mut state = 2;
        let sets: Vec<(Places, BTreeSet<usize>)> = [0, 3, 200, 300, 5_000, 20_000, 100_000]
            .map(|len| {
                let mut set = (Places::default(), BTreeSet::new());
                for _ in 0..len {
                    let place = random(&mut state) % (2 * CHUNK_PLACES + 100);
                    set.0.insert(place);
                    set.1.insert(place);
                }
                set
            })
            .into();
        for (places, oracle) in &sets {
            for (other, other_oracle) in &sets {
                let mut union = places.clone();
                union.add_all(other);
                assert_equal(&union, &(oracle | other_oracle), &[]);
            }
        }
    }
}
