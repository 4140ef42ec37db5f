//! Viewers with the same windows share one update: view groups.
//!
//! All viewers of a group have the same rows on screen, so a group needs only one copy of them to know what a flush
//! must send. Who joins a group between a change and its flush is therefore given what the others have: that costs
//! nothing, and the flush puts all of them right together. Giving it the newest rows was tried: the group then shows
//! two states at once, and the flush must send every window, changed or not.

use super::row::Row;
use super::window::{Spans, Window};
use super::{Counts, MemberList, MemberListStats};
use ahash::AHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// Someone who has a part of a list on screen: usually a session. The number is the host's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewerId(pub u64);

/// One thing a client does to its array of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListOp {
    /// These rows are replaced. Fewer rows than the window is wide: the list ends there.
    Sync {
        /// A window of the viewer's or, when it has the rest on screen, a part of one.
        window: Window,
        /// Its rows, from the first on.
        rows: Vec<Row>,
    },
    /// These rows are forgotten; nothing moves.
    Invalidate {
        /// Rows that are in no window any more.
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

/// What [`MemberList::set_windows`] has to tell the viewer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "the viewer sees nothing of its windows otherwise"]
#[non_exhaustive]
pub struct View {
    /// What it does, in order.
    pub ops: Vec<ListOp>,
    /// The counts that go with the rows, after the ops. `None` when the windows are those it had, or none.
    pub counts: Option<Counts>,
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

struct ViewGroup {
    /// At least one.
    viewers: BTreeSet<ViewerId>,
    /// What every viewer of the group has on screen, for each span.
    shown: Vec<Vec<Row>>,
    as_of: AsOf,
}

/// When `shown` was the list's rows. All viewers of a group are shown the list at one point in time: who joins later is
/// given what the others have, not what the list has become.
enum AsOf {
    /// At the last flush, so what has changed since tells whether the rows may have.
    LastFlush,
    /// Between a change and its flush, when the first of the viewers came. Changes that were taken back since then
    /// leave no trace in the list, so the next flush compares the rows, and these counts.
    Amid(Counts),
}

impl ViewGroups {
    /// Moves a viewer to other spans; what it must do.
    pub fn set_windows(&mut self, viewer: ViewerId, spans: Spans, list: &MemberList) -> View {
        let before = self.spans_of.get(&viewer).cloned().unwrap_or_default();
        if before == spans {
            return View::default();
        }
        let gone = before.iter().flat_map(|window| window.without(&spans));
        let mut ops: Vec<ListOp> = gone.map(|window| ListOp::Invalidate { window }).collect();
        let mut counts = None;
        if !spans.is_empty() {
            let group = self.groups.entry(spans.clone()).or_insert_with(|| ViewGroup::new(&spans, list));
            group.viewers.insert(viewer);
            counts = Some(group.counts(list).clone());
            let has: Vec<Part<'_>> =
                self.groups.get(&before).map_or(Vec::new(), |group| group.screen(&before).collect());
            let lacks = self.groups[&spans].screen(&spans).flat_map(|wanted| wanted.beyond(&has));
            ops.extend(lacks.map(Part::sync));
        }
        self.count(&ops);
        self.leave(viewer, &before);
        match spans.is_empty() {
            true => self.spans_of.remove(&viewer),
            false => self.spans_of.insert(viewer, spans),
        };
        View { ops, counts }
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

    /// Whether this is a viewer.
    pub fn contains(&self, viewer: ViewerId) -> bool {
        self.spans_of.contains_key(&viewer)
    }

    /// The number of viewers.
    pub fn viewer_count(&self) -> usize {
        self.spans_of.len()
    }

    /// Whether some viewer was given counts other than these since the last flush.
    pub fn were_given_other(&self, counts: &Counts) -> bool {
        self.groups.values().any(|group| matches!(&group.as_of, AsOf::Amid(given) if given != counts))
    }

    /// One update for each group whose rows are not what its viewers have on screen.
    pub fn flush(&mut self, list: &MemberList) -> Vec<Update> {
        let mut updates = Vec::new();
        for (spans, group) in &mut self.groups {
            let ops = group.flush(spans, list);
            if !ops.is_empty() {
                updates.push(Update { viewers: group.viewers.iter().copied().collect(), ops });
            }
        }
        updates.iter().for_each(|update| self.count(&update.ops));
        updates
    }

    fn count(&mut self, ops: &[ListOp]) {
        for op in ops {
            if let ListOp::Sync { rows, .. } = op {
                self.syncs += 1;
                self.synced_rows += rows.len() as u64;
            }
        }
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

    /// Checks that viewers and groups agree, and that what has not changed since the last flush is shown as it is.
    pub fn validate(&self, list: &MemberList) -> Result<(), String> {
        let grouped: usize = self.groups.values().map(|group| group.viewers.len()).sum();
        if grouped != self.spans_of.len() {
            return Err(format!("{grouped} viewers in groups, {} known", self.spans_of.len()));
        }
        for (viewer, spans) in &self.spans_of {
            if !self.groups.get(spans).is_some_and(|group| group.viewers.contains(viewer)) {
                return Err(format!("{viewer:?} is not in the group of its windows"));
            }
        }
        for (spans, group) in &self.groups {
            if group.viewers.is_empty() {
                return Err(format!("nobody looks at {spans:?}"));
            }
            for Part { window, rows } in group.screen(spans) {
                let is_as_of_flush = matches!(group.as_of, AsOf::LastFlush);
                let is_current = is_as_of_flush && !list.shift.touches(window.first, window.last);
                if is_current && rows != rows_of(list, window) {
                    return Err(format!("{window:?} has not changed, and shows other rows"));
                }
            }
        }
        Ok(())
    }
}

impl ViewGroup {
    /// A group without viewers, who will be shown the list as it is.
    fn new(spans: &Spans, list: &MemberList) -> Self {
        ViewGroup {
            viewers: BTreeSet::new(),
            shown: spans.iter().map(|&window| rows_of(list, window)).collect(),
            as_of: if list.shift.is_none() { AsOf::LastFlush } else { AsOf::Amid(list.counts()) },
        }
    }

    /// The counts that go with what is shown.
    fn counts<'a>(&'a self, list: &'a MemberList) -> &'a Counts {
        match &self.as_of {
            AsOf::LastFlush => &list.flushed_counts,
            AsOf::Amid(counts) => counts,
        }
    }

    /// Brings `shown` up to date; what the viewers must do.
    fn flush(&mut self, spans: &Spans, list: &MemberList) -> Vec<ListOp> {
        let as_of = std::mem::replace(&mut self.as_of, AsOf::LastFlush);
        let mut ops = Vec::new();
        for (&window, shown) in spans.iter().zip(&mut self.shown) {
            if matches!(as_of, AsOf::LastFlush) && !list.shift.touches(window.first, window.last) {
                continue;
            }
            let rows = rows_of(list, window);
            if rows != *shown {
                *shown = rows;
                ops.push(Part { window, rows: shown }.sync());
            }
        }
        ops
    }

    fn screen(&self, spans: &Spans) -> impl Iterator<Item = Part<'_>> {
        spans.iter().zip(&self.shown).map(|(&window, rows)| Part { window, rows })
    }
}

/// A window and its rows; fewer than it is wide where the list ends.
#[derive(Clone, Copy)]
struct Part<'a> {
    window: Window,
    rows: &'a [Row],
}

impl<'a> Part<'a> {
    /// What this shows in a window inside its own.
    fn within(self, window: Window) -> Self {
        let from = (window.first - self.window.first).min(self.rows.len());
        let width = (window.last - window.first).saturating_add(1);
        let to = from.saturating_add(width).min(self.rows.len());
        Part { window, rows: &self.rows[from..to] }
    }

    fn sync(self) -> ListOp {
        ListOp::Sync { window: self.window, rows: self.rows.to_vec() }
    }

    /// What is to be sent to somebody who has `before` on screen, top to bottom: what that leaves out, and what it
    /// shows otherwise.
    fn beyond(self, before: &[Part<'_>]) -> Vec<Self> {
        let spans: Spans = before.iter().map(|part| part.window).collect();
        let mut parts: Vec<Self> = self.window.without(&spans).into_iter().map(|window| self.within(window)).collect();
        for &old in before {
            let Some(common) = self.window.overlap(old.window) else { continue };
            let part = self.within(common);
            if part.rows != old.within(common).rows {
                parts.push(part);
            }
        }
        parts.sort_unstable_by_key(|part| part.window);
        parts
    }
}

fn rows_of(list: &MemberList, window: Window) -> Vec<Row> {
    let mut rows = Vec::with_capacity((window.last - window.first).min(list.row_count()) + 1);
    // Unlike `collect`, this goes through whole leaves at once.
    list.rows(window.first..window.last.saturating_add(1)).for_each(|row| rows.push(row));
    rows
}
