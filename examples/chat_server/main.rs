//! A small WebSocket chat on tokio: what a host of oyez looks like when it has an executor and real sockets.
//!
//! Rooms are topics; members are sessions with a window, so that a client whose connection broke comes back and has
//! missed nothing, or is told exactly what; a client that reads slowly costs the others nothing.
//!
//! `protocol.rs` is the language of client and server; `chat.rs` what all connections share, rooms and members;
//! `partition.rs` the task that owns a partition's worker; `connection.rs` one client's socket; `server.rs` accepts
//! connections, and shuts down. To try it, with any WebSocket client:
//!
//! ```text
//! cargo run --example chat_server
//! websocat ws://127.0.0.1:8080      then type: nick ada, join tea, say tea hello
//! ```
#![allow(clippy::print_stdout)] // a program

mod chat;
mod connection;
mod partition;
mod protocol;
mod server;
#[cfg(test)]
mod tests;

use chat::Options;
use clap::Parser;
use server::Server;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use tokio::net::TcpListener;

/// A WebSocket chat in which nobody misses or repeats a message, whatever becomes of the connections.
#[derive(Parser)]
#[command(name = "chat_server", after_help = "Ctrl-C tells everyone what is left to tell, and ends it.")]
struct Arguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// Partitions the members are spread over, each with a task of its own
    #[arg(long, value_name = "P", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1024))]
    partitions: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use io::Write;
            // Where nobody reads it, the exit status has to do.
            let _ = writeln!(io::stderr(), "chat_server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> io::Result<()> {
    let listener = TcpListener::bind(arguments.listen).await?;
    println!("chat_server: ws://{}, Ctrl-C ends it", listener.local_addr()?);
    let server = Server::new(Options { partitions: arguments.partitions, ..Options::default() });
    let undelivered = server.run(listener, ctrl_c()).await;
    println!("chat_server: closed, {undelivered} messages not delivered");
    Ok(())
}

/// Waits for Ctrl-C, for ever where there is no such thing.
async fn ctrl_c() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
