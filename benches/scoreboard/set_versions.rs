//! Area `set`, the rest: versions, readers beside a writer, and what is left after most keys have gone.
//!
//! **Who is compared with whom.** An insert with a snapshot before each, against imbl's, whose snapshot is a clone. The
//! rank of a reader who asks for the newest version each time, while a writer publishes each change on the other core:
//! against the same tree under a `RwLock`, and against a rank without any threads. (The lock is parking_lot's, which
//! lets a writer in. Under std's the reader may keep the writer out, and then measures a set that stands still.) A set
//! from which 95 % of the keys were removed at random, against one of the survivors, inserted at random.

use super::counting_alloc::bytes_kept;
use super::measure::{self, Readings, Spread};
use crate::data::Churn;
use crate::peers::bucketed_vector::BucketedVector;
use crate::peers::{OrderedSet, RankedSet};
use crate::{Effort, Figure};
use oyez::shared_set::Publishing;
use oyez::{SharedSet, SortedSet};
use parking_lot::RwLock;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use wabi_tree::OSBTreeSet;

type Key = (u64, u64);

const SEED: u64 = 0x5EED;
const N: usize = 1_000_000;
/// Keys that come and go at a time.
const BATCH: usize = 20_000;

/// Measures those figures that are `wanted`.
pub fn run(effort: Effort, wanted: &dyn Fn(&str) -> bool) -> Vec<Figure> {
    let rounds = match effort {
        Effort::Quick => 3,
        Effort::Full => 9,
    };
    let mut figures = Vec::new();
    let any_wanted = |names: &[&str]| names.iter().any(|name| wanted(name));
    if any_wanted(&["set.snapshot_insert.16b.1m"]) {
        figures.push(snapshot_each(rounds));
    }
    if any_wanted(&["set.bytes_held.16b.1m"]) {
        figures.push(bytes_held(effort));
    }
    if any_wanted(&["set.thinned_bytes.16b.1m", "set.thinned_rank.16b.1m"]) {
        figures.extend(after_removing_most(rounds));
    }
    if any_wanted(&["set.reader_rank.16b.1m", "set.reader_rank_by_alone.16b.1m"]) {
        figures.extend(readers(rounds));
    }
    if effort == Effort::Full && any_wanted(&["set.insert_p999.16b.1m"]) {
        figures.push(slowest_inserts(rounds));
    }
    figures
}

fn figure(name: &str, readings: &Readings, ours: &'static str, peers: &[&'static str]) -> Figure {
    let names = [ours].into_iter().chain(peers.iter().copied());
    let contenders = names.map(|who| (who, readings.get(ours, who).expect("it was measured"))).collect();
    Figure { name: name.to_owned(), contenders, floor: None }
}

/// A figure that was counted, not timed.
fn counted(name: &str, value: f64) -> Figure {
    let spread = Spread { least: value, median: value, most: value };
    Figure { name: name.to_owned(), contenders: vec![("oyez", spread)], floor: None }
}

fn filled<S: OrderedSet<Key>>(keys: Vec<Key>) -> S {
    let mut set = S::empty();
    keys.into_iter().for_each(|key| assert!(set.insert(key)));
    set
}

fn snapshot_each(rounds: usize) -> Figure {
    eprintln!("set: snapshots ...");
    let mut churn = Churn::<Key>::new(N, BATCH, SEED);
    let mut ours: SortedSet<Key> = filled(churn.shuffled());
    let mut imbl: imbl::OrdSet<Key> = filled(churn.shuffled());
    let mut readings = Readings::default();
    for round in 0..=rounds {
        let batch = churn.batch();
        let mut of_round = Readings::default();
        for turn in measure::turns(2, round) {
            if turn == 0 {
                let (ns, ()) = measure::time(BATCH, || {
                    let mut held = None;
                    for &key in &batch.arrivals {
                        held = Some((ours.snapshot().expect("one is held"), held.take()).0);
                        ours.insert(key);
                    }
                    drop(held);
                });
                of_round.add("oyez", "oyez", ns);
            } else {
                let (ns, ()) = measure::time(BATCH, || {
                    let mut held = None;
                    for &key in &batch.arrivals {
                        held = Some((imbl.clone(), held.take()).0);
                        imbl.insert(key);
                    }
                    drop(held);
                });
                of_round.add("oyez", "imbl", ns);
            }
        }
        assert_eq!((ours.len(), imbl.len()), (N + BATCH, N + BATCH));
        batch.leavers.iter().for_each(|key| assert!(ours.remove(key).was_present() && imbl.remove(key).is_some()));
        if round > 0 {
            readings.extend(of_round);
        }
    }
    figure("set.snapshot_insert.16b.1m", &readings, "oyez", &["imbl"])
}

/// The set's memory and its only snapshot's, by the set's alone.
fn bytes_held(effort: Effort) -> Figure {
    let updates = match effort {
        Effort::Quick => 2_000_000,
        Effort::Full => 20_000_000,
    };
    let mut churn = Churn::<Key>::new(N, BATCH, SEED);
    let (mut set, alone) = bytes_kept(|| filled::<SortedSet<Key>>(churn.shuffled()));
    let mut more = 0;
    let snapshot = set.snapshot().expect("it is the first");
    for _ in 0..updates / (2 * BATCH) {
        let batch = churn.batch();
        let ((), grown) = bytes_kept(|| {
            batch.arrivals.iter().for_each(|&key| assert!(set.insert(key).is_new()));
            batch.leavers.iter().for_each(|key| assert!(set.remove(key).was_present()));
        });
        more = grown.wrapping_add(more);
    }
    assert_eq!(snapshot.len(), N);
    counted("set.bytes_held.16b.1m", (alone as f64 + more as isize as f64) / alone as f64)
}

fn after_removing_most(rounds: usize) -> Vec<Figure> {
    eprintln!("set: after removing 95 % ...");
    let churn = Churn::<Key>::new(N, BATCH, SEED);
    let keys = churn.shuffled();
    let (gone, left) = keys.split_at(N / 20 * 19);
    let (thinned, thinned_bytes) = bytes_kept(|| {
        let mut set: SortedSet<Key> = filled(keys.clone());
        gone.iter().for_each(|key| assert!(set.remove(key).was_present()));
        set
    });
    let (fresh, fresh_bytes) = bytes_kept(|| filled::<SortedSet<Key>>(left.to_vec()));
    let mut readings = Readings::default();
    for round in 0..=rounds {
        let mut of_round = Readings::default();
        for turn in measure::turns(2, round) {
            let (name, set) = if turn == 0 { ("oyez", &thinned) } else { ("fresh", &fresh) };
            let ask = || left.iter().map(|key| set.rank(key).expect("it stayed") as u64).sum::<u64>();
            let (ns, ranks) = measure::time(left.len(), ask);
            assert_eq!(ranks, (0..left.len() as u64).sum());
            of_round.add("oyez", name, ns);
        }
        if round > 0 {
            readings.extend(of_round);
        }
    }
    let bytes = counted("set.thinned_bytes.16b.1m", thinned_bytes as f64 / fresh_bytes as f64);
    vec![bytes, figure("set.thinned_rank.16b.1m", &readings, "oyez", &["fresh"])]
}

/// Ranks that somebody asks for, one after the other, while `write` goes on beside it.
///
/// # Panics
///
/// When the writer has made fewer changes than a tenth of the questions: there was no writer to speak of.
fn ask_beside(keys: &[Key], write: impl Fn(&Key) + Sync, rank: impl Fn(&Key) -> usize) -> f64 {
    let stop = AtomicBool::new(false);
    thread::scope(|threads| {
        let writer = threads.spawn(|| {
            for (changes, key) in keys.iter().rev().cycle().enumerate() {
                if stop.load(Relaxed) {
                    return 2 * changes;
                }
                write(key);
            }
            unreachable!("it writes until it is stopped")
        });
        thread::sleep(Duration::from_millis(5));
        let (ns, _) = measure::time(keys.len(), || keys.iter().map(|key| rank(key) as u64).sum::<u64>());
        stop.store(true, Relaxed);
        let changes = writer.join().expect("nobody panics");
        assert!(changes > keys.len() / 10, "only {changes} changes beside {} questions", keys.len());
        ns
    })
}

fn readers(rounds: usize) -> Vec<Figure> {
    eprintln!("set: a reader beside a writer ...");
    let mut churn = Churn::<Key>::new(N, BATCH, SEED);
    let alone: SortedSet<Key> = filled(churn.shuffled());
    let shared = SharedSet::with(filled::<SortedSet<Key>>(churn.shuffled()), Publishing::EachChange);
    let locked = RwLock::new(filled::<SortedSet<Key>>(churn.shuffled()));
    let mut readings = Readings::default();
    for round in 0..=rounds {
        let keys = churn.questions(2 * BATCH).keys;
        let mut of_round = Readings::default();
        for turn in measure::turns(3, round) {
            let (name, ns) = match turn {
                0 => ("oyez", {
                    let write = |key: &Key| {
                        shared.remove(key);
                        shared.insert(*key);
                    };
                    ask_beside(&keys, write, |key| shared.read(|set| set.rank(key)).unwrap_or_else(|rank| rank))
                }),
                1 => ("rwlock", {
                    let write = |key: &Key| {
                        locked.write().remove(key);
                        locked.write().insert(*key);
                    };
                    let rank = |key: &Key| locked.read().rank(key).unwrap_or_else(|rank| rank);
                    ask_beside(&keys, write, rank)
                }),
                _ => {
                    let ask = || keys.iter().map(|key| alone.rank(key).expect("it is there") as u64).sum::<u64>();
                    let (ns, ranks) = measure::time(keys.len(), ask);
                    black_box(ranks);
                    ("alone", ns)
                }
            };
            of_round.add("oyez", name, ns);
        }
        if round > 0 {
            readings.extend(of_round);
        }
    }
    assert_eq!(shared.into_inner().validate(), Ok(N));
    vec![
        figure("set.reader_rank.16b.1m", &readings, "oyez", &["rwlock"]),
        figure("set.reader_rank_by_alone.16b.1m", &readings, "oyez", &["alone"]),
    ]
}

/// What one insert in a thousand takes at the least.
fn slowest_inserts(rounds: usize) -> Figure {
    eprintln!("set: the slowest inserts ...");
    let mut churn = Churn::<Key>::new(N, BATCH, SEED);
    let mut ours: SortedSet<Key> = filled(churn.shuffled());
    let mut indexset: indexset::BTreeSet<Key> = filled(churn.shuffled());
    let mut wabi: OSBTreeSet<Key> = filled(churn.shuffled());
    let mut bucketed: BucketedVector<Key> = filled(churn.shuffled());
    let mut readings = Readings::default();
    for round in 0..=rounds {
        let batch = churn.batch();
        let mut of_round = Readings::default();
        for turn in measure::turns(4, round) {
            let (name, ns) = match turn {
                0 => ("oyez", slowest(&mut ours, &batch.arrivals, &batch.leavers)),
                1 => ("indexset", slowest(&mut indexset, &batch.arrivals, &batch.leavers)),
                2 => ("wabi_tree", slowest(&mut wabi, &batch.arrivals, &batch.leavers)),
                _ => ("bucketed", slowest(&mut bucketed, &batch.arrivals, &batch.leavers)),
            };
            of_round.add("oyez", name, ns);
        }
        if round > 0 {
            readings.extend(of_round);
        }
    }
    figure("set.insert_p999.16b.1m", &readings, "oyez", &["indexset", "wabi_tree", "bucketed"])
}

fn slowest<S: RankedSet<Key>>(set: &mut S, arrivals: &[Key], leavers: &[Key]) -> f64 {
    let mut times: Vec<u64> = Vec::with_capacity(arrivals.len());
    for key in arrivals {
        let start = Instant::now();
        black_box(set.insert_ranked(*key, key));
        times.push(start.elapsed().as_nanos() as u64);
    }
    leavers.iter().for_each(|key| assert!(set.remove(key)));
    times.sort_unstable();
    times[times.len() * 999 / 1_000] as f64
}
