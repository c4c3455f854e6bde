// The sandbox's policies, by number: what tables, reports and messages name them by.
// sandbox_policy.h says what each allows.
#ifndef CHILD_SANDBOX_SANDBOX_POLICY_ID_H_
#define CHILD_SANDBOX_SANDBOX_POLICY_ID_H_

#include <stdint.h>

namespace forkserver {

// The numbers are on the wire: never reuse one.
enum class SandboxPolicyId : uint8_t {
  kNone = 0,
  kContent = 1,
  kFileContent = 2,  // content that may read what the broker allows under named folders
  kExtension = 3,
  kMedia = 4,        // GMP: media plug-ins, with DRM
  kDataDecoder = 5,  // RDD
  kUtility = 6,
  kSocket = 7,  // may use the network
  kGpu = 8,     // devices by the broker
  kVr = 9,
  kComputeOnly = 10,  // bytes in, bytes out

  kCount = 11,
};

}  // namespace forkserver

#endif  // CHILD_SANDBOX_SANDBOX_POLICY_ID_H_
