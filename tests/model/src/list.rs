//! The member list: one sorted vector of members, and a client that does what it is told.

use arbitrary::Arbitrary;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Sizes that the model and oyez are given alike.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Groups, top to bottom: 1, 2, …
    pub groups: u64,
    pub members: usize,
    /// Bytes of a collation key.
    pub collation: usize,
    pub viewers: usize,
    /// Windows of a viewer, and rows of one.
    pub windows: usize,
    pub window_rows: usize,
}

/// What scripts are run with: everything is easily reached.
pub const LIMITS: Limits = Limits { groups: 4, members: 120, collation: 3, viewers: 5, windows: 3, window_rows: 10 };

/// One call on a list.
#[derive(Clone, Debug, PartialEq, Arbitrary)]
pub enum Op {
    /// The collation key is `key` repeated `len` times (modulo 5, so that some are too long).
    Upsert {
        member: u8,
        group: u8,
        key: u8,
        len: u8,
    },
    Regroup {
        member: u8,
        group: u8,
    },
    Remove {
        member: u8,
    },
    RowOf {
        member: u8,
    },
    HeaderRow {
        group: u8,
    },
    Rows {
        from: u8,
        to: u8,
    },
    /// Windows as first and last row.
    SetWindows {
        viewer: u8,
        windows: Vec<(u8, u8)>,
    },
    Flush,
}

/// A row, by the numbers of its group or member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    Header(u64),
    Member(u64),
}

/// What a viewer is told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListOp {
    Sync { first: usize, last: usize, rows: Vec<Row> },
    Invalidate { first: usize, last: usize },
}

/// Members of each group that is not empty, and rows of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub groups: Vec<(u64, usize)>,
    pub rows: usize,
}

/// What a call lets its caller see.
#[derive(Debug, PartialEq)]
pub enum Seen {
    Inserted {
        row: usize,
    },
    Moved {
        from: usize,
        to: usize,
    },
    Unchanged {
        row: usize,
    },
    Refused(Refusal),
    /// The row that the member had, or that is asked for.
    Row(Option<usize>),
    Rows(Vec<Row>),
    View {
        ops: Vec<ListOp>,
        counts: Option<Counts>,
    },
    Flush {
        updates: Vec<(Vec<u64>, Vec<ListOp>)>,
        counts: Option<Counts>,
    },
}

#[derive(Debug, PartialEq)]
pub enum Refusal {
    NoSuchGroup,
    NoSuchMember,
    CollationTooLong,
    ListFull,
    ReversedWindow,
    WindowTooWide,
    TooManyWindows,
    TooManyViewers,
}

/// The collation key of an `Upsert`.
pub fn collation(key: u8, len: u8) -> Vec<u8> {
    vec![key; usize::from(len % 5)]
}

/// Windows as they are kept: sorted, those that overlap merged.
type Spans = Vec<(usize, usize)>;

pub struct Model {
    limits: Limits,
    /// Member to group and collation key.
    members: BTreeMap<u64, Place>,
    /// Group, collation key and id of every member, sorted.
    order: Vec<(u64, Vec<u8>, u64)>,
    viewers: BTreeMap<u64, Viewer>,
    flushed_counts: Counts,
}

type Place = (u64, Vec<u8>);

/// A viewer, and what it was told so far.
#[derive(Clone, Default)]
struct Viewer {
    spans: Spans,
    /// What it has on screen, for each span.
    shown: Vec<Vec<Row>>,
    counts: Counts,
}

impl Viewer {
    /// What it has in a row: nothing known, or nothing there, or something.
    fn on_screen(&self, row: usize) -> Option<Option<Row>> {
        let at = self.spans.iter().position(|span| (span.0..=span.1).contains(&row))?;
        Some(self.shown[at].get(row - self.spans[at].0).copied())
    }
}

impl Model {
    pub fn new(limits: Limits) -> Self {
        Model {
            limits,
            members: BTreeMap::new(),
            order: Vec::new(),
            viewers: BTreeMap::new(),
            flushed_counts: Counts::default(),
        }
    }

    /// All rows, from scratch.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut last_group = None;
        for (group, _, member) in &self.order {
            if last_group != Some(group) {
                rows.push(Row::Header(*group));
                last_group = Some(group);
            }
            rows.push(Row::Member(*member));
        }
        rows
    }

    pub fn counts(&self) -> Counts {
        let end = |group| self.order.partition_point(|member| member.0 <= group);
        let groups = (1..=self.limits.groups).map(|group| (group, end(group) - end(group - 1)));
        let groups: Vec<_> = groups.filter(|group| group.1 > 0).collect();
        Counts { rows: groups.len() + self.order.len(), groups }
    }

    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// The spans of every viewer.
    pub fn spans(&self) -> impl Iterator<Item = (u64, &Spans)> {
        self.viewers.iter().map(|(id, viewer)| (*id, &viewer.spans))
    }

    pub fn apply(&mut self, op: &Op) -> Seen {
        match *op {
            Op::Upsert { member, group, key, len } => self.upsert(member.into(), group.into(), collation(key, len)),
            Op::Regroup { member, group } => self.regroup(member.into(), group.into()),
            Op::Remove { member } => self.remove(member.into()),
            Op::RowOf { member } => Seen::Row(self.row_of(member.into())),
            Op::HeaderRow { group } => Seen::Row(self.rows().iter().position(|row| *row == Row::Header(group.into()))),
            Op::Rows { from, to } => Seen::Rows(part(&self.rows(), from.into(), to.into())),
            Op::SetWindows { viewer, ref windows } => {
                let windows = windows.iter().map(|window| (window.0.into(), window.1.into())).collect();
                self.set_windows(viewer.into(), windows)
            }
            Op::Flush => self.flush(),
        }
    }

    fn row_of(&self, member: u64) -> Option<usize> {
        let (group, key) = self.members.get(&member)?;
        let before = self.order.binary_search(&(*group, key.clone(), member)).expect("a member is in the order");
        let headers = self.counts().groups.iter().filter(|counted| counted.0 <= *group).count();
        Some(before + headers)
    }

    pub fn upsert(&mut self, member: u64, group: u64, key: Vec<u8>) -> Seen {
        if !(1..=self.limits.groups).contains(&group) {
            return Seen::Refused(Refusal::NoSuchGroup);
        }
        if key.len() > self.limits.collation {
            return Seen::Refused(Refusal::CollationTooLong);
        }
        let before = self.row_of(member);
        let place = (group, key);
        if before.is_none() && self.members.len() >= self.limits.members {
            return Seen::Refused(Refusal::ListFull);
        }
        if self.members.get(&member) == Some(&place) {
            return Seen::Unchanged { row: before.expect("it is there") };
        }
        self.remove(member);
        self.insert(member, place);
        let row = self.row_of(member).expect("it was just inserted");
        match before {
            None => Seen::Inserted { row },
            Some(from) => Seen::Moved { from, to: row },
        }
    }

    pub fn regroup(&mut self, member: u64, group: u64) -> Seen {
        match self.members.get(&member) {
            Some((_, key)) => self.upsert(member, group, key.clone()),
            None => Seen::Refused(Refusal::NoSuchMember),
        }
    }

    pub fn remove(&mut self, member: u64) -> Seen {
        let row = self.row_of(member);
        if let Some((group, key)) = self.members.remove(&member) {
            let at = self.order.binary_search(&(group, key, member)).expect("a member is in the order");
            self.order.remove(at);
        }
        Seen::Row(row)
    }

    fn insert(&mut self, member: u64, (group, key): Place) {
        let entry = (group, key.clone(), member);
        let at = self.order.binary_search(&entry).expect_err("the member was taken out");
        self.order.insert(at, entry);
        self.members.insert(member, (group, key));
    }

    pub fn set_windows(&mut self, viewer: u64, windows: Vec<(usize, usize)>) -> Seen {
        if windows.len() > self.limits.windows {
            return Seen::Refused(Refusal::TooManyWindows);
        }
        for window in &windows {
            if window.1 < window.0 {
                return Seen::Refused(Refusal::ReversedWindow);
            }
            if window.1 - window.0 + 1 > self.limits.window_rows {
                return Seen::Refused(Refusal::WindowTooWide);
            }
        }
        let spans = merged(&windows);
        let before = self.viewers.get(&viewer).cloned().unwrap_or_default();
        if spans == before.spans {
            return Seen::View { ops: vec![], counts: None };
        }
        if before.spans.is_empty() && self.viewers.len() >= self.limits.viewers {
            return Seen::Refused(Refusal::TooManyViewers);
        }
        if spans.is_empty() {
            self.viewers.remove(&viewer);
            let ops = before.spans.iter().map(|&(first, last)| ListOp::Invalidate { first, last }).collect();
            return Seen::View { ops, counts: None };
        }
        let after = self.opened(spans);
        let ops = way(&before, &after);
        let counts = Some(after.counts.clone());
        self.viewers.insert(viewer, after);
        Seen::View { ops, counts }
    }

    /// A viewer with these windows: it has what others with the same windows have, or else the list as it is.
    fn opened(&self, spans: Spans) -> Viewer {
        match self.viewers.values().find(|other| other.spans == spans) {
            Some(other) => other.clone(),
            None => {
                let rows = self.rows();
                let shown = spans.iter().map(|&(first, last)| part(&rows, first, last + 1)).collect();
                Viewer { spans, shown, counts: self.counts() }
            }
        }
    }

    /// Viewers with equal windows are told the same: every window in which one of them has anything but the truth. The
    /// counts are told when they have changed, or when one of the viewers has others.
    pub fn flush(&mut self) -> Seen {
        let (rows, counts) = (self.rows(), self.counts());
        let truth = |&(first, last): &(usize, usize)| part(&rows, first, last + 1);
        let mut groups: BTreeMap<Spans, Vec<u64>> = BTreeMap::new();
        for (&id, viewer) in &self.viewers {
            groups.entry(viewer.spans.clone()).or_default().push(id);
        }
        let mut updates = Vec::new();
        for (spans, viewers) in groups {
            let is_wrong = |at: usize| viewers.iter().any(|id| self.viewers[id].shown[at] != truth(&spans[at]));
            let ops: Vec<ListOp> =
                (0..spans.len()).filter(|&at| is_wrong(at)).map(|at| sync(spans[at], truth(&spans[at]))).collect();
            if !ops.is_empty() {
                updates.push((viewers, ops));
            }
        }
        let is_told = counts != self.flushed_counts || self.viewers.values().any(|viewer| viewer.counts != counts);
        for viewer in self.viewers.values_mut() {
            viewer.shown = viewer.spans.iter().map(truth).collect();
            viewer.counts = counts.clone();
        }
        self.flushed_counts = counts.clone();
        Seen::Flush { updates, counts: is_told.then_some(counts) }
    }
}

/// What brings a viewer from what it has on screen to something else. Row by row: what is in no window any more is
/// forgotten, and what comes is sent, in runs of rows that come from the same old window, or from none. A run that was
/// on screen is sent only if something in it is not what it was.
fn way(before: &Viewer, after: &Viewer) -> Vec<ListOp> {
    let from = |row| before.spans.iter().position(|span| (span.0..=span.1).contains(&row));
    let mut ops = Vec::new();
    for &(first, last) in &before.spans {
        let gone = runs((first..=last).filter(|&row| after.on_screen(row).is_none()), |_, _| true);
        ops.extend(gone.into_iter().map(|(first, last)| ListOp::Invalidate { first, last }));
    }
    for &(first, last) in &after.spans {
        for run in runs(first..=last, |row, next| from(row) == from(next)) {
            if (run.0..=run.1).any(|row| before.on_screen(row) != after.on_screen(row)) {
                ops.push(sync(run, (run.0..=run.1).filter_map(|row| after.on_screen(row)?).collect()));
            }
        }
    }
    ops
}

fn sync((first, last): (usize, usize), rows: Vec<Row>) -> ListOp {
    ListOp::Sync { first, last, rows }
}

/// Rows `from..to`, as far as they exist.
fn part(rows: &[Row], from: usize, to: usize) -> Vec<Row> {
    let to = to.min(rows.len());
    rows[from.min(to)..to].to_vec()
}

/// The rows of the windows, in runs: neighbours belong together if some window has both.
fn merged(windows: &Spans) -> Spans {
    let rows: BTreeSet<usize> = windows.iter().flat_map(|window| window.0..=window.1).collect();
    runs(rows.into_iter(), |row, next| windows.iter().any(|window| window.0 <= row && next <= window.1))
}

/// First and last of each run of neighbours that belong together. The rows are in order.
fn runs(rows: impl Iterator<Item = usize>, together: impl Fn(usize, usize) -> bool) -> Spans {
    let mut runs = Spans::new();
    for row in rows {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == row && together(*last, row) => *last = row,
            _ => runs.push((row, row)),
        }
    }
    runs
}

/// A client: an array of rows of which it knows some.
#[derive(Debug, Default)]
pub struct Client {
    rows: BTreeMap<usize, Row>,
    counts: Counts,
}

impl Client {
    /// The counts are those that came with the operations, if any did.
    pub fn apply(&mut self, ops: &[ListOp], counts: Option<&Counts>) {
        for op in ops {
            match op {
                ListOp::Invalidate { first, last } => self.forget(*first, *last),
                ListOp::Sync { first, last, rows } => {
                    self.forget(*first, *last);
                    self.rows.extend((*first..).zip(rows.iter().copied()));
                }
            }
        }
        if let Some(counts) = counts {
            self.counts.clone_from(counts);
        }
        self.rows.split_off(&self.counts.rows);
    }

    fn forget(&mut self, first: usize, last: usize) {
        self.rows.retain(|row, _| !(first..=last).contains(row));
    }

    /// Its array, as long as the last row count says. `None` is a row that it does not know.
    pub fn array(&self) -> Vec<Option<Row>> {
        (0..self.counts.rows).map(|row| self.rows.get(&row).copied()).collect()
    }

    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}

pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    // Few members make moves and first and last members likely, many fill windows.
    prop_oneof![Just(4_u8), Just(25), Just(200)].prop_flat_map(|members| prop::collection::vec(op(members), 0..80))
}

fn op(members: u8) -> impl Strategy<Value = Op> {
    let member = move || 0..members;
    let group = || prop_oneof![30 => 1..=LIMITS.groups as u8, 1 => Just(9)];
    // Mostly a few, so that viewers have the same, and windows stay, touch, overlap and go one by one.
    let window = || {
        prop_oneof![
            30 => prop::sample::select(&[(0, 9), (10, 19), (5, 12)][..]),
            5 => (0..40_u8, 0..10_u8).prop_map(|(first, more)| (first, first + more)),
            1 => any::<(u8, u8)>(),
        ]
    };
    let windows = || {
        prop_oneof![
            12 => prop::collection::vec(window(), 1..=2),
            3 => Just(Vec::new()),
            3 => prop::collection::vec(window(), 3..=LIMITS.windows + 1),
        ]
    };
    prop_oneof![
        12 => (member(), group(), 0..5_u8, prop_oneof![20 => 1..4_u8, 1 => Just(4)])
            .prop_map(|(member, group, key, len)| Op::Upsert { member, group, key, len }),
        8 => (member(), group()).prop_map(|(member, group)| Op::Regroup { member, group }),
        5 => member().prop_map(|member| Op::Remove { member }),
        1 => member().prop_map(|member| Op::RowOf { member }),
        1 => group().prop_map(|group| Op::HeaderRow { group }),
        1 => (0..60_u8, 0..60_u8).prop_map(|(from, to)| Op::Rows { from, to }),
        12 => (0..LIMITS.viewers as u8 + 1, windows())
            .prop_map(|(viewer, windows)| Op::SetWindows { viewer, windows }),
        8 => Just(Op::Flush),
    ]
}
