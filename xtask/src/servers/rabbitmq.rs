//! A private RabbitMQ from the system's binaries.
//!
//! The packaged wrapper changes user and writes to system folders; the script behind it runs as
//! anyone and takes every folder and port from the environment.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use super::{Guard, free_ports};

const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// epmd is a daemon of its own and would outlive the node: it has its own port and is ended too.
const SCRIPT: &str = r#"
    "$SERVER" & node=$!
    read _
    pid=$(cat "$RABBITMQ_PID_FILE" 2>/dev/null)
    [ -n "$pid" ] && kill -TERM "$pid"
    wait $node
    epmd -port "$ERL_EPMD_PORT" -kill
"#;

pub(crate) fn start(folder: &Path) -> anyhow::Result<(String, Guard)> {
    let port = free_ports(3)?;
    for name in ["home", "mnesia", "log", "gen"] {
        fs::create_dir_all(folder.join(name))?;
    }
    let file = |name: &str| folder.join(name).display().to_string();
    fs::write(file("env.conf"), "")?;
    fs::write(file("enabled_plugins"), "[].\n")?;
    fs::write(
        file("rabbitmq.conf"),
        format!(
            "listeners.tcp.1 = 127.0.0.1:{port}\nlog.console = true\nlog.console.level = warning\n\
             log.file = false\ndisk_free_limit.absolute = 64MB\n\
             vm_memory_high_watermark.absolute = 512MB\n"
        ),
    )?;
    let envs = [
        ("SERVER", SERVER.to_owned()),
        ("HOME", file("home")),
        ("RABBITMQ_CONF_ENV_FILE", file("env.conf")),
        ("RABBITMQ_CONFIG_FILE", file("rabbitmq.conf")),
        ("RABBITMQ_GENERATED_CONFIG_DIR", file("gen")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", file("enabled_plugins")),
        ("RABBITMQ_NODENAME", format!("understudy{port}@localhost")),
        ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".to_owned()),
        ("RABBITMQ_NODE_PORT", port.to_string()),
        ("RABBITMQ_DIST_PORT", (port + 1).to_string()),
        ("ERL_EPMD_PORT", (port + 2).to_string()),
        ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
        ("RABBITMQ_MNESIA_BASE", file("mnesia")),
        ("RABBITMQ_LOG_BASE", file("log")),
        ("RABBITMQ_PID_FILE", file("rabbit.pid")),
        (
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "+S 2:2 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}".to_owned(),
        ),
    ];
    let log = folder.join("server.log");
    let mut guard = Guard::run(SCRIPT, &envs, &log)?;
    guard.wait(Duration::from_secs(90), &log, || speaks_amqp(port))?;
    Ok((format!("amqp://guest:guest@127.0.0.1:{port}"), guard))
}

/// The port opens before the node serves: ready is when it answers a protocol header.
fn speaks_amqp(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        socket.write_all(b"AMQP\0\0\x09\x01")?;
        let mut first = [0_u8];
        socket.read_exact(&mut first)?;
        Ok(first == [1])
    };
    ask().unwrap_or(false)
}
