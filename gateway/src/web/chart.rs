//! Small charts as SVG inside the page: bars that say the same as a table beside them, drawn without script or style of
//! their own.

use maud::{Markup, html};

/// The drawing's own units.
const WIDTH: u64 = 320;
const HEIGHT: u64 = 64;

/// One bar: its value, and what it says when it is pointed at.
pub(super) struct Bar {
    pub(super) value: u64,
    pub(super) title: String,
}

/// Bars side by side, the newest at the right; `label` says what they are to those who don't see them.
pub(super) fn bars(label: &str, bars: &[Bar]) -> Markup {
    let most = bars.iter().map(|bar| bar.value).max().unwrap_or(0).max(1);
    let step = WIDTH / u64::try_from(bars.len()).unwrap_or(1).max(1);
    let thickness = step.saturating_sub(1).clamp(1, 24);
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(label) preserveAspectRatio="none" {
            @for (place, bar) in (0_u64..).zip(bars) {
                // Nothing is drawn as a sliver, so that it is seen to be there.
                @let height = (bar.value * (HEIGHT - 2) / most).max(1);
                rect x=(place * step) y=(HEIGHT - height) width=(thickness) height=(height) {
                    title { (bar.title) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u64]) -> String {
        let all: Vec<_> =
            values.iter().map(|value| Bar { value: *value, title: value.to_string() }).collect();
        bars("waiting", &all).into_string()
    }

    #[test]
    fn the_highest_bar_fills_the_chart_and_none_vanishes() {
        let drawn = of(&[0, 50, 100]);
        for height in ["height=\"1\"", "height=\"31\"", "height=\"62\""] {
            assert!(drawn.contains(height), "{height} in {drawn}");
        }
    }

    #[test]
    fn nothing_and_very_much_are_drawn_as_well() {
        assert!(!of(&[]).contains("<rect"));
        assert_eq!(of(&[7; 500]).matches("<rect").count(), 500);
    }
}
