//! `reprise vault`: works on a vault alone, without appliance, configuration or state. What a disaster needs.

mod backup;
mod cat;
mod check;
mod diff;
mod find;
mod forget;
mod key;
mod ls;
mod piped;
mod place;
mod prune;
mod read;
mod restore;
mod sparse;
mod stop;
mod write;

pub(super) use self::place::Place;
use crate::terminal::{self, Bar, Pace};
use anyhow::{Context, bail};
use clap::Subcommand;
use state::Clock;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use vault::{Problem, RecoveryKey, Secret, Vault, Watch};

/// Exit code of work that was done, but whose problems must be read.
const DONE_WITH_PROBLEMS: u8 = 3;
const SHOWN: usize = 50;
const BEAT: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Holds the vault's password on its first line
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "REPRISE_PASSWORD_FILE",
        hide_env_values = true
    )]
    password_file: Option<PathBuf>,
    /// Holds the 24 words of a recovery key: opens the vault instead of a password
    #[arg(long, global = true, value_name = "FILE")]
    recovery_key: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a vault in an empty folder (made if its parent exists)
    Init {
        #[command(flatten)]
        place: Place,
    },
    /// Saves folders, or what a program writes, as a new snapshot
    Backup(backup::Backup),
    /// Lists the snapshots, oldest first
    Snapshots {
        #[command(flatten)]
        place: Place,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Lists a folder of a snapshot; without a path, what was saved
    Ls(ls::Ls),
    /// Looks for a name in all snapshots
    Find(find::Find),
    /// Says what differs between two snapshots, or between a snapshot and the files as they are now
    Diff(diff::Diff),
    /// Writes a file of a snapshot, a range of it, or a folder as an archive, to the standard output
    Cat(cat::Cat),
    /// Brings files back
    Restore(restore::Restore),
    /// Is everything there that the snapshots need?
    Check(check::Check),
    /// The passwords and recovery keys that open the vault
    #[command(subcommand)]
    Key(key::Command),
    /// Forgets snapshots, by rules or by name; `prune` then frees what only they needed
    Forget(forget::Forget),
    /// Keeps a snapshot whatever the rules say; without one, lists what is held
    Hold(forget::Hold),
    /// Deletes what no snapshot needs, beside backups
    Prune(prune::Prune),
    /// Reads everything; what is bad is stored again by the next backup; writes the index anew
    Repair(check::Repair),
    /// How much it holds
    Stats {
        #[command(flatten)]
        place: Place,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let way = Way {
        password_file: args.password_file.as_deref(),
        recovery_key: args.recovery_key.as_deref(),
    };
    let open = |place: &Place| open(place, &way);
    match args.command {
        Command::Init { place } => write::init(&place, &way.password()?),
        Command::Backup(args) => backup::run(&open(&args.place)?, &args),
        Command::Snapshots { place, json } => read::snapshots(&open(&place)?, json),
        Command::Ls(args) => ls::ls(&open(&args.place)?, &args),
        Command::Find(args) => find::run(&open(&args.place)?, &args),
        Command::Diff(args) => diff::run(&open(&args.place)?, &args),
        Command::Cat(args) => cat::run(&open(&args.place)?, &args),
        Command::Restore(args) => restore::run(&open(&args.place)?, &args),
        Command::Check(args) => check::check(&open(&args.place)?, &args),
        Command::Key(command) => key::run(&command, &way),
        Command::Forget(args) => forget::forget(&open(&args.place)?, &args),
        Command::Hold(args) => forget::hold(&open(&args.place)?, &args),
        Command::Prune(args) => prune::prune(&open(&args.place)?, &args),
        Command::Repair(args) => check::repair(&open(&args.place)?, &args),
        Command::Stats { place, json } => read::stats(&open(&place)?, json),
    }
}

/// Where the secret is that opens the vault.
pub(super) struct Way<'a> {
    pub(super) password_file: Option<&'a Path>,
    pub(super) recovery_key: Option<&'a Path>,
}

impl Way<'_> {
    pub(super) fn password(&self) -> anyhow::Result<Secret> {
        let Some(file) = self.password_file else {
            bail!(
                "open the vault: no password; give the file that holds it with --password-file or REPRISE_PASSWORD_FILE"
            );
        };
        Ok(Secret::from_file(file)?)
    }

    /// A recovery key that was named goes before a password that the environment names.
    fn secret(&self) -> anyhow::Result<Secret> {
        match self.recovery_key {
            Some(file) => Ok(RecoveryKey::from_file(file)?.secret()),
            None => self.password(),
        }
    }
}

pub(super) fn open(place: &Place, way: &Way<'_>) -> anyhow::Result<Vault> {
    let secret = way.secret()?;
    Ok(Vault::open(Arc::new(place.open()?), &secret)?)
}

fn now() -> i64 {
    Clock::System.now().0
}

/// Milliseconds since 1970, in the time zone of whoever asks.
pub(crate) fn when(milliseconds: i64) -> String {
    match jiff::Timestamp::from_millisecond(milliseconds) {
        Ok(at) => at
            .to_zoned(jiff::tz::TimeZone::system())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        Err(_) => "-".to_owned(),
    }
}

/// Runs long work beside a progress bar; returns its result and how long it took.
pub(super) fn watched<T: Send>(
    step: &str,
    work: impl FnOnce(&Watch) -> Result<T, vault::Error> + Send,
) -> anyhow::Result<(T, Duration)> {
    let (watch, start) = (Arc::new(Watch::new()), Instant::now());
    stop::on_signals(&watch);
    let (mut bar, mut pace) = (Bar::new(), Pace::default());
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| work(&watch));
        while bar.is_live() && !worker.is_finished() {
            bar.draw(&progress(step, &watch, &mut pace, start.elapsed()));
            std::thread::sleep(BEAT);
        }
        let result = worker.join();
        bar.clear();
        match result {
            Ok(result) => Ok((result?, start.elapsed())),
            Err(_) => {
                Err(anyhow::anyhow!("the work stopped unexpectedly")).context(step.to_owned())
            }
        }
    })
}

fn progress(step: &str, watch: &Watch, pace: &mut Pace, took: Duration) -> String {
    let seen = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (done, total) = (seen(&watch.bytes_done), seen(&watch.bytes_total));
    let text = terminal::progress(step, done, total, pace.rate(done, took));
    match seen(&watch.files_done) {
        0 => text,
        files => format!("{text}, {files} files"),
    }
}

/// What went wrong while something was being told: the vault only learns that it should stop.
#[derive(Default)]
struct Said(Option<anyhow::Error>);

impl Said {
    fn hear(&mut self, told: anyhow::Result<()>) -> Result<(), vault::Error> {
        told.map_err(|error| {
            self.0 = Some(error);
            vault::Error::Cancelled
        })
    }

    fn or<T>(self, result: Result<T, vault::Error>) -> anyhow::Result<T> {
        match self.0 {
            Some(error) => Err(error),
            None => Ok(result?),
        }
    }
}

/// Problems go to stderr, the first of them; the exit code says that there are some.
fn problems(problems: &[Problem]) -> ExitCode {
    for problem in problems.iter().take(SHOWN) {
        terminal::note(&format!(
            "problem: {}",
            terminal::shown(&problem.to_string())
        ));
    }
    if problems.len() > SHOWN {
        terminal::note(&format!("… and {} more", problems.len() - SHOWN));
    }
    match problems {
        [] => ExitCode::SUCCESS,
        _ => ExitCode::from(DONE_WITH_PROBLEMS),
    }
}

fn problems_json(problems: &[Problem]) -> serde_json::Value {
    let lines = problems.iter();
    lines
        .map(|p| serde_json::json!({ "object": p.object, "what": p.what }))
        .collect()
}
