"""Few combinations in which every two values of any two options meet."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

Pair = frozenset[tuple[str, str]]
"""Two options, each with one of its values."""
Combination = dict[str, str]
Options = Mapping[str, Sequence[str]]


def pairs_of(combination: Combination) -> set[Pair]:
    """The pairs that meet in it."""
    return {frozenset(pair) for pair in combinations(combination.items(), 2)}


@dataclass(frozen=True)
class Pairwise:
    """`combinations` hold every pair of values but those in `refused`, which no combination tried may hold."""

    combinations: list[Combination]
    refused: set[Pair]


def pairwise(options: Options, allowed: Callable[[Combination], bool]) -> Pairwise:
    """Greedy: each combination starts at an open pair and takes, option by option, the value that closes most pairs.

    The result depends on the order of `options` and of their values only. Where a pair is refused beside the first
    values of the others, up to two of those are changed before it counts as refused.
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
    """Combinations with `pair`: the first values of all others, then with one of them changed, then with two."""
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
    """`base` with those values of the options that are not `fixed` that close most open pairs."""
    best = base
    for name in [each for each in options if each not in fixed]:
        choices = [{**best, name: value} for value in options[name]]
        best = max(filter(allowed, choices), key=lambda each: len(pairs_of(each) & still_open))
    return best
