//! What an application consists of: read out of its own settings by a recipe, a data file.

use super::settings;
use super::wire;
use config::{DatabaseKind, DatabaseServer, DatabaseUrl};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Embedded: a recipe is of the version of the program.
const RECIPES: &[(&str, &str)] = &[
    ("dolibarr", include_str!("../../recipes/dolibarr.toml")),
    ("nextcloud", include_str!("../../recipes/nextcloud.toml")),
];

/// Where PHP finds a server that is called `localhost`.
const MARIADB_SOCKETS: &[&str] = &["/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock"];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("use the recipe {name}: there is none; expected one of dolibarr, nextcloud")]
    Unknown { name: String },
    #[error("use the recipe {name}: its data file is damaged ({what}); install the program again")]
    Damaged { name: String, what: String },
    #[error(
        "find {title} in {folder}: it has none of {}; write in `folder` of the plan where it is installed",
        .tried.join(", ")
    )]
    NotThere {
        title: String,
        folder: String,
        tried: Vec<String>,
    },
    #[error("read {file}: {source}; let reprise read it")]
    Unreadable { file: String, source: io::Error },
    #[error(
        "read {file}: `{name}` is not plainly written there; write it as a text, or say it in the plan ({instead})"
    )]
    NoValue {
        file: String,
        name: String,
        instead: &'static str,
    },
    #[error("read {file}: `{name}` is {value}; {next}")]
    BadValue {
        file: String,
        name: String,
        value: String,
        next: &'static str,
    },
}

/// Reads a file: of this box, or of a restore point.
pub type Read<'a> = &'a dyn Fn(&Path) -> io::Result<Vec<u8>>;

#[derive(Clone, Debug)]
pub struct Recipe {
    name: String,
    wire: wire::Recipe,
}

/// An application as its settings say it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    pub settings: PathBuf,
    pub database: Result<DatabaseUrl, String>,
    pub password: Option<String>,
    pub prefix: String,
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    /// Absolute.
    pub path: PathBuf,
    pub required: bool,
}

/// A question to a loaded copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: String,
    /// Its first column is shown. It runs on MariaDB and PostgreSQL.
    pub query: String,
    /// The second column is the path of a file below this folder of the restore point, which must be there.
    pub file_in: Option<PathBuf>,
    /// Fewer rows are a failure; 0: no row only means that there is nothing to look at yet.
    pub least_rows: u64,
}

impl Recipe {
    pub fn named(name: &str) -> Result<Recipe, Error> {
        let text = RECIPES.iter().find(|(known, _)| *known == name);
        let Some((_, text)) = text else {
            return Err(Error::Unknown {
                name: name.to_owned(),
            });
        };
        match toml::from_str(text) {
            Ok(wire) => Ok(Recipe {
                name: name.to_owned(),
                wire,
            }),
            Err(error) => Err(Error::Damaged {
                name: name.to_owned(),
                what: error.to_string(),
            }),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn title(&self) -> &str {
        &self.wire.title
    }

    /// Lines as of a `.gitignore` file, for each part.
    pub fn exclude(&self) -> &[String] {
        &self.wire.exclude
    }

    /// Reads the application's settings.
    pub fn find(&self, folder: &Path, read: Read<'_>) -> Result<Found, Error> {
        let places = self.wire.settings.iter().map(|place| folder.join(place));
        let mut tried = Vec::new();
        for path in places {
            match read(&path) {
                Ok(bytes) => return self.found(folder, path, &bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    tried.push(path.display().to_string());
                }
                Err(source) => {
                    return Err(Error::Unreadable {
                        file: path.display().to_string(),
                        source,
                    });
                }
            }
        }
        Err(Error::NotThere {
            title: self.wire.title.clone(),
            folder: folder.display().to_string(),
            tried,
        })
    }

    fn found(&self, folder: &Path, file: PathBuf, bytes: &[u8]) -> Result<Found, Error> {
        let text = String::from_utf8_lossy(bytes);
        let values = settings::read(&text, self.wire.style);
        let of = &self.wire.database;
        let prefix = values.get(&of.prefix).unwrap_or(&of.usual_prefix);
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !prefix.chars().all(plain) || prefix.len() > 64 {
            return Err(Error::BadValue {
                file: file.display().to_string(),
                name: of.prefix.clone(),
                value: "no beginning of a table's name".to_owned(),
                next: "letters, digits and `_` only",
            });
        }
        let database = self.database(&values, &file);
        let parts = self.wire.part.iter();
        let parts = parts.filter_map(|part| self.part(part, &values, folder, &file).transpose());
        Ok(Found {
            database: database.map_err(|error| error.to_string()),
            password: values.get(&of.password).cloned(),
            prefix: prefix.clone(),
            parts: parts.collect::<Result<_, _>>()?,
            settings: file,
        })
    }

    fn part(
        &self,
        part: &wire::Part,
        values: &BTreeMap<String, String>,
        folder: &Path,
        file: &Path,
    ) -> Result<Option<Part>, Error> {
        let written = part.setting.as_ref().and_then(|name| {
            let value = values.get(name).filter(|value| !value.is_empty());
            value.map(|value| (name, value))
        });
        let path = match written {
            _ if part.settings => file.to_owned(),
            Some((name, value)) => {
                let path = Path::new(value);
                let up = path
                    .components()
                    .any(|c| c == std::path::Component::ParentDir);
                if !path.is_absolute() || up || value.contains('\0') {
                    // Dolibarr lets several folders of modules stand in one setting.
                    if !part.required {
                        return Ok(None);
                    }
                    return Err(Error::BadValue {
                        file: file.display().to_string(),
                        name: name.clone(),
                        value: "no absolute path".to_owned(),
                        next: "write there the whole path of the folder",
                    });
                }
                path.components().collect()
            }
            None => {
                let places = part.places.iter().map(|place| folder.join(place));
                let places: Vec<PathBuf> = places.collect();
                let there = places.iter().find(|place| place.exists());
                match there.or(places.first()) {
                    Some(place) => place.clone(),
                    None => return Ok(None),
                }
            }
        };
        Ok(Some(Part {
            name: part.name.clone(),
            path,
            required: part.required,
        }))
    }

    fn database(
        &self,
        values: &BTreeMap<String, String>,
        file: &Path,
    ) -> Result<DatabaseUrl, Error> {
        let of = &self.wire.database;
        let instead = "database = \"mariadb://user@host/name\"";
        let value = |name: &str| match values.get(name) {
            Some(value) if !value.is_empty() && !value.contains(['\0', '\n', '\r']) => Ok(value),
            _ => Err(Error::NoValue {
                file: file.display().to_string(),
                name: name.to_owned(),
                instead,
            }),
        };
        let kind = value(&of.kind)?;
        let kind = match kind {
            kind if of.mariadb.contains(kind) => DatabaseKind::MariaDb,
            kind if of.postgresql.contains(kind) => DatabaseKind::PostgreSql,
            kind => {
                return Err(Error::BadValue {
                    file: file.display().to_string(),
                    name: of.kind.clone(),
                    value: format!("`{}`", kind.escape_debug()),
                    next: "only MariaDB, MySQL and PostgreSQL are dumped; save the folder of such a database with `files`",
                });
            }
        };
        let name = value(&of.name)?;
        let server = server(kind, value(&of.host)?, values.get(&of.port));
        let (Some(server), false) = (server, name.contains('/')) else {
            return Err(Error::BadValue {
                file: file.display().to_string(),
                name: of.host.clone(),
                value: "no server that can be reached".to_owned(),
                next: "say it in the plan: database = \"mariadb://user@host/name\"",
            });
        };
        Ok(DatabaseUrl {
            kind,
            user: value(&of.user)?.clone(),
            server,
            name: name.clone(),
        })
    }

    /// What to ask a loaded copy of the application.
    pub fn checks(&self, found: &Found) -> Vec<Check> {
        let place = |name: &String| {
            let part = found.parts.iter().find(|part| part.name == *name);
            part.map(|part| part.path.clone())
        };
        let checks = self.wire.check.iter().map(|check| Check {
            name: check.name.clone(),
            query: check.query.replace("{prefix}", &found.prefix),
            file_in: check.file_in.as_ref().and_then(place),
            least_rows: check.least_rows,
        });
        checks.collect()
    }
}

/// `host`, `host:3306`, `localhost`, `localhost:/run/mysqld/mysqld.sock`, `[::1]:5432`, `/run/postgresql`.
fn server(kind: DatabaseKind, host: &str, port: Option<&String>) -> Option<DatabaseServer> {
    let usual = match kind {
        DatabaseKind::MariaDb => 3306,
        DatabaseKind::PostgreSql => 5432,
    };
    let port = match port.map(String::as_str) {
        None | Some("" | "0") => usual,
        Some(port) => port.parse().ok()?,
    };
    let socket = |path: &str| {
        Some(DatabaseServer::Socket {
            path: PathBuf::from(path),
            port,
        })
    };
    let (name, behind) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, rest)) => (name, rest.strip_prefix(':')),
        None if host.matches(':').count() == 1 => {
            let (name, rest) = host.split_once(':')?;
            (name, Some(rest))
        }
        None => (host, None),
    };
    if host.starts_with('/') {
        return socket(host);
    }
    if let Some(path) = behind.filter(|rest| rest.starts_with('/')) {
        return socket(path);
    }
    let port = match behind {
        Some(port) => port.parse().ok()?,
        None => port,
    };
    // PHP takes the name `localhost` for the socket, whatever the port.
    if name == "localhost"
        && kind == DatabaseKind::MariaDb
        && let Some(path) = MARIADB_SOCKETS.iter().find(|path| Path::new(path).exists())
    {
        return socket(path);
    }
    let bad = name.is_empty() || name.starts_with('-') || name.contains([' ', '@', '\0', '\n']);
    (!bad).then(|| DatabaseServer::Host {
        host: name.to_owned(),
        port,
        ca: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOLIBARR: &str = r"<?php
$dolibarr_main_data_root='/srv/doli/documents';
$dolibarr_main_db_host='erp.lan';
$dolibarr_main_db_port='3307';
$dolibarr_main_db_name='dolibarr';
$dolibarr_main_db_prefix='abc_';
$dolibarr_main_db_user='doli';
$dolibarr_main_db_pass='secret';
$dolibarr_main_db_type='mysqli';
";

    fn found(name: &str, file: &str, text: &str) -> Result<Found, Error> {
        let recipe = Recipe::named(name).unwrap();
        let read = |path: &Path| match path == Path::new("/var/www/app").join(file) {
            true => Ok(text.as_bytes().to_vec()),
            false => Err(io::ErrorKind::NotFound.into()),
        };
        recipe.find(Path::new("/var/www/app"), &read)
    }

    #[test]
    fn dolibarr_is_found_by_its_own_settings() {
        let found = found("dolibarr", "htdocs/conf/conf.php", DOLIBARR).unwrap();
        let url = found.database.clone().unwrap().to_string();
        assert_eq!(url, "mariadb://doli@erp.lan:3307/dolibarr");
        assert_eq!(found.password.as_deref(), Some("secret"));
        let parts: Vec<_> = found
            .parts
            .iter()
            .map(|part| part.path.to_str().unwrap())
            .collect();
        assert_eq!(
            parts,
            [
                "/srv/doli/documents",
                "/var/www/app/htdocs/conf/conf.php",
                "/var/www/app/htdocs/custom"
            ]
        );
        let checks = Recipe::named("dolibarr").unwrap().checks(&found);
        assert!(
            checks[0].query.contains("FROM abc_facture WHERE"),
            "{}",
            checks[0].query
        );
        assert_eq!(
            checks[0].file_in.as_deref(),
            Some(Path::new("/srv/doli/documents"))
        );
        assert_eq!(checks[1].least_rows, 1);
    }

    #[test]
    fn nextcloud_is_found_by_its_own_settings() {
        let text = "<?php $CONFIG = array ('dbtype' => 'pgsql', 'dbname' => 'nc', 'dbuser' => 'u', 'dbhost' => '/run/postgresql', 'datadirectory' => '/srv/nc');";
        let found = found("nextcloud", "config/config.php", text).unwrap();
        let url = found.database.clone().unwrap().to_string();
        assert_eq!(url, "postgresql://u@localhost/nc?socket=/run/postgresql");
        assert_eq!(found.parts.len(), 4);
        assert_eq!(found.prefix, "oc_");
    }

    #[test]
    fn what_is_missing_or_hostile_is_named() {
        let Err(error) = found("dolibarr", "elsewhere", "") else {
            panic!()
        };
        let said = error.to_string();
        assert!(
            said.contains("/var/www/app/conf/conf.php") && said.contains("`folder`"),
            "{said}"
        );
        let changed =
            |from: &str, to: &str| found("dolibarr", "conf/conf.php", &DOLIBARR.replace(from, to));
        for (from, to, what) in [
            ("'doli'", "getenv('U')", "dolibarr_main_db_user"),
            ("'mysqli'", "'sqlite3'", "`sqlite3`"),
            ("'erp.lan'", "'-oProxy'", "no server"),
            ("'dolibarr'", "'a/b'", "no server"),
        ] {
            let said = changed(from, to).unwrap().database.unwrap_err();
            assert!(said.contains(what) && !said.contains("secret"), "{said}");
        }
        for (from, to, what) in [
            (
                "'/srv/doli/documents'",
                "'../documents'",
                "no absolute path",
            ),
            ("'abc_'", "'x; DROP TABLE y'", "dolibarr_main_db_prefix"),
        ] {
            let Err(error) = changed(from, to) else {
                panic!("{to}")
            };
            assert!(error.to_string().contains(what), "{error}");
        }
    }

    #[test]
    fn servers_are_named_as_php_names_them() {
        let host = |host: &str, port: u16| {
            Some(DatabaseServer::Host {
                host: host.to_owned(),
                port,
                ca: None,
            })
        };
        let socket = |path: &str| {
            Some(DatabaseServer::Socket {
                path: PathBuf::from(path),
                port: 3306,
            })
        };
        for (text, want) in [
            ("erp", host("erp", 3306)),
            ("erp:3308", host("erp", 3308)),
            ("[::1]:3308", host("::1", 3308)),
            ("::1", host("::1", 3306)),
            ("localhost:/tmp/s", socket("/tmp/s")),
            ("/run/s", socket("/run/s")),
            ("erp:x", None),
            ("", None),
        ] {
            assert_eq!(server(DatabaseKind::MariaDb, text, None), want, "{text}");
        }
    }
}
