//! The password before a menu that a rule gives: iPXE scripts as pure text, and what iPXE sends back.
//!
//! iPXE has no HTTPS with Debian's keys and hashes nothing: the password travels as it was typed, readable by whoever
//! listens on that network. It opens a menu and nothing else, and an operator's `reprise boot next` needs none.

use super::script::{self, Place};
use crate::boot::path::{self, BootFile};
use std::time::Duration;

/// Nobody is there: on to the disk, soon.
const ASK_MS: u32 = 5_000;
/// More than anybody types; the rest of a hostile question is not read.
const LONGEST_QUERY: usize = 2_048;

/// What the last try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    None,
    Wrong {
        left: usize,
    },
    /// No more tries for so long.
    Closed(Duration),
}

/// Asks for the password, of whoever presses a key in time.
pub(super) fn ask(place: &Place, last: Last) -> String {
    let fr = place.locale == "fr";
    let t = |en: &'static str, french: &'static str| if fr { french } else { en };
    let name = script::plain(place.appliance);
    let said = match last {
        Last::None => String::new(),
        Last::Wrong { left } => format!(
            "echo Reprise {name}: {} {left}\n",
            t(
                "wrong password; tries left:",
                "mot de passe faux, essais restants :"
            )
        ),
        Last::Closed(wait) => {
            return format!(
                "#!ipxe\necho Reprise {name}: {} {} min\nsleep 5\nexit 1\n",
                t(
                    "too many wrong passwords; ask an operator for reprise boot next, or wait",
                    "trop de mots de passe faux, demander reprise boot next, ou attendre"
                ),
                wait.as_secs().div_ceil(60).max(1)
            );
        }
    };
    let url = format!(
        "http://{}:{}/{}",
        place.server,
        place.http_port,
        path::of(place.mac, BootFile::Menu)
    );
    let gate = match last {
        Last::None => format!(
            "prompt --key m --timeout {ASK_MS} Reprise {name}: {} || goto disk\n",
            t("press m for the menu", "touche m pour le menu")
        ),
        _ => String::new(),
    };
    format!(
        "#!ipxe\n{said}{gate}login || goto disk\n\
         chain --replace {url}?who=${{username:uristring}}&word=${{password:uristring}} || goto disk\n\
         :disk\nexit 1\n"
    )
}

/// What was typed, from the query of the menu's URL: who they say they are, and the password.
pub(super) fn typed(query: Option<&str>) -> Option<(String, String)> {
    let query = query.filter(|query| query.len() <= LONGEST_QUERY)?;
    let field = |name: &str| {
        query
            .split('&')
            .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
            .and_then(decoded)
    };
    Some((field("who").unwrap_or_default(), field("word")?))
}

/// Percent signs only: iPXE writes a plus as it is, and a space as `%20`.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mac;
    use crate::boot::path::UrlHost;
    use std::net::Ipv4Addr;

    fn place(locale: &'static str) -> Place<'static> {
        Place {
            appliance: "agen",
            server: UrlHost(Ipv4Addr::new(10, 77, 0, 2).into()),
            console: Ipv4Addr::new(10, 77, 0, 2),
            http_port: 8067,
            console_port: 8443,
            fingerprint: "c0ffee",
            locale,
            mac: Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]),
            shim: false,
        }
    }

    #[test]
    fn the_password_is_asked_of_whoever_is_there() {
        let golden = include_str!("../../tests/data/ipxe/ask.ipxe");
        assert_eq!(ask(&place("en"), Last::None), golden);
        let wrong = ask(&place("fr"), Last::Wrong { left: 3 });
        assert!(wrong.contains("essais restants : 3\nlogin"), "{wrong}");
        let closed = ask(&place("en"), Last::Closed(Duration::from_secs(61)));
        assert!(
            closed.contains("wait 2 min") && closed.ends_with("exit 1\n"),
            "{closed}"
        );
        assert!(!closed.contains("login"), "{closed}");
        for script in [wrong, closed] {
            assert!(
                script.is_ascii() && script.starts_with("#!ipxe\n"),
                "{script}"
            );
        }
    }

    #[test]
    fn what_was_typed_is_read_to_the_letter() {
        let both = |who: &str, word: &str| Some((who.to_owned(), word.to_owned()));
        for (query, expected) in [
            (
                Some("who=eve&word=a%20b+c%26%3d%25"),
                both("eve", "a b+c&=%"),
            ),
            (Some("word=%C3%A9t%c3%a9"), both("", "été")),
            (Some("who=eve&word="), both("eve", "")),
            (Some("who=eve"), None),
            (Some("word=%4"), None),
            (Some("word=%zz"), None),
            (Some("word=%ff"), None),
            (Some(""), None),
            (None, None),
        ] {
            assert_eq!(typed(query), expected, "{query:?}");
        }
        assert_eq!(typed(Some(&format!("word={}", "x".repeat(3000)))), None);
    }
}
