//! A whole vault there: saved, checked, restored by somebody who comes anew.

use std::fs;
use std::sync::Arc;

use vault::target::LocalTarget;
use vault::{KdfCost, Secret, Vault};

use crate::nas::{Kind, Nas};

#[test]
fn a_vault_is_made_once_and_opened_by_its_password_only() {
    let nas = Nas::start(Kind {
        is_chrooted: true,
        ..Kind::default()
    });
    let place = nas.place("volume1/reprise");
    let file = nas.folder.join("vault_password");
    fs::write(&file, "the vault's own\n").unwrap();
    let secret = Secret::from_file(&file).unwrap();
    let target = || -> Arc<LocalTarget> { Arc::new(place.make().unwrap()) };
    Vault::create(target(), &secret, KdfCost::MINIMUM).unwrap();
    assert!(matches!(
        Vault::create(target(), &secret, KdfCost::MINIMUM),
        Err(vault::Error::AlreadyAVault { .. })
    ));
    let vault = Vault::open(Arc::new(place.open().unwrap()), &secret).unwrap();
    assert!(vault.snapshots().unwrap().0.is_empty());
    let other = nas.folder.join("password");
    assert!(Vault::open(target(), &Secret::from_file(&other).unwrap()).is_err());
}
