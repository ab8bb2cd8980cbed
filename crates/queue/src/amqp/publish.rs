//! One message to one queue, confirmed.

use std::time::Duration;

use lapin::{BasicProperties, Confirmation, options::BasicPublishOptions};

use super::dial::Session;
use crate::{Lane, PublishError};

const PERSISTENT: u8 = 2;

pub(super) async fn publish(
    session: &Session,
    lane: Lane,
    queue: &str,
    payload: &[u8],
    within: Duration,
) -> Result<(), PublishError> {
    if session.blocked() {
        return Err(PublishError::Blocked);
    }
    let channel = session.channel(lane).ok_or(PublishError::Disconnected)?;
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
    let confirmed = async {
        channel.basic_publish("".into(), queue.into(), options, payload, properties).await?.await
    };
    match tokio::time::timeout(within, confirmed).await {
        Err(_) => Err(PublishError::Unconfirmed),
        Ok(Err(error)) => {
            tracing::debug!(queue, %error, "a message was not published");
            Err(PublishError::Disconnected)
        }
        Ok(Ok(Confirmation::Ack(None))) => Ok(()),
        Ok(Ok(Confirmation::Ack(Some(returned)))) => {
            Err(PublishError::Refused(format!("{queue}: {}", returned.reply_text)))
        }
        Ok(Ok(Confirmation::Nack(_))) => Err(PublishError::Full),
        Ok(Ok(Confirmation::NotRequested)) => {
            Err(PublishError::Refused(format!("{queue}: the channel does not confirm")))
        }
    }
}
