// A process of the benchmark's own that takes samples on request: one that holds a heap of 1 GiB
// and forks, a host whose template holds it, another language's fork server. It takes the times
// itself; what lies between it and the benchmark is outside of them.
//
//     absl::StatusOr<std::unique_ptr<Sampler>> sampler = Sampler::Start({"python3", "x.py"});
//     absl::StatusOr<double> micros = (*sampler)->Sample("ready");
//
// Lines over its stdin and stdout: it says "ok" when it is set up, then answers each request with
// a number, or with "error: why". It ends when its stdin does.
//
// Ownership: destroying it ends the process. Threads: one.
#ifndef BENCH_SAMPLER_H_
#define BENCH_SAMPLER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/heap.h"
#include "bench/row.h"
#include "forkserver/host/process.h"
#include "transceiver/unique_fd.h"

namespace bench {

class Sampler {
 public:
  // Waits for the "ok". Unavailable: there is no such program.
  static absl::StatusOr<std::unique_ptr<Sampler>> Start(const std::vector<std::string>& argv);
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;
  ~Sampler();

  absl::StatusOr<double> Sample(const std::string& request);

  const forkserver::Process& process() const { return process_; }

 private:
  Sampler(std::string name, forkserver::Process process, forkserver::UniqueFd socket);
  absl::StatusOr<std::string> ReadLine(absl::Duration timeout);

  std::string name_;
  forkserver::Process process_;
  forkserver::UniqueFd socket_;
  std::string unread_;
};

// A sampler that several rows share and the first of them starts.
class SharedSampler {
 public:
  // `needs`: where the machine has less memory than that to give, Start is Unavailable.
  SharedSampler(std::vector<std::string> argv, Mebibytes needs)
      : argv_(std::move(argv)), needs_(needs) {}

  absl::Status Start();
  absl::StatusOr<double> Sample(const std::string& request) { return sampler_->Sample(request); }

 private:
  const std::vector<std::string> argv_;
  const Mebibytes needs_;
  std::unique_ptr<Sampler> sampler_;
};

// `row` with samples from there.
Row SampledBy(std::shared_ptr<SharedSampler> sampler, std::string request, Row row);

// The other end: says "ok" and answers the requests on stdin until it ends.
void AnswerRequests(
    const std::function<absl::StatusOr<double>(const std::string& request)>& answer);

// The other end's word for that it could not be set up.
void RefuseRequests(const absl::Status& why);

}  // namespace bench

#endif  // BENCH_SAMPLER_H_
