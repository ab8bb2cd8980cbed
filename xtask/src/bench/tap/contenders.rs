//! The proxies that take turns, each set up as its users do: kept connections on both sides, no
//! access log, default buffers.

use std::{fs, path::PathBuf};

use anyhow::Context;

use super::setting::{Setting, wait_for};
use crate::servers::{Guard, free_ports};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    /// No proxy at all.
    Direct,
    Nginx,
    NginxMirror,
    HaProxy,
    Envoy,
    EnvoyMirror,
    /// The tap: copies, packs and seals, then discards.
    TapNull,
    /// The tap with confirmed publishing to RabbitMQ.
    TapRabbit,
}

/// A running contender; dropped, it ends.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) port: u16,
    /// The root of its processes; none for [`Contender::Direct`].
    pub(crate) root: Option<u32>,
    /// Where a tap tells of itself.
    pub(crate) admin: Option<u16>,
    _guard: Option<Guard>,
}

impl Contender {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::NginxMirror => "nginx mirror",
            Self::HaProxy => "HAProxy",
            Self::Envoy => "Envoy",
            Self::EnvoyMirror => "Envoy mirror",
            Self::TapNull => "tap, null:",
            Self::TapRabbit => "tap, RabbitMQ",
        }
    }

    pub(crate) fn present(self, setting: &Setting) -> bool {
        !matches!(self, Self::Envoy | Self::EnvoyMirror) || setting.envoy.is_some()
    }

    /// Starts it with `workers`; alone on its core where `pinned`.
    pub(crate) fn start(
        self,
        setting: &Setting,
        workers: usize,
        pinned: bool,
    ) -> anyhow::Result<Running> {
        if self == Self::Direct {
            let port = setting.primary;
            return Ok(Running { port, root: None, admin: None, _guard: None });
        }
        let port = free_ports(1)?;
        let is_tap = matches!(self, Self::TapNull | Self::TapRabbit);
        let admin = if is_tap { Some(free_ports(1)?) } else { None };
        let (upstream, workers) = (setting.primary, workers.to_string());
        let command = match self {
            Self::Direct => Vec::new(),
            Self::Nginx => nginx(setting, port, &workers, "")?,
            Self::NginxMirror => {
                nginx(setting, port, &workers, "mirror /_mirror; mirror_request_body on;")?
            }
            Self::HaProxy => haproxy(setting, port, &workers)?,
            Self::Envoy => envoy(setting, port, &workers, "")?,
            Self::EnvoyMirror => envoy(setting, port, &workers, MIRROR)?,
            Self::TapNull => Tap { queue: "null:", admin, ..Tap::default() }
                .command(setting, upstream, port, &workers)?,
            Self::TapRabbit => Tap { queue: &setting.amqp_url, admin, ..Tap::default() }
                .command(setting, upstream, port, &workers)?,
        };
        Ok(Running { admin, ..start(setting, command, port, pinned)? })
    }
}

/// Starts `command`, which listens on `port`.
pub(crate) fn start(
    setting: &Setting,
    mut command: Vec<String>,
    port: u16,
    pinned: bool,
) -> anyhow::Result<Running> {
    if pinned && let Some((_, core)) = setting.cores {
        let pin = ["taskset".to_owned(), "-c".to_owned(), core.to_string()];
        command.splice(0..0, pin);
    }
    let log = setting.folder.join(format!("contender-{port}.log"));
    let mut guard = Guard::command(&command, &log)?;
    wait_for(&mut guard, port, &log).with_context(|| command.join(" "))?;
    Ok(Running { port, root: Some(guard.id()), admin: None, _guard: Some(guard) })
}

impl Running {
    /// A tap with this admin listener.
    pub(crate) fn with(self, admin: u16) -> Self {
        Self { admin: Some(admin), ..self }
    }
}

/// The tap's settings that parts of the bench vary.
#[derive(Debug)]
pub(crate) struct Tap<'a> {
    pub(crate) queue: &'a str,
    pub(crate) admin: Option<u16>,
    pub(crate) spool_bytes: u64,
}

impl Default for Tap<'_> {
    fn default() -> Self {
        Self { queue: "null:", admin: None, spool_bytes: 1 << 30 }
    }
}

impl Tap<'_> {
    pub(crate) fn command(
        &self,
        setting: &Setting,
        primary: u16,
        port: u16,
        workers: &str,
    ) -> anyhow::Result<Vec<String>> {
        let config = written(
            setting,
            &format!("tap-{port}.toml"),
            &format!(
                "[tap]\nworkers = {workers}\nwrites = true\n\
                 [queue]\nprefix = \"bench{port}\"\nmax_bytes = 8589934592\nspool_max_bytes = {}\n",
                self.spool_bytes
            ),
        )?;
        let at = |name: &str| setting.folder.join(name).display().to_string();
        let mut command = vec![
            setting.understudy.display().to_string(),
            "tap".into(),
            format!("--queue={}", self.queue),
            format!("--primary=http://127.0.0.1:{primary}"),
            format!("--listen=127.0.0.1:{port}"),
            format!("--key-file={}", at("key")),
            format!("--spool={}", at(&format!("spool-{port}"))),
            format!("--config={}", config.display()),
        ];
        command.extend(self.admin.map(|admin| format!("--admin=127.0.0.1:{admin}")));
        Ok(command)
    }
}

fn written(setting: &Setting, name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let file = setting.folder.join(name);
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

fn nginx(setting: &Setting, port: u16, workers: &str, mirror: &str) -> anyhow::Result<Vec<String>> {
    let at = setting.folder.join(format!("nginx-{port}")).display().to_string();
    fs::create_dir_all(&at)?;
    let (primary, shadow) = (setting.primary, setting.shadow);
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {at}/{kind};"))
        .collect();
    let text = format!(
        "daemon off; worker_processes {workers}; pid {at}/pid; error_log {at}/err;
         worker_rlimit_nofile 16384; events {{ worker_connections 8192; }}
         http {{ access_log off; keepalive_timeout 300; keepalive_requests 1000000000;
           client_body_buffer_size 256k; {temporary}
           upstream primary {{ server 127.0.0.1:{primary}; keepalive 512; keepalive_requests 1000000000; }}
           upstream shadow {{ server 127.0.0.1:{shadow}; keepalive 512; keepalive_requests 1000000000; }}
           proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $http_host;
           proxy_max_temp_file_size 0;
           server {{ listen 127.0.0.1:{port} backlog=4096 reuseport;
             location / {{ {mirror} proxy_pass http://primary; }}
             location = /_mirror {{ internal; proxy_pass http://shadow$request_uri; }} }} }}"
    );
    let file = written(setting, &format!("nginx-{port}.conf"), &text)?;
    Ok(["/usr/sbin/nginx", "-c", &file.display().to_string()].map(String::from).into())
}

fn haproxy(setting: &Setting, port: u16, workers: &str) -> anyhow::Result<Vec<String>> {
    let primary = setting.primary;
    let text = format!(
        "global\n  maxconn 8192\n  nbthread {workers}\n\
         defaults\n  mode http\n  timeout connect 5s\n  timeout client 300s\n  timeout server 300s\n  \
         timeout http-keep-alive 300s\n  http-reuse always\n\
         frontend clients\n  bind 127.0.0.1:{port} backlog 4096\n  default_backend primary\n\
         backend primary\n  server primary 127.0.0.1:{primary} pool-max-conn -1\n"
    );
    let file = written(setting, &format!("haproxy-{port}.cfg"), &text)?;
    Ok(["/usr/sbin/haproxy", "-db", "-f", &file.display().to_string()].map(String::from).into())
}

const MIRROR: &str = "request_mirror_policies: [{cluster: shadow, runtime_fraction: {default_value: {numerator: 100}}}]";

fn envoy(setting: &Setting, port: u16, workers: &str, mirror: &str) -> anyhow::Result<Vec<String>> {
    let cluster = |name: &str, port: u16| {
        format!(
            "  - name: {name}
    type: STATIC
    connect_timeout: 5s
    circuit_breakers: {{thresholds: [{{max_connections: 4096, max_pending_requests: 8192, max_requests: 8192}}]}}
    load_assignment: {{cluster_name: {name}, endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}}}]}}]}}\n"
        )
    };
    let clusters = cluster("primary", setting.primary) + &cluster("shadow", setting.shadow);
    let api = "type.googleapis.com/envoy.extensions.filters";
    let text = format!(
        "static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": {api}.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          codec_type: HTTP1
          generate_request_id: false
          route_config:
            virtual_hosts:
            - name: all
              domains: [\"*\"]
              routes:
              - match: {{prefix: \"/\"}}
                route:
                  cluster: primary
                  {mirror}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{\"@type\": {api}.http.router.v3.Router}}
  clusters:
{clusters}"
    );
    let file = written(setting, &format!("envoy-{port}.yaml"), &text)?;
    let program = setting.envoy.as_ref().context("Envoy is not there")?;
    let (program, file) = (program.display().to_string(), file.display().to_string());
    let words =
        [&program, "-c", &file, "--concurrency", workers, "--disable-hot-restart", "-l", "error"];
    Ok(words.map(String::from).into())
}
