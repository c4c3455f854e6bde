// What a fetch costs through the socket process, beside the same one by libcurl in this process;
// what the first one of a process costs; and what the process has of memory.
//
//     bazel run --config=opt //tests/examples/fetch:fetch_times              its template is warm
//     bazel run --config=opt //tests/examples/fetch:fetch_times -- --cold    has only loaded
//
// Medians, in microseconds. The server is in this process.
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "examples/browser_host/fetch/network_libraries.h"
#include "forkserver/model/process_templates.h"
#include "tests/examples/fetch/fetch_process.h"
#include "tests/examples/fetch/loopback_server.h"
#include "transceiver/clock.h"

namespace browser_host {
namespace {

constexpr int kTimes = 201;
constexpr int kProcesses = 21;

int64_t Micros(const std::function<void()>& what) {
  const int64_t start = forkserver::NowNanos();
  what();
  return (forkserver::NowNanos() - start) / 1000;
}

int64_t Median(const std::function<void()>& what, int times) {
  std::vector<int64_t> all;
  for (int i = 0; i < times; ++i) all.push_back(Micros(what));
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

size_t Drop(char*, size_t size, size_t count, void*) { return size * count; }

// Of libcurl, and called by nobody but this.
decltype(&curl_easy_perform) FindPerform() {
  void* const libcurl = dlopen("libcurl.so.4", RTLD_NOW | RTLD_NOLOAD);
  return reinterpret_cast<decltype(&curl_easy_perform)>(dlsym(libcurl, "curl_easy_perform"));
}

// With one connection, as the socket process has. After the fork server's start, so that its
// processes have not what is loaded here.
class Here {
 public:
  explicit Here(const std::string& ca_file) {
    Curl().easy_setopt(easy_.get(), CURLOPT_WRITEFUNCTION, Drop);
    Curl().easy_setopt(easy_.get(), CURLOPT_CAINFO, ca_file.c_str());
    Curl().easy_setopt(easy_.get(), CURLOPT_PROXY, "");
  }
  void Get(const std::string& url) {
    Curl().easy_setopt(easy_.get(), CURLOPT_URL, url.c_str());
    if (const CURLcode code = perform_(easy_.get()); code != CURLE_OK) {
      printf("%s: %s\n", url.c_str(), Curl().easy_strerror(code));
    }
  }

 private:
  const decltype(&curl_easy_perform) perform_ = FindPerform();
  const std::unique_ptr<CURL, void (*)(CURL*)> easy_{Curl().easy_init(), Curl().easy_cleanup};
};

// Its body is not read.
void Get(FetchTest& fetch, const std::string& url) {
  if (fetch.Take({.url = url}).http_status != 200) printf("%s: not fetched\n", url.c_str());
}

void PrintWarmUps(const forkserver::ForkServer& server) {
  for (const forkserver::TemplateStatus& status : server.templates()) {
    for (const auto& one : status.hello.warm_ups) {
      printf("warm-up %s: %d us, %d KiB, %d descriptors %s\n", one.name.c_str(),
             static_cast<int>(one.nanos / 1000), static_cast<int>(one.anonymous_kib),
             static_cast<int>(one.descriptors), one.error.c_str());
    }
  }
}

void PrintMemory(pid_t pid) {
  std::ifstream rollup(absl::StrFormat("/proc/%d/smaps_rollup", pid));
  std::string line;
  while (std::getline(rollup, line)) {
    if (line.starts_with("Rss:") || line.starts_with("Pss:") || line.starts_with("Private_")) {
      printf("  %s\n", line.c_str());
    }
  }
}

void PrintBoth(FetchTest& fetch, const std::string& ca_file, const char* what,
               const std::string& url) {
  Here here(ca_file);
  here.Get(url);
  Get(fetch, url);
  const int64_t in_here = Median([&] { here.Get(url); }, kTimes);
  const int64_t there = Median([&] { Get(fetch, url); }, kTimes);
  printf("%-28s here %6ld  there %6ld\n", what, in_here, there);
}

// Each in a process of its own, from its launch on.
void PrintFirst(FetchTest& fetch, const char* what, const std::string& url) {
  std::vector<int64_t> launches;
  std::vector<int64_t> fetches;
  for (int i = 0; i < kProcesses; ++i) {
    (*fetch.service().Need())->ShutDown();
    fetch.Until([&] { return fetch.service().process() == nullptr; });
    launches.push_back(Micros([&] {
      if (!fetch.service().Need().ok()) printf("not launched\n");
      fetch.Until([&] { return fetch.service().process() != nullptr; });
    }));
    fetches.push_back(Micros([&] { Get(fetch, url); }));
  }
  std::sort(launches.begin(), launches.end());
  std::sort(fetches.begin(), fetches.end());
  printf("%-28s launch %6ld  first fetch %6ld\n", what, launches[kProcesses / 2],
         fetches[kProcesses / 2]);
}

}  // namespace
}  // namespace browser_host

int main(int argc, char** argv) {
  using namespace browser_host;
  const bool is_cold = argc > 1 && strcmp(argv[1], "--cold") == 0;
  const FetchSetup network = {.ca_files = {TestCaFile("fetch_times")}};
  auto setup = FetchHostSetup(network);
  // Without the libraries it would fetch nothing.
  if (is_cold) {
    forkserver::TemplateNamed(setup.options.templates, "socket").warm_ups = {
        {"libraries", LoadNetworkLibraries}};
  }
  const auto server = forkserver::ForkServer::Start(argc, argv, std::move(setup.options));
  if (!server.ok()) {
    fprintf(stderr, "%s\n", server.status().ToString().c_str());
    return 1;
  }
  const TestAuthority authority;
  std::ofstream(network.ca_files[0]) << authority.pem();
  LoopbackServer plain;
  LoopbackServer secure({.identity = authority.Issue()});
  for (LoopbackServer* const web : {&plain, &secure}) {
    web->Serve("/small", Page{.body = std::string(2000, 'x')});
    web->Serve("/large", Page{.body = std::string(4 << 20, 'x')});
  }
  printf("%s\n", is_cold ? "cold" : "warm");
  FetchTest fetch(**server, network);
  Get(fetch, plain.Url("/small"));
  PrintWarmUps(**server);
  printf("after a fetch by http\n");
  PrintMemory(fetch.pid());
  Get(fetch, secure.Url("/small"));
  printf("after one by https\n");
  PrintMemory(fetch.pid());
  PrintFirst(fetch, "http, 2000 bytes", plain.Url("/small"));
  PrintFirst(fetch, "https, 2000 bytes", secure.Url("/small"));
  if (is_cold) return 0;
  if (absl::Status loaded = LoadNetworkLibraries(); !loaded.ok()) {
    fprintf(stderr, "%s\n", loaded.ToString().c_str());
    return 1;
  }
  for (const auto& [what, path] : {std::pair("2000 bytes", "/small"), {"4 MiB", "/large"}}) {
    PrintBoth(fetch, network.ca_files[0], absl::StrFormat("http, %s", what).c_str(),
              plain.Url(path));
    PrintBoth(fetch, network.ca_files[0], absl::StrFormat("https, %s", what).c_str(),
              secure.Url(path));
  }
  return 0;
}
