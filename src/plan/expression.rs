//! Expressions that select items, such as `smoke and not slow`: names with `and`, `or`, `not` and parentheses.

/// An expression: names of items, sections and tags, and their combination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// Everything with this name.
    Name(String),
    /// Everything that the expression does not select.
    Not(Box<Expression>),
    /// Items that both select.
    And(Box<Expression>, Box<Expression>),
    /// Items that either selects.
    Or(Box<Expression>, Box<Expression>),
}

/// How deep parentheses and `not` may nest.
const MAX_DEPTH: usize = 32;

impl Expression {
    /// Reads an expression. `not` binds before `and`, and that before `or`.
    ///
    /// # Errors
    /// When the expression is invalid.
    pub fn parse(text: &str) -> Result<Self, String> {
        let spaced = text.replace('(', " ( ").replace(')', " ) ");
        let mut words = Tokens { words: spaced.split_whitespace().collect(), at: 0 };
        let expression = words.either(MAX_DEPTH)?;
        match words.next() {
            None => Ok(expression),
            Some(word) => Err(format!("expected `and` or `or` before `{word}`")),
        }
    }

    /// Whether it is true, given the value of each name.
    pub fn holds(&self, is: &impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Name(name) => is(name),
            Self::Not(one) => !one.holds(is),
            Self::And(one, other) => one.holds(is) && other.holds(is),
            Self::Or(one, other) => one.holds(is) || other.holds(is),
        }
    }

    /// The names in it, in order.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Name(name) => vec![name],
            Self::Not(one) => one.names(),
            Self::And(one, other) | Self::Or(one, other) => [one.names(), other.names()].concat(),
        }
    }
}

struct Tokens<'t> {
    words: Vec<&'t str>,
    at: usize,
}

impl<'t> Tokens<'t> {
    fn next(&mut self) -> Option<&'t str> {
        let word = self.words.get(self.at).copied();
        self.at += 1;
        word
    }

    /// Whether this word is next. If so, it is consumed.
    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.words.get(self.at) == Some(&word);
        self.at += usize::from(is_next);
        is_next
    }

    fn either(&mut self, depth: usize) -> Result<Expression, String> {
        let mut all = self.both(depth)?;
        while self.takes("or") {
            all = Expression::Or(Box::new(all), Box::new(self.both(depth)?));
        }
        Ok(all)
    }

    fn both(&mut self, depth: usize) -> Result<Expression, String> {
        let mut all = self.one(depth)?;
        while self.takes("and") {
            all = Expression::And(Box::new(all), Box::new(self.one(depth)?));
        }
        Ok(all)
    }

    fn one(&mut self, depth: usize) -> Result<Expression, String> {
        let Some(depth) = depth.checked_sub(1) else { return Err("it is nested too deeply".to_owned()) };
        if self.takes("not") {
            return Ok(Expression::Not(Box::new(self.one(depth)?)));
        }
        match self.next() {
            Some("(") => {
                let inner = self.either(depth)?;
                if self.takes(")") { Ok(inner) } else { Err("a `)` is missing".to_owned()) }
            }
            Some(word @ (")" | "and" | "or")) => Err(format!("expected a name before `{word}`")),
            Some(name) => Ok(Expression::Name(name.to_owned())),
            None => Err("expected a name at the end".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Expression;

    /// Which of `a`, `b`, `c`, `ab`, … it selects: items that have these tags.
    fn selected(text: &str) -> Vec<&'static str> {
        let expression = Expression::parse(text).expect(text);
        let items = ["a", "b", "c", "ab", "bc", "abc"];
        items.into_iter().filter(|item| expression.holds(&|name| item.contains(name))).collect()
    }

    #[test]
    fn not_binds_before_and_and_that_before_or() {
        assert_eq!(selected("a and not b"), ["a"]);
        assert_eq!(selected("a and b or c"), ["c", "ab", "bc", "abc"]);
        assert_eq!(selected("a and (b or c)"), ["ab", "abc"]);
        assert_eq!(selected("not (a or b)"), ["c"]);
        assert_eq!(selected("not not c and b"), ["bc", "abc"]);
    }

    #[test]
    fn an_invalid_expression_is_refused() {
        let refused = |text: &str| Expression::parse(text).expect_err(text);
        assert_eq!(refused("a b"), "expected `and` or `or` before `b`");
        assert_eq!(refused("a and"), "expected a name at the end");
        assert_eq!(refused("and a"), "expected a name before `and`");
        assert_eq!(refused("(a or b"), "a `)` is missing");
        assert_eq!(refused("a)"), "expected `and` or `or` before `)`");
        assert_eq!(refused(&"not ".repeat(1000)), "it is nested too deeply");
    }
}
