//! `assets.txt`: one line per fact, readable by a person and by `load`.
//!
//! ```text
//! made-of kernel 6.1.0-56-amd64
//! file initrd 20123456 6f1e… (blake3)
//! ```

use std::fmt::Write as _;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub made_of: Vec<(String, String)>,
    pub files: Vec<FileLine>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileLine {
    pub name: String,
    pub size: u64,
    pub blake3: String,
}

pub(super) fn write(manifest: &Manifest) -> String {
    let mut text =
        String::from("# boot assets of Reprise; written by `reprise boot assets build`\n");
    for (what, version) in &manifest.made_of {
        let _ = writeln!(text, "made-of {what} {version}");
    }
    for file in &manifest.files {
        let _ = writeln!(text, "file {} {} {}", file.name, file.size, file.blake3);
    }
    text
}

/// Says why when a line is not one of ours: the file may have been edited or cut short.
pub(super) fn parse(text: &str) -> Result<Manifest, String> {
    let mut manifest = Manifest::default();
    for (number, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [] => {}
            [first, ..] if first.starts_with('#') => {}
            ["made-of", what, rest @ ..] => {
                manifest.made_of.push(((*what).to_owned(), rest.join(" ")))
            }
            ["file", name, size, blake3] if blake3.len() == 64 => {
                let size = size
                    .parse()
                    .map_err(|_| format!("line {}: {size} is not a size", number + 1))?;
                manifest.files.push(FileLine {
                    name: (*name).to_owned(),
                    size,
                    blake3: (*blake3).to_owned(),
                });
            }
            _ => return Err(format!("line {} is not understood", number + 1)),
        }
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let manifest = Manifest {
            made_of: vec![
                ("kernel".into(), "6.1.0-56-amd64".into()),
                ("ipxe".into(), "1.0.0+git 5.1".into()),
            ],
            files: vec![FileLine {
                name: "initrd".into(),
                size: 12,
                blake3: "a".repeat(64),
            }],
        };
        assert_eq!(parse(&write(&manifest)), Ok(manifest));
    }

    #[test]
    fn a_damaged_line_is_named() {
        let long = "b".repeat(64);
        for (text, expected) in [
            (
                "file initrd 12 abc\n",
                "line 1 is not understood".to_owned(),
            ),
            ("\nhello\n", "line 2 is not understood".to_owned()),
            (
                &format!("# x\nfile initrd many {long}\n"),
                "line 2: many is not a size".to_owned(),
            ),
        ] {
            assert_eq!(parse(text), Err(expected), "{text}");
        }
    }
}
