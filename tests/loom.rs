//! Every interleaving of a few calls, for the hand-overs between threads: `RUSTFLAGS="--cfg oyez_loom" cargo test
//! --release --test loom`. (`tests/stress` has the same with real threads and more of everything.) Which hand-over each
//! checks stands in `docs::orderings`.

#![cfg(oyez_loom)]

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use oyez::shared_set::Publishing;
use oyez::{
    Class, Event, Fanout, FanoutOptions, Item, MoveError, NoSuchSession, OrderKey, Overload, PartitionId, Query,
    Readiness, Sequence, SessionId, SessionOptions, SharedSet, SortedSet, Took, Topic, Worker,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

const ROOM: Topic = Topic(7);
const HERE: PartitionId = PartitionId(0);
const THERE: PartitionId = PartitionId(1);

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

/// The first event waits in the session's place; the second, whenever it comes, gives the session a queue.
#[test]
fn a_second_event_beside_the_hand_over_of_the_first_comes_after_it() {
    explore(|| {
        let (fanout, session) = fanout_with_session();
        let mut worker = fanout.worker(HERE).unwrap();
        publish(&fanout);
        let publisher = {
            let fanout = fanout.clone();
            thread::spawn(move || publish(&fanout))
        };
        let mut seen = Vec::new();
        let mut take = |most: usize| {
            let drained = worker.drain(usize::MAX, |_, batch| {
                let taken = batch.len().min(most);
                let sequences = batch.iter().take(taken).map(|item| match item {
                    Item::Event(sequence, _) => sequence.0,
                    Item::Gap(gap) => panic!("{gap:?}"),
                });
                seen.extend(sequences);
                Took(taken)
            });
            drained.resume_panics();
        };
        take(0);
        publisher.join().unwrap();
        assert_eq!(fanout.accounting(session).unwrap().pending, 2);
        fanout.writable(session).unwrap();
        take(1);
        fanout.writable(session).unwrap();
        take(9);
        assert_eq!(seen, [1, 2]);
        assert_eq!(fanout.stats().partitions[0].queues, 0);
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

/// An event waits in the log if it is for so many sessions.
fn through_log(sessions_min: usize) -> FanoutOptions {
    FanoutOptions::default().partitions(2).log_sessions_min(sessions_min).round_sessions(1)
}

fn member(fanout: &Fanout, partition: PartitionId) -> SessionId {
    let session = fanout.connect(partition).unwrap();
    fanout.subscribe(session, ROOM).unwrap();
    session
}

/// Drains once, and adds the sequences of the events to what each session has seen.
fn drain_into(seen: &mut BTreeMap<SessionId, Vec<u64>>, worker: &mut Worker) {
    let drained = worker.drain(usize::MAX, |session, batch| {
        seen.entry(session).or_default().extend(batch.iter().map(|item| match item {
            Item::Event(sequence, _) => sequence.0,
            Item::Gap(gap) => panic!("{gap:?}"),
        }));
        Took::ALL
    });
    drained.resume_panics();
}

#[test]
fn a_publish_beside_a_drain_of_the_log_is_delivered_once_and_in_order() {
    explore(|| {
        let fanout = Fanout::new(through_log(1));
        let sessions = [member(&fanout, HERE), member(&fanout, HERE)];
        let mut worker = fanout.worker(HERE).unwrap();
        publish(&fanout);
        let publisher = {
            let fanout = fanout.clone();
            thread::spawn(move || publish(&fanout))
        };
        let mut seen = BTreeMap::new();
        drain_into(&mut seen, &mut worker);
        publisher.join().unwrap();
        drain_into(&mut seen, &mut worker);
        assert_eq!(seen, sessions.map(|session| (session, vec![1, 2])).into());
        fanout.validate().unwrap();
    });
}

#[test]
fn an_event_for_one_session_beside_a_pass_keeps_its_place() {
    explore(|| {
        let fanout = Fanout::new(through_log(2));
        let [first, second] = [member(&fanout, HERE), member(&fanout, HERE)];
        let mut worker = fanout.worker(HERE).unwrap();
        publish(&fanout);
        let publisher = {
            let fanout = fanout.clone();
            thread::spawn(move || {
                fanout.publish(&Query::topic(ROOM).except(first), Event::new(OrderKey(1), *b"x")).unwrap();
                publish(&fanout);
            })
        };
        let mut seen = BTreeMap::new();
        drain_into(&mut seen, &mut worker);
        publisher.join().unwrap();
        drain_into(&mut seen, &mut worker);
        drain_into(&mut seen, &mut worker);
        assert_eq!(seen, [(first, vec![1, 3]), (second, vec![1, 2, 3])].into());
        fanout.validate().unwrap();
    });
}

#[test]
fn who_takes_a_place_beside_a_pass_does_not_see_its_predecessors_event() {
    explore(|| {
        let fanout = Fanout::new(through_log(1));
        let [stays, leaves] = [member(&fanout, HERE), member(&fanout, HERE)];
        let mut worker = fanout.worker(HERE).unwrap();
        publish(&fanout);
        let leaver = {
            let fanout = fanout.clone();
            thread::spawn(move || {
                fanout.disconnect(leaves).unwrap();
                let comes = member(&fanout, HERE);
                publish(&fanout);
                comes
            })
        };
        let mut seen = BTreeMap::new();
        drain_into(&mut seen, &mut worker);
        let comes = leaver.join().unwrap();
        drain_into(&mut seen, &mut worker);
        drain_into(&mut seen, &mut worker);
        let delivered = seen.values().map(Vec::len).sum::<usize>() as u64;
        let has_left_with = seen.remove(&leaves).unwrap_or_default();
        assert!(has_left_with.is_empty() || has_left_with == [1], "{has_left_with:?}");
        assert_eq!(seen, [(stays, vec![1, 2]), (comes, vec![2])].into());
        let accounting = fanout.stats().accounting();
        assert_eq!((accounting.accepted, accounting.delivered, accounting.pending), (4, delivered, 0));
        assert!(accounting.balances());
        fanout.validate().unwrap();
    });
}

#[test]
fn who_takes_a_place_whose_batch_is_in_hand_gets_its_own_event() {
    explore(|| {
        let fanout = Fanout::new(through_log(2));
        let [stays, leaves] = [member(&fanout, HERE), member(&fanout, HERE)];
        let mut worker = fanout.worker(HERE).unwrap();
        publish(&fanout);
        let leaver = {
            let fanout = fanout.clone();
            thread::spawn(move || {
                fanout.disconnect(leaves).unwrap();
                let comes = member(&fanout, HERE);
                fanout.publish(&Query::topic(ROOM).except(stays), Event::new(OrderKey(1), *b"x")).unwrap();
                comes
            })
        };
        let mut seen = BTreeMap::new();
        drain_into(&mut seen, &mut worker);
        let comes = leaver.join().unwrap();
        drain_into(&mut seen, &mut worker);
        assert_eq!(seen.get(&comes), Some(&vec![2]));
        fanout.validate().unwrap();
    });
}

#[test]
fn a_partition_dropped_beside_a_pass_is_accounted_for() {
    explore(|| {
        let fanout = Fanout::new(through_log(1));
        let sessions = [member(&fanout, HERE), member(&fanout, HERE)];
        let mut worker = fanout.worker(HERE).unwrap();
        publish(&fanout);
        let dropper = {
            let fanout = fanout.clone();
            thread::spawn(move || {
                assert_eq!(fanout.drop_partition(HERE), Ok(sessions.len()));
                let comes = member(&fanout, HERE);
                publish(&fanout);
                comes
            })
        };
        let mut seen = BTreeMap::new();
        drain_into(&mut seen, &mut worker);
        let comes = dropper.join().unwrap();
        drain_into(&mut seen, &mut worker);
        let delivered = seen.values().map(Vec::len).sum::<usize>() as u64;
        assert_eq!(seen.remove(&comes), Some(vec![2]));
        let accounting = fanout.stats().accounting();
        assert_eq!((accounting.accepted, accounting.delivered, accounting.pending), (3, delivered, 0));
        assert_eq!(accounting.discarded.total(), 3 - delivered);
        fanout.validate().unwrap();
    });
}

#[test]
fn who_has_ended_is_not_called_by_a_worker_that_could_know() {
    for sessions_min in [1, 3] {
        explore(move || {
            let fanout = Fanout::new(through_log(sessions_min).round_sessions(2));
            let [stays, leaves] = [member(&fanout, HERE), member(&fanout, HERE)];
            let mut worker = fanout.worker(HERE).unwrap();
            publish(&fanout);
            let has_ended = Arc::new(AtomicBool::new(false));
            let leaver = {
                let (fanout, has_ended) = (fanout.clone(), Arc::clone(&has_ended));
                thread::spawn(move || {
                    fanout.disconnect(leaves).unwrap();
                    has_ended.store(true, Ordering::Release);
                })
            };
            let mut is_known = false;
            let drained = worker.drain(usize::MAX, |session, _| {
                assert!(session == stays || !is_known, "it had ended before its turn came");
                is_known = has_ended.load(Ordering::Acquire);
                Took::ALL
            });
            drained.resume_panics();
            leaver.join().unwrap();
            let accounting = fanout.stats().accounting();
            assert!(accounting.balances() && accounting.pending == 0);
            fanout.validate().unwrap();
        });
    }
}

#[test]
fn a_session_parked_and_resumed_beside_a_pass_gets_its_event_once() {
    explore(|| {
        let fanout = Fanout::new(through_log(1));
        let [steady, breaks_off] = [member(&fanout, HERE), member(&fanout, HERE)];
        let mut worker = fanout.worker(HERE).unwrap();
        publish(&fanout);
        let host = {
            let fanout = fanout.clone();
            thread::spawn(move || {
                fanout.park(breaks_off).unwrap();
                fanout.resume(breaks_off, Sequence(0)).unwrap();
            })
        };
        let mut seen = BTreeMap::new();
        drain_into(&mut seen, &mut worker);
        host.join().unwrap();
        drain_into(&mut seen, &mut worker);
        assert_eq!(seen, [(steady, vec![1]), (breaks_off, vec![1])].into());
        fanout.validate().unwrap();
    });
}

#[test]
fn a_wake_up_while_a_batch_from_the_log_is_in_hand_is_not_lost() {
    explore(|| {
        let fanout = Fanout::new(through_log(1));
        let session = member(&fanout, HERE);
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
fn a_discard_beside_a_pass_takes_what_is_not_in_hand() {
    explore(|| {
        let fanout = Fanout::new(through_log(1));
        let [stays, leaves] = [member(&fanout, HERE), member(&fanout, HERE)];
        let mut worker = fanout.worker(HERE).unwrap();
        publish(&fanout);
        let host = {
            let fanout = fanout.clone();
            thread::spawn(move || fanout.unsubscribe_discarding(leaves, ROOM).unwrap().discarded)
        };
        let mut seen = BTreeMap::new();
        drain_into(&mut seen, &mut worker);
        let discarded = host.join().unwrap();
        publish(&fanout);
        drain_into(&mut seen, &mut worker);
        let got = seen.remove(&leaves).unwrap_or_default();
        assert_eq!(got, if discarded == 0 { vec![1] } else { vec![] });
        assert_eq!(seen, [(stays, vec![1, 2])].into());
        let accounting = fanout.accounting(leaves).unwrap();
        assert_eq!((accounting.accepted, accounting.discarded.unsubscribe), (1, discarded as u64));
        fanout.validate().unwrap();
    });
}

#[test]
fn an_outbox_beside_a_pass_gives_each_event_once_and_in_order() {
    explore(|| {
        let fanout = Fanout::new(through_log(1));
        let [of_the_worker, of_its_owner] = [member(&fanout, HERE), member(&fanout, HERE)];
        let mut worker = fanout.worker(HERE).unwrap();
        publish(&fanout);
        let mut outbox = fanout.outbox(of_its_owner).unwrap();
        publish(&fanout);
        let owner = thread::spawn(move || outbox.next_batch(1).unwrap().len() + outbox.next_batch(9).unwrap().len());
        let mut seen = BTreeMap::new();
        drain_into(&mut seen, &mut worker);
        assert_eq!((owner.join().unwrap(), seen), (2, [(of_the_worker, vec![1, 2])].into()));
        fanout.validate().unwrap();
    });
}

#[test]
fn a_worker_that_waits_is_woken_by_the_log_and_by_the_end() {
    explore(|| {
        let fanout = Fanout::new(through_log(1));
        let session = member(&fanout, HERE);
        let mut worker = fanout.worker(HERE).unwrap();
        let publisher = {
            let fanout = fanout.clone();
            thread::spawn(move || {
                publish(&fanout);
                fanout.close();
            })
        };
        let mut seen = BTreeMap::new();
        // Ends only if the waker is called for either.
        while loom::future::block_on(std::future::poll_fn(|context| worker.poll_ready(context))) == Readiness::Ready {
            drain_into(&mut seen, &mut worker);
        }
        assert_eq!(seen, [(session, vec![1])].into());
        publisher.join().unwrap();
    });
}

#[test]
fn a_session_that_overflows_in_the_log_beside_its_end_ends_once() {
    explore(|| {
        let fanout =
            Fanout::new(through_log(1).events_per_session_max(1).overload(Class::default(), Overload::Disconnect));
        let session = member(&fanout, HERE);
        let mut worker = fanout.worker(HERE).unwrap();
        fanout.park(session).unwrap();
        publish(&fanout);
        publish(&fanout);
        assert_eq!(drain(&mut worker), (vec![], 0));
        let host = {
            let fanout = fanout.clone();
            thread::spawn(move || fanout.disconnect(session))
        };
        let drained = worker.drain(usize::MAX, |_, _| Took::ALL);
        match host.join().unwrap() {
            Ok(topics) => assert_eq!((topics, drained.overflowed), (1, vec![])),
            Err(NoSuchSession) => assert_eq!(drained.overflowed, [session]),
        }
        assert!(fanout.stats().accounting().balances());
        fanout.validate().unwrap();
    });
}

#[test]
fn a_move_beside_a_publish_loses_nothing_and_keeps_the_order() {
    for sessions_min in [1, 2] {
        explore(move || {
            let fanout = Fanout::new(through_log(sessions_min));
            let session = member(&fanout, HERE);
            publish(&fanout);
            let publisher = {
                let fanout = fanout.clone();
                thread::spawn(move || publish(&fanout))
            };
            fanout.move_to(session, THERE).unwrap();
            publisher.join().unwrap();
            let mut seen = BTreeMap::new();
            drain_into(&mut seen, &mut fanout.worker(HERE).unwrap());
            assert_eq!(seen, BTreeMap::new());
            drain_into(&mut seen, &mut fanout.worker(THERE).unwrap());
            drain_into(&mut seen, &mut fanout.worker(THERE).unwrap());
            assert_eq!(seen, [(session, vec![1, 2])].into());
            fanout.validate().unwrap();
        });
    }
}

#[test]
fn a_move_beside_a_drain_is_refused_or_takes_along_what_was_not_handed_over() {
    explore(|| {
        let fanout = Fanout::new(through_log(1));
        let [moves, stays] = [member(&fanout, HERE), member(&fanout, HERE)];
        let (mut here, mut there) = (fanout.worker(HERE).unwrap(), fanout.worker(THERE).unwrap());
        publish(&fanout);
        let mover = {
            let fanout = fanout.clone();
            thread::spawn(move || fanout.move_to(moves, THERE))
        };
        let mut seen = BTreeMap::new();
        drain_into(&mut seen, &mut here);
        let moved = mover.join().unwrap();
        assert!(matches!(moved, Ok(()) | Err(MoveError::Busy)), "{moved:?}");
        publish(&fanout);
        drain_into(&mut seen, &mut here);
        drain_into(&mut seen, &mut there);
        drain_into(&mut seen, &mut there);
        assert_eq!(seen, [(moves, vec![1, 2]), (stays, vec![1, 2])].into());
        fanout.validate().unwrap();
    });
}

#[test]
fn a_call_beside_moves_finds_the_session() {
    explore(|| {
        let fanout = Fanout::new(through_log(1));
        let session = fanout.connect_with(HERE, SessionOptions::default().window(1)).unwrap();
        fanout.subscribe(session, ROOM).unwrap();
        publish(&fanout);
        publish(&fanout);
        let mut here = fanout.worker(HERE).unwrap();
        assert_eq!(drain(&mut here), (vec![1], 0));
        let mover = {
            let fanout = fanout.clone();
            thread::spawn(move || {
                fanout.move_to(session, THERE).unwrap();
                fanout.move_to(session, HERE).unwrap();
            })
        };
        assert_eq!(fanout.writable(session), Ok(()));
        assert_eq!(fanout.acknowledge(session, Sequence(1)), Ok(1));
        mover.join().unwrap();
        assert_eq!(drain(&mut here), (vec![2], 0));
        fanout.validate().unwrap();
    });
}

#[test]
fn two_partitions_see_the_events_of_two_publishers_in_one_order() {
    for sessions_min in [1, 2] {
        explore(move || {
            let fanout = Fanout::new(through_log(sessions_min));
            let partitions = [HERE, THERE];
            let _sessions = partitions.map(|partition| member(&fanout, partition));
            let publish = |fanout: &Fanout, name: u8| {
                fanout.publish(&Query::topic(ROOM), Event::new(OrderKey(1), [name])).unwrap();
            };
            let other = {
                let fanout = fanout.clone();
                thread::spawn(move || publish(&fanout, 2))
            };
            publish(&fanout, 1);
            other.join().unwrap();
            let [here, there] = partitions.map(|partition| {
                let mut seen = Vec::new();
                let drained = fanout.worker(partition).unwrap().drain(usize::MAX, |_, batch| {
                    seen.extend(batch.iter().filter_map(|item| match item {
                        Item::Event(sequence, event) => Some((sequence.0, event.payload[0])),
                        Item::Gap(_) => None,
                    }));
                    Took::ALL
                });
                drained.resume_panics();
                seen
            });
            assert_eq!(here.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>(), [1, 2]);
            assert_eq!(here, there);
        });
    }
}

/// What a reader of the set `{1}`, to which 2 and then 3 come and from which 1 goes, may see, in order.
const VERSIONS: [&[u32]; 4] = [&[1], &[1, 2], &[1, 2, 3], &[2, 3]];

fn version_of(set: &SharedSet<u32>) -> usize {
    let now: Vec<u32> = set.load().iter().copied().collect();
    VERSIONS.iter().position(|version| *version == now).unwrap_or_else(|| panic!("{now:?} never was"))
}

#[test]
fn a_reader_sees_one_whole_version() {
    explore(|| {
        let set = loom::sync::Arc::new(SharedSet::with(SortedSet::from([1]), Publishing::EachChange));
        let reader = thread::spawn({
            let set = loom::sync::Arc::clone(&set);
            move || {
                let (first, second) = (version_of(&set), version_of(&set));
                assert!(first <= second, "{:?} came after {:?}", VERSIONS[second], VERSIONS[first]);
            }
        });
        set.insert(2);
        assert_eq!(version_of(&set), 1);
        reader.join().unwrap();
        set.insert(3);
        set.remove(&1);
        assert_eq!(version_of(&set), 3);
    });
}

#[test]
fn a_slot_is_not_filled_under_its_reader() {
    explore(|| {
        // Two slots under loom: the second change needs the slot that the reader may still be in.
        let set = loom::sync::Arc::new(SharedSet::with(SortedSet::from([1]), Publishing::EachChange));
        let reader = thread::spawn({
            let set = loom::sync::Arc::clone(&set);
            move || version_of(&set)
        });
        set.insert(2);
        set.insert(3);
        reader.join().unwrap();
        assert_eq!(version_of(&set), 2);
    });
}

#[test]
fn writers_who_meet_are_each_told_their_own_rank() {
    explore(|| {
        let set = loom::sync::Arc::new(SharedSet::new());
        let other = thread::spawn({
            let set = loom::sync::Arc::clone(&set);
            move || {
                let rank = set.insert(20).rank();
                assert!(set.load().contains(&20), "what has returned is published");
                rank
            }
        });
        let of_10 = set.insert(10).rank();
        assert!(set.load().contains(&10));
        let of_20 = other.join().unwrap();
        assert_eq!(of_10, 0);
        assert!(of_20 <= 1);
        assert!(set.load().iter().eq(&[10, 20]));
    });
}

#[test]
fn a_snapshot_that_goes_beside_a_change_was_read_before_its_nodes_are() {
    explore(|| {
        let mut set = SortedSet::with_node_sizes(4, 4);
        set.extend(0..6_u32);
        let snapshot = set.snapshot().unwrap();
        let reader = thread::spawn(move || assert!(snapshot.iter().copied().eq(0..6)));
        set.remove(&3);
        set.remove(&4);
        set.reclaim();
        reader.join().unwrap();
        set.reclaim();
        assert_eq!(set.snapshot_stats().retired_bytes, 0);
        assert_eq!(set.validate(), Ok(4));
    });
}
