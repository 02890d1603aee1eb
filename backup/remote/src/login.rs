//! Who we are: by key, or by password in either of the two ways in which servers ask for one.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use russh::MethodKind;
use russh::client::{Handle, Handler, KeyboardInteractiveAuthResponse};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg};

use crate::trouble::Tries;
use crate::{Login, Place, Trouble};

/// Rounds of questions a server may ask: the password, and an empty one that ends it.
const ROUNDS: u32 = 4;
/// No password or key is longer.
const LONGEST: u64 = 64 << 10;

pub(crate) enum Secret {
    Key(Arc<PrivateKey>),
    Password(String),
}

impl Secret {
    pub(crate) fn read(login: &Login) -> Result<Secret, Trouble> {
        match login {
            Login::Key(file) => {
                let key = |what: String| Trouble::Key {
                    file: file.clone(),
                    what,
                };
                let text = read(file).map_err(|what| {
                    key(format!(
                        "{what}; make one with `ssh-keygen -t ed25519 -N \"\" -f {}` and give its .pub file to the NAS",
                        file.display()
                    ))
                })?;
                match russh::keys::decode_secret_key(&text, None) {
                    Ok(secret) => Ok(Secret::Key(Arc::new(secret))),
                    Err(russh::keys::Error::KeyIsEncrypted) => Err(key(
                        "it is protected by a passphrase, which nobody types at night; give a key without one, that only this machine uses"
                            .to_owned(),
                    )),
                    Err(error) => Err(key(format!(
                        "{error}; give the private key, as ssh-keygen writes it"
                    ))),
                }
            }
            Login::Password(file) => {
                let password = |what: &str| Trouble::Password {
                    file: file.clone(),
                    what: what.to_owned(),
                };
                let text = read(file).map_err(|what| password(&what))?;
                match text.lines().next().unwrap_or_default() {
                    "" => Err(password("its first line is empty")),
                    first => Ok(Secret::Password(first.to_owned())),
                }
            }
        }
    }
}

fn read(file: &Path) -> Result<String, String> {
    let meta = fs::metadata(file).map_err(|error| error.to_string())?;
    if !meta.is_file() || meta.len() > LONGEST {
        return Err("it is not a small file".to_owned());
    }
    fs::read_to_string(file).map_err(|error| error.to_string())
}

/// One login, never two: each one refused counts on the other side.
pub(crate) async fn log_in<H: Handler>(
    handle: &mut Handle<H>,
    place: &Place,
    secret: Secret,
) -> Result<Result<(), Trouble>, russh::Error> {
    let user = place.url.user.clone();
    let (accepted, with, next) = match secret {
        Secret::Key(key) => {
            let hash = match key.algorithm().is_rsa() {
                true => handle.best_supported_rsa_hash().await?.flatten(),
                false => None,
            };
            let key = PrivateKeyWithHashAlg::new(key, hash);
            let answer = handle.authenticate_publickey(user, key).await?;
            let next = "add the key's .pub file to this user's authorized keys on the NAS, and check the user's name";
            (answer.success(), "the key", next)
        }
        Secret::Password(password) => {
            let next = "correct the password in its file, or the user's name; check that the NAS does not block this machine (auto-block)";
            (
                by_password(handle, user, password).await?,
                "the password",
                next,
            )
        }
    };
    let file = match &place.login {
        Login::Key(file) | Login::Password(file) => file,
    };
    Ok(match accepted {
        true => Ok(()),
        false => Err(Trouble::Refused {
            host: place.url.address(),
            user: place.url.user.clone(),
            with: format!("{with} in {}", file.display()),
            tries: Tries(1),
            next: next.to_owned(),
        }),
    })
}

async fn by_password<H: Handler>(
    handle: &mut Handle<H>,
    user: String,
    password: String,
) -> Result<bool, russh::Error> {
    // What is offered is asked first: a method that is not would count as a refused login on some servers.
    let offered = match handle.authenticate_none(user.clone()).await? {
        russh::client::AuthResult::Success => return Ok(true),
        russh::client::AuthResult::Failure {
            remaining_methods, ..
        } => remaining_methods,
    };
    if offered.contains(&MethodKind::Password) {
        let answer = handle.authenticate_password(user, password).await?;
        return Ok(answer.success());
    }
    if !offered.contains(&MethodKind::KeyboardInteractive) {
        return Ok(false);
    }
    let mut answer = handle
        .authenticate_keyboard_interactive_start(user, None::<String>)
        .await?;
    for _ in 0..ROUNDS {
        let prompts = match answer {
            KeyboardInteractiveAuthResponse::Success => return Ok(true),
            KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => prompts,
        };
        // Several questions are a second factor, which nobody answers at night; a question whose answer is shown is
        // not for the password.
        let answers = match prompts.as_slice() {
            [] => Vec::new(),
            [prompt] if !prompt.echo => vec![password.clone()],
            _ => return Ok(false),
        };
        answer = handle
            .authenticate_keyboard_interactive_respond(answers)
            .await?;
    }
    Ok(false)
}
