//! `understudy token`: what programs show to the API.

use std::{io::Write, process::ExitCode, time::Duration};

use anyhow::bail;
use serde_json::{Value, json};
use store::TokenRow;
use web::access::{Secret, TokenScope, check_name};

use super::access;
use crate::cli::{AccessStore, TokenArgs, TokenCommand};

pub(crate) async fn run(args: TokenArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        TokenCommand::Add { name, scope, expires, no_expiry, at } => {
            add(&name, scope, (!no_expiry).then_some(expires), &at).await
        }
        TokenCommand::List { at } => list(&at).await,
        TokenCommand::Remove { name, at } => remove(&name, &at).await,
    }
}

async fn add(
    name: &str,
    scope: TokenScope,
    expires: Option<Duration>,
    at: &AccessStore,
) -> anyhow::Result<ExitCode> {
    check_name(name)?;
    let store = access::store(at).await?;
    let (secret, now) = (Secret::token(), access::now());
    let row = TokenRow {
        name: name.to_owned(),
        scope: scope.as_str().to_owned(),
        created_at: now,
        created_by: access::who(),
        expires_at: expires
            .map(|time| now.saturating_add(i64::try_from(time.as_micros()).unwrap_or(i64::MAX))),
        used_at: None,
    };
    if !store.add_token(&secret.hash(), &row).await? {
        bail!("there is a token {name}: `token remove {name}` first, or take another name");
    }
    let end = row.expires_at.map(web::api::instant);
    let after = json!({ "scope": scope, "expires_at": end });
    access::keep_trace(&store, "token.add", name, Value::Null, after).await?;
    writeln!(std::io::stdout(), "{}", secret.expose())?;
    let end = end.map_or_else(|| "does not end".to_owned(), |end| format!("ends {end}"));
    eprintln!(
        "It {end}. It is shown this once: keep it where CI keeps secrets, as UNDERSTUDY_TOKEN"
    );
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn list(at: &AccessStore) -> anyhow::Result<ExitCode> {
    let store = access::store(at).await?;
    let mut out = std::io::stdout().lock();
    let tokens = store.tokens().await?;
    let (now, instant) = (access::now(), web::api::instant);
    for token in &tokens {
        let end = match token.expires_at {
            None => "does not end".to_owned(),
            Some(end) if end <= now => format!("ended {}", instant(end)),
            Some(end) => format!("ends {}", instant(end)),
        };
        let used = token
            .used_at
            .map_or_else(|| "never used".to_owned(), |at| format!("last used {}", instant(at)));
        writeln!(
            out,
            "{:<32}{:<8}by {:<16}{end}, {used}",
            token.name, token.scope, token.created_by
        )?;
    }
    if tokens.is_empty() {
        writeln!(out, "no tokens")?;
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn remove(name: &str, at: &AccessStore) -> anyhow::Result<ExitCode> {
    let store = access::store(at).await?;
    let tokens = store.tokens().await?;
    let Some(token) = tokens.iter().find(|token| token.name == name) else {
        bail!("there is no token {name}");
    };
    store.remove_token(name).await?;
    let before = json!({ "scope": token.scope });
    access::keep_trace(&store, "token.remove", name, before, Value::Null).await?;
    eprintln!("{name} is removed");
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
