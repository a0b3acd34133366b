#!/usr/bin/env python3
"""Each check of the house fails on a small bad example, and passes the good one beside it. usage: tests/gates_test.py"""
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
CHART = "Direction of includes: `base <- db, net <- tele <- core <- rooms <- app`.\n    src/base/  x\n    src/db/ x\n    src/rooms/ x: a, b\n    src/app/ x\n"
bad = 0


def say(name, good, more=""):
    global bad
    bad += not good
    print(("ok " if good else "not ok ") + name + ("" if good else f" {more}"))


def program(name):
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(ROOT, "tools", name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


def tree(files):
    folder = tempfile.TemporaryDirectory()
    for name, text in files.items():
        path = os.path.join(folder.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    return folder


def header(path, body=""):
    guard = "LF_" + path[4:].replace("/", "_").replace(".", "_").upper()
    return f"/* {os.path.basename(path)} - what it is. */\n#ifndef {guard}\n#define {guard}\n{body}#endif\n"


GOOD_ROOM = {
    "ARCHITECTURE.md": CHART, "src/rooms/a/a.c": "", "src/rooms/a/a.h": header("src/rooms/a/a.h"), "src/rooms/a/0001_a.sql": "",
    "src/rooms/meson.build": "  'a': ['0001_a.sql'],\n", "src/app/rooms.c": "&a_room,", "src/base/x.c": "", "src/db/x.c": "",
    "tests/a.mjs": "// room a\n",
}
HOUSE = [  # check, what is wrong with it, files in place of or beside the good ones, a piece of the message
    ("size", "a long file", {"src/base/x.c": ";\n" * 601}, "601 lines"),
    ("unfinished", "work left for later", {"src/base/x.c": "/* TO" + "DO: the rest */\n"}, "x.c:1"),
    ("paths", "a machine's path", {"doc/a.md": "see /work/notes\n"}, "/work"),
    ("paths", "a home folder", {"src/base/x.c": 'f("/home/me/x");\n'}, "/home"),
    ("lock", "a host in the lock file", {"web/package-lock.json": '{"packages":{"a":{"resolved":"https://x/a.tgz","integrity":"s"}}}'}, "https://x"),
    ("lock", "a package without a hash", {"web/package-lock.json": '{"packages":{"a":{"version":"1"}}}'}, "no integrity"),
    ("sql", "SQL in a room's C", {"src/rooms/a/a.c": 'f("SELECT "\n  "1");\n'}, "a.c:1"),
    ("sql", "SQL in the program", {"src/app/rooms.c": 'a_room; f("DELETE FROM t");\n'}, "rooms.c:1"),
    ("rooms", "a room that the build does not know", {"src/rooms/meson.build": ""}, "room a is missing"),
    ("rooms", "a room that the program does not know", {"src/app/rooms.c": ""}, "rooms.c"),
    ("rooms", "a migration that is not listed", {"src/rooms/a/0002_more.sql": ""}, "migrations of a"),
    ("rooms", "a gap in the migrations", {"src/rooms/a/0003_x.sql": "", "src/rooms/meson.build": "  'a': ['0001_a.sql', '0003_x.sql'],\n"}, "should be 0002"),
    ("rooms", "a room without a test", {"tests/a.mjs": ""}, "no test"),
    ("rooms", "a room without a header", {"src/rooms/b/b.c": ""}, "no b.h"),
    ("chart", "a folder that the map does not tell", {"src/extra/x.c": ""}, "src/extra/"),
    ("headers", "a header that does not say what it is", {"src/base/x.h": "#ifndef LF_BASE_X_H\n#define LF_BASE_X_H\n#endif\n"}, "x.h:1"),
    ("headers", "a guard of another header", {"src/base/x.h": header("src/base/x.h").replace("LF_BASE_X_H", "LF_Y_H")}, "guard"),
    ("told", "declarations that nothing explains", {"src/base/x.h": header("src/base/x.h", "\nint fa(int x);\nint fb(int x);\nint fc(int x);\n\n")}, "fa"),
    ("banned", "strcpy", {"src/base/x.c": "void f(char *a) { strcpy(a, b); }\n"}, "strcpy"),
    ("banned", "malloc outside base", {"src/db/x.c": "void *f(void) { return malloc(1); }\n"}, "malloc"),
    ("bilingual", "English first", {"src/base/x.c": 'f("no such thing | 没有");\n'}, "x.c:1"),
    ("bilingual", "Chinese on both sides", {"src/base/x.c": 'f("没有 | 也没有");\n'}, "x.c:1"),
    ("comments", "a comment in Chinese", {"src/base/x.c": "/* 这个函数用来计算两个日期之间的工作日数量 */\n"}, "x.c:1"),
    ("links", "a link to nowhere", {"doc/a.md": "[x](../gone.md)\n"}, "gone.md"),
    ("words", "a word in one language", {"web/src/i18n/zh.ts": "  a: 'x',\n  b: 'y',\n", "web/src/i18n/en.ts": "  a: 'x',\n"}, "b is said"),
]
LAYERS = [
    ("a lower layer knows a higher one", {"src/base/x.c": '#include "db/db.h"\n'}, "base must not know db"),
    ("neighbours know each other", {"src/db/x.c": '#include "net/http.h"\n'}, "db must not know net"),
    ("a room reads another's parts", {"src/rooms/a/a.c": '#include "rooms/b/judge.h"\n'}, "room b shows only b.h"),
    ("rooms in a circle", {"src/rooms/a/a.c": '#include "rooms/b/b.h"\n', "src/rooms/b/b.c": '#include "rooms/a/a.h"\n'}, "circle"),
    ("a room uses another's queries", {"src/rooms/a/a.c": '#include "b_sql.h"\n'}, "queries of b"),
    ("a folder's own header is used elsewhere", {"src/rooms/a/a.c": '#include "db/shape_int.h"\n'}, "its own folder"),
    ("a library away from home", {"src/core/x.c": "#include <sqlite3.h>\n"}, "belongs to db"),
    ("a folder that is no layer", {"src/extra/x.c": ""}, "no layer"),
]


def house():
    checks = program("check_house")
    run = lambda name, files: list(getattr(checks, "check_" + name)(checks.Tree(files.name)))
    names = {n[6:] for n in vars(checks) if n.startswith("check_")}
    say("every check of the house has a bad example", names == {h[0] for h in HOUSE}, names ^ {h[0] for h in HOUSE})
    with tree(GOOD_ROOM) as good:
        found = [f for n in sorted(names) for f in getattr(checks, "check_" + n)(checks.Tree(good))]
        say("house: the good example passes", not found, found)
    for name, what, files, message in HOUSE:
        folder = tree({**GOOD_ROOM, **files})
        found = run(name, folder)
        say(f"house {name}: {what}", any(message in f for f in found), found)


def layers():
    def run(files):
        with tree({"ARCHITECTURE.md": CHART, **files}) as folder:
            r = subprocess.run([os.path.join(ROOT, "tools/check_layers"), folder], capture_output=True, text=True)
            return r.returncode, r.stdout
    code, out = run({"src/rooms/a/a.c": '#include "rooms/b/b.h"\n#include "a_sql.h"\n', "src/db/x.c": '#include "base/x.h"\n#include <sqlite3.h>\n'})
    say("layers: the good example passes", code == 0, out)
    for what, files, message in LAYERS:
        code, out = run(files)
        say(f"layers: {what}", code == 1 and message in out, out)


SYMBOLS = [
    ("the good example passes", "", "", None),
    ("a function that nothing calls", "int lost(void) { return 1; }\n", "int lost(void);\n", "unused: lost"),
    ("a function that only its file knows", "int own(void) { return 1; }\nint used(void) { return own(); }\n", "int own(void);\n", "private: own"),
    ("a function for tests alone", "int probe(void) { return 1; }\n", "int probe(void);\n", "for tests: probe"),
    ("a promise that nobody keeps", "", "int gone(int a,\n         void (*f)(int));\n", "declared: src/base/x.h:5: gone"),
    ("a header that leans on another", "", "static inline size_t s(void) { return 1; }\n", "alone: src/base/x.h"),
]


def symbols():
    for what, code, promise, message in SYMBOLS:
        used = "" if "used" in code else "int used(void) { return 2; }\n"
        files = {"src/base/x.c": code + used, "src/base/x.h": header("src/base/x.h", "int used(void);\n" + promise),
                 "src/app/main.c": "int used(void);\nint main(void) { return used(); }\n",
                 "src/base/x_test.c": "int used(void), probe(void);\nint t(void);\nint t(void) { return used()" + (" + probe()" if "probe" in code else "") + "; }\n"}
        with tree(files) as folder:
            build, commands = os.path.join(folder, "build"), []
            for c in [f for f in files if f.endswith(".c")]:
                out = os.path.join(build, "src", c.replace("/", "_")[4:].replace("base_", "") + ".o")
                os.makedirs(os.path.dirname(out), exist_ok=True)
                subprocess.run(["gcc", "-w", "-c", os.path.join(folder, c), "-o", out], check=True)
                commands.append({"file": "../" + c, "directory": build, "command": "gcc -std=c17 -I../src -c ../" + c})
            with open(os.path.join(build, "compile_commands.json"), "w", encoding="utf-8") as f:
                json.dump(commands, f)
            r = subprocess.run([os.path.join(ROOT, "tools/check_symbols"), build, folder], capture_output=True, text=True)
            found = [x for x in r.stdout.splitlines() if x.startswith("not ok")]
            say("symbols: " + what, len(found) == 1 and message in found[0] if message else not found, (found, r.stderr))


house()
layers()
symbols()
sys.exit(1 if bad else 0)
