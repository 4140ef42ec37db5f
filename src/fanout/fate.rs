//! What became of an event: [`Fate`], and the little that is kept to answer for it.

use super::event::{Gap, Sequence};
use crate::registry::{PartitionId, SessionId};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// What became of one event for one session. Answer of [`Fanout::fate`](super::Fanout::fate).
///
/// The library keeps the audiences of the last events, within a budget, and of each session the last losses. What it
/// no longer knows it calls [`Forgotten`](Fate::Forgotten), never something that might be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// No session with this handle is connected.
    NoSuchSession,
    /// No event with this sequence has been published yet.
    NotPublished,
    /// The session was not in the event's audience.
    NotAddressed,
    /// The session's partition was over its budget; the receipt said so.
    Refused,
    /// The event waits in the session's queue.
    Pending {
        /// How many of the session's events are before it.
        ahead: usize,
    },
    /// The host has it in hand and has not answered yet.
    Offered,
    /// The host took it.
    HandedOver,
    /// It gave way to newer events; this is the gap the session is told instead.
    Dropped(Gap),
    /// The host's callback panicked while it had the event in hand.
    Abandoned,
    /// Too long ago to say.
    Forgotten,
}

/// A session's last losses.
#[derive(Default)]
pub(super) struct Losses {
    gap: Option<Gap>,
    abandoned: Option<(Sequence, Sequence)>,
    /// Losses before this are not known any more.
    known_since: Sequence,
}

impl Losses {
    /// Most sessions never lose anything, so the record is made on the first loss.
    pub fn of(losses: &mut Option<Box<Losses>>) -> &mut Losses {
        losses.get_or_insert_default()
    }

    /// Remembers a gap that is being told. One that was told before and came back, perhaps longer, replaces itself.
    pub fn remember_gap(&mut self, gap: Gap) {
        if let Some(before) = self.gap.replace(gap).filter(|before| before.first != gap.first) {
            self.forget_through(before.last);
        }
    }

    pub fn remember_abandoned(&mut self, first: Sequence, last: Sequence) {
        if let Some((_, last)) = self.abandoned.replace((first, last)) {
            self.forget_through(last);
        }
    }

    fn forget_through(&mut self, last: Sequence) {
        self.known_since = self.known_since.max(Sequence(last.0 + 1));
    }

    pub fn fate(&self, sequence: Sequence) -> Option<Fate> {
        if let Some(gap) = self.gap.filter(|gap| gap.covers(sequence)) {
            return Some(Fate::Dropped(gap));
        }
        if self.abandoned.is_some_and(|(first, last)| (first..=last).contains(&sequence)) {
            return Some(Fate::Abandoned);
        }
        (sequence < self.known_since).then_some(Fate::Forgotten)
    }
}

/// The audiences of the last fan-outs, as many as fit into a budget.
pub(super) struct History {
    recent: VecDeque<Published>,
    bytes: usize,
    bytes_max: usize,
}

/// One fan-out.
pub(super) struct Published {
    sequence: Sequence,
    /// In slot order.
    audience: Vec<SessionId>,
    /// Partitions that refused it.
    refused: SmallVec<[PartitionId; 2]>,
}

/// Whether a fan-out was for a session, as far as is remembered.
pub(super) enum Addressed {
    Yes,
    No,
    Refused,
    Forgotten,
}

impl History {
    pub fn new(bytes_max: usize) -> Self {
        History { recent: VecDeque::new(), bytes: 0, bytes_max }
    }

    /// Remembers a fan-out, unless it alone is over the budget; returns memory that can be used again.
    pub fn remember(
        &mut self,
        sequence: Sequence,
        audience: Vec<SessionId>,
        refused: SmallVec<[PartitionId; 2]>,
    ) -> Vec<SessionId> {
        let published = Published { sequence, audience, refused };
        let bytes = published.bytes();
        if bytes > self.bytes_max {
            return published.audience;
        }
        self.recent.push_back(published);
        self.bytes += bytes;
        let mut spare = Vec::new();
        while self.bytes > self.bytes_max {
            let Some(oldest) = self.recent.pop_front() else {
                break;
            };
            self.bytes -= oldest.bytes();
            spare = oldest.audience;
        }
        spare
    }

    pub fn addressed(&self, session: SessionId, partition: PartitionId, sequence: Sequence) -> Addressed {
        let Ok(at) = self.recent.binary_search_by_key(&sequence, |published| published.sequence) else {
            return Addressed::Forgotten;
        };
        let published = &self.recent[at];
        match published.audience.binary_search(&session) {
            Err(_) => Addressed::No,
            Ok(_) if published.refused.contains(&partition) => Addressed::Refused,
            Ok(_) => Addressed::Yes,
        }
    }
}

impl Published {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.audience.capacity() * size_of::<SessionId>()
    }
}
