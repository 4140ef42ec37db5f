//! Member lists: rows, and viewers with windows.

#![expect(unsafe_code, reason = "exports symbols, and reads structs and arrays of C")]

use super::argument::{Buffer, Filled, Growing, Report, array, buffer, given, size_through, sized_or_default};
use super::flush::{group_counts, oyez_flush, oyez_group_count, oyez_row};
use super::guard::{guard, guard_or};
use super::options::oyez_member_list_options;
use super::owner::{Output, Owner, hand_out};
use super::refusal::Refusal;
use super::status::{OYEZ_INVALID, OYEZ_NOT_FOUND, oyez_status};
use crate::{GroupId, MemberId, MemberList, Upserted, ViewerId, Window};
use std::collections::BTreeSet;
use std::ffi::c_char;
use std::mem::MaybeUninit;

/// Members in groups, each group that is not empty with a header row, and the viewers who have parts of it on screen.
/// Within a group members stand by collation key, then by number. Members, groups and viewers are the host's own
/// numbers.
///
/// Made by `oyez_member_list_new`, freed by `oyez_member_list_free`. Calls that take it as `const` may run at once on
/// any threads, as long as no other call does. Since 0.1.
pub struct oyez_member_list(Owner<MemberList>);

/// The member is new. Since 0.1.
pub const OYEZ_UPSERTED_NEW: u32 = 1;
/// The member had another group or collation key. Since 0.1.
pub const OYEZ_UPSERTED_MOVED: u32 = 2;
/// The member was there with the same group and collation key. Since 0.1.
pub const OYEZ_UPSERTED_UNCHANGED: u32 = 3;

/// What became of a member. Its size never changes. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct oyez_upserted {
    /// OYEZ_UPSERTED_NEW, OYEZ_UPSERTED_MOVED or OYEZ_UPSERTED_UNCHANGED; 0 if the call was refused.
    pub kind: u32,
    /// 0: a later version may give them a meaning.
    pub reserved: [u32; 3],
    /// OYEZ_UPSERTED_MOVED: its row before.
    pub from: usize,
    /// Its row now.
    pub row: usize,
}

/// A range of rows. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oyez_window {
    /// The first row.
    pub first: usize,
    /// The last row, part of the window.
    pub last: usize,
}

/// Counters of a list. Starts as OYEZ_LIST_STATS_INIT. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct oyez_list_stats {
    /// `sizeof(oyez_list_stats)`.
    pub struct_size: usize,
    /// Members in the list.
    pub members: usize,
    /// Headers and members.
    pub rows: usize,
    /// Viewers with windows.
    pub viewers: usize,
    /// View groups: distinct sets of windows.
    pub view_groups: usize,
    /// Flushes so far.
    pub flushes: u64,
    /// OYEZ_OP_SYNCs so far, one for each view group that an update is for.
    pub syncs: u64,
    /// Rows in them.
    pub synced_rows: u64,
}

// SAFETY: `repr(C)`, numbers, the size first.
unsafe impl Growing for oyez_list_stats {
    const SIZE_MIN: usize = size_through!(oyez_list_stats, synced_rows: u64);
}

impl From<Upserted> for oyez_upserted {
    fn from(upserted: Upserted) -> Self {
        let unknown = oyez_upserted::default();
        match upserted {
            Upserted::Inserted { row } => oyez_upserted { kind: OYEZ_UPSERTED_NEW, row, ..unknown },
            Upserted::Moved { from, to } => oyez_upserted { kind: OYEZ_UPSERTED_MOVED, from, row: to, ..unknown },
            Upserted::Unchanged { row } => oyez_upserted { kind: OYEZ_UPSERTED_UNCHANGED, row, ..unknown },
        }
    }
}

/// Makes an empty list with these groups, top to bottom. O(groups log groups). From any thread. Since 0.1.
///
/// `options` may be NULL for the defaults. OYEZ_NULL: `list` is NULL, or `groups` is and `count` is not 0.
/// OYEZ_INVALID: a group is named twice, or the size in `options` is wrong. `*list` is the new list, or NULL if there
/// is none; the caller frees it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_member_list_new(
    groups: *const u64,
    count: usize,
    options: *const oyez_member_list_options,
    list: Option<&mut MaybeUninit<*mut oyez_member_list>>,
) -> oyez_status {
    guard(|| {
        hand_out(list, || {
            // SAFETY: the caller's array and struct (see `ffi`).
            let (groups, options) = unsafe { (array(groups, count)?, sized_or_default(options)?) };
            let mut seen = BTreeSet::new();
            if !groups.iter().all(|group| seen.insert(group)) {
                return Err(OYEZ_INVALID);
            }
            let list = MemberList::new(groups.iter().copied().map(GroupId), options.read());
            Ok(oyez_member_list(Owner::new(list)))
        })
    })
}

/// Frees a list; NULL is nothing. O(n). No other call may have it. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_member_list_free(list: Option<Box<oyez_member_list>>) {
    guard_or((), || drop(list));
}

/// Puts a member into a group with this collation key, or moves it there. O(log n + groups). Exclusive. Since 0.1.
///
/// OYEZ_NO_GROUP: no such group. OYEZ_TOO_LARGE: the key is. OYEZ_FULL: the list is. OYEZ_NULL: `list` is NULL, or
/// `collation` is and `collation_len` is not 0. `upserted` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_member_list_upsert(
    list: Option<&mut oyez_member_list>,
    member: u64,
    group: u64,
    collation: *const u8,
    collation_len: usize,
    upserted: Option<&mut MaybeUninit<oyez_upserted>>,
) -> oyez_status {
    guard(|| {
        let mut upserted = Output::of(upserted, oyez_upserted::default());
        // SAFETY: the caller's bytes (see `ffi`).
        let collation = unsafe { array(collation, collation_len)? };
        given(list)?.0.change(|list| {
            let done = list.upsert(MemberId(member), GroupId(group), collation).map_err(Refusal::status)?;
            upserted.set(done.into());
            Ok(())
        })
    })
}

/// Moves a member to another group; it keeps its collation key. O(log n + groups). Exclusive. Since 0.1.
///
/// OYEZ_NOT_FOUND: no such member. OYEZ_NO_GROUP: no such group. OYEZ_NULL: `list` is NULL. `upserted` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_member_list_regroup(
    list: Option<&mut oyez_member_list>,
    member: u64,
    group: u64,
    upserted: Option<&mut MaybeUninit<oyez_upserted>>,
) -> oyez_status {
    guard(|| {
        let mut upserted = Output::of(upserted, oyez_upserted::default());
        given(list)?.0.change(|list| {
            let done = list.regroup(MemberId(member), GroupId(group)).map_err(Refusal::status)?;
            upserted.set(done.into());
            Ok(())
        })
    })
}

/// Takes a member out and tells the row it had. O(log n + groups). Exclusive. Since 0.1.
///
/// OYEZ_NOT_FOUND: no such member. OYEZ_NULL: `list` is NULL. `row` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_member_list_remove(
    list: Option<&mut oyez_member_list>,
    member: u64,
    row: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let mut row = Output::of(row, 0);
        given(list)?.0.change(|list| {
            row.set(list.remove(MemberId(member)).ok_or(OYEZ_NOT_FOUND)?);
            Ok(())
        })
    })
}

/// Tells the row of a member. O(log n + groups). Concurrent. Since 0.1.
///
/// OYEZ_NOT_FOUND: no such member; `*row` is 0. OYEZ_NULL: `list` is NULL. `row` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_member_list_row_of(
    list: Option<&oyez_member_list>,
    member: u64,
    row: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let mut row = Output::of(row, 0);
        given(list)?.0.read(|list| {
            row.set(list.row_of(MemberId(member)).ok_or(OYEZ_NOT_FOUND)?);
            Ok(())
        })
    })
}

/// Tells the group of a member. O(1). Concurrent. Since 0.1.
///
/// OYEZ_NOT_FOUND: no such member; `*group` is 0. OYEZ_NULL: `list` is NULL. `group` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_member_list_group_of(
    list: Option<&oyez_member_list>,
    member: u64,
    group: Option<&mut MaybeUninit<u64>>,
) -> oyez_status {
    guard(|| {
        let mut group = Output::of(group, 0);
        given(list)?.0.read(|list| {
            group.set(list.group_of(MemberId(member)).ok_or(OYEZ_NOT_FOUND)?.0);
            Ok(())
        })
    })
}

/// Tells the number of rows: headers and members. O(groups). Concurrent. Since 0.1.
///
/// OYEZ_NULL: `list` is NULL. `count` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_member_list_row_count(
    list: Option<&oyez_member_list>,
    count: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let mut count = Output::of(count, 0);
        given(list)?.0.read(|list| {
            count.set(list.row_count());
            Ok(())
        })
    })
}

/// Copies the rows from `start` to below `end` into a buffer. O(log n + groups), then O(1) a row. Concurrent. Since
/// 0.1.
///
/// What lies beyond the last row is left out. `*total` is how many rows there are in the range, `*written` how many had
/// room. OYEZ_SHORT_BUFFER: not all. OYEZ_NULL: `list` is NULL, or `out` is and `capacity` is not 0. `written` and
/// `total` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_member_list_rows(
    list: Option<&oyez_member_list>,
    start: usize,
    end: usize,
    out: *mut oyez_row,
    capacity: usize,
    written: Option<&mut MaybeUninit<usize>>,
    total: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let filled = Filled::of(written, total);
        // SAFETY: the caller's buffer (see `ffi`).
        let out: Buffer<oyez_row> = unsafe { buffer(out, capacity)? };
        given(list)?.0.read(|list| {
            let total = end.min(list.row_count()).saturating_sub(start);
            out.fill(filled, total, |count| list.rows(start..start.saturating_add(count)).map(oyez_row::from))
        })
    })
}

/// Copies the groups that are not empty, top to bottom, with their numbers of members, into a buffer. O(groups).
/// Concurrent. Since 0.1.
///
/// `*total` is how many there are, `*written` how many had room. OYEZ_SHORT_BUFFER: not all. OYEZ_NULL: `list` is NULL,
/// or `out` is and `capacity` is not 0. `written` and `total` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_member_list_counts(
    list: Option<&oyez_member_list>,
    out: *mut oyez_group_count,
    capacity: usize,
    written: Option<&mut MaybeUninit<usize>>,
    total: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let filled = Filled::of(written, total);
        // SAFETY: the caller's buffer (see `ffi`).
        let out = unsafe { buffer(out, capacity)? };
        given(list)?.0.read(|list| {
            let counts = group_counts(list.counts());
            out.fill(filled, counts.len(), |count| counts.take(count))
        })
    })
}

/// Replaces a viewer's windows, and fills `flush` with what the viewer must do: forget the rows that are in no window
/// any more, take those that it does not have; and with the counts. No windows end the viewer. O(log view groups + rows
/// of the windows). Exclusive. Since 0.1.
///
/// OYEZ_INVALID: a window ends before it starts. OYEZ_TOO_LARGE: a window has too many rows. OYEZ_FULL: too many
/// windows, or viewers. The viewer keeps the windows it had then, and `flush` is empty. OYEZ_NULL: `list` or `flush` is
/// NULL, or `windows` is and `count` is not 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_member_list_set_windows(
    list: Option<&mut oyez_member_list>,
    viewer: u64,
    windows: *const oyez_window,
    count: usize,
    flush: Option<&mut oyez_flush>,
) -> oyez_status {
    guard(|| {
        let flush = given(flush)?;
        flush.clear()?;
        // SAFETY: the caller's array (see `ffi`).
        let windows = unsafe { array(windows, count)? };
        let windows: Vec<Window> = windows.iter().map(|window| Window::new(window.first, window.last)).collect();
        let viewer = ViewerId(viewer);
        let view = given(list)?.0.change(|list| list.set_windows(viewer, &windows).map_err(Refusal::status))?;
        flush.fill_for(viewer, view)
    })
}

/// Turns everything since the last flush into one update for each view group whose rows have changed, and fills `flush`
/// with them. O(view groups + groups), then O(log n + groups + rows) for each window that changes may have touched.
/// Exclusive. Since 0.1.
///
/// OYEZ_NULL: `list` or `flush` is NULL; nothing is flushed then.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_member_list_flush(
    list: Option<&mut oyez_member_list>,
    flush: Option<&mut oyez_flush>,
) -> oyez_status {
    guard(|| {
        let flush = given(flush)?;
        flush.clear()?;
        let flushed = given(list)?.0.change(|list| Ok(list.flush()))?;
        flush.fill(flushed)
    })
}

/// Counts a list. O(groups). Concurrent. Since 0.1.
///
/// OYEZ_NULL: `list` is NULL. OYEZ_INVALID: the size in `stats` is wrong. `stats` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_member_list_stats(
    list: Option<&oyez_member_list>,
    stats: *mut oyez_list_stats,
) -> oyez_status {
    guard(|| {
        // SAFETY: the caller's struct (see `ffi`).
        let mut report = unsafe { Report::of(stats)? };
        given(list)?.0.read(|list| {
            let stats = list.stats();
            report.set(oyez_list_stats {
                struct_size: 0,
                members: stats.members,
                rows: stats.rows,
                viewers: stats.viewers,
                view_groups: stats.view_groups,
                flushes: stats.flushes,
                syncs: stats.syncs,
                synced_rows: stats.synced_rows,
            });
            Ok(())
        })
    })
}

/// Checks a list. O(n log n). Concurrent. For tests. Since 0.1.
///
/// OYEZ_BROKEN: a bug in the library; `*reason` says what is wrong, lives as long as the list, and is NULL otherwise.
/// OYEZ_NULL: `list` is NULL. `reason` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_member_list_validate(
    list: Option<&oyez_member_list>,
    reason: Option<&mut MaybeUninit<*const c_char>>,
) -> oyez_status {
    guard(|| {
        let reason = Output::of(reason, std::ptr::null());
        given(list)?.0.validate(reason, |list| list.validate().map(|_| ()))
    })
}
