//! Everything at once, a simulated second a round (a quarter with `--quick`), a millisecond a tick.
//!
//! A million sessions, each in one topic with everyone and in one of 100,000 rooms. In a second 200,000 events go to
//! random rooms, four to everyone, and a thousand sessions leave and others take their places. One session in a hundred
//! never reads. Ten in a hundred are slow: offered something, each takes all, half or nothing, at random, and when
//! something is left it can take more at a random moment within the next second. The others take everything.
//!
//! A tick is: who can take more says so, some leave and others join, events are published, the worker drains. All of it
//! is timed, and divided by the events that sessions took. Both contenders bound a session's queue by 256 events; ours
//! has a budget for the partition besides, so small that it is used up: `bytes_over` is how far it was exceeded at the
//! most, seen after the publishes and after the drain of every tick. The script of a second is made before the clock
//! starts, and is the same for both.
//!
//! **Asserted**, after every round: each session that takes everything has got all that was addressed to it since it
//! joined, but for what was refused (publishers were told), and nothing else; the budget was used up.

use super::{M, SEED, figure};
use crate::delivery_peers::pointer_set::{InPlaceOrder, PointerSet};
use crate::delivery_peers::{Batch, Delivery, Host, Oyez, Payload, Sessions, Unsteady, numbered};
use crate::scoreboard::measure::{self, Readings};
use crate::{Effort, Figure};
use oyez::{FanoutOptions, Took};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const EVERYONE: u32 = 0;
/// Topics 1 to this.
const ROOMS: u32 = M / 10;
/// One session is replaced in each.
const TICKS: usize = 1_000;
const ROOM_EVENTS_A_TICK: usize = 200;
const TICKS_A_BROADCAST: usize = 250;
const BUDGET: usize = 16 << 20;

/// The script of one tick.
struct Tick {
    /// A session that is replaced, and the room of the one that comes.
    join: (u32, u32),
    rooms: Vec<u32>,
    broadcast: Option<Payload>,
}

/// How a session reads. By its place: who comes reads as who left.
#[derive(Clone, Copy, PartialEq)]
enum Reading {
    Never,
    Slowly,
    Quickly,
}

fn reading(session: u32) -> Reading {
    match mixed(session) % 100 {
        0 => Reading::Never,
        1..=10 => Reading::Slowly,
        _ => Reading::Quickly,
    }
}

/// Random bits that a number always gives.
fn mixed(number: u32) -> u32 {
    let number = (number ^ number >> 16).wrapping_mul(0x7FEB_352D);
    let number = (number ^ number >> 15).wrapping_mul(0x846C_A68B);
    number ^ number >> 16
}

/// What is behind the sessions of one contender.
struct Clients {
    received: Vec<u32>,
    tick: u32,
    /// Slow sessions by the tick at which they can take more, modulo the number of ticks.
    wakes: Vec<Vec<u32>>,
}

impl Host for Clients {
    fn take(&mut self, session: u32, batch: impl Batch) -> Took {
        let taken = match reading(session) {
            Reading::Quickly => batch.len(),
            Reading::Never => 0,
            Reading::Slowly => {
                let chance = mixed(session ^ self.tick.wrapping_mul(0x9E37_79B1));
                let taken = [batch.len(), batch.len() / 2, 0, 0][chance as usize % 4];
                if taken < batch.len() {
                    let wake = self.tick as usize + 1 + chance as usize / 4 % (TICKS - 1);
                    self.wakes[wake % TICKS].push(session);
                }
                taken
            }
        };
        self.received[session as usize] += taken as u32;
        Took(taken)
    }
}

/// What quick sessions must have received: an account by room, so that an event is booked once and not ten times.
struct Ledger {
    room_of: Vec<u32>,
    /// Events so far, by topic.
    published: Vec<u32>,
    /// What a place had received, less what its topics had published, when its session joined.
    since: Vec<u32>,
}

impl Ledger {
    fn new(room_of: Vec<u32>) -> Self {
        Ledger { since: vec![0; room_of.len()], room_of, published: vec![0; 1 + ROOMS as usize] }
    }

    fn of_topics(&self, session: u32) -> u32 {
        self.published[self.room_of[session as usize] as usize] + self.published[EVERYONE as usize]
    }

    fn received(&self, session: u32) -> u32 {
        self.since[session as usize].wrapping_add(self.of_topics(session))
    }

    fn play(&mut self, tick: &Tick) {
        let (session, room) = tick.join;
        let received = self.received(session);
        self.room_of[session as usize] = room;
        self.since[session as usize] = received.wrapping_sub(self.of_topics(session));
        for &topic in tick.rooms.iter().chain(tick.broadcast.as_ref().map(|_| &EVERYONE)) {
            self.published[topic as usize] += 1;
        }
    }
}

/// A contender with its clients.
struct Service<U> {
    unsteady: U,
    clients: Clients,
    bytes_max: usize,
}

/// One as an object: a virtual call a round.
trait Contender {
    fn name(&self) -> &'static str;
    /// Goes through a script: ns for each event that a session took.
    fn play(&mut self, script: &[Tick], room_event: &Payload) -> f64;
    fn check(&self, ledger: &Ledger);
}

impl<U: Unsteady> Service<U> {
    fn new(mut unsteady: U, room_of: &[u32]) -> Self {
        for (session, &room) in (0..).zip(room_of) {
            unsteady.subscribe(session, EVERYONE);
            unsteady.subscribe(session, room);
        }
        let clients = Clients { received: vec![0; M as usize], tick: 0, wakes: vec![Vec::new(); TICKS] };
        Service { unsteady, clients, bytes_max: 0 }
    }

    fn tick(&mut self, tick: &Tick, room_event: &Payload) {
        let Service { unsteady, clients, bytes_max } = self;
        let mut awake = std::mem::take(&mut clients.wakes[clients.tick as usize % TICKS]);
        awake.drain(..).for_each(|session| unsteady.writable(session));
        let (session, room) = tick.join;
        unsteady.replace(session);
        unsteady.subscribe(session, EVERYONE);
        unsteady.subscribe(session, room);
        for &room in &tick.rooms {
            unsteady.publish(room, room_event);
        }
        if let Some(broadcast) = &tick.broadcast {
            unsteady.publish(EVERYONE, broadcast);
        }
        *bytes_max = unsteady.bytes().max(*bytes_max);
        unsteady.drain(clients);
        *bytes_max = unsteady.bytes().max(*bytes_max);
        clients.tick += 1;
    }
}

impl<U: Unsteady> Contender for Service<U> {
    fn name(&self) -> &'static str {
        U::NAME
    }

    fn play(&mut self, script: &[Tick], room_event: &Payload) -> f64 {
        let before = self.unsteady.delivered();
        let (ns, ()) = measure::time(1, || script.iter().for_each(|tick| self.tick(tick, room_event)));
        ns / (self.unsteady.delivered() - before) as f64
    }

    fn check(&self, ledger: &Ledger) {
        let mut missing = 0;
        for session in (0..M).filter(|&session| reading(session) == Reading::Quickly) {
            let received = self.clients.received[session as usize];
            let expected = ledger.received(session);
            assert!(received <= expected, "{}: {session} got {received} of {expected}", U::NAME);
            missing += u64::from(expected - received);
        }
        let refused = self.unsteady.refused();
        assert!(missing <= refused, "{}: {missing} are missing, {refused} were refused", U::NAME);
    }
}

pub fn run(effort: Effort, rounds: usize) -> Vec<Figure> {
    eprintln!("delivery: the hostile mix ...");
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let room_of: Vec<u32> = (0..M).map(|_| rng.random_range(1..=ROOMS)).collect();
    let options = FanoutOptions::default().bytes_per_partition_max(BUDGET);
    let mut ours = Service::new(Oyez::with_options(options, M), &room_of);
    // The faster of the two orders.
    let mut peer = Service::new(PointerSet::<InPlaceOrder>::connected(M), &room_of);
    let names = [ours.name(), peer.name()];
    let mut ledger = Ledger::new(room_of);

    let room_event = numbered(1, 100);
    let mut readings = Readings::default();
    let ticks_a_round = match effort {
        Effort::Quick => TICKS_A_BROADCAST,
        Effort::Full => TICKS,
    };
    // The first round is a second, and thrown away: the slow have yet to fall behind.
    for round in 0..=rounds {
        let ticks = if round == 0 { TICKS } else { ticks_a_round };
        let script: Vec<Tick> = (0..ticks).map(|tick| script(tick, &mut rng)).collect();
        script.iter().for_each(|tick| ledger.play(tick));
        let contenders: [&mut dyn Contender; 2] = [&mut ours, &mut peer];
        for turn in measure::turns(contenders.len(), round) {
            let ns = contenders[turn].play(&script, &room_event);
            contenders[turn].check(&ledger);
            if round > 0 {
                readings.add("cpu", names[turn], ns);
            }
        }
    }
    let stats = ours.unsteady.fanout.stats();
    let accounting = stats.accounting();
    assert!(accounting.balances());
    assert!(accounting.shed + stats.refused() > 0, "the budget was not used up: {} bytes", ours.bytes_max);
    eprintln!("delivery: {} lag, {} gaps, {} refused, {accounting:?}", stats.lagging(), stats.gaps(), stats.refused());
    readings.add("bytes_over", Oyez::NAME, ours.bytes_max.saturating_sub(BUDGET) as f64);
    vec![
        figure("delivery.hostile.cpu.1m", &readings, "cpu", &names),
        figure("delivery.hostile.bytes_over.1m", &readings, "bytes_over", &names[..1]),
    ]
}

fn script(tick: usize, rng: &mut ChaCha8Rng) -> Tick {
    Tick {
        join: (rng.random_range(0..M), rng.random_range(1..=ROOMS)),
        rooms: (0..ROOM_EVENTS_A_TICK).map(|_| rng.random_range(1..=ROOMS)).collect(),
        broadcast: tick.is_multiple_of(TICKS_A_BROADCAST).then(|| numbered(2, 500)),
    }
}
