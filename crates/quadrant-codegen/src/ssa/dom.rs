//! Dominators of an acyclic graph, built while walking it in topological order.

use super::ir::{Block, Func};

/// The dominator tree. Each node also has a skip pointer, so that walks up take logarithmic time
/// even where thousands of blocks dominate one another in a row.
#[derive(Debug)]
pub struct DomTree {
    nodes: Vec<Option<Node>>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    parent: Block,
    skip: Block,
    depth: u32,
}

impl DomTree {
    /// A tree for `blocks` blocks of which none is known to be reachable yet.
    pub fn new(blocks: usize) -> DomTree {
        DomTree { nodes: vec![None; blocks] }
    }

    /// The dominator tree of a whole function.
    pub fn of(func: &Func) -> DomTree {
        let mut tree = DomTree::new(func.blocks.len());
        if let Some(&entry) = func.order.first() {
            tree.set_root(entry);
        }
        for &block in &func.order {
            if !tree.is_reachable(block) {
                continue;
            }
            for edge in func.block(block).term.iter().flat_map(|term| term.edges()) {
                tree.add_edge(block, edge.to);
            }
        }
        tree
    }

    /// Makes `entry` the root.
    pub fn set_root(&mut self, entry: Block) {
        self.nodes[entry.index()] = Some(Node { parent: entry, skip: entry, depth: 0 });
    }

    /// Adds an edge from a reachable block whose own incoming edges are all added.
    pub fn add_edge(&mut self, from: Block, to: Block) {
        let parent = match self.nodes[to.index()] {
            Some(node) => self.common(node.parent, from),
            None => from,
        };
        let up = self.node(parent);
        let skip = self.node(up.skip);
        let far = self.node(skip.skip);
        let jumps_alike = up.depth - skip.depth == skip.depth - far.depth;
        let skip = if jumps_alike { skip.skip } else { parent };
        self.nodes[to.index()] = Some(Node { parent, skip, depth: up.depth + 1 });
    }

    /// Whether a way from the entry leads to `block`.
    pub fn is_reachable(&self, block: Block) -> bool {
        self.nodes.get(block.index()).is_some_and(Option::is_some)
    }

    /// Whether every way from the entry to `below` goes through `above`.
    pub fn dominates(&self, above: Block, below: Block) -> bool {
        let (Some(Some(top)), Some(Some(bottom))) = (self.nodes.get(above.index()), self.nodes.get(below.index()))
        else {
            return false;
        };
        top.depth <= bottom.depth && self.ancestor_at(below, top.depth) == above
    }

    fn ancestor_at(&self, mut block: Block, depth: u32) -> Block {
        while self.node(block).depth > depth {
            let node = self.node(block);
            block = if self.node(node.skip).depth >= depth { node.skip } else { node.parent };
        }
        block
    }

    fn common(&self, a: Block, b: Block) -> Block {
        let depth = self.node(a).depth.min(self.node(b).depth);
        let (mut a, mut b) = (self.ancestor_at(a, depth), self.ancestor_at(b, depth));
        while a != b {
            let (left, right) = (self.node(a), self.node(b));
            // Nodes of one depth have skips of one depth.
            (a, b) = if left.skip == right.skip { (left.parent, right.parent) } else { (left.skip, right.skip) };
        }
        a
    }

    /// The node of a reachable block; the root stands in for one that is not.
    fn node(&self, block: Block) -> Node {
        self.nodes[block.index()].unwrap_or(Node { parent: block, skip: block, depth: 0 })
    }
}
