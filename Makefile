# make demo   installs and runs the whole pipeline on embedded signs and simulated photos
# make test   installs, development tools too, and runs lint, types, layers and all tests
# make coverage   all tests again, slower, with the lines that none of them runs
# make runtime    a second virtual environment without torch; prints its size and first answer
# make container  what docker/Dockerfile does, without docker: installs, serves as a plain user, asks
# make sbom     writes build/sbom.json: every package that the program is made of (CycloneDX)
# make audit    asks for known faults of these packages; needs the network
# make scale    how everything grows with crops and classes; several processes against one (docs/scale.md)
# make fuzz     gives a million wrong inputs to every reader of files and to the service (docs/reliability.md)
# make faults     kills every command at random moments, fills disks, breaks files (half an hour)
# make results RARESIGN_DATA=...   trains and measures every row of docs/results.md
VENV := .venv
PYTHON := $(VENV)/bin/python

RUNTIME := .venv-runtime
CONTAINER := .venv-serve
SUPPLY := .venv-supply
FUZZ := $(CURDIR)/.fuzz

.PHONY: demo test lint coverage runtime container sbom audit faults fuzz results bench scale clean
demo: $(VENV)/.installed
	$(VENV)/bin/raresign demo --out demo

test: lint $(VENV)/.peers $(VENV)/.s3
	sh tools/browser.sh
	-$(MAKE) $(RUNTIME)/.installed
	sh tools/example_libraries.sh .examples
	$(PYTHON) -m pytest -n auto --max-worker-restart=0 --dist loadfile --no-loadscope-reorder --durations=10

coverage: $(VENV)/.dev $(VENV)/.peers
	$(PYTHON) -m pytest -n auto --max-worker-restart=0 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check src tests tools
	$(VENV)/bin/ruff format --check src tests tools
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

results: $(VENV)/.installed
	@test -n "$(RARESIGN_DATA)" || { echo "Set RARESIGN_DATA to the folder of rtsd-r1 and gtsrb." >&2; exit 2; }
	$(PYTHON) tools/results.py $(RARESIGN_DATA)/rtsd-r1
	$(PYTHON) tools/results.py $(RARESIGN_DATA)/gtsrb --country Germany --runs runs/germany

runtime: $(RUNTIME)/.installed
	$(RUNTIME)/bin/python tools/first_answer.py

# Without it, as where pip has no index, its tests are skipped.
$(RUNTIME)/.installed: pyproject.toml constraints.txt tools/runtime_env.sh
	rm -rf $(RUNTIME)
	sh tools/runtime_env.sh $(RUNTIME) || { rm -rf $(RUNTIME); exit 1; }
	touch $@

container: $(CONTAINER)/.installed
	$(CONTAINER)/bin/python tools/container_check.py

$(CONTAINER)/.installed: pyproject.toml constraints.txt tools/container_steps.sh $(shell find src -name '*.py')
	rm -rf $(CONTAINER)
	sh tools/container_steps.sh $(CONTAINER) || { rm -rf $(CONTAINER); exit 1; }
	touch $@

# Its tools are in an environment of their own, so that they are no part of what they list.
sbom: $(VENV)/.installed $(SUPPLY)/bin/cyclonedx-py
	mkdir -p build
	$(SUPPLY)/bin/cyclonedx-py environment $(PYTHON) --pyproject pyproject.toml --mc-type application \
		--output-reproducible --output-file build/sbom.json
	@echo "build/sbom.json"

audit: $(VENV)/.installed $(SUPPLY)/bin/pip-audit
	sh tools/audit.sh $(VENV) $(SUPPLY)/bin/pip-audit

$(SUPPLY)/bin/cyclonedx-py:
	python3 -m venv $(SUPPLY)
	$(SUPPLY)/bin/python -m pip install -q --disable-pip-version-check 'cyclonedx-bom>=7,<8'

$(SUPPLY)/bin/pip-audit:
	python3 -m venv $(SUPPLY)
	$(SUPPLY)/bin/python -m pip install -q --disable-pip-version-check 'pip-audit>=2.9,<3'

scale: $(VENV)/.installed
	$(PYTHON) tools/scale.py
	$(PYTHON) tools/several_processes.py

fuzz: $(VENV)/.fuzz
	PYTHONPATH=$(FUZZ) $(PYTHON) tools/fuzz.py --docs

# Tools of `make fuzz` alone, in a folder of their own; without them it says what it leaves out.
$(VENV)/.fuzz: $(VENV)/.dev
	sh tools/fuzz_tools.sh $(PYTHON) $(FUZZ)
	touch $@

bench: $(VENV)/.peers
	$(VENV)/bin/raresign bench

# FAULTS="--only train --seed 7" narrows it down.
faults: $(VENV)/.peers
	nice -n 10 $(PYTHON) tools/faults $(FAULTS)

$(VENV)/.installed: pyproject.toml constraints.txt tools/install.sh
	sh tools/install.sh $(VENV)
	touch $@

# Development tools, on top of the program.
$(VENV)/.dev: $(VENV)/.installed
	$(PYTHON) -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# The libraries that `raresign bench synth` measures beside ours; without them their tests skip.
$(VENV)/.peers: $(VENV)/.installed
	$(PYTHON) -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[peers]' && \
		touch $@ || \
		echo "kornia and albumentations could not be installed: their tests will be skipped." >&2

# S3 on this machine, for the tests of storages; without it they skip.
$(VENV)/.s3: $(VENV)/.installed
	$(PYTHON) -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[s3]' && \
		touch $@ || \
		echo "s3fs and moto could not be installed: the tests of S3 will be skipped." >&2

clean:
	rm -rf demo build .mypy_cache .ruff_cache .pytest_cache .hypothesis
