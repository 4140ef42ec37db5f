//! The events that a client is still to be told of: [`Untold`].
//!
//! Each is pending, or was dropped and is to be told in a gap, or is in a host's hands. Which it is, is not known from
//! the ends; so when some are discarded, of those that nobody wants any more, it is known how many went but not which.
//! The others among them turn up in the end.

use std::collections::{BTreeSet, VecDeque};

#[derive(Clone, Debug, Default)]
pub struct Untold {
    events: VecDeque<u64>,
    /// So many of the doubtful ones among them were discarded.
    doubtful: BTreeSet<u64>,
    discarded: usize,
}

/// An event, or a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    Event(u64),
    Gap { count: u64, first: u64, last: u64 },
}

impl Item {
    pub fn last(self) -> u64 {
        match self {
            Item::Event(sequence) => sequence,
            Item::Gap { last, .. } => last,
        }
    }

    pub fn event(self) -> Option<u64> {
        match self {
            Item::Event(sequence) => Some(sequence),
            Item::Gap { .. } => None,
        }
    }
}

impl Untold {
    pub fn push(&mut self, sequence: u64) {
        self.events.push_back(sequence);
    }

    pub fn len(&self) -> usize {
        self.events.len() - self.discarded
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Of the events that are not wanted, so many were discarded.
    pub fn discard(&mut self, is_unwanted: impl Fn(u64) -> bool, count: usize) {
        self.doubtful.extend(self.events.iter().copied().filter(|sequence| is_unwanted(*sequence)));
        self.discarded += count;
        self.settle();
    }

    /// The client is told of an event, or of a gap: that must be what comes next.
    pub fn tell(&mut self, item: Item) -> Result<(), &'static str> {
        let (count, first, last) = match item {
            Item::Event(sequence) => (1, sequence, sequence),
            Item::Gap { count, first, last } => (count as usize, first, last),
        };
        let end = self.events.partition_point(|sequence| *sequence <= last);
        let events: Vec<u64> = self.events.drain(..end).collect();
        let (before, within) = events.split_at(events.partition_point(|sequence| *sequence < first));
        let is_sure = |sequence: &u64| !self.doubtful.contains(sequence);
        if before.iter().any(is_sure) {
            return Err("it is not the next");
        }
        if within.first() != Some(&first) || within.last() != Some(&last) {
            return Err("it is not for it, or was told before");
        }
        let sure = within.iter().filter(|sequence| is_sure(sequence) || [first, last].contains(sequence)).count();
        if count < sure || count > within.len() {
            return Err("the gap is not exact");
        }
        let gone = events.len() - count;
        events.iter().for_each(|sequence| _ = self.doubtful.remove(sequence));
        self.discarded = self.discarded.checked_sub(gone).ok_or("more is missing than was discarded")?;
        if self.discarded > self.doubtful.len() {
            return Err("it was discarded");
        }
        self.settle();
        Ok(())
    }

    /// Once all that are in doubt are gone, or none, nothing is in doubt.
    fn settle(&mut self) {
        assert!(self.discarded <= self.doubtful.len(), "more was discarded than is not wanted");
        if self.discarded == self.doubtful.len() {
            self.events.retain(|sequence| !self.doubtful.contains(sequence));
            self.discarded = 0;
        }
        if self.discarded == 0 {
            self.doubtful.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn untold(events: &[u64]) -> Untold {
        let mut untold = Untold::default();
        events.iter().for_each(|event| untold.push(*event));
        untold
    }

    fn gap(count: u64, first: u64, last: u64) -> Item {
        Item::Gap { count, first, last }
    }

    #[test]
    fn what_comes_is_next_or_in_a_gap() {
        let told = |items: &[Item]| {
            let mut untold = untold(&[2, 3, 5, 8]);
            items.iter().try_for_each(|item| untold.tell(*item)).map(|()| untold.len())
        };
        assert_eq!(told(&[Item::Event(2), gap(2, 3, 5), Item::Event(8)]), Ok(0));
        assert_eq!(told(&[gap(4, 2, 8)]), Ok(0));
        for wrong in [Item::Event(3), Item::Event(1), gap(1, 2, 3), gap(3, 2, 3), gap(2, 2, 4), gap(1, 3, 3)] {
            assert!(told(&[wrong]).is_err(), "{wrong:?}");
        }
        assert!(told(&[Item::Event(2), Item::Event(2)]).is_err());
    }

    #[test]
    fn of_what_may_be_discarded_the_right_number_is() {
        let told = |count: usize, items: &[Item]| {
            let mut untold = untold(&[2, 3, 5, 8]);
            untold.discard(|event| event != 5, count);
            items.iter().try_for_each(|item| untold.tell(*item)).map(|()| untold.len())
        };
        assert_eq!(told(0, &[gap(2, 2, 3), Item::Event(5)]), Ok(1));
        assert_eq!(told(3, &[Item::Event(5)]), Ok(0));
        assert_eq!(told(1, &[gap(1, 3, 3), Item::Event(5), Item::Event(8)]), Ok(0));
        assert_eq!(told(1, &[gap(3, 2, 8)]), Ok(0));
        assert_eq!(told(2, &[gap(2, 3, 5)]), Ok(0));
        assert!(told(1, &[Item::Event(5)]).is_err(), "two are missing");
        assert!(told(1, &[gap(2, 2, 8)]).is_err(), "two are missing");
        assert!(told(2, &[gap(2, 2, 3)]).is_err(), "one is left, not two");
        assert!(told(3, &[Item::Event(2)]).is_err(), "all are gone");
    }
}
