//! Ways to deliver events behind one set of traits, so that every contender runs the same loop.
//!
//! Sessions are numbered from 0, and so are topics. A drain shows each session that has something
//! pending once, with everything that is pending, and books what the host took. A peer does this in
//! the cheapest way its design allows; what it cannot do it does not implement.

pub mod arc_queues;
pub mod pointer_set;
pub mod tokio_broadcast;

use oyez::{Event, Fanout, FanoutOptions, Item, OrderKey, PartitionId, Query, SessionId, Took, Topic, Worker};
use std::sync::Arc;

/// What is published: shared by all who get it, in every contender.
pub type Payload = Arc<[u8]>;

/// A payload that says its number.
pub fn numbered(number: u64, bytes: usize) -> Payload {
    let mut payload = vec![0; bytes];
    payload[..8].copy_from_slice(&number.to_le_bytes());
    payload.into()
}

/// The number that a payload says.
pub fn number(payload: &[u8]) -> u64 {
    u64::from_le_bytes(payload[..8].try_into().expect("payloads have at least eight bytes"))
}

/// A host: what is behind the sessions.
pub trait Host {
    fn take(&mut self, session: u32, batch: impl Batch) -> Took;
}

/// What a session is handed.
pub trait Batch {
    fn len(&self) -> usize;
    /// Shows the payloads, in order.
    fn for_each(&self, show: impl FnMut(&[u8]));
}

/// The two halves of the work: neither is timed without the other.
pub trait Delivery {
    /// The name in the tables.
    const NAME: &'static str;
    /// For every session that is subscribed to the topic.
    fn publish(&mut self, topic: u32, payload: &Payload);
    fn drain(&mut self, host: &mut impl Host);
}

/// What has sessions and topics.
pub trait Sessions: Delivery {
    /// So many sessions that are connected and subscribed to nothing.
    fn connected(sessions: u32) -> Self;
    fn subscribe(&mut self, session: u32, topic: u32);
}

/// What bears slow sessions, and sessions that come and go.
pub trait Unsteady: Sessions {
    /// A session that did not take all can take more.
    fn writable(&mut self, session: u32);
    /// A session ends, and another takes its place that is subscribed to nothing.
    fn replace(&mut self, session: u32);
    /// Events that sessions took.
    fn delivered(&self) -> u64;
    /// Addressees that an event was refused for.
    fn refused(&self) -> u64;
    /// Bytes held.
    fn bytes(&self) -> usize;
}

/// Ours: one partition and its worker.
pub struct Oyez {
    pub fanout: Fanout,
    worker: Worker,
    pub sessions: Vec<SessionId>,
}

/// A session's number. With one partition a handle's low half is dense, which is what lets a host keep its connections
/// in a vector; [`Oyez::with_options`] asserts it.
fn place(session: SessionId) -> u32 {
    session.to_bits() as u32
}

impl Oyez {
    pub fn with_options(options: FanoutOptions, sessions: u32) -> Self {
        let fanout = Fanout::new(options);
        let worker = fanout.worker(PartitionId(0)).unwrap();
        let connect = |number| {
            let session = fanout.connect(PartitionId(0)).unwrap();
            assert_eq!(place(session), number);
            session
        };
        let sessions = (0..sessions).map(connect).collect();
        Oyez { fanout, worker, sessions }
    }
}

impl Delivery for Oyez {
    const NAME: &'static str = "oyez";

    fn publish(&mut self, topic: u32, payload: &Payload) {
        let event = Event::new(OrderKey(0), Arc::clone(payload));
        self.fanout.publish(&Query::topic(Topic(u64::from(topic))), event).unwrap();
    }

    fn drain(&mut self, host: &mut impl Host) {
        loop {
            let drained = self.worker.drain(usize::MAX, |session, batch| host.take(place(session), batch));
            if drained.resume_panics().ready == 0 {
                return;
            }
        }
    }
}

impl Batch for oyez::Batch<'_> {
    fn len(&self) -> usize {
        oyez::Batch::len(self)
    }

    fn for_each(&self, mut show: impl FnMut(&[u8])) {
        for item in self.iter() {
            if let Item::Event(_, event) = item {
                show(&event.payload);
            }
        }
    }
}

impl Sessions for Oyez {
    fn connected(sessions: u32) -> Self {
        Oyez::with_options(FanoutOptions::default(), sessions)
    }

    fn subscribe(&mut self, session: u32, topic: u32) {
        self.fanout.subscribe(self.sessions[session as usize], Topic(u64::from(topic))).unwrap();
    }
}

impl Unsteady for Oyez {
    fn writable(&mut self, session: u32) {
        self.fanout.writable(self.sessions[session as usize]).unwrap();
    }

    fn replace(&mut self, session: u32) {
        let handle = &mut self.sessions[session as usize];
        self.fanout.disconnect(*handle).unwrap();
        *handle = self.fanout.connect(PartitionId(0)).unwrap();
        assert_eq!(place(*handle), session, "the only free place");
    }

    fn delivered(&self) -> u64 {
        self.fanout.stats().accounting().delivered
    }

    fn refused(&self) -> u64 {
        self.fanout.stats().refused()
    }

    fn bytes(&self) -> usize {
        self.fanout.stats().partitions.iter().map(|partition| partition.bytes).sum()
    }
}
