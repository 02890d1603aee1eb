//! What of the things that were seen is exposed. Pure.

use super::{Accepted, Engine, Exposed, Standing, What};
use state::Timestamp;
use std::path::{Path, PathBuf};

/// What the plans save.
#[derive(Clone, Debug, Default)]
pub struct Covered {
    pub folders: Vec<PathBuf>,
    /// Machines whose shares are mounted here and saved, in lower case.
    pub servers: Vec<String>,
    pub databases: Vec<(Engine, String)>,
}

/// Those that no plan saves as a whole: what somebody has to decide about first, then the accepted ones.
pub fn decide(
    seen: Vec<What>,
    covered: &Covered,
    accepted: &[Accepted],
    now: Timestamp,
) -> Vec<Exposed> {
    let mut seen = seen;
    seen.sort();
    seen.dedup();
    let mut exposed: Vec<Exposed> = seen
        .into_iter()
        .filter_map(|what| {
            let lack = lack(&what, covered)?;
            let object = what.object();
            let standing = match accepted.iter().find(|a| a.object == object) {
                Some(accepted) if accepted.until > now => Standing::Accepted(accepted.clone()),
                Some(accepted) => Standing::RunOut(accepted.clone()),
                None => lack,
            };
            Some(Exposed { what, standing })
        })
        .collect();
    exposed.sort_by_key(|exposed| !exposed.is_open());
    exposed
}

/// `None` when it is saved.
fn lack(what: &What, covered: &Covered) -> Option<Standing> {
    let of_folder = |folder: &Path| {
        if covered
            .folders
            .iter()
            .any(|saved| folder.starts_with(saved))
        {
            return None;
        }
        let inside = covered
            .folders
            .iter()
            .filter(|saved| saved.starts_with(folder));
        let inside: Vec<PathBuf> = inside.cloned().collect();
        Some(match inside.is_empty() {
            true => Standing::Open,
            false => Standing::Partly(inside),
        })
    };
    match what {
        What::Folder(folder) | What::Application { folder, .. } => of_folder(folder),
        What::Host { name, .. } => {
            let name = name.to_ascii_lowercase();
            let is_it = |server: &String| {
                *server == name || server.split('.').next() == Some(name.as_str())
            };
            (!covered.servers.iter().any(is_it)).then_some(Standing::Open)
        }
        What::Database { engine, name } => {
            let saved = |(of, database): &(Engine, String)| {
                of == engine && name.as_ref().is_none_or(|name| name == database)
            };
            (!covered.databases.iter().any(saved)).then_some(Standing::Open)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &str) -> What {
        What::Folder(path.into())
    }

    fn host(name: &str) -> What {
        What::Host {
            name: name.into(),
            mac: None,
        }
    }

    fn covered() -> Covered {
        Covered {
            folders: vec!["/srv/partage".into(), "/home/anne/compta".into()],
            servers: vec!["nas.lan".into(), "atelier-3".into()],
            databases: vec![(Engine::MariaDb, "dolibarr".into())],
        }
    }

    #[test]
    fn a_thing_is_exposed_unless_a_plan_saves_all_of_it() {
        let database = |engine, name: Option<&str>| What::Database {
            engine,
            name: name.map(str::to_owned),
        };
        for (what, want) in [
            (folder("/srv/partage"), None),
            (folder("/srv/partage/compta"), None),
            (folder("/srv/partages"), Some(Standing::Open)),
            (
                folder("/home/anne"),
                Some(Standing::Partly(vec!["/home/anne/compta".into()])),
            ),
            (folder("/home/bob"), Some(Standing::Open)),
            (host("ATELIER-3"), None),
            (host("nas"), None),
            (host("nas2"), Some(Standing::Open)),
            (database(Engine::MariaDb, Some("dolibarr")), None),
            (
                database(Engine::MariaDb, Some("paie")),
                Some(Standing::Open),
            ),
            (
                database(Engine::PostgreSql, Some("dolibarr")),
                Some(Standing::Open),
            ),
            (database(Engine::PostgreSql, None), Some(Standing::Open)),
        ] {
            let object = what.object();
            let found = decide(vec![what], &covered(), &[], Timestamp(0));
            let standing = found.into_iter().next().map(|exposed| exposed.standing);
            assert_eq!(standing, want, "{object}");
        }
    }

    #[test]
    fn an_accepted_risk_runs_out_and_comes_back() {
        let accepted = Accepted {
            object: "host ATELIER-9".into(),
            by: "anne".into(),
            why: "no data on it".into(),
            since: Timestamp(0),
            until: Timestamp(1000),
        };
        let at = |now| {
            let seen = vec![host("ATELIER-9"), folder("/srv/x")];
            let list = decide(
                seen,
                &covered(),
                std::slice::from_ref(&accepted),
                Timestamp(now),
            );
            let shown = list
                .into_iter()
                .map(|e| (e.what.object(), e.is_open(), e.standing));
            shown.collect::<Vec<_>>()
        };
        let open = ("folder /srv/x".to_owned(), true, Standing::Open);
        let name = || "host ATELIER-9".to_owned();
        assert_eq!(
            at(999),
            [
                open.clone(),
                (name(), false, Standing::Accepted(accepted.clone()))
            ]
        );
        assert_eq!(
            at(1000),
            [open, (name(), true, Standing::RunOut(accepted.clone()))]
        );
    }

    #[test]
    fn what_is_seen_twice_is_listed_once() {
        let seen = vec![folder("/srv/x"), folder("/srv/x")];
        assert_eq!(
            decide(seen, &Covered::default(), &[], Timestamp(0)).len(),
            1
        );
    }
}
