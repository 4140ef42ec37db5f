//! Values of oyez, in the words of the model.

use oyez_model::{fanout, list};

pub fn item(item: oyez::Item<'_>) -> fanout::Item {
    match item {
        oyez::Item::Gap(gap) => {
            fanout::Item::Gap(fanout::Gap { count: gap.count, first: gap.first.0, last: gap.last.0 })
        }
        oyez::Item::Event(sequence, _) => fanout::Item::Event(sequence.0),
    }
}

pub fn accounting(ours: oyez::Accounting) -> fanout::Accounting {
    fanout::Accounting {
        accepted: ours.accepted,
        delivered: ours.delivered,
        dropped: ours.dropped,
        shed: ours.shed,
        discarded: ours.discarded.total(),
        abandoned: ours.abandoned,
        pending: ours.pending,
    }
}

pub fn joined(joined: oyez::Joined) -> fanout::Seen {
    fanout::Seen::Joined { new: joined.subscribed == oyez::Subscribed::New, after: joined.after.0 }
}

/// `name` tells the model's names of sessions.
pub fn published(receipt: &oyez::Receipt, name: impl Fn(oyez::SessionId) -> usize) -> fanout::Seen {
    fanout::Seen::Published {
        sequence: receipt.sequence.0,
        count: receipt.count,
        refused: receipt.refused_count,
        overflowed: receipt.overflowed.iter().map(|session| name(*session)).collect(),
    }
}

/// The partitions that refused an event.
pub fn refusing(receipt: &oyez::Receipt) -> Vec<u8> {
    receipt.refused.iter().map(|partition| partition.0 as u8).collect()
}

pub fn ended<E>(ended: Result<usize, E>, unknown: fanout::Seen) -> fanout::Seen {
    ended.map_or(unknown, fanout::Seen::Ended)
}

pub fn done(done: Result<(), oyez::NoSuchSession>) -> fanout::Seen {
    done.map_or(fanout::Seen::NoSuchSession, |()| fanout::Seen::Nothing)
}

pub fn acknowledged(acknowledged: Result<usize, oyez::AcknowledgeError>) -> fanout::Seen {
    acknowledged.map_or_else(not_acknowledged, fanout::Seen::Acknowledged)
}

pub fn resumed(resumed: Result<oyez::Resumed, oyez::AcknowledgeError>) -> fanout::Seen {
    let seen = |resumed: oyez::Resumed| fanout::Seen::Resumed { again: resumed.again, pending: resumed.pending };
    resumed.map_or_else(not_acknowledged, seen)
}

fn not_acknowledged(error: oyez::AcknowledgeError) -> fanout::Seen {
    match error {
        oyez::AcknowledgeError::NoSuchSession => fanout::Seen::NoSuchSession,
        oyez::AcknowledgeError::NotHandedOver { .. } => fanout::Seen::NotHandedOver,
        error => unreachable!("{error}"),
    }
}

pub fn upserted(upserted: oyez::Upserted) -> list::Seen {
    match upserted {
        oyez::Upserted::Inserted { row } => list::Seen::Inserted { row },
        oyez::Upserted::Moved { from, to } => list::Seen::Moved { from, to },
        oyez::Upserted::Unchanged { row } => list::Seen::Unchanged { row },
    }
}

pub fn row(row: oyez::Row) -> list::Row {
    match row {
        oyez::Row::Header(group) => list::Row::Header(group.0),
        oyez::Row::Member(member) => list::Row::Member(member.0),
    }
}

fn ops(ops: Vec<oyez::ListOp>) -> Vec<list::ListOp> {
    ops.into_iter().map(list_op).collect()
}

fn list_op(op: oyez::ListOp) -> list::ListOp {
    match op {
        oyez::ListOp::Sync { window, rows } => {
            list::ListOp::Sync { first: window.first, last: window.last, rows: rows.into_iter().map(row).collect() }
        }
        oyez::ListOp::Invalidate { window } => list::ListOp::Invalidate { first: window.first, last: window.last },
        op => unreachable!("{op:?}"),
    }
}

pub fn view(view: oyez::View) -> list::Seen {
    list::Seen::View { ops: ops(view.ops), counts: view.counts.map(counts) }
}

pub fn flush(flush: oyez::Flush) -> list::Seen {
    let update = |update: oyez::Update| {
        let viewers = update.viewers.iter().map(|viewer| viewer.0).collect();
        (viewers, ops(update.ops))
    };
    list::Seen::Flush { updates: flush.updates.into_iter().map(update).collect(), counts: flush.counts.map(counts) }
}

pub fn counts(counts: oyez::Counts) -> list::Counts {
    let groups = counts.groups.iter().map(|(group, count)| (group.0, *count)).collect();
    list::Counts { groups, rows: counts.rows }
}
