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
    /// Windows of a viewer, and rows of one.
    pub windows: usize,
    pub window_rows: usize,
}

/// What scripts are run with: everything is easily reached.
pub const LIMITS: Limits = Limits { groups: 4, members: 120, collation: 3, windows: 3, window_rows: 10 };

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
    Ops(Vec<ListOp>),
    Flush {
        updates: Vec<(Vec<u64>, Vec<ListOp>)>,
        counts: Option<Vec<(u64, usize)>>,
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
}

/// The collation key of an `Upsert`.
pub fn collation(key: u8, len: u8) -> Vec<u8> {
    vec![key; usize::from(len % 5)]
}

/// Windows as they are kept: sorted, those that overlap or touch merged.
type Spans = Vec<(usize, usize)>;

pub struct Model {
    limits: Limits,
    /// Member to group and collation key.
    members: BTreeMap<u64, Place>,
    /// Group, collation key and id of every member, sorted.
    order: Vec<(u64, Vec<u8>, u64)>,
    viewers: BTreeMap<u64, Viewer>,
    /// The list as of the last flush.
    flushed: Vec<Row>,
    flushed_counts: Vec<(u64, usize)>,
    changed: bool,
}

type Place = (u64, Vec<u8>);

#[derive(Default)]
struct Viewer {
    spans: Spans,
    /// Its windows were set between a change and its flush.
    joined_amid_changes: bool,
}

impl Model {
    pub fn new(limits: Limits) -> Self {
        Model {
            limits,
            members: BTreeMap::new(),
            order: Vec::new(),
            viewers: BTreeMap::new(),
            flushed: Vec::new(),
            flushed_counts: Vec::new(),
            changed: false,
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

    pub fn counts(&self) -> Vec<(u64, usize)> {
        let end = |group| self.order.partition_point(|member| member.0 <= group);
        let groups = 1..=self.limits.groups;
        groups.map(|group| (group, end(group) - end(group - 1))).filter(|group| group.1 > 0).collect()
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
        let headers = self.counts().iter().filter(|counted| counted.0 <= *group).count();
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
            self.changed = true;
        }
        Seen::Row(row)
    }

    fn insert(&mut self, member: u64, (group, key): Place) {
        let entry = (group, key.clone(), member);
        let at = self.order.binary_search(&entry).expect_err("the member was taken out");
        self.order.insert(at, entry);
        self.members.insert(member, (group, key));
        self.changed = true;
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
        let before = self.viewers.get(&viewer).map(|viewer| viewer.spans.clone()).unwrap_or_default();
        if spans == before {
            return Seen::Ops(vec![]);
        }
        let rows = self.rows();
        let gone = before.iter().filter(|span| !spans.contains(span));
        let come = spans.iter().filter(|span| !before.contains(span));
        let mut ops: Vec<ListOp> = gone.map(|&(first, last)| ListOp::Invalidate { first, last }).collect();
        ops.extend(come.map(|&span| sync(&rows, span)));
        if spans.is_empty() {
            self.viewers.remove(&viewer);
        } else {
            self.viewers.insert(viewer, Viewer { spans, joined_amid_changes: self.changed });
        }
        Seen::Ops(ops)
    }

    /// Viewers with equal windows are told the same: every window that has changed since the last flush, or all of them
    /// if one of the viewers joined amid changes.
    pub fn flush(&mut self) -> Seen {
        let now = self.rows();
        let mut groups: BTreeMap<Spans, (Vec<u64>, bool)> = BTreeMap::new();
        for (&id, viewer) in &mut self.viewers {
            let group = groups.entry(viewer.spans.clone()).or_default();
            group.0.push(id);
            group.1 |= std::mem::take(&mut viewer.joined_amid_changes);
        }
        let mut updates = Vec::new();
        for (spans, (viewers, all)) in groups {
            let changed =
                |&(first, last): &(usize, usize)| part(&self.flushed, first, last + 1) != part(&now, first, last + 1);
            let sent = spans.iter().filter(|span| all || changed(span));
            let ops: Vec<ListOp> = sent.map(|&span| sync(&now, span)).collect();
            if !ops.is_empty() {
                updates.push((viewers, ops));
            }
        }
        let counts = self.counts();
        let told = (counts != self.flushed_counts).then(|| counts.clone());
        self.flushed = now;
        self.flushed_counts = counts;
        self.changed = false;
        Seen::Flush { updates, counts: told }
    }
}

fn sync(rows: &[Row], (first, last): (usize, usize)) -> ListOp {
    ListOp::Sync { first, last, rows: part(rows, first, last + 1) }
}

/// Rows `from..to`, as far as they exist.
fn part(rows: &[Row], from: usize, to: usize) -> Vec<Row> {
    let to = to.min(rows.len());
    rows[from.min(to)..to].to_vec()
}

/// The rows of the windows, in runs.
fn merged(windows: &Spans) -> Spans {
    let rows: BTreeSet<usize> = windows.iter().flat_map(|window| window.0..=window.1).collect();
    let mut spans: Spans = Vec::new();
    for row in rows {
        match spans.last_mut() {
            Some(span) if span.1 + 1 == row => span.1 = row,
            _ => spans.push((row, row)),
        }
    }
    spans
}

/// A client: an array of rows of which it knows some.
#[derive(Debug, Default)]
pub struct Client {
    rows: BTreeMap<usize, Row>,
}

impl Client {
    pub fn apply(&mut self, ops: &[ListOp]) {
        for op in ops {
            match op {
                ListOp::Invalidate { first, last } => self.forget(*first, *last),
                ListOp::Sync { first, last, rows } => {
                    self.forget(*first, *last);
                    self.rows.extend((*first..).zip(rows.iter().copied()));
                }
            }
        }
    }

    fn forget(&mut self, first: usize, last: usize) {
        self.rows.retain(|row, _| !(first..=last).contains(row));
    }

    /// What it shows in these rows.
    pub fn shown(&self, first: usize, last: usize) -> Vec<Row> {
        self.rows.range(first..=last).map(|(_, row)| *row).collect()
    }
}

pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    // Few members make moves and first and last members likely, many fill windows.
    prop_oneof![Just(4_u8), Just(25), Just(200)].prop_flat_map(|members| prop::collection::vec(op(members), 0..80))
}

fn op(members: u8) -> impl Strategy<Value = Op> {
    let member = move || 0..members;
    let group = || prop_oneof![30 => 1..=LIMITS.groups as u8, 1 => Just(9)];
    let window = || prop_oneof![30 => (0..40_u8, 0..10_u8).prop_map(|(first, more)| (first, first + more)), 1 => any::<(u8, u8)>()];
    prop_oneof![
        12 => (member(), group(), 0..5_u8, prop_oneof![20 => 1..4_u8, 1 => Just(4)])
            .prop_map(|(member, group, key, len)| Op::Upsert { member, group, key, len }),
        8 => (member(), group()).prop_map(|(member, group)| Op::Regroup { member, group }),
        5 => member().prop_map(|member| Op::Remove { member }),
        1 => member().prop_map(|member| Op::RowOf { member }),
        1 => group().prop_map(|group| Op::HeaderRow { group }),
        1 => (0..60_u8, 0..60_u8).prop_map(|(from, to)| Op::Rows { from, to }),
        6 => (0..6_u8, prop::collection::vec(window(), 0..=LIMITS.windows + 1))
            .prop_map(|(viewer, windows)| Op::SetWindows { viewer, windows }),
        8 => Just(Op::Flush),
    ]
}
