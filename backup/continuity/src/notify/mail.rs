//! One mail to one recipient over SMTP (RFC 5321), text and HTML (RFC 2046), threaded by incident (RFC 5322 §3.6.4).

use super::Error;
use super::channel::secret;
use super::http::{bad_certificates, pem, shown};
use super::records::Letter;
use config::{Mail, Security};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::error::Error as _;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// Of each step of the conversation.
const STEP: Duration = Duration::from_secs(15);
/// Of the whole of it.
const LIMIT: Duration = Duration::from_secs(60);

/// Answers that say nothing of this mail: not available, log-in wanted, failed or impossible (RFC 5321, RFC 4954).
const OF_THE_SERVER: &[&str] = &["421", "454", "530", "534", "535", "538"];

pub(super) async fn send(
    server: &Mail,
    to: &str,
    letter: &Letter,
    ca_file: Option<&Path>,
) -> Result<String, Error> {
    let message = message(server, to, letter)?;
    let transport = transport(server, ca_file)?;
    let name = format!("{}:{}", server.host, server.port);
    let smtp = |why: String| Error::Smtp {
        server: name.clone(),
        why,
    };
    match tokio::time::timeout(LIMIT, transport.send(message)).await {
        Err(_) => Err(smtp(format!("no end within {} s", LIMIT.as_secs()))),
        Ok(Err(error)) => {
            let mut why = error.to_string();
            if let Some(cause) = error.source() {
                let cause = cause.to_string();
                if !why.contains(&cause) {
                    why = format!("{why}: {cause}");
                }
            }
            let why = shown(&why);
            match error.status().map(|code| code.to_string()) {
                Some(code) if !OF_THE_SERVER.contains(&code.as_str()) => {
                    Err(Error::Refused { server: name, why })
                }
                _ => Err(smtp(why)),
            }
        }
        Ok(Ok(answer)) => {
            let lines: Vec<&str> = answer.message().collect();
            Ok(shown(&format!("{} {}", answer.code(), lines.join(" "))))
        }
    }
}

fn transport(
    server: &Mail,
    ca_file: Option<&Path>,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, Error> {
    let tls = match server.security {
        Security::None => Tls::None,
        Security::StartTls => Tls::Required(trust(server, ca_file)?),
        Security::Tls => Tls::Wrapper(trust(server, ca_file)?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
        .port(server.port)
        .tls(tls)
        .hello_name(own_name())
        .timeout(Some(STEP));
    if let Some((user, file)) = &server.login {
        let password = secret("the password of the mail server", file)?;
        builder = builder.credentials(Credentials::new(user.clone(), password));
    }
    Ok(builder.build())
}

fn trust(server: &Mail, ca_file: Option<&Path>) -> Result<TlsParameters, Error> {
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(path) = ca_file {
        let certificates =
            Certificate::from_pem(&pem(path)?).map_err(|error| bad_certificates(path, error))?;
        builder = builder.add_root_certificate(certificates);
    }
    builder.build().map_err(|error| Error::Smtp {
        server: server.host.clone(),
        why: error.to_string(),
    })
}

/// Servers look at it: a real name where there is one, else an address literal (RFC 5321 §4.1.3).
fn own_name() -> ClientId {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    let good = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
    if good {
        ClientId::Domain(name.to_owned())
    } else {
        ClientId::Ipv4(std::net::Ipv4Addr::LOCALHOST)
    }
}

fn message(server: &Mail, to: &str, letter: &Letter) -> Result<Message, Error> {
    let bad = |error: &dyn std::fmt::Display| Error::Mail(error.to_string());
    let domain = server.from.rsplit_once('@').map_or("localhost", |(_, d)| d);
    let id = |token: &str| format!("<{token}@{domain}>");
    let from: Mailbox = server.from.parse().map_err(|e| bad(&e))?;
    let to: Mailbox = to.parse().map_err(|e| bad(&e))?;
    let queued = Duration::from_millis(u64::try_from(letter.queued.0).unwrap_or(0));
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let mut builder = Message::builder()
        .from(from)
        .to(to)
        .subject(letter.subject.clone())
        .date(UNIX_EPOCH + queued)
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    // The same whenever it is tried again: who gets it twice can tell.
    builder = if letter.begins_thread() {
        builder.message_id(Some(id(&letter.thread)))
    } else {
        builder.message_id(Some(id(&letter.id)))
    };
    if !letter.thread.is_empty() && !letter.begins_thread() {
        let root = id(&letter.thread);
        builder = builder.in_reply_to(root.clone()).references(root);
    }
    let parts = MultiPart::alternative_plain_html(letter.body.clone(), letter.html.clone());
    builder.multipart(parts).map_err(|e| bad(&e))
}
