// How a browser would show a content process: what is in it, its pid, and what sets it apart.
//
//     UserFacingName("webIsolated=https://example.com", 12345)    // "https://example.com (12345)"
//     UserFacingName("webCOOP+COEP=https://example.com^userContextId=2", 12345)
//                              // "https://example.com (12345, cross-origin isolated, container 2)"
//     UserFacingName("file^privateBrowsingId=1", 12345)  // "Local File (12345, private browsing)"
//     UserFacingName("prealloc", 12345)                  // "Preallocated (12345)"
//
// What is no remote type is shown as it is, behind OneLine: it may be anybody's text. Pure, any
// thread.
#ifndef FORKSERVER_REPORT_REMOTE_TYPE_NAME_H_
#define FORKSERVER_REPORT_REMOTE_TYPE_NAME_H_

#include <sys/types.h>

#include <string>
#include <string_view>

#include "forkserver/model/remote_type.h"

namespace forkserver {

std::string UserFacingName(const RemoteType& type, pid_t pid);
std::string UserFacingName(std::string_view remote_type, pid_t pid);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_REMOTE_TYPE_NAME_H_
