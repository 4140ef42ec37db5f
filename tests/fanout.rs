//! `Fanout` equals a vector of events for each session, for any script; and holds its promises one by one.

use oyez::testing::{Record, Recorder};
use oyez::{
    Accounting, AcknowledgeError, Class, DrainLimit, Event, Fanout, FanoutOptions, Fate, Gap, Item, MoveError, OnPanic,
    OrderKey, OutboxError, Overload, PartitionId, Query, Readiness, RegistryOptions, Sequence, SessionId,
    SessionOptions, Took, Topic, Unpublished, Worker, WorkerError,
};
use oyez_driver::fanout::run;
use oyez_model::fanout::{Answer, Call, Op::*, To, Took as Takes, ops};
use proptest::prelude::*;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

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

/// A gap as the library made it: hosts only read them.
fn gap(count: u64, first: u64, last: u64) -> Gap {
    let fanout = Fanout::new(FanoutOptions::default().events_per_session_max(1));
    let session = joined(&fanout, HERE);
    for sequence in 1..=last {
        let is_for_it = sequence >= first && (sequence - first < count - 1 || sequence == last);
        let query = Query::topic(if is_for_it { ROOM } else { Topic(0) });
        fanout.publish(&query, event("")).unwrap();
    }
    fanout.publish(&to_room(), event("")).unwrap();
    let mut outbox = fanout.outbox(session).unwrap();
    let Some(Item::Gap(gap)) = outbox.next_batch(0).unwrap().iter().next() else { panic!("no gap") };
    assert_eq!((gap.count, gap.first.0, gap.last.0), (count, first, last));
    gap
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
    worker.drain(usize::MAX, |session, batch| recorder.take(session, batch)).resume_panics();
    let expected = [
        Record::Gap(gap(2, 1, 2)),
        Record::Event(Sequence(3), event("c")),
        Record::Event(Sequence(4), event("d")),
        Record::Event(Sequence(5), event("e")),
    ];
    assert_eq!(recorder.records(sessions[0]), expected);
    assert_eq!(fanout.fate(sessions[0], Sequence(2)), Fate::Missed(gap(2, 1, 2)));
    assert_eq!(fanout.fate(sessions[0], Sequence(3)), Fate::HandedOver);
    assert_eq!(fanout.stats().gaps(), 1);
}

/// Sequences of the events that a session has in its outbox, and its gaps as (count, first, last).
fn waiting(fanout: &Fanout, session: SessionId) -> (Vec<(u64, u64, u64)>, Vec<u64>) {
    let mut outbox = fanout.outbox(session).unwrap();
    let (mut gaps, mut events) = (Vec::new(), Vec::new());
    for item in outbox.next_batch(usize::MAX).unwrap().iter() {
        match item {
            Item::Gap(gap) => gaps.push((gap.count, gap.first.0, gap.last.0)),
            Item::Event(sequence, _) => events.push(sequence.0),
        }
    }
    (gaps, events)
}

#[test]
fn who_lags_is_left_behind_at_a_bounded_cost_and_is_told_exactly_what_it_has_lost() {
    // Those who are behind are visited now and then: each of these is a while after the last visit.
    (40..60).for_each(some_lag_for);
}

/// Three of 300 sessions lag while so many events go out, one at a time. (So many that events share their audience.)
fn some_lag_for(events: u64) {
    let options = FanoutOptions::default().events_per_session_max(3);
    let (fanout, sessions) = fanout_with_room(options, 300);
    let slow = [sessions[3], sessions[5], sessions[250]];
    let mut worker = fanout.worker(HERE).unwrap();
    for last in 1..=events {
        fanout.publish(&to_room(), event("a")).unwrap();
        let answer = |session: SessionId| if slow.contains(&session) { Took::NONE } else { Took::ALL };
        let drained = worker.drain(usize::MAX, |session, _| answer(session)).resume_panics();
        assert_eq!(drained.sessions, if last == 1 { 300 } else { 297 });
        let partition = fanout.stats().partitions[0];
        assert!(partition.events_behind <= 3 * 4 + 3 + 1, "{} are kept after {last}", partition.events_behind);
        for session in slow {
            let accounting = fanout.accounting(session).unwrap();
            let expected = (last, last.min(3), last.saturating_sub(3));
            assert_eq!((accounting.accepted, accounting.pending, accounting.dropped), expected);
        }
    }
    let most = fanout.most_lagging(HERE, 2).unwrap();
    let most: Vec<_> = most.iter().map(|most| (most.session, most.pending, most.oldest.0)).collect();
    assert_eq!(most, [(slow[0], 3, events - 2), (slow[1], 3, events - 2)]);
    let lost = fanout.fate(slow[1], Sequence(events - 3));
    assert!(matches!(lost, Fate::Missed(gap) if gap.last.0 == events - 3), "{lost:?}");
    assert_eq!(fanout.fate(slow[1], Sequence(events - 1)), Fate::Pending { ahead: 1 });
    fanout.validate().unwrap();
    for session in slow {
        let expected = (vec![(events - 3, 1, events - 3)], vec![events - 2, events - 1, events]);
        assert_eq!(waiting(&fanout, session), expected);
    }
    let partition = fanout.stats().partitions[0];
    assert_eq!((partition.events_behind, partition.events_held, partition.accounting.pending), (0, 0, 0));
}

#[test]
fn who_is_behind_keeps_what_is_older_when_the_newer_gives_way() {
    // Events 5 to 20 give way themselves; those before and behind push out the oldest. Who is behind is visited in every
    // other pass at least, so in the last one of one of these.
    let expected = [
        (20, vec![(1, 1, 1), (16, 5, 20)], vec![2, 3, 4]),
        (21, vec![(2, 1, 2), (16, 5, 20)], vec![3, 4, 21]),
        (22, vec![(3, 1, 3), (16, 5, 20)], vec![4, 21, 22]),
    ];
    for (last, gaps, events) in expected {
        let (oldest, newest) = (Class::new(0).unwrap(), Class::new(1).unwrap());
        let options = FanoutOptions::default().events_per_session_max(3).overload(newest, Overload::DropNewest);
        let (fanout, sessions) = fanout_with_room(options, 100);
        fanout.park(sessions[7]).unwrap();
        let mut worker = fanout.worker(HERE).unwrap();
        for number in 1..=last {
            let class = if (5..=20).contains(&number) { newest } else { oldest };
            fanout.publish(&to_room(), event("a").class(class)).unwrap();
            let drained = worker.drain(usize::MAX, |_, _| Took::ALL).resume_panics();
            assert_eq!(drained.sessions, 99);
        }
        fanout.validate().unwrap();
        assert_eq!(fanout.resume(sessions[7], Sequence(0)).unwrap().pending, 3);
        assert_eq!(waiting(&fanout, sessions[7]), (gaps, events), "after {last}");
    }
}

#[test]
fn drains_that_end_after_some_items_hand_over_the_same_as_one_that_does_not() {
    const BATCH: usize = 5;
    let filled = || {
        let options = FanoutOptions::default().batch_max(BATCH);
        let (fanout, sessions) = fanout_with_room(options, 300);
        for (number, &session) in sessions.iter().enumerate().filter(|(number, _)| number % 3 == 0) {
            fanout.subscribe(session, Topic(100 + number as u64 % 9)).unwrap();
        }
        for number in 0..12 {
            let topic = if number % 4 == 3 { ROOM } else { Topic(100 + number % 9) };
            fanout.publish(&Query::topic(topic), event("x")).unwrap();
        }
        fanout
    };
    let drained_by = |limit: DrainLimit| {
        let fanout = filled();
        let mut worker = fanout.worker(HERE).unwrap();
        let mut recorder = Recorder::default();
        loop {
            let drained = worker.drain_within(limit, |session, batch| recorder.take(session, batch)).resume_panics();
            assert!(drained.items < limit.items.saturating_add(BATCH), "{} items for {limit:?}", drained.items);
            if drained.ready == 0 {
                assert_eq!(fanout.stats().accounting().pending, 0);
                return recorder;
            }
            assert!(drained.items >= limit.items, "it ends early, and not for its limit");
        }
    };
    let sessions: Vec<SessionId> = filled().audience(&to_room()).sessions().to_vec();
    let whole = drained_by(DrainLimit::default());
    for items in [1, 2, 7, 64, 100, 1_000] {
        let parts = drained_by(DrainLimit::default().items(items));
        for &session in &sessions {
            assert_eq!(parts.records(session), whole.records(session), "{items} items a drain, {session:?}");
        }
    }
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
    let drained = worker
        .drain(usize::MAX, |session, _| {
            assert_ne!(session, slow, "a lagging session is left alone");
            Took::ALL
        })
        .resume_panics();
    assert_eq!(drained.sessions, 1);

    fanout.writable(slow).unwrap();
    let mut recorder = Recorder::default();
    worker.drain(usize::MAX, |session, batch| recorder.take(session, batch)).resume_panics();
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
    let drained = worker
        .drain(300, |session, _| {
            seen.push(session);
            Took::ALL
        })
        .resume_panics();
    assert_eq!(drained.sessions, 300);
    // Those who waited keep their turn: what came meanwhile is for the drain after.
    fanout.publish(&to_room(), event("b")).unwrap();
    for len in [1_000, 2_000] {
        let drained = worker
            .drain(usize::MAX, |session, batch| {
                assert_eq!(batch.len(), 1);
                seen.push(session);
                Took::ALL
            })
            .resume_panics();
        assert_eq!(drained.sessions, seen.len() - (len - drained.sessions));
        assert!(seen[len - 1_000..] == sessions, "each once, in order of their places");
    }
}

#[test]
fn a_host_that_publishes_in_its_callback_still_returns() {
    let (fanout, _) = fanout_with_room(FanoutOptions::default(), 3);
    fanout.publish(&to_room(), event("a")).unwrap();
    let drained = fanout
        .worker(HERE)
        .unwrap()
        .drain(usize::MAX, |_, _| {
            fanout.publish(&to_room(), event("again")).unwrap();
            Took::ALL
        })
        .resume_panics();
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
    fanout.worker(HERE).unwrap().drain(usize::MAX, |session, batch| recorder.take(session, batch)).resume_panics();
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
    worker
        .drain(usize::MAX, |session, _| {
            fanout.disconnect(session).unwrap();
            joined(&fanout, HERE);
            Took(1)
        })
        .resume_panics();
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
        reader.drain(usize::MAX, |_, _| Took::ALL).resume_panics();
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
    assert_eq!((refused.event, refused.reason), (event("long"), Unpublished::PayloadTooLarge { max: 3 }));
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

#[test]
fn nor_do_they_beside_an_event_that_waits_in_the_log() {
    let (fanout, _) = fanout_with_room(FanoutOptions::default().log_sessions_min(1), 1);
    fanout.publish(&to_room(), event("x")).unwrap();
    for _ in 0..10_000 {
        let session = joined(&fanout, HERE);
        fanout.publish(&Query::topic(ROOM), event("y")).unwrap();
        fanout.disconnect(session).unwrap();
    }
    let mut worker = fanout.worker(HERE).unwrap();
    let (mut sessions, mut items) = (0, 0);
    while fanout.stats().partitions[0].ready > 0 {
        let drained = worker.drain(usize::MAX, |_, _| Took::ALL).resume_panics();
        (sessions, items) = (sessions + drained.sessions, items + drained.items);
    }
    assert_eq!(items, 10_001);
    assert!(sessions < 10_001 / 16, "a pass takes up to 32 along: {sessions}");
    assert_eq!(fanout.stats().partitions[0].queues, 0);
}

#[test]
fn who_reads_through_outboxes_needs_no_worker() {
    let options = FanoutOptions::default().log_sessions_min(2).bytes_per_partition_max(1 << 16);
    let (fanout, sessions) = fanout_with_room(options, 100);
    let mut outboxes: Vec<_> = sessions.iter().map(|session| fanout.outbox(*session).unwrap()).collect();
    for published in 0..2_000 {
        assert_eq!(fanout.publish(&to_room(), event("x")).unwrap().count, 100, "event {published}");
        for outbox in &mut outboxes {
            assert_eq!(outbox.next_batch(usize::MAX).unwrap().len(), 1);
        }
    }
    let partition = fanout.stats().partitions[0];
    assert_eq!((partition.events_in_log, partition.events_held, partition.accounting.pending), (0, 0, 0));
}

#[test]
fn an_event_that_nobody_waits_for_any_more_leaves_the_log() {
    let (fanout, sessions) = fanout_with_room(FanoutOptions::default().log_sessions_min(2), 5);
    fanout.publish(&to_room(), event("x")).unwrap();
    for session in &sessions[1..] {
        fanout.disconnect(*session).unwrap();
    }
    assert_eq!(fanout.stats().partitions[0].events_in_log, 1);
    assert_eq!(fanout.outbox(sessions[0]).unwrap().next_batch(9).unwrap().len(), 1);
    assert_eq!(fanout.stats().partitions[0].events_in_log, 0);
}

#[test]
fn a_session_whose_batch_is_in_hand_does_not_move() {
    for log_sessions_min in [1, 64] {
        let options = FanoutOptions::default().partitions(2).log_sessions_min(log_sessions_min);
        let (fanout, sessions) = fanout_with_room(options, 3);
        fanout.publish(&to_room(), event("x")).unwrap();
        let mut worker = fanout.worker(HERE).unwrap();
        let drained = worker.drain(usize::MAX, |session, _| {
            assert_eq!(fanout.move_to(session, PartitionId(1)), Err(MoveError::Busy));
            Took::ALL
        });
        assert_eq!(drained.resume_panics().items, 3);
        for session in sessions {
            fanout.move_to(session, PartitionId(1)).unwrap();
            assert_eq!(fanout.accounting(session).unwrap().delivered, 1);
        }
    }
}

/// Whoever was slow, parked or lost something once must not stay expensive.
#[test]
fn a_session_that_has_caught_up_has_no_queue() {
    let options = FanoutOptions::default().log_sessions_min(3).events_per_session_max(2);
    let (fanout, sessions) = fanout_with_room(options, 100);
    let mut worker = fanout.worker(HERE).unwrap();
    fanout.publish(&to_room(), event("1")).unwrap();
    assert_eq!(worker.drain(usize::MAX, |_, _| Took::NONE).resume_panics().sessions, 100);
    for text in ["2", "3", "4"] {
        fanout.publish(&to_room(), event(text)).unwrap();
        let _ = worker.drain(usize::MAX, |_, _| unreachable!("they lag")).resume_panics();
    }
    assert_eq!(fanout.stats().partitions[0].queues, 100);
    sessions.iter().for_each(|session| fanout.writable(*session).unwrap());
    let drained = worker.drain(usize::MAX, |_, batch| Took(batch.len())).resume_panics();
    assert_eq!(drained.items, 100 * 3, "a gap and two events each");
    assert_eq!(fanout.stats().partitions[0].queues, 0);
    assert_eq!(fanout.accounting(sessions[0]).unwrap().dropped, 2);
    assert!(matches!(fanout.fate(sessions[0], Sequence(2)), Fate::Missed(_)));

    for session in &sessions {
        fanout.park(*session).unwrap();
    }
    assert_eq!(fanout.stats().partitions[0].queues, 100);
    for session in &sessions {
        fanout.resume(*session, Sequence(4)).unwrap();
    }
    assert_eq!(fanout.stats().partitions[0].queues, 0);
    let accounting = fanout.accounting(sessions[0]).unwrap();
    assert_eq!((accounting.delivered, accounting.dropped, accounting.accepted), (2, 2, 4));
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
                    let drained =
                        worker.drain(usize::MAX, |session, batch| recorder.take(session, batch)).resume_panics();
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
    let to = || To { topics: vec![1], except: vec![] };
    let publish = |topic| Answer { call: Call::Publish { topic, class: 0 }, took: Takes::Some(1) };
    let mut script = vec![Connect { partition: 0, window: 0 }, Subscribe { who: 0, topic: 1 }];
    for _ in 0..7 {
        script.push(Connect { partition: 0, window: 0 });
        script.push(Subscribe { who: script.len() as u8 / 2 - 1, topic: 2 });
    }
    script.extend((0..4).map(|_| Publish { to: to(), bytes: 1, class: 0 }));
    script.extend((0..4).map(|_| Publish { to: To { topics: vec![2], except: vec![] }, bytes: 1, class: 0 }));
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
    fanout
        .worker(HERE)
        .unwrap()
        .drain(usize::MAX, |_, batch| {
            let mut items = batch.iter();
            assert_eq!((batch.len(), items.len()), (3, 3));
            assert!(matches!(items.next(), Some(Item::Gap(gap)) if gap.count == 1));
            assert!(matches!(items.next(), Some(Item::Event(Sequence(2), _))));
            assert_eq!(items.len(), 1);
            Took::ALL
        })
        .resume_panics();
}

#[test]
fn one_stuck_session_does_not_shut_a_partition_for_the_others() {
    let fanout = Fanout::new(FanoutOptions::default().bytes_per_partition_max(1_000_000).events_per_session_max(1_000));
    let stuck = fanout.connect(HERE).unwrap();
    let other_room = Topic(8);
    fanout.subscribe(stuck, other_room).unwrap();
    let prompt = joined(&fanout, HERE);
    let mut worker = fanout.worker(HERE).unwrap();
    let (mut got, mut last_gap) = (0, None);
    for _ in 0..100 {
        let big = Event::new(OrderKey(1), vec![0; 100_000]);
        fanout.publish(&Query::topic(other_room), big).unwrap();
        let receipt = fanout.publish(&to_room(), event("small")).unwrap();
        assert_eq!((receipt.count, receipt.refused_count), (1, 0));
        let answer = |session: SessionId| if session == stuck { Took::NONE } else { Took::ALL };
        got += worker.drain(usize::MAX, |session, _| answer(session)).resume_panics().items;
    }
    assert_eq!(got, 100);
    fanout.writable(stuck).unwrap();
    worker
        .drain(usize::MAX, |session, batch| {
            assert_eq!(session, stuck);
            last_gap = batch.iter().find_map(|item| if let Item::Gap(gap) = item { Some(gap) } else { None });
            Took::ALL
        })
        .resume_panics();
    let accounting = fanout.accounting(stuck).unwrap();
    assert_eq!(accounting.dropped, last_gap.unwrap().count);
    assert_eq!(accounting.shed, accounting.dropped);
    assert!(accounting.shed >= 90 && accounting.balances(), "{accounting:?}");
    assert_eq!(fanout.accounting(prompt).unwrap().delivered, 100);
    fanout.validate().unwrap();
}

#[test]
fn what_only_a_worker_can_drain_is_refused_not_dropped() {
    let (fanout, _) = fanout_with_room(FanoutOptions::default().bytes_per_partition_max(10_000), 3);
    let mut accepted = 0;
    for _ in 0..100 {
        accepted += fanout.publish(&to_room(), event(&"x".repeat(1_000))).unwrap().count as u64;
    }
    let stats = fanout.stats();
    assert_eq!((stats.accounting().pending, stats.accounting().dropped), (accepted, 0));
    assert_eq!(stats.refused(), 300 - accepted);
}

#[test]
fn each_class_has_its_own_overload_policy() {
    let class = |number| Class::new(number).unwrap();
    let options = FanoutOptions::default()
        .events_per_session_max(2)
        .overload(class(1), Overload::DropNewest)
        .overload(class(2), Overload::Disconnect);
    let (fanout, sessions) = fanout_with_room(options, 1);
    let publish = |number, text| fanout.publish(&to_room(), event(text).class(class(number))).unwrap();
    publish(0, "a");
    publish(0, "b");
    assert_eq!(publish(1, "c").count, 1, "accepted, and dropped");
    publish(0, "d");
    let mut recorder = Recorder::default();
    let mut worker = fanout.worker(HERE).unwrap();
    worker.drain(usize::MAX, |session, batch| recorder.take(session, batch)).resume_panics();
    let d = event("d").class(class(0));
    let expected = [
        Record::Gap(gap(1, 1, 1)),
        Record::Event(Sequence(2), event("b")),
        Record::Gap(gap(1, 3, 3)),
        Record::Event(Sequence(4), d),
    ];
    assert_eq!(recorder.records(sessions[0]), expected);

    publish(2, "e");
    publish(2, "f");
    let receipt = publish(2, "g");
    assert_eq!((receipt.count, &receipt.overflowed[..]), (0, &sessions[..]));
    assert!(!fanout.is_connected(sessions[0]));
    let accounting = fanout.stats().accounting();
    assert_eq!((accounting.discarded.overflow, accounting.discarded.total()), (2, 2));
    fanout.validate().unwrap();
}

#[test]
fn a_session_that_comes_back_gets_what_it_had_not_acknowledged_and_no_more() {
    let fanout = Fanout::new(FanoutOptions::default());
    let ada = fanout.connect_with(HERE, SessionOptions::default().window(3)).unwrap();
    fanout.subscribe(ada, ROOM).unwrap();
    let mut worker = fanout.worker(HERE).unwrap();
    let mut read = |fanout: &Fanout| {
        let mut sequences = Vec::new();
        worker
            .drain(usize::MAX, |session, batch| {
                assert!(fanout.is_connected(session));
                for item in batch.iter() {
                    let Item::Event(sequence, _) = item else { panic!("{item:?}") };
                    sequences.push(sequence.0);
                }
                Took::ALL
            })
            .resume_panics();
        sequences
    };
    for text in ["a", "b", "c", "d", "e"] {
        fanout.publish(&to_room(), event(text)).unwrap();
    }
    assert_eq!(read(&fanout), [1, 2, 3], "its window");
    assert_eq!(read(&fanout), [0; 0], "is full");
    assert_eq!(fanout.acknowledge(ada, Sequence(1)), Ok(1));
    assert_eq!(read(&fanout), [4]);
    assert_eq!(fanout.acknowledge(ada, Sequence(5)), Err(AcknowledgeError::NotHandedOver { last: Sequence(4) }));

    fanout.park(ada).unwrap();
    fanout.publish(&to_room(), event("f")).unwrap();
    assert_eq!(read(&fanout), [0; 0]);
    assert_eq!(fanout.stats().partitions[0].parked, 1);
    let resumed = fanout.resume(ada, Sequence(2)).unwrap();
    assert_eq!((resumed.again, resumed.pending), (2, 2));
    assert_eq!(read(&fanout), [3, 4]);
    assert_eq!(read(&fanout), [5], "room for one more");
    assert_eq!(fanout.acknowledge(ada, Sequence(5)), Ok(3));
    assert_eq!(read(&fanout), [6]);
    let accounting = fanout.accounting(ada).unwrap();
    assert_eq!((accounting.accepted, accounting.delivered), (6, 6), "what comes again is not counted twice");
    fanout.validate().unwrap();
}

#[test]
fn a_session_that_the_callback_disconnects_is_called_no_more_in_the_same_drain() {
    let (fanout, sessions) = fanout_with_room(FanoutOptions::default(), 200);
    fanout.publish(&to_room(), event("a")).unwrap();
    let mut worker = fanout.worker(HERE).unwrap();
    let drained = worker
        .drain(usize::MAX, |session, _| {
            assert_eq!(session, sessions[0]);
            for other in &sessions[1..] {
                fanout.disconnect(*other).unwrap();
            }
            Took::ALL
        })
        .resume_panics();
    assert_eq!((drained.sessions, drained.items, drained.ready), (1, 1, 0));
    let accounting = fanout.stats().accounting();
    assert_eq!((accounting.delivered, accounting.discarded.disconnect), (1, 199));
    fanout.validate().unwrap();
}

#[test]
fn a_drain_offers_a_session_once_however_the_ready_list_is_tidied_meanwhile() {
    let (fanout, sessions) = fanout_with_room(FanoutOptions::default(), 65);
    fanout.publish(&to_room(), event("a")).unwrap();
    let mut worker = fanout.worker(HERE).unwrap();
    let mut calls = 0;
    let drained = worker
        .drain(usize::MAX, |_, _| {
            calls += 1;
            if calls == 1 {
                for _ in 0..300 {
                    let stranger = joined(&fanout, HERE);
                    fanout.publish(&to_room(), event("b")).unwrap();
                    fanout.disconnect(stranger).unwrap();
                }
            }
            Took::ALL
        })
        .resume_panics();
    assert_eq!(drained.sessions, sessions.len());
}

#[test]
fn a_drain_tells_how_many_still_wait() {
    let (fanout, _) = fanout_with_room(FanoutOptions::default(), 10);
    fanout.publish(&to_room(), event("a")).unwrap();
    assert_eq!(fanout.stats().partitions[0].ready, 10);
    let drained = fanout.worker(HERE).unwrap().drain(4, |_, _| Took::ALL).resume_panics();
    assert_eq!((drained.sessions, drained.ready), (4, 6));
}

#[test]
fn an_assertion_in_a_callback_is_a_failure_for_who_wants_it() {
    let (fanout, _) = fanout_with_room(FanoutOptions::default(), 1);
    fanout.publish(&to_room(), event("a")).unwrap();
    let drained = fanout.worker(HERE).unwrap().drain(9, |_, _| std::panic::resume_unwind(Box::new("of the test")));
    assert_eq!(fanout.stats().partitions[0].panics, 1);
    let resumed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drained.resume_panics()));
    assert_eq!(resumed.unwrap_err().downcast_ref(), Some(&"of the test"));
}

#[test]
fn an_abandoned_batch_is_told_as_a_gap_with_the_gaps_it_held() {
    let options = FanoutOptions::default().events_per_session_max(2);
    let (fanout, sessions) = fanout_with_room(options, 1);
    for text in ["a", "b", "c"] {
        fanout.publish(&to_room(), event(text)).unwrap();
    }
    let mut worker = fanout.worker(HERE).unwrap();
    let drained = worker.drain(9, |_, _| std::panic::resume_unwind(Box::new("of the host")));
    assert_eq!(drained.panics.len(), 1);
    fanout.publish(&to_room(), event("d")).unwrap();
    fanout.writable(sessions[0]).unwrap();
    let mut recorder = Recorder::default();
    worker.drain(9, |session, batch| recorder.take(session, batch)).resume_panics();
    let expected = [Record::Gap(gap(3, 1, 3)), Record::Event(Sequence(4), event("d"))];
    assert_eq!(recorder.records(sessions[0]), expected);
    assert_eq!(fanout.fate(sessions[0], Sequence(2)), Fate::Missed(gap(3, 1, 3)));
    fanout.validate().unwrap();
}

#[test]
fn fates_are_known_within_the_budget_and_forgotten_beyond_it() {
    let options = FanoutOptions::default().history_bytes_max(2_000);
    let (fanout, sessions) = fanout_with_room(options, 1_000);
    let alone = fanout.connect(HERE).unwrap();
    fanout.subscribe(alone, Topic(8)).unwrap();
    let to_all = fanout.publish(&to_room(), event("too many to remember")).unwrap().sequence;
    assert_eq!(fanout.fate(sessions[0], to_all), Fate::Forgotten);
    let to_one: Vec<Sequence> =
        (0..100).map(|_| fanout.publish(&Query::topic(Topic(8)), event("x")).unwrap().sequence).collect();
    assert_eq!(fanout.fate(alone, to_one[99]), Fate::Pending { ahead: 99 });
    assert_eq!(fanout.fate(alone, to_one[90]), Fate::Pending { ahead: 90 });
    assert_eq!(fanout.fate(alone, to_one[0]), Fate::Forgotten);
}

#[test]
fn a_drained_event_is_let_go_and_read_by_all_from_one_copy() {
    let (fanout, _) = fanout_with_room(FanoutOptions::default(), 50);
    let payload: Arc<[u8]> = vec![7; 100].into();
    fanout.publish(&to_room(), Event::new(OrderKey(1), Arc::clone(&payload))).unwrap();
    let mut addresses = HashSet::new();
    let mut worker = fanout.worker(HERE).unwrap();
    worker
        .drain(usize::MAX, |_, batch| {
            for item in batch.iter() {
                let Item::Event(_, event) = item else { panic!("{item:?}") };
                addresses.insert(std::ptr::from_ref(event).addr());
            }
            Took::ALL
        })
        .resume_panics();
    assert_eq!(addresses.len(), 1);
    assert_eq!(Arc::strong_count(&payload), 1, "nobody else holds it");
    let partition = fanout.stats().partitions[0];
    assert_eq!((partition.bytes, partition.events_held), (0, 0));
}

#[test]
fn a_dropped_partition_and_a_disconnect_are_told_apart() {
    let (fanout, sessions) = fanout_with_room(FanoutOptions::default(), 5);
    fanout.publish(&to_room(), event("a")).unwrap();
    fanout.disconnect(sessions[0]).unwrap();
    assert_eq!(fanout.drop_partition(HERE), Ok(4));
    let discarded = fanout.stats().accounting().discarded;
    assert_eq!((discarded.disconnect, discarded.partition_drop, discarded.total()), (1, 4, 5));
    fanout.validate().unwrap();
}

#[test]
fn a_partition_dropped_amid_a_pass_books_what_each_of_its_sessions_would_have_told() {
    let options = FanoutOptions::default().events_per_session_max(3).log_sessions_min(1).round_sessions(1);
    let (fanout, sessions) = fanout_with_room(options, 100);
    for &session in sessions.iter().step_by(7) {
        fanout.park(session).unwrap();
    }
    let mut worker = fanout.worker(HERE).unwrap();
    for drained in [usize::MAX, usize::MAX, 30] {
        for _ in 0..2 {
            fanout.publish(&to_room(), event("a")).unwrap();
        }
        worker.drain(drained, |session, _| if session == sessions[1] { Took::NONE } else { Took::ALL }).resume_panics();
    }
    fanout.publish(&to_room(), event("a")).unwrap();
    let told = |count: fn(Accounting) -> u64| -> u64 {
        sessions.iter().map(|&session| count(fanout.accounting(session).unwrap())).sum()
    };
    let (pending, dropped) = (told(|of| of.pending), told(|of| of.dropped));
    assert!(dropped > 0 && pending > 0);
    assert_eq!(fanout.drop_partition(HERE), Ok(100));
    let after = fanout.stats().partitions[0].accounting;
    assert_eq!((after.pending, after.dropped, after.discarded.partition_drop), (0, dropped, pending));
    fanout.validate().unwrap();
}

#[test]
fn the_first_handle_is_not_zero_and_zero_is_nobody() {
    let (fanout, sessions) = fanout_with_room(FanoutOptions::default(), 1);
    assert_ne!(sessions[0].to_bits(), 0);
    assert!(!fanout.is_connected(SessionId::from_bits(0)));
    assert!(fanout.disconnect(SessionId::from_bits(0)).is_err());
    assert_eq!(fanout.topics_of(sessions[0]), Ok(vec![ROOM]));
    assert_eq!((fanout.topic_len(ROOM), fanout.partition_of(sessions[0])), (1, Ok(HERE)));
}

#[test]
fn a_gap_that_was_not_taken_is_offered_again_with_what_was_missed_since() {
    let options = FanoutOptions::default().events_per_session_max(1);
    let (fanout, sessions) = fanout_with_room(options, 1);
    let mut worker = fanout.worker(HERE).unwrap();
    for text in ["a", "b"] {
        fanout.publish(&to_room(), event(text)).unwrap();
    }
    assert_eq!(worker.drain(9, |_, _| Took::NONE).resume_panics().sessions, 1);
    fanout.publish(&to_room(), event("c")).unwrap();
    fanout.writable(sessions[0]).unwrap();
    let mut recorder = Recorder::default();
    worker.drain(9, |session, batch| recorder.take(session, batch)).resume_panics();
    assert_eq!(recorder.records(sessions[0]), [Record::Gap(gap(2, 1, 2)), Record::Event(Sequence(3), event("c"))]);
}

#[test]
fn a_waiting_worker_is_woken_once_whatever_gives_it_something_to_do() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (fanout, sessions) = fanout_with_room(FanoutOptions::default(), 1);
    let ada = sessions[0];
    let mut worker = fanout.worker(HERE).unwrap();
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&count));
    let wakes = || count.0.load(Ordering::SeqCst);
    let is_pending = |worker: &mut Worker| worker.poll_ready(&mut Context::from_waker(&waker)).is_pending();

    assert!(is_pending(&mut worker));
    fanout.publish(&Query::topic(Topic(0)), event("for nobody")).unwrap();
    assert_eq!(wakes(), 0);
    fanout.publish(&to_room(), event("a")).unwrap();
    fanout.publish(&to_room(), event("b")).unwrap();
    assert_eq!(wakes(), 1);
    assert!(!is_pending(&mut worker));

    assert_eq!(worker.drain(9, |_, _| Took::NONE).resume_panics().sessions, 1);
    assert!(is_pending(&mut worker));
    fanout.publish(&to_room(), event("c")).unwrap();
    assert_eq!(wakes(), 1, "a lagging session gives the worker nothing to do");
    fanout.writable(ada).unwrap();
    assert_eq!(wakes(), 2);

    assert_eq!(worker.drain(9, |_, _| Took::ALL).resume_panics().items, 3);
    assert!(is_pending(&mut worker));
    let outbox = fanout.outbox(ada).unwrap();
    fanout.publish(&to_room(), event("d")).unwrap();
    assert_eq!(wakes(), 2);
    drop(outbox);
    assert_eq!(wakes(), 3);

    assert_eq!(worker.drain(9, |_, _| Took::ALL).resume_panics().items, 1);
    fanout.park(ada).unwrap();
    assert!(is_pending(&mut worker));
    fanout.publish(&to_room(), event("e")).unwrap();
    assert_eq!(wakes(), 3);
    fanout.resume(ada, Sequence(0)).unwrap();
    assert_eq!(wakes(), 4);
}

#[test]
fn a_closed_fanout_takes_in_nothing_and_is_drained_to_the_end() {
    let (fanout, _) = fanout_with_room(FanoutOptions::default(), 2);
    fanout.publish(&to_room(), event("a")).unwrap();
    fanout.close();
    assert_eq!(fanout.publish(&to_room(), event("b")).unwrap_err().reason, Unpublished::Closed);
    assert_eq!(fanout.worker(HERE).unwrap().drain(9, |_, _| Took::ALL).resume_panics().items, 2);
    assert_eq!(fanout.stats().published, 1);
}

#[test]
fn a_gap_that_was_told_and_not_acknowledged_is_told_again_after_a_break() {
    let fanout = Fanout::new(FanoutOptions::default().events_per_session_max(2));
    let ada = fanout.connect_with(HERE, SessionOptions::default().window(8)).unwrap();
    fanout.subscribe(ada, ROOM).unwrap();
    for text in ["a", "b", "c", "d"] {
        fanout.publish(&to_room(), event(text)).unwrap();
    }
    let mut worker = fanout.worker(HERE).unwrap();
    let expected =
        [Record::Gap(gap(2, 1, 2)), Record::Event(Sequence(3), event("c")), Record::Event(Sequence(4), event("d"))];
    for acknowledged in [0, 1, 2] {
        let mut recorder = Recorder::default();
        worker.drain(9, |session, batch| recorder.take(session, batch)).resume_panics();
        assert_eq!(recorder.records(ada), expected);
        fanout.park(ada).unwrap();
        let resumed = fanout.resume(ada, Sequence(acknowledged)).unwrap();
        assert_eq!(resumed.again, 2);
    }
    let mut recorder = Recorder::default();
    worker.drain(9, |session, batch| recorder.take(session, batch)).resume_panics();
    assert_eq!(recorder.records(ada), &expected[1..], "the client has the gap up to its end");
    fanout.validate().unwrap();
}

#[test]
fn a_batch_made_for_the_old_connection_does_not_reach_the_new_one() {
    let fanout = Fanout::new(FanoutOptions::default());
    let ada = joined(&fanout, HERE);
    let eve = fanout.connect_with(HERE, SessionOptions::default().window(8)).unwrap();
    fanout.subscribe(eve, ROOM).unwrap();
    let mut worker = fanout.worker(HERE).unwrap();
    fanout.publish(&to_room(), event("a")).unwrap();
    worker.drain(9, |_, _| Took::ALL).resume_panics();
    fanout.publish(&to_room(), event("b")).unwrap();
    let drained = worker.drain(9, |session, _| {
        assert_eq!(session, ada, "what was meant for eve's old connection is passed by");
        fanout.park(eve).unwrap();
        fanout.resume(eve, Sequence(0)).unwrap();
        Took::ALL
    });
    assert_eq!(drained.resume_panics().sessions, 1);
    let mut sequences = Vec::new();
    for _ in 0..2 {
        let drained = worker.drain(9, |_, batch| {
            sequences.extend(batch.iter().map(|item| match item {
                Item::Event(sequence, _) => sequence.0,
                Item::Gap(gap) => panic!("{gap:?}"),
            }));
            Took::ALL
        });
        drained.resume_panics();
    }
    assert_eq!(sequences, [1, 2]);
    fanout.validate().unwrap();
}

#[test]
fn a_waker_that_calls_the_fanout_when_it_is_dropped_meets_no_lock() {
    struct Nosy(Fanout);
    impl Wake for Nosy {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Nosy {
        fn drop(&mut self) {
            self.0.stats();
        }
    }
    let (fanout, _) = fanout_with_room(FanoutOptions::default(), 1);
    let mut worker = fanout.worker(HERE).unwrap();
    for _ in 0..2 {
        let waker = Waker::from(Arc::new(Nosy(fanout.clone())));
        assert!(worker.poll_ready(&mut Context::from_waker(&waker)).is_pending());
    }
    drop(worker);
    let mut worker = fanout.worker(HERE).unwrap();
    let waker = Waker::from(Arc::new(Nosy(fanout.clone())));
    assert!(worker.poll_ready(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    fanout.publish(&to_room(), event("a")).unwrap();
}

#[test]
fn closing_ends_the_wait_of_every_worker_once_all_is_drained() {
    let fanout = Fanout::new(FanoutOptions::default().partitions(3));
    for partition in 0..3 {
        joined(&fanout, PartitionId(partition));
    }
    let items: usize = std::thread::scope(|scope| {
        let work = |partition| {
            let fanout = &fanout;
            move || {
                let mut worker = fanout.worker(PartitionId(partition)).unwrap();
                let mut items = 0;
                while worker.wait() == Readiness::Ready {
                    items += worker.drain(usize::MAX, |_, _| Took::ALL).resume_panics().items;
                }
                items
            }
        };
        let workers: Vec<_> = (0..3).map(|partition| scope.spawn(work(partition))).collect();
        for _ in 0..100 {
            fanout.publish(&to_room(), event("a")).unwrap();
        }
        fanout.close();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(items, 300);
    assert!(fanout.is_closed());
}

#[test]
fn a_closed_worker_waits_for_who_lags_or_has_not_acknowledged_until_they_go() {
    let fanout = Fanout::new(FanoutOptions::default());
    let slow = joined(&fanout, HERE);
    let windowed = fanout.connect_with(HERE, SessionOptions::default().window(1)).unwrap();
    fanout.subscribe(windowed, ROOM).unwrap();
    for text in ["a", "b"] {
        fanout.publish(&to_room(), event(text)).unwrap();
    }
    fanout.close();
    let mut worker = fanout.worker(HERE).unwrap();
    let is_pending = |worker: &mut Worker| worker.poll_ready(&mut Context::from_waker(Waker::noop())).is_pending();
    worker.drain(9, |session, _| if session == slow { Took::NONE } else { Took::ALL }).resume_panics();
    assert!(is_pending(&mut worker));
    fanout.disconnect(slow).unwrap();
    assert!(is_pending(&mut worker), "an event waits behind the window");
    fanout.acknowledge(windowed, Sequence(1)).unwrap();
    assert_eq!(worker.wait(), Readiness::Ready);
    worker.drain(9, |_, _| Took::ALL).resume_panics();
    assert_eq!(worker.wait(), Readiness::Closed);
    fanout.validate().unwrap();
}

#[test]
fn a_closed_worker_waits_for_what_went_out_while_a_window_was_full_or_a_queue_empty() {
    let fanout = Fanout::new(FanoutOptions::default().log_sessions_min(1));
    let windowed = fanout.connect_with(HERE, SessionOptions::default().window(1)).unwrap();
    fanout.subscribe(windowed, ROOM).unwrap();
    let (slow, left) = (joined(&fanout, HERE), Topic(8));
    fanout.subscribe(slow, left).unwrap();
    let mut worker = fanout.worker(HERE).unwrap();
    let is_pending = |worker: &mut Worker| worker.poll_ready(&mut Context::from_waker(Waker::noop())).is_pending();
    fanout.publish(&Query::topic(left), event("a")).unwrap();
    worker.drain(9, |_, _| Took::NONE).resume_panics();
    assert_eq!(fanout.unsubscribe_discarding(slow, left).unwrap().discarded, 1);
    for text in ["b", "c"] {
        fanout.publish(&to_room(), event(text)).unwrap();
        worker.drain(9, |_, _| Took::ALL).resume_panics();
    }
    fanout.validate().unwrap();
    fanout.close();
    assert!(is_pending(&mut worker), "two events wait for who lags, one behind the window");
    fanout.disconnect(slow).unwrap();
    assert!(is_pending(&mut worker), "an event waits behind the window");
    fanout.acknowledge(windowed, Sequence(2)).unwrap();
    assert_eq!(worker.wait(), Readiness::Ready);
    assert_eq!(worker.drain(9, |_, _| Took::ALL).resume_panics().items, 1);
    assert_eq!(worker.wait(), Readiness::Closed);
    fanout.validate().unwrap();
}

#[test]
fn a_client_that_stops_acknowledging_does_not_shut_its_partition() {
    let fanout = Fanout::new(FanoutOptions::default().bytes_per_partition_max(20_000));
    let silent = fanout.connect_with(HERE, SessionOptions::default().window(1)).unwrap();
    fanout.subscribe(silent, Topic(8)).unwrap();
    joined(&fanout, HERE);
    let mut worker = fanout.worker(HERE).unwrap();
    for _ in 0..100 {
        let big = Event::new(OrderKey(1), vec![0; 1_000]);
        fanout.publish(&Query::topic(Topic(8)), big).unwrap();
        assert_eq!(fanout.publish(&to_room(), event("small")).unwrap().refused_count, 0);
        worker.drain(usize::MAX, |_, _| Took::ALL).resume_panics();
    }
    assert!(fanout.accounting(silent).unwrap().shed > 50);
    fanout.validate().unwrap();
}

#[test]
fn an_event_larger_than_the_budget_is_refused_and_costs_nobody_anything() {
    let fanout = Fanout::new(FanoutOptions::default().bytes_per_partition_max(5_000));
    let parked = joined(&fanout, HERE);
    fanout.publish(&to_room(), event("a")).unwrap();
    fanout.park(parked).unwrap();
    let receipt = fanout.publish(&to_room(), Event::new(OrderKey(1), vec![0; 6_000])).unwrap();
    assert_eq!(receipt.refused_count, 1);
    assert_eq!(fanout.accounting(parked).unwrap().pending, 1);
}

#[test]
fn what_comes_again_comes_once_more_after_a_panic() {
    let fanout = Fanout::new(FanoutOptions::default());
    let ada = fanout.connect_with(HERE, SessionOptions::default().window(8)).unwrap();
    fanout.subscribe(ada, ROOM).unwrap();
    for text in ["a", "b", "c"] {
        fanout.publish(&to_room(), event(text)).unwrap();
    }
    let mut worker = fanout.worker(HERE).unwrap();
    worker.drain(9, |_, _| Took::ALL).resume_panics();
    fanout.park(ada).unwrap();
    fanout.resume(ada, Sequence(0)).unwrap();
    let drained = worker.drain(9, |_, _| std::panic::resume_unwind(Box::new("of the host")));
    assert_eq!(drained.panics.len(), 1);
    fanout.writable(ada).unwrap();
    let drained = worker.drain(9, |_, batch| {
        assert_eq!(batch.len(), 3);
        Took::ALL
    });
    assert_eq!(drained.resume_panics().items, 3);
}

#[test]
fn a_waker_that_calls_the_fanout_meets_no_lock_when_a_session_ends() {
    struct Nosy(Fanout, AtomicUsize);
    impl Wake for Nosy {
        fn wake(self: Arc<Self>) {
            self.1.fetch_add(self.0.stats().partitions.len(), Ordering::SeqCst);
        }
    }
    let endings: [fn(&Fanout, SessionId) -> usize; 2] =
        [|fanout, ada| fanout.disconnect(ada).unwrap(), |fanout, _| fanout.drop_partition(HERE).unwrap()];
    for end in endings {
        let (fanout, sessions) = fanout_with_room(FanoutOptions::default(), 1);
        let mut worker = fanout.worker(HERE).unwrap();
        fanout.publish(&to_room(), event("a")).unwrap();
        worker.drain(9, |_, _| Took::NONE).resume_panics();
        fanout.close();
        let nosy = Arc::new(Nosy(fanout.clone(), AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&nosy));
        assert!(worker.poll_ready(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(end(&fanout, sessions[0]), 1);
        assert_eq!(nosy.1.load(Ordering::SeqCst), 1);
        assert_eq!(worker.wait(), Readiness::Closed);
    }
}

#[test]
fn a_client_may_acknowledge_the_gap_of_a_batch_that_was_abandoned() {
    let to_room = |class| Publish { to: To { topics: vec![0], except: vec![] }, bytes: 0, class };
    let take_three = Drain { partition: 0, sessions_max: 9, answers: vec![] };
    let panic = vec![Answer { call: Call::Nothing, took: Takes::Panic }];
    let mut script = vec![Connect { partition: 0, window: 4 }, Subscribe { who: 0, topic: 0 }];
    script.extend([0, 0, 0, 0, 1].map(to_room)); // the last finds the queue full, and gives way
    script.extend([take_three, Drain { partition: 0, sessions_max: 9, answers: panic }]);
    script.push(Acknowledge { who: 0, back: 1 });
    run(&script);
}

#[test]
fn a_move_to_a_full_partition_costs_nobody_anything() {
    let registry = RegistryOptions::default().partitions(2).sessions_per_partition_max(1);
    let fanout = Fanout::new(FanoutOptions::default().registry(registry).bytes_per_partition_max(1 << 16));
    let (mover, sitter) = (joined(&fanout, HERE), joined(&fanout, PartitionId(1)));
    fanout.park(sitter).unwrap();
    for _ in 0..7 {
        fanout.publish(&to_room(), Event::new(OrderKey(1), vec![0; 9_000])).unwrap();
    }
    assert_eq!(fanout.move_to(mover, PartitionId(1)), Err(MoveError::PartitionFull { max: 1 }));
    assert_eq!(fanout.accounting(sitter).unwrap().pending, 7);
    assert_eq!(fanout.partition_of(mover), Ok(HERE));
}
