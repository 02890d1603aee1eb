//! What a snapshot holds, one entry after the other.

use crate::node::Node;
use crate::problem::show;
use crate::{Error, Problem, Snapshot, Vault, deep};

/// Told an entry and how deep it lies (0 for the first ones); its error ends the walk.
pub type Tell<'a> = &'a mut (dyn FnMut(&Node, usize) -> Result<(), Error> + Send);

/// Tells everything in a snapshot, or what lies in the folder at `path`, folders before what they hold, in the order of
/// names. One folder of each level is in memory. A folder that cannot be read is a problem.
pub fn each(
    vault: &Vault,
    snapshot: &Snapshot,
    path: &[u8],
    tell: Tell<'_>,
) -> Result<Vec<Problem>, Error> {
    let nodes = vault.list(snapshot, path)?;
    deep::run(|| {
        let mut problems = Vec::new();
        for node in nodes {
            visit(vault, &node, 0, tell, &mut problems)?;
        }
        Ok(problems)
    })
}

fn visit(
    vault: &Vault,
    node: &Node,
    depth: usize,
    tell: Tell<'_>,
    problems: &mut Vec<Problem>,
) -> Result<(), Error> {
    tell(node, depth)?;
    if !node.is_dir() || depth > deep::LEVELS {
        return Ok(());
    }
    match vault.inner.children(node) {
        Ok(children) => {
            for child in children {
                visit(vault, &child, depth + 1, tell, problems)?;
            }
        }
        Err(error) => problems.push(Problem::new(show(&node.path), error.to_string())),
    }
    Ok(())
}
