"""A design whose memories are constants of its source, so that no tool has to find a memory file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..verilog import HERE

# How every module of rtl/ fills a memory.
_FILLED = re.compile(
    r'^ *initial if \((?P<file>\w+) != ""\) begin\n *\$readmemh\((?P=file), (?P<memory>\w+)\);\n'
    r"`ifndef SYNTHESIS\n.*?`endif\n *end\n",
    re.MULTILINE | re.DOTALL,
)


def with_constants(files: Mapping[str, str]) -> dict[str, str]:
    """The .sv files of a design, in which each memory is filled by assignments instead of `$readmemh`.

    Which of the design's memories an instance has is chosen where it is elaborated, by the name that it is given.
    """
    memories = {name: text.split() for name, text in files.items() if name.endswith(".mem")}

    def filled(found: re.Match[str]) -> str:
        lines = []
        for index, (name, words) in enumerate(memories.items()):
            bits = 4 * len(words[0])
            lines.append(f'  if ({found["file"]} == "{HERE}{name}") begin : memory_{index}')
            lines.append("    initial begin")
            lines += [f"      {found['memory']}[{at}] = {bits}'h{word};" for at, word in enumerate(words)]
            lines += ["    end", "  end"]
        return "\n".join(lines) + "\n"

    sources = {name: text for name, text in files.items() if name.endswith(".sv")}
    return {name: _FILLED.sub(filled, text) for name, text in sources.items()}
