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

from ..hw.costs.search import cell_name
from ..hw.parts import part
from ..hw.synthesis.bitstream import Digest
from ..hw.synthesis.targets import target_of
from ..ib_analysis.symbols import label_symbols
from ..models.config import NetworkConfig, TrainingConfig
from ..models.datasets import Dataset
from .config import DEFAULT_CYCLES, HardwareConfig, RunConfig, RunError, changed
from .data import ARRAYS
from .files import read_labels, read_record, read_trace, sha256_of, write, write_record
from .folder import RunFolder, is_there, synthesis_of
from .held import held
from .proof import prove
from .run import finished, train, trained_on
from .shrink_ladder import Costs, Hidden, Rung, evenly, in_front, ladder, of_widths, spread
from .shrunk import SURVIVING, How, Point, Shrunk, net_name
from .silicon import synth
from .survivors import Survivors, known_of
from .trained import checkpoint_arrays

if TYPE_CHECKING:
    from ..models.training import Run

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
    inputs   whether pixels may be left out, too: the design is then streamed those that stay
    """

    target: str
    cycles: int | None = None
    luts: int | None = None
    floor: float | None = None
    seeds: int = 3
    points: int = 3
    epochs: int | None = None
    inputs: bool = False


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
        if not config.network.one_bit:
            raise RunError(f"{folder.path}: {config.network} is a net of 2 bits; 1-bit nets alone are narrowed")
        if config.network.passes > 1:
            raise RunError(f"{folder.path}: {config.network}; nets that a frame passes once alone are narrowed")
        if config.network.complex:
            raise RunError(
                f"{folder.path}: {config.network}; neurons of complex nets come in pairs and are not taken out"
            )
        if config.network.codebook_bits is not None:
            raise RunError(f"{folder.path}: {config.network}; channels of nets with codebooks are not taken out so far")
        if wish.luts is not None and wish.luts > part(wish.target).cells:
            raise RunError(
                f"--luts {wish.luts:,} on {wish.target}, which has {part(wish.target).cells:,}; ask for fewer"
            )
        if wish.inputs and not config.network.rows_of_bits:
            raise RunError(f"{folder.path}: {config.network}; --inputs leaves out pixels of dense nets that cut each")
        self.folder, self.config, self.wish, self.place = folder, config, wish, place
        self.data_dir, self.data = data_dir, trained_on(folder, config, data_dir)
        self.rows = tuple(config.network.rows.values())
        self.whole = (self.data.pixels, *self.rows) if wish.inputs else self.rows
        hardware = config.hardware
        self.cycles = wish.cycles or hardware.cycles or DEFAULT_CYCLES
        cuts = checkpoint_arrays(folder.checkpoint)[0].get("net/binarize.threshold")
        thresholds = None if cuts is None else np.ceil(cuts).astype(np.int32).reshape(-1)
        self.costs = Costs(
            config.network,
            thresholds,
            wish.target,
            self.cycles,
            hardware.output,
            hardware.fifo_depth,
            self.data.copies,
        )
        self.hardware = HardwareConfig(
            target=wish.target, target_cycles=self.cycles, output=hardware.output, fifo_depth=hardware.fifo_depth
        )
        self.more_epochs = wish.epochs or -(-config.training.epochs // 3)
        self.seeds = [config.training.seed + more for more in range(wish.seeds)]
        self.survivors = Survivors(self.data, self._base_folder)

    def run(self, tell: Tell = lambda done, total, what: None, synthesise: bool = False) -> Shrunk:
        """Everything that is not done yet: survivors first, then what is trained anew.

        tell         of each net before it
        synthesise   and prove before, the first seed's of the whole net and of each rung
        """
        with held(self.place, "shrink", make=True):
            for number, seed in enumerate(self.seeds):
                tell(number, self._total(self.wish.points), f"the whole net, seed {seed}")
                self._train_whole(seed)
            tell(len(self.seeds), self._total(self.wish.points), "which neurons say what, layer by layer")
            rungs, done = spread(self.ladder().rungs, self.wish.points), len(self.seeds)
            for rung in rungs:
                for how in SURVIVING:
                    done = self._reach(rung, how, done, tell)
                if self._below_floor(self._there(rung, "information")):
                    break
            found = self.so_far()
            anew = [each for pair in found.rungs for each in pair if each is not None]
            wholes = [] if found.whole is None else [found.whole]
            for rung in {each.hidden: each for each in (*anew, *wholes)}.values():
                done = self._reach(rung, "scratch", done, tell)
            for rung in (*wholes, *(rung for rung, _ in found.rungs)) if synthesise else ():
                tell(done, done, f"proof of {'-'.join(map(str, rung.hidden))}")
                self._prove(rung)
            return self.so_far()

    def so_far(self) -> Shrunk:
        """What is done, and nothing is trained. Raises RunError where nothing is."""
        if not is_there(self.place / "ladder.json"):
            raise RunError(f"{self.place} holds no shrinking of {self.folder.path} yet; begin one without --so-far")
        pairs, points, chosen = [], [], None
        for rung in spread(self.ladder().rungs, self.wish.points):
            informed = self._there(rung, "information")
            if not informed:
                break
            even = evenly(self.rows, self.costs.of, rung.cost.cells)
            pairs.append((rung, even))
            points += [point for how in (*SURVIVING, "scratch") for point in self._there(rung, how)]
            points += [] if even in (None, rung) else self._there(even, "scratch")
            if self._below_floor(informed):
                break
            chosen = rung
        cost = self.costs.of(self.whole)
        whole = None if cost is None else Rung(self.whole, cost)
        points += [] if whole is None else self._there(whole, "scratch")
        return Shrunk(
            self.config.name,
            self.wish.target,
            self.cycles,
            whole,
            tuple(self._base_folder(seed).origin().history[-1].test_accuracy for seed in self.seeds),
            self.config.training.epochs,
            tuple(pairs),
            tuple(points),
            chosen,
            dict(self._synthesised([rung for rung in (whole, *(rung for rung, _ in pairs)) if rung is not None])),
        )

    def _reach(self, rung: Rung, how: How, done: int, tell: Tell) -> int:
        """Nets done after those of all seeds."""
        for seed in self.seeds:
            tell(done, max(done, self._total(self.wish.points)), net_name(rung.hidden, how, seed))
            self._point(rung, how, seed)
            done += 1
        return done

    def _there(self, rung: Rung, how: How) -> list[Point]:
        """Of the seeds that are done."""
        return [point for seed in self.seeds if (point := self._kept(rung, how, seed)) is not None]

    def _below_floor(self, points: list[Point]) -> bool:
        return self.wish.floor is not None and mean(point.accuracy for point in points) < self.wish.floor

    def _total(self, rungs: int) -> int:
        """Nets at the most, all trainings counted alike."""
        return len(self.seeds) * (2 + rungs * (len(SURVIVING) + 2))

    def _base_folder(self, seed: int) -> RunFolder:
        """The run itself, or the same net of another seed."""
        return self.folder if seed == self.config.training.seed else RunFolder(self.place / f"base-seed{seed}")

    def _train_whole(self, seed: int) -> None:
        folder = self._base_folder(seed)
        if folder != self.folder:
            self._give_data(folder)
            train(folder, changed(self.config, training__seed=seed), self.data_dir)

    def _give_data(self, folder: RunFolder) -> None:
        """Arrays from Python lie in the run's folder, and each new run needs them in its own."""
        if self.config.dataset == ARRAYS and not folder.data.exists():
            write(folder.data, self.folder.data.read_bytes())

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
            said = there.target, there.cycles, there.cells, there.rungs[0].hidden[: -len(self.rows)]
            same = said == (self.wish.target, self.cycles, cells, self.whole[: -len(self.rows)])
            if same and all(self.costs.of(rung.hidden) == rung.cost for rung in (there.rungs[0], there.rungs[-1])):
                return there
        whole = self.costs.of(self.whole)
        if whole is not None and whole.cells <= cells:
            raise RunError(
                f"{self.folder.path} takes {whole.cells:,} {cell_name(self.wish.target)} of {self.wish.target} as it "
                "is; ask for fewer than that with --luts"
            )

        def bits(layer: int, width: int) -> tuple[float, float]:
            return self.survivors.bits(self.config.training.seed, layer - self.wish.inputs, width)

        rungs = tuple(ladder(self.whole, self.costs.of, bits, cells, self.wish.inputs))
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
        whole, there = self.costs.of(self.whole), part(self.wish.target).cells
        if whole is None or whole.cells > there:
            return there
        return whole.cells // (8 if self.wish.floor is not None else 2)

    def _kept(self, rung: Rung, how: How, seed: int) -> Point | None:
        """What one net reached, where it is done and of these neurons, this part and so many epochs."""
        folder, path = self._net_folder(rung, how, seed), self._point_file(rung, how, seed)
        if not is_there(path) or not is_there(folder.checkpoint):
            return None
        there = read_record(path, Point)
        said = there.of, there.checkpoint, there.target, there.epochs
        asked = self._of(rung, how, seed), sha256_of(folder.checkpoint), self.wish.target, self._epochs()
        return there if said == asked else None

    def _of(self, rung: Rung, how: How, seed: int) -> str | None:
        """Digest of the checkpoint by which neurons were chosen, or pixels."""
        anew = how == "scratch" and self._whole_in_front(rung.hidden)
        return None if anew else sha256_of(self._base_folder(seed).checkpoint)

    def _whole_in_front(self, hidden: Hidden) -> bool:
        return in_front(self.config.network, hidden)[0] in (None, self.data.pixels)

    def _net_folder(self, rung: Rung, how: How, seed: int) -> RunFolder:
        return RunFolder(self.place / net_name(rung.hidden, how, seed))

    def _point_file(self, rung: Rung, how: How, seed: int) -> Path:
        return self.place / "points" / f"{net_name(rung.hidden, how, seed)}.json"

    def _point(self, rung: Rung, how: How, seed: int) -> None:
        """Trains one net, where it is not yet, and keeps what it reached."""
        if self._kept(rung, how, seed) is not None:
            return
        folder = self._net_folder(rung, how, seed)
        history = self._train(folder, rung.hidden, how, seed)
        trace, labels = read_trace(folder.epoch_codes(folder.origin().last)), read_labels(folder.labels)
        last = of_widths(self.config.network, rung.hidden, self.data.copies).shapes
        *_, name, _ = last
        bound = known_of(trace.codes[name], last[name], label_symbols(labels))
        found = Point(
            rung.hidden,
            how,
            seed,
            self._of(rung, how, seed),
            sha256_of(folder.checkpoint),
            self.wish.target,
            self._epochs(),
            None if how == "scratch" else history[0],
            history[-1],
            bound.bits,
            bound.standard_error_bits,
        )
        write_record(self._point_file(rung, how, seed), asdict(found))

    def _epochs(self) -> int:
        return self.config.training.epochs + self.more_epochs

    def _train(self, folder: RunFolder, hidden: Hidden, how: How, seed: int) -> list[float]:
        """Test accuracies by epoch."""
        from ..models.pruning import narrowed

        network = of_widths(self.config.network, hidden, self.data.copies).model_dump()
        epochs = self._epochs() if how == "scratch" else self.more_epochs
        named = {"network": network, "training__seed": seed, "training__epochs": epochs}
        if how != "scratch":  # what it learnt from its teacher and in its first step it has
            named |= {"training__teacher": "", "training__teacher_epochs": 0, "training__float_weights": 0.0}
        pixels, rows = in_front(self.config.network, hidden)
        inputs = None
        if pixels is not None and not self._whole_in_front(hidden):
            stay = self.survivors.pixels("information" if how == "scratch" else how, seed, pixels)
            inputs = self.data.columns(stay)
            before = self.config.data.inputs or range(self.data.pixels)
            named["data__inputs"] = tuple(before[pixel] for pixel in stay.tolist())
        config = changed(self.config, **named, hardware=self.hardware.model_dump())
        self._give_data(folder)
        if how == "scratch":
            return [epoch.test_accuracy for epoch in train(folder, config, self.data_dir)]
        kept = self.survivors.kept(how, seed, rows)

        def begin(network: NetworkConfig, training: TrainingConfig, data: Dataset, device: str) -> Run:
            return narrowed(self.survivors.whole(seed).run, kept, training, device, data, inputs)

        return [epoch.test_accuracy for epoch in train(folder, config, self.data_dir, begin=begin)]

    def _prove(self, rung: Rung) -> None:
        """The net of the first seed, exported, built, simulated over every sample, and synthesised for the part.

        The whole net as it was trained anew, others of the neurons that say most. Raises RunError where a bit differs.
        """
        folder = self._net_folder(rung, self._shown(rung), self.seeds[0])
        prove(folder, self.data_dir)
        synth(folder, self.wish.target)

    def _shown(self, rung: Rung) -> How:
        return "scratch" if rung.hidden == self.whole else "information"

    def _synthesised(self, rungs: list[Rung]) -> Iterator[tuple[tuple[Hidden, How], int]]:
        for rung in rungs:
            how = self._shown(rung)
            done = synthesis_of(self._net_folder(rung, how, self.seeds[0]), self.wish.target)
            if done is not None:
                yield (rung.hidden, how), done.resource(target_of(done.target).logic).used
