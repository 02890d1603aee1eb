//! A dump in memory, to be loaded.

use crate::servers::Server;
use databases::{Dump, Error, Limits, Manifest, Problem, Source};
use std::collections::BTreeMap;

pub(crate) struct Dumped {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) manifest: Manifest,
    pub(crate) problems: Vec<Problem>,
}

pub(crate) fn dump(source: Source) -> Result<Dumped, Error> {
    dump_with(source, Limits::default(), &mut |_| {})
}

/// `between` is called with the name of each file before it is read.
pub(crate) fn dump_with(
    source: Source,
    limits: Limits,
    between: &mut dyn FnMut(&str),
) -> Result<Dumped, Error> {
    let mut dump = Dump::begin(source, limits)?;
    let mut files = BTreeMap::new();
    while let Some(mut part) = dump.next_part()? {
        between(&part.path);
        let mut bytes = Vec::new();
        part.from.read_to_end(&mut bytes).map_err(Error::of)?;
        files.insert(part.path, bytes);
    }
    let manifest = Manifest::decode(&files["manifest.json"]).unwrap();
    assert_eq!(&manifest, dump.manifest());
    Ok(Dumped {
        files,
        manifest,
        problems: dump.problems().to_vec(),
    })
}

impl Dumped {
    /// `cat before.sql tables/*.sql after.sql`.
    pub(crate) fn all(&self) -> Vec<u8> {
        let tables = self
            .files
            .iter()
            .filter(|(path, _)| path.starts_with("tables/"));
        let mut all = self.files["before.sql"].clone();
        tables.for_each(|(_, bytes)| all.extend_from_slice(bytes));
        all.extend_from_slice(&self.files["after.sql"]);
        all
    }

    /// Loads it into a new database by the standard client, and counts there what the manifest counted.
    pub(crate) fn load(&self, server: &Server, database: &str) {
        let create = match server.engine {
            databases::Engine::MariaDb => format!("CREATE DATABASE `{database}`"),
            databases::Engine::PostgreSql => {
                format!("CREATE DATABASE \"{database}\" TEMPLATE template0")
            }
        };
        server.admin(&create);
        let loaded = server.client(database, &self.all());
        let said = String::from_utf8_lossy(&loaded.stderr);
        assert!(loaded.status.success(), "{said}");
        let counted = databases::count(
            &server.source(database),
            &Limits::default(),
            self.manifest.row_hash(),
        )
        .unwrap();
        let wanted: Vec<_> = self
            .manifest
            .tables
            .iter()
            .map(|t| (&t.name, t.rows, &t.checksum))
            .collect();
        let found: Vec<_> = counted
            .tables
            .iter()
            .map(|t| (&t.name, t.rows, &t.checksum))
            .collect();
        assert_eq!(found, wanted);
        assert_eq!(
            (
                counted.views,
                counted.triggers,
                counted.routines,
                counted.events
            ),
            (
                self.manifest.views,
                self.manifest.triggers,
                self.manifest.routines,
                self.manifest.events
            )
        );
    }

    pub(crate) fn rows(&self, table: &str) -> u64 {
        self.manifest
            .tables
            .iter()
            .find(|t| t.name == table)
            .unwrap()
            .rows
    }
}
