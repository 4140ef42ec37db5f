//! The task that owns a partition's [`Worker`], and knows which connection each of its sessions has.
//!
//! **Connections change between drains, never during one.** A batch is handed to whatever connection its session has;
//! if a session could resume while the worker has a batch of it in hand, the new connection would get that batch, and
//! then, as not acknowledged, get it again. So connections do not park and resume their sessions themselves: they send
//! an [`Order`], and the same task that drains carries it out.
//!
//! **No wake-up is lost.** The callback takes as much of a batch as the connection's channel has room for. When it took
//! less, the channel was full at that moment, so its connection takes something out later, and says writable after it.

use crate::chat::{Chat, Member, Refusal};
use crate::protocol::Delivery;
use oyez::{AcknowledgeError, Readiness, Resumed, Sequence, SessionId, Took, Worker};
use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// Sessions that one drain serves, before orders are looked at.
const SESSIONS_A_DRAIN: usize = 256;

/// Where a partition takes its orders. Without a bound, so that [`Seat`] can give one when it is dropped; a connection
/// has two at most under way.
pub type Orders = mpsc::UnboundedSender<Order>;

/// What a partition is asked to do between drains.
pub enum Order {
    /// From now on the member's events go to this connection, from the one behind `acknowledged` on.
    Attach {
        member: Arc<Member>,
        connection: Connection,
        acknowledged: Sequence,
        answer: oneshot::Sender<Result<Resumed, AcknowledgeError>>,
    },
    /// The connection is gone. It may not be the session's any more.
    Detach { session: SessionId, connection: u64 },
    /// Time is up for a session that was parked, if it has not come back.
    Expire { session: SessionId },
}

/// Where a session's events go.
pub struct Connection {
    /// Tells it from others that the session has had.
    number: u64,
    deliveries: mpsc::Sender<Delivery>,
}

/// A connection's hold on its member: what comes for it; dropping it parks the session.
pub struct Seat {
    pub member: Arc<Member>,
    /// Ends when the member has another connection, or the chat closes.
    pub deliveries: mpsc::Receiver<Delivery>,
    connection: u64,
    orders: Orders,
}

impl Seat {
    /// Takes the member over from the connection it had, if any.
    pub async fn take(chat: &Chat, member: Arc<Member>, acknowledged: Sequence) -> Result<(Self, Resumed), Refusal> {
        static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
        let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let (sender, deliveries) = mpsc::channel(chat.options.events_per_connection_max);
        let (answer, answered) = oneshot::channel();
        let connection = Connection { number, deliveries: sender };
        let orders = chat.partitions[usize::from(member.partition.0)].clone();
        let attach = Order::Attach { member: Arc::clone(&member), connection, acknowledged, answer };
        orders.send(attach).map_err(|_| Refusal::Closing)?;
        // From here on, whatever happens, the session is parked again.
        let seat = Seat { member, deliveries, connection: number, orders };
        let resumed = answered.await.map_err(|_| Refusal::Closing)??;
        Ok((seat, resumed))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // When the partition has ended, there is nothing to park.
        let _ = self.orders.send(Order::Detach { session: self.member.session, connection: self.connection });
    }
}

/// A partition's task.
pub struct Partition {
    chat: Arc<Chat>,
    worker: Worker,
    orders: mpsc::UnboundedReceiver<Order>,
    sessions: HashMap<SessionId, Session>,
}

/// What the partition knows of a session.
struct Session {
    member: Arc<Member>,
    place: Place,
}

enum Place {
    At(Connection),
    Parked { until: Instant },
}

impl Partition {
    pub fn new(chat: Arc<Chat>, worker: Worker, orders: mpsc::UnboundedReceiver<Order>) -> Self {
        Partition { chat, worker, orders, sessions: HashMap::new() }
    }

    /// Serves the partition until the chat closes and everyone with a connection has been handed all there was.
    pub async fn run(mut self) {
        let mut closing = self.chat.closing.subscribe();
        loop {
            tokio::select! {
                Some(order) = self.orders.recv() => self.carry_out(order),
                readiness = poll_fn(|context| self.worker.poll_ready(context)) => {
                    if readiness == Readiness::Ready {
                        self.drain();
                    }
                    // Under load the worker is ready again at once, and others have to run.
                    tokio::task::yield_now().await;
                }
                Ok(()) = closing.changed() => {}
            }
            if *closing.borrow() && self.has_handed_over_all() {
                return;
            }
        }
    }

    fn drain(&mut self) {
        let sessions = &self.sessions;
        let drained = self.worker.drain(SESSIONS_A_DRAIN, |session, batch| match sessions.get(&session) {
            Some(Session { place: Place::At(connection), .. }) => {
                Took(batch.iter().take_while(|&item| connection.deliveries.try_send(item.into()).is_ok()).count())
            }
            _ => Took::NONE,
        });
        drained.resume_panics();
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Attach { member, connection, acknowledged, answer } => {
                let session = member.session;
                let resumed = self.chat.fanout.resume(session, acknowledged);
                if resumed.is_ok() {
                    // The connection it may have had loses its sender, and ends.
                    self.sessions.insert(session, Session { member, place: Place::At(connection) });
                }
                // If it does not wait for the answer, it is gone, and its seat says so.
                let _ = answer.send(resumed);
            }
            Order::Detach { session, connection } => self.detach(session, connection),
            Order::Expire { session } => self.expire(session),
        }
    }

    fn detach(&mut self, session: SessionId, connection: u64) {
        if let Some(Session { member, place }) = self.sessions.get_mut(&session)
            && matches!(place, Place::At(now) if now.number == connection)
        {
            // Connected: only `expire` ends a session.
            let _ = self.chat.fanout.park(session);
            let until = Instant::now() + self.chat.options.parked_for;
            *place = Place::Parked { until };
            let orders = self.chat.partitions[usize::from(member.partition.0)].clone();
            tokio::spawn(async move {
                sleep_until(until).await;
                // The partition may have ended meanwhile.
                let _ = orders.send(Order::Expire { session });
            });
        }
    }

    fn expire(&mut self, session: SessionId) {
        let Some(Session { member, place: Place::Parked { until } }) = self.sessions.get(&session) else { return };
        if *until <= Instant::now() {
            self.chat.forget(member);
            self.sessions.remove(&session);
        }
    }

    /// Whether nothing waits for a session that has a connection.
    fn has_handed_over_all(&self) -> bool {
        self.sessions
            .iter()
            .filter(|(_, session)| matches!(session.place, Place::At(_)))
            .all(|(&session, _)| self.chat.fanout.accounting(session).is_ok_and(|accounting| accounting.pending == 0))
    }
}
