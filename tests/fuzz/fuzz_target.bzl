"""One fuzz target: the program for libFuzzer, and the test that replays its corpus.

    fuzz_target(name = "url", deps = [...])

takes url_fuzz.cc and corpus/url, and makes url_fuzz (has a main with --config=fuzz only) and
url_replay_test. `most_neighbours`: how many inputs beside each one of the corpus that test tries.
"""

def fuzz_target(name, deps, most_neighbours = 4000):
    native.cc_library(
        name = name + "_target",
        srcs = [name + "_fuzz.cc"],
        deps = deps + [":require"],
        alwayslink = True,
    )

    native.cc_binary(
        name = name + "_fuzz",
        tags = ["manual"],
        deps = [":%s_target" % name],
    )

    native.cc_test(
        name = name + "_replay_test",
        size = "small",
        srcs = ["replay_test.cc"],
        data = native.glob(["corpus/%s/**" % name]),
        local_defines = ["MOST_NEIGHBOURS=%d" % most_neighbours],
        deps = [
            ":%s_target" % name,
            "@debian//:googletest_main",
        ],
    )
