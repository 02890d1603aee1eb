//! Why a dump or a load failed. Every message fits after "failed to …" and says what to do next.

use crate::Engine;
use std::io;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "find {program}: the client programs of {} are not on this box; run `apt-get install {package}`",
        .engine.name()
    )]
    NoTool {
        engine: Engine,
        program: &'static str,
        package: &'static str,
    },
    #[error("run {program}: {source}; check the memory and the processes of this box")]
    Start { program: String, source: io::Error },
    #[error(
        "read the password of {database} in {file}: {source}; write it on the first line of that file, readable by reprise only"
    )]
    Password {
        database: String,
        file: String,
        source: io::Error,
    },
    #[error(
        "keep the login of {database} for its client: {source}; check the folder for temporary files ({folder})"
    )]
    Login {
        database: String,
        folder: String,
        source: io::Error,
    },
    /// The server, or its client, said no.
    #[error("{doing} {object}: {said}; {}", .cause.advice())]
    Refused {
        doing: &'static str,
        object: String,
        cause: Cause,
        /// In the server's words, on one line.
        said: String,
    },
    #[error(
        "{doing} {object}: the server has said nothing for {minutes} min; see what it is at (SHOW PROCESSLIST, pg_stat_activity), then run the plan again"
    )]
    Silent {
        doing: &'static str,
        object: String,
        minutes: u64,
    },
    #[error(
        "dump {object}: {got} rows came and the server counts {counted} in the same instant; the dump is not whole and is not kept. Run the plan again; when it stays so, check the table (CHECK TABLE, amcheck)"
    )]
    Short {
        object: String,
        counted: u64,
        got: u64,
    },
    #[error(
        "understand what {program} answers about {object}: {what}; tell the makers of Reprise the versions of client and server"
    )]
    Strange {
        program: &'static str,
        object: String,
        what: String,
    },
    #[error(
        "dump {database}: it holds no table; check the name of the database and the rights of its user"
    )]
    Empty { database: String },
    #[error("go on: stopped on request")]
    Stopped,
    #[error(transparent)]
    Manifest(#[from] crate::manifest::Unreadable),
}

impl Error {
    /// What a failing read of a [`crate::Part`] tells.
    pub fn of(error: io::Error) -> Error {
        match error.downcast::<Error>() {
            Ok(error) => error,
            Err(error) => Error::Refused {
                doing: "read",
                object: "the dump".to_owned(),
                cause: Cause::Lost,
                said: error.to_string(),
            },
        }
    }
}

/// What kind of no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Unreachable,
    Credentials,
    NoDatabase,
    /// A right is missing.
    Denied,
    Locked,
    /// A table was changed by DDL while the dump was at it.
    Altered,
    /// The connection ended in the middle, or the client did.
    Lost,
    /// The server's certificate is not of the authority that the address names, or of another name.
    Untrusted,
    /// The client is older than the server.
    OldClient,
    Other,
}

impl Cause {
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Cause::Unreachable => {
                "check that the server runs, its address and port, and that it listens to this box"
            }
            Cause::Credentials => {
                "check the user, from which host it may log in, and the password in database_password_file"
            }
            Cause::NoDatabase => "check the name of the database",
            Cause::Denied => "give its user the rights that docs/databases.md lists",
            Cause::Locked => {
                "find who holds the lock (SHOW FULL PROCESSLIST, pg_stat_activity), end that session or wait for it, then run the plan again"
            }
            Cause::Altered => "an upgrade was probably at work; run the plan again when it is over",
            Cause::Lost => {
                "see the server's log (was it stopped, or short of memory?), then run the plan again"
            }
            Cause::Untrusted => {
                "check that the file behind ?ca= holds the certificate of who signed the server's, and that the address names the server as its certificate does"
            }
            Cause::OldClient => {
                "install the client programs of the server's version (mariadb-client, postgresql-client-NN)"
            }
            Cause::Other => "correct that on the server, then run the plan again",
        }
    }

    /// By the numbers and states that servers send, whatever their language; else by the words of the clients, which
    /// are asked to speak English.
    pub(crate) fn of(said: &str) -> Cause {
        let has = |what: &str| said.contains(what);
        let any = |list: &[&str]| list.iter().any(|what| has(what));
        if any(&[
            "ERROR 1045",
            "error: 1045",
            "ERROR 1698",
            "error: 1698",
            "28P01",
            "28000",
        ]) || any(&[
            "password authentication failed",
            "no password supplied",
            "fe_sendauth",
        ]) || any(&["authentification par mot de passe", "no pg_hba.conf entry"])
        {
            return Cause::Credentials;
        }
        if any(&["ERROR 1049", "error: 1049", "3D000"])
            || (has("FATAL") && has("database \"") && has("does not exist"))
        {
            return Cause::NoDatabase;
        }
        if any(&[
            "ERROR 1205",
            "error: 1205",
            "(1205)",
            "55P03",
            "lock timeout",
        ]) {
            return Cause::Locked;
        }
        if any(&[
            "ERROR 1412",
            "error: 1412",
            "ERROR 1146",
            "ERROR 1054",
            "42P01",
            "42703",
        ]) {
            return Cause::Altered;
        }
        if any(&[
            "ERROR 1044",
            "error: 1044",
            "ERROR 1142",
            "error: 1142",
            "(1142)",
            "ERROR 1143",
            "42501",
        ]) || any(&[
            "ERROR 1227",
            "error: 1227",
            "(1227)",
            "permission denied for",
            "insufficient priv",
        ]) {
            return Cause::Denied;
        }
        if any(&[
            "ERROR 2013",
            "ERROR 2006",
            "error: 2013",
            "error: 2006",
            "57P01",
            "57P02",
            "08006",
        ]) || any(&["ERROR 1927", "ERROR 1053", "ERROR 1317", "57014"])
            || any(&[
                "server closed the connection",
                "connection to server was lost",
                "Lost connection",
            ])
            || any(&[
                "terminating connection",
                "SSL connection has been closed",
                "it was ended by signal",
            ])
            || has("it ended in the middle")
        {
            return Cause::Lost;
        }
        // In front of the unreachable: psql says both.
        if any(&["ERROR 2026", "error: 2026", "SSL error: certificate"])
            || any(&["certificate for \"", "root certificate file"])
        {
            return Cause::Untrusted;
        }
        if any(&[
            "ERROR 2002",
            "ERROR 2003",
            "ERROR 2005",
            "error: 2002",
            "error: 2003",
            "error: 2005",
        ]) || any(&[
            "could not connect",
            "connection to server",
            "could not translate host",
        ]) {
            return Cause::Unreachable;
        }
        if has("server version mismatch") {
            return Cause::OldClient;
        }
        Cause::Other
    }
}

/// A part that went wrong while the rest went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A table, or the database.
    pub object: String,
    pub what: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say_leads_to_the_next_action() {
        for (said, cause) in [
            (
                "ERROR 1045 (28000): Access denied for user 'doli'@'box' (using password: YES)",
                Cause::Credentials,
            ),
            (
                "mariadb-dump: Got error: 1045: \"Access denied for user\" when trying to connect",
                Cause::Credentials,
            ),
            (
                "psql: error: connection to server on socket \"/run/x\" failed: FATAL:  password authentication failed for user \"r\"",
                Cause::Credentials,
            ),
            (
                "ERROR 1049 (42000): Unknown database 'x'",
                Cause::NoDatabase,
            ),
            (
                "psql: error: connection to server at \"h\", port 5432 failed: FATAL:  database \"x\" does not exist",
                Cause::NoDatabase,
            ),
            (
                "ERROR 1205 (HY000) at line 12: Lock wait timeout exceeded",
                Cause::Locked,
            ),
            (
                "ERROR:  55P03: canceling statement due to lock timeout",
                Cause::Locked,
            ),
            (
                "ERROR 1412 (HY000) at line 3: Table definition has changed",
                Cause::Altered,
            ),
            (
                "ERROR 1142 (42000) at line 9: SELECT command denied to user",
                Cause::Denied,
            ),
            (
                "ERROR:  42501: permission denied for table secret",
                Cause::Denied,
            ),
            (
                "ERROR 2013 (HY000) at line 9: Lost connection to server during query",
                Cause::Lost,
            ),
            (
                "FATAL:  57P01: terminating connection due to administrator command",
                Cause::Lost,
            ),
            ("it was ended by signal 9", Cause::Lost),
            (
                "ERROR 2002 (HY000): Can't connect to server on 'erp' (115)",
                Cause::Unreachable,
            ),
            (
                "psql: error: connection to server at \"erp\" (10.0.0.1), port 5432 failed: Connection refused",
                Cause::Unreachable,
            ),
            (
                "ERROR 2026 (HY000): TLS/SSL error: self-signed certificate in certificate chain",
                Cause::Untrusted,
            ),
            (
                "psql: error: connection to server at \"erp\" (10.0.0.1), port 5432 failed: SSL error: certificate verify failed",
                Cause::Untrusted,
            ),
            (
                "psql: error: connection to server at \"10.0.0.1\", port 5432 failed: server certificate for \"erp\" does not match host name \"10.0.0.1\"",
                Cause::Untrusted,
            ),
            (
                "pg_dump: error: aborting because of server version mismatch",
                Cause::OldClient,
            ),
            (
                "ERROR 1030 (HY000) at line 1: Got error 28 from storage engine",
                Cause::Other,
            ),
        ] {
            assert_eq!(Cause::of(said), cause, "{said}");
        }
    }
}
