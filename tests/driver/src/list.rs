//! `MemberList` against a vector that is sorted anew, and clients that do what they are told.

use crate::{script, translate};
use oyez::{
    GroupId, MemberId, MemberList, MemberListOptions, RegroupError, UpsertError, ViewerId, Window,
    WindowError, WindowLimits,
};
use oyez_model::list::{Client, LIMITS, Model, Op, Refusal, Row, Seen, collation};
use std::collections::BTreeMap;

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
        .windows(WindowLimits::new(LIMITS.windows, LIMITS.window_rows));
    let mut list = MemberList::new((1..=LIMITS.groups).map(GroupId), options);
    let mut clients: BTreeMap<u64, Client> = BTreeMap::new();
    script::run("oyez_driver::list::run", ops, |op| {
        let seen = apply(&mut list, op);
        assert_eq!(seen, model.apply(op), "{op:?}");
        list.validate().expect("the list is valid");
        let rows: Vec<Row> = list.rows(0..usize::MAX).map(translate::row).collect();
        assert_eq!(rows, model.rows(), "all rows after {op:?}");
        assert_eq!(list.row_count(), rows.len());
        match (op, seen) {
            (Op::SetWindows { viewer, .. }, Seen::Ops(ops)) => {
                clients.entry((*viewer).into()).or_default().apply(&ops);
            }
            (_, Seen::Flush { updates, .. }) => {
                for (viewers, ops) in updates {
                    viewers.iter().for_each(|viewer| clients.entry(*viewer).or_default().apply(&ops));
                }
                check_clients(&model, &clients);
            }
            _ => {}
        }
    });
}

fn check_clients(model: &Model, clients: &BTreeMap<u64, Client>) {
    let truth = model.rows();
    for (viewer, spans) in model.spans() {
        for &(first, last) in spans {
            let end = truth.len().min(last + 1);
            let shown = clients[&viewer].shown(first, last);
            assert_eq!(shown, truth[first.min(end)..end], "viewer {viewer}, rows {first} to {last}");
        }
    }
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
                Ok(ops) => Seen::Ops(translate::ops(ops)),
                Err(error) => Seen::Refused(match error {
                    WindowError::Reversed(_) => Refusal::ReversedWindow,
                    WindowError::TooWide { .. } => Refusal::WindowTooWide,
                    WindowError::TooMany { .. } => Refusal::TooManyWindows,
                    error => unreachable!("{error}"),
                }),
            }
        }
        Op::Flush => translate::flush(list.flush()),
    }
}
