//! From a URL to a connection that is ready for use.

use std::{sync::Arc, time::Duration};

use lapin::{
    Channel, Connection, ConnectionProperties, ErrorKind,
    options::ConfirmSelectOptions,
    uri::{AMQPScheme, AMQPUri},
};

use super::topology::Topology;
use crate::{Lane, QueueError, QueueUrl};

const CONNECT_WITHIN: Duration = Duration::from_secs(4);
const DECLARE_WITHIN: Duration = Duration::from_secs(30);
/// A dead peer is noticed after two of these.
const HEARTBEAT_SECONDS: u16 = 10;
/// Its end is noticed at the latest after this.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(250);
const ACCESS_REFUSED: u16 = 403;

/// What is needed to connect. Holds credentials: no `Debug`.
#[derive(Clone)]
pub(super) struct Dial {
    uri: AMQPUri,
    topology: Arc<Topology>,
    publishes: bool,
}

/// A connection with the channels that live as long as it.
pub(super) struct Session {
    pub(super) connection: Connection,
    publish: Option<PublishChannels>,
}

struct PublishChannels {
    exchanges: Channel,
    pairs: Channel,
    commands: Channel,
}

impl Dial {
    pub(super) fn new(url: &QueueUrl, topology: Arc<Topology>) -> Result<Self, QueueError> {
        let QueueUrl::Amqp(text) = url else {
            return Err(topology.unreachable("this is no URL of a broker"));
        };
        let mut uri: AMQPUri = text.parse().map_err(|_| {
            topology.unreachable("the URL cannot be read; write amqp://USER:PASSWORD@HOST/VHOST")
        })?;
        if uri.vhost.is_empty() {
            // `amqp://host/` by the letter means a virtual host without a name; nobody has one.
            "/".clone_into(&mut uri.vhost);
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        uri.query.connection_timeout.get_or_insert(CONNECT_WITHIN.as_millis() as u64);
        Ok(Self { uri, topology, publishes: false })
    }

    /// Its sessions publish; they also declare the topology.
    pub(super) fn for_publishing(&self) -> Self {
        Self { publishes: true, ..self.clone() }
    }

    pub(super) fn for_consuming(&self) -> Self {
        Self { publishes: false, ..self.clone() }
    }

    pub(super) fn shown_url(&self) -> &str {
        &self.topology.shown_url
    }

    pub(super) fn role(&self) -> &'static str {
        if self.publishes { "publishing" } else { "consuming" }
    }

    /// One attempt.
    pub(super) async fn session(&self) -> Result<Session, QueueError> {
        let name = format!("{} {}", self.topology.prefix, self.role());
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connecting = Connection::connect_uri(self.uri.clone(), properties);
        let connection = tokio::time::timeout(CONNECT_WITHIN, connecting)
            .await
            .map_err(|_| {
                let seconds = CONNECT_WITHIN.as_secs();
                self.topology.unreachable(&format!("no answer within {seconds} s"))
            })?
            .map_err(|error| self.topology.unreachable(&self.why(&error)))?;
        let mut session = Session { connection, publish: None };
        if self.publishes {
            let prepared = tokio::time::timeout(DECLARE_WITHIN, self.prepare(&session.connection));
            let channels = prepared.await.map_err(|_| {
                self.topology.unreachable("it does not answer to the declaration of the queues")
            })??;
            session.publish = Some(channels);
        }
        Ok(session)
    }

    async fn prepare(&self, connection: &Connection) -> Result<PublishChannels, QueueError> {
        self.topology.declare(connection).await?;
        let failed = |error| self.topology.unreachable(&self.why(&error));
        let confirming = async || {
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            Ok(channel)
        };
        Ok(PublishChannels {
            exchanges: confirming().await.map_err(failed)?,
            pairs: confirming().await.map_err(failed)?,
            commands: connection.create_channel().await.map_err(failed)?,
        })
    }

    /// In words for people.
    fn why(&self, error: &lapin::Error) -> String {
        match error.kind() {
            ErrorKind::IOError(error) => {
                let hint = match self.uri.scheme {
                    AMQPScheme::AMQP => "",
                    AMQPScheme::AMQPS => " (over TLS)",
                };
                format!("{error}{hint}")
            }
            ErrorKind::ProtocolError(error) if error.get_id() == ACCESS_REFUSED => {
                "it refuses the user or the password".to_owned()
            }
            ErrorKind::ProtocolError(error) => error.get_message().to_string(),
            _ => error.to_string(),
        }
    }
}

impl Session {
    pub(super) fn channel(&self, lane: Lane) -> Option<&Channel> {
        self.publish.as_ref().map(|channels| match lane {
            Lane::Exchanges => &channels.exchanges,
            Lane::Pairs => &channels.pairs,
        })
    }

    pub(super) fn commands(&self) -> Option<&Channel> {
        self.publish.as_ref().map(|channels| &channels.commands)
    }

    /// The broker asked publishers to wait.
    pub(super) fn blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// What is awaited of the connection, or `None` once it has ended: an answer that was under way
    /// at that moment may never come.
    pub(super) async fn while_alive<T>(&self, awaited: impl Future<Output = T>) -> Option<T> {
        let ended = async {
            while self.alive() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            biased;
            told = awaited => Some(told),
            () = ended => None,
        }
    }

    /// Connection and channels work.
    pub(super) fn alive(&self) -> bool {
        let channels = self.publish.iter().flat_map(|c| [&c.exchanges, &c.pairs, &c.commands]);
        self.connection.status().connected()
            && channels.into_iter().all(|channel| channel.status().connected())
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("alive", &self.alive()).finish_non_exhaustive()
    }
}
