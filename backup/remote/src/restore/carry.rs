//! What SFTP version 3 can carry of an entry; pure.

use vault::{Node, NodeKind};

use crate::packet::Change;

/// Set-user-ID and set-group-ID.
pub(super) const RUNS_AS: u32 = 0o6000;

/// The owner, to be changed first: it takes the bits of [`RUNS_AS`] away.
pub(super) fn owner(node: &Node) -> Change {
    Change {
        owner: Some((node.uid, node.gid)),
        ..Change::default()
    }
}

/// A program must not run as somebody it does not belong to.
pub(super) fn mode(node: &Node, is_owned: bool) -> Change {
    let mode = match is_owned {
        true => node.mode & 0o7777,
        false => node.mode & 0o7777 & !RUNS_AS,
    };
    Change {
        mode: Some(mode),
        ..Change::default()
    }
}

pub(super) fn times(node: &Node) -> Change {
    Change {
        times: Some((second(node.atime_s).0, second(node.mtime_s).0)),
        ..Change::default()
    }
}

/// The nearest second between 1970 and 2106, and whether it is the right one.
fn second(second: i64) -> (u32, bool) {
    match u32::try_from(second) {
        Ok(second) => (second, true),
        Err(_) if second < 0 => (0, false),
        Err(_) => (u32::MAX, false),
    }
}

/// What must be said of an entry that was restored.
pub(super) fn notes(node: &Node) -> Vec<String> {
    match second(node.mtime_s).1 {
        true => Vec::new(),
        false => vec![
            "its time of change lies before 1970 or after 2106, which SFTP cannot carry; it has the nearest it can"
                .to_owned(),
        ],
    }
}

/// Why an entry cannot be made over SFTP at all.
pub(super) fn refused(kind: &NodeKind) -> Option<String> {
    match kind {
        NodeKind::File | NodeKind::Dir | NodeKind::Symlink { .. } => None,
        other => Some(format!(
            "was not restored: it is a {}, which SFTP cannot make; make it on the machine itself, or restore there with `reprise vault restore`",
            other.name()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_do_not_fit_are_the_nearest() {
        for (given, want) in [
            (0, (0, true)),
            (1_700_000_000, (1_700_000_000, true)),
            (i64::from(u32::MAX), (u32::MAX, true)),
            (i64::from(u32::MAX) + 1, (u32::MAX, false)),
            (-1, (0, false)),
            (i64::MIN, (0, false)),
        ] {
            assert_eq!(second(given), want, "{given}");
        }
    }

    #[test]
    fn what_cannot_be_made_is_named() {
        for (kind, want) in [
            (NodeKind::File, None),
            (NodeKind::Dir, None),
            (NodeKind::Fifo, Some("named pipe")),
            (NodeKind::Socket, Some("socket")),
            (
                NodeKind::BlockDevice { major: 8, minor: 0 },
                Some("block device"),
            ),
        ] {
            let said = refused(&kind);
            assert_eq!(said.is_some(), want.is_some(), "{kind:?}");
            assert!(said.unwrap_or_default().contains(want.unwrap_or_default()));
        }
    }
}
