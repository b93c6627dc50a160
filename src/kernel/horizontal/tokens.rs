//! WGSL as tokens: enough to separate the names that a text declares from those that it uses.

use std::collections::HashSet;

/// Iterates over the positions of the arguments of the attribute `name`.
pub(super) fn attributes<'a>(
    tokens: &'a [Token<'_>],
    name: &'a str,
) -> impl Iterator<Item = usize> + 'a {
    tokens
        .windows(3)
        .enumerate()
        .filter_map(move |(i, w)| match w {
            [at, word, open] if at.is("@") && word.is(name) && open.is("(") => Some(i + 3),
            _ => None,
        })
}

/// Returns the names that are declared outside of functions.
pub(super) fn names<'a>(tokens: &[Token<'a>]) -> HashSet<&'a str> {
    let mut names = HashSet::new();
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate() {
        match token.text {
            "{" | "(" => depth += 1,
            "}" | ")" => depth -= 1,
            "fn" | "struct" | "const" | "override" | "alias" if depth == 0 => {
                names.extend(tokens.get(i + 1).map(|t| t.text));
            }
            "var" if depth == 0 => {
                // After `<...>` if there is an address space.
                let name = tokens
                    .get(i + 1..)
                    .and_then(|rest| match rest.first()?.is("<") {
                        true => rest.iter().skip_while(|t| !t.is(">")).nth(1),
                        false => rest.first(),
                    });
                names.extend(name.map(|t| t.text));
            }
            _ => {}
        }
    }
    names
}

/// A name, a number or a sign, and the whitespace before it.
pub(super) struct Token<'a> {
    pub space: &'a str,
    pub text: &'a str,
}

impl Token<'_> {
    pub fn is(&self, text: &str) -> bool {
        self.text == text
    }
}

/// Removes comments, so that a comment on the last line does not extend into the next kernel.
pub(super) fn without_comments(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("//").next());
    lines.flatten().flat_map(|line| [line, "\n"]).collect()
}

/// Returns the tokens of a text without comments.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        let start = rest.find(|c: char| !c.is_whitespace());
        let (space, behind) = rest.split_at(start.unwrap_or(rest.len()));
        let Some(first) = behind.chars().next() else {
            return tokens;
        };
        let number = first.is_ascii_digit();
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || (number && c == '.');
        let length = match inside(first) {
            true => behind.find(|c| !inside(c)).unwrap_or(behind.len()),
            false => first.len_utf8(),
        };
        let (text, behind) = behind.split_at(length);
        tokens.push(Token { space, text });
        rest = behind;
    }
}
