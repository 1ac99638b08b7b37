# The Debian packages; see packaging/build.sh for where they go.
.PHONY: package package-smoke

package: ## Debian packages for amd64 and arm64, into target/deb
	@tests/setup.sh package
	packaging/build.sh amd64
	packaging/build.sh arm64

# Install and purge in a throw-away copy of this system, then a minute of the arm64 program under
# qemu with the simulated plant. Needs root or sudo.
package-smoke: package
	$(CARGO) build --profile dist --locked -p wellhead-plant
	packaging/smoke-install.sh
	packaging/smoke-arm64.sh
