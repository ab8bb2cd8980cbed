//! From where a request came, through proxies that are believed.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, request::Parts},
};
use ipnet::IpNet;

use crate::{WebConfig, config::network};

/// Proxies whose word counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trusted {
    networks: Vec<IpNet>,
    https: bool,
}

/// What is known of a request's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// The connection itself comes from a proxy that is believed.
    pub(super) through_proxy: bool,
    pub(super) client: Option<IpAddr>,
    /// The browser came by https.
    pub(super) secure: bool,
}

impl Trusted {
    pub(crate) fn of(config: &WebConfig) -> anyhow::Result<Self> {
        let networks = config.proxy.addresses.iter().map(|text| network(text));
        Ok(Self { networks: networks.collect::<Result<_, _>>()?, https: config.https })
    }

    pub(super) fn way(&self, parts: &Parts) -> Way {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        self.way_of(peer.map(|ConnectInfo(peer)| peer.ip().to_canonical()), &parts.headers)
    }

    fn way_of(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Way {
        let through_proxy = peer.is_some_and(|ip| self.holds(ip));
        if !through_proxy {
            return Way { through_proxy, client: peer, secure: self.https };
        }
        let forwarded = listed(headers, "x-forwarded-for");
        // From the right: what stands left of the first stranger, the stranger may have written.
        let mut client = peer;
        for text in forwarded.iter().rev() {
            let Ok(ip) = text.parse::<IpAddr>() else { break };
            client = Some(ip.to_canonical());
            if !self.holds(ip.to_canonical()) {
                break;
            }
        }
        let secure = listed(headers, "x-forwarded-proto").last().is_some_and(|s| s == "https");
        Way { through_proxy, client, secure: secure || self.https }
    }

    fn holds(&self, ip: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&ip))
    }
}

/// Parts of all headers of a name, separated by commas.
fn listed(headers: &HeaderMap, name: &str) -> Vec<String> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|line| line.split(',')).map(|part| part.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(peer: &str, headers: &[(&'static str, &'static str)]) -> Way {
        let networks = vec![network("10.0.0.0/8").unwrap(), network("::1").unwrap()];
        let trusted = Trusted { networks, https: false };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        trusted.way_of(Some(peer.parse().unwrap()), &map)
    }

    #[test]
    fn only_a_proxy_that_is_named_says_where_a_request_came_from() {
        let said = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https")];
        let client = |ip: &str| Some(ip.parse().unwrap());
        let stranger = way("192.0.2.7", &said);
        assert_eq!(
            stranger,
            Way { through_proxy: false, client: client("192.0.2.7"), secure: false }
        );
        let proxied = way("10.9.9.9", &said);
        assert_eq!(proxied, Way { through_proxy: true, client: client("1.2.3.4"), secure: true });
        assert_eq!(way("::1", &[]).client, client("::1"));
    }

    #[test]
    fn what_a_client_wrote_itself_is_not_believed() {
        let chain = way("10.0.0.1", &[("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.2")]);
        assert_eq!(chain.client, Some("1.2.3.4".parse().unwrap()));
        let junk = way("10.0.0.1", &[("x-forwarded-for", "6.6.6.6, <script>")]);
        assert_eq!(junk.client, Some("10.0.0.1".parse().unwrap()));
        let mixed =
            way("10.0.0.1", &[("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")]);
        assert!(!mixed.secure);
    }
}
