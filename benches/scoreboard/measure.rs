//! Interleaved rounds and medians.
//!
//! Two runs of one binary on a shared machine have differed by 2.2 times, and memory latency moves
//! within minutes. So contenders take turns at the same work within a few seconds,
//! in another order each round, and a figure is the median of its rounds.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The order of `contenders` turns in a round: rotated, and in odd rounds backwards, so that
/// nobody always follows the same one and inherits the caches it leaves.
pub fn turns(contenders: usize, round: usize) -> impl Iterator<Item = usize> {
    let turn = move |i: usize| {
        let i = if round.is_multiple_of(2) { i } else { contenders - 1 - i };
        (i + round / 2) % contenders
    };
    (0..contenders).map(turn)
}

/// Adds up the parts of a piece of work that count.
#[derive(Default)]
pub struct Stopwatch {
    elapsed: Duration,
    operations: usize,
}

impl Stopwatch {
    pub fn time<T>(&mut self, operations: usize, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let answer = work();
        self.elapsed += start.elapsed();
        self.operations += operations;
        answer
    }

    pub fn ns_per_operation(&self) -> f64 {
        self.elapsed.as_nanos() as f64 / self.operations as f64
    }
}

/// What one piece of work took, and what it answered.
pub fn time<T>(operations: usize, work: impl FnOnce() -> T) -> (f64, T) {
    let mut stopwatch = Stopwatch::default();
    let answer = stopwatch.time(operations, work);
    (stopwatch.ns_per_operation(), answer)
}

/// The rounds' readings, by what was measured and who was.
#[derive(Default)]
pub struct Readings(BTreeMap<(&'static str, &'static str), Vec<f64>>);

/// The middle of the rounds, and their extremes.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub least: f64,
    pub median: f64,
    pub most: f64,
}

impl Readings {
    pub fn add(&mut self, what: &'static str, who: &'static str, reading: f64) {
        self.0.entry((what, who)).or_default().push(reading);
    }

    pub fn extend(&mut self, others: Readings) {
        for (key, readings) in others.0 {
            self.0.entry(key).or_default().extend(readings);
        }
    }

    pub fn get(&self, what: &'static str, who: &'static str) -> Option<Spread> {
        let mut rounds = self.0.get(&(what, who))?.clone();
        rounds.sort_by(f64::total_cmp);
        // The mean of the middle two if there are two.
        let median = (rounds[(rounds.len() - 1) / 2] + rounds[rounds.len() / 2]) / 2.0;
        Some(Spread { least: rounds[0], median, most: rounds[rounds.len() - 1] })
    }
}
