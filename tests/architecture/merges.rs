//! What an unfinished merge leaves behind: two sides of a conflict, one after the other. It builds where no compiler looks.

use crate::none;
use crate::tree::{File, files};

const KINDS: [&str; 9] = ["rs", "toml", "md", "txt", "html", "ftl", "py", "css", "js"];

fn left(file: &File) -> Vec<String> {
    let marks = ["<".repeat(7), ">".repeat(7)].map(|mark| format!("{mark} "));
    let is_mark = |line: &str| marks.iter().any(|mark| line.starts_with(mark.as_str()));
    let lines = (1..).zip(file.text.lines());
    lines
        .filter(|(_, line)| is_mark(line))
        .map(|(number, _)| format!("{}:{number}: left of a merge; keep one side", file.path))
        .collect()
}

#[test]
fn no_merge_left_its_marks() {
    let found: Vec<String> = KINDS
        .iter()
        .flat_map(|kind| files(kind))
        .flat_map(|f| left(&f))
        .collect();
    none(&found);
}

#[test]
fn the_marks_of_a_merge_are_seen() {
    let text = format!(
        "a\n{} HEAD\nb\n=======\nc\n{} other\n",
        "<".repeat(7),
        ">".repeat(7)
    );
    let file = File {
        path: "a.txt".to_owned(),
        text,
    };
    assert_eq!(left(&file).len(), 2);
}
