// A template dies, alone or with what it forks, at each phase of its life, and the host goes on.
#include <sys/syscall.h>

#include <optional>
#include <string_view>

#include "tests/deaths/death_host.h"
#include "tests/deaths/death_rows.h"
#include "tests/deaths/death_scene.h"
#include "tests/deaths/held_process.h"
#include "tests/testing/host_test.h"

namespace forkserver::testing {
namespace {

// Dead and not noticed, it is found to be when it is asked.
void TemplateIdle(Scene& scene, std::string_view name, Fate if_fail = Fate::kReady) {
  ASSERT_TRUE(scene.Serves(name));
  scene.Strike(scene.PidOf(name));
  scene.Launch(name, scene.stops() ? Fate::kTemplateDied : if_fail, Fate::kReady);
}
void RootIdle(Scene& scene) { TemplateIdle(scene, "root"); }
void NestedTemplateIdle(Scene& scene) { TemplateIdle(scene, kPage); }
// Its init is its fork, and on a busy machine has its socket a moment longer than it lives.
void SandboxedTemplateIdle(Scene& scene) {
  TemplateIdle(scene, kBoxed, Fate::kReadyOrTemplateDied);
}

// Half a launch: it has read the first Fork, and the second one waits.
void TemplateBeforeItsClone(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  HeldProcess page = HeldProcess::Seize(scene.PidOf(kPage));
  page.RunTraced();
  scene.Launch(kPage, Fate::kTemplateDied, Fate::kReady);
  ASSERT_TRUE(page.HoldBefore(SYS_clone3));
  scene.Strike(page.pid());
}

// There is a child, which goes on, and nobody has told the host of it.
void TemplateAfterItsClone(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  HeldProcess page = HeldProcess::Seize(scene.PidOf(kPage));
  scene.Launch(kPage, Fate::kReady, Fate::kReady);
  const std::optional<HeldProcess> child = page.HoldNextChild();
  ASSERT_TRUE(child.has_value());
  scene.Strike(page.pid());
}

// Neither has told anybody of the child, and both die.
void TemplateAndItsChildAfterItsClone(Scene& scene, std::string_view name) {
  ASSERT_TRUE(scene.Serves(name));
  HeldProcess one = HeldProcess::Seize(scene.PidOf(name));
  scene.Launch(name, scene.stops() ? Fate::kLate : Fate::kAborted,
               scene.stops() ? Fate::kLate : Fate::kReady,
               scene.stops() ? kShort : absl::Seconds(10));
  const std::optional<HeldProcess> child = one.HoldNextChild();
  ASSERT_TRUE(child.has_value());
  scene.Strike(child->pid());
  scene.Strike(one.pid());
}
void TemplateAndChildAfterItsClone(Scene& scene) { TemplateAndItsChildAfterItsClone(scene, kPage); }
void SandboxedTemplateAndChildAfterItsClone(Scene& scene) {
  TemplateAndItsChildAfterItsClone(scene, kBoxed);
}
void InnerTemplateAndChildAfterItsClone(Scene& scene) {
  TemplateAndItsChildAfterItsClone(scene, kInner);
}

void TemplateAndItsBlankAfterItsClone(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  HeldProcess page = HeldProcess::Seize(scene.PidOf(kPage));
  ASSERT_TRUE(scene.AskForABlank(kPage));
  const std::optional<HeldProcess> blank = page.HoldNextChild();
  ASSERT_TRUE(blank.has_value());
  scene.Launch(kPage, Fate::kTemplateDied, Fate::kReady);
  scene.Strike(blank->pid());
  scene.Strike(page.pid());
  ASSERT_TRUE(scene.EmptyPool(kPage));
}

void TemplateForkingABlank(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  HeldProcess page = HeldProcess::Seize(scene.PidOf(kPage));
  page.RunTraced();
  ASSERT_TRUE(scene.AskForABlank(kPage));
  ASSERT_TRUE(page.HoldBefore(SYS_clone3));
  scene.Launch(kPage, Fate::kTemplateDied, Fate::kReady);
  scene.Strike(page.pid());
  ASSERT_TRUE(scene.EmptyPool(kPage));
}

void TemplateWithAPool(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  ASSERT_TRUE(scene.FillPool(kPage, 2));
  scene.Strike(scene.PidOf(kPage));
  // The blanks are as good as before. The pool misses them, and so hears of the death.
  scene.Launch(kPage, Fate::kReady, Fate::kReady);
}

// A first start, whose failure is told to whom it concerns, is at its gate.
bool ComesToWarmUp(Scene& scene, std::string_view name) {
  gate->Close();
  scene.Launch(name, Fate::kTemplateDied, Fate::kReady);
  return gate->WaitForArrivals(1) &&
         DispatchUntil(scene.server, [&] { return scene.PidOf(name) != 0; });
}

void TemplateWarmingUp(Scene& scene) {
  ASSERT_TRUE(ComesToWarmUp(scene, kPage));
  scene.Strike(scene.PidOf(kPage));
  gate->Open();
}

void TemplateFreezing(Scene& scene) {
  ASSERT_TRUE(ComesToWarmUp(scene, kPage));
  HeldProcess page = HeldProcess::Seize(scene.PidOf(kPage));
  page.RunTraced();
  gate->Open();
#if defined(__SANITIZE_ADDRESS__)
  ASSERT_TRUE(page.HoldBefore(SYS_sendmsg));  // nothing is frozen there: its Hello
#else
  ASSERT_TRUE(page.HoldBefore(SYS_memfd_create));
#endif
  scene.Strike(page.pid());
}

// There is the init of its children's pid namespace, and its Hello was to bring it.
void SandboxedTemplateBeforeItsHello(Scene& scene) {
  ASSERT_TRUE(ComesToWarmUp(scene, kBoxed));
  HeldProcess boxed = HeldProcess::Seize(scene.PidOf(kBoxed));
  const std::optional<HeldProcess> init = [&] {
    gate->Open();
    return boxed.HoldNextChild();
  }();
  ASSERT_TRUE(init.has_value());
  scene.Strike(boxed.pid());
}

// Who dies, which template its launches are of, and in which ways they come.
#define FORKSERVER_DEATHS(DEATH)                                     \
  DEATH(RootIdle, "root", kBothWays)                                 \
  DEATH(NestedTemplateIdle, kPage, kBothWays)                        \
  DEATH(SandboxedTemplateIdle, kBoxed, kBothWays)                    \
  DEATH(TemplateBeforeItsClone, kPage, kForkedOnly)                  \
  DEATH(TemplateAfterItsClone, kPage, kForkedOnly)                   \
  DEATH(TemplateAndChildAfterItsClone, kPage, kForkedOnly)           \
  DEATH(SandboxedTemplateAndChildAfterItsClone, kBoxed, kForkedOnly) \
  DEATH(InnerTemplateAndChildAfterItsClone, kInner, kForkedOnly)     \
  DEATH(TemplateAndItsBlankAfterItsClone, kPage, kPooledOnly)        \
  DEATH(SandboxedTemplateBeforeItsHello, kBoxed, kForkedOnly)        \
  DEATH(TemplateForkingABlank, kPage, kPooledOnly)                   \
  DEATH(TemplateWithAPool, kPage, kPooledOnly)                       \
  DEATH(TemplateWarmingUp, kPage, kForkedOnly)                       \
  DEATH(TemplateFreezing, kPage, kForkedOnly)

FORKSERVER_DEATHS(KILLED)
FORKSERVER_DEATHS(STOPPED)

}  // namespace
}  // namespace forkserver::testing
