//! What a client is promised, checked from the ends: [`Checker`] knows what was published, who was subscribed then, and
//! what each session was handed. It knows nothing of queues, budgets and turns.
//!
//! Each client has the list of events that are for it and that it has not been told of (`untold.rs`). Whatever it is
//! handed must come from the front of that list: the next event, or a gap that says exactly how many from there on are
//! missing. So nothing comes twice, in another order, from before its time, or not at all. What it was handed and has
//! not acknowledged comes again after a break, exactly as it was. A move changes nothing of that but whose worker hands
//! it over.

use super::Summary;
use super::untold::{Item, Untold};
use oyez::testing::{Command, Handed, Outcome, Publish, Record, Refusal, Simulation, Take, Who};
use oyez::{OrderKey, PartitionId, Readiness, Sequence, Subscribed, Topic, Unsubscribed};
use std::collections::{BTreeMap, VecDeque};

pub struct Checker {
    partitions: u8,
    clients: Vec<Client>,
    /// The n-th has sequence n + 1.
    events: Vec<Publish>,
    is_closed: bool,
    /// By partition: events that its sessions got while they were there.
    delivered: Vec<u64>,
    summary: Summary,
}

struct Client {
    partition: PartitionId,
    is_connected: bool,
    /// How many events it may have and not have acknowledged; 0 for any number.
    window: usize,
    topics: BTreeMap<Topic, State>,
    is_parked: bool,
    has_outbox: bool,
    is_lagging: bool,
    /// Events for it that it has not been told of.
    fresh: Untold,
    /// What comes again after a break, before those.
    again: VecDeque<Item>,
    /// What it has on this connection and has not acknowledged. Nothing without a window.
    kept: VecDeque<Item>,
    in_hand: Option<InHand>,
    /// The events that it was offered for the first time in the drain that is on its way.
    offered: Vec<u64>,
    /// All events it has.
    received: Vec<u64>,
    acknowledged: u64,
    handed: u64,
    last_of_key: BTreeMap<OrderKey, u64>,
    accepted: u64,
    delivered: u64,
    discarded: u64,
    /// Events in the gaps it was told, each once.
    missed: u64,
}

/// A topic's state as its client has it: what it was given when it joined, as of `after`, and every later event on top.
/// It is stale once one of these did not come.
struct State {
    after: u64,
    given: u64,
    is_stale: bool,
}

/// What a callback has in hand, and what its own call did about it.
struct InHand {
    is_again: bool,
    /// The last of it that is new.
    through: u64,
    acknowledged: u64,
    is_resumed: bool,
    is_woken: bool,
}

impl InHand {
    fn new(is_again: bool, items: &[Item]) -> Self {
        let last = items.last().map_or(0, |item| item.last());
        let through = if is_again { 0 } else { last };
        InHand { is_again, through, acknowledged: 0, is_resumed: false, is_woken: false }
    }
}

/// One gap and another with nothing between them are one when they come again.
fn push(items: &mut VecDeque<Item>, item: Item) {
    match (items.back_mut(), item) {
        (Some(Item::Gap { count, last, .. }), Item::Gap { count: more, last: new_last, .. }) => {
            *count += more;
            *last = new_last;
        }
        _ => items.push_back(item),
    }
}

fn events_in(items: &VecDeque<Item>) -> usize {
    items.iter().filter(|item| item.event().is_some()).count()
}

/// One step of a topic's state: it depends on every event and on their order.
fn applied(state: u64, sequence: u64) -> u64 {
    (state ^ sequence).wrapping_mul(0x0100_0000_01b3).rotate_left(23)
}

impl Client {
    fn new(partition: PartitionId, window: usize) -> Self {
        Client {
            partition,
            is_connected: true,
            window,
            topics: BTreeMap::new(),
            is_parked: false,
            has_outbox: false,
            is_lagging: false,
            fresh: Untold::default(),
            again: VecDeque::new(),
            kept: VecDeque::new(),
            in_hand: None,
            offered: Vec::new(),
            received: Vec::new(),
            acknowledged: 0,
            handed: 0,
            last_of_key: BTreeMap::new(),
            accepted: 0,
            delivered: 0,
            discarded: 0,
            missed: 0,
        }
    }

    /// Everything was handed over and has not been taken back by a break.
    fn is_caught_up(&self) -> bool {
        self.fresh.is_empty() && self.again.is_empty()
    }

    /// It is the worker's to serve, now or when its client can take more, and has something to get.
    fn waits_for_worker(&self) -> bool {
        self.is_connected && !self.is_parked && !self.has_outbox && !self.is_caught_up()
    }

    /// It must be offered something soon.
    fn is_owed(&self) -> bool {
        let is_free = self.is_connected && !self.is_parked && !self.has_outbox && !self.is_lagging;
        let has_room = self.window == 0 || events_in(&self.kept) < self.window;
        is_free && (!self.again.is_empty() || (!self.fresh.is_empty() && has_room))
    }

    /// The items must be the next for it; whether they come again.
    fn check_next(&self, who: Who, items: &[Item]) -> bool {
        assert!(self.is_connected, "{who} has ended, and is handed something");
        assert!(!self.is_parked, "{who} is parked, and is handed something");
        if !self.again.is_empty() {
            let next: Vec<Item> = self.again.iter().copied().take(items.len()).collect();
            assert_eq!(items, next, "{who} is not handed again what it had not acknowledged");
            return true;
        }
        let mut fresh = self.fresh.clone();
        for item in items {
            fresh.tell(*item).unwrap_or_else(|why| panic!("{who} is handed {item:?}: {why}"));
        }
        let events = items.iter().filter(|item| item.event().is_some()).count();
        assert!(self.window == 0 || events_in(&self.kept) + events <= self.window, "{who} has more than its window");
        false
    }

    /// The client has got these.
    fn take(&mut self, who: Who, items: &[Item], hand: InHand, events: &[Publish]) {
        for &item in items {
            if hand.is_again {
                // What was acknowledged in hand is gone already; after a second break it is all to come once more.
                if !hand.is_resumed && self.again.front() == Some(&item) {
                    self.again.pop_front();
                    self.has(item);
                    push(&mut self.kept, item);
                }
                continue;
            }
            self.fresh.tell(item).unwrap_or_else(|why| panic!("{who} is handed {item:?}: {why}"));
            match item {
                Item::Event(sequence) => {
                    self.delivered += 1;
                    let key = events[sequence as usize - 1].key;
                    let before = self.last_of_key.insert(key, sequence);
                    assert!(before < Some(sequence), "{who} is handed events of {key:?} in another order");
                }
                Item::Gap { count, .. } => self.missed += count,
            }
            self.handed = item.last();
            if self.window > 0 && item.last() > hand.acknowledged && hand.is_resumed {
                push(&mut self.again, item);
                continue;
            }
            self.has(item);
            if self.window > 0 && item.last() > hand.acknowledged {
                push(&mut self.kept, item);
            }
        }
    }

    fn has(&mut self, item: Item) {
        match item {
            Item::Event(sequence) => self.received.push(sequence),
            Item::Gap { last, .. } => self.miss(last, |_| true),
        }
    }

    /// One of the events up to this sequence did not come.
    fn miss(&mut self, sequence: u64, is_concerned: impl Fn(&Topic) -> bool) {
        for (topic, state) in &mut self.topics {
            state.is_stale |= sequence > state.after && is_concerned(topic);
        }
    }

    /// Returns how many events were acknowledged by it.
    fn acknowledge(&mut self, through: u64) -> usize {
        let before = events_in(&self.kept) + events_in(&self.again);
        if let Some(hand) = self.in_hand.as_mut().filter(|hand| !hand.is_again) {
            hand.acknowledged = hand.acknowledged.max(through);
        }
        self.acknowledged = self.acknowledged.max(through);
        self.kept.retain(|item| item.last() > through);
        // The client had them before the break.
        let had: Vec<Item> = self.again.iter().copied().filter(|item| item.last() <= through).collect();
        had.into_iter().for_each(|item| self.has(item));
        self.again.retain(|item| item.last() > through);
        before - events_in(&self.kept) - events_in(&self.again)
    }

    /// What it had and did not acknowledge is lost with its old connection. Returns how many events come again.
    fn resume(&mut self, acknowledged: u64) -> usize {
        self.acknowledge(acknowledged);
        if let Some(first) = self.kept.iter().find_map(|item| item.event()) {
            self.received.retain(|&sequence| sequence < first);
        }
        let after = std::mem::take(&mut self.again);
        self.again = std::mem::take(&mut self.kept);
        after.into_iter().for_each(|item| push(&mut self.again, item));
        self.is_parked = false;
        self.is_lagging = false;
        if let Some(hand) = &mut self.in_hand {
            hand.is_resumed = true;
            hand.is_woken = true;
        }
        events_in(&self.again)
    }

    fn end(&mut self) {
        self.is_connected = false;
        self.topics.clear();
    }
}

impl Checker {
    pub fn new(partitions: u8) -> Self {
        Checker {
            partitions,
            clients: Vec::new(),
            events: Vec::new(),
            is_closed: false,
            delivered: vec![0; partitions.into()],
            summary: Summary::default(),
        }
    }

    /// What has happened so far, as far as it is known here.
    pub fn summary(&self) -> Summary {
        let (sessions, events) = (self.clients.len() as u64, self.events.len() as u64);
        let taken = self.clients.iter().map(|client| client.delivered).sum();
        let ended = self.clients.iter().filter(|client| !client.is_connected).count() as u64;
        Summary { sessions, events, taken, ended, ..self.summary }
    }

    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub fn is_connected(&self, who: Who) -> bool {
        self.clients[who.0].is_connected
    }

    pub fn is_parked(&self, who: Who) -> bool {
        self.clients[who.0].is_parked
    }

    pub fn has_outbox(&self, who: Who) -> bool {
        self.clients[who.0].has_outbox
    }

    pub fn window(&self, who: Who) -> usize {
        self.clients[who.0].window
    }

    pub fn is_caught_up(&self, who: Who) -> bool {
        self.clients[who.0].is_caught_up()
    }

    pub fn topics(&self, who: Who) -> impl Iterator<Item = Topic> {
        self.clients[who.0].topics.keys().copied()
    }

    /// The client has everything for it up to here.
    pub fn has_through(&self, who: Who) -> Sequence {
        let client = &self.clients[who.0];
        let kept = client.kept.back().map(|item| item.last());
        let through = if client.window == 0 { client.handed } else { kept.unwrap_or(client.acknowledged) };
        // A host may have acknowledged what it had in hand, and then not have taken it.
        Sequence(through.min(client.handed))
    }

    /// A command was carried out, and this came of it.
    pub fn apply(&mut self, command: &Command, outcome: &Outcome) {
        match (command, outcome) {
            (&Command::Connect { partition, window, .. }, Outcome::Connected(who)) => {
                assert_eq!(who.0, self.clients.len());
                self.clients.push(Client::new(partition, window));
            }
            (Command::Publish(publish), Outcome::Published { .. }) => self.publish(publish, outcome),
            (Command::Publish(_), Outcome::Refused(Refusal::Closed)) => assert!(self.is_closed),
            (Command::Drain { partition, .. }, Outcome::Drained { handed, overflowed }) => {
                overflowed.iter().for_each(|who| self.clients[who.0].end());
                for handed in handed {
                    self.handed(*partition, handed);
                }
                self.clients.iter_mut().for_each(|client| client.offered.clear());
            }
            (&Command::Ready(partition), Outcome::Ready(readiness)) => {
                if *readiness != Some(Readiness::Ready) {
                    let in_it = |client: &&Client| client.partition == partition;
                    let owed = self.clients.iter().filter(in_it).position(Client::is_owed);
                    assert_eq!(owed, None, "the worker of {partition:?} waits, though it has something to do");
                }
                if *readiness == Some(Readiness::Closed) {
                    assert!(self.is_closed);
                    let in_it = |client: &&Client| client.partition == partition;
                    let waits = self.clients.iter().filter(in_it).position(Client::waits_for_worker);
                    assert_eq!(waits, None, "the worker of {partition:?} has handed over everything, it says");
                }
            }
            (&Command::NextBatch(who, _), Outcome::Batch(items)) => {
                assert!(self.clients[who.0].has_outbox);
                let items = self.items(who, items);
                if self.clients[who.0].is_parked && items.is_empty() {
                    return;
                }
                let is_again = self.clients[who.0].check_next(who, &items);
                self.take(who, &items, InHand::new(is_again, &items));
            }
            (Command::Close, _) => self.is_closed = true,
            (&Command::DropPartition(partition), Outcome::Ended(count)) => {
                let mut ended = 0;
                for client in &mut self.clients {
                    if client.partition == partition && client.is_connected {
                        client.end();
                        ended += 1;
                    }
                }
                assert_eq!(*count, ended);
            }
            _ => {
                if let Some(who) = who(command).filter(|who| who.0 < self.clients.len()) {
                    self.apply_to(who, command, outcome);
                }
            }
        }
    }

    /// A command on a session.
    fn apply_to(&mut self, who: Who, command: &Command, outcome: &Outcome) {
        let client = &mut self.clients[who.0];
        if *outcome == Outcome::Refused(Refusal::NoSuchSession) {
            if matches!(command, Command::NextBatch(..)) && client.is_connected {
                // An event that it must not miss came from the log, and its queue was full.
                client.end();
            }
            assert!(!client.is_connected, "{who} is connected, and is said not to be");
            return;
        }
        match (command, outcome) {
            (Command::Disconnect(_), Outcome::Ended(topics)) => {
                assert_eq!(*topics, client.topics.len());
                client.end();
            }
            (&Command::Subscribe(_, topic), Outcome::Joined(joined)) => {
                let is_new = !client.topics.contains_key(&topic);
                assert_eq!(joined.subscribed == Subscribed::New, is_new);
                if is_new {
                    let after = joined.after.0;
                    let given = self.state_as_of(topic, after);
                    self.clients[who.0].topics.insert(topic, State { after, given, is_stale: false });
                }
            }
            (&Command::Unsubscribe(_, topic), Outcome::Left(unsubscribed)) => {
                self.check_state(who, topic);
                let state = self.clients[who.0].topics.remove(&topic);
                assert_eq!(*unsubscribed == Unsubscribed::Left, state.is_some());
            }
            (&Command::UnsubscribeDiscarding(_, topic), Outcome::Discarded(discarding)) => {
                self.check_state(who, topic);
                let client = &mut self.clients[who.0];
                let state = client.topics.remove(&topic);
                assert_eq!(discarding.unsubscribed == Unsubscribed::Left, state.is_some());
                let in_hand = client.in_hand.as_ref().map_or(0, |hand| hand.through);
                let is_unwanted = |sequence: u64| {
                    let to = &self.events[sequence as usize - 1].to;
                    let is_wanted = to.iter().any(|topic| client.topics.contains_key(topic));
                    sequence > in_hand && to.contains(&topic) && !is_wanted
                };
                let count = discarding.discarded;
                assert!(state.is_some() || count == 0, "{who} was not in {topic:?}, and {count} events are discarded");
                client.fresh.discard(is_unwanted, count);
                client.discarded += count as u64;
                self.summary.discarded += count as u64;
            }
            (&Command::Move(_, partition), Outcome::Done) => {
                self.summary.moved += u64::from(client.partition != partition);
                let is_free = client.in_hand.is_none() && !client.has_outbox;
                assert!(is_free || client.partition == partition, "{who} moves, and its events are in other hands");
                client.partition = partition;
            }
            (Command::Move(..), Outcome::Refused(_)) => self.summary.kept_here += 1,
            (Command::Writable(_), Outcome::Done) => match &mut client.in_hand {
                Some(hand) => hand.is_woken = true,
                None => client.is_lagging = false,
            },
            (&Command::Acknowledge(_, through), Outcome::Acknowledged(count)) => {
                assert_eq!(*count, client.acknowledge(through.0), "events that {who} acknowledged");
            }
            (Command::Park(_), Outcome::Done) => client.is_parked = true,
            (&Command::Resume(_, acknowledged), Outcome::Resumed(resumed)) => {
                self.summary.resumed += 1;
                let again = client.resume(acknowledged.0);
                // Its answer to what it was offered in this drain may not count yet.
                let is_offered = |item: &&Item| item.event().is_some_and(|event| client.offered.contains(&event));
                let in_hand = client.again.iter().filter(is_offered).count();
                let is_right = resumed.again == again || resumed.again + in_hand == again;
                assert!(is_right, "{resumed:?}: {again} events come again to {who}, {in_hand} of them perhaps in hand");
                assert!(resumed.pending <= client.fresh.len() + client.offered.len());
            }
            (Command::OpenOutbox(_), Outcome::Done) => {
                assert!(!client.has_outbox);
                client.has_outbox = true;
                client.is_lagging = false;
            }
            (Command::CloseOutbox(_), Outcome::Done) => client.has_outbox = false,
            (_, Outcome::Refused(_)) => {}
            (command, outcome) => unreachable!("{command} -> {outcome}"),
        }
    }

    fn publish(&mut self, publish: &Publish, outcome: &Outcome) {
        let Outcome::Published { sequence, count, refused, refused_count, overflowed } = outcome else { return };
        assert!(!self.is_closed, "the fan-out is closed, and takes in an event");
        self.events.push(publish.clone());
        assert_eq!(sequence.0, self.events.len() as u64, "sequences rise one by one");
        let mut counts = (0, 0, 0);
        for (number, client) in self.clients.iter_mut().enumerate() {
            let who = Who(number);
            let is_to = |topic: &Topic| publish.to.contains(topic);
            if !client.is_connected || !client.topics.keys().any(is_to) {
                continue;
            }
            if overflowed.contains(&who) {
                counts.2 += 1;
                client.end();
            } else if publish.except.contains(&who) {
                client.miss(sequence.0, is_to);
            } else if refused.contains(&client.partition) {
                counts.1 += 1;
                client.miss(sequence.0, is_to);
            } else {
                counts.0 += 1;
                client.accepted += 1;
                client.fresh.push(sequence.0);
            }
        }
        assert_eq!((*count, *refused_count, overflowed.len()), counts, "accepted, refused and ended");
        self.summary.refused += counts.1 as u64;
        self.summary.overflowed += counts.2 as u64;
    }

    fn handed(&mut self, partition: PartitionId, handed: &Handed) {
        let who = handed.who;
        let items = self.items(who, &handed.items);
        let client = &mut self.clients[who.0];
        assert!(client.partition == partition && !client.has_outbox, "{who} is not this worker's to serve");
        assert!(!client.is_lagging, "{who} is lagging, and is offered something");
        assert!(!items.is_empty(), "{who} is offered nothing");
        let is_again = client.check_next(who, &items);
        if !is_again {
            client.offered = items.iter().filter_map(|item| item.event()).collect();
        }
        client.in_hand = Some(InHand::new(is_again, &items));
        if let Some((command, outcome)) = &handed.call {
            self.apply(command, outcome);
        }
        let client = &mut self.clients[who.0];
        let hand = client.in_hand.take().expect("it was put there");
        let taken = match handed.answer.take {
            Take::All => items.len(),
            Take::Some(taken) => taken.min(items.len()),
            Take::Panic => 0,
        };
        client.is_lagging = !hand.is_woken && (taken < items.len() || handed.answer.take == Take::Panic);
        self.summary.panics += u64::from(handed.answer.take == Take::Panic);
        self.summary.calls += u64::from(handed.call.is_some());
        self.take(who, &items[..taken], hand);
    }

    fn take(&mut self, who: Who, items: &[Item], hand: InHand) {
        let gaps = items.iter().filter(|item| item.event().is_none()).count();
        self.summary.gaps += gaps as u64;
        self.summary.again += if hand.is_again { items.len() as u64 } else { 0 };
        let client = &mut self.clients[who.0];
        let before = client.delivered;
        client.take(who, items, hand, &self.events);
        self.delivered[usize::from(client.partition.0)] += client.delivered - before;
    }

    /// Checks that events are as they were published.
    fn items(&self, who: Who, records: &[Record]) -> Vec<Item> {
        let item = |record: &Record| match record {
            Record::Gap(gap) => Item::Gap { count: gap.count, first: gap.first.0, last: gap.last.0 },
            Record::Event(sequence, event) => {
                let published = &self.events[sequence.0 as usize - 1];
                let ours = (event.order_key, event.class, event.metadata, event.payload.len());
                assert_eq!(ours, (published.key, published.class, sequence.0, published.bytes), "what {who} is handed");
                assert!(event.payload.iter().all(|&byte| byte == sequence.0 as u8), "the payload {who} is handed");
                Item::Event(sequence.0)
            }
        };
        records.iter().map(item).collect()
    }

    /// The identity, for each session and in total.
    pub fn compare(&self, simulation: &Simulation) {
        let stats = simulation.fanout().stats();
        let mut pending = vec![0; self.partitions.into()];
        for (number, client) in self.clients.iter().enumerate().filter(|(_, client)| client.is_connected) {
            let session = simulation.session(Who(number)).expect("it has been connected");
            let theirs = simulation.fanout().accounting(session).expect("it is connected");
            assert!(theirs.balances(), "s{number}: {theirs:?}");
            let ours = (client.accepted, client.delivered, client.discarded);
            let theirs_of_that = (theirs.accepted, theirs.delivered, theirs.discarded.unsubscribe);
            assert_eq!(theirs_of_that, ours, "s{number}: accepted, delivered and discarded");
            pending[usize::from(client.partition.0)] += theirs.pending;
            let untold = theirs.pending + theirs.dropped + theirs.abandoned - client.missed;
            assert_eq!(
                client.fresh.len() as u64,
                untold,
                "s{number}: pending, or in a gap that it is still to be told"
            );
        }
        // What is pending for a session counts where it is, what became of the rest where it was then.
        for (partition, theirs) in stats.partitions.iter().enumerate() {
            let theirs = theirs.accounting;
            assert!(theirs.balances(), "{theirs:?}");
            assert_eq!(theirs.delivered, self.delivered[partition], "partition {partition}: delivered");
            // What nobody reads may be pending still in the totals that each session is told it has lost.
            assert!(theirs.pending >= pending[partition], "partition {partition}: pending");
        }
        let accepted = self.clients.iter().map(|client| client.accepted).sum();
        assert_eq!(stats.accounting().accepted, accepted, "accepted in all");
    }

    /// What a host that keeps a topic's state can give of it, of what has been published so far.
    fn state_as_of(&self, topic: Topic, sequence: u64) -> u64 {
        let events = (1..=sequence).zip(&self.events).filter(|(_, event)| event.to.contains(&topic));
        events.fold(0, |state, (sequence, _)| applied(state, sequence))
    }

    /// A client that was told everything, and missed nothing, has the topic's state.
    fn check_state(&self, who: Who, topic: Topic) {
        let client = &self.clients[who.0];
        let Some(state) = client.topics.get(&topic).filter(|state| !state.is_stale && client.is_caught_up()) else {
            return;
        };
        let is_later =
            |sequence: &&u64| **sequence > state.after && self.events[**sequence as usize - 1].to.contains(&topic);
        let later = client.received.iter().filter(is_later);
        let has = later.fold(state.given, |state, sequence| applied(state, *sequence));
        let truth = self.state_as_of(topic, u64::MAX);
        assert_eq!(has, truth, "the state that {who} has of {topic:?}, joined after {}", state.after);
    }

    /// Checks the state of every client that has one.
    pub fn check_states(&self) {
        for (number, client) in self.clients.iter().enumerate().filter(|(_, client)| client.is_connected) {
            client.topics.keys().for_each(|&topic| self.check_state(Who(number), topic));
        }
    }

    /// Every client was told everything, and what it has is the truth.
    pub fn finish(&self, simulation: &Simulation) {
        assert_eq!(simulation.fanout().stats().accounting().pending, 0, "events are still pending");
        for (number, client) in self.clients.iter().enumerate().filter(|(_, client)| client.is_connected) {
            assert!(client.is_caught_up(), "s{number} was not told of {:?} {:?}", client.again, client.fresh);
        }
        self.check_states();
    }
}

/// The session that a command is about.
fn who(command: &Command) -> Option<Who> {
    match *command {
        Command::Disconnect(who)
        | Command::Subscribe(who, _)
        | Command::Unsubscribe(who, _)
        | Command::UnsubscribeDiscarding(who, _)
        | Command::Move(who, _)
        | Command::Writable(who)
        | Command::Acknowledge(who, _)
        | Command::Park(who)
        | Command::Resume(who, _)
        | Command::OpenOutbox(who)
        | Command::CloseOutbox(who)
        | Command::NextBatch(who, _) => Some(who),
        _ => None,
    }
}
