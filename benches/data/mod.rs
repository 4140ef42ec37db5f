//! Seeded keys, and a set whose keys come and go with every right answer known.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a set lends of a key.
pub trait Digest {
    /// Reads the key to its last byte, as one who has it sent would.
    fn digest(&self) -> u64;
}

/// A kind of key.
pub trait Key: Digest + Ord + Clone + std::fmt::Debug + 'static {
    /// The part of a figure's name that says it.
    const NAME: &'static str;
    fn random(rng: &mut ChaCha8Rng) -> Self;
}

/// 16 bytes, both halves uniform: nearly every comparison ends in the first.
impl Key for (u64, u64) {
    const NAME: &'static str = "16b";

    fn random(rng: &mut ChaCha8Rng) -> Self {
        (rng.random(), rng.random())
    }
}

impl Digest for (u64, u64) {
    fn digest(&self) -> u64 {
        self.0 ^ self.1.rotate_left(32)
    }
}

/// 17 to 36 bytes of which the first 14 say one of a thousand guilds: neighbours in the order share
/// all of them, and about 15 of their bytes.
impl Key for Box<[u8]> {
    const NAME: &'static str = "str";

    fn random(rng: &mut ChaCha8Rng) -> Self {
        const NAME_BYTES: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let guild = rng.random_range(0..1_000);
        let mut key = format!("g/{guild:04}/member/").into_bytes();
        for _ in 0..rng.random_range(3..=22) {
            key.push(NAME_BYTES[rng.random_range(0..NAME_BYTES.len())]);
        }
        key.into()
    }
}

impl Digest for [u8] {
    fn digest(&self) -> u64 {
        self.len() as u64 * 256 + u64::from(self[self.len() - 1])
    }
}

impl Digest for Box<[u8]> {
    fn digest(&self) -> u64 {
        (**self).digest()
    }
}

/// A set of `n` keys while others come and go: it says what to do next and what the answers are.
///
/// The oracle is the sorted vector of every key that is ever in, with a count tree over its
/// positions for the ranks in the middle of a batch, where a vector of present keys would have to
/// shift a million of them for each key.
pub struct Churn<K> {
    /// Ascending.
    keys: Vec<K>,
    /// Positions in `keys`, shuffled: those of the `n` keys that are in, then those that are out.
    order: Vec<u32>,
    n: usize,
    present: Counts,
    rng: ChaCha8Rng,
}

/// Keys that come, then as many that go, and the sums of the ranks at which they do.
pub struct Batch<K> {
    pub arrivals: Vec<K>,
    pub arrival_ranks: u64,
    pub leavers: Vec<K>,
    pub leaver_ranks: u64,
}

/// Keys that are out, and the sum of the ranks that each would have alone.
pub struct Visitors<K> {
    pub keys: Vec<K>,
    pub ranks_sum: u64,
}

/// Keys that are in, with their ranks.
pub struct Questions<K> {
    pub keys: Vec<K>,
    pub ranks: Vec<usize>,
}

/// Runs of ranks.
pub struct Windows {
    pub starts: Vec<usize>,
    /// Ranks in each.
    pub width: usize,
    /// The sum of the digests of all keys in them.
    pub digests: u64,
}

impl<K> Questions<K> {
    pub fn ranks_sum(&self) -> u64 {
        self.ranks.iter().map(|&rank| rank as u64).sum()
    }
}

impl<K: Key> Churn<K> {
    /// `n` keys of which `batch` are exchanged at a time.
    pub fn new(n: usize, batch: usize, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut keys = Vec::new();
        while keys.len() < n + batch {
            keys.extend((keys.len()..n + batch).map(|_| K::random(&mut rng)));
            keys.sort_unstable();
            keys.dedup();
        }
        let mut order: Vec<u32> = (0..).take(keys.len()).collect();
        order.shuffle(&mut rng);
        let mut present = Counts::new(keys.len());
        for &position in &order[..n] {
            present.add(position, 1);
        }
        Churn { keys, order, n, present, rng }
    }

    /// Copies of the keys that are in, in random order.
    pub fn shuffled(&self) -> Vec<K> {
        self.copies(&self.order[..self.n])
    }

    /// Copies of the keys that are in, ascending.
    pub fn sorted(&self) -> Vec<K> {
        self.copies(&self.sorted_positions())
    }

    /// All keys that are out come in, and as many of all that are then in go.
    pub fn batch(&mut self) -> Batch<K> {
        let mut arrival_ranks = 0;
        for &position in &self.order[self.n..] {
            arrival_ranks += self.present.before(position);
            self.present.add(position, 1);
        }
        let arrivals = self.copies(&self.order[self.n..]);

        let batch = self.order.len() - self.n;
        // Those chosen end up at the end of the vector, which is where the absent are kept.
        let (leaving, _) = self.order.partial_shuffle(&mut self.rng, batch);
        let mut leaver_ranks = 0;
        for &mut position in leaving {
            leaver_ranks += self.present.before(position);
            self.present.add(position, -1);
        }
        let leavers = self.copies(&self.order[self.n..]);
        Batch { arrivals, arrival_ranks, leavers, leaver_ranks }
    }

    /// Keys that are out: each is to come alone and to leave before the next.
    pub fn visitors(&self, count: usize) -> Visitors<K> {
        let positions: Vec<u32> = self.order[self.n..].iter().copied().take(count).collect();
        let ranks_sum = positions.iter().map(|&position| self.present.before(position)).sum();
        Visitors { keys: self.copies(&positions), ranks_sum }
    }

    /// Random keys that are in, each perhaps more than once.
    pub fn questions(&mut self, count: usize) -> Questions<K> {
        let sorted = self.sorted_positions();
        let ranks = self.ranks(count, self.n);
        let positions: Vec<u32> = ranks.iter().map(|&rank| sorted[rank]).collect();
        Questions { keys: self.copies(&positions), ranks }
    }

    /// Windows of `width` ranks in random places.
    pub fn windows(&mut self, count: usize, width: usize) -> Windows {
        let sorted = self.sorted_positions();
        let starts = self.ranks(count, self.n - width + 1);
        let in_windows = starts.iter().flat_map(|&start| &sorted[start..start + width]);
        let digests = in_windows.map(|&position| self.keys[position as usize].digest());
        let digests = digests.fold(0, u64::wrapping_add);
        Windows { starts, width, digests }
    }

    fn ranks(&mut self, count: usize, below: usize) -> Vec<usize> {
        (0..count).map(|_| self.rng.random_range(0..below)).collect()
    }

    fn sorted_positions(&self) -> Vec<u32> {
        let mut positions = self.order[..self.n].to_vec();
        positions.sort_unstable();
        positions
    }

    fn copies(&self, positions: &[u32]) -> Vec<K> {
        positions.iter().map(|&position| self.keys[position as usize].clone()).collect()
    }
}

/// A Fenwick tree: how many of the positions before one are present.
struct Counts(Vec<u64>);

impl Counts {
    fn new(positions: usize) -> Self {
        Counts(vec![0; positions + 1])
    }

    fn add(&mut self, position: u32, change: i64) {
        let mut at = position as usize + 1;
        while let Some(count) = self.0.get_mut(at) {
            *count = count.wrapping_add_signed(change);
            at += at & at.wrapping_neg();
        }
    }

    fn before(&self, position: u32) -> u64 {
        let mut at = position as usize;
        let mut sum = 0;
        while at > 0 {
            sum += self.0[at];
            at &= at - 1;
        }
        sum
    }
}
