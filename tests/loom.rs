//! Every interleaving of a few calls, for the hand-overs between threads: `RUSTFLAGS="--cfg oyez_loom" cargo test
//! --release --test loom`. (`tests/fanout.rs` has the same with real threads and more of everything.)

#![cfg(oyez_loom)]

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use oyez::{
    Event, Fanout, FanoutOptions, Item, OrderKey, PartitionId, Query, Sequence, SessionId, SessionOptions, Took, Topic,
    Worker,
};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

const ROOM: Topic = Topic(7);
const HERE: PartitionId = PartitionId(0);

/// Runs `model` in every interleaving, and makes sure that there was more than one.
fn explore(model: impl Fn() + Sync + Send + 'static) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    loom::model(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let runs = runs.load(Ordering::Relaxed);
    assert!(runs > 1, "only {runs} interleavings: the threads never meet");
}

fn fanout_with_session() -> (Fanout, SessionId) {
    let fanout = Fanout::new(FanoutOptions::default().events_per_session_max(2));
    let session = fanout.connect(HERE).unwrap();
    fanout.subscribe(session, ROOM).unwrap();
    (fanout, session)
}

fn publish(fanout: &Fanout) -> u64 {
    fanout.publish(&Query::topic(ROOM), Event::new(OrderKey(1), *b"x")).unwrap().sequence.0
}

/// Drains once; sequences of events, and counts of gaps.
fn drain(worker: &mut Worker) -> (Vec<u64>, u64) {
    let (mut events, mut missed) = (Vec::new(), 0);
    let drained = worker.drain(usize::MAX, |_, batch| {
        for item in batch.iter() {
            match item {
                Item::Event(sequence, _) => events.push(sequence.0),
                Item::Gap(gap) => missed += gap.count,
            }
        }
        Took::ALL
    });
    drained.resume_panics();
    (events, missed)
}

#[test]
fn a_publish_beside_a_drain_is_delivered_or_pending_never_lost() {
    explore(|| {
        let (fanout, _) = fanout_with_session();
        let mut worker = fanout.worker(HERE).unwrap();
        publish(&fanout);
        let publisher = {
            let fanout = fanout.clone();
            thread::spawn(move || {
                publish(&fanout);
                publish(&fanout);
            })
        };
        let (mut events, mut missed) = drain(&mut worker);
        publisher.join().unwrap();
        let (rest, missed_later) = drain(&mut worker);
        events.extend(rest);
        missed += missed_later;
        assert!(events.is_sorted() && events.contains(&3), "{events:?}");
        assert_eq!(events.len() as u64 + missed, 3);
        fanout.validate().unwrap();
    });
}

#[test]
fn a_wake_up_while_the_batch_is_in_hand_is_not_lost() {
    explore(|| {
        let (fanout, session) = fanout_with_session();
        let mut worker = fanout.worker(HERE).unwrap();
        publish(&fanout);
        let is_full = Arc::new(AtomicBool::new(false));
        let waker = {
            let (fanout, is_full) = (fanout.clone(), Arc::clone(&is_full));
            thread::spawn(move || {
                let has_drained = is_full.load(Ordering::Acquire);
                if has_drained {
                    fanout.writable(session).unwrap();
                }
                has_drained
            })
        };
        let drained = worker.drain(usize::MAX, |_, _| {
            is_full.store(true, Ordering::Release);
            Took::NONE
        });
        drained.resume_panics();
        let woken = waker.join().unwrap();
        let (events, _) = drain(&mut worker);
        assert_eq!(events, if woken { vec![1] } else { vec![] });
        fanout.validate().unwrap();
    });
}

#[test]
fn a_session_that_ends_beside_a_drain_is_accounted_for() {
    explore(|| {
        let (fanout, session) = fanout_with_session();
        let mut worker = fanout.worker(HERE).unwrap();
        publish(&fanout);
        let leaver = {
            let fanout = fanout.clone();
            thread::spawn(move || {
                fanout.disconnect(session).unwrap();
                // The place is taken at once by somebody else, who must get nothing.
                let newcomer = fanout.connect(HERE).unwrap();
                fanout.subscribe(newcomer, ROOM).unwrap();
            })
        };
        let (events, _) = drain(&mut worker);
        leaver.join().unwrap();
        let accounting = fanout.stats().accounting();
        assert_eq!((accounting.delivered, accounting.pending), (events.len() as u64, 0));
        assert!(accounting.balances());
        assert_eq!(drain(&mut worker), (vec![], 0));
        fanout.validate().unwrap();
    });
}

#[test]
fn a_partition_dropped_beside_a_drain_is_accounted_for() {
    explore(|| {
        let (fanout, _) = fanout_with_session();
        let mut worker = fanout.worker(HERE).unwrap();
        publish(&fanout);
        let dropper = {
            let fanout = fanout.clone();
            thread::spawn(move || fanout.drop_partition(HERE).unwrap())
        };
        let (events, _) = drain(&mut worker);
        assert_eq!(dropper.join().unwrap(), 1);
        let accounting = fanout.stats().accounting();
        assert_eq!(accounting.delivered, events.len() as u64);
        assert_eq!(accounting.discarded.total(), 1 - accounting.delivered);
        fanout.validate().unwrap();
    });
}

#[test]
fn an_outbox_dropped_beside_a_publish_leaves_the_event_to_the_worker() {
    explore(|| {
        let (fanout, session) = fanout_with_session();
        let mut worker = fanout.worker(HERE).unwrap();
        let outbox = fanout.outbox(session).unwrap();
        let publisher = {
            let fanout = fanout.clone();
            thread::spawn(move || publish(&fanout))
        };
        drop(outbox);
        publisher.join().unwrap();
        assert_eq!(drain(&mut worker), (vec![1], 0));
    });
}

#[test]
fn an_acknowledgement_beside_the_answer_is_not_lost() {
    explore(|| {
        let fanout = Fanout::new(FanoutOptions::default());
        let session = fanout.connect_with(HERE, SessionOptions::default().window(1)).unwrap();
        fanout.subscribe(session, ROOM).unwrap();
        let mut worker = fanout.worker(HERE).unwrap();
        publish(&fanout);
        publish(&fanout);
        let has_sent = Arc::new(AtomicBool::new(false));
        let client = {
            let (fanout, has_sent) = (fanout.clone(), Arc::clone(&has_sent));
            thread::spawn(move || {
                let was_sent = has_sent.load(Ordering::Acquire);
                if was_sent {
                    fanout.acknowledge(session, Sequence(1)).unwrap();
                }
                was_sent
            })
        };
        let drained = worker.drain(usize::MAX, |_, batch| {
            assert_eq!(batch.len(), 1);
            has_sent.store(true, Ordering::Release);
            Took::ALL
        });
        drained.resume_panics();
        let was_acknowledged = client.join().unwrap();
        let (events, _) = drain(&mut worker);
        assert_eq!(events, if was_acknowledged { vec![2] } else { vec![] });
        fanout.validate().unwrap();
    });
}

#[test]
fn a_worker_that_waits_is_woken_by_a_publish_and_by_a_wake_up() {
    explore(|| {
        let (fanout, _) = fanout_with_session();
        let mut worker = fanout.worker(HERE).unwrap();
        let publisher = {
            let fanout = fanout.clone();
            thread::spawn(move || publish(&fanout))
        };
        // Ends only if the waker is called whenever the worker has seen nothing to do.
        loom::future::block_on(std::future::poll_fn(|context| worker.poll_ready(context)));
        assert_eq!(drain(&mut worker), (vec![1], 0));
        publisher.join().unwrap();
    });
}

#[test]
fn who_subscribes_beside_a_publish_gets_exactly_what_follows_the_join() {
    explore(|| {
        let (fanout, _) = fanout_with_session();
        let joiner = {
            let fanout = fanout.clone();
            thread::spawn(move || {
                let session = fanout.connect(HERE).unwrap();
                (session, fanout.subscribe(session, ROOM).unwrap().after.0)
            })
        };
        publish(&fanout);
        let (session, after) = joiner.join().unwrap();
        let mut outbox = fanout.outbox(session).unwrap();
        assert_eq!(outbox.next_batch(9).unwrap().len() as u64, 1 - after);
    });
}

#[test]
fn of_two_who_want_the_worker_one_gets_it() {
    explore(|| {
        let (fanout, _) = fanout_with_session();
        let other = {
            let fanout = fanout.clone();
            thread::spawn(move || fanout.worker(HERE).ok())
        };
        let ours = fanout.worker(HERE).ok();
        let theirs = other.join().unwrap();
        assert!(ours.is_some() != theirs.is_some());
        drop((ours, theirs));
        assert!(fanout.worker(HERE).is_ok(), "a worker that is dropped frees its place");
    });
}
