//! A `[[dhcp_subnet]]` that nobody can get an address of: it lies on no wire of ours, and no relay ever asked for it.

use super::leases::Book;
use crate::serve::Boot;
use crate::trouble::Trouble;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Machines behind a relay ask when they are switched on, and renew by the half of their lease.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How machines of a subnet reach us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// An interface in the role `server` has an address in it.
    pub(crate) near: bool,
    /// Somebody asked for it, or has a lease of it from earlier.
    pub(crate) heard: bool,
}

/// Pure: what is wrong with a subnet of this name, `waited` after the start.
fn judge(subnet: &str, reach: Reach, waited: Duration) -> Option<String> {
    (!reach.near && !reach.heard && waited >= PATIENCE).then(|| {
        format!(
            "no machine of {subnet} gets an address: no interface whose role is `server` has an address of that network, and no relay has ever asked for it; give the interface one, set the relay on that network's router to this box (`ip helper-address`), or correct `network` in its [[dhcp_subnet]]"
        )
    })
}

/// Looks until `stop`, for all interfaces together.
pub(crate) async fn watch(boot: &Boot, stop: &CancellationToken) {
    let started = boot.clock.steady();
    let mut troubles: Vec<(String, Trouble)> = Vec::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let Some(book) = boot.leases.opened() else {
            continue;
        };
        if troubles.is_empty() {
            for name in names(&book) {
                let object = format!("DHCP for {name}");
                let trouble = Trouble::of(&boot.db, &boot.clock, object).await;
                troubles.push((name, trouble));
            }
        }
        let waited = boot.clock.steady().saturating_sub(started);
        for (rank, (name, trouble)) in troubles.iter_mut().enumerate() {
            let reach = book.pool().reach(rank);
            match judge(name, reach, waited) {
                Some(sentence) => trouble.begins(&sentence).await,
                None => trouble.over().await,
            }
        }
    }
}

fn names(book: &Book) -> Vec<String> {
    let pool = book.pool();
    let subnets = pool.dhcp().subnets.iter();
    subnets.map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_that_nobody_reaches_is_named_after_a_while() {
        let told = |near, heard, minutes: u64| {
            let waited = Duration::from_secs(minutes * 60);
            judge("10.2.0.0/24", Reach { near, heard }, waited)
        };
        for (near, heard, minutes, wrong) in [
            (false, false, 0, false),
            (false, false, 9, false),
            (false, false, 10, true),
            (false, false, 9999, true),
            (true, false, 9999, false),
            (false, true, 9999, false),
            (true, true, 9999, false),
        ] {
            let found = told(near, heard, minutes);
            assert_eq!(found.is_some(), wrong, "{near} {heard} {minutes}");
        }
        let sentence = told(false, false, 10).unwrap_or_default();
        assert!(sentence.contains("10.2.0.0/24") && sentence.contains("helper-address"));
    }
}
