//! A throw-away PostgreSQL: how it is made, started and spoken to.

use super::{Account, Making};
use std::path::Path;
use std::process::Command;

pub(super) const SOCKET: &str = ".s.PGSQL.5432";
/// The first account's password, read when the server is made.
pub(super) const PASSWORD: &str = "password";

/// Where `amcheck` goes: out of the way of what is loaded.
pub(crate) const CHECKS: &str = "reprise_checks";

pub(super) fn make(made: &Making) -> Vec<String> {
    let mut words = vec![
        format!("--pgdata={}", made.at("data")),
        format!("--username={}", made.keeper().name),
        format!("--pwfile={}", made.at(PASSWORD)),
    ];
    // With passwords: a dump that gets its client to connect once more must not become the first account.
    let fixed = [
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
        "--no-instructions",
    ];
    words.extend(fixed.map(str::to_owned));
    words
}

pub(super) fn serve(made: &Making) -> Vec<String> {
    let mut settings = vec![
        format!("unix_socket_directories={}", made.inside.display()),
        format!(
            "shared_buffers={}kB",
            (made.memory_bytes / 4 / 1024).max(16 << 10)
        ),
        format!(
            "maintenance_work_mem={}kB",
            (made.memory_bytes / 4 / 1024).max(16 << 10)
        ),
    ];
    let fixed = [
        "listen_addresses=",
        "unix_socket_permissions=0700",
        "dynamic_shared_memory_type=mmap",
        // It is thrown away: nothing of it has to survive a power cut.
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "wal_level=minimal",
        "max_wal_senders=0",
        "max_wal_size=512MB",
        "autovacuum=off",
        "jit=off",
        "max_connections=32",
        "max_parallel_workers=2",
        "statement_timeout=21600000",
        "log_min_messages=warning",
        // Statements hold data, and a log is read by others.
        "log_min_error_statement=panic",
        "log_statement=none",
    ];
    settings.extend(fixed.map(str::to_owned));
    let mut words = vec!["-D".to_owned(), made.at("data")];
    for setting in settings {
        words.extend(["-c".to_owned(), setting]);
    }
    words
}

/// The first account's work outside of the database.
pub(super) fn roles(made: &Making) -> String {
    let (loader, reader) = (made.loader(), made.reader());
    [
        format!(
            "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{}';",
            loader.name, loader.password
        ),
        format!(
            "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{}';",
            reader.name, reader.password
        ),
        format!(
            "CREATE DATABASE \"{}\" OWNER {} TEMPLATE template0 ENCODING 'UTF8';",
            made.database, loader.name
        ),
        String::new(),
    ]
    .join("\n")
}

/// Its work inside, while the database is empty.
pub(super) fn database(made: &Making) -> String {
    let (database, loader) = (&made.database, &made.loader().name);
    [
        format!("REVOKE ALL ON DATABASE \"{database}\" FROM PUBLIC;"),
        format!(
            "GRANT CONNECT ON DATABASE \"{database}\" TO {};",
            made.reader().name
        ),
        format!("ALTER SCHEMA public OWNER TO {loader};"),
        String::new(),
    ]
    .join("\n")
}

/// Debian's server brings `amcheck`; the loader may use it.
pub(super) fn checks(made: &Making) -> String {
    let loader = &made.loader().name;
    [
        format!("CREATE SCHEMA {CHECKS};"),
        format!("CREATE EXTENSION amcheck SCHEMA {CHECKS};"),
        format!("GRANT USAGE ON SCHEMA {CHECKS} TO {loader};"),
        format!("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {CHECKS} TO {loader};"),
        String::new(),
    ]
    .join("\n")
}

/// Said by the owner: whoever may log in may read all of it.
pub(super) const GRANT: &str = "DO $$ DECLARE s name; r name; BEGIN \
    SELECT rolname INTO r FROM pg_roles WHERE rolname ~ '^reader_[0-9a-f]{16}$'; \
    FOR s IN SELECT nspname FROM pg_namespace WHERE nspowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) LOOP \
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', s, r); \
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', s, r); \
    END LOOP; END $$";

/// Nobody writes any more, and nobody is who loaded it.
pub(super) fn open(made: &Making) -> String {
    let (loader, reader) = (&made.loader().name, &made.reader().name);
    [
        format!(
            "ALTER DATABASE \"{}\" SET default_transaction_read_only = on;",
            made.database
        ),
        format!("ALTER ROLE {reader} SET default_transaction_read_only = on;"),
        format!("ALTER ROLE {loader} NOLOGIN;"),
        String::new(),
    ]
    .join("\n")
}

pub(super) fn client(
    command: &mut Command,
    inside: &Path,
    account: &Account,
    database: Option<&str>,
) {
    command
        .args([
            "--no-psqlrc",
            "--no-password",
            "--quiet",
            "--tuples-only",
            "--no-align",
        ])
        .args(["--field-separator=\t", "--set=ON_ERROR_STOP=1", "--file=-"])
        .arg(format!("--host={}", inside.display()))
        .arg("--port=5432")
        .arg(format!("--username={}", account.name))
        .arg(format!("--dbname={}", database.unwrap_or("postgres")))
        .env("PGCLIENTENCODING", "UTF8")
        // Worth nothing outside of these walls.
        .env("PGPASSWORD", &account.password);
}
