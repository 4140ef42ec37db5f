//! What a set and its snapshots take, and that it comes back. A program of its own, since the allocator counts for all
//! threads, and the test harness has another.

#[path = "../benches/scoreboard/counting_alloc.rs"]
mod counting_alloc;

use counting_alloc::{CountingAlloc, bytes_kept};
use oyez::SortedSet;

#[global_allocator]
static ALLOCATOR: CountingAlloc = CountingAlloc;

type Key = (u64, u64);

const KEYS: u64 = 200_000;

/// Another key for each number, in no order (the last step of MurmurHash3).
fn key(number: u64) -> Key {
    let mixed = (number ^ number >> 33).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    (mixed ^ mixed >> 33, number)
}

/// As many keys come as go, all over the set.
fn exchange(set: &mut SortedSet<Key>, rounds: std::ops::Range<u64>) {
    for round in rounds {
        set.insert(key(KEYS + round));
        assert!(set.remove(&key(round)).was_present());
    }
}

fn main() {
    let ((), left) = bytes_kept(|| {
        let (mut set, alone) = bytes_kept(|| (0..KEYS).map(key).fold(SortedSet::new(), inserted));
        let per_key = alone as f64 / KEYS as f64;
        assert!(per_key < 23.0, "{per_key:.1} bytes for a key of 16");

        let (snapshot, with_it) = bytes_kept(|| {
            let snapshot = set.snapshot().unwrap();
            exchange(&mut set, 0..2 * KEYS);
            snapshot
        });
        let times = (alone + with_it) as f64 / alone as f64;
        assert!((1.5..2.2).contains(&times), "{times:.2} times the set while one snapshot is held");
        let retired = set.snapshot_stats().retired_bytes;
        assert!(retired > alone * 9 / 10 && retired <= alone, "{retired} of {alone} bytes retired");

        let ((), more) = bytes_kept(|| {
            drop(snapshot);
            set.reclaim();
        });
        let given_back = more.wrapping_neg();
        assert!(given_back >= retired, "{given_back} bytes came back of {retired}");

        let ((), more) = bytes_kept(|| {
            for round in 2 * KEYS..3 * KEYS - KEYS / 20 {
                assert!(set.remove(&key(round)).was_present());
            }
        });
        assert!(more > usize::MAX / 2, "nothing came back of 95 % of the keys");
        let survivors = (3 * KEYS - KEYS / 20..3 * KEYS).map(key);
        let (fresh, fresh_bytes) = bytes_kept(|| survivors.fold(SortedSet::new(), inserted));
        assert_eq!(fresh, set);
        let (copy, copy_bytes) = bytes_kept(|| set.clone());
        let times = copy_bytes as f64 / fresh_bytes as f64;
        assert!(times < 2.2, "{times:.2} times the bytes of a set of the survivors");
        drop((copy, fresh));

        // Snapshots that outlive their set.
        let snapshots: Vec<_> = (0..40)
            .map(|round| {
                let snapshot = set.snapshot().unwrap();
                exchange(&mut set, 3 * KEYS - KEYS / 20 + round * 100..3 * KEYS - KEYS / 20 + (round + 1) * 100);
                snapshot
            })
            .collect();
        drop(set);
        assert!(snapshots.iter().all(|snapshot| snapshot.len() as u64 == KEYS / 20));
    });
    assert_eq!(left, 0, "bytes are left over");
}

fn inserted(mut set: SortedSet<Key>, key: Key) -> SortedSet<Key> {
    assert!(set.insert(key).is_new());
    set
}
