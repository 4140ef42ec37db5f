//! Chance, and the passing of moments, both under a test's control.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

/// Numbers that a seed determines: splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
/// 2014, with the constants of Vigna's public-domain C). Good enough to choose what happens in a test; no secret.
///
/// ```
/// use oyez::testing::Random;
///
/// let mut random = Random::new(1_234_567);
/// assert_eq!(random.number(), 6_457_827_717_110_365_317);
/// assert!(random.below(6) < 6);
/// ```
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The numbers of this seed. O(1).
    pub fn new(seed: u64) -> Self {
        Random { state: seed }
    }

    /// The next number, of all there are. O(1).
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0. O(1).
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.number()) * u128::from(end)) >> 64) as u64
    }

    /// Whether something happens now that happens once in `n` times. O(1).
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// A clock that stands still until it is told to go on. Its ticks are whatever the test takes them for.
///
/// ```
/// use oyez::testing::ManualClock;
///
/// let clock = ManualClock::default();
/// clock.advance(30);
/// assert_eq!(clock.now(), 30);
/// ```
#[derive(Debug, Default)]
pub struct ManualClock {
    now: Cell<u64>,
}

impl ManualClock {
    /// Ticks since the clock was made. O(1).
    pub fn now(&self) -> u64 {
        self.now.get()
    }

    /// Goes on by so many ticks. O(1).
    ///
    /// # Panics
    ///
    /// When the ticks no longer fit in 64 bits.
    pub fn advance(&self, ticks: u64) {
        self.now.set(self.now() + ticks);
    }
}

/// What is to happen, and when: takes one thing after the other and sets the clock to its moment. The seed chooses what
/// comes first of what happens at the same moment, so that a test does not rest on one order, and can repeat any.
///
/// ```
/// use oyez::testing::Scheduler;
///
/// let mut scheduler = Scheduler::new(1);
/// scheduler.after(20, "writable");
/// scheduler.after(5, "publish");
/// assert_eq!((scheduler.step(), scheduler.clock().now()), (Some("publish"), 5));
/// scheduler.after(5, "drain");
/// assert_eq!((scheduler.step(), scheduler.clock().now()), (Some("drain"), 10));
/// assert_eq!((scheduler.step(), scheduler.clock().now()), (Some("writable"), 20));
/// assert_eq!(scheduler.step(), None);
/// ```
pub struct Scheduler<T> {
    clock: ManualClock,
    random: Random,
    /// By moment, then by chance, then by the order in which they came.
    due: BTreeMap<(u64, u64, u64), T>,
    scheduled: u64,
}

impl<T> Scheduler<T> {
    /// Nothing to do, at moment 0. O(1).
    pub fn new(seed: u64) -> Self {
        Scheduler { clock: ManualClock::default(), random: Random::new(seed), due: BTreeMap::new(), scheduled: 0 }
    }

    /// The clock that it advances. O(1).
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// The numbers that it chooses by, for other choices of the same seed. O(1).
    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// Lets something happen so many ticks from now. O(log n).
    ///
    /// # Panics
    ///
    /// When that moment no longer fits in 64 bits.
    pub fn after(&mut self, ticks: u64, what: T) {
        self.scheduled += 1;
        let moment = self.clock.now() + ticks;
        self.due.insert((moment, self.random.number(), self.scheduled), what);
    }

    /// Goes on to the next thing and takes it; `None` if nothing is left to happen. If the clock has been advanced past
    /// its moment, the clock stays. O(log n).
    pub fn step(&mut self) -> Option<T> {
        let ((moment, ..), what) = self.due.pop_first()?;
        self.clock.advance(moment.saturating_sub(self.clock.now()));
        Some(what)
    }
}

impl<T> fmt::Debug for Scheduler<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler").field("clock", &self.clock).field("due", &self.due.len()).finish_non_exhaustive()
    }
}
