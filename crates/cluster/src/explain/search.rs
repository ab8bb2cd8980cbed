//! The search for rules: beam search for the best one, its rows taken away, and again.
//!
//! After "Explaining" by separate-and-conquer (Fürnkranz, "Separate-and-Conquer Rule Learning",
//! 1999) with the score of [`super::score`].

use super::{
    bits::{Bits, Weighted},
    candidate::{Candidate, Question, candidates, source},
    row::Scalar,
    score::{ENOUGH, Score},
    sharpen, significance,
    term::{Term, Test},
    work::Work,
};

const BEAM: usize = 24;
const DEPTH: usize = 4;
/// Terms of a rule beyond which only one is looked for that is not precise yet.
const FEW: usize = 3;
const PRECISE: f64 = 0.95;
const MOST_RULES: usize = 8;
/// Rules looked at, those included that too few things bear out.
const MOST_TRIES: usize = 16;
const LEAST_PRECISION: f64 = 0.25;
const LEAST_BY_REMAINDER: f64 = 0.9;
/// What a rule of sessions alone must reach.
const MANY: f64 = 30.0;
const EXACT: f64 = 0.97;
/// Differing rows a rule covers at least.
const LEAST_ROWS: f64 = 3.0;
/// A term that changes less of what is covered is idle.
const IDLE: f64 = 0.01;
/// Chance of such a rule among rows without one, corrected for all that was tried.
const LARGEST_P: f64 = 1e-3;

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) terms: Vec<Term>,
    /// Every row that meets it.
    pub(super) bits: Bits,
    /// Bits it gains.
    pub(super) gain: f64,
}

/// Candidates by number, and what they cover together.
#[derive(Clone, Debug)]
struct Draft {
    parts: Vec<usize>,
    bits: Bits,
    p: f64,
    n: f64,
    cost: f64,
    gain: f64,
}

/// The rules for the differing rows of a question, the best first.
pub(super) fn rules(question: &Question<'_>) -> Vec<Rule> {
    let mut all = candidates(question);
    let score = Score::new(question.differing.total(), question.others.total(), all.len());
    let mut left = question.differing.clone();
    let mut found: Vec<Rule> = Vec::new();
    for _ in 0..MOST_TRIES {
        if found.len() >= MOST_RULES || left.total() < LEAST_ROWS {
            break;
        }
        let (others, work) = (&question.others, question.work);
        let sides = Sides { differing: &left, others, score, all: &all, work };
        let Some(draft) = sides.best() else { break };
        let rule = sides.rule(&draft, question);
        let tries = all.len() as f64;
        if significance::p_value(&rule.bits, &left, &question.others)
            * tries.powi(rule.terms.len() as i32)
            > LARGEST_P
        {
            break;
        }
        let sides = (&left, &question.others);
        let tried = (rule.terms.len(), all.len());
        let borne_out = question.entities.bear_out(&rule.bits, sides, tried);
        // Half of what has some remainder differs by chance, not by rule.
        let by_remainder = rule.terms.iter().any(|term| matches!(term.test, Test::Mod(..)));
        let precise = draft.p >= LEAST_BY_REMAINDER * (draft.p + draft.n);
        // Who has done much in a session has done anything: that alone is no rule unless it is exact.
        let by_session = rule.terms.iter().all(|term| term.field.starts_with("session."));
        let exact = draft.p >= MANY && draft.p >= EXACT * (draft.p + draft.n);
        let told = if by_session { exact } else { precise || !by_remainder };
        left = left.without(&rule.bits);
        // Ranges and sets of what is left are others than those of all.
        if question.work.spend(all.len() * question.table.rows) {
            all = candidates(&question.of(left.clone()));
        }
        if borne_out && told {
            found.push(rule);
        }
    }
    joined(found, question, score)
}

struct Sides<'a> {
    differing: &'a Weighted,
    others: &'a Weighted,
    score: Score,
    all: &'a [Candidate],
    work: &'a Work,
}

impl Sides<'_> {
    /// The best rule that is good enough.
    fn best(&self) -> Option<Draft> {
        let mut beam: Vec<Draft> = Vec::new();
        for (at, candidate) in self.all.iter().enumerate() {
            if !self.work.spend(candidate.bits.size()) {
                return None;
            }
            let p = self.differing.within(&candidate.bits);
            if p < LEAST_ROWS {
                continue;
            }
            let n = self.others.within(&candidate.bits);
            let gain = self.score.gain(p, n, 1, candidate.cost);
            if gain.is_finite() {
                let (bits, cost) = (candidate.bits.clone(), candidate.cost);
                beam.push(Draft { parts: vec![at], bits, p, n, cost, gain });
            }
        }
        self.narrow(&mut beam);
        let mut best = beam.first().cloned();
        for depth in 2..=DEPTH {
            let is_precise = |best: &Draft| best.p >= PRECISE * (best.p + best.n);
            if depth > FEW && best.as_ref().is_some_and(is_precise) {
                break;
            }
            beam = self.longer(&beam, depth);
            if let Some(first) = beam.first()
                && best.as_ref().is_none_or(|best| first.gain > best.gain)
            {
                best = Some(first.clone());
            }
        }
        let best = self.shorter(best?);
        (best.gain >= ENOUGH && best.p / (best.p + best.n) >= LEAST_PRECISION).then_some(best)
    }

    /// The best rules with one term more.
    fn longer(&self, beam: &[Draft], depth: usize) -> Vec<Draft> {
        let mut next: Vec<Draft> = Vec::new();
        let mut bar = f64::NEG_INFINITY;
        for draft in beam.iter().filter(|draft| draft.n > 0.0) {
            for (at, candidate) in self.all.iter().enumerate() {
                if !self.fits(draft, at, candidate) {
                    continue;
                }
                if !self.work.spend(candidate.bits.size()) {
                    break;
                }
                let p = self.differing.within_both(&draft.bits, &candidate.bits);
                let cost = draft.cost + candidate.cost;
                if p < LEAST_ROWS || self.score.gain(p, 0.0, depth, cost) <= bar {
                    continue;
                }
                let n = self.others.within_both(&draft.bits, &candidate.bits);
                let gain = self.score.gain(p, n, depth, cost);
                if gain <= bar || n >= draft.n {
                    continue;
                }
                let parts = draft.parts.iter().copied().chain([at]).collect();
                let bits = draft.bits.and(&candidate.bits);
                next.push(Draft { parts, bits, p, n, cost, gain });
                if next.len() >= BEAM * 4 {
                    self.narrow(&mut next);
                    bar = next.last().map_or(bar, |last| last.gain);
                }
            }
        }
        self.narrow(&mut next);
        next
    }

    /// A second term on one column makes a range, or says where in it a remainder counts.
    fn fits(&self, draft: &Draft, at: usize, candidate: &Candidate) -> bool {
        draft.parts.iter().all(|part| {
            let Some(own) = self.all.get(*part) else { return false };
            *part != at
                && (own.column != candidate.column
                    || go_together(&own.term.test, &candidate.term.test))
        })
    }

    /// The best of different extension, in a fixed order.
    fn narrow(&self, drafts: &mut Vec<Draft>) {
        drafts.sort_by(|a, b| {
            let names = |draft: &Draft| -> (u8, u32, Vec<usize>) {
                let parts = || draft.parts.iter().filter_map(|part| self.all.get(*part));
                let worst = parts().map(|part| source(&part.term.field)).max().unwrap_or(9);
                (worst, parts().map(|part| part.freedom).sum(), draft.parts.clone())
            };
            b.gain.total_cmp(&a.gain).then_with(|| names(a).cmp(&names(b)))
        });
        let mut kept: Vec<Draft> = Vec::new();
        for draft in drafts.drain(..) {
            let same = |own: &Draft| own.p == draft.p && own.n == draft.n && own.bits == draft.bits;
            if kept.len() < BEAM && !kept.iter().any(same) {
                kept.push(draft);
            }
        }
        *drafts = kept;
    }

    fn draft_of(&self, parts: &[usize]) -> Option<Draft> {
        let mut chosen = parts.iter().filter_map(|part| self.all.get(*part));
        let first = chosen.next()?;
        let (mut bits, mut cost) = (first.bits.clone(), first.cost);
        for candidate in chosen {
            bits = bits.and(&candidate.bits);
            cost += candidate.cost;
        }
        let (p, n) = (self.differing.within(&bits), self.others.within(&bits));
        let gain = self.score.gain(p, n, parts.len(), cost);
        Some(Draft { parts: parts.to_vec(), bits, p, n, cost, gain })
    }

    /// Without terms that do not pay: true and idle ones, such as `age >= 18`.
    fn shorter(&self, mut best: Draft) -> Draft {
        while best.parts.len() > 1 {
            let without = |skip: usize| {
                let parts: Vec<usize> =
                    best.parts.iter().copied().filter(|part| *part != skip).collect();
                self.draft_of(&parts)
            };
            let shorter = best.parts.iter().filter_map(|part| without(*part));
            let Some(shorter) = shorter.max_by(|a, b| a.gain.total_cmp(&b.gain)) else { break };
            let covered = shorter.p + shorter.n;
            let idle = (covered - best.p - best.n) <= IDLE * covered;
            if shorter.gain + self.score.per_term < best.gain && !idle {
                break;
            }
            best = shorter;
        }
        best
    }

    /// The rule in words of its own, its thresholds put where they belong.
    fn rule(&self, draft: &Draft, question: &Question<'_>) -> Rule {
        let chosen = draft.parts.iter().filter_map(|part| self.all.get(*part));
        let mut terms: Vec<Term> = chosen.map(|candidate| candidate.term.clone()).collect();
        sharpen::thresholds(&mut terms, question, self.differing, self.score);
        let but = |term: &Term| matches!(term.test, Test::NotEqual(_));
        terms.sort_by_cached_key(|term| (source(&term.field), but(term), term.field.clone()));
        let bits = sharpen::covered(&terms, question.table);
        Rule { terms, bits, gain: draft.gain }
    }
}

/// Whether two tests of one field say more than one.
fn go_together(one: &Test, two: &Test) -> bool {
    let is_bound = |test: &Test| matches!(test, Test::AtLeast(_) | Test::AtMost(_));
    let is_range = |test: &Test| is_bound(test) || matches!(test, Test::Between(..));
    let is_rest = |test: &Test| matches!(test, Test::Mod(..));
    let both_ways = |a: &Test, b: &Test| is_rest(a) && is_range(b);
    both_ways(one, two)
        || both_ways(two, one)
        || (is_bound(one)
            && is_bound(two)
            && std::mem::discriminant(one) != std::mem::discriminant(two))
}

/// Rules that are alike but for the value of one field become one with a set of values.
fn joined(mut rules: Vec<Rule>, question: &Question<'_>, score: Score) -> Vec<Rule> {
    let gain = |rule: &Rule| {
        let (p, n) = (question.differing.within(&rule.bits), question.others.within(&rule.bits));
        score.gain(p, n, rule.terms.len(), 0.0)
    };
    let mut at = 0;
    while at < rules.len() {
        let Some((other, terms)) = (at + 1..rules.len())
            .find_map(|other| Some((other, union(&rules[at].terms, &rules[other].terms)?)))
        else {
            at += 1;
            continue;
        };
        let bits = sharpen::covered(&terms, question.table);
        let mut both = Rule { terms, bits, gain: 0.0 };
        both.gain = gain(&both);
        if both.gain < gain(&rules[at]) {
            at += 1;
            continue;
        }
        rules.remove(other);
        rules[at] = both;
    }
    rules
}

/// One rule for both, where they differ in the values of one field only.
fn union(one: &[Term], two: &[Term]) -> Option<Vec<Term>> {
    if one.len() != two.len() {
        return None;
    }
    let mut terms = Vec::new();
    let mut joined = 0;
    for term in one {
        let other = two.iter().find(|other| other.field == term.field)?;
        if other == term {
            terms.push(term.clone());
            continue;
        }
        let mut values = values_of(&term.test)?;
        values.extend(values_of(&other.test)?);
        values.sort();
        values.dedup();
        joined += 1;
        terms.push(Term { field: term.field.clone(), test: Test::In(values) });
    }
    (joined == 1).then_some(terms)
}

fn values_of(test: &Test) -> Option<Vec<Scalar>> {
    match test {
        Test::Equal(value) => Some(vec![value.clone()]),
        Test::In(values) => Some(values.clone()),
        _ => None,
    }
}
