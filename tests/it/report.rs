//! report.html opens anywhere, without a network.

use std::fs;

use crate::program::Folder;

/// Addresses that name something and fetch nothing: the namespace of SVG, and the home of the plotting library in its
/// licence text.
const NAMES: [&str; 2] = ["http://www.w3.org/2000/svg", "https://github.com/leeoniya/uPlot"];

fn report() -> String {
    let folder = Folder::new();
    let arguments = ["--set", "flow.count=[2,4]", "--set", "flow.bytes=200kB", "--controller", "reno,dctcp"];
    folder.run("experiments/incast-dctcp.toml", &arguments);
    fs::read_to_string(folder.path().join("results/report.html")).unwrap()
}

#[test]
fn it_is_one_file_that_refers_to_nothing_outside() {
    let page = report();
    let rest = NAMES.iter().fold(page.clone(), |page, name| page.replace(name, ""));
    for reference in ["http://", "https://", "src=\"", "<link", "@import", "url(", "fetch(", "XMLHttpRequest"] {
        assert!(!rest.contains(reference), "it has {reference}");
    }
    assert!(page.contains("default-src 'none'"), "it forbids itself to fetch");
}

#[test]
fn it_is_a_page_with_its_figures_in_it() {
    let page = report();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    for tag in ["script", "style", "body"] {
        let [open, close] = [format!("<{tag}"), format!("</{tag}>")].map(|tag| page.matches(&tag).count());
        assert!(open > 0 && open == close, "{tag}: {open} opened, {close} closed");
    }
    let (_, data) = page.split_once("type=\"application/json\">").unwrap();
    let (data, _) = data.split_once("</script>").unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    let text = data.to_string();
    assert!(["reno", "dctcp", "incast-dctcp"].iter().all(|name| text.contains(name)));
}

#[test]
fn several_results_are_told_apart_on_one_page() {
    let folder = Folder::new();
    for out in ["before", "after"] {
        let experiment = crate::program::repository("experiments/incast-dctcp.toml");
        let small = ["--set", "flow.count=2", "--set", "flow.bytes=100kB", "--out", out];
        folder.burstlab(&[&["run", &experiment], &small[..]].concat()).good();
    }
    let told = folder.burstlab(&["report", "before", "after"]).good();
    let page = fs::read_to_string(folder.path().join(told.trim())).unwrap();
    assert!(page.contains("before") && page.contains("after"));
}
