//! A sorted set for many threads: [`SharedSet`].
//!
//! Writers take turns at a [`SortedSet`], readers get its published versions from `latest.rs`.

mod latest;

use crate::sorted_set::{Inserted, Removed, Snapshot, SortedSet};
use crate::sync::Mutex;
use latest::{Latest, Publisher};
use std::any::Any;
use std::borrow::Borrow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A [`SortedSet`] that any number of threads read and change through `&self`.
///
/// **Readers** load the newest published version, a [`Snapshot`], and go on with it for as long as they like. They take
/// no lock, never wait, never fail and always see one whole version.
///
/// **Writers** queue. Whoever has the set makes the changes of all who wait, in order, and each gets its own answer:
/// the rank at the moment of its change. A change returns when a version that holds it is published (unless
/// [`Publishing::OnDemand`]).
///
/// # Trade-offs
///
/// - Each published version makes the next change copy what it goes through, O(log n) nodes of up to 64 keys. Publish
///   in batches where readers need not see each step.
/// - Two loads may give two versions. What belongs together is asked of one snapshot.
/// - A snapshot that is kept keeps what it sees in memory.
/// - 64 readers stopped in the middle of a [`load`](Self::load) or [`read`](Self::read), each at another version, hold
///   up a writer until one of them goes on.
///
/// # Examples
///
/// ```
/// use oyez::{Inserted, SharedSet};
/// use std::thread;
///
/// let scores = SharedSet::new();
/// thread::scope(|threads| {
///     threads.spawn(|| scores.insert((700, "ada")));
///     threads.spawn(|| scores.insert((900, "eve")));
/// });
/// assert_eq!(scores.insert((800, "bob")), Inserted::At(1));
///
/// let now = scores.load();
/// scores.remove(&(700, "ada"));
/// assert_eq!(now.rank(&(900, "eve")), Ok(2));
/// assert_eq!(scores.load().rank(&(900, "eve")), Ok(1));
/// ```
///
/// Keys that threads may not share are refused:
///
/// ```compile_fail,E0277
/// oyez::SharedSet::<std::rc::Rc<u32>>::new();
/// ```
/// ```compile_fail,E0277
/// oyez::SharedSet::<std::cell::Cell<u32>>::new();
/// ```
///
/// And it does not pass for a set of keys that live shorter, which somebody could then insert:
///
/// ```compile_fail
/// fn shorten<'short>(set: &'short oyez::SharedSet<&'static str>) -> &'short oyez::SharedSet<&'short str> {
///     set
/// }
/// ```
pub struct SharedSet<K> {
    queue: Mutex<Queue<K>>,
    writer: Mutex<Writer<K>>,
    latest: Latest<Snapshot<K>>,
}

/// When a [`SharedSet`] publishes a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Publishing {
    /// After each change; those of one [`apply`](SharedSet::apply) or [`update`](SharedSet::update) are one.
    EachChange,
    /// Once for all changes that one writer makes in its turn, its own and those of the writers who waited.
    #[default]
    EachTurn,
    /// When [`SharedSet::publish`] is called. Changes return before readers can see them.
    OnDemand,
}

/// A change of one key, for [`SharedSet::apply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<K> {
    /// As [`SharedSet::insert`].
    Insert(K),
    /// As [`SharedSet::remove`].
    Remove(K),
}

/// What a [`Change`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The answer to an insert.
    Inserted(Inserted),
    /// The answer to a removal.
    Removed(Removed),
}

/// Changes that wait for whoever has the set.
struct Queue<K> {
    waiting: Vec<Waiting<K>>,
    next_ticket: u64,
}

struct Waiting<K> {
    ticket: u64,
    change: Change<K>,
}

/// A panic of a comparison or a clone is the answer of the one whose change met it.
type Answer = Result<Changed, Box<dyn Any + Send>>;

struct Writer<K> {
    set: SortedSet<K>,
    publishing: Publishing,
    publisher: Publisher,
    /// Something may have changed since a version was published.
    is_ahead: bool,
    /// Answers that their askers have not fetched yet.
    answers: Vec<(u64, Answer)>,
}

impl<K: Ord + Clone + Send + Sync> SharedSet<K> {
    /// An empty set that publishes [`Publishing::EachTurn`]. O(1).
    pub fn new() -> Self {
        Self::with(SortedSet::new(), Publishing::default())
    }

    /// Shares a set. O(1).
    ///
    /// ```
    /// use oyez::{SharedSet, SortedSet, shared_set::Publishing};
    ///
    /// let set = SharedSet::with(SortedSet::from([1, 2, 3]), Publishing::OnDemand);
    /// set.insert(4);
    /// assert_eq!(set.load().len(), 3);
    /// set.publish();
    /// assert_eq!(set.load().len(), 4);
    /// ```
    pub fn with(mut set: SortedSet<K>, publishing: Publishing) -> Self {
        set.set_snapshots_max(usize::MAX);
        let (latest, publisher) = Latest::new(version_of(&set));
        let writer = Writer { set, publishing, publisher, is_ahead: false, answers: Vec::new() };
        let queue = Queue { waiting: Vec::new(), next_ticket: 0 };
        SharedSet { queue: Mutex::new(queue), writer: Mutex::new(writer), latest }
    }

    /// The newest published version. O(1), wait-free.
    pub fn load(&self) -> Snapshot<K> {
        self.latest.load()
    }

    /// Asks the newest published version something short, a rank or a few keys: saves what cloning a [`Snapshot`]
    /// costs, which beside a busy writer is two lines of memory that its processor has. Wait-free.
    ///
    /// 64 readers that stay in here, each with another version, hold up a writer; what takes long is asked of
    /// [`load`](Self::load).
    ///
    /// ```
    /// let set = oyez::SharedSet::from(oyez::SortedSet::from([10, 20, 30]));
    /// assert_eq!(set.read(|set| (set.len(), set.rank(&20))), (3, Ok(1)));
    /// ```
    pub fn read<R>(&self, ask: impl FnOnce(&SortedSet<K>) -> R) -> R {
        self.latest.read(|version| ask(version))
    }

    /// Inserts a key and tells its rank, as [`SortedSet::insert`]. O(log n) when its turn has come.
    ///
    /// # Panics
    ///
    /// When a comparison or a clone does. Nothing is changed then.
    pub fn insert(&self, key: K) -> Inserted {
        match self.change(Change::Insert(key)) {
            Changed::Inserted(inserted) => inserted,
            Changed::Removed(_) => unreachable!("an insert answers an insert"),
        }
    }

    /// Removes a key and tells the rank it had or would have, as [`SortedSet::remove`]. O(log n) when its turn has
    /// come.
    ///
    /// # Panics
    ///
    /// When a comparison or a clone does. Nothing is changed then.
    pub fn remove<Q>(&self, key: &Q) -> Removed
    where
        K: Borrow<Q>,
        Q: Ord + ToOwned<Owned = K> + ?Sized,
    {
        match self.change(Change::Remove(key.to_owned())) {
            Changed::Removed(removed) => removed,
            Changed::Inserted(_) => unreachable!("a removal answers a removal"),
        }
    }

    fn change(&self, change: Change<K>) -> Changed {
        let ticket = self.queue.lock().push(change);
        let answer = {
            let mut writer = self.writer.lock();
            writer.answer_to(ticket).unwrap_or_else(|| {
                let waiting = std::mem::take(&mut self.queue.lock().waiting);
                writer.work_off(waiting, &self.latest);
                writer.answer_to(ticket).expect("who has no answer is in the queue")
            })
        };
        answer.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Makes several changes with nobody's in between, and publishes them together, unless on demand.
    ///
    /// # Panics
    ///
    /// When a comparison or a clone does; the changes before it stay.
    ///
    /// ```
    /// use oyez::{Inserted, Removed, SharedSet};
    /// use oyez::shared_set::{Change, Changed};
    ///
    /// let set = SharedSet::new();
    /// set.insert(10);
    /// let moved = set.apply([Change::Remove(10), Change::Insert(30)]);
    /// assert_eq!(moved, [Changed::Removed(Removed::At(0)), Changed::Inserted(Inserted::At(0))]);
    /// ```
    pub fn apply(&self, changes: impl IntoIterator<Item = Change<K>>) -> Vec<Changed> {
        // Whatever the iterator does, it does before others wait for it.
        let changes: Vec<_> = changes.into_iter().collect();
        self.update(|set| changes.into_iter().map(|change| make(set, change)).collect())
    }

    /// Lends the set itself for any change, and publishes it afterwards, unless on demand. Other writers wait; readers
    /// do not, and see none of it before the end.
    ///
    /// `change` must not change the same shared set in another way: it would wait for itself for ever. If it panics,
    /// what it has changed stays, and is published with the next change.
    ///
    /// ```
    /// let set = oyez::SharedSet::from(oyez::SortedSet::from([1, 2, 3]));
    /// assert_eq!(set.update(|set| set.pop_first()), Some(1));
    /// assert_eq!(set.load().len(), 2);
    /// ```
    pub fn update<R>(&self, change: impl FnOnce(&mut SortedSet<K>) -> R) -> R {
        let mut writer = self.writer.lock();
        writer.is_ahead = true;
        let result = change(&mut writer.set);
        writer.set.set_snapshots_max(usize::MAX); // it may be another set now
        if writer.publishing != Publishing::OnDemand {
            writer.publish(&self.latest);
        }
        result
    }

    /// Publishes the set as it is, if that was not done. O(1).
    pub fn publish(&self) {
        self.writer.lock().publish(&self.latest);
    }

    /// The set, and nothing shared any more. Snapshots stay.
    pub fn into_inner(self) -> SortedSet<K> {
        self.writer.into_inner().set
    }
}

impl<K> Queue<K> {
    fn push(&mut self, change: Change<K>) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting.push(Waiting { ticket, change });
        ticket
    }
}

impl<K: Ord + Clone + Send + Sync> Writer<K> {
    fn work_off(&mut self, waiting: Vec<Waiting<K>>, latest: &Latest<Snapshot<K>>) {
        for Waiting { ticket, change } in waiting {
            self.is_ahead = true;
            // A set keeps whole when a comparison or a clone panics.
            let answer = catch_unwind(AssertUnwindSafe(|| make(&mut self.set, change)));
            self.answers.push((ticket, answer));
            if self.publishing == Publishing::EachChange {
                self.publish(latest);
            }
        }
        if self.publishing == Publishing::EachTurn {
            self.publish(latest);
        }
    }

    fn answer_to(&mut self, ticket: u64) -> Option<Answer> {
        let at = self.answers.iter().position(|(of, _)| *of == ticket)?;
        Some(self.answers.swap_remove(at).1)
    }

    fn publish(&mut self, latest: &Latest<Snapshot<K>>) {
        if std::mem::take(&mut self.is_ahead) {
            latest.publish(&mut self.publisher, version_of(&self.set));
        }
    }
}

fn make<K: Ord>(set: &mut SortedSet<K>, change: Change<K>) -> Changed {
    match change {
        Change::Insert(key) => Changed::Inserted(set.insert(key)),
        Change::Remove(key) => Changed::Removed(set.remove(&key)),
    }
}

fn version_of<K: Clone + Send + Sync>(set: &SortedSet<K>) -> Snapshot<K> {
    set.snapshot().expect("a shared set allows as many as one likes")
}

impl<K: Ord + Clone + Send + Sync> Default for SharedSet<K> {
    fn default() -> Self {
        Self::new()
    }
}

/// O(1).
impl<K: Ord + Clone + Send + Sync> From<SortedSet<K>> for SharedSet<K> {
    fn from(set: SortedSet<K>) -> Self {
        Self::with(set, Publishing::default())
    }
}

/// The newest published version.
impl<K: Ord + Clone + Send + Sync + fmt::Debug> fmt::Debug for SharedSet<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}
