//! What lies on this box: folders of people's work, applications and databases. Looks at names only, never deeper than
//! it says, and tells what it could not see.

use super::{Blind, Engine, What};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Entries of one folder that are looked at; more are told.
const MOST: usize = 500;

#[derive(Default)]
pub(super) struct Found {
    pub(super) seen: Vec<What>,
    pub(super) blind: Vec<Blind>,
}

impl Found {
    fn cannot(&mut self, path: &Path, what: impl ToString) {
        self.blind.push(Blind {
            object: path.display().to_string(),
            what: what.to_string(),
        });
    }
}

/// Where database servers of a Debian machine lie.
pub(super) struct Servers {
    pub(super) mariadb_sockets: Vec<PathBuf>,
    pub(super) mariadb_data: PathBuf,
    pub(super) postgresql_sockets: PathBuf,
    pub(super) postgresql_data: PathBuf,
}

impl Servers {
    pub(super) fn here() -> Servers {
        Servers {
            mariadb_sockets: vec![
                "/run/mysqld/mysqld.sock".into(),
                "/run/mariadb/mariadb.sock".into(),
            ],
            mariadb_data: "/var/lib/mysql".into(),
            postgresql_sockets: "/run/postgresql".into(),
            postgresql_data: "/var/lib/postgresql".into(),
        }
    }
}

/// `own` are the appliance's folders: its state and its vaults are saved or hold what is saved.
pub(super) fn look(roots: &[PathBuf], own: &[PathBuf], servers: &Servers) -> Found {
    let mut found = Found::default();
    for root in roots {
        folders(root, own, &mut found);
    }
    mariadb(servers, &mut found);
    postgresql(servers, &mut found);
    found
}

/// Names of a folder's entries, sorted; hidden ones left out. A folder that is not there has none.
fn names(folder: &Path, found: &mut Found) -> Vec<PathBuf> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            found.cannot(folder, error);
            return Vec::new();
        }
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in entries.flatten() {
        if paths.len() == MOST {
            found.cannot(folder, format!("only {MOST} of its entries were looked at"));
            break;
        }
        let name = entry.file_name();
        let hidden = name.as_encoded_bytes().starts_with(b".");
        if !hidden && name != "lost+found" {
            paths.push(entry.path());
        }
    }
    paths.sort();
    paths
}

fn folders(root: &Path, own: &[PathBuf], found: &mut Found) {
    let mut loose = false;
    for path in names(root, found) {
        // Links are not followed: what they lead to is seen where it lies.
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        if own.iter().any(|own| path.starts_with(own)) {
            continue;
        }
        match (meta.is_dir(), application(&path)) {
            (true, Some(recipe)) => found.seen.push(What::Application {
                recipe,
                folder: path,
            }),
            (true, None) if !is_empty(&path, found) => found.seen.push(What::Folder(path)),
            (true, None) => {}
            (false, _) => loose |= meta.is_file(),
        }
    }
    if loose {
        found.seen.push(What::Folder(root.to_owned()));
    }
}

fn is_empty(folder: &Path, found: &mut Found) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => {
            // It may hold everything: it is listed, and said to be unseen.
            found.cannot(folder, error);
            false
        }
    }
}

/// The recipe whose application lies there, by files that every installation of it has.
fn application(folder: &Path) -> Option<&'static str> {
    let has = |name: &str| folder.join(name).is_file();
    if has("htdocs/main.inc.php") || (has("main.inc.php") && has("master.inc.php")) {
        return Some("dolibarr");
    }
    if has("occ") && has("version.php") && folder.join("config").is_dir() {
        return Some("nextcloud");
    }
    None
}

/// Databases of a server are the folders in its data folder.
fn mariadb(servers: &Servers, found: &mut Found) {
    let data = &servers.mariadb_data;
    let system = ["mysql", "performance_schema", "sys"];
    let databases: Vec<String> = names(data, found)
        .iter()
        .filter(|path| path.is_dir())
        .filter_map(|path| Some(decoded(path.file_name()?.to_str()?)))
        .filter(|name| !system.contains(&name.as_str()) && !name.starts_with('#'))
        .collect();
    let engine = Engine::MariaDb;
    if databases.is_empty() && servers.mariadb_sockets.iter().any(|s| answers(s)) {
        found.seen.push(What::Database { engine, name: None });
    }
    let named = databases.into_iter().map(|name| What::Database {
        engine,
        name: Some(name),
    });
    found.seen.extend(named);
}

/// A character that no file name takes is written `@` and four hexadecimal digits (MariaDB, "Identifier to File Name
/// Mapping").
fn decoded(name: &str) -> String {
    let mut parts = name.split('@');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part
            .get(..4)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match code.and_then(char::from_u32) {
            Some(character) => {
                text.push(character);
                text.push_str(&part[4..]);
            }
            None => {
                text.push('@');
                text.push_str(part);
            }
        }
    }
    text
}

/// Its databases have numbers, not names, on disk: the server is all that is seen.
fn postgresql(servers: &Servers, found: &mut Found) {
    let sockets = fs::read_dir(&servers.postgresql_sockets)
        .into_iter()
        .flatten();
    let running = sockets.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with(".s.PGSQL.") && !name.ends_with(".lock") && answers(&entry.path())
    });
    let data = names(&servers.postgresql_data, found);
    let installed = data
        .iter()
        .any(|version| names(version, found).iter().any(|cluster| cluster.is_dir()));
    if running || installed {
        found.seen.push(What::Database {
            engine: Engine::PostgreSql,
            name: None,
        });
    }
}

/// A server listens there; the socket of one that was killed stays, and refuses.
fn answers(socket: &Path) -> bool {
    UnixStream::connect(socket).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    struct Box(PathBuf);

    impl Drop for Box {
        fn drop(&mut self) {
            if fs::remove_dir_all(&self.0).is_err() {
                eprintln!("left behind: {}", self.0.display());
            }
        }
    }

    impl Box {
        fn new() -> Box {
            let folder = std::env::temp_dir().join(format!("reprise-scan-{}", state::id::new()));
            fs::create_dir_all(&folder).unwrap();
            Box(folder)
        }

        fn file(&self, path: &str) {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }

        fn folder(&self, path: &str) {
            fs::create_dir_all(self.0.join(path)).unwrap();
        }

        fn servers(&self) -> Servers {
            Servers {
                mariadb_sockets: vec![self.0.join("mysqld.sock")],
                mariadb_data: self.0.join("mysql"),
                postgresql_sockets: self.0.join("pg"),
                postgresql_data: self.0.join("postgresql"),
            }
        }

        /// Objects that were seen, relative to the box.
        fn seen(&self) -> Vec<String> {
            let roots = [
                self.0.join("srv"),
                self.0.join("www"),
                self.0.join("absent"),
            ];
            let found = look(&roots, &[self.0.join("srv/vault")], &self.servers());
            assert_eq!(found.blind, []);
            let objects = found.seen.iter().map(|what| what.object());
            objects
                .map(|o| o.replace(&format!("{}/", self.0.display()), ""))
                .collect()
        }
    }

    #[test]
    fn folders_and_applications_are_seen_and_what_holds_nothing_is_not() {
        let here = Box::new();
        here.file("srv/compta/2026.ods");
        here.file("srv/vault/keys/x");
        here.folder("srv/empty");
        here.file("srv/.hidden/x");
        here.file("www/erp/htdocs/main.inc.php");
        here.file("www/cloud/occ");
        here.file("www/cloud/version.php");
        here.folder("www/cloud/config");
        std::os::unix::fs::symlink("compta", here.0.join("srv/link")).unwrap();
        assert_eq!(
            here.seen(),
            [
                "folder srv/compta",
                "nextcloud www/cloud",
                "dolibarr www/erp"
            ]
        );
        here.file("srv/loose.txt");
        assert!(here.seen().contains(&"folder srv".to_owned()));
    }

    #[test]
    fn databases_are_seen_by_their_folders_or_their_server_that_answers() {
        let here = Box::new();
        here.file("mysql/dolibarr/db.opt");
        here.file("mysql/caf@00e9@002d1/db.opt");
        here.file("mysql/mysql/user.frm");
        here.file("mysql/ibdata1");
        assert_eq!(here.seen(), ["mariadb café-1", "mariadb dolibarr"]);
        fs::remove_dir_all(here.0.join("mysql")).unwrap();
        let listening = UnixListener::bind(here.0.join("mysqld.sock")).unwrap();
        here.folder("postgresql/15/main");
        assert_eq!(here.seen(), ["mariadb", "postgresql"]);
        drop(listening);
        assert_eq!(
            here.seen(),
            ["postgresql"],
            "a socket nobody listens at is no server"
        );
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let here = Box::new();
        here.file("file");
        let found = look(&[here.0.join("file")], &[], &here.servers());
        assert_eq!(found.seen, []);
        assert_eq!(found.blind.len(), 1, "{:?}", found.blind);
    }
}
