//! `[glpi]`: the inventory that gets what the PCs are.

use crate::build::resolved;
use crate::place::Findings;
use crate::walk::Entries;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// A GLPI server, version 10 or later, with its own inventory switched on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glpi {
    /// The page that takes inventories.
    pub url: String,
    pub login: Option<GlpiLogin>,
    /// Tells GLPI's rules which entity the PCs belong to.
    pub tag: Option<String>,
    /// Certificates trusted beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// How GLPI is told who sends ("Authorization header" of its inventory settings).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlpiLogin {
    pub user: String,
    pub password_file: PathBuf,
}

/// Where GLPI takes inventories, below its own address.
const PAGE: &str = "front/inventory.php";

pub(crate) fn build(entries: &Entries, base: &Path, findings: &mut Findings<'_>) -> Option<Glpi> {
    let Some(url) = entries.text("url") else {
        for key in ["user", "password_file", "tag", "ca_file"] {
            if entries.get(key).is_some() {
                findings.add(
                    entries.at(key),
                    format!("`{key}` in [glpi]: no server is named; add `url`, or remove it"),
                );
            }
        }
        return None;
    };
    let file = |key: &str| entries.text(key).map(|path| resolved(base, path));
    let login = match (entries.text("user"), file("password_file")) {
        (Some(user), Some(password_file)) => Some(GlpiLogin {
            user: user.to_owned(),
            password_file,
        }),
        (Some(_), None) => {
            findings.add(
                entries.at("user"),
                "`user` in [glpi]: its password is missing; add `password_file`",
            );
            None
        }
        (None, Some(_)) => {
            findings.add(
                entries.at("password_file"),
                "`password_file` in [glpi]: whose password? add `user`",
            );
            None
        }
        (None, None) => None,
    };
    if login.as_ref().is_some_and(|login| login.user.contains(':')) {
        findings.add(
            entries.at("user"),
            "`user` in [glpi]: a name with a colon cannot be told from its password (RFC 7617); choose another in GLPI",
        );
    }
    if login.is_some() && url.starts_with("http:") && !is_own(url) {
        findings.add(
            entries.at("user"),
            "`user` in [glpi]: its password would cross the network readable by anyone; give `url` with https, or remove the log-in",
        );
    }
    Some(Glpi {
        url: page(url),
        login,
        tag: entries.text("tag").map(str::to_owned),
        ca_file: file("ca_file"),
    })
}

/// The address as people know it, or that of the page itself, as agents are given.
fn page(url: &str) -> String {
    let below = url
        .split_once("://")
        .map_or(url, |(_, rest)| rest)
        .split_once('/')
        .map_or("", |(_, path)| path);
    let is_page =
        below.ends_with(".php") || below.contains("plugins/") || below.contains("marketplace/");
    match is_page {
        true => url.to_owned(),
        false => format!("{}/{PAGE}", url.trim_end_matches('/')),
    }
}

fn is_own(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{example, parse};

    fn read(table: &str) -> Result<Option<Glpi>, String> {
        let text = format!("{}\n[glpi]\n{table}\n", example());
        parse(&text, Path::new("/etc/reprise/reprise.toml"))
            .map(|config| config.registry.glpi)
            .map_err(|complaints| complaints.to_string())
    }

    #[test]
    fn the_page_is_found_below_the_address_that_people_know() {
        for (url, page) in [
            ("https://glpi.lan", "https://glpi.lan/front/inventory.php"),
            ("https://glpi.lan/", "https://glpi.lan/front/inventory.php"),
            (
                "http://srv:8080/glpi/",
                "http://srv:8080/glpi/front/inventory.php",
            ),
            (
                "https://srv/glpi/front/inventory.php",
                "https://srv/glpi/front/inventory.php",
            ),
            (
                "https://srv/marketplace/glpiinventory/",
                "https://srv/marketplace/glpiinventory/",
            ),
        ] {
            let glpi = read(&format!("url = \"{url}\""))
                .expect(url)
                .expect("there");
            assert_eq!((glpi.url.as_str(), glpi.login), (page, None), "{url}");
        }
        assert_eq!(read(""), Ok(None));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let login = "user = \"reprise\"\npassword_file = \"glpi-password\"";
        for (table, says) in [
            ("user = \"a\"".to_owned(), "no server"),
            ("tag = \"a\"".to_owned(), "no server"),
            ("url = \"glpi.lan\"".to_owned(), "web address"),
            ("url = \"https://a:b@glpi.lan\"".to_owned(), "password"),
            (
                "url = \"https://g\"\nuser = \"a\"".to_owned(),
                "password_file",
            ),
            (
                "url = \"https://g\"\npassword_file = \"a\"".to_owned(),
                "`user`",
            ),
            (
                "url = \"https://g\"\nuser = \"a:b\"\npassword_file = \"p\"".to_owned(),
                "colon",
            ),
            (
                format!("url = \"http://glpi.lan\"\n{login}"),
                "readable by anyone",
            ),
        ] {
            let said = read(&table).expect_err(says);
            assert!(said.contains(says), "{table}: {said}");
        }
        for url in [
            "https://glpi.lan",
            "http://127.0.0.1:8080/glpi",
            "http://[::1]:80",
        ] {
            let glpi = read(&format!("url = \"{url}\"\n{login}")).expect(url);
            let login = glpi.and_then(|glpi| glpi.login).expect("a log-in");
            assert_eq!(login.password_file, Path::new("/etc/reprise/glpi-password"));
        }
    }
}
