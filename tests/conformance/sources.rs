//! Finds the annotations of the repository's files.

use std::fs;
use std::path::Path;

use crate::annotations::{Annotation, of_rust, of_script};

/// Folders that hold tests.
const FOLDERS: [&str; 10] =
    ["units", "algorithms", "network", "replay", "stacks", "packetdrill", "engine", "lab", "tests", "fuzz"];
/// Folders within them whose files only speak of annotations, or are no sources.
const LEFT_OUT: [&str; 2] = ["conformance", "target"];

/// All annotations, by path and line.
pub fn scan(root: &Path, problems: &mut Vec<String>) -> Vec<Annotation> {
    let mut found = Vec::new();
    for folder in FOLDERS.into_iter().filter(|folder| root.join(folder).is_dir()) {
        walk(&root.join(folder), folder, &mut found, problems);
    }
    found.sort();
    found
}

fn walk(folder: &Path, path: &str, found: &mut Vec<Annotation>, problems: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        problems.push(format!("the folder {path} cannot be read"));
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let (inner, path) = (entry.path(), format!("{path}/{name}"));
        if inner.is_dir() {
            if !LEFT_OUT.contains(&name.as_str()) && !name.starts_with('.') {
                walk(&inner, &path, found, problems);
            }
            continue;
        }
        let (is_rust, is_script) = (name.ends_with(".rs"), name.ends_with(".pkt"));
        if !is_rust && !is_script {
            continue;
        }
        match fs::read_to_string(&inner) {
            Ok(text) if is_rust => found.extend(of_rust(&path, &text, problems)),
            Ok(text) => found.extend(of_script(&path, &text)),
            Err(error) => problems.push(format!("{path} cannot be read: {error}")),
        }
    }
}
