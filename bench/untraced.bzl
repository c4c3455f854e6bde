"""A program that is built, with all that it links, without what observes launches.

    untraced(name = "untraced_sampler", program = ":trace_sampler")
"""

load("//tests/testing:other_build.bzl", "program_built_by")

_SETTING = "//forkserver/host:observes_launches"

def _observe_nothing(_settings, _attr):
    return {_SETTING: False}

_nothing = transition(
    implementation = _observe_nothing,
    inputs = [],
    outputs = [_SETTING],
)

untraced = program_built_by(_nothing)
