"""A rule: when something holds of the evidence, it means that.

To teach the diagnosis something new, add a rule to one of the tables (`rules_outside`, `rules_exceptions`,
`rules_log`), its sentence to `causes`, and a sample to the tests.
"""

from __future__ import annotations

from attrs import Factory, frozen

from anyfit.failure.details import Better, Detail
from anyfit.failure.evidence import Evidence, Facts, Question
from anyfit.failure.kinds import FailureKind

__all__ = ["Finding", "Rule", "either", "first"]

either = "|".join


@frozen
class Finding:
    """What a rule found: the kind, the name of its cause, the name of the next command, the facts for both."""

    kind: FailureKind
    cause: str
    next: str = "logs"
    facts: Facts = Factory(dict)


@frozen
class Rule:
    """When `when` holds it is `kind`, explained by `cause`; `detail` may know it better."""

    kind: FailureKind
    cause: str
    when: Question
    next: str = "logs"
    detail: Detail | None = None

    def find(self, evidence: Evidence) -> Finding | None:
        """The finding, or None where the rule does not hold."""
        facts = self.when(evidence)
        if facts is None:
            return None
        better = self.detail(evidence, facts) if self.detail else Better()
        together = {**facts, **better.facts}
        return Finding(self.kind, better.cause or self.cause, better.next or self.next, together)


def first(table: tuple[Rule, ...], evidence: Evidence) -> Finding | None:
    """The finding of the first rule that holds."""
    return next((found for rule in table if (found := rule.find(evidence))), None)
