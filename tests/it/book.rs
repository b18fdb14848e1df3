//! What the book shows is what there is.

use std::fs;

use burstlab::experiment::{Experiment, Options};
use burstlab_algorithms::Registry;

use crate::program::{Folder, repository};

fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap()
}

#[test]
fn the_book_shows_the_code_of_the_example() {
    let page = read("docs/src/writing-a-controller.md");
    let blocks: Vec<&str> = page
        .split("```rust,ignore\n")
        .skip(1)
        .map(|block| block.split_once("```").expect("a block that is closed").0)
        .collect();
    for (mark, file) in [("fn main()", "main.rs"), ("const ENTRY", "gentle.rs"), ("#[cfg(test)]", "gentle.rs")] {
        let shown = blocks.iter().find(|block| block.contains(mark)).unwrap_or_else(|| panic!("no block with {mark}"));
        let code = read(&format!("examples/my-controller/src/{file}"));
        for line in shown.lines() {
            assert!(code.lines().any(|other| other == line), "{file} has no line: {line}");
        }
        assert!(code.contains(shown), "{file} has the lines with {mark} in another order");
    }
}

#[test]
fn whole_experiments_in_the_book_are_sound() {
    let folder = Folder::new();
    let registry = Registry::default();
    let mut found = 0;
    let pages = fs::read_dir(repository("docs/src")).unwrap().map(|entry| entry.unwrap().path());
    for page in pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(&page).unwrap();
        let blocks = text.split("```toml\n").skip(1).map(|block| block.split_once("```").unwrap().0);
        for block in blocks.filter(|block| block.starts_with("name = ")) {
            let file = folder.put("shown.toml", block);
            let options = Options { overrides: &[], quick: false, registry: &registry };
            Experiment::load(&file, &options).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
            found += 1;
        }
    }
    assert!(found > 0);
}
