"""A run's design at the other end of a line: samples out, classes, scores and every layer's codes back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..export.graph import Graph
from ..hw.boards.board import Board
from ..hw.boards.datagram_host import DatagramHost, datagram_line, is_address
from ..hw.boards.datagrams import Datagrams
from ..hw.boards.flashed import flashed
from ..hw.boards.framed import Framed, LinkError
from ..hw.boards.host import BoardError, Heard, Host, Stats, only_port, serial_line
from ..hw.boards.link import Linked
from ..hw.boards.records import answers, bodies, host_codes
from ..hw.boards.simulated import at_socket, build, device
from ..hw.boards.top import Top
from ..ib_analysis.codes import Codes, Trace
from .belonging import check_design, graph_of, is_of_this_design
from .captured import SAMPLES
from .config import chosen_samples
from .files import sha256_of, write_arrays, write_record
from .folder import AnyFolder, RunFolder, is_there, synthesis_of, verification_of
from .held import writing
from .record import BY_BOARD
from .run import built, finished, trained_on

BAUD = 3_000_000  # of most board files; `synth --board` prints the command with the board's own
SLOW_HZ = 25e6  # of a board with Ethernet no clock is slower
COMPILING = "compiling the link and its design with Verilator"
SIMULATED_SECONDS = 60.0  # without a byte of a simulated device, which is slow
SHARE_BYTES = 50_000_000  # of frames that are under way or wait, at most

Watching: TypeAlias = Callable[[Framed, Graph, NDArray[np.uint8], NDArray[np.int64]], Callable[[Heard], None]]

ALL = "all"
AUTO = "auto"


@dataclass(frozen=True, eq=False)
class Answer:
    """What a board said about n samples.

    classes   (n,) int64
    scores    (n, classes) int32; of the samples `recorded` where they were tapped; None where they were neither tapped
              nor leave the chip
    codes     by layer, of those that were tapped, and of the one that the host computed where it cuts the pixels
    recorded  (k,) int64, the samples that codes are of: all, or every N-th
    """

    classes: NDArray[np.int64]
    scores: NDArray[np.int32] | None
    codes: Mapping[str, Codes]
    recorded: NDArray[np.int64]
    stats: Stats
    _top: int
    _ends_in_code: bool

    @property
    def trace(self) -> Trace:
        """Of the samples `recorded`. Raises BoardError where the scores are not among what came back."""
        if (scores := self._recorded_scores) is None:
            raise BoardError("a trace needs the scores, which were not tapped; open the board with taps='all'")
        return Trace("board", self.codes, scores, self._top, self._ends_in_code)

    @property
    def _recorded_scores(self) -> NDArray[np.int32] | None:
        if self.scores is None or len(self.scores) == len(self.recorded):
            return self.scores
        return self.scores[self.recorded]

    def layers(self) -> dict[str, Codes]:
        """All that came back of the samples `recorded`, as codes: of layers, and of the scores."""
        found = dict(self.codes)
        if (scores := self._recorded_scores) is not None:
            found["scores"] = Codes.pack_integers(scores, self._top.bit_length())
        return found


@dataclass(frozen=True, eq=False)
class Net:
    """A net on a board. Calling it answers."""

    linked: Framed
    host: Host | DatagramHost

    def __call__(
        self,
        x: ArrayLike,
        progress: Callable[[int, int], None] = lambda done, of: None,
        watch: Callable[[Heard], None] = lambda heard: None,
    ) -> Answer:
        """progress   is told how many of (n, inputs) uint8 samples are answered
        watch      what has been heard, each time that there is more

        Raises BoardError where the board is gone, GraphError where the samples do not fit.
        """
        samples = np.ascontiguousarray(x)

        def told(heard: Heard) -> None:
            progress(len(heard.answers), len(samples))
            watch(heard)

        came, stats = self.host.exchange(bodies(self.linked, samples), told)
        said, core = answers(self.linked, came), self.linked.core
        recorded = np.arange(0, len(samples), self.linked.every)
        codes = {**host_codes(self.linked, samples[recorded]), **said.codes}
        return Answer(said.classes, said.scores, codes, recorded, stats, core.top, core.ends_in_code)


@contextmanager
def open_board(
    run: AnyFolder,
    port: str | None = None,
    taps: str | Sequence[str] = (),
    cut_on_host: bool = False,
    simulate: bool = False,
    baud: int = BAUD,
    tell: Callable[[str], None] = lambda _: None,
    bitstream: Board | None = None,
    every: int | str = 1,
) -> Iterator[Net]:
    """The net of a run, on the board at `port`, by default the only serial one that is there.

    port          or udp://ADDRESS, of a board whose link is datagrams
    taps          layers whose codes come back, or "all"
    cut_on_host   the first layer's thresholds on pixels are applied here, and codes are sent
    simulate      no board, but the RTL of its link, compiled with Verilator, behind a terminal; or, with a port of this
                  machine, udp://127.0.0.2, at that one
    bitstream     likewise, but the file that `synth` packed for that board, read back
    every         of so many frames the tapped layers come back, whole, of the others the answer alone: 1, 2, 4, … 32;
                  or "auto", the least at which answers do not slow frames down

    All of them as the board's bitstream was built. Raises BoardError where another design answers, or none.
    """
    folder = RunFolder(run) if not isinstance(run, RunFolder) else run
    graph = graph_of(folder)
    accelerator, files = built(folder, graph)
    check_design(folder, accelerator, files)
    with ExitStack() as stack:
        if port is not None and is_address(port):
            datagrams = linked_of(Datagrams(accelerator), taps, cut_on_host, every)
            yield Net(datagrams, _by_datagrams(stack, datagrams, files, port, simulate, tell))
            return
        linked = linked_of(Linked(accelerator), taps, cut_on_host, every)
        timeout = 0.3 + 20 * (linked.window * (linked.bytes_in + linked.bytes_out) + 8192) / baud
        if simulate or bitstream:
            place = _place(stack)
            if bitstream:
                linked = replace(linked, divider=bitstream.divider)
                tell(f"reading the bitstream of {bitstream.title} back")
                files = {**files, **flashed(Top(bitstream, linked), linked, _packed(folder, bitstream), place / "read")}
            tell("compiling it with Verilator" if bitstream else COMPILING)
            program = build(linked, place, files, netlist=bitstream is not None)
            port, timeout = stack.enter_context(device(linked, program)), SIMULATED_SECONDS
        port = port or only_port()
        tell(f"{port}: asking who is there")
        line = stack.enter_context(serial_line(port, baud, timeout))
        sizes = linked.window, linked.bytes_in, linked.answer_bytes
        yield Net(linked, stack.enter_context(Host(line, port, *sizes, linked.identity).talking()))


def _by_datagrams(
    stack: ExitStack,
    datagrams: Datagrams,
    files: Mapping[str, str],
    port: str,
    simulate: bool,
    tell: Callable[[str], None],
) -> DatagramHost:
    seconds = 0.1 + datagrams.window * datagrams.cycles / SLOW_HZ
    if simulate:
        tell(COMPILING)
        stack.enter_context(at_socket(datagrams, build(datagrams, _place(stack), files), port))
        seconds = SIMULATED_SECONDS
    tell(f"{port}: asking who is there")
    host = DatagramHost(stack.enter_context(datagram_line(port, seconds)), port, datagrams)
    host.greet()
    return host


def _place(stack: ExitStack) -> Path:
    """A folder until the stack ends."""
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bitneck-")))


def _packed(folder: RunFolder, board: Board) -> Path:
    """Where the bitstream lies. Raises BoardError where there is none, or not the one that `synth` made of this RTL."""
    done, again = synthesis_of(folder, board.name), f"bitneck synth {folder.path} --board {board.name}"
    if done is None or done.bitstream is None:
        raise BoardError(f"{folder.path} has no bitstream for {board.name}; run {again}")
    if not is_of_this_design(folder, done):
        raise BoardError(f"{folder.path}: the bitstream for {board.name} is of another design; run {again} anew")
    place, (name, sha256) = folder.synthesis(board.name).parent, done.bitstream
    if not is_there(place / name) or sha256_of(place / name) != sha256:
        raise BoardError(f"{place / name} is not what was packed; run {again} anew")
    return place


Link = TypeVar("Link", bound=Framed)


def linked_of(bare: Link, taps: str | Sequence[str], cut_on_host: bool, every: int | str = 1) -> Link:
    """A link that only has its core, with everything else. Raises LinkError."""
    plain = replace(bare, pixels_cut=cut_on_host)
    layers = plain.inner.layers if taps == ALL else tuple([taps] if isinstance(taps, str) else taps)
    tapped = replace(plain, taps=layers)
    if every == AUTO:
        return tapped.at_full_rate
    if isinstance(every, str) and not every.isdecimal():
        raise LinkError(f"every {every!r} frames is no number; give one, or {AUTO}")
    return replace(tapped, every=int(every))


@dataclass(frozen=True)
class Streamed:
    """samples   of the run's, from the first
    layers       sha256 by layer of what came back
    mismatches   where it is not what the integers say, as lines
    every        of so many samples the layers came back
    accuracy     of the classes
    bitstream    the board whose packed file was simulated; None where it was RTL, or a board
    """

    samples: int
    layers: Mapping[str, str]
    mismatches: Sequence[str]
    accuracy: float
    stats: Stats
    simulated: bool
    bitstream: str | None
    taps: Sequence[str]
    every: int
    cut_on_host: bool
    bytes_down: int
    bytes_up: int
    window: int

    @property
    def equal(self) -> bool:
        return not self.mismatches


@writing
def stream(
    folder: RunFolder,
    port: str | None = None,
    taps: str | Sequence[str] = (),
    cut_on_host: bool = False,
    simulate: bool = False,
    baud: int = BAUD,
    limit: int | None = None,
    data_dir: Path | str | None = None,
    tell: Callable[[str], None] = lambda _: None,
    progress: Callable[[int, int], None] = lambda done, of: None,
    bitstream: Board | None = None,
    every: int | str = 1,
    watching: Watching | None = None,
) -> Streamed:
    """Every sample of the run, or the first `limit`, through a board; see `open_board`.

    What came back lies in board/codes.npz, one array a layer, `scores` and `class`, which `analyze --codes` reads, and
    `samples` where it is not of all of them; and beside the other sources' in verify.json where it is.

    watching   makes of link, graph, samples and labels what is told of answers as they come
    """
    config, graph = finished(folder), graph_of(folder)
    x, y = chosen_samples(config, trained_on(folder, config, data_dir))
    samples = len(x)
    x, y = x[:limit], y[:limit]
    with open_board(folder, port, taps, cut_on_host, simulate, baud, tell, bitstream, every) as net:
        tell(f"{net.host.name}: {len(x):,} frames")
        answer = net(x, progress, watching(net.linked, graph, x, y) if watching else lambda heard: None)
    found = answer.layers()
    done = Streamed(
        samples=len(x),
        layers={name: codes.digest() for name, codes in found.items()},
        mismatches=list(_differences(graph, x, answer)),
        accuracy=float((answer.classes == y).mean()),
        stats=answer.stats,
        simulated=simulate or bitstream is not None,
        bitstream=None if bitstream is None else bitstream.name,
        taps=net.linked.taps,
        every=net.linked.every,
        cut_on_host=cut_on_host,
        bytes_down=net.linked.bytes_in,
        bytes_up=net.linked.bytes_out,
        window=net.linked.window,
    )
    folder.board.mkdir(exist_ok=True)
    arrays: dict[str, NDArray] = {name: codes.packed for name, codes in found.items()}
    arrays["class"] = answer.classes[answer.recorded]
    whole = len(answer.recorded) == samples
    write_arrays(folder.board_codes, arrays if whole else arrays | {SAMPLES: answer.recorded})
    if whole and is_there(folder.verification):
        _beside_the_others(folder, done)
    write_record(folder.board / "board.json", asdict(done) | {"equal": done.equal})
    return done


def _differences(graph: Graph, x: NDArray[np.uint8], answer: Answer) -> Iterator[str]:
    """The first of each layer, and of the classes."""
    due = graph(x)
    for name, codes in answer.layers().items():
        if (at := due.layers()[name][answer.recorded].first_difference(codes)) is not None:
            yield f"{BY_BOARD}{name}, sample {answer.recorded[at[0]]}, bit {at[1]}"
    if len(wrong := np.flatnonzero(answer.classes != due.predictions())):
        sample = int(wrong[0])
        says = f"graph says {due.predictions()[sample]}, the board {answer.classes[sample]}"
        yield f"{BY_BOARD}class, sample {sample}: {says}"


def _beside_the_others(folder: RunFolder, done: Streamed) -> None:
    """The digests of what came back, as a source of verify.json."""
    recorded = verification_of(folder)
    digests = {
        layer: {source: digest for source, digest in row.items() if source != "board"}
        | ({"board": done.layers[layer]} if layer in done.layers else {})
        for layer, row in recorded.digests.items()
    }
    others = [line for line in recorded.mismatches if not line.startswith(BY_BOARD)]
    name = str(folder.board_codes.relative_to(folder.path))
    now = replace(
        recorded,
        digests=digests,
        mismatches=[*others, *done.mismatches],
        files={**recorded.files, name: sha256_of(folder.board_codes)},
    )
    write_record(folder.verification, asdict(now) | {"equal": now.equal})


open = open_board
