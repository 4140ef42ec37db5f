//! Accepts connections until it is told to stop; then everyone gets what is left, to a deadline.

use crate::chat::{Chat, Options};
use crate::connection;
use crate::partition::Partition;
use oyez::PartitionId;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// A chat and its partitions' tasks.
pub struct Server {
    pub chat: Arc<Chat>,
    partitions: JoinSet<()>,
}

impl Server {
    /// Starts the partitions.
    ///
    /// # Panics
    ///
    /// Without a partition, or outside of a runtime.
    pub fn new(options: Options) -> Self {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..options.partitions).map(|_| mpsc::unbounded_channel()).unzip();
        let chat = Arc::new(Chat::new(options, senders));
        let mut partitions = JoinSet::new();
        for (partition, orders) in (0..).map(PartitionId).zip(receivers) {
            let worker = chat.fanout.worker(partition).expect("each is asked for once");
            partitions.spawn(Partition::new(Arc::clone(&chat), worker, orders).run());
        }
        Server { chat, partitions }
    }

    /// Serves clients until `stop` is done and the rest is delivered, or the time for that is up. Returns how many
    /// events were not delivered: those of members without a connection, and of members too slow.
    pub async fn run(mut self, listener: TcpListener, stop: impl Future<Output = ()>) -> u64 {
        let mut stop = pin!(stop);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection::serve(Arc::clone(&self.chat), stream));
                    }
                    // There are too many, or this one was gone at once. The others go on.
                    Err(_) => sleep(Duration::from_millis(50)).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
        drop(listener);
        self.chat.fanout.close();
        self.chat.closing.send_replace(true);
        let _ = timeout(self.chat.options.closing_for, wait_for_all(&mut self.partitions)).await;
        // A partition that has ended has let go of its connections, and they end when they have written the rest.
        self.partitions.shutdown().await;
        let _ = timeout(self.chat.options.closing_for, wait_for_all(&mut connections)).await;
        connections.shutdown().await;
        self.chat.fanout.stats().accounting().pending
    }
}

async fn wait_for_all(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}
