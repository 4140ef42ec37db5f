//! The sorted set by operation, kind of key and size, beside its peers: for digging.
//!
//! `cargo bench --bench sorted_set -- rank/16b` runs a part. The scoreboard is what is quoted: it
//! interleaves the contenders, and here they run one after the other. Every answer is asserted.

mod data;
mod peers;

use criterion::{BatchSize, Criterion};
use data::{Churn, Digest, Key};
use oyez::sorted_set::Change;
use oyez::{Ranking, Repositioned, SortedSet};
use peers::bucketed_vector::{self, BucketedVector};
use peers::{OrderedSet, RankedSet};
use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::iter;
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
        one_key::<K>(criterion, n);
        many_keys::<K>(criterion, n);
        two_sets::<K>(criterion, n);
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
            assert_eq!(set.select(rank).map(Digest::digest), Some(key.digest()));
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

/// What only ours does with a key, beside what others would do instead.
fn one_key<K: Key>(criterion: &mut Criterion, n: usize) {
    let mut subject = LazyCell::new(|| Subject::<K, SortedSet<K>>::new(n));
    let mut ranking = LazyCell::new(|| {
        let churn = Churn::<K>::new(n, BATCH, SEED);
        let ranking: Ranking<u32, K> = (0..).zip(churn.shuffled()).collect();
        (churn, ranking)
    });

    let mut round = 0;

    bench(criterion, "reposition", K::NAME, n, "oyez", |bencher| {
        let Subject { churn, set } = &mut *subject;
        bencher.iter_custom(|wanted| {
            per_key(wanted, || {
                let pairs = pairs(churn, set, &mut round);
                let news = pairs.iter().map(|(_, new)| new.clone()).collect::<Vec<_>>();
                let start = Instant::now();
                for ((old, _), new) in pairs.iter().zip(news) {
                    assert!(matches!(set.reposition(old, new), Repositioned::Moved { .. }));
                }
                let elapsed = start.elapsed();
                assert!(pairs.into_iter().all(|(old, new)| set.reposition(&new, old).ranks().is_some()));
                elapsed
            })
        });
    });
    bench(criterion, "reposition", K::NAME, n, "remove_and_insert", |bencher| {
        let Subject { churn, set } = &mut *subject;
        bencher.iter_custom(|wanted| {
            per_key(wanted, || {
                let pairs = pairs(churn, set, &mut round);
                let news = pairs.iter().map(|(_, new)| new.clone()).collect::<Vec<_>>();
                let start = Instant::now();
                for ((old, _), new) in pairs.iter().zip(news) {
                    assert!(set.remove(old).was_present() && set.insert(new).is_new());
                }
                let elapsed = start.elapsed();
                assert!(pairs.into_iter().all(|(old, new)| set.reposition(&new, old).ranks().is_some()));
                elapsed
            })
        });
    });
    bench(criterion, "set_score", K::NAME, n, "ranking", |bencher| {
        let (churn, ranking) = &mut *ranking;
        let mut ids = (0..n as u32).cycle().step_by(7_919);
        bencher.iter_custom(|wanted| {
            per_key(wanted, || {
                let scores = churn.batch().arrivals;
                let start = Instant::now();
                for (score, id) in scores.into_iter().zip(&mut ids) {
                    assert!(ranking.set_score(id, score).rank() < n);
                }
                start.elapsed()
            })
        });
        assert_eq!(ranking.len(), n);
    });
    bench(criterion, "remove_at", K::NAME, n, "oyez", |bencher| {
        let Subject { set, .. } = &mut *subject;
        bencher.iter_custom(|wanted| {
            per_key(wanted, || {
                let ranks: Vec<usize> = ranks(&mut round, n).collect();
                let start = Instant::now();
                let removed: Vec<K> = ranks.into_iter().filter_map(|rank| set.remove_at(rank)).collect();
                let elapsed = start.elapsed();
                assert_eq!(removed.len(), BATCH);
                assert!(removed.into_iter().all(|key| set.insert(key).is_new()));
                elapsed
            })
        });
    });
    bench(criterion, "cursor_step", K::NAME, n, "oyez", |bencher| {
        let Subject { set, .. } = &mut *subject;
        let mut cursor = set.cursor();
        bencher.iter(|| {
            if cursor.next().is_none() {
                cursor.seek_rank(0);
            }
        });
    });
}

/// As many ranks as are exchanged at a time, all over the set in no order, others each time.
fn ranks(round: &mut usize, n: usize) -> impl Iterator<Item = usize> {
    *round += 7_919;
    let first = *round;
    (0..BATCH).map(move |at| (first + at * 17 % BATCH * (n / BATCH)) % (n - BATCH))
}

/// Pairs of a key that is in and one that is out, to take its place.
fn pairs<K: Key>(churn: &Churn<K>, set: &SortedSet<K>, round: &mut usize) -> Vec<(K, K)> {
    let old = ranks(round, set.len()).filter_map(|rank| set.select(rank).cloned());
    old.zip(churn.visitors(BATCH).keys).collect()
}

/// Many keys of one set at once, beside std's set where it has the word, and beside single calls where it has not.
fn many_keys<K: Key>(criterion: &mut Criterion, n: usize) {
    let keys = LazyCell::new(|| Churn::<K>::new(n, n / 2, SEED));
    let set = LazyCell::new(|| SortedSet::from_iter(keys.shuffled()));
    let std = LazyCell::new(|| BTreeSet::from_iter(keys.shuffled()));
    // A half as many keys again, none of which is in; and the middle key.
    let other = LazyCell::new(|| {
        let mut keys = keys.visitors(n / 2).keys;
        keys.sort_unstable();
        keys
    });
    let middle = LazyCell::new(|| set.select(n / 2).expect("not empty").clone());

    bench(criterion, "retain_half", K::NAME, n, "oyez", |bencher| {
        let run = |mut set: SortedSet<K>| {
            let mut at = 0..;
            assert_eq!(set.retain(|_| at.next().is_some_and(|at| at % 2 == 0)), n / 2);
            set
        };
        bencher.iter_batched(|| set.clone(), run, BatchSize::PerIteration);
    });
    bench(criterion, "retain_half", K::NAME, n, "std", |bencher| {
        let run = |mut set: BTreeSet<K>| {
            let mut at = 0..;
            set.retain(|_| at.next().is_some_and(|at| at % 2 == 0));
            assert_eq!(set.len(), n / 2);
            set
        };
        bencher.iter_batched(|| std.clone(), run, BatchSize::PerIteration);
    });
    bench(criterion, "split_off_half", K::NAME, n, "oyez", |bencher| {
        let run = |mut set: SortedSet<K>| {
            let high = set.split_off(&*middle);
            assert_eq!((set.len(), high.len()), (n / 2, n - n / 2));
            (set, high)
        };
        bencher.iter_batched(|| set.clone(), run, BatchSize::PerIteration);
    });
    bench(criterion, "split_off_half", K::NAME, n, "std", |bencher| {
        let run = |mut set: BTreeSet<K>| {
            let high = set.split_off(&*middle);
            assert_eq!((set.len(), high.len()), (n / 2, n - n / 2));
            (set, high)
        };
        bencher.iter_batched(|| std.clone(), run, BatchSize::PerIteration);
    });
    bench(criterion, "append_half", K::NAME, n, "oyez", |bencher| {
        let other = SortedSet::from_sorted(other.clone()).expect("sorted");
        let run = |(mut set, mut other): (SortedSet<K>, SortedSet<K>)| {
            set.append(&mut other);
            assert_eq!(set.len(), n + n / 2);
            set
        };
        bencher.iter_batched(|| (set.clone(), other.clone()), run, BatchSize::PerIteration);
    });
    bench(criterion, "append_half", K::NAME, n, "std", |bencher| {
        let other = BTreeSet::from_iter(other.iter().cloned());
        let run = |(mut set, mut other): (BTreeSet<K>, BTreeSet<K>)| {
            set.append(&mut other);
            assert_eq!(set.len(), n + n / 2);
            set
        };
        bencher.iter_batched(|| (std.clone(), other.clone()), run, BatchSize::PerIteration);
    });
    for part in [2, 20] {
        let batch = LazyCell::new(|| other.iter().take(n / part).cloned().collect::<Vec<K>>());
        bench(criterion, &format!("insert_1_in_{part}"), K::NAME, n, "many", |bencher| {
            let run = |(mut set, batch): (SortedSet<K>, Vec<K>)| {
                assert!(set.insert_many(batch).is_ok_and(|inserted| inserted == n / part));
                set
            };
            bencher.iter_batched(|| (set.clone(), batch.clone()), run, BatchSize::PerIteration);
        });
        bench(criterion, &format!("insert_1_in_{part}"), K::NAME, n, "singly", |bencher| {
            let run = |(mut set, batch): (SortedSet<K>, Vec<K>)| {
                assert_eq!(batch.into_iter().filter(|key| set.insert(key.clone()).is_new()).count(), n / part);
                set
            };
            bencher.iter_batched(|| (set.clone(), batch.clone()), run, BatchSize::PerIteration);
        });
        bench(criterion, &format!("remove_1_in_{part}"), K::NAME, n, "ranks", |bencher| {
            let run = |mut set: SortedSet<K>| {
                assert_eq!(set.remove_ranks(0..n / part).len(), n / part);
                set
            };
            bencher.iter_batched(|| set.clone(), run, BatchSize::PerIteration);
        });
        bench(criterion, &format!("remove_1_in_{part}"), K::NAME, n, "singly", |bencher| {
            let run = |mut set: SortedSet<K>| {
                assert_eq!(iter::repeat_with(|| set.pop_first()).take(n / part).flatten().count(), n / part);
                set
            };
            bencher.iter_batched(|| set.clone(), run, BatchSize::PerIteration);
        });
    }
    bench(criterion, "apply_1_in_2", K::NAME, n, "oyez", |bencher| {
        let changes: Vec<_> = other.iter().cloned().map(Change::Insert).collect();
        let run = |(mut set, changes): (SortedSet<K>, Vec<Change<K>>)| {
            assert!(set.apply(changes).is_ok_and(|applied| applied.inserted == n / 2));
            set
        };
        bencher.iter_batched(|| (set.clone(), changes.clone()), run, BatchSize::PerIteration);
    });
}

/// Set algebra, with a set of half the size of which half is common, and with one key in a thousand.
fn two_sets<K: Key>(criterion: &mut Criterion, n: usize) {
    let keys = LazyCell::new(|| Churn::<K>::new(n, n / 2, SEED));
    let set = LazyCell::new(|| SortedSet::from_iter(keys.shuffled()));
    let std = LazyCell::new(|| BTreeSet::from_iter(keys.shuffled()));
    let others = [("half", n / 2, n / 4), ("few", n / 1_000, n / 2_000)];
    for (name, len, common) in others {
        let other = LazyCell::new(|| {
            let absent = keys.visitors(len - common).keys;
            keys.sorted().into_iter().step_by(n / common.max(1)).take(common).chain(absent).collect::<SortedSet<K>>()
        });
        let other_std = LazyCell::new(|| other.iter().cloned().collect::<BTreeSet<K>>());
        let named = |operation: &str| format!("{operation}_{name}");
        bench(criterion, &named("union"), K::NAME, n, "oyez", |bencher| {
            bencher.iter(|| assert_eq!(set.union(&other).count(), n + len - common));
        });
        bench(criterion, &named("union"), K::NAME, n, "std", |bencher| {
            bencher.iter(|| assert_eq!(std.union(&other_std).count(), n + len - common));
        });
        bench(criterion, &named("intersection"), K::NAME, n, "oyez", |bencher| {
            bencher.iter(|| assert_eq!(set.intersection(&other).count(), common));
        });
        bench(criterion, &named("intersection"), K::NAME, n, "std", |bencher| {
            bencher.iter(|| assert_eq!(std.intersection(&other_std).count(), common));
        });
        bench(criterion, &named("difference"), K::NAME, n, "oyez", |bencher| {
            bencher.iter(|| assert_eq!(other.difference(&set).count(), len - common));
        });
        bench(criterion, &named("difference"), K::NAME, n, "std", |bencher| {
            bencher.iter(|| assert_eq!(other_std.difference(&std).count(), len - common));
        });
    }
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
