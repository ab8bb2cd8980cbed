//! After an upgrade that was asked for and granted: raw bytes both ways, uncopied.

use tokio::io::{AsyncWriteExt as _, copy};

use super::{connect::Upstream, serve::Client};

/// Runs until both directions have ended, or one has failed.
pub(super) async fn run(client: Client, upstream: Upstream) {
    let Client { mut reader, mut writer, input, .. } = client;
    let Upstream { reader: mut up_reader, writer: mut up_writer, input: up_input, .. } = upstream;
    let to_primary = async {
        up_writer.write_both(input.data(), &[]).await?;
        drop(input);
        copy(&mut reader, &mut up_writer).await?;
        up_writer.shutdown().await
    };
    let to_client = async {
        writer.write_both(up_input.data(), &[]).await?;
        drop(up_input);
        copy(&mut up_reader, &mut writer).await?;
        writer.shutdown().await
    };
    if let Err(error) = futures_util::future::try_join(to_primary, to_client).await {
        tracing::debug!(%error, "An upgraded connection broke off");
    }
}
