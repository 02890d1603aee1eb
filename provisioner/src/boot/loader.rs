//! Which loader UEFI firmware gets by PXE.

use super::path::BootFile;
use crate::host::{self, HostId};
use crate::interface::Served;

/// The registry is asked only where it makes a difference.
pub(crate) async fn for_uefi(served: &Served, host: Option<&HostId>) -> BootFile {
    let chain = served.own.has_chain();
    let known = match host.filter(|_| chain) {
        Some(host) => host::get(&served.boot.db, host).await.ok(),
        None => None,
    };
    let inventory = known.and_then(|host| host.inventory);
    uefi(chain, inventory.and_then(|found| found.secure_boot))
}

/// `chain`: the admin dropped in a signed iPXE with its shim; `secure_boot`: what the machine's agent found, if one
/// ever ran on it. The shim starts everywhere, and costs a file more: only a machine that is known to need none
/// goes without.
fn uefi(chain: bool, secure_boot: Option<bool>) -> BootFile {
    match (chain, secure_boot) {
        (true, Some(true) | None) => BootFile::SignedShim,
        (true, Some(false)) | (false, _) => BootFile::SnpOnly,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_chain_is_for_whoever_may_need_it() {
        let table = [
            (false, None, BootFile::SnpOnly),
            (false, Some(false), BootFile::SnpOnly),
            (false, Some(true), BootFile::SnpOnly),
            (true, None, BootFile::SignedShim),
            (true, Some(true), BootFile::SignedShim),
            (true, Some(false), BootFile::SnpOnly),
        ];
        for (chain, secure_boot, expected) in table {
            assert_eq!(
                uefi(chain, secure_boot),
                expected,
                "{chain} {secure_boot:?}"
            );
        }
    }
}
