# Two commands for everyone: `make demo` writes a page, `make test` checks everything. Both install what they need first.
PYTHON ?= python3
EXTRAS ?= figures cluster web parquet docs train
NEEDS := pyproject.toml constraints.txt

.PHONY: demo test test-slow bench-smoke coverage mutate fuzz attack soak extras newest docs pages pictures clean

demo: .venv-demo/ready
	mkdir -p demo
	.venv-demo/bin/nextstroke write --style wide,flowing,tall --page a5 --seed 2 -o demo/page.svg - < docs/demo.txt
	.venv-demo/bin/nextstroke write --style wide,flowing,tall --page a5 --seed 2 -o demo/page.png - < docs/demo.txt
	@echo "A few lines of the text model:"
	.venv-demo/bin/nextstroke generate --prime "'''Handwriting''' is " --length 400 --temperature 0.7 --seed 1 | tee demo/text.txt
	@echo "The page is in demo/page.svg and demo/page.png, the lines in demo/text.txt"

test: .venv/ready .venv/browser node_modules/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	@if test -x node_modules/.bin/biome; then npm run --silent lint && npm run --silent types; \
	else echo "npm is missing or has no connection: the studio's JavaScript is NOT linted, its types are NOT checked"; fi
	.venv/bin/nextstroke kernel build || echo "the loops in C++ could not be built: they will NOT be tested"
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 -m "not slow"

test-slow: .venv/ready
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -m slow --timeout=3600

# Eight ratios of speed in a minute, next to those of benchmarks/smoke.json; nothing fails on them.
bench-smoke: .venv/ready
	.venv/bin/python -m benchmarks.smoke

# Small changes of handwriting/, compression/ and the training loop, each run against the tests that execute its line; the
# first run needs minutes to find those. MUTANTS=200 SEED=2 draws others, MUTATE=all takes all, ONLY=compression/ a part.
mutate: .venv/ready
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt 'cosmic-ray>=8.4'
	.venv/bin/nextstroke kernel build || echo "the loops in C++ could not be built: no mutant of them is killed"
	.venv/bin/python -m benchmarks.mutate --seed $(or $(SEED),1) --only '$(ONLY)' \
	  $(if $(filter all,$(MUTATE)),--all,--mutants $(or $(MUTANTS),40))

# The quick suite with the lines that it runs; handwriting, formats and compression have to reach 92 %.
coverage: .venv/ready
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 -m "not slow" --cov=nextstroke --cov-report=term:skip-covered
	for part in handwriting formats compression; do \
	  .venv/bin/python -m coverage report --include="*/nextstroke/$$part/*" --fail-under=92 | tail -1 || exit 1; done

# Ten minutes of bytes for every parser, led by coverage where atheris can be had; what it finds is kept in .hypothesis.
fuzz: .venv/ready
	if .venv/bin/python -m pip install --quiet atheris; then .venv/bin/python -m tests.fuzz.guided --seconds 40; \
	else NEXTSTROKE_FUZZ=8000 .venv/bin/python -m pytest tests/fuzz --timeout=3600; fi

# Thousands of hostile tries at everything that takes something from outside: a quarter of an hour on two cores.
attack: .venv/ready
	.venv/bin/python -m benchmarks.attack --report attack.json

# Half an hour of random commands and requests, some killed.
soak: .venv/ready
	.venv/bin/python benchmarks/soak.py --minutes 30

# Each extra by itself in an environment of its own: what it is for can be imported, what it is not for says what to install.
extras:
	for extra in $(EXTRAS); do \
	  $(PYTHON) -m venv --clear .venv-extra && .venv-extra/bin/python -m pip install --quiet -c constraints.txt ".[$$extra]" \
	  && .venv-extra/bin/python tests/extra.py $$extra || exit 1; done
	rm -rf .venv-extra

# The quick suite with the newest versions of everything but torch. The next `make` installs those of constraints.txt again.
newest: .venv/ready
	.venv/bin/python -m pip install --quiet --upgrade --upgrade-strategy eager "$$(grep ^torch== constraints.txt)" -e '.[train,figures,cluster,web,parquet,test,docs]'
	rm .venv/ready
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 -m "not slow"

.venv/ready: $(NEEDS)
	$(call environment,.venv)
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,figures,cluster,web,parquet,test,docs]'
	touch $@

# The page is tested in Debian's chromium and firefox-esr, its engine in node; where they can't be had, those tests say so
# and are skipped.
.venv/browser: .venv/ready
	@command -v chromium >/dev/null && command -v firefox-esr >/dev/null && command -v node >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	  && timeout 600 sh -c 'apt-get -qq update; apt-get -qq install -y --no-install-recommends chromium firefox-esr nodejs npm wabt' >/dev/null 2>&1; } \
	  || echo "chromium, firefox-esr or node is missing: the page will NOT be tested in it"
	touch $@

# What checks the studio's JavaScript; the studio itself needs nothing of npm.
node_modules/ready: package.json package-lock.json
	@mkdir -p node_modules
	@command -v npm >/dev/null && timeout 600 npm ci --silent --no-audit --no-fund || true
	@mkdir -p node_modules && touch $@

.venv-demo/ready: $(NEEDS)
	$(call environment,.venv-demo)
	.venv-demo/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

# Debian has the venv module without python3-venv, but not ensurepip. A folder that a broken attempt left, or whose Python
# is gone, is made anew.
define environment
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make environments; on Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
@$(1)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(1)
endef

# The documentation site in site/, without the network. Broken links and missing pages end it.
docs: .venv/ready
	NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build
	@echo "The site is in site/index.html"

# The generated pages of docs/: names, modules, how data flow through them, commands, tables of results, outputs of notebooks.
pages: .venv/ready
	.venv/bin/python docs/reference.py
	.venv/bin/python docs/modules.py
	.venv/bin/python docs/dataflow.py
	.venv/bin/python docs/commands.py
	.venv/bin/python docs/results.py
	.venv/bin/python docs/notebooks.py
	.venv/bin/python docs/samples.py

# The pictures of README.md and docs/, with the bundled models and the results as they are now.
pictures: .venv-demo/ready .venv/ready
	.venv/bin/python docs/pictures.py
	.venv-demo/bin/nextstroke write --style wide,flowing,tall --page a5 --seed 2 -o docs/page.png - < docs/demo.txt
	.venv-demo/bin/nextstroke write "Each line is drawn, not copied." --style neat --seed 3 --dpi 140 -o docs/writing.gif
	.venv-demo/bin/nextstroke write "$$(printf 'Dear Anna,\nthank you for the map.')" --style neat --seed 4 -o docs/letter.png
	.venv-demo/bin/nextstroke models styles -o docs/gallery.png
	.venv-demo/bin/nextstroke models styles --model writer-unipen --text "we met by the harbour" -o docs/gallery-unipen.png

clean:
	rm -rf .venv .venv-demo demo build dist site
