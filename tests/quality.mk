# Fuzzing, mutants, coverage and the audit of dependencies: run by hand, not by CI. Each installs
# its tool with cargo when it is missing, and says so.

.PHONY: fuzz mutants coverage audit

fuzz: ## Run each fuzz target for FUZZ_SECONDS (60); installs a nightly compiler and cargo-fuzz
	@tests/fuzz/run.sh

mutants: ## Change modbus, store and control in every small way and see which tests notice; takes hours
	@tests/mutants.sh

coverage: ## Lines of the library crates that their tests reach; installs llvm-tools and cargo-llvm-cov
	@tests/coverage.sh

audit: ## Licences, bans, sources and known vulnerabilities of all dependencies; installs cargo-deny
	@tests/audit.sh
