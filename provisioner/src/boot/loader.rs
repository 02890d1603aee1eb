//! Which loader UEFI firmware gets by PXE.

use super::asset;
use super::path::BootFile;
use super::policy::BootStep;
use crate::host::{self, HostId};
use crate::interface::Served;

/// The registry is asked only where it makes a difference.
/// `gives`: the answer gives its address too.
pub(crate) async fn for_uefi(
    served: &Served,
    host: Option<&HostId>,
    gives: bool,
    step: BootStep,
) -> BootFile {
    let chain = served.own.has_chain();
    // GRUB knows one server, that of its address, and the agent, no menu.
    let grub = gives && step == BootStep::Agent && {
        let path = asset::path(&served.boot.assets_dir, &served.own, BootFile::GrubNet).await;
        tokio::fs::metadata(path)
            .await
            .is_ok_and(|found| found.is_file())
    };
    let known = match host.filter(|_| chain || grub) {
        Some(host) => host::get(&served.boot.db, host).await.ok(),
        None => None,
    };
    let inventory = known.and_then(|host| host.inventory);
    let secure_boot = inventory.and_then(|found| found.secure_boot);
    uefi(chain, grub, secure_boot)
}

/// `chain`: the admin dropped in a signed iPXE with its shim; `grub`: Debian's signed chain would do; `secure_boot`: what
/// the machine's agent found, if one ever ran on it. A shim starts everywhere, and costs a file more: only a machine
/// that is known to need none goes without.
fn uefi(chain: bool, grub: bool, secure_boot: Option<bool>) -> BootFile {
    match (secure_boot, chain, grub) {
        (Some(true) | None, true, _) => BootFile::SignedShim,
        (Some(true) | None, false, true) => BootFile::Shim,
        _ => BootFile::SnpOnly,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_chain_is_for_whoever_may_need_it() {
        let table = [
            (false, false, None, BootFile::SnpOnly),
            (false, false, Some(false), BootFile::SnpOnly),
            (false, false, Some(true), BootFile::SnpOnly),
            (true, false, None, BootFile::SignedShim),
            (true, false, Some(true), BootFile::SignedShim),
            (true, false, Some(false), BootFile::SnpOnly),
            (false, true, None, BootFile::Shim),
            (false, true, Some(true), BootFile::Shim),
            (false, true, Some(false), BootFile::SnpOnly),
            // It has a menu, and HTTP.
            (true, true, None, BootFile::SignedShim),
        ];
        for (chain, grub, secure_boot, expected) in table {
            let found = uefi(chain, grub, secure_boot);
            assert_eq!(found, expected, "{chain} {grub} {secure_boot:?}");
        }
    }
}
