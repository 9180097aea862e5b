//! A compiled JSON schema: its parts, and which of them can be finished within which depth.
//!
//! Owns the parts and what follows from them alone; reading a document is the business of `place`, and
//! which schemas are understood that of the server.
//!
//! Invariant: from the root, a document of bounded depth can be written, and no part is an alternative of
//! itself.

use super::number::Bounds;

/// Objects and arrays that may be open inside each other.
pub(super) const MOST_DEPTH: usize = 16;

/// A part of a schema by its position in the grammar.
pub type NodeId = usize;

/// A part of a schema.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// An object of these members, in this order.
    Object(Vec<Member>),
    /// A list of so many items.
    Array { items: NodeId, least: usize, most: usize },
    /// A text of so many characters.
    Text { least: usize, most: usize },
    /// A number.
    Number(Bounds),
    /// One of these values, as JSON, ascending.
    Literals(Vec<String>),
    /// One of several parts.
    Any(Vec<NodeId>),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its name as JSON, with the quotes.
    pub name: String,
    /// What it holds.
    pub node: NodeId,
    /// Whether it may not be left out.
    pub is_required: bool,
}

/// A compiled schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Grammar {
    nodes: Vec<Node>,
    root: NodeId,
    /// How many objects and arrays must at least be open inside each other to finish each part.
    needs: Vec<usize>,
}

impl Grammar {
    /// Returns the grammar of these parts, or `None` where no document can be finished within the depth.
    #[must_use]
    pub fn new(mut nodes: Vec<Node>, root: NodeId) -> Option<Self> {
        // Alternatives of alternatives are alternatives; those that only lead back to themselves are none.
        let leaves: Vec<(NodeId, Vec<NodeId>)> = (0..nodes.len())
            .filter(|node| matches!(nodes[*node], Node::Any(_)))
            .map(|node| (node, leaves(&nodes, node)))
            .collect();
        for (node, leaves) in leaves {
            nodes[node] = Node::Any(leaves);
        }
        let mut needs = vec![usize::MAX; nodes.len()];
        // Each round settles at least one more part, or none will be any more.
        for _ in 0..nodes.len() {
            let need = |needs: &[usize], node: &Node| match node {
                Node::Object(members) => {
                    let required = members.iter().filter(|member| member.is_required);
                    required.map(|member| needs[member.node]).max().unwrap_or(0).saturating_add(1)
                }
                Node::Array { items, least, .. } => {
                    (if *least > 0 { needs[*items] } else { 0 }).saturating_add(1)
                }
                Node::Any(parts) => parts.iter().map(|part| needs[*part]).min().unwrap_or(usize::MAX),
                Node::Text { .. } | Node::Number(_) | Node::Literals(_) => 0,
            };
            let next: Vec<usize> = nodes.iter().map(|node| need(&needs, node)).collect();
            if next == needs {
                break;
            }
            needs = next;
        }
        (*needs.get(root)? <= MOST_DEPTH).then_some(Self { nodes, root, needs })
    }

    /// Returns the parts.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns the root.
    pub(super) fn root(&self) -> NodeId {
        self.root
    }

    /// Returns how many objects and arrays must at least be open inside each other to finish a part.
    pub(super) fn need(&self, node: NodeId) -> usize {
        self.needs[node]
    }

    /// Returns the members of an object.
    pub(super) fn members(&self, node: NodeId) -> &[Member] {
        match &self.nodes[node] {
            Node::Object(members) => members,
            Node::Array { .. } | Node::Text { .. } | Node::Number(_) | Node::Literals(_) | Node::Any(_) => {
                &[]
            }
        }
    }

    /// Returns what a list holds and how many.
    pub(super) fn list(&self, node: NodeId) -> (NodeId, usize, usize) {
        match self.nodes[node] {
            Node::Array { items, least, most } => (items, least, most),
            Node::Object(_) | Node::Text { .. } | Node::Number(_) | Node::Literals(_) | Node::Any(_) => {
                (node, 0, 0)
            }
        }
    }

    /// Returns the values to choose from.
    pub(super) fn literals(&self, node: NodeId) -> &[String] {
        match &self.nodes[node] {
            Node::Literals(list) => list,
            Node::Object(_) | Node::Array { .. } | Node::Text { .. } | Node::Number(_) | Node::Any(_) => &[],
        }
    }

    /// Returns the bounds of a number.
    pub(super) fn bounds(&self, node: NodeId) -> Option<Bounds> {
        match self.nodes[node] {
            Node::Number(bounds) => Some(bounds),
            Node::Object(_) | Node::Array { .. } | Node::Text { .. } | Node::Literals(_) | Node::Any(_) => {
                None
            }
        }
    }

    /// Returns how many characters a text has at least and at most.
    pub(super) fn lengths(&self, node: NodeId) -> (usize, usize) {
        match self.nodes[node] {
            Node::Text { least, most } => (least, most),
            Node::Object(_) | Node::Array { .. } | Node::Number(_) | Node::Literals(_) | Node::Any(_) => {
                (0, 0)
            }
        }
    }
}

/// Returns the parts that are no alternatives themselves and that one leads to.
fn leaves(nodes: &[Node], node: NodeId) -> Vec<NodeId> {
    let (mut seen, mut open, mut leaves) = (vec![false; nodes.len()], vec![node], Vec::new());
    while let Some(node) = open.pop() {
        if std::mem::replace(&mut seen[node], true) {
            continue;
        }
        match &nodes[node] {
            Node::Any(parts) => open.extend(parts.iter().rev()),
            Node::Object(_)
            | Node::Array { .. }
            | Node::Text { .. }
            | Node::Number(_)
            | Node::Literals(_) => {
                leaves.push(node);
            }
        }
    }
    leaves
}
