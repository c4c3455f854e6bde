#include "child/process_image.h"

#include <string.h>
#include <unistd.h>

namespace forkserver {

std::span<char> FindTitleRoom(int argc, char** argv, char** environment) {
  if (argc < 1 || argv[0] == nullptr) return {};
  char* const begin = argv[0];
  char* end = begin;
  const auto extend = [&end](char* text) {
    if (text != end) return false;
    end = text + strlen(text) + 1;
    return true;
  };
  for (int i = 0; i < argc; ++i) {
    if (!extend(argv[i])) return {begin, end};
  }
  for (char** entry = environment; *entry != nullptr; ++entry) {
    if (!extend(*entry)) break;
  }
  return {begin, end};
}

void MoveEnvironmentToHeap() {
  size_t count = 0;
  while (environ[count] != nullptr) ++count;
  // Never freed: it is the process's environment from here on.
  char** copy = new char*[count + 1];
  for (size_t i = 0; i < count; ++i) copy[i] = strdup(environ[i]);
  copy[count] = nullptr;
  environ = copy;
}

}  // namespace forkserver
