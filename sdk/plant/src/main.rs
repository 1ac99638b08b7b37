//! The simulated plant room as a program: `wellhead-plant --help`.

mod args;

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use wellhead_plant::control::{self, Request};
use wellhead_plant::plant::Plant;
use wellhead_plant::serve::Server;
use wellhead_plant::{fleet, listing};

use args::{Args, Command, Target};

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wellhead-plant: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What is logged unless RUST_LOG says otherwise. The broker's own log is off: it calls a client's
/// ordinary goodbye an error.
const LOG: &str = "warn,wellhead_plant=info,rumqttd=off";

fn run(command: Command) -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| LOG.into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Run(run) => serve(*run).await,
            Command::Fleet(fleet) => serve_fleet(fleet).await,
            Command::Map { room, json } => {
                print!("{}", if json { listing::json(room)? } else { listing::table(room) });
                Ok(())
            }
            Command::Fault { target, scope, for_s, fault } => {
                let request = Request::Fault { unit: scope.unit, line: scope.line, fault, for_s };
                print_answer(target, request).await
            }
            Command::Clear { target, id } => print_answer(target, Request::Clear { id }).await,
            Command::Faults { target } => print_answer(target, Request::Faults).await,
            Command::Stats { target } => print_answer(target, Request::Stats).await,
            Command::Answered { target, unit, after } => {
                print_answer(target, Request::Answered { unit, after }).await
            }
            Command::Value { target, unit, point } => {
                print_answer(target, Request::Value { unit, point }).await
            }
            Command::Pause { target } => print_answer(target, Request::Pause).await,
            Command::Resume { target } => print_answer(target, Request::Resume).await,
        }
    })
}

async fn serve(run: args::Run) -> Result<()> {
    #[cfg(feature = "broker")]
    if let Some(address) = run.broker {
        let address = wellhead_plant::broker::start(address).await?;
        println!("listening mqtt {address}");
    }
    let plant = Plant::new(run.config(), run.seed);
    let server = Server::start(plant, run.options()).await?;
    announce("modbus-tcp", server.modbus_tcp());
    announce("rtu-tcp", server.rtu_tcp());
    announce("mbus-tcp", server.mbus_tcp());
    #[cfg(feature = "bacnet")]
    for (unit, address) in server.bacnet() {
        println!("listening bacnet-{unit} {address}");
    }
    announce("control", server.control());
    let terminals =
        [("modbus-rtu", server.rtu()), ("mbus", server.mbus()), ("dlt645", server.dlt645())];
    for (what, path) in terminals {
        if let Some(path) = path {
            println!("listening {what} {}", path.display());
        }
    }
    if let Some(path) = &run.onewire {
        println!("listening onewire {}", path.display());
    }
    println!("ready");
    until_told_to_stop().await?;
    server.shutdown().await;
    Ok(())
}

async fn serve_fleet(options: args::Fleet) -> Result<()> {
    let fleet =
        fleet::Fleet::start(options.host, options.base_port, options.devices, options.registers)
            .await?;
    announce("fleet-first", fleet.addresses().first().copied());
    announce("fleet-last", fleet.addresses().last().copied());
    println!("ready");
    until_told_to_stop().await?;
    println!("answered {}", fleet.answered());
    fleet.shutdown().await;
    Ok(())
}

fn announce(what: &str, address: Option<SocketAddr>) {
    if let Some(address) = address {
        println!("listening {what} {address}");
    }
}

async fn until_told_to_stop() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for Ctrl-C")?,
    }
    Ok(())
}

async fn print_answer(target: Target, request: Request) -> Result<()> {
    println!("{}", control::ask(target.control, &request).await?);
    Ok(())
}
