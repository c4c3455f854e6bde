"""Rules for a program that is built by another configuration than what asks for it.

    with_faults = program_built_by(transition(...))
    with_faults(name = "victim", program = ":victim_program")      # a link to that program
"""

def _link(ctx):
    built = ctx.attr.program[0][DefaultInfo]
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(
        output = program,
        target_file = built.files_to_run.executable,
        is_executable = True,
    )
    return [DefaultInfo(executable = program, runfiles = built.default_runfiles)]

def program_built_by(configuration):
    return rule(
        implementation = _link,
        attrs = {
            "program": attr.label(cfg = configuration, executable = True, mandatory = True),
            "_allowlist_function_transition": attr.label(
                default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
            ),
        },
        executable = True,
    )
