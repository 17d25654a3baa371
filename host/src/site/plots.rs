//! What is plotted of messages over time: one list, for the console, which counts it from the ledger, and for the
//! dashboard of Grafana that comes with the package, which asks Prometheus.

/// A plot.
#[derive(Clone, Copy, Debug)]
pub struct Plot {
    /// What it shows.
    pub title: &'static str,
    /// The query, in PromQL, of what `textsender stats --prometheus` and the hub's `/metrics` say.
    pub query: &'static str,
}

/// How many texts ended how.
pub const OUTCOMES: Plot = Plot {
    title: "Texts by outcome",
    query: "sum by (outcome) (increase(textsender_messages_total[1h]))",
};

/// How many of a hundred may or may not have been sent.
pub const SHARE_UNKNOWN: Plot = Plot {
    title: "Share that is unknown, in percent",
    query: "100 * (sum(increase(textsender_messages_total{outcome=\"unknown\"}[1h])) or vector(0)) / sum(increase(textsender_messages_total[1h]))",
};

/// How long half of the accepted ones took at the most.
pub const MEDIAN: Plot = Plot {
    title: "Median time until a provider took it, in milliseconds",
    query: "1000 * histogram_quantile(0.5, sum by (le) (increase(textsender_message_seconds_bucket[1h])))",
};

/// What providers charge for.
pub const SEGMENTS: Plot = Plot {
    title: "Segments by region: what providers charge for",
    query: "sum by (region) (increase(textsender_segments_total[1h]))",
};

/// What was spent, where `[prices]` says what a segment costs. Several machines may say so of a region.
pub const SPENT: Plot = Plot {
    title: "Spent, by currency",
    query: "sum by (currency) (increase(textsender_segments_total[1h]) * on(region) group_left(currency) max by (region, currency) (textsender_segment_price))",
};

/// All of them, in their order.
pub const ALL: [Plot; 5] = [OUTCOMES, SHARE_UNKNOWN, MEDIAN, SEGMENTS, SPENT];

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;

    use super::*;

    const DASHBOARD: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../packaging/grafana/textsender.json"
    );

    #[test]
    fn the_dashboard_has_them() {
        let dashboard: Value = serde_json::from_slice(&fs::read(DASHBOARD).unwrap()).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        for plot in ALL {
            let mut panels = panels.iter();
            let panel = panels.find(|panel| panel["title"] == plot.title);
            let query = panel.map(|panel| &panel["targets"][0]["expr"]);
            assert_eq!(query, Some(&Value::from(plot.query)), "{}", plot.title);
        }
    }
}
