//! `MemberList` against a vector that is sorted anew, and clients that do what they are told.

use crate::{script, translate};
use oyez::{
    GroupId, MemberId, MemberList, MemberListOptions, MemberListStats, RegroupError, UpsertError, ViewerId, Window,
    WindowError, WindowLimits,
};
use oyez_model::list::{Client, LIMITS, ListOp, Model, Op, Refusal, Row, Seen, collation};
use std::collections::{BTreeMap, BTreeSet};

/// Runs the script, and checks after every flush that each client shows the truth in its windows.
///
/// # Panics
///
/// At the first difference, and when the list is not valid.
pub fn run(ops: &[Op]) {
    let mut model = Model::new(LIMITS);
    let options = MemberListOptions::default()
        .members_max(LIMITS.members)
        .collation_bytes_max(LIMITS.collation)
        .viewers_max(LIMITS.viewers)
        .windows(WindowLimits::new(LIMITS.windows, LIMITS.window_rows));
    let mut list = MemberList::new((1..=LIMITS.groups).map(GroupId), options);
    let mut clients: BTreeMap<u64, Client> = BTreeMap::new();
    let mut sent = Sent::default();
    script::run("oyez_driver::list::run", ops, |op| {
        let seen = apply(&mut list, op);
        assert_eq!(seen, model.apply(op), "{op:?}");
        list.validate().expect("the list is valid");
        let rows: Vec<Row> = list.rows(0..usize::MAX).map(translate::row).collect();
        assert_eq!(rows, model.rows(), "all rows after {op:?}");
        assert_eq!(list.row_count(), rows.len());
        match (op, seen) {
            (Op::SetWindows { viewer, .. }, Seen::View { ops, counts }) => {
                sent.note(&ops);
                clients.entry((*viewer).into()).or_default().apply(&ops, counts.as_ref());
                // Without windows it is no viewer any more, and hears nothing of later flushes.
                clients.retain(|client, _| model.spans().any(|(viewer, _)| viewer == *client));
            }
            (_, Seen::Flush { updates, counts }) => {
                sent.flushes += 1;
                updates.iter().for_each(|(_, ops)| sent.note(ops));
                for (viewer, client) in &mut clients {
                    let update = updates.iter().find(|(viewers, _)| viewers.contains(viewer));
                    client.apply(update.map_or(&[], |(_, ops)| ops), counts.as_ref());
                }
                check_clients(&model, &clients);
            }
            _ => {}
        }
        check_stats(list.stats(), &model, &sent);
    });
}

/// What was sent so far.
#[derive(Default)]
struct Sent {
    flushes: u64,
    syncs: u64,
    rows: u64,
}

impl Sent {
    fn note(&mut self, ops: &[ListOp]) {
        for op in ops {
            if let ListOp::Sync { rows, .. } = op {
                self.syncs += 1;
                self.rows += rows.len() as u64;
            }
        }
    }
}

/// Every viewer's array is as long as the list, and has the truth in its windows and nothing elsewhere.
fn check_clients(model: &Model, clients: &BTreeMap<u64, Client>) {
    let truth = model.rows();
    for (viewer, spans) in model.spans() {
        let is_seen = |row: usize| spans.iter().any(|span| (span.0..=span.1).contains(&row));
        let expected: Vec<Option<Row>> =
            truth.iter().enumerate().map(|(at, row)| is_seen(at).then_some(*row)).collect();
        assert_eq!(clients[&viewer].array(), expected, "viewer {viewer}, windows {spans:?}");
        assert_eq!(*clients[&viewer].counts(), model.counts(), "viewer {viewer}");
    }
}

fn check_stats(stats: MemberListStats, model: &Model, sent: &Sent) {
    let distinct: BTreeSet<_> = model.spans().map(|(_, spans)| spans).collect();
    assert_eq!((stats.viewers, stats.view_groups), (model.spans().count(), distinct.len()));
    assert_eq!((stats.rows, stats.members), (model.counts().rows, model.member_count()));
    assert_eq!((stats.flushes, stats.syncs, stats.synced_rows), (sent.flushes, sent.syncs, sent.rows));
}

fn apply(list: &mut MemberList, op: &Op) -> Seen {
    match *op {
        Op::Upsert { member, group, key, len } => {
            let member = MemberId(member.into());
            match list.upsert(member, GroupId(group.into()), &collation(key, len)) {
                Ok(upserted) => translate::upserted(upserted),
                Err(error) => Seen::Refused(match error {
                    UpsertError::NoSuchGroup(_) => Refusal::NoSuchGroup,
                    UpsertError::CollationTooLong { .. } => Refusal::CollationTooLong,
                    UpsertError::ListFull { .. } => Refusal::ListFull,
                    error => unreachable!("{error}"),
                }),
            }
        }
        Op::Regroup { member, group } => match list.regroup(MemberId(member.into()), GroupId(group.into())) {
            Ok(upserted) => translate::upserted(upserted),
            Err(error) => Seen::Refused(match error {
                RegroupError::NoSuchMember(_) => Refusal::NoSuchMember,
                RegroupError::NoSuchGroup(_) => Refusal::NoSuchGroup,
                error => unreachable!("{error}"),
            }),
        },
        Op::Remove { member } => Seen::Row(list.remove(MemberId(member.into()))),
        Op::RowOf { member } => Seen::Row(list.row_of(MemberId(member.into()))),
        Op::HeaderRow { group } => Seen::Row(list.header_row(GroupId(group.into()))),
        Op::Rows { from, to } => Seen::Rows(list.rows(from.into()..to.into()).map(translate::row).collect()),
        Op::SetWindows { viewer, ref windows } => {
            let windows: Vec<Window> =
                windows.iter().map(|window| Window::new(window.0.into(), window.1.into())).collect();
            match list.set_windows(ViewerId(viewer.into()), &windows) {
                Ok(view) => translate::view(view),
                Err(error) => Seen::Refused(match error {
                    WindowError::Reversed(_) => Refusal::ReversedWindow,
                    WindowError::TooWide { .. } => Refusal::WindowTooWide,
                    WindowError::TooMany { .. } => Refusal::TooManyWindows,
                    WindowError::TooManyViewers { .. } => Refusal::TooManyViewers,
                    error => unreachable!("{error}"),
                }),
            }
        }
        Op::Flush => translate::flush(list.flush()),
    }
}
