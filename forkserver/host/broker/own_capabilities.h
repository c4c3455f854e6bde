// What a thread of the broker's gives up.
#ifndef FORKSERVER_HOST_BROKER_OWN_CAPABILITIES_H_
#define FORKSERVER_HOST_BROKER_OWN_CAPABILITIES_H_

namespace forkserver::broker_internal {

// Of the calling thread: its capabilities are its own (capabilities(7)). What the broker opens for
// a child must not be more than the child could have been given: with the capabilities of a host
// that is root, a child would read frame numbers in the /proc/self/pagemap that it was handed, and
// files that are nobody's business. Over its own children's memory and descriptors a parent needs
// none.
void GiveUpCapabilities();

}  // namespace forkserver::broker_internal

#endif  // FORKSERVER_HOST_BROKER_OWN_CAPABILITIES_H_
