"""Tests of hosts (host_test.h), which thread sanitizer sees too.

    host_test(name = "async_test", srcs = ["async_test.cc"], deps = [...])    # as cc_test

Thread sanitizer runs a thread of its own in each process, and only a process with one thread can be
a template. So in a build with it (--config=tsan) the test's host is under it, with all of the host's
threads, and its templates and children are another program: the same test, built without it, which
is there beside it as NAME.templates and which the host exec's in place of itself (other_image.cc).
"""

load("//tests/testing:other_build.bzl", "program_built_by")

_SANITIZER = "-fsanitize=thread"
_TEMPLATES = "-DFORKSERVER_TEMPLATES_OF_A_TSAN_HOST"

def _without_sanitizer(settings, _attr):
    copts = settings["//command_line_option:copt"]
    linkopts = settings["//command_line_option:linkopt"]
    return {
        "//command_line_option:copt": [one for one in copts if one != _SANITIZER] + [_TEMPLATES],
        "//command_line_option:linkopt": [one for one in linkopts if one != _SANITIZER],
    }

_templates = transition(
    implementation = _without_sanitizer,
    inputs = [
        "//command_line_option:copt",
        "//command_line_option:linkopt",
    ],
    outputs = [
        "//command_line_option:copt",
        "//command_line_option:linkopt",
    ],
)

templates_program = program_built_by(_templates)

def host_test(name, deps, data = [], **arguments):
    templates_program(
        name = name + ".templates",
        program = name,
        tags = ["manual"],
        testonly = True,
    )
    native.cc_test(
        name = name,
        data = data + select({
            "//tests/testing:under_tsan": [name + ".templates"],
            "//conditions:default": [],
        }),
        # The linker replaces functions in what it links, and not in libraries beside it.
        linkstatic = select({
            "//tests/testing:under_tsan": True,
            "//tests/testing:templates_of_tsan": True,
            "//conditions:default": False,
        }),
        deps = deps + select({
            "//tests/testing:under_tsan": ["//tests/testing:other_image"],
            "//tests/testing:templates_of_tsan": ["//tests/testing:one_build_id"],
            "//conditions:default": [],
        }),
        **arguments
    )
