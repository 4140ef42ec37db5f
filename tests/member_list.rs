//! `MemberList` equals a vector sorted anew, and its clients show the truth.

use oyez::{Counts, Flush, GroupId, ListOp, MemberId, MemberList, MemberListOptions, Row, ViewerId, Window};
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
fn viewers_with_equal_windows_share_one_update_and_others_get_none() {
    let mut list = MemberList::new([GroupId(1)], MemberListOptions::default());
    for member in 0..1_000 {
        let _ = list.upsert(MemberId(member), GroupId(1), &member.to_be_bytes()).unwrap();
    }
    let _ = list.flush();
    for viewer in 0..128 {
        let window = if viewer < 100 { Window::new(0, 99) } else { Window::new(500, 599) };
        assert_eq!(list.set_windows(ViewerId(viewer), &[window]).unwrap().len(), 1);
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
