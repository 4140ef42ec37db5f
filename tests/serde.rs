//! What is stored comes back, and what is out of order does not come in.

use oyez::{Ranking, SortedSet};
use std::fmt::Debug;

fn error<T: Debug + serde::de::DeserializeOwned>(json: &str) -> String {
    let error = serde_json::from_str::<T>(json).unwrap_err().to_string();
    error.split(" at line ").next().unwrap().to_string()
}

#[test]
fn a_set_is_the_sequence_of_its_keys() {
    let set = SortedSet::from(["eve", "ada", "bob"].map(String::from));
    let json = serde_json::to_string(&set).unwrap();
    assert_eq!(json, r#"["ada","bob","eve"]"#);
    assert_eq!(serde_json::from_str::<SortedSet<String>>(&json).unwrap(), set);
    assert_eq!(serde_json::from_str::<SortedSet<u8>>("[]").unwrap(), SortedSet::new());

    let many: SortedSet<u32> = (0..50_000).map(|key| key * 3).collect();
    let back: SortedSet<u32> = serde_json::from_str(&serde_json::to_string(&many).unwrap()).unwrap();
    assert_eq!((back.validate(), &back), (Ok(50_000), &many));
}

#[test]
fn a_set_that_is_out_of_order_is_refused() {
    assert_eq!(error::<SortedSet<u8>>("[1, 5, 4, 9]"), "key 2 is smaller than the one before it");
    assert_eq!(error::<SortedSet<u8>>("[1, 5, 5]"), "key 2 is equal to the one before it");
    assert_eq!(
        error::<SortedSet<u8>>("7"),
        "invalid type: integer `7`, expected a sequence of keys in strictly ascending order"
    );
    assert_eq!(error::<SortedSet<u8>>("[1, 300]"), "invalid value: integer `300`, expected u8");
}

#[test]
fn a_ranking_is_the_sequence_of_ids_and_scores_in_rank_order() {
    let board = Ranking::from([("ada", 900), ("bob", 700), ("eve", 700)].map(|(id, score)| (id.to_string(), score)));
    let json = serde_json::to_string(&board).unwrap();
    assert_eq!(json, r#"[["bob",700],["eve",700],["ada",900]]"#);
    let back: Ranking<String, u32> = serde_json::from_str(&json).unwrap();
    assert_eq!((back.validate(), &back), (Ok(3), &board));
}

#[test]
fn a_ranking_that_is_out_of_order_or_names_an_id_twice_is_refused() {
    type Board = Ranking<String, u32>;
    assert_eq!(error::<Board>(r#"[["ada",2],["bob",1]]"#), "key 1 is smaller than the one before it");
    assert_eq!(error::<Board>(r#"[["bob",2],["ada",2]]"#), "key 1 is smaller than the one before it");
    assert_eq!(error::<Board>(r#"[["ada",2],["ada",2]]"#), "key 1 is equal to the one before it");
    assert_eq!(
        error::<Board>(r#"[["ada",1],["bob",2],["ada",3]]"#),
        "key 2 has an id that came before with another score"
    );
}
