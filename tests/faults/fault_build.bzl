"""Programs that are built, with all that they link, so that each raw system call goes through the
fault-injection seam (FORKSERVER_FAULTS, see transceiver/raw_syscall.h), and lists of the archives
that a library is made of.

    with_faults(name = "victim", program = ":victim_program")
    archives(name = "rooms", deps = ["//:forkserver"])        # and rooms.txt, which names them
"""

load("//tests/testing:other_build.bzl", "program_built_by")

def _add_the_seam(settings, _attr):
    return {"//command_line_option:copt": settings["//command_line_option:copt"] +
                                          ["-DFORKSERVER_FAULTS"]}

_seam = transition(
    implementation = _add_the_seam,
    inputs = ["//command_line_option:copt"],
    outputs = ["//command_line_option:copt"],
)

with_faults = program_built_by(_seam)

def _archives(ctx):
    files = []
    for dep in ctx.attr.deps:
        for linked in dep[CcInfo].linking_context.linker_inputs.to_list():
            for library in linked.libraries:
                # One of the two, as the build makes it.
                one = library.pic_static_library or library.static_library
                if one:
                    files.append(one)
    listing = ctx.actions.declare_file(ctx.label.name + ".txt")
    ctx.actions.write(listing, "".join([file.short_path + "\n" for file in files]))
    files = files + [listing]
    return [DefaultInfo(files = depset(files), runfiles = ctx.runfiles(files = files))]

archives = rule(
    implementation = _archives,
    attrs = {"deps": attr.label_list(providers = [CcInfo])},
)
