#include "tests/forkserver/launcher/tested_host.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "forkserver/launcher/host_start.h"

namespace forkserver::testing {
namespace {

void WriteState(const char* path, int argc, char** argv) {
  // Before the file is open itself.
  std::vector<std::string> lines;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const std::string target = std::filesystem::read_symlink(entry.path(), error).string();
    // Its own look at itself.
    if (target.ends_with("/fd")) continue;
    lines.push_back("fd " + entry.path().filename().string() + " " + target);
  }
  for (int i = 1; i < argc; ++i) lines.push_back("argument " + std::string(argv[i]));
  for (char** entry = environ; *entry != nullptr; ++entry) {
    lines.push_back("variable " + std::string(*entry));
  }
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    for (const char* part : {"SigBlk", "SigIgn", "SigCgt", "Uid", "Gid"}) {
      if (line.starts_with(part)) lines.push_back(line);
    }
  }
  std::ifstream cgroups("/proc/self/cgroup");
  for (std::string line; std::getline(cgroups, line);) lines.push_back("cgroup " + line);
  rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  std::string oom;
  std::ifstream("/proc/self/oom_score_adj") >> oom;
  lines.push_back("cwd " + std::filesystem::current_path().string());
  lines.push_back("nice " + std::to_string(getpriority(PRIO_PROCESS, 0)));
  lines.push_back("oom_score_adj " + oom);
  lines.push_back("nofile " + std::to_string(files.rlim_cur) + " " +
                  std::to_string(files.rlim_max));
  lines.push_back("process group " + std::to_string(getpgrp()));
  lines.push_back("session " + std::to_string(getsid(0)));
  std::sort(lines.begin(), lines.end());
  std::ofstream file(path);
  for (const std::string& line : lines) file << line << "\n";
}

void DieOf(int number) {
  signal(number, SIG_DFL);
  raise(number);
  abort();
}

void Say(const std::string& line) {
  const std::string whole = line + "\n";
  if (write(STDOUT_FILENO, whole.data(), whole.size()) < 0) _exit(99);
}

void SayReady() { Say("ready " + std::to_string(getpid())); }

int SaySignals(const sigset_t& signals) {
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  SayReady();
  for (;;) {
    siginfo_t info = {};
    const int number = sigwaitinfo(&signals, &info);
    if (number < 0) continue;
    if (number == SIGQUIT) return kExitAtQuit;
    if (number == SIGTSTP) {
      Say("stopping");
      raise(SIGSTOP);
      continue;
    }
    const int value = info.si_code == SI_QUEUE ? info.si_value.sival_int : 0;
    Say("signal " + std::to_string(number) + " value " + std::to_string(value));
  }
}

int Crash(const char* path, int number, size_t most) {
  const char* safe_mode = getenv("FORKSERVER_SAFE_MODE");
  std::ofstream(path, std::ios::app) << "safe mode " << (safe_mode ? safe_mode : "-") << std::endl;
  std::ifstream file(path);
  size_t lines = 0;
  for (std::string line; std::getline(file, line);) ++lines;
  if (lines <= most) DieOf(number);
  Say("started " + std::to_string(lines));
  return 0;
}

int Main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  const int number = argc > 2 ? atoi(argv[2]) : 0;
  sigset_t signals;
  sigfillset(&signals);
  if (what == "state") {
    WriteState(argv[2], argc, argv);
    return 0;
  }
  if (what == "exit") return number;
  if (what == "raise") DieOf(number);
  if (what == "tell" || what == "tell-exit" || what == "close-stdout") {
    TellLauncherThatStartIsOver();
    TellLauncherThatStartIsOver();
  }
  if (what == "tell") DieOf(number);
  if (what == "tell-exit") return number;
  if (what == "wait" || what == "close-stdout") {
    SayReady();
    if (what == "close-stdout") close(STDOUT_FILENO);
    for (;;) pause();
  }
  if (what == "crash-at-term") {
    signal(SIGTERM, [](int) { DieOf(SIGSEGV); });
    SayReady();
    for (;;) pause();
  }
  if (what == "signals" || what == "stop-itself") return SaySignals(signals);
  if (what == "terminal") {
    sigdelset(&signals, SIGTSTP);
    return SaySignals(signals);
  }
  if (what == "crash") return Crash(argv[2], atoi(argv[3]), static_cast<size_t>(atoi(argv[4])));
  return 98;
}

}  // namespace
}  // namespace forkserver::testing

int main(int argc, char** argv) { return forkserver::testing::Main(argc, argv); }
