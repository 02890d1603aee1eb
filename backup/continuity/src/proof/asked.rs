//! What the application's recipe asks of a loaded copy: its last invoices are there, and their documents too.

use crate::blocking;
use crate::handle::{Continuity, Error};
use crate::source;
use crate::source::recipe::Check;
use crate::wire::Answer;
use databases::server::Server;
use databases::talk::Care;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};
use std::sync::Arc;
use vault::{Problem, Snapshot, Vault};

/// Settings of an application are read up to here.
const SETTINGS_BYTES: u64 = 4 << 20;
/// Answers that are shown.
const SHOWN: usize = 3;

/// The questions of the plan's recipe, by the settings that were saved with it. None without a recipe.
pub(crate) async fn of(
    continuity: &Continuity,
    vault: &Arc<Vault>,
    snapshot: &Snapshot,
) -> Result<Result<Vec<Check>, Problem>, Error> {
    let Some(plan) = continuity.config.plan(&snapshot.plan).cloned() else {
        return Ok(Ok(Vec::new()));
    };
    let (vault, snapshot) = (Arc::clone(vault), snapshot.clone());
    let found = blocking(move || {
        let read = |path: &Path| -> io::Result<Vec<u8>> {
            let missing = |e: vault::Error| io::Error::new(io::ErrorKind::NotFound, e);
            let node = vault
                .node(&snapshot, path.as_os_str().as_bytes())
                .map_err(missing)?;
            let mut bytes = Vec::new();
            let file = vault.open_file(&node).map_err(io::Error::other)?;
            file.take(SETTINGS_BYTES).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        source::checks(&plan, &read)
    })
    .await?;
    Ok(match found {
        Ok(checks) => Ok(checks.unwrap_or_default()),
        Err(error) => Err(Problem::new(
            "the application's settings in the restore point",
            format!("failed to {error}"),
        )),
    })
}

/// Asks each question; what is missing is named. Blocks.
pub(super) fn ask(
    checks: &Result<Vec<Check>, Problem>,
    server: &Server,
    vault: &Vault,
    snapshot: &Snapshot,
    care: &Care<'_>,
) -> Result<(Vec<Answer>, Vec<Problem>), databases::server::Error> {
    let checks = match checks {
        Ok(checks) => checks,
        Err(problem) => return Ok((Vec::new(), vec![problem.clone()])),
    };
    let (mut answers, mut lacks) = (Vec::new(), Vec::new());
    for check in checks {
        let said = match server.ask(check.query.trim().trim_end_matches(';'), care) {
            Ok(said) => said,
            Err(error) if error.is_cancelled() => return Err(error),
            Err(error) => {
                lacks.push(Problem::new(
                    check.name.clone(),
                    format!("failed to {error}"),
                ));
                continue;
            }
        };
        let there = |path: &Path| vault.node(snapshot, path.as_os_str().as_bytes()).is_ok();
        let (answer, found) = judge(check, &said, &there);
        answers.push(answer);
        lacks.extend(found);
    }
    Ok((answers, lacks))
}

/// Pure: the client's lines, and whether a file is in the restore point.
fn judge(check: &Check, said: &str, there: &dyn Fn(&Path) -> bool) -> (Answer, Vec<Problem>) {
    let mut lacks = Vec::new();
    let rows: Vec<&str> = said.lines().filter(|line| !line.is_empty()).collect();
    if (rows.len() as u64) < check.least_rows {
        let what = format!(
            "the loaded copy gives {}, at least {} is expected; look whether the application was empty when it was saved",
            rows.len(),
            check.least_rows
        );
        lacks.push(Problem::new(check.name.clone(), what));
    }
    let mut answer = Answer {
        question: check.name.clone(),
        ..Answer::default()
    };
    for row in rows {
        let (shown, file) = row.split_once('\t').unwrap_or((row, ""));
        if answer.found.len() < SHOWN {
            answer.found.push(shown.chars().take(80).collect());
        }
        let Some(folder) = &check.file_in else {
            continue;
        };
        let below = Path::new(file);
        // It comes out of a database: nothing but names leads to a file.
        let plain = below
            .components()
            .all(|c| matches!(c, Component::Normal(_)));
        if plain && !file.is_empty() && there(&folder.join(below)) {
            answer.files += 1;
        } else {
            let what = format!(
                "the document of {}, {}, is not in this restore point; look whether it is still on the server",
                shown.escape_debug(),
                folder.join(file.trim_start_matches('/')).display()
            );
            lacks.push(Problem::new(check.name.clone(), what));
        }
    }
    (answer, lacks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_recipe_asks_for_is_there_or_named() {
        let invoices = Check {
            name: "last invoices".into(),
            query: String::new(),
            file_in: Some("/srv/documents".into()),
            least_rows: 0,
        };
        let users = Check {
            name: "users".into(),
            query: String::new(),
            file_in: None,
            least_rows: 1,
        };
        let there = |path: &Path| path == Path::new("/srv/documents/facture/FA1/FA1.pdf");
        for (check, said, files, lack) in [
            (&invoices, "FA1\tfacture/FA1/FA1.pdf\n", 1, None),
            (&invoices, "", 0, None),
            (
                &invoices,
                "FA2\tfacture/FA2/FA2.pdf\n",
                0,
                Some("the document of FA2, /srv/documents/facture/FA2/FA2.pdf, is not in"),
            ),
            (
                &invoices,
                "FA1\t../../etc/shadow\n",
                0,
                Some("is not in this restore point"),
            ),
            (
                &invoices,
                "FA1\t/etc/shadow\n",
                0,
                Some("is not in this restore point"),
            ),
            (&invoices, "FA1\n", 0, Some("the document of FA1")),
            (&users, "admin\n", 0, None),
            (&users, "", 0, Some("gives 0, at least 1 is expected")),
        ] {
            let (answer, lacks) = judge(check, said, &there);
            assert_eq!(answer.files, files, "{said}");
            match lack {
                None => assert!(lacks.is_empty(), "{said}: {lacks:?}"),
                Some(want) => assert!(lacks[0].to_string().contains(want), "{lacks:?}"),
            }
        }
    }
}
