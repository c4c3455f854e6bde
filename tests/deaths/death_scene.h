// One death in the host of death_host.h: who dies of what, the launches that are under way, and
// what must be seen of every death. A process is killed, or stopped; stopped, it is continued in
// the end, and has nothing to say any more.
//
//     Scene scene(server, SIGKILL, Way::kForked);
//     scene.Launch(kPage, Fate::kTemplateDied, Fate::kReady);
//     scene.Strike(scene.PidOf(kPage));
//     scene.ExpectTheHostGoesOn(kPage);
//
// A failure fails the test. Threads: the one that drives the server.
#ifndef TESTS_DEATHS_DEATH_SCENE_H_
#define TESTS_DEATHS_DEATH_SCENE_H_

#include <signal.h>
#include <stdint.h>

#include <string_view>
#include <utility>
#include <vector>

#include "tests/deaths/launches_in_flight.h"
#include "tests/testing/host_test.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {

// Whether launches are forks for themselves, blanks of a pool or of no template.
enum class Way : uint8_t { kForked, kPooled, kExeced };

// What becomes of a launch.
enum class Fate : uint8_t {
  kReady,
  kAborted,       // its child died first
  kTemplateDied,  // and it wanted to hear of that
  kReadyOrTemplateDied,
  kLate,  // its deadline passed
};

// Its child ends with status 7.
LaunchOptions LaunchBy(Way way, std::string_view template_name, WhenTemplateDies when);

class Scene {
 public:
  Scene(ForkServer& server, int signal, Way way)
      : server(server), signal(signal), way(way), launches_(server) {}

  bool stops() const { return signal == SIGSTOP; }

  // One launch of each WhenTemplateDies, whose fates are these.
  void Launch(std::string_view template_name, Fate if_fail, Fate if_again,
              absl::Duration timeout = absl::Seconds(10));
  void LaunchOne(std::string_view template_name, WhenTemplateDies when, Fate fate,
                 absl::Duration timeout);
  // Both with this fate; where their child is stopped, soon.
  void LaunchShort(std::string_view template_name, Fate fate);

  bool Serves(std::string_view template_name);
  // 0: it has no process.
  pid_t PidOf(std::string_view template_name) const;

  bool FillPool(std::string_view template_name, uint8_t count);
  // A blank of it is asked for, and nobody waits for that.
  bool AskForABlank(std::string_view template_name);
  bool EmptyPool(std::string_view template_name);

  // The death. Who is killed is dead when this returns.
  enum class IfStopped : uint8_t {
    kIsEnded,  // by the server, which hears nothing of it
    kLivesOn,
  };
  void Strike(pid_t pid, IfStopped if_stopped = IfStopped::kIsEnded);
  // The same by another's hand.
  void WasStruck(UniqueFd pidfd);

  // Each launch has its fate, each death is noticed, and the next launches work.
  void ExpectTheHostGoesOn(std::string_view template_name);

  ForkServer& server;
  const int signal;
  const Way way;

 private:
  struct Struck {
    UniqueFd pidfd;
    IfStopped if_stopped;
  };

  void ExpectNextLaunch(std::string_view template_name, LaunchWay launch_way);

  LaunchesInFlight launches_;
  std::vector<std::pair<const Told*, Fate>> fates_;
  std::vector<Struck> struck_;
};

using IfStopped = Scene::IfStopped;

}  // namespace forkserver::testing

#endif  // TESTS_DEATHS_DEATH_SCENE_H_
