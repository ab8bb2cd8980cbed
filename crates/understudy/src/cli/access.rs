//! `user` and `token`: who may see and change what.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};

use super::{Sources, StoreArg};
use crate::amounts;

/// The store that holds users and tokens.
#[derive(Clone, Debug, Args)]
pub(crate) struct AccessStore {
    #[command(flatten)]
    pub(crate) store: StoreArg,
    /// Folder of `up`, whose store is meant where none is named [default: understudy-data]
    #[arg(long, value_name = "DIR", env = "UNDERSTUDY_DATA")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Debug, Args)]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    pub(crate) command: UserCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user; the password is asked for on the terminal, or read from standard input
    Add {
        #[arg(value_name = "NAME")]
        name: String,
        /// viewer sees everything, editor changes it too
        #[arg(long)]
        role: web::access::Role,
        #[command(flatten)]
        at: AccessStore,
    },
    /// Print the users
    List {
        #[command(flatten)]
        at: AccessStore,
    },
    /// Give a user another role; log-ins end
    Role {
        #[arg(value_name = "NAME")]
        name: String,
        #[arg(value_name = "ROLE")]
        role: web::access::Role,
        #[command(flatten)]
        at: AccessStore,
    },
    /// Set another password; log-ins end
    Password {
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        at: AccessStore,
    },
    /// Remove a user; log-ins end
    Remove {
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        at: AccessStore,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it, this once
    Add {
        #[arg(value_name = "NAME")]
        name: String,
        /// gate asks the gate and announces versions, read sees everything, write changes it too
        #[arg(long)]
        scope: web::access::TokenScope,
        /// It ends after this time: 90d, 12h
        #[arg(long, value_name = "TIME", value_parser = amounts::period, default_value = "90d")]
        expires: Duration,
        /// It does not end
        #[arg(long, conflicts_with = "expires")]
        no_expiry: bool,
        #[command(flatten)]
        at: AccessStore,
    },
    /// Print the tokens; what they hold is nowhere kept
    List {
        #[command(flatten)]
        at: AccessStore,
    },
    /// Remove a token
    Remove {
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        at: AccessStore,
    },
}
