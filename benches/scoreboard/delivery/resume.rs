//! A reconnect storm: every session breaks off and comes back.
//!
//! Each is in a topic with everyone and in nineteen rooms of about fifty, and has been handed an event. Timed: all are
//! parked, an event is published meanwhile, all come back, the odd ones with the first event and the even ones without,
//! and are drained. Asserted for each: it has got what it did not have, in order, and nothing else.

use super::figure;
use crate::Figure;
use crate::delivery_peers::{Delivery, Oyez};
use crate::scoreboard::measure::{self, Readings};
use oyez::{
    Event, Fanout, FanoutOptions, Item, OrderKey, PartitionId, Query, Sequence, SessionId, SessionOptions, Took, Topic,
    Worker,
};

const EVERYONE: Topic = Topic(0);
const ROOMS_EACH: u64 = 19;
const ROOM: u64 = 50;
const WINDOW: usize = 8;

pub fn run(name: &'static str, count: u32, rounds: usize) -> Vec<Figure> {
    eprintln!("delivery: {count} sessions of {} topics break off ...", 1 + ROOMS_EACH);
    let fanout = Fanout::new(FanoutOptions::default());
    let sessions: Vec<SessionId> = (0..u64::from(count)).map(|number| join(&fanout, number, count.into())).collect();
    assert_eq!(fanout.stats().registry.subscriptions as u64, sessions.len() as u64 * (1 + ROOMS_EACH));
    let mut worker = fanout.worker(PartitionId(0)).unwrap();
    let mut readings = Readings::default();
    for round in 0..=rounds {
        let first = publish(&fanout);
        drain(&mut worker, |_, _| {});
        let acknowledged = |session: SessionId| if is_odd(session) { first } else { Sequence(0) };
        let mut got = vec![Vec::with_capacity(2); sessions.len()];
        let (ns, second) = measure::time(1, || {
            sessions.iter().for_each(|&session| fanout.park(session).unwrap());
            let second = publish(&fanout);
            for &session in &sessions {
                fanout.resume(session, acknowledged(session)).unwrap();
            }
            drain(&mut worker, |session, sequence| got[session.to_bits() as u32 as usize].push(sequence));
            second
        });
        for (&session, got) in sessions.iter().zip(&got) {
            let expected: &[_] = if is_odd(session) { &[second] } else { &[first, second] };
            assert_eq!(got, expected, "{session:?}");
            fanout.acknowledge(session, second).unwrap();
        }
        if round > 0 {
            readings.add("resume", Oyez::NAME, ns / 1e9);
        }
    }
    vec![figure(name, &readings, "resume", &[Oyez::NAME])]
}

fn is_odd(session: SessionId) -> bool {
    !session.to_bits().is_multiple_of(2)
}

/// Sessions that share a room of one kind are mostly apart in the others.
fn join(fanout: &Fanout, number: u64, count: u64) -> SessionId {
    let session = fanout.connect_with(PartitionId(0), SessionOptions::default().window(WINDOW)).unwrap();
    fanout.subscribe(session, EVERYONE).unwrap();
    let rooms_of_a_kind = count / ROOM;
    for kind in 0..ROOMS_EACH {
        let room = (number / (1 + kind * kind) + number * kind) % rooms_of_a_kind;
        fanout.subscribe(session, Topic(1 + kind * rooms_of_a_kind + room)).unwrap();
    }
    session
}

fn publish(fanout: &Fanout) -> Sequence {
    let receipt = fanout.publish(&Query::topic(EVERYONE), Event::new(OrderKey(0), [0; 64])).unwrap();
    assert_eq!(receipt.refused_count, 0);
    receipt.sequence
}

/// Drains until nobody is offered anything.
fn drain(worker: &mut Worker, mut show: impl FnMut(SessionId, Sequence)) {
    loop {
        let drained = worker.drain(usize::MAX, |session, batch| {
            for item in batch.iter() {
                match item {
                    Item::Event(sequence, _) => show(session, sequence),
                    Item::Gap(gap) => panic!("{session:?} misses {gap:?}"),
                }
            }
            Took::ALL
        });
        if drained.resume_panics().sessions == 0 {
            return;
        }
    }
}
