//! The program as it is started. That this is an integration test has a second use: `cargo test`
//! then builds the program itself, which end-to-end tests start, with what the tests are built with.

use std::process::{Command, Output};

fn understudy(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_understudy")).args(args).output().expect("it starts")
}

#[test]
fn help_names_every_role() {
    let help = understudy(&["--help"]);
    assert!(help.status.success());
    let text = String::from_utf8_lossy(&help.stdout);
    for role in ["demo", "up", "tap", "replay", "compare", "web", "gate", "diff", "migrate"] {
        assert!(text.lines().any(|line| line.trim_start().starts_with(role)), "{role}: {text}");
    }
}

#[test]
fn what_is_no_command_is_refused_with_advice() {
    let refused = understudy(&["tapp"]);
    assert_eq!(refused.status.code(), Some(2));
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(text.contains("tapp") && text.contains("'tap'"), "{text}");
}
