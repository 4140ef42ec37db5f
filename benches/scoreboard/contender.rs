//! The loops that are timed, the same for every set.
//!
//! A contender is an object, so that a round can go through a list of them, but its loops are
//! compiled for its own type: a virtual call a loop, none a key. Copies of keys are made before the
//! clock starts, in the order in which they are used, as a key that has just been received lies.

use super::measure::{self, Readings, Stopwatch};
use crate::data::{Batch, Digest, Key, Questions, Visitors, Windows};
use crate::peers::{OrderedSet, RankedSet};

/// A piece of work with its right answers.
pub enum Task<K> {
    /// Not measured: brings the set into the caches.
    WarmUp(Questions<K>),
    /// Keys come and others go; each tells its rank.
    Exchange(Vec<Batch<K>>),
    /// Keys come and others go; nobody asks for ranks.
    ExchangeUnranked(Vec<Batch<K>>),
    /// Each key comes, tells its rank, and goes.
    Visit(Visitors<K>),
    Rank(Questions<K>),
    /// Each question waits for the answer before it.
    RankChained(Questions<K>),
    Select(Windows),
    Slice(Windows),
    Contains(Questions<K>),
    /// A set is built from these ascending keys.
    Build(Vec<K>),
}

impl<K> Task<K> {
    /// What the readings of this work are called.
    pub fn figures(&self) -> &'static [&'static str] {
        match self {
            Task::WarmUp(_) => &[],
            Task::Exchange(_) => &["insert", "remove"],
            Task::ExchangeUnranked(_) => &["insert_unranked", "remove_unranked"],
            Task::Visit(_) => &["insert_rank_remove"],
            Task::Rank(_) => &["rank"],
            Task::RankChained(_) => &["rank_chained"],
            Task::Select(_) => &["select"],
            Task::Slice(_) => &["slice100"],
            Task::Contains(_) => &["contains"],
            Task::Build(_) => &["build_sorted", "build_sorted_unranked"],
        }
    }
}

/// A set that takes part.
pub trait Contender<K> {
    fn name(&self) -> &'static str;
    fn fill(&mut self, keys: Vec<K>);
    /// Does the work, asserts the answers and adds what it took. Work that the set cannot do is
    /// skipped, except that keys come and go all the same.
    fn run(&mut self, task: &Task<K>, readings: &mut Readings);
}

/// A set with ranks.
pub struct Ranked<S>(pub S);

/// A set without.
pub struct Unranked<S>(pub S);

impl<K: Key, S: RankedSet<K>> Contender<K> for Ranked<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn fill(&mut self, keys: Vec<K>) {
        fill(&mut self.0, keys);
    }

    fn run(&mut self, task: &Task<K>, readings: &mut Readings) {
        let mut add = |what, ns| readings.add(what, S::NAME, ns);
        let set = &mut self.0;
        match task {
            Task::WarmUp(questions) => {
                contains(set, questions);
            }
            Task::Exchange(batches) => {
                let (inserting, removing) = exchange_ranked(set, batches);
                add("insert", inserting);
                add("remove", removing);
            }
            Task::ExchangeUnranked(batches) => {
                let (inserting, removing) = exchange(set, batches);
                add("insert_unranked", inserting);
                add("remove_unranked", removing);
            }
            Task::Visit(visitors) => add("insert_rank_remove", visit(set, visitors)),
            Task::Rank(questions) => add("rank", rank(set, questions)),
            Task::RankChained(questions) => add("rank_chained", rank_chained(set, questions)),
            Task::Select(windows) => add("select", select(set, windows)),
            Task::Slice(windows) => add("slice100", slice(set, windows)),
            Task::Contains(questions) => add("contains", contains(set, questions)),
            Task::Build(keys) => {
                let ns = build::<K, S>(keys);
                add("build_sorted", ns);
                add("build_sorted_unranked", ns);
            }
        }
    }
}

impl<K: Key, S: OrderedSet<K>> Contender<K> for Unranked<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn fill(&mut self, keys: Vec<K>) {
        fill(&mut self.0, keys);
    }

    fn run(&mut self, task: &Task<K>, readings: &mut Readings) {
        let mut add = |what, ns| readings.add(what, S::NAME, ns);
        let set = &mut self.0;
        match task {
            Task::WarmUp(questions) => {
                contains(set, questions);
            }
            Task::Exchange(batches) => {
                exchange(set, batches);
            }
            Task::ExchangeUnranked(batches) => {
                let (inserting, removing) = exchange(set, batches);
                add("insert_unranked", inserting);
                add("remove_unranked", removing);
            }
            Task::Contains(questions) => add("contains", contains(set, questions)),
            Task::Build(keys) => add("build_sorted_unranked", build::<K, S>(keys)),
            Task::Visit(_) | Task::Rank(_) | Task::RankChained(_) | Task::Select(_) | Task::Slice(_) => {}
        }
    }
}

fn fill<K, S: OrderedSet<K>>(set: &mut S, keys: Vec<K>) {
    let n = keys.len();
    let new = keys.into_iter().map(|key| set.insert(key));
    assert_eq!(new.filter(|&new| new).count(), n, "{}: filling", S::NAME);
    assert_eq!(set.len(), n, "{}: filling", S::NAME);
}

fn exchange_ranked<K: Key, S: RankedSet<K>>(set: &mut S, batches: &[Batch<K>]) -> (f64, f64) {
    let (mut inserting, mut removing) = (Stopwatch::default(), Stopwatch::default());
    for batch in batches {
        let arrivals = batch.arrivals.clone();
        let n = set.len();
        let ranks = inserting.time(arrivals.len(), || {
            let keys = arrivals.into_iter().zip(&batch.arrivals);
            sum(keys.map(|(key, probe)| set.insert_ranked(key, probe)))
        });
        assert_eq!(ranks, batch.arrival_ranks, "{}: ranks of inserts", S::NAME);
        assert_eq!(set.len(), n + batch.arrivals.len(), "{}: inserts", S::NAME);

        let ranks = removing.time(batch.leavers.len(), || sum(batch.leavers.iter().map(|key| set.remove_ranked(key))));
        assert_eq!(ranks, batch.leaver_ranks, "{}: ranks of removals", S::NAME);
    }
    (inserting.ns_per_operation(), removing.ns_per_operation())
}

fn exchange<K: Key, S: OrderedSet<K>>(set: &mut S, batches: &[Batch<K>]) -> (f64, f64) {
    let (mut inserting, mut removing) = (Stopwatch::default(), Stopwatch::default());
    for batch in batches {
        let arrivals = batch.arrivals.clone();
        let (n, count) = (set.len(), arrivals.len());
        let new = inserting.time(count, || arrivals.into_iter().map(|key| set.insert(key)).filter(|&new| new).count());
        assert_eq!((new, set.len()), (count, n + count), "{}: inserts", S::NAME);

        let gone = removing.time(count, || batch.leavers.iter().filter(|key| set.remove(key)).count());
        assert_eq!((gone, set.len()), (count, n), "{}: removals", S::NAME);
    }
    (inserting.ns_per_operation(), removing.ns_per_operation())
}

fn visit<K: Key, S: RankedSet<K>>(set: &mut S, visitors: &Visitors<K>) -> f64 {
    let (n, keys) = (set.len(), visitors.keys.clone());
    let (ns, ranks) = measure::time(keys.len(), || {
        sum(keys.into_iter().zip(&visitors.keys).map(|(key, probe)| {
            let rank = set.insert_ranked(key, probe);
            set.remove(probe);
            rank
        }))
    });
    assert_eq!(ranks, visitors.ranks_sum, "{}: ranks of visitors", S::NAME);
    assert_eq!(set.len(), n, "{}: visitors stayed", S::NAME);
    ns
}

fn rank<K: Key, S: RankedSet<K>>(set: &S, questions: &Questions<K>) -> f64 {
    let (ns, ranks) = measure::time(questions.keys.len(), || sum(questions.keys.iter().map(|key| set.rank(key))));
    assert_eq!(ranks, questions.ranks_sum(), "{}: ranks", S::NAME);
    ns
}

fn rank_chained<K: Key, S: RankedSet<K>>(set: &S, questions: &Questions<K>) -> f64 {
    let (ns, ranks) = measure::time(questions.keys.len(), || {
        let mut rank = 0;
        sum((0..questions.keys.len()).map(|i| {
            // No set is that large: what is added is always 0, but the processor has to wait for
            // the rank to know.
            rank = set.rank(&questions.keys[i + (rank >> 48)]);
            rank
        }))
    });
    assert_eq!(ranks, questions.ranks_sum(), "{}: chained ranks", S::NAME);
    ns
}

fn select<K: Key, S: RankedSet<K>>(set: &S, windows: &Windows) -> f64 {
    let (ns, digests) = measure::time(windows.starts.len(), || {
        let keys = windows.starts.iter().filter_map(|&rank| set.select(rank));
        keys.map(Digest::digest).fold(0, u64::wrapping_add)
    });
    assert_eq!(digests, windows.digests, "{}: selected keys", S::NAME);
    ns
}

fn slice<K: Key, S: RankedSet<K>>(set: &S, windows: &Windows) -> f64 {
    let (ns, digests) = measure::time(windows.starts.len(), || {
        let mut digests = 0u64;
        for &start in &windows.starts {
            let ranks = start..start + windows.width;
            set.slice(ranks, |key| digests = digests.wrapping_add(key.digest()));
        }
        digests
    });
    assert_eq!(digests, windows.digests, "{}: keys of slices", S::NAME);
    ns
}

fn contains<K: Key, S: OrderedSet<K>>(set: &S, questions: &Questions<K>) -> f64 {
    let (ns, found) =
        measure::time(questions.keys.len(), || questions.keys.iter().filter(|key| set.contains(key)).count());
    assert_eq!(found, questions.keys.len(), "{}: keys found", S::NAME);
    ns
}

fn build<K: Key, S: OrderedSet<K>>(keys: &[K]) -> f64 {
    let copies = keys.to_vec();
    let (ns, set) = measure::time(keys.len(), || S::from_sorted(copies));
    assert_eq!(set.len(), keys.len(), "{}: bulk build", S::NAME);
    assert!(keys.iter().step_by(997).all(|key| set.contains(key)), "{}: bulk build", S::NAME);
    ns
}

fn sum(ranks: impl Iterator<Item = usize>) -> u64 {
    ranks.map(|rank| rank as u64).sum()
}
