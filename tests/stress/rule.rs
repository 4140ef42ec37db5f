//! The rules, what is found to break them, and how much was looked at.

use std::fmt;

pub struct Violation {
    pub rule: Rule,
    pub what: String,
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Sequences are given once each, without holes.
    Sequences,
    /// A publisher's later event has a later sequence.
    PublisherOrder,
    /// A receipt's count is the size of the audience.
    ReceiptCount,
    /// An event that is handed over is one that was published under its sequence.
    Payload,
    /// Nobody gets what it was never subscribed to,
    NeverSubscribed,
    /// or was published before it connected,
    BeforeConnected,
    /// or before it joined,
    BeforeJoined,
    /// or after it left,
    AfterLeft,
    /// or left it out,
    Excepted,
    /// or was refused by its partition.
    Refused,
    /// A batch has something in it.
    EmptyBatch,
    /// Items rise.
    Rises,
    /// A publisher's events come in the order in which it published them.
    KeyOrder,
    /// There is one order that all sessions agree on.
    OneOrder,
    /// What is surely addressed to a session is handed over, or in a gap.
    Lost,
    /// A gap's count is the number of events that are missing,
    GapCount,
    /// and its ends are two of them.
    GapEnds,
    /// What comes again was taken before, all of it, and only after a resume.
    Again,
    /// What is acknowledged does not come again.
    AcknowledgedAgain,
    /// What is not acknowledged comes again after a resume.
    NotAgain,
    /// What was abandoned does not come again.
    AbandonedAgain,
    /// A session that did not take all is left alone until it can take more.
    LeftAlone,
    /// A parked session gets nothing,
    WhileParked,
    /// nor does one that has ended.
    AfterEnd,
    /// A worker serves the sessions that are in its partition.
    Elsewhere,
    /// A session does not move while its batch is in hand.
    InHand,
    /// What is discarded with a subscription came from its topic, and from no other that the session has.
    Discarded,
    /// A session ends once.
    EndsOnce,
    /// A join follows the events before it.
    JoinedAfter,
    /// `Already` and `WasNot` are true.
    Membership,
    /// No event is acknowledged twice.
    AcknowledgedTwice,
    /// The counters are those of the history, and add up.
    Counts,
    /// When all is quiet, something is pending only for sessions that are parked, lagging, or have a full window: no
    /// wake-up was lost.
    Woken,
    /// When all is drained, nothing is pending for a session that is not parked.
    Pending,
}

impl Rule {
    pub const ALL: [Rule; 34] = [
        Rule::Sequences,
        Rule::PublisherOrder,
        Rule::ReceiptCount,
        Rule::Payload,
        Rule::NeverSubscribed,
        Rule::BeforeConnected,
        Rule::BeforeJoined,
        Rule::AfterLeft,
        Rule::Excepted,
        Rule::Refused,
        Rule::EmptyBatch,
        Rule::Rises,
        Rule::KeyOrder,
        Rule::OneOrder,
        Rule::Lost,
        Rule::GapCount,
        Rule::GapEnds,
        Rule::Again,
        Rule::AcknowledgedAgain,
        Rule::NotAgain,
        Rule::AbandonedAgain,
        Rule::LeftAlone,
        Rule::WhileParked,
        Rule::AfterEnd,
        Rule::Elsewhere,
        Rule::InHand,
        Rule::Discarded,
        Rule::EndsOnce,
        Rule::JoinedAfter,
        Rule::Membership,
        Rule::AcknowledgedTwice,
        Rule::Counts,
        Rule::Woken,
        Rule::Pending,
    ];
}

/// How much of what is checked has happened.
#[derive(Debug, Default)]
pub struct Seen {
    pub events: u64,
    pub sessions: u64,
    pub taken: u64,
    pub gaps: u64,
    pub again: u64,
    pub put_back: u64,
    pub panics: u64,
    pub abandoned: u64,
    pub refused: u64,
    pub overflowed: u64,
    pub overflowed_in_drains: u64,
    pub overflowed_in_outboxes: u64,
    pub moves: u64,
    pub discarded: u64,
    pub dropped_with_partition: u64,
    pub outbox_batches: u64,
    pub in_doubt: u64,
}

impl Seen {
    /// All of it; what was never seen was never checked.
    pub fn counts(&self) -> [u64; 16] {
        let Seen { events, sessions, taken, gaps, again, put_back, panics, abandoned, refused, .. } = *self;
        let Seen { overflowed, overflowed_in_drains, moves, discarded, .. } = *self;
        let Seen { dropped_with_partition, outbox_batches, in_doubt, .. } = *self;
        [
            events,
            sessions,
            taken,
            gaps,
            again,
            put_back,
            panics,
            abandoned,
            refused,
            overflowed,
            overflowed_in_drains,
            moves,
            discarded,
            dropped_with_partition,
            outbox_batches,
            in_doubt,
        ]
    }
}
