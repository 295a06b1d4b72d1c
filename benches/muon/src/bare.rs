//! What a broker does without Muon: messages of as many bytes, each confirmed.

use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};

use crate::Failure;
use crate::side::repeat;

/// Messages a second of all tasks together, over one connection and one channel.
pub(crate) async fn confirmed(url: &str, bytes: usize, time: Duration) -> Result<f64, Failure> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let options =
        QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare("".into(), options, FieldTable::default()).await?.name().clone();
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let publishing = channel.clone();
    let rate = repeat(time, move |_| {
        let (channel, queue) = (publishing.clone(), queue.clone());
        async move {
            let body = vec![b'x'; bytes];
            let properties = BasicProperties::default().with_delivery_mode(1);
            let options = BasicPublishOptions::default();
            channel.basic_publish("".into(), queue, options, &body, properties).await?.await?;
            Ok(())
        }
    })
    .await;
    connection.close(200, "done".into()).await?;
    rate
}
