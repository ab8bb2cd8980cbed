use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{address, headline, visible};
use crate::{ClusterEvidence, Decision, EndpointDecision, Verdict, words};

/// One case for the gate as a whole, then one per endpoint by name. What fails is a failure;
/// what has not enough evidence is an error, so that no reader takes it for a pass.
#[must_use]
pub fn junit(decision: &Decision) -> String {
    let mut suite = TestSuite::new("gate");
    let mut reasons: Vec<String> = decision.reasons.iter().map(|reason| visible(reason)).collect();
    reasons.extend(address(decision.link.as_ref()).map(visible));
    let summary = decision.reasons.first().map_or(headline(decision.verdict), String::as_str);
    suite.add_test_case(case("verdict", decision.verdict, &visible(summary), reasons.join("\n")));
    let mut endpoints: Vec<&EndpointDecision> = decision.endpoints.iter().collect();
    endpoints.sort_by(|a, b| (&a.endpoint, &a.slice).cmp(&(&b.endpoint, &b.slice)));
    suite.add_test_cases(endpoints.into_iter().map(|endpoint| {
        let name = words::named(&endpoint.endpoint, endpoint.slice.as_deref());
        let mut reasons: Vec<String> = endpoint.reasons.iter().map(|r| visible(r)).collect();
        let own = |c: &&ClusterEvidence| c.endpoint == endpoint.endpoint;
        reasons.extend(decision.clusters.iter().filter(own).map(|cluster| {
            let link = address(cluster.link.as_ref()).map_or_else(String::new, |a| format!(" {a}"));
            visible(&format!("{} cluster {}: {}{link}", cluster.state, cluster.id, cluster.title))
        }));
        case(&name, endpoint.verdict, &visible(&endpoint.reason), reasons.join("\n"))
    }));
    let mut report = Report::new("understudy");
    report.add_test_suite(suite);
    // Writing XML to memory fails for nothing that can stand in a report.
    report
        .to_string()
        .unwrap_or_else(|error| format!("<!-- {} -->", error.to_string().replace('-', " ")))
}

fn case(name: &str, verdict: Verdict, message: &str, description: String) -> TestCase {
    let failed = |kind, name: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(name).set_message(message).set_description(description);
        status
    };
    let status = match verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Fail => failed(NonSuccessKind::Failure, "mismatch"),
        Verdict::NotEnoughEvidence => failed(NonSuccessKind::Error, "not_enough_evidence"),
    };
    let mut case = TestCase::new(visible(name), status);
    case.set_classname("gate");
    case
}
