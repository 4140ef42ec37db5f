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
    Move {
        who: u8,
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
    /// What is pending from the topic is discarded, unless it came for another of the session's topics too.
    UnsubscribeDiscarding {
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
    ParkIt,
    ResumeIt { back: u8 },
    DisconnectIt,
    Park { who: u8 },
    Resume { who: u8, back: u8 },
    Disconnect { who: u8 },
    DropPartition { partition: u8 },
    Move { who: u8, partition: u8 },
    UnsubscribeDiscarding { who: u8, topic: u8 },
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
    /// Also how many events were discarded.
    Discarded {
        left: bool,
        discarded: usize,
    },
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
    /// Sessions in the order in which they were handed something, and sessions that ended since an event that they must
    /// not miss came to their full queues, in no order.
    Drained {
        handed: Vec<Handed>,
        overflowed: BTreeSet<usize>,
    },
    Busy,
    OverBudget,
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

impl Accounting {
    fn add(&mut self, other: Accounting, add: fn(u64, u64) -> u64) {
        self.accepted = add(self.accepted, other.accepted);
        self.delivered = add(self.delivered, other.delivered);
        self.dropped = add(self.dropped, other.dropped);
        self.shed = add(self.shed, other.shed);
        self.discarded = add(self.discarded, other.discarded);
        self.abandoned = add(self.abandoned, other.abandoned);
        self.pending = add(self.pending, other.pending);
    }
}

/// What a publish or a move did to keep to the partitions' budgets.
#[derive(Default)]
pub struct Pressure {
    /// Sessions that gave way, with the number of their oldest events that were dropped.
    pub shed: Vec<(usize, u64)>,
    /// Sessions of which some gave way and then ended for it, with the number of events that they dropped together.
    pub shed_and_ended: Vec<(Vec<usize>, u64)>,
    /// Partitions that refused.
    pub refusing: Vec<u8>,
    /// Partitions whose whole budgets may not be enough.
    pub too_small: Vec<u8>,
}

/// In which order a drain served the sessions, which is oyez's own affair.
#[derive(Debug, Default)]
pub struct Schedule {
    /// How many entries of the log have set out by then, since the beginning.
    pub set_out: u64,
    /// Sessions that had something in hand at the same time.
    pub rounds: Vec<BTreeSet<usize>>,
    /// All sessions that were handed something, in order.
    pub handed: Vec<usize>,
}

/// Sizes that the model and oyez are given alike.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub partitions: u8,
    pub sessions_per_partition: usize,
    pub topics_per_session: usize,
    pub events_per_session: usize,
    pub batch: usize,
    /// Sessions that are offered something at once, or a few more: see `round_max`.
    pub round_sessions: usize,
    /// Sessions of a partition for which an event waits in the partition's log.
    pub log_sessions: usize,
    /// A batch whose callback panicked is kept, not abandoned.
    pub keep_on_panic: bool,
    /// Between two places that are free at first, so many strangers have theirs, who subscribe to nothing.
    pub strangers_between: usize,
}

impl Limits {
    /// A round from the log is four times as long, and ends with a whole word of 64 places unless fewer are enough.
    fn round_max(&self) -> usize {
        let enough = 4 * self.round_sessions;
        if enough < 64 { enough } else { enough + 63 }
    }

    /// The places of strangers in each partition.
    pub fn strangers(&self) -> impl Iterator<Item = usize> + use<> {
        let between = self.strangers_between;
        let places = if between == 0 { 0 } else { self.sessions_per_partition };
        (0..places).filter(move |place| place % (between + 1) != 0)
    }
}

/// Fates that are kept for a session. `Op::Fate` asks no further back.
const FATES: usize = 256;

pub struct Model {
    limits: Limits,
    sessions: Vec<Session>,
    /// Places taken in each partition, and those of them that strangers have.
    places: Vec<BTreeSet<usize>>,
    strangers: Vec<usize>,
    /// The connected sessions of each topic.
    subscribers: BTreeMap<u8, BTreeSet<usize>>,
    /// Events for many sessions of each partition, which wait for its next drain.
    logs: Vec<VecDeque<Entry>>,
    /// How many events each log has been given.
    logged: Vec<u64>,
    /// The topics of each event.
    topics: Vec<Vec<u8>>,
    /// What each partition settled for sessions that have moved on, less what others had settled for those that came.
    moved: Vec<Accounting>,
    last: u64,
}

/// An event for many sessions.
struct Entry {
    /// How many came before it.
    position: u64,
    sequence: u64,
    class: u8,
    /// Those whose queues have not taken it in.
    names: BTreeSet<usize>,
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
    /// What was published when it connected, and when it last moved.
    connected_after: u64,
    moved_after: u64,
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
    outbox: bool,
    /// An event that it must not miss came from the log when its queue was full.
    overflowed: bool,
    accounting: Accounting,
    fates: BTreeMap<u64, Fate>,
    /// First and last event of the gap that was last offered. Of what came before an earlier one's end, nothing is
    /// known any more.
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

    /// Takes an event into the queue, in which something gives way if it is full; false if the session cannot go on.
    fn enter(&mut self, sequence: u64, class: u8, events_max: usize) -> bool {
        let is_full = self.events() >= events_max;
        match overload(class) {
            Overload::Disconnect if is_full => return false,
            Overload::DropNewest if is_full => self.drop_event(sequence),
            _ => {
                self.queue.push_back(Item::Event(sequence));
                while is_full && self.events() > events_max {
                    self.drop_oldest();
                }
            }
        }
        true
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
        if self.window.is_none() {
            return Seen::Acknowledged(0);
        }
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

    /// What is not acknowledged now, from this sequence on, is to be handed over again; what is handed over later is
    /// not.
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
        Model {
            limits,
            sessions: Vec::new(),
            places: vec![limits.strangers().collect(); limits.partitions.into()],
            strangers: vec![limits.strangers().count(); limits.partitions.into()],
            subscribers: BTreeMap::new(),
            topics: vec![Vec::new()],
            moved: vec![Accounting::default(); limits.partitions.into()],
            logs: (0..limits.partitions).map(|_| VecDeque::new()).collect(),
            logged: vec![0; limits.partitions.into()],
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
        self.sessions[name].connected.then(|| self.accounted(name))
    }

    /// Of a whole partition, sessions that have ended included.
    pub fn partition_accounting(&self, partition: usize) -> Accounting {
        let mut sum = self.moved[partition];
        for name in (0..self.sessions.len()).filter(|name| self.sessions[*name].partition == partition) {
            sum.add(self.accounted(name), u64::wrapping_add);
        }
        sum
    }

    fn accounted(&self, name: usize) -> Accounting {
        let session = &self.sessions[name];
        let new = session.in_hand.iter().filter(|hand| !hand.again).flat_map(|hand| &hand.items);
        let in_hand = new.filter_map(Item::event).count();
        let in_log = self.waiting_in_log(name).count();
        let mut accounting = session.accounting;
        accounting.accepted += in_log as u64;
        accounting.pending = (session.events() + in_hand + in_log) as u64;
        accounting
    }

    /// Events in the log that the session's queue has not taken in.
    fn waiting_in_log(&self, name: usize) -> impl Iterator<Item = u64> {
        let log = &self.logs[self.sessions[name].partition];
        log.iter().filter(move |entry| entry.names.contains(&name)).map(|entry| entry.sequence)
    }

    pub fn lagging(&self) -> usize {
        self.sessions.iter().filter(|session| session.connected && session.lagging).count()
    }

    /// Sessions, topics that have subscribers, and subscriptions.
    pub fn sizes(&self) -> (usize, usize, usize) {
        let connected = || self.sessions.iter().filter(|session| session.connected);
        let topics: BTreeSet<u8> = connected().flat_map(|session| session.topics.iter().copied()).collect();
        let strangers: usize = self.strangers.iter().sum();
        (strangers + connected().count(), topics.len(), connected().map(|session| session.topics.len()).sum())
    }

    /// `pressure` says, for each publish within the operation, what oyez did to keep to its budget: how many bytes an
    /// event takes is its own affair. So is the `schedule` of a drain.
    pub fn apply(&mut self, op: &Op, pressure: &mut impl Iterator<Item = Pressure>, schedule: &Schedule) -> Seen {
        match *op {
            Op::Connect { partition, window } => self.connect(partition, usize::from(window % 5)),
            Op::Disconnect { who } => self.on(who, |model, name| model.disconnect(name)),
            Op::DropPartition { partition } => self.drop_partition(partition),
            Op::Move { who, partition } => self.on(who, |model, name| model.move_to(name, partition, pressure)),
            Op::Subscribe { who, topic } => self.on(who, |model, name| model.subscribe(name, topic)),
            Op::Unsubscribe { who, topic } => self.on(who, |model, name| model.unsubscribe(name, topic)),
            Op::UnsubscribeDiscarding { who, topic } => {
                self.on(who, |model, name| model.unsubscribe_discarding(name, topic))
            }
            Op::Publish { ref to, class, .. } => self.publish(to, class, pressure),
            Op::Drain { partition, sessions_max, ref answers } => {
                let mut answers = answers.iter().cycle();
                self.drain(partition, sessions_max.into(), schedule, |model, who, _| match answers.next() {
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
        let Some(place) = self.free_place(partition) else { return Seen::PartitionFull };
        self.places[partition].insert(place);
        let window = (window > 0).then_some(window);
        let again_from = u64::MAX;
        self.sessions.push(Session {
            partition,
            place,
            connected: true,
            connected_after: self.last,
            window,
            again_from,
            ..Session::default()
        });
        Seen::Connected(self.sessions.len() - 1)
    }

    fn move_to(&mut self, name: usize, partition: u8, pressure: &mut impl Iterator<Item = Pressure>) -> Seen {
        let Pressure { shed, refusing, .. } = pressure.next().unwrap_or_default();
        if partition >= self.limits.partitions {
            return Seen::NoSuchPartition;
        }
        let partition = usize::from(partition);
        let from = self.sessions[name].partition;
        if from == partition {
            return Seen::Nothing;
        }
        let Some(place) = self.free_place(partition) else { return Seen::PartitionFull };
        let session = &self.sessions[name];
        if session.in_hand.is_some() || session.outbox || session.overflowed {
            return Seen::Busy;
        }
        self.take_in(name, usize::MAX);
        if self.sessions[name].overflowed {
            return Seen::Busy;
        }
        for (name, count) in shed {
            self.shed(name, count);
        }
        if !refusing.is_empty() {
            return Seen::OverBudget;
        }
        let Accounting { accepted, pending, .. } = self.accounted(name);
        let settled = Accounting { accepted: accepted - pending, ..self.sessions[name].accounting };
        self.moved[from].add(settled, u64::wrapping_add);
        self.moved[partition].add(settled, u64::wrapping_sub);
        self.places[from].remove(&self.sessions[name].place);
        self.places[partition].insert(place);
        let session = &mut self.sessions[name];
        (session.partition, session.place, session.moved_after) = (partition, place, self.last);
        Seen::Nothing
    }

    /// The lowest free place of a partition, unless it is full.
    fn free_place(&self, partition: usize) -> Option<usize> {
        let taken = &self.places[partition];
        let is_full = taken.len() >= self.limits.sessions_per_partition;
        (0..).find(|place| !taken.contains(place)).filter(|_| !is_full)
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
        for entry in &mut self.logs[session.partition] {
            if entry.names.remove(&name) {
                session.accounting.accepted += 1;
                session.settle(entry.sequence, Fate::NoSuchSession);
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

    fn unsubscribe_discarding(&mut self, name: usize, topic: u8) -> Seen {
        if self.unsubscribe(name, topic) == Seen::Left(false) {
            return Seen::Discarded { left: false, discarded: 0 };
        }
        self.take_in(name, usize::MAX);
        let session = &mut self.sessions[name];
        let is_unwanted = |sequence: u64| {
            let topics = &self.topics[sequence as usize];
            topics.contains(&topic) && topics.iter().all(|topic| !session.topics.contains(topic))
        };
        let unwanted: Vec<u64> =
            session.queue.iter().filter_map(Item::event).filter(|sequence| is_unwanted(*sequence)).collect();
        session.queue.retain(|item| item.event().is_none_or(|sequence| !unwanted.contains(&sequence)));
        join_gaps(&mut session.queue);
        for &sequence in &unwanted {
            session.note(sequence, Fate::Missed);
            session.known_since = session.known_since.max(sequence + 1);
        }
        session.accounting.discarded += unwanted.len() as u64;
        Seen::Discarded { left: true, discarded: unwanted.len() }
    }

    pub fn drop_partition(&mut self, partition: u8) -> Seen {
        if partition >= self.limits.partitions {
            return Seen::NoSuchPartition;
        }
        let names = self.connected_to(partition.into());
        for &name in &names {
            self.disconnect(name);
        }
        self.logs[usize::from(partition)].clear();
        self.places[usize::from(partition)].clear();
        Seen::Ended(names.len() + std::mem::take(&mut self.strangers[usize::from(partition)]))
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
        self.topics.push(to.topics.clone());
        let Pressure { shed, shed_and_ended, refusing, too_small } = pressure.next().unwrap_or_default();
        for (name, count) in shed {
            self.shed(name, count);
        }
        for (names, count) in shed_and_ended {
            let sheds = self.sheds(&names, count, class).expect("those that ended gave way");
            names.iter().zip(sheds).filter(|(_, count)| *count > 0).for_each(|(name, count)| self.shed(*name, count));
        }
        for &partition in refusing.iter().filter(|partition| !too_small.contains(partition)) {
            let mut unread = self.sessions.iter().filter(|session| session.is_unread(partition.into()));
            assert!(
                unread.all(|session| session.events() == 0),
                "a partition refuses, though a session could give way"
            );
        }
        let (mut count, mut refused, mut overflowed) = (0, 0, Vec::new());
        let audience = self.audience(to);
        for partition in 0..self.logs.len() {
            let here = audience.iter().copied().filter(|name| self.sessions[*name].partition == partition);
            let names: BTreeSet<usize> = here.collect();
            if refusing.contains(&(partition as u8)) {
                names.iter().for_each(|name| self.sessions[*name].note(sequence, Fate::Refused));
                refused += names.len();
            } else if !names.is_empty() && (names.len() >= self.limits.log_sessions || self.has_waiting(partition)) {
                count += names.len();
                let position = self.logged[partition];
                self.logged[partition] += 1;
                self.logs[partition].push_back(Entry { position, sequence, class, names });
            } else {
                for name in audience.iter().copied().filter(|name| names.contains(name)) {
                    if self.enter(name, sequence, class) {
                        count += 1;
                    } else {
                        self.disconnect(name);
                        overflowed.push(name);
                    }
                }
            }
        }
        Seen::Published { sequence, count, refused, overflowed }
    }

    /// Whether something in the log has not set out and waits for somebody: what comes then waits behind it.
    fn has_waiting(&self, partition: usize) -> bool {
        self.logs[partition].iter().any(|entry| !entry.names.is_empty())
    }

    /// How many events each of these sessions gave up, if all together gave up so many and then ended for an event of
    /// this class. Who gives way gives up the older half of what it has, again and again.
    fn sheds(&self, names: &[usize], count: u64, class: u8) -> Option<Vec<u64>> {
        let Some((&name, others)) = names.split_first() else { return (count == 0).then(Vec::new) };
        let session = &self.sessions[name];
        let (mut left, mut shed) = (session.events() as u64, 0);
        loop {
            if self.ends_after(name, left as usize, class)
                && let Some(sheds) = self.sheds(others, count - shed, class)
            {
                return Some([vec![shed], sheds].concat());
            }
            if left == 0 || !session.is_unread(session.partition) {
                return None;
            }
            (left, shed) = (left / 2, shed + left.div_ceil(2));
            if shed > count {
                return None;
            }
        }
    }

    /// Whether a session with so many events in its queue ends when it takes in what waits in the log, and this event.
    fn ends_after(&self, name: usize, mut events: usize, class: u8) -> bool {
        let log = self.logs[self.sessions[name].partition].iter().filter(|entry| entry.names.contains(&name));
        let mut classes = log.map(|entry| entry.class).chain([class]);
        self.sessions[name].overflowed
            || classes.any(|class| {
                let is_full = events >= self.limits.events_per_session;
                events += usize::from(!is_full);
                is_full && overload(class) == Overload::Disconnect
            })
    }

    /// Puts an event into a session's queue; false if it can't go on.
    fn enter(&mut self, name: usize, sequence: u64, class: u8) -> bool {
        let session = &mut self.sessions[name];
        let goes_on = !session.overflowed && session.enter(sequence, class, self.limits.events_per_session);
        session.accounting.accepted += u64::from(goes_on);
        goes_on
    }

    /// Puts what waits for a session in the log's first entries into its queue.
    fn take_in(&mut self, name: usize, entries: usize) {
        let session = &mut self.sessions[name];
        for entry in self.logs[session.partition].iter_mut().take(entries) {
            if !entry.names.remove(&name) {
                continue;
            }
            session.accounting.accepted += 1;
            if !session.enter(entry.sequence, entry.class, self.limits.events_per_session) {
                session.queue.push_back(Item::Event(entry.sequence));
                session.overflowed = true;
            }
        }
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

    fn is_waiting(&self, name: usize) -> bool {
        let session = &self.sessions[name];
        let is_free = !session.outbox && !session.lagging && !session.parked && session.in_hand.is_none();
        session.connected && !session.overflowed && is_free && session.has_something()
    }

    /// `host` is called for each session that is offered its items, and says what it saw and took.
    ///
    /// # Panics
    ///
    /// When the schedule leaves out a session that has something to get, or has one that has nothing.
    pub fn drain(
        &mut self,
        partition: u8,
        sessions_max: usize,
        schedule: &Schedule,
        mut host: impl FnMut(&mut Self, usize, &[Item]) -> (Seen, Took),
    ) -> Seen {
        if partition >= self.limits.partitions {
            return Seen::NoSuchPartition;
        }
        let partition = usize::from(partition);
        let here = self.connected_to(partition);
        let is_on_its_way = |entry: &&Entry| entry.position < schedule.set_out;
        let set_out = self.logs[partition].iter().take_while(is_on_its_way).count();
        let overflowed = self.take_in_all(partition, &here, set_out);
        let mut owed: Vec<usize> = here.into_iter().filter(|name| self.is_waiting(*name)).collect();
        if set_out == 0 && self.has_waiting(partition) {
            assert!(!owed.is_empty(), "a drain takes in nothing from the log, though nothing is on its way");
        }

        let mut order = schedule.handed.iter().copied().peekable();
        let mut handed = Vec::new();
        let mut offered = BTreeSet::new();
        for round in &schedule.rounds {
            assert!(round.len() <= self.limits.round_max() && offered.len() + round.len() <= sessions_max);
            let mut items = BTreeMap::new();
            for &name in round {
                assert!(offered.insert(name), "session {name} is offered something twice");
                assert!(self.is_waiting(name), "session {name} has nothing to get");
                items.insert(name, self.sessions[name].take(self.limits.batch));
            }
            let mut answers = Vec::new();
            while let Some(who) = order.next_if(|name| items.contains_key(name)) {
                assert!(self.is_handed(who), "session {who} ended, parked or came back, and is handed an old batch");
                let items = items.remove(&who).expect("it was just there");
                let (seen, took) = host(self, who, &items);
                answers.push((who, took));
                handed.push(Handed { who, items, seen });
            }
            for (name, took) in answers {
                self.commit(name, took);
            }
            for name in items.into_keys() {
                assert!(!self.is_handed(name), "session {name} was passed by");
                self.commit(name, Took::Some(0));
                self.sessions[name].lagging = false;
            }
            // Who has nothing to get between two rounds may be passed by, and gets what comes later with the next drain.
            owed.retain(|name| !offered.contains(name) && self.is_waiting(*name));
        }
        assert_eq!(order.next(), None, "is handed something in no round");
        if offered.len() < sessions_max {
            let is_here = |name: &&usize| self.sessions[**name].partition == partition;
            assert_eq!(owed.iter().find(is_here), None, "was left out");
        }
        Seen::Drained { handed, overflowed }
    }

    /// The first entries of the log come to the sessions' queues; returns the sessions that had to end for it.
    fn take_in_all(&mut self, partition: usize, here: &[usize], entries: usize) -> BTreeSet<usize> {
        let for_somebody = self.logs[partition].iter().take(entries).filter(|entry| !entry.names.is_empty());
        assert!(for_somebody.count() <= self.limits.events_per_session.min(self.limits.batch));
        here.iter().for_each(|name| self.take_in(*name, entries));
        self.logs[partition].drain(..entries);
        let overflowed = here.iter().copied().filter(|name| self.sessions[*name].overflowed);
        let overflowed: BTreeSet<usize> = overflowed.collect();
        for &name in &overflowed {
            self.disconnect(name);
        }
        overflowed
    }

    /// Whether what a session is offered still is for the connection for which it was made.
    fn is_handed(&self, name: usize) -> bool {
        let session = &self.sessions[name];
        let is_back = session.in_hand.as_ref().is_some_and(|hand| hand.resumed);
        session.connected && !session.parked && !is_back
    }

    fn call(&mut self, it: usize, call: &Call, pressure: &mut impl Iterator<Item = Pressure>) -> Seen {
        let is_connected = self.sessions[it].connected;
        match *call {
            Call::Nothing => Seen::Nothing,
            Call::Writable if is_connected => self.writable(it),
            Call::Acknowledge { back } if is_connected => self.acknowledge(it, back),
            Call::ParkIt if is_connected => self.park(it),
            Call::ResumeIt { back } if is_connected => self.resume(it, back),
            Call::DisconnectIt if is_connected => self.disconnect(it),
            Call::OpenOutbox if is_connected => self.open_outbox(it),
            Call::Writable
            | Call::Acknowledge { .. }
            | Call::ParkIt
            | Call::ResumeIt { .. }
            | Call::DisconnectIt
            | Call::OpenOutbox => Seen::NoSuchSession,
            Call::Park { who } => self.on(who, |model, name| model.park(name)),
            Call::Resume { who, back } => self.on(who, |model, name| model.resume(name, back)),
            Call::Disconnect { who } => self.on(who, |model, name| model.disconnect(name)),
            Call::DropPartition { partition } => self.drop_partition(partition),
            Call::Move { who, partition } => self.on(who, |model, name| model.move_to(name, partition, pressure)),
            Call::UnsubscribeDiscarding { who, topic } => {
                self.on(who, |model, name| model.unsubscribe_discarding(name, topic))
            }
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
    }

    pub fn acknowledge(&mut self, name: usize, back: u8) -> Seen {
        let through = (self.last + 1).saturating_sub(back.into());
        self.sessions[name].acknowledge(through)
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
        let pending = self.accounted(name).pending as usize;
        let session = &mut self.sessions[name];
        if let Some(hand) = &mut session.in_hand {
            hand.resumed = true;
            hand.woken = true;
        }
        Seen::Resumed { again: events_in(&session.unacknowledged), pending }
    }

    pub fn writable(&mut self, name: usize) -> Seen {
        let session = &mut self.sessions[name];
        match &mut session.in_hand {
            Some(hand) => hand.woken = true,
            None => session.lagging = false,
        }
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
        self.take_in(name, usize::MAX);
        let session = &mut self.sessions[name];
        if session.overflowed {
            self.disconnect(name);
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
        if sequence <= session.connected_after {
            return Fate::NotAddressed;
        }
        let new = session.in_hand.iter().filter(|hand| !hand.again).flat_map(|hand| &hand.items);
        let in_hand: Vec<u64> = new.filter_map(Item::event).collect();
        if in_hand.contains(&sequence) && sequence > session.moved_after {
            // What was discarded behind it may have taken the memory of it along.
            return if session.is_remembered(sequence) { Fate::Offered } else { Fate::Forgotten };
        }
        let queued = session.queue.iter().filter_map(Item::event);
        match queued.chain(self.waiting_in_log(name)).position(|pending| pending == sequence) {
            Some(ahead) => Fate::Pending { ahead: ahead + in_hand.len() },
            // It was for the session where it was before, or not.
            None if sequence <= session.moved_after => Fate::Forgotten,
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
        2 => (who(), partition()).prop_map(|(who, partition)| Op::Move { who, partition }),
        12 => (who(), topic()).prop_map(|(who, topic)| Op::Subscribe { who, topic }),
        3 => (who(), topic()).prop_map(|(who, topic)| Op::Unsubscribe { who, topic }),
        2 => (who(), topic()).prop_map(|(who, topic)| Op::UnsubscribeDiscarding { who, topic }),
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
        1 => (any::<u8>(), 0..3_u8).prop_map(|(who, partition)| Call::Move { who, partition }),
        1 => (any::<u8>(), 0..6_u8).prop_map(|(who, topic)| Call::UnsubscribeDiscarding { who, topic }),
        4 => (0..6_u8, class()).prop_map(|(topic, class)| Call::Publish { topic, class }),
        1 => (0..9_u8).prop_map(|back| Call::Acknowledge { back }),
        1 => Just(Call::ParkIt),
        1 => (0..9_u8).prop_map(|back| Call::ResumeIt { back }),
        1 => any::<u8>().prop_map(|who| Call::Park { who }),
        1 => (any::<u8>(), 0..9_u8).prop_map(|(who, back)| Call::Resume { who, back }),
        1 => Just(Call::OpenOutbox),
        1 => (0..9_u8).prop_map(|back| Call::Fate { back }),
    ];
    let took = prop_oneof![4 => Just(Took::All), 3 => (0..5_u8).prop_map(Took::Some), 1 => Just(Took::Panic)];
    (call, took).prop_map(|(call, took)| Answer { call, took })
}
