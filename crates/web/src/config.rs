//! `[web]` and `[gate]` of `understudy.toml`.

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::access::Role;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebConfig {
    /// Host names under which a proxy serves these pages, beside loopback names.
    pub hosts: Vec<String>,
    /// Whether browsers reach the pages by https only, whatever proxies say.
    pub https: bool,
    pub login: LoginConfig,
    pub proxy: ProxyConfig,
    /// Names of slices in the order of pages; filled from `[[slice]]`.
    #[serde(skip)]
    pub slices: Vec<String>,
    /// Rules of the configuration, for `GET /api/v1/rules` and masking on pages.
    #[serde(skip)]
    pub rules: Vec<serde_json::Value>,
    /// `[gate]`: what pages and API judge by unless a query says otherwise.
    #[serde(skip)]
    pub gate: gate::Policy,
    /// Where the tap listens, for the first page: `http://127.0.0.1:8000`.
    #[serde(skip)]
    pub tap: Option<String>,
    /// Origins of both sides, for the first page and the pipeline.
    #[serde(skip)]
    pub primary: Option<String>,
    #[serde(skip)]
    pub candidate: Option<String>,
}

/// `[web.login]`: how long a log-in lasts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoginConfig {
    pub hours: u32,
    pub idle_minutes: u32,
}

impl Default for LoginConfig {
    fn default() -> Self {
        Self { hours: 12, idle_minutes: 120 }
    }
}

/// `[web.proxy]`: a proxy before the pages that terminates TLS, and may know who asks.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProxyConfig {
    /// Addresses or networks whose `X-Forwarded-For`, `X-Forwarded-Proto` and user are believed.
    pub addresses: Vec<String>,
    /// The header that names the user.
    pub user_header: Option<String>,
    /// The header that names roles or groups, separated by commas.
    pub role_header: Option<String>,
    /// Values of it that make an editor, and a viewer. Without `viewers`, everybody else is one.
    pub editors: Vec<String>,
    pub viewers: Vec<String>,
    /// Without `role_header`: what everybody is.
    pub role: Role,
}

impl WebConfig {
    /// What is wrong with it, in words of the file.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.login.hours == 0 || self.login.idle_minutes == 0 {
            bail!("web.login: `hours` and `idle_minutes` must be at least 1");
        }
        self.proxy.check()
    }
}

impl ProxyConfig {
    fn check(&self) -> anyhow::Result<()> {
        for text in &self.addresses {
            network(text)?;
        }
        for name in [&self.user_header, &self.role_header].into_iter().flatten() {
            axum::http::HeaderName::try_from(name.as_str())
                .with_context(|| format!("web.proxy: `{name}` is no name of a header"))?;
        }
        if self.user_header.is_some() && self.addresses.is_empty() {
            bail!(
                "web.proxy: `user_header` needs `addresses`: a header is believed only of a proxy \
                 that is named"
            );
        }
        if self.user_header.is_none() && self.role_header.is_some() {
            bail!("web.proxy: `role_header` needs `user_header`");
        }
        if self.role_header.is_none() && !(self.editors.is_empty() && self.viewers.is_empty()) {
            bail!("web.proxy: `editors` and `viewers` need `role_header`");
        }
        Ok(())
    }
}

/// An address, or a network as `10.0.0.0/8`.
pub(crate) fn network(text: &str) -> anyhow::Result<ipnet::IpNet> {
    let address = text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from);
    address.or_else(|_| text.parse()).map_err(|_| {
        anyhow::anyhow!("web.proxy: `{text}` is no address; write 10.0.0.5 or 10.0.0.0/8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(proxy: ProxyConfig) -> String {
        let config = WebConfig { proxy, ..WebConfig::default() };
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn a_proxy_is_believed_only_where_it_is_named() {
        assert!(WebConfig::default().check().is_ok());
        let user = || Some("x-user".to_owned());
        let lone = ProxyConfig { user_header: user(), ..ProxyConfig::default() };
        assert!(problem(lone.clone()).contains("needs `addresses`"));
        let wrong = ProxyConfig { addresses: vec!["10.0.0.300".into()], ..lone.clone() };
        assert!(problem(wrong).contains("`10.0.0.300` is no address"));
        let fine = ProxyConfig { addresses: vec!["10.0.0.0/8".into(), "::1".into()], ..lone };
        assert!(WebConfig { proxy: fine, ..WebConfig::default() }.check().is_ok());
        let groups = ProxyConfig { editors: vec!["team".into()], ..ProxyConfig::default() };
        assert!(problem(groups).contains("need `role_header`"));
        let header = ProxyConfig { user_header: Some("x user".into()), ..ProxyConfig::default() };
        assert!(problem(header).contains("no name of a header"));
    }
}
