//! From a seed, a fan-out under everything at once: every promise of delivery holds after every step, and the log of a
//! run replays to the same log.
//!
//!     SIMULATOR_SEEDS=100000 cargo test --release --test simulator -- --nocapture    # seeds 0 to 99,999, not a sample
//!     SIMULATOR_FIRST=4711 SIMULATOR_SEEDS=1 cargo test --test simulator             # this seed
#![allow(clippy::print_stdout)] // how much has happened

use oyez_driver::simulator::{self, Settings, Summary};
use std::env;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Seeds that are run by default: a few seconds in debug.
const SAMPLE: u64 = 200;

#[test]
fn every_promise_holds_for_every_seed() {
    let first = number("SIMULATOR_FIRST").unwrap_or(0);
    let end = first + number("SIMULATOR_SEEDS").unwrap_or(SAMPLE);
    let next = AtomicU64::new(first);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let _stop = StopOthers { next: &next, end };
        let mut sum = Summary::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return sum;
            }
            sum += simulator::run(seed);
        }
    };
    let sum = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut sum = Summary::default();
        for worker in workers {
            sum += worker.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
        sum
    });
    println!("{} seeds from {first} on: {sum:?}", end - first);
    assert!(end - first < SAMPLE || sum.is_complete(), "seeds in which something never happens prove nothing of it");
}

/// Ends the work of all threads when one panics.
struct StopOthers<'a> {
    next: &'a AtomicU64,
    end: u64,
}

impl Drop for StopOthers<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.next.store(self.end, Ordering::Relaxed);
        }
    }
}

fn number(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is not a number: {value}")))
}

/// As a failing seed prints it.
#[test]
fn a_client_that_breaks_off_amid_a_gap_gets_both_again() {
    let settings = Settings {
        partitions: 1,
        sessions_per_partition: 1,
        topics_per_session: 1,
        events_per_session: 2,
        batch: 9,
        round_sessions: 64,
        log_sessions: usize::MAX,
        keep_on_panic: false,
        bytes_per_partition: usize::MAX,
    };
    let simulation = simulator::replay(
        settings,
        "seed 1
        @0 connect 0 window 4 fast -> s0
        @0 subscribe s0 7 -> joined after 0
        @1 publish key 1 class 0 bytes 3 to 7 -> 1 for 1
        @1 publish key 1 class 0 bytes 3 to 7 -> 2 for 1
        @2 publish key 2 class 0 bytes 3 to 7 -> 3 for 1
        @3 drain 0 255
        @4 park s0
        @9 resume s0 0
        @9 drain 0 255
        @9 acknowledge s0 2
        @9 close
        ",
    );
    let drains = simulation.log().lines().filter(|line| line.contains("drain"));
    let handed = "s0 [gap of 1, 1 to 1, 2 key 1 class 0 word 2 bytes 3, 3 key 2 class 0 word 3 bytes 3] took all";
    assert_eq!(drains.collect::<Vec<_>>(), [3, 9].map(|moment| format!("@{moment} drain 0 255 -> {handed}")));
}

/// As a failing seed prints it.
#[test]
fn who_moves_and_leaves_a_topic_gets_the_rest_and_only_that() {
    let settings = Settings {
        partitions: 2,
        sessions_per_partition: 2,
        topics_per_session: 2,
        events_per_session: 3,
        batch: 9,
        round_sessions: 64,
        log_sessions: 1,
        keep_on_panic: false,
        bytes_per_partition: usize::MAX,
    };
    let simulation = simulator::replay(
        settings,
        "seed 1
        @0 connect 0 window 2 fast -> s0
        @0 subscribe s0 7 -> joined after 0
        @0 subscribe s0 8 -> joined after 0
        @1 publish key 1 class 0 bytes 3 to 7 -> 1 for 1
        @1 publish key 1 class 0 bytes 3 to 8 -> 2 for 1
        @2 drain 0 255
        @3 publish key 1 class 0 bytes 3 to 7 -> 3 for 1
        @3 publish key 1 class 0 bytes 3 to 7 8 -> 4 for 1
        @4 move s0 2 -> no such partition
        @4 move s0 1 -> done
        @5 publish key 1 class 0 bytes 3 to 8 -> 5 for 1
        @6 discard s0 7 -> left, 1 discarded
        @7 resume s0 1 -> 1 again, then 2
        @8 drain 0 255
        @8 drain 1 255
        @9 acknowledge s0 2
        @9 drain 1 255
        @9 close
        ",
    );
    let drains: Vec<&str> = simulation.log().lines().filter(|line| line.contains("drain")).collect();
    let handed = |moment, partition, events: &str| format!("@{moment} drain {partition} 255 -> {events}");
    let event = |sequence| format!("{sequence} key 1 class 0 word {sequence} bytes 3");
    let [one, two, four, five] = [1, 2, 4, 5].map(event);
    assert_eq!(drains[0], handed(2, 0, &format!("s0 [{one}, {two}] took all")));
    assert_eq!(drains[1], handed(8, 0, "nobody"));
    assert_eq!(drains[2], handed(8, 1, &format!("s0 [{two}] took all")));
    assert_eq!(drains[3], handed(9, 1, &format!("s0 [{four}, {five}] took all")));
}
