//! Commands to every process, over a fanout exchange; each listens on a queue of its own that
//! the broker removes with the connection.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt as _;
use lapin::{
    BasicProperties,
    options::{BasicConsumeOptions, BasicPublishOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use super::{dial::Session, link::Link, topology::Topology};

/// Commands that a slow listener may be behind before it misses some.
pub(super) const BACKLOG: usize = 256;
const PAUSE: Duration = Duration::from_millis(200);

/// Whether it was handed to the connection.
pub(super) async fn send(session: &Session, topology: &Topology, command: &[u8]) -> bool {
    let Some(channel) = session.commands() else { return false };
    let (exchange, options) = (topology.commands(), BasicPublishOptions::default());
    let properties = BasicProperties::default();
    channel.basic_publish(exchange.into(), "".into(), options, command, properties).await.is_ok()
}

/// Tells `events` what comes until `stop`; the answer is true once the broker knows the queue.
pub(super) fn listen(
    link: Arc<Link>,
    topology: Arc<Topology>,
    events: broadcast::Sender<Bytes>,
    stop: CancellationToken,
) -> watch::Receiver<bool> {
    let (tell, listening) = watch::channel(false);
    tokio::spawn(async move {
        let listen = async {
            while let Some(session) = link.session().await {
                let attended = attend(&session, &topology, &events, &tell);
                if let Some(Err(error)) = session.while_alive(attended).await {
                    tracing::debug!(%error, "commands cannot be heard yet");
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = listen => {}
        }
    });
    listening
}

/// Until the channel ends.
async fn attend(
    session: &Session,
    topology: &Topology,
    events: &broadcast::Sender<Bytes>,
    tell: &watch::Sender<bool>,
) -> lapin::Result<()> {
    let channel = session.connection.create_channel().await?;
    topology.declare_commands(&channel).await?;
    let own = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
    let queue = channel.queue_declare("".into(), own, FieldTable::default()).await?;
    let (name, exchange) = (queue.name().clone(), topology.commands());
    let options = QueueBindOptions::default();
    channel
        .queue_bind(name.clone(), exchange.into(), "".into(), options, FieldTable::default())
        .await?;
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut commands =
        channel.basic_consume(name, "".into(), options, FieldTable::default()).await?;
    tell.send_replace(true);
    while let Some(command) = commands.next().await {
        let _ = events.send(Bytes::from(command?.data));
    }
    Ok(())
}
