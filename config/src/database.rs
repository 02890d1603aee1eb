//! `mariadb://user@host[:port]/name`, `postgresql://…`, or by socket: `mariadb://user@localhost/name?socket=/run/mysqld/mysqld.sock`.
//! With `?ca=/path` behind it, the server is talked to by TLS and must show a certificate of that authority.

use std::fmt;
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DatabaseKind {
    /// MariaDB and MySQL.
    MariaDb,
    PostgreSql,
}

impl DatabaseKind {
    pub fn scheme(self) -> &'static str {
        match self {
            DatabaseKind::MariaDb => "mariadb",
            DatabaseKind::PostgreSql => "postgresql",
        }
    }

    fn port(self) -> u16 {
        match self {
            DatabaseKind::MariaDb => 3306,
            DatabaseKind::PostgreSql => 5432,
        }
    }
}

/// One database of a server. Characters are taken as they are: `%20` is not a space. It never holds a password.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DatabaseUrl {
    pub kind: DatabaseKind,
    pub user: String,
    pub server: DatabaseServer,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DatabaseServer {
    /// A name or an address, without brackets. `ca`: certificates (PEM) of who signs the server's; TLS is then required.
    Host {
        host: String,
        port: u16,
        ca: Option<PathBuf>,
    },
    /// MariaDB: the socket itself. PostgreSQL: the folder it lies in, and the port that its name ends with.
    Socket { path: PathBuf, port: u16 },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what}; write it as mariadb://user@host/name or postgresql://user@host:5432/name, with ?socket=/path behind the name for a server on this box, or ?ca=/path for TLS with the certificates in that file"
)]
pub struct BadDatabaseUrl {
    what: String,
}

fn bad(what: impl Into<String>) -> BadDatabaseUrl {
    BadDatabaseUrl { what: what.into() }
}

impl DatabaseUrl {
    /// The text is not repeated in the error: it may hold a password.
    pub fn parse(text: &str) -> Result<DatabaseUrl, BadDatabaseUrl> {
        if text.chars().any(char::is_control) {
            return Err(bad("it holds a control character"));
        }
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| bad("it does not begin with mariadb:// or postgresql://"))?;
        let kind = match scheme.to_ascii_lowercase().as_str() {
            "mariadb" | "mysql" => DatabaseKind::MariaDb,
            "postgresql" | "postgres" => DatabaseKind::PostgreSql,
            _ => return Err(bad("it does not begin with mariadb:// or postgresql://")),
        };
        let (place, option) = match rest.split_once('?') {
            Some((place, option)) => (place, Some(option)),
            None => (rest, None),
        };
        let Some((server, name)) = place.split_once('/') else {
            return Err(bad("the name of the database is missing"));
        };
        if name.is_empty() || name.contains('/') {
            return Err(bad("the name of the database is missing"));
        }
        let Some((user, address)) = server.rsplit_once('@') else {
            return Err(bad("the user is missing"));
        };
        if user.contains(':') {
            return Err(bad(
                "it holds a password, which would be shown in messages: write it in a file of its own, and name it with database_password_file",
            ));
        }
        if user.is_empty() || user.contains(['@', '/', ' ']) {
            return Err(bad("the user is missing"));
        }
        let (host, port) = host_and_port(address, kind)?;
        let absolute = |path: &str| path.starts_with('/').then(|| PathBuf::from(path));
        let option = option.map(|option| option.split_once('=').unwrap_or((option, "")));
        let server = match option.map(|(name, path)| (name, absolute(path))) {
            Some(("socket", Some(path))) => DatabaseServer::Socket { path, port },
            None | Some(("ca", Some(_))) if host.is_empty() => {
                return Err(bad("the host is missing"));
            }
            None => DatabaseServer::Host {
                host,
                port,
                ca: None,
            },
            Some(("ca", ca @ Some(_))) => DatabaseServer::Host { host, port, ca },
            Some(_) => return Err(bad("behind `?` it knows socket=/path and ca=/path only")),
        };
        Ok(DatabaseUrl {
            kind,
            user: user.to_owned(),
            server,
            name: name.to_owned(),
        })
    }
}

fn host_and_port(address: &str, kind: DatabaseKind) -> Result<(String, u16), BadDatabaseUrl> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest
                .split_once(']')
                .ok_or_else(|| bad("the bracket of the address is not closed"))?;
            match after.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if after.is_empty() => (host, None),
                None => return Err(bad("something follows the bracket of the address")),
            }
        }
        None if address.matches(':').count() > 1 => {
            return Err(bad("a numeric IPv6 address stands in brackets"));
        }
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let port = match port {
        None => kind.port(),
        Some(text) => match text.parse() {
            Ok(port) if port > 0 => port,
            _ => return Err(bad(format!("`{text}` is no port"))),
        },
    };
    if host.contains([' ', '/', '@']) || host.starts_with('-') {
        return Err(bad("the host is missing"));
    }
    Ok((host.to_owned(), port))
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, user, usual) = (self.kind.scheme(), &self.user, self.kind.port());
        write!(f, "{scheme}://{user}@")?;
        let port = |port: u16| match port == usual {
            true => String::new(),
            false => format!(":{port}"),
        };
        match &self.server {
            DatabaseServer::Host { host, port: p, ca } => {
                let (open, close) = match host.contains(':') {
                    true => ("[", "]"),
                    false => ("", ""),
                };
                write!(f, "{open}{host}{close}{}/{}", port(*p), self.name)?;
                match ca {
                    Some(path) => write!(f, "?ca={}", path.display()),
                    None => Ok(()),
                }
            }
            DatabaseServer::Socket { path, port: p } => {
                let port = port(*p);
                write!(f, "localhost{port}/{}?socket={}", self.name, path.display())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_databases_are_read_and_written_back() {
        for (text, shown) in [
            ("mariadb://doli@erp/dolibarr", "mariadb://doli@erp/dolibarr"),
            ("mysql://doli@erp:3306/d", "mariadb://doli@erp/d"),
            (
                "postgres://r@[fe80::1]:5433/n",
                "postgresql://r@[fe80::1]:5433/n",
            ),
            ("postgresql://r@10.0.0.2/n", "postgresql://r@10.0.0.2/n"),
            (
                "mariadb://root@localhost/d?socket=/run/mysqld/mysqld.sock",
                "mariadb://root@localhost/d?socket=/run/mysqld/mysqld.sock",
            ),
            (
                "postgresql://r@erp.lan/n?ca=/etc/reprise/erp-ca.pem",
                "postgresql://r@erp.lan/n?ca=/etc/reprise/erp-ca.pem",
            ),
            (
                "postgresql://r@:5433/n?socket=/run/p",
                "postgresql://r@localhost:5433/n?socket=/run/p",
            ),
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(DatabaseUrl::parse(shown).unwrap(), url, "{shown}");
        }
    }

    #[test]
    fn a_bad_address_says_what_is_wrong_and_never_a_password() {
        for (text, what) in [
            ("erp/dolibarr", "does not begin"),
            ("oracle://a@b/c", "does not begin"),
            ("mariadb://root:secret@erp/d", "password"),
            ("mariadb://erp/d", "user is missing"),
            ("mariadb://root@/d", "host is missing"),
            ("mariadb://root@-oProxy/d", "host is missing"),
            ("mariadb://root@erp", "name of the database"),
            ("mariadb://root@erp/", "name of the database"),
            ("mariadb://root@erp/a/b", "name of the database"),
            ("mariadb://root@erp:99999/d", "`99999`"),
            ("mariadb://root@fe80::1/d", "brackets"),
            ("mariadb://root@erp/d?ssl=1", "ca=/path only"),
            ("mariadb://root@erp/d?socket=run", "ca=/path only"),
            ("mariadb://root@erp/d?ca=erp.pem", "ca=/path only"),
            ("mariadb://root@/d?ca=/erp.pem", "host is missing"),
            ("mariadb://root@erp/d\n", "control"),
        ] {
            let said = DatabaseUrl::parse(text).unwrap_err().to_string();
            assert!(said.contains(what), "{text}: {said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }
}
