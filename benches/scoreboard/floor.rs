//! What the machine itself takes for the least that an operation must touch.
//!
//! The sketch, for a set of `n` keys whose own bytes are `b` on average:
//!
//! | operation | has to | floor |
//! |---|---|---|
//! | insert, remove, rank, select, contains | fetch one cache line among the keys, in a place that only the key or the rank tells | one dependent load in `n * b` bytes |
//! | insert, rank and remove of one key | the same line thrice | the same load once |
//! | slice of 100 | read `100 * b` contiguous bytes in such a place | one dependent load and the bytes after it |
//! | bulk build | read every key and write it once | a copy of `n * b` bytes, a key |
//! | bytes a key | hold the key | `b` |
//!
//! The upper levels of a tree are free in this sketch (they stay in the caches), comparing is free,
//! and so is everything but the first line of a search in a node. It is the floor of a call whose
//! answer the next call waits for. In loops over independent keys the processor overlaps the end of
//! one call with the start of the next, so that a cheap call such as select can reach its floor.
//!
//! The loads are measured in the same rounds as the contenders, since memory's latency is what
//! changes most on a shared machine.

use super::measure;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// A key as bytes that somebody has to touch.
pub trait Bytes {
    /// Those of the key itself, wherever they lie.
    fn bytes(&self) -> usize;
}

impl Bytes for (u64, u64) {
    fn bytes(&self) -> usize {
        16
    }
}

impl Bytes for Box<[u8]> {
    fn bytes(&self) -> usize {
        self.len()
    }
}

pub fn mean_bytes<K: Bytes>(keys: &[K]) -> f64 {
    keys.iter().map(K::bytes).sum::<usize>() as f64 / keys.len() as f64
}

/// Words of 8 bytes in a cache line.
const LINE: usize = 8;

/// As many bytes as the keys of a set, each line naming another, all in one cycle.
pub struct Memory {
    words: Vec<u64>,
}

impl Memory {
    pub fn new(bytes: f64, seed: u64) -> Self {
        let lines = (bytes as usize / 8 / LINE).max(2);
        let mut cycle: Vec<usize> = (0..lines).collect();
        cycle.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let mut words = vec![1; lines * LINE];
        for (&here, &next) in cycle.iter().zip(cycle.iter().cycle().skip(1)) {
            words[here * LINE] = next as u64;
        }
        Memory { words }
    }

    /// Goes round the cycle once, so that what fits into the caches is in them.
    pub fn warm_up(&self) {
        self.dependent_read_ns(self.words.len() / LINE, 8.0);
    }

    /// ns for reading `bytes` contiguous bytes in a place that the reading before it told.
    pub fn dependent_read_ns(&self, reads: usize, bytes: f64) -> f64 {
        let words = (bytes / 8.0).ceil() as usize;
        // A read that would run over the end starts so that it does not.
        let last_start = self.words.len() - words;
        let (ns, sum) = measure::time(reads, || {
            let (mut line, mut sum) = (0, 0u64);
            for _ in 0..reads {
                let next = self.words[line * LINE];
                let start = (line * LINE).min(last_start);
                let run = &self.words[start..start + words];
                sum = sum.wrapping_add(run.iter().fold(0, |sum, word| sum ^ word));
                line = next as usize;
            }
            sum
        });
        assert_ne!(std::hint::black_box(sum), u64::MAX);
        ns
    }

    /// ns for copying all of it, a key of `key_bytes`.
    pub fn copy_ns(&self, key_bytes: f64) -> f64 {
        // Not zero: the pages are to be there already.
        let mut target = vec![1; self.words.len()];
        let keys = (self.words.len() * 8) as f64 / key_bytes;
        let (ns, ()) = measure::time(keys as usize, || target.copy_from_slice(&self.words));
        assert_eq!(std::hint::black_box(target), self.words);
        ns
    }
}
