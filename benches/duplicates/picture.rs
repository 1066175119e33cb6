//! The curve of precision and recall over the threshold, as an SVG picture.

use std::fmt::Write;

use contact_search::domain::duplicates::Parameters;

use super::quality::Point;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 380.0;
/// The plot's edges.
const LEFT: f64 = 60.0;
const RIGHT: f64 = 600.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 320.0;
/// The least share that the picture shows.
const LEAST: f64 = 0.5;

/// Colours that are readable on white and on black.
const STYLE: &str = "text { font: 13px sans-serif; fill: #444 } .title { font-size: 15px; font-weight: bold } \
    .grid { stroke: #8884 } .mark { stroke: #888; stroke-dasharray: 4 4 } \
    .precision { stroke: #0969da; fill: none; stroke-width: 2.5 } .recall { stroke: #bc4c00; fill: none; \
    stroke-width: 2.5 } @media (prefers-color-scheme: dark) { text { fill: #ccc } .precision { stroke: #58a6ff } \
    .recall { stroke: #f0883e } }";

fn x(threshold: f64) -> f64 {
    LEFT + threshold * (RIGHT - LEFT)
}

fn y(share: f64) -> f64 {
    let height = (share.max(LEAST) - LEAST) / (1.0 - LEAST);
    BOTTOM - height * (BOTTOM - TOP)
}

/// The picture of a curve.
pub fn picture(curve: &[Point]) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-labelledby=\"title\">\n<title id=\"title\">Precision and recall over the threshold</title>\n\
         <style>{STYLE}</style>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"22\">Pairs of tests/data/fake_1000.csv after grouping</text>\n"
    );
    for step in 0..=5 {
        let share = LEAST + f64::from(step) * 0.1;
        let (place, label) = (y(share), share * 100.0);
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{LEFT} {place:.1}H{RIGHT}\"/><text x=\"{:.0}\" y=\"{:.1}\" \
             text-anchor=\"end\">{label:.0} %</text>",
            LEFT - 8.0,
            place + 4.0
        );
        let threshold = f64::from(step) * 0.2;
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{threshold:.1}</text>",
            x(threshold),
            BOTTOM + 20.0
        );
    }
    let usual = x(Parameters::get().threshold);
    let _ = writeln!(
        svg,
        "<path class=\"mark\" d=\"M{usual:.1} {TOP}V{BOTTOM}\"/><text x=\"{:.1}\" y=\"{:.0}\">default</text>\n\
         <text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">threshold</text>",
        usual + 6.0,
        BOTTOM - 8.0,
        x(0.5),
        BOTTOM + 42.0
    );
    for (name, share) in [
        ("precision", Point::precision as fn(&Point) -> f64),
        ("recall", Point::recall),
    ] {
        let points: Vec<String> = curve
            .iter()
            .map(|point| format!("{:.1},{:.1}", x(point.threshold), y(share(point))))
            .collect();
        let last = curve.last().map_or(1.0, share);
        let _ = writeln!(
            svg,
            "<polyline class=\"{name}\" points=\"{}\"/><text x=\"{:.0}\" y=\"{:.1}\">{name}</text>",
            points.join(" "),
            RIGHT + 8.0,
            y(last) + 4.0
        );
    }
    svg + "</svg>\n"
}
