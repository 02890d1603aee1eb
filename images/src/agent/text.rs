//! What the machine's own screen says, in both languages. Only signs of code page 437: the
//! kernel's built-in console font has no others.

use crate::deploy::label;
use crate::language::{Language, human_size};
use crate::wire::{DeployOrder, Firmware, Inventory, Step, Task, Wiped};
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(super) struct Text(pub(super) Language);

impl Text {
    fn pick<'a>(self, english: &'a str, french: &'a str) -> &'a str {
        match self.0 {
            Language::English => english,
            Language::French => french,
        }
    }

    fn size(self, bytes: u64) -> String {
        human_size(bytes, self.0)
    }

    pub(super) fn machine(self, inventory: &Inventory, mac: &str) -> Vec<String> {
        let unknown = self.pick("unknown", "inconnu");
        let or = |text: &str| {
            if text.is_empty() {
                unknown.to_owned()
            } else {
                text.to_owned()
            }
        };
        let system = &inventory.system;
        let firmware = match inventory.firmware {
            Firmware::Bios => "BIOS",
            Firmware::Uefi => "UEFI",
        };
        let mut lines = vec![
            format!(
                "{} {} {} ({firmware})",
                self.pick("Machine   ", "Machine   "),
                or(&system.manufacturer),
                or(&system.product)
            ),
            format!(
                "{} {}",
                self.pick("Serial    ", "N° série  "),
                or(&system.serial)
            ),
            format!(
                "{} {} x {}, {}",
                self.pick("Processor ", "Processeur"),
                inventory.cpu.cores,
                or(&inventory.cpu.model),
                self.size(inventory.memory_bytes)
            ),
            format!("{} {mac}", self.pick("Network   ", "Réseau    ")),
        ];
        for disk in &inventory.disks {
            let model = if disk.model.is_empty() {
                String::new()
            } else {
                format!(", {}", disk.model)
            };
            lines.push(format!(
                "{} {}, {}{model}",
                self.pick("Disk      ", "Disque    "),
                label(disk),
                self.size(disk.size_bytes)
            ));
        }
        if inventory.disks.is_empty() {
            lines.push(
                self.pick(
                    "Disk       none found: check its cable and the storage mode (AHCI, not RAID)",
                    "Disque     aucun : vérifier le câble et le mode de stockage (AHCI, pas RAID)",
                )
                .to_owned(),
            );
        }
        lines
    }

    pub(super) fn reaching(self, server: &str) -> String {
        match self.0 {
            Language::English => format!("Reaching {server} ..."),
            Language::French => format!("Connexion à {server} ..."),
        }
    }

    pub(super) fn known_as(self, name: &str) -> String {
        match self.0 {
            Language::English => format!("This machine is {name}."),
            Language::French => format!("Cette machine est {name}."),
        }
    }

    pub(super) fn pairing_code(self, code: &str) -> String {
        match self.0 {
            Language::English => format!("PAIRING CODE  {code}"),
            Language::French => format!("CODE D'APPAIRAGE  {code}"),
        }
    }

    pub(super) fn other_code(self, shown: &str) -> String {
        match self.0 {
            Language::English => format!(
                "The server shows another code ({shown}): somebody stands between. Do not approve."
            ),
            Language::French => format!(
                "Le serveur affiche un autre code ({shown}) : quelqu'un s'interpose. Ne pas approuver."
            ),
        }
    }

    pub(super) fn waiting(self) -> &'static str {
        self.pick(
            "Waiting for approval in the console. Nothing is changed on this machine.",
            "En attente d'approbation dans la console. Rien n'est modifié sur cette machine.",
        )
    }

    pub(super) fn local_disk(self, why: &str) -> String {
        match self.0 {
            Language::English => format!("Nothing to do here ({why}): starting from the disk."),
            Language::French => format!("Rien à faire ici ({why}) : démarrage sur le disque."),
        }
    }

    pub(super) fn confirmation(self, task: Task, order: &DeployOrder) -> Vec<String> {
        let title = match task {
            Task::Deploy | Task::Wipe => {
                self.pick("ABOUT TO ERASE A DISK", "EFFACEMENT D'UN DISQUE")
            }
            Task::Capture => self.pick(
                "ABOUT TO READ A DISK INTO AN IMAGE",
                "COPIE D'UN DISQUE DANS UNE IMAGE",
            ),
        };
        vec![
            title.to_owned(),
            format!("{} {}", self.pick("Host  ", "Poste "), order.host),
            format!(
                "{} {} ({})",
                self.pick("Disk  ", "Disque"),
                order.disk_path,
                self.size(order.disk_size_bytes)
            ),
            format!(
                "{} {}",
                self.pick("Serial", "Série "),
                if order.disk_serial.is_empty() {
                    "-"
                } else {
                    &order.disk_serial
                }
            ),
            match task {
                Task::Wipe => self
                    .pick(
                        "Image  none: all of the disk is overwritten",
                        "Image  aucune : tout le disque est écrasé",
                    )
                    .to_owned(),
                Task::Deploy | Task::Capture => format!(
                    "{} {} ({})",
                    self.pick("Image ", "Image "),
                    order.image,
                    self.size(order.image_size_bytes)
                ),
            },
            order.lost.clone(),
        ]
    }

    pub(super) fn countdown(self, seconds: u64) -> String {
        match self.0 {
            Language::English => format!("Starting in {seconds} s. Press any key to CANCEL."),
            Language::French => format!("Début dans {seconds} s. Appuyer sur une touche ANNULE."),
        }
    }

    /// `Writing 42 %  1.2 GB of 2.9 GB  110.0 MB/s  15 s left`
    pub(super) fn progress(self, step: Step, done: u64, total: u64, elapsed: Duration) -> String {
        let name = match step {
            Step::Confirm => self.pick("Waiting", "Attente"),
            Step::Read => self.pick("Reading", "Lecture"),
            Step::Write => self.pick("Writing", "Écriture"),
            Step::Verify => self.pick("Reading back", "Relecture"),
        };
        let percent = u128::from(done) * 100 / u128::from(total.max(1));
        let of = self.pick("of", "sur");
        let mut line = format!(
            "{name} {percent} %  {} {of} {}",
            self.size(done),
            self.size(total)
        );
        let millis = elapsed.as_millis();
        // Before a second has passed the rate is noise.
        if millis >= 1000 && done > 0 {
            let rate = u64::try_from(u128::from(done) * 1000 / millis).unwrap_or(u64::MAX);
            let left = u128::from(total.saturating_sub(done)) * millis / u128::from(done) / 1000;
            let left_word = self.pick("left", "restant");
            line.push_str(&format!("  {}/s  {left} s {left_word}", self.size(rate)));
        }
        line
    }

    pub(super) fn deployed(
        self,
        image: &str,
        written: u64,
        fetched: u64,
        took: Duration,
    ) -> String {
        let (written, fetched) = (self.size(written), self.size(fetched));
        let seconds = took.as_secs();
        match self.0 {
            Language::English => format!(
                "DONE. Image {image} is written and read back: {written} in {seconds} s, {fetched} over the network."
            ),
            Language::French => format!(
                "TERMINÉ. L'image {image} est écrite et relue : {written} en {seconds} s, {fetched} par le réseau."
            ),
        }
    }

    pub(super) fn erased(self, order: &DeployOrder, wiped: Wiped, took: Duration) -> String {
        let (size, checked) = (
            self.size(order.disk_size_bytes),
            self.size(wiped.checked_bytes),
        );
        let (disk, seconds) = (&order.disk_path, took.as_secs());
        match self.0 {
            Language::English => format!(
                "DONE. Disk {disk} is erased: {size} overwritten in {seconds} s, {checked} of it read back."
            ),
            Language::French => format!(
                "TERMINÉ. Le disque {disk} est effacé : {size} écrasés en {seconds} s, dont {checked} relus."
            ),
        }
    }

    pub(super) fn captured(
        self,
        order: &DeployOrder,
        bytes: u64,
        sent: u64,
        took: Duration,
    ) -> String {
        let (size, sent) = (self.size(bytes), self.size(sent));
        let (disk, image, seconds) = (&order.disk_path, &order.image, took.as_secs());
        match self.0 {
            Language::English => format!(
                "DONE. Disk {disk} is in the image {image}: {size} in {seconds} s, {sent} over the network. The disk is as it was."
            ),
            Language::French => format!(
                "TERMINÉ. Le disque {disk} est dans l'image {image} : {size} en {seconds} s, {sent} par le réseau. Le disque est inchangé."
            ),
        }
    }

    /// Somebody chose at the machine what the console has to confirm.
    pub(super) fn waiting_for(self, task: Task) -> &'static str {
        match task {
            Task::Wipe => self.pick(
                "Waiting, 15 minutes at most: choose in the console which disk of this machine is erased.",
                "Attente, 15 minutes au plus : choisir dans la console le disque de cette machine à effacer.",
            ),
            Task::Capture => self.pick(
                "Waiting, 15 minutes at most: choose in the console which disk of this machine becomes which image.",
                "Attente, 15 minutes au plus : choisir dans la console le disque de cette machine et l'image à créer.",
            ),
            Task::Deploy => self.pick(
                "Waiting, 15 minutes at most: choose in the console which image this machine gets.",
                "Attente, 15 minutes au plus : choisir dans la console l'image que reçoit cette machine.",
            ),
        }
    }

    pub(super) fn not_done(self, task: Task, why: &str) -> String {
        match (self.0, task) {
            (Language::English, Task::Deploy) => format!("NOT DEPLOYED: {why}"),
            (Language::French, Task::Deploy) => format!("NON DÉPLOYÉ : {why}"),
            (Language::English, Task::Wipe) => format!("NOT ERASED: {why}"),
            (Language::French, Task::Wipe) => format!("NON EFFACÉ : {why}"),
            (Language::English, Task::Capture) => format!("NOT CAPTURED: {why}"),
            (Language::French, Task::Capture) => format!("NON CAPTURÉ : {why}"),
        }
    }

    pub(super) fn failed(self, why: &str) -> String {
        match self.0 {
            Language::English => format!("failed to {why}"),
            Language::French => format!("échec (failed to {why})"),
        }
    }

    pub(super) fn cancelled_here(self, task: Task) -> &'static str {
        match task {
            Task::Deploy | Task::Wipe => self.pick(
                "cancelled by a key press at the machine; nothing was written",
                "annulé par une touche au clavier de la machine ; rien n'a été écrit",
            ),
            Task::Capture => self.pick(
                "cancelled by a key press at the machine; nothing was read",
                "annulé par une touche au clavier de la machine ; rien n'a été lu",
            ),
        }
    }

    pub(super) fn cancelled_before(self, task: Task) -> &'static str {
        match task {
            Task::Deploy | Task::Wipe => self.pick(
                "cancelled in the console; nothing was written",
                "annulé dans la console ; rien n'a été écrit",
            ),
            Task::Capture => self.cancelled_there(task),
        }
    }

    pub(super) fn cancelled_there(self, task: Task) -> &'static str {
        match task {
            Task::Deploy => self.pick(
                "cancelled in the console; the disk is incomplete: deploy it again",
                "annulé dans la console ; le disque est incomplet : le déployer à nouveau",
            ),
            Task::Wipe => self.pick(
                "cancelled in the console; the disk is half erased: erase it again",
                "annulé dans la console ; le disque est à moitié effacé : l'effacer à nouveau",
            ),
            Task::Capture => self.pick(
                "cancelled in the console; there is no image, and the disk is as it was",
                "annulé dans la console ; il n'y a pas d'image, et le disque est inchangé",
            ),
        }
    }

    pub(super) fn restarting(self, seconds: u64) -> String {
        match self.0 {
            Language::English => format!("Restarting in {seconds} s."),
            Language::French => format!("Redémarrage dans {seconds} s."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_shows_rate_and_time_left() {
        let text = Text(Language::English);
        let line = text.progress(
            Step::Write,
            500_000_000,
            2_000_000_000,
            Duration::from_secs(5),
        );
        assert_eq!(
            line,
            "Writing 25 %  500.0 MB of 2.0 GB  100.0 MB/s  15 s left"
        );
        let line = Text(Language::French).progress(Step::Verify, 0, 1000, Duration::ZERO);
        assert_eq!(line, "Relecture 0 %  0 o sur 1,0 ko");
        assert_eq!(
            text.progress(Step::Write, 0, 0, Duration::from_secs(9)),
            "Writing 0 %  0 B of 0 B"
        );
    }

    #[test]
    fn the_confirmation_names_host_disk_serial_and_loss_in_both_languages() {
        let order = DeployOrder {
            session: "s".into(),
            host: "PC-7".into(),
            image: "debian".into(),
            image_size_bytes: 1 << 28,
            disk_path: "/dev/sda".into(),
            disk_serial: "QM00001".into(),
            disk_model: "QEMU".into(),
            disk_size_bytes: 1 << 30,
            lost: "Everything goes.".into(),
        };
        for language in [Language::English, Language::French] {
            let lines = |task| Text(language).confirmation(task, &order).join("\n");
            for part in ["PC-7", "/dev/sda", "QM00001", "debian", "Everything goes."] {
                for task in [Task::Deploy, Task::Capture] {
                    assert!(lines(task).contains(part), "{part} in {}", lines(task));
                }
            }
            assert!(!lines(Task::Wipe).contains("debian"));
            assert_ne!(
                lines(Task::Capture).lines().next(),
                lines(Task::Wipe).lines().next()
            );
        }
    }

    #[test]
    fn the_console_font_has_every_sign() {
        let source = include_str!("text.rs");
        let foreign: Vec<char> = source
            .chars()
            .filter(|c| !c.is_ascii() && !"éèêàâùûçôîÉ°".contains(*c))
            .collect();
        assert!(foreign.is_empty(), "{foreign:?}");
    }

    #[test]
    fn a_machine_without_disk_is_told_what_to_look_at() {
        let lines = Text(Language::English).machine(&Inventory::default(), "52:54:00:00:00:01");
        assert!(lines.iter().any(|line| line.contains("AHCI")), "{lines:?}");
    }
}
