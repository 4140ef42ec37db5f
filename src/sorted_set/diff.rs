//! What two versions of a set differ by. Both are walked in key order, side by side, and what is next is a node or a
//! key. A node that is next in both is skipped as a whole. Else the higher of two nodes is entered, or both, until two
//! keys are next, which are compared. Behind a difference the two soon come to the start of the same node again.

use super::memory::{Leaf, Node, SharedBranch};
use super::node::Children;
use super::tree::Tree;
use std::cmp::Ordering;
use std::fmt;
use std::iter::FusedIterator;
use std::slice;

/// A key that one of two sets has and the other has not. From [`SortedSet::diff`](super::SortedSet::diff).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffItem<'a, K> {
    /// The newer set has no such key.
    Removed {
        /// Its rank in the older set.
        rank: usize,
        /// The key.
        key: &'a K,
    },
    /// The older set has no such key.
    Added {
        /// Its rank in the newer set.
        rank: usize,
        /// The key.
        key: &'a K,
    },
}

/// The differences between two sets, in key order. Made by [`SortedSet::diff`](super::SortedSet::diff).
pub struct Diff<'a, K> {
    old: Walk<'a, K>,
    new: Walk<'a, K>,
}

/// A place in the order of one tree, between two elements.
struct Walk<'a, K> {
    /// What lies ahead, the nearest last.
    ahead: Vec<Ahead<'a, K>>,
    /// Elements behind.
    rank: usize,
}

enum Ahead<'a, K> {
    Node(Subtree<'a, K>),
    Key(&'a K),
    Keys(slice::Iter<'a, K>),
}

enum Subtree<'a, K> {
    Leaf(&'a Leaf<K>),
    /// With its height: 1 over leaves.
    Branch(&'a SharedBranch<K>, u32),
}

/// What is next.
enum Next<'a, K> {
    Node(Subtree<'a, K>),
    Key(&'a K),
    End,
}

impl<'a, K> Diff<'a, K> {
    pub(super) fn new(old: &'a Tree<K>, new: &'a Tree<K>) -> Self {
        Diff { old: Walk::new(old), new: Walk::new(new) }
    }
}

impl<'a, K> Subtree<'a, K> {
    fn of(node: &'a Node<K>) -> Self {
        match node {
            Node::Leaf(leaf) => Subtree::Leaf(leaf),
            Node::Branch(branch) => Subtree::Branch(branch, height(branch)),
        }
    }

    fn height(&self) -> u32 {
        match self {
            Subtree::Leaf(_) => 0,
            Subtree::Branch(_, height) => *height,
        }
    }

    fn size(&self) -> usize {
        match self {
            Subtree::Leaf(leaf) => leaf.len(),
            Subtree::Branch(branch, _) => branch.size() as usize,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Subtree::Leaf(one), Subtree::Leaf(other)) => one.is_same(other),
            (Subtree::Branch(one, _), Subtree::Branch(other, _)) => one.is_same(other),
            _ => false,
        }
    }
}

fn height<K>(branch: &SharedBranch<K>) -> u32 {
    match &branch.children {
        Children::Leaves(_) => 1,
        Children::Branches(branches) => 1 + height(&branches[0]),
    }
}

impl<K> Clone for Subtree<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Subtree<'_, K> {}

impl<'a, K> Walk<'a, K> {
    fn new(tree: &'a Tree<K>) -> Self {
        Walk { ahead: vec![Ahead::Node(Subtree::of(tree.root()))], rank: 0 }
    }

    fn peek(&mut self) -> Next<'a, K> {
        loop {
            match self.ahead.last() {
                None => return Next::End,
                Some(Ahead::Node(node)) => return Next::Node(*node),
                Some(Ahead::Key(key)) => return Next::Key(key),
                Some(Ahead::Keys(keys)) => match keys.as_slice().first() {
                    Some(key) => return Next::Key(key),
                    None => self.ahead.pop(),
                },
            };
        }
    }

    /// Passes the key that is next, and tells its rank.
    fn pass_key(&mut self) -> usize {
        match self.ahead.last_mut() {
            Some(Ahead::Keys(keys)) => {
                keys.next();
            }
            _ => {
                self.ahead.pop();
            }
        }
        self.rank += 1;
        self.rank - 1
    }

    /// Passes the node that is next.
    fn pass_node(&mut self) {
        if let Some(Ahead::Node(node)) = self.ahead.pop() {
            self.rank += node.size();
        }
    }

    /// Replaces the node that is next by what is in it.
    fn enter(&mut self) {
        match self.ahead.pop() {
            Some(Ahead::Node(Subtree::Leaf(leaf))) => self.ahead.push(Ahead::Keys(leaf.iter())),
            Some(Ahead::Node(Subtree::Branch(branch, height))) => {
                for child in (0..branch.children.len()).rev() {
                    self.ahead.extend(branch.keys.get(child).map(Ahead::Key));
                    self.ahead.push(Ahead::Node(match &branch.children {
                        Children::Leaves(leaves) => Subtree::Leaf(&leaves[child]),
                        Children::Branches(branches) => Subtree::Branch(&branches[child], height - 1),
                    }));
                }
            }
            _ => unreachable!("a node is next"),
        }
    }
}

impl<'a, K: Ord> Iterator for Diff<'a, K> {
    type Item = DiffItem<'a, K>;

    fn next(&mut self) -> Option<DiffItem<'a, K>> {
        loop {
            match (self.old.peek(), self.new.peek()) {
                (Next::End, Next::End) => return None,
                (Next::Node(old), Next::Node(new)) if old.is_same(&new) => {
                    self.old.pass_node();
                    self.new.pass_node();
                }
                (Next::Node(old), Next::Node(new)) => {
                    let (old_height, new_height) = (old.height(), new.height());
                    if old_height >= new_height {
                        self.old.enter();
                    }
                    if new_height >= old_height {
                        self.new.enter();
                    }
                }
                (Next::Node(_), _) => self.old.enter(),
                (_, Next::Node(_)) => self.new.enter(),
                (Next::Key(key), Next::End) => return Some(DiffItem::Removed { rank: self.old.pass_key(), key }),
                (Next::End, Next::Key(key)) => return Some(DiffItem::Added { rank: self.new.pass_key(), key }),
                (Next::Key(old), Next::Key(new)) => match old.cmp(new) {
                    Ordering::Less => return Some(DiffItem::Removed { rank: self.old.pass_key(), key: old }),
                    Ordering::Greater => return Some(DiffItem::Added { rank: self.new.pass_key(), key: new }),
                    Ordering::Equal => {
                        self.old.pass_key();
                        self.new.pass_key();
                    }
                },
            }
        }
    }
}

impl<K: Ord> FusedIterator for Diff<'_, K> {}

impl<K> fmt::Debug for Diff<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diff").field("old_rank", &self.old.rank).field("new_rank", &self.new.rank).finish()
    }
}
