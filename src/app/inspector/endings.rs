//! The variants of an answer as a tree: each under the one it goes on from, in the order they were
//! asked for.

use crate::core::run::Run;

/// A variant in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// Its place among the variants.
    pub index: usize,
    /// How many variants it hangs on.
    pub depth: usize,
}

/// Returns the variants in the order of the tree. One whose parent is not among them stands at the
/// root.
#[must_use]
pub fn endings(variants: &[&Run]) -> Vec<Ending> {
    let parent = |run: &Run| {
        let parent = run.branch?.parent;
        variants.iter().position(|other| other.id == parent)
    };
    let mut out = Vec::with_capacity(variants.len());
    // A parent is older than its branches, so there is no circle to walk into.
    let mut open: Vec<Ending> = Vec::new();
    let roots = (0..variants.len()).rev().filter(|index| parent(variants[*index]).is_none());
    open.extend(roots.map(|index| Ending { index, depth: 0 }));
    while let Some(ending) = open.pop() {
        out.push(ending);
        let limbs =
            (ending.index + 1..variants.len()).rev().filter(|i| parent(variants[*i]) == Some(ending.index));
        open.extend(limbs.map(|index| Ending { index, depth: ending.depth + 1 }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::branch::{Branch, Verification};
    use crate::core::id::RunId;
    use crate::core::request::{Means, Request, Sampling};
    use crate::core::time::Timestamp;
    use std::sync::Arc;

    fn run(id: u64, parent: Option<u64>) -> Run {
        let request = Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: Vec::new(),
            sampling: Sampling::default(),
            stream: true,
            continuation: None,
        };
        let mut run = Run::new(RunId(id), Arc::new(request), Timestamp::default());
        run.branch = parent.map(|parent| Branch {
            parent: RunId(parent),
            at: 0,
            means: Means::Prefill,
            verification: Verification::Given,
            inherited: 0,
        });
        run
    }

    #[test]
    fn branches_stand_under_what_they_go_on_from() {
        let variants =
            [run(1, None), run(2, None), run(3, Some(1)), run(4, Some(3)), run(5, Some(1)), run(6, Some(99))];
        let variants: Vec<&Run> = variants.iter().collect();
        let order: Vec<_> = endings(&variants).iter().map(|ending| (ending.index, ending.depth)).collect();
        assert_eq!(order, [(0, 0), (2, 1), (3, 2), (4, 1), (1, 0), (5, 0)]);
    }
}
