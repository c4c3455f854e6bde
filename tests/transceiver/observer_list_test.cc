// Who is told, and in which order, when observers come and go meanwhile.
#include "transceiver/observer_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace forkserver {
namespace {

TEST(ObserverList, TellsInTheOrderInWhichTheyCame) {
  ObserverList<int> list;
  std::vector<std::string> told;
  list.Add([&](int what) { told.push_back("a" + std::to_string(what)); });
  const ObserverId gone = list.Add([&](int) { told.push_back("gone"); });
  list.Add([&](int what) { told.push_back("b" + std::to_string(what)); });
  list.Remove(gone);
  list.Notify(1);
  EXPECT_EQ(told, (std::vector<std::string>{"a1", "b1"}));
}

TEST(ObserverList, OneThatIsRemovedMeanwhileIsNotCalled) {
  ObserverList<> list;
  int calls = 0;
  ObserverId second = 0;
  list.Add([&] { list.Remove(second); });
  second = list.Add([&] { ++calls; });
  list.Notify();
  EXPECT_EQ(calls, 0);
}

TEST(ObserverList, OneMayRemoveItself) {
  ObserverList<> list;
  ObserverId id = 0;
  // What it has is not destroyed under it.
  const std::vector<int> own(1000, 7);
  int calls = 0;
  int last = 0;
  id = list.Add([&list, &id, &calls, &last, own] {
    list.Remove(id);
    ++calls;
    last = own.back();
  });
  list.Notify();
  list.Notify();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(last, 7);
}

TEST(ObserverList, OneThatIsAddedMeanwhileIsCalledTheNextTime) {
  ObserverList<> list;
  int calls = 0;
  bool is_added = false;
  list.Add([&] {
    if (!is_added) list.Add([&] { ++calls; });
    is_added = true;
  });
  list.Notify();
  EXPECT_EQ(calls, 0);
  list.Notify();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace forkserver
