//! `MemberList` equals a vector sorted anew, and its clients show the truth.

use oyez::{
    Counts, Flush, GroupId, ListOp, MemberId, MemberList, MemberListOptions, Row, ViewerId, Window, WindowError,
};
use oyez_driver::list::run;
use oyez_model::list::{Op::*, ops};
use proptest::prelude::*;

proptest! {
    #[test]
    fn equals_a_vector_sorted_anew_and_clients_show_the_truth(ops in ops()) {
        run(&ops);
    }
}

/// Groups and counts as a client of a large chat service was seen to receive them.
#[test]
fn a_captured_list_has_its_headers_in_the_right_rows() {
    let counts = [2, 12, 3, 822, 41, 1, 40_693];
    let mut list = MemberList::new((0..7).map(GroupId), MemberListOptions::default());
    let mut member = 0;
    for (group, count) in (0..).zip(counts) {
        for _ in 0..count {
            let _ = list.upsert(MemberId(member), GroupId(group), &member.to_be_bytes()).unwrap();
            member += 1;
        }
    }
    let headers: Vec<usize> = (0..7).map(|group| list.header_row(GroupId(group)).unwrap()).collect();
    assert_eq!(headers, [0, 3, 16, 20, 843, 885, 887]);
    assert_eq!(list.row_count(), 41_581);
    assert_eq!(list.row(843), Some(Row::Header(GroupId(4))));
    assert_eq!(list.row(41_580), Some(Row::Member(MemberId(member - 1))));
    assert_eq!(list.row(41_581), None);
}

#[test]
fn the_first_member_brings_the_header_and_the_last_takes_it_away() {
    run(&[
        SetWindows { viewer: 1, windows: vec![(0, 9)] },
        Upsert { member: 1, group: 1, key: 1, len: 1 },
        Flush,
        Upsert { member: 2, group: 2, key: 1, len: 1 },
        Regroup { member: 1, group: 2 },
        Flush,
        Remove { member: 1 },
        Remove { member: 2 },
        Flush,
    ]);
}

#[test]
fn a_viewer_who_joins_between_changes_that_cancel_out_is_put_right() {
    run(&[
        Upsert { member: 1, group: 1, key: 1, len: 1 },
        Upsert { member: 2, group: 1, key: 2, len: 1 },
        SetWindows { viewer: 1, windows: vec![(2, 3)] },
        Flush,
        Upsert { member: 3, group: 1, key: 1, len: 1 },
        SetWindows { viewer: 2, windows: vec![(2, 3)] },
        Remove { member: 3 },
        Flush,
    ]);
}

#[test]
fn a_viewer_who_leaves_before_the_flush_costs_the_others_nothing() {
    run(&[
        Upsert { member: 1, group: 1, key: 1, len: 1 },
        SetWindows { viewer: 1, windows: vec![(0, 1)] },
        Flush,
        Upsert { member: 9, group: 4, key: 3, len: 1 },
        SetWindows { viewer: 2, windows: vec![(0, 1)] },
        SetWindows { viewer: 2, windows: vec![] },
        Flush,
    ]);
}

#[test]
fn a_viewer_who_joins_others_amid_changes_sees_what_they_see() {
    let mut list = numbered(1_000);
    let window = Window::new(0, 99);
    let first = list.set_windows(ViewerId(1), &[window]).unwrap();
    let _ = list.flush();

    // A change out of sight, and the second viewer: nobody has rows to be put right.
    let _ = list.remove(MemberId(900));
    assert_eq!(list.set_windows(ViewerId(2), &[window]).unwrap(), first);
    assert_eq!(list.flush().updates, []);

    // A change in sight: the third viewer is given the old rows, and then the new ones with the others.
    let _ = list.remove(MemberId(0));
    assert_eq!(list.set_windows(ViewerId(3), &[window]).unwrap().ops, first.ops);
    let Flush { updates, .. } = list.flush();
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0].viewers, [ViewerId(1), ViewerId(2), ViewerId(3)]);
}

#[test]
fn a_viewer_who_changes_between_groups_keeps_what_is_the_same_in_both() {
    run(&[
        Upsert { member: 1, group: 1, key: 1, len: 1 },
        Upsert { member: 2, group: 1, key: 2, len: 1 },
        SetWindows { viewer: 1, windows: vec![(0, 1)] },
        SetWindows { viewer: 2, windows: vec![(0, 1), (2, 3)] },
        Flush,
        Upsert { member: 3, group: 1, key: 1, len: 2 },
        // Both windows as of the flush, then the first alone, and then as they are now.
        SetWindows { viewer: 1, windows: vec![(0, 1), (2, 3)] },
        SetWindows { viewer: 1, windows: vec![(0, 1)] },
        SetWindows { viewer: 1, windows: vec![(2, 3)] },
        Remove { member: 3 },
        SetWindows { viewer: 3, windows: vec![(2, 3)] },
        SetWindows { viewer: 2, windows: vec![(2, 3)] },
        Flush,
    ]);
}

#[test]
fn counts_go_with_the_rows_and_are_put_right_by_the_flush() {
    let mut list = numbered(5);
    let _ = list.flush();
    let _ = list.upsert(MemberId(5), GroupId(1), b"").unwrap();
    let seen = list.set_windows(ViewerId(1), &[Window::new(0, 99)]).unwrap();
    assert_eq!(seen.counts.unwrap().rows, 7);
    let _ = list.remove(MemberId(5));
    // Those of the last flush, and not those that the viewer has.
    let counts = list.flush().counts.unwrap();
    assert_eq!((counts.groups, counts.rows), (vec![(GroupId(1), 5)], 6));
    assert_eq!(list.flush().counts, None);
}

#[test]
fn a_window_that_stays_is_neither_forgotten_nor_sent() {
    let mut list = numbered(500);
    let ops = |list: &mut MemberList, windows: &[(usize, usize)]| {
        let windows: Vec<Window> = windows.iter().map(|&(first, last)| Window::new(first, last)).collect();
        list.set_windows(ViewerId(1), &windows).unwrap().ops
    };
    let sync = |list: &MemberList, first, last| ListOp::Sync {
        window: Window::new(first, last),
        rows: list.rows(first..last + 1).collect(),
    };
    let forget = |first, last| ListOp::Invalidate { window: Window::new(first, last) };

    assert_eq!(ops(&mut list, &[(0, 99)]), [sync(&list, 0, 99)]);
    assert_eq!(ops(&mut list, &[(0, 99), (100, 199)]), [sync(&list, 100, 199)]);
    assert_eq!(ops(&mut list, &[(100, 199)]), [forget(0, 99)]);
    assert_eq!(ops(&mut list, &[(150, 249)]), [forget(100, 149), sync(&list, 200, 249)]);
    assert_eq!(
        ops(&mut list, &[(250, 260), (140, 239)]),
        [forget(240, 249), sync(&list, 140, 149), sync(&list, 250, 260)]
    );
    assert_eq!(ops(&mut list, &[(140, 200), (190, 260)]), [sync(&list, 240, 249)]);
    assert_eq!(ops(&mut list, &[]), [forget(140, 260)]);
}

#[test]
fn viewers_are_limited() {
    let mut list = MemberList::new([GroupId(1)], MemberListOptions::default().viewers_max(2));
    let top = [Window::new(0, 99)];
    let _ = list.set_windows(ViewerId(1), &top).unwrap();
    let _ = list.set_windows(ViewerId(2), &top).unwrap();
    let refused = Err(WindowError::TooManyViewers { max: 2 });
    assert_eq!(list.set_windows(ViewerId(3), &top), refused);
    assert!(list.set_windows(ViewerId(3), &[]).is_ok());
    // Those who are there may still scroll, and make room.
    let _ = list.set_windows(ViewerId(2), &[Window::new(1, 100)]).unwrap();
    let _ = list.set_windows(ViewerId(1), &[]).unwrap();
    assert!(list.set_windows(ViewerId(3), &top).is_ok());
}

#[test]
fn viewers_with_equal_windows_share_one_update_and_others_get_none() {
    let mut list = numbered(1_000);
    let _ = list.flush();
    for viewer in 0..128 {
        let window = if viewer < 100 { Window::new(0, 99) } else { Window::new(500, 599) };
        assert_eq!(list.set_windows(ViewerId(viewer), &[window]).unwrap().ops.len(), 1);
    }
    // Within the first window: the rows behind it stay where they are.
    let _ = list.upsert(MemberId(10), GroupId(1), &20_u64.to_be_bytes()).unwrap();
    let Flush { updates, counts, .. } = list.flush();
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0].viewers.len(), 100);
    assert!(matches!(&updates[0].ops[..], [ListOp::Sync { rows, .. }] if rows.len() == 100));
    assert_eq!(counts, None);
    assert_eq!(list.stats().view_groups, 2);

    // Behind both windows: nobody has anything to do but note the count.
    let _ = list.remove(MemberId(900));
    let Flush { updates, counts, .. } = list.flush();
    assert_eq!(updates, []);
    let Counts { groups, rows, .. } = counts.unwrap();
    assert_eq!((groups, rows), (vec![(GroupId(1), 999)], 1_000));
}

#[test]
#[should_panic(expected = "named twice")]
fn a_group_named_twice_is_a_bug_of_the_caller() {
    let _ = MemberList::new([GroupId(1), GroupId(1)], MemberListOptions::default());
}

/// A list of one group, with members in the order of their numbers.
fn numbered(members: u64) -> MemberList {
    let mut list = MemberList::new([GroupId(1)], MemberListOptions::default());
    for member in 0..members {
        let _ = list.upsert(MemberId(member), GroupId(1), &member.to_be_bytes()).unwrap();
    }
    list
}
