//! A fan-out with everybody around it, driven by commands, and the log of that.

use super::command::{Command, Publish, Who};
use super::host::{Answer, Behaviour, Call, SimulatedHost, Take};
use super::{Random, Record};
use crate::fanout::{
    AcknowledgeError, Class, Discarding, Event, Fanout, FanoutOptions, Joined, OrderKey, Outbox, OutboxError,
    PublishError, Readiness, Receipt, Resumed, Sequence, SessionOptions, Unpublished, Worker,
};
use crate::registry::{
    ConnectError, MoveError, NoSuchPartition, NoSuchSession, PartitionId, Query, SessionId, SubscribeError, Subscribed,
    Unsubscribed,
};
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write;
use std::str::FromStr;
use std::task::{Context, Poll, Waker};

/// A real [`Fanout`] with a worker for each partition and a [`SimulatedHost`] for each session: it carries out
/// [`Command`]s one by one and keeps a log of them and of what came of each. A run is determined by its options, its
/// seed and its commands, so that a log tells all there is to know of it, and can be replayed: the log of the replay is
/// the same, byte for byte.
///
/// It has no clock of its own. Each command is stamped with the moment that its caller gives, for whoever reads the
/// log; a [`Scheduler`](super::Scheduler) says when that is.
///
/// ```
/// use oyez::testing::{Outcome, Script, Simulation};
/// use oyez::FanoutOptions;
///
/// let script: Script = "seed 1
///     @0 connect 0 window 0 slow 2 50
///     @0 subscribe s0 7
///     @5 publish key 1 class 0 bytes 3 to 7
///     @6 publish key 2 class 0 bytes 3 to 7
///     @6 publish key 1 class 0 bytes 3 to 7
///     @9 drain 0 255
///     @59 writable s0
///     @60 drain 0 255
/// ".parse().unwrap();
/// let options = FanoutOptions::default();
/// let simulation = Simulation::replay(options.clone(), &script);
///
/// let last = simulation.log().lines().last().unwrap();
/// assert_eq!(last, "@60 drain 0 255 -> s0 [3 key 1 class 0 word 3 bytes 3] took all");
/// let again = Simulation::replay(options, &simulation.log().parse().unwrap());
/// assert_eq!(simulation.log(), again.log());
/// ```
#[derive(Debug)]
pub struct Simulation {
    seed: u64,
    handles: Handles,
    hosts: Vec<SimulatedHost>,
    workers: Vec<Worker>,
    outboxes: BTreeMap<Who, Outbox>,
    log: String,
}

/// What a host has in its hands within a callback, too.
#[derive(Debug)]
struct Handles {
    fanout: Fanout,
    partitions: u16,
    sessions: Vec<SessionId>,
    published: u64,
}

/// What came of a [`Command`]. `Display` writes it as in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is done, and there is nothing to tell.
    Done,
    /// There is a new session.
    Connected(Who),
    /// So many topics of the session, or sessions of the partition, have ended.
    Ended(usize),
    /// It is subscribed.
    Joined(Joined),
    /// It is not subscribed any more.
    Left(Unsubscribed),
    /// Nor does it get what was pending from there.
    Discarded(Discarding),
    /// The event is out.
    Published {
        /// Of the fan-out.
        sequence: Sequence,
        /// Sessions for which it was accepted.
        count: usize,
        /// Partitions that refused it.
        refused: Vec<PartitionId>,
        /// Sessions of those.
        refused_count: usize,
        /// Sessions that ended for it.
        overflowed: Vec<Who>,
    },
    /// What a drain did.
    Drained {
        /// Who was offered something, in order.
        handed: Vec<Handed>,
        /// Sessions that ended for an event that had no room in their queues.
        overflowed: Vec<Who>,
    },
    /// Whether the worker has something to do; `None` if it would wait.
    Ready(Option<Readiness>),
    /// So many events that were not acknowledged before.
    Acknowledged(usize),
    /// It is back.
    Resumed(Resumed),
    /// What an outbox gave.
    Batch(Vec<Record>),
    /// Nothing has changed.
    Refused(Refusal),
}

/// Why a [`Command`] was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// No such session is connected.
    NoSuchSession,
    /// There is no partition of this number.
    NoSuchPartition,
    /// The partition holds as many sessions as it may.
    PartitionFull,
    /// The session has as many topics as it may.
    TooManyTopics,
    /// The session was not handed an event of this sequence.
    NotHandedOver,
    /// The session's events are in other hands.
    Busy,
    /// The partition's budget has no room for what the session brings along.
    OverBudget,
    /// The session has no outbox.
    NoOutbox,
    /// The payload is too large.
    PayloadTooLarge,
    /// The fan-out is closed.
    Closed,
}

/// One batch that a worker offered, and what its host did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Handed {
    /// Whose batch.
    pub who: Who,
    /// What was in it.
    pub items: Vec<Record>,
    /// The call that the host made from within its callback.
    pub call: Option<(Command, Outcome)>,
    /// What the host did.
    pub answer: Answer,
}

/// The commands of a log, with their moments and the seed of the hosts. Read from text: a first line `seed 1`, then a
/// line `@MOMENT COMMAND` for each; what stands behind ` -> ` is left out, so that a log is a script.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Script {
    /// Of the simulated hosts.
    pub seed: u64,
    /// With the moment of each.
    pub commands: Vec<(u64, Command)>,
}

/// A text that is not a [`Script`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotAScript {
    /// The line that is wrong, from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
}

impl Simulation {
    /// A fan-out without sessions. Each host gets a seed of its own from this one. O(partitions).
    ///
    /// # Panics
    ///
    /// With no partition.
    pub fn new(options: FanoutOptions, seed: u64) -> Self {
        let partitions = options.registry.partitions;
        let fanout = Fanout::new(options);
        let worker = |partition| fanout.worker(PartitionId(partition)).expect("a new fan-out has no worker");
        Simulation {
            seed,
            workers: (0..partitions).map(worker).collect(),
            handles: Handles { fanout, partitions, sessions: Vec::new(), published: 0 },
            hosts: Vec::new(),
            outboxes: BTreeMap::new(),
            log: format!("seed {seed}\n"),
        }
    }

    /// Carries out a whole script. The cost is that of its commands.
    ///
    /// # Panics
    ///
    /// With no partition.
    pub fn replay(options: FanoutOptions, script: &Script) -> Self {
        let mut simulation = Simulation::new(options, script.seed);
        for (moment, command) in &script.commands {
            simulation.apply(*moment, command);
        }
        simulation
    }

    /// Carries out one command, and logs it as of this moment. The cost is that of the call, and of the text. A host
    /// that wants to be [`writable`](Command::Writable) later says so in its [`Answer`]; to do it is the caller's.
    pub fn apply(&mut self, moment: u64, command: &Command) -> Outcome {
        let outcome = match *command {
            Command::Connect { partition, window, host } => self.connect(partition, window, host),
            Command::Drain { partition, sessions_max } => self.drain(partition, sessions_max),
            Command::Ready(partition) => match self.workers.get_mut(usize::from(partition.0)) {
                None => Outcome::Refused(Refusal::NoSuchPartition),
                Some(worker) => match worker.poll_ready(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(readiness) => Outcome::Ready(Some(readiness)),
                    Poll::Pending => Outcome::Ready(None),
                },
            },
            Command::OpenOutbox(who) => outcome(self.handles.fanout.outbox(self.handles.session(who)), |outbox| {
                self.outboxes.insert(who, outbox);
                Outcome::Done
            }),
            Command::CloseOutbox(who) => match self.outboxes.remove(&who) {
                Some(_) => Outcome::Done,
                None => Outcome::Refused(Refusal::NoOutbox),
            },
            Command::NextBatch(who, events_max) => match self.outboxes.get_mut(&who) {
                Some(outbox) => outcome(outbox.next_batch(events_max), |batch| {
                    Outcome::Batch(batch.iter().map(Record::from).collect())
                }),
                None => Outcome::Refused(Refusal::NoOutbox),
            },
            _ => self.handles.call(command),
        };
        writeln!(self.log, "@{moment} {command} -> {outcome}").expect("a string takes everything");
        outcome
    }

    /// The log so far: the script, and behind each command what came of it. O(1).
    pub fn log(&self) -> &str {
        &self.log
    }

    /// The fan-out. O(1).
    pub fn fanout(&self) -> &Fanout {
        &self.handles.fanout
    }

    /// A session's handle, whether it is still connected or not; `None` if there has been no such session. O(1).
    pub fn session(&self, who: Who) -> Option<SessionId> {
        self.handles.sessions.get(who.0).copied()
    }

    fn connect(&mut self, partition: PartitionId, window: usize, host: Behaviour) -> Outcome {
        let options = if window == 0 { SessionOptions::default() } else { SessionOptions::default().window(window) };
        outcome(self.handles.fanout.connect_with(partition, options), |session| {
            let who = Who(self.hosts.len());
            let seed = Random::new(self.seed.wrapping_add(who.0 as u64)).number();
            self.hosts.push(SimulatedHost::new(host, seed));
            self.handles.sessions.push(session);
            Outcome::Connected(who)
        })
    }

    fn drain(&mut self, partition: PartitionId, sessions_max: usize) -> Outcome {
        let Some(worker) = self.workers.get_mut(usize::from(partition.0)) else {
            return Outcome::Refused(Refusal::NoSuchPartition);
        };
        let (handles, hosts) = (&mut self.handles, &mut self.hosts);
        let mut all = Vec::new();
        let drained = worker.drain(sessions_max, |session, batch| {
            let who = handles.who(session);
            let answer = hosts[who.0].answer(batch);
            let call = answer.call.map(|call| {
                let command = handles.command(call, who, partition);
                let outcome = handles.call(&command);
                (command, outcome)
            });
            all.push(Handed { who, items: batch.iter().map(Record::from).collect(), call, answer });
            answer.give()
        });
        debug_assert_eq!(drained.sessions, all.len());
        let overflowed = drained.overflowed.iter().map(|session| handles.who(*session)).collect();
        Outcome::Drained { handed: all, overflowed }
    }
}

impl Handles {
    /// A handle that was never given, for a session that there has not been.
    fn session(&self, who: Who) -> SessionId {
        self.sessions.get(who.0).copied().unwrap_or(SessionId::from_bits(u64::MAX))
    }

    /// The session that a host means by a number.
    fn another(&self, number: u64) -> Who {
        Who((number % self.sessions.len() as u64) as usize)
    }

    fn who(&self, session: SessionId) -> Who {
        // From behind: a session that is offered something has rather connected lately.
        Who(self.sessions.iter().rposition(|known| *known == session).expect("it connected here"))
    }

    /// What a host's call is as a command.
    fn command(&self, call: Call, who: Who, partition: PartitionId) -> Command {
        match call {
            Call::Writable => Command::Writable(who),
            Call::Acknowledge(through) => Command::Acknowledge(who, through),
            Call::Park => Command::Park(who),
            Call::Resume(acknowledged) => Command::Resume(who, acknowledged),
            Call::Disconnect => Command::Disconnect(who),
            Call::DisconnectAnother(number) => Command::Disconnect(self.another(number)),
            Call::ParkAnother(number) => Command::Park(self.another(number)),
            Call::ResumeAnother(number) => Command::Resume(self.another(number), Sequence(0)),
            Call::MoveAnother(number) => {
                Command::Move(self.another(number), PartitionId((partition.0 + 1) % self.partitions))
            }
            Call::DiscardAnother(number, topic) => Command::UnsubscribeDiscarding(self.another(number), topic),
            Call::DropPartition => Command::DropPartition(partition),
            Call::Publish(topic) => {
                // Order keys that no publisher has that counts from 0.
                let key = OrderKey(1 << 32 | who.0 as u64);
                Command::Publish(Publish { key, class: Class::default(), bytes: 0, to: vec![topic], except: vec![] })
            }
        }
    }

    /// Carries out a command that needs no worker and no outbox.
    fn call(&mut self, command: &Command) -> Outcome {
        let fanout = &self.fanout;
        let done = |()| Outcome::Done;
        match *command {
            Command::Disconnect(who) => outcome(fanout.disconnect(self.session(who)), Outcome::Ended),
            Command::DropPartition(partition) => outcome(fanout.drop_partition(partition), Outcome::Ended),
            Command::Subscribe(who, topic) => outcome(fanout.subscribe(self.session(who), topic), Outcome::Joined),
            Command::Unsubscribe(who, topic) => outcome(fanout.unsubscribe(self.session(who), topic), Outcome::Left),
            Command::UnsubscribeDiscarding(who, topic) => {
                outcome(fanout.unsubscribe_discarding(self.session(who), topic), Outcome::Discarded)
            }
            Command::Move(who, partition) => outcome(fanout.move_to(self.session(who), partition), done),
            Command::Publish(ref publish) => self.publish(publish),
            Command::Writable(who) => outcome(fanout.writable(self.session(who)), done),
            Command::Acknowledge(who, through) => {
                outcome(fanout.acknowledge(self.session(who), through), Outcome::Acknowledged)
            }
            Command::Park(who) => outcome(fanout.park(self.session(who)), done),
            Command::Resume(who, acknowledged) => {
                outcome(fanout.resume(self.session(who), acknowledged), Outcome::Resumed)
            }
            Command::Close => {
                fanout.close();
                Outcome::Done
            }
            Command::Connect { .. }
            | Command::Drain { .. }
            | Command::Ready(_)
            | Command::OpenOutbox(_)
            | Command::CloseOutbox(_)
            | Command::NextBatch(..) => unreachable!("no host calls that from within its callback"),
        }
    }

    fn publish(&mut self, publish: &Publish) -> Outcome {
        let query = Query::any_of(publish.to.iter().copied());
        let query = publish.except.iter().fold(query, |query, who| query.except(self.session(*who)));
        let number = self.published + 1;
        let event = Event::new(publish.key, vec![number as u8; publish.bytes]).class(publish.class).metadata(number);
        outcome(self.fanout.publish(&query, event), |receipt| {
            self.published = number;
            let Receipt { sequence, count, refused, refused_count, overflowed } = receipt;
            let overflowed = overflowed.into_iter().map(|session| self.who(session)).collect();
            Outcome::Published { sequence, count, refused, refused_count, overflowed }
        })
    }
}

fn outcome<T, E: Into<Refusal>>(result: Result<T, E>, done: impl FnOnce(T) -> Outcome) -> Outcome {
    result.map_or_else(|error| Outcome::Refused(error.into()), done)
}

impl FromStr for Script {
    type Err = NotAScript;

    fn from_str(text: &str) -> Result<Self, NotAScript> {
        let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let wrong = |line, text: &str| NotAScript { line, text: text.trim().to_owned() };
        let (first, head) = lines.next().unwrap_or((1, ""));
        let seed = head.trim().strip_prefix("seed ").and_then(|seed| seed.parse().ok());
        let seed = seed.ok_or_else(|| wrong(first, head))?;
        let command = |(number, line): (usize, &str)| stamped(line).ok_or_else(|| wrong(number, line));
        Ok(Script { seed, commands: lines.map(command).collect::<Result<_, _>>()? })
    }
}

fn stamped(line: &str) -> Option<(u64, Command)> {
    let (command, _) = line.split_once(" -> ").unwrap_or((line, ""));
    let (moment, command) = command.trim().strip_prefix('@')?.split_once(' ')?;
    Some((moment.parse().ok()?, command.parse().ok()?))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Done => f.write_str("done"),
            Outcome::Connected(who) => who.fmt(f),
            Outcome::Ended(count) => write!(f, "{count} ended"),
            Outcome::Joined(Joined { subscribed: Subscribed::New, after }) => write!(f, "joined after {}", after.0),
            Outcome::Joined(Joined { subscribed: Subscribed::Already, after }) => write!(f, "was in at {}", after.0),
            Outcome::Left(Unsubscribed::Left) => f.write_str("left"),
            Outcome::Left(Unsubscribed::WasNot) => f.write_str("was not in"),
            Outcome::Discarded(Discarding { unsubscribed: Unsubscribed::Left, discarded }) => {
                write!(f, "left, {discarded} discarded")
            }
            Outcome::Discarded(Discarding { unsubscribed: Unsubscribed::WasNot, .. }) => f.write_str("was not in"),
            Outcome::Published { sequence, count, refused, refused_count, overflowed } => {
                write!(f, "{} for {count}", sequence.0)?;
                if !refused.is_empty() {
                    write!(f, ", not for {refused_count} of partitions")?;
                }
                refused.iter().try_for_each(|partition| write!(f, " {}", partition.0))?;
                if !overflowed.is_empty() {
                    f.write_str(", ended")?;
                }
                overflowed.iter().try_for_each(|who| write!(f, " {who}"))
            }
            Outcome::Drained { handed, overflowed } => {
                match handed.is_empty() {
                    true => f.write_str("nobody")?,
                    false => separated(f, handed, "; ")?,
                }
                if !overflowed.is_empty() {
                    f.write_str(", ended")?;
                }
                overflowed.iter().try_for_each(|who| write!(f, " {who}"))
            }
            Outcome::Ready(None) => f.write_str("waits"),
            Outcome::Ready(Some(Readiness::Ready)) => f.write_str("ready"),
            Outcome::Ready(Some(Readiness::Closed)) => f.write_str("closed"),
            Outcome::Acknowledged(count) => write!(f, "{count} acknowledged"),
            Outcome::Resumed(resumed) => write!(f, "{} again, then {}", resumed.again, resumed.pending),
            Outcome::Batch(items) => in_brackets(f, items),
            Outcome::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl fmt::Display for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.who)?;
        in_brackets(f, &self.items)?;
        if let Some((command, outcome)) = &self.call {
            write!(f, " called {command} ({outcome})")?;
        }
        match self.answer.take {
            Take::All => f.write_str(" took all")?,
            Take::Some(items) => write!(f, " took {items}")?,
            Take::Panic => f.write_str(" panicked")?,
        }
        self.answer.writable_after.map_or(Ok(()), |ticks| write!(f, " for {ticks}"))
    }
}

fn in_brackets(f: &mut fmt::Formatter<'_>, items: &[Record]) -> fmt::Result {
    f.write_str("[")?;
    separated(f, items, ", ")?;
    f.write_str("]")
}

fn separated(f: &mut fmt::Formatter<'_>, all: &[impl fmt::Display], separator: &str) -> fmt::Result {
    let mut all = all.iter();
    all.next().map_or(Ok(()), |first| first.fmt(f))?;
    all.try_for_each(|one| write!(f, "{separator}{one}"))
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::NoSuchSession => "no such session",
            Refusal::NoSuchPartition => "no such partition",
            Refusal::PartitionFull => "the partition is full",
            Refusal::TooManyTopics => "too many topics",
            Refusal::NotHandedOver => "not handed over",
            Refusal::Busy => "in other hands",
            Refusal::OverBudget => "over its budget",
            Refusal::NoOutbox => "no outbox",
            Refusal::PayloadTooLarge => "the payload is too large",
            Refusal::Closed => "closed",
        })
    }
}

impl From<NoSuchSession> for Refusal {
    fn from(_: NoSuchSession) -> Self {
        Refusal::NoSuchSession
    }
}

impl From<NoSuchPartition> for Refusal {
    fn from(_: NoSuchPartition) -> Self {
        Refusal::NoSuchPartition
    }
}

impl From<ConnectError> for Refusal {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::NoSuchPartition(_) => Refusal::NoSuchPartition,
            ConnectError::PartitionFull { .. } => Refusal::PartitionFull,
        }
    }
}

impl From<MoveError> for Refusal {
    fn from(error: MoveError) -> Self {
        match error {
            MoveError::NoSuchSession => Refusal::NoSuchSession,
            MoveError::NoSuchPartition(_) => Refusal::NoSuchPartition,
            MoveError::PartitionFull { .. } => Refusal::PartitionFull,
            MoveError::Busy => Refusal::Busy,
            MoveError::OverBudget => Refusal::OverBudget,
        }
    }
}

impl From<SubscribeError> for Refusal {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::NoSuchSession => Refusal::NoSuchSession,
            SubscribeError::TooManyTopics { .. } => Refusal::TooManyTopics,
        }
    }
}

impl From<PublishError> for Refusal {
    fn from(error: PublishError) -> Self {
        match error.reason {
            Unpublished::PayloadTooLarge { .. } => Refusal::PayloadTooLarge,
            Unpublished::Closed => Refusal::Closed,
        }
    }
}

impl From<AcknowledgeError> for Refusal {
    fn from(error: AcknowledgeError) -> Self {
        match error {
            AcknowledgeError::NoSuchSession => Refusal::NoSuchSession,
            AcknowledgeError::NotHandedOver { .. } => Refusal::NotHandedOver,
        }
    }
}

impl From<OutboxError> for Refusal {
    fn from(error: OutboxError) -> Self {
        match error {
            OutboxError::NoSuchSession => Refusal::NoSuchSession,
            OutboxError::Busy => Refusal::Busy,
        }
    }
}

impl fmt::Display for NotAScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} is not of a script: `{}`", self.line, self.text)
    }
}

impl std::error::Error for NotAScript {}
