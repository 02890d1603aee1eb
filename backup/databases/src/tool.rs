//! The servers' own client programs, where Debian puts them.

use crate::{Engine, Error};
use std::path::{Path, PathBuf};

/// Where programs are looked for: never the caller's PATH, which a service may not have, and a user may have bent.
const FOLDERS: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin"];
const POSTGRESQL: &str = "/usr/lib/postgresql";

/// The client programs of one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    /// Asks and reads: `mariadb`, `psql`.
    pub client: PathBuf,
    /// Writes down the tables' shape: `mariadb-dump`, `pg_dump`.
    pub dump: PathBuf,
}

impl Tools {
    /// Those of this box.
    pub fn find(engine: Engine) -> Result<Tools, Error> {
        let folders: Vec<PathBuf> = FOLDERS.iter().map(PathBuf::from).collect();
        match engine {
            Engine::MariaDb => Tools::among(engine, &folders),
            // `/usr/bin/psql` is Debian's wrapper, which may choose an older version than the newest that is here;
            // a client reads any older server, and no newer one.
            Engine::PostgreSql => {
                let mut all = versions(Path::new(POSTGRESQL));
                all.extend(folders);
                Tools::among(engine, &all)
            }
        }
    }

    /// Those of the first folder that has them.
    pub fn among(engine: Engine, folders: &[PathBuf]) -> Result<Tools, Error> {
        Ok(Tools {
            client: find(engine, folders, clients(engine))?,
            dump: find(engine, folders, dumps(engine))?,
        })
    }
}

fn clients(engine: Engine) -> &'static [&'static str] {
    match engine {
        Engine::MariaDb => &["mariadb", "mysql"],
        Engine::PostgreSql => &["psql"],
    }
}

fn dumps(engine: Engine) -> &'static [&'static str] {
    match engine {
        Engine::MariaDb => &["mariadb-dump", "mysqldump"],
        Engine::PostgreSql => &["pg_dump"],
    }
}

fn find(engine: Engine, folders: &[PathBuf], names: &[&'static str]) -> Result<PathBuf, Error> {
    let mut places = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places.find(|path| is_program(path)).ok_or(Error::NoTool {
        engine,
        program: names.first().copied().unwrap_or_default(),
        package: match engine {
            Engine::MariaDb => "mariadb-client",
            Engine::PostgreSql => "postgresql-client",
        },
    })
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|is| is.is_file() && is.permissions().mode() & 0o111 != 0)
}

/// `/usr/lib/postgresql/17/bin`, newest first.
fn versions(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let number = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().parse::<u32>().ok();
    let mut versions: Vec<u32> = entries.filter_map(number).collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    let bin = |version: u32| folder.join(version.to_string()).join("bin");
    versions.into_iter().map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_names_its_package() {
        for (engine, program, package) in [
            (Engine::MariaDb, "mariadb", "apt-get install mariadb-client"),
            (
                Engine::PostgreSql,
                "psql",
                "apt-get install postgresql-client",
            ),
        ] {
            let said = Tools::among(engine, &[PathBuf::from("/nonexistent")]).unwrap_err();
            let said = said.to_string();
            assert!(said.contains(program) && said.contains(package), "{said}");
        }
    }
}
