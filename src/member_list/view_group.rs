//! Viewers with the same windows share one update: view groups.

use super::row::Row;
use super::window::{Spans, Window};
use super::{MemberList, MemberListStats};
use ahash::AHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// Someone who has a part of a list on screen: usually a session. The number is the host's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewerId(pub u64);

/// One thing a client does to its array of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListOp {
    /// The rows of this window are replaced by these. Fewer rows than the window is wide: the list ends there.
    Sync {
        /// The window.
        window: Window,
        /// Its rows, from the first on.
        rows: Vec<Row>,
    },
    /// The rows of this window are forgotten; nothing moves.
    Invalidate {
        /// The window.
        window: Window,
    },
}

/// What one view group is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Update {
    /// All viewers with these windows, in order: encode once, send to each.
    pub viewers: Vec<ViewerId>,
    /// What each of them does, in order.
    pub ops: Vec<ListOp>,
}

/// All viewers of one list.
#[derive(Default)]
pub(super) struct ViewGroups {
    spans_of: AHashMap<ViewerId, Spans>,
    /// Ordered, so that the same changes always give the same updates.
    groups: BTreeMap<Spans, ViewGroup>,
    syncs: u64,
    synced_rows: u64,
}

#[derive(Default)]
struct ViewGroup {
    viewers: BTreeSet<ViewerId>,
    /// What the viewers have on screen, for each span: the rows as of the last flush.
    shown: Vec<Vec<Row>>,
    freshness: Freshness,
}

/// Whether all viewers of a group have on screen what `shown` says.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Freshness {
    #[default]
    AsShown,
    /// Someone joined between a change and its flush and has newer rows, so the next flush sends every window.
    Mixed,
}

impl ViewGroups {
    /// Moves a viewer to other spans; what it must do.
    pub fn set_windows(&mut self, viewer: ViewerId, spans: Spans, list: &MemberList) -> Vec<ListOp> {
        let before = match spans.is_empty() {
            true => self.spans_of.remove(&viewer),
            false => self.spans_of.insert(viewer, spans.clone()),
        };
        let before = before.unwrap_or_default();
        if before == spans {
            return Vec::new();
        }
        self.leave(viewer, &before);
        let gone = before.iter().filter(|window| !spans.contains(window));
        let mut ops: Vec<ListOp> = gone.map(|&window| ListOp::Invalidate { window }).collect();
        let rows: Vec<Vec<Row>> = spans.iter().map(|&window| rows_of(list, window)).collect();
        for (&window, rows) in spans.iter().zip(&rows) {
            if !before.contains(&window) {
                ops.push(self.sync(window, rows.clone()));
            }
        }
        self.join(viewer, spans, rows, list);
        ops
    }

    fn leave(&mut self, viewer: ViewerId, spans: &Spans) {
        let Some(group) = self.groups.get_mut(spans) else {
            return;
        };
        group.viewers.remove(&viewer);
        if group.viewers.is_empty() {
            self.groups.remove(spans);
        }
    }

    fn join(&mut self, viewer: ViewerId, spans: Spans, rows: Vec<Vec<Row>>, list: &MemberList) {
        if spans.is_empty() {
            return;
        }
        let group = self.groups.entry(spans).or_default();
        if group.viewers.is_empty() {
            group.shown = rows;
        }
        if !list.shift.is_none() {
            group.freshness = Freshness::Mixed;
        }
        group.viewers.insert(viewer);
    }

    /// One update for each group whose rows are not what its viewers have on screen.
    pub fn flush(&mut self, list: &MemberList) -> Vec<Update> {
        let mut updates = Vec::new();
        let mut groups = std::mem::take(&mut self.groups);
        for (spans, group) in &mut groups {
            let ops = self.flush_group(spans, group, list);
            if !ops.is_empty() {
                updates.push(Update { viewers: group.viewers.iter().copied().collect(), ops });
            }
        }
        self.groups = groups;
        updates
    }

    fn flush_group(&mut self, spans: &Spans, group: &mut ViewGroup, list: &MemberList) -> Vec<ListOp> {
        let freshness = std::mem::take(&mut group.freshness);
        let mut ops = Vec::new();
        for (&window, shown) in spans.iter().zip(&mut group.shown) {
            if freshness == Freshness::AsShown && !list.shift.touches(window.first, window.last) {
                continue;
            }
            let rows = rows_of(list, window);
            if freshness == Freshness::Mixed || rows != *shown {
                shown.clone_from(&rows);
                ops.push(self.sync(window, rows));
            }
        }
        ops
    }

    fn sync(&mut self, window: Window, rows: Vec<Row>) -> ListOp {
        self.syncs += 1;
        self.synced_rows += rows.len() as u64;
        ListOp::Sync { window, rows }
    }

    /// The counters that are about viewers; the others are 0.
    pub fn stats(&self) -> MemberListStats {
        MemberListStats {
            viewers: self.spans_of.len(),
            view_groups: self.groups.len(),
            syncs: self.syncs,
            synced_rows: self.synced_rows,
            ..MemberListStats::default()
        }
    }

    /// Checks that viewers and groups agree.
    pub fn validate(&self) -> Result<(), String> {
        let grouped: usize = self.groups.values().map(|group| group.viewers.len()).sum();
        if grouped != self.spans_of.len() {
            return Err(format!("{grouped} viewers in groups, {} known", self.spans_of.len()));
        }
        for (viewer, spans) in &self.spans_of {
            if !self.groups.get(spans).is_some_and(|group| group.viewers.contains(viewer)) {
                return Err(format!("{viewer:?} is not in the group of its windows"));
            }
        }
        Ok(())
    }
}

fn rows_of(list: &MemberList, window: Window) -> Vec<Row> {
    list.rows(window.first..window.last.saturating_add(1)).collect()
}
