//! The fan-out: a hash set of topics and a vector of events for each session.
//!
//! Sessions are named by the order in which they connected and are never forgotten, so that scripts also use handles of
//! sessions that have ended.

use arbitrary::Arbitrary;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One call. `who` names a session, modulo the number of sessions there have been.
#[derive(Clone, Debug, PartialEq, Arbitrary)]
pub enum Op {
    /// A partition that does not exist is refused.
    Connect {
        partition: u8,
    },
    Disconnect {
        who: u8,
    },
    DropPartition {
        partition: u8,
    },
    Subscribe {
        who: u8,
        topic: u8,
    },
    Unsubscribe {
        who: u8,
        topic: u8,
    },
    Publish {
        to: To,
        bytes: u8,
    },
    /// The worker offers; the n-th session offered gets the n-th answer, over and over.
    Drain {
        partition: u8,
        sessions_max: u8,
        answers: Vec<Answer>,
    },
    Writable {
        who: u8,
    },
    OpenOutbox {
        who: u8,
    },
    CloseOutbox {
        who: u8,
    },
    NextBatch {
        who: u8,
        events_max: u8,
    },
    Audience(To),
    Explain {
        who: u8,
        to: To,
    },
    /// The event published `back` fan-outs ago; 0 asks for the next one.
    Fate {
        who: u8,
        back: u8,
    },
}

/// A query.
#[derive(Clone, Debug, PartialEq, Arbitrary)]
pub struct To {
    pub topics: Vec<u8>,
    pub except: Option<u8>,
}

/// What a host's callback does: a call on the library, then its answer.
#[derive(Clone, Debug, PartialEq, Arbitrary)]
pub struct Answer {
    pub call: Call,
    pub took: Took,
}

#[derive(Clone, Debug, PartialEq, Arbitrary)]
pub enum Call {
    Nothing,
    Writable,
    DisconnectIt,
    Disconnect { who: u8 },
    DropPartition { partition: u8 },
    Publish { topic: u8 },
    OpenOutbox,
    Fate { back: u8 },
}

#[derive(Clone, Copy, Debug, PartialEq, Arbitrary)]
pub enum Took {
    All,
    Some(u8),
    Panic,
}

/// What a call lets its caller see.
#[derive(Debug, PartialEq)]
pub enum Seen {
    Nothing,
    /// A session of this name is connected.
    Connected(usize),
    NoSuchSession,
    NoSuchPartition,
    PartitionFull,
    TooManyTopics,
    /// Topics of the session, or sessions of the partition, that ended.
    Ended(usize),
    /// Whether the subscription is new, and the sequence after which its events follow.
    Joined {
        new: bool,
        after: u64,
    },
    /// Whether there was a subscription.
    Left(bool),
    Published {
        sequence: u64,
        count: usize,
        refused: usize,
    },
    Drained(Vec<Handed>),
    Busy,
    Batch(Vec<Item>),
    /// Names of sessions, in order.
    Audience(Vec<usize>),
    Verdict(Verdict),
    Fate(Fate),
}

/// One session's batch, and what the callback's own call saw.
#[derive(Debug, PartialEq)]
pub struct Handed {
    pub who: usize,
    pub items: Vec<Item>,
    pub seen: Seen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    Gap(Gap),
    Event(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub count: u64,
    pub first: u64,
    pub last: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Included(u8),
    Excluded,
    NotSubscribed,
    NoSuchSession,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    NoSuchSession,
    NotPublished,
    NotAddressed,
    Refused,
    Pending { ahead: usize },
    Offered,
    HandedOver,
    Dropped,
    Abandoned,
    Forgotten,
}

/// Where every accepted event went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accounting {
    pub accepted: u64,
    pub delivered: u64,
    pub dropped: u64,
    pub discarded: u64,
    pub abandoned: u64,
    pub pending: u64,
}

/// Sizes that the model and oyez are given alike.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub partitions: u8,
    pub sessions_per_partition: usize,
    pub topics_per_session: usize,
    pub events_per_session: usize,
    pub batch: usize,
    /// A batch whose callback panicked is kept, not abandoned.
    pub keep_on_panic: bool,
}

/// Fates that are kept for a session. `Op::Fate` asks no further back.
const FATES: usize = 256;

pub struct Model {
    limits: Limits,
    sessions: Vec<Session>,
    /// Places taken in each partition.
    places: Vec<BTreeSet<usize>>,
    /// The connected sessions of each topic.
    subscribers: BTreeMap<u8, BTreeSet<usize>>,
    /// Sessions waiting for the worker of each partition, longest first.
    ready: Vec<Vec<usize>>,
    last: u64,
}

#[derive(Default)]
struct Session {
    partition: usize,
    /// The lowest number that no other connected session of the partition had when it connected.
    place: usize,
    connected: bool,
    topics: BTreeSet<u8>,
    gap: Option<Gap>,
    queue: VecDeque<u64>,
    in_hand: Option<InHand>,
    lagging: bool,
    /// It is in its partition's list of waiting sessions.
    is_listed: bool,
    outbox: bool,
    accounting: Accounting,
    fates: BTreeMap<u64, Fate>,
    /// First and last event of the gap that was last offered, and of the batch that was last abandoned. Of what came
    /// before an earlier loss's end, nothing is known any more.
    last_gap: Option<(u64, u64)>,
    last_abandoned: Option<(u64, u64)>,
    known_since: u64,
}

struct InHand {
    gap: Option<Gap>,
    events: Vec<u64>,
    woken: bool,
}

impl Session {
    fn has_something(&self) -> bool {
        self.gap.is_some() || !self.queue.is_empty()
    }

    fn drop_oldest(&mut self) {
        let Some(sequence) = self.queue.pop_front() else { return };
        let gap = self.gap.get_or_insert(Gap { count: 0, first: sequence, last: sequence });
        gap.count += 1;
        gap.last = sequence;
        self.accounting.dropped += 1;
        self.note(sequence, Fate::Dropped);
    }

    fn take(&mut self, events_max: usize) -> Vec<Item> {
        let count = self.queue.len().min(events_max);
        if let Some(gap) = self.gap
            && let Some((first, last)) = self.last_gap.replace((gap.first, gap.last))
            && first != gap.first
        {
            self.known_since = self.known_since.max(last + 1);
        }
        let hand = InHand { gap: self.gap.take(), events: self.queue.drain(..count).collect(), woken: false };
        let items = hand.gap.into_iter().map(Item::Gap).chain(hand.events.iter().copied().map(Item::Event)).collect();
        self.in_hand = Some(hand);
        items
    }

    /// Whether oyez may say so much of an event that is not pending.
    fn is_remembered(&self, sequence: u64) -> bool {
        let current = self.gap.map(|gap| (gap.first, gap.last));
        let losses = [current, self.last_gap, self.last_abandoned];
        let is_in = |loss: Option<(u64, u64)>| loss.is_some_and(|(first, last)| first <= sequence && sequence <= last);
        sequence >= self.known_since || losses.into_iter().any(is_in)
    }

    fn note(&mut self, sequence: u64, fate: Fate) {
        self.fates.insert(sequence, fate);
        if self.fates.len() > FATES {
            self.fates.pop_first();
        }
    }

    fn settle(&mut self, sequence: u64, fate: Fate) {
        self.note(sequence, fate);
        match fate {
            Fate::HandedOver => self.accounting.delivered += 1,
            Fate::Abandoned => self.accounting.abandoned += 1,
            _ => self.accounting.discarded += 1,
        }
    }
}

impl Model {
    pub fn new(limits: Limits) -> Self {
        let ready = vec![Vec::new(); limits.partitions.into()];
        Model {
            limits,
            sessions: Vec::new(),
            places: vec![BTreeSet::new(); limits.partitions.into()],
            subscribers: BTreeMap::new(),
            ready,
            last: 0,
        }
    }

    /// The name that `who` means.
    pub fn name(&self, who: u8) -> Option<usize> {
        (!self.sessions.is_empty()).then(|| usize::from(who) % self.sessions.len())
    }

    pub fn last(&self) -> u64 {
        self.last
    }

    pub fn accounting(&self, name: usize) -> Option<Accounting> {
        let session = &self.sessions[name];
        session.connected.then(|| self.accounted(session))
    }

    /// Of a whole partition, sessions that have ended included.
    pub fn partition_accounting(&self, partition: usize) -> Accounting {
        let mut sum = Accounting::default();
        for session in self.sessions.iter().filter(|session| session.partition == partition) {
            let one = self.accounted(session);
            sum.accepted += one.accepted;
            sum.delivered += one.delivered;
            sum.dropped += one.dropped;
            sum.discarded += one.discarded;
            sum.abandoned += one.abandoned;
            sum.pending += one.pending;
        }
        sum
    }

    fn accounted(&self, session: &Session) -> Accounting {
        let in_hand = session.in_hand.as_ref().map_or(0, |hand| hand.events.len());
        Accounting { pending: (session.queue.len() + in_hand) as u64, ..session.accounting }
    }

    pub fn lagging(&self) -> usize {
        self.sessions.iter().filter(|session| session.connected && session.lagging).count()
    }

    /// Sessions, topics that have subscribers, and subscriptions.
    pub fn sizes(&self) -> (usize, usize, usize) {
        let connected = || self.sessions.iter().filter(|session| session.connected);
        let topics: BTreeSet<u8> = connected().flat_map(|session| session.topics.iter().copied()).collect();
        (connected().count(), topics.len(), connected().map(|session| session.topics.len()).sum())
    }

    /// `refusals` says, for each publish within the operation, which partitions oyez refused: how many bytes an event
    /// takes is its own affair.
    pub fn apply(&mut self, op: &Op, refusals: &mut impl Iterator<Item = Vec<u8>>) -> Seen {
        match *op {
            Op::Connect { partition } => self.connect(partition),
            Op::Disconnect { who } => self.on(who, |model, name| model.disconnect(name)),
            Op::DropPartition { partition } => self.drop_partition(partition),
            Op::Subscribe { who, topic } => self.on(who, |model, name| model.subscribe(name, topic)),
            Op::Unsubscribe { who, topic } => self.on(who, |model, name| model.unsubscribe(name, topic)),
            Op::Publish { ref to, .. } => self.publish(to, refusals),
            Op::Drain { partition, sessions_max, ref answers } => {
                let mut answers = answers.iter().cycle();
                self.drain(partition, sessions_max.into(), |model, who, _| match answers.next() {
                    None => (Seen::Nothing, Took::All),
                    Some(answer) => (model.call(who, &answer.call, refusals), answer.took),
                })
            }
            Op::Writable { who } => self.on(who, |model, name| model.writable(name)),
            Op::OpenOutbox { who } => self.on(who, |model, name| model.open_outbox(name)),
            Op::CloseOutbox { who } => {
                let Some(name) = self.name(who) else {
                    return Seen::Nothing;
                };
                self.sessions[name].outbox = false;
                self.list(name);
                Seen::Nothing
            }
            Op::NextBatch { who, events_max } => self.next_batch(who, events_max),
            Op::Audience(ref to) => Seen::Audience(self.audience(to)),
            Op::Explain { who, ref to } => match self.name(who) {
                Some(name) => Seen::Verdict(self.explain(name, to)),
                None => Seen::NoSuchSession,
            },
            Op::Fate { who, back } => match self.name(who) {
                Some(name) => Seen::Fate(self.fate(name, back)),
                None => Seen::NoSuchSession,
            },
        }
    }

    /// Does something with a connected session.
    fn on(&mut self, who: u8, call: impl FnOnce(&mut Self, usize) -> Seen) -> Seen {
        match self.name(who).filter(|&name| self.sessions[name].connected) {
            Some(name) => call(self, name),
            None => Seen::NoSuchSession,
        }
    }

    pub fn connect(&mut self, partition: u8) -> Seen {
        if partition >= self.limits.partitions {
            return Seen::NoSuchPartition;
        }
        let partition = usize::from(partition);
        let taken = &mut self.places[partition];
        if taken.len() >= self.limits.sessions_per_partition {
            return Seen::PartitionFull;
        }
        let place = (0..).find(|place| !taken.contains(place)).expect("there are numbers enough");
        taken.insert(place);
        self.sessions.push(Session { partition, place, connected: true, ..Session::default() });
        Seen::Connected(self.sessions.len() - 1)
    }

    fn connected_to(&self, partition: usize) -> Vec<usize> {
        let is_there = |name: &usize| {
            let session = &self.sessions[*name];
            session.connected && session.partition == partition
        };
        (0..self.sessions.len()).filter(is_there).collect()
    }

    pub fn disconnect(&mut self, name: usize) -> Seen {
        let session = &mut self.sessions[name];
        session.connected = false;
        self.places[session.partition].remove(&session.place);
        for sequence in std::mem::take(&mut session.queue) {
            session.settle(sequence, Fate::NoSuchSession);
        }
        session.gap = None;
        let topics = std::mem::take(&mut session.topics);
        for topic in &topics {
            self.remove_subscriber(name, *topic);
        }
        Seen::Ended(topics.len())
    }

    fn remove_subscriber(&mut self, name: usize, topic: u8) {
        let subscribers = self.subscribers.get_mut(&topic).expect("the topic has this subscriber");
        subscribers.remove(&name);
        if subscribers.is_empty() {
            self.subscribers.remove(&topic);
        }
    }

    pub fn unsubscribe(&mut self, name: usize, topic: u8) -> Seen {
        let was_subscribed = self.sessions[name].topics.remove(&topic);
        if was_subscribed {
            self.remove_subscriber(name, topic);
        }
        Seen::Left(was_subscribed)
    }

    pub fn drop_partition(&mut self, partition: u8) -> Seen {
        if partition >= self.limits.partitions {
            return Seen::NoSuchPartition;
        }
        let names = self.connected_to(partition.into());
        for &name in &names {
            self.disconnect(name);
        }
        Seen::Ended(names.len())
    }

    pub fn subscribe(&mut self, name: usize, topic: u8) -> Seen {
        let session = &mut self.sessions[name];
        if session.topics.contains(&topic) {
            return Seen::Joined { new: false, after: self.last };
        }
        if session.topics.len() >= self.limits.topics_per_session {
            return Seen::TooManyTopics;
        }
        session.topics.insert(topic);
        self.subscribers.entry(topic).or_default().insert(name);
        Seen::Joined { new: true, after: self.last }
    }

    /// By partition, then by place.
    fn audience(&self, to: &To) -> Vec<usize> {
        let subscribers = to.topics.iter().filter_map(|topic| self.subscribers.get(topic)).flatten();
        let mut union: BTreeSet<usize> = subscribers.copied().collect();
        if let Some(excluded) = to.except.and_then(|who| self.name(who)) {
            union.remove(&excluded);
        }
        let mut audience: Vec<usize> = union.into_iter().collect();
        audience.sort_by_key(|name| (self.sessions[*name].partition, self.sessions[*name].place));
        audience
    }

    fn explain(&self, name: usize, to: &To) -> Verdict {
        let session = &self.sessions[name];
        let first_topic = to.topics.iter().filter(|topic| session.topics.contains(topic)).min();
        match first_topic {
            _ if !session.connected => Verdict::NoSuchSession,
            None => Verdict::NotSubscribed,
            Some(_) if to.except.and_then(|who| self.name(who)) == Some(name) => Verdict::Excluded,
            Some(&topic) => Verdict::Included(topic),
        }
    }

    pub fn publish(&mut self, to: &To, refusals: &mut impl Iterator<Item = Vec<u8>>) -> Seen {
        self.last += 1;
        let sequence = self.last;
        let refusing = refusals.next().unwrap_or_default();
        let (mut count, mut refused) = (0, 0);
        for name in self.audience(to) {
            let session = &mut self.sessions[name];
            if refusing.contains(&(session.partition as u8)) {
                session.note(sequence, Fate::Refused);
                refused += 1;
                continue;
            }
            session.accounting.accepted += 1;
            if session.queue.len() == self.limits.events_per_session {
                session.drop_oldest();
            }
            session.queue.push_back(sequence);
            count += 1;
            self.list(name);
        }
        Seen::Published { sequence, count, refused }
    }

    /// Lists a session as waiting for the worker, if it is.
    fn list(&mut self, name: usize) {
        let is_waiting = self.is_waiting(name);
        let session = &mut self.sessions[name];
        if is_waiting && !session.is_listed {
            session.is_listed = true;
            self.ready[session.partition].push(name);
        }
    }

    fn is_waiting(&self, name: usize) -> bool {
        let session = &self.sessions[name];
        session.connected && !session.outbox && !session.lagging && session.in_hand.is_none() && session.has_something()
    }

    /// `host` is called for each session that is offered its items, and says what it saw and took.
    pub fn drain(
        &mut self,
        partition: u8,
        sessions_max: usize,
        mut host: impl FnMut(&mut Self, usize, &[Item]) -> (Seen, Took),
    ) -> Seen {
        if partition >= self.limits.partitions {
            return Seen::NoSuchPartition;
        }
        let mut turn = std::mem::take(&mut self.ready[usize::from(partition)]).into_iter();
        let mut offered = Vec::new();
        while offered.len() < sessions_max
            && let Some(name) = turn.next()
        {
            self.sessions[name].is_listed = false;
            if self.is_waiting(name) {
                offered.push((name, self.sessions[name].take(self.limits.batch)));
            }
        }
        self.ready[usize::from(partition)] = turn.collect();
        let mut handed = Vec::new();
        let mut took = Vec::new();
        for (who, items) in offered {
            let (seen, answer) = host(self, who, &items);
            took.push((who, answer));
            handed.push(Handed { who, items, seen });
        }
        for (name, took) in took {
            self.commit(name, took);
        }
        Seen::Drained(handed)
    }

    fn call(&mut self, it: usize, call: &Call, refusals: &mut impl Iterator<Item = Vec<u8>>) -> Seen {
        let is_connected = self.sessions[it].connected;
        match *call {
            Call::Nothing => Seen::Nothing,
            Call::Writable if is_connected => self.writable(it),
            Call::DisconnectIt if is_connected => self.disconnect(it),
            Call::OpenOutbox if is_connected => self.open_outbox(it),
            Call::Writable | Call::DisconnectIt | Call::OpenOutbox => Seen::NoSuchSession,
            Call::Disconnect { who } => self.on(who, |model, name| model.disconnect(name)),
            Call::DropPartition { partition } => self.drop_partition(partition),
            Call::Publish { topic } => self.publish(&To { topics: vec![topic], except: None }, refusals),
            Call::Fate { back } => Seen::Fate(self.fate(it, back)),
        }
    }

    fn commit(&mut self, name: usize, took: Took) {
        let limits = self.limits;
        let session = &mut self.sessions[name];
        let hand = session.in_hand.take().expect("it was offered");
        let items = usize::from(hand.gap.is_some()) + hand.events.len();
        let (taken, fate) = match took {
            Took::All => (items, Fate::HandedOver),
            Took::Some(taken) => (usize::from(taken).min(items), Fate::HandedOver),
            Took::Panic if limits.keep_on_panic => (0, Fate::HandedOver),
            Took::Panic => (items, Fate::Abandoned),
        };
        let gap_is_told = hand.gap.is_some() && taken > 0;
        let (gone, kept) = hand.events.split_at(taken - usize::from(gap_is_told));
        for &sequence in gone {
            session.settle(sequence, fate);
        }
        if let (Fate::Abandoned, [first, ..]) = (fate, gone)
            && let Some((_, last)) = session.last_abandoned.replace((*first, gone[gone.len() - 1]))
        {
            session.known_since = session.known_since.max(last + 1);
        }
        if !session.connected {
            for &sequence in kept {
                session.settle(sequence, Fate::NoSuchSession);
            }
            return;
        }
        // In order: the gap not told, what was not taken, a gap that arose meanwhile, what came meanwhile. Only if
        // nothing is left in between do the gaps become one; a queue so full that it had to drop leaves nothing.
        let newer = std::mem::replace(&mut session.gap, hand.gap.filter(|_| !gap_is_told));
        for &sequence in kept.iter().rev() {
            session.queue.push_front(sequence);
        }
        while session.queue.len() > limits.events_per_session {
            session.drop_oldest();
        }
        if let Some(newer) = newer {
            assert!(session.queue.front().is_none_or(|&first| first > newer.last), "a gap amid the queue");
            let gap = session.gap.get_or_insert(Gap { count: 0, ..newer });
            gap.count += newer.count;
            gap.last = newer.last;
        }
        session.lagging = !hand.woken && (taken < items || took == Took::Panic);
        self.list(name);
    }

    pub fn writable(&mut self, name: usize) -> Seen {
        let session = &mut self.sessions[name];
        match &mut session.in_hand {
            Some(hand) => hand.woken = true,
            None => session.lagging = false,
        }
        self.list(name);
        Seen::Nothing
    }

    fn open_outbox(&mut self, name: usize) -> Seen {
        let session = &mut self.sessions[name];
        if session.outbox || session.in_hand.is_some() {
            return Seen::Busy;
        }
        session.outbox = true;
        session.lagging = false;
        Seen::Nothing
    }

    /// `Nothing` for a session that has no outbox.
    fn next_batch(&mut self, who: u8, events_max: u8) -> Seen {
        let Some(name) = self.name(who).filter(|&name| self.sessions[name].outbox) else {
            return Seen::Nothing;
        };
        let session = &mut self.sessions[name];
        if !session.connected {
            return Seen::NoSuchSession;
        }
        let items = session.take(events_max.into());
        for sequence in session.in_hand.take().expect("just taken").events {
            session.settle(sequence, Fate::HandedOver);
        }
        Seen::Batch(items)
    }

    fn fate(&self, name: usize, back: u8) -> Fate {
        let session = &self.sessions[name];
        let sequence = (self.last + 1).saturating_sub(back.into());
        if !session.connected {
            return Fate::NoSuchSession;
        }
        if sequence == 0 || sequence > self.last {
            return Fate::NotPublished;
        }
        let in_hand = session.in_hand.as_ref().map_or(&[][..], |hand| &hand.events);
        if in_hand.contains(&sequence) {
            return Fate::Offered;
        }
        match session.queue.iter().position(|&pending| pending == sequence) {
            Some(ahead) => Fate::Pending { ahead: ahead + in_hand.len() },
            None => match session.fates.get(&sequence).copied().unwrap_or(Fate::NotAddressed) {
                fate @ (Fate::NotAddressed | Fate::Refused) => fate,
                fate if session.is_remembered(sequence) => fate,
                _ => Fate::Forgotten,
            },
        }
    }
}

pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 0..150)
}

fn op() -> impl Strategy<Value = Op> {
    let who = any::<u8>;
    let partition = || prop_oneof![20 => 0..3_u8, 1 => Just(7)];
    let topic = || 0..6_u8;
    let to = || {
        let topics = prop_oneof![3 => prop::collection::vec(topic(), 1), 1 => prop::collection::vec(topic(), 0..4)];
        (topics, prop::option::weighted(0.2, who())).prop_map(|(topics, except)| To { topics, except })
    };
    prop_oneof![
        8 => partition().prop_map(|partition| Op::Connect { partition }),
        2 => who().prop_map(|who| Op::Disconnect { who }),
        1 => partition().prop_map(|partition| Op::DropPartition { partition }),
        12 => (who(), topic()).prop_map(|(who, topic)| Op::Subscribe { who, topic }),
        3 => (who(), topic()).prop_map(|(who, topic)| Op::Unsubscribe { who, topic }),
        20 => (to(), any::<u8>()).prop_map(|(to, bytes)| Op::Publish { to, bytes }),
        8 => (partition(), prop_oneof![3 => Just(u8::MAX), 1 => 0..4_u8], prop::collection::vec(answer(), 0..4))
            .prop_map(|(partition, sessions_max, answers)| Op::Drain { partition, sessions_max, answers }),
        4 => who().prop_map(|who| Op::Writable { who }),
        2 => who().prop_map(|who| Op::OpenOutbox { who }),
        1 => who().prop_map(|who| Op::CloseOutbox { who }),
        4 => (who(), 0..6_u8).prop_map(|(who, events_max)| Op::NextBatch { who, events_max }),
        1 => to().prop_map(Op::Audience),
        1 => (who(), to()).prop_map(|(who, to)| Op::Explain { who, to }),
        3 => (who(), 0..20_u8).prop_map(|(who, back)| Op::Fate { who, back }),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let call = prop_oneof![
        6 => Just(Call::Nothing),
        2 => Just(Call::Writable),
        1 => Just(Call::DisconnectIt),
        1 => any::<u8>().prop_map(|who| Call::Disconnect { who }),
        1 => (0..3_u8).prop_map(|partition| Call::DropPartition { partition }),
        4 => (0..6_u8).prop_map(|topic| Call::Publish { topic }),
        1 => Just(Call::OpenOutbox),
        1 => (0..9_u8).prop_map(|back| Call::Fate { back }),
    ];
    let took = prop_oneof![4 => Just(Took::All), 3 => (0..5_u8).prop_map(Took::Some), 1 => Just(Took::Panic)];
    (call, took).prop_map(|(call, took)| Answer { call, took })
}
