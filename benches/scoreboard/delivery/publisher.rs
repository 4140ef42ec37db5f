//! What a publish costs its caller, by the size of the topic.
//!
//! Eight publishes are one reading, since a clock takes as long as one; then the worker drains, untimed. They follow
//! one that is not timed: a drain to a million leaves the caches cold, one to ten does not, and that is not about the
//! topic's size. A round's figure is the median of its readings.

use super::hosts::Counting;
use super::{M, figure};
use crate::Figure;
use crate::delivery_peers::{Delivery, Oyez, Payload, Sessions, numbered};
use crate::scoreboard::measure::{self, Readings};
use std::time::{Duration, Instant};

const EVERYONE: u32 = 0;
const ROOMS: u32 = 100;
const ROOM: u32 = 10;
const PUBLISHES: usize = 8;
/// Readings of a topic in a round: so many, or fewer if they take longer than this.
const READINGS: u32 = 200;
const TIME: Duration = Duration::from_millis(300);

/// The topic of ten is one of a hundred in the same fan-out.
pub fn run(rounds: usize) -> Vec<Figure> {
    eprintln!("delivery: the publisher's cost ...");
    let mut ours = Oyez::connected(M);
    for session in 0..M {
        ours.subscribe(session, EVERYONE);
    }
    for room in 0..ROOMS {
        for member in 0..ROOM {
            ours.subscribe(room * (M / ROOMS) + member * (M / ROOMS / ROOM), 1 + room);
        }
    }
    let payload = numbered(1, 64);
    let mut readings = Readings::default();
    // The first round is thrown away.
    for round in 0..=rounds {
        let large = median(|_| publish(&mut ours, EVERYONE, M, &payload));
        let small = median(|reading| publish(&mut ours, 1 + reading % ROOMS, ROOM, &payload));
        if round > 0 {
            readings.add("1m", Oyez::NAME, large);
            readings.add("10", Oyez::NAME, small);
            readings.add("1m_by_10", Oyez::NAME, large / small);
        }
    }
    ["1m_by_10", "10", "1m"]
        .map(|what| figure(&format!("delivery.publisher.{what}"), &readings, what, &[Oyez::NAME]))
        .into()
}

fn median(mut read: impl FnMut(u32) -> f64) -> f64 {
    let start = Instant::now();
    let readings = (0..READINGS).take_while(|&reading| reading == 0 || start.elapsed() < TIME);
    let mut readings: Vec<f64> = readings.map(&mut read).collect();
    readings.sort_by(f64::total_cmp);
    readings[readings.len() / 2]
}

/// ns for a publish.
fn publish(ours: &mut Oyez, topic: u32, sessions: u32, payload: &Payload) -> f64 {
    ours.publish(topic, payload);
    let (ns, ()) = measure::time(PUBLISHES, || (0..PUBLISHES).for_each(|_| ours.publish(topic, payload)));
    let mut host = Counting::default();
    ours.drain(&mut host);
    assert_eq!(host.events, u64::from(sessions) * (1 + PUBLISHES as u64));
    ns
}
