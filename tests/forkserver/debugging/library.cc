// The program that docs/debugging.md debugs: a child in a sandbox says when books came out.
//
//     library emma dune        // "emma: 1815", "dune: 1965"
//     library atlantis         // the bug: no shelf has it, and the child dies
//     library /etc/hostname    // what the child may not open
//     library --no-sandbox atlantis    // a child in a sandbox leaves no core
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "forkserver/host/fork_server.h"

namespace library {
namespace {

using forkserver::ChildContext;
using forkserver::ForkServer;
using forkserver::ProcessType;

struct Book {
  std::string_view title;
  int year;
};

constexpr Book kShelf[] = {{"emma", 1815}, {"dune", 1965}};

[[gnu::noinline]] const Book* FindBook(std::string_view title) {
  for (const Book& book : kShelf) {
    if (book.title == title) return &book;
  }
  return nullptr;
}

// The bug: a book that nobody has.
[[gnu::noinline]] int YearOf(const Book* book) { return book->year; }

class Librarian : public forkserver::ChildProgram {
 public:
  int Run(ChildContext& context) override {
    for (const std::string_view title : context.argv.subspan(1)) Answer(title);
    return 0;
  }

 private:
  [[gnu::noinline]] void Answer(std::string_view title) {
    if (title[0] == '/') {
      const int fd = open(title.data(), O_RDONLY | O_CLOEXEC);
      printf("%s: %s\n", title.data(), fd < 0 ? strerror(errno) : "open");
      return;
    }
    printf("%s: %d\n", title.data(), YearOf(FindBook(title)));
  }
};

int Main(int argc, char** argv) {
  std::vector<std::string> arguments(argv, argv + argc);
  forkserver::SandboxOptions sandbox = {.policy = forkserver::SandboxPolicyId::kUtility};
  if (argc > 1 && arguments[1] == "--no-sandbox") {
    arguments.erase(arguments.begin() + 1);
    sandbox = {};
  }
  const auto server = ForkServer::Start(
      argc, argv,
      {.programs = {{ProcessType::kUtility, forkserver::MakeChildProgram<Librarian>}},
       .templates = {
           {.name = "utility", .types = {ProcessType::kUtility}, .sandbox = std::move(sandbox)}}});
  if (!server.ok()) {
    fprintf(stderr, "library: %s\n", std::string(server.status().message()).c_str());
    return 1;
  }
  auto child = (*server)->Launch({.type = ProcessType::kUtility, .argv = std::move(arguments)});
  const auto end = child.ok() ? child->process.Wait() : child.status();
  const std::string how = end.ok() ? end->ToString() : std::string(end.status().message());
  fprintf(stderr, "library: the child %s\n", how.c_str());
  return end.ok() && end->success() ? 0 : 1;
}

}  // namespace
}  // namespace library

int main(int argc, char** argv) { return library::Main(argc, argv); }
