//! Somebody else on the same network, with curl and a key of his own.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use images::wire::{Hello, Inventory};

use crate::net::Net;
use crate::shell::output;

pub(crate) struct Stranger<'n> {
    net: &'n Net,
    key: String,
}

impl<'n> Stranger<'n> {
    pub(crate) fn new(net: &'n Net) -> Self {
        Self {
            net,
            key: "5".repeat(64),
        }
    }

    /// Introduces himself as a machine; gets the id of the host that he now is.
    pub(crate) fn says_hello(&self) -> Result<String> {
        let hello = Hello {
            mac: "52:54:00:77:77:77".to_owned(),
            agent_key: self.key.clone(),
            inventory: Inventory::default(),
            version: "stranger".to_owned(),
        };
        let body = serde_json::to_string(&hello)?;
        let (status, answer) = self.asks(
            "/agent/hello",
            &["-H", "content-type: application/json", "-d", &body],
        )?;
        ensure!(
            status == 200,
            "POST /agent/hello answered {status}: {answer}"
        );
        let welcome: images::wire::Welcome = serde_json::from_str(&answer)?;
        Ok(welcome.host)
    }

    /// GET with his key, with a made-up one, and with none: none of them may be answered.
    pub(crate) fn is_refused(&self, path: &str) -> Result<()> {
        let own = format!("authorization: Bearer {}", self.key);
        let other = format!("authorization: Bearer {}", "a".repeat(64));
        for headers in [&["-H", own.as_str()][..], &["-H", other.as_str()], &[]] {
            let (status, answer) = self.asks(path, headers)?;
            ensure!(
                (400..500).contains(&status),
                "GET {path} with {headers:?} answered {status}: {answer}"
            );
        }
        Ok(())
    }

    fn asks(&self, path: &str, more: &[&str]) -> Result<(u16, String)> {
        let mut curl = Command::new("ip");
        curl.args([
            "netns",
            "exec",
            &self.net.foreign.name,
            "curl",
            "-sk",
            "--max-time",
            "30",
            "-w",
            "\n%{http_code}",
        ]);
        curl.args(more)
            .arg(format!("https://{}:8443{path}", Net::SERVER));
        let text = output(curl)?;
        let (answer, status) = text.rsplit_once('\n').context("curl's status line")?;
        Ok((status.trim().parse()?, answer.to_owned()))
    }
}
