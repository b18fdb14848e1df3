//! The page as one file: template, style, scripts and data.

use std::path::Path;

use super::error::Error;
use super::page::Page;
use crate::results::replace;

const TEMPLATE: &str = include_str!("../../assets/report.html");
const STYLE: &str = include_str!("../../assets/report.css");
const PLOT: &str = include_str!("../../assets/plot.js");
const SCRIPT: &str = include_str!("../../assets/report.js");
const UPLOT_STYLE: &str = include_str!("../../assets/uPlot.min.css");
const UPLOT_SCRIPT: &str = include_str!("../../assets/uPlot.iife.min.js");
const UPLOT_LICENSE: &str = include_str!("../../assets/uPlot.LICENSE");

/// Writes the report to `out`, all of it or nothing.
pub fn write(page: &Page, out: &Path) -> Result<(), Error> {
    let failed = |source| Error::Write { path: out.to_owned(), source };
    let html = render(page).map_err(|source| failed(source.into()))?;
    replace(out, html.as_bytes()).map_err(failed)
}

/// The text of the file.
pub fn render(page: &Page) -> Result<String, serde_json::Error> {
    let data = script_safe(&serde_json::to_string(page)?);
    let warnings: Vec<String> = page.warnings.iter().map(|warning| format!("<p>{}</p>", escaped(warning))).collect();
    let parts = [
        ("title", escaped(&page.title)),
        ("headline", escaped(&page.headline)),
        ("warnings", warnings.concat()),
        ("style", format!("{UPLOT_STYLE}\n{STYLE}")),
        ("licence", escaped(UPLOT_LICENSE)),
        ("data", data),
        ("uplot", UPLOT_SCRIPT.to_owned()),
        ("plot", PLOT.to_owned()),
        ("script", SCRIPT.to_owned()),
    ];
    Ok(filled(TEMPLATE, &parts))
}

/// Puts each part in the place of its `{{name}}`. What was put in is not searched again, so no data can pose as a place.
fn filled(template: &str, parts: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(template.len() + parts.iter().map(|(_, text)| text.len()).sum::<usize>());
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once("{{") {
        let (name, after) = behind.split_once("}}").unwrap_or((behind, ""));
        out.push_str(before);
        out.extend(parts.iter().find(|(part, _)| *part == name).map(|(_, text)| text.as_str()));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Text as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// JSON that cannot end the script element it stands in, nor open a comment there; it means the same.
fn script_safe(json: &str) -> String {
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escaped(r#"<b> & "c""#), "&lt;b&gt; &amp; &quot;c&quot;");
    }

    #[test]
    fn data_cannot_end_its_script_and_stays_the_same_data() {
        let name = "</script><!-- <b>";
        let json = script_safe(&serde_json::to_string(name).expect("a string is JSON"));
        assert!(!json.contains('<'));
        assert_eq!(serde_json::from_str::<String>(&json).expect("still JSON"), name);
    }

    #[test]
    fn a_part_that_looks_like_a_place_is_left_alone() {
        let parts = [("a", "{{b}}".to_owned()), ("b", "no".to_owned())];
        assert_eq!(filled("<{{a}}>", &parts), "<{{b}}>");
    }

    #[test]
    fn every_place_of_the_template_has_its_part_and_nothing_is_fetched() {
        let names: Vec<&str> =
            TEMPLATE.split("{{").skip(1).filter_map(|rest| rest.split_once("}}").map(|(name, _)| name)).collect();
        let mut known = names.clone();
        known.retain(|name| {
            ["title", "headline", "warnings", "style", "licence", "data", "uplot", "plot", "script"].contains(name)
        });
        assert_eq!(known, names);
        for text in [TEMPLATE, STYLE, PLOT, SCRIPT, UPLOT_STYLE] {
            assert!(!text.contains("src=") && !text.contains("@import") && !text.contains("url("));
        }
    }
}
