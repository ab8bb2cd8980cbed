//! The fuzz targets' checks on seeds and on mutations of them, always the same ones.

#[path = "../../../fuzz/checks.rs"]
mod checks;

const SEEDS: [&str; 14] = [
    r#"{"a":1,"b":[1,2,3],"c":[{"id":1,"x":"y"},{"id":2,"x":"z"}],"d":1.5,"e":null}"#,
    r#"{"b":[3,2,1],"a":1.0,"c":[{"id":2,"x":"z"},{"id":1,"x":"w"}],"d":15e-1}"#,
    r#"[[[1,[2,[3]]],{"k":{"k":{"k":"\ud83d\ude00\u0000"}}}],-0,1e400,true,false,null]"#,
    r#"{"k":1,"k":2,"\u006b":3}"#,
    "{\"a\":1}\n{\"a\":2}\n",
    "name=a+b&name=%41&x=%zz&=",
    "line one\nline two\r\n\nline three",
    "<a x='1' y=\"2\"><b>1</b><b>2</b><c/> text <!-- c --><![CDATA[<&]]></a>",
    "<s:E xmlns:s='urn:s'><s:B><o xmlns='urn:o' s:k='v'>&lt;&#65;</o></s:B></s:E>",
    "<?xml version='1.0' encoding='UTF-8'?><!DOCTYPE a><a>\n <b/>\n</a><?p q?>",
    "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><l>&b;</l>",
    "[1,2,3,4,5,6,7,8,9,10,11,12]",
    "[12,1,3,2,4,5,6,7,99,8,9,10]",
    "",
];

/// What is put into seeds: brackets, quotes, numbers, escapes, the mark between two bodies.
const PIECES: [&[u8]; 20] = [
    b"{", b"}", b"[", b"]", b",", b":", b"\"", b"\\u", b"1", b"-", b"e9", b".", b"null", b"<a>",
    b"</a>", b"&#x0;", b"\xff", b"\n", b" ", b"\xc3",
];

/// xorshift64: the same inputs on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides.max(1) as u64) as usize
    }
}

fn inputs(count: usize, seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut dice = Dice(seed);
    (0..count).map(move |_| {
        let mut input = Vec::from([dice.roll(256) as u8]);
        input.extend(SEEDS[dice.roll(SEEDS.len())].as_bytes());
        input.push(0xff);
        let same = dice.roll(2) == 0;
        let first = input[1..input.len() - 1].to_vec();
        let other = SEEDS[dice.roll(SEEDS.len())].as_bytes();
        input.extend(if same { &first[..] } else { other });
        for _ in 0..dice.roll(5) {
            let at = dice.roll(input.len());
            match dice.roll(4) {
                0 if input.len() > 2 => drop(input.remove(at)),
                1 => input[at] = dice.roll(256) as u8,
                2 => input.truncate(at.max(2)),
                _ => drop(input.splice(at..at, PIECES[dice.roll(PIECES.len())].iter().copied())),
            }
        }
        input
    })
}

#[test]
fn parse() {
    SEEDS.iter().for_each(|seed| checks::parse(seed.as_bytes()));
    inputs(2_000, 1).for_each(|input| checks::parse(&input[1..]));
}

#[test]
fn diff() {
    inputs(2_000, 2).for_each(|input| checks::diff(&input));
}

#[test]
fn patch() {
    inputs(2_000, 3).for_each(|input| checks::patch(&input[1..]));
}

#[test]
fn xml() {
    SEEDS.iter().for_each(|seed| checks::xml(seed.as_bytes()));
    inputs(2_000, 4).for_each(|input| checks::xml(&input[1..]));
}
