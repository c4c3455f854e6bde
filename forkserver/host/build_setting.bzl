"""A choice that is made on the command line of a build, and that a transition can make.

    bool_setting(name = "observes_launches", build_setting_default = True)

    bazel build --//forkserver/host:observes_launches=false ...
"""

def _hold(_ctx):
    return []

bool_setting = rule(
    implementation = _hold,
    build_setting = config.bool(flag = True),
)
