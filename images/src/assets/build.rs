//! Gathers the parts, builds the folder beside its final place, and puts it there in one step.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::manifest::{self, FileLine, Manifest};
use super::packages::{self, Unpacked};
use super::{
    Assets, BOOT_IMG, GRUB_NET, INITRD, KERNEL, MANIFEST, MEMTEST_BIN, MEMTEST_EFI, SHIM, SNPONLY,
    UNDIONLY, disk, elf, initramfs, load,
};

/// What to build from; the package folders are downloaded when they are not given.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// The assets folder; replaced as a whole when it already holds boot assets.
    pub out: PathBuf,
    /// This program, which becomes the agent: a static x86-64 binary.
    pub binary: PathBuf,
    /// Its version, noted in `assets.txt`.
    pub version: String,
    /// Time of every file inside the initramfs, seconds since 1970: the commit's, for a reproducible build.
    pub mtime_s: i64,
    /// Folders into which `linux-image-…-amd64`, `ipxe`, `busybox-static`, `shim-signed`,
    /// `grub-efi-amd64-signed` and `memtest86+` were unpacked with `dpkg-deb -x`.
    pub kernel: Option<PathBuf>,
    pub ipxe: Option<PathBuf>,
    pub busybox: Option<PathBuf>,
    pub shim: Option<PathBuf>,
    pub grub: Option<PathBuf>,
    pub memtest: Option<PathBuf>,
}

/// Builds the boot assets; `say` gets one line per step.
pub fn build(options: &BuildOptions, say: &mut dyn FnMut(&str)) -> Result<Assets, Error> {
    let out = &options.out;
    check_replaceable(out)?;
    let program = std::fs::read(&options.binary).map_err(Error::io("reading", &options.binary))?;
    elf::check_static_program(&program).map_err(|why| Error::NotStatic {
        path: options.binary.clone(),
        why,
    })?;

    let work = Work::create(out)?;
    let kernel = gather(
        options.kernel.as_deref(),
        &work.0,
        say,
        packages::kernel_package,
    )?;
    let ipxe = gather(options.ipxe.as_deref(), &work.0, say, || {
        Ok("ipxe".to_owned())
    })?;
    let busybox = gather(options.busybox.as_deref(), &work.0, say, || {
        Ok("busybox-static".to_owned())
    })?;
    let shim = gather(options.shim.as_deref(), &work.0, say, || {
        Ok("shim-signed".to_owned())
    })?;
    let grub = gather(options.grub.as_deref(), &work.0, say, || {
        Ok("grub-efi-amd64-signed".to_owned())
    })?;
    let memtest = gather(options.memtest.as_deref(), &work.0, say, || {
        Ok("memtest86+".to_owned())
    })?;
    let (version, vmlinuz, modules) = find_kernel(&kernel.root)?;
    let shim_program = find(&shim.root, &["usr/lib/shim/shimx64.efi.signed"])?;
    // The one for CDs: it looks for its configuration beside itself, on whatever disk it was started from.
    let grub_program = find(
        &grub.root,
        &["usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed"],
    )?;
    // The one for networks: it looks for its configuration where it came from, in /grub.
    let grub_net = find(
        &grub.root,
        &["usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed"],
    )?;
    let snponly = find(&ipxe.root, &["usr/lib/ipxe/snponly.efi"])?;
    let undionly = find(&ipxe.root, &["usr/lib/ipxe/undionly.kpxe"])?;
    let memtest_efi = find(&memtest.root, &["boot/memtest86+x64.efi"])?;
    let memtest_bin = find(&memtest.root, &["boot/memtest86+x64.bin"])?;
    let busybox_program = find(&busybox.root, &["bin/busybox", "usr/bin/busybox"])?;

    say(&format!("building the initramfs for kernel {version}"));
    let initrd = initramfs::build(&initramfs::Parts {
        busybox: &busybox_program,
        program: &program,
        modules: &modules,
        kernel_version: &version,
        mtime_s: u32::try_from(options.mtime_s).unwrap_or(0),
    })?;
    say(&format!(
        "initramfs: {} drivers, {:.1} MiB, {:.1} MiB compressed",
        initrd.modules,
        mebibytes(initrd.plain_len),
        mebibytes(initrd.bytes.len())
    ));
    if !initrd.absent.is_empty() {
        say(&format!(
            "not modules of this kernel (built in or dropped): {}",
            initrd.absent.join(", ")
        ));
    }

    let new = work.0.join("new");
    std::fs::create_dir(&new).map_err(Error::io("creating", &new))?;
    let mut manifest = Manifest {
        made_of: vec![
            ("reprise".to_owned(), options.version.clone()),
            ("kernel".to_owned(), format!("{version} {}", kernel.version)),
            ("ipxe".to_owned(), ipxe.version),
            ("busybox".to_owned(), busybox.version),
            ("shim".to_owned(), shim.version),
            ("grub".to_owned(), grub.version),
            ("memtest86+".to_owned(), memtest.version),
            ("drivers".to_owned(), initrd.modules.to_string()),
        ],
        files: Vec::new(),
    };
    for (name, source) in [
        (KERNEL, &vmlinuz),
        (SNPONLY, &snponly),
        (UNDIONLY, &undionly),
        (SHIM, &shim_program),
        (GRUB_NET, &grub_net),
        (MEMTEST_EFI, &memtest_efi),
        (MEMTEST_BIN, &memtest_bin),
    ] {
        put(&new, name, &read(source)?, &mut manifest)?;
    }
    put(&new, INITRD, &initrd.bytes, &mut manifest)?;
    let image = disk::image(disk::Parts {
        shim: &read(&shim_program)?,
        grub: &read(&grub_program)?,
        kernel: &read(&vmlinuz)?,
        initrd: &initrd.bytes,
    });
    let image = image.map_err(|why| Error::BootDisk {
        why: why.to_string(),
    })?;
    put(&new, BOOT_IMG, &image, &mut manifest)?;
    write(&new.join(MANIFEST), manifest::write(&manifest).as_bytes())?;
    publish(&new, out, &work.0)?;
    load(out)
}

/// Sizes for people.
fn mebibytes(bytes: usize) -> f64 {
    // At most a few hundred MiB: exact enough in 32 bits of KiB.
    f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) / 1024.0
}

/// A folder beside the final one, so that the last step is a rename; removed whatever happens.
struct Work(PathBuf);

impl Work {
    fn create(out: &Path) -> Result<Self, Error> {
        let name = out
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let above = match out.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        std::fs::create_dir_all(&above).map_err(Error::io("creating", &above))?;
        // apt-get runs with this as its current folder: the path must not depend on ours.
        let above = above.canonicalize().map_err(Error::io("opening", &above))?;
        let path = above.join(format!(".{name}.building-{}", std::process::id()));
        std::fs::create_dir(&path).map_err(Error::io("creating", &path))?;
        Ok(Self(path))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // Nothing depends on it: what stays behind is named `.….building-PID`.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Only a folder of boot assets, an empty one or none may be replaced.
fn check_replaceable(out: &Path) -> Result<(), Error> {
    match std::fs::read_dir(out) {
        Ok(mut entries) => match entries.next() {
            Some(_) if !out.join(MANIFEST).exists() => Err(Error::Foreign {
                path: out.to_owned(),
            }),
            _ => Ok(()),
        },
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::io("opening", out)(e)),
    }
}

fn gather(
    given: Option<&Path>,
    work: &Path,
    say: &mut dyn FnMut(&str),
    package: impl FnOnce() -> Result<String, Error>,
) -> Result<Unpacked, Error> {
    if let Some(folder) = given {
        return Ok(Unpacked {
            root: folder.to_owned(),
            version: "(given folder)".to_owned(),
        });
    }
    let package = package()?;
    say(&format!("downloading {package}"));
    packages::fetch(&package, work)
}

/// Version, kernel and module folder; the last version when a folder holds several.
fn find_kernel(root: &Path) -> Result<(String, PathBuf, PathBuf), Error> {
    let boot = root.join("boot");
    let missing = || Error::Missing {
        folder: root.to_owned(),
        what: "kernel (boot/vmlinuz-VERSION with its modules)".to_owned(),
    };
    let mut versions: Vec<String> = std::fs::read_dir(&boot)
        .map_err(|_| missing())?
        .filter_map(|e| {
            e.ok()?
                .file_name()
                .to_str()?
                .strip_prefix("vmlinuz-")
                .map(str::to_owned)
        })
        .collect();
    versions.sort();
    for version in versions.into_iter().rev() {
        let modules = ["lib/modules", "usr/lib/modules"].map(|p| root.join(p).join(&version));
        if let Some(modules) = modules.into_iter().find(|p| p.join("kernel").is_dir()) {
            let vmlinuz = boot.join(format!("vmlinuz-{version}"));
            return Ok((version, vmlinuz, modules));
        }
    }
    Err(missing())
}

fn find(root: &Path, places: &[&str]) -> Result<PathBuf, Error> {
    let found = places.iter().map(|p| root.join(p)).find(|p| p.is_file());
    found.ok_or_else(|| Error::Missing {
        folder: root.to_owned(),
        what: places.join(" or "),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(Error::io("reading", path))
}

fn put(folder: &Path, name: &str, bytes: &[u8], manifest: &mut Manifest) -> Result<(), Error> {
    write(&folder.join(name), bytes)?;
    let blake3 = blake3::hash(bytes).to_hex().to_string();
    manifest.files.push(FileLine {
        name: name.to_owned(),
        size: bytes.len() as u64,
        blake3,
    });
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    use std::io::Write as _;
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(Error::io("writing", path))
}

/// A running server always finds a complete folder: the new one takes the place of the old one by exchange.
fn publish(new: &Path, out: &Path, work: &Path) -> Result<(), Error> {
    if !out.exists() {
        return std::fs::rename(new, out).map_err(Error::io("putting in place", out));
    }
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    if renameat_with(CWD, new, CWD, out, RenameFlags::EXCHANGE).is_ok() {
        return Ok(());
    }
    // Some network file systems cannot exchange.
    let old = work.join("old");
    std::fs::rename(out, &old).map_err(Error::io("moving away", out))?;
    std::fs::rename(new, out).map_err(Error::io("putting in place", out))
}

#[cfg(test)]
mod tests;
