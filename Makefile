# Everything that is done with this project by hand or by continuous integration. `make` lists it.

# How many lanes `make run` serves.
LANES ?= 3
# How `make busy-morning` is to be: its own options, `madoguchi-demo busy-morning --help` lists them.
MORNING ?= --lanes 16 --patients 1000 --seed 1 --mishaps 5 --speed 40
# How long `make soak` goes on, and each target of `make fuzz`.
SOAK_MINUTES ?= 60
FUZZ_SECONDS ?= 60
# How many requests of each kind `make api-test` invents.
API_EXAMPLES ?= 200

TARGET := $(or $(CARGO_TARGET_DIR),target)
GATEWAY := $(TARGET)/debug/madoguchi
SIMULATOR := $(TARGET)/debug/madoguchi-sim
DEMO := $(TARGET)/debug/madoguchi-demo
FUZZ := cargo +nightly fuzz
FUZZ_DIR := tests/fuzz

.DEFAULT_GOAL := help
.PHONY: help run demo busy-morning pictures test api-test line-test alerts-test lint doc bench soak fuzz fuzz-seeds install programs image image-twice image-test image-update-test

help: ## Lists what can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: programs ## Starts a simulated hospital and the gateway, prints the addresses, stays up until Ctrl-C.
	@$(SIMULATOR) --lanes $(LANES) --directory .run --gateway $(GATEWAY)

demo: programs ## One visit of every kind without a browser; fails when anything differs from what is expected.
	@$(DEMO)

busy-morning: programs ## 1,000 patients at 16 lanes with mishaps and faults; fails when the oracle objects.
	@$(DEMO) busy-morning $(MORNING)

pictures: programs ## Takes the pictures of every screen and page anew (needs Chromium, fonts and pngquant, which it installs).
	@.ci/install --for-pictures
	@$(DEMO) pictures

# End-to-end tests drive the programs, so these are built first. They wait more than they work, so one more of them runs
# at a time than there are processors.
test: install lint programs ## All checks and tests, end to end on real parts.
	RUST_TEST_THREADS=$$(( $$(nproc) + 1 )) cargo test --locked --workspace --no-fail-fast

# Documentation is read here with its private items, so links to these are fine.
lint: ## Format, clippy, documentation, and the licences and origins of all dependencies.
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --features madoguchi-end-to-end/line-trouble -- -D warnings
	RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' cargo doc --locked --workspace --no-deps --document-private-items --quiet
	cargo deny --log-level error check bans licenses sources

doc: ## Brings the tables of actors, rules, metrics and the self-assessment up to date with manifest and sources.
	UPDATE=1 cargo test --locked --package madoguchi-end-to-end --test readme --test rules --test metrics_table --test assessment
	UPDATE=1 cargo test --locked --package madoguchi-end-to-end --test alerts every_lasting_fault

api-test: install programs ## Requests without end that schemathesis invents for the API, API_EXAMPLES for each kind.
	MADOGUCHI_API_EXAMPLES=$(API_EXAMPLES) MADOGUCHI_API_SEED=$$(date +%s) \
		cargo test --locked --package madoguchi-end-to-end --test schemathesis -- --nocapture --test-threads 1

line-test: install programs ## Everything that befalls lines, with strongSwan between network namespaces; prints the times.
	cargo test --locked --package madoguchi-end-to-end --features line-trouble --test line --test line_trouble --test line_papers -- --nocapture --test-threads 1

alerts-test: install programs ## A real Prometheus: each lasting fault in turn makes exactly its alert fire and clear.
	MADOGUCHI_ALERTS=all cargo test --locked --package madoguchi-end-to-end --test alerts_live -- --nocapture

bench: install ## From tap to answer through the gateway, beside its floor; and how fast the page is, watched and flooded.
	cargo build --locked --release --workspace
	cargo run --locked --release --package madoguchi-bench
	cargo bench --locked --package madoguchi-offline-queue --bench durable
	cargo test --locked --release --package madoguchi -- --nocapture --test-threads 1 64_lanes
	cargo test --locked --release --package madoguchi-end-to-end --test flood -- --nocapture --test-threads 1

soak: programs ## 200 kills of the queue and of the gateway, power cuts for SOAK_MINUTES, then the demo as long.
	MADOGUCHI_KILLS=200 cargo test --locked --package madoguchi-offline-queue --test crash -- --nocapture
	MADOGUCHI_KILLS=200 cargo test --locked --package madoguchi-end-to-end --test queue_kills -- --nocapture
	MADOGUCHI_POWER_CUT_SECONDS=$$(( $(SOAK_MINUTES) * 60 )) \
		cargo test --locked --package madoguchi-offline-queue --test power_cut -- --nocapture
	@end=$$(( $$(date +%s) + $(SOAK_MINUTES) * 60 )); round=0; \
	while [ $$(date +%s) -lt $$end ]; do \
		round=$$(( round + 1 )); echo "round $$round"; \
		$(DEMO) || exit 1; \
	done; echo "$$round rounds, all as expected"

# Our code is safe Rust, so the address sanitizer would find nothing in it and halve the speed.
fuzz: fuzz-seeds ## Each decoder for FUZZ_SECONDS with mutated input (needs Rust nightly).
	@cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz
	@set -e; for target in $$($(FUZZ) list --fuzz-dir $(FUZZ_DIR)); do \
		echo "== $$target"; \
		$(FUZZ) run --fuzz-dir $(FUZZ_DIR) --sanitizer none $$target -- \
			-max_total_time=$(FUZZ_SECONDS) -max_len=70000 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1; \
	done

fuzz-seeds:
	@cargo run --quiet --package madoguchi-decoders -- $(FUZZ_DIR)/corpus

image: install ## Builds the appliance image below target/image (Debian 13; needs root).
	@.ci/install --for-image
	cargo build --locked --release --package madoguchi
	image/build

image-twice: image ## Builds the image a second time and compares the hash of its root.
	image/build --fresh --output $(abspath $(TARGET))/image/second
	image/root-hash $(TARGET)/image/release/madoguchi.efi $(TARGET)/image/second/madoguchi.efi

image-test: programs ## Builds the test variant, boots it in QEMU, has visits served, and looks at the box from within.
	@.ci/install --for-image
	cargo build --locked --release --package madoguchi
	image/build --test
	image/test

image-update-test: programs ## Updates a running box, then has a version that is not well fall back (half an hour).
	@.ci/install --for-image
	cargo build --locked --release --package madoguchi
	image/build --test
	image/build --test --version 0.2.0 --output $(abspath $(TARGET))/image/good
	image/build --ill --version 0.3.0
	image/test-update

install: ## Installs what is missing on a Debian machine with Rust.
	@.ci/install

programs:
	@.ci/install --for-running
	cargo build --locked --workspace
