//! Running statements.

use std::collections::BTreeMap;

use super::Lookup;
use super::arithmetic::{binary, bounded, compare, unary};
use super::constants::constant;
use super::error::{ErrorKind, ExpressionError, Place};
use super::functions;
use super::tree::{Expression, Node, Statement};
use super::value::Value;

/// Names that blocks of one script have assigned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    names: BTreeMap<String, Value>,
}

impl Scope {
    /// What a block has assigned to `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.names.get(name)
    }
}

/// How many names a failed assertion explains: enough for those that people write.
const MOST_NAMES: usize = 12;

type Evaluated = Result<Value, ExpressionError>;

/// One run of one block.
struct Run<'a> {
    /// What earlier blocks have assigned.
    before: &'a Scope,
    /// What this one has.
    here: Scope,
    lookup: &'a Lookup<'a>,
    printed: Vec<String>,
}

/// Runs `statements` and gives the lines that they print. What they assign up to an error stays assigned.
///
/// # Errors
/// Where an assertion does not hold, or something is asked for that has no value.
pub fn run(statements: &[Statement], scope: &mut Scope, lookup: &Lookup<'_>) -> Result<Vec<String>, ExpressionError> {
    let mut run = Run { before: scope, here: Scope::default(), lookup, printed: Vec::new() };
    let result = run.all(statements);
    let Run { here, printed, .. } = run;
    scope.names.extend(here.names);
    result.map(|()| printed)
}

impl Run<'_> {
    fn all(&mut self, statements: &[Statement]) -> Result<(), ExpressionError> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), ExpressionError> {
        match statement {
            Statement::Assert { place, condition, text, message } => {
                if self.evaluate(condition)?.truth() {
                    return Ok(());
                }
                Err(self.failed(*place, condition, text, message.as_ref()))
            }
            Statement::Print(values) => {
                let words: Result<Vec<String>, _> =
                    values.iter().map(|value| self.evaluate(value).map(|value| value.to_string())).collect();
                self.printed.push(words?.join(" "));
                Ok(())
            }
            Statement::Assign(name, value) => {
                let value = self.evaluate(value)?;
                self.here.names.insert(name.clone(), value);
                Ok(())
            }
            Statement::If(condition, statements) => {
                if self.evaluate(condition)?.truth() {
                    self.all(statements)
                } else {
                    Ok(())
                }
            }
            Statement::Evaluate(value) => value.iter().try_for_each(|value| self.evaluate(value).map(|_| ())),
        }
    }

    /// What to say of an assertion that does not hold: what its names stand for, and its own message.
    fn failed(
        &self,
        place: Place,
        condition: &Expression,
        text: &str,
        message: Option<&Expression>,
    ) -> ExpressionError {
        let mut said = format!("expected {text}");
        let values = condition.names(MOST_NAMES).into_iter().filter(|name| constant(name).is_none());
        let values: Vec<String> = values
            .filter_map(|name| self.value_of(name).map(|value| format!("{name} is {}", value.quoted())))
            .collect();
        if !values.is_empty() {
            said.push_str(&format!(", but {}", values.join(" and ")));
        }
        if let Some(message) = message {
            match self.evaluate(message) {
                Ok(message) => said.push_str(&format!(" ({message})")),
                Err(error) => return error,
            }
        }
        place.error(ErrorKind::Failed, said)
    }

    fn value_of(&self, name: &str) -> Option<Value> {
        let here = self.here.get(name).cloned();
        here.or_else(|| (self.lookup)(name)).or_else(|| self.before.get(name).cloned()).or_else(|| constant(name))
    }

    fn evaluate(&self, expression: &Expression) -> Evaluated {
        let place = expression.place;
        let wrong = |why: String| place.wrong(why);
        match &expression.node {
            Node::Value(value) => Ok(value.clone()),
            Node::Name(name) => {
                self.value_of(name).ok_or_else(|| wrong(format!("expected a known name, found {name:?}")))
            }
            Node::List(members) => self.members(place, members).map(Value::List),
            Node::Tuple(members) => self.members(place, members).map(Value::Tuple),
            Node::Call(name, arguments) => functions::call(name, &self.members(place, arguments)?).map_err(wrong),
            Node::Index(value, indexes) => indexes.iter().try_fold(self.evaluate(value)?, |value, index| {
                let index = self.evaluate(index)?;
                member(&value, &index).map_err(wrong)
            }),
            Node::Unary(operator, value) => unary(*operator, &self.evaluate(value)?).map_err(wrong),
            Node::Chain(first, rest) => rest.iter().try_fold(self.evaluate(first)?, |left, (operator, right)| {
                binary(*operator, &left, &self.evaluate(right)?).map_err(|why| right.place.wrong(why))
            }),
            Node::Comparison(first, rest) => {
                let mut left = self.evaluate(first)?;
                for (comparison, right) in rest {
                    let next = self.evaluate(right)?;
                    if !compare(*comparison, &left, &next).map_err(wrong)? {
                        return Ok(Value::Bool(false));
                    }
                    left = next;
                }
                Ok(Value::Bool(true))
            }
            Node::And(parts) => self.until(parts, false),
            Node::Or(parts) => self.until(parts, true),
            Node::Choice(parts) => {
                let [condition, then, otherwise] = &**parts;
                self.evaluate(if self.evaluate(condition)?.truth() { then } else { otherwise })
            }
        }
    }

    fn members(&self, place: Place, members: &[Expression]) -> Result<Vec<Value>, ExpressionError> {
        let mut values = Vec::new();
        let mut size = 1;
        for member in members {
            let value = self.evaluate(member)?;
            size += value.size();
            bounded(size).map_err(|why| place.wrong(why))?;
            values.push(value);
        }
        Ok(values)
    }

    /// The first value that counts as `wanted`, or the last.
    fn until(&self, parts: &[Expression], wanted: bool) -> Evaluated {
        let mut value = Value::None;
        for part in parts {
            value = self.evaluate(part)?;
            if value.truth() == wanted {
                break;
            }
        }
        Ok(value)
    }
}

/// The member of a list, tuple or text; negative indexes count from its end.
fn member(value: &Value, index: &Value) -> Result<Value, String> {
    let length = match value {
        Value::List(members) | Value::Tuple(members) => members.len(),
        Value::Text(text) => text.chars().count(),
        other => return Err(format!("expected a list, tuple or text before the index, found {}", other.kind())),
    };
    let whole = index.whole().ok_or_else(|| format!("expected a whole number as index, found {}", index.kind()))?;
    let from_start =
        if whole < 0 { i128::try_from(length).ok().and_then(|length| whole.checked_add(length)) } else { Some(whole) };
    let found = from_start.and_then(|at| usize::try_from(at).ok()).and_then(|at| match value {
        Value::List(members) | Value::Tuple(members) => members.get(at).cloned(),
        Value::Text(text) => text.chars().nth(at).map(|letter| Value::Text(letter.to_string())),
        _ => None,
    });
    found.ok_or_else(|| format!("expected an index below {length}, found {whole}"))
}
