//! A row of items for one session: events and, in their places, the gaps that dropped ones left. What waits is one,
//! what was handed over and not acknowledged another.

use super::batch::GAP;
use super::event::{Gap, Sequence};
use super::held_events::HeldEvents;
use std::collections::VecDeque;

/// Four bytes an event. Gaps are rare and stand aside, a mark in their places; two never stand side by side.
#[derive(Clone, Default)]
pub(super) struct Items {
    /// Handles of events, and [`GAP`], oldest first.
    handles: VecDeque<u32>,
    /// The gaps of the marks, in order.
    gaps: VecDeque<Gap>,
}

impl Items {
    /// Events and gaps.
    pub fn len(&self) -> usize {
        self.handles.len()
    }

    pub fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }

    pub fn events(&self) -> usize {
        self.handles.len() - self.gaps.len()
    }

    pub fn push(&mut self, index: u32) {
        self.handles.push_back(index);
    }

    /// Puts a gap behind what is there, and joins it with one that is last there.
    pub fn push_gap(&mut self, gap: Gap) {
        match (self.handles.back(), self.gaps.back_mut()) {
            (Some(&GAP), Some(last)) => *last = last.joined_with(gap),
            _ => {
                self.handles.push_back(GAP);
                self.gaps.push_back(gap);
            }
        }
    }

    /// The oldest event is lost; returns its handle.
    pub fn lose_oldest(&mut self, events: &HeldEvents) -> Option<u32> {
        let gap_before = if self.handles.front() == Some(&GAP) {
            self.handles.pop_front();
            self.gaps.pop_front()
        } else {
            None
        };
        let oldest = self.handles.pop_front()?;
        let lost = Gap::of(events.sequence(oldest));
        self.push_front_gap(gap_before.map_or(lost, |gap| gap.joined_with(lost)));
        Some(oldest)
    }

    /// Takes from the front: at most `events_max` events, the gaps among them, and a gap right behind them.
    pub fn take(&mut self, events_max: usize, mut show: impl FnMut(Taken)) {
        if self.gaps.is_empty() {
            let count = self.handles.len().min(events_max);
            self.handles.drain(..count).for_each(|index| show(Taken::Event(index)));
            return;
        }
        let mut events = 0;
        while let Some(&handle) = self.handles.front() {
            let taken = match handle {
                GAP => self.gaps.pop_front().map(Taken::Gap),
                _ if events == events_max => return,
                index => Some(Taken::Event(index)),
            };
            events += usize::from(handle != GAP);
            self.handles.pop_front();
            taken.into_iter().for_each(&mut show);
        }
    }

    /// Shows what [`take`](Self::take) would take, from the item `skip` on, and takes nothing.
    pub fn peek(&self, skip: usize, events_max: usize, mut show: impl FnMut(Taken)) {
        let skipped_gaps = match self.gaps.is_empty() {
            true => 0,
            false => self.handles.range(..skip).filter(|&&handle| handle == GAP).count(),
        };
        let mut gaps = self.gaps.range(skipped_gaps..);
        let mut events = 0;
        for &handle in self.handles.range(skip..) {
            match handle {
                GAP => gaps.next().into_iter().for_each(|gap| show(Taken::Gap(*gap))),
                _ if events == events_max => return,
                index => {
                    events += 1;
                    show(Taken::Event(index));
                }
            }
        }
    }

    /// Takes the first item if nothing of it comes after `through`.
    pub fn pop_through(&mut self, through: Sequence, events: &HeldEvents) -> Option<Taken> {
        match *self.handles.front()? {
            GAP if self.gaps.front()?.last <= through => {
                self.handles.pop_front();
                self.gaps.pop_front().map(Taken::Gap)
            }
            index if index != GAP && events.sequence(index) <= through => {
                self.handles.pop_front();
                Some(Taken::Event(index))
            }
            _ => None,
        }
    }

    /// Gives memory back when nothing is pending. A quarter of a kilobyte stays: a session that is drained every fifty
    /// events would otherwise allocate each time (measured: 15 % of a whole replay).
    pub fn give_back(&mut self) {
        if self.handles.is_empty() && self.handles.capacity() > 64 {
            self.handles = VecDeque::new();
        }
    }

    /// Takes out the events that `is_wanted` does not want, and shows them; gaps that meet are joined.
    pub fn retain(&mut self, is_wanted: impl Fn(u32) -> bool, mut show: impl FnMut(u32)) {
        let mut gaps = std::mem::take(&mut self.gaps).into_iter();
        for handle in std::mem::take(&mut self.handles) {
            match handle {
                GAP => gaps.next().into_iter().for_each(|gap| self.push_gap(gap)),
                index if is_wanted(index) => self.push(index),
                index => show(index),
            }
        }
    }

    /// Gives each event another handle.
    pub fn rename(&mut self, name: impl Fn(u32) -> u32) {
        self.handles.iter_mut().filter(|handle| **handle != GAP).for_each(|handle| *handle = name(*handle));
    }

    /// Forgets all, and keeps a little memory for the next.
    pub fn clear(&mut self) {
        self.handles.clear();
        self.gaps = VecDeque::new();
        self.give_back();
    }

    pub fn push_front_event(&mut self, index: u32) {
        self.handles.push_front(index);
    }

    /// Puts a gap before what is there, and joins it with one that is first there.
    pub fn push_front_gap(&mut self, gap: Gap) {
        match (self.handles.front(), self.gaps.front_mut()) {
            (Some(&GAP), Some(next)) => *next = gap.joined_with(*next),
            _ => {
                self.handles.push_front(GAP);
                self.gaps.push_front(gap);
            }
        }
    }

    /// Events in order.
    pub fn indices(&self) -> impl Iterator<Item = u32> + '_ {
        self.handles.iter().copied().filter(|&handle| handle != GAP)
    }

    pub fn gaps(&self) -> impl Iterator<Item = Gap> + '_ {
        self.gaps.iter().copied()
    }

    /// Checks the order of events and gaps, and that gaps stand apart.
    pub fn validate(&self, events: &HeldEvents) -> Result<(), String> {
        let mut gaps = self.gaps.iter();
        let mut last = Sequence(0);
        let mut last_handle = None;
        for &handle in &self.handles {
            let (from, to) = match handle {
                GAP if last_handle == Some(GAP) => return Err("two gaps stand side by side".into()),
                GAP => gaps.next().map(|gap| (gap.first, gap.last)).ok_or("a mark has no gap")?,
                index => (events.sequence(index), events.sequence(index)),
            };
            if from <= last || to < from {
                return Err(format!("{from:?} to {to:?} stands behind {last:?}"));
            }
            (last, last_handle) = (to, Some(handle));
        }
        if gaps.next().is_some() { Err("a gap has no mark".into()) } else { Ok(()) }
    }
}

/// One item taken from the front.
pub(super) enum Taken {
    Event(u32),
    Gap(Gap),
}
