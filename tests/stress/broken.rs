//! A sound history, and for each rule one that breaks it: the checker finds nothing in the one, and that in the other.

use crate::checker::check;
use crate::history::{By, Counts, End, Entry, Handed, History, Item, Joined, Name, Published, Quiet, Stamp, What};
use crate::rule::Rule;

const ADA: u64 = 1;
const BOB: u64 = 2;
const ROOM: u64 = 7;

/// Threads of the sound history.
const HOST: usize = 0;
const WORKER: usize = 3;

/// A call at this moment; moments are ten stamps apart.
fn at(moment: u64, what: What) -> Entry {
    Entry { began: moment * 10, ended: moment * 10 + 1, what }
}

fn publish(moment: u64, key: u64, number: u64, topic: u64, sequence: u64, count: usize) -> Entry {
    let name = Name { key, number };
    let (refused, overflowed) = (Vec::new(), Vec::new());
    let published =
        Published { name, topics: vec![topic], except: None, sequence, count, refused, refused_count: 0, overflowed };
    at(moment, What::Published(published))
}

fn event(sequence: u64) -> Item {
    let (key, number) = [(1, 0), (2, 0), (1, 1), (2, 1), (1, 2), (2, 2), (1, 3)][sequence as usize - 1];
    Item::Event { sequence, name: Name { key, number } }
}

fn gap(count: u64, first: u64, last: u64) -> Item {
    Item::Gap { count, first, last }
}

fn hand(moment: u64, session: u64, items: &[Item], took: Option<usize>) -> Entry {
    let drain_began = moment * 10 - 1;
    at(moment, What::Handed(Handed { session, by: By::Worker(0), drain_began, items: items.to_vec(), took }))
}

/// Ada has a window, and misses two events because a callback panics; Bob is slow, and misses the same two. Ada's
/// connection breaks; Bob leaves the room, then goes.
fn sound() -> History {
    let join = |session| What::Subscribed { session, topic: ROOM, joined: Some(Joined { is_new: true, after: 0 }) };
    let host = vec![
        at(0, What::Connected { session: ADA, partition: 0, window: Some(8) }),
        at(1, What::Connected { session: BOB, partition: 0, window: None }),
        at(2, join(ADA)),
        at(3, join(BOB)),
        at(8, What::Woken { session: BOB, ok: true }),
        at(14, What::Woken { session: ADA, ok: true }),
        at(17, What::Parked { session: ADA, ok: true }),
        at(18, What::Resumed { session: ADA, acknowledged: 2, ok: true }),
        at(20, What::Acknowledged { session: ADA, through: 5, count: Some(1) }),
        at(21, What::Unsubscribed { session: BOB, topic: ROOM, was_subscribed: Some(true), discarded: 0 }),
        at(25, What::Disconnected { session: BOB, ok: true }),
    ];
    let one = vec![
        publish(4, 1, 0, ROOM, 1, 2),
        publish(10, 1, 1, ROOM, 3, 2),
        publish(13, 1, 2, ROOM, 5, 2),
        publish(23, 1, 3, ROOM, 7, 1),
    ];
    let other = vec![publish(5, 2, 0, ROOM, 2, 2), publish(11, 2, 1, ROOM, 4, 2), publish(22, 2, 2, 8, 6, 0)];
    let worker = vec![
        hand(6, ADA, &[event(1), event(2)], Some(2)),
        hand(7, BOB, &[event(1), event(2)], Some(1)),
        hand(9, BOB, &[event(2)], Some(1)),
        hand(12, ADA, &[event(3), event(4)], None),
        hand(15, ADA, &[gap(2, 3, 4), event(5)], Some(2)),
        hand(16, BOB, &[gap(2, 3, 4), event(5)], Some(2)),
        hand(19, ADA, &[gap(2, 3, 4), event(5)], Some(2)),
        hand(24, ADA, &[event(7)], Some(1)),
    ];
    let ada = Counts { accepted: 6, delivered: 4, abandoned: 2, ..Counts::default() };
    let end = End {
        published: 7,
        total: Counts { accepted: 11, delivered: 7, dropped: 2, abandoned: 2, ..Counts::default() },
        refused: 0,
        gaps: 2,
        panics: 1,
        live: vec![(ADA, ada)],
        quiet: Quiet { began: 260, pending: vec![(ADA, 0)] },
    };
    History { threads: vec![host, one, other, worker], keeps_on_panic: false, end }
}

impl History {
    fn entry(&mut self, moment: u64) -> &mut Entry {
        let mut entries = self.threads.iter_mut().flatten();
        entries.find(|entry| entry.began == moment * 10).expect("something happened then")
    }

    fn forget(&mut self, moment: u64) {
        self.threads.iter_mut().for_each(|thread| thread.retain(|entry| entry.began != moment * 10));
    }

    fn batch(&mut self, moment: u64) -> &mut Handed {
        let What::Handed(handed) = &mut self.entry(moment).what else { panic!("no batch at {moment}") };
        handed
    }

    fn moves(&mut self, moment: u64, session: u64, partition: u16) {
        let what = What::Moved { session, partition, ok: true };
        self.threads[HOST].push(Entry { began: moment * 10 + 3, ended: moment * 10 + 4, what });
    }

    fn subscribes(&mut self, moment: u64, session: u64, topic: u64) {
        let joined = Some(Joined { is_new: true, after: 1 });
        let what = What::Subscribed { session, topic, joined };
        self.threads[HOST].push(Entry { began: moment * 10 - 2, ended: moment * 10 - 1, what });
    }

    fn batch_at(&mut self, began: Stamp) -> &mut Handed {
        let mut entries = self.threads.iter_mut().flatten().filter(|entry| entry.began == began);
        let entry = entries.next().expect("something happened then");
        let What::Handed(handed) = &mut entry.what else { panic!("no batch at {began}") };
        handed
    }

    fn hands(&mut self, moment: u64, items: &[Item], took: usize) {
        let batch = self.batch(moment);
        (batch.items, batch.took) = (items.to_vec(), Some(took));
    }

    fn event(&mut self, sequence: u64) -> &mut Published {
        let events = self.threads.iter_mut().flatten().filter_map(|entry| match &mut entry.what {
            What::Published(event) => Some(event),
            _ => None,
        });
        events.into_iter().find(|event| event.sequence == sequence).expect("it was published")
    }

    /// Gives an event another number, wherever it is.
    fn renumber(&mut self, sequence: u64, number: u64) {
        self.event(sequence).name.number = number;
        for entry in self.threads.iter_mut().flatten() {
            let What::Handed(handed) = &mut entry.what else { continue };
            for item in &mut handed.items {
                match item {
                    Item::Event { sequence: its, name } if *its == sequence => name.number = number,
                    _ => {}
                }
            }
        }
    }
}

type Break = fn(&mut History);

/// Ada leaves the room before she is handed the last event, and does not want it.
fn discards(history: &mut History) {
    let what = What::Unsubscribed { session: ADA, topic: ROOM, was_subscribed: Some(true), discarded: 1 };
    history.threads[HOST].push(Entry { began: 235, ended: 236, what });
    history.forget(24);
    for counts in [&mut history.end.live[0].1, &mut history.end.total] {
        (counts.delivered, counts.discarded) = (counts.delivered - 1, counts.discarded + 1);
    }
}

/// Ada moves to the other partition after her second batch.
fn moves(history: &mut History) {
    history.moves(10, ADA, 1);
    [12, 15, 19, 24].into_iter().for_each(|moment| history.batch(moment).by = By::Worker(1));
}

/// For each rule, how to break it. Most ways break others too.
const BROKEN: &[(Rule, Break)] = &[
    (Rule::Sequences, |history| history.event(7).sequence = 9),
    (Rule::Sequences, |history| history.event(7).sequence = 6),
    (Rule::PublisherOrder, |history| {
        history.event(3).name.number = 2;
        history.event(5).name.number = 1;
    }),
    (Rule::ReceiptCount, |history| history.event(7).count = 2),
    (Rule::ReceiptCount, |history| history.event(5).count = 1),
    (Rule::Payload, |history| {
        history.hands(6, &[event(1), Item::Event { sequence: 2, name: Name { key: 2, number: 5 } }], 2)
    }),
    (Rule::NeverSubscribed, |history| history.hands(24, &[event(6), event(7)], 2)),
    (Rule::BeforeConnected, |history| {
        history.threads[HOST].push(at(26, What::Connected { session: 3, partition: 0, window: None }));
        history.threads[WORKER].push(hand(27, 3, &[event(7)], Some(1)));
    }),
    (Rule::BeforeJoined, |history| {
        history.entry(3).what =
            What::Subscribed { session: BOB, topic: ROOM, joined: Some(Joined { is_new: true, after: 1 }) };
    }),
    (Rule::AfterLeft, |history| {
        history.threads[WORKER].push(Entry { began: 241, ended: 242, ..hand(24, BOB, &[event(7)], Some(1)) });
    }),
    (Rule::Excepted, |history| history.event(7).except = Some(ADA)),
    (Rule::Refused, |history| history.event(7).refused = vec![0]),
    (Rule::EmptyBatch, |history| history.hands(24, &[], 0)),
    (Rule::Rises, |history| history.hands(6, &[event(2), event(1)], 2)),
    (Rule::Rises, |history| history.hands(9, &[event(1), event(2)], 2)),
    (Rule::KeyOrder, |history| {
        history.renumber(1, 2);
        history.renumber(5, 0);
    }),
    (Rule::OneOrder, |history| {
        history.hands(7, &[event(2), event(1)], 1);
        history.hands(9, &[event(1)], 1);
    }),
    (Rule::Lost, |history| history.hands(16, &[event(5)], 1)),
    (Rule::Lost, |history| history.forget(24)),
    (Rule::GapCount, |history| history.hands(16, &[gap(1, 3, 4), event(5)], 2)),
    (Rule::GapCount, |history| history.hands(16, &[gap(3, 3, 4), event(5)], 2)),
    (Rule::GapEnds, |history| history.event(4).topics = vec![8]),
    (Rule::Again, |history| history.hands(19, &[gap(1, 3, 4), event(5)], 2)),
    (Rule::Again, |history| history.hands(19, &[event(4), event(5)], 2)),
    (Rule::Again, |history| {
        history.threads[WORKER].push(Entry { began: 195, ended: 196, ..hand(19, ADA, &[event(5)], Some(1)) });
    }),
    (Rule::AcknowledgedAgain, |history| {
        history.entry(18).what = What::Resumed { session: ADA, acknowledged: 5, ok: true };
    }),
    (Rule::NotAgain, |history| [19, 20].into_iter().for_each(|moment| history.forget(moment))),
    (Rule::NotAgain, |history| history.hands(19, &[event(5)], 1)),
    (Rule::NotAgain, |history| {
        history.hands(19, &[gap(2, 3, 4), event(5)], 1);
        history.threads[HOST].push(Entry { began: 192, ended: 193, what: What::Woken { session: ADA, ok: true } });
        history.forget(20);
    }),
    (Rule::AbandonedAgain, |history| history.hands(15, &[event(3), event(4), event(5)], 3)),
    (Rule::LeftAlone, |history| history.forget(8)),
    (Rule::LeftAlone, |history| history.forget(14)),
    (Rule::WhileParked, |history| history.forget(18)),
    (Rule::AfterEnd, |history| history.threads[WORKER].push(hand(26, BOB, &[event(5)], Some(1)))),
    (Rule::AfterEnd, |history| {
        history.entry(25).what = What::Overflowed { session: BOB };
        history.threads[WORKER].push(Entry { began: 255, ended: 256, ..hand(25, BOB, &[event(5)], Some(1)) });
        history.batch_at(255).drain_began = 250;
    }),
    (Rule::Elsewhere, |history| history.moves(10, ADA, 1)),
    (Rule::Elsewhere, |history| {
        moves(history);
        history.batch(12).by = By::Worker(0);
    }),
    (Rule::Elsewhere, |history| {
        moves(history);
        history.batch(6).by = By::Worker(1);
    }),
    (Rule::Refused, |history| {
        moves(history);
        history.event(7).refused = vec![1];
    }),
    (Rule::InHand, |history| {
        moves(history);
        history.entry(12).began = 95; // before she moves
    }),
    (Rule::Discarded, |history| {
        history.entry(21).what =
            What::Unsubscribed { session: BOB, topic: ROOM, was_subscribed: Some(true), discarded: 1 };
    }),
    (Rule::Lost, |history| {
        discards(history);
        history.subscribes(5, ADA, 9);
        history.event(7).topics.push(9);
    }),
    (Rule::Counts, |history| {
        discards(history);
        history.end.live[0].1.discarded = 0;
    }),
    (Rule::EndsOnce, |history| history.threads[HOST].push(at(26, What::FoundEnded { session: ADA }))),
    (Rule::EndsOnce, |history| history.threads[HOST].push(at(26, What::Disconnected { session: BOB, ok: true }))),
    (Rule::EndsOnce, |history| history.forget(25)),
    (Rule::JoinedAfter, |history| {
        history.entry(2).what =
            What::Subscribed { session: ADA, topic: ROOM, joined: Some(Joined { is_new: true, after: 1 }) };
    }),
    (Rule::Membership, |history| {
        history.entry(21).what =
            What::Unsubscribed { session: BOB, topic: ROOM, was_subscribed: Some(false), discarded: 0 };
    }),
    (Rule::AcknowledgedTwice, |history| {
        history.entry(20).what = What::Acknowledged { session: ADA, through: 5, count: Some(5) };
    }),
    (Rule::Counts, |history| history.end.total.delivered += 1),
    (Rule::Counts, |history| history.end.live[0].1.abandoned -= 1),
    (Rule::Counts, |history| history.end.gaps += 1),
    (Rule::Woken, |history| history.end.quiet.pending[0].1 = 1),
    (Rule::Pending, |history| history.end.live[0].1.pending += 1),
];

#[test]
fn a_sound_history_breaks_no_rule() {
    let (violations, seen) = check(&sound());
    assert!(violations.is_empty(), "{violations:#?}");
    assert_eq!((seen.events, seen.sessions, seen.taken, seen.again), (7, 2, 7, 2));
}

#[test]
fn every_rule_is_broken_by_some_history() {
    for (number, (rule, breaks)) in BROKEN.iter().enumerate() {
        let mut history = sound();
        breaks(&mut history);
        let (violations, _) = check(&history);
        let is_found = violations.iter().any(|violation| violation.rule == *rule);
        assert!(is_found, "{number}: {rule:?} is not among {violations:#?}");
    }
    for rule in Rule::ALL {
        assert!(BROKEN.iter().any(|(broken, _)| *broken == rule), "no history breaks {rule:?}");
    }
}

#[test]
fn what_is_in_doubt_may_be_either_way() {
    // Bob leaves while the last event is published.
    let leaves = |history: &mut History| (history.entry(21).ended, history.entry(21).began) = (235, 209);
    for is_before in [false, true] {
        let mut history = sound();
        leaves(&mut history);
        if is_before {
            // He was still there: the event is for him, and discarded when he goes.
            history.event(7).count = 2;
            history.end.total.accepted += 1;
            history.end.total.discarded += 1;
        }
        let (violations, seen) = check(&history);
        assert!(violations.is_empty(), "{violations:#?}");
        assert_eq!(seen.in_doubt, 1);
    }
}

#[test]
fn what_has_become_of_a_session_may_be_sound() {
    let sound_too: [Break; 6] = [
        moves,
        |history| {
            moves(history);
            history.event(7).refused = vec![0];
        },
        |history| history.moves(15, ADA, 0),
        discards,
        |history| history.entry(25).what = What::Overflowed { session: BOB },
        |history| history.entry(25).what = What::FoundEnded { session: BOB },
    ];
    for (number, becomes) in sound_too.iter().enumerate() {
        let mut history = sound();
        becomes(&mut history);
        let (violations, _) = check(&history);
        assert!(violations.is_empty(), "{number}: {violations:#?}");
    }
}

#[test]
fn who_lags_or_is_parked_may_have_something_pending() {
    let breaks: [Break; 3] = [
        |history| history.hands(24, &[event(7)], 0),
        |history| history.forget(18),
        |history| history.entry(0).what = What::Connected { session: ADA, partition: 0, window: Some(1) },
    ];
    for pends in breaks {
        let mut history = sound();
        history.end.quiet.pending[0].1 = 1;
        pends(&mut history);
        assert!(check(&history).0.iter().all(|violation| violation.rule != Rule::Woken));
    }
}

#[test]
fn who_is_dropped_with_the_partition_has_ended() {
    let mut history = sound();
    history.entry(25).what = What::PartitionDropped { partition: 0 };
    history.end.live.clear();
    let (violations, seen) = check(&history);
    assert!(violations.is_empty(), "{violations:#?}");
    assert_eq!(seen.dropped_with_partition, 2);
    let late: Stamp = 26;
    history.threads[WORKER].push(hand(late, ADA, &[event(7)], Some(1)));
    assert!(check(&history).0.iter().any(|violation| violation.rule == Rule::AfterEnd));
}
