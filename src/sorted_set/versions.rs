//! Which versions of a set are still being read, and what only they need.
//!
//! Each snapshot seals an *edition*: whatever was born up to then is never written again while it lives. A change
//! copies the nodes on its way that a snapshot may see, and the old ones *retire*: they wait with the newest snapshot
//! that sees them. When that one is gone they go to the next older one that was taken after they were born, and if
//! there is none, nobody sees them and they are freed. So an old snapshot pins what it sees and nothing that came and
//! went after it; a queue in the order of retirement would let it pin everything.
//!
//! **A snapshot does nothing when it is dropped** but let go of its [`Hold`], so that its thread neither waits nor
//! frees a set's worth of keys. The set sees it at one of its next changes, each of which frees a few nodes. When the
//! set goes first, it leaves what is still seen to the last snapshot.
//!
//! **Why `unsafe`**: `memory.rs` says why nodes are shared without counts. Here is the one place that knows when a node
//! that was shared may be freed.
#![allow(unsafe_code)]

use super::memory::{Cloner, EDITIONS_MAX, Leaf, Node, Seal, SharedBranch};
use super::node::Children;
use crate::sync::{Arc, Mutex};

/// Nodes that a change frees at most: more than it retires itself.
const FREED_BY_A_CHANGE: usize = 24;

/// Snapshots a set allows unless it is told otherwise.
const SNAPSHOTS_MAX: usize = 1 << 16;

/// What a set knows about its snapshots.
pub(super) struct History<K> {
    state: Mutex<State<K>>,
    /// Nodes are copied for sets whose keys need not be `Clone` unless a snapshot is taken. It makes a set invariant in
    /// its keys, as it must: for keys of a shorter life it might be another function, or none.
    cloner: Cloner<K>,
    estate: Arc<Estate<K>>,
}

struct State<K> {
    /// Snapshots not known to be gone, in the order of their editions.
    taken: Vec<Taken<K>>,
    /// What waited with snapshots that are gone.
    orphans: Vec<Orphans<K>>,
    next_edition: u64,
    /// Changes since the first snapshot was taken.
    changes: u64,
    /// Bytes of all retired nodes.
    retired_bytes: usize,
    /// In front of here is where to look next for a snapshot that is gone.
    look_at: usize,
    snapshots_max: usize,
}

struct Taken<K> {
    edition: u64,
    /// `changes` then.
    at_change: u64,
    hold: Arc<Hold<K>>,
    /// Nodes that this snapshot sees, and no newer one.
    retired: Vec<Node<K>>,
}

struct Orphans<K> {
    /// Older snapshots than this may see them.
    edition: u64,
    nodes: Vec<Node<K>>,
}

/// Kept by a snapshot and its clones: while somebody else than the set has it, the nodes they see stay.
pub(super) struct Hold<K> {
    _estate: Arc<Estate<K>>,
}

/// What the set leaves behind when snapshots outlive it. Freed with the last of them.
struct Estate<K> {
    nodes: Mutex<Vec<Node<K>>>,
}

/// What a set's snapshots hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holding {
    pub snapshots: usize,
    pub oldest_age: u64,
    pub retired_bytes: usize,
}

// SAFETY: a history is made for keys that are `Send` and `Sync` only, and is invariant in them. (Without this a set of
// keys that are `Sync` and not `Send` would not be `Sync`, though it cannot have a history.)
unsafe impl<K> Send for History<K> {}
// SAFETY: as above.
unsafe impl<K> Sync for History<K> {}
// SAFETY: a hold is made by a history only, and does nothing but drop keys, on any thread.
unsafe impl<K> Send for Hold<K> {}
// SAFETY: as above.
unsafe impl<K> Sync for Hold<K> {}

impl<K> History<K> {
    pub fn new(cloner: Cloner<K>) -> Self
    where
        K: Send + Sync,
    {
        let state = State {
            taken: Vec::new(),
            orphans: Vec::new(),
            next_edition: 0,
            changes: 0,
            retired_bytes: 0,
            look_at: 0,
            snapshots_max: SNAPSHOTS_MAX,
        };
        let estate = Arc::new(Estate { nodes: Mutex::new(Vec::new()) });
        History { state: Mutex::new(state), cloner, estate }
    }

    /// Seals what there is. `Err` with the most there may be when there are as many.
    pub fn hold(&self) -> Result<Arc<Hold<K>>, usize> {
        let mut state = self.state.lock();
        // Also here, or snapshots that come and go without a change between them would be kept in mind.
        state.notice();
        if state.taken.len() >= state.snapshots_max {
            state.notice_all();
        }
        if state.taken.len() >= state.snapshots_max {
            return Err(state.snapshots_max);
        }
        let hold = Arc::new(Hold { _estate: Arc::clone(&self.estate) });
        let (edition, at_change) = (state.next_edition, state.changes);
        state.next_edition += 1;
        assert!(state.next_edition < EDITIONS_MAX, "a set has at most {EDITIONS_MAX} snapshots in its life");
        state.taken.push(Taken { edition, at_change, hold: Arc::clone(&hold), retired: Vec::new() });
        Ok(hold)
    }

    pub fn set_snapshots_max(&mut self, most: usize) {
        self.state.get_mut().snapshots_max = most;
    }

    pub fn holding(&self) -> Holding {
        let mut state = self.state.lock();
        state.notice_all();
        let oldest = state.taken.first().map_or(0, |oldest| state.changes - oldest.at_change);
        Holding { snapshots: state.taken.len(), oldest_age: oldest, retired_bytes: state.retired_bytes }
    }

    /// Frees a few nodes, and tells what may be written.
    pub fn begin_change(&mut self) -> Seal {
        let state = self.state.get_mut();
        state.changes += 1;
        state.notice();
        state.free_some(FREED_BY_A_CHANGE);
        state.seal()
    }

    /// Frees all that no snapshot sees.
    pub fn reclaim(&mut self) {
        let state = self.state.get_mut();
        state.notice_all();
        state.free_some(usize::MAX);
    }

    /// Takes a node that the set has unlinked, and that a snapshot may see.
    pub fn retire(&mut self, node: Node<K>) {
        let state = self.state.get_mut();
        state.retired_bytes += node.bytes();
        let newest = state.taken.last_mut().expect("only a snapshot sees nodes");
        debug_assert!(node.born() <= newest.edition);
        newest.retired.push(node);
    }

    pub fn cloner(&self) -> Cloner<K> {
        self.cloner
    }

    /// Makes the leaf the set's own. A clone that panics has changed nothing.
    pub fn own_leaf(&mut self, leaf: &mut Leaf<K>, seal: Seal) {
        if leaf.is_seen(seal) {
            let copy = leaf.copied(seal, self.cloner);
            self.retire(Node::Leaf(std::mem::replace(leaf, copy)));
        }
    }

    /// Makes the branch the set's own. A clone that panics has changed nothing.
    pub fn own_branch(&mut self, branch: &mut SharedBranch<K>, seal: Seal) {
        if branch.is_seen(seal) {
            let copy = branch.copied(seal, self.cloner);
            self.retire(Node::Branch(std::mem::replace(branch, copy)));
        }
    }

    /// The set is gone: what its snapshots see is theirs.
    pub fn bequeath(&mut self) {
        self.reclaim();
        let taken = std::mem::take(&mut self.state.get_mut().taken);
        let nodes = taken.into_iter().flat_map(|taken| taken.retired).collect();
        *self.estate.nodes.lock() = nodes;
    }
}

impl<K> State<K> {
    fn seal(&self) -> Seal {
        let edition = self.taken.last().map_or(0, |newest| newest.edition + 1);
        // SAFETY: every living snapshot is among `taken`, and sees what was born in its edition or earlier: a node is
        // born in the edition behind the newest that was known then, and no edition is given twice. A new snapshot
        // needs `&SortedSet`, so that it cannot come while a change uses this seal.
        unsafe { Seal::of_edition(edition) }
    }

    /// Looks whether the newest snapshots are gone, which makes changes cheaper, and at two of the others, from the
    /// newest to the oldest: twice as many as come with one snapshot a change, and against the direction in which they
    /// come.
    fn notice(&mut self) {
        while self.taken.last_mut().is_some_and(Taken::is_gone) {
            self.orphan(self.taken.len() - 1);
        }
        for _ in 0..2 {
            if self.look_at == 0 {
                self.look_at = self.taken.len();
            }
            let Some(next) = self.look_at.min(self.taken.len()).checked_sub(1) else { return };
            self.look_at = next;
            if self.taken[next].is_gone() {
                self.orphan(next);
            }
        }
    }

    fn notice_all(&mut self) {
        for at in (0..self.taken.len()).rev() {
            if self.taken[at].is_gone() {
                self.orphan(at);
            }
        }
    }

    fn orphan(&mut self, at: usize) {
        let Taken { edition, retired: nodes, .. } = self.taken.remove(at);
        if !nodes.is_empty() {
            self.orphans.push(Orphans { edition, nodes });
        }
    }

    /// Looks at no more than `most` nodes of snapshots that are gone: frees them, or leaves them to an older snapshot.
    fn free_some(&mut self, most: usize) {
        for _ in 0..most {
            let Some(group) = self.orphans.last_mut() else { return };
            let edition = group.edition;
            let Some(node) = group.nodes.pop() else {
                self.orphans.pop();
                continue;
            };
            let older = self.taken.partition_point(|taken| taken.edition < edition);
            match self.taken[..older].last_mut() {
                Some(seeing) if node.born() <= seeing.edition => seeing.retired.push(node),
                Some(_) | None => {
                    self.retired_bytes -= node.bytes();
                    // SAFETY: the node was unlinked when it retired. It waited with the newest snapshot that was living
                    // then, which is gone, and so are those between that one and the newest that is left and older,
                    // which was taken before the node was born, as were all before it. Whoever saw the node let go of
                    // its `Hold`, and `is_gone` has seen that and what came before it.
                    unsafe { node.free_unseen() };
                }
            }
        }
    }
}

impl<K> Taken<K> {
    /// Acquires what its holders did before they let go.
    fn is_gone(&mut self) -> bool {
        Arc::get_mut(&mut self.hold).is_some()
    }
}

impl<K> Drop for Estate<K> {
    fn drop(&mut self) {
        for node in std::mem::take(self.nodes.get_mut()) {
            // SAFETY: set and snapshots each have a share in the estate, so nobody is left who could read. What waits
            // in it was unlinked, each node for itself.
            unsafe { node.free_unseen() };
        }
    }
}

/// A second handle on the root, for a snapshot that has this hold.
pub(super) fn shared_root<K>(root: &Node<K>, _hold: &Hold<K>) -> Node<K> {
    // SAFETY: the hold has sealed everything the root reaches, and both handles are for reading from now on.
    unsafe { root.duplicate() }
}

/// Takes a tree apart: frees the nodes that are the set's alone, and gives `retire` those that a snapshot may see.
pub(super) fn dismantle<K>(node: Node<K>, seal: Seal, retire: &mut impl FnMut(Node<K>)) {
    match node {
        Node::Leaf(leaf) if leaf.is_seen(seal) => retire(Node::Leaf(leaf)),
        Node::Leaf(leaf) => leaf.free(seal),
        Node::Branch(branch) if branch.is_seen(seal) => {
            // SAFETY: what sees a branch sees its children, so no handle on them changes them; the branch's own are not
            // used again.
            dismantle_children(unsafe { branch.children.duplicate() }, seal, retire);
            retire(Node::Branch(branch));
        }
        Node::Branch(branch) => dismantle_children(branch.take(seal).children, seal, retire),
    }
}

/// The same for all children of a branch.
pub(super) fn dismantle_children<K>(children: Children<K>, seal: Seal, retire: &mut impl FnMut(Node<K>)) {
    match children {
        Children::Leaves(leaves) => leaves.into_iter().for_each(|leaf| dismantle(Node::Leaf(leaf), seal, retire)),
        Children::Branches(branches) => {
            branches.into_iter().for_each(|branch| dismantle(Node::Branch(branch), seal, retire));
        }
    }
}
