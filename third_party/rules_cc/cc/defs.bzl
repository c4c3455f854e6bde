"""Bazel's own C++ rules under the names that rules_cc gives them.

Bazel 4.2's tool packages load this file; the rules themselves are built in.
"""

cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_proto_library = native.cc_proto_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
fdo_prefetch_hints = native.fdo_prefetch_hints
fdo_profile = native.fdo_profile
objc_import = native.objc_import
objc_library = native.objc_library

def cc_flags_supplier(**_kwargs):
    """Asked for by Bazel's tool packages; nothing here uses make variables."""

def compiler_flag(**_kwargs):
    """Asked for by Bazel's tool packages; nothing here selects by compiler."""
