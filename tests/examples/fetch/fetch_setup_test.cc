// What a program says of its network, and the files that it names.
#include "examples/browser_host/fetch/fetch_setup.h"

#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "examples/browser_host/fetch/network_libraries.h"
#include "examples/browser_host/fetch/trust.h"
#include "tests/examples/fetch/certificates.h"

namespace browser_host {
namespace {

TEST(FetchSetup, IsTheSameBehindACommandLine) {
  const FetchSetup setup = {.ca_files = {"/a b.pem", "/c=d.pem"},
                            .connect_to = {"a.test:443:127.0.0.2:8443", "::[::1]:"}};
  const absl::StatusOr<FetchSetup> parsed = FetchSetup::Parse(setup.ToArguments());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->ca_files, setup.ca_files);
  EXPECT_EQ(parsed->connect_to, setup.connect_to);
  const std::vector<std::string> wrong = {"--ca-file"};
  EXPECT_EQ(FetchSetup::Parse(wrong).status().ToString(),
            "INVALID_ARGUMENT: --ca-file: no argument of a socket process");
}

std::string LoadOf(const std::string& text) {
  if (absl::Status loaded = LoadNetworkLibraries(); !loaded.ok()) return loaded.ToString();
  const std::string file = testing::TempDir() + "/ca.pem";
  std::ofstream(file) << text;
  const std::vector<std::string> files = {file};
  const absl::StatusOr<TrustStore> trust = LoadTrust(files);
  if (!trust.ok()) {
    const std::string said(trust.status().message());
    const size_t at = said.find(file);
    return at == std::string::npos ? said : said.substr(at + file.size());
  }
  return std::to_string(sk_X509_OBJECT_num(X509_STORE_get0_objects(trust->get())));
}

TEST(Trust, IsAllCertificatesOfAFile) {
  const std::string one = TestAuthority("one").pem();
  const std::string other = TestAuthority("other").pem();
  EXPECT_EQ(LoadOf(one), "1");
  EXPECT_EQ(LoadOf("words before\n" + one + "and between\n" + other + "and behind\n"), "2");
  EXPECT_EQ(LoadOf(one + one), "1");
}

TEST(Trust, OfAFileThatIsNoneIsAnError) {
  EXPECT_EQ(LoadOf(""), ": no certificate");
  EXPECT_EQ(LoadOf("no PEM at all\n"), ": no certificate");
  const std::string one = TestAuthority("one").pem();
  EXPECT_EQ(LoadOf(one + one.substr(0, one.size() / 2)), ": certificate 2 is malformed");
  std::string broken = one;
  broken.replace(60, 20, std::string(20, 'A'));
  EXPECT_EQ(LoadOf(broken), ": certificate 1 is malformed");
  const std::vector<std::string> missing = {"/nothing/here.pem"};
  EXPECT_EQ(LoadTrust(missing).status().message(), "CA file /nothing/here.pem: ENOENT");
  const std::vector<std::string> folder = {"/etc"};
  EXPECT_EQ(LoadTrust(folder).status().message(), "CA file /etc: it is no regular file");
}

// Nor is its writer waited for.
TEST(Trust, OfAPipeIsAnError) {
  if (absl::Status loaded = LoadNetworkLibraries(); !loaded.ok()) GTEST_SKIP() << loaded;
  const std::vector<std::string> pipe = {testing::TempDir() + "/pipe.pem"};
  ASSERT_EQ(mkfifo(pipe[0].c_str(), 0600), 0);
  EXPECT_EQ(LoadTrust(pipe).status().message(), "CA file " + pipe[0] + ": it is no regular file");
  unlink(pipe[0].c_str());
}

// The system's file is where it is looked for.
TEST(Trust, HasTheSystemsAuthorities) {
  const std::vector<std::string> files = {std::string(kSystemCaFile)};
  const absl::StatusOr<TrustStore> trust = LoadTrust(files);
  ASSERT_TRUE(trust.ok()) << trust.status();
  EXPECT_GT(sk_X509_OBJECT_num(X509_STORE_get0_objects(trust->get())), 50);
}

}  // namespace
}  // namespace browser_host
