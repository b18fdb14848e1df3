//! Which feedback on congestion marks a connection asks for: `tcp_ecn` in terms of the stack.

use burstlab_algorithms::{Builder, EcnFeedback, Kind, Registry};

/// What `tcp_ecn` says for a controller, for a connection that is opened or (`passive`) accepted:
/// Documentation/networking/ip-sysctl.rst.
pub fn feedback(tcp_ecn: u8, controller: &str, passive: bool) -> EcnFeedback {
    // A controller that lives on marks negotiates them whatever the host is set to.
    if controller.starts_with("dctcp") {
        return EcnFeedback::Dctcp;
    }
    match (tcp_ecn, passive) {
        (1, _) | (2, true) | (4, false) => EcnFeedback::Classic,
        (3, _) | (4 | 5, true) => EcnFeedback::Accurate,
        _ => EcnFeedback::None,
    }
}

/// Makes controllers of `spec` that send ECN-capable packets if there is feedback. None if there is no such controller.
pub fn builder(registry: &Registry, spec: &str, feedback: EcnFeedback) -> Option<Builder> {
    let plain = registry.parse(spec).ok()?;
    let marks = plain.entry().parameters.iter().any(|p| p.name == "ecn" && matches!(p.kind, Kind::Switch { .. }));
    if feedback == EcnFeedback::None || !marks {
        return Some(plain);
    }
    let joint = if spec.contains('?') { '&' } else { '?' };
    // Given already, it stays as the user has it.
    registry.parse(&format!("{spec}{joint}ecn=true")).ok().or(Some(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcp_ecn_tells_what_is_asked_for_from_what_is_granted() {
        assert_eq!(feedback(2, "cubic", false), EcnFeedback::None);
        assert_eq!(feedback(2, "cubic", true), EcnFeedback::Classic);
        assert_eq!(feedback(4, "cubic", false), EcnFeedback::Classic);
        assert_eq!(feedback(4, "cubic", true), EcnFeedback::Accurate);
        assert_eq!(feedback(0, "dctcp", true), EcnFeedback::Dctcp);
    }

    #[test]
    fn a_controller_takes_marks_if_they_are_told() {
        let registry = Registry::default();
        let asks = |feedback| builder(&registry, "reno", feedback).map(|b| b.ecn_feedback());
        assert_eq!(asks(EcnFeedback::None), Some(EcnFeedback::None));
        assert_eq!(asks(EcnFeedback::Accurate), Some(EcnFeedback::Classic));
        assert!(builder(&registry, "vegas", EcnFeedback::None).is_none());
    }
}
