//! What the calls of a fan-out did, and why they refused.

use super::event::{Event, Sequence};
use crate::registry::{NoSuchPartition, NoSuchSession, PartitionId, SessionId, Subscribed, Unsubscribed};
use std::fmt;

/// What [`Fanout::publish`](super::Fanout::publish) did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The number of this fan-out.
    pub sequence: Sequence,
    /// Sessions for which the event was accepted.
    pub count: usize,
    /// Partitions that refused it because their budget is used up; usually none.
    pub refused: Vec<PartitionId>,
    /// Sessions of those partitions that do not get it.
    pub refused_count: usize,
    /// Sessions that ended because their queues were full; their connections are the host's to close. Who ends for an
    /// event that waits in the log is told by the drain ([`Drained::overflowed`](super::Drained::overflowed)).
    pub overflowed: Vec<SessionId>,
}

/// What [`Fanout::resume`](super::Fanout::resume) found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resumed {
    /// Events that come again.
    pub again: usize,
    /// Events that wait behind them.
    pub pending: usize,
}

/// What [`Fanout::unsubscribe_discarding`](super::Fanout::unsubscribe_discarding) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Discarding {
    /// Whether there was a subscription.
    pub unsubscribed: Unsubscribed,
    /// Pending events that were discarded.
    pub discarded: usize,
}

/// Why an acknowledgement was refused. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcknowledgeError {
    /// No session with this handle is connected.
    NoSuchSession,
    /// The session was not handed an event of this sequence: the client is confused, or lies.
    NotHandedOver {
        /// The last sequence that it was handed.
        last: Sequence,
    },
}

/// Why [`Fanout::publish`](super::Fanout::publish) refused. No sequence was used up, and the event comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishError {
    /// The event, as it was given.
    pub event: Event,
    /// What is wrong.
    pub reason: Unpublished,
}

/// What is wrong with a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unpublished {
    /// The payload is larger than [`FanoutOptions::payload_bytes_max`](super::FanoutOptions::payload_bytes_max).
    PayloadTooLarge {
        /// The limit in bytes.
        max: usize,
    },
    /// The fan-out is [closed](super::Fanout::close).
    Closed,
}

/// What [`Fanout::subscribe`](super::Fanout::subscribe) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Joined {
    /// Whether the subscription is new.
    pub subscribed: Subscribed,
    /// Every event of the topic with a greater sequence is for this session, if the subscription is new: the host can
    /// send its state as of this sequence, and none is missed and none comes twice.
    pub after: Sequence,
}

/// Why [`Fanout::worker`](super::Fanout::worker) refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerError {
    /// There is no partition of this number.
    NoSuchPartition(PartitionId),
    /// The partition has a worker already.
    Busy,
}

/// Why [`Fanout::outbox`](super::Fanout::outbox) refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutboxError {
    /// No session with this handle is connected.
    NoSuchSession,
    /// The session has an outbox already, or a worker's callback has its batch in hand.
    Busy,
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Unpublished::PayloadTooLarge { max } => {
                write!(f, "the payload has {} bytes, the limit is {max}", self.event.payload.len())
            }
            Unpublished::Closed => f.write_str("the fan-out is closed"),
        }
    }
}

impl fmt::Display for AcknowledgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AcknowledgeError::NoSuchSession => NoSuchSession.fmt(f),
            AcknowledgeError::NotHandedOver { last } => {
                write!(f, "the session was handed nothing beyond sequence {}", last.0)
            }
        }
    }
}

impl fmt::Display for WorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorkerError::NoSuchPartition(partition) => NoSuchPartition(*partition).fmt(f),
            WorkerError::Busy => f.write_str("the partition has a worker already"),
        }
    }
}

impl fmt::Display for OutboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutboxError::NoSuchSession => NoSuchSession.fmt(f),
            OutboxError::Busy => f.write_str("the session's events are in other hands"),
        }
    }
}

impl From<NoSuchSession> for AcknowledgeError {
    fn from(_: NoSuchSession) -> Self {
        AcknowledgeError::NoSuchSession
    }
}

impl From<NoSuchSession> for OutboxError {
    fn from(_: NoSuchSession) -> Self {
        OutboxError::NoSuchSession
    }
}

impl std::error::Error for PublishError {}
impl std::error::Error for AcknowledgeError {}
impl std::error::Error for WorkerError {}
impl std::error::Error for OutboxError {}
