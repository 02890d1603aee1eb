//! Recovery words on paper, typed back: a copy nobody can open protects nobody.
//!
//! The vault's password lies in a file of the box and burns with it; that somebody remembers it shows nothing about
//! the paper. What counts is that the words were read from the paper once and opened the vault.

use crate::blocking;
use crate::handle::{Continuity, Error};
use crate::vaults;
use state::Timestamp;
use vault::RecoveryKey;

/// Who last showed that the recovery words of a target exist outside the appliance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    pub target: String,
    pub by: String,
    pub at: Timestamp,
}

/// One more recovery key of the vault of `target`, for a sheet of paper. It opens the vault from now on, typed back or
/// not: a sheet that was printed and put away is never a sheet that opens nothing. Only the caller has the words.
pub async fn paper(continuity: &Continuity, target: &str, by: &str) -> Result<RecoveryKey, Error> {
    let vault = continuity.vaults.open(target).await?;
    let now = continuity.clock.now();
    // Written as the list of keys shows it; the journal says by whom.
    let label = format!("sheet made by {}", short(by));
    let key = blocking(move || {
        let key = RecoveryKey::generate()?;
        vault.add_recovery(&key, &label, now.0)?;
        Ok::<_, vault::Error>(key)
    })
    .await??;
    crate::records::paper_made(&continuity.db, target, by, now).await?;
    Ok(key)
}

/// Opens the vault of `target` with the words that `by` typed, and records that it worked. The words are kept nowhere.
pub async fn confirm(
    continuity: &Continuity,
    target: &str,
    words: &str,
    by: &str,
) -> Result<(), Error> {
    let wrong = |what: String| Error::Words {
        target: target.to_owned(),
        what,
    };
    let key = RecoveryKey::parse(words).map_err(wrong)?;
    let opened = continuity.vaults.open_with(target, key.secret()).await;
    opened.map_err(|error| match error {
        vaults::Error::Open {
            source: vault::Error::WrongPassword { .. } | vault::Error::NoSuchWay { .. },
            ..
        } => wrong("they are words of another vault, or their sheet was taken back".to_owned()),
        other => other.into(),
    })?;
    crate::records::confirm_words(&continuity.db, target, by, continuity.clock.now()).await?;
    Ok(())
}

/// A label of a key is bounded; a name need not be.
fn short(by: &str) -> String {
    by.chars().take(32).collect()
}
