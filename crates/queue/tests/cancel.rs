//! Waiting for a message can be given up at any moment.

use std::time::Duration;

use queue::{Lane, Queue, QueueConfig, QueueUrl};

#[tokio::test]
async fn a_wait_given_up_costs_neither_order_nor_a_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let config = QueueConfig {
        url: QueueUrl::Disk(folder.path().to_owned()),
        partitions: 1,
        prefix: "understudy".to_owned(),
        max_bytes: 1 << 20,
        confirm_timeout: Duration::from_secs(5),
    };
    let queue = Queue::open(config).await.unwrap();
    for number in 0..200_u8 {
        queue.producer(Lane::Exchanges).publish(0, vec![number].into()).await.unwrap();
    }
    let mut consumer = queue.consumer(Lane::Exchanges, 64).await.unwrap();
    let mut taken = Vec::new();
    while taken.len() < 200 {
        tokio::select! {
            biased;
            delivery = consumer.next() => {
                let delivery = delivery.unwrap();
                assert_eq!(delivery.deliveries, 1);
                taken.extend_from_slice(&delivery.payload);
                delivery.ack().await;
            }
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(taken, (0..200).collect::<Vec<u8>>());
    queue.close().await;
}
