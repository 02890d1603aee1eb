//! The checked values. Every path is absolute here (relative ones were relative to the file).

use crate::boot::BootChoices;
use crate::database::DatabaseUrl;
use crate::registry::Registry;
use crate::sftp::SftpUrl;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The file it was read from.
    pub origin: PathBuf,
    pub appliance: Appliance,
    pub console: Console,
    pub log: Log,
    pub notify: Notify,
    pub networks: Vec<Network>,
    /// What the DHCP server gives where a network's role is `server`.
    pub dhcp: crate::dhcp::Dhcp,
    pub boot: BootChoices,
    /// Naming rules, profiles and sites.
    pub registry: Registry,
    pub targets: Vec<Target>,
    pub servers: Vec<Server>,
    pub plans: Vec<Plan>,
}

impl Config {
    pub fn target(&self, name: &str) -> Option<&Target> {
        self.targets.iter().find(|t| t.name == name)
    }

    pub fn server(&self, name: &str) -> Option<&Server> {
        self.servers.iter().find(|s| s.name == name)
    }

    pub fn plan(&self, name: &str) -> Option<&Plan> {
        self.plans.iter().find(|p| p.name == name)
    }

    /// The target that holds OS images: the one named, else the first.
    pub fn image_target(&self) -> Option<&Target> {
        match &self.appliance.image_target {
            Some(name) => self.target(name),
            None => self.targets.first(),
        }
    }
}

#[derive(Clone, PartialEq)]
pub struct Appliance {
    /// Shown in the console, the plan and the boot menu; also the host name written in snapshots.
    pub name: String,
    pub state_dir: PathBuf,
    /// Database URL; `None` = SQLite in `state_dir`. From `database_url_file`: it may hold a password.
    pub database_url: Option<String>,
    pub locale: Locale,
    /// IANA name, checked to exist.
    pub timezone: String,
    pub image_target: Option<String>,
    /// Most memory for the indexes of all vaults together, in MB.
    pub index_memory_mb: u32,
    /// A vault on the disk of the system or of the state stops growing when less is free there.
    pub keep_free_mb: u32,
    /// Folders of this box that are looked into for what nobody saves.
    pub scan: Vec<PathBuf>,
}

/// By hand: the database's URL may hold a password.
impl fmt::Debug for Appliance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appliance")
            .field("name", &self.name)
            .field("state_dir", &self.state_dir)
            .field(
                "database_url",
                &self.database_url.as_ref().map(|_| "(hidden)"),
            )
            .field("locale", &self.locale)
            .field("timezone", &self.timezone)
            .field("image_target", &self.image_target)
            .field("index_memory_mb", &self.index_memory_mb)
            .field("keep_free_mb", &self.keep_free_mb)
            .field("scan", &self.scan)
            .finish()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locale {
    Fr,
    En,
}

impl Locale {
    pub fn code(self) -> &'static str {
        match self {
            Locale::Fr => "fr",
            Locale::En => "en",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Console {
    pub listen: SocketAddr,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    pub format: LogFormat,
    /// A tracing filter: `info`, `warn`, `info,provisioner=debug`.
    pub filter: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Human,
    Json,
}

/// Where messages go and when. Addresses that are secrets stay in their files, read when they are used.
#[derive(Clone, Debug, PartialEq)]
pub struct Notify {
    /// Local hour of the morning message and of the ping.
    pub morning: TimeOfDay,
    pub every: Rhythm,
    pub mail: Option<Mail>,
    pub mattermost_url_file: Option<PathBuf>,
    pub ping: Option<Ping>,
    /// Certificates trusted beside the system's.
    pub ca_file: Option<PathBuf>,
}

impl Default for Notify {
    fn default() -> Notify {
        Notify {
            morning: TimeOfDay { hour: 7, minute: 0 },
            every: Rhythm::Day,
            mail: None,
            mattermost_url_file: None,
            ping: None,
            ca_file: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rhythm {
    /// Each morning.
    Day,
    /// On Mondays.
    Week,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Mail {
    /// A name, or a numeric address without brackets.
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// Log-in name, and the file whose first line is its password.
    pub login: Option<(String, PathBuf)>,
    pub from: String,
    /// At least one.
    pub to: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    StartTls,
    Tls,
    None,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Ping {
    pub url_file: PathBuf,
    /// Added to the address after a bad night.
    pub fail_suffix: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    pub interface: String,
    pub dhcp: DhcpRole,
    /// TCP port of the boot server (scripts, kernel, initramfs) on this interface.
    pub http_port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DhcpRole {
    Off,
    /// Lives beside the DHCP server that is already there; never gives an address.
    Proxy,
    /// Gives the addresses of the configured subnets, and boots in the same answer.
    Server,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub name: String,
    pub place: Place,
    /// A disk that is plugged in and taken away; several may take turns.
    pub removable: Option<Removable>,
    /// Holds the vault's password on its first line.
    pub password_file: PathBuf,
}

impl Target {
    /// The vault's folder, when it is one of this machine.
    pub fn folder(&self) -> Option<&Path> {
        match &self.place {
            Place::Folder { path, .. } => Some(path),
            Place::Sftp(_) => None,
        }
    }
}

/// A machine that files are restored to.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    pub name: String,
    /// Restores are written below its folder only.
    pub at: Distant,
    /// `SHA256:…`: the right host key, as long as none is known.
    pub host_key: Option<String>,
}

/// A target that comes and goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removable {
    /// Away for longer than this is late.
    pub expected_every: Duration,
}

/// Where the vault of a target lies.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// A mounted share, a disk.
    Folder {
        path: PathBuf,
        /// Refuse to write unless a file system is mounted at or above the folder (below `/`).
        must_be_mounted: bool,
    },
    /// A folder of another machine.
    Sftp(Box<Distant>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Distant {
    pub url: SftpUrl,
    pub login: SshLogin,
    /// Host keys that are the right ones, as OpenSSH's `known_hosts`.
    pub known_hosts: PathBuf,
}

/// How the user of an `sftp://` URL proves who he is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SshLogin {
    /// A private key without a passphrase.
    Key(PathBuf),
    /// A password on the first line.
    Password(PathBuf),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub name: String,
    /// May be empty when there is a database or a recipe.
    pub files: Vec<PathBuf>,
    /// Saved beside the files. With a recipe: instead of the one that the application's own configuration names.
    pub database: Option<DatabaseUrl>,
    /// Holds the password of the database's user on its first line.
    pub database_password_file: Option<PathBuf>,
    pub recipe: Option<PlanRecipe>,
    /// What of them is left out: lines as of a `.gitignore` file.
    pub exclude: Vec<String>,
    /// Folders marked by a CACHEDIR.TAG are left out.
    pub skip_caches: bool,
    /// Local time of the daily run; `None` = only by hand.
    pub at: Option<TimeOfDay>,
    /// Names of targets, at least one.
    pub targets: Vec<String>,
    pub keep: Keep,
    /// 1 (first to come back) to 4.
    pub tier: u8,
    /// Most data loss the company accepts.
    pub rpo: Option<Duration>,
    /// Longest time to get it back.
    pub rto: Option<Duration>,
    pub prove: Prove,
}

impl Plan {
    /// All that it saves, as people write it: folders, the application's, the database's address.
    pub fn saves(&self) -> Vec<String> {
        let files = self.files.iter().map(|file| file.display().to_string());
        let recipe = self.recipe.iter();
        let recipe = recipe.map(|r| format!("{} ({})", r.name, r.folder.display()));
        let database = self.database.iter().map(ToString::to_string);
        files.chain(recipe).chain(database).collect()
    }
}

/// An application that is saved whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRecipe {
    /// `dolibarr`, `nextcloud`.
    pub name: String,
    /// Where it is installed.
    pub folder: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay {
    pub hour: u8,
    pub minute: u8,
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

/// How many points to keep; zero = no rule of that kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    pub last: u32,
    pub hourly: u32,
    pub daily: u32,
    pub weekly: u32,
    pub monthly: u32,
    pub yearly: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prove {
    pub level: Level,
    /// `None` = after each run.
    pub every: Option<Duration>,
}

/// What a proof does; see the proof levels in the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every object the snapshot needs exists (L0).
    Listed,
    /// Every byte the snapshot needs is read and verified (L1).
    Scrubbed,
    /// Restored to scratch by the code of a real restore, and compared (L2).
    Restored,
    /// The same, and each database in it loaded in a throw-away server and compared (L3).
    Loaded,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Listed => "listed",
            Level::Scrubbed => "scrubbed",
            Level::Restored => "restored",
            Level::Loaded => "loaded",
        }
    }
}
