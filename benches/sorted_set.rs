//! The sorted set by operation, kind of key and size, beside its peers: for digging.
//!
//! `cargo bench --bench sorted_set -- rank/16b` runs a part. The scoreboard is what is quoted: it
//! interleaves the contenders, and here they run one after the other. Every answer is asserted.

mod data;
mod peers;

use criterion::{BatchSize, Criterion};
use data::{Churn, Key};
use oyez::SortedSet;
use peers::bucketed_vector::{self, BucketedVector};
use peers::{OrderedSet, RankedSet};
use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use wabi_tree::OSBTreeSet;

const SEED: u64 = 0x5EED;
const SIZES: [usize; 3] = [1_000, 10_000, 1_000_000];
/// Keys that are exchanged before the others are.
const BATCH: usize = 50;
const QUESTIONS: usize = 20_000;
const SLICE: usize = 100;

fn main() {
    bucketed_vector::check_against_a_sorted_vector();
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
        .configure_from_args();
    kind_of_key::<(u64, u64)>(&mut criterion);
    kind_of_key::<Box<[u8]>>(&mut criterion);
    criterion.final_summary();
}

fn kind_of_key<K: Key>(criterion: &mut Criterion) {
    for n in SIZES {
        ranked::<K, SortedSet<K>>(criterion, n);
        ranked::<K, indexset::BTreeSet<K>>(criterion, n);
        ranked::<K, OSBTreeSet<K>>(criterion, n);
        ranked::<K, BucketedVector<K>>(criterion, n);
        unranked::<K, SortedSet<K>>(criterion, n);
        unranked::<K, indexset::BTreeSet<K>>(criterion, n);
        unranked::<K, OSBTreeSet<K>>(criterion, n);
        unranked::<K, BTreeSet<K>>(criterion, n);
        unranked::<K, imbl::OrdSet<K>>(criterion, n);
    }
}

/// A set with the churn that it has been through.
struct Subject<K, S> {
    churn: Churn<K>,
    set: S,
}

impl<K: Key, S: OrderedSet<K>> Subject<K, S> {
    fn new(n: usize) -> Self {
        let churn = Churn::new(n, BATCH, SEED);
        let mut set = S::empty();
        for key in churn.shuffled() {
            assert!(set.insert(key));
        }
        assert_eq!(set.len(), n);
        Subject { churn, set }
    }
}

/// Questions that need ranks, and mutations that tell them.
fn ranked<K: Key, S: RankedSet<K>>(criterion: &mut Criterion, n: usize) {
    // Built only if the command line selects one of its benches.
    let mut subject = LazyCell::new(|| Subject::<K, S>::new(n));

    bench(criterion, "insert", K::NAME, n, S::NAME, |bencher| {
        let Subject { churn, set } = &mut *subject;
        bencher.iter_custom(|wanted| {
            per_key(wanted, || {
                let batch = churn.batch();
                let keys = batch.arrivals.clone();
                let start = Instant::now();
                let ranks = keys.into_iter().zip(&batch.arrivals);
                let ranks = ranks.map(|(key, probe)| set.insert_ranked(key, probe) as u64);
                assert_eq!(ranks.sum::<u64>(), batch.arrival_ranks);
                let elapsed = start.elapsed();
                assert!(batch.leavers.iter().all(|key| set.remove(key)));
                elapsed
            })
        });
    });
    bench(criterion, "remove", K::NAME, n, S::NAME, |bencher| {
        let Subject { churn, set } = &mut *subject;
        bencher.iter_custom(|wanted| {
            per_key(wanted, || {
                let batch = churn.batch();
                assert!(batch.arrivals.into_iter().all(|key| set.insert(key)));
                let start = Instant::now();
                let ranks = batch.leavers.iter().map(|key| set.remove_ranked(key) as u64);
                assert_eq!(ranks.sum::<u64>(), batch.leaver_ranks);
                start.elapsed()
            })
        });
    });
    bench(criterion, "rank", K::NAME, n, S::NAME, |bencher| {
        let Subject { churn, set } = &mut *subject;
        let questions = churn.questions(QUESTIONS);
        let ranks = questions.keys.iter().map(|key| set.rank(key) as u64);
        assert_eq!(ranks.sum::<u64>(), questions.ranks_sum());
        let mut keys = questions.keys.iter().cycle();
        bencher.iter(|| set.rank(keys.next().expect("a cycle never ends")));
    });
    bench(criterion, "insert_rank_remove", K::NAME, n, S::NAME, |bencher| {
        let Subject { churn, set } = &mut *subject;
        bencher.iter_custom(|wanted| {
            per_key(wanted, || {
                // Others than last time, or they would find their places in the caches.
                let batch = churn.batch();
                assert!(batch.arrivals.into_iter().all(|key| set.insert(key)));
                assert!(batch.leavers.iter().all(|key| set.remove(key)));
                let visitors = churn.visitors(BATCH);
                let keys = visitors.keys.clone();
                let start = Instant::now();
                let ranks = keys.into_iter().zip(&visitors.keys).map(|(key, probe)| {
                    let rank = set.insert_ranked(key, probe) as u64;
                    assert!(set.remove(probe));
                    rank
                });
                assert_eq!(ranks.sum::<u64>(), visitors.ranks_sum);
                start.elapsed()
            })
        });
    });
    bench(criterion, "select", K::NAME, n, S::NAME, |bencher| {
        let Subject { churn, set } = &mut *subject;
        let questions = churn.questions(QUESTIONS);
        let mut asked = questions.keys.iter().zip(&questions.ranks).cycle();
        bencher.iter(|| {
            let (key, &rank) = asked.next().expect("a cycle never ends");
            assert_eq!(set.select(rank), Some(key));
        });
    });
    bench(criterion, "slice100", K::NAME, n, S::NAME, |bencher| {
        let Subject { churn, set } = &mut *subject;
        let windows = churn.windows(QUESTIONS, SLICE);
        let digest_of = |start| {
            let mut digest = 0u64;
            set.slice(start..start + windows.width, |key| digest = digest.wrapping_add(key.digest()));
            digest
        };
        let digests = windows.starts.iter().map(|&start| digest_of(start));
        assert_eq!(digests.fold(0, u64::wrapping_add), windows.digests);
        let mut starts = windows.starts.iter().cycle();
        bencher.iter(|| digest_of(*starts.next().expect("a cycle never ends")));
    });
}

/// What a set without ranks can do too.
fn unranked<K: Key, S: OrderedSet<K>>(criterion: &mut Criterion, n: usize) {
    let mut subject = LazyCell::new(|| Subject::<K, S>::new(n));

    bench(criterion, "insert_unranked", K::NAME, n, S::NAME, |bencher| {
        let Subject { churn, set } = &mut *subject;
        bencher.iter_custom(|wanted| {
            per_key(wanted, || {
                let batch = churn.batch();
                let start = Instant::now();
                assert!(batch.arrivals.into_iter().all(|key| set.insert(key)));
                let elapsed = start.elapsed();
                assert!(batch.leavers.iter().all(|key| set.remove(key)));
                elapsed
            })
        });
    });
    bench(criterion, "remove_unranked", K::NAME, n, S::NAME, |bencher| {
        let Subject { churn, set } = &mut *subject;
        bencher.iter_custom(|wanted| {
            per_key(wanted, || {
                let batch = churn.batch();
                assert!(batch.arrivals.into_iter().all(|key| set.insert(key)));
                let start = Instant::now();
                assert!(batch.leavers.iter().all(|key| set.remove(key)));
                start.elapsed()
            })
        });
    });
    bench(criterion, "contains", K::NAME, n, S::NAME, |bencher| {
        let Subject { churn, set } = &mut *subject;
        let (present, absent) = (churn.questions(QUESTIONS), churn.visitors(BATCH));
        assert!(!absent.keys.iter().any(|key| set.contains(key)));
        let mut asked = present.keys.iter().cycle();
        bencher.iter(|| assert!(set.contains(asked.next().expect("a cycle never ends"))));
    });
    bench(criterion, "build_sorted", K::NAME, n, S::NAME, |bencher| {
        let sorted = subject.churn.sorted();
        let build = |keys| {
            let set = S::from_sorted(keys);
            assert_eq!(set.len(), n);
            set
        };
        bencher.iter_batched(|| sorted.clone(), build, BatchSize::PerIteration);
    });
}

fn bench(
    criterion: &mut Criterion,
    operation: &str,
    key: &str,
    n: usize,
    contender: &str,
    run: impl FnMut(&mut criterion::Bencher<'_>),
) {
    criterion.bench_function(&format!("{operation}/{key}/{n}/{contender}"), run);
}

/// The time for `wanted` keys, from whole batches.
fn per_key(wanted: u64, mut batch: impl FnMut() -> Duration) -> Duration {
    let batches = wanted.div_ceil(BATCH as u64);
    let elapsed: Duration = (0..batches).map(|_| batch()).sum();
    elapsed.mul_f64(wanted as f64 / (batches * BATCH as u64) as f64)
}
