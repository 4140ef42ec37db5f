//! What a member list has to tell its viewers.

#![expect(unsafe_code, reason = "exports symbols, and promises where its pointers point to")]

use super::argument::given;
use super::guard::{Done, guard, guard_or};
use super::owner::{Output, Owner, Pointing, PointsIntoItsHandle, hand_out};
use super::status::{OYEZ_NOT_FOUND, oyez_status};
use crate::{Counts, Flush, ListOp, Row, Update, View, ViewerId};
use std::mem::MaybeUninit;
use std::ptr::null;

/// What one flush, or one viewer's new windows, have to tell: what each view group does, then the counts. Filled by
/// `oyez_member_list_flush` and `oyez_member_list_set_windows`; one is enough for many, one after the other.
///
/// Made by `oyez_flush_new`, freed by `oyez_flush_free`. What its calls point to lives until it is filled again or
/// freed. Calls that take it as `const` may run at once. Since 0.1.
pub struct oyez_flush(Owner<Told>);

/// A row that is the header of a group. Since 0.1.
pub const OYEZ_ROW_HEADER: u32 = 1;
/// A row that is a member. Since 0.1.
pub const OYEZ_ROW_MEMBER: u32 = 2;

/// One row of a list. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct oyez_row {
    /// OYEZ_ROW_HEADER or OYEZ_ROW_MEMBER.
    pub kind: u32,
    /// 0: a later version may give it a meaning.
    pub reserved: u32,
    /// The group's or the member's number.
    pub id: u64,
}

/// The rows from `first` on are replaced. Fewer rows than the window is wide: the list ends there. Since 0.1.
pub const OYEZ_OP_SYNC: u32 = 1;
/// The rows from `first` to `last` are forgotten; nothing moves. Since 0.1.
pub const OYEZ_OP_INVALIDATE: u32 = 2;

/// One thing a client does to its array of rows. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oyez_list_op {
    /// OYEZ_OP_SYNC or OYEZ_OP_INVALIDATE.
    pub kind: u32,
    /// 0: a later version may give it a meaning.
    pub reserved: u32,
    /// The first row of the window.
    pub first: usize,
    /// The last row of the window, part of it.
    pub last: usize,
    /// OYEZ_OP_SYNC: the rows, from `first` on; NULL when there are none.
    pub rows: *const oyez_row,
    /// Their number.
    pub rows_count: usize,
}

/// What one view group, all viewers with the same windows, is told: encode once, send to each. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oyez_update {
    /// The viewers, in order.
    pub viewers: *const u64,
    /// Their number.
    pub viewers_count: usize,
    /// What each of them does, in order.
    pub ops: *const oyez_list_op,
    /// Their number.
    pub ops_count: usize,
}

/// How many members a group has. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oyez_group_count {
    /// The group's number.
    pub group: u64,
    /// Members in it.
    pub members: usize,
}

/// The same as C sees it: updates that point into the rest, which is boxed and so does not move.
#[derive(Default)]
struct Told {
    updates: Pointing<oyez_update>,
    viewers: Vec<Box<[u64]>>,
    ops: Pointing<Box<[oyez_list_op]>>,
    rows: Vec<Box<[oyez_row]>>,
    counts: Option<Vec<oyez_group_count>>,
    row_count: usize,
}

// SAFETY: into the viewers and the ops of the same flush, which are boxed.
unsafe impl PointsIntoItsHandle for oyez_update {}
// SAFETY: into its rows.
unsafe impl PointsIntoItsHandle for Box<[oyez_list_op]> {}

impl From<Row> for oyez_row {
    fn from(row: Row) -> Self {
        match row {
            Row::Header(group) => oyez_row { kind: OYEZ_ROW_HEADER, reserved: 0, id: group.0 },
            Row::Member(member) => oyez_row { kind: OYEZ_ROW_MEMBER, reserved: 0, id: member.0 },
        }
    }
}

pub(super) fn group_counts(counts: Counts) -> impl ExactSizeIterator<Item = oyez_group_count> {
    counts.groups.into_iter().map(|(group, members)| oyez_group_count { group: group.0, members })
}

/// The first element, or NULL if there is none.
fn first<T>(elements: &[T]) -> *const T {
    if elements.is_empty() { null() } else { elements.as_ptr() }
}

impl Told {
    fn add(&mut self, viewers: Vec<ViewerId>, ops: Vec<ListOp>) {
        let viewers: Box<[u64]> = viewers.into_iter().map(|viewer| viewer.0).collect();
        let ops: Box<[oyez_list_op]> = ops.into_iter().map(|op| self.op(op)).collect();
        self.updates.push(oyez_update {
            viewers: first(&viewers),
            viewers_count: viewers.len(),
            ops: first(&ops),
            ops_count: ops.len(),
        });
        self.viewers.push(viewers);
        self.ops.push(ops);
    }

    fn op(&mut self, op: ListOp) -> oyez_list_op {
        let (kind, window, rows) = match op {
            ListOp::Sync { window, rows } => (OYEZ_OP_SYNC, window, rows),
            ListOp::Invalidate { window } => (OYEZ_OP_INVALIDATE, window, Vec::new()),
        };
        let rows: Box<[oyez_row]> = rows.into_iter().map(oyez_row::from).collect();
        let op = oyez_list_op {
            kind,
            reserved: 0,
            first: window.first,
            last: window.last,
            rows: first(&rows),
            rows_count: rows.len(),
        };
        self.rows.push(rows);
        op
    }

    fn count(&mut self, counts: Option<Counts>) {
        self.row_count = counts.as_ref().map_or(0, |counts| counts.rows);
        self.counts = counts.map(|counts| group_counts(counts).collect());
    }
}

impl oyez_flush {
    pub(super) fn clear(&mut self) -> Done {
        self.0.change(|told| {
            *told = Told::default();
            Ok(())
        })
    }

    pub(super) fn fill(&mut self, flush: Flush) -> Done {
        self.0.change(|told| {
            *told = Told::default();
            flush.updates.into_iter().for_each(|Update { viewers, ops }| told.add(viewers, ops));
            told.count(flush.counts);
            Ok(())
        })
    }

    pub(super) fn fill_for(&mut self, viewer: ViewerId, View { ops, counts }: View) -> Done {
        self.0.change(|told| {
            *told = Told::default();
            if !ops.is_empty() {
                told.add(vec![viewer], ops);
            }
            told.count(counts);
            Ok(())
        })
    }
}

/// Makes an empty one. O(1). From any thread. Since 0.1.
///
/// OYEZ_NULL: `flush` is NULL. Otherwise `*flush` is the caller's to free.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_flush_new(flush: Option<&mut MaybeUninit<*mut oyez_flush>>) -> oyez_status {
    guard(|| hand_out(flush, || Ok(oyez_flush(Owner::new(Told::default())))))
}

/// Frees it, with all that it has told; NULL is nothing. O(n). No other call may have it. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_flush_free(flush: Option<Box<oyez_flush>>) {
    guard_or((), || drop(flush));
}

/// Points to what the view groups are told. O(1). Concurrent. Since 0.1.
///
/// `*updates` and `*count` are for view groups whose rows have changed, or for the one viewer with new windows; NULL
/// and 0 when nobody does anything. They live until `flush` is filled again or freed. OYEZ_NULL: `flush` is NULL.
/// `updates` and `count` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_flush_updates(
    flush: Option<&oyez_flush>,
    updates: Option<&mut MaybeUninit<*const oyez_update>>,
    count: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let (mut updates, mut count) = (Output::of(updates, null()), Output::of(count, 0));
        given(flush)?.0.read(|told| {
            updates.set(first(&told.updates));
            count.set(told.updates.len());
            Ok(())
        })
    })
}

/// Points to the counts, which go to every viewer of a flush, or to the one with new windows, after the ops. O(1).
/// Concurrent. Since 0.1.
///
/// `*groups` and `*count` are the groups that are not empty, top to bottom, and `*rows` the rows of the whole list.
/// They live until `flush` is filled again or freed. OYEZ_NOT_FOUND: the viewers have these counts already. OYEZ_NULL:
/// `flush` is NULL. `groups`, `count` and `rows` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_flush_counts(
    flush: Option<&oyez_flush>,
    groups: Option<&mut MaybeUninit<*const oyez_group_count>>,
    count: Option<&mut MaybeUninit<usize>>,
    rows: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let (mut groups, mut count) = (Output::of(groups, null()), Output::of(count, 0));
        let mut rows = Output::of(rows, 0);
        given(flush)?.0.read(|told| {
            let counts = told.counts.as_ref().ok_or(OYEZ_NOT_FOUND)?;
            groups.set(first(counts));
            count.set(counts.len());
            rows.set(told.row_count);
            Ok(())
        })
    })
}
