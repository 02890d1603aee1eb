//! Several passwords and recovery keys open a vault; the last one stays; what is damaged stands in nobody's way.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::sync::Arc;
use support::{in_memory, password};
use vault::target::{MemoryTarget, ObjectKind, Target};
use vault::{Error, KdfCost, KeyKind, RecoveryKey, Secret, Vault};

const CHEAP: KdfCost = KdfCost::MINIMUM;

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

fn opens(target: &Arc<MemoryTarget>, with: &Secret) -> bool {
    match Vault::open(target.clone(), with) {
        Ok(_) => true,
        Err(Error::WrongPassword { .. } | Error::NoSuchWay { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn each_key_opens_the_vault_for_itself_until_it_is_removed() {
    let (target, vault) = in_memory();
    vault
        .add_password(&secret("second"), CHEAP, "Jeanne", 7)
        .unwrap();
    let recovery = RecoveryKey::generate().unwrap();
    vault.add_recovery(&recovery, "in the safe", 8).unwrap();
    let other = RecoveryKey::generate().unwrap();
    for (with, want) in [
        (password(), true),
        (secret("second"), true),
        (recovery.secret(), true),
        (other.secret(), false),
        (secret("third"), false),
        (secret(&recovery.words().join(" ")), false),
    ] {
        assert_eq!(opens(&target, &with), want);
    }
    let again = Vault::open(target.clone(), &recovery.secret()).unwrap();
    let (keys, problems) = again.keys().unwrap();
    assert_eq!(problems, []);
    let shown: Vec<_> = keys
        .iter()
        .map(|key| (key.kind, key.label.as_str(), key.created_ms, key.in_use))
        .collect();
    let want = [
        (KeyKind::Password, "", 0, false),
        (KeyKind::Password, "Jeanne", 7, false),
        (KeyKind::Recovery, "in the safe", 8, true),
    ];
    assert_eq!(shown, want);
    vault.remove_key(&keys[1].id[..8]).unwrap();
    assert!(!opens(&target, &secret("second")));
    assert!(opens(&target, &password()));
    assert!(matches!(
        vault.remove_key(&keys[1].id),
        Err(Error::NoSuchKey { several: false, .. })
    ));
}

#[test]
fn the_last_key_stays() {
    let (target, vault) = in_memory();
    let only = vault.keys().unwrap().0.remove(0);
    assert!(only.in_use);
    let refused = |vault: &Vault| {
        let refused = vault.remove_key(&only.id);
        assert!(matches!(refused, Err(Error::LastKey { .. })));
        assert!(opens(&target, &password()));
    };
    refused(&vault);
    // A damaged one is no other key.
    let other = vault.add_password(&secret("b"), CHEAP, "", 0).unwrap();
    let at = (ObjectKind::Key, other.id.clone());
    let mut bytes = target.objects()[&at].clone();
    bytes[60] ^= 1;
    target.objects().insert(at, bytes);
    refused(&vault);
    vault.remove_key(&other.id).unwrap();
    let left = target.names(ObjectKind::Key).unwrap();
    assert_eq!(left, std::slice::from_ref(&only.id));
}

#[test]
fn a_changed_password_replaces_the_one_it_was_opened_with() {
    let (target, vault) = in_memory();
    vault.add_password(&secret("stays"), CHEAP, "", 1).unwrap();
    let new = vault.change_password(&secret("new"), CHEAP, 5).unwrap();
    assert!(!opens(&target, &password()));
    assert!(opens(&target, &secret("new")) && opens(&target, &secret("stays")));
    let vault = Vault::open(target.clone(), &secret("new")).unwrap();
    let keys = vault.keys().unwrap().0;
    let in_use = keys.iter().find(|key| key.in_use).unwrap();
    assert_eq!((&in_use.id, keys.len()), (&new.id, 2));
    let recovery = RecoveryKey::generate().unwrap();
    vault.add_recovery(&recovery, "", 6).unwrap();
    let by_paper = Vault::open(target.clone(), &recovery.secret()).unwrap();
    let refused = by_paper.change_password(&secret("x"), CHEAP, 7);
    assert!(matches!(refused, Err(Error::NoSuchKey { .. })));
}

#[test]
fn a_damaged_or_foreign_key_object_is_named_and_stands_in_nobodys_way() {
    let (target, vault) = in_memory();
    let second = vault.add_password(&secret("second"), CHEAP, "", 1).unwrap();
    let whole = target.objects().clone();
    let at = (ObjectKind::Key, second.id.clone());
    let len = whole[&at].len();
    for cut in (0..len).step_by(7) {
        target
            .objects()
            .get_mut(&at)
            .unwrap()
            .truncate(len - 1 - cut);
        assert!(opens(&target, &password()), "cut at {cut}");
    }
    let (keys, problems) = vault.keys().unwrap();
    assert_eq!((keys.len(), problems.len()), (1, 1));
    assert_eq!(problems[0].object, format!("keys/{}", second.id));
    *target.objects() = whole;
    // Another vault's key, a key under another's name, and anything else.
    let (stranger, _) = in_memory();
    let theirs = stranger.objects().clone();
    target.objects().extend(theirs);
    let copy = target.objects()[&at].clone();
    let renamed = (ObjectKind::Key, "ab".repeat(16));
    target.objects().insert(renamed, copy);
    let note = (ObjectKind::Key, "LISEZ-MOI.txt".to_owned());
    target.objects().insert(note, b"hello".to_vec());
    assert!(opens(&target, &secret("second")));
    let (keys, problems) = vault.keys().unwrap();
    assert_eq!((keys.len(), problems.len()), (2, 3), "{problems:?}");
    // Only damaged ones are left: that is said, not "wrong password".
    let mine: Vec<_> = keys.iter().map(|key| key.id.clone()).collect();
    target.objects().retain(|(_, name), _| mine.contains(name));
    target
        .objects()
        .values_mut()
        .for_each(|bytes| bytes[40] ^= 1);
    let error = Vault::open(target, &password()).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

#[test]
fn keys_are_bounded_in_number_and_label() {
    let (_, vault) = in_memory();
    for n in 1..32 {
        let recovery = RecoveryKey::generate().unwrap();
        vault.add_recovery(&recovery, "", n).unwrap();
    }
    let one_more = vault.add_password(&secret("x"), CHEAP, "", 0);
    assert!(matches!(one_more, Err(Error::TooManyKeys { most: 32 })));
    let vault = in_memory().1;
    let long = vault.add_password(&secret("x"), CHEAP, &"é".repeat(101), 0);
    assert!(matches!(long, Err(Error::LongLabel { most: 200 })));
}
