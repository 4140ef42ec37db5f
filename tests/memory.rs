//! Removed keys give their memory back: after 95 % of them have gone, a set is about as large as one that never held
//! them. One test, so that nobody else allocates while it counts.

#[path = "../benches/scoreboard/counting_alloc.rs"]
mod counting_alloc;

use counting_alloc::{CountingAlloc, bytes_kept};
use oyez::{Ranking, SortedSet};

#[global_allocator]
static COUNTING: CountingAlloc = CountingAlloc;

const N: u64 = 200_000;

/// Keys in no order. Odd, so that no two are equal.
fn keys() -> impl Iterator<Item = (u64, u64)> {
    (0..N).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29), i))
}

fn stays(key: &(u64, u64)) -> bool {
    key.1 % 20 == 7
}

/// All keys one by one, and then what `leave` does.
fn churned(leave: impl FnOnce(&mut SortedSet<(u64, u64)>)) -> usize {
    let (set, bytes) = bytes_kept(|| {
        let mut set = SortedSet::new();
        keys().for_each(|key| assert!(set.insert(key).is_new()));
        leave(&mut set);
        set
    });
    assert_eq!(set.validate(), Ok((N / 20) as usize));
    bytes
}

#[test]
fn removed_keys_give_their_memory_back() {
    let (fresh, fresh_bytes) = bytes_kept(|| {
        let mut set = SortedSet::new();
        keys().filter(stays).for_each(|key| assert!(set.insert(key).is_new()));
        set
    });
    assert_eq!(fresh.len() as u64, N / 20);

    let singly =
        churned(|set| keys().filter(|key| !stays(key)).for_each(|key| assert!(set.remove(&key).was_present())));
    assert!(singly * 10 <= fresh_bytes * 22, "one by one: {singly} bytes, fresh {fresh_bytes}");

    let retained = churned(|set| assert_eq!(set.retain(stays), (N - N / 20) as usize));
    assert!(retained <= fresh_bytes, "retained: {retained} bytes, fresh {fresh_bytes}");

    let cut = churned(|set| assert_eq!(set.remove_ranks(5_000..195_000), 5_000..195_000));
    assert!(cut <= fresh_bytes, "cut: {cut} bytes, fresh {fresh_bytes}");

    let split = churned(|set| drop(set.split_off_rank(10_000)));
    assert!(split <= fresh_bytes, "split: {split} bytes, fresh {fresh_bytes}");

    let scores = || keys().map(|(score, id)| (id, score));
    let (board, fresh_bytes) = bytes_kept(|| {
        let mut board = Ranking::<u64, u64>::new();
        board.extend(scores().filter(|(id, score)| stays(&(*score, *id))));
        board
    });
    let (churned, bytes) = bytes_kept(|| {
        let mut board = Ranking::<u64, u64>::new();
        board.extend(scores());
        keys().filter(|key| !stays(key)).for_each(|(_, id)| assert!(board.remove(&id).is_some()));
        board
    });
    assert_eq!(churned, board);
    assert!(bytes * 10 <= fresh_bytes * 25, "ranking: {bytes} bytes, fresh {fresh_bytes}");

    let ((), nothing) = bytes_kept(|| {
        let mut board: Ranking<u64, u64> = scores().collect();
        board.clear();
        assert!(std::hint::black_box(&board).is_empty());
    });
    assert_eq!(nothing, 0, "everything has gone");
}
