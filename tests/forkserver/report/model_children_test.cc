// The processes of the model, as a report names them.
#include "forkserver/report/model_children.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "tests/forkserver/model/model_program.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) { return ModelHost(); }

namespace {

using testing::ModelTest;

HOST_TEST(ModelChildren, AreNamedAsABrowserWouldNameThem) {
  ModelTest model(server);
  const auto site = model.Open("https://a.test/");
  const auto contained = model.Open("https://a.test/", {.user_context_id = 2});
  const auto local = model.Open("file:///srv/page.html");
  const auto utility = model.Launch(ProcessType::kUtility, {.title = "fonts\n"});
  const auto dummy = model.Launch(ProcessType::kDummy);
  ASSERT_TRUE(site.ok() && contained.ok() && local.ok());
  model.Until([&] {
    return site->process->is_running() && contained->process->is_running() &&
           local->process->is_running();
  });
  const testing::PlainHost not_launched(model.parent(), ProcessType::kDummy);

  const std::vector<ReportedChild> children = ChildrenOf(model.parent());
  std::vector<std::string> names;
  const ProcessReport report = TakeProcessReport(server, children);
  std::vector<std::string> expected;
  for (const auto& [process, format] :
       {std::pair(static_cast<const ProcessHostCore*>(site->process),
                  "content>https://a.test (%d)"),
        {contained->process, "content>https://a.test (%d, container 2)"},
        {local->process, "file>Local File (%d)"},
        {utility.get(), "utility>Utility: fonts\\x0a (%d)"},
        {dummy.get(), "utility>Dummy (%d)"}}) {
    expected.push_back(
        absl::StrFormat(*absl::ParsedFormat<'d'>::New(format), process->process()->pid));
  }
  for (const ReportedProcess& one : report.processes) {
    if (one.role != ProcessRole::kChild) continue;
    names.push_back(one.template_name + ">" + one.name);
    EXPECT_TRUE(one.sample.memory.ok()) << one.sample.memory.status();
  }
  EXPECT_THAT(names, ::testing::UnorderedElementsAreArray(expected));
}

}  // namespace
}  // namespace forkserver
