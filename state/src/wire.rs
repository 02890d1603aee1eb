//! The shapes of the facts in the journal. Stored as JSON and kept for ever: add variants and
//! optional fields, never rename or remove one.

use serde::{Deserialize, Serialize};

/// How a piece of work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done,
    /// Done, but some things could not be: they are listed.
    Problems,
    Failed,
    Cancelled,
    /// The appliance stopped in the middle (power cut, kill); found at the next start.
    Interrupted,
}

/// One thing that happened. The journal adds its number and time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    ApplianceStarted {
        version: String,
    },
    ApplianceStopped,
    /// Part of the appliance cannot work until somebody acts; the rest goes on.
    Trouble {
        /// The object: `port 67 on eth0`, `target nas` …
        object: String,
        /// What is wrong and what to do, one sentence, in English.
        sentence: String,
    },
    TroubleOver {
        object: String,
    },
    RunStarted {
        run: String,
        plan: String,
        target: String,
    },
    RunFinished {
        run: String,
        plan: String,
        target: String,
        outcome: Outcome,
        snapshot: Option<String>,
        problems: u64,
        read_bytes: u64,
        stored_bytes: u64,
        took_ms: u64,
        detail: Option<String>,
    },
    ProofFinished {
        proof: String,
        plan: String,
        target: String,
        snapshot: String,
        /// `restored` in this version; see the proof levels.
        level: String,
        passed: bool,
        files: u64,
        bytes: u64,
        took_ms: u64,
        detail: Option<String>,
    },
    Restored {
        snapshot: String,
        destination: String,
        by: String,
        outcome: Outcome,
        files: u64,
        bytes: u64,
        took_ms: u64,
    },
    /// Somebody took a file or folder out of a snapshot through the console.
    Downloaded {
        snapshot: String,
        path: String,
        by: String,
    },
    ImageImported {
        image: String,
        name: String,
        bytes: u64,
    },
    HostSeen {
        host: String,
        mac: String,
    },
    HostReported {
        host: String,
        name: String,
    },
    HostApproved {
        host: String,
        by: String,
    },
    /// By a person, or by a naming rule when a person approved it.
    HostNamed {
        host: String,
        before: String,
        name: String,
        by: String,
    },
    /// Its user, dates and the like were written or changed.
    HostDetailed {
        host: String,
        name: String,
        by: String,
    },
    /// Somebody wants a machine to boot something once.
    NextBootAsked {
        host: String,
        name: String,
        entry: String,
        by: String,
    },
    NextBootGiven {
        host: String,
        name: String,
        entry: String,
    },
    /// Somebody at the machine typed the menu's password; `who` is what they say.
    MenuOpened {
        host: String,
        name: String,
        who: String,
    },
    /// It was another word.
    MenuRefused {
        host: String,
        name: String,
        who: String,
    },
    /// A network card turned up behind another machine: a dock, a USB adapter, a copied address.
    AdapterShared {
        mac: String,
        host: String,
        name: String,
        other: String,
    },
    /// Two machines that run at the same time say the same serial number or UUID.
    HostDoubled {
        host: String,
        name: String,
        other: String,
    },
    HostForgotten {
        host: String,
        by: String,
    },
    SessionOpened {
        session: String,
        host: String,
        image: String,
        disk: String,
        by: String,
    },
    /// A disk is to be read into an image.
    CaptureOpened {
        session: String,
        host: String,
        /// Of the host.
        name: String,
        image: String,
        disk: String,
        by: String,
    },
    /// A disk is to be erased.
    WipeOpened {
        session: String,
        host: String,
        name: String,
        disk: String,
        by: String,
    },
    /// It was: overwritten once with zeros, and looked at.
    DiskWiped {
        session: String,
        host: String,
        name: String,
        /// Device file, model, serial number.
        disk: String,
        model: String,
        serial: String,
        by: String,
        written_bytes: u64,
        /// Read back past every cache, and zero.
        checked_bytes: u64,
        /// An SSD whose cells were freed too.
        freed: bool,
        took_ms: u64,
    },
    SessionAdvanced {
        session: String,
        host: String,
        step: String,
        detail: Option<String>,
    },
    LoggedIn {
        user: String,
    },
    LogInRefused {
        user: String,
    },
    PasswordChanged {
        user: String,
    },
    /// By the plan's `keep`, after its run.
    SnapshotsForgotten {
        plan: String,
        target: String,
        count: u64,
    },
    /// What no snapshot needs was deleted.
    Pruned {
        target: String,
        freed_bytes: u64,
        took_ms: u64,
    },
    MessageSent {
        /// `mail to admin@example.net`, `mattermost`, `ping`.
        channel: String,
        subject: String,
    },
    /// It could not be sent while it was worth sending.
    MessageLost {
        channel: String,
        subject: String,
        why: String,
    },
    /// This appliance came back on a bare box out of a copy of itself.
    Recovered {
        /// The target whose vault it came from, when the configuration names it.
        target: Option<String>,
        snapshot: String,
        taken_ms: i64,
        bytes: u64,
        took_ms: u64,
    },
    /// The state was put back to a copy kept from before an upgrade; what was known since lies beside it.
    StatePutBack {
        taken_ms: i64,
        /// Where the state it replaced was set aside.
        aside: Option<String>,
    },
    /// A proven copy of a database was opened to be read.
    DatabaseOpened {
        opened: String,
        plan: String,
        target: String,
        snapshot: String,
        database: String,
        /// Address and port.
        listen: String,
        until_ms: i64,
        by: String,
    },
    DatabaseClosed {
        opened: String,
        plan: String,
        database: String,
        /// `time`, `asked`, `stop`; else why it could not be opened.
        why: String,
    },
    /// Somebody typed a vault's password back from paper, and it opened the vault.
    KeyConfirmed {
        target: String,
        by: String,
    },
    /// A sheet of recovery words was made: one more way to open the vault.
    PaperMade {
        target: String,
        by: String,
    },
    /// Out of a list of somebody's.
    HostsImported {
        added: u64,
        by: String,
    },
    /// Somebody accepts until then that nobody saves the object.
    RiskAccepted {
        object: String,
        by: String,
        why: String,
        until_ms: i64,
    },
    RiskWithdrawn {
        object: String,
        by: String,
    },
    /// The acceptance of a risk has run out: it counts as unprotected again.
    RiskRanOut {
        object: String,
    },
    /// Somebody said that the vault which lies there now is the one that is meant.
    VaultAccepted {
        target: String,
        vault: String,
        by: String,
    },
    /// A removable disk was plugged in; `vault` tells the disks of a rotation apart.
    DiskCame {
        target: String,
        vault: String,
    },
    DiskWent {
        target: String,
        vault: String,
    },
    /// A machine's boots from the network failed in the same way several times in a row.
    BootsFail {
        /// Its id in the registry; empty when it is not there.
        host: String,
        name: String,
        mac: String,
        /// The code of the probable cause, as in the console's catalogues.
        cause: String,
        times: u64,
    },
    /// Somebody uses an address of the DHCP server's without having got it from it; nobody else is
    /// given it for a while.
    AddressInUse {
        address: String,
        /// The network card that answers there; empty when it is not known.
        mac: String,
        /// The card of the machine that was given it and found it in use.
        declined_by: Option<String>,
    },
    /// Lines of the file of leases were not as they were written.
    LeasesDamaged {
        lines: u64,
        /// Where a copy of the damaged file lies.
        kept: Option<String>,
    },
    AddressReleased {
        address: String,
        by: String,
    },
    /// A DHCP packet was not answered because of what it is; each sender is told once a day.
    PacketIgnored {
        interface: String,
        /// The address it came from.
        from: String,
        /// The network card that it says it is of.
        mac: Option<String>,
        /// A code, as in the console's catalogues.
        why: String,
    },
    /// Somebody typed a vault's recovery words back from paper, and they opened the vault.
    WordsConfirmed {
        target: String,
        by: String,
    },
}

impl Fact {
    /// The tag it is stored under, also its key in the console's catalogues.
    pub fn kind(&self) -> &'static str {
        match self {
            Fact::ApplianceStarted { .. } => "appliance_started",
            Fact::ApplianceStopped => "appliance_stopped",
            Fact::Trouble { .. } => "trouble",
            Fact::TroubleOver { .. } => "trouble_over",
            Fact::RunStarted { .. } => "run_started",
            Fact::RunFinished { .. } => "run_finished",
            Fact::ProofFinished { .. } => "proof_finished",
            Fact::Restored { .. } => "restored",
            Fact::Downloaded { .. } => "downloaded",
            Fact::ImageImported { .. } => "image_imported",
            Fact::HostSeen { .. } => "host_seen",
            Fact::HostReported { .. } => "host_reported",
            Fact::HostApproved { .. } => "host_approved",
            Fact::HostNamed { .. } => "host_named",
            Fact::HostDetailed { .. } => "host_detailed",
            Fact::NextBootAsked { .. } => "next_boot_asked",
            Fact::NextBootGiven { .. } => "next_boot_given",
            Fact::MenuOpened { .. } => "menu_opened",
            Fact::MenuRefused { .. } => "menu_refused",
            Fact::AdapterShared { .. } => "adapter_shared",
            Fact::HostDoubled { .. } => "host_doubled",
            Fact::HostForgotten { .. } => "host_forgotten",
            Fact::SessionOpened { .. } => "session_opened",
            Fact::CaptureOpened { .. } => "capture_opened",
            Fact::WipeOpened { .. } => "wipe_opened",
            Fact::DiskWiped { .. } => "disk_wiped",
            Fact::SessionAdvanced { .. } => "session_advanced",
            Fact::LoggedIn { .. } => "logged_in",
            Fact::LogInRefused { .. } => "log_in_refused",
            Fact::PasswordChanged { .. } => "password_changed",
            Fact::SnapshotsForgotten { .. } => "snapshots_forgotten",
            Fact::Pruned { .. } => "pruned",
            Fact::MessageSent { .. } => "message_sent",
            Fact::MessageLost { .. } => "message_lost",
            Fact::Recovered { .. } => "recovered",
            Fact::StatePutBack { .. } => "state_put_back",
            Fact::DatabaseOpened { .. } => "database_opened",
            Fact::DatabaseClosed { .. } => "database_closed",
            Fact::KeyConfirmed { .. } => "key_confirmed",
            Fact::PaperMade { .. } => "paper_made",
            Fact::HostsImported { .. } => "hosts_imported",
            Fact::RiskAccepted { .. } => "risk_accepted",
            Fact::RiskWithdrawn { .. } => "risk_withdrawn",
            Fact::RiskRanOut { .. } => "risk_ran_out",
            Fact::VaultAccepted { .. } => "vault_accepted",
            Fact::DiskCame { .. } => "disk_came",
            Fact::DiskWent { .. } => "disk_went",
            Fact::BootsFail { .. } => "boots_fail",
            Fact::AddressInUse { .. } => "address_in_use",
            Fact::LeasesDamaged { .. } => "leases_damaged",
            Fact::AddressReleased { .. } => "address_released",
            Fact::PacketIgnored { .. } => "packet_ignored",
            Fact::WordsConfirmed { .. } => "words_confirmed",
        }
    }
}
