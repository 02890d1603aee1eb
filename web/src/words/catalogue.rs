//! The two catalogues, parsed once, and the choice between them.

use config::Locale;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use std::borrow::Cow;
use std::sync::LazyLock;

const FRENCH: &str = include_str!("../../locales/fr.ftl");
pub(super) const ENGLISH: &str = include_str!("../../locales/en.ftl");

static FR: LazyLock<FluentBundle<FluentResource>> =
    LazyLock::new(|| bundle("fr", FRENCH, Some(french_typography)));
static EN: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| bundle("en", ENGLISH, None));

fn bundle(
    language: &str,
    text: &str,
    typography: Option<fn(&str) -> Cow<'_, str>>,
) -> FluentBundle<FluentResource> {
    // What does not parse is left out and shows as its key; the tests below forbid both.
    let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(rest, _)| rest);
    let mut bundle = FluentBundle::new_concurrent(language.parse().into_iter().collect::<Vec<_>>());
    bundle.set_use_isolating(false);
    bundle.set_transform(typography);
    // Only a duplicate key fails here: the first wins.
    let _ = bundle.add_resource(resource);
    bundle
}

/// Spaces that must not break, and thin ones before `; ! ?`, as French typesets them. The
/// catalogue is written with plain spaces so that it can be read and edited.
fn french_typography(text: &str) -> Cow<'_, str> {
    const PAIRS: &[(&str, &str)] = &[
        (" ;", "\u{202f};"),
        (" !", "\u{202f}!"),
        (" ?", "\u{202f}?"),
        (" :", "\u{a0}:"),
        ("« ", "«\u{a0}"),
        (" »", "\u{a0}»"),
        ("'", "’"),
    ];
    if !PAIRS.iter().any(|(plain, _)| text.contains(plain)) {
        return Cow::Borrowed(text);
    }
    let mut typeset = text.to_owned();
    for (plain, proper) in PAIRS {
        typeset = typeset.replace(plain, proper);
    }
    Cow::Owned(typeset)
}

pub(super) fn format(locale: Locale, key: &str, args: Option<&FluentArgs<'_>>) -> String {
    let bundle = match locale {
        Locale::Fr => &*FR,
        Locale::En => &*EN,
    };
    let Some(pattern) = bundle.get_message(key).and_then(|m| m.value()) else {
        return key.to_owned();
    };
    bundle
        .format_pattern(pattern, args, &mut Vec::new())
        .into_owned()
}

/// The reader's language: what they asked for on this page, what they chose before, what their
/// browser prefers, what the appliance is set to.
pub(crate) fn choose(
    asked: Option<&str>,
    chosen: Option<&str>,
    accept_language: Option<&str>,
    default: Locale,
) -> Locale {
    let named = |name: &str| match name {
        "fr" => Some(Locale::Fr),
        "en" => Some(Locale::En),
        _ => None,
    };
    asked
        .and_then(named)
        .or_else(|| chosen.and_then(named))
        .or_else(|| accept_language.and_then(preferred))
        .unwrap_or(default)
}

/// The language of ours with the highest `q` in an Accept-Language header (RFC 9110 §12.5.4).
fn preferred(header: &str) -> Option<Locale> {
    let mut best: Option<(f32, Locale)> = None;
    for item in header.split(',').take(20) {
        let mut parts = item.split(';');
        let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let locale = match tag.split('-').next() {
            Some("fr") => Locale::Fr,
            Some("en") => Locale::En,
            _ => continue,
        };
        let q = parts
            .find_map(|p| p.trim().strip_prefix("q=")?.parse::<f32>().ok())
            .unwrap_or(1.0);
        if q > 0.0 && best.is_none_or(|(held, _)| q > held) {
            best = Some((q, locale));
        }
    }
    best.map(|(_, locale)| locale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// Key → the variables its text uses.
    fn keys(text: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut found = BTreeMap::new();
        let mut current: Option<String> = None;
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            if let Some((key, _)) = line.split_once('=')
                && !line.starts_with(' ')
                && !line.is_empty()
            {
                let key = key.trim().to_owned();
                assert!(
                    found.insert(key.clone(), BTreeSet::new()).is_none(),
                    "{key} is written twice"
                );
                current = Some(key);
            }
            let Some(key) = &current else { continue };
            for piece in line.split('$').skip(1) {
                let name: String = piece
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_')
                    .collect();
                if let Some(names) = found.get_mut(key) {
                    names.insert(name);
                }
            }
        }
        found
    }

    #[test]
    fn both_catalogues_parse() {
        for text in [FRENCH, ENGLISH] {
            if let Err((_, errors)) = FluentResource::try_new(text.to_owned()) {
                panic!("{errors:?}");
            }
        }
    }

    #[test]
    fn both_catalogues_have_the_same_keys_and_variables() {
        let (fr, en) = (keys(FRENCH), keys(ENGLISH));
        assert!(fr.len() > 100);
        assert_eq!(fr.keys().collect::<Vec<_>>(), en.keys().collect::<Vec<_>>());
        for (key, names) in &fr {
            // A plural in one language may need no choice in the other, but shows the same values.
            let shown = |set: &BTreeSet<String>| {
                set.iter()
                    .filter(|n| *n != "n")
                    .cloned()
                    .collect::<Vec<_>>()
            };
            if key.starts_with("told-") {
                // A French sentence may leave out what its reader does not need; it has nothing the English lacks.
                assert!(names.is_subset(&en[key]), "values of {key}");
                continue;
            }
            assert_eq!(shown(names), shown(&en[key]), "values of {key}");
        }
    }

    #[test]
    fn every_key_asked_for_exists() {
        let known = keys(FRENCH);
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut asked = BTreeSet::new();
        let mut folders = vec![root.join("src"), root.join("templates")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for call in [
                    ".t(\"",
                    ".t1(\"",
                    ".t2(\"",
                    ".n(\"",
                    ".with(\"",
                    ".n_with(\"",
                ] {
                    for piece in text.split(call).skip(1) {
                        asked.insert(piece.split('"').next().unwrap().to_owned());
                    }
                }
            }
        }
        assert!(asked.len() > 50, "the scan found only {}", asked.len());
        let missing: Vec<_> = asked.iter().filter(|k| !known.contains_key(*k)).collect();
        assert!(missing.is_empty(), "not in the catalogues: {missing:?}");
    }

    #[test]
    fn french_is_typeset() {
        assert_eq!(
            french_typography("Restaurer « X » : sûr ? Oui ; l'heure !"),
            "Restaurer «\u{a0}X\u{a0}»\u{a0}: sûr\u{202f}? Oui\u{202f}; l’heure\u{202f}!"
        );
        assert!(matches!(
            french_typography("rien à faire"),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn language_is_chosen_in_order() {
        let d = Locale::Fr;
        assert_eq!(choose(Some("en"), Some("fr"), Some("fr"), d), Locale::En);
        assert_eq!(choose(Some("xx"), Some("en"), None, d), Locale::En);
        assert_eq!(
            choose(None, None, Some("de, en-GB;q=0.8, fr;q=0.3"), d),
            Locale::En
        );
        assert_eq!(
            choose(None, None, Some("fr-CA,en;q=0.9"), Locale::En),
            Locale::Fr
        );
        assert_eq!(choose(None, None, Some("en;q=0"), d), Locale::Fr);
        assert_eq!(choose(None, None, None, Locale::En), Locale::En);
    }
}
