//! Area `set`: the sorted set against every ordered set that does the same work.
//!
//! All contenders hold the same keys and go through the same rounds of the same work. Between
//! rounds keys have come and gone, so the sets are neither freshly built nor ever emptied, and a
//! set "of 1m" holds between 1.00 and 1.05 million.
//!
//! **Who is compared with whom.** Ours returns the rank from `insert` and `remove`. `set.insert`
//! and `set.remove` are about a mutation whose rank is known afterwards, so indexset and wabi_tree
//! pay for their rank call too, and std and imbl, which have no ranks, are not in them. The
//! `_unranked` figures ask for the mutation alone: there every peer does its cheapest, and ours the
//! ranked one, since it has no other. `set.insert_rank_remove` is a key that comes, learns its rank
//! and goes: two calls of ours, three of the peers'. `set.rank_chained` asks each question only
//! when the one before it is answered. A slice reads each of its keys to the last byte.
//!
//! **Turns.** In a round each contender does all of the round's work before the next does: about
//! half a second each for the largest sets, so that a set is measured in caches that it has had for
//! a while, and its peers in the same few seconds.
//!
//! **Asserted.** Every loop's sum of ranks, digests or hits equals what [`Churn`] says, in every
//! round and for every contender.

use super::contender::{Contender, Ranked, Task, Unranked};
use super::copying_byte_set::CopyingByteSet;
use super::counting_alloc::bytes_kept;
use super::floor::{self, Bytes, Memory};
use super::measure::{self, Readings};
use crate::data::{Churn, Key};
use crate::peers::OrderedSet;
use crate::peers::bucketed_vector::{self, BucketedVector};
use crate::{Effort, Figure};
use oyez::SortedSet;
use std::collections::BTreeSet;
use std::iter;
use wabi_tree::OSBTreeSet;

const SEED: u64 = 0x5EED;
/// Keys in a slice.
const SLICE: usize = 100;
/// Keys looked for before the clock starts, since the others have had the caches meanwhile: enough
/// for all of a small set, and for the upper levels and half of the rest of a large one.
const WARM_UP: usize = 50_000;
/// The contender that is the machine itself.
const FLOOR: &str = "floor";

/// What is measured, and which reading of the floor bounds it; [`super::floor`] has the sketch.
const FIGURES: [(&str, &str); 13] = [
    ("insert", "line"),
    ("remove", "line"),
    ("insert_unranked", "line"),
    ("remove_unranked", "line"),
    ("rank", "line"),
    ("rank_chained", "line"),
    ("select", "line"),
    ("contains", "line"),
    ("insert_rank_remove", "line"),
    ("slice100", "slice"),
    ("build_sorted", "copy"),
    ("build_sorted_unranked", "copy"),
    ("bytes", "bytes"),
];

/// One size of set, and how much is done with it.
struct Case {
    n: usize,
    size: &'static str,
    /// Point operations of a kind in a round.
    operations: usize,
    rounds: usize,
}

/// Measures those figures that are `wanted`.
pub fn run(effort: Effort, wanted: &dyn Fn(&str) -> bool) -> Vec<Figure> {
    bucketed_vector::check_against_a_sorted_vector();
    let (operations, rounds) = match effort {
        Effort::Quick => (20_000, 5),
        Effort::Full => (100_000, 9),
    };
    let case = |n, size| Case { n, size, operations, rounds };
    // A small set's keys are found in less time than it takes to fetch them into the caches.
    let small = Case { operations: 100_000, ..case(10_000, "10k") };

    let mut figures = measure_case::<(u64, u64)>(&small, Vec::new(), wanted);
    if effort == Effort::Full {
        figures.extend(measure_case::<(u64, u64)>(&case(250_000, "250k"), Vec::new(), wanted));
    }
    figures.extend(measure_case::<(u64, u64)>(&case(1_000_000, "1m"), Vec::new(), wanted));
    let byte_set = Ours { kind: "bytes", set: Box::new(Ranked(CopyingByteSet::empty())) };
    figures.extend(measure_case::<Box<[u8]>>(&case(1_000_000, "1m"), vec![byte_set], wanted));
    figures.extend(super::set_versions::run(effort, wanted));
    figures
}

/// A set of ours beside `SortedSet`, whose figures have this kind in their names.
struct Ours<K> {
    kind: &'static str,
    set: Box<dyn Contender<K>>,
}

fn measure_case<K: Key + Bytes>(case: &Case, more: Vec<Ours<K>>, wanted: &dyn Fn(&str) -> bool) -> Vec<Figure> {
    let of_kind = |what: &str, kind: &str| format!("set.{what}.{kind}.{}", case.size);
    let mut ours = vec![(K::NAME, <SortedSet<K> as OrderedSet<K>>::NAME)];
    ours.extend(more.iter().map(|ours| (ours.kind, ours.set.name())));
    if !FIGURES.iter().any(|(what, _)| ours.iter().any(|(kind, _)| wanted(&of_kind(what, kind)))) {
        return Vec::new();
    }
    eprintln!("set: {} keys of kind {} ...", case.n, K::NAME);

    // At most a twentieth of the set is exchanged at once.
    let batch = case.operations.min(case.n / 20);
    let mut churn = Churn::<K>::new(case.n, batch, SEED);
    let key_bytes = floor::mean_bytes(&churn.sorted());
    let memory = Memory::new(case.n as f64 * key_bytes, SEED);
    let mut readings = Readings::default();

    let mut contenders: Vec<Box<dyn Contender<K>>> = vec![
        Box::new(Ranked(SortedSet::empty())),
        Box::new(Ranked(indexset::BTreeSet::empty())),
        Box::new(Ranked(OSBTreeSet::empty())),
        Box::new(Ranked(BucketedVector::empty())),
        Box::new(Unranked(BTreeSet::empty())),
        Box::new(Unranked(imbl::OrdSet::empty())),
    ];
    contenders.extend(more.into_iter().map(|ours| ours.set));
    for contender in &mut contenders {
        let ((), bytes) = bytes_kept(|| contender.fill(churn.shuffled()));
        readings.add("bytes", contender.name(), bytes as f64 / case.n as f64);
    }
    readings.add("bytes", FLOOR, key_bytes);

    // Round 0 is thrown away: its sets are freshly built.
    for round in 0..=case.rounds {
        let mut of_round = Readings::default();
        let warm_up = Task::WarmUp(churn.questions(WARM_UP));
        let mut tasks = tasks(&mut churn, case, batch);
        let is_wanted = |what: &&str| ours.iter().any(|(kind, _)| wanted(&of_kind(what, kind)));
        tasks.retain(|task| task.figures().iter().any(is_wanted));
        for turn in measure::turns(contenders.len(), round) {
            for task in iter::once(&warm_up).chain(&tasks) {
                contenders[turn].run(task, &mut of_round);
            }
        }
        memory.warm_up();
        let reads = case.operations;
        of_round.add("line", FLOOR, memory.dependent_read_ns(reads, 8.0));
        let slice_bytes = SLICE as f64 * key_bytes;
        of_round.add("slice", FLOOR, memory.dependent_read_ns(reads / 10, slice_bytes));
        of_round.add("copy", FLOOR, memory.copy_ns(key_bytes));
        if round > 0 {
            readings.extend(of_round);
        }
    }

    let mut figures = Vec::new();
    for (what, floor) in FIGURES {
        for &(kind, name) in &ours {
            if !wanted(&of_kind(what, kind)) {
                continue;
            }
            let is_other_of_ours = |other: &str| other != name && ours.iter().any(|&(_, own)| own == other);
            let names = iter::once(name).chain(contenders.iter().map(|it| it.name()).filter(|&it| it != name));
            let names = names.filter(|&it| !is_other_of_ours(it));
            let contenders = names.filter_map(|name| Some((name, readings.get(what, name)?))).collect();
            let floor = readings.get(floor, FLOOR);
            figures.push(Figure { name: of_kind(what, kind), contenders, floor });
        }
    }
    figures
}

/// The work of one round, in order: the tasks that come after those that exchange keys are about
/// the set as these leave it, and leave it as they find it.
fn tasks<K: Key>(churn: &mut Churn<K>, case: &Case, batch: usize) -> Vec<Task<K>> {
    let batches = case.operations / batch;
    let ranked = (0..batches).map(|_| churn.batch()).collect();
    let unranked = (0..batches).map(|_| churn.batch()).collect();
    vec![
        Task::Exchange(ranked),
        Task::ExchangeUnranked(unranked),
        Task::Visit(churn.visitors(batch)),
        Task::Rank(churn.questions(case.operations)),
        Task::RankChained(churn.questions(case.operations)),
        Task::Select(churn.windows(case.operations, 1)),
        Task::Slice(churn.windows(case.operations / 10, SLICE)),
        Task::Contains(churn.questions(case.operations)),
        Task::Build(churn.sorted()),
    ]
}
