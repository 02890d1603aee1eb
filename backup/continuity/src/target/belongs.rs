//! Is this vault the one that was there yesterday? Pure. An empty or foreign vault in its place would be filled in
//! silence, and the one with the history would be missed on the day of the fire.

use super::KnownVault;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Belongs<'a> {
    /// Yesterday's.
    Known,
    /// The first under this name, or one more disk of a rotation.
    New,
    /// Another one was there: the newest of them.
    Foreign(&'a KnownVault),
}

/// `found` is what lies there now; `None` where there is no vault at all.
pub(crate) fn judge<'a>(
    takes_turns: bool,
    known: &'a [KnownVault],
    found: Option<&str>,
) -> Belongs<'a> {
    let newest = known.iter().max_by_key(|k| k.seen);
    match (found, newest) {
        (Some(found), _) if known.iter().any(|k| k.vault == found) => Belongs::Known,
        (Some(_), Some(newest)) if !takes_turns => Belongs::Foreign(newest),
        (None, Some(newest)) => Belongs::Foreign(newest),
        (_, _) => Belongs::New,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use state::Timestamp;

    fn known(vault: &str, seen: i64) -> KnownVault {
        KnownVault {
            vault: vault.into(),
            device: "//nas/backup".into(),
            first: Timestamp(0),
            seen: Timestamp(seen),
        }
    }

    #[test]
    fn yesterday_s_vault_is_told_from_any_other() {
        let one = [known("a", 1)];
        let two = [known("a", 5), known("b", 2)];
        for (case, turns, known, found, want) in [
            ("the first", false, &[][..], Some("a"), Belongs::New),
            ("nothing yet", false, &[][..], None, Belongs::New),
            ("the same", false, &one[..], Some("a"), Belongs::Known),
            (
                "another",
                false,
                &one[..],
                Some("b"),
                Belongs::Foreign(&one[0]),
            ),
            ("emptied", false, &one[..], None, Belongs::Foreign(&one[0])),
            ("one more disk", true, &one[..], Some("b"), Belongs::New),
            (
                "an empty disk",
                true,
                &two[..],
                None,
                Belongs::Foreign(&two[0]),
            ),
            ("its turn", true, &two[..], Some("b"), Belongs::Known),
        ] {
            assert_eq!(judge(turns, known, found), want, "{case}");
        }
    }
}
