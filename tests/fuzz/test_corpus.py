"""All that the fuzzer has kept, and what once was a fault: without the fuzzer, in every run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import CORPUS, TARGETS

MOST_BYTES = 16 * 1024


def inputs(target: str) -> list[Path]:
    return sorted((CORPUS / target).iterdir())


@pytest.mark.parametrize("target", TARGETS)
def test_corpus(target: str) -> None:
    for path in inputs(target):
        try:
            TARGETS[target].run(path.read_bytes())
        except Exception as e:
            raise AssertionError(f"python -m tests.fuzz {target} {path}: {e!r}") from e


@pytest.mark.parametrize("target", TARGETS)
def test_seeds(target: str) -> None:
    for seed in SEEDS[target]:
        TARGETS[target].run(seed)


def test_each_target_has_a_corpus_and_it_is_small() -> None:
    assert {path.name for path in CORPUS.iterdir()} == TARGETS.keys() == SEEDS.keys()
    for target in TARGETS:
        assert 0 < sum(path.stat().st_size for path in inputs(target)) < MOST_BYTES, target
