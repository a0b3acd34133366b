# Lanfan 蓝繁. `make run` starts the demonstration city, `make test` passes every test.
.PHONY: run test build web deps bench golden fuzz fmt clean soak install deb

# A newer Node.js than the machine's, when tools/deps had to get one.
export PATH := $(CURDIR)/tools/node/bin:$(PATH)

run: web build
	@build/src/app/lanfan demo --data var/demo
	@echo "starting; stop with Ctrl-C"
	@build/src/app/lanfan serve --demo --play --data var/demo

build: web
	@[ -f build/build.ninja ] || meson setup build -Dwerror=true
	@meson setup --reconfigure build >/dev/null
	ninja -C build

web: deps
	@[ -d web/node_modules ] || (cd web && npm ci --no-audit --no-fund --loglevel=error)
	@[ -f web/dist/index.html.gz ] && [ -z "$$(find web/src web/public web/index.html web/package-lock.json -newer web/dist/index.html.gz)" ] || (cd web && npm run build)

deps:
	@tools/deps

test: web
	@tools/run_tests

# make install [PREFIX=/usr/local] [DESTDIR=]
PREFIX ?= /usr/local
install: build
	@meson configure build -Dprefix=$(PREFIX)
	ninja -C build
	DESTDIR=$(DESTDIR) meson install -C build --no-rebuild

deb: build
	@meson configure build -Dprefix=/usr
	ninja -C build
	deploy/make_deb build

soak: build
	@tools/with_postgres node tests/soak.mjs build

bench: build
	meson test -C build --benchmark --verbose

golden: build
	build/src/app/golden . --write

# Ten minutes a target; SECONDS=... says another time. What is found stays in build-clang/fuzz.
SECONDS = 600
fuzz:
	@[ -f build-clang/build.ninja ] || CC=clang meson setup build-clang -Dwerror=true -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
	ninja -C build-clang
	tools/fuzz build-clang $(SECONDS)

fmt:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build build-* web/dist
