//! Where the servers and clients of Debian lie, and which package brings one that is missing.

use super::Error;
use crate::Engine;
use std::path::{Path, PathBuf};

/// Folders of programs, in the order they are looked in; `PATH` is not trusted: what is found runs on hostile input.
const FOLDERS: &[&str] = &["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];

/// Debian keeps each PostgreSQL apart.
const POSTGRES: &str = "/usr/lib/postgresql";

#[derive(Clone, Debug)]
pub(super) struct Programs {
    /// Makes an empty server's files.
    pub(super) make: PathBuf,
    pub(super) serve: PathBuf,
    pub(super) client: PathBuf,
}

impl Programs {
    pub(super) fn find(engine: Engine) -> Result<Programs, Error> {
        match engine {
            Engine::MariaDb => Ok(Programs {
                make: find("mariadb-install-db", "mariadb-server")?,
                serve: find("mariadbd", "mariadb-server")?,
                client: find("mariadb", "mariadb-client")?,
            }),
            Engine::PostgreSql => {
                let folder = newest(Path::new(POSTGRES));
                let server = |name: &'static str| {
                    let found = folder.as_ref().map(|folder| folder.join(name));
                    found
                        .filter(|path| path.is_file())
                        .map_or_else(|| find(name, "postgresql"), Ok)
                };
                Ok(Programs {
                    make: server("initdb")?,
                    serve: server("postgres")?,
                    client: server("psql").or_else(|_| find("psql", "postgresql-client"))?,
                })
            }
        }
    }
}

fn find(program: &'static str, package: &'static str) -> Result<PathBuf, Error> {
    let places = FOLDERS.iter().map(|folder| Path::new(folder).join(program));
    let mut there = places.filter(|path| path.is_file());
    there.next().ok_or(Error::Missing { program, package })
}

/// The newest version below `root` that has a server.
fn newest(root: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(root).ok()?.flatten();
    let numbers = versions.filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    let folders = numbers.map(|n| (n, root.join(n.to_string()).join("bin")));
    let mut servers: Vec<_> = folders
        .filter(|(_, folder)| folder.join("postgres").is_file())
        .collect();
    servers.sort();
    servers.pop().map(|(_, folder)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_named_with_its_package() {
        let error = find("no-such-program", "postgresql")
            .expect_err("not there")
            .to_string();
        assert!(error.contains("no-such-program"), "{error}");
        assert!(error.contains("apt install postgresql"), "{error}");
    }

    #[test]
    fn the_newest_version_with_a_server_is_taken() {
        let root = std::env::temp_dir().join(format!("reprise-versions-{}", std::process::id()));
        for version in ["9", "15", "16"] {
            let folder = root.join(version).join("bin");
            std::fs::create_dir_all(&folder).expect("a folder");
            // 16: a client only.
            let name = if version == "16" { "psql" } else { "postgres" };
            std::fs::write(folder.join(name), "").expect("a file");
        }
        let found = newest(&root);
        std::fs::remove_dir_all(&root).expect("clean");
        assert_eq!(found, Some(root.join("15/bin")));
    }
}
