//! A chart as SVG: lines and points over two axes. Written by hand, since it takes less than a library of charts does, has
//! the same bytes everywhere, and knows light and dark.

use std::fmt::Write as _;

use super::scale::Scale;

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chart {
    /// Read out by screen readers.
    pub title: String,
    pub x_label: String,
    pub y_label: String,
    /// Which of the axes is logarithmic.
    pub log: [bool; 2],
    pub lines: Vec<Line>,
}

/// One line, or a row of points.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub label: String,
    pub points: Vec<(f64, f64)>,
    pub style: Style,
    /// Which of the colours; theory has that of what it is the theory of.
    pub colour: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Measured over time.
    Solid,
    /// Theory.
    Dashed,
    /// Measured, run by run.
    Points,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 54.0;
/// Of a line of the legend.
const LEGEND: f64 = 18.0;
/// Text is about so wide a character: at 13 px, for the legend's columns.
const CHARACTER: f64 = 6.9;
/// How many colours there are before they begin again.
pub(super) const COLOURS: usize = 6;

/// Okabe and Ito's colours, which people with any colour vision can tell apart; brighter ones on a dark ground.
const STYLE: &str = "\
svg{--ground:#fff;--text:#222;--grid:#e2e2e2;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#aa4499;--c4:#8a6d00;--c5:#444}\
@media(prefers-color-scheme:dark){svg{--ground:#16191f;--text:#d8dce2;--grid:#333a44;\
--c0:#56b4e9;--c1:#ff9a4d;--c2:#2fd0a2;--c3:#e58fce;--c4:#f0e442;--c5:#bbb}}\
.ground{fill:var(--ground)}text{fill:var(--text);font:13px system-ui,sans-serif}\
.grid{stroke:var(--grid);fill:none}.frame{stroke:var(--text);fill:none}\
path,line.key{fill:none;stroke-width:1.6;stroke-linejoin:round}.dashed{stroke-dasharray:7 4}\
.k0{stroke:var(--c0)}.k1{stroke:var(--c1)}.k2{stroke:var(--c2)}.k3{stroke:var(--c3)}.k4{stroke:var(--c4)}.k5{stroke:var(--c5)}\
circle.k0{fill:var(--c0)}circle.k1{fill:var(--c1)}circle.k2{fill:var(--c2)}circle.k3{fill:var(--c3)}\
circle.k4{fill:var(--c4)}circle.k5{fill:var(--c5)}";

/// Draws `chart`.
pub(super) fn draw(chart: &Chart) -> String {
    let rows = legend_rows(chart);
    let height = HEIGHT + rows as f64 * LEGEND;
    let points = || chart.lines.iter().flat_map(|line| &line.points);
    let x = Scale::of(points().map(|point| point.0), LEFT, WIDTH - RIGHT, chart.log[0]);
    let y = Scale::of(points().map(|point| point.1), HEIGHT - BOTTOM, TOP, chart.log[1]);
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\
         <title>{}</title><style>{STYLE}</style><rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\" rx=\"6\"/>",
        escaped(&chart.title)
    );
    axes(&mut svg, chart, &x, &y);
    for line in &chart.lines {
        draw_line(&mut svg, line, &x, &y);
    }
    legend(&mut svg, chart);
    svg.push_str("</svg>\n");
    svg
}

fn axes(svg: &mut String, chart: &Chart, x: &Scale, y: &Scale) {
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    for (value, text) in x.ticks() {
        let at = x.place(value);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{bottom}\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
            bottom + 18.0
        );
    }
    for (value, text) in y.ticks() {
        let at = y.place(value);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
            LEFT - 7.0,
            at + 4.5
        );
    }
    let _ = writeln!(
        svg,
        "<path class=\"frame\" d=\"M{LEFT} {TOP}V{bottom}H{right}\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
         <text transform=\"translate(17 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        (LEFT + right) / 2.0,
        bottom + 41.0,
        escaped(&chart.x_label),
        (TOP + bottom) / 2.0,
        escaped(&chart.y_label)
    );
}

fn draw_line(svg: &mut String, line: &Line, x: &Scale, y: &Scale) {
    let class = line.colour % COLOURS;
    let places =
        line.points.iter().filter(|point| point.1.is_finite()).map(|point| (x.place(point.0), y.place(point.1)));
    if line.style == Style::Points {
        for (x, y) in places {
            let _ = writeln!(svg, "<circle class=\"k{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>");
        }
        return;
    }
    let path = path(&thinned(places.collect()));
    let dashed = if line.style == Style::Dashed { " dashed" } else { "" };
    let _ = writeln!(svg, "<path class=\"k{class}{dashed}\" d=\"{path}\"/>");
}

/// Where many points fall into one column of the picture, the first, the least, the most and the last of them: the line
/// covers the same ground.
fn thinned(places: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let columns = places.chunk_by(|a, b| libm::floor(a.0) == libm::floor(b.0));
    let of_column = |column: &[(f64, f64)]| -> Vec<(f64, f64)> {
        let by = |take: fn(f64, f64) -> bool| {
            (0..column.len()).reduce(|a, b| if take(column[b].1, column[a].1) { b } else { a }).unwrap_or(0)
        };
        let mut kept = vec![0, by(|a, b| a < b), by(|a, b| a > b), column.len() - 1];
        kept.sort_unstable();
        kept.dedup();
        kept.into_iter().map(|i| column[i]).collect()
    };
    columns.flat_map(of_column).collect()
}

fn path(places: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (i, (x, y)) in places.iter().enumerate() {
        let _ = write!(path, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
    }
    path
}

/// Columns of the legend, by its longest label.
fn legend_columns(chart: &Chart) -> usize {
    let longest = chart.lines.iter().map(|line| line.label.chars().count()).max().unwrap_or(0) as f64;
    (((WIDTH - LEFT) / (longest * CHARACTER + 50.0)) as usize).clamp(1, 3)
}

fn legend_rows(chart: &Chart) -> usize {
    chart.lines.len().div_ceil(legend_columns(chart))
}

fn legend(svg: &mut String, chart: &Chart) {
    let columns = legend_columns(chart);
    for (i, line) in chart.lines.iter().enumerate() {
        let x = LEFT + (i % columns) as f64 * (WIDTH - LEFT - RIGHT) / columns as f64;
        let y = HEIGHT + (i / columns) as f64 * LEGEND;
        let class = line.colour % COLOURS;
        let key = match line.style {
            Style::Points => format!("<circle class=\"k{class}\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\"/>", x + 13.0),
            style => {
                let dashed = if style == Style::Dashed { " dashed" } else { "" };
                format!(
                    "<line class=\"key k{class}{dashed}\" x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\"/>",
                    x + 26.0
                )
            }
        };
        let _ = writeln!(svg, "{key}<text x=\"{:.1}\" y=\"{:.1}\">{}</text>", x + 33.0, y + 4.5, escaped(&line.label));
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, f64)>, style: Style) -> Chart {
        Chart {
            title: "a < b".to_owned(),
            x_label: "time, ms".to_owned(),
            y_label: "queue, packets".to_owned(),
            log: [false, false],
            lines: vec![Line { label: "measured".to_owned(), points, style, colour: 0 }],
        }
    }

    #[test]
    fn a_chart_has_its_labels_and_as_many_points_as_it_was_given() {
        let svg = draw(&chart((0..5).map(|i| (f64::from(i), 2.0)).collect(), Style::Points));
        // One more in the legend.
        assert_eq!(svg.matches("<circle").count(), 6);
        assert!(svg.contains("time, ms") && svg.contains("queue, packets") && svg.contains("<title>a &lt; b</title>"));
    }

    #[test]
    fn a_million_points_become_a_line_of_a_few_thousand_and_keep_their_peak() {
        let mut points: Vec<(f64, f64)> = (0..1_000_000).map(|i| (f64::from(i), f64::from(i % 7))).collect();
        points[500_000].1 = 100.0;
        let svg = draw(&chart(points, Style::Solid));
        assert!(svg.len() < 60_000, "{}", svg.len());
        let top = format!(" {TOP:.1}L");
        assert!(svg.contains(&top), "the peak is at the top of the picture");
    }

    #[test]
    fn gaps_do_not_break_a_picture() {
        let svg = draw(&chart(vec![(0.0, f64::NAN), (1.0, 3.0)], Style::Dashed));
        assert!(!svg.contains("NaN"), "{svg}");
    }
}
