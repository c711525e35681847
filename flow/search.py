"""Widths chosen by a supernet under budgets of cells, trained as ordinary runs, beside even widths of equal time.

Everything that is done is a file in one folder, so a search that was interrupted goes on where it stopped: the
supernet as a checkpoint after each epoch, what it was asked about after each generation, and each net as a run.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .candidates import Training, answered
from .config import RunError
from .evolution import Candidate, best
from .folder import RunFolder, is_there
from .held import held
from .proof import prove
from .search_file import SearchWish
from .searched import Net, Searched, What
from .shrink_ladder import Hidden
from .taught import Stage, Taught, said, silent

if TYPE_CHECKING:
    from distributed import Client

SHARES = 32  # of the widest net, that even widths are
TRIES = 20  # for each net by chance


class Searching:
    """One wish, one folder; what is done lies there."""

    def __init__(self, wish: SearchWish, place: Path, data_dir: Path | None) -> None:
        """Reads the data. Raises DataError or TrainingError where the wish does not suit them."""
        self.wish, self.place = wish, place.absolute()
        self.data_dir = None if data_dir is None else data_dir.absolute()
        self.taught = Taught(wish, self.place, data_dir)
        self.seeds = [wish.file.seed + more for more in range(wish.file.seeds)]

    def run(self, client: Client | None = None, stage: Stage = silent, proven: bool = True) -> Searched:
        """Everything that is not done yet.

        client   of a dask cluster whose workers see the folder, and read the data; None does it here
        stage    begins one, by its name, and gives what is told of its progress
        proven   export, build and simulate the first seed of every net found, over every sample it analyses

        Raises RunError where the narrowest net exceeds every budget, or sources of a proof differ.
        """
        with held(self.place, "search", make=True):
            self.taught.teach(stage)
            self.candidates = self.taught.evolve(client, stage)
            if not self.found:
                cheapest = min((each.cost.cells for each in self.candidates if each.cost), default=None)
                least = "none is fast enough" if cheapest is None else f"the cheapest takes {cheapest:,}"
                raise RunError(
                    f"no net of these widths fits luts={self.wish.budgets[-1]:,}: {least}; allow more, or narrower "
                    "widths"
                )
            self.taught.look([*self.found, *self.drawn], client, stage)
            self._train(client, stage)
            if proven:
                with stage("proof") as tell:
                    for done, hidden in enumerate(self.found):
                        tell(done, len(self.found), said(hidden))
                        prove(self.folder(hidden, self.wish.epochs, self.seeds[0]), self.data_dir)
            return self.so_far()

    def _train(self, client: Client | None, stage: Stage) -> None:
        nets = [(hidden, self.wish.epochs) for hidden in (*self.found, *self.drawn)]
        nets += [(hidden, self.even_epochs) for hidden in self.even]
        runs = [
            (str(self.folder(hidden, epochs, seed).path), self.wish.config(hidden, seed, epochs))
            for seed in self.seeds
            for hidden, epochs in nets
            if not _done(self.folder(hidden, epochs, seed), epochs)
        ]
        if not runs:
            return
        with stage("training") as tell:
            for (path, _), _ in answered(
                Training(self.data_dir), runs, client, lambda i, of, run: tell(i, of, Path(run[0]).name)
            ):
                if not is_there(RunFolder(path).checkpoint):
                    raise RunError(f"{path} was trained by a worker whose files are not seen here; share the folder")

    def so_far(self) -> Searched:
        """What is done, and nothing is trained. Raises RunError where supernet or evolution are not finished."""
        nets = [self._net("found", hidden, self.wish.epochs) for hidden in self.found]
        nets += [self._net("drawn", hidden, self.wish.epochs) for hidden in self.drawn]
        nets += [self._net("even widths", hidden, self.even_epochs) for hidden in self.even]
        hardware, right = self.wish.base.hardware, self.taught.right()
        assert hardware.target is not None
        assert hardware.cycles is not None
        assert right is not None
        return Searched(
            self.wish.base.name,
            hardware.target,
            hardware.cycles,
            self.wish.budgets,
            len(self.candidates),
            self.wish.file.supernet_epochs,
            self.teaching,
            right,
            tuple(net for net in nets if net is not None),
        )

    @cached_property
    def candidates(self) -> list[Candidate]:
        return self.taught.evolve(ask=False)

    @cached_property
    def found(self) -> list[Hidden]:
        """The winners under each budget, each once."""
        each = [best(self.candidates, cells, self.wish.file.winners) for cells in self.wish.budgets]
        return list(dict.fromkeys(candidate.hidden for candidates in each for candidate in candidates))

    @cached_property
    def drawn(self) -> list[Hidden]:
        """Others by chance that fit the largest budget; fewer where hardly any fits."""
        rng, drawn = np.random.default_rng([self.wish.file.seed, 2]), dict[Hidden, None]()
        for _ in range(TRIES * self.wish.file.drawn):
            if len(drawn) == self.wish.file.drawn:
                break
            hidden = tuple(int(rng.choice(widths)) for widths in self.wish.choices)
            if hidden not in self.found and self._fits(hidden, self.wish.budgets[-1]):
                drawn[hidden] = None
        return list(drawn)

    @cached_property
    def even(self) -> list[Hidden]:
        """Under each budget the widest net whose hidden layers all have the same share of the widest widths."""
        shares = (share / SHARES for share in range(SHARES, 0, -1))
        nets = [tuple(max(round(width * share), 1) for width in self.wish.widest) for share in shares]
        widest = [next((net for net in nets if self._fits(net, cells)), None) for cells in self.wish.budgets]
        return list(dict.fromkeys(net for net in widest if net is not None))

    def _fits(self, hidden: Hidden, cells: int) -> bool:
        cost = self.taught.there.costs.of(hidden)
        return cost is not None and cost.cells <= cells

    @cached_property
    def teaching(self) -> int:
        """Epochs of one net that teaching the supernet counts as: each of its steps trains several."""
        from ..models.supernet import NETS_A_STEP

        return NETS_A_STEP * self.wish.file.supernet_epochs

    @cached_property
    def even_epochs(self) -> int:
        """Of each even net, so that all of them together train for as long as the supernet and what was found."""
        nets = max(len(self.even) * len(self.seeds), 1)
        return -(-(self.teaching + len(self.found) * len(self.seeds) * self.wish.epochs) // nets)

    def folder(self, hidden: Hidden, epochs: int, seed: int) -> RunFolder:
        """Of a net: an ordinary run."""
        return RunFolder(self.place / f"{said(hidden)}-epochs{epochs}-seed{seed}")

    def _net(self, what: What, hidden: Hidden, epochs: int) -> Net | None:
        """None before the first seed is done."""
        folders = [self.folder(hidden, epochs, seed) for seed in self.seeds]
        right = tuple(each.origin().history[-1].test_accuracy for each in folders if _done(each, epochs))
        cost = self.taught.there.costs.of(hidden)
        assert cost is not None
        return Net(what, hidden, cost, epochs, right, self.taught.signals(hidden)) if right else None


def _done(folder: RunFolder, epochs: int) -> bool:
    return is_there(folder.checkpoint) and folder.origin().epochs == epochs
