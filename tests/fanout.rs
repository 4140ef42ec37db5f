//! `Fanout` equals a vector of events for each session, for any script; and holds its promises one by one.

use oyez::testing::{Record, Recorder};
use oyez::{
    Event, Fanout, FanoutOptions, Fate, Gap, Item, OnPanic, OrderKey, OutboxError, PartitionId, Query, Sequence,
    SessionId, Took, Topic, WorkerError,
};
use oyez_driver::fanout::run;
use oyez_model::fanout::{Answer, Call, Op::*, To, Took as Takes, ops};
use proptest::prelude::*;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

const ROOM: Topic = Topic(7);
const HERE: PartitionId = PartitionId(0);

proptest! {
    #[test]
    fn equals_a_vector_of_events_for_each_session(ops in ops()) {
        run(&ops);
    }
}

fn to_room() -> Query {
    Query::topic(ROOM)
}

fn event(text: &str) -> Event {
    Event::new(OrderKey(1), text.as_bytes())
}

fn joined(fanout: &Fanout, partition: PartitionId) -> SessionId {
    let session = fanout.connect(partition).unwrap();
    fanout.subscribe(session, ROOM).unwrap();
    session
}

fn fanout_with_room(options: FanoutOptions, sessions: usize) -> (Fanout, Vec<SessionId>) {
    let fanout = Fanout::new(options);
    let sessions = (0..sessions).map(|_| joined(&fanout, HERE)).collect();
    (fanout, sessions)
}

#[test]
fn a_slow_session_gets_an_exact_gap_in_the_place_of_what_it_missed() {
    let options = FanoutOptions::default().events_per_session_max(3);
    let (fanout, sessions) = fanout_with_room(options, 1);
    for text in ["a", "b", "c", "d", "e"] {
        fanout.publish(&to_room(), event(text)).unwrap();
    }
    let mut recorder = Recorder::default();
    let mut worker = fanout.worker(HERE).unwrap();
    worker.drain(usize::MAX, |session, batch| recorder.take(session, batch));
    let expected = [
        Record::Gap(Gap { count: 2, first: Sequence(1), last: Sequence(2) }),
        Record::Event(Sequence(3), event("c")),
        Record::Event(Sequence(4), event("d")),
        Record::Event(Sequence(5), event("e")),
    ];
    assert_eq!(recorder.records(sessions[0]), expected);
    assert_eq!(
        fanout.fate(sessions[0], Sequence(2)),
        Fate::Dropped(Gap { count: 2, first: Sequence(1), last: Sequence(2) })
    );
    assert_eq!(fanout.fate(sessions[0], Sequence(3)), Fate::HandedOver);
    assert_eq!(fanout.stats().gaps(), 1);
}

#[test]
fn what_a_host_does_not_take_comes_again_once_it_says_that_it_can() {
    let (fanout, sessions) = fanout_with_room(FanoutOptions::default(), 2);
    for text in ["a", "b", "c"] {
        fanout.publish(&to_room(), event(text)).unwrap();
    }
    let slow = sessions[0];
    let mut worker = fanout.worker(HERE).unwrap();
    let drained = worker.drain(usize::MAX, |session, _| if session == slow { Took(1) } else { Took::ALL });
    assert_eq!((drained.sessions, drained.items), (2, 4));
    assert_eq!(fanout.stats().lagging(), 1);

    fanout.publish(&to_room(), event("d")).unwrap();
    let drained = worker.drain(usize::MAX, |session, _| {
        assert_ne!(session, slow, "a lagging session is left alone");
        Took::ALL
    });
    assert_eq!(drained.sessions, 1);

    fanout.writable(slow).unwrap();
    let mut recorder = Recorder::default();
    worker.drain(usize::MAX, |session, batch| recorder.take(session, batch));
    let texts: Vec<_> = recorder.records(slow).iter().map(text_of).collect();
    assert_eq!(texts, ["b", "c", "d"]);
}

fn text_of(record: &Record) -> String {
    match record {
        Record::Event(_, event) => String::from_utf8_lossy(&event.payload).into_owned(),
        Record::Gap(gap) => format!("{gap:?}"),
    }
}

#[test]
fn a_drain_gives_more_than_a_round_of_sessions_their_turn_once_each() {
    let (fanout, sessions) = fanout_with_room(FanoutOptions::default(), 1_000);
    fanout.publish(&to_room(), event("a")).unwrap();
    let mut worker = fanout.worker(HERE).unwrap();
    let mut seen = Vec::new();
    let drained = worker.drain(300, |session, _| {
        seen.push(session);
        Took::ALL
    });
    assert_eq!(drained.sessions, 300);
    // Those who waited keep their turn: the new event comes to them together with the old one.
    fanout.publish(&to_room(), event("b")).unwrap();
    let mut items = 0;
    worker.drain(700, |session, batch| {
        seen.push(session);
        items += batch.len();
        Took::ALL
    });
    assert_eq!(seen, sessions);
    assert_eq!(items, 1_400);
}

#[test]
fn a_host_that_publishes_in_its_callback_still_returns() {
    let (fanout, _) = fanout_with_room(FanoutOptions::default(), 3);
    fanout.publish(&to_room(), event("a")).unwrap();
    let drained = fanout.worker(HERE).unwrap().drain(usize::MAX, |_, _| {
        fanout.publish(&to_room(), event("again")).unwrap();
        Took::ALL
    });
    assert_eq!(drained.sessions, 3);
    assert_eq!(fanout.stats().accounting().pending, 9);
}

#[test]
fn a_panicking_callback_harms_nobody_else() {
    for on_panic in [OnPanic::Abandon, OnPanic::Keep] {
        let (fanout, sessions) = fanout_with_room(FanoutOptions::default().on_panic(on_panic), 3);
        fanout.publish(&to_room(), event("a")).unwrap();
        let mut worker = fanout.worker(HERE).unwrap();
        let mut got = Vec::new();
        let drained = worker.drain(usize::MAX, |session, _| {
            if session == sessions[1] {
                std::panic::resume_unwind(Box::new("of the host"));
            }
            got.push(session);
            Took::ALL
        });
        assert_eq!(got, [sessions[0], sessions[2]]);
        assert_eq!(drained.panics.len(), 1);
        assert_eq!(drained.panics[0].session, sessions[1]);
        assert_eq!(drained.panics[0].payload.downcast_ref(), Some(&"of the host"));
        let accounting = fanout.stats().accounting();
        let expected = if on_panic == OnPanic::Abandon { (1, 0) } else { (0, 1) };
        assert_eq!((accounting.abandoned, accounting.pending), expected);
        assert!(accounting.balances());
    }
}

#[test]
fn a_place_reused_never_shows_the_old_sessions_events() {
    let (fanout, sessions) = fanout_with_room(FanoutOptions::default(), 1);
    fanout.publish(&to_room(), event("old")).unwrap();
    fanout.disconnect(sessions[0]).unwrap();
    let newcomer = joined(&fanout, HERE);
    assert_eq!(newcomer.to_bits() as u32, sessions[0].to_bits() as u32, "the place is reused");
    assert_ne!(newcomer, sessions[0]);
    let after = fanout.publish(&to_room(), event("new")).unwrap().sequence;
    let mut recorder = Recorder::default();
    fanout.worker(HERE).unwrap().drain(usize::MAX, |session, batch| recorder.take(session, batch));
    assert_eq!(recorder.records(newcomer), [Record::Event(after, event("new"))]);
    assert_eq!(recorder.records(sessions[0]), []);
    assert_eq!(fanout.stats().accounting().discarded.disconnect, 1);
    assert!(fanout.publish(&to_room().except(sessions[0]), event("x")).unwrap().count == 1);
}

#[test]
fn a_session_that_ends_in_its_own_callback_gets_nothing_more() {
    let (fanout, sessions) = fanout_with_room(FanoutOptions::default(), 1);
    for text in ["a", "b", "c"] {
        fanout.publish(&to_room(), event(text)).unwrap();
    }
    let mut worker = fanout.worker(HERE).unwrap();
    worker.drain(usize::MAX, |session, _| {
        fanout.disconnect(session).unwrap();
        joined(&fanout, HERE);
        Took(1)
    });
    let accounting = fanout.stats().accounting();
    assert_eq!((accounting.delivered, accounting.discarded.total(), accounting.pending), (1, 2, 0));
    assert!(!fanout.audience(&to_room()).contains(sessions[0]));
    assert_eq!(worker.drain(usize::MAX, |_, _| Took::ALL).sessions, 0);
}

#[test]
fn a_full_partition_refuses_and_the_others_do_not_wait_for_it() {
    let options = FanoutOptions::default().partitions(2).bytes_per_partition_max(2_000);
    let fanout = Fanout::new(options);
    joined(&fanout, PartitionId(0));
    joined(&fanout, PartitionId(1));
    let mut reader = fanout.worker(PartitionId(1)).unwrap();
    let mut refused = 0;
    for _ in 0..100 {
        let receipt = fanout.publish(&to_room(), event(&"x".repeat(100))).unwrap();
        assert_eq!(receipt.count + receipt.refused_count, 2);
        refused += receipt.refused_count as u64;
        if receipt.refused_count > 0 {
            assert_eq!(receipt.refused[..], [PartitionId(0)]);
        }
        reader.drain(usize::MAX, |_, _| Took::ALL);
    }
    let stats = fanout.stats();
    assert!(refused > 80, "{refused}");
    assert_eq!((stats.refused(), stats.partitions[1].accounting.delivered), (refused, 100));
    assert!(stats.partitions[0].bytes <= 2_000);
}

#[test]
fn a_payload_over_the_limit_comes_back() {
    let (fanout, _) = fanout_with_room(FanoutOptions::default().payload_bytes_max(3), 1);
    let refused = fanout.publish(&to_room(), event("long")).unwrap_err();
    assert_eq!(refused.to_string(), "the payload has 4 bytes, the limit is 3");
    assert_eq!(refused.event, event("long"));
    assert_eq!(fanout.publish(&to_room(), event("abc")).unwrap().sequence, Sequence(1));
}

#[test]
fn a_partition_has_one_worker_and_a_session_one_reader() {
    let (fanout, sessions) = fanout_with_room(FanoutOptions::default(), 1);
    let worker = fanout.worker(HERE).unwrap();
    assert_eq!(fanout.worker(HERE).unwrap_err(), WorkerError::Busy);
    drop(worker);
    let mut worker = fanout.worker(HERE).unwrap();

    let mut outbox = fanout.outbox(sessions[0]).unwrap();
    assert_eq!(fanout.outbox(sessions[0]).unwrap_err(), OutboxError::Busy);
    fanout.publish(&to_room(), event("a")).unwrap();
    assert_eq!(worker.drain(usize::MAX, |_, _| Took::ALL).sessions, 0);
    assert_eq!(outbox.next_batch(9).unwrap().len(), 1);
    assert!(outbox.next_batch(9).unwrap().is_empty());
    fanout.publish(&to_room(), event("b")).unwrap();
    drop(outbox);
    assert_eq!(worker.drain(usize::MAX, |_, _| Took::ALL).sessions, 1);
}

#[test]
fn sessions_that_come_and_go_without_a_drain_leave_no_memory_behind() {
    let (fanout, _) = fanout_with_room(FanoutOptions::default(), 1);
    for _ in 0..10_000 {
        let session = joined(&fanout, HERE);
        fanout.publish(&to_room(), event("x")).unwrap();
        fanout.disconnect(session).unwrap();
    }
    let partition = fanout.stats().partitions[0];
    assert!(partition.ready < 100, "{partition:?}");
    assert_eq!(partition.events_held, 256, "what the session that stayed can still get");
}

struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Publishers, joiners and a worker on threads of their own; the record of each session is checked afterwards.
#[test]
fn threads_see_one_order_and_lose_nothing() {
    let fanout = Fanout::new(FanoutOptions::default().partitions(2).events_per_session_max(usize::MAX));
    let stayers: Vec<SessionId> = (0..20).map(|i| joined(&fanout, PartitionId(i % 2))).collect();
    let is_over = AtomicBool::new(false);
    let mut recorders = [Recorder::default(), Recorder::default()];
    std::thread::scope(|scope| {
        for (partition, recorder) in (0..).zip(&mut recorders) {
            let (fanout, is_over) = (&fanout, &is_over);
            scope.spawn(move || {
                let mut worker = fanout.worker(PartitionId(partition)).unwrap();
                loop {
                    let was_over = is_over.load(Ordering::SeqCst);
                    let drained = worker.drain(usize::MAX, |session, batch| recorder.take(session, batch));
                    if was_over && drained.sessions == 0 {
                        return;
                    }
                }
            });
        }
        let publishers: Vec<_> = (0..3_u64)
            .map(|key| {
                let fanout = &fanout;
                scope.spawn(move || {
                    for number in 0..2_000_u64 {
                        let event = Event::new(OrderKey(key), number.to_le_bytes());
                        fanout.publish(&to_room(), event).unwrap();
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            for i in 0..500 {
                let session = joined(&fanout, PartitionId(i % 2));
                fanout.disconnect(session).unwrap();
            }
        });
        // Also when a publisher panics, or the workers would wait for ever.
        let _over = SetWhenDropped(&is_over);
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
    });
    let mut orders = HashSet::new();
    for (i, session) in stayers.iter().enumerate() {
        let records = recorders[i % 2].records(*session);
        assert_eq!(records.len(), 6_000);
        let mut next = [0; 3];
        let mut last = Sequence(0);
        for record in records {
            let Record::Event(sequence, event) = record else { panic!("a gap: {record:?}") };
            assert!(*sequence > last);
            last = *sequence;
            let number = u64::from_le_bytes(event.payload[..].try_into().unwrap());
            let expected = &mut next[event.order_key.0 as usize];
            assert_eq!(number, *expected, "events of one key stay in order");
            *expected += 1;
        }
        orders.insert(records.iter().map(|record| format!("{record:?}")).collect::<String>());
    }
    assert_eq!(orders.len(), 1, "all sessions see one order");
    fanout.validate().unwrap();
}

#[test]
fn a_gap_that_arises_while_the_host_has_a_batch_in_hand_joins_what_comes_back() {
    let to = || To { topics: vec![1], except: None };
    let publish = |topic| Answer { call: Call::Publish { topic }, took: Takes::Some(1) };
    let mut script = vec![Connect { partition: 0 }, Subscribe { who: 0, topic: 1 }];
    for _ in 0..7 {
        script.push(Connect { partition: 0 });
        script.push(Subscribe { who: script.len() as u8 / 2 - 1, topic: 2 });
    }
    script.extend((0..4).map(|_| Publish { to: to(), bytes: 1 }));
    script.extend((0..4).map(|_| Publish { to: To { topics: vec![2], except: None }, bytes: 1 }));
    script.push(Drain { partition: 0, sessions_max: 255, answers: vec![publish(1)] });
    script.extend([Writable { who: 0 }, Drain { partition: 0, sessions_max: 255, answers: vec![] }]);
    run(&script);
}

#[test]
fn a_batch_is_iterated_in_order_and_knows_its_length() {
    let options = FanoutOptions::default().events_per_session_max(2);
    let (fanout, _) = fanout_with_room(options, 1);
    for text in ["a", "b", "c"] {
        fanout.publish(&to_room(), event(text)).unwrap();
    }
    fanout.worker(HERE).unwrap().drain(usize::MAX, |_, batch| {
        let mut items = batch.iter();
        assert_eq!((batch.len(), items.len()), (3, 3));
        assert!(matches!(items.next(), Some(Item::Gap(gap)) if gap.count == 1));
        assert!(matches!(items.next(), Some(Item::Event(Sequence(2), _))));
        assert_eq!(items.len(), 1);
        Took::ALL
    });
}
