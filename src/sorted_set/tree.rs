//! The tree. An operation first finds its place, comparing keys on one way down, and then changes what lies on that
//! way, comparing none: a comparison that panics has changed nothing, and what a snapshot sees is copied only for a
//! change that happens. Ranks are summed on the way down; splits and merges happen on the way back up.

use super::memory::{Cloner, Leaf, Node, Seal, SharedBranch};
use super::node::{BRANCH_MAX, Branch, Children, Edge, LEAF_MAX, Sizes, Split, leaf_insert, search, validate_leaf};
use super::versions::{History, Hold, Holding, dismantle, dismantle_children, shared_root};
use crate::sync::{Arc, OnceLock};
use arrayvec::ArrayVec;
use std::borrow::Borrow;

/// Counts are `u32`, and one of them is the number of elements and one more.
pub(super) const TOO_MANY: &str = "a sorted set holds at most u32::MAX - 1 keys";

/// Sets of fewer bytes are in a cache where asking for what will be read costs more than it saves.
const CACHED_BYTES: usize = 1 << 19;

/// Two children at least in every branch: no tree of `u32::MAX` elements is higher.
const HEIGHT_MAX: usize = 32;

pub(super) struct Tree<K> {
    root: Node<K>,
    len: usize,
    sizes: Sizes,
    /// What snapshots need, from the first one on.
    history: OnceLock<Box<History<K>>>,
    /// In a snapshot's tree: what keeps its nodes.
    hold: Option<Arc<Hold<K>>>,
}

/// The child taken in each branch, from the root down.
type Path = ArrayVec<u8, HEIGHT_MAX>;

/// Where an element is, or would be.
struct Place {
    path: Path,
    /// The index in the leaf where the path ends.
    at: usize,
    rank: usize,
    /// The element stands between two children of a branch: the depth of that branch. `path` and `at` then lead to the
    /// element before it, which always lies in a leaf.
    between: Option<usize>,
}

impl Place {
    fn in_leaf(path: Path, before: usize, found: Result<usize, usize>) -> Result<Place, Place> {
        match found {
            Ok(at) => Ok(Place { path, at, rank: before + at, between: None }),
            Err(at) => Err(Place { path, at, rank: before + at, between: None }),
        }
    }

    /// The place of the key `at` of `branch`, which lies at the end of the path.
    fn between<K>(mut path: Path, mut branch: &Branch<K>, at: usize, rank: usize) -> Place {
        let depth = path.len();
        let mut child = at;
        loop {
            path.push(child as u8);
            match &branch.children {
                Children::Leaves(_) => {
                    return Place { path, at: branch.child_size(child) - 1, rank, between: Some(depth) };
                }
                Children::Branches(branches) => branch = &branches[child],
            }
            child = branch.children.len() - 1;
        }
    }
}

impl<K> Tree<K> {
    pub const fn new() -> Self {
        Self::of(Node::Leaf(Leaf::EMPTY), 0, Sizes::FULL)
    }

    const fn of(root: Node<K>, len: usize, sizes: Sizes) -> Self {
        Tree { root, len, sizes, history: OnceLock::new(), hold: None }
    }

    /// # Panics
    ///
    /// When a size is not within 4 and the node's capacity.
    pub fn with_node_sizes(leaf: usize, branch: usize) -> Self {
        assert!((4..=LEAF_MAX).contains(&leaf), "leaf size {leaf} is not within 4 and {LEAF_MAX}");
        assert!((4..=BRANCH_MAX).contains(&branch), "branch size {branch} is not within 4 and {BRANCH_MAX}");
        Self::of(Node::Leaf(Leaf::EMPTY), 0, Sizes { leaf, branch })
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn root(&self) -> &Node<K> {
        &self.root
    }

    /// Whether what will be read should be asked for.
    pub fn is_large(&self) -> bool {
        self.len > CACHED_BYTES / size_of::<K>().max(1)
    }

    /// An empty tree with nodes of the same sizes.
    pub fn emptied(&self) -> Self {
        Self::of(Node::Leaf(Leaf::EMPTY), 0, self.sizes)
    }

    /// Takes all keys out, in order. O(n): every key is moved once, or cloned if a snapshot sees any.
    pub fn take_keys(&mut self) -> Vec<K> {
        let mut keys = Vec::with_capacity(self.len);
        let is_seen = self.begin_change() != Seal::NONE;
        match self.history.get().filter(|_| is_seen) {
            Some(history) => {
                clone_keys(&self.root, history.cloner(), &mut keys);
                self.let_go();
            }
            None => {
                self.len = 0;
                flatten(self.take_root(), &mut keys);
            }
        }
        keys
    }

    pub fn select(&self, rank: usize) -> Option<&K> {
        if rank >= self.len {
            return None;
        }
        let mut within = rank;
        let mut node = match &self.root {
            Node::Leaf(leaf) => return leaf.get(rank),
            Node::Branch(branch) => branch,
        };
        loop {
            let child = node.child_at(within);
            within -= node.starts[child] as usize;
            if within == node.child_size(child) {
                return Some(&node.keys[child]);
            }
            match &node.children {
                Children::Leaves(leaves) => return Some(&leaves[child][within]),
                Children::Branches(branches) => node = &branches[child],
            }
        }
    }

    /// Where `key` is, as rank and reference (`Ok`), or the rank where it would be (`Err`).
    pub fn find<Q>(&self, key: &Q) -> Result<(usize, &K), usize>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let is_large = self.is_large();
        let mut before = 0;
        let mut node = match &self.root {
            Node::Leaf(leaf) => return search(leaf, key).map(|at| (at, &leaf[at])),
            Node::Branch(branch) => branch,
        };
        loop {
            let child = match search(&node.keys, key) {
                Ok(at) => return Ok((before + node.rank_of_key(at), &node.keys[at])),
                Err(child) => child,
            };
            before += node.starts[child] as usize;
            match &node.children {
                Children::Leaves(leaves) => {
                    let leaf = &leaves[child];
                    if is_large {
                        leaf.prefetch(0, node.child_size(child));
                    }
                    return search(leaf, key).map(|at| (before + at, &leaf[at])).map_err(|at| before + at);
                }
                Children::Branches(branches) => {
                    node = &branches[child];
                    if is_large {
                        node.prefetch();
                    }
                }
            }
        }
    }

    /// As `find`, with the way.
    fn locate<Q>(&self, key: &Q) -> Result<Place, Place>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let mut path = Path::new();
        let is_large = self.is_large();
        let mut before = 0;
        let mut node = match &self.root {
            Node::Leaf(leaf) => return Place::in_leaf(path, 0, search(leaf, key)),
            Node::Branch(branch) => branch,
        };
        loop {
            let child = match search(&node.keys, key) {
                Ok(at) => return Ok(Place::between(path, node, at, before + node.rank_of_key(at))),
                Err(child) => child,
            };
            path.push(child as u8);
            before += node.starts[child] as usize;
            match &node.children {
                Children::Leaves(leaves) => {
                    let leaf = &leaves[child];
                    if is_large {
                        leaf.prefetch(0, node.child_size(child));
                    }
                    return Place::in_leaf(path, before, search(leaf, key));
                }
                Children::Branches(branches) => {
                    node = &branches[child];
                    if is_large {
                        node.prefetch();
                    }
                }
            }
        }
    }

    /// The place of the element of this rank, which must be there.
    fn locate_rank(&self, rank: usize) -> Place {
        let mut path = Path::new();
        let mut within = rank;
        let mut node = match &self.root {
            Node::Leaf(_) => return Place { path, at: rank, rank, between: None },
            Node::Branch(branch) => branch,
        };
        loop {
            let child = node.child_at(within);
            within -= node.starts[child] as usize;
            if within == node.child_size(child) {
                return Place::between(path, node, child, rank);
            }
            path.push(child as u8);
            match &node.children {
                Children::Leaves(_) => return Place { path, at: within, rank, between: None },
                Children::Branches(branches) => node = &branches[child],
            }
        }
    }

    /// Removes the element of this rank.
    pub fn remove_at(&mut self, rank: usize) -> Option<K> {
        (rank < self.len).then(|| self.remove_from(self.locate_rank(rank)))
    }

    fn remove_from(&mut self, place: Place) -> K {
        let seal = self.begin_change();
        if seal != Seal::NONE {
            self.own_for_removal(&place.path, seal);
        }
        let key = match &mut self.root {
            Node::Leaf(leaf) => leaf.edit(seal).remove(place.at),
            Node::Branch(branch) => remove_along(branch.edit(seal), &place, 0, self.sizes, seal),
        };
        self.len -= 1;
        self.drop_thin_root(seal);
        key
    }

    /// A root with a single child gives way to it.
    fn drop_thin_root(&mut self, seal: Seal) {
        match &self.root {
            Node::Branch(branch) if branch.children.len() == 1 => {}
            Node::Branch(_) | Node::Leaf(_) => return,
        }
        let Node::Branch(thin) = self.take_root() else { unreachable!("the root is a branch") };
        let only = match thin.take(seal).children {
            Children::Leaves(mut leaves) => leaves.pop().map(Node::Leaf),
            Children::Branches(mut branches) => branches.pop().map(Node::Branch),
        };
        self.root = only.expect("a branch is never without children");
    }

    fn take_root(&mut self) -> Node<K> {
        std::mem::replace(&mut self.root, Node::Leaf(Leaf::EMPTY))
    }

    fn grow_root(&mut self, children: Children<K>, key: K, seal: Seal) {
        let keys = [key].into_iter().collect();
        self.root = Node::Branch(Branch::over(children, keys, seal));
    }

    /// Puts `key` where it would be.
    fn insert_at(&mut self, place: Place, key: K) {
        let seal = self.begin_change();
        if seal != Seal::NONE {
            self.own_for_insertion(&place.path, seal);
        }
        let edge = match place.rank {
            // The first test wins for an empty tree, where neither edge splits.
            rank if rank == self.len => Edge::Last,
            0 => Edge::First,
            _ => Edge::Inner,
        };
        match &mut self.root {
            Node::Leaf(leaf) => {
                if let Some(split) = leaf_insert(leaf, place.at, key, edge, self.sizes, seal) {
                    let Node::Leaf(left) = self.take_root() else { unreachable!("the root was a leaf") };
                    let leaves = [left, split.right].into_iter().collect();
                    self.grow_root(Children::Leaves(leaves), split.key, seal);
                }
            }
            Node::Branch(branch) => {
                let split = insert_along(branch.edit(seal), &place.path, place.at, key, edge, self.sizes, seal);
                if let Some(split) = split {
                    let Node::Branch(left) = self.take_root() else { unreachable!("the root was a branch") };
                    let branches = [left, split.right].into_iter().collect();
                    self.grow_root(Children::Branches(branches), split.key, seal);
                }
            }
        }
        self.len += 1;
    }

    /// Replaces all elements by those of `other`, of which nobody has taken a snapshot.
    pub fn replace(&mut self, mut other: Tree<K>) {
        debug_assert!(other.history.get().is_none() && other.hold.is_none());
        self.let_go();
        self.root = other.take_root();
        self.len = std::mem::replace(&mut other.len, 0);
    }

    /// Removes all elements.
    pub fn clear(&mut self) {
        self.replace(self.emptied());
    }

    /// Lets go of all nodes.
    fn let_go(&mut self) {
        let seal = self.begin_change();
        self.len = 0;
        dismantle(self.take_root(), seal, &mut |seen| match self.history.get_mut() {
            Some(history) => history.retire(seen),
            None => unreachable!("only a snapshot sees nodes"),
        });
    }
}

impl<K> Drop for Tree<K> {
    fn drop(&mut self) {
        if self.hold.is_some() {
            return; // The nodes are the set's, or in its estate.
        }
        self.let_go();
        if let Some(history) = self.history.get_mut() {
            history.bequeath();
        }
    }
}

/// Versions: a change is given a seal, and makes nodes its own that a snapshot sees, before it writes anything.
impl<K> Tree<K> {
    /// What a change may write in place. Frees a few nodes that no snapshot sees any more.
    fn begin_change(&mut self) -> Seal {
        self.history.get_mut().map_or(Seal::NONE, |history| history.begin_change())
    }

    /// Makes the nodes on the path the tree's own.
    fn own_for_insertion(&mut self, path: &Path, seal: Seal) {
        let Some(history) = self.history.get_mut() else { return };
        let mut node = match &mut self.root {
            Node::Leaf(leaf) => return history.own_leaf(leaf, seal),
            Node::Branch(branch) => branch,
        };
        for &child in path {
            history.own_branch(node, seal);
            match &mut node.edit(seal).children {
                Children::Leaves(leaves) => return history.own_leaf(&mut leaves[child as usize], seal),
                Children::Branches(branches) => node = &mut branches[child as usize],
            }
        }
    }

    /// Makes the nodes on the path the tree's own, and the neighbours they will be mended with.
    fn own_for_removal(&mut self, path: &Path, seal: Seal) {
        let Some(history) = self.history.get_mut() else { return };
        match &mut self.root {
            Node::Leaf(leaf) => history.own_leaf(leaf, seal),
            Node::Branch(branch) => {
                history.own_branch(branch, seal);
                own_along(branch.edit(seal), path, history, self.sizes, seal);
            }
        }
    }

    /// A tree of the same nodes that stays as it is. `Err` with the most there may be when there are as many.
    pub fn frozen(&self) -> Result<Self, usize>
    where
        K: Clone + Send + Sync,
    {
        let hold = match &self.hold {
            Some(hold) => Arc::clone(hold),
            None => self.history.get_or_init(|| Box::new(History::new(Cloner::new()))).hold()?,
        };
        Ok(self.frozen_by(hold))
    }

    /// Another tree like this, which is frozen.
    pub fn refrozen(&self) -> Self {
        let hold = self.hold.as_ref().expect("a frozen tree has a hold");
        self.frozen_by(Arc::clone(hold))
    }

    fn frozen_by(&self, hold: Arc<Hold<K>>) -> Self {
        let root = shared_root(&self.root, &hold);
        Tree { root, len: self.len, sizes: self.sizes, history: OnceLock::new(), hold: Some(hold) }
    }

    pub fn set_snapshots_max(&mut self, most: usize)
    where
        K: Clone + Send + Sync,
    {
        self.history.get_or_init(|| Box::new(History::new(Cloner::new())));
        self.history.get_mut().expect("just made").set_snapshots_max(most);
    }

    pub fn holding(&self) -> Holding {
        self.history.get().map(|history| history.holding()).unwrap_or_default()
    }

    pub fn reclaim(&mut self) {
        if let Some(history) = self.history.get_mut() {
            history.reclaim();
        }
    }
}

/// Makes the nodes on the path below `branch` its own, and the neighbours they will be mended with. Tells whether the
/// branch will lose a child.
fn own_along<K>(branch: &mut Branch<K>, path: &[u8], history: &mut History<K>, sizes: Sizes, seal: Seal) -> bool {
    let child = path[0] as usize;
    let left = Branch::<K>::pair_of(child);
    match &mut branch.children {
        Children::Leaves(leaves) => {
            history.own_leaf(&mut leaves[child], seal);
            if leaves[child].len() > sizes.leaf_min() {
                return false;
            }
            history.own_leaf(&mut leaves[left], seal);
            history.own_leaf(&mut leaves[left + 1], seal);
            leaves[left].len() + leaves[left + 1].len() <= sizes.leaf
        }
        Children::Branches(branches) => {
            history.own_branch(&mut branches[child], seal);
            let lost = usize::from(own_along(branches[child].edit(seal), &path[1..], history, sizes, seal));
            // At an edge of the tree it may have been thin before, and is mended now.
            if branches[child].children.len() - lost >= sizes.branch_min() {
                return false;
            }
            history.own_branch(&mut branches[left], seal);
            history.own_branch(&mut branches[left + 1], seal);
            branches[left].children.len() + branches[left + 1].children.len() - lost <= sizes.branch
        }
    }
}

/// An independent copy, whatever snapshots there are.
impl<K: Clone> Clone for Tree<K> {
    fn clone(&self) -> Self {
        let root = match &self.root {
            Node::Leaf(leaf) => Node::Leaf(leaf.copied(Seal::NONE, Cloner::new())),
            Node::Branch(branch) => Node::Branch(cloned(branch)),
        };
        Self::of(root, self.len, self.sizes)
    }
}

/// A branch and all below it. When a clone panics, those before it are dropped.
fn cloned<K: Clone>(branch: &Branch<K>) -> SharedBranch<K> {
    let mut pending = Pending(branch.children.none());
    match (&branch.children, &mut pending.0) {
        (Children::Leaves(from), Children::Leaves(to)) => {
            to.extend(from.iter().map(|leaf| leaf.copied(Seal::NONE, Cloner::new())));
        }
        (Children::Branches(from), Children::Branches(to)) => to.extend(from.iter().map(|branch| cloned(branch))),
        _ => unreachable!("made of the same kind"),
    }
    let keys = branch.keys.clone();
    let none = pending.0.none();
    Branch::over(std::mem::replace(&mut pending.0, none), keys, Seal::NONE)
}

/// Children that have no branch yet, and are freed if they never get one.
struct Pending<K>(Children<K>);

impl<K> Drop for Pending<K> {
    fn drop(&mut self) {
        let none = self.0.none();
        dismantle_children(std::mem::replace(&mut self.0, none), Seal::NONE, &mut |_| unreachable!("nobody sees them"));
    }
}

impl<K: Ord> Tree<K> {
    /// Inserts `key` unless it is there; its rank either way, as `Err` when it was.
    ///
    /// # Panics
    ///
    /// When the tree already holds `u32::MAX - 1` elements.
    pub fn insert(&mut self, key: K) -> Result<usize, usize> {
        assert!(self.len < u32::MAX as usize - 1, "{TOO_MANY}");
        match self.locate(&key) {
            Ok(place) => Err(place.rank),
            Err(place) => {
                let rank = place.rank;
                self.insert_at(place, key);
                Ok(rank)
            }
        }
    }

    /// Removes `key`: its rank and itself, or the rank where it would be.
    pub fn remove<Q>(&mut self, key: &Q) -> Result<(usize, K), usize>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        match self.locate(key) {
            Ok(place) => Ok((place.rank, self.remove_from(place))),
            Err(place) => Err(place.rank),
        }
    }

    /// A tree with nodes of the same sizes, built from keys that are known to ascend. O(n): every key is moved once.
    pub fn rebuilt(&self, keys: Vec<K>) -> Self {
        assert!(keys.len() < u32::MAX as usize, "{TOO_MANY}");
        let sizes = self.sizes;
        let len = keys.len();
        let mut keys = keys.into_iter();
        if len <= sizes.leaf {
            return Self::of(Node::Leaf(Leaf::filled(&mut keys, len, len, Seal::NONE)), len, sizes);
        }
        // A key goes between two leaves, so `leaves` leaves hold len - (leaves - 1) keys.
        let count = (len + 1).div_ceil(sizes.leaf + 1);
        let mut leaves = Vec::with_capacity(count);
        let mut between = Vec::with_capacity(count - 1);
        for size in shares(len - (count - 1), count) {
            leaves.push(Leaf::filled(&mut keys, size, sizes.leaf, Seal::NONE));
            between.extend(keys.next());
        }
        let mut level = build_level(leaves, &mut between, sizes, Children::Leaves);
        while level.len() > 1 {
            level = build_level(level, &mut between, sizes, Children::Branches);
        }
        let root = Node::Branch(level.pop().expect("at least one branch over several leaves"));
        Self::of(root, len, sizes)
    }

    /// Checks every invariant; returns the number of elements.
    pub fn validate(&self) -> Result<usize, String> {
        let counted = match &self.root {
            Node::Leaf(leaf) if leaf.is_empty() => 0,
            Node::Leaf(leaf) => validate_leaf(leaf, None, None, self.sizes)?,
            Node::Branch(branch) => branch.validate(None, None, self.sizes)?.0,
        };
        if counted != self.len {
            return Err(format!("the tree holds {counted} elements, counted as {}", self.len));
        }
        Ok(counted)
    }
}

/// Adds clones of the keys of a node and all below it to `keys`.
fn clone_keys<K>(node: &Node<K>, cloner: Cloner<K>, keys: &mut Vec<K>) {
    match node {
        Node::Leaf(leaf) => leaf.copied(Seal::NONE, cloner).move_into(keys, Seal::NONE),
        Node::Branch(branch) => clone_keys_below(branch, cloner, keys),
    }
}

fn clone_keys_below<K>(branch: &Branch<K>, cloner: Cloner<K>, keys: &mut Vec<K>) {
    let mut between = cloner.keys(&branch.keys).into_iter();
    match &branch.children {
        Children::Leaves(leaves) => leaves.iter().for_each(|leaf| {
            leaf.copied(Seal::NONE, cloner).move_into(keys, Seal::NONE);
            keys.extend(between.next());
        }),
        Children::Branches(branches) => branches.iter().for_each(|branch| {
            clone_keys_below(branch, cloner, keys);
            keys.extend(between.next());
        }),
    }
}

/// Moves the keys of nodes that no snapshot sees to the end of `keys`.
fn flatten<K>(node: Node<K>, keys: &mut Vec<K>) {
    let branch = match node {
        Node::Leaf(leaf) => return leaf.move_into(keys, Seal::NONE),
        Node::Branch(branch) => branch.take(Seal::NONE),
    };
    let mut between = branch.keys.into_iter();
    let mut below = |node| {
        flatten(node, keys);
        keys.extend(between.next());
    };
    match branch.children {
        Children::Leaves(leaves) => leaves.into_iter().for_each(|leaf| below(Node::Leaf(leaf))),
        Children::Branches(branches) => branches.into_iter().for_each(|branch| below(Node::Branch(branch))),
    }
}

/// `total` in `parts` sizes that differ by one at most.
fn shares(total: usize, parts: usize) -> impl Iterator<Item = usize> {
    (0..parts).map(move |part| total / parts + usize::from(part < total % parts))
}

/// Groups `nodes` under branches; leaves in `between` the keys that stand between those.
fn build_level<K, N>(
    nodes: Vec<N>,
    between: &mut Vec<K>,
    sizes: Sizes,
    children: impl Fn(ArrayVec<N, BRANCH_MAX>) -> Children<K>,
) -> Vec<SharedBranch<K>> {
    let count = nodes.len().div_ceil(sizes.branch);
    let shares = shares(nodes.len(), count);
    let mut nodes = nodes.into_iter();
    let mut keys = std::mem::take(between).into_iter();
    let mut level = Vec::with_capacity(count);
    for size in shares {
        let group = nodes.by_ref().take(size).collect();
        let inside = keys.by_ref().take(size - 1).collect();
        level.push(Branch::over(children(group), inside, Seal::NONE));
        between.extend(keys.next());
    }
    level
}

/// Inserts at the end of the path below `branch`; tells what that branch split off.
fn insert_along<K>(
    branch: &mut Branch<K>,
    path: &[u8],
    at: usize,
    key: K,
    edge: Edge,
    sizes: Sizes,
    seal: Seal,
) -> Option<Split<K, SharedBranch<K>>> {
    let child = path[0] as usize;
    let Children::Branches(branches) = &mut branch.children else {
        return branch.insert_below(child, at, key, edge, sizes, seal);
    };
    let split = insert_along(branches[child].edit(seal), &path[1..], at, key, edge, sizes, seal);
    branch.count_up(child);
    branch.adopt_branch(child, split?, edge, sizes)
}

/// Removes the element of this place below `branch`, which lies at this depth.
fn remove_along<K>(branch: &mut Branch<K>, place: &Place, depth: usize, sizes: Sizes, seal: Seal) -> K {
    let child = place.path[depth] as usize;
    let removed = match &mut branch.children {
        Children::Leaves(leaves) => leaves[child].edit(seal).remove(place.at),
        Children::Branches(branches) => remove_along(branches[child].edit(seal), place, depth + 1, sizes, seal),
    };
    // The key that stands between gives way to the one before it.
    let is_between = place.between == Some(depth);
    let removed = if is_between { std::mem::replace(&mut branch.keys[child], removed) } else { removed };
    branch.removed_below(child, sizes, seal);
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How full the nodes are: the children of the branches level by level, the root first; the keys of the leaves
    /// last.
    fn fill<K>(tree: &Tree<K>) -> Vec<Vec<usize>> {
        let mut level = match &tree.root {
            Node::Leaf(leaf) => return vec![vec![leaf.len()]],
            Node::Branch(branch) => vec![&**branch],
        };
        let mut fill = Vec::new();
        loop {
            fill.push(level.iter().map(|branch| branch.children.len()).collect());
            let (mut below, mut leaves) = (Vec::new(), Vec::new());
            for branch in level {
                match &branch.children {
                    Children::Branches(branches) => below.extend(branches.iter().map(|branch| &**branch)),
                    Children::Leaves(of_branch) => leaves.extend(of_branch.iter().map(|leaf| leaf.len())),
                }
            }
            if below.is_empty() {
                fill.push(leaves);
                return fill;
            }
            level = below;
        }
    }

    fn inserted(keys: impl Iterator<Item = u32>) -> Tree<u32> {
        let mut tree = Tree::new();
        keys.for_each(|key| assert!(tree.insert(key).is_ok()));
        tree
    }

    #[test]
    fn ascending_and_descending_loads_fill_every_node_behind_them() {
        const N: u32 = 200_000;
        let ascending = fill(&inserted(0..N));
        let descending: Vec<Vec<usize>> = fill(&inserted((0..N).rev())).into_iter().map(reversed).collect();
        assert_eq!(ascending, descending);
        let (leaves, branches) = ascending.split_last().unwrap();
        assert_eq!(branches.len(), 3);
        for (level, max) in branches[1..].iter().map(|level| (level, BRANCH_MAX)).chain([(leaves, LEAF_MAX)]) {
            let (_last, behind) = level.split_last().unwrap();
            assert!(behind.iter().all(|&nodes| nodes == max - 1), "{behind:?}");
        }
    }

    fn reversed(mut level: Vec<usize>) -> Vec<usize> {
        level.reverse();
        level
    }

    /// Another number for each number, in no order (the last step of MurmurHash3).
    fn mixed(mut number: u32) -> u32 {
        number = (number ^ number >> 16).wrapping_mul(0x85EB_CA6B);
        number = (number ^ number >> 13).wrapping_mul(0xC2B2_AE35);
        number ^ number >> 16
    }

    #[test]
    fn one_key_in_52_is_between_leaves_after_random_inserts_and_one_in_65_after_a_bulk_build() {
        const N: u32 = 200_000;
        let scattered = inserted((0..N).map(mixed));
        let leaves = fill(&scattered).pop().unwrap().len();
        assert_eq!((f64::from(N) / leaves as f64).round(), 52.0);

        let leaves = fill(&Tree::new().rebuilt((0..N).collect())).pop().unwrap();
        assert_eq!((f64::from(N) / leaves.len() as f64).round(), 65.0);
        assert!(leaves.iter().all(|&keys| keys == 63 || keys == 64), "{leaves:?}");
    }

    #[test]
    fn a_small_bulk_build_keeps_no_room_for_a_million_keys() {
        for len in [0, 1, 5, 64] {
            let mut keys = Vec::with_capacity(1_000_000);
            keys.extend(0..len);
            let tree = Tree::new().rebuilt(keys);
            let Node::Leaf(leaf) = tree.root() else { panic!("{len} keys fit into a leaf") };
            assert!(leaf.capacity() <= 2 * leaf.len(), "{len} keys, room for {}", leaf.capacity());
        }
    }
}
