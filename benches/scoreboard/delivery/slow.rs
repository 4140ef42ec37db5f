//! Sessions that did not take all they were offered: what they cost themselves, and what they cost the others.

use super::hosts::{InOrder, Touching};
use super::{M, figure};
use crate::Figure;
use crate::delivery_peers::{Batch, Delivery, Host, Oyez, Payload, Sessions, Unsteady, numbered};
use crate::scoreboard::measure::{self, Readings};
use oyez::{FanoutOptions, Took};

const EVERYONE: u32 = 0;

/// A host of which each `every`th session is stuck: it takes nothing.
struct WithStuck<'a, H> {
    every: u32,
    others: &'a mut H,
}

impl<H: Host> Host for WithStuck<'_, H> {
    fn take(&mut self, session: u32, batch: impl Batch) -> Took {
        if session.is_multiple_of(self.every) { Took::NONE } else { self.others.take(session, batch) }
    }
}

/// Publishing eight events to a million sessions and draining them, with touch, while a tenth of them lag, for each
/// delivery to the others, by the same among a million of which none has ever lagged. Forty times in a row, so that
/// more is lost than a queue holds and whatever is put off comes due: what those who lag cost while they lag. What they
/// cost when they catch up is [`catch_up`].
pub fn lagging_cost(rounds: usize) -> Vec<Figure> {
    const EVENTS: u64 = 8;
    const DRAINS: u64 = 40;
    const EVERY: u32 = 10;
    eprintln!("delivery: a tenth of {M} sessions lag ...");
    let (mut ours, mut unhurt) = (everyone(M), everyone(M));
    let all: Vec<u32> = (0..M).collect();
    let (slow, quick): (Vec<u32>, Vec<u32>) = all.iter().partition(|session| session.is_multiple_of(EVERY));
    let events: Vec<Payload> = (1..=EVENTS).map(|number| numbered(number, 64)).collect();
    let mut host = Touching::new(M);
    let mut readings = Readings::default();
    for round in 0..=rounds {
        deliver(&mut ours, &events[..1], &mut WithStuck { every: EVERY, others: &mut host });
        host.settle("begin to lag", &quick, 1);
        assert_eq!(ours.fanout.stats().lagging(), slow.len());
        // Drain by drain, so that both see the same machine.
        let (mut none_lags, mut some_lag) = (0.0, 0.0);
        for _ in 0..DRAINS {
            none_lags += measure::time(all.len(), || deliver(&mut unhurt, &events, &mut host)).0;
            host.settle("none lags", &all, EVENTS);
            some_lag += measure::time(quick.len(), || deliver(&mut ours, &events, &mut host)).0;
            host.settle("some lag", &quick, EVENTS);
        }
        slow.iter().for_each(|&session| ours.writable(session));
        ours.drain(&mut host);
        let kept = FanoutOptions::default().events_per_session_max as u64;
        assert!(1 + DRAINS * EVENTS > kept);
        host.settle("catch up", &slow, kept + 1); // and a gap
        let (have_lagged, ()) = measure::time(all.len(), || deliver(&mut ours, &events, &mut host));
        host.settle("have lagged", &all, EVENTS);
        if round > 0 {
            readings.add("lagging_cost", Oyez::NAME, some_lag / none_lags);
            readings.add("have_lagged_cost", Oyez::NAME, have_lagged / none_lags * DRAINS as f64);
        }
    }
    let of_ours = |name: &str, what| figure(name, &readings, what, &[Oyez::NAME]);
    vec![
        of_ours("delivery.lagging_cost.1m", "lagging_cost"),
        of_ours("delivery.have_lagged_cost.1m", "have_lagged_cost"),
    ]
}

/// Five hundred of fifty thousand sessions have 200 events waiting when they become writable: a hundred broadcasts,
/// and between them a hundred events of a room of ten each, among twice as many events of other rooms. Every event is
/// looked at. For each event handed over.
pub fn catch_up(rounds: usize) -> Vec<Figure> {
    const SESSIONS: u32 = 50_000;
    const EVERY: u32 = 100;
    const ROOM: u32 = 10;
    const TURNS: u32 = 100;
    eprintln!("delivery: sessions catch up ...");
    let mut ours = everyone(SESSIONS);
    for session in 0..SESSIONS {
        ours.subscribe(session, 1 + session / ROOM);
    }
    let slow = || (0..SESSIONS).step_by(EVERY as usize);
    // Rooms of slow sessions, and two that have none for each.
    let rooms: Vec<u32> = slow().flat_map(|session| [0, 3, 6].map(|other| 1 + session / ROOM + other)).collect();
    let mut host = InOrder::new(SESSIONS);
    let mut number = 0;
    let mut readings = Readings::default();
    for round in 0..=rounds {
        for _ in 0..TURNS {
            for &topic in [EVERYONE].iter().chain(&rooms) {
                number += 1;
                ours.publish(topic, &numbered(number, 64));
            }
            ours.drain(&mut WithStuck { every: EVERY, others: &mut host });
        }
        let before: Vec<u32> = slow().map(|session| host.sessions[session as usize].events).collect();
        let (ns, ()) = measure::time(before.len() * 2 * TURNS as usize, || {
            slow().for_each(|session| ours.writable(session));
            ours.drain(&mut host);
        });
        for (session, before) in slow().zip(before) {
            assert_eq!(host.sessions[session as usize].events, before + 2 * TURNS, "session {session}");
        }
        if round > 0 {
            readings.add("catch_up", Oyez::NAME, ns);
        }
    }
    vec![figure("delivery.catch_up.200events", &readings, "catch_up", &[Oyez::NAME])]
}

fn everyone(sessions: u32) -> Oyez {
    let mut ours = Oyez::connected(sessions);
    (0..sessions).for_each(|session| ours.subscribe(session, EVERYONE));
    ours
}

fn deliver(ours: &mut Oyez, events: &[Payload], host: &mut impl Host) {
    for event in events {
        ours.publish(EVERYONE, event);
    }
    ours.drain(host);
}
