//! `clusters`, `endpoints`, `funnel`: what the API says, from a server or straight from a store.

use std::{io::Write, process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use gate::report::visible;
use reqwest::{
    StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};
use store::{Access, Store};
use web::api;

use crate::cli::{ReportArgs, Target};

/// A problem that time may cure: a server that starts, a version that nobody announced yet.
#[derive(Debug)]
pub(crate) struct NotYet(String);

impl std::fmt::Display for NotYet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotYet {}

/// Where a report comes from.
#[derive(Debug)]
pub(crate) enum Source {
    Server { origin: String, client: reqwest::Client },
    Store(Store),
}

impl Source {
    pub(crate) async fn open(target: &Target) -> anyhow::Result<Self> {
        match (&target.server, &target.store) {
            (Some(origin), _) => {
                if !origin.starts_with("http://") && !origin.starts_with("https://") {
                    bail!("--server `{origin}` is no URL; write http://HOST:PORT");
                }
                let client = reqwest::Client::builder()
                    .no_proxy()
                    .timeout(Duration::from_secs(30))
                    .default_headers(bearer(target.token.as_deref())?)
                    .build()?;
                Ok(Self::Server { origin: origin.trim_end_matches('/').to_owned(), client })
            }
            (None, Some(url)) => {
                Ok(Self::Store(Store::open(&url.parse()?, Access::ReadOnly).await?))
            }
            (None, None) => bail!("pass --server URL or --store URL"),
        }
    }

    /// GET of an API path such as `/api/v1/funnel`; only for [`Source::Server`].
    pub(crate) async fn get<T: DeserializeOwned>(
        origin: &str,
        client: &reqwest::Client,
        path: &str,
    ) -> anyhow::Result<T> {
        Self::read(origin, path, client.get(format!("{origin}{path}"))).await
    }

    /// POST of JSON to an API path; only for [`Source::Server`].
    pub(crate) async fn post<T: DeserializeOwned>(
        origin: &str,
        client: &reqwest::Client,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let request = client
            .post(format!("{origin}{path}"))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(body)?);
        Self::read(origin, path, request).await
    }

    async fn read<T: DeserializeOwned>(
        origin: &str,
        path: &str,
        request: reqwest::RequestBuilder,
    ) -> anyhow::Result<T> {
        let url = format!("{origin}{path}");
        let answer = request.send().await.map_err(|problem| {
            NotYet(format!("{origin} does not answer: {}", root_cause(&problem)))
        })?;
        let status = answer.status();
        let body = answer.bytes().await.with_context(|| format!("{url} broke off"))?;
        if !status.is_success() {
            let problem: Option<api::Problem> = serde_json::from_slice(&body).ok();
            let detail =
                problem.map_or_else(String::new, |problem| format!(": {}", problem.detail));
            let problem = format!("{url} says {status}{detail}");
            if status == StatusCode::NOT_FOUND || status.is_server_error() {
                return Err(NotYet(problem).into());
            }
            bail!("{problem}");
        }
        serde_json::from_slice(&body)
            .with_context(|| format!("{url} does not answer as Understudy's API does"))
    }
}

fn bearer(token: Option<&str>) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token.map(str::trim).filter(|token| !token.is_empty()) {
        let value = HeaderValue::try_from(format!("Bearer {token}"));
        let mut value = value.context("the token holds what no header can")?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

/// The innermost reason, without the URL that a client error repeats.
fn root_cause(problem: &dyn std::error::Error) -> String {
    let mut cause = problem;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

pub(crate) async fn funnel(args: ReportArgs) -> anyhow::Result<ExitCode> {
    let funnel = match Source::open(&args.target).await? {
        Source::Server { origin, client } => {
            Source::get::<api::Funnel>(&origin, &client, "/api/v1/funnel").await?
        }
        Source::Store(store) => api::funnel(&store, None).await?,
    };
    if args.json {
        return print_json(&funnel);
    }
    let mut out = std::io::stdout().lock();
    let mut line = |name: &str, n: u64| writeln!(out, "{name:<32}{n:>12}");
    line("seen", funnel.seen)?;
    line("  sampled out", funnel.sampled_out)?;
    for (reason, n) in &funnel.not_copied {
        line(&format!("  not copied: {reason}"), *n)?;
    }
    for (reason, n) in &funnel.dropped {
        line(&format!("  dropped: {reason}"), *n)?;
    }
    line("captured", funnel.captured)?;
    line("replayed", funnel.replayed)?;
    line("  compared", funnel.compared)?;
    for (reason, n) in &funnel.skipped {
        line(&format!("  skipped: {reason}"), *n)?;
    }
    line("  parked", funnel.parked)?;
    line("  in flight", funnel.in_flight)?;
    line("  lost", funnel.lost)?;
    writeln!(out, "{}", if funnel.balanced { "balanced" } else { "NOT BALANCED" })?;
    if let Some(diagnosis) = &funnel.diagnosis {
        writeln!(out, "\n{diagnosis}")?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn endpoints(args: ReportArgs) -> anyhow::Result<ExitCode> {
    let found = match Source::open(&args.target).await? {
        Source::Server { origin, client } => {
            Source::get::<api::Endpoints>(&origin, &client, "/api/v1/endpoints").await?
        }
        Source::Store(store) => {
            api::endpoints(&store, &api::EndpointsQuery::default(), &gate::Policy::default())
                .await?
        }
    };
    if args.json {
        return print_json(&found);
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:<48}{:>10}{:>12}{:>10}  {:<20}",
        "endpoint", "compared", "mismatched", "rate", "interval"
    )?;
    for row in &found.endpoints {
        writeln!(
            out,
            "{:<48}{:>10}{:>12}{:>9.3}%  {:.3}% to {:.3}%",
            visible(&row.endpoint),
            row.compared,
            row.mismatched,
            row.rate * 100.0,
            row.rate_low * 100.0,
            row.rate_high * 100.0
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn clusters(args: ReportArgs) -> anyhow::Result<ExitCode> {
    let source = Source::open(&args.target).await?;
    let clusters = all_clusters(&source).await?;
    if args.json {
        return print_json(&serde_json::json!({ "clusters": clusters }));
    }
    let mut out = std::io::stdout().lock();
    for cluster in &clusters {
        writeln!(
            out,
            "{:<8}{:>8}  {}: {}",
            cluster.id,
            cluster.count,
            visible(&cluster.endpoint),
            visible(&cluster.title)
        )?;
    }
    if clusters.is_empty() {
        writeln!(out, "no clusters")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Every page of the list.
pub(crate) async fn all_clusters(source: &Source) -> anyhow::Result<Vec<api::Cluster>> {
    let mut all = Vec::new();
    let mut query = api::ClustersQuery { limit: Some(200), ..api::ClustersQuery::default() };
    loop {
        let page = match source {
            Source::Server { origin, client } => {
                let path = with_query("/api/v1/clusters", &query)?;
                Source::get::<api::Clusters>(origin, client, &path).await?
            }
            Source::Store(store) => api::clusters(store, &query).await?,
        };
        all.extend(page.clusters);
        if page.next.is_none() {
            return Ok(all);
        }
        query.cursor = page.next;
    }
}

/// `path?query`, absent values left out.
pub(crate) fn with_query(path: &str, query: &impl Serialize) -> anyhow::Result<String> {
    let serde_json::Value::Object(fields) = serde_json::to_value(query)? else {
        bail!("a query is a set of fields");
    };
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in &fields {
        match value {
            serde_json::Value::Null => {}
            serde_json::Value::String(text) => drop(pairs.append_pair(name, text)),
            other => drop(pairs.append_pair(name, &other.to_string())),
        }
    }
    Ok(format!("{path}?{}", pairs.finish()))
}

pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string_pretty(value)?)?;
    Ok(ExitCode::SUCCESS)
}
