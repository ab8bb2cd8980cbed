//! A store as large as a busy migration makes it, and what pages cost on it:
//! `large seed URL [EXCHANGES]` fills an empty store, `large bench URL` asks for every page.
//! `cargo xtask seed` and `cargo xtask bench pages` run it.

#![expect(clippy::print_stdout, reason = "prints its tables")]

mod bench;
mod pair;
mod seed;

use anyhow::{Context, bail};
use store::{Access, Store};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (command, url, rest) = match words.as_slice() {
        [command, url, rest @ ..] => (*command, *url, rest),
        _ => bail!("large seed URL [EXCHANGES], or large bench URL"),
    };
    let store = Store::open(&url.parse()?, Access::ReadWrite).await?;
    match command {
        "seed" => {
            let exchanges = rest.first().map_or(Ok(1_000_000), |text| text.parse());
            seed::fill(&store, exchanges.context("the number of exchanges")?).await?;
        }
        "bench" => bench::run(&store).await?,
        other => bail!("`{other}`? seed or bench"),
    }
    store.close().await;
    Ok(())
}
