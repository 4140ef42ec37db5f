//! The two kinds of node: a leaf is a vector of keys; a branch holds children, the keys that stand between them, and
//! the counts.
//!
//! **Keys between the children are elements, not copies.** A B+tree repeats a key of each leaf in its branches, so it
//! needs `K: Clone` to insert, and it must repair the copy when that key goes. Here each key is stored once, `K: Ord`
//! is enough, and a branch lends `&K` as a leaf does. One key in 52 lives in a branch after random inserts, one in 65
//! after a bulk build; a slice that crosses a leaf's end yields it between the two runs.
//!
//! **Counts live in the parent**, as exclusive prefix sums: `starts[i]` elements stand before child `i` in the branch.
//! A rank needs one load a level, a select searches the same array, and an insert adds one to the tail of it, which
//! the compiler turns into a few vector additions. (Counts kept in the children cost a cache miss for each child
//! passed.)
//!
//! A leaf is one piece of memory with room for as many keys as it needs (`memory.rs`): one dependent miss a level, and
//! a set of five keys takes the memory of eight. How many keys a leaf holds is told by the parent's counts, so that the
//! whole of it is asked for before it is looked at.

use super::memory::{Leaf, Seal, SharedBranch};
use arrayvec::ArrayVec;
use std::borrow::Borrow;

/// Keys a full leaf holds.
pub(super) const LEAF_MAX: usize = 64;
/// Children a full branch holds.
pub(super) const BRANCH_MAX: usize = 32;

/// Node sizes as numbers, so that tests run the same code with tiny nodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Keys a full leaf holds: 4 to [`LEAF_MAX`].
    pub leaf: usize,
    /// Children a full branch holds: 4 to [`BRANCH_MAX`].
    pub branch: usize,
}

impl Sizes {
    pub const FULL: Sizes = Sizes { leaf: LEAF_MAX, branch: BRANCH_MAX };

    /// Fewer keys than this, and the leaf is merged with a neighbour or filled from it.
    ///
    /// A third, not a half: a node that was just split must lose some keys before it is merged again.
    pub fn leaf_min(self) -> usize {
        self.leaf / 3
    }

    /// With fewer keys than this a leaf takes keys from a full neighbour, which else would split: three quarters, which
    /// fills leaves to 79 % on average after random inserts, where splits alone make 70.
    pub fn leaf_roomy(self) -> usize {
        self.leaf * 3 / 4
    }

    /// Fewer children than this, and the branch is merged with a neighbour or filled from it.
    pub fn branch_min(self) -> usize {
        (self.branch / 3).max(2)
    }
}

/// Where in the whole tree a key was inserted. Splits at an edge leave one node full, so that ascending and descending
/// loads fill the memory they take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    First,
    Inner,
    Last,
}

/// A node that grew too big: `right` is its split-off end, `key` stands between the two.
pub(super) struct Split<K, N> {
    pub key: K,
    pub right: N,
}

/// One of two neighbours.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// One child on its way from branch to branch.
enum Child<K> {
    Leaf(Leaf<K>),
    Branch(SharedBranch<K>),
}

/// Children of one branch. All are of one kind, since every leaf of the tree has the same depth.
pub(super) enum Children<K> {
    Leaves(ArrayVec<Leaf<K>, BRANCH_MAX>),
    Branches(ArrayVec<SharedBranch<K>, BRANCH_MAX>),
}

pub(super) struct Branch<K> {
    /// The edition it was born in (`memory.rs`).
    pub born: u64,
    /// `starts[i]`: elements of this branch before child `i`, the keys in between included, so that child `i` holds
    /// `starts[i + 1] - starts[i] - 1`. `starts[children.len()] - 1` is the number of elements below this branch.
    /// What follows is meaningless.
    pub starts: [u32; BRANCH_MAX + 1],
    /// `keys[i]` stands between child `i` and child `i + 1`.
    pub keys: ArrayVec<K, BRANCH_MAX>,
    pub children: Children<K>,
}

/// Keys that one comparison of the first pass of [`search`] stands for. Two passes of eight cover a full leaf.
const STRIDE: usize = 8;

/// Where `key` is in the sorted `keys` (`Ok`), or where it would be (`Err`).
///
/// Counts the smaller keys, every eighth first, then those of one eighth. That is two and a half times the comparisons
/// of a search by halves, but none waits for the one before it: the processor loads a leaf's lines together, and where
/// they come from memory that is what counts.
pub(super) fn search<K, Q>(keys: &[K], key: &Q) -> Result<usize, usize>
where
    K: Borrow<Q>,
    Q: Ord + ?Sized,
{
    let is_below = |probe: &K| probe.borrow().cmp(key).is_lt();
    let strides = keys.chunks_exact(STRIDE).filter(|stride| is_below(&stride[STRIDE - 1])).count();
    let start = strides * STRIDE;
    let within = &keys[start..keys.len().min(start + STRIDE)];
    let at = start + within.iter().filter(|probe| is_below(probe)).count();
    match keys.get(at) {
        Some(found) if found.borrow().cmp(key).is_eq() => Ok(at),
        _ => Err(at),
    }
}

/// Puts `key` at `at`, splitting the leaf when it is full.
pub(super) fn leaf_insert<K>(
    leaf: &mut Leaf<K>,
    at: usize,
    key: K,
    edge: Edge,
    sizes: Sizes,
    seal: Seal,
) -> Option<Split<K, Leaf<K>>> {
    let is_full = leaf.len() == sizes.leaf;
    let mut leaf = leaf.edit(seal);
    if !is_full {
        leaf.insert(at, key);
        return None;
    }
    let left_len = match edge {
        Edge::First => 1,
        Edge::Inner => sizes.leaf / 2,
        Edge::Last => sizes.leaf - 1,
    };
    // The full leaf and the new key together: left_len keys, one in between, the rest to the right.
    if at < left_len {
        let right = leaf.split_off(left_len, sizes.leaf);
        let between = leaf.pop();
        leaf.insert(at, key);
        return Some(Split { key: between, right });
    }
    if at == left_len {
        return Some(Split { key, right: leaf.split_off(left_len, sizes.leaf) });
    }
    let mut right = leaf.split_off(left_len + 1, sizes.leaf);
    right.edit(seal).insert(at - left_len - 1, key);
    Some(Split { key: leaf.pop(), right })
}

impl<K> Children<K> {
    pub fn len(&self) -> usize {
        match self {
            Children::Leaves(leaves) => leaves.len(),
            Children::Branches(branches) => branches.len(),
        }
    }

    /// No children of the same kind.
    pub fn none(&self) -> Self {
        match self {
            Children::Leaves(_) => Children::Leaves(ArrayVec::new()),
            Children::Branches(_) => Children::Branches(ArrayVec::new()),
        }
    }

    fn remove(&mut self, at: usize) -> Child<K> {
        match self {
            Children::Leaves(leaves) => Child::Leaf(leaves.remove(at)),
            Children::Branches(branches) => Child::Branch(branches.remove(at)),
        }
    }

    fn insert(&mut self, at: usize, child: Child<K>) {
        match (self, child) {
            (Children::Leaves(leaves), Child::Leaf(leaf)) => leaves.insert(at, leaf),
            (Children::Branches(branches), Child::Branch(branch)) => branches.insert(at, branch),
            _ => unreachable!("all leaves have the same depth"),
        }
    }

    fn split_off(&mut self, at: usize) -> Self {
        match self {
            Children::Leaves(leaves) => Children::Leaves(leaves.drain(at..).collect()),
            Children::Branches(branches) => Children::Branches(branches.drain(at..).collect()),
        }
    }
}

impl<K> Branch<K> {
    /// A branch over `children` with `keys` between them.
    pub fn over(children: Children<K>, keys: ArrayVec<K, BRANCH_MAX>, seal: Seal) -> SharedBranch<K> {
        let mut branch = Branch { born: seal.edition(), starts: [0; BRANCH_MAX + 1], keys, children };
        for at in 0..branch.children.len() {
            let size = match &branch.children {
                Children::Leaves(leaves) => leaves[at].len() as u32,
                Children::Branches(branches) => branches[at].size(),
            };
            branch.starts[at + 1] = branch.starts[at] + size + 1;
        }
        SharedBranch::new(branch)
    }

    /// Elements in this branch and below.
    pub fn size(&self) -> u32 {
        self.starts[self.children.len()] - 1
    }

    pub fn child_size(&self, child: usize) -> usize {
        (self.starts[child + 1] - self.starts[child] - 1) as usize
    }

    /// The child that holds the element of this rank within the branch, or that ends right before it.
    pub fn child_at(&self, rank: usize) -> usize {
        // Counting instead of searching: the loads do not depend on each other, and the loop becomes vector code. What
        // is behind the last start counts for nothing.
        let (last, rank) = (self.children.len() as u32 - 1, rank as u32);
        let starts = self.starts[1..].iter().zip(0_u32..);
        starts.map(|(&start, at)| u32::from(start <= rank) & u32::from(at < last)).sum::<u32>() as usize
    }

    /// The rank, within the branch, of the key behind `child`.
    pub fn rank_of_key(&self, child: usize) -> usize {
        self.starts[child + 1] as usize - 1
    }

    /// One element more below `child`.
    ///
    /// All starts are gone through, with nothing added to those before: a loop of a fixed length, without a jump to be
    /// guessed wrong.
    pub fn count_up(&mut self, child: usize) {
        for (start, at) in self.starts.iter_mut().zip(0_u32..) {
            *start = start.wrapping_add(u32::from(at > child as u32));
        }
    }

    /// One element less below `child`.
    fn count_down(&mut self, child: usize) {
        for (start, at) in self.starts.iter_mut().zip(0_u32..) {
            *start = start.wrapping_sub(u32::from(at > child as u32));
        }
    }

    /// Makes room in `starts` for a child at `at`; the caller writes `starts[at]`.
    fn open_start(&mut self, at: usize) {
        let end = self.children.len();
        self.starts.copy_within(at..end + 1, at + 1);
    }

    /// Inserts into the leaf `child`, and counts it. Tells what this branch split off.
    pub fn insert_below(
        &mut self,
        child: usize,
        at: usize,
        key: K,
        edge: Edge,
        sizes: Sizes,
        seal: Seal,
    ) -> Option<Split<K, SharedBranch<K>>> {
        let (child, at) = match self.roomy_neighbour(child, edge, sizes, seal) {
            Some(left) => self.share_out(left, self.starts[child] as usize + at, seal),
            None => (child, at),
        };
        self.count_up(child);
        let Children::Leaves(leaves) = &mut self.children else { unreachable!("called for leaves") };
        let split = leaf_insert(&mut leaves[child], at, key, edge, sizes, seal)?;
        self.adopt_leaf(child, split, edge, sizes)
    }

    /// When the leaf `child` is full: the left one of it and a neighbour that has room, if one has. A leaf that a
    /// snapshot sees would have to be copied, which costs more than a split.
    fn roomy_neighbour(&self, child: usize, edge: Edge, sizes: Sizes, seal: Seal) -> Option<usize> {
        if self.child_size(child) < sizes.leaf || edge != Edge::Inner {
            return None;
        }
        let Children::Leaves(leaves) = &self.children else { unreachable!("called for leaves") };
        let is_roomy = |&at: &usize| self.child_size(at) < sizes.leaf_roomy() && !leaves[at].is_seen(seal);
        let left = child.checked_sub(1).filter(is_roomy);
        let right = Some(child + 1).filter(|&at| at < leaves.len()).filter(is_roomy);
        match (left, right) {
            (Some(left), Some(right)) if self.child_size(right) < self.child_size(left) => Some(child),
            (Some(left), _) => Some(left),
            (None, right) => right.map(|_| child),
        }
    }

    /// Evens out two neighbouring leaves, and tells in which, and where, the place of this rank has come to lie.
    fn share_out(&mut self, left: usize, rank: usize, seal: Seal) -> (usize, usize) {
        self.level_leaves(left, seal);
        let behind = self.starts[left + 1] as usize;
        if rank < behind { (left, rank - self.starts[left] as usize) } else { (left + 1, rank - behind) }
    }

    /// Takes in the right half of the split leaf `child`. The counts already include the new key.
    fn adopt_leaf(
        &mut self,
        child: usize,
        split: Split<K, Leaf<K>>,
        edge: Edge,
        sizes: Sizes,
    ) -> Option<Split<K, SharedBranch<K>>> {
        self.adopt(child, split, edge, sizes, |branch, child, right| {
            let Children::Leaves(leaves) = &mut branch.children else {
                unreachable!("a leaf splits under a branch of leaves")
            };
            leaves.insert(child + 1, right);
            leaves[child].len() as u32
        })
    }

    /// Takes in the right half of the split branch `child`. The counts already include the new key.
    pub fn adopt_branch(
        &mut self,
        child: usize,
        split: Split<K, SharedBranch<K>>,
        edge: Edge,
        sizes: Sizes,
    ) -> Option<Split<K, SharedBranch<K>>> {
        self.adopt(child, split, edge, sizes, |branch, child, right| {
            let Children::Branches(branches) = &mut branch.children else {
                unreachable!("a branch splits under a branch of branches")
            };
            branches.insert(child + 1, right);
            branches[child].size()
        })
    }

    /// `place` puts the new child behind `child` and says how many elements `child` kept.
    fn adopt<N>(
        &mut self,
        child: usize,
        split: Split<K, N>,
        edge: Edge,
        sizes: Sizes,
        place: impl FnOnce(&mut Branch<K>, usize, N) -> u32,
    ) -> Option<Split<K, SharedBranch<K>>> {
        if self.children.len() < sizes.branch {
            self.place(child, split, place);
            return None;
        }
        // At an edge the small side gets two children, the new one among them, never one: a leaf must always have a
        // neighbour to merge with.
        let left_len = match edge {
            Edge::First => 1,
            Edge::Inner => sizes.branch / 2,
            Edge::Last => sizes.branch - 1,
        };
        let (key, mut right) = self.split_at(left_len);
        if child < left_len {
            self.place(child, split, place);
        } else {
            right.place(child - left_len, split, place);
        }
        Some(Split { key, right: SharedBranch::new(right) })
    }

    fn place<N>(&mut self, child: usize, split: Split<K, N>, place: impl FnOnce(&mut Branch<K>, usize, N) -> u32) {
        self.open_start(child + 1);
        let kept = place(self, child, split.right);
        self.starts[child + 1] = self.starts[child] + kept + 1;
        self.keys.insert(child, split.key);
    }

    /// Splits off the children from `at` on; the key that stood before them goes between the two halves.
    fn split_at(&mut self, at: usize) -> (K, Branch<K>) {
        let end = self.children.len();
        let base = self.starts[at];
        let mut starts = [0; BRANCH_MAX + 1];
        for (to, from) in starts.iter_mut().zip(&self.starts[at..=end]) {
            *to = from - base;
        }
        let children = self.children.split_off(at);
        let keys = self.keys.drain(at..).collect();
        let key = self.keys.pop().expect("a key stands before every child but the first");
        (key, Branch { born: self.born, starts, keys, children })
    }

    /// After a removal below `child`: counts it, and merges the child with a neighbour, or fills it from one, if it has
    /// become too small.
    pub fn removed_below(&mut self, child: usize, sizes: Sizes, seal: Seal) {
        self.count_down(child);
        if self.is_thin(child, sizes) {
            self.mend(child, sizes, seal);
        }
    }

    fn is_thin(&self, child: usize, sizes: Sizes) -> bool {
        match &self.children {
            Children::Leaves(_) => self.child_size(child) < sizes.leaf_min(),
            Children::Branches(branches) => branches[child].children.len() < sizes.branch_min(),
        }
    }

    /// The left one of `child` and the neighbour that it is mended with.
    pub fn pair_of(child: usize) -> usize {
        child.saturating_sub(1)
    }

    fn mend(&mut self, child: usize, sizes: Sizes, seal: Seal) {
        let left = Self::pair_of(child);
        match &self.children {
            Children::Leaves(_) => {
                if self.child_size(left) + 1 + self.child_size(left + 1) <= sizes.leaf {
                    self.merge_leaves(left, seal);
                } else {
                    self.level_leaves(left, seal);
                }
            }
            Children::Branches(branches) => {
                let (left_len, right_len) = (branches[left].children.len(), branches[left + 1].children.len());
                if left_len + right_len <= sizes.branch {
                    self.merge_branches(left, seal);
                } else {
                    let grows = if left_len < right_len { Side::Left } else { Side::Right };
                    self.level_branches(left, grows, seal);
                }
            }
        }
    }

    /// Closes the gap that the child `at`, merged into the one before, left in `starts`.
    fn close_start(&mut self, at: usize) {
        let end = self.children.len() + 1;
        self.starts.copy_within(at + 1..end + 1, at);
    }

    fn merge_leaves(&mut self, left: usize, seal: Seal) {
        let Children::Leaves(leaves) = &mut self.children else { unreachable!("called for leaves") };
        let mut right = leaves.remove(left + 1);
        let count = right.len();
        let mut into = leaves[left].edit(seal);
        into.push(self.keys.remove(left));
        into.take_head(&mut right.edit(seal), count);
        right.free(seal);
        self.close_start(left + 1);
    }

    /// Evens out two neighbouring leaves.
    fn level_leaves(&mut self, left: usize, seal: Seal) {
        let Children::Leaves(leaves) = &mut self.children else { unreachable!("called for leaves") };
        let (head, tail) = leaves.split_at_mut(left + 1);
        let (left_len, right_len) = (head[left].len(), tail[0].len());
        let (mut left_leaf, mut right_leaf) = (head[left].edit(seal), tail[0].edit(seal));
        let half = (left_len + right_len) / 2;
        let between = &mut self.keys[left];
        if left_len < half {
            let moved = half - left_len;
            left_leaf.push(std::mem::replace(between, right_leaf.remove(moved - 1)));
            left_leaf.take_head(&mut right_leaf, moved - 1);
        } else {
            let new_between = left_leaf.remove(half);
            right_leaf.insert(0, std::mem::replace(between, new_between));
            right_leaf.take_tail(&mut left_leaf, left_len - half - 1);
        }
        self.starts[left + 1] = self.starts[left] + head[left].len() as u32 + 1;
    }

    fn merge_branches(&mut self, left: usize, seal: Seal) {
        let Children::Branches(branches) = &mut self.children else { unreachable!("called for branches") };
        let right = branches.remove(left + 1).take(seal);
        let into = branches[left].edit(seal);
        let (kept, added) = (into.children.len(), right.children.len());
        let base = into.starts[kept];
        for (to, from) in into.starts[kept..].iter_mut().zip(&right.starts[..=added]) {
            *to = base + from;
        }
        into.keys.push(self.keys.remove(left));
        into.keys.extend(right.keys);
        match (&mut into.children, right.children) {
            (Children::Leaves(into), Children::Leaves(right)) => into.extend(right),
            (Children::Branches(into), Children::Branches(right)) => into.extend(right),
            _ => unreachable!("all leaves have the same depth"),
        }
        self.close_start(left + 1);
    }

    /// Moves one child between two neighbouring branches, to the one that `grows`. One is enough: it takes several
    /// merges below before that one is too small again.
    fn level_branches(&mut self, left: usize, grows: Side, seal: Seal) {
        let Children::Branches(branches) = &mut self.children else { unreachable!("called for branches") };
        let (head, tail) = branches.split_at_mut(left + 1);
        let (left_branch, right_branch) = (head[left].edit(seal), tail[0].edit(seal));
        let between = &mut self.keys[left];
        match grows {
            Side::Left => {
                let size = right_branch.child_size(0) as u32;
                let key = std::mem::replace(between, right_branch.keys.remove(0));
                left_branch.push_child(key, right_branch.children.remove(0), size);
                right_branch.starts.copy_within(1.., 0);
                let base = right_branch.starts[0];
                right_branch.starts.iter_mut().for_each(|start| *start = start.wrapping_sub(base));
            }
            Side::Right => {
                let last = left_branch.children.len() - 1;
                let size = left_branch.child_size(last) as u32;
                let key = left_branch.keys.pop().expect("the bigger branch has several children");
                right_branch.keys.insert(0, std::mem::replace(between, key));
                right_branch.children.insert(0, left_branch.children.remove(last));
                right_branch.starts.copy_within(..BRANCH_MAX, 1);
                right_branch.starts[0] = 0;
                right_branch.starts[1..].iter_mut().for_each(|start| *start = start.wrapping_add(size + 1));
            }
        }
        self.starts[left + 1] = self.starts[left] + head[left].size() + 1;
    }

    fn push_child(&mut self, key: K, child: Child<K>, size: u32) {
        let end = self.children.len();
        self.starts[end + 1] = self.starts[end] + size + 1;
        self.keys.push(key);
        self.children.insert(end, child);
    }
}

impl<K: Ord> Branch<K> {
    /// Checks order, counts, fill and depth; returns the elements below and the height.
    ///
    /// `low` and `high` are the keys around this branch; without one the branch lies at that edge of the tree, where
    /// nodes may be small.
    pub fn validate(&self, low: Option<&K>, high: Option<&K>, sizes: Sizes) -> Result<(usize, usize), String> {
        let count = self.children.len();
        let at_edge = low.is_none() || high.is_none();
        let least = if at_edge { 2 } else { sizes.branch_min() };
        if count < least || count > sizes.branch {
            return Err(format!("a branch has {count} children, not {least} to {}", sizes.branch));
        }
        if self.keys.len() + 1 != count {
            return Err(format!("a branch has {count} children and {} keys", self.keys.len()));
        }
        if self.starts[0] != 0 {
            return Err(format!("a branch starts at {}, not at 0", self.starts[0]));
        }
        let mut height = None;
        for child in 0..count {
            let low = if child == 0 { low } else { Some(&self.keys[child - 1]) };
            let high = if child + 1 == count { high } else { Some(&self.keys[child]) };
            let (size, child_height) = match &self.children {
                Children::Leaves(leaves) => (validate_leaf(&leaves[child], low, high, sizes)?, 0),
                Children::Branches(branches) => branches[child].validate(low, high, sizes)?,
            };
            if size != self.child_size(child) {
                let counted = self.child_size(child);
                return Err(format!("child {child} holds {size} elements, counted as {counted}"));
            }
            if *height.get_or_insert(child_height) != child_height {
                return Err(format!("child {child} has height {child_height}, not {height:?}"));
            }
        }
        Ok((self.size() as usize, height.map_or(0, |below| below + 1)))
    }
}

/// Checks order and fill of a leaf between `low` and `high`; returns the number of its keys.
pub(super) fn validate_leaf<K: Ord>(
    leaf: &Leaf<K>,
    low: Option<&K>,
    high: Option<&K>,
    sizes: Sizes,
) -> Result<usize, String> {
    let at_edge = low.is_none() || high.is_none();
    let least = if at_edge { 1 } else { sizes.leaf_min() };
    if leaf.len() < least || leaf.len() > sizes.leaf {
        return Err(format!("a leaf has {} keys, not {least} to {}", leaf.len(), sizes.leaf));
    }
    let keys = low.into_iter().chain(leaf.iter()).chain(high);
    if !keys.is_sorted_by(|a, b| a.cmp(b).is_lt()) {
        return Err("the keys of a leaf are out of order".into());
    }
    Ok(leaf.len())
}
