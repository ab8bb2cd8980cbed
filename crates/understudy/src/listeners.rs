//! Sockets, bound before anything else starts, so that a port in use is one clear line.
//!
//! The tap's may be held and passed by whoever started this process (`LISTEN_FDS`, `LISTEN_PID`;
//! the protocol of sd_listen_fds(3)). Then connections that arrive while one process stops and the
//! next one starts wait in that socket, and a restart fails no request.

use std::net::{SocketAddr, TcpListener};

use anyhow::{Context, bail};
use listenfd::ListenFd;

/// The socket that was passed for the tap; `None` where there is none.
pub(crate) fn passed() -> anyhow::Result<Option<TcpListener>> {
    let mut sockets = ListenFd::from_env();
    if sockets.len() > 1 {
        bail!("LISTEN_FDS passes {} sockets: the tap takes one", sockets.len());
    }
    let listener = sockets.take_tcp_listener(0).context("LISTEN_FDS")?;
    if let Some(listener) = &listener {
        listener.set_nonblocking(true)?;
        tracing::info!(tap.address = %listener.local_addr()?, "Listening on a passed socket");
    }
    Ok(listener)
}

/// Binds `address`; `role` says in an error what wanted it, `flag` how to choose another.
pub(crate) fn bind(address: SocketAddr, role: &str, flag: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| {
        format!("{role} cannot listen on {address}: choose another with {flag}")
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Binds `address`, or any free port of the same host where it is taken.
pub(crate) fn bind_or_any(
    address: SocketAddr,
    role: &str,
    flag: &str,
) -> anyhow::Result<TcpListener> {
    bind(address, role, flag).or_else(|_| bind(SocketAddr::new(address.ip(), 0), role, flag))
}

/// A tap that is its own primary would ask itself for ever.
pub(crate) fn refuse_loop(primary: &str, tap: SocketAddr) -> anyhow::Result<()> {
    let Ok(url) = url::Url::parse(primary) else { return Ok(()) };
    let here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" && tap.ip().is_loopback(),
        Some(url::Host::Ipv4(ip)) => {
            tap.ip() == ip || (tap.ip().is_unspecified() && ip.is_loopback())
        }
        Some(url::Host::Ipv6(ip)) => {
            tap.ip() == ip || (tap.ip().is_unspecified() && ip.is_loopback())
        }
        None => false,
    };
    if here && url.port_or_known_default() == Some(tap.port()) {
        bail!("the primary {primary} is the tap's own address: choose another with --listen");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tap_is_not_its_own_primary() {
        let loops = |primary: &str, tap: &str| refuse_loop(primary, tap.parse().unwrap()).is_err();
        assert!(loops("http://127.0.0.1:8000", "127.0.0.1:8000"));
        assert!(loops("http://localhost:8000", "127.0.0.1:8000"));
        assert!(loops("http://127.0.0.1:8000", "0.0.0.0:8000"));
        assert!(loops("http://[::1]:8000", "[::1]:8000"));
        assert!(!loops("http://127.0.0.1:9000", "127.0.0.1:8000"));
        assert!(!loops("http://10.0.0.1:8000", "127.0.0.1:8000"));
    }
}
