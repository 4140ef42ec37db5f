//! Bytes that a session costs that has nothing to get, beyond what the registry keeps of it: those of a fan-out with a
//! million sessions less those of a registry with the same.
//!
//! `idle_bytes` is about sessions that have never got anything, `idle_bytes_used` about such that are subscribed to a
//! topic and have been handed an event of it.

use super::hosts::Counting;
use super::{M, figure};
use crate::Figure;
use crate::delivery_peers::{Delivery, Oyez, Sessions, numbered};
use crate::scoreboard::counting_alloc::bytes_kept;
use crate::scoreboard::measure::Readings;
use oyez::{FanoutOptions, PartitionId, Registry, RegistryOptions, SessionId, Topic};

const TOPIC: u32 = 0;

pub fn run() -> Vec<Figure> {
    eprintln!("delivery: {M} idle sessions ...");
    let mut readings = Readings::default();
    for (what, topics) in [("idle_bytes", 0), ("idle_bytes_used", 1)] {
        let ((registry, of_registry), registry_bytes) = bytes_kept(|| registry(topics));
        assert_eq!((registry.stats().sessions, registry.stats().subscriptions), (M as usize, topics * M as usize));
        drop((registry, of_registry));
        let (fanout, fanout_bytes) = bytes_kept(|| fanout(topics));
        assert_eq!(fanout.fanout.stats().accounting().delivered, topics as u64 * u64::from(M));
        let bytes = fanout_bytes as f64 - registry_bytes as f64;
        readings.add(what, Oyez::NAME, bytes / f64::from(M));
    }
    ["idle_bytes", "idle_bytes_used"]
        .map(|what| figure(&format!("delivery.{what}.1m"), &readings, what, &[Oyez::NAME]))
        .into()
}

/// With the handles, which the contender keeps too.
fn registry(topics: usize) -> (Registry, Vec<SessionId>) {
    let mut registry = Registry::new(RegistryOptions::default());
    let sessions: Vec<SessionId> = (0..M).map(|_| registry.connect(PartitionId(0)).unwrap()).collect();
    for _ in 0..topics {
        for &session in &sessions {
            registry.subscribe(session, Topic(u64::from(TOPIC))).unwrap();
        }
    }
    (registry, sessions)
}

fn fanout(topics: usize) -> Oyez {
    // What is remembered of past audiences is bounded, and not about sessions.
    let mut ours = Oyez::with_options(FanoutOptions::default().history_bytes_max(0), M);
    for _ in 0..topics {
        (0..M).for_each(|session| ours.subscribe(session, TOPIC));
        ours.publish(TOPIC, &numbered(1, 64));
        ours.drain(&mut Counting::default());
    }
    ours
}
