"""What a search is asked for, as its file says it: a net to begin with, widths to choose, what they may cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from ..hw.parts import part
from ..models.config import Strict, nearest
from .config import RunConfig, RunError, changed, checked_toml, wished
from .shrink_ladder import Hidden
from .sweep_file import base_of

Widths: TypeAlias = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2)]
AtLeastOne: TypeAlias = Annotated[int, Field(ge=1)]


class SearchConfig(Strict):
    """A preset or a file like run.toml, whose recipe trains everything, and what to choose of it.

    config          seen from the folder of the search's own file
    widths          to choose from, of all hidden layers, a list for each, or lists by the names of layers, of which
                    others keep their width: neurons of a dense layer, channels of a convolution
    target, cycles, fps, clock_mhz   as in [hardware]; by default the rate is that of the run
    luts            budgets in logic cells or LUTs; the best nets are looked for under each
    supernet_epochs of the net that holds all others
    population, generations, mutations, crossovers   of the evolution: nets at first, and more in each generation
    winners         nets that are trained for each budget; drawn: others, by chance, to see how well the supernet ranks
    epochs          that they are trained for; by default the run's
    early_epochs    after which a net's accuracy and bits are looked at beside what the supernet says
    seeds           of each net that is trained; seed: the first of them, of supernet and evolution too
    validation      share of the training set that judges while searching; the test set judges what is found
    """

    preset: str | None = None
    config: str | None = None
    target: Annotated[str, AfterValidator(lambda name: part(name).name)]
    cycles: AtLeastOne | None = None
    fps: Annotated[float, Field(gt=0)] | None = None
    clock_mhz: Annotated[float, Field(gt=0)] | None = None
    luts: Annotated[list[AtLeastOne], Field(min_length=1)]
    widths: Widths | Annotated[list[Widths], Field(min_length=1)] | Annotated[dict[str, Widths], Field(min_length=1)]
    supernet_epochs: AtLeastOne
    population: Annotated[int, Field(ge=2)] = 64
    generations: Annotated[int, Field(ge=0)] = 6
    mutations: Annotated[int, Field(ge=0)] = 24
    crossovers: Annotated[int, Field(ge=0)] = 8
    winners: AtLeastOne = 1
    drawn: Annotated[int, Field(ge=0)] = 6
    epochs: AtLeastOne | None = None
    early_epochs: AtLeastOne = 3
    seeds: AtLeastOne = 3
    seed: Annotated[int, Field(ge=0)] = 0
    validation: Annotated[float, Field(gt=0, lt=1)] = 1 / 6


@dataclass(frozen=True)
class SearchWish:
    """A search file with all that it leaves to others.

    base      the run that is varied: its data, recipe and hardware, target and rate among it
    choices   widths of each hidden layer, ascending
    budgets   ascending
    epochs    of each net that is trained
    """

    file: SearchConfig
    base: RunConfig
    choices: tuple[Hidden, ...]
    budgets: tuple[int, ...]
    epochs: int

    @property
    def widest(self) -> Hidden:
        return tuple(widths[-1] for widths in self.choices)

    @property
    def narrowest(self) -> Hidden:
        return tuple(widths[0] for widths in self.choices)

    def config(self, hidden: Hidden, seed: int, epochs: int) -> RunConfig:
        """The run of a net."""
        network = self.base.network.of_rows(hidden).model_dump()
        return changed(self.base, network=network, training__seed=seed, training__epochs=epochs)


def search_wish(text: str, place: str) -> SearchWish:
    """Of a search file. Raises RunError with the place and what is wrong."""
    file = checked_toml(SearchConfig, text, place)
    run = base_of(file.preset, file.config, place)
    wrong = partial(_wrong, place)
    if not run.network.one_bit:
        of = "2 bits" if run.network.binary else run.network.activation
        raise wrong(f"a net of {of} is not searched; search 1-bit nets")
    if run.network.threshold_sets > 1:
        raise wrong(
            "threshold_sets: a supernet has one set of thresholds; search without, and add sets to what is found"
        )
    if run.network.complex:
        raise wrong(
            "complex: neurons of a complex net are pairs, and a supernet narrows them one by one; search without"
        )
    if run.network.steps > 1:
        raise wrong("steps: a supernet has no states; search without, and add steps to what is found")
    if run.network.codebook_bits is not None:
        raise wrong("codebook_bits: kernels of a supernet are free; search without, and add codebooks to what is found")
    if run.training.optimizer == "bop":
        raise wrong("bop keeps no latent weights, and a supernet standardises them; train by adam or sgd")
    if run.training.bilinear:
        raise wrong("bilinear: RBONN pulls weights to their signs, and a supernet standardises them; leave it out")
    if run.training.taught or run.training.float_weights:
        raise wrong(
            "teacher and float_weights: a supernet teaches itself, its largest net on float weights; leave them out"
        )
    choices = _choices(file, run, wrong)
    if max(file.luts) > part(file.target).cells:
        raise wrong(f"luts={max(file.luts):,} on {file.target}, which has {part(file.target).cells:,}; ask for fewer")
    wishes = {
        "target": file.target,
        "target_cycles": file.cycles,
        "target_fps": file.fps,
        "clock_mhz": file.clock_mhz,
    }
    rate = file.cycles is not None or file.fps is not None
    try:
        hardware = wished(run.hardware, wishes, replace_rate=rate)
    except RunError as error:
        raise wrong(str(error)) from None
    if hardware.cycles is None:
        raise wrong(f"how fast? {run.name} asks for no rate; give cycles, or fps with clock_mhz")
    given = hardware.model_dump() | {"rom_style": None, "luts": None, "brams": None}
    base = changed(run, hardware=given)
    return SearchWish(file, base, choices, tuple(sorted(set(file.luts))), file.epochs or run.training.epochs)


def _choices(file: SearchConfig, run: RunConfig, wrong: Callable[[str], RunError]) -> tuple[Hidden, ...]:
    rows, widths = run.network.rows, file.widths
    if isinstance(widths, dict):
        if unknown := [name for name in widths if name not in rows]:
            raise wrong(f"widths of {unknown[0]}, and {run.name} has none of that name; {nearest(unknown[0], rows)}")
        lists = [widths.get(name, [width]) for name, width in rows.items()]
    else:
        each = [every for every in widths if isinstance(every, list)]
        lists = each or [[width for width in widths if isinstance(width, int)]] * len(rows)
    if len(lists) != len(rows):
        raise wrong(
            f"widths of {len(lists)} hidden layers, and {run.name} has {len(rows)}, {', '.join(rows)}; give one list, "
            f"{len(rows)}, or a table of them by name"
        )
    return tuple(tuple(sorted(set(every))) for every in lists)


def _wrong(place: str, what: str) -> RunError:
    return RunError(f"{place}: {what}")
