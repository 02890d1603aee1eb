//! `reprise boot stick`: the boot disk on a USB stick or in a file, for PCs that cannot boot from the network.

use crate::{appliance, terminal, tls};
use anyhow::{Context, bail, ensure};
use clap::Args;
use config::Config;
use images::assets::{self, Start};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::net::IpAddr;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct Stick {
    /// A stick (/dev/sdX, all of it is overwritten), or a file that any program can write to one
    #[arg(value_name = "DEVICE|FILE")]
    out: PathBuf,
    /// Where PCs reach this appliance: ADDRESS, or https://NAME:PORT, which survives another address
    #[arg(long, value_name = "ADDRESS")]
    server: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Only say what would be written and what would be lost
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(file: Option<&Path>, asked: &Stick) -> anyhow::Result<ExitCode> {
    let config = appliance::configuration(file)?;
    let assets = assets::load(&appliance::assets_dir(&config)).context("load the boot assets")?;
    let folder = config.appliance.state_dir.join("tls");
    let identity = tls::open(&folder, &config.appliance.name)?;
    let server = server(asked.server.as_deref(), &config)?;
    let start = Start {
        appliance: &config.appliance.name,
        server: &server,
        fingerprint: &identity.fingerprint,
        mac: None,
        locale: config.appliance.locale.code(),
    };
    let disk = assets::boot_disk(&assets, &start).context("make the boot disk")?;

    let lost = lost(&asked.out, disk.len())?;
    terminal::note(&format!(
        "a boot disk of {}, for UEFI PCs, whose agent reports to {server} and to nobody else (certificate {})",
        terminal::bytes(disk.len() as u64),
        identity.fingerprint
    ));
    if let Some(lost) = &lost {
        terminal::note(lost);
    }
    if asked.dry_run {
        terminal::note("nothing was written");
        return Ok(ExitCode::SUCCESS);
    }
    if lost.is_some() && !asked.yes {
        if !terminal::is_interactive() {
            bail!(
                "write to {}: nobody can be asked here; add --yes",
                asked.out.display()
            );
        }
        if !terminal::confirm("Overwrite it?")? {
            terminal::note("nothing was written");
            return Ok(ExitCode::FAILURE);
        }
    }
    write(&asked.out, &disk)?;
    terminal::note(&format!(
        "{}: starts UEFI PCs, Secure Boot on or off; their agent reports to {server}",
        asked.out.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// What was asked for, or the address of the console, or of the first network that is served.
fn server(given: Option<&str>, config: &Config) -> anyhow::Result<String> {
    let port = config.console.listen.port();
    let url = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => format!("https://{ip}:{port}"),
        IpAddr::V6(ip) => format!("https://[{ip}]:{port}"),
    };
    if let Some(given) = given {
        if given.starts_with("https://") {
            return Ok(given.to_owned());
        }
        let ip: IpAddr = given.parse().with_context(|| {
            format!("read --server {given}: give an address, such as 192.168.1.10, or https://ADDRESS:PORT")
        })?;
        return Ok(url(ip));
    }
    let listen = config.console.listen.ip();
    if !listen.is_unspecified() && !listen.is_loopback() {
        return Ok(url(listen));
    }
    let here = if_addrs::get_if_addrs().context("list the addresses of this machine")?;
    let served = config.networks.iter().find_map(|network| {
        let mut own = here.iter().filter(|i| i.name == network.interface);
        own.find_map(|i| i.ip().is_ipv4().then(|| i.ip()))
    });
    served.map(url).context(
        "find the address under which PCs reach this appliance: say it with --server ADDRESS",
    )
}

/// What will be gone; nothing for a file that is not there yet. A disk in use is refused.
fn lost(out: &Path, len: usize) -> anyhow::Result<Option<String>> {
    let shown = out.display();
    let kind = match fs::metadata(out) {
        Ok(found) => found.file_type(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            ensure!(
                !out.starts_with("/dev"),
                "find {shown}: there is no such device; plug the stick in, `lsblk` names it"
            );
            return Ok(None);
        }
        Err(e) => return Err(e).with_context(|| format!("look at {shown}")),
    };
    if kind.is_file() {
        return Ok(Some(format!(
            "{shown} is there already and will be replaced."
        )));
    }
    ensure!(
        kind.is_block_device(),
        "write to {shown}: it is neither a disk nor a file; name the stick (/dev/sdX) or a new file"
    );
    let path = fs::canonicalize(out).with_context(|| format!("look at {shown}"))?;
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let sys = Path::new("/sys/class/block").join(&name);
    ensure!(
        !sys.join("partition").exists(),
        "write to {shown}: it is a part of a disk; name the whole stick"
    );
    let read = |at: &str| {
        fs::read_to_string(sys.join(at))
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let size_bytes = read("size").parse::<u64>().unwrap_or(0) * 512;
    ensure!(
        size_bytes >= len as u64,
        "write to {shown}: it has {}, the boot disk needs {}; take a larger stick",
        terminal::bytes(size_bytes),
        terminal::bytes(len as u64)
    );
    let mut parts: Vec<String> = fs::read_dir(&sys)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join("partition").exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    parts.sort();
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    for mount in mounts.lines() {
        let mut words = mount.split(' ');
        let (device, place) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let device = device.rsplit('/').next().unwrap_or_default();
        ensure!(
            device != name && !parts.iter().any(|part| part == device),
            "write to {shown}: {device} of it is in use at {place}; check that it is the stick, then `umount {place}`"
        );
    }
    let removable = if read("removable") == "1" {
        ""
    } else {
        ", NOT removable"
    };
    let holds = if parts.is_empty() {
        "no partitions".to_owned()
    } else {
        parts.join(", ")
    };
    Ok(Some(format!(
        "Everything on {shown} will be lost: {} {}, {}{removable}, {holds}.",
        terminal::shown(&read("device/vendor")),
        terminal::shown(&read("device/model")),
        terminal::bytes(size_bytes)
    )))
}

/// Written, flushed, and read back from the medium: cheap sticks lie.
fn write(out: &Path, disk: &[u8]) -> anyhow::Result<()> {
    let shown = out.display();
    let is_device = fs::metadata(out).is_ok_and(|m| m.file_type().is_block_device());
    let mut options = OpenOptions::new();
    options.write(true).create(!is_device).truncate(!is_device);
    if is_device {
        // The kernel knows of every use: file systems, swap, RAID, volume groups.
        options.custom_flags(rustix::fs::OFlags::EXCL.bits().cast_signed());
    }
    let mut file = options.open(out).with_context(|| {
        format!("open {shown}; writing to a stick needs root, and nothing may use the stick")
    })?;
    file.write_all(disk)
        .and_then(|()| file.sync_all())
        .with_context(|| format!("write to {shown}; is it full or pulled out?"))?;
    // What is still in memory is no proof.
    let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    drop(file);
    let mut back = vec![0u8; disk.len()];
    File::open(out)
        .and_then(|mut file| file.read_exact(&mut back))
        .with_context(|| format!("read {shown} back"))?;
    ensure!(
        back == disk,
        "check {shown}: it gives back other bytes than were written; take another stick"
    );
    Ok(())
}
