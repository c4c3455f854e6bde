#include "forkserver/model/cross_origin_policy.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "forkserver/model/url.h"

namespace forkserver {
namespace {

TEST(CrossOriginPolicy, OnlySameOriginIsolates) {
  EXPECT_TRUE(IsolatesOpener("same-origin"));
  EXPECT_TRUE(IsolatesOpener("  same-origin  "));
  for (const char* value :
       {"", "same-origin-allow-popups", "unsafe-none", "noopener-allow-popups", "Same-Origin",
        "SAME-ORIGIN", "same-origin-plus-coep", "same_origin", "same-origin,same-origin",
        "same-origin, unsafe-none", "\"same-origin\"", "same-origin x", "\tsame-origin"}) {
    EXPECT_FALSE(IsolatesOpener(value)) << value;
  }
}

TEST(CrossOriginPolicy, RequireCorpAndCredentiallessIsolate) {
  EXPECT_TRUE(IsolatesEmbedded("require-corp"));
  EXPECT_TRUE(IsolatesEmbedded("credentialless"));
  for (const char* value : {"", "unsafe-none", "Require-Corp", "require-corp, require-corp",
                            "same-origin", "require corp", "credentialless-x"}) {
    EXPECT_FALSE(IsolatesEmbedded(value)) << value;
  }
}

TEST(CrossOriginPolicy, ParametersAreReadAndLeftOut) {
  for (const char* parameters :
       {";report-to=\"coop\"", "; report-to=\"a\\\"b\"", ";a", ";a;b=1", ";  a=?1", ";a=-1.5",
        ";a=:aGk=:", ";a=token/x", ";*a=1", ";a-b_c.d*=x", "; a=123456789012345"}) {
    EXPECT_TRUE(IsolatesOpener(std::string("same-origin") + parameters)) << parameters;
  }
}

TEST(CrossOriginPolicy, WhatIsNoParameterMakesTheWholeAbsent) {
  for (const char* parameters :
       {";", "; ", ";A=1", ";=1", ";a=", ";a=\"x", ";a=\"x\\y\"", ";a=?2", ";a=:x", ";a=1.",
        ";a=1.2345", ";a=1234567890123456", ";a b", " ;a", ";a=\"\xc3\xa9\"", ";a =1", ";a= 1"}) {
    EXPECT_FALSE(IsolatesOpener(std::string("same-origin") + parameters)) << parameters;
  }
}

TEST(CrossOriginPolicy, ATokenIsThatOfTheBeginning) {
  std::mt19937 random(3);
  constexpr std::string_view kBytes = "same-origin;=\"\\?:01.,* a";
  int tokens = 0;
  for (int i = 0; i < 50000; ++i) {
    std::string value = "so";
    const size_t size = random() % 12;
    for (size_t k = 0; k < size; ++k) value += kBytes[random() % kBytes.size()];
    const std::optional<std::string_view> token = TokenOfItem(value);
    if (!token) continue;
    ++tokens;
    EXPECT_TRUE(value.starts_with(*token)) << value;
    EXPECT_EQ(token->find_first_of(";=\"\\?, "), std::string_view::npos) << value;
  }
  EXPECT_GT(tokens, 1000);
}

TEST(CrossOriginPolicy, HttpComesSecurelyFromThisMachineOnly) {
  for (const char* url : {"https://a.com/", "http://localhost/", "http://a.localhost:8080/",
                          "http://127.0.0.1/", "http://127.255.1/", "http://[::1]/"}) {
    EXPECT_TRUE(CameSecurely(*Url::Parse(url))) << url;
  }
  for (const char* url : {"http://a.com/", "http://127.0.0.1.com/", "http://notlocalhost/",
                          "http://128.0.0.1/", "http://[::2]/", "ws://localhost/", "data:,x"}) {
    EXPECT_FALSE(CameSecurely(*Url::Parse(url))) << url;
  }
}

}  // namespace
}  // namespace forkserver
