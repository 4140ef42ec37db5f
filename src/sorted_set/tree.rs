//! The tree: one descent for each operation, ranks summed on the way down, splits and merges on the way back up.

use super::node::{
    BRANCH_MAX, Branch, Children, Edge, LEAF_MAX, Leaf, Sizes, Split, leaf_insert, search, validate_leaf,
};
use arrayvec::ArrayVec;
use std::borrow::Borrow;

/// Counts are `u32`, and one of them is the number of elements and one more.
pub(super) const TOO_MANY: &str = "a sorted set holds at most u32::MAX - 1 keys";

#[derive(Clone)]
pub(super) struct Tree<K> {
    root: Node<K>,
    len: usize,
    sizes: Sizes,
}

#[derive(Clone)]
pub(super) enum Node<K> {
    Leaf(Leaf<K>),
    Branch(Box<Branch<K>>),
}

/// What a descent for an insertion needs to know everywhere.
#[derive(Clone, Copy)]
struct Descent {
    /// Elements in the tree before the insertion.
    len: usize,
    sizes: Sizes,
}

impl Descent {
    fn edge(self, rank: usize) -> Edge {
        match rank {
            // The first test wins for an empty tree, where neither edge splits.
            _ if rank == self.len => Edge::Last,
            0 => Edge::First,
            _ => Edge::Inner,
        }
    }
}

impl<K> Tree<K> {
    pub const fn new() -> Self {
        Tree { root: Node::Leaf(Vec::new()), len: 0, sizes: Sizes::FULL }
    }

    /// # Panics
    ///
    /// When a size is not within 4 and the node's capacity.
    pub fn with_node_sizes(leaf: usize, branch: usize) -> Self {
        assert!((4..=LEAF_MAX).contains(&leaf), "leaf size {leaf} is not within 4 and {LEAF_MAX}");
        assert!((4..=BRANCH_MAX).contains(&branch), "branch size {branch} is not within 4 and {BRANCH_MAX}");
        Tree { sizes: Sizes { leaf, branch }, ..Tree::new() }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn root(&self) -> &Node<K> {
        &self.root
    }

    /// An empty tree with nodes of the same sizes.
    pub fn emptied(&self) -> Self {
        Tree { sizes: self.sizes, ..Tree::new() }
    }

    /// All keys in order. O(n): every key is moved once.
    pub fn into_keys(self) -> Vec<K> {
        let mut keys = Vec::with_capacity(self.len);
        match self.root {
            Node::Leaf(leaf) => return leaf,
            Node::Branch(branch) => flatten(*branch, &mut keys),
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
            Node::Branch(branch) => branch.as_ref(),
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
        let mut before = 0;
        let mut node = match &self.root {
            Node::Leaf(leaf) => return search(leaf, key).map(|at| (at, &leaf[at])),
            Node::Branch(branch) => branch.as_ref(),
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
                    return search(leaf, key).map(|at| (before + at, &leaf[at])).map_err(|at| before + at);
                }
                Children::Branches(branches) => node = &branches[child],
            }
        }
    }

    /// Removes the element of this rank.
    pub fn remove_at(&mut self, rank: usize) -> Option<K> {
        if rank >= self.len {
            return None;
        }
        let key = match &mut self.root {
            Node::Leaf(leaf) => leaf.remove(rank),
            Node::Branch(branch) => remove_at(branch, rank, self.sizes),
        };
        self.removed_one();
        Some(key)
    }

    fn removed_one(&mut self) {
        self.len -= 1;
        self.drop_thin_root();
    }

    /// A root with a single child gives way to it.
    fn drop_thin_root(&mut self) {
        let Node::Branch(branch) = &mut self.root else {
            return;
        };
        if branch.children.len() > 1 {
            return;
        }
        let only = match &mut branch.children {
            Children::Leaves(leaves) => leaves.pop().map(Node::Leaf),
            Children::Branches(branches) => branches.pop().map(Node::Branch),
        };
        self.root = only.expect("a branch is never without children");
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
        let descent = Descent { len: self.len, sizes: self.sizes };
        let rank = match &mut self.root {
            Node::Leaf(leaf) => {
                let rank = match search(leaf, &key) {
                    Ok(rank) => return Err(rank),
                    Err(rank) => rank,
                };
                if let Some(split) = leaf_insert(leaf, rank, key, descent.edge(rank), self.sizes) {
                    let left = std::mem::take(leaf);
                    let leaves = [left, split.right].into_iter().collect();
                    self.grow_root(Children::Leaves(leaves), split.key);
                }
                rank
            }
            Node::Branch(branch) => {
                let (rank, split) = insert(branch, key, 0, descent)?;
                if let Some(split) = split {
                    let Node::Branch(left) = std::mem::replace(&mut self.root, Node::Leaf(Vec::new())) else {
                        unreachable!("the root was a branch")
                    };
                    let branches = [left, split.right].into_iter().collect();
                    self.grow_root(Children::Branches(branches), split.key);
                }
                rank
            }
        };
        self.len += 1;
        Ok(rank)
    }

    fn grow_root(&mut self, children: Children<K>, key: K) {
        let keys = [key].into_iter().collect();
        self.root = Node::Branch(Box::new(Branch::new(children, keys)));
    }

    /// Removes `key`: its rank and itself, or the rank where it would be.
    pub fn remove<Q>(&mut self, key: &Q) -> Result<(usize, K), usize>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let removed = match &mut self.root {
            Node::Leaf(leaf) => search(leaf, key).map(|at| (at, leaf.remove(at))),
            Node::Branch(branch) => remove(branch, key, 0, self.sizes),
        };
        if removed.is_ok() {
            self.removed_one();
        }
        removed
    }

    /// A tree with nodes of the same sizes, built from keys that are known to ascend. O(n): every key is moved once.
    pub fn rebuilt(&self, mut keys: Vec<K>) -> Self {
        assert!(keys.len() < u32::MAX as usize, "{TOO_MANY}");
        let sizes = self.sizes;
        let len = keys.len();
        if len <= sizes.leaf {
            // The vector becomes the leaf, but not with room for many more. (Twice is what a vector's growth leaves.)
            if keys.capacity() > 2 * len {
                keys.shrink_to_fit();
            }
            return Tree { root: Node::Leaf(keys), len, sizes };
        }
        let mut keys = keys.into_iter();
        // A key goes between two leaves, so `leaves` leaves hold len - (leaves - 1) keys.
        let count = (len + 1).div_ceil(sizes.leaf + 1);
        let mut leaves = Vec::with_capacity(count);
        let mut between = Vec::with_capacity(count - 1);
        for size in shares(len - (count - 1), count) {
            let mut leaf = Vec::with_capacity(sizes.leaf);
            leaf.extend(keys.by_ref().take(size));
            leaves.push(leaf);
            between.extend(keys.next());
        }
        let mut level = build_level(leaves, &mut between, sizes, Children::Leaves);
        while level.len() > 1 {
            level = build_level(level, &mut between, sizes, Children::Branches);
        }
        let root = Node::Branch(level.pop().expect("at least one branch over several leaves"));
        Tree { root, len, sizes }
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

/// Moves the keys below `branch` to the end of `keys`.
fn flatten<K>(branch: Branch<K>, keys: &mut Vec<K>) {
    let mut between = branch.keys.into_iter();
    match branch.children {
        Children::Leaves(leaves) => leaves.into_iter().for_each(|leaf| {
            keys.extend(leaf);
            keys.extend(between.next());
        }),
        Children::Branches(branches) => branches.into_iter().for_each(|below| {
            flatten(*below, keys);
            keys.extend(between.next());
        }),
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
) -> Vec<Box<Branch<K>>> {
    let count = nodes.len().div_ceil(sizes.branch);
    let shares = shares(nodes.len(), count);
    let mut nodes = nodes.into_iter();
    let mut keys = std::mem::take(between).into_iter();
    let mut level = Vec::with_capacity(count);
    for size in shares {
        let group = nodes.by_ref().take(size).collect();
        let inside = keys.by_ref().take(size - 1).collect();
        level.push(Box::new(Branch::new(children(group), inside)));
        between.extend(keys.next());
    }
    level
}

/// The rank of a key that was inserted below a branch, and what that branch split off.
type RankAndSplit<K> = (usize, Option<Split<K, Box<Branch<K>>>>);

/// Inserts below `branch`, before which `before` elements stand. `Err` with the rank when the key is there.
fn insert<K: Ord>(branch: &mut Branch<K>, key: K, before: usize, descent: Descent) -> Result<RankAndSplit<K>, usize> {
    let child = match search(&branch.keys, &key) {
        Ok(at) => return Err(before + branch.rank_of_key(at)),
        Err(child) => child,
    };
    let before = before + branch.starts[child] as usize;
    let sizes = descent.sizes;
    match &mut branch.children {
        Children::Leaves(leaves) => {
            let leaf = &mut leaves[child];
            let rank = match search(leaf, &key) {
                Ok(at) => return Err(before + at),
                Err(at) => before + at,
            };
            let edge = descent.edge(rank);
            let split = leaf_insert(leaf, rank - before, key, edge, sizes);
            branch.count_up(child);
            Ok((rank, split.and_then(|split| branch.adopt_leaf(child, split, edge, sizes))))
        }
        Children::Branches(branches) => {
            let (rank, split) = insert(&mut branches[child], key, before, descent)?;
            branch.count_up(child);
            let edge = descent.edge(rank);
            Ok((rank, split.and_then(|split| branch.adopt_branch(child, split, edge, sizes))))
        }
    }
}

/// Removes `key` below `branch`, before which `before` elements stand.
fn remove<K, Q>(branch: &mut Branch<K>, key: &Q, before: usize, sizes: Sizes) -> Result<(usize, K), usize>
where
    K: Borrow<Q>,
    Q: Ord + ?Sized,
{
    let child = match search(&branch.keys, key) {
        Ok(at) => {
            let within = branch.rank_of_key(at);
            return Ok((before + within, remove_at(branch, within, sizes)));
        }
        Err(child) => child,
    };
    let start = before + branch.starts[child] as usize;
    let removed = match &mut branch.children {
        Children::Leaves(leaves) => {
            let leaf = &mut leaves[child];
            let at = search(leaf, key).map_err(|at| start + at)?;
            (start + at, leaf.remove(at))
        }
        Children::Branches(branches) => remove(&mut branches[child], key, start, sizes)?,
    };
    branch.count_down(child);
    branch.mend(child, sizes);
    Ok(removed)
}

/// Removes the element of this rank within the branch. A key that stands between two children is replaced by the one
/// before it, which always lies in a leaf.
fn remove_at<K>(branch: &mut Branch<K>, rank: usize, sizes: Sizes) -> K {
    let child = branch.child_at(rank);
    let within = rank - branch.starts[child] as usize;
    let is_between = within == branch.child_size(child);
    let taken = if is_between { within - 1 } else { within };
    let removed = match &mut branch.children {
        Children::Leaves(leaves) => leaves[child].remove(taken),
        Children::Branches(branches) => remove_at(&mut branches[child], taken, sizes),
    };
    let removed = if is_between { std::mem::replace(&mut branch.keys[child], removed) } else { removed };
    branch.count_down(child);
    branch.mend(child, sizes);
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
            Node::Branch(branch) => vec![branch.as_ref()],
        };
        let mut fill = Vec::new();
        loop {
            fill.push(level.iter().map(|branch| branch.children.len()).collect());
            let (mut below, mut leaves) = (Vec::new(), Vec::new());
            for branch in level {
                match &branch.children {
                    Children::Branches(branches) => below.extend(branches.iter().map(Box::as_ref)),
                    Children::Leaves(of_branch) => leaves.extend(of_branch.iter().map(Vec::len)),
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
    fn one_key_in_45_is_between_leaves_after_random_inserts_and_one_in_65_after_a_bulk_build() {
        const N: u32 = 200_000;
        let scattered = inserted((0..N).map(mixed));
        let leaves = fill(&scattered).pop().unwrap().len();
        assert_eq!((f64::from(N) / leaves as f64).round(), 45.0);

        let leaves = fill(&Tree::new().rebuilt((0..N).collect())).pop().unwrap();
        assert_eq!((f64::from(N) / leaves.len() as f64).round(), 65.0);
        assert!(leaves.iter().all(|&keys| keys == 63 || keys == 64), "{leaves:?}");
    }

    #[test]
    fn a_small_bulk_build_keeps_no_room_for_a_million_keys() {
        for len in [0, 1, 5, 64] {
            let mut keys = Vec::with_capacity(1_000_000);
            keys.extend(0..len);
            let Node::Leaf(leaf) = Tree::new().rebuilt(keys).root else { panic!("{len} keys fit into a leaf") };
            assert!(leaf.capacity() <= 2 * leaf.len(), "{len} keys, room for {}", leaf.capacity());
        }
    }
}
