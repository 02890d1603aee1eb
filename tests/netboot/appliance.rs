//! `reprise serve` in its namespace, with real boot assets and an image in its vault.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};

use crate::harness::{self, Appliance, Namespace, Start, Temp};
use crate::net::{Company, Net};
use crate::shell::{output, run};

/// The configuration of an appliance that boots PCs on `eth0`: beside a foreign DHCP server, or giving the
/// addresses itself.
fn config(company: Company) -> String {
    let (role, subnet) = match company {
        Company::Alone => (
            "server",
            "[[dhcp_subnet]]\nnetwork = \"10.77.0.0/24\"\nranges = [\"10.77.0.100-10.77.0.150\"]\n",
        ),
        _ => ("proxy", ""),
    };
    format!(
        "[appliance]\nname = \"agen\"\nstate_dir = \"state\"\nlocale = \"en\"\ntimezone = \"Europe/Paris\"\n\
         [console]\nlisten = \"{}:8443\"\n\
         [[network]]\ninterface = \"eth0\"\ndhcp = \"{role}\"\n{subnet}\
         [[target]]\nname = \"local\"\nurl = \"vault\"\npassword_file = \"password\"\n",
        Net::SERVER
    )
}

/// Starts it in `namespace` and waits until it answers on its interface.
pub(crate) fn start(folder: &Temp, company: Company, namespace: &Namespace) -> Result<Appliance> {
    harness::prepare(folder, &config(company));
    let state = folder.join("state");
    std::fs::create_dir_all(&state)?;
    run(&format!("chmod 700 {}", state.display()))?;
    run(&format!(
        "cp -r {} {}",
        assets()?.display(),
        state.join("boot").display()
    ))?;
    let appliance = Appliance::start(folder, on(namespace));
    listens(&state);
    Ok(appliance)
}

/// Ends it as a power cut would, and starts it again on what it has on disk.
pub(crate) fn loses_power(appliance: &mut Appliance, folder: &Temp, namespace: &Namespace) {
    appliance.kill_and_start(folder, on(namespace));
    listens(&folder.join("state"));
}

fn on(namespace: &Namespace) -> Start<'_> {
    Start {
        namespace: Some(namespace),
        ..Start::default()
    }
}

fn listens(state: &Path) {
    harness::eventually("the boot server listens on eth0", || {
        let ports = std::fs::read(state.join("ports.json")).ok()?;
        let ports: serde_json::Value = serde_json::from_slice(&ports).ok()?;
        let open = &ports["networks"][0];
        ["http", "tftp", "dhcp"]
            .iter()
            .all(|p| open[p].as_u64().is_some_and(|n| n > 0))
            .then_some(())
    });
}

/// The boot assets, made by the binary under test, once for all tests of this run.
pub(crate) fn assets() -> Result<PathBuf> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = &*built {
        return Ok(path.clone());
    }
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("netboot-assets");
    build_assets(&path)?;
    *built = Some(path.clone());
    Ok(path)
}

fn build_assets(out: &Path) -> Result<()> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reprise"));
    command.args(["boot", "assets", "build", "--out"]).arg(out);
    output(command).map(|_| ())
}

/// `reprise image import` beside the running appliance.
pub(crate) fn import(appliance: &Appliance, disk: &Path, name: &str) -> Result<()> {
    let disk = disk.to_str().context("a path in UTF-8")?;
    let imported = appliance.cli(&["image", "import", disk, "--name", name]);
    ensure!(
        imported.status.success(),
        "reprise image import: {}\n{}",
        String::from_utf8_lossy(&imported.stderr),
        appliance.log()
    );
    Ok(())
}

/// A file of what its vault holds, read without the appliance.
pub(crate) fn content(appliance: &Appliance, snapshot: &str, path: &str) -> Result<Vec<u8>> {
    let folder = appliance.folder();
    let (vault, password) = (folder.join("vault"), folder.join("password"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_reprise"));
    command
        .args(["vault", "cat"])
        .arg(vault)
        .args([snapshot, path])
        .arg("--password-file")
        .arg(password);
    let read = command.output().context("start reprise vault cat")?;
    ensure!(
        read.status.success(),
        "reprise vault cat: {}",
        String::from_utf8_lossy(&read.stderr)
    );
    Ok(read.stdout)
}

#[test]
fn the_boot_assets_are_the_same_when_built_again() -> Result<()> {
    let first = assets()?;
    let folder = Temp::new();
    let again = folder.join("again");
    build_assets(&again)?;
    let list = |at: &Path| std::fs::read_to_string(at.join("assets.txt"));
    assert_eq!(
        list(&first)?,
        list(&again)?,
        "same packages and same binary, same bytes"
    );
    Ok(())
}
