//! The chat with real sockets: a crowd in which connections break and clients are slow, and the dialogues one by one.

mod client;

use crate::chat::{Chat, Options};
use crate::protocol::FRAME_MAX;
use crate::server::Server;
use client::{Client, Diary, Told};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::sync::{Barrier, mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};

/// Longer than a client waits before it complains.
const NEVER: Duration = client::QUIET.saturating_mul(2);

/// A server on a port of its own.
struct Running {
    address: SocketAddr,
    chat: Arc<Chat>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<u64>,
}

impl Running {
    fn start(options: Options) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(16 << 10).unwrap(); // that of each connection, too
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1024).unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::new(options);
        let chat = Arc::clone(&server.chat);
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(server.run(listener, async { drop(stopped.await) }));
        Running { address, chat, stop, ended }
    }

    /// Ends the server; how many events it could not deliver.
    async fn stop(self) -> u64 {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap()
    }
}

/// Waits for everyone, however slow the machine is.
fn patient() -> Options {
    let long = NEVER * 2;
    Options { greeting_for: long, parked_for: long, stuck_for: long, closing_for: long, ..Options::default() }
}

// ------------------------------------------------------------------------------------------------------- the crowd

const ROOMS: usize = 10;
/// In each room.
const TALKERS: usize = 4;
const BREAKERS: usize = 10;
const LISTENERS: usize = 8;
const LATECOMERS: usize = 8;
/// In the room of the slow.
const STUCK: usize = 8;
const SILENT: usize = 6;

/// What each talker says.
const TEXTS: usize = 25;
const TEXTS_TO_SLOW: usize = 400;

/// Nobody in an ordinary room has so many events to get: there, nothing gives way to anything.
const QUEUE: usize = 512;
const WINDOW: usize = 128;

const SLOW: &str = "slow";

/// What all in the crowd share.
#[derive(Clone)]
struct Crowd {
    address: SocketAddr,
    /// Who has joined its rooms, and which talkers are done, is told here.
    progress: mpsc::UnboundedSender<&'static str>,
    /// Passed by those who are there before the talk begins.
    start: Arc<Barrier>,
    /// True when the slow may go on.
    wake: watch::Receiver<bool>,
}

impl Crowd {
    async fn enter(&self, nick: &str, rooms: &[String]) -> Client {
        let mut client = Client::enter(self.address, nick).await;
        for room in rooms {
            client.join(room).await;
        }
        self.progress.send("joined").unwrap();
        client
    }

    /// Listens until everything has been said in all of its rooms. The connection breaks each time so many lines have
    /// been heard; every other time the client remembers only what it had acknowledged.
    async fn listen(&self, mut client: Client, breaks: &[usize]) -> Diary {
        let mut breaks = breaks.iter().enumerate().peekable();
        while !client.diary.joined.keys().all(|room| client.diary.has_heard(&end_of(room))) {
            client.hear().await.unwrap_or_else(|| panic!("{} was closed", client.diary.nick));
            client.acknowledge(16).await;
            if let Some((nth, _)) = breaks.next_if(|&(_, &at)| client.diary.told.len() >= at) {
                let (mut diary, address) = client.vanish();
                if nth % 2 == 1 {
                    diary.forget_unacknowledged();
                }
                sleep(Duration::from_millis(nth as u64 % 3 * 20)).await; // sooner than it is missed, or later
                client = diary.resume(address).await;
            }
        }
        assert!(breaks.peek().is_none(), "{} was to break more often", client.diary.nick);
        client.acknowledge(1).await;
        client.diary
    }

    /// Says so many texts, a few at a time, and waits for its own words before it goes on.
    async fn talk(&self, client: &mut Client, room: &str, texts: usize, length: usize) {
        let nick = client.diary.nick.clone();
        for chunk in (0..texts).collect::<Vec<_>>().chunks(8) {
            for number in chunk {
                client.say(&format!("say {room} {}", text(*number, length))).await;
            }
            let last = *chunk.last().unwrap();
            client.hear_line(&format!("msg {room} {nick} {}", text(last, length))).await;
            client.acknowledge(16).await;
        }
        self.progress.send("talked").unwrap();
    }

    async fn talker(self, nick: String, room: String, texts: usize, length: usize) -> Diary {
        let mut client = self.enter(&nick, std::slice::from_ref(&room)).await;
        self.start.wait().await;
        self.talk(&mut client, &room, texts, length).await;
        self.listen(client, &[]).await
    }

    async fn listener(self, nick: String, rooms: Vec<String>, breaks: Vec<usize>) -> Diary {
        let client = self.enter(&nick, &rooms).await;
        self.start.wait().await;
        self.listen(client, &breaks).await
    }

    /// Joins amid the talk.
    async fn latecomer(self, nick: String, rooms: Vec<String>) -> Diary {
        self.start.wait().await;
        let client = self.enter(&nick, &rooms).await;
        self.listen(client, &[]).await
    }

    /// Does not read until it is woken; every other one then vanishes with all that it has not read, and comes back.
    async fn stuck(mut self, number: usize) -> Diary {
        let mut client = self.enter(&format!("stuck-{number}"), &[SLOW.to_owned()]).await;
        self.start.wait().await;
        self.wake.wait_for(|&wake| wake).await.unwrap();
        if number.is_multiple_of(2) {
            let (diary, address) = client.vanish();
            client = diary.resume(address).await;
        }
        self.listen(client, &[]).await
    }

    /// Reads, and acknowledges nothing until it is woken.
    async fn silent(mut self, number: usize) -> Diary {
        let mut client = self.enter(&format!("silent-{number}"), &[SLOW.to_owned()]).await;
        self.start.wait().await;
        loop {
            tokio::select! {
                heard = client.hear() => drop(heard.expect("not closed")),
                _ = self.wake.wait_for(|&wake| wake) => break,
            }
        }
        client.acknowledge(1).await;
        self.listen(client, &[]).await
    }
}

fn text(number: usize, length: usize) -> String {
    format!("{number}{}", ".".repeat(length))
}

/// The last line of a room.
fn end_of(room: &str) -> String {
    format!("msg {room} crier end")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_misses_or_repeats_a_message_whatever_becomes_of_the_connections() {
    let options = Options {
        partitions: 3,
        window: WINDOW,
        events_per_member_max: QUEUE,
        events_per_connection_max: 8,
        ..patient()
    };
    let running = Running::start(options);
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let crowd = crowd(&running, Arc::clone(&heard));
    if timeout(NEVER, crowd).await.is_err() {
        let done = heard.lock().unwrap().len();
        panic!("after {NEVER:?} {done} clients have heard all; server: {:#?}", running.chat.fanout.stats());
    }
    let diaries = std::mem::take(&mut *heard.lock().unwrap());
    assert_eq!(diaries.len(), ROOMS * (TALKERS + BREAKERS + LISTENERS + LATECOMERS) + 2 + STUCK + SILENT);
    check(&diaries);

    running.chat.fanout.validate().unwrap();
    let stats = running.chat.fanout.stats();
    let accounting = stats.accounting();
    assert!(accounting.balances() && accounting.dropped > 0 && accounting.abandoned == 0, "{accounting:?}");
    assert_eq!(stats.refused(), 0);
}

/// Sends the whole crowd, and collects what each was told.
async fn crowd(running: &Running, heard: Arc<std::sync::Mutex<Vec<Diary>>>) {
    let early = ROOMS * (TALKERS + BREAKERS + LISTENERS) + 2 + STUCK + SILENT;
    let late = ROOMS * LATECOMERS;
    let (progress, mut progressed) = mpsc::unbounded_channel();
    let (wake, woken) = watch::channel(false);
    let crowd = Crowd { address: running.address, progress, start: Arc::new(Barrier::new(early + late)), wake: woken };
    let mut clients = JoinSet::new();
    for room in 0..ROOMS {
        let (name, next) = (format!("room-{room}"), format!("room-{}", (room + 1) % ROOMS));
        for number in 0..TALKERS {
            clients.spawn(crowd.clone().talker(format!("talker-{room}-{number}"), name.clone(), TEXTS, 20));
        }
        for number in 0..BREAKERS {
            // Some break off again as soon as they are back.
            let breaks = [12 + number, 30 + number, 31 + number, 70];
            let nick = format!("breaker-{room}-{number}");
            clients.spawn(crowd.clone().listener(nick, vec![name.clone()], breaks.to_vec()));
        }
        for number in 0..LISTENERS {
            let rooms = vec![name.clone(), next.clone()];
            let breaks = if number % 2 == 0 { vec![50] } else { Vec::new() };
            clients.spawn(crowd.clone().listener(format!("listener-{room}-{number}"), rooms, breaks));
        }
        for number in 0..LATECOMERS {
            clients.spawn(crowd.clone().latecomer(format!("latecomer-{room}-{number}"), vec![name.clone()]));
        }
    }
    for number in 0..2 {
        let nick = format!("talker-slow-{number}");
        clients.spawn(crowd.clone().talker(nick, SLOW.to_owned(), TEXTS_TO_SLOW, 2_000));
    }
    for number in 0..STUCK {
        clients.spawn(crowd.clone().stuck(number));
    }
    for number in 0..SILENT {
        clients.spawn(crowd.clone().silent(number));
    }

    // All are there, and all is said; those who do not read are not read to.
    let (mut joined, mut talked) = (0, 0);
    while (joined, talked) != (early + late, ROOMS * TALKERS + 2) {
        tokio::select! {
            Some(what) = progressed.recv() => match what {
                "joined" => joined += 1,
                _ => talked += 1,
            },
            Some(diary) = clients.join_next() => panic!("{:?} ended too early", diary.unwrap().nick),
        }
    }
    while running.chat.fanout.stats().lagging() < STUCK {
        sleep(Duration::from_millis(5)).await;
    }
    wake.send_replace(true);

    let mut crier = Client::enter(running.address, "crier").await;
    for room in (0..ROOMS).map(|room| format!("room-{room}")).chain([SLOW.to_owned()]) {
        crier.join(&room).await;
        crier.say(&format!("say {room} end")).await;
        crier.hear_line(&end_of(&room)).await;
        crier.acknowledge(1).await;
    }
    while let Some(diary) = clients.join_next().await {
        heard.lock().unwrap().push(diary.unwrap());
    }
}

/// Whether everyone was told what it had to be told, once and in order.
fn check(diaries: &[Diary]) {
    // What was published is what somebody was told...
    let mut published: BTreeMap<u64, (&str, &str)> = BTreeMap::new();
    for diary in diaries {
        for told in &diary.told {
            let Told::Event { sequence, room, line } = told else { continue };
            let before = published.insert(*sequence, (room, line));
            assert!(before.is_none_or(|before| before == (room, line)), "{sequence} is {before:?} and {line}");
        }
    }
    // ... and that is what was said, once each, in everyone's order, and everyone's coming.
    let mut lines: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for &(room, line) in published.values() {
        lines.entry(room).or_default().push(line);
    }
    for (room, lines) in &lines {
        for diary in diaries.iter().filter(|diary| diary.nick.starts_with("talker") && diary.joined.contains_key(*room))
        {
            let (texts, length) = if *room == SLOW { (TEXTS_TO_SLOW, 2_000) } else { (TEXTS, 20) };
            let start = format!("msg {room} {} ", diary.nick);
            let heard = lines.iter().filter_map(|line| line.strip_prefix(start.as_str()));
            assert!(heard.eq((0..texts).map(|number| text(number, length))), "{start}: not as it was said");
        }
        let members = diaries.iter().filter(|diary| diary.joined.contains_key(*room)).count() + 1; // the crier
        let start = format!("here {room} ");
        let counts = lines.iter().filter_map(|line| line.strip_prefix(start.as_str()));
        assert!(counts.eq((1..=members).map(|count| count.to_string())), "{start}: not everyone's coming");
    }
    for diary in diaries {
        let due = published
            .iter()
            .filter(|(sequence, (room, _))| diary.joined.get(*room).is_some_and(|&after| **sequence > after));
        let is_slow = diary.nick.starts_with("stuck") || diary.nick.starts_with("silent");
        let gaps = check_diary(diary, due.map(|(&sequence, _)| sequence));
        assert_eq!(gaps > 0, is_slow, "{} was told {gaps} gaps", diary.nick);
    }
}

/// Whether a client was told all that is due, each once and in order, or in a gap with the right count; how many gaps
/// it was told.
fn check_diary(diary: &Diary, due: impl Iterator<Item = u64>) -> usize {
    let mut due = due.peekable();
    let nick = &diary.nick;
    for told in &diary.told {
        match *told {
            Told::Event { sequence, .. } => assert_eq!(due.next(), Some(sequence), "{nick} was told {told:?}"),
            Told::Gap { count, first, last } => {
                assert_eq!(due.peek(), Some(&first), "{nick} was told {told:?}");
                let missing: Vec<_> = std::iter::from_fn(|| due.next_if(|&sequence| sequence <= last)).collect();
                let said = (count, last);
                assert_eq!((missing.len() as u64, *missing.last().unwrap()), said, "{nick} was told {told:?}");
            }
        }
    }
    assert_eq!(due.next(), None, "{nick} was not told");
    diary.told.iter().filter(|told| matches!(told, Told::Gap { .. })).count()
}

// --------------------------------------------------------------------------------------------------- the dialogues

/// Runs a dialogue, which must not take for ever.
async fn in_time<T>(dialogue: impl Future<Output = T>) -> T {
    timeout(NEVER, dialogue).await.unwrap_or_else(|_| panic!("somebody still waits after {NEVER:?}"))
}

#[tokio::test]
async fn wrong_lines_are_answered_and_the_connection_goes_on() {
    in_time(async {
        let running = Running::start(patient());
        let mut ada = Client::connect(running.address).await;
        for (line, answer) in [
            ("join tea", "error say nick or resume first"),
            ("nick", "error expected a name of 1 to 32 bytes without spaces"),
            ("resume 00000000000000000000000000000000 0", "error nobody is waited for under this token"),
            ("nick ada", "hello "),
            ("nick bob", "error you have said who you are"),
            ("sing", "error say nick, resume, join, leave, say or ack"),
            ("say tea hello", "error you are not in this room"),
            ("leave tea", "error you are not in this room"),
            ("ack 1", "error the session was handed nothing beyond sequence 0"),
            ("join tea", "joined tea 0"),
            ("leave tea", "left tea"),
        ] {
            ada.say(line).await;
            ada.answer(answer).await;
        }
        assert_eq!(running.chat.fanout.stats().registry.topics, 0);
    })
    .await;
}

#[tokio::test]
async fn frames_that_cannot_be_read_are_answered_before_the_connection_is_closed() {
    in_time(async {
        let running = Running::start(patient());
        let not_utf8 = Frame::message(vec![0xff], OpCode::Data(Data::Text), true);
        let over = 40 * FRAME_MAX; // part of it is never read
        for (message, answer) in [
            (Message::text("x".repeat(over)), "error a frame may have 4096 bytes"),
            (Message::Frame(not_utf8), "error a text frame is UTF-8"),
            (Message::binary(b"nick ada".as_slice()), "error lines come in text frames"),
        ] {
            let mut ada = Client::enter(running.address, "ada").await;
            ada.send(message).await;
            ada.answer(answer).await;
            assert_eq!(ada.hear().await, None);
            // The member is as before.
            let (diary, address) = ada.vanish();
            diary.resume(address).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_closes_is_answered_and_one_that_is_refused_need_not_hang_up_first() {
    in_time(async {
        let running = Running::start(patient());
        let mut ada = Client::enter(running.address, "ada").await;
        ada.send(Message::Close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() }))).await;
        assert_eq!(ada.end().await, Some(CloseCode::Normal));
        let mut bob = Client::enter(running.address, "bob").await;
        bob.send(Message::binary(b"nick bob".as_slice())).await;
        assert_eq!(bob.end().await, Some(CloseCode::Unsupported));
    })
    .await;
}

#[tokio::test]
async fn a_member_that_does_not_come_back_is_forgotten_and_the_room_is_told() {
    in_time(async {
        let running = Running::start(Options { parked_for: Duration::ZERO, ..patient() });
        let mut ada = Client::enter(running.address, "ada").await;
        let mut bob = Client::enter(running.address, "bob").await;
        ada.join("tea").await;
        bob.join("tea").await;
        let (diary, address) = bob.vanish();
        for line in ["here tea 1", "here tea 2"] {
            ada.hear_line(line).await;
        }
        while ada.hear().await.unwrap() != "here 3 tea 1" {}
        let mut nobody = Client::connect(address).await;
        nobody.say(&format!("resume {} 0", diary.token)).await;
        nobody.answer("error nobody is waited for under this token").await;
    })
    .await;
}

#[tokio::test]
async fn a_member_has_one_connection_the_newest() {
    in_time(async {
        let running = Running::start(patient());
        let mut old = Client::enter(running.address, "ada").await;
        old.join("tea").await;
        old.hear_line("here tea 1").await;
        let mut new = old.diary.clone().resume(running.address).await;
        old.answer("error the member has another connection").await;
        assert_eq!(old.hear().await, None);
        new.say("say tea still here").await;
        new.hear_line("msg tea ada still here").await;

        let mut liar = Client::connect(running.address).await;
        liar.say(&format!("resume {} 9", new.diary.token)).await;
        liar.answer("error the session was handed nothing beyond sequence 2").await;
        new.say("say tea not moved by lies").await;
        new.hear_line("msg tea ada not moved by lies").await;
        assert_eq!(new.diary.told.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn who_is_there_at_the_end_gets_the_rest() {
    in_time(async {
        let running = Running::start(Options { window: 2, ..patient() });
        let mut ada = Client::enter(running.address, "ada").await;
        let stranger = Client::connect(running.address).await; // never says who it is
        ada.join("tea").await;
        for text in ["one", "two", "three"] {
            ada.say(&format!("say tea {text}")).await;
        }
        ada.hear_line("msg tea ada one").await;
        let chat = Arc::clone(&running.chat);
        while chat.fanout.stats().published < 4 {
            sleep(Duration::from_millis(1)).await;
        }
        let stopped = tokio::spawn(running.stop());
        chat.closing.subscribe().wait_for(|&closing| closing).await.unwrap();
        ada.say("say tea too late").await;
        ada.answer("error the fan-out is closed").await;
        ada.acknowledge(1).await;
        ada.hear_line("msg tea ada three").await;
        ada.answer("error the server is closing").await;
        assert_eq!(ada.hear().await, None);
        drop((ada, stranger));
        assert_eq!(stopped.await.unwrap(), 0);
    })
    .await;
}
