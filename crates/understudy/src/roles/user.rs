//! `understudy user`: who may log in to the pages.

use std::{
    io::{BufRead, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use web::access::{Role, check_name, hash_password, password_fits};

use super::access;
use crate::cli::{AccessStore, UserArgs, UserCommand};

pub(crate) async fn run(args: UserArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        UserCommand::Add { name, role, at } => add(&name, role, &at).await,
        UserCommand::List { at } => list(&at).await,
        UserCommand::Role { name, role, at } => set_role(&name, role, &at).await,
        UserCommand::Password { name, at } => set_password(&name, &at).await,
        UserCommand::Remove { name, at } => remove(&name, &at).await,
    }
}

async fn add(name: &str, role: Role, at: &AccessStore) -> anyhow::Result<ExitCode> {
    check_name(name)?;
    let store = access::store(at).await?;
    if store.users().await?.iter().any(|user| user.name == name) {
        bail!("there is a user {name}: `user password {name}` or `user role {name} …` changes it");
    }
    let hash = asked_for().await?;
    if !store.add_user(name, role.as_str(), &hash).await? {
        bail!("there is a user {name}");
    }
    let after = json!({ "role": role });
    access::keep_trace(&store, "user.add", name, Value::Null, after).await?;
    eprintln!("{name} may log in as {}", role.as_str());
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn list(at: &AccessStore) -> anyhow::Result<ExitCode> {
    let store = access::store(at).await?;
    let mut out = std::io::stdout().lock();
    let users = store.users().await?;
    for user in &users {
        let changed = web::api::instant(user.changed_at);
        writeln!(out, "{:<32}{:<10}{}", user.name, user.role, changed)?;
    }
    if users.is_empty() {
        writeln!(out, "no users: on loopback nobody has to log in, elsewhere nobody can")?;
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn set_role(name: &str, role: Role, at: &AccessStore) -> anyhow::Result<ExitCode> {
    let store = access::store(at).await?;
    let users = store.users().await?;
    let Some(user) = users.iter().find(|user| user.name == name) else {
        bail!("there is no user {name}");
    };
    store.change_user(name, Some(role.as_str()), None).await?;
    let (before, after) = (json!({ "role": user.role }), json!({ "role": role }));
    access::keep_trace(&store, "user.role", name, before, after).await?;
    eprintln!("{name} is {} from the next log-in on", role.as_str());
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn set_password(name: &str, at: &AccessStore) -> anyhow::Result<ExitCode> {
    let store = access::store(at).await?;
    if !store.users().await?.iter().any(|user| user.name == name) {
        bail!("there is no user {name}");
    }
    let hash = asked_for().await?;
    store.change_user(name, None, Some(&hash)).await?;
    access::keep_trace(&store, "user.password", name, Value::Null, Value::Null).await?;
    eprintln!("{name} has another password; log-ins have ended");
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn remove(name: &str, at: &AccessStore) -> anyhow::Result<ExitCode> {
    let store = access::store(at).await?;
    let users = store.users().await?;
    let Some(user) = users.iter().find(|user| user.name == name) else {
        bail!("there is no user {name}");
    };
    store.remove_user(name).await?;
    let before = json!({ "role": user.role });
    access::keep_trace(&store, "user.remove", name, before, Value::Null).await?;
    eprintln!("{name} is removed; log-ins have ended");
    if users.len() == 1 {
        eprintln!("there are no users left: on loopback nobody has to log in any more");
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// The hash of a new password.
async fn asked_for() -> anyhow::Result<String> {
    let hashing = tokio::task::spawn_blocking(|| {
        let password = read_password()?;
        password_fits(&password)?;
        hash_password(&password)
    });
    hashing.await.context("asking for the password")?
}

/// Twice from the terminal without showing it; else the first line of standard input.
fn read_password() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        let password = rpassword::prompt_password("Password: ")?;
        if rpassword::prompt_password("Again: ")? != password {
            bail!("the two are not the same; nothing was changed");
        }
        return Ok(password);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("the password is read from a line")?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        bail!("no password on standard input, and no terminal to ask on");
    }
    Ok(password)
}
