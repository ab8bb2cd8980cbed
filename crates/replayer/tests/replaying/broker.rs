//! What depends on how messages come back, over RabbitMQ (`UNDERSTUDY_TEST_AMQP_URL`).

use queue::QueueUrl;

use crate::{faults, scene::Scene, writes};

#[tokio::test(flavor = "multi_thread")]
async fn over_the_broker_messages_are_given_back_and_nothing_is_done_twice() {
    let Some(broker) = Broker::of_this_machine() else { return };
    let scene = broker.scene().await;
    broker.clean_after(async move { faults::give_back(&scene).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_broker_an_outage_costs_one_delivery_however_long() {
    let Some(broker) = Broker::of_this_machine() else { return };
    let scene = broker.scene().await;
    broker.clean_after(async move { faults::stand_long(&scene).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_broker_no_write_is_sent_twice_and_every_number_is_settled() {
    let Some(broker) = Broker::of_this_machine() else { return };
    let scene = broker.scene().await;
    broker.clean_after(async move { writes::kill_often(&scene).await }).await;
}

struct Broker {
    url: String,
    prefix: String,
}

impl Broker {
    fn of_this_machine() -> Option<Self> {
        let Ok(url) = std::env::var("UNDERSTUDY_TEST_AMQP_URL") else {
            println!("skipped: UNDERSTUDY_TEST_AMQP_URL is not set");
            return None;
        };
        Some(Self { url, prefix: format!("test-replayer-{}", uuid::Uuid::new_v4().as_simple()) })
    }

    async fn scene(&self) -> Scene {
        let url: QueueUrl = self.url.parse().unwrap();
        Scene::open_over(tempfile::tempdir().unwrap(), url, &self.prefix).await
    }

    /// Runs a test and removes what it left, however it ends.
    async fn clean_after(&self, test: impl Future<Output = ()> + Send + 'static) {
        let ended = tokio::spawn(test).await;
        self.clean().await;
        ended.unwrap();
    }

    async fn clean(&self) {
        let connection = lapin::Connection::connect(&self.url, Default::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        for lane in ["exchanges", "pairs"] {
            let queue = format!("{}.{lane}.v1.0", self.prefix);
            channel.queue_delete(queue.into(), Default::default()).await.unwrap();
            let dead = format!("{}.dead.{lane}.v1", self.prefix);
            channel.queue_delete(dead.as_str().into(), Default::default()).await.unwrap();
            channel.exchange_delete(dead.into(), Default::default()).await.unwrap();
        }
        let control = format!("{}.control.v1", self.prefix);
        channel.exchange_delete(control.into(), Default::default()).await.unwrap();
        connection.close(200, "done".into()).await.unwrap();
    }
}
