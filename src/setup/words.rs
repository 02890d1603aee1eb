//! What `reprise setup` says, in French and English. One struct, two values: no sentence can miss in one of them.

use config::Locale;

/// Sentences; `{}` is filled in by [`fill`], in order.
pub(crate) struct Words {
    pub(crate) welcome: &'static str,
    pub(crate) again: &'static str,
    pub(crate) place: &'static str,
    pub(crate) place_known: &'static str,
    pub(crate) place_empty: &'static str,
    pub(crate) host_key: &'static str,
    pub(crate) host_key_refused: &'static str,
    pub(crate) ssh_password: &'static str,
    pub(crate) ssh_key: &'static str,
    pub(crate) vault_there: &'static str,
    pub(crate) vault_made: &'static str,
    pub(crate) vault_opened: &'static str,
    pub(crate) dies_with_box: &'static str,
    pub(crate) other_disk: &'static str,
    pub(crate) folders: &'static str,
    pub(crate) application: &'static str,
    pub(crate) folder_none: &'static str,
    pub(crate) folder_relative: &'static str,
    pub(crate) folder_unread: &'static str,
    pub(crate) folder_empty: &'static str,
    pub(crate) hour: &'static str,
    pub(crate) mail: &'static str,
    pub(crate) mail_server: &'static str,
    pub(crate) mail_password: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) go: &'static str,
    pub(crate) nothing: &'static str,
    pub(crate) written: &'static str,
    pub(crate) paper: &'static str,
    pub(crate) paper_file: &'static str,
    pub(crate) typed: &'static str,
    pub(crate) typed_wrong: &'static str,
    pub(crate) typed_good: &'static str,
    pub(crate) typed_later: &'static str,
    pub(crate) restarted: &'static str,
    pub(crate) not_restarted: &'static str,
    pub(crate) start: &'static str,
    pub(crate) console: &'static str,
    pub(crate) one_time: &'static str,
    pub(crate) next: &'static str,
    pub(crate) yes: &'static str,
}

pub(crate) fn words(locale: Locale) -> &'static Words {
    match locale {
        Locale::Fr => &FR,
        Locale::En => &EN,
    }
}

/// Puts the values in place of each `{}`.
pub(crate) fn fill(text: &str, values: &[&str]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut values = values.iter();
    let mut parts = text.split("{}");
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        out.push_str(values.next().copied().unwrap_or_default());
        out.push_str(part);
    }
    out
}

const EN: Words = Words {
    welcome: "A few questions, ten at most. An empty line takes what is between [brackets]. Ctrl-C stops at any moment.",
    again: "{} is there already. What you answer is added at its end; the rest stays as it is.",
    place: "Where do the copies go? To another machine, or they die with this one:\n  sftp://user@nas/folder   a NAS over SFTP, nothing to mount\n  /mnt/nas/reprise         a folder of a NAS or a disk that is mounted on this box\nNothing: a folder of this box, only to try.",
    place_known: "Or the name of one that is there: {}.",
    place_empty: "this box",
    host_key: "{} shows this host key:\n  {}\nThe NAS shows its own: on it, `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`, or its administration page. Are they the same?",
    host_key_refused: "the host key was not confirmed; look it up on the NAS, then begin again: nothing was sent to it",
    ssh_password: "Password of {} on {} (it is not shown). Nothing: by a key, which is made now.",
    ssh_key: "Give this key to {} on {} (a line of ~/.ssh/authorized_keys there), then press Enter:\n\n{}\n",
    vault_there: "There is a vault in {} already. Its password (it is not shown):",
    vault_made: "Vault made in {}: encrypted, its password in {}.",
    vault_opened: "The vault in {} opens with that password.",
    dies_with_box: "Note: this copy dies with this box. It shows that restoring works; it does not survive a fire or a theft.",
    other_disk: "Note: this copy is on another disk of this box. It survives that disk, not a fire or a theft.",
    folders: "Which folders are saved every night? Separate several by commas. One where Dolibarr or Nextcloud is installed is saved whole, with its database.",
    application: "{} found in {}; its database {} lets reprise in. It is saved whole.",
    folder_none: "name at least one folder",
    folder_relative: "{} is not a whole path; begin with `/`",
    folder_unread: "{} cannot be read: {}; correct its name, or mount it",
    folder_empty: "Note: {} is empty at the moment.",
    hour: "At what time of the night?",
    mail: "To which address does the message of each morning go? Nothing: none.",
    mail_server: "Mail server and its port?",
    mail_password: "Password of {} at {} (it is not shown). Nothing: it wants none.",
    summary: "This is added to {}:",
    go: "Write it?",
    nothing: "Nothing was added to the configuration. What lies in the vault and in the files named above stays; the next `reprise setup` goes on with it.",
    written: "Written: {}. Edit it as you like; `reprise config check` reads it again.",
    paper: "The paper key. Without this box, these 24 words and the copies give everything back; whoever has both reads everything. Write them down or print them, and keep the paper where the copies are not.",
    paper_file: "The paper key is in {}. Print it, keep the paper where the copies are not, then delete that file.",
    typed: "Type the 24 words back from the paper; the first four letters of each are enough. Nothing: later, in the console. Until then a service does not count as protected.",
    typed_wrong: "these are not the words: {}",
    typed_good: "The words open the vault.",
    typed_later: "Not typed back yet: do it in the console (Account), with the words or the vault's password.",
    restarted: "The service reads the new configuration.",
    not_restarted: "the service did not start again; `journalctl -u reprise` says why",
    start: "Start it: `systemctl restart reprise`; without systemd, `reprise --config {} serve`.",
    console: "Console: {}",
    one_time: "User admin, one-time password {} (good for one log-in, where you choose your own).",
    next: "Do not wait for {}: `reprise plan run {}` saves now, and restores it for real to prove it.",
    yes: "yes",
};

const FR: Words = Words {
    welcome: "Quelques questions, dix au plus. Une ligne vide garde ce qui est entre [crochets]. Ctrl-C arrête à tout moment.",
    again: "{} existe déjà. Vos réponses sont ajoutées à la fin\u{202f}; le reste ne change pas.",
    place: "Où vont les copies\u{202f}? Sur une autre machine, sinon elles disparaissent avec celle-ci\u{a0}:\n  sftp://utilisateur@nas/dossier   un NAS par SFTP, rien à monter\n  /mnt/nas/reprise                 un dossier d’un NAS ou d’un disque monté sur ce boîtier\nRien\u{a0}: un dossier de ce boîtier, pour essayer seulement.",
    place_known: "Ou le nom d’une destination déjà là\u{a0}: {}.",
    place_empty: "ce boîtier",
    host_key: "{} présente cette clé d’hôte\u{a0}:\n  {}\nLe NAS montre la sienne\u{a0}: chez lui, «\u{a0}ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\u{a0}», ou sa page d’administration. Est-ce la même\u{202f}?",
    host_key_refused: "la clé d’hôte n’a pas été confirmée\u{202f}; lisez-la sur le NAS, puis recommencez\u{a0}: rien ne lui a été envoyé",
    ssh_password: "Mot de passe de {} sur {} (il ne s’affiche pas). Rien\u{a0}: par une clé, créée maintenant.",
    ssh_key: "Donnez cette clé à {} sur {} (une ligne de ~/.ssh/authorized_keys chez lui), puis appuyez sur Entrée\u{a0}:\n\n{}\n",
    vault_there: "Il y a déjà un coffre dans {}. Son mot de passe (il ne s’affiche pas)\u{a0}:",
    vault_made: "Coffre créé dans {}\u{a0}: chiffré, son mot de passe est dans {}.",
    vault_opened: "Le coffre de {} s’ouvre avec ce mot de passe.",
    dies_with_box: "Attention\u{a0}: cette copie disparaît avec ce boîtier. Elle montre que la restauration marche\u{202f}; elle ne survit ni à un incendie ni à un vol.",
    other_disk: "Attention\u{a0}: cette copie est sur un autre disque de ce boîtier. Elle survit à ce disque, ni à un incendie ni à un vol.",
    folders: "Quels dossiers sauver chaque nuit\u{202f}? Séparez-les par des virgules. Celui où Dolibarr ou Nextcloud est installé est sauvé en entier, avec sa base.",
    application: "{} trouvé dans {}\u{202f}; sa base {} laisse entrer reprise. Il est sauvé en entier.",
    folder_none: "nommez au moins un dossier",
    folder_relative: "{} n’est pas un chemin complet\u{202f}; commencez par «\u{a0}/\u{a0}»",
    folder_unread: "{} n’est pas lisible\u{a0}: {}\u{202f}; corrigez son nom, ou montez-le",
    folder_empty: "Attention\u{a0}: {} est vide en ce moment.",
    hour: "À quelle heure de la nuit\u{202f}?",
    mail: "À quelle adresse envoyer le message de chaque matin\u{202f}? Rien\u{a0}: à personne.",
    mail_server: "Serveur de courrier et son port\u{202f}?",
    mail_password: "Mot de passe de {} chez {} (il ne s’affiche pas). Rien\u{a0}: il n’en demande pas.",
    summary: "Ceci est ajouté à {}\u{a0}:",
    go: "Écrire\u{202f}?",
    nothing: "Rien n’a été ajouté à la configuration. Ce qui est dans le coffre et dans les fichiers nommés plus haut reste\u{202f}; le prochain «\u{a0}reprise setup\u{a0}» continue avec.",
    written: "Écrit\u{a0}: {}. Modifiez-le à votre guise\u{202f}; «\u{a0}reprise config check\u{a0}» le relit.",
    paper: "La clé de papier. Sans ce boîtier, ces 24 mots et les copies rendent tout\u{202f}; qui a les deux lit tout. Notez-les ou imprimez-les, et gardez le papier loin des copies.",
    paper_file: "La clé de papier est dans {}. Imprimez-la, gardez le papier loin des copies, puis supprimez ce fichier.",
    typed: "Retapez les 24 mots depuis le papier\u{202f}; les quatre premières lettres de chacun suffisent. Rien\u{a0}: plus tard, dans la console. D’ici là, aucun service ne compte comme protégé.",
    typed_wrong: "ce ne sont pas ces mots\u{a0}: {}",
    typed_good: "Les mots ouvrent le coffre.",
    typed_later: "Pas encore retapés\u{a0}: faites-le dans la console (Compte), avec les mots ou le mot de passe du coffre.",
    restarted: "Le service lit la nouvelle configuration.",
    not_restarted: "le service n’a pas redémarré\u{202f}; «\u{a0}journalctl -u reprise\u{a0}» dit pourquoi",
    start: "Démarrez-le\u{a0}: «\u{a0}systemctl restart reprise\u{a0}»\u{202f}; sans systemd, «\u{a0}reprise --config {} serve\u{a0}».",
    console: "Console\u{a0}: {}",
    one_time: "Utilisateur admin, mot de passe à usage unique {} (bon pour une connexion, où vous choisirez le vôtre).",
    next: "N’attendez pas {}\u{a0}: «\u{a0}reprise plan run {}\u{a0}» sauve maintenant, et restaure pour de vrai pour le prouver.",
    yes: "oui",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_their_places() {
        assert_eq!(fill("{} et {}", &["a", "b"]), "a et b");
        assert_eq!(fill("rien", &["a"]), "rien");
        assert_eq!(fill("{}{}", &["{}"]), "{}");
    }

    #[test]
    fn french_keeps_its_typography() {
        let source = include_str!("words.rs");
        let french = source.split("const FR: Words").nth(1).expect("French");
        let french = french.split("#[cfg(test)]").next().expect("French");
        let mut sentences = 0;
        for line in french.lines() {
            // From the first quote to the last: what is said, as it is written in Rust.
            let (Some(from), Some(to)) = (line.find('"'), line.rfind('"')) else {
                continue;
            };
            let said = line[from + 1..to].replace("\\u{202f}", "\u{202f}");
            let said = said.replace("\\u{a0}", "\u{a0}").replace("\\n", "\n");
            for (at, sign) in said.char_indices() {
                let before = said[..at].chars().next_back();
                match sign {
                    '?' | ';' | '!' => assert_eq!(before, Some('\u{202f}'), "{said}"),
                    '»' => assert_eq!(before, Some('\u{a0}'), "{said}"),
                    ':' if !said[at..].starts_with("://") => {
                        assert_eq!(before, Some('\u{a0}'), "{said}");
                    }
                    '\'' => panic!("a typewriter's apostrophe: {said}"),
                    _ => {}
                }
            }
            sentences += 1;
        }
        assert!(sentences > 30, "{sentences}");
    }
}
