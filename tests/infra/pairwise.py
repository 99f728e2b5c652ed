"""Pairwise testing: few combinations that together contain every pair of option values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

Pair = frozenset[tuple[str, str]]
"""Two options, each with one of its values."""
Combination = dict[str, str]
Options = Mapping[str, Sequence[str]]


def pairs_of(combination: Combination) -> set[Pair]:
    """Return the pairs of values in a combination."""
    return {frozenset(pair) for pair in combinations(combination.items(), 2)}


@dataclass(frozen=True)
class Pairwise:
    """Combinations that contain every pair of values, except the refused pairs.

    A pair is refused if no allowed combination was found for the pair.
    """

    combinations: list[Combination]
    refused: set[Pair]


def pairwise(options: Options, allowed: Callable[[Combination], bool]) -> Pairwise:
    """Return combinations that contain every pair, by a greedy search.

    A pair is new if no earlier combination contains it. Each combination starts with a new pair and
    the first values of all other options. If this is not allowed, one or two of these values are
    changed. If no such change is allowed, the pair counts as refused. When an allowed combination
    is found, the options outside the pair get new values, one option after the other. Each gets the
    allowed value that gives the combination the most new pairs. The result depends only on
    `allowed` and on the sequence of `options` and their values.
    """
    wanted = [
        frozenset({(one, mine), (other, theirs)})
        for one, other in combinations(options, 2)
        for mine in options[one]
        for theirs in options[other]
    ]
    still_open, found, refused = set(wanted), [], set()
    for pair in wanted:
        if pair not in still_open:
            continue
        base = next(filter(allowed, _around(pair, options)), None)
        if base is None:
            refused.add(pair)
            continue
        best = _filled(base, dict(pair), options, still_open, allowed)
        found.append(best)
        still_open -= pairs_of(best)
    return Pairwise(found, refused)


def _around(pair: Pair, options: Options) -> Iterator[Combination]:
    """Yield `pair` with the first values of all other options, then with one or two of these values changed."""
    base = {**{name: values[0] for name, values in options.items()}, **dict(pair)}
    changes = [(name, value) for name, values in options.items() if name not in dict(pair) for value in values[1:]]
    one = ({**base, name: value} for name, value in changes)
    two = ({**base, **dict(both)} for both in combinations(changes, 2))
    return chain([base], one, two)


def _filled(
    base: Combination,
    fixed: Combination,
    options: Options,
    still_open: set[Pair],
    allowed: Callable[[Combination], bool],
) -> Combination:
    """Return `base` with new values for the options that are not in `fixed`.

    These options get their values one after the other. Each gets the best allowed value: with this value, the
    combination has the most pairs of `still_open`.
    """
    best = base
    for name in [each for each in options if each not in fixed]:
        choices = [{**best, name: value} for value in options[name]]
        best = max(filter(allowed, choices), key=lambda each: len(pairs_of(each) & still_open))
    return best
