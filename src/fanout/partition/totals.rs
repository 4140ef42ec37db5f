//! What a partition counts: [`Totals`].

use crate::fanout::queue::Queue;
use crate::stats::Accounting;

/// Counters of a whole partition.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) accounting: Accounting,
    pub(super) sessions: usize,
    pub(super) lagging: usize,
    pub(super) parked: usize,
    /// Sessions that the worker has not handed everything in their queues yet.
    pub(super) owed: usize,
    pub(super) unacknowledged: usize,
    pub(super) refused: u64,
    pub(super) gaps: u64,
    pub(super) panics: u64,
}

/// Whether a session that moves comes or goes.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    In,
    Out,
}

impl Totals {
    pub(super) fn accept(&mut self, count: usize) {
        self.accounting.accepted += count as u64;
        self.accounting.pending += count as u64;
    }

    /// Events that are pending for a session that moves are accepted by its new partition instead.
    pub(super) fn transfer(&mut self, count: usize, direction: Direction) {
        for number in [&mut self.accounting.accepted, &mut self.accounting.pending] {
            match direction {
                Direction::In => *number += count as u64,
                Direction::Out => *number -= count as u64,
            }
        }
    }

    pub(super) fn drop_pending(&mut self, count: u64) {
        self.accounting.pending -= count;
        self.accounting.dropped += count;
    }

    /// Counts a queue in as it is now.
    pub(super) fn count(&mut self, queue: &Queue) {
        self.lagging += usize::from(queue.is_lagging());
        self.parked += usize::from(queue.is_parked());
        self.owed += usize::from(queue.is_owed());
        self.unacknowledged += queue.unacknowledged();
    }

    /// Counts a queue out, before it changes.
    pub(super) fn forget(&mut self, queue: &Queue) {
        self.lagging -= usize::from(queue.is_lagging());
        self.parked -= usize::from(queue.is_parked());
        self.owed -= usize::from(queue.is_owed());
        self.unacknowledged -= queue.unacknowledged();
    }
}
