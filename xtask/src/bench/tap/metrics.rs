//! What the tap says of itself, from its admin listener.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// The sum over the samples of `name`.
pub(crate) fn metric(admin: u16, name: &str) -> anyhow::Result<u64> {
    let text = scrape(admin)?;
    Ok(sum(&text, name))
}

/// How many copies were meant to be made, and how many of them were dropped.
pub(crate) fn copies(admin: u16) -> anyhow::Result<(u64, u64)> {
    let text = scrape(admin)?;
    let of = |name: &str| sum(&text, &format!("understudy_tap_{name}_total"));
    let meant = of("requests") - of("sampled_out") - of("not_copied");
    Ok((meant, of("dropped")))
}

fn scrape(admin: u16) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", admin))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

fn sum(text: &str, name: &str) -> u64 {
    let samples = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let own = rest.starts_with(' ') || rest.starts_with('{');
        own.then(|| rest.rsplit(' ').next()?.parse::<u64>().ok()).flatten()
    });
    samples.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_one_family_are_summed() {
        let text =
            "# HELP a_total x\na_total{r=\"x\"} 3\na_total{r=\"y\"} 4\na_total_more 9\nb 2\n";
        assert_eq!((sum(text, "a_total"), sum(text, "b"), sum(text, "c")), (7, 2, 0));
    }
}
