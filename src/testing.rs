//! For the tests of a host: [`Recorder`], a sink that remembers what each session was handed; [`SimulatedHost`]s that
//! are slow, stuck, partial takers, panic, or call back; a [`ManualClock`] and a [`Scheduler`] that decides by a seed;
//! and the [`Simulation`], all of it around a real [`Fanout`](crate::Fanout), with a log that can be replayed.

mod command;
mod host;
mod schedule;
mod simulation;

pub use command::{Command, NotACommand, Publish, Who};
pub use host::{Answer, Behaviour, Call, SimulatedHost, Take};
pub use schedule::{ManualClock, Random, Scheduler};
pub use simulation::{Handed, NotAScript, Outcome, Refusal, Script, Simulation};

use crate::fanout::{Batch, Event, Gap, Item, Sequence, Took};
use crate::registry::SessionId;
use std::collections::BTreeMap;
use std::fmt;

/// One thing a session was handed, as an owned value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Events that it did not get.
    Gap(Gap),
    /// An event and its sequence.
    Event(Sequence, Event),
}

/// A sink for [`Worker::drain`](crate::Worker::drain) that takes everything and keeps it by session, in order.
///
/// ```
/// use oyez::testing::{Record, Recorder};
/// use oyez::{Event, Fanout, FanoutOptions, OrderKey, PartitionId, Query, Sequence, Topic};
///
/// let fanout = Fanout::new(FanoutOptions::default());
/// let ada = fanout.connect(PartitionId(0)).unwrap();
/// fanout.subscribe(ada, Topic(7)).unwrap();
/// let event = Event::new(OrderKey(1), *b"hello");
/// fanout.publish(&Query::topic(Topic(7)), event.clone()).unwrap();
///
/// let mut recorder = Recorder::default();
/// fanout.worker(PartitionId(0)).unwrap().drain(usize::MAX, |session, batch| recorder.take(session, batch));
/// assert_eq!(recorder.records(ada), [Record::Event(Sequence(1), event)]);
/// ```
#[derive(Debug, Default)]
pub struct Recorder {
    records: BTreeMap<SessionId, Vec<Record>>,
}

impl Recorder {
    /// Keeps a batch, all of it. O(items).
    pub fn take(&mut self, session: SessionId, batch: Batch<'_>) -> Took {
        self.records.entry(session).or_default().extend(batch.iter().map(Record::from));
        Took::ALL
    }

    /// Everything a session was handed so far, in order. O(log sessions).
    pub fn records(&self, session: SessionId) -> &[Record] {
        self.records.get(&session).map_or(&[], Vec::as_slice)
    }
}

impl From<Item<'_>> for Record {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Gap(gap) => Record::Gap(gap),
            Item::Event(sequence, event) => Record::Event(sequence, event.clone()),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Record::Gap(Gap { count, first, last }) => write!(f, "gap of {count}, {} to {}", first.0, last.0),
            Record::Event(sequence, Event { order_key, class, metadata, payload }) => {
                write!(f, "{} key {} class {}", sequence.0, order_key.0, class.number())?;
                write!(f, " word {metadata} bytes {}", payload.len())
            }
        }
    }
}
