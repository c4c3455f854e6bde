// What is counted of what a page asks its parent for.
#include "examples/browser_host/resource_tally.h"

#include <gtest/gtest.h>

#include <string>

#include "examples/browser_host/page_messages.h"

namespace browser_host {
namespace {

TEST(ResourceTally, OfWhatHasComeNothingIsSaid) {
  ResourceTally tally;
  EXPECT_EQ(tally.Missing().ToString(), "");
  const absl::StatusOr<size_t> number = tally.Ask("https://a.test/x.png");
  ASSERT_TRUE(number.ok()) << number.status();
  EXPECT_TRUE(tally.Have(*number, 0).ok());
  EXPECT_EQ(tally.Missing().asked, 1u);
  EXPECT_EQ(tally.Missing().ToString(), "");
}

TEST(ResourceTally, TheFirstThatIsMissingIsNamedOnce) {
  ResourceTally tally;
  const size_t a = *tally.Ask("https://a.test/a.png");
  const size_t b = *tally.Ask("https://a.test/b.png");
  const size_t c = *tally.Ask("https://a.test/c.png");
  EXPECT_EQ(tally.Missing().ToString(),
            "3 of 3 resources, first https://a.test/a.png: did not come in time");
  tally.Miss(b, absl::NotFoundError("https://a.test/b.png: status 404"));
  EXPECT_TRUE(tally.Have(c, 1).ok());
  EXPECT_EQ(tally.Missing().ToString(), "2 of 3 resources, first https://a.test/b.png: status 404");
  tally.Miss(a, absl::NotFoundError("open a.png: ENOENT"));
  EXPECT_EQ(tally.Missing().ToString(), "2 of 3 resources, first https://a.test/b.png: status 404");
  ResourceTally other;
  other.Miss(*other.Ask("https://a.test/a.png"), absl::NotFoundError("open a.png: ENOENT"));
  EXPECT_EQ(other.Missing().ToString(),
            "1 of 1 resource, first https://a.test/a.png: open a.png: ENOENT");
}

TEST(ResourceTally, TooManyAndTooMuchAreMissing) {
  ResourceTally many;
  for (size_t i = 0; i < kMaxResourcesOfAPage; ++i) {
    EXPECT_TRUE(many.Have(*many.Ask("https://a.test/"), 0).ok());
  }
  EXPECT_EQ(many.Ask("https://a.test/last").status().message(), "too many for one page");
  EXPECT_EQ(many.Missing().ToString(),
            "1 of 1001 resources, first https://a.test/last: too many for one page");
  ResourceTally large;
  EXPECT_TRUE(large.Have(*large.Ask("https://a.test/"), kMaxResourceBytesOfAPage).ok());
  const absl::Status more = large.Have(*large.Ask("https://a.test/more"), 1);
  EXPECT_TRUE(absl::IsResourceExhausted(more)) << more;
  EXPECT_EQ(large.Missing().ToString(),
            "1 of 2 resources, first https://a.test/more: too much for one page");
}

TEST(ResourceTally, HoweverLongNamesAreTheLineIsShort) {
  const std::string url = "https://a.test/" + std::string(5000, 'x');
  for (const std::string& why : {url + ": status 404", std::string(5000, 'y')}) {
    ResourceTally tally;
    tally.Miss(*tally.Ask(url), absl::NotFoundError(why));
    EXPECT_EQ(tally.Missing().first.size(), 2 * ResourceTally::kMostNamedBytes);
  }
}

}  // namespace
}  // namespace browser_host
