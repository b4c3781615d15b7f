# One page: what a person can do. The steps are in scripts/.
# The target folder lies outside the clone, so that a second clone is warm.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gauze/target
export GAUZE_HOME ?= ./.gauze-demo
CARGO ?= cargo

.PHONY: demo test bench build check pages fuzz

## Builds Gauze, makes an archive with sample films and starts it.
demo: build
	exec $(CARGO_TARGET_DIR)/release/gauze demo

## Installs what the tests need and runs them all; prints seconds per stage.
test:
	bash scripts/test.sh

## Stores and renders beside Orthanc; CPU seconds first. BENCH=folder chooses the disk.
bench: build
	bash scripts/bench.sh

build:
	$(CARGO) build --locked --release --workspace

## Coverage-guided fuzzing where a nightly toolchain and cargo-fuzz are installed; TARGET=name chooses one (see fuzz/README.md).
fuzz:
	$(CARGO) +nightly fuzz run --fuzz-dir fuzz $(or $(TARGET),jpeg-ls) -- -max_total_time=$(or $(SECONDS_EACH),300)

## Format, lints and the house rules only.
check:
	bash scripts/test.sh format lint tidy

## Builds the web pages from ui/ into crates/gateway/pages/ (takes the machine's Node, or PyPI's when it is too old).
pages:
	bash ui/build.sh
