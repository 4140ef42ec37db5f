//! What became of an event: [`Fate`], and the little that is kept to answer for it.

use super::event::{Gap, Sequence};
use crate::registry::{Addressed, PartitionId, Places};
use crate::stats::{Accounting, Discarded};
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
    /// The session did not get it, or nobody knows; this is the gap that it is told instead.
    Missed(Gap),
    /// Too long ago to say.
    Forgotten,
}

/// What a session has lost, and of that the last gap.
#[derive(Default)]
pub(super) struct Losses {
    pub dropped: u64,
    /// Of those dropped, for want of room in the partition.
    pub shed: u64,
    pub abandoned: u64,
    /// Discarded when the session unsubscribed.
    pub discarded: u64,
    gap: Option<Gap>,
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
            self.known_since = self.known_since.max(Sequence(before.last.0 + 1));
        }
    }

    /// Nothing is known any more of what came up to this.
    pub fn forget_through(&mut self, sequence: Sequence) {
        self.known_since = self.known_since.max(Sequence(sequence.0 + 1));
    }

    pub fn accounting(&self) -> Accounting {
        let accounting = Accounting {
            dropped: self.dropped,
            shed: self.shed,
            discarded: Discarded { unsubscribe: self.discarded, ..Discarded::default() },
            abandoned: self.abandoned,
            ..Accounting::default()
        };
        Accounting { accepted: accounting.accounted(), ..accounting }
    }

    pub fn fate(&self, sequence: Sequence) -> Option<Fate> {
        if let Some(gap) = self.gap.filter(|gap| gap.covers(sequence)) {
            return Some(Fate::Missed(gap));
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
    audience: SmallVec<[(PartitionId, Places); 1]>,
    /// Partitions that refused it.
    refused: SmallVec<[PartitionId; 2]>,
}

/// Whether a fan-out was for a session, as far as is remembered.
pub(super) enum WasAddressed {
    Yes,
    No,
    Refused,
    Forgotten,
}

impl History {
    pub fn new(bytes_max: usize) -> Self {
        History { recent: VecDeque::new(), bytes: 0, bytes_max }
    }

    /// Remembers a fan-out, unless it alone is over the budget. Copies the audience: O(partitions), and O(n) in a small
    /// partition's share of it.
    pub fn remember(&mut self, sequence: Sequence, audience: &Addressed<'_>, refused: &[PartitionId]) {
        let bytes = bytes(audience.iter().map(|(_, places)| &**places));
        if bytes > self.bytes_max {
            return;
        }
        self.bytes += bytes;
        while self.bytes > self.bytes_max
            && let Some(oldest) = self.recent.pop_front()
        {
            self.bytes -= oldest.bytes();
        }
        let audience = audience.iter().map(|(partition, places)| (*partition, Places::clone(places))).collect();
        self.recent.push_back(Published { sequence, audience, refused: refused.into() });
    }

    /// Whether a fan-out was for the session in this place.
    pub fn addressed(&self, partition: PartitionId, place: usize, sequence: Sequence) -> WasAddressed {
        let Ok(at) = self.recent.binary_search_by_key(&sequence, |published| published.sequence) else {
            return WasAddressed::Forgotten;
        };
        let published = &self.recent[at];
        let mut audience = published.audience.iter();
        match audience.find(|(at, _)| *at == partition) {
            Some((_, places)) if !places.contains(place) => WasAddressed::No,
            None => WasAddressed::No,
            Some(_) if published.refused.contains(&partition) => WasAddressed::Refused,
            Some(_) => WasAddressed::Yes,
        }
    }
}

impl Published {
    fn bytes(&self) -> usize {
        bytes(self.audience.iter().map(|(_, places)| places))
    }
}

/// What a fan-out to these takes.
fn bytes<'a>(audience: impl Iterator<Item = &'a Places>) -> usize {
    size_of::<Published>() + audience.map(Places::bytes).sum::<usize>()
}
