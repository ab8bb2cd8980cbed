//! The account as Prometheus text. Labels are reasons, and slices and route
//! templates of the configuration; never paths that were asked for.

use std::fmt::Write as _;

use exchange::DropReason;

use crate::{account, admin::AdminState};

/// The current figures in the text exposition format.
pub(crate) fn text(state: &AdminState) -> String {
    let totals = account::totals(&state.shared.ledgers);
    let handed: u64 = state.shared.ledgers.iter().map(|ledger| ledger.handed()).sum();
    let published = state.published.counts();
    let spool = state.spooled.health();
    let mut page = Page(String::new());

    page.family("understudy_tap_requests_total", "counter", "Requests whose record has closed.");
    page.sample("understudy_tap_requests_total", "", totals.unhanded + handed);
    page.family("understudy_tap_sampled_out_total", "counter", "Requests of sessions not sampled.");
    page.sample("understudy_tap_sampled_out_total", "", totals.sampled_out);
    page.family("understudy_tap_not_copied_total", "counter", "Requests not meant to be copied.");
    for (reason, count) in &totals.not_copied {
        page.sample("understudy_tap_not_copied_total", reason.as_str(), *count);
    }
    page.slices(state);
    page.family("understudy_tap_dropped_total", "counter", "Exchanges lost in the tap.");
    for reason in DropReason::ALL {
        let here = totals.dropped.get(reason).copied().unwrap_or_default();
        let there = published.dropped.get(reason).copied().unwrap_or_default();
        if here + there > 0 {
            page.sample("understudy_tap_dropped_total", reason.as_str(), here + there);
        }
    }
    page.family(
        "understudy_tap_captured_total",
        "counter",
        "Exchanges accepted by queue or spool.",
    );
    page.sample("understudy_tap_captured_total", "", published.captured);
    page.family("understudy_tap_messages_total", "counter", "Messages accepted by queue or spool.");
    page.sample("understudy_tap_messages_total", "", published.messages);
    page.family("understudy_tap_messages_spooled_total", "counter", "Of these, by the spool.");
    page.sample("understudy_tap_messages_spooled_total", "", published.spooled_messages);
    page.gauge("understudy_tap_held_bytes", "Bytes of copies in memory.", {
        state.shared.budget.held() as u64
    });
    page.gauge("understudy_tap_spool_messages", "Messages in the spool.", spool.spooled_messages);
    page.gauge("understudy_tap_spool_bytes", "Bytes in the spool.", spool.spooled_bytes);
    page.gauge("understudy_tap_spooling", "New messages go to disk.", u64::from(spool.spooling));
    page.gauge("understudy_tap_queue_connected", "The queue takes messages.", {
        u64::from(state.queue.health().connected)
    });
    page.gauge("understudy_tap_paused", "Copying is paused.", {
        u64::from(state.shared.pause.is_on())
    });
    page.0
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, reason: &str, value: u64) {
        let _ = match reason {
            "" => writeln!(self.0, "{name} {value}"),
            reason => writeln!(self.0, "{name}{{reason=\"{reason}\"}} {value}"),
        };
    }

    /// Routes are those of the configuration, as they stand there: what users ask for never
    /// becomes a label.
    fn slices(&mut self, state: &AdminState) {
        let shared = &state.shared;
        let name = "understudy_tap_slice_requests_total";
        let mut routes = shared.policy.routes().enumerate().peekable();
        if routes.peek().is_none() {
            return;
        }
        self.family(name, "counter", "Requests that met a route of a slice.");
        for (place, (slice, route)) in routes {
            let count: u64 = shared.ledgers.iter().map(|ledger| ledger.met(place)).sum();
            let (slice, route) = (label(slice), label(route));
            let _ = writeln!(self.0, "{name}{{slice=\"{slice}\",route=\"{route}\"}} {count}");
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "gauge", help);
        self.sample(name, "", value);
    }
}

/// A label's value, escaped.
fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
