//! What the other end of a session may be like: [`SimulatedHost`].

use super::Random;
use crate::fanout::{Batch, Item, Sequence, Took};
use crate::registry::Topic;
use std::fmt;
use std::panic::resume_unwind;
use std::str::SplitWhitespace;

/// How a [`SimulatedHost`] takes what it is offered. As text, as in a [`Simulation`](super::Simulation)'s log: the name
/// in lower case, and the numbers in the order below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Behaviour {
    /// Takes everything.
    Fast,
    /// Takes at most so many items, and can take more so many ticks later.
    Slow {
        /// Items at a time.
        items: usize,
        /// Until it can take more.
        ticks: u64,
    },
    /// Takes nothing, and never says that it can.
    Stuck,
    /// Takes some items from the front, all of them now and then, and can take more some ticks later.
    Partial {
        /// The longest until it can take more.
        ticks_max: u64,
    },
    /// Panics with one batch in so many, and can take more so many ticks later. Takes everything of the others.
    Panicking {
        /// Once in so many batches.
        one_in: u64,
        /// Until it can take more after a panic.
        ticks: u64,
    },
    /// Calls the library from within its callback, and is otherwise like `Partial`.
    Calling {
        /// Where it publishes to.
        topic: Topic,
        /// The longest until it can take more.
        ticks_max: u64,
    },
}

/// What a host does with a batch. The call comes first, and is its caller's to make; then
/// [`give`](Self::give) is what the callback returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// A call on the library from within the callback.
    pub call: Option<Call>,
    /// How much of the batch it takes.
    pub take: Take,
    /// The ticks after which the host can take more: [`Fanout::writable`](crate::Fanout::writable) is to be called
    /// then.
    pub writable_after: Option<u64>,
}

/// How much of a batch a host takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// All of it.
    All,
    /// So many items.
    Some(usize),
    /// Its callback panics.
    Panic,
}

/// A call that a host makes from within its callback, for the session whose batch it has in hand, or for another: of so
/// many as there are, the one of a number modulo theirs, which may be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call {
    /// It can take more.
    Writable,
    /// The client has everything through here.
    Acknowledge(Sequence),
    /// Its connection broke.
    Park,
    /// It is back on another connection, with everything through here.
    Resume(Sequence),
    /// It ends.
    Disconnect,
    /// Its partition ends.
    DropPartition,
    /// It says something itself.
    Publish(Topic),
    /// Another session ends.
    DisconnectAnother(u64),
    /// Another session's connection broke.
    ParkAnother(u64),
    /// Another session is back on another connection, and says nothing of what its client has.
    ResumeAnother(u64),
    /// Another session moves to the partition behind this worker's, or to the first.
    MoveAnother(u64),
    /// Another session leaves a topic, and what is pending for it from there is discarded.
    DiscardAnother(u64, Topic),
}

/// The other end of one session: asked for each batch, it says what a host would do. Deterministic: the same behaviour
/// and seed give the same answers to the same batches.
///
/// ```
/// use oyez::testing::{Behaviour, Scheduler, SimulatedHost};
/// use oyez::{Event, Fanout, FanoutOptions, OrderKey, PartitionId, Query, Topic};
///
/// let fanout = Fanout::new(FanoutOptions::default());
/// let ada = fanout.connect(PartitionId(0)).unwrap();
/// fanout.subscribe(ada, Topic(7)).unwrap();
/// for text in ["a", "b", "c"] {
///     fanout.publish(&Query::topic(Topic(7)), Event::new(OrderKey(1), text.as_bytes())).unwrap();
/// }
///
/// let mut host = SimulatedHost::new(Behaviour::Slow { items: 2, ticks: 50 }, 1);
/// let mut scheduler = Scheduler::new(1);
/// let mut worker = fanout.worker(PartitionId(0)).unwrap();
/// let mut drain = |scheduler: &mut Scheduler<_>| {
///     let drained = worker.drain(usize::MAX, |session, batch| {
///         let answer = host.answer(batch);
///         if let Some(ticks) = answer.writable_after {
///             scheduler.after(ticks, session);
///         }
///         answer.give()
///     });
///     drained.resume_panics().items
/// };
/// assert_eq!(drain(&mut scheduler), 2);
/// assert_eq!(drain(&mut scheduler), 0); // it lags
/// fanout.writable(scheduler.step().unwrap()).unwrap();
/// assert_eq!((scheduler.clock().now(), drain(&mut scheduler)), (50, 1));
/// ```
#[derive(Clone, Debug)]
pub struct SimulatedHost {
    behaviour: Behaviour,
    random: Random,
}

impl SimulatedHost {
    /// A host that behaves so. O(1).
    pub fn new(behaviour: Behaviour, seed: u64) -> Self {
        SimulatedHost { behaviour, random: Random::new(seed) }
    }

    /// How it behaves. O(1).
    pub fn behaviour(&self) -> Behaviour {
        self.behaviour
    }

    /// What it does with a batch. O(items).
    pub fn answer(&mut self, batch: Batch<'_>) -> Answer {
        let all = Answer { call: None, take: Take::All, writable_after: None };
        match self.behaviour {
            Behaviour::Fast => all,
            Behaviour::Slow { items, .. } if batch.len() <= items => all,
            Behaviour::Slow { items, ticks } => {
                Answer { take: Take::Some(items), writable_after: Some(ticks.max(1)), ..all }
            }
            Behaviour::Stuck => Answer { take: Take::Some(0), ..all },
            Behaviour::Partial { ticks_max } => self.part(batch, ticks_max),
            Behaviour::Panicking { one_in, ticks } if self.random.one_in(one_in) => {
                Answer { take: Take::Panic, writable_after: Some(ticks.max(1)), ..all }
            }
            Behaviour::Panicking { .. } => all,
            Behaviour::Calling { topic, ticks_max } => {
                let call = self.call(batch, topic);
                Answer { call, ..self.part(batch, ticks_max) }
            }
        }
    }

    fn part(&mut self, batch: Batch<'_>, ticks_max: u64) -> Answer {
        let taken = self.random.below(batch.len() as u64 * 3 / 2 + 1) as usize;
        let ticks = 1 + self.random.below(ticks_max);
        if taken >= batch.len() {
            return Answer { call: None, take: Take::All, writable_after: None };
        }
        Answer { call: None, take: Take::Some(taken), writable_after: Some(ticks) }
    }

    fn call(&mut self, batch: Batch<'_>, topic: Topic) -> Option<Call> {
        let nth = self.random.below(batch.len() as u64) as usize;
        let through = batch.iter().nth(nth).map_or(Sequence(0), |item| match item {
            Item::Event(sequence, _) => sequence,
            Item::Gap(gap) => gap.last,
        });
        match self.random.below(100) {
            0..20 => Some(Call::Publish(topic)),
            20..35 => Some(Call::Writable),
            35..55 => Some(Call::Acknowledge(through)),
            55..62 => Some(Call::Park),
            62..70 => Some(Call::Resume(through)),
            70..73 => Some(Call::Resume(Sequence(0))),
            73..75 => Some(Call::Disconnect),
            75..78 => Some(Call::DisconnectAnother(self.random.number())),
            78 => Some(Call::DropPartition),
            79..82 => Some(Call::ParkAnother(self.random.number())),
            82..86 => Some(Call::ResumeAnother(self.random.number())),
            86..89 => Some(Call::MoveAnother(self.random.number())),
            89..91 => Some(Call::DiscardAnother(self.random.number(), topic)),
            _ => None,
        }
    }
}

impl Answer {
    /// What the callback returns. O(1).
    ///
    /// # Panics
    ///
    /// For [`Take::Panic`]: that is how this host answers. The panic hook is not called, so it prints nothing.
    pub fn give(self) -> Took {
        match self.take {
            Take::All => Took::ALL,
            Take::Some(items) => Took(items),
            Take::Panic => resume_unwind(Box::new("a simulated host panics")),
        }
    }
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Behaviour::Fast => f.write_str("fast"),
            Behaviour::Slow { items, ticks } => write!(f, "slow {items} {ticks}"),
            Behaviour::Stuck => f.write_str("stuck"),
            Behaviour::Partial { ticks_max } => write!(f, "partial {ticks_max}"),
            Behaviour::Panicking { one_in, ticks } => write!(f, "panicking {one_in} {ticks}"),
            Behaviour::Calling { topic, ticks_max } => write!(f, "calling {} {ticks_max}", topic.0),
        }
    }
}

impl Behaviour {
    /// Reads what `Display` writes.
    pub(super) fn parse(words: &mut SplitWhitespace<'_>) -> Option<Self> {
        let name = words.next()?;
        let mut number = || words.next()?.parse().ok();
        Some(match name {
            "fast" => Behaviour::Fast,
            "slow" => Behaviour::Slow { items: number()? as usize, ticks: number()? },
            "stuck" => Behaviour::Stuck,
            "partial" => Behaviour::Partial { ticks_max: number()? },
            "panicking" => Behaviour::Panicking { one_in: number()?, ticks: number()? },
            "calling" => Behaviour::Calling { topic: Topic(number()?), ticks_max: number()? },
            _ => return None,
        })
    }
}

impl fmt::Display for Take {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Take::All => f.write_str("all"),
            Take::Some(items) => write!(f, "{items}"),
            Take::Panic => f.write_str("panic"),
        }
    }
}
