//! Everything about one session, gathered from all threads, and when it was, counted in events.

use crate::history::{Entry, Handed, Published, Sequence, Session, Stamp};
use std::collections::HashSet;

/// Between which events something happened, as far as stamps tell.
#[derive(Default)]
pub struct Clock {
    /// When publishes ended, with the greatest sequence until then.
    ended: Vec<(Stamp, Sequence)>,
    /// When publishes began, with the least sequence from then on.
    began: Vec<(Stamp, Sequence)>,
}

/// Everything about one session.
pub struct Life<'a> {
    pub session: Session,
    /// Where it is, and where it was before it moved.
    pub seats: Vec<Seat>,
    pub window: Option<usize>,
    pub connected: (Stamp, Stamp),
    pub stays: Vec<Stay>,
    pub until: Until,
    pub ended: Option<End>,
    /// The call by which its outbox found that it has ended, unless that ended it.
    pub found_ended: Option<Act>,
    pub is_live: bool,
    pub batches: Vec<Batch<'a>>,
    pub acknowledged: Vec<Act>,
    pub resumed: Vec<Act>,
    pub parked: Vec<Act>,
    /// Whatever lets a lagging session be offered something again.
    pub woken: Vec<Act>,
    pub acknowledged_count: u64,
    pub discards: Vec<Discard>,
    pub addressed: Vec<(Sequence, Certainty)>,
    /// Of the addressed: surely accepted, and then perhaps discarded.
    pub perhaps_discarded: u64,
    /// Of the addressed: refused by the partition.
    pub refused: HashSet<Sequence>,
}

#[derive(Clone, Copy)]
pub struct Batch<'a> {
    pub entry: &'a Entry,
    pub handed: &'a Handed,
    pub thread: usize,
}

/// A time in one partition.
#[derive(Clone, Copy)]
pub struct Seat {
    pub partition: u16,
    /// When it came there, and for which events it was there already.
    pub came: (Stamp, Stamp),
    pub since: Until,
}

/// One subscription, to events after `after`.
#[derive(Clone, Copy)]
pub struct Stay {
    pub topic: u64,
    pub after: Sequence,
    pub until: Until,
    /// When the subscribing was over, and when its end began.
    pub joined: Stamp,
    pub leaves: Stamp,
}

/// A subscription was ended, and so many events were discarded.
#[derive(Clone, Copy)]
pub struct Discard {
    pub topic: u64,
    pub count: usize,
    pub began: Stamp,
    pub ended: Stamp,
    pub until: Until,
}

/// Events up to `sure` are before the end, events from `not` on are after it.
#[derive(Clone, Copy)]
pub struct Until {
    pub sure: Sequence,
    pub not: Sequence,
}

pub const NEVER: Until = Until { sure: Sequence::MAX, not: Sequence::MAX };

impl Until {
    pub fn is_never(self) -> bool {
        self.sure == Sequence::MAX
    }

    pub fn or(self, other: Until) -> Until {
        Until { sure: self.sure.min(other.sure), not: self.not.min(other.not) }
    }
}

/// How a session ended.
#[derive(Clone, Copy)]
pub struct End {
    pub ended: Stamp,
    /// Whose call it was, if that is known.
    pub thread: Option<usize>,
    /// The drain that ended it before it offered anything.
    pub drain_began: Option<Stamp>,
}

#[derive(Clone, Copy, Debug)]
pub struct Act {
    pub began: Stamp,
    pub ended: Stamp,
    pub thread: usize,
    /// Of acknowledgements.
    pub through: Sequence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    Sure,
    Maybe,
}

impl Clock {
    pub fn new(events: &[(&Entry, &Published)]) -> Self {
        let mut ended: Vec<_> = events.iter().map(|(entry, event)| (entry.ended, event.sequence)).collect();
        ended.sort_unstable();
        let mut greatest = 0;
        for (_, sequence) in &mut ended {
            greatest = greatest.max(*sequence);
            *sequence = greatest;
        }
        let mut began: Vec<_> = events.iter().map(|(entry, event)| (entry.began, event.sequence)).collect();
        began.sort_unstable();
        let mut least = Sequence::MAX;
        for (_, sequence) in began.iter_mut().rev() {
            least = least.min(*sequence);
            *sequence = least;
        }
        Clock { ended, began }
    }

    /// When something happened that took from `began` to `ended`.
    pub fn until(&self, began: Stamp, ended: Stamp) -> Until {
        let before = self.ended.partition_point(|(stamp, _)| *stamp < began);
        let after = self.began.partition_point(|(stamp, _)| *stamp <= ended);
        Until {
            sure: before.checked_sub(1).map_or(0, |at| self.ended[at].1),
            not: self.began.get(after).map_or(Sequence::MAX, |(_, sequence)| *sequence),
        }
    }
}

impl Life<'_> {
    pub fn new(session: Session, partition: u16, window: Option<usize>, entry: &Entry) -> Self {
        Life {
            session,
            seats: vec![Seat { partition, came: (entry.began, entry.ended), since: Until { sure: 0, not: 0 } }],
            window,
            connected: (entry.began, entry.ended),
            stays: Vec::new(),
            until: NEVER,
            ended: None,
            found_ended: None,
            is_live: false,
            batches: Vec::new(),
            acknowledged: Vec::new(),
            resumed: Vec::new(),
            parked: Vec::new(),
            woken: Vec::new(),
            acknowledged_count: 0,
            discards: Vec::new(),
            perhaps_discarded: 0,
            addressed: Vec::new(),
            refused: HashSet::new(),
        }
    }

    pub fn is_subscribed(&self, topic: u64) -> bool {
        let last = self.stays.iter().rev().find(|stay| stay.topic == topic);
        last.is_some_and(|stay| stay.until.is_never())
    }

    /// Whether it is in this partition, as far as its history goes.
    pub fn is_in(&self, partition: u16) -> bool {
        self.seats.last().is_some_and(|seat| seat.partition == partition)
    }

    /// Partitions in which it may be at some moment of this time. Only one thread moves a session.
    pub fn may_be_in(&self, began: Stamp, ended: Stamp) -> impl Iterator<Item = u16> {
        let last = self.seats.iter().rposition(|seat| seat.came.1 < began).unwrap_or(0);
        let seats = self.seats.iter().enumerate().filter(move |(at, seat)| *at >= last && seat.came.0 < ended);
        seats.map(|(_, seat)| seat.partition)
    }

    /// Partitions in which it may be when this event is published.
    pub fn may_get_in(&self, sequence: Sequence) -> impl Iterator<Item = u16> {
        let last = self.seats.iter().rposition(|seat| seat.since.not <= sequence).unwrap_or(0);
        let seats = self.seats.iter().enumerate();
        let is_possible = move |(at, seat): &(usize, &Seat)| *at == last || (*at > last && seat.since.sure < sequence);
        seats.filter(is_possible).map(|(_, seat)| seat.partition)
    }

    /// Whether it was surely subscribed to a topic all this time.
    pub fn was_subscribed(&self, topic: u64, began: Stamp, ended: Stamp) -> bool {
        self.stays.iter().any(|stay| stay.topic == topic && stay.joined < began && stay.leaves > ended)
    }

    /// What it surely had by then, or was told that it misses.
    pub fn taken_before(&self, stamp: Stamp) -> HashSet<Sequence> {
        let batches = self.batches.iter().filter(|batch| batch.entry.ended < stamp);
        let taken = batches.flat_map(|batch| &batch.handed.items[..batch.handed.took.unwrap_or(0)]);
        taken.flat_map(|item| item.first()..=item.last()).collect()
    }

    pub fn sort(&mut self) {
        self.batches.sort_by_key(|batch| batch.entry.began);
        self.resumed.sort_by_key(|act| act.began);
    }

    /// Whether it was parked, surely, all the time from `from` to `to`.
    pub fn was_parked(&self, from: Stamp, to: Stamp, thread: Option<usize>) -> bool {
        self.parked.iter().any(|park| {
            let is_before = park.ended < from || (thread == Some(park.thread) && park.ended < to);
            is_before && !self.resumed.iter().any(|resume| resume.ended > park.began && resume.began < to)
        })
    }

    /// Whether it may be parked at a moment.
    pub fn may_be_parked(&self, stamp: Stamp) -> bool {
        let parks = self.parked.iter().filter(|park| park.began < stamp);
        parks
            .into_iter()
            .any(|park| !self.resumed.iter().any(|resume| resume.began > park.ended && resume.ended < stamp))
    }

    /// Whether it may be lagging at a moment: it did not take all of the last batch, and was not woken since.
    pub fn may_lag(&self, stamp: Stamp) -> bool {
        let before = self.batches.iter().rev().find(|batch| batch.entry.began < stamp);
        let left_over = before.filter(|batch| batch.handed.took != Some(batch.handed.items.len()));
        let is_woken = |since: Stamp| self.woken.iter().any(|act| act.began > since && act.ended < stamp);
        left_over.is_some_and(|batch| !is_woken(batch.entry.began))
    }

    /// What its client may have acknowledged by then.
    pub fn maybe_acknowledged(&self, stamp: Stamp) -> Sequence {
        let until_then = self.acknowledged.iter().filter(|act| act.began < stamp);
        until_then.map(|act| act.through).max().unwrap_or(0)
    }

    /// Whether an item that was taken at `taken` was surely acknowledged before `stamp`.
    pub fn was_acknowledged(&self, sequence: Sequence, taken: Stamp, stamp: Stamp) -> bool {
        self.acknowledged.iter().any(|act| act.through >= sequence && act.began > taken && act.ended < stamp)
    }

    /// How many events are addressed to it in a range of sequences: surely, and maybe.
    pub fn addressed_in(&self, first: Sequence, last: Sequence) -> (u64, u64) {
        let from = self.addressed.partition_point(|(sequence, _)| *sequence < first);
        let to = self.addressed.partition_point(|(sequence, _)| *sequence <= last);
        let range = self.addressed.get(from..to).unwrap_or_default();
        let sure = range.iter().filter(|(_, certainty)| *certainty == Certainty::Sure).count() as u64;
        (sure, range.len() as u64 - sure)
    }

    pub fn may_be_addressed(&self, sequence: Sequence) -> bool {
        self.addressed.binary_search_by_key(&sequence, |(sequence, _)| *sequence).is_ok()
    }
}
