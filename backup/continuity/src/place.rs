//! Where a target lies: does it die with this box?

use std::net::IpAddr;
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// On the disk the appliance itself lives on, or nobody could tell.
    SameDisk,
    /// Another file system of this box: it survives the disk, not the fire.
    OtherDisk,
    /// On another machine.
    Elsewhere,
}

/// Kinds of file system whose bytes are on another machine.
const NETWORK: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ceph",
    "glusterfs",
    "afs",
    "ncpfs",
    "lustre",
    "beegfs",
    "fuse.sshfs",
    "fuse.glusterfs",
    "fuse.cephfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.davfs",
    "davfs",
    "fuse.juicefs",
];

/// `mountinfo` is the text of `/proc/self/mountinfo` (proc(5)); `target` and `own` are absolute.
pub fn place(mountinfo: &str, target: &Path, own: &Path) -> Place {
    match (mount_of(mountinfo, target), mount_of(mountinfo, own)) {
        (Some(there), _) if NETWORK.contains(&there.kind.as_str()) => Place::Elsewhere,
        (Some(there), Some(here)) if there.device != here.device => Place::OtherDisk,
        _ => Place::SameDisk,
    }
}

/// The same for a target on `host`; `own` is this machine's name.
pub fn distant(host: &str, own: &str) -> Place {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let address = host.parse::<IpAddr>().map(|address| address.to_canonical());
    let is_here = match address {
        Ok(address) => address.is_loopback() || address.is_unspecified(),
        Err(_) => {
            host == "localhost" || host.ends_with(".localhost") || host == own.to_ascii_lowercase()
        }
    };
    if is_here {
        Place::SameDisk
    } else {
        Place::Elsewhere
    }
}

struct Mount {
    device: String,
    kind: String,
}

/// The mount that `path` lies on: the longest mount point above it, the newest of equals.
fn mount_of(mountinfo: &str, path: &Path) -> Option<Mount> {
    mountinfo
        .lines()
        .filter_map(|line| {
            let (left, right) = line.split_once(" - ")?;
            let mut left = left.split(' ');
            let device = left.nth(2)?.to_owned();
            let point = unescape(left.nth(1)?);
            let kind = right.split(' ').next()?.to_owned();
            path.starts_with(&point)
                .then_some((point.len(), Mount { device, kind }))
        })
        .max_by_key(|(length, _)| *length)
        .map(|(_, mount)| mount)
}

/// The kernel writes space, tab, newline and backslash as three octal digits.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:26 / /run rw,nosuid shared:5 - tmpfs tmpfs rw
41 22 8:17 / /mnt/usb rw shared:9 - ext4 /dev/sdb1 rw
42 22 0:50 / /mnt/nas rw shared:10 - nfs4 nas.lan:/vol rw
43 22 0:51 / /mnt/my\\040share rw - cifs //nas/share rw
44 22 0:52 / /mnt/ssh rw - fuse.sshfs nas:/vol rw
45 22 8:1 /srv /mnt/bind rw shared:1 - ext4 /dev/sda1 rw
46 42 8:33 / /mnt/nas/over rw - ext4 /dev/sdc1 rw
a line that is none
";

    #[test]
    fn a_place_follows_from_what_is_mounted() {
        for (target, want) in [
            ("/var/lib/reprise/vault", Place::SameDisk),
            ("/mnt/usb/vault", Place::OtherDisk),
            ("/mnt/nas", Place::Elsewhere),
            ("/mnt/nas/reprise", Place::Elsewhere),
            ("/mnt/nasty", Place::SameDisk),
            ("/mnt/my share/reprise", Place::Elsewhere),
            ("/mnt/ssh/x", Place::Elsewhere),
            ("/mnt/bind/x", Place::SameDisk),
            ("/mnt/nas/over/x", Place::OtherDisk),
        ] {
            let got = place(MOUNTS, Path::new(target), Path::new("/var/lib/reprise"));
            assert_eq!(got, want, "{target}");
        }
    }

    #[test]
    fn another_machine_is_elsewhere_unless_it_is_this_one() {
        for (host, want) in [
            ("nas.lan", Place::Elsewhere),
            ("192.168.1.5", Place::Elsewhere),
            ("fe80::1", Place::Elsewhere),
            ("localhost.example.net", Place::Elsewhere),
            ("agenda", Place::Elsewhere),
            ("Localhost", Place::SameDisk),
            ("localhost.", Place::SameDisk),
            ("nas.localhost", Place::SameDisk),
            ("127.0.0.2", Place::SameDisk),
            ("::1", Place::SameDisk),
            ("::ffff:127.0.0.1", Place::SameDisk),
            ("0.0.0.0", Place::SameDisk),
            ("AGEN", Place::SameDisk),
        ] {
            assert_eq!(distant(host, "agen"), want, "{host}");
        }
    }

    #[test]
    fn who_cannot_tell_does_not_claim() {
        let got = place("", Path::new("/mnt/nas"), Path::new("/var/lib/reprise"));
        assert_eq!(got, Place::SameDisk);
    }
}
