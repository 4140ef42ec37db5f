//! `Ranking` equals a vector that is sorted after each change, for any script.

use oyez::{Ranked, Ranking};
use oyez_driver::ranking::run;
use oyez_model::ranking::ops;
use proptest::prelude::*;
use std::cell::Cell;
use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

proptest! {
    #[test]
    fn equals_a_vector_sorted_after_each_change(ops in ops()) {
        run(&ops);
    }
}

#[test]
fn ids_of_one_score_stand_in_the_order_of_the_ids_and_from_the_top_the_other_way() {
    let board: Ranking<String, u32> = ["eve", "ada", "bob"].map(|id| (id.to_string(), 7)).into();
    assert!(board.iter().map(|(id, _)| id).eq(["ada", "bob", "eve"]));
    assert!(board.top(9).map(|(id, _)| id).eq(["eve", "bob", "ada"]));
    assert_eq!((board.rank("ada"), board.rank_descending("ada")), (Some(0), Some(2)));
    assert_eq!(board.count(7..=7), 3);
}

#[test]
fn an_empty_ranking_answers() {
    let mut board = Ranking::<String, u32>::new();
    assert_eq!((board.rank("x"), board.rank_descending("x"), board.score("x")), (None, None, None));
    assert_eq!((board.remove("x"), board.pop_first(), board.pop_last()), (None, None, None));
    assert_eq!((board.ranks(..), board.remove_ranks(3..9)), (0..0, 0..0));
    assert_eq!((board.top(3).len(), board.select(0)), (0, None));
    assert_eq!(format!("{board:?}"), "{}");
}

#[test]
fn of_several_scores_of_one_id_the_last_counts() {
    let board = Ranking::from([("ada", 1), ("bob", 2), ("ada", 3)]);
    assert_eq!(format!("{board:?}"), r#"{"bob": 2, "ada": 3}"#);
    assert_eq!(board.validate(), Ok(2));
}

#[test]
fn a_move_within_the_same_rank_is_still_a_move() {
    let mut board = Ranking::from([("ada", 10), ("bob", 20)]);
    assert_eq!(board.set_score("ada", 15), Ranked::Moved { from: 0, to: 0 });
    assert_eq!(board.score("ada"), Some(&15));
}

#[test]
fn a_comparison_that_panics_leaves_the_ranking_as_it_was() {
    thread_local!(static FUSE: Cell<u32> = const { Cell::new(u32::MAX) });
    #[derive(PartialEq, Eq, Clone, Copy, Debug)]
    struct Fused(u32);
    impl PartialOrd for Fused {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Fused {
        fn cmp(&self, other: &Self) -> Ordering {
            let left = FUSE.get();
            if left == 0 {
                resume_unwind(Box::new("the fuse blew"));
            }
            FUSE.set(left - 1);
            self.0.cmp(&other.0)
        }
    }
    let mut board = Ranking::with_node_sizes(4, 4);
    board.extend((0..100).map(|id| (id, Fused(id * 10))));
    let before = board.clone();
    let mut blown = 0;
    for id in (0..130).step_by(7) {
        for fuse in 0..60 {
            FUSE.set(fuse);
            let outcome = catch_unwind(AssertUnwindSafe(|| match fuse % 3 {
                0 => drop(board.remove(&id)),
                _ => drop(board.set_score(id, Fused(505))),
            }));
            FUSE.set(u32::MAX);
            match outcome {
                Ok(()) => board = before.clone(),
                Err(_) => blown += 1,
            }
            assert_eq!(board.validate(), Ok(100), "id {id}, fuse {fuse}");
            assert_eq!(board, before, "id {id}, fuse {fuse}");
        }
    }
    assert!(blown > 200, "only {blown} calls met a panic");
}
