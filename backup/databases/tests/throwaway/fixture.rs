//! A private folder, and a dump whose files are written in the test.

use databases::server::{Error, Server, Wanted};
use databases::talk::Care;
use databases::{Engine, Manifest, Table};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn make() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("reprise-databases-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a folder");
        Folder(path)
    }

    pub(crate) fn below(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir(&path).expect("a folder");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn care() -> Care<'static> {
    Care {
        cancelled: &|| false,
        passed: &|_| {},
        most: Duration::from_secs(120),
        room: None,
    }
}

pub(crate) fn start(engine: Engine, folder: &Path) -> Server {
    started(engine, folder, &care()).expect("a server")
}

pub(crate) fn started(engine: Engine, folder: &Path, care: &Care<'_>) -> Result<Server, Error> {
    let wanted = Wanted {
        engine,
        folder,
        database: "dolibarr",
        hidden: &[],
        memory_bytes: 128 << 20,
    };
    Server::start(&wanted, care)
}

pub(crate) struct Dump {
    pub(crate) manifest: Manifest,
    pub(crate) files: BTreeMap<String, String>,
}

impl Dump {
    pub(crate) fn new(engine: Engine, before: &str, tables: &[(&str, &str)], after: &str) -> Dump {
        let table = |(name, _): &(&str, &str)| Table {
            schema: None,
            name: (*name).to_owned(),
            file: format!("tables/{name}.sql"),
            rows: 0,
            checksum: String::new(),
            exact: true,
        };
        let mut files = BTreeMap::from([
            ("before.sql".to_owned(), before.to_owned()),
            ("after.sql".to_owned(), after.to_owned()),
        ]);
        for (name, text) in tables {
            files.insert(format!("tables/{name}.sql"), (*text).to_owned());
        }
        Dump {
            manifest: Manifest {
                version: databases::manifest::VERSION,
                engine,
                engine_version: String::new(),
                database: "dolibarr".to_owned(),
                taken_ms: 0,
                tables: tables.iter().map(table).collect(),
                views: 0,
                triggers: 0,
                routines: 0,
                events: 0,
            },
            files,
        }
    }

    pub(crate) fn load(&self, server: &Server, care: &Care<'_>) -> Result<(), Error> {
        let mut open = |name: &str| match self.files.get(name) {
            Some(text) => {
                let text = Cursor::new(text.clone().into_bytes());
                Ok(Box::new(text) as Box<dyn Read>)
            }
            None => Err(std::io::Error::other(format!("no file {name}"))),
        };
        databases::load::load(server, &self.manifest, &mut open, care)
    }
}

/// The processes whose command line names the folder, or who work in it.
pub(crate) fn processes_of(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("proc").flatten() {
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        if command.contains(&folder) {
            found.push(command);
        }
    }
    found
}
