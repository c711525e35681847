"""The supernet of a search in its folder: taught, asked about nets by the evolution, and what it knows kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..hw.synthesis.bitstream import Digest
from ..models.config import TrainingConfig
from ..models.history import from_text
from .candidates import EarlySignals, InSupernet, answered
from .config import RunError, loaded
from .evolution import Candidate, evolve
from .files import read_arrays, read_record, sha256_of, write_arrays, write_record
from .folder import is_there
from .search_file import SearchWish
from .searched import Signals
from .shrink_ladder import Hidden

if TYPE_CHECKING:
    from distributed import Client

    from ..models.training import Run

Stage: TypeAlias = Callable[[str], AbstractContextManager[Callable[[int, int, str], None]]]


def silent(_: str) -> AbstractContextManager[Callable[[int, int, str], None]]:
    """A stage that tells nobody."""
    return nullcontext(lambda done, total, what: None)


def said(hidden: Hidden) -> str:
    return "-".join(map(str, hidden))


@dataclass(frozen=True)
class Judged:
    """of   sha256 of the supernet; costs are those of the part at so many cycles"""

    of: Digest
    target: str
    cycles: int
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class Known:
    """of   sha256 of the supernet; epochs: those after which early signals were taken"""

    of: Digest
    epochs: int
    signals: Signals


class Taught:
    """One wish, one folder. `evolve` wants `teach` done, and `look` the nets to look at."""

    def __init__(self, wish: SearchWish, place: Path, data_dir: Path | None) -> None:
        """Reads the data. Raises DataError or TrainingError where the wish does not suit them."""
        from ..models.supernet import with_validation
        from ..models.thresholds import most_telling_thresholds

        self.wish, self.place = wish, place
        data = loaded(wish.base, data_dir)
        self.data = with_validation(data, wish.file.validation, wish.file.seed)
        network, self.thresholds = wish.base.network, None
        if network.cut:
            channels = network.channels if network.of_maps else None
            self.thresholds = np.ceil(most_telling_thresholds(data, channels)).astype(np.int32)
        self.file, self.judged_file = place / "supernet.npz", place / "judged.json"

    def teach(self, stage: Stage) -> None:
        """Trains the supernet, or goes on with it; a checkpoint after each epoch."""
        from ..models.checkpoints import restore, state_arrays
        from ..models.supernet import teach
        from ..models.training import start

        if is_there(self.file):
            run = restore(self._arrays(), self.data)
        else:
            run = start(self.wish.config(self.wish.widest, 0, 1).network, self._recipe(), self.data)
        if self._epochs(run) == run.config.epochs:
            return
        with stage("supernet") as tell:
            tell(len(run.history), run.config.epochs, "")
            for epoch in teach(run, self.wish.choices):
                write_arrays(self.file, {**state_arrays(run), "choices": self._choices()})
                tell(epoch.epoch, run.config.epochs, f"{epoch.test_accuracy:.2%} right, the largest net")

    def _epochs(self, run: Run) -> int:
        return len(run.history) - 1

    def _choices(self) -> NDArray:
        return np.array(json.dumps(self.wish.choices))

    def _recipe(self) -> TrainingConfig:
        named = {"epochs": self.wish.file.supernet_epochs, "seed": self.wish.file.seed, "readout_weight": 0.0}
        return self.wish.base.training.model_copy(update=named)

    def _arrays(self) -> dict[str, NDArray]:
        """Raises RunError where they are of another search."""
        arrays = read_arrays(self.file)
        due = {
            "choices": str(self._choices()),
            "training": self._recipe().model_dump_json(),
            "data": self.data.sha256,
            "network": self.wish.config(self.wish.widest, 0, 1).network.model_dump_json(),
        }
        if other := [name for name, value in due.items() if name not in arrays or str(arrays[name]) != value]:
            raise RunError(
                f"{self.file} is the supernet of another search: its {' and '.join(other)} differ; choose another "
                "folder with -o, or remove it"
            )
        return arrays

    @cached_property
    def there(self) -> InSupernet:
        """Raises RunError where the supernet is not finished."""
        if not is_there(self.file) or self.right() is None:
            raise RunError(f"{self.place} holds no finished supernet of this search; begin one without --so-far")
        return InSupernet(self.wish.base, self._arrays(), self.data, self.thresholds)

    def right(self) -> float | None:
        """Share of the validation samples that the largest net has right; None where epochs are missing."""
        history = from_text(str(self._arrays()["history"]))
        return history[-1].test_accuracy if history[-1].epoch == self.wish.file.supernet_epochs else None

    @cached_property
    def sha256(self) -> str:
        return sha256_of(self.file)

    def evolve(self, client: Client | None = None, stage: Stage = silent, ask: bool = True) -> list[Candidate]:
        """Every candidate, after the last generation. What was asked before is not asked again.

        ask   whether anything may be asked; without it RunError where something is missing
        """
        there, known, file, seen = self.there, self._known(), self.wish.file, set[Hidden]()
        total = file.population + file.generations * (file.mutations + file.crossovers)

        def judge(nets: list[Hidden]) -> Mapping[Hidden, Candidate]:
            missing = [hidden for hidden in nets if hidden not in known]
            if missing and not ask:
                raise RunError(f"{self.place} holds no finished evolution yet; go on without --so-far")
            before = len(seen) + len(nets) - len(missing)
            seen.update(nets)
            for hidden, candidate in answered(
                there, missing, client, lambda done, _, hidden: tell(before + done, total, said(hidden))
            ):
                known[hidden] = candidate
            if missing:
                record = Judged(self.sha256, self._part[0], self._part[1], tuple(known[each] for each in sorted(known)))
                write_record(self.judged_file, asdict(record))
            return {hidden: known[hidden] for hidden in nets}

        with stage("evolution") as tell:
            counts = file.population, file.generations, file.mutations, file.crossovers
            rng = np.random.default_rng([file.seed, 1])
            *_, found = evolve(self.wish.choices, self.wish.budgets, judge, *counts, rng)
        return found

    @property
    def _part(self) -> tuple[str, int]:
        hardware = self.wish.base.hardware
        assert hardware.target is not None
        assert hardware.cycles is not None
        return hardware.target, hardware.cycles

    def _known(self) -> dict[Hidden, Candidate]:
        if not is_there(self.judged_file):
            return {}
        there = read_record(self.judged_file, Judged)
        first = there.candidates[0]
        same = (there.of, there.target, there.cycles) == (self.sha256, *self._part)
        same = same and self.there.costs.of(first.hidden) == first.cost  # estimates may have been fitted anew
        return {candidate.hidden: candidate for candidate in there.candidates} if same else {}

    def look(self, nets: list[Hidden], client: Client | None, stage: Stage) -> None:
        """Takes the signals of those that they are not known of."""
        missing = [hidden for hidden in nets if self.signals(hidden) is None]
        if not missing:
            return
        epochs = self.wish.file.early_epochs
        question = EarlySignals(self.there, self.wish.config(nets[0], self.wish.file.seed, epochs).training)
        with stage("signals") as tell:
            for hidden, signals in answered(question, missing, client, lambda i, of, net: tell(i, of, said(net))):
                write_record(self._signals_file(hidden), asdict(Known(self.sha256, epochs, signals)))

    def signals(self, hidden: Hidden) -> Signals | None:
        """None where they are not known, or of another supernet."""
        if not is_there(self._signals_file(hidden)):
            return None
        there = read_record(self._signals_file(hidden), Known)
        same = (there.of, there.epochs) == (self.sha256, self.wish.file.early_epochs)
        return there.signals if same else None

    def _signals_file(self, hidden: Hidden) -> Path:
        return self.place / "signals" / f"{said(hidden)}.json"
