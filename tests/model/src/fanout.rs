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
    /// A partition that does not exist is refused. The window is `window` modulo 5; none if that is 0.
    Connect {
        partition: u8,
        window: u8,
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
    /// The class, modulo 3, is one whose events push out the oldest, give way, or end a session with a full queue.
    Publish {
        to: To,
        bytes: u8,
        class: u8,
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
    /// The event published `back` fan-outs ago, and all before it.
    Acknowledge {
        who: u8,
        back: u8,
    },
    Park {
        who: u8,
    },
    /// Acknowledges as above.
    Resume {
        who: u8,
        back: u8,
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
    pub except: Vec<u8>,
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
    Acknowledge { back: u8 },
    Park,
    Resume { back: u8 },
    DisconnectIt,
    Disconnect { who: u8 },
    DropPartition { partition: u8 },
    Publish { topic: u8, class: u8 },
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
        overflowed: Vec<usize>,
    },
    /// Events that were acknowledged by this call.
    Acknowledged(usize),
    /// The session was not handed an event of this sequence yet.
    NotHandedOver,
    /// Events that come again, and events that wait.
    Resumed {
        again: usize,
        pending: usize,
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
    Missed,
    Forgotten,
}

/// Where every accepted event went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accounting {
    pub accepted: u64,
    pub delivered: u64,
    pub dropped: u64,
    pub shed: u64,
    pub discarded: u64,
    pub abandoned: u64,
    pub pending: u64,
}

/// What a publish did to keep to the partitions' budgets.
#[derive(Default)]
pub struct Pressure {
    /// Sessions that gave way, with the number of their oldest events that were dropped.
    pub shed: Vec<(usize, u64)>,
    /// Partitions that refused.
    pub refusing: Vec<u8>,
}

/// Sizes that the model and oyez are given alike.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub partitions: u8,
    pub sessions_per_partition: usize,
    pub topics_per_session: usize,
    pub events_per_session: usize,
    pub batch: usize,
    /// Sessions that are offered something at once.
    pub round_sessions: usize,
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
    /// Sessions waiting for the worker of each partition, longest first: those whose turn has begun, and the others.
    turn: Vec<VecDeque<usize>>,
    ready: Vec<VecDeque<usize>>,
    last: u64,
}

/// What an event does to a session whose queue is full, by its class modulo 3.
#[derive(Clone, Copy, PartialEq)]
enum Overload {
    DropOldest,
    DropNewest,
    Disconnect,
}

fn overload(class: u8) -> Overload {
    [Overload::DropOldest, Overload::DropNewest, Overload::Disconnect][usize::from(class % 3)]
}

#[derive(Default)]
struct Session {
    partition: usize,
    /// The lowest number that no other connected session of the partition had when it connected.
    place: usize,
    connected: bool,
    topics: BTreeSet<u8>,
    /// What is pending, oldest first; never two gaps in a row.
    queue: VecDeque<Item>,
    in_hand: Option<InHand>,
    /// How many events may be handed over and not acknowledged.
    window: Option<usize>,
    /// Those events, and the gaps told among them. From this sequence on they are to be handed over again.
    unacknowledged: VecDeque<Item>,
    again_from: u64,
    /// The last event or gap that was handed over.
    handed: u64,
    parked: bool,
    lagging: bool,
    /// It is in its partition's list of waiting sessions.
    is_listed: bool,
    outbox: bool,
    accounting: Accounting,
    fates: BTreeMap<u64, Fate>,
    /// First and last event of the gap that was last offered. Of what came before an earlier one's end, nothing is known
    /// any more.
    last_gap: Option<(u64, u64)>,
    known_since: u64,
}

struct InHand {
    items: Vec<Item>,
    /// They were handed over before.
    again: bool,
    woken: bool,
    /// What was acknowledged, of what is in hand, before the host answered.
    acknowledged: u64,
    resumed: bool,
}

impl Item {
    fn last(&self) -> u64 {
        match *self {
            Item::Event(sequence) => sequence,
            Item::Gap(gap) => gap.last,
        }
    }

    fn event(&self) -> Option<u64> {
        match *self {
            Item::Event(sequence) => Some(sequence),
            Item::Gap(_) => None,
        }
    }
}

impl Session {
    fn events(&self) -> usize {
        events_in(&self.queue)
    }

    fn again(&self) -> usize {
        self.unacknowledged.iter().filter(|item| item.last() >= self.again_from).count()
    }

    fn room(&self) -> usize {
        self.window.map_or(usize::MAX, |window| window - events_in(&self.unacknowledged))
    }

    fn has_something(&self) -> bool {
        self.again() > 0 || (!self.queue.is_empty() && self.room() > 0)
    }

    /// The event is lost: a gap stands for it.
    fn drop_event(&mut self, sequence: u64) {
        self.accounting.dropped += 1;
        self.note(sequence, Fate::Missed);
        let gap = Item::Gap(Gap { count: 1, first: sequence, last: sequence });
        match self.queue.iter().position(|item| *item == Item::Event(sequence)) {
            Some(at) => self.queue[at] = gap,
            None => self.queue.push_back(gap),
        }
        join_gaps(&mut self.queue);
    }

    fn drop_oldest(&mut self) {
        let oldest = self.queue.iter().find_map(Item::event).expect("a queue that is too long has events");
        self.drop_event(oldest);
    }

    /// Nobody is about to read it.
    fn is_unread(&self, partition: usize) -> bool {
        self.partition == partition
            && self.connected
            && (self.lagging || self.parked || self.outbox || self.room() == 0)
    }

    /// Takes what is to be handed over next: events that were not acknowledged, or else new ones with their gaps.
    fn take(&mut self, events_max: usize) -> Vec<Item> {
        let again = self.again() > 0;
        let mut items = Vec::new();
        if again {
            let mut events = 0;
            for item in self.unacknowledged.iter().filter(|item| item.last() >= self.again_from) {
                events += usize::from(item.event().is_some());
                if events > events_max {
                    break;
                }
                items.push(*item);
            }
        } else if self.room() > 0 {
            let events_max = events_max.min(self.room());
            let mut events = 0;
            while let Some(item) = self.queue.front() {
                events += usize::from(item.event().is_some());
                if events > events_max {
                    break;
                }
                items.extend(self.queue.pop_front());
            }
        }
        for item in &items {
            if let Item::Gap(gap) = item
                && !again
                && let Some((first, last)) = self.last_gap.replace((gap.first, gap.last))
                && first != gap.first
            {
                self.known_since = self.known_since.max(last + 1);
            }
        }
        self.in_hand = Some(InHand { items: items.clone(), again, woken: false, acknowledged: 0, resumed: false });
        items
    }

    /// Whether oyez may say so much of an event that is not pending.
    fn is_remembered(&self, sequence: u64) -> bool {
        let is_in = |(first, last): (u64, u64)| first <= sequence && sequence <= last;
        let mut gaps = self.queue.iter().filter_map(|item| match item {
            Item::Gap(gap) => Some((gap.first, gap.last)),
            Item::Event(_) => None,
        });
        sequence >= self.known_since || self.last_gap.is_some_and(is_in) || gaps.any(is_in)
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
            Fate::Missed => self.accounting.abandoned += 1,
            _ => self.accounting.discarded += 1,
        }
    }

    /// Accounts for what was handed over for the first time, and puts back what was not taken.
    fn commit_new(&mut self, gone: &[Item], kept: &[Item], fate: Fate) {
        let events: Vec<u64> = gone.iter().filter_map(Item::event).collect();
        for &sequence in &events {
            self.settle(sequence, fate);
        }
        self.handed = self.handed.max(gone.last().map_or(0, Item::last));
        if !self.connected {
            for sequence in kept.iter().filter_map(Item::event) {
                self.settle(sequence, Fate::NoSuchSession);
            }
            return;
        }
        if fate == Fate::Missed {
            self.queue.push_front(Item::Gap(whole(gone)));
        } else if self.window.is_some() {
            self.unacknowledged.extend(gone);
            join_gaps(&mut self.unacknowledged);
        }
        for item in kept.iter().rev() {
            self.queue.push_front(*item);
        }
        join_gaps(&mut self.queue);
    }

    fn acknowledge(&mut self, through: u64) -> Seen {
        let in_hand = self.in_hand.as_mut().filter(|hand| !hand.again);
        let offered = in_hand.as_ref().and_then(|hand| hand.items.last()).map_or(0, Item::last);
        if through > self.handed.max(offered) {
            return Seen::NotHandedOver;
        }
        if let Some(hand) = in_hand {
            hand.acknowledged = hand.acknowledged.max(through);
        }
        Seen::Acknowledged(self.forget_through(through))
    }

    /// What is not acknowledged now, from this sequence on, is to be handed over again; what is handed over later is not.
    fn hand_again_from(&mut self, sequence: u64) {
        let is_there = self.unacknowledged.iter().any(|item| item.last() >= sequence);
        self.again_from = if is_there { sequence } else { u64::MAX };
    }

    fn forget_through(&mut self, through: u64) -> usize {
        let before = events_in(&self.unacknowledged);
        self.unacknowledged.retain(|item| item.last() > through);
        self.hand_again_from(self.again_from);
        before - events_in(&self.unacknowledged)
    }
}

fn events_in(items: &VecDeque<Item>) -> usize {
    items.iter().filter_map(Item::event).count()
}

fn join_gaps(items: &mut VecDeque<Item>) {
    let mut joined: VecDeque<Item> = VecDeque::new();
    for item in std::mem::take(items) {
        match (joined.back_mut(), item) {
            (Some(Item::Gap(gap)), Item::Gap(next)) => {
                gap.count += next.count;
                gap.last = next.last;
            }
            _ => joined.push_back(item),
        }
    }
    *items = joined;
}

/// One gap for everything in a batch.
fn whole(items: &[Item]) -> Gap {
    let mut whole = Gap { count: 0, first: u64::MAX, last: 0 };
    for item in items {
        let (count, first) = match item {
            Item::Event(sequence) => (1, *sequence),
            Item::Gap(gap) => (gap.count, gap.first),
        };
        whole.count += count;
        whole.first = whole.first.min(first);
        whole.last = whole.last.max(item.last());
    }
    whole
}

impl Model {
    pub fn new(limits: Limits) -> Self {
        let ready = vec![VecDeque::new(); limits.partitions.into()];
        Model {
            limits,
            sessions: Vec::new(),
            places: vec![BTreeSet::new(); limits.partitions.into()],
            subscribers: BTreeMap::new(),
            turn: ready.clone(),
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
            sum.shed += one.shed;
            sum.discarded += one.discarded;
            sum.abandoned += one.abandoned;
            sum.pending += one.pending;
        }
        sum
    }

    fn accounted(&self, session: &Session) -> Accounting {
        let new = session.in_hand.iter().filter(|hand| !hand.again).flat_map(|hand| &hand.items);
        let in_hand = new.filter_map(Item::event).count();
        Accounting { pending: (session.events() + in_hand) as u64, ..session.accounting }
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

    /// `pressure` says, for each publish within the operation, what oyez did to keep to its budget: how many bytes an
    /// event takes is its own affair.
    pub fn apply(&mut self, op: &Op, pressure: &mut impl Iterator<Item = Pressure>) -> Seen {
        match *op {
            Op::Connect { partition, window } => self.connect(partition, usize::from(window % 5)),
            Op::Disconnect { who } => self.on(who, |model, name| model.disconnect(name)),
            Op::DropPartition { partition } => self.drop_partition(partition),
            Op::Subscribe { who, topic } => self.on(who, |model, name| model.subscribe(name, topic)),
            Op::Unsubscribe { who, topic } => self.on(who, |model, name| model.unsubscribe(name, topic)),
            Op::Publish { ref to, class, .. } => self.publish(to, class, pressure),
            Op::Drain { partition, sessions_max, ref answers } => {
                let mut answers = answers.iter().cycle();
                self.drain(partition, sessions_max.into(), |model, who, _| match answers.next() {
                    None => (Seen::Nothing, Took::All),
                    Some(answer) => (model.call(who, &answer.call, pressure), answer.took),
                })
            }
            Op::Writable { who } => self.on(who, |model, name| model.writable(name)),
            Op::Acknowledge { who, back } => self.on(who, |model, name| model.acknowledge(name, back)),
            Op::Park { who } => self.on(who, |model, name| model.park(name)),
            Op::Resume { who, back } => self.on(who, |model, name| model.resume(name, back)),
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

    /// Without a window if that is 0.
    pub fn connect(&mut self, partition: u8, window: usize) -> Seen {
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
        let window = (window > 0).then_some(window);
        let again_from = u64::MAX;
        self.sessions.push(Session { partition, place, connected: true, window, again_from, ..Session::default() });
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
        for item in std::mem::take(&mut session.queue) {
            if let Item::Event(sequence) = item {
                session.settle(sequence, Fate::NoSuchSession);
            }
        }
        session.unacknowledged.clear();
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
        for &who in &to.except {
            self.name(who).map(|excluded| union.remove(&excluded));
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
            Some(_) if to.except.iter().any(|&who| self.name(who) == Some(name)) => Verdict::Excluded,
            Some(&topic) => Verdict::Included(topic),
        }
    }

    pub fn publish(&mut self, to: &To, class: u8, pressure: &mut impl Iterator<Item = Pressure>) -> Seen {
        self.last += 1;
        let sequence = self.last;
        let Pressure { shed, refusing } = pressure.next().unwrap_or_default();
        for (name, count) in shed {
            self.shed(name, count);
        }
        for &partition in &refusing {
            let mut unread = self.sessions.iter().filter(|session| session.is_unread(partition.into()));
            assert!(
                unread.all(|session| session.events() == 0),
                "a partition refuses, though a session could give way"
            );
        }
        let (mut count, mut refused, mut overflowed) = (0, 0, Vec::new());
        for name in self.audience(to) {
            let events_max = self.limits.events_per_session;
            let session = &mut self.sessions[name];
            if refusing.contains(&(session.partition as u8)) {
                session.note(sequence, Fate::Refused);
                refused += 1;
                continue;
            }
            let is_full = session.events() == events_max;
            match overload(class) {
                Overload::Disconnect if is_full => {
                    self.disconnect(name);
                    overflowed.push(name);
                    continue;
                }
                Overload::DropNewest if is_full => session.drop_event(sequence),
                _ => {
                    session.queue.push_back(Item::Event(sequence));
                    if is_full {
                        session.drop_oldest();
                    }
                }
            }
            self.sessions[name].accounting.accepted += 1;
            count += 1;
            self.list(name);
        }
        Seen::Published { sequence, count, refused, overflowed }
    }

    /// The session had to give way to others.
    fn shed(&mut self, name: usize, count: u64) {
        let session = &mut self.sessions[name];
        assert!(session.is_unread(session.partition), "session {name} gave way, though it is read");
        for _ in 0..count {
            session.drop_oldest();
        }
        session.accounting.shed += count;
    }

    /// Lists a session as waiting for the worker, if it is.
    fn list(&mut self, name: usize) {
        let is_waiting = self.is_waiting(name);
        let session = &mut self.sessions[name];
        if is_waiting && !session.is_listed {
            session.is_listed = true;
            self.ready[session.partition].push_back(name);
        }
    }

    fn is_waiting(&self, name: usize) -> bool {
        let session = &self.sessions[name];
        let is_free = !session.outbox && !session.lagging && !session.parked && session.in_hand.is_none();
        session.connected && is_free && session.has_something()
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
        let partition = usize::from(partition);
        let ready = std::mem::take(&mut self.ready[partition]);
        self.turn[partition].extend(ready);
        let mut left = sessions_max;
        let mut handed = Vec::new();
        loop {
            let round = self.round(partition, left.min(self.limits.round_sessions));
            if round.is_empty() {
                break;
            }
            left -= round.len();
            let mut answers = Vec::new();
            for (who, items) in round {
                // One that has ended, parked or come back since is passed by.
                let session = &self.sessions[who];
                let is_back = session.in_hand.as_ref().is_some_and(|hand| hand.resumed);
                let is_there = session.connected && !session.parked && !is_back;
                let (seen, took) = if is_there { host(self, who, &items) } else { (Seen::Nothing, Took::Some(0)) };
                answers.push((who, took, is_there));
                if is_there {
                    handed.push(Handed { who, items, seen });
                }
            }
            for (name, took, was_asked) in answers {
                self.commit(name, took);
                if !was_asked {
                    self.sessions[name].lagging = false;
                    self.list(name);
                }
            }
        }
        Seen::Drained(handed)
    }

    /// What the next sessions in turn are offered.
    fn round(&mut self, partition: usize, sessions_max: usize) -> Vec<(usize, Vec<Item>)> {
        let mut round = Vec::new();
        while round.len() < sessions_max
            && let Some(name) = self.turn[partition].pop_front()
        {
            self.sessions[name].is_listed = false;
            if self.is_waiting(name) {
                round.push((name, self.sessions[name].take(self.limits.batch)));
            }
        }
        round
    }

    fn call(&mut self, it: usize, call: &Call, pressure: &mut impl Iterator<Item = Pressure>) -> Seen {
        let is_connected = self.sessions[it].connected;
        match *call {
            Call::Nothing => Seen::Nothing,
            Call::Writable if is_connected => self.writable(it),
            Call::Acknowledge { back } if is_connected => self.acknowledge(it, back),
            Call::Park if is_connected => self.park(it),
            Call::Resume { back } if is_connected => self.resume(it, back),
            Call::DisconnectIt if is_connected => self.disconnect(it),
            Call::OpenOutbox if is_connected => self.open_outbox(it),
            Call::Writable
            | Call::Acknowledge { .. }
            | Call::Park
            | Call::Resume { .. }
            | Call::DisconnectIt
            | Call::OpenOutbox => Seen::NoSuchSession,
            Call::Disconnect { who } => self.on(who, |model, name| model.disconnect(name)),
            Call::DropPartition { partition } => self.drop_partition(partition),
            Call::Publish { topic, class } => {
                self.publish(&To { topics: vec![topic], except: vec![] }, class, pressure)
            }
            Call::Fate { back } => Seen::Fate(self.fate(it, back)),
        }
    }

    fn commit(&mut self, name: usize, took: Took) {
        let limits = self.limits;
        let session = &mut self.sessions[name];
        let hand = session.in_hand.take().expect("it was offered");
        let all = hand.items.len();
        let (taken, fate) = match took {
            Took::All => (all, Fate::HandedOver),
            Took::Some(taken) => (usize::from(taken).min(all), Fate::HandedOver),
            Took::Panic if limits.keep_on_panic => (0, Fate::HandedOver),
            // It is still kept, and comes once more.
            Took::Panic if hand.again => (0, Fate::HandedOver),
            Took::Panic => (all, Fate::Missed),
        };
        let (gone, kept) = hand.items.split_at(taken);
        if hand.again {
            // They were accounted for when they were handed over first.
            let next = kept.first().map(Item::last).or(gone.last().map(|item| item.last() + 1));
            session.hand_again_from(next.unwrap_or(session.again_from));
        } else {
            session.commit_new(gone, kept, fate);
            while session.events() > limits.events_per_session {
                session.drop_oldest();
            }
        }
        session.forget_through(hand.acknowledged);
        if hand.resumed {
            session.hand_again_from(0);
        }
        session.lagging = !hand.woken && (taken < all || took == Took::Panic);
        self.list(name);
    }

    pub fn acknowledge(&mut self, name: usize, back: u8) -> Seen {
        let through = (self.last + 1).saturating_sub(back.into());
        let seen = self.sessions[name].acknowledge(through);
        self.list(name);
        seen
    }

    pub fn park(&mut self, name: usize) -> Seen {
        self.sessions[name].parked = true;
        Seen::Nothing
    }

    pub fn resume(&mut self, name: usize, back: u8) -> Seen {
        let through = (self.last + 1).saturating_sub(back.into());
        let session = &mut self.sessions[name];
        let Seen::Acknowledged(_) = session.acknowledge(through) else { return Seen::NotHandedOver };
        session.parked = false;
        session.lagging = false;
        session.hand_again_from(0);
        let pending = self.accounted(&self.sessions[name]).pending as usize;
        let session = &mut self.sessions[name];
        if let Some(hand) = &mut session.in_hand {
            hand.resumed = true;
            hand.woken = true;
        }
        let seen = Seen::Resumed { again: events_in(&session.unacknowledged), pending };
        self.list(name);
        seen
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
        if session.parked {
            return Seen::Batch(vec![]);
        }
        let items = session.take(events_max.into());
        self.commit(name, Took::All);
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
        let new = session.in_hand.iter().filter(|hand| !hand.again).flat_map(|hand| &hand.items);
        let in_hand: Vec<u64> = new.filter_map(Item::event).collect();
        if in_hand.contains(&sequence) {
            return Fate::Offered;
        }
        match session.queue.iter().filter_map(Item::event).position(|pending| pending == sequence) {
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
        (topics, prop_oneof![4 => Just(vec![]), 1 => prop::collection::vec(who(), 1..3)])
            .prop_map(|(topics, except)| To { topics, except })
    };
    prop_oneof![
        8 => (partition(), prop_oneof![2 => Just(0), 1 => 1..5_u8])
            .prop_map(|(partition, window)| Op::Connect { partition, window }),
        2 => who().prop_map(|who| Op::Disconnect { who }),
        1 => partition().prop_map(|partition| Op::DropPartition { partition }),
        12 => (who(), topic()).prop_map(|(who, topic)| Op::Subscribe { who, topic }),
        3 => (who(), topic()).prop_map(|(who, topic)| Op::Unsubscribe { who, topic }),
        20 => (to(), any::<u8>(), class()).prop_map(|(to, bytes, class)| Op::Publish { to, bytes, class }),
        8 => (partition(), prop_oneof![3 => Just(u8::MAX), 1 => 0..4_u8], prop::collection::vec(answer(), 0..4))
            .prop_map(|(partition, sessions_max, answers)| Op::Drain { partition, sessions_max, answers }),
        4 => who().prop_map(|who| Op::Writable { who }),
        6 => (who(), 0..20_u8).prop_map(|(who, back)| Op::Acknowledge { who, back }),
        2 => who().prop_map(|who| Op::Park { who }),
        3 => (who(), 0..20_u8).prop_map(|(who, back)| Op::Resume { who, back }),
        2 => who().prop_map(|who| Op::OpenOutbox { who }),
        1 => who().prop_map(|who| Op::CloseOutbox { who }),
        4 => (who(), 0..6_u8).prop_map(|(who, events_max)| Op::NextBatch { who, events_max }),
        1 => to().prop_map(Op::Audience),
        1 => (who(), to()).prop_map(|(who, to)| Op::Explain { who, to }),
        3 => (who(), 0..20_u8).prop_map(|(who, back)| Op::Fate { who, back }),
    ]
}

fn class() -> impl Strategy<Value = u8> {
    prop_oneof![6 => Just(0_u8), 3 => Just(1), 1 => Just(2)]
}

fn answer() -> impl Strategy<Value = Answer> {
    let call = prop_oneof![
        6 => Just(Call::Nothing),
        2 => Just(Call::Writable),
        1 => Just(Call::DisconnectIt),
        1 => any::<u8>().prop_map(|who| Call::Disconnect { who }),
        1 => (0..3_u8).prop_map(|partition| Call::DropPartition { partition }),
        4 => (0..6_u8, class()).prop_map(|(topic, class)| Call::Publish { topic, class }),
        1 => (0..9_u8).prop_map(|back| Call::Acknowledge { back }),
        1 => Just(Call::Park),
        1 => (0..9_u8).prop_map(|back| Call::Resume { back }),
        1 => Just(Call::OpenOutbox),
        1 => (0..9_u8).prop_map(|back| Call::Fate { back }),
    ];
    let took = prop_oneof![4 => Just(Took::All), 3 => (0..5_u8).prop_map(Took::Some), 1 => Just(Took::Panic)];
    (call, took).prop_map(|(call, took)| Answer { call, took })
}
