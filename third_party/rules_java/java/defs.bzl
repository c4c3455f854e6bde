"""Bazel's own Java rules under the names that rules_java gives them.

Bazel 4.2's tool packages load this file while toolchains are registered; nothing here is Java.
"""

java_binary = native.java_binary
java_import = native.java_import
java_library = native.java_library
java_runtime = native.java_runtime
java_toolchain = native.java_toolchain
