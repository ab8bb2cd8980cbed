//! curl commands: each kept exchange against both sides, safe to paste into a POSIX shell.

use super::{
    Subject,
    request::{Sendable, comment, sendable},
};

/// Exchanges in one file.
const MOST: usize = 3;

pub(super) fn write(subject: &Subject<'_>) -> String {
    let cluster = subject.cluster;
    let mut text = format!("# {}: {}\n", cluster.id, comment(&cluster.title));
    text.push_str(&origin("PRIMARY", subject.primary, "http://127.0.0.1:9000"));
    text.push_str(&origin("CANDIDATE", subject.candidate, "http://127.0.0.1:9001"));
    if subject.samples.is_empty() {
        text.push_str("# No exchange of it is kept in this version.\n");
    }
    for sample in subject.samples.iter().take(MOST) {
        let request = sendable(&sample.view.request);
        let status = |status: Option<u16>| status.map_or("none".to_owned(), |s| s.to_string());
        text.push_str(&format!(
            "\n# Exchange {} of {}: primary {}, candidate {}\n",
            comment(&sample.view.exchange_id),
            comment(&sample.view.captured_at),
            status(sample.view.primary.status),
            status(sample.view.candidate.status),
        ));
        for missing in &request.missing {
            text.push_str(&format!("# {}\n", comment(missing)));
        }
        for side in ["PRIMARY", "CANDIDATE"] {
            text.push_str(&command(side, &request));
        }
    }
    text
}

/// `PRIMARY="${PRIMARY:-http://…}"`: both sides can be named from outside.
fn origin(name: &str, known: &str, usual: &str) -> String {
    let origin = if known.is_empty() { usual } else { known };
    format!("[ -n \"${{{name}:-}}\" ] || {name}={}\n", quoted(origin.trim_end_matches('/')))
}

fn command(side: &str, request: &Sendable<'_>) -> String {
    // `--globoff`: brackets and braces of an address mean themselves.
    let mut words = vec!["curl -sS -i --globoff --path-as-is".to_owned()];
    match (request.method, request.body) {
        // A HEAD sent with -X waits for a body that never comes.
        ("HEAD", None) => words.push("--head".to_owned()),
        (method, _) => words.push(format!("-X {}", quoted(method))),
    }
    for (name, value) in &request.headers {
        // A header without a value ends in a semicolon, else curl takes it away.
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        words.push(format!("-H {}", quoted(&header)));
    }
    if let Some(body) = request.body {
        words.push(format!("--data-raw {}", quoted(body)));
        if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            words.push("-H 'content-type;'".to_owned());
        }
    }
    words.push(format!("\"${side}\"{}", quoted(&request.target)));
    format!("{}\n", words.join(" \\\n  "))
}

/// One word of a POSIX shell that stands for exactly this text. A NUL cannot be in any.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const HOSTILE: [&str; 9] = [
        "plain",
        "it's",
        "'; touch /tmp/owned; '",
        "$(touch owned) `touch owned` ${HOME} \\",
        "two\nlines\r\n",
        "-rf",
        "!history \"quotes\" #hash",
        "\u{202e}\u{fe0f}é漢",
        "''''",
    ];

    /// What a real shell passes on.
    fn through_sh(words: &str) -> String {
        let script = format!("printf '%s|' {words}");
        let ran = Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert!(ran.status.success());
        String::from_utf8(ran.stdout).unwrap()
    }

    #[test]
    fn a_shell_passes_on_exactly_what_was_quoted() {
        for text in HOSTILE {
            assert_eq!(through_sh(&quoted(text)), format!("{text}|"));
        }
    }

    #[test]
    fn the_whole_command_reaches_curl_as_it_was_meant() {
        for text in HOSTILE {
            let request = Sendable {
                method: "POST",
                target: "/a'b?x=$(id)".to_owned(),
                headers: vec![("x-a", text), ("x-empty", "")],
                body: Some(text),
                missing: Vec::new(),
            };
            // `curl` is a function here that shows its arguments.
            let script = format!(
                "curl() {{ printf '%s\\037' \"$@\"; }}\n{}{}",
                origin("CANDIDATE", "http://127.0.0.1:1/", ""),
                command("CANDIDATE", &request)
            );
            let ran = Command::new("sh").arg("-c").arg(script).output().unwrap();
            let shown = String::from_utf8(ran.stdout).unwrap();
            let arguments: Vec<&str> = shown.split('\u{1f}').collect();
            let header = format!("x-a: {text}");
            for expected in [header.as_str(), "x-empty;", text, "http://127.0.0.1:1/a'b?x=$(id)"] {
                assert!(arguments.contains(&expected), "{expected:?} in {arguments:?}");
            }
            assert!(ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
        }
    }

    #[test]
    fn a_head_is_sent_as_one() {
        let request = Sendable {
            method: "HEAD",
            target: "/".into(),
            headers: Vec::new(),
            body: None,
            missing: Vec::new(),
        };
        assert!(command("PRIMARY", &request).contains("--head"));
    }
}
