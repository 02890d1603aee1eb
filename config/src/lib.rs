//! What the admin wrote: TOML text → checked domain values, or every complaint at once.
//!
//! `file` finds and reads · `schema` is the one table of keys · `walk` checks the TOML tree
//! against it (`value`: one value, `closest`: the word that was meant, `place`: line and column) ·
//! `build` checks what keys say about each other and makes the `domain` values, `target` and `notify` those of targets and
//! messages, `boot` and `registry` (`naming`) those of PCs, `glpi` where their inventory goes · `sftp` is where a vault lies on another machine, `database` where a database is · `example` prints the schema · `dhcp` the addresses it gives · `defaults` is what a first start writes · `complaint` is what the caller gets.
//!
//! A leaf: it imports no other package of the house.

mod boot;
mod build;
mod closest;
mod complaint;
mod database;
mod defaults;
mod dhcp;
mod domain;
mod example;
mod file;
mod glpi;
mod naming;
mod notify;
mod parse;
mod place;
mod registry;
mod schema;
mod sftp;
mod target;
mod value;
mod walk;

pub use boot::{BootChoices, BootEntry, BootGive, BootRule, BootWhat};
pub use complaint::{Complaint, Complaints};
pub use database::{BadDatabaseUrl, DatabaseKind, DatabaseServer, DatabaseUrl};
pub use defaults::{DefaultOptions, default_text, network_lines, quoted};
pub use dhcp::{Dhcp, DhcpProfile, Reservation, Subnet, Told};
pub use domain::{
    Appliance, Config, Console, DhcpRole, Distant, Keep, Level, Locale, Log, LogFormat, Mail,
    Network, Notify, Ping, Place, Plan, PlanRecipe, Prove, Removable, Rhythm, Security, Server,
    SshLogin, Target, TimeOfDay,
};
pub use example::example;
pub use file::{find, load};
pub use glpi::{Glpi, GlpiLogin};
pub use naming::{Cut, NameField, NamePattern, NamePiece};
pub use parse::parse;
pub use registry::{Profile, Registry, Site};
pub use sftp::{BadUrl, SftpUrl};
pub use value::{mailbox, server, time};
