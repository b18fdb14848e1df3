//! `// holds: RFC6298 2.1, RFC9293 MUST-18`: what a test says of itself.
//!
//! In Rust the comment stands above the test function, among its attributes and other comments; in a packetdrill script
//! anywhere, and the script is the test.

/// What introduces an annotation.
const MARK: &str = "// holds:";

/// A test that says what it holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Annotation {
    /// Path from the repository's root, with slashes.
    pub path: String,
    /// Line of the comment, for messages.
    pub line: usize,
    /// The test's name.
    pub test: String,
    /// The sentence, as `RFC6298 2.1`.
    pub names: String,
}

/// The sentences that a line names, if it is an annotation.
fn named(line: &str) -> Option<impl Iterator<Item = &str>> {
    Some(line.trim_start().strip_prefix(MARK)?.split(',').map(str::trim))
}

/// The annotations of a Rust file; those that stand above no test go to `problems`.
pub fn of_rust(path: &str, text: &str, problems: &mut Vec<String>) -> Vec<Annotation> {
    let (mut found, mut waiting) = (Vec::new(), Vec::new());
    let (mut is_test, mut is_ignored) = (false, false);
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if let Some(names) = named(line) {
            waiting.extend(names.map(|name| (number, name.to_owned())));
        } else if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]");
            is_ignored |= line.starts_with("#[ignore");
        } else if !line.starts_with("//") {
            match function(line) {
                Some(test) if is_test && !is_ignored => {
                    found.extend(waiting.drain(..).map(|(line, names)| Annotation {
                        path: path.to_owned(),
                        line,
                        test: test.to_owned(),
                        names,
                    }))
                }
                _ => problems.extend(waiting.drain(..).map(|(line, name)| {
                    let what = if is_ignored { "a test that is ignored" } else { "no test" };
                    format!("{path}:{line}: the annotation \"{name}\" stands above {what}")
                })),
            }
            (is_test, is_ignored) = (false, false);
        }
    }
    problems.extend(
        waiting.drain(..).map(|(line, name)| format!("{path}:{line}: the annotation \"{name}\" stands above no test")),
    );
    found
}

/// The annotations of a packetdrill script.
pub fn of_script(path: &str, text: &str) -> Vec<Annotation> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let lines = (1..).zip(text.lines()).filter_map(|(line, text)| Some((line, named(text)?)));
    lines
        .flat_map(|(line, names)| names.map(move |name| (line, name)))
        .map(|(line, name)| Annotation { path: path.to_owned(), line, test: file.to_owned(), names: name.to_owned() })
        .collect()
}

/// The name of the function that a line begins.
fn function(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("fn ")?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(text: &str) -> (Vec<(String, String)>, Vec<String>) {
        let mut problems = Vec::new();
        let found = of_rust("a/b.rs", text, &mut problems);
        (found.into_iter().map(|a| (a.test, a.names)).collect(), problems)
    }

    #[test]
    fn an_annotation_belongs_to_the_test_below_it() {
        let (found, problems) = rust(
            "// holds: RFC1 2.1, RFC1 MUST-3\n#[test]\nfn one() {\n}\n#[test]\n    // holds: RFC1 4 #2\n    fn two() {}\n",
        );
        let expected = [("one", "RFC1 2.1"), ("one", "RFC1 MUST-3"), ("two", "RFC1 4 #2")];
        assert_eq!(found, expected.map(|(test, name)| (test.to_owned(), name.to_owned())));
        assert_eq!(problems, [""; 0]);
    }

    #[test]
    fn several_lines_and_other_comments_may_stand_above_a_test() {
        let (found, problems) =
            rust("/// Words.\n// holds: RFC1 1\n// More words.\n// holds: RFC1 2\n#[test]\nfn one() {}\n");
        assert_eq!((found.len(), problems.len()), (2, 0));
    }

    #[test]
    fn what_stands_above_no_test_is_told_with_its_line() {
        for text in [
            "\n// holds: RFC1 1\nfn helper() {}\n",
            "\n// holds: RFC1 1\n\n#[test]\nfn apart() {}\n",
            "\n// holds: RFC1 1\n#[derive(Debug)]\nstruct S;\n",
            "\n// holds: RFC1 1",
        ] {
            let (found, problems) = rust(text);
            assert_eq!(found.len(), 0, "{text}");
            assert_eq!(problems, ["a/b.rs:2: the annotation \"RFC1 1\" stands above no test"], "{text}");
        }
    }

    #[test]
    fn a_test_that_is_ignored_holds_nothing() {
        let (found, problems) = rust("// holds: RFC1 1\n#[test]\n#[ignore = \"slow\"]\nfn one() {}\n");
        assert_eq!((found.len(), problems.len()), (0, 1));
        assert!(problems[0].contains("ignored"), "{problems:?}");
    }

    #[test]
    fn an_attribute_of_one_test_says_nothing_of_the_next() {
        let (found, problems) = rust("#[test]\nfn one() {}\n// holds: RFC1 1\nfn helper() {}\n");
        assert_eq!((found.len(), problems.len()), (0, 1));
    }

    #[test]
    fn a_script_is_a_test_itself() {
        let found = of_script("tests/x/syn.pkt", "// About.\n// holds: RFC1 1, RFC2 2\n0 socket()\n");
        let told: Vec<_> = found.iter().map(|a| (a.test.as_str(), a.line, a.names.as_str())).collect();
        assert_eq!(told, [("syn.pkt", 2, "RFC1 1"), ("syn.pkt", 2, "RFC2 2")]);
    }
}
