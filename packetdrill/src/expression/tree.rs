//! Code as a tree. It is as deep as the code's brackets and no deeper: what stands in a row is kept in a row.

use super::error::Place;
use super::value::Value;

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `assert condition, message`
    Assert {
        /// Where it stands.
        place: Place,
        /// What is to be true.
        condition: Expression,
        /// The condition as it is written.
        text: String,
        /// What to say otherwise.
        message: Option<Expression>,
    },
    /// `print(values)`
    Print(Vec<Expression>),
    /// `name = value`
    Assign(String, Expression),
    /// `if condition: statements`
    If(Expression, Vec<Statement>),
    /// `pass`, and a value that nobody takes.
    Evaluate(Option<Expression>),
}

/// An expression at its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub node: Node,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A number or text.
    Value(Value),
    /// A name.
    Name(String),
    /// `[a, b]`
    List(Vec<Expression>),
    /// `(a, b)`
    Tuple(Vec<Expression>),
    /// `f(a, b)`
    Call(String, Vec<Expression>),
    /// `a[b]`
    Index(Box<Expression>, Vec<Expression>),
    /// `-a`
    Unary(Unary, Box<Expression>),
    /// `a + b - c`, from left to right.
    Chain(Box<Expression>, Vec<(Binary, Expression)>),
    /// `a < b <= c`: every neighbour is compared.
    Comparison(Box<Expression>, Vec<(Comparison, Expression)>),
    /// `a and b and c`
    And(Vec<Expression>),
    /// `a or b or c`
    Or(Vec<Expression>),
    /// `a if b else c`, as condition, then, otherwise.
    Choice(Box<[Expression; 3]>),
}

/// An operator before a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    /// `-`
    Minus,
    /// `+`
    Plus,
    /// `~`
    Invert,
    /// `not`
    Not,
}

/// An operator between numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `//`
    FloorDivide,
    /// `%`
    Remainder,
    /// `**`
    Power,
    /// `<<`
    ShiftLeft,
    /// `>>`
    ShiftRight,
    /// `&`
    And,
    /// `|`
    Or,
    /// `^`
    ExclusiveOr,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `in`
    In,
    /// `not in`
    NotIn,
    /// `is`
    Is,
    /// `is not`
    IsNot,
}

impl Expression {
    /// Its parts, in the order of the text.
    pub fn parts(&self) -> Vec<&Expression> {
        match &self.node {
            Node::Value(_) | Node::Name(_) => Vec::new(),
            Node::List(all) | Node::Tuple(all) | Node::Call(_, all) | Node::And(all) | Node::Or(all) => {
                all.iter().collect()
            }
            Node::Index(first, all) => std::iter::once(&**first).chain(all).collect(),
            Node::Unary(_, only) => vec![only],
            Node::Chain(first, rest) => std::iter::once(&**first).chain(rest.iter().map(|(_, part)| part)).collect(),
            Node::Comparison(first, rest) => {
                std::iter::once(&**first).chain(rest.iter().map(|(_, part)| part)).collect()
            }
            Node::Choice(parts) => parts.iter().collect(),
        }
    }

    /// The first names in it, in the order of the text and each once, at most so many.
    pub fn names(&self, most: usize) -> Vec<&str> {
        let mut names = Vec::new();
        let mut open = vec![self];
        while let Some(next) = open.pop().filter(|_| names.len() < most) {
            match &next.node {
                Node::Name(name) if !names.contains(&name.as_str()) => names.push(name),
                _ => open.extend(next.parts().into_iter().rev()),
            }
        }
        names
    }
}
