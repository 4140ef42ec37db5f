//! `SharedSet`: whatever readers and writers do at once, each read is the set after some prefix of the changes, and
//! each change is told its own rank.

use oyez::shared_set::{Change, Changed, Publishing};
use oyez::{Inserted, Removed, SharedSet, SortedSet};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

const WRITERS: u32 = 3;
const READERS: usize = 3;
/// Keys a writer keeps in the set: it inserts (writer, n) and removes (writer, n - KEPT), for n from 0 up.
const KEPT: u32 = 300;

/// What one read shows of each writer: the number behind its newest key, and its oldest key.
type Progress = [(u32, u32); WRITERS as usize];

fn progress(keys: &SortedSet<(u32, u32)>) -> Progress {
    let mut seen = [(0, 0); WRITERS as usize];
    for (writer, progress) in (0..).zip(&mut seen) {
        let numbers: Vec<u32> = keys.range((writer, 0)..=(writer, u32::MAX)).map(|&(_, number)| number).collect();
        if let (Some(&first), Some(&last)) = (numbers.first(), numbers.last()) {
            assert_eq!(numbers.len() as u32, last - first + 1, "a hole in what one writer wrote in order");
            *progress = (last + 1, first);
        }
    }
    seen
}

/// Whether one of two reads is a later one, in all writers' parts at once.
fn is_at_or_before(one: &Progress, other: &Progress) -> bool {
    one.iter().zip(other).all(|(one, other)| one.0 <= other.0 && one.1 <= other.1)
}

fn stress(publishing: Publishing, time: Duration) {
    let set = SharedSet::with(SortedSet::with_node_sizes(7, 5), publishing);
    let stop = AtomicBool::new(false);
    let written: [AtomicU32; WRITERS as usize] = Default::default();
    let mut reads = Vec::new();
    thread::scope(|threads| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                threads.spawn({
                    let (set, stop, written) = (&set, &stop, &written);
                    move || {
                        for number in 0.. {
                            let key = (writer, number);
                            let Inserted::At(rank) = set.insert(key) else { panic!("{key:?} is new") };
                            let own = number.min(KEPT) as usize;
                            if writer == 0 {
                                assert_eq!(rank, own, "nobody writes before the first writer's keys");
                            }
                            assert!(rank - own <= (writer * (KEPT + 1)) as usize, "others have fewer keys than that");
                            if publishing != Publishing::OnDemand {
                                assert!(set.load().contains(&key), "a change that has returned is seen");
                            }
                            if number >= KEPT {
                                assert!(set.remove(&(writer, number - KEPT)).was_present());
                            }
                            if number % 16 == 0 {
                                set.publish();
                            }
                            written[writer as usize].store(number, Relaxed);
                            if stop.load(Relaxed) {
                                return;
                            }
                        }
                    }
                })
            })
            .collect();
        let readers: Vec<_> = (0..READERS)
            .map(|_| {
                threads.spawn({
                    let (set, stop) = (&set, &stop);
                    move || {
                        let mut seen = vec![progress(&set.load())];
                        while !stop.load(Relaxed) {
                            let version = set.load();
                            let now = progress(&version);
                            assert_eq!(version.validate(), Ok(version.len()));
                            let last = seen.last().expect("one read at least");
                            assert!(is_at_or_before(last, &now), "an older version came after {last:?}: {now:?}");
                            if *last != now {
                                seen.push(now);
                            }
                        }
                        seen
                    }
                })
            })
            .collect();
        thread::sleep(time);
        // However busy the machine is.
        while written.iter().any(|written| written.load(Relaxed) < 2 * KEPT) {
            if writers.iter().any(|writer| writer.is_finished()) {
                break; // It has failed, which its join tells.
            }
            thread::sleep(time / 10);
        }
        stop.store(true, Relaxed);
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        reads.extend(readers.into_iter().flat_map(|reader| reader.join().unwrap()));
    });
    assert!(reads.len() > READERS, "the readers saw nothing happen");
    // All reads of all readers lie on one line.
    reads.sort();
    reads.sort_by_key(|read| read.iter().map(|&(newest, oldest)| u64::from(newest) + u64::from(oldest)).sum::<u64>());
    for pair in reads.windows(2) {
        assert!(is_at_or_before(&pair[0], &pair[1]), "neither is a prefix of the other: {pair:?}");
    }
    assert_eq!(set.into_inner().snapshot_stats().held, 0);
}

/// `STRESS_SECONDS` for all that is stressed here.
fn a_third_of_the_time() -> Duration {
    let seconds = std::env::var("STRESS_SECONDS").map_or(3.0, |seconds| seconds.parse().expect("a number"));
    Duration::from_secs_f64(seconds / 3.0)
}

#[test]
fn each_read_is_the_set_after_some_prefix_of_the_writes() {
    for publishing in [Publishing::EachChange, Publishing::EachTurn, Publishing::OnDemand] {
        stress(publishing, a_third_of_the_time());
    }
}

#[test]
fn a_batch_is_seen_as_a_whole() {
    let set = SharedSet::from(SortedSet::from([0_i64]));
    let stop = AtomicBool::new(false);
    thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                while !stop.load(Relaxed) {
                    let version = set.load();
                    assert_eq!(version.len(), 1, "{version:?}");
                }
            });
        }
        let until = Instant::now() + Duration::from_millis(300);
        let mut at = 0;
        while Instant::now() < until {
            let moved = set.apply([Change::Remove(at), Change::Insert(at + 1)]);
            assert_eq!(moved, [Changed::Removed(Removed::At(0)), Changed::Inserted(Inserted::At(0))]);
            at += 1;
        }
        stop.store(true, Relaxed);
    });
}

#[test]
fn publishing_decides_what_readers_see() {
    let set = SharedSet::with(SortedSet::new(), Publishing::OnDemand);
    let before = set.load();
    assert_eq!(set.insert(1), Inserted::At(0));
    set.update(|set| set.extend([2, 3]));
    assert!(set.load().is_empty());
    set.publish();
    assert_eq!((set.load().len(), before.len()), (3, 0));
    for publishing in [Publishing::EachChange, Publishing::EachTurn] {
        let set = SharedSet::with(SortedSet::new(), publishing);
        assert_eq!(set.insert("b"), Inserted::At(0));
        assert_eq!(set.insert("a"), Inserted::At(0));
        assert_eq!(set.insert("a"), Inserted::Already(0));
        assert_eq!(set.remove(&"c"), Removed::Absent(2));
        assert!(set.load().iter().eq(&["a", "b"]));
    }
}

#[test]
fn a_reader_who_panics_or_stays_leaves_others_alone() {
    let set = SharedSet::new();
    for round in 0..200 {
        set.insert(round);
        let panic = catch_unwind(AssertUnwindSafe(|| set.read(|_| std::panic::resume_unwind(Box::new(round)))));
        assert!(panic.is_err());
    }
    let seen = set.read(|old| {
        // As many versions as there are slots, twice over, with one of them taken.
        (200..400).for_each(|key| assert!(set.insert(key).is_new()));
        old.len()
    });
    assert_eq!((seen, set.read(|set| set.len())), (200, 400));
}

#[test]
fn a_borrowed_key_is_enough_to_remove() {
    let set = SharedSet::new();
    set.insert(String::from("ada"));
    assert_eq!(set.remove("ada"), Removed::At(0));
}

#[test]
fn a_comparison_that_panics_is_told_to_its_own_writer_alone() {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Touchy(u32);
    impl PartialOrd for Touchy {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Touchy {
        fn cmp(&self, other: &Self) -> Ordering {
            if self.0 == 13 || other.0 == 13 {
                std::panic::resume_unwind(Box::new("thirteen"));
            }
            self.0.cmp(&other.0)
        }
    }
    let set = SharedSet::from(SortedSet::from([Touchy(0), Touchy(100)]));
    let harmless: BTreeSet<u32> = (1..100).filter(|&key| key != 13).collect();
    thread::scope(|threads| {
        threads.spawn(|| {
            for _ in 0..100 {
                let caught = catch_unwind(AssertUnwindSafe(|| set.insert(Touchy(13)))).unwrap_err();
                assert_eq!(caught.downcast_ref::<&str>(), Some(&"thirteen"));
            }
        });
        threads.spawn(|| harmless.iter().for_each(|&key| assert!(set.insert(Touchy(key)).is_new())));
    });
    assert!(set.load().iter().map(|key| key.0).eq((0..=100).filter(|&key| key != 13)));
}

#[test]
fn a_panic_in_an_update_keeps_what_was_done_before_it() {
    let set = SharedSet::from(SortedSet::from([1]));
    let panic = catch_unwind(AssertUnwindSafe(|| {
        set.update(|set| {
            set.insert(2);
            std::panic::resume_unwind(Box::new("enough"));
        })
    }));
    assert!(panic.is_err());
    assert_eq!(set.load().len(), 1);
    assert_eq!(set.insert(3), Inserted::At(2));
    assert!(set.load().iter().eq(&[1, 2, 3]));
}
