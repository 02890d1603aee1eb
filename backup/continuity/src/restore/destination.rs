//! Where files go: a folder of this box, or one of a server that the configuration names.

use config::{Config, Server, SftpUrl};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// What somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Name of a `[[server]]`; none is this box.
    pub server: Option<String>,
    /// Absolute there. `None`: where the files were when they were saved.
    pub folder: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum Unknown {
    #[error(
        "restore to {asked}: the configuration has no [[server]] of that user and host (it has: {known}); add one with its `url` and `ssh_key`, and restart reprise"
    )]
    Server { asked: String, known: String },
    /// The text is not repeated: it may hold a password.
    #[error("restore to that URL: {what}")]
    Url { what: String },
    #[error(
        "restore to server {name}: the configuration has no [[server]] of that name (it has: {known}); add it there or name one of those"
    )]
    Name { name: String, known: String },
}

impl Destination {
    pub fn here(folder: impl Into<PathBuf>) -> Destination {
        Destination {
            server: None,
            folder: Some(folder.into()),
        }
    }

    /// A folder of this box, or `sftp://user@host[:port]/folder` on a server of the configuration.
    pub fn read(text: &[u8], config: &Config) -> Result<Destination, Unknown> {
        let url = std::str::from_utf8(text)
            .ok()
            .filter(|t| SftpUrl::is_meant(t));
        let Some(text) = url else {
            return Ok(Destination::here(OsString::from_vec(text.to_vec())));
        };
        let url = SftpUrl::parse(text).map_err(|wrong| Unknown::Url {
            what: wrong.to_string(),
        })?;
        let is_it = |server: &&Server| {
            let at = &server.at.url;
            (at.user == url.user, at.port == url.port) == (true, true)
                && at.host.eq_ignore_ascii_case(&url.host)
                && Path::new(&url.path).starts_with(&at.path)
        };
        // Of several on one machine, the one whose folder it lies in; else any, which then says where it may lie.
        let same_host = |server: &&Server| {
            let at = &server.at.url;
            at.user == url.user && at.port == url.port && at.host.eq_ignore_ascii_case(&url.host)
        };
        let mut servers = config.servers.iter();
        let found = servers
            .clone()
            .find(is_it)
            .or_else(|| servers.find(same_host));
        match found {
            Some(server) => Ok(Destination {
                server: Some(server.name.clone()),
                folder: Some(PathBuf::from(url.path)),
            }),
            None => Err(Unknown::Server {
                asked: text.to_owned(),
                known: known(config, |server| server.at.url.to_string()),
            }),
        }
    }

    pub(super) fn server<'c>(&self, config: &'c Config) -> Result<Option<&'c Server>, Unknown> {
        let Some(name) = &self.server else {
            return Ok(None);
        };
        match config.server(name) {
            Some(server) => Ok(Some(server)),
            None => Err(Unknown::Name {
                name: name.clone(),
                known: known(config, |server| server.name.clone()),
            }),
        }
    }
}

fn known(config: &Config, shown: impl Fn(&Server) -> String) -> String {
    match config.servers.is_empty() {
        true => "none".to_owned(),
        false => config
            .servers
            .iter()
            .map(shown)
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// The folder as people see it: with the server before it, when it is one of another machine.
pub(super) fn shown(server: Option<&Server>, folder: &Path) -> String {
    let path = String::from_utf8_lossy(folder.as_os_str().as_bytes());
    match server {
        Some(server) => {
            let (user, address) = (&server.at.url.user, server.at.url.address());
            format!("sftp://{user}@{address}{path}")
        }
        None => path.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_finds_its_server() {
        let text = "[appliance]\nname = \"a\"\n\
            [[server]]\nname = \"erp\"\nurl = \"sftp://root@erp.lan/srv\"\nssh_key = \"k\"\n\
            [[server]]\nname = \"erp-etc\"\nurl = \"sftp://root@erp.lan/etc\"\nssh_key = \"k\"\n\
            [[server]]\nname = \"files\"\nurl = \"sftp://r@10.0.0.2:2222/data\"\nssh_key = \"k\"\n";
        let config = config::parse(text, Path::new("/etc/reprise/reprise.toml")).expect("good");
        for (asked, server, folder) in [
            ("/srv/back", None, "/srv/back"),
            ("relative", None, "relative"),
            ("sftp://root@ERP.lan/srv/back", Some("erp"), "/srv/back"),
            ("sftp://root@erp.lan/etc/x", Some("erp-etc"), "/etc/x"),
            // Outside both: one of them refuses it, and says what it may write.
            ("sftp://root@erp.lan/home", Some("erp"), "/home"),
            ("sftp://r@10.0.0.2:2222/data", Some("files"), "/data"),
        ] {
            let found = Destination::read(asked.as_bytes(), &config).expect(asked);
            assert_eq!(found.server.as_deref(), server, "{asked}");
            assert_eq!(found.folder.as_deref(), Some(Path::new(folder)), "{asked}");
            let server = found.server(&config).expect("known");
            assert_eq!(
                shown(server, Path::new("/x")).starts_with("sftp://"),
                server.is_some()
            );
        }
        for (asked, what) in [
            ("sftp://other@erp.lan/srv", "sftp://root@erp.lan/srv"),
            ("sftp://root@erp.lan:2/srv", "no [[server]]"),
            ("sftp://root@erp.lan/", "folder is missing"),
            ("sftp://root:secret@erp.lan/srv", "holds a password"),
        ] {
            let said = Destination::read(asked.as_bytes(), &config).expect_err(asked);
            assert!(said.to_string().contains(what), "{said}");
            assert!(!said.to_string().contains("secret"), "{said}");
        }
    }
}
