//! Sockets, bound before anything else starts, so that a port in use is one clear line.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context;

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
