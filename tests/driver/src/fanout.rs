//! `Fanout`, with its registry, workers and outboxes, against a vector of events for each session.

use crate::{script, translate};
use oyez::{
    ConnectError, Event, Fanout, FanoutOptions, Fate, NoSuchSession, OnPanic, OrderKey, Outbox, OutboxError,
    PartitionId, Query, RegistryOptions, Sequence, SessionId, SubscribeError, Took, Topic, Unsubscribed,
    Verdict, Worker, WorkerError,
};
use oyez_model::fanout::{self as model, Answer, Call, Handed, Item, Limits, Model, Op, Seen, To};
use std::collections::BTreeMap;

/// Settings every script is run with.
const SETTINGS: [Settings; 2] = [
    Settings {
        limits: Limits { events_per_session: 4, batch: 3, keep_on_panic: false, ..LIMITS },
        bytes_max: usize::MAX,
    },
    Settings { limits: Limits { events_per_session: 3, batch: 99, keep_on_panic: true, ..LIMITS }, bytes_max: 900 },
];

const LIMITS: Limits = Limits {
    partitions: 3,
    sessions_per_partition: 5,
    topics_per_session: 4,
    events_per_session: 0,
    batch: 0,
    keep_on_panic: false,
};

/// More than an event takes besides its payload.
const EVENT_BYTES_MAX: usize = 200;

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
            let seen = host.apply(op, &model);
            let expected = model.apply(op, &mut host.refusals.drain(..));
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
    /// For each publish of the current operation, the partitions that refused.
    refusals: Vec<Vec<u8>>,
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
                .bytes_per_partition_max(settings.bytes_max)
                .on_panic(if limits.keep_on_panic { OnPanic::Keep } else { OnPanic::Abandon }),
        );
        let worker = |partition: u8| fanout.worker(PartitionId(partition.into())).expect("the first worker");
        Host {
            workers: (0..limits.partitions).map(worker).collect(),
            fanout,
            bytes_max: settings.bytes_max,
            sessions: Vec::new(),
            outboxes: BTreeMap::new(),
            refusals: Vec::new(),
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
            assert_eq!(translate::accounting(partition.accounting), model.partition_accounting(index), "partition {index}");
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
        match to.except {
            Some(who) if !self.sessions.is_empty() => query.except(self.session(who)),
            _ => query,
        }
    }

    fn apply(&mut self, op: &Op, model: &Model) -> Seen {
        match *op {
            Op::Connect { partition } => match self.fanout.connect(PartitionId(partition.into())) {
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
            Op::Publish { ref to, bytes } => {
                let query = self.query(to);
                publish(&self.fanout, &query, bytes, self.bytes_max, &mut self.refusals)
            }
            Op::Drain { partition, sessions_max, ref answers } => self.drain(partition, sessions_max, answers),
            Op::Writable { who } => writable(&self.fanout, self.session(who)),
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
            },
            Op::Fate { .. } if self.sessions.is_empty() => Seen::NoSuchSession,
            Op::Fate { who, back } => fate(&self.fanout, self.session(who), back),
        }
    }

    fn audience(&self, to: &To) -> Seen {
        let audience = self.fanout.audience(&self.query(to));
        assert_eq!(audience.count(), audience.sessions().len());
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
        let (sessions, bytes_max, refusals) = (&self.sessions, self.bytes_max, &mut self.refusals);
        let mut handed: Vec<Handed> = Vec::new();
        let mut panics = 0;
        let drained = worker.drain(sessions_max.into(), |session, batch| {
            let answer = answers.get(handed.len() % answers.len().max(1));
            let who = sessions.iter().position(|known| *known == session).expect("a session we connected");
            let seen = match answer {
                None => Seen::Nothing,
                Some(answer) => match answer.call {
                    Call::Nothing => Seen::Nothing,
                    Call::Writable => writable(fanout, session),
                    Call::DisconnectIt => disconnect(fanout, session),
                    Call::Disconnect { who } => disconnect(fanout, sessions[usize::from(who) % sessions.len()]),
                    Call::DropPartition { partition } => drop_partition(fanout, partition),
                    Call::Publish { topic } => {
                        publish(fanout, &Query::topic(Topic(topic.into())), 0, bytes_max, refusals)
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
        Seen::Drained(handed)
    }
}

fn disconnect(fanout: &Fanout, session: SessionId) -> Seen {
    translate::ended(fanout.disconnect(session), Seen::NoSuchSession)
}

fn drop_partition(fanout: &Fanout, partition: u8) -> Seen {
    translate::ended(fanout.drop_partition(PartitionId(partition.into())), Seen::NoSuchPartition)
}

fn writable(fanout: &Fanout, session: SessionId) -> Seen {
    translate::writable(fanout.writable(session))
}

fn outbox_refused(error: OutboxError) -> Seen {
    match error {
        OutboxError::NoSuchSession => Seen::NoSuchSession,
        OutboxError::Busy => Seen::Busy,
        error => unreachable!("{error}"),
    }
}

/// Publishes, and checks that a partition refuses only for its budget, and keeps to it.
fn publish(fanout: &Fanout, query: &Query, bytes: u8, bytes_max: usize, refusals: &mut Vec<Vec<u8>>) -> Seen {
    let before = fanout.stats().partitions;
    let audience = fanout.audience(query);
    let event = Event::new(OrderKey(bytes.into()), vec![bytes; bytes.into()]);
    let receipt = fanout.publish(query, event).expect("the payload is small");
    for refused in &receipt.refused {
        let targets = audience.partitions().find(|(partition, _)| partition == refused).expect("addressed").1.len();
        let held = before[usize::from(refused.0)].bytes;
        let needed = usize::from(bytes) + EVENT_BYTES_MAX + 4 * targets;
        assert!(held.saturating_add(needed) > bytes_max, "{held} bytes held, refused {needed} more");
    }
    assert_eq!(receipt.count + receipt.refused_count, audience.count());
    refusals.push(translate::refusing(&receipt));
    translate::published(&receipt)
}

fn fate(fanout: &Fanout, session: SessionId, back: u8) -> Seen {
    let sequence = Sequence((fanout.stats().published + 1).saturating_sub(back.into()));
    Seen::Fate(match fanout.fate(session, sequence) {
        Fate::NoSuchSession => model::Fate::NoSuchSession,
        Fate::NotPublished => model::Fate::NotPublished,
        Fate::NotAddressed => model::Fate::NotAddressed,
        Fate::Refused => model::Fate::Refused,
        Fate::Pending { ahead } => model::Fate::Pending { ahead },
        Fate::Offered => model::Fate::Offered,
        Fate::HandedOver => model::Fate::HandedOver,
        Fate::Dropped(gap) => {
            assert!(gap.first <= sequence && sequence <= gap.last);
            model::Fate::Dropped
        }
        Fate::Abandoned => model::Fate::Abandoned,
        Fate::Forgotten => model::Fate::Forgotten,
        fate => unreachable!("{fate:?}"),
    })
}

/// Checks that the payload is the event's own.
fn item(item: oyez::Item<'_>) -> Item {
    if let oyez::Item::Event(_, event) = item {
        assert!(event.payload.iter().all(|&byte| u64::from(byte) == event.order_key.0), "its own payload");
    }
    translate::item(item)
}
