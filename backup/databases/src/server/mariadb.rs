//! A throw-away MariaDB: how it is made, started and spoken to.

use super::{Account, Making};
use std::path::Path;
use std::process::Command;

pub(super) const SOCKET: &str = "mariadb.sock";
/// Statements it runs before anybody can connect.
pub(super) const FIRST: &str = "first.sql";

pub(super) fn make(made: &Making) -> Vec<String> {
    [
        "--no-defaults".to_owned(),
        format!("--datadir={}", made.at("data")),
        "--auth-root-authentication-method=normal".to_owned(),
        "--skip-test-db".to_owned(),
        "--skip-name-resolve".to_owned(),
    ]
    .into()
}

pub(super) fn serve(made: &Making) -> Vec<String> {
    let mut words = vec![
        "--no-defaults".to_owned(),
        format!("--datadir={}", made.at("data")),
        format!("--tmpdir={}", made.at("tmp")),
        format!("--socket={}", made.at(SOCKET)),
        format!("--pid-file={}", made.at("pid")),
        format!("--init-file={}", made.at(FIRST)),
        // No file of the machine is read or written by SQL, and no library loaded.
        format!("--secure-file-priv={}", made.at("nothing")),
        format!("--plugin-dir={}", made.at("nothing")),
        format!(
            "--innodb-buffer-pool-size={}",
            (made.memory_bytes / 2).max(64 << 20)
        ),
    ];
    let fixed = [
        "--skip-networking",
        "--local-infile=0",
        "--skip-symbolic-links",
        // Off, not disabled: what is there can be counted, and nobody but the first account could start it.
        "--event-scheduler=OFF",
        "--skip-name-resolve",
        // It is thrown away: nothing of it has to survive a power cut.
        "--skip-log-bin",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
        "--innodb-flush-method=nosync",
        "--innodb-log-file-size=100663296",
        "--performance-schema=0",
        // The largest row that any dump can hold.
        "--max-allowed-packet=1073741824",
        "--max-connections=32",
        "--max-statement-time=21600",
        "--log-warnings=1",
        "--character-set-server=utf8mb4",
    ];
    words.extend(fixed.map(str::to_owned));
    words
}

/// The accounts and the database; every account that a dump could name is gone. One statement a line.
pub(super) fn first(made: &Making) -> String {
    let named = |account: &Account| format!("'{}'@'localhost'", account.name);
    let create = |account: &Account| {
        format!(
            "CREATE USER {} IDENTIFIED BY '{}';",
            named(account),
            account.password
        )
    };
    let (keeper, loader, reader) = (made.keeper(), made.loader(), made.reader());
    let database = format!("`{}`", made.database);
    // In a GRANT, `_` stands for any character.
    let granted = format!("`{}`", made.database.replace('_', "\\_"));
    [
        format!("CREATE DATABASE {database} CHARACTER SET utf8mb4;"),
        create(keeper),
        format!("GRANT ALL PRIVILEGES ON *.* TO {} WITH GRANT OPTION;", named(keeper)),
        create(loader),
        format!("GRANT ALL PRIVILEGES ON {granted}.* TO {};", named(loader)),
        // Views and triggers name who defined them.
        format!("GRANT SET USER ON *.* TO {};", named(loader)),
        create(reader),
        format!("GRANT SELECT, SHOW VIEW ON {granted}.* TO {};", named(reader)),
        "DELETE FROM mysql.global_priv WHERE User NOT REGEXP '^(keeper|loader|reader)_[0-9a-f]{16}$';".to_owned(),
        "FLUSH PRIVILEGES;".to_owned(),
        String::new(),
    ]
    .join("\n")
}

/// Nobody writes any more, and nobody is who loaded it.
pub(super) fn open(made: &Making) -> String {
    let loader = &made.loader().name;
    format!("SET GLOBAL read_only = 1;\nALTER USER '{loader}'@'localhost' ACCOUNT LOCK;\n")
}

pub(super) fn client(
    command: &mut Command,
    inside: &Path,
    account: &Account,
    database: Option<&str>,
) {
    command
        .arg("--no-defaults")
        // Without it, `\!` and `system` in a dump run a shell, `tee` writes a file.
        .arg("--binary-mode")
        .args(["--batch", "--skip-column-names", "--local-infile=0"])
        .args(["--default-character-set=utf8mb4", "--max-allowed-packet=1G"])
        .arg("--skip-reconnect")
        .arg(format!("--user={}", account.name))
        .arg(format!("--socket={}", inside.join(SOCKET).display()))
        // Worth nothing outside of these walls.
        .env("MYSQL_PWD", &account.password)
        .args(database);
}
