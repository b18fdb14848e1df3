//! From tokens to statements, by recursive descent.

use super::error::{ExpressionError, Place};
use super::lexer::{self, Kind, Token};
use super::tree::{Binary, Comparison, Expression, Node, Statement, Unary};
use super::value::Value;

/// How many brackets, signs and branches may be open at once.
const DEEPEST: usize = 40;

/// What binds the more tightly the further down, from left to right.
const LEVELS: [&[(&str, Binary)]; 6] = [
    &[("|", Binary::Or)],
    &[("^", Binary::ExclusiveOr)],
    &[("&", Binary::And)],
    &[("<<", Binary::ShiftLeft), (">>", Binary::ShiftRight)],
    &[("+", Binary::Add), ("-", Binary::Subtract)],
    &[("*", Binary::Multiply), ("/", Binary::Divide), ("//", Binary::FloorDivide), ("%", Binary::Remainder)],
];

/// Operators that assign as well.
const ASSIGNING: [(&str, Binary); 12] = [
    ("+=", Binary::Add),
    ("-=", Binary::Subtract),
    ("*=", Binary::Multiply),
    ("/=", Binary::Divide),
    ("//=", Binary::FloorDivide),
    ("%=", Binary::Remainder),
    ("**=", Binary::Power),
    ("<<=", Binary::ShiftLeft),
    (">>=", Binary::ShiftRight),
    ("&=", Binary::And),
    ("|=", Binary::Or),
    ("^=", Binary::ExclusiveOr),
];

/// Words that are no names.
const KEYWORDS: [&str; 26] = [
    "and", "as", "assert", "break", "class", "continue", "def", "del", "elif", "else", "except", "for", "from",
    "global", "if", "import", "in", "is", "lambda", "not", "or", "pass", "return", "try", "while", "with",
];

/// Reads tokens.
struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

type Parsed = Result<Expression, ExpressionError>;

/// All statements of `source`.
///
/// # Errors
/// At the first place that is not in the language.
pub fn statements(source: &str) -> Result<Vec<Statement>, ExpressionError> {
    let mut parser = Parser { source, tokens: lexer::tokens(source)?, at: 0, depth: 0 };
    let mut statements = Vec::new();
    loop {
        while *parser.peek() == Kind::Separator {
            parser.advance();
        }
        if *parser.peek() == Kind::End {
            return Ok(statements);
        }
        statements.push(parser.statement()?);
        if !matches!(parser.peek(), Kind::Separator | Kind::End) {
            return Err(parser.unexpected("the end of the statement"));
        }
    }
}

impl Parser<'_> {
    fn token(&self) -> &Token {
        &self.tokens[self.at]
    }

    fn peek(&self) -> &Kind {
        &self.token().kind
    }

    fn peek_behind(&self) -> &Kind {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)].kind
    }

    fn place(&self) -> Place {
        self.token().place
    }

    fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    fn unexpected(&self, wanted: &str) -> ExpressionError {
        let found = match self.peek() {
            Kind::Literal(value) => value.quoted(),
            Kind::Name(name) => format!("{name:?}"),
            Kind::Operator(operator) => format!("{operator:?}"),
            Kind::Separator => "the end of the statement".to_owned(),
            Kind::End => "the end of the code".to_owned(),
        };
        self.place().wrong(format!("expected {wanted}, found {found}"))
    }

    fn take(&mut self, operator: &str) -> bool {
        let comes = matches!(self.peek(), Kind::Operator(next) if *next == operator);
        if comes {
            self.advance();
        }
        comes
    }

    fn expect(&mut self, operator: &str, what: &str) -> Result<(), ExpressionError> {
        if self.take(operator) { Ok(()) } else { Err(self.unexpected(&format!("{operator:?} {what}"))) }
    }

    fn at_word(&self, word: &str) -> bool {
        matches!(self.peek(), Kind::Name(next) if next == word)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let comes = self.at_word(word);
        if comes {
            self.advance();
        }
        comes
    }

    /// Reads something that stands inside something else.
    fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ExpressionError>) -> Result<T, ExpressionError> {
        if self.depth >= DEEPEST {
            return Err(self.place().wrong(format!("expected code of at most {DEEPEST} levels, found one more")));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn statement(&mut self) -> Result<Statement, ExpressionError> {
        let place = self.place();
        if self.take_word("assert") {
            return self.assertion(place);
        }
        if self.take_word("pass") {
            return Ok(Statement::Evaluate(None));
        }
        if self.take_word("if") {
            return self.inside(Self::conditional);
        }
        if self.at_word("print") && *self.peek_behind() == Kind::Operator("(") {
            self.advance();
            self.advance();
            return Ok(Statement::Print(self.list(")")?.0));
        }
        if let Kind::Name(name) = self.peek().clone()
            && let Kind::Operator(operator) = *self.peek_behind()
        {
            let assigning = ASSIGNING.into_iter().find(|(known, _)| *known == operator).map(|(_, binary)| binary);
            if operator == "=" || assigning.is_some() {
                return self.assignment(name, assigning);
            }
        }
        Ok(Statement::Evaluate(Some(self.row()?)))
    }

    fn assertion(&mut self, place: Place) -> Result<Statement, ExpressionError> {
        let from = self.token().start;
        let condition = self.expression()?;
        let text = excerpt(&self.source[from..self.tokens[self.at - 1].end]);
        let message = if self.take(",") { Some(self.expression()?) } else { None };
        Ok(Statement::Assert { place, condition, text, message })
    }

    /// Reads what is behind `if`: a condition and statements on the same line.
    fn conditional(&mut self) -> Result<Statement, ExpressionError> {
        let condition = self.expression()?;
        self.expect(":", "behind the condition")?;
        let mut statements = Vec::new();
        loop {
            if matches!(self.peek(), Kind::Separator | Kind::End) {
                return Err(self.unexpected("a statement on the line of its condition"));
            }
            statements.push(self.statement()?);
            let next = &self.tokens[(self.at + 1).min(self.tokens.len() - 1)];
            if *self.peek() != Kind::Separator || next.first || matches!(next.kind, Kind::Separator | Kind::End) {
                return Ok(Statement::If(condition, statements));
            }
            self.advance();
        }
    }

    fn assignment(&mut self, name: String, operator: Option<Binary>) -> Result<Statement, ExpressionError> {
        let place = self.place();
        if KEYWORDS.contains(&name.as_str()) || super::constants::constant(&name).is_some() {
            return Err(self.unexpected("a name that can be assigned"));
        }
        self.advance();
        self.advance();
        let value = self.row()?;
        let Some(operator) = operator else { return Ok(Statement::Assign(name, value)) };
        let before = Expression { place, node: Node::Name(name.clone()) };
        let node = Node::Chain(Box::new(before), vec![(operator, value)]);
        Ok(Statement::Assign(name, Expression { place, node }))
    }

    /// Reads an expression, or several with commas between them, which are a tuple.
    fn row(&mut self) -> Parsed {
        let first = self.expression()?;
        let (place, mut members) = (first.place, vec![first]);
        let mut tuple = false;
        while self.take(",") {
            tuple = true;
            if matches!(self.peek(), Kind::Separator | Kind::End | Kind::Operator(")")) {
                break;
            }
            members.push(self.expression()?);
        }
        if tuple {
            return Ok(Expression { place, node: Node::Tuple(members) });
        }
        Ok(members.remove(0))
    }

    /// Reads `A if B else C`, or less.
    fn expression(&mut self) -> Parsed {
        self.inside(|parser| {
            let place = parser.place();
            let value = parser.alternatives()?;
            if !parser.take_word("if") {
                return Ok(value);
            }
            let condition = parser.alternatives()?;
            if !parser.take_word("else") {
                return Err(parser.unexpected("\"else\" and another value"));
            }
            let otherwise = parser.expression()?;
            Ok(Expression { place, node: Node::Choice(Box::new([condition, value, otherwise])) })
        })
    }

    fn alternatives(&mut self) -> Parsed {
        let first = self.conjunction()?;
        let (place, mut parts) = (first.place, vec![first]);
        while self.take_word("or") {
            parts.push(self.conjunction()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression { place, node: Node::Or(parts) } })
    }

    fn conjunction(&mut self) -> Parsed {
        let first = self.negation()?;
        let (place, mut parts) = (first.place, vec![first]);
        while self.take_word("and") {
            parts.push(self.negation()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression { place, node: Node::And(parts) } })
    }

    fn negation(&mut self) -> Parsed {
        let place = self.place();
        if !self.take_word("not") {
            return self.comparison();
        }
        let negated = self.inside(Self::negation)?;
        Ok(Expression { place, node: Node::Unary(Unary::Not, Box::new(negated)) })
    }

    fn comparison(&mut self) -> Parsed {
        let first = self.chain(0)?;
        let mut rest = Vec::new();
        while let Some(comparison) = self.comparison_operator() {
            rest.push((comparison, self.chain(0)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Expression { place: first.place, node: Node::Comparison(Box::new(first), rest) })
    }

    fn comparison_operator(&mut self) -> Option<Comparison> {
        let behind = |word: &str| matches!(self.peek_behind(), Kind::Name(name) if name == word);
        let (comparison, words) = match self.peek() {
            Kind::Operator("==") => (Comparison::Equal, 1),
            Kind::Operator("!=") => (Comparison::NotEqual, 1),
            Kind::Operator("<") => (Comparison::Less, 1),
            Kind::Operator("<=") => (Comparison::LessOrEqual, 1),
            Kind::Operator(">") => (Comparison::Greater, 1),
            Kind::Operator(">=") => (Comparison::GreaterOrEqual, 1),
            Kind::Name(name) => match name.as_str() {
                "in" => (Comparison::In, 1),
                "not" if behind("in") => (Comparison::NotIn, 2),
                "is" if behind("not") => (Comparison::IsNot, 2),
                "is" => (Comparison::Is, 1),
                _ => return None,
            },
            _ => return None,
        };
        (0..words).for_each(|_| self.advance());
        Some(comparison)
    }

    /// Reads operators of one level and what binds more tightly.
    fn chain(&mut self, level: usize) -> Parsed {
        let Some(operators) = LEVELS.get(level) else { return self.sign() };
        let first = self.chain(level + 1)?;
        let mut rest = Vec::new();
        while let Kind::Operator(operator) = *self.peek()
            && let Some((_, binary)) = operators.iter().find(|(known, _)| *known == operator)
        {
            self.advance();
            rest.push((*binary, self.chain(level + 1)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Expression { place: first.place, node: Node::Chain(Box::new(first), rest) })
    }

    fn sign(&mut self) -> Parsed {
        let place = self.place();
        let unary = match self.peek() {
            Kind::Operator("-") => Unary::Minus,
            Kind::Operator("+") => Unary::Plus,
            Kind::Operator("~") => Unary::Invert,
            _ => return self.power(),
        };
        self.advance();
        let value = self.inside(Self::sign)?;
        Ok(Expression { place, node: Node::Unary(unary, Box::new(value)) })
    }

    /// Reads `a ** b`, which binds from right to left and more tightly than a sign before it.
    fn power(&mut self) -> Parsed {
        let base = self.indexed()?;
        if !self.take("**") {
            return Ok(base);
        }
        let exponent = self.inside(Self::sign)?;
        Ok(Expression { place: base.place, node: Node::Chain(Box::new(base), vec![(Binary::Power, exponent)]) })
    }

    fn indexed(&mut self) -> Parsed {
        let value = self.atom()?;
        let mut indexes = Vec::new();
        while self.take("[") {
            indexes.push(self.expression()?);
            self.expect("]", "behind the index")?;
        }
        if indexes.is_empty() {
            return Ok(value);
        }
        Ok(Expression { place: value.place, node: Node::Index(Box::new(value), indexes) })
    }

    fn atom(&mut self) -> Parsed {
        let place = self.place();
        let node = match self.peek().clone() {
            Kind::Literal(Value::Text(_)) => Node::Value(Value::Text(self.texts())),
            Kind::Literal(value) => {
                self.advance();
                Node::Value(value)
            }
            Kind::Name(name) if !KEYWORDS.contains(&name.as_str()) => {
                self.advance();
                if self.take("(") { Node::Call(name, self.list(")")?.0) } else { Node::Name(name) }
            }
            Kind::Operator("(") => {
                self.advance();
                let (mut members, comma) = self.list(")")?;
                if members.len() == 1 && !comma {
                    return Ok(members.remove(0));
                }
                Node::Tuple(members)
            }
            Kind::Operator("[") => {
                self.advance();
                Node::List(self.list("]")?.0)
            }
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Expression { place, node })
    }

    /// Reads texts that stand side by side, which are one.
    fn texts(&mut self) -> String {
        let mut all = String::new();
        while let Kind::Literal(Value::Text(text)) = self.peek() {
            all.push_str(text);
            self.advance();
        }
        all
    }

    /// Reads expressions up to `closing`, and whether the last has a comma behind it.
    fn list(&mut self, closing: &str) -> Result<(Vec<Expression>, bool), ExpressionError> {
        let mut members = Vec::new();
        let mut comma = false;
        while !self.take(closing) {
            if !members.is_empty() && !comma {
                return Err(self.unexpected(&format!("\",\" or {closing:?}")));
            }
            members.push(self.expression()?);
            comma = self.take(",");
        }
        Ok((members, comma))
    }
}

/// Code on one line, and the beginning of what is too long for one.
fn excerpt(code: &str) -> String {
    const LONGEST: usize = 200;
    let line = code.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}
