//! What becomes of a name of the destination; pure.

use crate::node::{Node, NodeKind};

use super::Overwrite;

/// What lies under a name of the destination, links not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct There {
    pub kind: NodeKind,
    pub size: u64,
    pub mtime_s: i64,
    /// `None` where only whole seconds are known.
    pub mtime_ns: Option<u32>,
    /// How many names the file has, where that is known.
    pub links: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing is there.
    New,
    /// A folder, and one is there.
    Enter,
    /// What is there looks like what was saved: it stays.
    Same,
    /// What is there is lost. `newer`: it was changed after what was saved.
    Replace { newer: bool },
    /// What is there stays, and nothing is restored.
    Keep,
    /// What is there stays, and the saved one gets a name of its own beside it: [`sibling`].
    Beside,
    /// A folder is where a file would be, or the other way round: never replaced.
    Blocked,
}

/// What a restore does with `node` when `there` is under its name.
pub fn fate(node: &Node, there: Option<&There>, overwrite: Overwrite) -> Fate {
    let Some(there) = there else { return Fate::New };
    if node.is_dir() && there.kind == NodeKind::Dir {
        return Fate::Enter;
    }
    if node.is_dir() || there.kind == NodeKind::Dir {
        return Fate::Blocked;
    }
    if is_same(node, there) {
        return Fate::Same;
    }
    match overwrite {
        Overwrite::Refuse | Overwrite::Keep => Fate::Keep,
        Overwrite::Older if !is_older(node, there) => Fate::Keep,
        Overwrite::Older | Overwrite::Replace => Fate::Replace {
            newer: is_newer(node, there),
        },
        Overwrite::Beside => Fate::Beside,
    }
}

/// A file with the saved size and time of change, which stood alone and still does; or a link to the same place, or the
/// same device.
pub(crate) fn is_same(node: &Node, there: &There) -> bool {
    let stands_alone = there.links.is_none_or(|links| links == 1) || node.links > 1;
    if node.kind != NodeKind::File {
        return node.kind == there.kind && stands_alone;
    }
    there.kind == NodeKind::File
        && there.size == node.size
        && there.mtime_s == node.mtime_s
        && there.mtime_ns.is_none_or(|ns| ns == node.mtime_ns)
        && stands_alone
}

/// Changed before what was saved. Where only whole seconds are known, the same second is not before.
fn is_older(node: &Node, there: &There) -> bool {
    let ns = there.mtime_ns.unwrap_or(node.mtime_ns);
    (there.mtime_s, ns) < (node.mtime_s, node.mtime_ns)
}

fn is_newer(node: &Node, there: &There) -> bool {
    let ns = there.mtime_ns.unwrap_or(node.mtime_ns);
    (there.mtime_s, ns) > (node.mtime_s, node.mtime_ns)
}

/// No ending is longer: `.numbers`, `.sqlite3`.
const LONGEST_ENDING: usize = 8;

/// The name beside `name` under which a saved file is restored when another has its name: `letter.odt` becomes
/// `letter.restored-1a2b3c4d.odt`, so that it still opens with a double click. Always the same for one snapshot, so that
/// a restore that is resumed finds its own.
pub fn sibling(name: &[u8], snapshot: &crate::SnapshotId) -> Vec<u8> {
    let id = snapshot.to_string();
    let mark = format!(".restored-{}", id.get(..8).unwrap_or(&id));
    let is_ending = |ending: &[u8]| {
        !ending.is_empty()
            && ending.len() <= LONGEST_ENDING
            && ending.iter().all(u8::is_ascii_alphanumeric)
    };
    let dot = name.iter().rposition(|byte| *byte == b'.');
    match dot {
        Some(at) if at > 0 && is_ending(&name[at + 1..]) => {
            [&name[..at], mark.as_bytes(), &name[at..]].concat()
        }
        _ => [name, mark.as_bytes()].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SnapshotId;
    use crate::format::tree::tests::node;

    fn file(size: u64, mtime_s: i64, mtime_ns: u32) -> There {
        There {
            kind: NodeKind::File,
            size,
            mtime_s,
            mtime_ns: Some(mtime_ns),
            links: Some(1),
        }
    }

    #[test]
    fn what_is_there_and_the_policy_decide() {
        use Overwrite::{Beside, Keep, Older, Refuse, Replace};
        let saved = Node {
            size: 5,
            mtime_s: 100,
            mtime_ns: 9,
            links: 1,
            ..node(b"a", NodeKind::File)
        };
        let folder = There {
            kind: NodeKind::Dir,
            ..file(0, 0, 0)
        };
        let (older, newer) = (
            Fate::Replace { newer: false },
            Fate::Replace { newer: true },
        );
        let table = [
            // there, then: refuse, keep, older, replace, beside
            (None, [Fate::New; 5]),
            (Some(file(5, 100, 9)), [Fate::Same; 5]),
            (
                Some(file(5, 99, 9)),
                [Fate::Keep, Fate::Keep, older, older, Fate::Beside],
            ),
            (
                Some(file(5, 100, 8)),
                [Fate::Keep, Fate::Keep, older, older, Fate::Beside],
            ),
            (
                Some(file(5, 100, 10)),
                [Fate::Keep, Fate::Keep, Fate::Keep, newer, Fate::Beside],
            ),
            // Another content of the same moment: nobody knows which is the right one.
            (
                Some(file(6, 100, 9)),
                [Fate::Keep, Fate::Keep, Fate::Keep, older, Fate::Beside],
            ),
            (Some(folder), [Fate::Blocked; 5]),
        ];
        for (there, wanted) in table {
            for (overwrite, want) in [Refuse, Keep, Older, Replace, Beside].iter().zip(wanted) {
                let got = fate(&saved, there.as_ref(), *overwrite);
                assert_eq!(got, want, "{there:?} {overwrite:?}");
            }
        }
    }

    #[test]
    fn folders_are_entered_and_never_replaced_and_links_are_compared_by_where_they_lead() {
        let dir = node(b"a", NodeKind::Dir);
        let link = |to: &[u8]| NodeKind::Symlink {
            target: to.to_vec(),
        };
        let is = |kind| There {
            kind,
            ..file(0, 0, 0)
        };
        for (node, there, want) in [
            (&dir, is(NodeKind::Dir), Fate::Enter),
            (&dir, is(NodeKind::File), Fate::Blocked),
            (&dir, is(link(b"/etc")), Fate::Blocked),
            (&node(b"l", link(b"x")), is(link(b"x")), Fate::Same),
            (
                &node(b"l", link(b"x")),
                is(link(b"y")),
                Fate::Replace { newer: false },
            ),
        ] {
            let replace = fate(node, Some(&there), Overwrite::Replace);
            let same = matches!(
                (replace, want),
                (Fate::Replace { .. }, Fate::Replace { .. })
            );
            assert!(replace == want || same, "{replace:?}");
        }
    }

    #[test]
    fn whole_seconds_are_enough_where_there_is_no_more() {
        let saved = Node {
            size: 5,
            mtime_s: 100,
            mtime_ns: 9,
            links: 1,
            ..node(b"a", NodeKind::File)
        };
        let there = There {
            mtime_ns: None,
            links: None,
            ..file(5, 100, 0)
        };
        assert_eq!(fate(&saved, Some(&there), Overwrite::Replace), Fate::Same);
        let other = There { size: 6, ..there };
        assert_eq!(fate(&saved, Some(&other), Overwrite::Older), Fate::Keep);
    }

    #[test]
    fn a_sibling_keeps_its_ending() {
        let id = SnapshotId::from_bytes([0x1a; 16]);
        for (name, want) in [
            ("letter.odt", "letter.restored-1a1a1a1a.odt"),
            ("a.tar.gz", "a.tar.restored-1a1a1a1a.gz"),
            ("Makefile", "Makefile.restored-1a1a1a1a"),
            (".profile", ".profile.restored-1a1a1a1a"),
            ("end.", "end..restored-1a1a1a1a"),
            (
                "v1. A long sentence",
                "v1. A long sentence.restored-1a1a1a1a",
            ),
        ] {
            assert_eq!(sibling(name.as_bytes(), &id), want.as_bytes(), "{name}");
        }
    }
}
