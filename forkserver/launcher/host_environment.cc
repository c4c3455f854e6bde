#include "forkserver/launcher/host_environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace forkserver {

HostEnvironment::~HostEnvironment() {
  for (size_t i = 0; i < owned_count_; ++i) free(owned_[i]);
  free(owned_);
  free(entries_);
}

bool HostEnvironment::Begin(char** inherited, size_t most_changes) {
  while (inherited[count_] != nullptr) ++count_;
  entries_ = static_cast<char**>(calloc(count_ + most_changes + 1, sizeof(char*)));
  owned_ = static_cast<char**>(calloc(most_changes + 1, sizeof(char*)));
  if (entries_ == nullptr || owned_ == nullptr) return false;
  memcpy(entries_, inherited, count_ * sizeof(char*));
  return true;
}

bool HostEnvironment::Set(const char* name, const char* value) {
  const size_t size = strlen(name) + strlen(value) + 2;
  char* entry = static_cast<char*>(malloc(size));
  if (entry == nullptr) return false;
  snprintf(entry, size, "%s=%s", name, value);
  Remove(name);
  owned_[owned_count_++] = entry;
  entries_[count_++] = entry;
  return true;
}

// An environment may name a variable twice, and programs differ in which they believe.
void HostEnvironment::Remove(const char* name) {
  const size_t length = strlen(name);
  size_t kept = 0;
  for (size_t i = 0; i < count_; ++i) {
    char* const entry = entries_[i];
    if (strncmp(entry, name, length) != 0 || entry[length] != '=') entries_[kept++] = entry;
  }
  while (count_ > kept) entries_[--count_] = nullptr;
}

bool HostEnvironment::Change(const EnvironmentChange& change) {
  if (change.value != nullptr) return Set(change.name, change.value);
  Remove(change.name);
  return true;
}

}  // namespace forkserver
