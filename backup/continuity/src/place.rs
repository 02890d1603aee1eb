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

/// What a path stands and falls with: its file system, and the disks or the other machine under that. Two paths that
/// have one of these in common are lost together. `disks` tells those under a block device (`/dev/…`).
pub fn stands_on(mountinfo: &str, path: &Path, disks: &dyn Fn(&str) -> Vec<String>) -> Vec<String> {
    let Some(mount) = mount_of(mountinfo, path) else {
        return Vec::new();
    };
    let mut all = vec![format!("file system {}", mount.device)];
    if NETWORK.contains(&mount.kind.as_str()) {
        all.extend(host_in(&mount.source).map(machine));
    } else if mount.source.starts_with("/dev/") {
        let disks = disks(&mount.source).into_iter();
        all.extend(disks.map(|disk| format!("disk {disk}")));
    }
    all
}

/// The same of a target that is reached by its machine's name.
pub fn machine(host: &str) -> String {
    format!(
        "machine {}",
        host.trim_end_matches('.').to_ascii_lowercase()
    )
}

/// `nas.lan:/vol`, `[fd00::1]:/vol`, `//nas/share`, `user@nas:/vol`.
fn host_in(source: &str) -> Option<&str> {
    if let Some(share) = source.strip_prefix("//") {
        return share.split('/').next();
    }
    let host = match source.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => source.split_once(":/").map(|(host, _)| host),
    };
    host.map(|host| host.rsplit('@').next().unwrap_or(host))
}

/// The disks under a block device, through partitions, LVM, RAID and encryption. Reads `/sys` only, which never waits
/// for a disk.
pub fn disks(device: &str) -> Vec<String> {
    let real = std::fs::canonicalize(device).unwrap_or_else(|_| device.into());
    let name = real.file_name().unwrap_or_default().to_os_string();
    let (mut all, mut left) = (Vec::new(), vec![name]);
    while let Some(name) = left.pop() {
        let Ok(at) = Path::new("/sys/class/block").join(&name).canonicalize() else {
            continue;
        };
        let slaves = std::fs::read_dir(at.join("slaves")).into_iter().flatten();
        let slaves: Vec<_> = slaves.flatten().map(|entry| entry.file_name()).collect();
        if at.join("partition").exists() {
            left.extend(at.parent().and_then(Path::file_name).map(Into::into));
        } else if slaves.is_empty() {
            all.push(name.to_string_lossy().into_owned());
        } else if all.len() + left.len() < DISKS {
            left.extend(slaves);
        }
    }
    all
}

/// Of a set that is larger than any box's, the rest is not looked at.
const DISKS: usize = 256;

struct Mount {
    device: String,
    kind: String,
    source: String,
}

/// What is mounted where `path` lies: `/dev/sdb1`, `nas.lan:/vol`, `//nas/share`.
pub(crate) fn device(mountinfo: &str, path: &Path) -> Option<String> {
    mount_of(mountinfo, path).map(|mount| mount.source)
}

/// The machine whose share `path` lies on, where it is one.
pub(crate) fn server(mountinfo: &str, path: &Path) -> Option<String> {
    let mount = mount_of(mountinfo, path)?;
    if !NETWORK.contains(&mount.kind.as_str()) {
        return None;
    }
    let source = mount.source.trim_start_matches('/');
    let name = source.rsplit_once('@').map_or(source, |(_, host)| host);
    let name = name.split([':', '/']).next().unwrap_or_default();
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
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
            let mut right = right.split(' ');
            let kind = right.next()?.to_owned();
            let source = unescape(right.next().unwrap_or_default());
            let mount = Mount {
                device,
                kind,
                source,
            };
            path.starts_with(&point).then_some((point.len(), mount))
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
    fn what_is_lost_together_has_something_in_common() {
        let more = "\
47 22 8:2 / /home rw - ext4 /dev/sda2 rw
48 22 0:60 / /mnt/docs rw - nfs4 NAS.lan:/docs rw
49 22 0:61 / /mnt/other rw - nfs4 other.lan:/docs rw
50 22 253:0 / /var rw - ext4 /dev/mapper/vg-var rw
51 22 0:62 / /mnt/v6 rw - nfs4 [fd00::1]:/docs rw
";
        let mounts = format!("{MOUNTS}{more}");
        let disks = |device: &str| match device {
            "/dev/sda1" | "/dev/sda2" => vec!["sda".to_owned()],
            "/dev/mapper/vg-var" => vec!["sda".to_owned(), "sdb".to_owned()],
            "/dev/sdb1" => vec!["sdb".to_owned()],
            _ => Vec::new(),
        };
        let on = |path: &str| match path.strip_prefix("sftp ") {
            Some(host) => vec![machine(host)],
            None => stands_on(&mounts, Path::new(path), &disks),
        };
        for (source, target, want) in [
            ("/srv/share", "/srv/vault", true),
            // Two partitions of one disk; a volume over two disks.
            ("/srv/share", "/home/vault", true),
            ("/var/lib", "/mnt/usb/vault", true),
            ("/srv/share", "/mnt/usb/vault", false),
            ("/srv/share", "/mnt/nas/vault", false),
            // Two shares of one NAS, by whatever protocol.
            ("/mnt/docs", "/mnt/nas/vault", true),
            ("/mnt/docs", "sftp nas.lan.", true),
            ("/mnt/my share", "sftp NAS", true),
            ("/mnt/ssh/x", "sftp nas", true),
            ("/mnt/v6", "sftp fd00::1", true),
            ("/mnt/other", "/mnt/nas/vault", false),
            ("/mnt/other", "sftp nas.lan", false),
        ] {
            let (a, b) = (on(source), on(target));
            let shared = a.iter().any(|what| b.contains(what));
            assert_eq!(shared, want, "{source} {a:?} {target} {b:?}");
        }
        assert!(stands_on("", Path::new("/srv"), &disks).is_empty());
        // A device that is none stands on nothing, and does not panic.
        assert!(super::disks("/dev/nothing of that name").is_empty());
    }

    #[test]
    fn what_is_mounted_names_its_device_and_its_server() {
        for (path, source, host) in [
            ("/mnt/usb/vault", "/dev/sdb1", None),
            ("/mnt/nas/x", "nas.lan:/vol", Some("nas.lan")),
            ("/mnt/my share/x", "//nas/share", Some("nas")),
            ("/mnt/ssh", "nas:/vol", Some("nas")),
        ] {
            let path = Path::new(path);
            assert_eq!(device(MOUNTS, path).as_deref(), Some(source), "{path:?}");
            assert_eq!(server(MOUNTS, path).as_deref(), host, "{path:?}");
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
