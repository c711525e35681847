"""The golden model of each subject as an instance, and taps on its memories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Subject(Protocol):
    """What of a stage a harness needs; `bitneck.hw.stages` says what each is."""

    @property
    def module(self) -> str: ...
    @property
    def in_width(self) -> int: ...
    @property
    def out_width(self) -> int: ...
    @property
    def in_beats(self) -> int: ...
    @property
    def out_beats(self) -> int: ...
    @property
    def cycles(self) -> int: ...
    def parameters(self) -> Mapping[str, int | str]: ...


def numbers(stage: Subject) -> dict[str, int]:
    """Its parameters, memory files apart."""
    return {name: value for name, value in stage.parameters().items() if isinstance(value, int)}


def ports(parameters: Mapping[str, int]) -> str:
    return ", ".join(f".{name}({value})" for name, value in parameters.items())


def golden(stage: Subject) -> str:
    """Instance of the stage's golden model, and taps on the memories: nets of the flattened design by their names."""
    given = numbers(stage)
    match stage.module:
        case "window":
            bits = given["FOLDS"] * given["BEAT_WIDTH"] if "TOP" in given else 0
            return model(stage, given, {"pads": ("padded.pads", bits)} if bits else {}, pads="1'b0")
        case "pool":
            return model(stage, without(given, "LANES"), {"smallest": ("smallest", given["FOLDS"])})
        case "thresholding":
            rows = {name: given[name] for name in ("ROWS", "WIDTH")}
            return model(stage, rows, {"thresholds": ("thresholds", given["ROWS"] * given["WIDTH"])})
        case "integrate":
            bits = given["ROWS"] * given["STATE_BITS"]
            return model(stage, without(given, "PE"), {name: (name, bits) for name in ("leaks", "thetas")})
        case "pass_sum":
            return model(stage, without(given, "PE"), {})
        case "argmax_spread":
            return model(stage, given, {})
        case "pool_sum":
            return model(stage, without(given, "LANES"), {})
        case "cut":
            bits = given["ROWS"] * given["OUT_BITS"] << given["IN_BITS"]
            return model(stage, without(given, "PE"), {"levels": ("lane[0].levels", bits)})
        case "threshold_step":
            bits = given["ROWS"] * given["WIDTH"] << given["DONE"]
            return model(stage, without(given, "LAST"), {"thresholds": ("thresholds", bits)})
        case "mvlu" | "scaled_scores":
            rows, cols = given["ROWS"], given["COLS"]
            weight_bits, span = given.get("W_BITS", 1), given.get("SPAN", cols)
            width = (span + 1).bit_length() if stage.module == "mvlu" else span.bit_length()
            memories = {
                "weights": ("unit.shallow.weights", rows * cols * weight_bits),
                "starts": ("unit.biased.starts", rows * width),
            }
            if stage.module == "mvlu":
                memories["thresholds"] = ("levels.thresholds", rows * given["COUNT"] * width)
            else:
                memories["multipliers"] = ("multipliers", rows * given["FACTOR_WIDTH"])
                memories["offsets"] = ("offsets", rows * given["SCORE_WIDTH"])
            return model(stage, {"PLANES": 1, **given, "SPAN": span}, memories)
        case "argmax" | "argmax_tree":
            return f"wire legal = 1'b1;\n  golden_argmax #({ports(given)}) model (.frame, .answer(golden));"
        case "binarize":
            bits = given["COLS"] * (given["BITS"] + 1)
            of_frame = {name: value for name, value in given.items() if name != "PE"}
            return f"""wire legal = 1'b1;
  (* hierconn *) wire [{bits - 1}:0] \\dut.thresholds ;
  golden_binarize #({ports(of_frame)}) model (.frame, .thresholds(\\dut.thresholds ), .answer(golden));"""
        case "scores" | "mvtu" | "dense_scores" | "dense":
            rows, cols = given["ROWS"], given["COLS"]
            folding = ports({"ROWS": rows, "COLS": cols, "PE": given.get("PE", rows), "SIMD": given.get("SIMD", cols)})
            weights = "\\dut.unit.weights" if "GROUP" in given else "\\dut.unit.shallow.weights"
            taps = f"(* hierconn *) wire [{rows * cols - 1}:0] {weights} ;"
            if "CODE_BITS" in given:
                weights, taps = decoded(rows, given["CODE_BITS"])
            if "TURNED" in given:
                weights, taps = unfolded(rows, cols)
            connections = f".frame, .weights({weights} ), .answer(golden)"
            if stage.module in ("scores", "dense_scores"):
                return f"wire legal = 1'b1;\n  {taps}\n  golden_scores #({folding}) model ({connections});"
            return f"""wire legal;
  {taps}
  (* hierconn *) wire [{rows * (cols.bit_length() + 1) - 1}:0] \\dut.unit.biased.starts ;
  golden_mvtu #({folding}) model ({connections}, .starts(\\dut.unit.biased.starts ), .legal);"""
    bits = stage.in_beats * stage.in_width
    times = stage.out_beats * stage.out_width // bits
    return f"""wire legal = 1'b1;
  golden_repeat #(.BITS({bits}), .TIMES({times})) model (.frame, .answer(golden));"""


def decoded(rows: int, bits: int) -> tuple[str, str]:
    """Weights of rows of one kernel, each a word of the only decoder there is; their name, and how they come about."""
    numbers, words = "\\dut.unit.shallow.weights", "\\dut.unit.coded.kernel[0].decoder.words"
    each = (f"{words} [9 * {numbers} [{row * bits} +: {bits}] +: 9]" for row in reversed(range(rows)))
    taps = [
        f"(* hierconn *) wire [{high}:0] {net} ;"
        for net, high in ((numbers, rows * bits - 1), (words, (9 << bits) - 1))
    ]
    return "decoded", "\n  ".join([*taps, f"wire [{9 * rows - 1}:0] decoded = {{{', '.join(each)}}};"])


def unfolded(rows: int, cols: int) -> tuple[str, str]:
    """Weights of a matrix of one lane and one input at a time whose real rows alone are stored; as of `decoded`."""
    stored, half = "\\dut.unit.shallow.weights", cols // 2

    def at(row: int, col: int) -> str:
        late, imaginary = col >= half, row >= rows // 2
        place = (row % (rows // 2) * half + col % half) * 2 + (late ^ imaginary)
        return f"{'~' if imaginary and not late else ''}{stored} [{place}]"

    each = (at(row, col) for row in reversed(range(rows)) for col in reversed(range(cols)))
    taps = f"(* hierconn *) wire [{rows * cols // 2 - 1}:0] {stored} ;"
    return "unfolded", f"{taps}\n  wire [{rows * cols - 1}:0] unfolded = {{{', '.join(each)}}};"


def without(given: Mapping[str, int], name: str) -> dict[str, int]:
    return {key: value for key, value in given.items() if key != name}


def model(stage: Subject, given: Mapping[str, int], memories: Mapping[str, tuple[str, int]], **tied: str) -> str:
    """Of the module's name; memories   by port: where in the stage, and its bits; tied   ports that are not there"""
    taps = [f"(* hierconn *) wire [{bits - 1}:0] \\dut.{net} ;" for net, bits in memories.values()]
    connections = [f".{port}(\\dut.{net} )" for port, (net, _) in memories.items()]
    connections += [f".{port}({value})" for port, value in tied.items() if port not in memories]
    instance = f"golden_{stage.module} #({ports(given)}) model (.frame, .answer(golden), {', '.join(connections)});"
    return "\n  ".join(["wire legal = 1'b1;", *taps, instance.replace(", )", ")")])
