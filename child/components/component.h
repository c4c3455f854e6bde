// A component: a part of a program that a process has one of, and that only some types of process
// may use. The broker's client is one, and so are the prefs and each decoder.
//
//     class TextDecoder : public Component {
//      public:
//       std::string FromLatin1(std::string_view bytes) const;
//     };
//
// A ComponentTable names them and says who may use each; a process's ComponentRegistry makes them,
// owns them, and takes them down. A component is made whole: what it needs is in its factory's
// hands.
//
// Threads: those of its registry, unless it says more. After a fork: components are of one process
// and made in it.
#ifndef CHILD_COMPONENTS_COMPONENT_H_
#define CHILD_COMPONENTS_COMPONENT_H_

namespace forkserver {

class Component {
 public:
  Component() = default;
  Component(const Component&) = delete;
  Component& operator=(const Component&) = delete;
  virtual ~Component() = default;

  // Once, before it is destroyed, while all components that it was made of are still there. For
  // what a destructor cannot do: to say goodbye to somebody, to hand work back.
  virtual void CleanUp() {}
};

}  // namespace forkserver

#endif  // CHILD_COMPONENTS_COMPONENT_H_
