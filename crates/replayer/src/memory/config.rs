//! `[replay.memory]`, and the file that seeds it.

use memory::Lesson;
use serde::Deserialize;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryConfig {
    /// Off: every request goes out with the primary's ids, tokens and cookies.
    pub enabled: bool,
    /// What is remembered of one side, in memory; the least recently used is forgotten first.
    pub max_bytes: usize,
    /// A file of ids that differ from the start, one JSON object a line:
    /// `{"entity": "loan", "primary": "L48211", "candidate": "7f3a"}`.
    pub seed: Option<std::path::PathBuf>,
    /// What the file holds; put in by whoever reads it.
    #[serde(skip)]
    pub entries: Vec<Seed>,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self { enabled: true, max_bytes: 64 * 1024 * 1024, seed: None, entries: Vec::new() }
    }
}

/// One id that was different from the start. `GET /api/v1/memory?format=jsonl` gives the same.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// The singular of its collection (`loan`); empty for values that are like no other.
    #[serde(default)]
    pub entity: String,
    pub primary: String,
    pub candidate: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "replay.memory.seed: line {line}: {problem}; \
     write {{\"entity\": \"loan\", \"primary\": \"1\", \"candidate\": \"2\"}}"
)]
pub struct MemoryConfigError {
    pub line: usize,
    pub problem: String,
}

impl Seed {
    /// Reads a seed file's text; empty lines are passed over.
    pub fn parse(text: &str) -> Result<Vec<Self>, MemoryConfigError> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let seeds = lines.map(|(at, line)| {
            let error = |problem: String| MemoryConfigError { line: at + 1, problem };
            let seed: Self =
                serde_json::from_str(line).map_err(|problem| error(problem.to_string()))?;
            if seed.primary.is_empty() || seed.candidate.is_empty() {
                return Err(error("an id is empty".to_owned()));
            }
            if seed.entity.is_empty() && !memory::is_unique(&seed.primary) {
                let problem =
                    format!("`{}` is not unique by itself: name its entity", seed.primary);
                return Err(error(problem));
            }
            Ok(seed)
        });
        seeds.collect()
    }

    pub(crate) fn lesson(&self) -> Lesson {
        let unique = memory::is_unique(&self.primary) && memory::is_unique(&self.candidate);
        Lesson {
            kind: if unique { String::new() } else { memory::entity_of(&self.entity) },
            primary: self.primary.clone(),
            other: Some(self.candidate.clone()),
            everywhere: true,
            secret: false,
            own: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_one_object_a_line() {
        let text = "{\"entity\":\"loans\",\"primary\":\"1\",\"candidate\":\"2\"}\n\n";
        let seeds = Seed::parse(text).unwrap();
        assert_eq!(seeds[0].lesson().kind, "loan");
        for (text, says) in [
            ("\n{\"primary\":\"1\",\"candidate\":\"2\"}", "line 2: `1` is not unique"),
            (
                "{\"entity\":\"loan\",\"primary\":\"\",\"candidate\":\"2\"}",
                "line 1: an id is empty",
            ),
            ("{\"entity\":\"loan\",\"primry\":\"1\"}", "unknown field `primry`"),
            ("x", "line 1: "),
        ] {
            let error = Seed::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
