//! Iteration both ways: a cursor at each end, each with the path from the root to its leaf. (Links between leaves would
//! be shorter code, but a leaf that its neighbours point to cannot be shared between versions of a set.)

use super::memory::Node;
use super::node::{Branch, Children, LEAF_MAX};
use super::tree::Tree;
use smallvec::SmallVec;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::Range;
use std::slice;

/// The way down: each branch and the child taken. Eight levels hold 10 million keys even at the least fill.
type Path<'a, K> = SmallVec<[(&'a Branch<K>, usize); 8]>;

/// Leaves that are asked for ahead of the one that is read: together they hold a slice of a hundred keys.
const LEAVES_AHEAD: usize = 2;

/// The keys of a range of ranks, in order. Made by [`SortedSet::iter`](super::SortedSet::iter),
/// [`slice`](super::SortedSet::slice) and [`range`](super::SortedSet::range).
///
/// Knows its length, runs from both ends, and costs O(log n) once an end and O(1) amortised a key.
pub struct Iter<'a, K> {
    tree: &'a Tree<K>,
    /// The ranks that are still to come.
    ranks: Range<usize>,
    front: Option<Cursor<'a, K>>,
    back: Option<Cursor<'a, K>>,
}

/// A position between two elements.
struct Cursor<'a, K> {
    path: Path<'a, K>,
    /// The part of the current leaf that lies ahead.
    run: slice::Iter<'a, K>,
    /// Leaves are asked for before they are read: the set is in no cache.
    asks: bool,
}

/// Which part of the leaf lies ahead of a cursor.
#[derive(Clone, Copy)]
enum Toward {
    End,
    Start,
}

impl<'a, K> Iter<'a, K> {
    /// `ranks` must lie within the tree.
    pub(super) fn new(tree: &'a Tree<K>, ranks: Range<usize>) -> Self {
        Iter { tree, ranks, front: None, back: None }
    }
}

impl<'a, K> Cursor<'a, K> {
    /// The cursor before the element of this rank, or behind the last one; about `wanted` keys will be read.
    fn seek(tree: &'a Tree<K>, rank: usize, toward: Toward, wanted: usize) -> Self {
        let asks = tree.is_large() && matches!(toward, Toward::End);
        let mut cursor = Cursor { path: SmallVec::new(), run: [].iter(), asks };
        match tree.root() {
            Node::Leaf(leaf) => cursor.run = run(leaf, rank, toward),
            Node::Branch(branch) => cursor.descend(branch, rank, toward, wanted),
        }
        cursor
    }

    fn descend(&mut self, mut branch: &'a Branch<K>, rank: usize, toward: Toward, wanted: usize) {
        let mut within = rank;
        loop {
            let child = branch.child_at(within);
            within -= branch.starts[child] as usize;
            self.path.push((branch, child));
            match &branch.children {
                Children::Leaves(leaves) => {
                    if self.asks {
                        prefetch_from(branch, child, within, wanted);
                    }
                    self.run = run(&leaves[child], within, toward);
                    return;
                }
                Children::Branches(branches) => {
                    branch = &branches[child];
                    if self.asks {
                        branches[child].prefetch();
                    }
                }
            }
        }
    }

    /// Enters `child` of the branch that ends the path, at the end from which it will be read.
    fn enter(&mut self, branch: &'a Branch<K>, child: usize, toward: Toward) {
        match &branch.children {
            Children::Leaves(leaves) => {
                // The leaf behind the next one comes while this one is read.
                let ahead = child + LEAVES_AHEAD;
                if self.asks && ahead < leaves.len() {
                    leaves[ahead].prefetch(0, branch.child_size(ahead));
                }
                self.run = leaves[child].iter();
            }
            Children::Branches(branches) => {
                let below = &branches[child];
                let rank = match toward {
                    Toward::End => 0,
                    Toward::Start => below.size() as usize,
                };
                self.descend(below, rank, toward, LEAF_MAX);
            }
        }
    }

    /// The key between two leaves, when the run before it is used up.
    #[cold]
    fn next_between(&mut self) -> Option<&'a K> {
        loop {
            let (branch, child) = self.path.last_mut()?;
            if let Some(key) = branch.keys.get(*child) {
                *child += 1;
                let (branch, child) = (*branch, *child);
                self.enter(branch, child, Toward::End);
                return Some(key);
            }
            self.path.pop();
        }
    }

    #[cold]
    fn previous_between(&mut self) -> Option<&'a K> {
        loop {
            let (branch, child) = self.path.last_mut()?;
            if *child > 0 {
                *child -= 1;
                let (branch, child) = (*branch, *child);
                self.enter(branch, child, Toward::Start);
                return Some(&branch.keys[child]);
            }
            self.path.pop();
        }
    }
}

/// Asks for the keys that will be read, in this leaf of the branch from `at` on and in those behind it: the counts tell
/// where they are, so that they come all at once.
fn prefetch_from<K>(branch: &Branch<K>, child: usize, at: usize, wanted: usize) {
    let Children::Leaves(leaves) = &branch.children else { return };
    let (mut at, mut wanted) = (at, wanted);
    for (leaf, child) in leaves[child..].iter().zip(child..).take(1 + LEAVES_AHEAD) {
        let count = (branch.child_size(child) - at).min(wanted);
        leaf.prefetch(at, count);
        wanted -= count;
        if wanted == 0 {
            return;
        }
        at = 0;
    }
}

fn run<K>(leaf: &[K], at: usize, toward: Toward) -> slice::Iter<'_, K> {
    match toward {
        Toward::End => leaf[at..].iter(),
        Toward::Start => leaf[..at].iter(),
    }
}

impl<'a, K> Iterator for Iter<'a, K> {
    type Item = &'a K;

    #[inline]
    fn next(&mut self) -> Option<&'a K> {
        let wanted = self.ranks.len();
        let rank = self.ranks.next()?;
        let tree = self.tree;
        let cursor = self.front.get_or_insert_with(|| Cursor::seek(tree, rank, Toward::End, wanted));
        cursor.run.next().or_else(|| cursor.next_between())
    }

    /// Goes through whole runs, without a look at the ends for each key.
    fn fold<B, F>(self, init: B, mut f: F) -> B
    where
        F: FnMut(B, &'a K) -> B,
    {
        let mut left = self.ranks.len();
        if left == 0 {
            return init;
        }
        let mut cursor = self.front.unwrap_or_else(|| Cursor::seek(self.tree, self.ranks.start, Toward::End, left));
        let mut folded = init;
        loop {
            let run = cursor.run.as_slice();
            let run = &run[..run.len().min(left)];
            folded = run.iter().fold(folded, &mut f);
            left -= run.len();
            let between = if left > 0 { cursor.next_between() } else { None };
            let Some(key) = between else { return folded };
            folded = f(folded, key);
            left -= 1;
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ranks.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<&'a K> {
        self.ranks.start = self.ranks.start.saturating_add(n).min(self.ranks.end);
        self.front = None;
        self.next()
    }

    fn count(self) -> usize {
        self.ranks.len()
    }

    fn last(mut self) -> Option<&'a K> {
        self.next_back()
    }
}

impl<'a, K> DoubleEndedIterator for Iter<'a, K> {
    fn next_back(&mut self) -> Option<&'a K> {
        let rank = self.ranks.next_back()?;
        let tree = self.tree;
        let cursor = self.back.get_or_insert_with(|| Cursor::seek(tree, rank + 1, Toward::Start, 1));
        cursor.run.next_back().or_else(|| cursor.previous_between())
    }

    fn nth_back(&mut self, n: usize) -> Option<&'a K> {
        self.ranks.end = self.ranks.end.saturating_sub(n).max(self.ranks.start);
        self.back = None;
        self.next_back()
    }
}

impl<K> ExactSizeIterator for Iter<'_, K> {}
impl<K> FusedIterator for Iter<'_, K> {}

impl<K> Clone for Iter<'_, K> {
    fn clone(&self) -> Self {
        // The cursors are found again when they are needed.
        Iter { tree: self.tree, ranks: self.ranks.clone(), front: None, back: None }
    }
}

impl<K: fmt::Debug> fmt::Debug for Iter<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// The keys of a set by value, in order. Made by `into_iter`.
///
/// Takes each key out of the tree in O(log n), without a second copy of the set in memory.
pub struct IntoIter<K> {
    tree: Tree<K>,
}

impl<K> IntoIter<K> {
    pub(super) fn new(tree: Tree<K>) -> Self {
        IntoIter { tree }
    }
}

impl<K> Iterator for IntoIter<K> {
    type Item = K;

    fn next(&mut self) -> Option<K> {
        self.tree.remove_at(0)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.tree.len(), Some(self.tree.len()))
    }
}

impl<K> DoubleEndedIterator for IntoIter<K> {
    fn next_back(&mut self) -> Option<K> {
        self.tree.remove_at(self.tree.len().checked_sub(1)?)
    }
}

impl<K> ExactSizeIterator for IntoIter<K> {}
impl<K> FusedIterator for IntoIter<K> {}

impl<K: fmt::Debug> fmt::Debug for IntoIter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(Iter::new(&self.tree, 0..self.tree.len())).finish()
    }
}
