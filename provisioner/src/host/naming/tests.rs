use super::*;
use std::collections::HashSet;

/// A pattern as the configuration reads it.
fn pattern(text: &str) -> NamePattern {
    let written = format!(
        "{}\n[[profile]]\nname = \"p\"\nnaming = \"{text}\"\n",
        config::example()
    );
    let config = config::parse(&written, std::path::Path::new("/etc/reprise/reprise.toml"))
        .unwrap_or_else(|complaints| panic!("{text}: {complaints}"));
    config.registry.profiles[0].naming.clone().unwrap()
}

fn rule<'a>(pattern: &'a NamePattern, reserved: &'a [String]) -> Rule<'a> {
    Rule {
        pattern,
        table: "[[profile]] p",
        longest: 15,
        reserved,
    }
}

fn subject() -> Subject {
    Subject {
        name: "PC-34XYZ".into(),
        serial: "5CG-1234XYZ".into(),
        model: "OptiPlex 7090".into(),
        vendor: "Dell Inc.".into(),
        user: "Jean-François Lefèvre".into(),
        port: "Gi1/0/12".into(),
        site: "Agen".into(),
        profile: "compta".into(),
        mac: "52:54:00:12:34:ab".parse().ok(),
    }
}

#[test]
fn a_rule_makes_a_name() {
    // (pattern, taken, name)
    let table: [(&str, &[&str], &str); 21] = [
        ("COMPTA-PC{n:02}", &[], "COMPTA-PC01"),
        (
            "COMPTA-PC{n:02}",
            &["COMPTA-PC01", "COMPTA-PC03"],
            "COMPTA-PC02",
        ),
        ("COMPTA-PC{n:02}", &["compta-pc01"], "COMPTA-PC02"),
        // Reserved.
        ("SRV-{n}", &[], "SRV-3"),
        ("PC{n}", &[], "PC1"),
        ("PC{n}x", &["PC1x"], "PC2x"),
        ("PC-{serial}", &[], "PC-5CG1234XYZ"),
        ("PC-{serial:-6}", &[], "PC-234XYZ"),
        ("PC-{serial:3}", &[], "PC-5CG"),
        ("{model:8}-{n}", &[], "OptiPlex-1"),
        ("{model:9}-{n}", &[], "OptiPlex-1"),
        ("{vendor}-{n:03}", &[], "Dell-Inc-001"),
        ("{user:13}", &[], "Jean-Francois"),
        ("P-{user:-7}", &[], "P-Lefevre"),
        ("{port}", &[], "Gi1-0-12"),
        ("{site}-{n}", &[], "Agen-1"),
        ("{profile}-{n}", &[], "compta-1"),
        ("M{mac}", &[], "M5254001234ab"),
        ("{n}{mac:-3}", &[], "14ab"),
        ("{mac:-6}-{n:1}", &["1234ab-1", "1234AB-2"], "1234ab-3"),
        ("{serial:-3}", &[], "XYZ"),
    ];
    let reserved = ["SRV-1".to_owned(), "srv-2*".to_owned()];
    for (text, taken, name) in table {
        let pattern = pattern(text);
        let found = name_for(rule(&pattern, &reserved), &subject(), |name| {
            taken.iter().any(|taken| taken.eq_ignore_ascii_case(name))
        });
        assert_eq!(found, Ok(name.to_owned()), "{text}");
    }
}

#[test]
fn a_host_keeps_its_name() {
    let pattern = pattern("COMPTA-PC{n:02}");
    let reserved = ["COMPTA-PC13".to_owned()];
    for (has, gets) in [
        ("COMPTA-PC07", "COMPTA-PC07"),
        ("compta-pc07", "compta-pc07"),
        // Reserved since.
        ("COMPTA-PC13", "COMPTA-PC13"),
        ("COMPTA-PC7", "COMPTA-PC01"),
        ("COMPTA-PC007", "COMPTA-PC01"),
        ("COMPTA-PC00", "COMPTA-PC01"),
        ("COMPTA-PC+7", "COMPTA-PC01"),
        ("VENTE-PC07", "COMPTA-PC01"),
    ] {
        let subject = Subject {
            name: has.into(),
            ..subject()
        };
        let found = name_for(rule(&pattern, &reserved), &subject, |_| false);
        assert_eq!(found, Ok(gets.to_owned()), "{has}");
    }
    // Two have it, by an earlier version or a list: one of them gets another.
    let subject = Subject {
        name: "COMPTA-PC07".into(),
        ..subject()
    };
    let found = name_for(rule(&pattern, &[]), &subject, |name| name == "COMPTA-PC07");
    assert_eq!(found, Ok("COMPTA-PC01".to_owned()));
}

#[test]
fn a_rule_that_gives_no_name_says_why_and_what_to_do() {
    let nothing = Subject::default();
    let cyrillic = Subject {
        user: "Иван".into(),
        ..Subject::default()
    };
    let table = [
        ("PC-{serial}", &nothing, "reprise host name"),
        ("PC-{user}", &nothing, "reprise host set"),
        ("PC-{user}", &cyrillic, "reprise host set"),
        ("PC-{port}", &nothing, "option 82"),
        ("PC-{site}", &nothing, "[[site]]"),
        ("PC-{mac}", &nothing, "boot it from the network"),
        ("PC-{profile}", &nothing, "--profile"),
    ];
    for (text, subject, says) in table {
        let pattern = pattern(text);
        let said = name_for(rule(&pattern, &[]), subject, |_| false).unwrap_err();
        let said = said.to_string();
        assert!(said.contains(says) && said.contains(text), "{text}: {said}");
    }
    let full = subject();
    let reserved = ["x*".to_owned()];
    // (rule, every name is taken, what is said)
    let table: [(&str, bool, &str); 8] = [
        ("{user}", false, "longest_name"),
        ("ABCDEFGHIJKLM{n:03}", false, "16 signs"),
        ("{mac:-6}{n}{mac:-1}", false, ""),
        ("-{n}", false, "letters, digits"),
        ("{n:04}", false, "digits only"),
        ("PC-{serial:-6}", true, "another host has"),
        ("PC{n:02}", true, "up to 99"),
        ("X{mac:-6}", false, "reserved"),
    ];
    for (text, taken, says) in table {
        let pattern = pattern(text);
        let said = name_for(rule(&pattern, &reserved), &full, |_| taken);
        match says {
            "" => assert!(said.is_ok(), "{text}: {said:?}"),
            _ => {
                let said = said.unwrap_err().to_string();
                assert!(said.contains(says) && said.contains(text), "{text}: {said}");
            }
        }
    }
}

#[test]
fn accents_go_and_letters_stay() {
    for (text, want) in [
        ("Jean-François Lefèvre", "Jean-Francois-Lefevre"),
        ("ÉLOÏSE  d'Œuvray", "ELOISE-d-OEuvray"),
        ("Łukasz Żółć", "Lukasz-Zolc"),
        ("Jürgen Groß", "Jurgen-Gross"),
        // The accents stand behind their letters.
        ("e\u{301}te\u{301}", "ete"),
        ("İzmir ışık", "Izmir-isik"),
        ("-- a --", "a"),
        ("李", ""),
    ] {
        assert_eq!(plain(text, Some('-')), want, "{text}");
    }
    let user = |text: &str| {
        let subject = Subject {
            user: text.into(),
            ..Subject::default()
        };
        value(NameField::User, &subject)
    };
    assert_eq!(user("DOMAINE\\jean.dupont"), "jean-dupont");
    assert_eq!(user("hélène@example.net"), "helene");
}

/// xorshift64*: the same names at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % most
    }

    fn text(&mut self) -> String {
        const SIGNS: &[char] = &[
            'a', 'Z', '0', '9', '-', ' ', 'é', 'Œ', '\u{301}', '李', '/', '=', '"', '\\', '@',
            '\n', '😀',
        ];
        let length = self.below(12);
        (0..length)
            .map(|_| SIGNS[self.below(SIGNS.len() as u64) as usize])
            .collect()
    }
}

/// Whatever machines say, in whatever order rules name them: names are valid and each is one's own,
/// a machine that has one keeps it, and a gap is filled.
#[test]
fn names_are_valid_unique_and_stable() {
    let patterns: Vec<NamePattern> = [
        "PC{n:02}",
        "PC{n}",
        "{user:6}-{n:02}",
        "{serial:-6}",
        "A{model:5}{n}",
        "{site}{n:03}",
        "{mac:-6}",
        "{port:4}x{n:01}",
        "{vendor:-4}-{profile:4}-{n}",
    ]
    .into_iter()
    .map(pattern)
    .collect();
    let reserved = ["PC0*".to_owned(), "A*1".to_owned()];
    let (mut given, mut refused) = (0, 0);
    for seed in 1..=60u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut names: Vec<(String, Subject, usize)> = Vec::new();
        for number in 0..80u8 {
            // Somebody leaves; the place is free again.
            if random.below(8) == 0 && !names.is_empty() {
                let at = random.below(names.len() as u64) as usize;
                names.swap_remove(at);
            }
            let which = random.below(patterns.len() as u64) as usize;
            let subject = Subject {
                name: random.text(),
                serial: random.text(),
                model: random.text(),
                vendor: random.text(),
                user: random.text(),
                port: random.text(),
                site: random.text(),
                profile: random.text(),
                mac: Some(Mac([2, 0, 0, 0, seed as u8, number])),
            };
            let taken: HashSet<String> = names
                .iter()
                .map(|(name, _, _)| name.to_ascii_lowercase())
                .collect();
            let is_taken = |name: &str| taken.contains(&name.to_ascii_lowercase());
            match name_for(rule(&patterns[which], &reserved), &subject, is_taken) {
                Ok(name) => {
                    assert!((1..=15).contains(&name.len()), "{name}");
                    assert!(is_host_name(&name), "{name}");
                    assert!(!name.bytes().all(|b| b.is_ascii_digit()), "{name}");
                    assert!(!is_taken(&name), "{name}");
                    assert!(!reserved.iter().any(|r| is_like(r, &name)), "{name}");
                    let named = Subject {
                        name: name.clone(),
                        ..subject
                    };
                    names.push((name, named, which));
                    given += 1;
                }
                Err(_) => refused += 1,
            }
        }
        for (name, subject, which) in &names {
            let others: HashSet<&str> = names
                .iter()
                .map(|(other, _, _)| other.as_str())
                .filter(|other| other != name)
                .collect();
            let again = name_for(rule(&patterns[*which], &reserved), subject, |name| {
                others.iter().any(|other| other.eq_ignore_ascii_case(name))
            });
            assert_eq!(again.as_ref(), Ok(name), "it keeps it");
        }
    }
    assert!(given > 1500 && refused > 100, "{given} {refused}");
}
