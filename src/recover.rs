//! The appliance again, on a bare box, from one of its vaults: configuration, state, certificates.
//!
//! What came out of the vault is laid beside the configuration's place first and read there. Nothing that exists is
//! overwritten, but for what an earlier recovery left that was cut off: the mark [`UNFINISHED`] tells. The configuration
//! comes last, so an appliance is there whole or not at all.

mod left_to_do;

use crate::{file as files, terminal};
use anyhow::{Context, bail};
use config::{Config, Target};
use state::Clock;
use state::folder::StateFolder;
use state::kept;
use state::wire::Fact;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;
use vault::restore::{Overwrite, RestorePlan, RestoreStats};
use vault::{KdfCost, Kind, Problem, Secret, Snapshot, Vault};

/// Names inside the copy that an appliance makes of itself.
const CONFIGURATION: &str = "reprise.toml";
const DATABASE: &str = "state.db";
const CERTIFICATES: &str = "tls";
/// In the state folder while a recovery is at work.
const UNFINISHED: &str = "unfinished-recovery";

/// What would come back, and where; to be shown before it is done.
pub(crate) struct RecoverPlan {
    pub(crate) snapshot: Snapshot,
    pub(crate) config: Config,
    /// Each with its place in the copy; the configuration is the last.
    pub(crate) files: Vec<(PathBuf, PathBuf)>,
    /// The target of the configuration that this vault is.
    pub(crate) target: Option<Target>,
    pub(crate) bytes: u64,
    /// The appliance that is here has never had anything to save: a package was installed, and started perhaps.
    is_unused: bool,
    staging: Staging,
    begun: Instant,
}

impl RecoverPlan {
    pub(crate) fn took(&self) -> std::time::Duration {
        self.begun.elapsed()
    }
}

/// What opens the vault, and will open it for the appliance.
pub(crate) enum Opened {
    Password(Secret),
    /// By the key on paper: the appliance gets a password of its own.
    Paper,
}

/// What came back, and what could not.
type Restored = (RestoreStats, Vec<Problem>);

/// Reads the newest copy of an appliance (or `which`) out of the vault by `restore`, and plans its way into `dir`.
pub(crate) fn plan(
    vault: &Vault,
    which: Option<&str>,
    dir: &Path,
    restore: &dyn Fn(&RestorePlan) -> anyhow::Result<Restored>,
) -> anyhow::Result<RecoverPlan> {
    let begun = Instant::now();
    let snapshot = copy_of_an_appliance(vault, which)?;
    let dir =
        std::path::absolute(dir).with_context(|| format!("find the folder {}", dir.display()))?;
    let staging = Staging::make(&dir)?;
    let into = staging.path.join("copy");
    let (stats, problems) = restore(&vault::restore::plan(
        vault,
        &snapshot,
        &[],
        &into,
        Overwrite::Refuse,
    )?)?;
    if let Some(problem) = problems.first() {
        bail!(
            "read the copy {}: {problem}; give an older one with --snapshot, or another target",
            snapshot.id
        );
    }
    let file = dir.join(CONFIGURATION);
    let text = fs::read_to_string(into.join(CONFIGURATION)).with_context(|| {
        format!(
            "read the configuration in the copy {}; give an older one with --snapshot",
            snapshot.id
        )
    })?;
    let config = config::parse(&text, &file).with_context(|| {
        format!(
            "read the configuration in the copy {}; files that it names may have to be written first",
            snapshot.id
        )
    })?;
    let target = target_of(&snapshot, &config);
    let is_unused = is_unused(&file);
    let files = ways(&into, &config.appliance.state_dir, &file, is_unused)?;
    Ok(RecoverPlan {
        snapshot,
        config,
        files,
        target,
        bytes: stats.bytes,
        is_unused,
        staging,
        begun,
    })
}

fn copy_of_an_appliance(vault: &Vault, which: Option<&str>) -> anyhow::Result<Snapshot> {
    if let Some(which) = which {
        let snapshot = vault.snapshot(which)?;
        if snapshot.kind != Kind::Appliance {
            bail!(
                "recover from snapshot {}: it is a copy of {}, not of an appliance; `reprise vault snapshots` lists the others",
                snapshot.id,
                snapshot.plan
            );
        }
        return Ok(snapshot);
    }
    let (snapshots, problems) = vault.snapshots()?;
    for problem in &problems {
        terminal::note(&format!(
            "problem: {}",
            terminal::shown(&problem.to_string())
        ));
    }
    let count = snapshots.len();
    let copies = snapshots.into_iter().filter(|s| s.kind == Kind::Appliance);
    let Some(newest) = copies.max_by_key(|s| s.seq) else {
        bail!(
            "find an appliance in this vault: none of its {count} snapshots is one; give another target of the appliance that is lost"
        );
    };
    Ok(newest)
}

/// An appliance stages its copy in a folder that is named after the target.
fn target_of(snapshot: &Snapshot, config: &Config) -> Option<Target> {
    let staged = snapshot.roots.first()?.file_name()?.to_str()?;
    config.target(staged.strip_prefix("appliance-")?).cloned()
}

/// A configuration that saves nothing, such as the package puts in place: what is beside it may be replaced.
fn is_unused(file: &Path) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    config::parse(&text, file).is_ok_and(|config| {
        config.targets.is_empty()
            && config.plans.is_empty()
            && config.appliance.database_url.is_none()
    })
}

/// Every file of the copy with its place; refuses when another file is at one of the places and is worth something.
fn ways(
    copy: &Path,
    state: &Path,
    file: &Path,
    is_unused: bool,
) -> anyhow::Result<Vec<(PathBuf, PathBuf)>> {
    let mut ways = Vec::new();
    let database = copy.join(DATABASE);
    if database.exists() {
        ways.push((database, state.join(DATABASE)));
    }
    let certificates = copy.join(CERTIFICATES);
    if certificates.exists() {
        for entry in fs::read_dir(&certificates).context("list the certificates in the copy")? {
            let name = entry
                .context("list the certificates in the copy")?
                .file_name();
            ways.push((
                certificates.join(&name),
                state.join(CERTIFICATES).join(&name),
            ));
        }
    }
    ways.sort();
    ways.push((copy.join(CONFIGURATION), file.to_owned()));
    if state.join(UNFINISHED).exists() || is_unused {
        return Ok(ways);
    }
    for (_, to) in &ways {
        if to.symlink_metadata().is_ok() {
            bail!(
                "recover {}: there is one already, so this box has an appliance; move it away first, or recover into another folder with --dir",
                to.display()
            );
        }
    }
    // What SQLite left beside a database that is gone would be taken for a part of ours.
    for tail in ["-wal", "-shm", "-journal"] {
        let rest = state.join(format!("{DATABASE}{tail}"));
        if rest.exists() && !state.join(DATABASE).exists() {
            bail!(
                "recover {}: {} is left of another database; move it away first",
                state.join(DATABASE).display(),
                rest.display()
            );
        }
    }
    Ok(ways)
}

/// Does what was planned. Returns what a person still has to do.
pub(crate) fn execute(
    plan: &RecoverPlan,
    vault: &Vault,
    opened: &Opened,
    clock: &Clock,
) -> anyhow::Result<Vec<String>> {
    let state = &plan.config.appliance.state_dir;
    // A `serve` that runs here would write over what comes back.
    let lock = StateFolder::open(state)?;
    if plan.is_unused && state.join(kept::DATABASE).exists() {
        let now = clock.now();
        let aside = kept::set_aside(state, crate::version::NUMBER, now);
        let aside = crate::serve::runtime()?.block_on(aside)?;
        terminal::note(&format!(
            "the unused state that was here is set aside: {}",
            aside.path.display()
        ));
    }
    let mark = state.join(UNFINISHED);
    files::publish(&mark, plan.snapshot.id.to_string().as_bytes())
        .with_context(|| format!("write {}; make its folder writable", mark.display()))?;
    if plan
        .files
        .iter()
        .any(|(_, to)| to.starts_with(state.join(CERTIFICATES)))
    {
        files::folder(&state.join(CERTIFICATES))?;
    }
    if let Some(target) = &plan.target {
        keep_password(target, vault, opened, clock)?;
    }
    for (from, to) in &plan.files {
        let told;
        let mut from = from;
        if from.ends_with(DATABASE) {
            told = tell(plan, from, clock)?;
            from = &told;
        }
        if from.ends_with(CONFIGURATION) {
            fs::remove_file(&mark).with_context(|| format!("remove {}", mark.display()))?;
        }
        files::place(from, to)
            .with_context(|| format!("write {}; make its folder writable", to.display()))?;
    }
    drop(lock);
    Ok(left_to_do::steps(&plan.config))
}

/// The journal says that the appliance was recovered; the console shows it. Returns the database that knows.
fn tell(plan: &RecoverPlan, database: &Path, clock: &Clock) -> anyhow::Result<PathBuf> {
    let told = plan.staging.path.join(DATABASE);
    let fact = Fact::Recovered {
        target: plan.target.as_ref().map(|target| target.name.clone()),
        snapshot: plan.snapshot.id.to_string(),
        taken_ms: plan.snapshot.finished_ms,
        bytes: plan.bytes,
        took_ms: u64::try_from(plan.took().as_millis()).unwrap_or(u64::MAX),
    };
    crate::serve::runtime()?.block_on(async {
        let db = state::Db::open_file(database).await?;
        state::journal::record(&db, clock.now(), fact).await?;
        // One file again, without what SQLite keeps beside it.
        db.copy_to(&told).await?;
        Ok::<_, anyhow::Error>(())
    })?;
    Ok(told)
}

fn keep_password(
    target: &Target,
    vault: &Vault,
    opened: &Opened,
    clock: &Clock,
) -> anyhow::Result<()> {
    let path = &target.password_file;
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    let line = match opened {
        Opened::Password(secret) => [secret.expose(), b"\n"].concat(),
        Opened::Paper => {
            let password = state::id::password();
            let label = "recovered appliance";
            let secret = Secret::new(password.clone().into_bytes());
            vault.add_password(&secret, KdfCost::NORMAL, label, clock.now().0)?;
            format!("{password}\n").into_bytes()
        }
    };
    if let Some(folder) = path.parent() {
        files::folder(folder)?;
    }
    files::publish_new(path, &line)
        .with_context(|| format!("write {}; make its folder writable", path.display()))
}

/// A folder beside the configuration that goes away, also after an error, and with it the folders above it that it made
/// and that nothing else came into. A left-over of a cut-off recovery is replaced.
struct Staging {
    path: PathBuf,
    /// The nearest first.
    made: Vec<PathBuf>,
}

impl Staging {
    fn make(dir: &Path) -> anyhow::Result<Staging> {
        let path = dir.join(".reprise-recover");
        if path.symlink_metadata().is_ok() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("remove {}, left of an earlier try", path.display()))?;
        }
        let missing = dir.ancestors().take_while(|folder| !folder.exists());
        let staging = Staging {
            made: missing.map(Path::to_owned).collect(),
            path,
        };
        files::folder(dir)?;
        files::folder(&staging.path)?;
        Ok(staging)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The plan is over either way; what stays is named by the next try.
        let _ = fs::remove_dir_all(&self.path);
        for folder in &self.made {
            let _ = fs::remove_dir(folder);
        }
    }
}
