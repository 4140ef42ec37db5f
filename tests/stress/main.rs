//! Real threads, all at once, and a checker that knows nothing but what they wrote down.
//!
//! Publishers with order keys of their own publish to small topics, large ones and unions. A worker for each partition
//! waits and drains, with a host that takes all, part or nothing, panics, and calls the fan-out from within its
//! callback. One thread lets clients come, move and go; another has them answer: acknowledge, become writable, come
//! back. Then the fan-out is closed and drained to the end. `actor.rs` makes the calls and writes them down,
//! `history.rs` is what is written, `checker.rs` judges it, and `broken.rs` has a broken history for every rule, so
//! that it is known to judge.
//!
//! Runs for `STRESS_SECONDS`, 3 by default, and at least once with each of its options.

#![allow(clippy::print_stdout)] // what was seen, for who asks with --nocapture

mod actor;
mod broken;
mod checker;
mod follow;
mod history;
mod life;
mod order;
mod round;
mod rule;

use round::{KINDS, Round};
use rule::Seen;
use std::time::{Duration, Instant};

#[test]
fn threads_get_what_they_are_promised() {
    let seconds = std::env::var("STRESS_SECONDS").unwrap_or_else(|_| "3".into());
    let duration = Duration::from_secs(seconds.parse().expect("STRESS_SECONDS is a number of seconds"));
    let start = Instant::now();
    let mut seen = Seen::default();
    let mut rounds = 0;
    while rounds < KINDS.len() || start.elapsed() < duration {
        let kind = KINDS[rounds % KINDS.len()];
        let history = Round::new(kind, rounds as u64).run();
        let violations = checker::check_and_count(&history, &mut seen);
        let first = &violations[..violations.len().min(10)];
        assert!(violations.is_empty(), "round {rounds}, {kind:?}: {} violations: {first:#?}", violations.len());
        rounds += 1;
    }
    assert!(seen.counts().iter().all(|&count| count > 0), "something never happened in {rounds} rounds: {seen:#?}");
    println!("{rounds} rounds: {seen:#?}");
}
