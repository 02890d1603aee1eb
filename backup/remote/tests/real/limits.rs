//! A disk that is full, or not ours to write to.

use vault::target::{Error, ObjectKind, Target};

use crate::nas::{Kind, Nas};

const NAME: &str = "00112233445566778899aabbccddeeff";

#[test]
fn a_full_disk_is_said_and_nothing_stays_behind() {
    let nas = Nas::start(Kind {
        mounts: "mkdir full; mount -t tmpfs -o size=8m,mode=777 none full",
        ..Kind::default()
    });
    let target = nas.place("full/vault").make().unwrap();
    target.prepare().unwrap();
    target.put(ObjectKind::Pack, NAME, &[7; 1 << 20]).unwrap();
    let other = NAME.replace('0', "1");
    match target.put(ObjectKind::Pack, &other, &vec![8; 16 << 20]) {
        Err(error @ Error::Full { .. }) => {
            let Error::Full {
                free_bytes,
                needed_bytes,
                ..
            } = &error
            else {
                unreachable!()
            };
            assert_eq!(*needed_bytes, 16 << 20);
            assert!(*free_bytes < 8 << 20, "{free_bytes}");
            assert!(error.to_string().contains(&other), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(target.strays().unwrap(), []);
    assert_eq!(target.get(ObjectKind::Pack, NAME).unwrap(), [7; 1 << 20]);
    target
        .put(ObjectKind::Pack, &other, &vec![9; 2 << 20])
        .unwrap();
}

#[test]
fn folders_that_are_missing_or_not_ours_are_said() {
    let nas = Nas::start(Kind {
        mounts: "mkdir locked read_only; chmod 700 locked; \
                 mount -t tmpfs -o ro none read_only; touch volume1/file; mkdir shared; chmod 755 shared",
        ..Kind::default()
    });
    for (path, want) in [
        ("volume1/missing", "does not exist"),
        ("volume1/file", "not a folder"),
        ("locked/vault", "permission denied"),
    ] {
        let said = nas.place(path).open().unwrap_err().to_string();
        assert!(said.contains(want) && said.contains(path), "{said}");
    }
    for (path, want) in [
        ("volume1/missing/vault", "does not exist"),
        ("shared/vault", "permission denied"),
    ] {
        let said = nas.place(path).make().unwrap_err().to_string();
        assert!(said.contains(want) && said.contains(path), "{said}");
    }
    let shared = nas.place("shared").open().unwrap();
    assert!(matches!(shared.prepare(), Err(Error::Denied { .. })));
    let read_only = nas.place("read_only").open().unwrap();
    assert!(matches!(read_only.prepare(), Err(Error::ReadOnly { .. })));
}
