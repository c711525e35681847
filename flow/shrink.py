"""Smaller nets from a trained one, by what its neurons say of the label, beside what simpler ways give in equal time.

Every net is a run of its own in one folder, which every other verb takes; what it reached is a file, so a shrinking
that was interrupted goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..hw.costs.search import cell_name
from ..hw.parts import part
from ..hw.synthesis.bitstream import Digest
from ..hw.synthesis.targets import target_of
from ..ib_analysis.codes import Codes
from ..ib_analysis.probe import probe_bound
from ..ib_analysis.spared import least_missed_first
from ..ib_analysis.symbols import label_symbols
from .config import DEFAULT_CYCLES, HardwareConfig, RunConfig, RunError, changed
from .data import ARRAYS
from .files import read_labels, read_record, read_trace, sha256_of, write, write_record
from .folder import RunFolder, is_there, synthesis_of
from .held import held
from .proof import simulate
from .run import build, export, finished, train, trained_on
from .shrink_ladder import Costs, Hidden, Rung, evenly, ladder, spread
from .shrunk import SURVIVING, How, Point, Shrunk, net_name
from .silicon import synth
from .trained import checkpoint_arrays

if TYPE_CHECKING:
    from ..models.training import Run

MEASURED = 10_000  # training samples on which neurons are compared
Tell: TypeAlias = Callable[[int, int, str], None]  # nets done, nets in all, what is under way


@dataclass(frozen=True)
class Wish:
    """How small a net is to be, and how much is spent on finding out.

    target   part that costs are of
    cycles   a frame, at most; by default what the run asks for
    luts     logic cells or LUTs to come down to; by default the part's where the net does not fit it, else half of the
             net's own
    floor    share of the test set that is right, by the mean over seeds: nets are narrowed until it is not reached
    seeds    of each net; points: widths on the way down; epochs: of training on, by default a third of the run's
    """

    target: str
    cycles: int | None = None
    luts: int | None = None
    floor: float | None = None
    seeds: int = 3
    points: int = 3
    epochs: int | None = None


@dataclass(frozen=True)
class Ladder:
    """of     sha256 of the checkpoint whose neurons were compared; below it what else decided"""

    of: Digest
    target: str
    cycles: int
    cells: int
    rungs: tuple[Rung, ...]


class Shrinking:
    """One run, one wish, one folder; what is done lies there."""

    def __init__(self, folder: RunFolder, wish: Wish, place: Path, data_dir: Path | str | None) -> None:
        """Raises RunError where the net is not trained here, not finished, or the wish is none."""
        config = finished(folder)
        if not isinstance(config, RunConfig):
            raise RunError(
                f"{folder.path}: a net that was imported has no latent weights to train on; shrink one trained here"
            )
        if wish.luts is not None and wish.luts > part(wish.target).cells:
            raise RunError(
                f"--luts {wish.luts:,} on {wish.target}, which has {part(wish.target).cells:,}; ask for fewer"
            )
        self.folder, self.config, self.wish, self.place = folder, config, wish, place
        self.data_dir, self.data = data_dir, trained_on(folder, config, data_dir)
        hardware = config.hardware
        self.cycles = wish.cycles or hardware.cycles or DEFAULT_CYCLES
        self.costs = Costs(config.network, wish.target, self.cycles, hardware.output, hardware.fifo_depth)
        self.hardware = HardwareConfig(
            target=wish.target, target_cycles=self.cycles, output=hardware.output, fifo_depth=hardware.fifo_depth
        )
        self.more_epochs = wish.epochs or -(-config.training.epochs // 3)
        self.seeds = [config.training.seed + more for more in range(wish.seeds)]
        self._bases: dict[int, tuple[Run, dict[str, Codes]]] = {}

    def run(self, tell: Tell = lambda done, total, what: None, synthesise: bool = False) -> Shrunk:
        """Everything that is not done yet: survivors first, then what is trained anew.

        tell         of each net before it
        synthesise   and prove before, the first seed's of the whole net and of each rung
        """
        with held(self.place, "shrink", make=True):
            whole = self.costs.of(self.config.network.hidden)
            points: list[Point] = []
            for number, seed in enumerate(self.seeds):
                tell(number, self._total(self.wish.points), f"the whole net, seed {seed}")
                self.trained_whole(seed)
            tell(len(self.seeds), self._total(self.wish.points), "which neurons say what, layer by layer")
            rungs = spread(self.ladder().rungs, self.wish.points)

            def reach(rung: Rung, how: How) -> float:
                mine = []
                for seed in self.seeds:
                    done = len(self.seeds) + len(points)
                    tell(done, self._total(len(rungs)), net_name(rung.hidden, how, seed))
                    mine.append(self.point(rung, how, seed))
                    points.append(mine[-1])
                return mean(point.accuracy for point in mine)

            tried, chosen = list[Rung](), None
            for rung in rungs:
                tried.append(rung)
                reached = [reach(rung, how) for how in SURVIVING]
                if self.wish.floor is not None and reached[0] < self.wish.floor:
                    break
                chosen = rung
            pairs = [(rung, evenly(self.config.network.hidden, self.costs.of, rung.cost.cells)) for rung in tried]
            anew = [each for pair in pairs for each in pair if each is not None]
            wholes = [] if whole is None else [Rung(self.config.network.hidden, whole)]
            for rung in {each.hidden: each for each in (*anew, *wholes)}.values():
                reach(rung, "scratch")
            shown = [*wholes, *tried]
            for rung in shown if synthesise else ():
                what = f"proof of {'-'.join(map(str, rung.hidden))}"
                tell(len(points), len(points), what)
                self.proven(rung)
            return Shrunk(
                self.config.name,
                self.wish.target,
                self.cycles,
                wholes[0] if wholes else None,
                tuple(self.base_folder(seed).origin().history[-1].test_accuracy for seed in self.seeds),
                self.config.training.epochs,
                tuple(pairs),
                tuple(points),
                chosen,
                dict(self._synthesised(shown)),
            )

    def _total(self, rungs: int) -> int:
        """Nets at the most, all trainings counted alike."""
        return len(self.seeds) * (2 + rungs * (len(SURVIVING) + 2))

    def base_folder(self, seed: int) -> RunFolder:
        """The run itself, or the same net of another seed."""
        return self.folder if seed == self.config.training.seed else RunFolder(self.place / f"base-seed{seed}")

    def trained_whole(self, seed: int) -> None:
        folder = self.base_folder(seed)
        if folder != self.folder:
            self._give_data(folder)
            train(folder, changed(self.config, training__seed=seed), self.data_dir)

    def _give_data(self, folder: RunFolder) -> None:
        """Arrays from Python lie in the run's folder, and each new run needs them in its own."""
        if self.config.dataset == ARRAYS and not folder.data.exists():
            write(folder.data, self.folder.data.read_bytes())

    def base(self, seed: int) -> tuple[Run, dict[str, Codes]]:
        """A trained net, and its hidden codes of up to MEASURED training samples."""
        if seed not in self._bases:
            from ..models.capture import capture
            from ..models.training import restore

            run = restore(checkpoint_arrays(self.base_folder(seed).checkpoint)[0], self.data)
            codes = capture(run.net, self.data.train_x[self.compared()]).codes
            self._bases[seed] = run, {name: code for name, code in codes.items() if name != "binarize"}
        return self._bases[seed]

    def compared(self) -> NDArray[np.int64]:
        """The training samples that neurons are compared on: all, or so many of them, always the same."""
        samples = len(self.data.train_y)
        return np.sort(np.random.default_rng(0).permutation(samples)[:MEASURED])

    def orders(self, how: How, seed: int) -> list[NDArray[np.int64]]:
        """Of each hidden layer its neurons, those first that go first."""
        run, codes = self.base(seed)
        if how == "information":
            y = label_symbols(self.data.train_y[self.compared()])
            return [least_missed_first(code, y) for code in codes.values()]
        if how == "random":
            rng = np.random.default_rng([seed, 1])
            return [rng.permutation(code.width) for code in codes.values()]
        gains = [block.norm.weight.detach().numpy() for block in run.net.hidden]  # type: ignore[union-attr,operator]
        return [np.argsort(np.abs(gain), kind="stable") for gain in gains]

    def ladder(self) -> Ladder:
        """Down to the budget, by the codes of the run itself. Kept in the folder."""
        of, path = sha256_of(self.folder.checkpoint), self.place / "ladder.json"
        cells = self._goal()
        if is_there(path):
            there = read_record(path, Ladder)
            if there.of != of:
                raise RunError(
                    f"{self.place} holds nets of another training of {self.folder.path}; choose another folder with "
                    "-o, or remove it"
                )
            if (there.of, there.target, there.cycles, there.cells) == (of, self.wish.target, self.cycles, cells):
                return there
        orders, (_, codes) = self.orders("information", self.config.training.seed), self.base(self.config.training.seed)
        y, layers = label_symbols(self.data.train_y[self.compared()]), list(codes.values())
        known: dict[tuple[int, int], float] = {}

        def bits(layer: int, width: int) -> float:
            if (layer, width) not in known:
                left = Codes.pack(layers[layer].bits()[:, np.sort(orders[layer][-width:])])
                known[layer, width] = probe_bound(left, y, np.random.default_rng(0)).bits
            return known[layer, width]

        rungs = tuple(ladder(self.config.network.hidden, self.costs.of, bits, cells))
        if len(rungs) < 2 or (self.wish.floor is None and rungs[-1].cost.cells > cells):
            least = f"; the narrowest takes {rungs[-1].cost.cells:,}" if rungs else ""
            raise RunError(
                f"{self.folder.path}: no narrower net takes {cells:,} {cell_name(self.wish.target)} of "
                f"{self.wish.target} at {self.cycles:,} cycles a frame{least}; allow more of either"
            )
        found = Ladder(of, self.wish.target, self.cycles, cells, rungs)
        write_record(path, asdict(found))
        return found

    def _goal(self) -> int:
        if self.wish.luts is not None:
            return self.wish.luts
        whole, there = self.costs.of(self.config.network.hidden), part(self.wish.target).cells
        if whole is None or whole.cells > there:
            return there
        return whole.cells // (8 if self.wish.floor is not None else 2)

    def point(self, rung: Rung, how: How, seed: int) -> Point:
        """One net, trained where it is not yet, and what it reached."""
        folder = RunFolder(self.place / net_name(rung.hidden, how, seed))
        path = self.place / "points" / f"{folder.path.name}.json"
        of = None if how == "scratch" else sha256_of(self.base_folder(seed).checkpoint)
        if is_there(path) and is_there(folder.checkpoint):
            there = read_record(path, Point)
            asked = (of, sha256_of(folder.checkpoint), self.wish.target, rung.cost.cycles, self._epochs())
            if (there.of, there.checkpoint, there.target, there.cycles, there.epochs) == asked:
                return there
        history = self._train(folder, rung.hidden, how, seed)
        trace, labels = read_trace(folder.epoch_codes(folder.origin().last)), read_labels(folder.labels)
        last = trace.codes[f"dense{len(rung.hidden)}"]
        bound = probe_bound(last, label_symbols(labels), np.random.default_rng(0))
        found = Point(
            rung.hidden,
            how,
            seed,
            of,
            sha256_of(folder.checkpoint),
            self.wish.target,
            rung.cost.cells,
            rung.cost.brams,
            rung.cost.cycles,
            self._epochs(),
            None if how == "scratch" else history[0],
            history[-1],
            bound.bits,
            bound.standard_error_bits,
        )
        write_record(path, asdict(found))
        return found

    def _epochs(self) -> int:
        return self.config.training.epochs + self.more_epochs

    def _train(self, folder: RunFolder, hidden: Hidden, how: How, seed: int) -> list[float]:
        """Test accuracies by epoch."""
        from ..models.pruning import narrowed

        widths = (self.config.network.inputs, *hidden, self.config.network.classes)
        epochs = self._epochs() if how == "scratch" else self.more_epochs
        named = {"network__widths": widths, "training__seed": seed, "training__epochs": epochs}
        config = changed(self.config, **named, hardware=self.hardware.model_dump())
        self._give_data(folder)
        if how == "scratch":
            return [epoch.test_accuracy for epoch in train(folder, config, self.data_dir)]
        orders = self.orders(how, seed)
        kept = [np.sort(order[-width:]) for order, width in zip(orders, hidden, strict=True)]
        begin = lambda network, training, data, device: narrowed(self.base(seed)[0], kept, training, device)  # noqa: E731
        return [epoch.test_accuracy for epoch in train(folder, config, self.data_dir, begin=begin)]

    def proven(self, rung: Rung) -> None:
        """The net of the first seed, exported, built, simulated over every sample, and synthesised for the part.

        The whole net as it was trained anew, others of the neurons that say most. Raises RunError where a bit differs.
        """
        folder = RunFolder(self.place / net_name(rung.hidden, self._shown(rung), self.seeds[0]))
        if not is_there(folder.rtl):
            export(folder)
            build(folder)
        if not is_there(folder.verification) and not simulate(folder, self.data_dir, workers=1).equal:
            raise RunError(f"{folder.path}: sources differ; `bitneck verify {folder.path}` says where")
        synth(folder, self.wish.target)

    def _shown(self, rung: Rung) -> How:
        return "scratch" if rung.hidden == self.config.network.hidden else "information"

    def _synthesised(self, rungs: list[Rung]) -> Iterator[tuple[tuple[Hidden, How], int]]:
        for rung in rungs:
            how = self._shown(rung)
            done = synthesis_of(RunFolder(self.place / net_name(rung.hidden, how, self.seeds[0])), self.wish.target)
            if done is not None:
                yield (rung.hidden, how), done.resource(target_of(done.target).logic).used
