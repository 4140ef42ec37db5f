//! The pointer set: the design of uWebSockets' `TopicTree`, the fastest that is known for one thread.
//!
//! A topic is a hash set of its subscribers. A publish keeps the message in a list of the tick's messages and writes
//! its 16-bit index into each subscriber; a subscriber's first index puts it into the list of those to drain. A drain
//! hands each of them its messages, once, and forgets the tick's.
//!
//! **What is ours in it**, each of it faster than the original. A subscriber is a number and not an address: 4 bytes
//! instead of 8 in a set, and its parts lie in vectors. Its 32 indices are one cache line, of which a publish writes 2
//! bytes and reads nothing, so that it does not wait for the line: the count that says where to write is apart, and a
//! million counts fit into the caches (measured: a fifth to a third faster than both in one line). The list to drain is
//! a vector instead of links through the subscribers.
//!
//! **In which order a set is walked** decides what a publish costs: every target is a cache line. [`Hashed`] is the
//! usual set, where a good hash leaves no order. [`InPlaceOrder`] uses that subscribers have numbers: the hash is the
//! number itself, so the walk goes through memory in one direction and the processor fetches ahead. In the original,
//! which hashes addresses by themselves and walks a set in the order of insertion, a topic is between the two: like the
//! second while its subscribers were made and joined in turn, like the first when it has changed for a while.
//!
//! **Slow subscribers** (the original copies what a socket does not take into its buffer, up to a limit) have a bounded
//! queue of messages in arrival order, the oldest of which give way.

use super::{Batch, Delivery, Host, Payload, Sessions, Unsteady, number, numbered};
use ahash::AHashMap;
use oyez::Took;
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::hash::{BuildHasher, Hasher};

/// Messages that a slow subscriber's queue holds: as many as ours.
const QUEUE_MAX: usize = 256;

/// How a topic's set hashes.
pub trait Order: BuildHasher + Default {
    const NAME: &'static str;
}

/// A good hash: no order.
pub type Hashed = ahash::RandomState;

/// Walks a set by ascending numbers, or nearly: the bucket is the number modulo the table's size.
#[derive(Clone, Default)]
pub struct InPlaceOrder;

/// The number in the low bits, which choose the bucket, and mixed into the high ones, by which a table tells the keys
/// in neighbouring buckets apart.
#[derive(Default)]
pub struct NumberHasher(u64);

impl Order for Hashed {
    const NAME: &'static str = "pointer_set";
}

impl Order for InPlaceOrder {
    const NAME: &'static str = "pointer_set_ordered";
}

impl BuildHasher for InPlaceOrder {
    type Hasher = NumberHasher;

    fn build_hasher(&self) -> NumberHasher {
        NumberHasher::default()
    }
}

impl Hasher for NumberHasher {
    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("subscribers are numbers of 32 bits");
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = u64::from(number) | u64::from(number.wrapping_mul(0x9E37_79B1)) << 32;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Subscribers, topics, and the tick's messages.
pub struct PointerSet<S> {
    topics: AHashMap<u32, HashSet<u32, S>>,
    /// By subscriber, from here to `indices`.
    states: Vec<State>,
    counts: Vec<u8>,
    /// Of the tick's messages, as many as it has.
    indices: Vec<Indices>,
    to_drain: Vec<u32>,
    messages: Vec<Payload>,
    topics_of: Vec<Vec<u32>>,
    /// What slow subscribers have not taken, oldest first.
    queues: Vec<VecDeque<Payload>>,
    delivered: u64,
}

/// As in the original.
const INDICES_MAX: usize = 32;

/// One cache line.
#[derive(Clone)]
#[repr(align(64))]
struct Indices([u16; INDICES_MAX]);

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Takes everything.
    Quick,
    /// Did not take all, and waits to be writable. What comes joins the queue.
    Slow,
    /// Is writable again, and has a queue.
    CatchingUp,
}

/// The tick's messages for one subscriber.
struct Indexed<'a> {
    indices: &'a [u16],
    messages: &'a [Payload],
}

/// The queue of a slow subscriber.
struct Queued<'a>(&'a VecDeque<Payload>);

impl Batch for Indexed<'_> {
    fn len(&self) -> usize {
        self.indices.len()
    }

    fn for_each(&self, mut show: impl FnMut(&[u8])) {
        self.indices.iter().for_each(|&index| show(&self.messages[usize::from(index)]));
    }
}

impl Batch for Queued<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn for_each(&self, mut show: impl FnMut(&[u8])) {
        self.0.iter().for_each(|message| show(message));
    }
}

/// Moves the tick's messages into the queue.
fn enqueue(indices: &[u16], messages: &[Payload], queue: &mut VecDeque<Payload>) {
    for &index in indices {
        if queue.len() == QUEUE_MAX {
            queue.pop_front();
        }
        queue.push_back(messages[usize::from(index)].clone());
    }
}

impl<S: Order> Delivery for PointerSet<S> {
    const NAME: &'static str = S::NAME;

    fn publish(&mut self, topic: u32, payload: &Payload) {
        let Some(set) = self.topics.get(&topic) else { return };
        let index = u16::try_from(self.messages.len()).expect("a tick has at most 65,536 messages");
        self.messages.push(payload.clone());
        for &number in set {
            let at = number as usize;
            let indices = &mut self.indices[at].0;
            let count = &mut self.counts[at];
            if usize::from(*count) == INDICES_MAX {
                // The original drains it at once, wherever it is; this is the same for the one after it.
                enqueue(indices, &self.messages, &mut self.queues[at]);
                *count = 0;
                let state = &mut self.states[at];
                *state = if *state == State::Slow { State::Slow } else { State::CatchingUp };
            } else if *count == 0 {
                self.to_drain.push(number);
            }
            indices[usize::from(*count)] = index;
            *count += 1;
        }
    }

    fn drain(&mut self, host: &mut impl Host) {
        let messages = &self.messages;
        for &number in &self.to_drain {
            let at = number as usize;
            let state = &mut self.states[at];
            let count = usize::from(std::mem::take(&mut self.counts[at]));
            let indices = &self.indices[at].0[..count];
            if *state == State::Quick {
                if count == 0 {
                    continue; // It has been replaced.
                }
                let Took(taken) = host.take(number, Indexed { indices, messages });
                let taken = taken.min(count);
                self.delivered += taken as u64;
                if taken < count {
                    enqueue(&indices[taken..], messages, &mut self.queues[at]);
                    *state = State::Slow;
                }
            } else {
                let queue = &mut self.queues[at];
                enqueue(indices, messages, queue);
                if *state == State::CatchingUp {
                    let Took(taken) = host.take(number, Queued(queue));
                    let taken = taken.min(queue.len());
                    self.delivered += taken as u64;
                    queue.drain(..taken);
                    *state = if queue.is_empty() { State::Quick } else { State::Slow };
                }
            }
        }
        self.to_drain.clear();
        self.messages.clear();
    }
}

impl<S: Order> Sessions for PointerSet<S> {
    fn connected(sessions: u32) -> Self {
        PointerSet {
            topics: AHashMap::new(),
            states: vec![State::Quick; sessions as usize],
            counts: vec![0; sessions as usize],
            indices: vec![Indices([0; INDICES_MAX]); sessions as usize],
            to_drain: Vec::new(),
            messages: Vec::new(),
            topics_of: vec![Vec::new(); sessions as usize],
            queues: vec![VecDeque::new(); sessions as usize],
            delivered: 0,
        }
    }

    fn subscribe(&mut self, session: u32, topic: u32) {
        if self.topics.entry(topic).or_default().insert(session) {
            self.topics_of[session as usize].push(topic);
        }
    }
}

impl<S: Order> Unsteady for PointerSet<S> {
    fn writable(&mut self, session: u32) {
        let at = session as usize;
        if self.states[at] == State::Slow {
            self.states[at] = State::CatchingUp;
            if self.counts[at] == 0 {
                self.to_drain.push(session);
            }
        }
    }

    fn replace(&mut self, session: u32) {
        for topic in self.topics_of[session as usize].drain(..) {
            let set = self.topics.get_mut(&topic).expect("a topic that has a subscriber");
            set.remove(&session);
            if set.is_empty() {
                self.topics.remove(&topic);
            }
        }
        self.counts[session as usize] = 0;
        self.states[session as usize] = State::Quick;
        self.queues[session as usize] = VecDeque::new();
    }

    fn delivered(&self) -> u64 {
        self.delivered
    }

    fn refused(&self) -> u64 {
        0
    }

    fn bytes(&self) -> usize {
        0 // It has no budget; its queues are bounded.
    }
}

/// A seeded script, each batch of which must be what a plain queue holds; run by the scoreboard, since a bench without
/// a harness has no `#[test]`.
///
/// # Panics
///
/// When a batch differs.
pub fn check_against_queues<S: Order>() {
    const SESSIONS: u32 = 9;
    const TOPICS: u32 = 4;
    let mut set = PointerSet::<S>::connected(SESSIONS);
    let mut plain = Plain { sessions: vec![PlainSession::default(); SESSIONS as usize], state: 1, delivered: 0 };
    for step in 0..40_000 {
        let (what, at, topic) = (plain.random(1_000), plain.random(SESSIONS), plain.random(TOPICS));
        let session = &mut plain.sessions[at as usize];
        match what {
            0..50 => {
                set.subscribe(at, topic);
                session.topics.insert(topic);
            }
            50..60 => {
                set.replace(at);
                *session = PlainSession::default();
            }
            60..70 => {
                set.writable(at);
                session.is_slow = false;
            }
            70..110 => {
                set.drain(&mut plain);
                assert!(plain.sessions.iter().all(|session| session.is_slow || session.pending.is_empty()));
            }
            _ => {
                set.publish(topic, &numbered(step, 8));
                for session in plain.sessions.iter_mut().filter(|session| session.topics.contains(&topic)) {
                    session.pending.push_back(step);
                    if session.pending.len() > QUEUE_MAX {
                        session.pending.pop_front();
                    }
                }
            }
        }
    }
    assert_eq!(set.delivered(), plain.delivered);
}

/// What each session must get, and a host that takes a random part of it.
struct Plain {
    sessions: Vec<PlainSession>,
    /// A linear congruential generator's: the script needs variety, not quality.
    state: u64,
    delivered: u64,
}

#[derive(Clone, Default)]
struct PlainSession {
    topics: BTreeSet<u32>,
    pending: VecDeque<u64>,
    is_slow: bool,
}

impl Plain {
    fn random(&mut self, below: u32) -> u32 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.state >> 33) as u32 % below
    }
}

impl Host for Plain {
    fn take(&mut self, session: u32, batch: impl Batch) -> Took {
        let taken = match self.random(4) {
            0 => self.random(batch.len() as u32) as usize,
            _ => batch.len(),
        };
        let session = &mut self.sessions[session as usize];
        let mut numbers = VecDeque::new();
        batch.for_each(|payload| numbers.push_back(number(payload)));
        assert_eq!(numbers, session.pending);
        assert!(!session.is_slow);
        session.pending.drain(..taken);
        session.is_slow = taken < numbers.len();
        self.delivered += taken as u64;
        Took(taken)
    }
}
