// The System V and POSIX objects that a namespace shares. What is made is removed again.
#include <fcntl.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include <string>

#include "tests/sandbox/answers.h"

namespace forkserver::testing {
namespace {

AttemptResult AttachSegment(const AttemptTargets& targets) {
  const void* const memory = shmat(targets.shared_memory, nullptr, SHM_RDONLY);
  if (memory == reinterpret_cast<void*>(-1)) return Refused("shmat");
  return DoneIf(memcmp(memory, targets.secret, kSecretBytes) == 0, "another segment");
}

AttemptResult MakeSegment(const AttemptTargets&) {
  const int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  if (id < 0) return Refused("shmget");
  return AnswerOf("shmctl", shmctl(id, IPC_RMID, nullptr));
}

AttemptResult MakeSemaphores(const AttemptTargets&) {
  const int id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
  if (id < 0) return Refused("semget");
  return AnswerOf("semctl", semctl(id, 0, IPC_RMID));
}

AttemptResult MakeQueue(const AttemptTargets&) {
  const int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  if (id < 0) return Refused("msgget");
  return AnswerOf("msgctl", msgctl(id, IPC_RMID, nullptr));
}

AttemptResult MakePosixQueue(const AttemptTargets&) {
  const std::string name = "/forkserver-attempt-" + std::to_string(getpid());
  mq_attr attributes = {};
  attributes.mq_maxmsg = 1;
  attributes.mq_msgsize = 16;
  const mqd_t queue =
      mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attributes);
  if (queue < 0) return Refused("mq_open");
  mq_close(queue);
  return AnswerOf("mq_unlink", mq_unlink(name.c_str()));
}

constexpr Attempt kAttempts[] = {
    {"shmat-host-segment", "Reads a secret in the host's shared memory.", AttachSegment},
    {"shmget", "Makes System V shared memory.", MakeSegment},
    {"semget", "Makes a System V semaphore.", MakeSemaphores},
    {"msgget", "Makes a System V message queue.", MakeQueue},
    {"mq-open", "Makes a POSIX message queue.", MakePosixQueue},
};

}  // namespace

std::span<const Attempt> IpcAttempts() { return kAttempts; }

}  // namespace forkserver::testing
