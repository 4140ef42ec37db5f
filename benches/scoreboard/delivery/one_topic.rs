//! One topic: publish some events, drain, for each delivery.
//!
//! Sessions join in random order, as in a server that has run for a while. In the first round, which is thrown away,
//! every event is looked at: each session must get all of them, in order.

use super::hosts::{Counting, InOrder, Touching};
use super::{FLOOR, M, SEED, figure};
use crate::delivery_peers::arc_queues::ArcQueues;
use crate::delivery_peers::pointer_set::{Hashed, InPlaceOrder, PointerSet};
use crate::delivery_peers::tokio_broadcast::TokioBroadcast;
use crate::delivery_peers::{Delivery, Host, Oyez, Payload, Sessions, numbered};
use crate::scoreboard::measure::{self, Readings};
use crate::{Effort, Figure};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

const TOPIC: u32 = 0;
const PAYLOAD_BYTES: usize = 64;

/// A contender as an object: a virtual call a turn, none a session.
trait Contender {
    fn name(&self) -> &'static str;
    fn deliver_touching(&mut self, events: &[Payload], host: &mut Touching);
    fn deliver_counting(&mut self, events: &[Payload], host: &mut Counting);
    fn deliver_in_order(&mut self, events: &[Payload], host: &mut InOrder);
}

impl<D: Delivery> Contender for D {
    fn name(&self) -> &'static str {
        D::NAME
    }

    fn deliver_touching(&mut self, events: &[Payload], host: &mut Touching) {
        deliver(self, events, host);
    }

    fn deliver_counting(&mut self, events: &[Payload], host: &mut Counting) {
        deliver(self, events, host);
    }

    fn deliver_in_order(&mut self, events: &[Payload], host: &mut InOrder) {
        deliver(self, events, host);
    }
}

fn deliver(contender: &mut impl Delivery, events: &[Payload], host: &mut impl Host) {
    for event in events {
        contender.publish(TOPIC, event);
    }
    contender.drain(host);
}

/// What is done once a round.
struct Work {
    /// Of its readings.
    name: &'static str,
    events: usize,
    host: Kind,
    who: Who,
}

/// Which host drains.
enum Kind {
    Touching,
    Counting,
}

#[derive(PartialEq)]
enum Who {
    Everyone,
    Ours,
}

const TOUCH_1: Work = Work { name: "touch.1event", events: 1, host: Kind::Touching, who: Who::Everyone };
const TOUCH_8: Work = Work { name: "touch.8events", events: 8, host: Kind::Touching, who: Who::Everyone };
const OWN_1: Work = Work { name: "own.1event", events: 1, host: Kind::Counting, who: Who::Everyone };
const OWN_8: Work = Work { name: "own.8events", events: 8, host: Kind::Counting, who: Who::Everyone };
const OURS_8: Work = Work { who: Who::Ours, ..OWN_8 };

/// The contenders of figures against the pointer set as it usually is; the others are against the best peer.
const HASHED: &[&str] = &[Oyez::NAME, PointerSet::<Hashed>::NAME];

/// A million sessions, all of which get everything.
pub fn all_of_1m(effort: Effort, rounds: usize) -> Vec<Figure> {
    let joining = random_sessions(M, M);
    let mut contenders = many_topics(M, &joining);
    if effort == Effort::Full {
        // The slowest: it decides nothing, and takes a third of the time.
        contenders.push(Box::new(joined::<ArcQueues>(M, &joining)));
    }
    let (readings, names) = measure(contenders, M, joining, &[TOUCH_1, TOUCH_8, OURS_8], rounds);
    vec![
        figure("delivery.touch.1event.1m_of_1m", &readings, TOUCH_1.name, &names),
        figure("delivery.touch.1event.1m_of_1m.hashed", &readings, TOUCH_1.name, HASHED),
        figure("delivery.touch.8events.1m_of_1m", &readings, TOUCH_8.name, &names),
        figure("delivery.touch.8events.1m_of_1m.hashed", &readings, TOUCH_8.name, HASHED),
        figure("delivery.own.8events.1m_of_1m", &readings, OURS_8.name, &names),
    ]
}

/// Four million sessions, a random quarter of which get everything.
pub fn quarter_of_4m(rounds: usize) -> Vec<Figure> {
    let joining = random_sessions(4 * M, M);
    let (readings, names) = measure(many_topics(4 * M, &joining), 4 * M, joining, &[TOUCH_1], rounds);
    vec![
        figure("delivery.touch.1event.1m_of_4m", &readings, TOUCH_1.name, &names),
        figure("delivery.touch.1event.1m_of_4m.hashed", &readings, TOUCH_1.name, HASHED),
    ]
}

/// The one thing that a broadcast channel does, without touch: its receivers are the sessions.
pub fn broadcast(rounds: usize) -> Vec<Figure> {
    let sessions = M / 10;
    let joining = random_sessions(sessions, sessions);
    let contenders: Vec<Box<dyn Contender>> =
        vec![Box::new(joined::<Oyez>(sessions, &joining)), Box::new(TokioBroadcast::new(sessions))];
    // A tenth of the sessions: more rounds.
    let (readings, names) = measure(contenders, sessions, joining, &[OWN_1, OWN_8], 3 * rounds);
    vec![
        figure("delivery.broadcast.1event.100k", &readings, OWN_1.name, &names),
        figure("delivery.broadcast.8events.100k", &readings, OWN_8.name, &names),
    ]
}

fn random_sessions(sessions: u32, count: u32) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..sessions).collect();
    numbers.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    numbers.truncate(count as usize);
    numbers
}

/// Ours, and the fastest peer in both of its orders.
fn many_topics(sessions: u32, joining: &[u32]) -> Vec<Box<dyn Contender>> {
    vec![
        Box::new(joined::<Oyez>(sessions, joining)),
        Box::new(joined::<PointerSet<Hashed>>(sessions, joining)),
        Box::new(joined::<PointerSet<InPlaceOrder>>(sessions, joining)),
    ]
}

fn joined<S: Sessions>(sessions: u32, joining: &[u32]) -> S {
    let mut contender = S::connected(sessions);
    joining.iter().for_each(|&session| contender.subscribe(session, TOPIC));
    contender
}

/// ns for each delivery, by work and contender, and the contenders' names.
fn measure(
    mut contenders: Vec<Box<dyn Contender>>,
    sessions: u32,
    mut joined: Vec<u32>,
    works: &[Work],
    rounds: usize,
) -> (Readings, Vec<&'static str>) {
    eprintln!("delivery: {} of {sessions} sessions ...", joined.len());
    joined.sort_unstable();
    let events: Vec<Payload> = (1..=8).map(|number| numbered(number, PAYLOAD_BYTES)).collect();
    for contender in &mut contenders {
        let mut host = InOrder::new(sessions);
        contender.deliver_in_order(&events, &mut host);
        let mut got: Vec<u32> = host.sessions.iter().map(|seen| seen.events).collect();
        joined.iter().for_each(|&session| got[session as usize] -= events.len() as u32);
        assert!(got.iter().all(|&left| left == 0), "{}: to everyone who joined, and nobody else", contender.name());
    }

    let mut readings = Readings::default();
    let mut touching = Touching::new(sessions);
    for round in 0..rounds {
        for work in works {
            let events = &events[..work.events];
            let deliveries = joined.len() * events.len();
            for turn in measure::turns(contenders.len(), round) {
                let contender = &mut contenders[turn];
                let who = contender.name();
                if work.who == Who::Ours && who != Oyez::NAME {
                    continue;
                }
                touching.cool();
                let ns = match work.host {
                    Kind::Touching => {
                        let (ns, ()) = measure::time(deliveries, || contender.deliver_touching(events, &mut touching));
                        touching.settle(who, &joined, work.events as u64);
                        ns
                    }
                    Kind::Counting => {
                        let mut counting = Counting::default();
                        let (ns, ()) = measure::time(deliveries, || contender.deliver_counting(events, &mut counting));
                        assert_eq!(counting.events, deliveries as u64, "{who}");
                        ns
                    }
                };
                readings.add(work.name, who, ns);
            }
            if let Kind::Touching = work.host {
                let (ns, ()) = measure::time(deliveries, || touching.touch(&joined, work.events as u64));
                touching.settle(FLOOR, &joined, work.events as u64);
                readings.add(work.name, FLOOR, ns);
            }
        }
    }
    let names = contenders.iter().map(|contender| contender.name()).collect();
    (readings, names)
}
