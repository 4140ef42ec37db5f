//! `Fanout`, with its registry, workers and outboxes, against a vector of events for each session.

use crate::{script, translate};
use oyez::{
    Class, ConnectError, Discarding, Event, Fanout, FanoutOptions, Fate, MoveError, NoSuchSession, OnPanic, OrderKey,
    Outbox, OutboxError, Overload, PartitionId, Query, RegistryOptions, Sequence, SessionId, SessionOptions,
    SubscribeError, Took, Topic, Unsubscribed, Verdict, Worker, WorkerError,
};
use oyez_model::fanout::{self as model, Answer, Call, Handed, Item, Limits, Model, Op, Pressure, Schedule, Seen, To};
use std::collections::BTreeMap;

/// Settings every script is run with.
const SETTINGS: [Settings; 4] = [
    Settings {
        limits: Limits { events_per_session: 4, batch: 3, round_sessions: 2, log_sessions: 2, ..LIMITS },
        bytes_max: usize::MAX,
    },
    Settings {
        limits: Limits { events_per_session: 3, batch: 99, round_sessions: 64, keep_on_panic: true, ..LIMITS },
        bytes_max: 900,
    },
    Settings {
        limits: Limits { events_per_session: 5, batch: 99, round_sessions: 3, log_sessions: 1, ..LIMITS },
        bytes_max: 1_200,
    },
    // Nearly every session in a word of 64 places of its own.
    Settings {
        limits: Limits {
            sessions_per_partition: 200,
            strangers_between: 39,
            events_per_session: 4,
            batch: 99,
            round_sessions: 3,
            log_sessions: 1,
            ..LIMITS
        },
        bytes_max: usize::MAX,
    },
];

const LIMITS: Limits = Limits {
    partitions: 3,
    sessions_per_partition: 5,
    topics_per_session: 4,
    events_per_session: 0,
    batch: 0,
    round_sessions: 0,
    log_sessions: usize::MAX,
    keep_on_panic: false,
    strangers_between: 0,
};

/// Classes of the model's three policies.
const OVERLOADS: [Overload; 3] = [Overload::DropOldest, Overload::DropNewest, Overload::Disconnect];

/// More than an event takes besides its payload.
const EVENT_BYTES_MAX: usize = 300;

struct Settings {
    limits: Limits,
    /// Budget of a partition.
    bytes_max: usize,
}

/// Runs the script with each of the settings.
///
/// # Panics
///
/// At the first difference, and when an invariant does not hold.
pub fn run(ops: &[Op]) {
    for settings in SETTINGS {
        let mut model = Model::new(settings.limits);
        let mut host = Host::new(&settings);
        script::run("oyez_driver::fanout::run", ops, |op| {
            host.schedule = Schedule::default();
            let seen = host.apply(op, &model);
            let expected = model.apply(op, &mut host.pressure.drain(..), &host.schedule);
            assert_eq!(seen, expected, "{:?}: {op:?}", settings.limits);
            host.compare(&model);
        });
    }
}

/// A host of oyez: the handles it was given, and its workers.
struct Host {
    fanout: Fanout,
    bytes_max: usize,
    sessions: Vec<SessionId>,
    workers: Vec<Worker>,
    outboxes: BTreeMap<usize, Outbox>,
    /// Callbacks that panicked, by partition.
    panics: Vec<u64>,
    /// For each publish of the current operation, what was done to keep to the budget.
    pressure: Vec<Pressure>,
    /// How the drain that is the current operation went.
    schedule: Schedule,
}

impl Host {
    fn new(settings: &Settings) -> Self {
        let limits = settings.limits;
        let registry = RegistryOptions::default()
            .partitions(limits.partitions.into())
            .sessions_per_partition_max(limits.sessions_per_partition)
            .topics_per_session_max(limits.topics_per_session);
        let fanout = Fanout::new(
            FanoutOptions::default()
                .registry(registry)
                .events_per_session_max(limits.events_per_session)
                .batch_max(limits.batch)
                .round_sessions(limits.round_sessions)
                .log_sessions_min(limits.log_sessions)
                .overload(class(0), OVERLOADS[0])
                .overload(class(1), OVERLOADS[1])
                .overload(class(2), OVERLOADS[2])
                .bytes_per_partition_max(settings.bytes_max)
                .on_panic(if limits.keep_on_panic { OnPanic::Keep } else { OnPanic::Abandon }),
        );
        let partitions = if limits.strangers_between == 0 { 0 } else { limits.partitions };
        for partition in (0..partitions.into()).map(PartitionId) {
            // With a window something is known of them, so there are words in which nobody is plain.
            let stranger =
                |_| fanout.connect_with(partition, SessionOptions::default().window(1)).expect("there is room");
            let all: Vec<_> = (0..limits.sessions_per_partition).map(stranger).collect();
            let strangers: Vec<usize> = limits.strangers().collect();
            for place in (0..all.len()).filter(|place| !strangers.contains(place)) {
                fanout.disconnect(all[place]).expect("it is connected");
            }
        }
        let worker = |partition: u8| fanout.worker(PartitionId(partition.into())).expect("the first worker");
        Host {
            workers: (0..limits.partitions).map(worker).collect(),
            fanout,
            bytes_max: settings.bytes_max,
            sessions: Vec::new(),
            outboxes: BTreeMap::new(),
            panics: vec![0; limits.partitions.into()],
            pressure: Vec::new(),
            schedule: Schedule::default(),
        }
    }

    fn compare(&self, model: &Model) {
        self.fanout.validate().expect("every invariant holds");
        let stats = self.fanout.stats();
        let registry = stats.registry;
        assert_eq!((registry.sessions, registry.topics, registry.subscriptions), model.sizes());
        assert_eq!(stats.published, model.last());
        assert_eq!(stats.lagging(), model.lagging());
        for (index, partition) in stats.partitions.iter().enumerate() {
            assert!(partition.accounting.balances());
            assert_eq!(partition.panics, self.panics[index], "panics of partition {index}");
            let (ours, exact) = (translate::accounting(partition.accounting), model.partition_accounting(index));
            // What nobody reads may be pending still in the totals that each session is told it has lost.
            assert!(ours.dropped <= exact.dropped, "partition {index} has dropped too much");
            let ours = model::Accounting { dropped: 0, pending: ours.pending + ours.dropped, ..ours };
            let exact = model::Accounting { dropped: 0, pending: exact.pending + exact.dropped, ..exact };
            assert_eq!(ours, exact, "partition {index}");
            assert!(partition.bytes <= self.bytes_max);
        }
        for (name, &session) in self.sessions.iter().enumerate() {
            let ours = self.fanout.accounting(session).ok().map(translate::accounting);
            assert_eq!(ours, model.accounting(name), "session {name}");
        }
    }

    fn session(&self, who: u8) -> SessionId {
        // Without any session, a handle that was never given.
        let unknown = SessionId::from_bits(u64::MAX);
        if self.sessions.is_empty() { unknown } else { self.sessions[usize::from(who) % self.sessions.len()] }
    }

    fn name(&self, session: SessionId) -> usize {
        self.sessions.iter().position(|known| *known == session).expect("only sessions we connected")
    }

    fn query(&self, to: &To) -> Query {
        let query = Query::any_of(to.topics.iter().map(|&topic| Topic(topic.into())));
        to.except.iter().fold(query, |query, who| query.except(self.session(*who)))
    }

    fn apply(&mut self, op: &Op, model: &Model) -> Seen {
        match *op {
            Op::Connect { partition, window } => match self.connect(partition, usize::from(window % 5)) {
                Ok(session) => {
                    assert!(!self.sessions.contains(&session), "a handle is given once");
                    self.sessions.push(session);
                    Seen::Connected(self.sessions.len() - 1)
                }
                Err(ConnectError::NoSuchPartition(_)) => Seen::NoSuchPartition,
                Err(ConnectError::PartitionFull { .. }) => Seen::PartitionFull,
                Err(error) => unreachable!("{error}"),
            },
            Op::Disconnect { who } => disconnect(&self.fanout, self.session(who)),
            Op::DropPartition { partition } => drop_partition(&self.fanout, partition),
            Op::Move { who, partition } => {
                move_to(&self.fanout, &self.sessions, self.session(who), partition, &mut self.pressure)
            }
            Op::Subscribe { who, topic } => match self.fanout.subscribe(self.session(who), Topic(topic.into())) {
                Ok(joined) => translate::joined(joined),
                Err(SubscribeError::NoSuchSession) => Seen::NoSuchSession,
                Err(SubscribeError::TooManyTopics { .. }) => Seen::TooManyTopics,
                Err(error) => unreachable!("{error}"),
            },
            Op::Unsubscribe { who, topic } => match self.fanout.unsubscribe(self.session(who), Topic(topic.into())) {
                Ok(unsubscribed) => Seen::Left(unsubscribed == Unsubscribed::Left),
                Err(NoSuchSession) => Seen::NoSuchSession,
            },
            Op::UnsubscribeDiscarding { who, topic } => unsubscribe_discarding(&self.fanout, self.session(who), topic),
            Op::Publish { ref to, bytes, class } => {
                let query = self.query(to);
                publish(&self.fanout, &self.sessions, &query, bytes, class, self.bytes_max, &mut self.pressure)
            }
            Op::Drain { partition, sessions_max, ref answers } => self.drain(partition, sessions_max, answers),
            Op::Writable { who } => translate::done(self.fanout.writable(self.session(who))),
            Op::Acknowledge { who, back } => {
                translate::acknowledged(self.fanout.acknowledge(self.session(who), back_from(&self.fanout, back)))
            }
            Op::Park { who } => translate::done(self.fanout.park(self.session(who))),
            Op::Resume { who, back } => {
                translate::resumed(self.fanout.resume(self.session(who), back_from(&self.fanout, back)))
            }
            Op::OpenOutbox { who } => {
                let session = self.session(who);
                match self.fanout.outbox(session) {
                    Ok(outbox) => {
                        self.outboxes.insert(self.name(session), outbox);
                        Seen::Nothing
                    }
                    Err(error) => outbox_refused(error),
                }
            }
            Op::CloseOutbox { who } => {
                if let Some(name) = model.name(who) {
                    self.outboxes.remove(&name);
                }
                Seen::Nothing
            }
            Op::NextBatch { who, events_max } => {
                let outbox = model.name(who).and_then(|name| self.outboxes.get_mut(&name));
                match outbox.map(|outbox| outbox.next_batch(events_max.into())) {
                    None => Seen::Nothing,
                    Some(Ok(batch)) => Seen::Batch(batch.iter().map(item).collect()),
                    Some(Err(NoSuchSession)) => Seen::NoSuchSession,
                }
            }
            Op::Audience(ref to) => self.audience(to),
            Op::Explain { who, ref to } => match self.fanout.explain(self.session(who), &self.query(to)) {
                _ if self.sessions.is_empty() => Seen::NoSuchSession,
                Verdict::Included(topic) => Seen::Verdict(model::Verdict::Included(topic.0 as u8)),
                Verdict::Excluded => Seen::Verdict(model::Verdict::Excluded),
                Verdict::NotSubscribed => Seen::Verdict(model::Verdict::NotSubscribed),
                Verdict::NoSuchSession => Seen::Verdict(model::Verdict::NoSuchSession),
                verdict => unreachable!("{verdict:?}"),
            },
            Op::Fate { .. } if self.sessions.is_empty() => Seen::NoSuchSession,
            Op::Fate { who, back } => fate(&self.fanout, self.session(who), back),
        }
    }

    fn connect(&self, partition: u8, window: usize) -> Result<SessionId, ConnectError> {
        let partition = PartitionId(partition.into());
        match window {
            0 => self.fanout.connect(partition),
            window => self.fanout.connect_with(partition, SessionOptions::default().window(window)),
        }
    }

    fn audience(&self, to: &To) -> Seen {
        let audience = self.fanout.audience(&self.query(to));
        assert_eq!(audience.count(), audience.sessions().len());
        assert_eq!(audience.count(), self.fanout.count(&self.query(to)));
        let mut last_partition = None;
        let mut together = Vec::new();
        for (partition, sessions) in audience.partitions() {
            assert!(last_partition < Some(partition) && !sessions.is_empty(), "one bucket a partition");
            last_partition = Some(partition);
            together.extend_from_slice(sessions);
        }
        assert_eq!(together, audience.sessions());
        let names = together.iter().map(|session| self.name(*session)).collect();
        Seen::Audience(names)
    }

    fn drain(&mut self, partition: u8, sessions_max: u8, answers: &[Answer]) -> Seen {
        let fanout = &self.fanout;
        let Some(worker) = self.workers.get_mut(usize::from(partition)) else {
            let error = fanout.worker(PartitionId(partition.into())).unwrap_err();
            assert!(matches!(error, WorkerError::NoSuchPartition(_)));
            return Seen::NoSuchPartition;
        };
        assert_eq!(fanout.worker(worker.partition()).unwrap_err(), WorkerError::Busy);
        let (sessions, bytes_max, pressure) = (&self.sessions, self.bytes_max, &mut self.pressure);
        let another = |who: u8| sessions[usize::from(who) % sessions.len()];
        let name = |session| sessions.iter().position(|known| *known == session).expect("a session we connected");
        let (partition_id, schedule) = (worker.partition(), &mut self.schedule);
        let set_out = |fanout: &Fanout| fanout.schedule(partition_id).0;
        let mut set_out_at_first = None;
        let mut handed: Vec<Handed> = Vec::new();
        let mut panics = 0;
        let drained = worker.drain(sessions_max.into(), |session, batch| {
            let answer = answers.get(handed.len() % answers.len().max(1));
            let who = name(session);
            if !schedule.rounds.last().is_some_and(|round| round.contains(&who)) {
                let (_, in_hand) = fanout.schedule(partition_id);
                schedule.rounds.push(in_hand.into_iter().map(name).collect());
            }
            schedule.handed.push(who);
            set_out_at_first.get_or_insert_with(|| set_out(fanout));
            let seen = match answer {
                None => Seen::Nothing,
                Some(answer) => match answer.call {
                    Call::Nothing => Seen::Nothing,
                    Call::Writable => translate::done(fanout.writable(session)),
                    Call::Acknowledge { back } => {
                        translate::acknowledged(fanout.acknowledge(session, back_from(fanout, back)))
                    }
                    Call::ParkIt => translate::done(fanout.park(session)),
                    Call::ResumeIt { back } => translate::resumed(fanout.resume(session, back_from(fanout, back))),
                    Call::DisconnectIt => disconnect(fanout, session),
                    Call::Park { who } => translate::done(fanout.park(another(who))),
                    Call::Resume { who, back } => {
                        translate::resumed(fanout.resume(another(who), back_from(fanout, back)))
                    }
                    Call::Disconnect { who } => disconnect(fanout, another(who)),
                    Call::DropPartition { partition } => drop_partition(fanout, partition),
                    Call::Move { who, partition } => move_to(fanout, sessions, another(who), partition, pressure),
                    Call::UnsubscribeDiscarding { who, topic } => unsubscribe_discarding(fanout, another(who), topic),
                    Call::Publish { topic, class } => {
                        publish(fanout, sessions, &Query::topic(Topic(topic.into())), 0, class, bytes_max, pressure)
                    }
                    Call::OpenOutbox => {
                        let error = fanout.outbox(session).expect_err("its batch is in hand");
                        outbox_refused(error)
                    }
                    Call::Fate { back } => fate(fanout, session, back),
                },
            };
            handed.push(Handed { who, items: batch.iter().map(item).collect(), seen });
            match answer.map_or(model::Took::All, |answer| answer.took) {
                model::Took::All => Took::ALL,
                model::Took::Some(taken) => Took(taken.into()),
                model::Took::Panic => {
                    panics += 1;
                    // Without the panic hook: thousands of these are expected.
                    std::panic::resume_unwind(Box::new("the host's callback panics"))
                }
            }
        });
        assert_eq!((drained.sessions, drained.panics.len()), (handed.len(), panics));
        self.panics[usize::from(partition)] += panics as u64;
        schedule.set_out = set_out_at_first.unwrap_or_else(|| set_out(fanout));
        Seen::Drained { handed, overflowed: drained.overflowed.into_iter().map(name).collect() }
    }
}

fn unsubscribe_discarding(fanout: &Fanout, session: SessionId, topic: u8) -> Seen {
    match fanout.unsubscribe_discarding(session, Topic(topic.into())) {
        Ok(Discarding { unsubscribed, discarded, .. }) => {
            Seen::Discarded { left: unsubscribed == Unsubscribed::Left, discarded }
        }
        Err(NoSuchSession) => Seen::NoSuchSession,
    }
}

fn disconnect(fanout: &Fanout, session: SessionId) -> Seen {
    translate::ended(fanout.disconnect(session), Seen::NoSuchSession)
}

fn drop_partition(fanout: &Fanout, partition: u8) -> Seen {
    translate::ended(fanout.drop_partition(PartitionId(partition.into())), Seen::NoSuchPartition)
}

fn class(number: u8) -> Class {
    Class::new(number).expect("there are three")
}

fn back_from(fanout: &Fanout, back: u8) -> Sequence {
    Sequence((fanout.stats().published + 1).saturating_sub(back.into()))
}

fn outbox_refused(error: OutboxError) -> Seen {
    match error {
        OutboxError::NoSuchSession => Seen::NoSuchSession,
        OutboxError::Busy => Seen::Busy,
        error => unreachable!("{error}"),
    }
}

/// Moves a session, and notes what gave way for it.
fn move_to(
    fanout: &Fanout,
    sessions: &[SessionId],
    session: SessionId,
    partition: u8,
    pressure: &mut Vec<Pressure>,
) -> Seen {
    let shed_before: Vec<u64> = sessions.iter().map(|session| shed(fanout, *session)).collect();
    let moved = fanout.move_to(session, PartitionId(partition.into()));
    if moved == Err(MoveError::NoSuchSession) {
        return Seen::NoSuchSession;
    }
    let refusing = if moved == Err(MoveError::OverBudget) { vec![partition] } else { vec![] };
    let shed = sheds_since(fanout, sessions, &shed_before);
    pressure.push(Pressure { shed, refusing, ..Pressure::default() });
    match moved {
        Ok(()) => Seen::Nothing,
        Err(MoveError::NoSuchPartition(_)) => Seen::NoSuchPartition,
        Err(MoveError::PartitionFull { .. }) => Seen::PartitionFull,
        Err(MoveError::Busy) => Seen::Busy,
        Err(MoveError::OverBudget) => Seen::OverBudget,
        Err(error) => unreachable!("{error}"),
    }
}

/// Sessions that had to give up events for want of room, with how many.
fn sheds_since(fanout: &Fanout, sessions: &[SessionId], before: &[u64]) -> Vec<(usize, u64)> {
    let sheds = sessions.iter().zip(before).map(|(session, before)| shed(fanout, *session).saturating_sub(*before));
    sheds.enumerate().filter(|(_, count)| *count > 0).collect()
}

/// Publishes, and checks that a partition refuses and sheds only for its budget, and keeps to it.
fn publish(
    fanout: &Fanout,
    sessions: &[SessionId],
    query: &Query,
    bytes: u8,
    class_number: u8,
    bytes_max: usize,
    pressure: &mut Vec<Pressure>,
) -> Seen {
    let before = fanout.stats().partitions;
    let shed_before: Vec<u64> = sessions.iter().map(|session| shed(fanout, *session)).collect();
    let audience = fanout.audience(query);
    let event = Event::new(OrderKey(bytes.into()), vec![bytes; bytes.into()])
        .class(class(class_number % 3))
        .metadata(u64::from(class_number));
    let receipt = fanout.publish(query, event).expect("the payload is small");
    let after = fanout.stats().partitions;
    let mut too_small = Vec::new();
    for (index, (before, after)) in before.iter().zip(&after).enumerate() {
        let targets = audience.partitions().find(|(partition, _)| usize::from(partition.0) == index);
        let needed = usize::from(bytes) + EVENT_BYTES_MAX + 8 * targets.map_or(0, |(_, sessions)| sessions.len());
        if needed > bytes_max {
            too_small.push(index as u8);
        }
        let is_refused = receipt.refused.iter().any(|refused| usize::from(refused.0) == index);
        if is_refused || after.accounting.shed > before.accounting.shed {
            let held = before.bytes;
            assert!(held.saturating_add(needed) > bytes_max, "{held} bytes held, no room for {needed} more");
        }
    }
    assert_eq!(receipt.count + receipt.refused_count + receipt.overflowed.len(), audience.count());
    let name = |session| sessions.iter().position(|known| *known == session).expect("a session we connected");
    let shed = sheds_since(fanout, sessions, &shed_before);
    let mut shed_and_ended = Vec::new();
    for (partition, targets) in audience.partitions() {
        // What is missing from the partition's count gave way and then ended, in this same publish.
        let at = usize::from(partition.0);
        let is_here = |(name, _): &&(usize, u64)| fanout.partition_of(sessions[*name]) == Ok(partition);
        let told: u64 = shed.iter().filter(is_here).map(|(_, count)| count).sum();
        let untold = after[at].accounting.shed - before[at].accounting.shed - told;
        if untold > 0 {
            let ended = receipt.overflowed.iter().filter(|session| targets.contains(session));
            shed_and_ended.push((ended.map(|session| name(*session)).collect(), untold));
        }
    }
    pressure.push(Pressure { shed, shed_and_ended, refusing: translate::refusing(&receipt), too_small });
    translate::published(&receipt, name)
}

/// Events that a session had to give up for want of room; 0 for one that has ended.
fn shed(fanout: &Fanout, session: SessionId) -> u64 {
    fanout.accounting(session).map_or(0, |accounting| accounting.shed)
}

fn fate(fanout: &Fanout, session: SessionId, back: u8) -> Seen {
    let sequence = back_from(fanout, back);
    Seen::Fate(match fanout.fate(session, sequence) {
        Fate::NoSuchSession => model::Fate::NoSuchSession,
        Fate::NotPublished => model::Fate::NotPublished,
        Fate::NotAddressed => model::Fate::NotAddressed,
        Fate::Refused => model::Fate::Refused,
        Fate::Pending { ahead } => model::Fate::Pending { ahead },
        Fate::Offered => model::Fate::Offered,
        Fate::HandedOver => model::Fate::HandedOver,
        Fate::Missed(gap) => {
            assert!(gap.first <= sequence && sequence <= gap.last);
            model::Fate::Missed
        }
        Fate::Forgotten => model::Fate::Forgotten,
        fate => unreachable!("{fate:?}"),
    })
}

/// Checks that payload, class and metadata are the event's own.
fn item(item: oyez::Item<'_>) -> Item {
    if let oyez::Item::Event(_, event) = item {
        assert_eq!(u64::from(event.class.number()), event.metadata % 3, "its own class and metadata");
        assert!(event.payload.iter().all(|&byte| u64::from(byte) == event.order_key.0), "its own payload");
    }
    translate::item(item)
}

/// One run of a script, a step at a time, with limits of its own.
pub struct Run {
    model: Model,
    host: Host,
}

impl Run {
    pub fn new(limits: Limits, bytes_max: usize) -> Self {
        Run { model: Model::new(limits), host: Host::new(&Settings { limits, bytes_max }) }
    }

    /// # Panics
    ///
    /// At a difference, and when an invariant does not hold.
    pub fn apply(&mut self, op: &Op) -> Seen {
        self.host.schedule = Schedule::default();
        let seen = self.host.apply(op, &self.model);
        let expected = self.model.apply(op, &mut self.host.pressure.drain(..), &self.host.schedule);
        assert_eq!(seen, expected, "{op:?}");
        self.host.compare(&self.model);
        seen
    }
}
