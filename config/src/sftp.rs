//! `sftp://user@host[:port]/path`.

use std::fmt;

/// The port of SSH.
const PORT: u16 = 22;
const SCHEME: &str = "sftp://";

/// Where a vault lies on another machine. Characters are taken as they are: `%20` is not a space.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SftpUrl {
    pub user: String,
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
    /// As the server is asked for it: absolute, or below the folder one is in after the login (`/~/…` in the URL).
    pub path: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}; write it as sftp://user@host/folder or sftp://user@host:2222/folder")]
pub struct BadUrl {
    what: String,
}

fn bad(what: impl Into<String>) -> BadUrl {
    BadUrl { what: what.into() }
}

impl SftpUrl {
    /// Whether a text is meant as one, well written or not.
    pub fn is_meant(text: &str) -> bool {
        text.get(..SCHEME.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
    }

    pub fn parse(text: &str) -> Result<SftpUrl, BadUrl> {
        if !SftpUrl::is_meant(text) {
            return Err(bad("it does not begin with sftp://"));
        }
        if text.chars().any(char::is_control) {
            return Err(bad("it holds a control character"));
        }
        let rest = &text[SCHEME.len()..];
        let (server, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => return Err(bad("the folder is missing")),
        };
        let Some((user, address)) = server.rsplit_once('@') else {
            return Err(bad("the user is missing"));
        };
        if user.contains(':') {
            return Err(bad(
                "it holds a password, which would be shown in messages: write it in a file of its own",
            ));
        }
        let (host, port) = address_of(address)?;
        let is_name = |text: &str| !text.is_empty() && !text.contains([' ', '@', '/', '[', ']']);
        if !is_name(user) {
            return Err(bad("the user is missing"));
        }
        if !is_name(host) || host.starts_with('-') {
            return Err(bad("the host is missing"));
        }
        Ok(SftpUrl {
            user: user.to_owned(),
            host: host.to_owned(),
            port,
            path: path_of(path)?,
        })
    }

    /// `host`, or `host:port` when the port is not the usual one.
    pub fn address(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match self.port {
            PORT => host,
            port => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for SftpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below_login = if self.path.starts_with('/') {
            ""
        } else {
            "/~/"
        };
        let (user, address, path) = (&self.user, self.address(), &self.path);
        write!(f, "{SCHEME}{user}@{address}{below_login}{path}")
    }
}

fn address_of(address: &str) -> Result<(&str, u16), BadUrl> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let Some((host, after)) = rest.split_once(']') else {
                return Err(bad("an IPv6 address has no closing bracket"));
            };
            match after.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if after.is_empty() => (host, None),
                None => return Err(bad("something follows the bracket")),
            }
        }
        None => match address.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err(bad("an IPv6 address stands in brackets"));
            }
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let port = match port {
        None => PORT,
        Some(port) => match port.parse() {
            Ok(port) if port > 0 => port,
            _ => return Err(bad(format!("`{port}` is not a port"))),
        },
    };
    Ok((host, port))
}

fn path_of(path: &str) -> Result<String, BadUrl> {
    let (start, rest) = match path.strip_prefix("/~/") {
        Some(rest) => ("", rest),
        None => ("/", path),
    };
    let parts: Vec<&str> = rest
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if parts.contains(&"..") {
        return Err(bad("`..` in the folder"));
    }
    if parts.is_empty() {
        return Err(bad("the folder is missing"));
    }
    Ok(format!("{start}{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_written() {
        for (text, want, shown) in [
            (
                "sftp://reprise@nas/volume1/reprise",
                ("reprise", "nas", 22, "/volume1/reprise"),
                "sftp://reprise@nas/volume1/reprise",
            ),
            (
                "SFTP://r@nas.lan:2222//volume1/./reprise/",
                ("r", "nas.lan", 2222, "/volume1/reprise"),
                "sftp://r@nas.lan:2222/volume1/reprise",
            ),
            (
                "sftp://r@[fe80::1]/~/vault",
                ("r", "fe80::1", 22, "vault"),
                "sftp://r@[fe80::1]/~/vault",
            ),
            (
                "sftp://r@[::1]:22/a b/é%20",
                ("r", "::1", 22, "/a b/é%20"),
                "sftp://r@[::1]/a b/é%20",
            ),
        ] {
            let url = SftpUrl::parse(text).unwrap();
            let (user, host, port, path) = want;
            assert_eq!(
                (&*url.user, &*url.host, url.port, &*url.path),
                (user, host, port, path)
            );
            assert_eq!(url.to_string(), shown);
            assert_eq!(SftpUrl::parse(shown).unwrap(), url);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, what) in [
            ("ftp://r@nas/v", "does not begin"),
            ("sftp://nas/v", "user"),
            ("sftp://@nas/v", "user"),
            ("sftp://r@/v", "host"),
            ("sftp://r@-oProxyCommand=x/v", "host"),
            ("sftp://r@nas", "folder"),
            ("sftp://r@nas/", "folder"),
            ("sftp://r@nas/~/", "folder"),
            ("sftp://r@nas/a/../../etc", "`..`"),
            ("sftp://r:secret@nas/v", "password"),
            ("sftp://r@nas:0/v", "`0`"),
            ("sftp://r@nas:ssh/v", "`ssh`"),
            ("sftp://r@nas:99999/v", "`99999`"),
            ("sftp://r@fe80::1/v", "brackets"),
            ("sftp://r@[fe80::1/v", "bracket"),
            ("sftp://r@[::1]x/v", "bracket"),
            ("sftp://r@nas/a\nb", "control"),
            ("sftp:/", "does not begin"),
        ] {
            let said = SftpUrl::parse(text).unwrap_err().to_string();
            assert!(said.contains(what), "{text}: {said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }
}
